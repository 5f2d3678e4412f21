// SPDX-License-Identifier: GPL-2.0

//! Hierarchies: trees of containers with subsystems of their own.
//!
//! A hierarchy comes with the first mount of its set of subsystems. It goes when its last mount has
//! gone and there are no containers below its root; until then its subsystems are taken.

use crate::{
    container::Container,
    ffi::{
        Binding,
        Subsys, //
    },
    mount::Rcfs,
    registry::{
        Guard,
        Registry, //
    },
    set::SubsysSet,
};
use kernel::{
    error::code::*,
    kernfs,
    prelude::*,
    sync::Arc, //
};

/// What a hierarchy is. Does not change, and lives as long as any of its containers.
pub(crate) struct Hierarchy {
    /// The index of the hierarchy. Free again once it is gone, even if containers that have been
    /// removed still wait for their readers.
    pub(crate) id: usize,
    /// The ids of its subsystems.
    pub(crate) set: SubsysSet,
    /// Its subsystems, in the order of their ids.
    pub(crate) subsystems: KVec<Arc<Subsys>>,
}

impl Hierarchy {
    /// The number that user space sees. There is no number 0, which stands for none.
    pub(crate) fn number(&self) -> usize {
        self.id + 1
    }
}

/// A hierarchy that can be mounted.
pub(crate) struct ActiveHierarchy {
    pub(crate) hierarchy: Arc<Hierarchy>,
    /// How many containers there are below the root.
    pub(crate) containers: usize,
    /// How many superblocks there are, and mounts under way.
    mounts: usize,
    tree: kernfs::Root<Rcfs>,
    /// Dropped last: the tree has files of the subsystems.
    _bindings: KVec<Binding>,
}

/// Finds the hierarchy with just these subsystems, or makes it, and counts a mount of it.
///
/// Give it back with [`put`].
///
/// # Errors
///
/// `EBUSY` if another hierarchy has one of the subsystems, `ENOSPC` if there are
/// `CONFIG_MAX_RC_HIERARCHIES`, `ENOENT` if a subsystem's module is on its way out, `ENOMEM`.
pub(crate) fn get(guard: &mut Guard, set: SubsysSet) -> Result<&mut ActiveHierarchy> {
    let has_set = |slot: &Option<ActiveHierarchy>| {
        slot.as_ref()
            .is_some_and(|active| active.hierarchy.set == set)
    };

    let id = match guard.hierarchies.iter().position(has_set) {
        Some(id) => id,
        None => {
            if set.iter().any(|id| guard.hierarchy_of(id).is_some()) {
                return Err(EBUSY);
            }
            let id = guard
                .hierarchies
                .iter()
                .position(Option::is_none)
                .ok_or(ENOSPC)?;
            let active = ActiveHierarchy::new(guard, id, set)?;
            guard.hierarchies[id] = Some(active);
            id
        }
    };

    let active = guard.hierarchies[id].as_mut().ok_or(ENODEV)?;
    active.mounts += 1;
    Ok(active)
}

/// Gives back a mount from [`get`].
pub(crate) fn put(guard: &mut Guard, hierarchy: &Hierarchy) {
    let slot = &mut guard.hierarchies[hierarchy.id];

    if let Some(active) = slot {
        active.mounts -= 1;
        if active.mounts == 0 && active.containers == 0 {
            *slot = None;
        }
    }
}

impl ActiveHierarchy {
    fn new(registry: &Registry, id: usize, set: SubsysSet) -> Result<Self> {
        let mut subsystems = KVec::new();
        let mut bindings = KVec::new();

        for ss in registry.of_set(&set) {
            subsystems.push(ss.clone(), GFP_KERNEL)?;
            bindings.push(Binding::new(ss.clone())?, GFP_KERNEL)?;
        }
        let hierarchy = Arc::new(
            Hierarchy {
                id,
                set,
                subsystems,
            },
            GFP_KERNEL,
        )?;
        let root = Container::root(hierarchy.clone())?;
        let tree = kernfs::Root::new(root.clone())?;
        root.populate(tree.directory())?;
        tree.directory().activate();

        Ok(Self {
            hierarchy,
            containers: 0,
            mounts: 0,
            tree,
            _bindings: bindings,
        })
    }

    /// The root directory.
    pub(crate) fn directory(&self) -> kernfs::NodeRef<'_, Rcfs> {
        self.tree.directory()
    }

    /// For mounting it.
    pub(crate) fn tree(&self) -> kernfs::RootHandle<Rcfs> {
        self.tree.handle()
    }
}
