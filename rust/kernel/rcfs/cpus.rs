// SPDX-License-Identifier: GPL-2.0

//! Sets of CPUs that are read while they change, and on which CPUs tasks run.

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

/// A set of CPUs that can be read in any context while somebody changes it.
///
/// With more CPUs than a word has bits, a reader may see part of the old and part of the new set:
/// whoever changes the set lets everybody for whom it matters look again.
///
/// # Invariants
///
/// The mask is accessed by [`words`] only, hence atomically.
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
/// // Nothing is in both sets: the first one is taken.
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

/// The words of a mask that exist.
///
/// With `CONFIG_CPUMASK_OFFSTACK` there is memory for as many bits as there can be CPUs on this
/// machine, and not for the `NR_CPUS` of `struct cpumask`: see `cpumask_size()`.
///
/// # Safety
///
/// `mask` must be valid for `'a`. For as long, it must be accessed atomically, or by nobody else.
unsafe fn words<'a>(mask: *mut bindings::cpumask) -> impl Iterator<Item = &'a Atomic<usize>> {
    let count = (nr_cpu_ids() as usize).div_ceil(usize::BITS as usize);

    (0..count).map(move |i| {
        // SAFETY: By the safety requirements; a mask begins with so many words.
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
        // INVARIANT: Nobody else knows of the mask.
        Ok(Self(CpumaskVar::new_zero(GFP_KERNEL)?))
    }

    fn words(&self) -> impl Iterator<Item = &Atomic<usize>> {
        // SAFETY: The mask is ours. By the type invariant, it is accessed atomically.
        unsafe { words(self.0.as_raw()) }
    }

    /// Becomes the set `mask`.
    pub fn set(&self, mask: &Cpumask) {
        // SAFETY: The mask is valid, and nobody changes it behind a shared reference.
        for (word, bits) in self.words().zip(unsafe { words(mask.as_raw()) }) {
            word.store(bits.load(Relaxed), Relaxed);
        }
    }

    /// Becomes the set `other`.
    pub fn set_shared(&self, other: &Self) {
        for (word, bits) in self.words().zip(other.words()) {
            word.store(bits.load(Relaxed), Relaxed);
        }
    }

    /// Becomes the set of CPUs that the scheduler uses.
    pub fn set_active(&self) {
        // SAFETY: The mask is valid for ever, and is changed atomically.
        let active = unsafe { words(&raw mut bindings::__cpu_active_mask) };

        for (word, bits) in self.words().zip(active) {
            word.store(bits.load(Relaxed), Relaxed);
        }
    }

    /// Becomes what is in both sets, or `above` if that is nothing.
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

    /// Whether there is no CPU in the set.
    pub fn is_empty(&self) -> bool {
        self.words().all(|word| word.load(Relaxed) == 0)
    }

    /// What is in the set now.
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

    /// Takes the CPUs from `mask` that are not in the set.
    pub fn limit(&self, mask: &mut Cpumask) {
        // SAFETY: The mask is valid, and nobody else accesses it behind an exclusive reference.
        for (bits, word) in unsafe { words(mask.as_raw()) }.zip(self.words()) {
            bits.store(bits.load(Relaxed) & word.load(Relaxed), Relaxed);
        }
    }
}

impl Task {
    /// Lets the task run on the CPUs that it may run on, after that has changed.
    pub fn update_cpus(&self, _cx: &impl MaySleep) {
        // SAFETY: By the type invariant, the task is valid.
        unsafe { bindings::sched_rcfs_update_cpus(self.as_ptr()) };
    }

    /// The same for a child in a fork of the current task, for [`Controller::fork`].
    ///
    /// The child has a copy of the CPUs of its parent, and keeps it if it is right.
    ///
    /// [`Controller::fork`]: super::Controller::fork
    pub fn update_copied_cpus(&self, _cx: &impl MaySleep) {
        // SAFETY: By the type invariant, the task is valid.
        unsafe { bindings::sched_rcfs_fork_cpus(self.as_ptr()) };
    }

    /// Whether the current task may say on which CPUs this one runs.
    ///
    /// # Errors
    ///
    /// `EINVAL` for a task that has to stay on its CPUs, and what a security module says: `EPERM`
    /// if the task has capabilities that the current one has not.
    pub fn check_set_affinity(&self, _cx: &impl MaySleep) -> Result {
        // SAFETY: By the type invariant, the task is valid.
        to_result(unsafe { bindings::sched_rcfs_check_set_affinity(self.as_ptr()) })
    }

    /// Whether deadline admission lets the task be limited to `cpus`.
    ///
    /// # Errors
    ///
    /// `EBUSY` for a task with the policy `SCHED_DEADLINE` that was admitted to other CPUs as well.
    pub fn may_run_on(&self, _cx: &impl MayLockTasks, cpus: &Cpumask) -> Result {
        // SAFETY: By the type invariants, both are valid.
        to_result(unsafe { bindings::sched_rcfs_may_run_on(self.as_ptr(), cpus.as_raw()) })
    }

    /// Whether there are CPUs on which the task does not run just because a controller limits it.
    pub fn is_limited(&self, _cx: &impl MayLockTasks) -> bool {
        // SAFETY: By the type invariant, the task is valid.
        unsafe { bindings::sched_rcfs_is_limited(self.as_ptr()) }
    }
}
