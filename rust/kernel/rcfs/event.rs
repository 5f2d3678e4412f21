// SPDX-License-Identifier: GPL-2.0

//! Notifying the readers of a file of a change.

use super::{
    context::MayNotify,
    fill, //
};
use crate::{
    bindings,
    prelude::*,
    sync::atomic::{
        ordering::{
            Acquire,
            Full,
            Relaxed, //
        },
        Atomic,
        AtomicFlag, //
    },
};
use core::ptr::{
    self,
    NonNull, //
};

/// The highest number of files of one event.
const FILES: usize = 2;

/// An event that changes one or two files.
///
/// An event is a part of a [state](super::Controller::State), and is given files of the state by
/// [`File::notified_by`](super::File::notified_by). After each read of such a file, its reader is
/// notified once of an event: poll(2) returns `POLLPRI`, and inotify(7) reports `IN_MODIFY`.
///
/// There are no notifications in the root of a hierarchy.
///
/// # Invariants
///
/// The event has a reference on each file in `files`. An entry that is not NULL does not change.
pub struct Event {
    files: [Atomic<*mut bindings::kernfs_node>; FILES],
    watched: AtomicFlag,
}

impl Event {
    /// An event without files.
    pub const fn new() -> Self {
        Self {
            files: [const { Atomic::new(ptr::null_mut()) }; FILES],
            watched: AtomicFlag::new(false),
        }
    }

    /// Notifies the readers. Make the change that the files show before.
    pub fn notify(&self, _cx: &impl MayNotify) {
        // The caller has made its change before this exchange of the flag. A reader looks at the
        // change after the exchange in `watch`. So either the reader sees the change, or this sees
        // the flag.
        if !self.files[0].load(Relaxed).is_null() && self.watched.xchg(false, Full) {
            self.for_each_file(|file| {
                // SAFETY: By the type invariant, there is a reference on the file.
                unsafe { bindings::kernfs_notify(file) };
            });
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
        // SAFETY: By the safety requirements.
        unsafe { bindings::kernfs_get(file.as_ptr()) };
        for place in &self.files {
            // INVARIANT: The reference is the one from above.
            if fill(place, file.as_ptr()).is_ok() {
                return Ok(());
            }
        }
        // SAFETY: This gives back the reference from above.
        unsafe { bindings::kernfs_put(file.as_ptr()) };
        Err(ENOSPC)
    }

    fn for_each_file(&self, f: impl Fn(*mut bindings::kernfs_node)) {
        for file in self.files.iter().map(|place| place.load(Acquire)) {
            if !file.is_null() {
                f(file);
            }
        }
    }
}

impl Default for Event {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        self.for_each_file(|file| {
            // SAFETY: By the type invariant, there is a reference on the file, which nobody uses
            // any more.
            unsafe { bindings::kernfs_put(file) };
        });
    }
}
