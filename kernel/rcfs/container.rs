// SPDX-License-Identifier: GPL-2.0

//! Containers: the directories of a hierarchy.

use crate::{
    empty::Empty,
    ffi::{
        self,
        States,
        REGISTRY, //
    },
    hierarchy::Hierarchy,
    kill::Kill,
    mount::Rcfs,
    procs::Procs,
    registry::Guard,
    tasks::Tasks,
};
use core::{
    iter,
    pin::Pin, //
};
use kernel::{
    error::code::*,
    kernfs::{
        Directory,
        FileRef,
        Mode,
        NodeRef,
        Owner, //
    },
    prelude::*,
    rcfs::{
        members::Members,
        Child,
        ParentRef, //
    },
    str::CStr,
    sync::{
        deferred::Deferred,
        Arc,
        GlobalLockedBy, //
    },
};

/// The highest depth of a container. A child of the root has a depth of 1.
const MAX_DEPTH: usize = kernel::bindings::RCFS_MAX_DEPTH as usize;

/// A container.
pub(crate) struct Container {
    states: States,
    inner: GlobalLockedBy<ContainerInner, REGISTRY>,
    /// Dropped after the states, which may use those of the parent.
    parent: ParentRef<Container>,
}

impl Child for Container {
    fn parent_mut(self: Pin<&mut Self>) -> &mut ParentRef<Self> {
        &mut Pin::into_inner(self).parent
    }
}

/// The fields of a container that the lock of the registry protects.
struct ContainerInner {
    /// The directory, which has a reference on the container. [`None`] in the root of a hierarchy,
    /// whose directory belongs to the tree, and in a container that has been removed.
    directory: Option<Directory<Rcfs>>,
    /// For dropping the container when its states are no longer needed.
    deferred: Option<Deferred<Arc<Container>>>,
    /// The number of children.
    children: usize,
}

impl Container {
    /// Makes the root of a new hierarchy, which has all tasks.
    pub(crate) fn root(hierarchy: Arc<Hierarchy>) -> Result<Arc<Self>> {
        Self::alloc(States::root(hierarchy)?, None, None)
    }

    fn alloc(
        states: States,
        deferred: Option<Deferred<Arc<Self>>>,
        parent: Option<Arc<Self>>,
    ) -> Result<Arc<Self>> {
        let inner = ContainerInner {
            directory: None,
            deferred,
            children: 0,
        };

        Ok(Arc::new(
            Self {
                states,
                inner: GlobalLockedBy::new(inner),
                parent: ParentRef::new(parent),
            },
            GFP_KERNEL,
        )?)
    }

    /// The hierarchy that the container belongs to.
    pub(crate) fn hierarchy(&self) -> &Hierarchy {
        self.states.hierarchy()
    }

    /// The tasks in the container.
    pub(crate) fn members(&self) -> &Members {
        self.states.members()
    }

    /// Checks that the container has not been removed.
    ///
    /// # Errors
    ///
    /// `ENODEV`.
    pub(crate) fn check_alive(&self, guard: &Guard) -> Result {
        if self.parent.get().is_some() && self.inner.as_ref(guard).directory.is_none() {
            return Err(ENODEV);
        }
        Ok(())
    }

    /// Makes all files of a container, which are not visible yet. Returns the file `empty`.
    pub(crate) fn populate(&self, dir: NodeRef<'_, Rcfs>) -> Result<FileRef<Rcfs>> {
        let owner = Owner::current_fs();

        dir.create_list::<Tasks>(c"tasks", Mode::new(0o644), owner, &())?;
        let empty = dir.create_file::<Empty>(c"empty", Mode::new(0o444), owner, &())?;
        dir.create_list::<Procs>(c"procs", Mode::new(0o644), owner, &())?;
        // To kill all tasks in the root would end the system.
        if self.parent.get().is_some() {
            dir.create_file::<Kill>(c"kill", Mode::new(0o200), owner, &())?;
        }
        for ss in &self.hierarchy().subsystems {
            ss.populate(self.members(), dir)?;
        }
        Ok(empty)
    }

    /// Makes a container below `parent`. If that fails, nothing of it remains.
    ///
    /// # Errors
    ///
    /// `ENODEV` if `parent` has been removed, `EMLINK` if `parent` has the highest depth, `EEXIST`,
    /// `ENOMEM`, or the error of a subsystem that refuses.
    pub(crate) fn create(guard: &mut Guard, parent: &Arc<Self>, name: &CStr, mode: Mode) -> Result {
        parent.check_alive(guard)?;
        let above = iter::successors(Some(parent), |container| container.parent.get());

        if above.count() > MAX_DEPTH {
            return Err(EMLINK);
        }
        let hierarchy = parent.hierarchy();
        let deferred = Deferred::new(GFP_KERNEL)?;
        let states = States::new(&parent.states)?;
        let container = Self::alloc(states, Some(deferred), Some(parent.clone()))?;

        let directory = {
            let inner = parent.inner.as_ref(guard);
            let active = guard.hierarchies[hierarchy.id].as_ref().ok_or(ENODEV)?;
            let above = match &inner.directory {
                Some(directory) => directory.node(),
                None => active.directory(),
            };
            above.create_directory(name, mode, Owner::current_fs(), container.clone())?
        };
        let empty = container.populate(directory.node())?;

        // Nothing can fail from here on.
        container.members().publish(directory.node(), &empty);
        directory.node().activate();
        container.inner.as_mut(guard).directory = Some(directory);
        parent.inner.as_mut(guard).children += 1;
        if let Some(active) = &mut guard.hierarchies[hierarchy.id] {
            active.containers += 1;
        }
        Ok(())
    }

    /// Removes a container.
    ///
    /// Its states stay until all tasks that exited in the container have been reaped.
    ///
    /// # Errors
    ///
    /// `EBUSY` if the container has tasks or children, `ENODEV` if it has been removed.
    pub(crate) fn remove(guard: &mut Guard, container: &Arc<Self>) -> Result {
        container.check_alive(guard)?;
        let parent = container.parent.get().ok_or(EBUSY)?;
        if container.inner.as_ref(guard).children != 0 {
            return Err(EBUSY);
        }
        container.members().retire()?;

        let inner = container.inner.as_mut(guard);
        let deferred = inner.deferred.take();
        // This waits for operations on the files. Operations that take the mutex do not count: they
        // have given up their active references before.
        drop(inner.directory.take());
        container.states.offline(guard);
        parent.inner.as_mut(guard).children -= 1;
        if let Some(active) = &mut guard.hierarchies[container.hierarchy().id] {
            active.containers -= 1;
        }
        if let Some(deferred) = deferred {
            ffi::drop_when_unused(deferred, container.clone());
        }
        Ok(())
    }
}
