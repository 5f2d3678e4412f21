// SPDX-License-Identifier: GPL-2.0

//! A limit for the number of tasks.
//!
//! A fork, or the creation of a thread, fails with `EAGAIN` if the container or an ancestor has as
//! many tasks as `pids.max` allows. `pids.current` is the number of tasks in the container and its
//! descendants. `pids.peak` is the highest number so far. `pids.events` shows how often a fork
//! failed because of the limit of the container or of a descendant.
//!
//! A task counts until it is reaped, because the limit is for ids, and a zombie has one. A
//! container with zombies can be removed. Its ancestors go on counting them.
//!
//! The limit applies to forks alone. Tasks can be moved, and limits be lowered, so that
//! `pids.current` may exceed `pids.max` until enough tasks have ended.
//!
//! There are no such files in the root, whose tasks are not counted. The sysctl
//! `kernel.threads-max` limits the number of all tasks.

use kernel::{error::code::*, prelude::*, rcfs::prelude::*, seq_file::seq_print, task::Task};

struct Pids;

/// The highest limit: no system has more ids (`PID_MAX_LIMIT`).
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

    #[inline]
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
