// SPDX-License-Identifier: GPL-2.0

//! Telling those who watch a file that it has changed.

use super::context::MayNotify;
use crate::{
    bindings,
    prelude::*,
    sync::{
        atomic::{
            ordering::Full,
            AtomicFlag, //
        },
        SetOnce, //
    },
};
use core::ptr::NonNull;

/// How many files can tell of the same event.
const FILES: usize = 2;

/// A change of a file, or of two, for those who wait for it.
///
/// Part of a [state](super::Controller::State), and given files of the state by
/// [`File::notified_by`](super::File::notified_by). Whoever has read such a file is told once of
/// what comes after that: poll(2) returns with `POLLPRI`, and inotify(7) reports `IN_MODIFY`.
///
/// In the root of a hierarchy, nobody is told.
pub struct Event {
    files: [SetOnce<FileRef>; FILES],
    watched: AtomicFlag,
}

impl Event {
    /// An event that has not happened yet.
    pub const fn new() -> Self {
        Self {
            files: [const { SetOnce::new() }; FILES],
            watched: AtomicFlag::new(false),
        }
    }

    /// Says that it has happened. Change what the files show before.
    pub fn notify(&self, _cx: &impl MayNotify) {
        // What the caller changed comes before the look at the mark. `watch` has it the other way
        // round.
        if self.files[0].as_ref().is_some() && self.watched.xchg(false, Full) {
            for file in self.files.iter().filter_map(SetOnce::as_ref) {
                // SAFETY: There is a reference on the file.
                unsafe { bindings::kernfs_notify(file.0.as_ptr()) };
            }
        }
    }

    /// Notes that a reader is about to look, which wants to be told of what comes later.
    pub(super) fn watch(&self) {
        // Ordered against what the reader looks at next, and against what kernfs has noted before:
        // which notifications the reader knows of. A mark that is there already orders nothing.
        self.watched.xchg(true, Full);
    }

    /// Adds a file whose watchers the event notifies.
    ///
    /// # Errors
    ///
    /// `ENOSPC` if the event has as many files as it can have.
    ///
    /// # Safety
    ///
    /// `file` must be valid.
    pub(super) unsafe fn add_file(&self, file: NonNull<bindings::kernfs_node>) -> Result {
        for place in &self.files {
            // SAFETY: By the safety requirements.
            unsafe { bindings::kernfs_get(file.as_ptr()) };
            if place.populate(FileRef(file)) {
                return Ok(());
            }
        }
        Err(ENOSPC)
    }
}

impl Default for Event {
    fn default() -> Self {
        Self::new()
    }
}

/// A reference on a file.
struct FileRef(NonNull<bindings::kernfs_node>);

// SAFETY: A reference can be given up on any thread.
unsafe impl Send for FileRef {}

// SAFETY: kernfs synchronises itself.
unsafe impl Sync for FileRef {}

impl Drop for FileRef {
    fn drop(&mut self) {
        // SAFETY: We hold the reference.
        unsafe { bindings::kernfs_put(self.0.as_ptr()) };
    }
}
