// SPDX-License-Identifier: GPL-2.0

//! Sets of subsystems.

#[cfg(CONFIG_RCFS_KUNIT_TEST)]
use kernel::prelude::*;
use kernel::rcfs::members::SUBSYSTEM_WORDS;

/// The highest number of subsystems.
pub(crate) const MAX_SUBSYSTEMS: usize = kernel::bindings::CONFIG_MAX_RC_SUBSYS as usize;

/// A set of subsystems, by their ids.
///
/// A bitmap with the layout that C code expects. There can be up to 255 subsystems.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct SubsysSet([usize; SUBSYSTEM_WORDS]);

const BITS: usize = usize::BITS as usize;

impl SubsysSet {
    /// Adds a subsystem.
    pub(crate) fn insert(&mut self, id: usize) {
        self.0[id / BITS] |= 1 << (id % BITS);
    }

    /// Whether a subsystem is in the set.
    pub(crate) fn contains(&self, id: usize) -> bool {
        self.0[id / BITS] & (1 << (id % BITS)) != 0
    }

    /// Whether no subsystem is in the set.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The ids of the subsystems in the set, in ascending order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        (0..MAX_SUBSYSTEMS).filter(|&id| self.contains(id))
    }

    /// The bitmap as an array of words.
    pub(crate) fn words(&self) -> &[usize; SUBSYSTEM_WORDS] {
        &self.0
    }
}

#[cfg(CONFIG_RCFS_KUNIT_TEST)]
#[kunit_tests(rcfs_set)]
mod tests {
    use super::*;

    fn set(ids: &[usize]) -> SubsysSet {
        let mut set = SubsysSet::default();

        for &id in ids {
            set.insert(id);
        }
        set
    }

    #[test]
    fn new_set_is_empty() {
        assert!(SubsysSet::default().is_empty());
        assert_eq!(SubsysSet::default().iter().count(), 0);
        assert!(!set(&[0]).is_empty());
    }

    #[test]
    fn first_and_last_id_fit() {
        let last = MAX_SUBSYSTEMS - 1;
        let set = set(&[0, last]);

        assert!(set.contains(0));
        assert!(set.contains(last));
        assert!((1..last).all(|id| !set.contains(id)));
    }

    #[test]
    fn every_id_has_a_bit_of_its_own() {
        for id in 0..MAX_SUBSYSTEMS {
            assert!(set(&[id]).iter().eq(id..id + 1));
        }
    }

    #[test]
    fn full_set_lists_all_ids_in_order() {
        let mut full = SubsysSet::default();

        for id in (0..MAX_SUBSYSTEMS).rev() {
            full.insert(id);
        }
        assert!(full.iter().eq(0..MAX_SUBSYSTEMS));
    }
}
