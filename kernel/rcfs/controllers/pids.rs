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

use kernel::{
    error::code::*,
    prelude::*,
    rcfs::{
        Controller,
        Event,
        File,
        Limit,
        StateRef, //
    },
    seq_file::seq_print,
    sync::atomic::{
        ordering::Relaxed,
        Atomic, //
    },
    task::Task,
};

struct Pids;

struct State {
    current: Atomic<i64>,
    peak: Atomic<i64>,
    /// More than there can be tasks if there is no limit.
    max: Atomic<i64>,
    refusals: Atomic<u64>,
    refusal: Event,
}

/// The highest limit: there are no more ids on any system (`PID_MAX_LIMIT`).
const HIGHEST: i64 = 4 << 20;
const NO_LIMIT: i64 = HIGHEST + 1;

impl State {
    fn is_full(&self) -> bool {
        self.current.load(Relaxed) >= self.max.load(Relaxed)
    }

    fn charge(&self) {
        let current = self.current.fetch_add(1i64, Relaxed) + 1;
        let mut peak = self.peak.load(Relaxed);

        while current > peak {
            match self.peak.cmpxchg(peak, current, Relaxed) {
                Ok(_) => break,
                Err(higher) => peak = higher,
            }
        }
    }

    fn uncharge(&self) {
        self.current.add(-1i64, Relaxed);
    }

    fn limit(&self) -> Limit {
        match self.max.load(Relaxed) {
            NO_LIMIT => Limit::Max,
            max => Limit::Number(max as u64),
        }
    }

    fn set_limit(&self, limit: Limit) -> Result {
        let max = match limit {
            Limit::Max => NO_LIMIT,
            Limit::Number(number) if number > HIGHEST as u64 => return Err(ERANGE),
            Limit::Number(number) => number as i64,
        };

        self.max.store(max, Relaxed);
        Ok(())
    }
}

#[vtable]
impl Controller for Pids {
    const NAME: &'static CStr = c"pids";
    type State = State;

    fn create(_parent: Option<StateRef<'_, Self>>) -> impl PinInit<State, Error> {
        Ok(State {
            current: Atomic::new(0),
            peak: Atomic::new(0),
            max: Atomic::new(NO_LIMIT),
            refusals: Atomic::new(0),
            refusal: Event::new(),
        })
    }

    fn can_fork(state: StateRef<'_, Self>) -> Result {
        // Forks are asked about one after the other, so that nobody takes the last place between
        // here and there but a task that moves, which may.
        if let Some(full) = state.below_root().find(|pids| pids.is_full()) {
            for pids in full.below_root() {
                pids.refusals.add(1u64, Relaxed);
                pids.refusal.notify();
            }
            return Err(EAGAIN);
        }
        state.below_root().for_each(|pids| pids.charge());
        Ok(())
    }

    fn cancel_fork(state: StateRef<'_, Self>) {
        state.below_root().for_each(|pids| pids.uncharge());
    }

    fn transfer(to: StateRef<'_, Self>, from: StateRef<'_, Self>, _task: &Task) {
        // For those that are above both nothing changes, not for a moment.
        let above = to.common_ancestor(from);

        to.below(above).for_each(|pids| pids.charge());
        from.below(above).for_each(|pids| pids.uncharge());
    }

    fn release(state: StateRef<'_, Self>, _task: &Task) {
        state.below_root().for_each(|pids| pids.uncharge());
    }

    fn files() -> &'static [File<Self>] {
        static FILES: [File<Pids>; 4] = [
            File::<Pids>::new(c"pids.max", |pids| pids.limit())
                .writable(|pids, limit| pids.set_limit(limit))
                .not_in_root(),
            File::<Pids>::new(c"pids.current", |pids| pids.current.load(Relaxed)).not_in_root(),
            File::<Pids>::new(c"pids.peak", |pids| pids.peak.load(Relaxed)).not_in_root(),
            File::<Pids>::seq(c"pids.events", |pids, m| {
                seq_print!(m, "max {}\n", pids.refusals.load(Relaxed));
                Ok(())
            })
            .not_in_root()
            .notified_by(|pids| &pids.refusal),
        ];

        &FILES
    }
}

kernel::module_rcfs_controller! {
    type: Pids,
    name: "rcfs_pids",
    authors: ["The rcfs maintainers"],
    description: "Controller for rcfs that limits the number of tasks",
    license: "GPL",
}
