// SPDX-License-Identifier: GPL-2.0

//! Rust sample: a controller for rcfs, the resource control file system.
//!
//! The controller "forks" gives each container a budget of forks. When that many tasks have been
//! created in the container and its descendants, fork(2) fails there with `EAGAIN`, even if all of
//! these tasks have ended. Files of a container:
//!
//! - `forks.count`: how many tasks have been created in the container and its descendants;
//! - `forks.max`: how many tasks may be created, or "max";
//! - `forks.refused`: how often a fork failed because of the limit of this container or of a
//!   descendant; poll(2) and inotify(7) report a change.
//!
//! There are no such files in the root, whose tasks are not limited.
//!
//! To try it:
//!
//! ```sh
//! modprobe rust_rcfs_forks
//! mkdir /tmp/forks
//! mount -t rcfs -o forks none /tmp/forks
//! mkdir /tmp/forks/few
//! echo 3 >/tmp/forks/few/forks.max
//! sh -c 'echo 0 >/tmp/forks/few/procs; for i in 1 2 3 4; do (echo fork $i); done'
//! cat /tmp/forks/few/forks.refused
//! rmdir /tmp/forks/few
//! umount /tmp/forks
//! rmmod rust_rcfs_forks
//! ```
//!
//! `Documentation/core-api/rcfs-controllers.rst` walks through this file.

use kernel::{
    prelude::*,
    rcfs::prelude::*, //
};

/// The controller. The type is a mere name, and all data is in the states.
struct Forks;

/// The state: the data of the controller for one container. The root has a state, too.
///
/// Hooks and files use a state at the same time, on all CPUs. A `ResCounter` allows that.
struct Budget {
    /// Counts and limits the tasks that are created in the container and its descendants.
    forks: ResCounter,
}

#[vtable]
impl Controller for Forks {
    const NAME: &'static CStr = c"forks";
    type State = Budget;

    // Called for every mkdir(2), and once for the root, when the module is loaded. A new container
    // has no limit of its own, but the limits of its ancestors apply.
    fn create(
        _cx: &mut UnderMutex,
        _parent: Option<StateRef<'_, Self>>,
    ) -> impl PinInit<Budget, Error> {
        Ok(Budget {
            forks: ResCounter::new(),
        })
    }

    // The type of `cx` says that spinlocks are held, so this must not sleep. `state` is the state
    // of the container of the child. A charge to it is a charge to its ancestors as well.
    //
    // The returned charge needs no further care. If another controller refuses the fork, the core
    // drops the charge, which gives the amount back. Otherwise the charge stays.
    fn can_fork<'a>(cx: &UnderTasklistLock, state: StateRef<'a, Self>) -> Result<Charge<'a, Self>> {
        Ok(state.try_charge(cx, 1, |budget| &budget.forks)?)
    }

    // `File` formats, parses and checks numbers and limits.
    const FILES: &'static [File<Self>] = &[
        File::<Self>::new(c"forks.count", |budget| budget.forks.usage()).not_in_root(),
        File::<Self>::new(c"forks.max", |budget| budget.forks.limit())
            .writable(|budget, max: Limit| budget.forks.set_limit(max))
            .not_in_root(),
        File::<Self>::new(c"forks.refused", |budget| budget.forks.failcnt())
            .notified_by(|budget| budget.forks.failed())
            .not_in_root(),
    ];
}

kernel::module_rcfs_controller! {
    type: Forks,
    name: "rust_rcfs_forks",
    authors: ["The rcfs maintainers"],
    description: "Rust sample: an rcfs controller with a budget of forks",
    license: "GPL",
}
