// SPDX-License-Identifier: GPL-2.0

//! Task groups of the scheduler, and nice values.
//!
//! C header: [`include/linux/sched/rcfs.h`](srctree/include/linux/sched/rcfs.h)

use crate::{
    bindings,
    prelude::*,
    rcfs::context::MayLockTasks,
    task::Task, //
};
#[cfg(CONFIG_RCFS_TASK_GROUP)]
use crate::{
    error::{
        from_err_ptr,
        to_result, //
    },
    rcfs::context::MaySleep,
    sync::rcu, //
};
#[cfg(CONFIG_RCFS_TASK_GROUP)]
use core::{
    mem::MaybeUninit,
    ptr::{
        self,
        NonNull, //
    }, //
};

/// A group of tasks that the scheduler treats as one.
///
/// On each CPU, a group competes for CPU time with the tasks and groups in its parent. What it gets
/// is divided among the tasks and groups in it. Groups apply to tasks with the policies
/// `SCHED_NORMAL`, `SCHED_BATCH` and `SCHED_IDLE`.
///
/// [`rcfs::Controller::task_group`] determines the group of a task.
///
/// To drop a group may sleep. Its memory is freed when the scheduler no longer uses it.
///
/// [`rcfs::Controller::task_group`]: crate::rcfs::Controller::task_group
///
/// # Examples
///
/// ```
/// use kernel::{
///     rcfs::context::Process,
///     sched::TaskGroup, //
/// };
///
/// let above = TaskGroup::new(None)?;
/// let group = TaskGroup::new(Some(&above))?;
/// drop(above);
/// assert_eq!(group.shares(), 1024);
/// // SAFETY: This is process context. Hooks and files are passed a token.
/// let cx = unsafe { &Process::new() };
/// group.set_shares(cx, 512)?;
/// assert_eq!(group.shares(), 512);
/// assert_eq!(group.set_shares(cx, 1), Err(ERANGE));
///
/// assert_eq!(group.quota_us(), None);
/// group.set_bandwidth(cx, 10_000, Some(5_000))?;
/// assert_eq!((group.period_us(), group.quota_us()), (10_000, Some(5_000)));
/// # Ok::<(), Error>(())
/// ```
///
/// # Invariants
///
/// The pointer is a task group that `sched_rcfs_create_group()` has returned. This object owns it.
#[cfg(CONFIG_RCFS_TASK_GROUP)]
pub struct TaskGroup(NonNull<bindings::task_group>);

#[cfg(CONFIG_RCFS_TASK_GROUP)]
// SAFETY: A task group can be used and freed on any thread.
unsafe impl Send for TaskGroup {}

#[cfg(CONFIG_RCFS_TASK_GROUP)]
// SAFETY: All functions that take a task group do their own locking.
unsafe impl Sync for TaskGroup {}

#[cfg(CONFIG_RCFS_TASK_GROUP)]
impl Drop for TaskGroup {
    fn drop(&mut self) {
        // SAFETY: By the type invariant, this object owns the group. Groups below it have
        // references. `rcfs::Controller::task_group` only returns groups that live as long as a
        // state, or that are static. A task in the group keeps the state by its nsproxy, and later
        // by its pin until it has been reaped and has left the CPU for the last time. rcfs drops
        // the state after another grace period, so that no task is in the group by now.
        unsafe { bindings::sched_rcfs_free_group(self.as_ptr()) };
    }
}

/// Statistics of the limit of a [`TaskGroup`].
#[cfg(CONFIG_RCFS_TASK_GROUP)]
pub struct BandwidthStats {
    /// The number of periods in which the group ran.
    pub periods: u64,
    /// The number of periods in which the group was throttled, because its quota was used up.
    pub throttled: u64,
    /// The time in nanoseconds for which the group was throttled, the sum over all CPUs.
    pub throttled_ns: u64,
}

#[cfg(CONFIG_RCFS_TASK_GROUP)]
impl TaskGroup {
    /// Makes a group below `parent`, or below the root group.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub fn new(parent: Option<&TaskGroup>) -> Result<Self> {
        let above = parent.map_or(ptr::null_mut(), TaskGroup::as_ptr);
        // SAFETY: `above` is NULL or a valid group.
        let group = from_err_ptr(unsafe { bindings::sched_rcfs_create_group(above) })?;

