// SPDX-License-Identifier: GPL-2.0

//! CPU time accounting.
//!
//! `cpuacct.usage` is the CPU time, in nanoseconds, that tasks have used in the container and its
//! descendants since the container was made. `cpuacct.usage_percpu` shows it for each CPU. When a
//! task moves, the time that it has used stays where it was used. The root counts all tasks.
//! Writing 0 to `cpuacct.usage` resets the numbers of that container alone.
//!
//! Time is counted while the controller is bound to a hierarchy, at the moments at which the
//! scheduler accounts it: a running task may have used up to one tick more. The time of an exiting
//! task is counted until it is reaped.
//!
//! `cpuacct.stat` divides the same time into user and system time, in the proportion of the ticks
//! that found tasks in user mode and in the kernel. It is as precise as ticks are. One of the two
//! numbers may decrease a little, while their sum does not.

use kernel::{
    error::code::*,
    percpu::PossibleCpu,
    prelude::*,
    rcfs::{
        self,
        prelude::*,
        Counters, //
    },
    seq_file::{
        seq_print,
        SeqFile, //
    },
};

struct CpuAcct;

struct State {
    /// [`USAGE`], [`USER`] and [`SYSTEM`], in nanoseconds.
    times: Counters<CpuAcct, 3>,
}

/// The time that the scheduler has accounted.
const USAGE: usize = 0;
/// The time that the tick has accounted as user time.
const USER: usize = 1;
/// The time that the tick has accounted as system time.
const SYSTEM: usize = 2;

impl State {
    /// Resets the numbers of this container alone, as cgroup v1 does. `usage` must be 0.
    fn reset_to(&self, usage: u64) -> Result {
        if usage != 0 {
            return Err(EINVAL);
        }
        self.times.reset::<USAGE>();
        self.times.reset::<USER>();
        self.times.reset::<SYSTEM>();
        Ok(())
    }

    fn show_usage_percpu(&self, m: &SeqFile) {
        let mut separator = "";

        self.times.for_each_cpu::<USAGE>(|_, usage| {
            seq_print!(m, "{separator}{usage}");
            separator = " ";
        });
        seq_print!(m, "\n");
    }

    fn show_stat(&self, m: &SeqFile) {
        let usage = self.times.sum::<USAGE>();
        let (user, system) = (self.times.sum::<USER>(), self.times.sum::<SYSTEM>());
        let system = rcfs::scale(usage, system, user);

        seq_print!(m, "user {}\n", rcfs::clock_ticks(usage - system));
        seq_print!(m, "system {}\n", rcfs::clock_ticks(system));
    }
}

#[vtable]
impl Controller for CpuAcct {
    const NAME: &'static CStr = c"cpuacct";
    type State = State;

    fn create(
        _cx: &mut UnderMutex,
        parent: Option<StateRef<'_, Self>>,
    ) -> impl PinInit<State, Error> {
        Ok(State {
            times: Counters::new(parent, |cpu| &cpu.times)?,
        })
    }

    fn charge(_cx: &UnderRunQueueLock, state: StateRef<'_, Self>, cpu: PossibleCpu, ns: u64) {
        state.times.add_to::<USAGE>(cpu, ns);
    }

    fn account(_cx: &UnderRunQueueLock, state: StateRef<'_, Self>, mode: CpuMode, ns: u64) {
        match mode {
            CpuMode::User => state.times.add::<USER>(ns),
            CpuMode::System => state.times.add::<SYSTEM>(ns),
        }
    }

    const FILES: &'static [File<Self>] = &[
        File::<Self>::new(c"cpuacct.usage", |cpu| cpu.times.sum::<USAGE>())
            .writable(|cpu, usage: u64| cpu.reset_to(usage)),
        File::<Self>::seq(c"cpuacct.usage_percpu", |cpu, m| cpu.show_usage_percpu(m)),
        File::<Self>::seq(c"cpuacct.stat", |cpu, m| cpu.show_stat(m)),
    ];
}

kernel::module_rcfs_controller! {
    type: CpuAcct,
    name: "rcfs_cpuacct",
    authors: ["The rcfs maintainers"],
    description: "CPU time accounting controller for rcfs",
    license: "GPL",
}
