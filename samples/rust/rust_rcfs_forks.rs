// SPDX-License-Identifier: GPL-2.0

//! Rust sample: a controller for rcfs, the resource control file system.
//!
//! The controller "forks" gives each container a budget of forks. Once so many tasks have been
//! created in the container and in those below it, fork(2) fails there with `EAGAIN`, even if none
//! of them lives any more. Files of a container:
//!
//! - `forks.count`: how many tasks have been created in the container and below;
//! - `forks.max`: how many there may be, or "max";
//! - `forks.refused`: how often a fork was refused by this container or one below; poll(2) and
//!   inotify(7) tell when it changes.
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

/// The controller. It is a name for the compiler only: all data is in the states.
struct Forks;

/// The state: what the controller keeps for each container, the root included.
///
/// Hooks and files use it at the same time, on all CPUs. A `ResCounter` is made for that.
struct Budget {
    /// How many tasks have been created in the container and below, and how many there may be.
    forks: ResCounter,
}

#[vtable]
impl Controller for Forks {
    const NAME: &'static CStr = c"forks";
    type State = Budget;

    // For every mkdir(2), and once for the root, when the module is loaded. Containers do not
    // inherit the limit: that of the container above holds anyway.
    fn create(
        _cx: &mut UnderMutex,
        _parent: Option<StateRef<'_, Self>>,
    ) -> impl PinInit<Budget, Error> {
        Ok(Budget {
            forks: ResCounter::new(),
        })
    }

    // Spinlocks are held, as the type of `cx` says: no sleeping. `state` is that of the container
    // that the child would be in. What it is charged with is charged to the containers above, too.
    //
    // Whoever returns a charge need not think of what comes later: if another controller refuses
    // the fork, the charge is dropped, and given back by that. If not, it stays.
    fn can_fork<'a>(cx: &UnderTasklistLock, state: StateRef<'a, Self>) -> Result<Charge<'a, Self>> {
        Ok(state.try_charge(cx, 1, |budget| &budget.forks)?)
    }

    // Numbers and limits are formatted, parsed and checked for us.
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
