// SPDX-License-Identifier: GPL-2.0

//! CPU time accounting: how much CPU time has a container used?
//!
//! `cpuacct.usage` is the CPU time, in nanoseconds, that tasks have consumed while they were in the
//! container or in one below it, since it was made; `cpuacct.usage_percpu` says on which CPUs. What
//! a task consumed elsewhere before it was moved here does not count, and what it consumed here
//! stays when it leaves. The root counts all tasks.
//!
//! Time is counted while the controller is bound to a hierarchy, when the scheduler accounts it: a
//! task that is running at the moment may have used up to a tick more. What a task consumes on its
//! way out is counted until it is reaped.
//!
//! `cpuacct.stat` divides the same time into user and system time, in the proportion in which the
//! tick found tasks in their programs and in the kernel. That is as good as ticks are, and either
//! of the two may go back a little while the sum does not.

use kernel::{
    cpu::CpuId,
    percpu::Counter,
    prelude::*,
    rcfs::{
        self,
        Controller,
        CpuMode,
        File,
        StateRef, //
    },
    seq_file::{
        seq_print,
        SeqFile, //
    },
};

struct CpuAcct;

/// All in nanoseconds.
struct State {
    usage: Counter,
    user: Counter,
    system: Counter,
}

impl State {
    fn new() -> Result<Self> {
        Ok(Self {
            usage: Counter::new()?,
            user: Counter::new()?,
            system: Counter::new()?,
        })
    }

    fn show_usage_percpu(&self, m: &SeqFile) {
        let mut separator = "";

        self.usage.for_each_cpu(|_, usage| {
            seq_print!(m, "{separator}{usage}");
            separator = " ";
        });
        seq_print!(m, "\n");
    }

    fn show_stat(&self, m: &SeqFile) {
        let usage = self.usage.sum();
        let system = rcfs::scale(usage, self.system.sum(), self.user.sum());

        seq_print!(m, "user {}\n", rcfs::clock_ticks(usage - system));
        seq_print!(m, "system {}\n", rcfs::clock_ticks(system));
    }
}

#[vtable]
impl Controller for CpuAcct {
    const NAME: &'static CStr = c"cpuacct";
    type State = State;

    fn create(_parent: Option<StateRef<'_, Self>>) -> impl PinInit<State, Error> {
        State::new()
    }

    fn charge(state: StateRef<'_, Self>, cpu: CpuId, ns: u64) {
        for state in state.lineage() {
            state.usage.add_to(cpu, ns);
        }
    }

    fn account(state: StateRef<'_, Self>, mode: CpuMode, ns: u64) {
        for state in state.lineage() {
            match mode {
                CpuMode::User => state.user.add(ns),
                CpuMode::System => state.system.add(ns),
            }
        }
    }

    fn files() -> &'static [File<Self>] {
        static FILES: [File<CpuAcct>; 3] = [
            File::<CpuAcct>::new(c"usage", |cpu| cpu.usage.sum()),
            File::<CpuAcct>::seq(c"usage_percpu", |cpu, m| {
                cpu.show_usage_percpu(m);
                Ok(())
            }),
            File::<CpuAcct>::seq(c"stat", |cpu, m| {
                cpu.show_stat(m);
                Ok(())
            }),
        ];

        &FILES
    }
}

kernel::module_rcfs_controller! {
    type: CpuAcct,
    name: "rcfs_cpuacct",
    authors: ["The rcfs maintainers"],
    description: "CPU time accounting controller for rcfs",
    license: "GPL",
}
