// SPDX-License-Identifier: GPL-2.0

//! Notifying the readers of a file of a change.

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

/// The highest number of files of one event.
const FILES: usize = 2;

/// An event that changes one or two files.
///
/// An event is a part of a [state](super::Controller::State), and is given files of the state by
/// [`File::notified_by`](super::File::notified_by). After each read of such a file, its reader is
/// notified once of an event: poll(2) returns `POLLPRI`, and inotify(7) reports `IN_MODIFY`.
///
/// There are no notifications in the root of a hierarchy.
pub struct Event {
    files: [SetOnce<FileRef>; FILES],
    watched: AtomicFlag,
}

impl Event {
    /// An event without files.
    pub const fn new() -> Self {
        Self {
            files: [const { SetOnce::new() }; FILES],
            watched: AtomicFlag::new(false),
        }
    }

    /// Notifies the readers. Make the change that the files show before.
    pub fn notify(&self, _cx: &impl MayNotify) {
        // The caller has made its change before this exchange of the flag. A reader looks at the
        // change after the exchange in `watch`. So either the reader sees the change, or this sees
        // the flag.
        if self.files[0].as_ref().is_some() && self.watched.xchg(false, Full) {
            for file in self.files.iter().filter_map(SetOnce::as_ref) {
                // SAFETY: The event has a reference on the file.
                unsafe { bindings::kernfs_notify(file.0.as_ptr()) };
            }
        }
    }

    /// Notes that a reader is about to look, which is to be notified of later events.
    pub(super) fn watch(&self) {
        // This orders the note against what the reader looks at next. It also orders it against
        // what kernfs has noted before: the notifications that the reader has seen. If the flag
        // were set already and only read, there would be no order.
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

/// A counted reference on a file.
struct FileRef(NonNull<bindings::kernfs_node>);

// SAFETY: A reference can be dropped on any thread.
unsafe impl Send for FileRef {}

// SAFETY: kernfs synchronises itself.
unsafe impl Sync for FileRef {}

impl Drop for FileRef {
    fn drop(&mut self) {
        // SAFETY: This object owns the reference.
        unsafe { bindings::kernfs_put(self.0.as_ptr()) };
    }
}
