// SPDX-License-Identifier: GPL-2.0

//! Limiting the number of tasks: how many may a container have?
//!
//! A fork, or the creation of a thread, fails with `EAGAIN` if there are as many tasks as
//! `pids.max` allows in the container or in one above it. Every container counts its own tasks and
//! those of the containers below (`pids.current`), and remembers the most that there ever were
//! (`pids.peak`). `pids.events` says how often a fork was refused because of the limit of the
//! container or of one below.
//!
//! A task counts until it is reaped: what runs out without a limit are ids, and a zombie has one.
//! A container that has zombies can be removed. The containers above go on counting them.
//!
//! Only forks are refused. Moving tasks is not, nor is lowering the limit: `pids.current` can be
//! more than `pids.max`, and is until enough tasks have ended.
//!
//! There are no such files in the root, whose tasks are not counted: a limit for all tasks is the
//! sysctl `kernel.threads-max`.

use kernel::{error::code::*, prelude::*, rcfs::prelude::*, seq_file::seq_print, task::Task};

struct Pids;

/// The highest limit: there are no more ids on any system (`PID_MAX_LIMIT`).
const HIGHEST: u64 = 4 << 20;

fn set_limit(tasks: &ResCounter, limit: Limit) -> Result {
    match limit {
        Limit::Number(number) if number > HIGHEST => Err(ERANGE),
        limit => tasks.set_limit(limit),
    }
}

#[vtable]
impl Controller for Pids {
    const NAME: &'static CStr = c"pids";
    type State = ResCounter;

    fn create(
        _cx: &mut UnderMutex,
        _parent: Option<StateRef<'_, Self>>,
    ) -> impl PinInit<ResCounter, Error> {
        Ok(ResCounter::new())
    }

    fn can_fork<'a>(cx: &UnderTasklistLock, state: StateRef<'a, Self>) -> Result<Charge<'a, Self>> {
        Ok(state.try_charge(cx, 1, |tasks| tasks)?)
    }

    fn transfer(
        _cx: &UnderTaskLock,
        to: StateRef<'_, Self>,
        from: StateRef<'_, Self>,
        _task: &Task,
    ) {
        to.move_charge(from, 1, |tasks| tasks);
    }

    fn release(_cx: &UnderRcu, state: StateRef<'_, Self>, _task: &Task) {
        state.uncharge(1, |tasks| tasks);
    }

    const FILES: &'static [File<Self>] = &[
        File::<Self>::new(c"pids.max", |tasks| tasks.limit())
            .writable(|tasks, limit| set_limit(&tasks, limit))
            .not_in_root(),
        File::<Self>::new(c"pids.current", |tasks| tasks.usage()).not_in_root(),
        File::<Self>::new(c"pids.peak", |tasks| tasks.peak()).not_in_root(),
        File::<Self>::seq(c"pids.events", |tasks, m| {
            seq_print!(m, "max {}\n", tasks.failcnt())
        })
        .not_in_root()
        .notified_by(|tasks| tasks.failed()),
    ];
}

kernel::module_rcfs_controller! {
    type: Pids,
    name: "rcfs_pids",
    authors: ["The rcfs maintainers"],
    description: "Controller for rcfs that limits the number of tasks",
    license: "GPL",
}
