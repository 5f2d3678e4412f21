// SPDX-License-Identifier: GPL-2.0

//! Rust sample: a controller for rcfs, the resource control file system.
//!
//! The controller "forks" gives each container a budget of forks. Once so many tasks have been
//! created in the container and in those below it, fork(2) fails there with `EAGAIN`, even if none
//! of them lives any more. Files of a container:
//!
//! - `forks.count`: how many tasks have been created in the container and below;
//! - `forks.max`: how many there may be, or "max"; not in the root;
//! - `forks.refused`: how often a fork was refused by this container or one below; poll(2) and
//!   inotify(7) tell when it changes, but in the root.
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
    rcfs::{
        Controller,
        Event,
        File,
        Limit,
        StateRef, //
    },
    sync::atomic::{
        Atomic,
        Relaxed, //
    }, //
};

/// The controller. It is a name for the compiler only: all data is in the states.
struct Forks;

/// The state: what the controller keeps for each container, the root included.
///
/// Hooks and files use it at the same time, on all CPUs, hence the atomics.
struct Budget {
    /// How many tasks have been created in the container and below.
    count: Atomic<u64>,
    /// How many there may be; `u64::MAX` for any number.
    max: Atomic<u64>,
    /// How often this budget, or one below, refused a fork.
    refused: Atomic<u64>,
    /// Tells those who wait for `refused` to change.
    changed: Event,
}

impl Budget {
    /// Takes one fork out of the budget. Returns whether there was one left.
    fn spend(&self) -> bool {
        let mut count = self.count.load(Relaxed);

        // Add only to what was compared: `count` is never more than `max` was at that moment.
        while count < self.max.load(Relaxed) {
            match self.count.cmpxchg(count, count + 1, Relaxed) {
                Ok(_) => return true,
                Err(now) => count = now,
            }
        }
        false
    }

    /// Takes back one [`spend`](Self::spend).
    fn give_back(&self) {
        self.count.fetch_sub(1, Relaxed);
    }

    fn max(&self) -> Limit {
        match self.max.load(Relaxed) {
            u64::MAX => Limit::Max,
            max => Limit::Number(max),
        }
    }

    fn set_max(&self, max: Limit) -> Result {
        let max = match max {
            Limit::Max => u64::MAX,
            Limit::Number(max) => max,
        };

        self.max.store(max, Relaxed);
        Ok(())
    }
}

#[vtable]
impl Controller for Forks {
    const NAME: &'static CStr = c"forks";
    type State = Budget;

    // For every mkdir(2), and once for the root, when the module is loaded. Containers do not
    // inherit the limit: that of the container above holds anyway.
    fn create(_parent: Option<StateRef<'_, Self>>) -> impl PinInit<Budget, Error> {
        Ok(Budget {
            count: Atomic::new(0),
            max: Atomic::new(u64::MAX),
            refused: Atomic::new(0),
            changed: Event::new(),
        })
    }

    // Spinlocks are held: no sleeping. `state` is that of the container alone. What it means for
    // the containers above is up to us: here, each of them has to have a fork left.
    fn can_fork(state: StateRef<'_, Self>) -> Result {
        for (below, budget) in state.lineage().enumerate() {
            if budget.spend() {
                continue;
            }
            // After a refusal nothing must be left: `cancel_fork` is not called for it.
            for spent in state.lineage().take(below) {
                spent.give_back();
            }
            for told in budget.lineage() {
                told.refused.add(1, Relaxed);
                told.changed.notify();
            }
            return Err(EAGAIN);
        }
        Ok(())
    }

    // We agreed, but another controller did not.
    fn cancel_fork(state: StateRef<'_, Self>) {
        for budget in state.lineage() {
            budget.give_back();
        }
    }

    // Numbers and limits are formatted, parsed and checked for us.
    fn files() -> &'static [File<Self>] {
        static FILES: [File<Forks>; 3] = [
            File::<Forks>::new(c"forks.count", |budget| budget.count.load(Relaxed)),
            File::<Forks>::new(c"forks.max", |budget| budget.max())
                .writable(|budget, max| budget.set_max(max))
                .not_in_root(),
            File::<Forks>::new(c"forks.refused", |budget| budget.refused.load(Relaxed))
                .notified_by(|budget| &budget.changed),
        ];

        &FILES
    }
}

kernel::module_rcfs_controller! {
    type: Forks,
    name: "rust_rcfs_forks",
    authors: ["The rcfs maintainers"],
    description: "Rust sample: an rcfs controller with a budget of forks",
    license: "GPL",
}
