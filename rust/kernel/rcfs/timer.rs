// SPDX-License-Identifier: GPL-2.0

//! Timers of states.

use super::{
    context::Process,
    state::Node,
    Controller,
    StateRef, //
};
use crate::{
    bindings, container_of,
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

struct Inner<C: Controller> {
    work: Opaque<bindings::delayed_work>,
    /// A pointer from [`Arc::as_ptr`].
    node: Atomic<*mut Node<C>>,
}

/// The timer of a state: a delayed work.
///
/// # Invariants
///
/// The work has been initialised. It does not run after the node has been [removed](Node::remove).
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
        // INVARIANT: The work has not been queued.
        Ok(Self(inner))
    }

    /// Sets the node of the timer. Call this before the timer can be set.
    pub(super) fn attach(&self, node: &Arc<Node<C>>) {
        self.0.node.store(Arc::as_ptr(node).cast_mut(), Relaxed);
    }

    /// Sets the timer, unless it has been shut down.
    pub(super) fn set(&self, delay: Msecs) {
        // SAFETY: By the type invariant, the work has been initialised. `mod_delayed_work()` may be
        // called in any context.
        unsafe {
            bindings::mod_delayed_work(
                bindings::system_dfl_wq,
                self.0.work.get(),
                msecs_to_jiffies(delay),
            )
        };
    }

    /// Stops the timer for good, and waits if it is running. May sleep.
    pub(super) fn shut_down(&self) {
        // SAFETY: By the type invariant, the work has been initialised.
        unsafe { bindings::disable_delayed_work_sync(self.0.work.get()) };
    }

    /// # Safety
    ///
    /// Only the workqueue may call this, for a work of this type.
    unsafe extern "C" fn run(work: *mut bindings::work_struct) {
        // SAFETY: By the safety requirements, `work` is in a delayed work, which is in an
        // `Inner<C>`.
        let inner = unsafe {
            let work = container_of!(work, bindings::delayed_work, work);
            &*container_of!(Opaque::cast_from(work).cast_mut(), Inner<C>, work)
        };
        // SAFETY: By the type invariant, the node is not removed before `shut_down` has returned.
        // The pointer comes from `Arc::as_ptr`.
        let node = unsafe { ArcBorrow::from_raw(inner.node.load(Relaxed)) };
        let state = StateRef::of_borrow(node);
        // SAFETY: Workqueues run in process context.
        let cx = unsafe { &mut Process::new() };

        if let Some(delay) = C::timer(cx, state) {
            state.set_timer(cx, delay);
        }
    }
}
