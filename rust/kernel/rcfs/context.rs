// SPDX-License-Identifier: GPL-2.0

//! The contexts in which hooks run, and what may be called there.
//!
//! A hook of a [`Controller`](super::Controller) is passed a token, whose type stands for a
//! context. A token has no contents and costs nothing. Functions that cannot be called in every
//! context take a token whose type implements one of the traits in this module. A call that could
//! deadlock, or sleep in the wrong place, therefore does not compile.
//!
//! | token | context | notify | spinlocks | locks of tasks | sleep |
//! | --- | --- | --- | --- | --- | --- |
//! | [`Process`] | process context | yes | yes | yes | yes |
//! | [`UnderMutex`] | process context, with the mutex of rcfs | yes | yes | yes | yes |
//! | [`UnderRcu`] | under RCU | yes | yes | yes | |
//! | [`UnderTaskLock`] | with the `task_lock` of the task | yes | yes | | |
//! | [`UnderTasklistLock`] | with the `tasklist_lock`, interrupts off | yes | | | |
//! | [`AnyContext`] | any but the following | yes | | | |
//! | [`UnderRunQueueLock`] | with the lock of a run queue, interrupts off | | | | |
//!
//! The columns are the traits [`MayNotify`], [`MayLock`], [`MayLockTasks`] and [`MaySleep`].
//!
//! Only functions of rcfs take tokens. Other functions of the kernel that may sleep compile in any
//! context, such as locking a [`kernel::sync::Mutex`](crate::sync::Mutex) or allocating with
//! `GFP_KERNEL`. `CONFIG_DEBUG_ATOMIC_SLEEP` detects such mistakes. Use [`rcfs::Mutex`] in states.
//!
//! [`rcfs::Mutex`]: super::Mutex

use core::marker::PhantomData;

mod private {
    /// Keeps other modules from implementing the traits.
    pub trait Sealed {}
}

/// A context in which [`Event::notify`](super::Event::notify) may be called.
#[diagnostic::on_unimplemented(
    message = "readers cannot be notified in the context `{Self}`",
    label = "the lock of a run queue is held here, and a wake-up takes such a lock",
    note = "count here, and notify from a hook or a file that gets another token: see rcfs::context"
)]
pub trait MayNotify: private::Sealed {}

/// A context in which spinlocks may be taken that are held elsewhere with interrupts enabled.
#[diagnostic::on_unimplemented(
    message = "no spinlock may be taken in the context `{Self}`",
    label = "an interrupt of the lock's holder may wait for a lock that is held here",
    note = "use atomics here, or do this in a hook that gets another token: see rcfs::context"
)]
pub trait MayLock: MayNotify {}

/// A context in which locks of tasks and of run queues may be taken.
#[diagnostic::on_unimplemented(
    message = "no lock of a task may be taken in the context `{Self}`",
    label = "such a lock is held here, or a lock that must be taken after it",
    note = "do this in `attach`, `fork` or a file, which get another token: see rcfs::context"
)]
pub trait MayLockTasks: MayLock {}

/// A context in which sleeping is allowed.
#[diagnostic::on_unimplemented(
    message = "nothing may sleep in the context `{Self}`",
    label = "this may sleep",
    note = "do this in `attach`, `fork`, `timer` or a file, with another token: see rcfs::context"
)]
pub trait MaySleep: MayLockTasks {}

macro_rules! tokens {
    ($($(#[$attr:meta])* $name:ident: $($may:ident)*;)*) => {
        $(
            $(#[$attr])*
            pub struct $name(PhantomData<*mut ()>);

            impl $name {
                /// Makes a token.
                ///
                /// # Safety
                ///
                /// The caller must be in this context during the lifetime of the token.
                #[inline(always)]
                pub unsafe fn new() -> Self {
                    Self(PhantomData)
                }
            }

            impl private::Sealed for $name {}
            $(impl $may for $name {})*
        )*
    }
}

tokens! {
    /// Process context, without locks of rcfs.
    Process: MayNotify MayLock MayLockTasks MaySleep;

    /// Process context, with the mutex of rcfs held. Do not wait for anything that takes the
    /// mutex, such as an access to a file of rcfs, or mount(2).
    UnderMutex: MayNotify MayLock MayLockTasks MaySleep;

    /// Under the RCU read lock, without other locks that matter here.
    UnderRcu: MayNotify MayLock MayLockTasks;

    /// Under the `task_lock` of the task that is passed to the hook.
    UnderTaskLock: MayNotify MayLock;

    /// Under the `tasklist_lock` for writing and the siglock of the current task, with interrupts
    /// disabled.
    UnderTasklistLock: MayNotify;

    /// Any context but under the lock of a run queue.
    AnyContext: MayNotify;

    /// Under the lock of a run queue with interrupts disabled, or in any context.
    UnderRunQueueLock:;
}
