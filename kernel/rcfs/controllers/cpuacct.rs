// SPDX-License-Identifier: GPL-2.0

//! CPU time accounting: how much CPU time has a container used?
//!
//! `cpuacct.usage` is the CPU time, in nanoseconds, that tasks have consumed while they were in the
//! container or in one below it, since it was made; `cpuacct.usage_percpu` says on which CPUs. What
//! a task consumed elsewhere before it was moved here does not count, and what it consumed here
//! stays when it leaves. The root counts all tasks. To write 0 to `cpuacct.usage` begins anew, in
//! that container alone.
//!
//! Time is counted while the controller is bound to a hierarchy, when the scheduler accounts it: a
//! task that is running at the moment may have used up to a tick more. What a task consumes on its
//! way out is counted until it is reaped.
//!
//! `cpuacct.stat` divides the same time into user and system time, in the proportion in which the
//! tick found tasks in their programs and in the kernel. That is as good as ticks are, and either
//! of the two may go back a little while the sum does not.

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
    /// In nanoseconds: [`USAGE`], [`USER`] and [`SYSTEM`].
    times: Counters<CpuAcct, 3>,
}

/// What the scheduler has accounted.
const USAGE: usize = 0;
/// What the tick has put down to user mode.
const USER: usize = 1;
/// What the tick has put down to the kernel.
const SYSTEM: usize = 2;

impl State {
    /// Begins anew, in this container alone, as in cgroup v1.
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
