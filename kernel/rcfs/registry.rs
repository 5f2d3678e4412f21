// SPDX-License-Identifier: GPL-2.0

//! The registry of all subsystems and hierarchies.

use crate::{
    ffi::{
        Subsys,
        REGISTRY, //
    },
    hierarchy::ActiveHierarchy,
    set::{
        SubsysSet,
        MAX_SUBSYSTEMS, //
    },
};
use kernel::{
    error::code::*,
    prelude::*,
    str::CStr,
    sync::{
        Arc,
        GlobalGuard, //
    },
};

/// The highest number of hierarchies.
pub(crate) const MAX_HIERARCHIES: usize = kernel::bindings::CONFIG_MAX_RC_HIERARCHIES as usize;

/// The subsystems by their ids, and the hierarchies by theirs. [`REGISTRY`] protects both.
pub(crate) struct Registry {
    pub(crate) subsystems: [Option<Arc<Subsys>>; MAX_SUBSYSTEMS],
    pub(crate) hierarchies: [Option<ActiveHierarchy>; MAX_HIERARCHIES],
}

/// The guard of [`REGISTRY`]. A reference to it proves that the registry is locked.
pub(crate) type Guard = GlobalGuard<REGISTRY>;

impl Registry {
    /// An empty registry.
    pub(crate) const EMPTY: Self = Self {
        subsystems: [const { None }; MAX_SUBSYSTEMS],
        hierarchies: [const { None }; MAX_HIERARCHIES],
    };

    /// The id for a new subsystem of this name.
    ///
    /// # Errors
    ///
    /// `EEXIST` if there is a subsystem of that name, `ENOSPC`.
    pub(crate) fn free_id(&self, name: &CStr) -> Result<usize> {
        if self.find(name).is_some() {
            return Err(EEXIST);
        }
        self.subsystems
            .iter()
            .position(Option::is_none)
            .ok_or(ENOSPC)
    }

    /// The subsystem with a name.
    pub(crate) fn find(&self, name: &CStr) -> Option<&Arc<Subsys>> {
        self.subsystems().find(|ss| ss.name() == name)
    }

    /// All subsystems.
    pub(crate) fn subsystems(&self) -> impl Iterator<Item = &Arc<Subsys>> {
        self.subsystems.iter().flatten()
    }

    /// The subsystems of a set.
    pub(crate) fn of_set<'a>(
        &'a self,
        set: &'a SubsysSet,
    ) -> impl Iterator<Item = &'a Arc<Subsys>> {
        set.iter().filter_map(|id| self.subsystems[id].as_ref())
    }

    /// The hierarchy that a subsystem is bound to.
    pub(crate) fn hierarchy_of(&self, id: usize) -> Option<&ActiveHierarchy> {
        self.hierarchies
            .iter()
            .flatten()
            .find(|active| active.hierarchy.set.contains(id))
    }
}