        // INVARIANT: The group is new.
        Ok(Self(NonNull::new(group).ok_or(ENOMEM)?))
    }

    /// The group, as a pointer that is valid as long as `self`.
    pub(crate) fn as_ptr(&self) -> *mut bindings::task_group {
        self.0.as_ptr()
    }

    /// The weight, which is 1024 in a new group. A task with the nice level 0 has that weight, too.
    pub fn shares(&self) -> u64 {
        // SAFETY: By the type invariant, this is a valid group.
        unsafe { bindings::sched_rcfs_shares(self.as_ptr()) }
    }

    /// Sets the weight. May sleep.
    ///
    /// # Errors
    ///
    /// `ERANGE` if `shares` is less than 2 or more than 262144.
    pub fn set_shares(&self, _cx: &impl MaySleep, shares: u64) -> Result {
        self.do_set_shares(shares)
    }

    /// The length of a period in microseconds, which is 100000 in a new group.
    ///
    /// If a period is too short for the machine, the scheduler extends it, and the quota in
    /// proportion.
    pub fn period_us(&self) -> u64 {
        // SAFETY: By the type invariant, this is a valid group.
        unsafe { bindings::sched_rcfs_period_us(self.as_ptr()) }
    }

    /// The number of microseconds that the group may run in each period, on all CPUs together, or
    /// [`None`] for no limit. A new group has no limit.
    pub fn quota_us(&self) -> Option<u64> {
        // SAFETY: By the type invariant, this is a valid group.
        u64::try_from(unsafe { bindings::sched_rcfs_quota_us(self.as_ptr()) }).ok()
    }

    /// Sets the values of [`period_us`](Self::period_us) and [`quota_us`](Self::quota_us). May
    /// sleep.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the period is less than 1000 or more than 1000000, if the quota is less than
    /// 1000 or too large to calculate with, if the group would get a larger fraction of its period
    /// than a group above it, or if it would get a smaller one than a group below it.
    pub fn set_bandwidth(
        &self,
        _cx: &impl MaySleep,
        period_us: u64,
        quota_us: Option<u64>,
    ) -> Result {
        let quota_us = match quota_us {
            Some(quota_us) => i64::try_from(quota_us).or(Err(EINVAL))?,
            None => -1,
        };

        self.do_set_bandwidth(period_us, quota_us)
    }

    // Generic functions are compiled into the modules that call them. The scheduler does not export
    // sched_rcfs_set_shares() and sched_rcfs_set_bandwidth(), so these are called by functions that
    // are not generic.
    fn do_set_shares(&self, shares: u64) -> Result {
        // SAFETY: By the type invariant, this is a valid group.
        to_result(unsafe { bindings::sched_rcfs_set_shares(self.as_ptr(), shares) })
    }

    fn do_set_bandwidth(&self, period_us: u64, quota_us: i64) -> Result {
        // SAFETY: By the type invariant, this is a valid group.
        to_result(unsafe { bindings::sched_rcfs_set_bandwidth(self.as_ptr(), period_us, quota_us) })
    }

    /// The statistics of the limit since the group was made.
    pub fn stats(&self) -> BandwidthStats {
        let mut stat = MaybeUninit::uninit();

        // SAFETY: By the type invariant, this is a valid group. `stat` is valid for
        // writes.
        unsafe { bindings::sched_rcfs_read_stat(self.as_ptr(), stat.as_mut_ptr()) };
        // SAFETY: The function fills in all fields.
        let stat = unsafe { stat.assume_init() };

        BandwidthStats {
            periods: stat.nr_periods,
            throttled: stat.nr_throttled,
            throttled_ns: stat.throttled_ns,
        }
    }
}

/// Without `CONFIG_CFS_BANDWIDTH` there are no task groups.
#[cfg(not(CONFIG_RCFS_TASK_GROUP))]
pub enum TaskGroup {}

#[cfg(not(CONFIG_RCFS_TASK_GROUP))]
impl TaskGroup {
    pub(crate) fn as_ptr(&self) -> *mut bindings::task_group {
        match *self {}
    }
}

impl Task {
    /// Whether the task is scheduled by its control group instead of its container.
    ///
    /// Each control group with the cpu controller, other than the root, schedules the tasks in it
    /// and in the groups below it that have no controller. The answer may be outdated when it is
    /// used.
    #[cfg(CONFIG_RCFS_TASK_GROUP)]
    pub fn is_overruled(&self) -> bool {
        let _guard = rcu::read_lock();

        // SAFETY: By the type invariants, the task is valid. The RCU read lock is held.
        unsafe { bindings::sched_rcfs_is_overruled(self.as_ptr()) }
    }

    /// Puts the task into the task group of its container.
    ///
    /// Call this when the task has entered or left a container. A task whose control group has a
    /// task group stays in that group. Any context in which the scheduler can be called.
    pub(crate) fn update_task_group(&self) {
        #[cfg(CONFIG_RCFS_TASK_GROUP)]
        // SAFETY: By the type invariants, the task is valid.
        unsafe {
            bindings::sched_rcfs_update_task(self.as_ptr())
        };
    }

    /// The nice value, from -20 (the most favoured) to 19.
    pub fn nice(&self) -> i32 {
        // SAFETY: By the type invariants, the task is valid.
        unsafe { bindings::task_nice(self.as_ptr()) }
    }

    /// Whether children of the task begin without its policy and its negative nice value, because
    /// of `SCHED_RESET_ON_FORK`. Children of a task with a real-time policy then begin with 0. The
    /// task must be the current one.
    pub fn resets_on_fork(&self) -> bool {
        // SAFETY: By the type invariants, the task is valid.
        unsafe { bindings::task_resets_on_fork(self.as_ptr()) }
    }

    /// Whether the policy is `SCHED_FIFO`, `SCHED_RR` or `SCHED_DEADLINE`.
    pub fn has_realtime_policy(&self) -> bool {
        // SAFETY: By the type invariants, the task is valid.
        unsafe { bindings::rt_or_dl_task_policy(self.as_ptr()) }
    }

    /// Sets the nice value, within what controllers allow ([`Controller::limit_nice`]). Does not
    /// check the permissions of the current task.
    ///
    /// [`Controller::limit_nice`]: crate::rcfs::Controller::limit_nice
    pub fn set_nice(&self, _cx: &impl MayLockTasks, nice: i32) {
        // SAFETY: By the type invariants, the task is valid.
        unsafe { bindings::set_user_nice(self.as_ptr(), nice as c_long) };
    }
}
