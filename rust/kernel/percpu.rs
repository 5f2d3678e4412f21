// SPDX-License-Identifier: GPL-2.0

//! Per-CPU data.
//!
//! C header: [`include/linux/percpu.h`](srctree/include/linux/percpu.h)

use crate::{
    bindings,
    cpu::CpuId,
    error::{
        code::*,
        Result, //
    },
};
use core::ptr::NonNull;

/// A counter that is cheap to add to, from any context, and less so to read.
///
/// Every CPU has a number, to which it is usually the only one that adds. A reader that adds them
/// up sees all that was added before, and may see some of what is being added meanwhile.
///
/// # Invariants
///
/// `counts` is per-CPU memory that this object owns, and is accessed atomically only.
///
/// # Examples
///
/// ```
/// use kernel::percpu::Counter;
///
/// let counter = Counter::new()?;
/// counter.add(3);
/// counter.add(4);
/// assert_eq!(counter.sum(), 7);
/// # Ok::<(), Error>(())
/// ```
pub struct Counter {
    counts: NonNull<bindings::atomic64_t>,
}

// SAFETY: Per-CPU memory can be used and freed on any thread.
unsafe impl Send for Counter {}

// SAFETY: By the type invariant, the numbers are accessed atomically.
unsafe impl Sync for Counter {}

impl Counter {
    /// Makes a counter that is zero.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub fn new() -> Result<Self> {
        // SAFETY: This only allocates. The memory is zeroed.
        let counts = unsafe { bindings::alloc_percpu_atomic64() };

        // INVARIANT: The memory is new.
        Ok(Self {
            counts: NonNull::new(counts).ok_or(ENOMEM)?,
        })
    }

    /// Adds to the number of this CPU.
    #[inline]
    pub fn add(&self, n: u64) {
        // SAFETY: By the type invariant, this is valid per-CPU memory.
        unsafe { bindings::this_cpu_atomic64_add(n as i64, self.counts.as_ptr()) };
    }

    /// Adds to the number of another CPU, perhaps.
    #[inline]
    pub fn add_to(&self, cpu: CpuId, n: u64) {
        // SAFETY: By the type invariant, this is valid per-CPU memory.
        unsafe { bindings::per_cpu_atomic64_add(n as i64, self.counts.as_ptr(), cpu.into()) };
    }

    /// The number of one CPU.
    pub fn of(&self, cpu: CpuId) -> u64 {
        // SAFETY: By the type invariant, this is valid per-CPU memory.
        unsafe { bindings::per_cpu_atomic64_read(self.counts.as_ptr(), cpu.as_u32() as i32) as u64 }
    }

    /// Calls `f` for each CPU that there can be, with its number.
    pub fn for_each_cpu(&self, mut f: impl FnMut(CpuId, u64)) {
        // SAFETY: This only reads a mask that does not change, here and below.
        let mut next = unsafe { bindings::next_possible_cpu(-1) };

        while let Some(cpu) = CpuId::from_u32(next) {
            f(cpu, self.of(cpu));
            // SAFETY: As above.
            next = unsafe { bindings::next_possible_cpu(cpu.into()) };
        }
    }

    /// The sum over all CPUs that there can be.
    pub fn sum(&self) -> u64 {
        // SAFETY: By the type invariant, this is valid per-CPU memory.
        unsafe { bindings::sum_percpu_atomic64(self.counts.as_ptr()) as u64 }
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        // SAFETY: By the type invariant, we own the memory.
        unsafe { bindings::free_percpu(self.counts.as_ptr().cast()) };
    }
}
