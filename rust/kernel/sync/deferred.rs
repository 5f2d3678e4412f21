// SPDX-License-Identifier: GPL-2.0

//! Dropping values after an RCU grace period.

use crate::{
    alloc::Flags,
    bindings,
    container_of,
    prelude::*,
    types::Opaque, //
};

/// Preallocated memory for dropping a value after an RCU grace period.
///
/// It is allocated in advance, so that nothing can fail when the value is to be dropped.
///
/// # Examples
///
/// ```
/// use kernel::sync::{deferred::Deferred, Arc};
///
/// let value = Arc::new(42, GFP_KERNEL)?;
/// let deferred = Deferred::new(GFP_KERNEL)?;
/// // SAFETY: The code that drops an `Arc<i32>` is built in.
/// unsafe { deferred.drop_after_grace_period(value) };
/// # Ok::<(), Error>(())
/// ```
pub struct Deferred<T: Send + 'static>(KBox<Inner<T>>);

struct Inner<T> {
    work: Opaque<bindings::rcu_work>,
    value: Option<T>,
}

// SAFETY: The work is not queued before `drop_after_grace_period`, which consumes the object.
unsafe impl<T: Send> Send for Deferred<T> {}

// SAFETY: No method takes a shared reference.
unsafe impl<T: Send> Sync for Deferred<T> {}

impl<T: Send + 'static> Deferred<T> {
    /// Allocates the memory.
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

    /// Drops `value` when all current RCU read-side critical sections have ended. That happens in
    /// process context, where it may sleep.
    ///
    /// # Safety
    ///
    /// The code that drops a `T` must be built in. A module does not wait for its values when it is
    /// unloaded.
    pub unsafe fn drop_after_grace_period(self, value: T) {
        // SAFETY: The work is queued once. By the safety requirements, the code that it runs stays.
        unsafe { bindings::queue_rcu_work(bindings::system_dfl_wq, self.into_work(value)) };
    }

    /// Returns the work that drops `value`, for C code that queues it with `queue_rcu_work()`.
    ///
    /// The work must be queued at most once. If it is not queued, the value is leaked. As for
    /// [`drop_after_grace_period`](Self::drop_after_grace_period), the code that drops a `T` must
    /// be built in.
    pub(crate) fn into_work(self, value: T) -> *mut bindings::rcu_work {
        let mut inner = self.0;

        inner.value = Some(value);
        let inner = KBox::into_raw(inner);
        // SAFETY: The box has been leaked, so that the pointer is valid.
        let work = Opaque::cast_into(unsafe { &raw const (*inner).work });
        // SAFETY: The work is valid, and nothing else uses it yet.
        unsafe { bindings::init_rcu_work(work, Some(Self::run)) };
        work
    }

    /// # Safety
    ///
    /// `work` must be the `work` of an [`Inner<T>`] from `into_work`, which has leaked the box.
    unsafe extern "C" fn run(work: *mut bindings::work_struct) {
        // SAFETY: By the safety requirements, `work` is in an `rcu_work`, which is in an
        // `Inner<T>`.
        let inner = unsafe {
            let work = container_of!(work, bindings::rcu_work, work);
            container_of!(Opaque::cast_from(work).cast_mut(), Inner<T>, work)
        };

        // SAFETY: `into_work` has leaked the box. The work runs once.
        drop(unsafe { KBox::from_raw(inner) });
    }
}
