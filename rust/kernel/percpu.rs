// SPDX-License-Identifier: GPL-2.0

//! Per-CPU data.
//!
//! C headers: [`include/linux/percpu.h`](srctree/include/linux/percpu.h) and
//! [`include/linux/percpu_counts.h`](srctree/include/linux/percpu_counts.h)

use crate::{
    bindings,
    cpu::CpuId,
    error::{
        code::*,
        Result, //
    },
};
use core::ptr;

/// A possible CPU. Only possible CPUs have per-CPU memory.
///
/// # Invariants
///
/// The CPU is in `cpu_possible_mask`, which does not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PossibleCpu(CpuId);

impl PossibleCpu {
    /// The CPU with that id, or [`None`] if it is not possible: ids may have gaps.
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::{cpu::CpuId, percpu::PossibleCpu};
    ///
    /// let here = CpuId::current();
    /// assert_eq!(PossibleCpu::new(here).map(PossibleCpu::id), Some(here));
    /// ```
    pub fn new(cpu: CpuId) -> Option<Self> {
        // INVARIANT: The CPU has been looked up in the mask.
        //
        // SAFETY: This only reads a mask, which has a bit for every id.
        unsafe { bindings::cpu_possible(cpu.into()) }.then_some(Self(cpu))
    }

    /// # Safety
    ///
    /// `cpu` must be in `cpu_possible_mask`.
    #[inline]
    pub(crate) unsafe fn from_i32_unchecked(cpu: i32) -> Self {
        // INVARIANT: By the safety requirements.
        //
        // SAFETY: By the safety requirements. A CPU in a mask has a valid id.
        Self(unsafe { CpuId::from_i32_unchecked(cpu) })
    }

    /// The id.
    #[inline]
    pub fn id(self) -> CpuId {
        self.0
    }
}

/// `N` counters that are cheap to add to in any context, and more expensive to read.
///
/// Every CPU has a number for each counter. Usually only that CPU adds to it. The value of a
/// counter is the sum over all CPUs. It includes everything that was added before, and may include
/// some of what is added at the same time.
///
/// A constant from `0` to `N - 1` selects a counter. Other constants do not compile.
///
/// Counters may have parents: what is added to the counters is added to the parents as well.
///
/// # Invariants
///
/// `raw.counts` is per-CPU memory that this object owns: `N` numbers, which are accessed
/// atomically. `raw.parent` is NULL, or the `raw` of other `Counters<N>`, which do not move and
/// live longer.
///
/// # Examples
///
/// ```
/// use kernel::percpu::Counters;
///
/// const EGGS: usize = 0;
/// const MILK: usize = 1;
///
/// let counters = Counters::<2>::new()?;
/// counters.add::<EGGS>(3);
/// counters.add::<EGGS>(4);
/// counters.add::<MILK>(1);
/// assert_eq!(counters.sum::<EGGS>(), 7);
/// assert_eq!(counters.sum::<MILK>(), 1);
/// # Ok::<(), Error>(())
/// ```
pub struct Counters<const N: usize> {
    raw: bindings::percpu_counts,
}

// SAFETY: Per-CPU memory can be used and freed on any thread, and so can that of the parents.
unsafe impl<const N: usize> Send for Counters<N> {}

// SAFETY: By the type invariant, the numbers are accessed atomically.
unsafe impl<const N: usize> Sync for Counters<N> {}

impl<const N: usize> Counters<N> {
    /// Makes counters that are zero and have no parents.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub fn new() -> Result<Self> {
        // SAFETY: This only allocates memory. The memory is zeroed.
        let counts = unsafe { bindings::alloc_percpu_atomic64s(N) };

        if counts.is_null() {
            return Err(ENOMEM);
        }
        // INVARIANT: The memory is new.
        Ok(Self {
            raw: bindings::percpu_counts {
                counts,
                parent: ptr::null(),
            },
        })
    }

    /// Makes counters that are zero and have `parent` as their parents.
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::percpu::Counters;
    ///
    /// let parent = Counters::<1>::new()?;
    /// // SAFETY: `parent` does not move, and is dropped later.
    /// let child = unsafe { Counters::with_parent(&parent)? };
    ///
    /// parent.add::<0>(1);
    /// child.add::<0>(2);
    /// assert_eq!((parent.sum::<0>(), child.sum::<0>()), (3, 2));
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    ///
    /// # Safety
    ///
    /// `parent` must not move, nor be dropped, before the result has been dropped.
    pub unsafe fn with_parent(parent: &Self) -> Result<Self> {
        let mut counters = Self::new()?;

        // INVARIANT: By the safety requirements.
        counters.raw.parent = &raw const parent.raw;
        Ok(counters)
    }

    /// The per-CPU numbers of one counter.
    #[inline]
    fn counts<const I: usize>(&self) -> *mut bindings::atomic64_t {
        const { assert!(I < N) };
        // As in C, this is not an address, but the offset is the same on every CPU.
        self.raw.counts.wrapping_add(I)
    }

    /// Adds to the number of this CPU, in these counters and in their ancestors.
    #[inline]
    pub fn add<const I: usize>(&self, n: u64) {
        const { assert!(I < N) };
        // SAFETY: By the type invariants, `raw` and its ancestors are valid, and `I` is in range.
        unsafe { bindings::this_cpu_counts_add(&self.raw, I as u32, n as i64) };
    }

    /// Adds to the number of `cpu`, in these counters and in their ancestors.
    #[inline]
    pub fn add_to<const I: usize>(&self, cpu: PossibleCpu, n: u64) {
        const { assert!(I < N) };
        // SAFETY: As in `add`. A `PossibleCpu` has per-CPU memory.
        unsafe { bindings::percpu_counts_add(&self.raw, I as u32, cpu.id().into(), n as i64) };
    }

    /// Sets one counter to zero, and none of its ancestors. What another CPU adds at the same time
    /// may be lost or not.
    pub fn reset<const I: usize>(&self) {
        // SAFETY: By the type invariant, this is valid per-CPU memory.
        unsafe { bindings::reset_percpu_atomic64(self.counts::<I>()) };
    }

    /// The number of one CPU.
    pub fn of<const I: usize>(&self, cpu: PossibleCpu) -> u64 {
        // SAFETY: By the type invariants, this is valid per-CPU memory, also for `cpu`.
        unsafe { bindings::per_cpu_atomic64_read(self.counts::<I>(), cpu.id().into()) as u64 }
    }

    /// Calls `f` for each possible CPU with its number.
    pub fn for_each_cpu<const I: usize>(&self, mut f: impl FnMut(PossibleCpu, u64)) {
        // SAFETY: This only reads a mask, which does not change.
        let mut next = unsafe { bindings::next_possible_cpu(-1) };

        while let Some(cpu) = CpuId::from_u32(next) {
            // INVARIANT: The id comes from the mask.
            let cpu = PossibleCpu(cpu);

            f(cpu, self.of::<I>(cpu));
            // SAFETY: As above.
            next = unsafe { bindings::next_possible_cpu(cpu.id().into()) };
        }
    }

    /// The sum over all possible CPUs.
    pub fn sum<const I: usize>(&self) -> u64 {
        // SAFETY: By the type invariant, this is valid per-CPU memory.
        unsafe { bindings::sum_percpu_atomic64(self.counts::<I>()) as u64 }
    }
}

impl<const N: usize> Drop for Counters<N> {
    fn drop(&mut self) {
        // SAFETY: By the type invariant, we own the memory.
        unsafe { bindings::free_percpu(self.raw.counts.cast()) };
    }
}
