// SPDX-License-Identifier: GPL-2.0

//! Where a hook runs, and what it may do there.
//!
//! A hook of a [`Controller`](super::Controller) gets a token, of a type of this module. A token
//! has no contents: it costs nothing. A function that must not be called in each context wants to
//! see a token, of a type that has one of the traits here. So what deadlocks, or sleeps where it
//! must not, does not compile.
//!
//! | token | context | notify | spinlocks | locks of tasks | sleep |
//! | --- | --- | --- | --- | --- | --- |
//! | [`Process`] | process context | yes | yes | yes | yes |
//! | [`UnderMutex`] | process context, with the mutex of rcfs | yes | yes | yes | yes |
//! | [`UnderRcu`] | under RCU | yes | yes | yes | |
//! | [`UnderTaskLock`] | with the `task_lock` of the task | yes | yes | | |
//! | [`UnderTasklistLock`] | with the `tasklist_lock`, interrupts off | yes | | | |
//! | [`AnyContext`] | any but the following one | yes | | | |
//! | [`UnderRunQueueLock`] | with the lock of a run queue, interrupts off | | | | |
//!
//! The columns are the traits [`MayNotify`], [`MayLock`], [`MayLockTasks`] and [`MaySleep`].
//!
//! The types know of functions of rcfs only. To call another function of the kernel that sleeps,
//! such as to lock a [`kernel::sync::Mutex`](crate::sync::Mutex) or to allocate with `GFP_KERNEL`,
//! compiles in any context. `CONFIG_DEBUG_ATOMIC_SLEEP` tells of that. Use [`rcfs::Mutex`] for what
//! is in a state.
//!
//! [`rcfs::Mutex`]: super::Mutex

use core::marker::PhantomData;

mod private {
    /// Nobody else makes contexts.
    pub trait Sealed {}
}

/// A context in which [`Event::notify`](super::Event::notify) may be called.
#[diagnostic::on_unimplemented(
    message = "nobody can be notified in the context `{Self}`",
    label = "the lock of a run queue is held here, which waking somebody up takes",
    note = "count here, and notify from a hook or a file that gets another token: see rcfs::context"
)]
pub trait MayNotify: private::Sealed {}

/// A context in which spinlocks may be taken that others hold with interrupts enabled.
#[diagnostic::on_unimplemented(
    message = "no spinlock may be taken in the context `{Self}`",
    label = "interrupts are disabled here: an interrupt of the holder of the lock may wait for us",
    note = "use atomics here, or do this in a hook that gets another token: see rcfs::context"
)]
pub trait MayLock: MayNotify {}

/// A context in which locks of tasks and of run queues may be taken.
#[diagnostic::on_unimplemented(
    message = "no lock of a task may be taken in the context `{Self}`",
    label = "such a lock is held here, or one that is taken inside of it",
    note = "do this in `attach`, `fork` or a file, which get another token: see rcfs::context"
)]
pub trait MayLockTasks: MayLock {}

/// A context in which one may sleep.
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
                /// A token.
                ///
                /// # Safety
                ///
                /// The caller must be in this context for as long as the token is there.
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

    /// Process context, with the mutex of rcfs. Whatever waits for that must not be waited for: the
    /// files of rcfs and mount(2), for example.
    UnderMutex: MayNotify MayLock MayLockTasks MaySleep;

    /// Under the RCU read lock, and no other lock of interest.
    UnderRcu: MayNotify MayLock MayLockTasks;

    /// Under the `task_lock` of the task that a hook is about.
    UnderTaskLock: MayNotify MayLock;

    /// Under the `tasklist_lock` for writing and the siglock of the current task, with interrupts
    /// disabled.
    UnderTasklistLock: MayNotify;

    /// In any context but that of [`UnderRunQueueLock`].
    AnyContext: MayNotify;

    /// Under the lock of a run queue, with interrupts disabled; or in a place where that could be.
    UnderRunQueueLock:;
}
