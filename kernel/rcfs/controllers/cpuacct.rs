// SPDX-License-Identifier: GPL-2.0

//! CPU time accounting: how much CPU time has a container used?
//!
//! `cpuacct.usage` is the CPU time, in nanoseconds, that tasks have consumed while they were in the
//! container or in one below it, since it was made. What a task consumed elsewhere before it was
//! moved here does not count, and what it consumed here stays when it leaves. The root counts all
//! tasks.
//!
//! Time is counted while the controller is bound to a hierarchy, when the scheduler accounts it: a
//! task that is running at the moment may have used up to a tick more.

use kernel::{
    percpu::Counter,
    prelude::*,
    rcfs::{
        Controller,
        File,
        StateRef, //
    },
};

struct CpuAcct;

#[vtable]
impl Controller for CpuAcct {
    const NAME: &'static CStr = c"cpuacct";
    type State = Counter;

    fn create(_parent: Option<StateRef<'_, Self>>) -> impl PinInit<Counter, Error> {
        Counter::new()
    }

    fn charge(state: StateRef<'_, Self>, ns: u64) {
        for usage in state.lineage() {
            usage.add(ns);
        }
    }

    fn files() -> &'static [File<Self>] {
        static FILES: [File<CpuAcct>; 1] = [File::u64(c"usage", |usage| usage.sum())];

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
