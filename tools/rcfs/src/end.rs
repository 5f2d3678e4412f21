// SPDX-License-Identifier: GPL-2.0

//! Killing all tasks in containers and below, and removing containers.

use crate::{
    container::Container,
    error::Result,
    explain,
    sys::{
        self,
        ENODEV,
        ENOENT, //
    },
};
use std::{
    fs,
    io,
    path::Path, //
};

/// How often the removal is tried: a task may enter a container that has just become empty
pub(crate) const ATTEMPTS: u32 = 100;

/// Kill all processes in these containers and below.
pub(crate) fn kill_all(containers: &[Container<'_>]) -> Result<()> {
    containers.iter().try_for_each(kill)
}

/// Kills all processes in a container and below, even frozen ones. They end a moment later, and
/// other processes may enter.
pub(crate) fn kill(container: &Container<'_>) -> Result<()> {
    match container.write("kill", "1") {
        // The container has been removed, and so had no tasks.
        Err(error) if matches!(error.errno, ENOENT | ENODEV) && !container.dir.is_dir() => Ok(()),
        result => result,
    }
}

/// Removes a container and all containers below, which must have no tasks.
pub(crate) fn remove_tree(container: &Container<'_>) -> std::result::Result<(), Busy> {
    // What is mounted on a container is not part of it, unless the container is reached by that.
    if container.dir == container.tree.mount || !sys::is_mount_point(&container.dir) {
        remove_below(container)?;
    }
    remove(container)
}

/// Removes all containers in a container.
pub(crate) fn remove_below(container: &Container<'_>) -> std::result::Result<(), Busy> {
    container.children().iter().try_for_each(remove_tree)
}

/// Removes a container, unless it has been removed already.
pub(crate) fn remove(container: &Container<'_>) -> std::result::Result<(), Busy> {
    remove_at(container, &container.dir).or_else(|busy| match busy.error.raw_os_error() {
        Some(ENOENT | ENODEV) => Ok(()),
        _ => Err(busy),
    })
}

/// Removes a container. The path must not end with a link.
pub(crate) fn remove_at(container: &Container<'_>, dir: &Path) -> std::result::Result<(), Busy> {
    fs::remove_dir(dir).map_err(|error| Busy {
        explained: explain::rmdir(container, &error),
        error,
    })
}

/// Why a container cannot be removed
pub(crate) struct Busy {
    pub(crate) error: io::Error,
    pub(crate) explained: crate::error::Error,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        container::tests::Folder,
        sys::EBUSY, //
    };

    #[test]
    fn who_is_gone_needs_no_end() {
        let folder = Folder::new(&[("kill", ""), ("a/tasks", "")]);
        let tree = folder.tree("pids");
        let root = Container::new(&tree, "/".into()).unwrap();

        kill_all(&[root.clone(), root.child("gone")]).unwrap();
        assert_eq!(root.read("kill").unwrap(), "1");
        // The container exists without this file: the kernel is too old.
        kill_all(&[root.child("a")]).unwrap_err();
    }

    #[test]
    fn from_the_bottom_up() {
        let folder = Folder::new(&[("x/file", "")]);
        let tree = folder.tree("pids");
        let root = Container::new(&tree, "/".into()).unwrap();

        fs::create_dir_all(root.dir.join("a/b/c")).unwrap();
        fs::create_dir_all(root.dir.join("a/d")).unwrap();
        assert!(remove_tree(&root.child("a")).is_ok());
        assert!(!root.child("a").dir.exists());
        assert!(remove_tree(&root.child("a")).is_ok());
        // In an ordinary folder, rmdir does not remove files.
        let busy = remove_tree(&root.child("x")).err().unwrap();

        assert_ne!(busy.error.raw_os_error(), Some(EBUSY));
        assert!(busy.explained.what.ends_with("x: cannot be removed"));
    }
}
