// SPDX-License-Identifier: GPL-2.0

//! CPU time: who gets how much of it, and how much at most?
//!
//! A container is a task group of the scheduler. It competes for each CPU with what else is in the
//! container above, tasks and containers, each according to its weight. `cpu.shares` is the weight
//! of a container; that of a task with the nice level 0 is 1024. Weights mean nothing while there
//! is CPU time to spare: nobody is kept from using that.
//!
//! `cpu.cfs_quota_us` is how many microseconds the tasks of the container and of those below may
//! run in each period of `cpu.cfs_period_us`, on all CPUs together: twice the period is two CPUs.
//! Once they have used that up, they wait for the next period. A container cannot have more of its
//! period than one above has of its own, and -1 is no limit but those above. Once both files have
//! been written, the ratio is right; if that is to change, the order matters. `cpu.stat` says in
//! how many periods the container ran, in how many of them it had to wait, and for how many
//! nanoseconds, the sum over all CPUs; and how many of its tasks are scheduled by control groups.
//!
//! Do not rely on more than that:
//!
//! - Each CPU takes a slice out of the quota at a time (sysctl
//!   `kernel.sched_cfs_bandwidth_slice_us`), and a task waits when it returns to user space: a
//!   container may use more than its quota in one period, and gets less in the next.
//! - The scheduler makes a period longer that it cannot keep up with, and the quota with it.
//! - Tasks with real-time or deadline policies, and those of a BPF scheduler, are not affected.
//! - A task whose control group has the cpu controller, or is below one that has it, is scheduled
//!   there, and no limit of a container concerns it. The root is no such control group.
//! - Autogroup leaves tasks alone that are in a container. Their nice levels count among the tasks
//!   of the container.
//!
//! The root is the root task group: what is in it is scheduled as without rcfs, and has no files.

use kernel::{
    prelude::*,
    rcfs::{
        self,
        prelude::*, //
    },
    sched::TaskGroup,
    seq_file::{
        seq_print,
        SeqFile, //
    },
    sync::new_mutex,
    task::Task, //
};

struct Cpu;

#[pin_data]
struct CpuState {
    /// The root has none.
    group: Option<TaskGroup>,
    /// Each of period and quota is set together with the other, as it is.
    #[pin]
    bandwidth: rcfs::Mutex<()>,
}

impl CpuState {
    /// For files, which are not in the root.
    fn group(&self) -> Result<&TaskGroup> {
        self.group.as_ref().ok_or(EINVAL)
    }

    fn shares(&self) -> u64 {
        self.group().map_or(0, TaskGroup::shares)
    }

    fn set_shares(&self, cx: &Process, shares: u64) -> Result {
        self.group()?.set_shares(cx, shares)
    }

    fn period_us(&self) -> u64 {
        self.group().map_or(0, TaskGroup::period_us)
    }

    fn set_period_us(&self, cx: &Process, period_us: u64) -> Result {
        let group = self.group()?;
        let _guard = self.bandwidth.lock(cx);

        group.set_bandwidth(cx, period_us, group.quota_us())
    }

    fn quota_us(&self) -> i64 {
        match self.group().map(TaskGroup::quota_us) {
            Ok(Some(quota_us)) => quota_us as i64,
            _ => -1,
        }
    }

    fn set_quota_us(&self, cx: &Process, quota_us: i64) -> Result {
        let group = self.group()?;
        let quota_us = match quota_us {
            -1 => None,
            quota_us => Some(u64::try_from(quota_us).or(Err(EINVAL))?),
        };
        let _guard = self.bandwidth.lock(cx);

        group.set_bandwidth(cx, group.period_us(), quota_us)
    }
}

fn show_stat(mut cpu: Access<'_, Cpu>, m: &SeqFile) -> Result {
    let stats = cpu.group()?.stats();

    seq_print!(m, "nr_periods {}\n", stats.periods);
    seq_print!(m, "nr_throttled {}\n", stats.throttled);
    seq_print!(m, "throttled_time {}\n", stats.throttled_ns);
    // Of this container alone, as the rest: whoever reads the file of each container would look at
    // a task once for each container above it otherwise.
    let overruled = cpu.state().count_members(cpu.context(), Task::is_overruled);
    seq_print!(m, "nr_overruled {}\n", overruled);
    Ok(())
}

#[vtable]
impl Controller for Cpu {
    const NAME: &'static CStr = c"cpu";
    type State = CpuState;

    fn create(
        _cx: &mut UnderMutex,
        parent: Option<StateRef<'_, Self>>,
    ) -> impl PinInit<CpuState, Error> {
        let group = parent
            .map(|parent| TaskGroup::new(parent.group.as_ref()))
            .transpose();

        try_pin_init!(CpuState {
            group: group?,
            bandwidth <- rcfs::Mutex::new(new_mutex!(())),
        }? Error)
    }

    fn task_group<'a>(_cx: &UnderRunQueueLock, state: StateRef<'a, Self>) -> Option<&'a TaskGroup> {
        state.get().group.as_ref()
    }

    const FILES: &'static [File<Self>] = &[
        File::<Self>::new(c"cpu.shares", |cpu| cpu.shares())
            .writable(|mut cpu, shares: u64| cpu.state().get().set_shares(cpu.context(), shares))
            .not_in_root(),
        File::<Self>::new(c"cpu.cfs_period_us", |cpu| cpu.period_us())
            .writable(|mut cpu, period_us: u64| {
                cpu.state().get().set_period_us(cpu.context(), period_us)
            })
            .not_in_root(),
        File::<Self>::new(c"cpu.cfs_quota_us", |cpu| cpu.quota_us())
            .writable(|mut cpu, quota_us: i64| {
                cpu.state().get().set_quota_us(cpu.context(), quota_us)
            })
            .not_in_root(),
        File::<Self>::seq(c"cpu.stat", show_stat).not_in_root(),
    ];
}

kernel::module_rcfs_controller! {
    type: Cpu,
    name: "rcfs_cpu",
    authors: ["The rcfs maintainers"],
    description: "CPU controller for rcfs",
    license: "GPL",
}
