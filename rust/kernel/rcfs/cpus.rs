// SPDX-License-Identifier: GPL-2.0

//! Sets of CPUs that can be read while they change, and the CPUs of tasks.

use super::{
    context::{
        MayLockTasks,
        MaySleep, //
    },
    CpuList, //
};
use crate::{
    bindings,
    cpu::nr_cpu_ids,
    cpumask::{
        Cpumask,
        CpumaskVar, //
    },
    error::to_result,
    prelude::*,
    sync::atomic::{
        ordering::Relaxed,
        Atomic, //
    },
    task::Task,
};

/// A set of CPUs that can be read in any context while it changes.
///
/// If there are more CPUs than bits in a word, a reader may see a mixture of the old and the new
/// set. After a change, make all users of the set read it again.
///
/// # Invariants
///
/// The mask is only accessed by [`words`], which is atomic.
///
/// # Examples
///
/// ```
/// use kernel::{
///     cpu::CpuId,
///     cpumask::CpumaskVar,
///     rcfs::SharedCpumask, //
/// };
///
/// let cpu = CpuId::from_u32(0).ok_or(EINVAL)?;
/// let mut mask = CpumaskVar::new_zero(GFP_KERNEL)?;
/// let set = SharedCpumask::new()?;
///
/// mask.set(cpu);
/// set.set(&mask);
/// mask.setall();
/// set.limit(&mut mask);
/// assert_eq!(mask.weight(), 1);
///
/// let other = SharedCpumask::new()?;
/// assert!(other.is_empty());
/// // The sets have no CPU in common: the result is the first set.
/// other.set_intersection(&set, &other);
/// other.limit(&mut mask);
/// assert!(mask.test(cpu));
///
/// assert_eq!(other.snapshot()?.mask().weight(), 1);
/// # Ok::<(), Error>(())
/// ```
pub struct SharedCpumask(CpumaskVar);

// SAFETY: A mask is memory that any thread may access and free.
unsafe impl Send for SharedCpumask {}

// SAFETY: By the type invariant, the mask is accessed atomically.
unsafe impl Sync for SharedCpumask {}

/// The words of a mask.
///
/// With `CONFIG_CPUMASK_OFFSTACK`, a mask has memory for the possible CPUs of this machine only,
/// and not for the `NR_CPUS` of `struct cpumask`: see `cpumask_size()`.
///
/// # Safety
///
/// `mask` must be valid for `'a`. During `'a`, all other accesses to it must be atomic.
unsafe fn words<'a>(mask: *mut bindings::cpumask) -> impl Iterator<Item = &'a Atomic<usize>> {
    let count = (nr_cpu_ids() as usize).div_ceil(usize::BITS as usize);

    (0..count).map(move |i| {
        // SAFETY: By the safety requirements; a mask has at least `count` words.
        unsafe { Atomic::from_ptr(mask.cast::<usize>().add(i)) }
    })
}

impl SharedCpumask {
    /// The empty set.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub fn new() -> Result<Self> {
        // INVARIANT: The mask is new.
        Ok(Self(CpumaskVar::new_zero(GFP_KERNEL)?))
    }

    fn words(&self) -> impl Iterator<Item = &Atomic<usize>> {
        // SAFETY: `self` owns the mask. By the type invariant, it is accessed atomically.
        unsafe { words(self.0.as_raw()) }
    }

    /// Copies `mask` to the set.
    pub fn set(&self, mask: &Cpumask) {
        // SAFETY: The mask is valid, and does not change behind a shared reference.
        for (word, bits) in self.words().zip(unsafe { words(mask.as_raw()) }) {
            word.store(bits.load(Relaxed), Relaxed);
        }
    }

    /// Copies `other` to the set.
    pub fn set_shared(&self, other: &Self) {
        for (word, bits) in self.words().zip(other.words()) {
            word.store(bits.load(Relaxed), Relaxed);
        }
    }

    /// Copies the set of CPUs that the scheduler uses.
    pub fn set_active(&self) {
        // SAFETY: The mask is static, and is changed atomically.
        let active = unsafe { words(&raw mut bindings::__cpu_active_mask) };

        for (word, bits) in self.words().zip(active) {
            word.store(bits.load(Relaxed), Relaxed);
        }
    }

    /// Sets this to the intersection of both sets, or to `above` if the intersection is empty.
    pub fn set_intersection(&self, above: &Self, wanted: &Self) {
        let both = || {
            above
                .words()
                .zip(wanted.words())
                .map(|(above, wanted)| above.load(Relaxed) & wanted.load(Relaxed))
        };

        if both().all(|bits| bits == 0) {
            return self.set_shared(above);
        }
        for (word, bits) in self.words().zip(both()) {
            word.store(bits, Relaxed);
        }
    }

    /// Whether the set has no CPUs.
    pub fn is_empty(&self) -> bool {
        self.words().all(|word| word.load(Relaxed) == 0)
    }

    /// A copy of the set.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub fn snapshot(&self) -> Result<CpuList> {
        let mut mask = CpumaskVar::new_zero(GFP_KERNEL)?;

        mask.setall();
        self.limit(&mut mask);
        Ok(CpuList::new(mask))
    }

    /// Removes those CPUs from `mask` that are not in the set.
    pub fn limit(&self, mask: &mut Cpumask) {
        // SAFETY: The mask is valid, and nothing else accesses it behind an exclusive reference.
        for (bits, word) in unsafe { words(mask.as_raw()) }.zip(self.words()) {
            bits.store(bits.load(Relaxed) & word.load(Relaxed), Relaxed);
        }
    }
}

impl Task {
    /// Updates the CPUs of the task, after the CPUs on which it may run have changed.
    pub fn update_cpus(&self, _cx: &impl MaySleep) {
        // SAFETY: By the type invariant, the task is valid.
        unsafe { bindings::sched_rcfs_update_cpus(self.as_ptr()) };
    }

    /// Updates the CPUs of a child of the current task, for [`Controller::fork`].
    ///
    /// The child has a copy of the CPUs of its parent, and keeps the copy if it is right.
    ///
    /// [`Controller::fork`]: super::Controller::fork
    pub fn update_copied_cpus(&self, _cx: &impl MaySleep) {
        // SAFETY: By the type invariant, the task is valid.
        unsafe { bindings::sched_rcfs_fork_cpus(self.as_ptr()) };
    }

    /// Checks whether the current task may set the CPUs of this task.
    ///
    /// # Errors
    ///
    /// `EINVAL` for a task that has to stay on its CPUs, or the error of a security module: `EPERM`
    /// if the task has capabilities that the current task lacks.
    pub fn check_set_affinity(&self, _cx: &impl MaySleep) -> Result {
        // SAFETY: By the type invariant, the task is valid.
        to_result(unsafe { bindings::sched_rcfs_check_set_affinity(self.as_ptr()) })
    }

    /// Checks whether deadline admission lets the task be limited to `cpus`.
    ///
    /// # Errors
    ///
    /// `EBUSY` for a task with the policy `SCHED_DEADLINE` that was admitted to other CPUs as well.
    pub fn may_run_on(&self, _cx: &impl MayLockTasks, cpus: &Cpumask) -> Result {
        // SAFETY: By the type invariants, both are valid.
        to_result(unsafe { bindings::sched_rcfs_may_run_on(self.as_ptr(), cpus.as_raw()) })
    }

    /// Whether there are CPUs on which the task does not run only because of a controller.
    pub fn is_limited(&self, _cx: &impl MayLockTasks) -> bool {
        // SAFETY: By the type invariant, the task is valid.
        unsafe { bindings::sched_rcfs_is_limited(self.as_ptr()) }
    }
}
