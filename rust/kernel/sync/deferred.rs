// SPDX-License-Identifier: GPL-2.0

//! Dropping values when RCU readers are done with them.

use crate::{
    alloc::Flags,
    bindings,
    prelude::*,
    types::Opaque, //
};

/// Room for a value that is to be dropped after an RCU grace period.
///
/// Made ahead of time, so that nothing can fail at the time of dropping.
///
/// # Examples
///
/// ```
/// use kernel::sync::{deferred::Deferred, Arc};
///
/// let value = Arc::new(42, GFP_KERNEL)?;
/// let deferred = Deferred::new(GFP_KERNEL)?;
/// // SAFETY: An `Arc<i32>` is dropped by what is built in.
/// unsafe { deferred.drop_after_grace_period(value) };
/// # Ok::<(), Error>(())
/// ```
pub struct Deferred<T: Send + 'static>(KBox<Inner<T>>);

#[repr(C)]
struct Inner<T> {
    /// First, so that [`Deferred::run`] finds the rest by the work's address.
    work: Opaque<bindings::rcu_work>,
    value: Option<T>,
}

// SAFETY: The work is not in use before `drop_after_grace_period`, which consumes the object.
unsafe impl<T: Send> Send for Deferred<T> {}

// SAFETY: There is no method that takes a shared reference.
unsafe impl<T: Send> Sync for Deferred<T> {}

impl<T: Send + 'static> Deferred<T> {
    /// Allocates the room.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub fn new(flags: Flags) -> Result<Self> {
        let inner = KBox::new(
            Inner {
                work: Opaque::uninit(),
                value: None,
            },
            flags,
        )?;

        Ok(Self(inner))
    }

    /// Drops `value` in process context, where it may sleep, once all RCU read-side critical
    /// sections that are running now have ended.
    ///
    /// # Safety
    ///
    /// The code that drops a `T` must still be there then. A module that is unloaded waits for no
    /// value of its own: this is for what is built in.
    pub unsafe fn drop_after_grace_period(self, value: T) {
        // SAFETY: The work is queued once. By the safety requirements, what it runs is there then.
        unsafe { bindings::queue_rcu_work(bindings::system_dfl_wq, self.into_work(value)) };
    }

    /// The work that drops `value`, for C code that queues it with `queue_rcu_work()`.
    ///
    /// If that never happens, the value is leaked. As for
    /// [`drop_after_grace_period`](Self::drop_after_grace_period), the code that drops a `T` must
    /// still be there when the work runs. It must be queued once only.
    pub(crate) fn into_work(self, value: T) -> *mut bindings::rcu_work {
        let mut inner = self.0;

        inner.value = Some(value);
        let work = KBox::into_raw(inner).cast::<bindings::rcu_work>();
        // SAFETY: The work is the first field, and ours.
        unsafe { bindings::init_rcu_work(work, Some(Self::run)) };
        work
    }

    /// # Safety
    ///
    /// `work` must be the `work` of an [`Inner<T>`] from `into_work`, which passes the box on.
    unsafe extern "C" fn run(work: *mut bindings::work_struct) {
        // The work is the first field of an `rcu_work`, which is the first one of `Inner`.
        //
        // SAFETY: By the safety requirements.
        drop(unsafe { KBox::from_raw(work.cast::<Inner<T>>()) });
    }
}
