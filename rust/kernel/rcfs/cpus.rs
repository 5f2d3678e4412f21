// SPDX-License-Identifier: GPL-2.0

//! Sets of CPUs that are read while they change, and on which CPUs tasks run.

use super::Show;
use crate::{
    bindings,
    cpumask::Cpumask,
    prelude::*,
    seq_file::SeqFile,
    sync::atomic::{
        ordering::Relaxed,
        Atomic, //
    },
    task::Task,
};
use core::ptr;

const WORDS: usize = size_of::<bindings::cpumask>() / size_of::<usize>();

/// A set of CPUs that can be read in any context while somebody changes it.
///
/// With more CPUs than a word has bits, a reader may see part of the old and part of the new one:
/// who changes it lets everybody for whom it matters look again.
///
/// # Invariants
///
/// The layout is that of `struct cpumask`.
#[repr(transparent)]
pub struct SharedCpumask([Atomic<usize>; WORDS]);

impl SharedCpumask {
    /// The empty set.
    pub fn new() -> Self {
        Self(core::array::from_fn(|_| Atomic::new(0)))
    }

    /// Becomes the set `mask`.
    pub fn set(&self, mask: &Cpumask) {
        // SAFETY: The mask is valid, and nobody changes it behind a shared reference.
        let bits = unsafe { &(*mask.as_raw()).bits };

        for (word, bits) in self.0.iter().zip(bits) {
            word.store(*bits, Relaxed);
        }
    }

    /// Another set, the same as this one.
    pub fn copy(&self) -> Self {
        Self(core::array::from_fn(|i| {
            Atomic::new(self.0[i].load(Relaxed))
        }))
    }

    /// Becomes the set `other`.
    pub fn set_shared(&self, other: &Self) {
        for (word, bits) in self.0.iter().zip(&other.0) {
            word.store(bits.load(Relaxed), Relaxed);
        }
    }

    /// Becomes the set of CPUs that the scheduler uses.
    pub fn set_active(&self) {
        for (i, word) in self.0.iter().enumerate() {
            // SAFETY: There are as many words. Others may write to them.
            let bits = unsafe { (&raw const bindings::__cpu_active_mask.bits[i]).read_volatile() };

            word.store(bits, Relaxed);
        }
    }

    /// Becomes what is in both sets, or `above` if that is nothing.
    pub fn set_intersection(&self, above: &Self, wanted: &Self) {
        let both = |i: usize| above.0[i].load(Relaxed) & wanted.0[i].load(Relaxed);
        let nothing = (0..WORDS).all(|i| both(i) == 0);

        for (i, word) in self.0.iter().enumerate() {
            word.store(
                if nothing {
                    above.0[i].load(Relaxed)
                } else {
                    both(i)
                },
                Relaxed,
            );
        }
    }

    /// Takes the CPUs from `mask` that are not in the set.
    pub fn limit(&self, mask: &mut Cpumask) {
        // SAFETY: The mask is valid, and ours for now.
        let bits = unsafe { &mut (*mask.as_raw()).bits };

        for (word, bits) in self.0.iter().zip(bits) {
            *bits &= word.load(Relaxed);
        }
    }
}

impl Default for SharedCpumask {
    fn default() -> Self {
        Self::new()
    }
}

impl Show for SharedCpumask {
    fn show(&self, m: &SeqFile) {
        // SAFETY: `SeqFile` is transparent; by the type invariant, this is a mask.
        unsafe {
            bindings::seq_print_cpulist(
                ptr::from_ref(m).cast_mut().cast(),
                ptr::from_ref(self).cast(),
            );
        }
    }
}

impl Task {
    /// Lets the task run on the CPUs that it may run on, after that has changed. May sleep.
    pub fn update_cpus(&self) {
        // SAFETY: By the type invariant, the task is valid.
        unsafe { bindings::task_update_cpus(self.as_ptr()) };
    }
}
