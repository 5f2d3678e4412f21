// SPDX-License-Identifier: GPL-2.0

//! Time: what a state does by itself, later.

use super::{
    context::Process,
    state::Node,
    Controller,
    StateRef, //
};
use crate::{
    bindings,
    prelude::*,
    sync::{
        atomic::{
            ordering::Relaxed,
            Atomic, //
        },
        Arc,
        ArcBorrow, //
    },
    time::{
        msecs_to_jiffies,
        Msecs, //
    },
    types::Opaque,
};
use core::pin::Pin;

#[repr(C)]
struct Inner<C: Controller> {
    /// First, so that [`Timer::run`] finds the rest by the work's address.
    work: Opaque<bindings::delayed_work>,
    /// From [`Arc::as_ptr`].
    node: Atomic<*mut Node<C>>,
}

/// The timer of a state: a delayed work.
///
/// # Invariants
///
/// The work has been initialised, and runs only while the node is not
/// [removed](Node::remove).
pub(super) struct Timer<C: Controller>(Pin<KBox<Inner<C>>>);

impl<C: Controller> Timer<C> {
    /// A timer that is not set.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(super) fn new() -> Result<Self> {
        let inner = KBox::pin(
            Inner {
                work: Opaque::uninit(),
                node: Atomic::new(core::ptr::null_mut()),
            },
            GFP_KERNEL,
        )?;

        // SAFETY: The work is new, and pinned.
        unsafe { bindings::rcfs_init_delayed_work(inner.work.get(), Some(Self::run)) };
        // INVARIANT: Nobody has set it.
        Ok(Self(inner))
    }

    /// Says whose timer it is, before anybody can set it.
    pub(super) fn attach(&self, node: &Arc<Node<C>>) {
        self.0.node.store(Arc::as_ptr(node).cast_mut(), Relaxed);
    }

    /// Sets the timer, unless it has been shut down.
    pub(super) fn set(&self, delay: Msecs) {
        // SAFETY: By the type invariant. `mod_delayed_work()` may be called in any context.
        unsafe {
            bindings::mod_delayed_work(
                bindings::system_dfl_wq,
                self.0.work.get(),
                msecs_to_jiffies(delay),
            )
        };
    }

    /// Lets it never run again, and waits if it does. May sleep.
    pub(super) fn shut_down(&self) {
        // SAFETY: By the type invariant.
        unsafe { bindings::disable_delayed_work_sync(self.0.work.get()) };
    }

    /// # Safety
    ///
    /// Only for the workqueue, for a work of this type.
    unsafe extern "C" fn run(work: *mut bindings::work_struct) {
        // SAFETY: The work is the first field of a delayed work, which is that of the object.
        let inner = unsafe { &*work.cast::<Inner<C>>() };
        // SAFETY: By the type invariant, the node is not removed before `shut_down` has returned.
        // The pointer is that of an `Arc`.
        let node = unsafe { ArcBorrow::from_raw(inner.node.load(Relaxed)) };
        let state = StateRef::of_borrow(node);
        // SAFETY: Workqueues run in process context.
        let cx = unsafe { &mut Process::new() };

        if let Some(delay) = C::timer(cx, state) {
            state.set_timer(cx, delay);
        }
    }
}
