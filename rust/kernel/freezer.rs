// SPDX-License-Identifier: GPL-2.0

//! Freezing tasks.
//!
//! A task freezes itself at certain places in the kernel if it is told to by the system sleep code,
//! by control groups, or by rcfs. Code that is going to freeze tasks makes a [`Request`] first, and
//! then tells the tasks by [`Task::freeze`]. When there is no longer a reason to freeze the tasks,
//! it wakes them up by [`Task::thaw`].
//!
//! C header: [`include/linux/freezer.h`](srctree/include/linux/freezer.h)

use crate::{
    bindings,
    rcfs::context::MayLockTasks,
    sync::barrier,
    task::Task, //
};

/// Makes the kernel check whether tasks have to freeze, for as long as it exists.
///
/// Without a request, the check is skipped.
pub struct Request(());

impl Request {
    /// Makes a request. May sleep.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        // SAFETY: Process context is all that this requires. `drop` undoes it once.
        unsafe { bindings::freezer_active_inc() };
        Self(())
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        // SAFETY: `new` has incremented the count.
        unsafe { bindings::freezer_active_dec() };
    }
}

impl Task {
    /// Whether the task has to freeze, or to stay frozen.
    pub fn is_freezing(&self) -> bool {
        // SAFETY: By the type invariant, the task is valid.
        unsafe { bindings::freezing(self.as_ptr()) }
    }

    /// Whether a task that has been told to freeze no longer runs its program until it is thawed.
    /// Either it is frozen, or it sleeps in the kernel and will freeze when it wakes up.
    pub fn is_at_rest(&self) -> bool {
        // SAFETY: By the type invariant, the task is valid.
        unsafe { bindings::task_is_at_rest(self.as_ptr()) }
    }

    /// Tells the task to freeze, if it has to. Does not wait until it is frozen.
    pub fn freeze(&self, _cx: &impl MayLockTasks) {
        self.do_freeze();
    }

    // Generic functions are compiled into the modules that call them. The kernel does not export
    // freeze_task() and __thaw_task(), so these are called by functions that are not generic.
    fn do_freeze(&self) {
        // SAFETY: By the type invariant, the task is valid.
        unsafe { bindings::freeze_task(self.as_ptr()) };
    }

    fn do_thaw(&self) {
        // SAFETY: By the type invariant, the task is valid.
        unsafe { bindings::__thaw_task(self.as_ptr()) };
    }

    /// Wakes up the task if it is frozen and no longer has to be.
    ///
    /// The caller makes sure that its own reason to freeze the task does not come back during the
    /// call.
    pub fn thaw(&self, _cx: &impl MayLockTasks) {
        // Others may end their reason at the same time. Either they see that the one of the caller
        // has ended, or this sees theirs: pairs with the barrier in __thaw_task().
        barrier::smp_mb(barrier::Full);
        if !self.is_freezing() {
            self.do_thaw();
        }
    }
}
