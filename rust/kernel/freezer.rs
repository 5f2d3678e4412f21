// SPDX-License-Identifier: GPL-2.0

//! Freezing tasks.
//!
//! A task freezes itself, where it can be frozen, while somebody says that it shall: system sleep,
//! control groups, or rcfs. Who says so from now on has to make a [`Request`] first, and to tell
//! the tasks in question ([`Task::freeze`]); who no longer does, has to wake them ([`Task::thaw`]).
//!
//! C header: [`include/linux/freezer.h`](srctree/include/linux/freezer.h)

use crate::{
    bindings,
    rcfs::context::MayLockTasks,
    task::Task, //
};

/// The existence of a reason for which tasks may have to freeze.
///
/// Without any, nobody looks whether he has to.
pub struct Request(());

impl Request {
    /// Makes tasks look. May sleep.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        // SAFETY: This can always be called in process context, and is taken back once.
        unsafe { bindings::freezer_active_inc() };
        Self(())
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        // SAFETY: `new` has counted it.
        unsafe { bindings::freezer_active_dec() };
    }
}

impl Task {
    /// Whether the task shall freeze, or stay frozen.
    pub fn is_freezing(&self) -> bool {
        // SAFETY: By the type invariant, the task is valid.
        unsafe { bindings::freezing(self.as_ptr()) }
    }

    /// Whether the task, which shall freeze and has been told so, runs its program no more until it
    /// is thawed: it is frozen, or waits in the kernel and freezes when it has waited.
    pub fn is_at_rest(&self) -> bool {
        // SAFETY: By the type invariant, the task is valid.
        unsafe { bindings::task_is_at_rest(self.as_ptr()) }
    }

    /// Tells the task to freeze, if it shall. Does not wait for that.
    pub fn freeze(&self, _cx: &impl MayLockTasks) {
        self.do_freeze();
    }

    // Generic functions are compiled into the module that calls them, and the kernel exports neither
    // freeze_task() nor __thaw_task().
    fn do_freeze(&self) {
        // SAFETY: By the type invariant, the task is valid.
        unsafe { bindings::freeze_task(self.as_ptr()) };
    }

    fn do_thaw(&self) {
        // SAFETY: By the type invariant, the task is valid.
        unsafe { bindings::__thaw_task(self.as_ptr()) };
    }

    /// Lets the task go on if it is frozen, unless it shall be.
    ///
    /// The caller makes sure that nobody lets it be frozen for the caller's reason meanwhile.
    pub fn thaw(&self, _cx: &impl MayLockTasks) {
        if !self.is_freezing() {
            self.do_thaw();
        }
    }
}
