// SPDX-License-Identifier: GPL-2.0

//! CPU time: shares and limits.
//!
//! Each container is a task group of the scheduler. On each CPU, it competes with the tasks and
//! containers in its parent, in proportion to their weights. `cpu.shares` is the weight of a
//! container. A task with the nice level 0 has the weight 1024. A weight is no limit: CPU time that
//! nothing else wants can be used.
//!
//! `cpu.cfs_quota_us` limits how many microseconds the tasks of the container and its descendants
//! may run in each period of `cpu.cfs_period_us`. All CPUs count: a quota of twice the period is
//! two CPUs. When the quota is used up, the tasks wait for the next period. A quota of -1 is no
//! limit. A container cannot be given a larger fraction of its period than an ancestor has. When
//! both files are changed, the order of the writes may matter for that. `cpu.stat` shows in how
//! many periods the container ran, in how many it was throttled, for how many nanoseconds (the sum
//! over all CPUs), and how many of its tasks are scheduled by control groups instead.
//!
//! The limits of all that:
//!
//! - Each CPU takes a slice of the quota at a time (sysctl `kernel.sched_cfs_bandwidth_slice_us`),
//!   and a task is throttled when it returns to user space. A container may therefore exceed its
//!   quota in one period. It gets less in the next.
//! - If a period is too short for the machine, the scheduler extends it, and the quota in
//!   proportion.
//! - Tasks with real-time or deadline policies, and tasks of a BPF scheduler, are not limited.
//! - A task is scheduled by its control group, if that group or a group above it has the cpu
//!   controller and is not the root. Limits of containers do not apply to such a task.
//! - Autogroup does not apply to tasks in a container. Their nice levels are relative to each
//!   other.
//!
//! The root is the root task group. Its tasks are scheduled as without rcfs, and it has no files.

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
    /// [`None`] in the root.
    group: Option<TaskGroup>,
    /// Held while period or quota changes, because both are always set together.
    #[pin]
    bandwidth: rcfs::Mutex<()>,
}

impl CpuState {
    /// The group, for files. There are none in the root.
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
    // As the other lines, this is for the container itself. If descendants were included, a
    // reader of all files would have each task looked at once for each ancestor.
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

    // A zombie keeps the state. The limit would keep that of a container above from being lowered.
    fn offline(cx: &mut UnderMutex, state: StateRef<'_, Self>) {
        if let Ok(group) = state.group() {
            // To remove a limit is always possible.
            let _ = group.set_bandwidth(cx, group.period_us(), None);
        }
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
