// SPDX-License-Identifier: GPL-2.0

//! Task groups of the scheduler, and nice values.
//!
//! C header: [`include/linux/sched/rcfs.h`](srctree/include/linux/sched/rcfs.h)

use crate::{
    bindings,
    prelude::*,
    rcfs::context::{
        MayLockTasks,
        MaySleep, //
    },
    task::Task, //
};
#[cfg(CONFIG_RCFS_TASK_GROUP)]
use crate::{
    error::{
        from_err_ptr,
        to_result, //
    },
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
/// It competes with the tasks and groups that are in the same group above for CPU time, on each
/// CPU, and the tasks and groups in it share what it gets. It matters for tasks with the policies
/// `SCHED_NORMAL`, `SCHED_BATCH` and `SCHED_IDLE` only.
///
/// A task is in a group if [`rcfs::Controller::task_group`] says so.
///
/// Dropping it may sleep. The memory goes later, when the scheduler is done with it.
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
/// // SAFETY: This is process context. A hook or a file gets a token.
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
/// The pointer is a task group that `sched_rcfs_create_group()` has returned for this object.
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
        // SAFETY: By the type invariant, the group is ours. Groups below have references on the C
        // side. Only what lives as long as a state of rcfs, or for ever, can be handed to the
        // scheduler: see `rcfs::Controller::task_group`. A task in the group keeps the state by its
        // nsproxy, or by its pin until it has been reaped and has left the CPU for the last time.
        // The core of rcfs drops a state a grace period after that.
        unsafe { bindings::sched_rcfs_free_group(self.as_ptr()) };
    }
}

/// What has come of the limit of a [`TaskGroup`].
#[cfg(CONFIG_RCFS_TASK_GROUP)]
pub struct BandwidthStats {
    /// In how many periods the group ran.
    pub periods: u64,
    /// In how many of them it had to wait for the end, because it had used its quota.
    pub throttled: u64,
    /// For how many nanoseconds it had to wait, the sum over all CPUs.
    pub throttled_ns: u64,
}

#[cfg(CONFIG_RCFS_TASK_GROUP)]
impl TaskGroup {
    /// Makes a group below another one, or below the root group.
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

    /// The group, valid for as long as `self`.
    pub(crate) fn as_ptr(&self) -> *mut bindings::task_group {
        self.0.as_ptr()
    }

    /// The weight; that of a task with the nice level 0 is 1024, as is that of a new group.
    pub fn shares(&self) -> u64 {
        // SAFETY: By the type invariant, this is a valid group.
        unsafe { bindings::sched_rcfs_shares(self.as_ptr()) }
    }

    /// Sets the weight. May sleep.
    ///
    /// # Errors
    ///
    /// `ERANGE` for less than 2 and more than 262144.
    pub fn set_shares(&self, _cx: &impl MaySleep, shares: u64) -> Result {
        self.do_set_shares(shares)
    }

    /// The length of a period in microseconds; 100000 in a new group.
    ///
    /// The scheduler makes a period that is too short for the machine longer, and the quota with
    /// it.
    pub fn period_us(&self) -> u64 {
        // SAFETY: By the type invariant, this is a valid group.
        unsafe { bindings::sched_rcfs_period_us(self.as_ptr()) }
    }

    /// How many microseconds the group may run in each period, on all CPUs together; [`None`] if
    /// there is no limit, as in a new group.
    pub fn quota_us(&self) -> Option<u64> {
        // SAFETY: By the type invariant, this is a valid group.
        u64::try_from(unsafe { bindings::sched_rcfs_quota_us(self.as_ptr()) }).ok()
    }

    /// Sets what [`period_us`](Self::period_us) and [`quota_us`](Self::quota_us) return. May
    /// sleep.
    ///
    /// # Errors
    ///
    /// `EINVAL` for a period of less than 1000 or more than 1000000, for a quota of less than
    /// 1000 or one too large to calculate with, and if the group would have more of each period
    /// than a group above, or less than one below.
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

    // Generic functions are compiled into the module that calls them, and the scheduler exports
    // neither of the two functions below.
    fn do_set_shares(&self, shares: u64) -> Result {
        // SAFETY: By the type invariant, this is a valid group.
        to_result(unsafe { bindings::sched_rcfs_set_shares(self.as_ptr(), shares) })
    }

    fn do_set_bandwidth(&self, period_us: u64, quota_us: i64) -> Result {
        // SAFETY: By the type invariant, this is a valid group.
        to_result(unsafe { bindings::sched_rcfs_set_bandwidth(self.as_ptr(), period_us, quota_us) })
    }

    /// What has come of the limit, since the group was made.
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

/// There are no task groups without `CONFIG_CFS_BANDWIDTH`.
#[cfg(not(CONFIG_RCFS_TASK_GROUP))]
pub enum TaskGroup {}

#[cfg(not(CONFIG_RCFS_TASK_GROUP))]
impl TaskGroup {
    pub(crate) fn as_ptr(&self) -> *mut bindings::task_group {
        match *self {}
    }
}

impl Task {
    /// Whether a control group says where the task is scheduled, and not its container.
    ///
    /// That is a control group with the cpu controller, other than the root. The nearest one above
    /// the task with the controller counts. Tells how it was at some moment.
    #[cfg(CONFIG_RCFS_TASK_GROUP)]
    pub fn is_overruled(&self) -> bool {
        let _guard = rcu::read_lock();

        // SAFETY: By the type invariants, the task is valid. The RCU read lock is held.
        unsafe { bindings::sched_rcfs_is_overruled(self.as_ptr()) }
    }

    /// Puts the task into the task group of the container that it is in.
    ///
    /// For a task that has just come into a container or left one. A task whose control group has a
    /// task group of its own stays in that. Any context in which the scheduler may be called.
    pub(crate) fn update_task_group(&self) {
        #[cfg(CONFIG_RCFS_TASK_GROUP)]
        // SAFETY: By the type invariants, the task is valid.
        unsafe {
            bindings::sched_rcfs_update_task(self.as_ptr())
        };
    }

    /// The same for a child in a fork that others see, but that has not run yet.
    pub(crate) fn join_task_group(&self) {
        #[cfg(CONFIG_RCFS_TASK_GROUP)]
        // SAFETY: By the type invariants, the task is valid.
        unsafe {
            bindings::sched_rcfs_fork(self.as_ptr())
        };
    }

    /// The nice value: -20, the most favoured, to 19.
    pub fn nice(&self) -> i32 {
        // SAFETY: By the type invariants, the task is valid.
        unsafe { bindings::task_nice(self.as_ptr()) }
    }

    /// Whether children of the task, which is the current one, are to begin without its policy, and
    /// with no nice value below 0: `SCHED_RESET_ON_FORK`.
    pub fn resets_on_fork(&self) -> bool {
        // SAFETY: By the type invariants, the task is valid.
        unsafe { bindings::task_resets_on_fork(self.as_ptr()) }
    }

    /// Sets the nice value, within what controllers allow ([`Controller::limit_nice`]). Asks nobody
    /// whether the current task may do that.
    ///
    /// [`Controller::limit_nice`]: crate::rcfs::Controller::limit_nice
    pub fn set_nice(&self, _cx: &impl MayLockTasks, nice: i32) {
        // SAFETY: By the type invariants, the task is valid.
        unsafe { bindings::set_user_nice(self.as_ptr(), nice as c_long) };
    }
}
