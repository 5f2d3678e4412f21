// SPDX-License-Identifier: GPL-2.0

//! Hierarchies: trees of containers with subsystems of their own.
//!
//! A hierarchy is made by the first mount of its set of subsystems. It is gone when it has neither
//! mounts nor containers below its root. Until then no other hierarchy can have its subsystems.

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

/// The constant part of a hierarchy. It lives as long as any container of the hierarchy.
pub(crate) struct Hierarchy {
    /// The index of the hierarchy. It can be used again when the hierarchy is gone, even if
    /// containers that have been removed still exist.
    pub(crate) id: usize,
    /// The ids of its subsystems.
    pub(crate) set: SubsysSet,
    /// Its subsystems, in the order of their ids.
    pub(crate) subsystems: KVec<Arc<Subsys>>,
}

impl Hierarchy {
    /// The number that user space sees. 0 stands for no hierarchy.
    pub(crate) fn number(&self) -> usize {
        self.id + 1
    }
}

/// A hierarchy that can be mounted.
pub(crate) struct ActiveHierarchy {
    pub(crate) hierarchy: Arc<Hierarchy>,
    /// The number of containers below the root.
    pub(crate) containers: usize,
    /// The number of superblocks, and of mounts that are in progress.
    mounts: usize,
    tree: kernfs::Root<Rcfs>,
    /// Dropped last, because the tree has files of the subsystems.
    _bindings: KVec<Binding>,
}

/// Finds or makes the hierarchy with exactly the subsystems of `set`, and counts a mount of it.
///
/// [`put`] uncounts the mount.
///
/// # Errors
///
/// `EBUSY` if another hierarchy has one of the subsystems, `ENOSPC` if there are
/// `CONFIG_MAX_RC_HIERARCHIES`, `ENOENT` if the module of a subsystem is being unloaded, `ENOMEM`.
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

/// Uncounts a mount that [`get`] has counted.
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

    /// The handle for mounting the hierarchy.
    pub(crate) fn tree(&self) -> kernfs::RootHandle<Rcfs> {
        self.tree.handle()
    }
}
