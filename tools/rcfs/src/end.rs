// SPDX-License-Identifier: GPL-2.0

//! The end of containers: of all tasks in them, of those below, and of themselves.

use crate::{
    container::Container,
    error::Result,
    explain,
    sys::{
        ENODEV,
        ENOENT, //
    },
};
use std::{
    fs,
    io, //
};

/// Kill all processes in these containers and below.
pub(crate) fn kill_all(containers: &[Container<'_>]) -> Result<()> {
    containers.iter().try_for_each(kill)
}

/// Kill all processes that are in a container and below at this moment, those that are frozen as
/// well. They may take a moment to be gone, and others may come in.
pub(crate) fn kill(container: &Container<'_>) -> Result<()> {
    match container.write("kill", "1") {
        // It has been removed, and had nobody in it.
        Err(error) if matches!(error.errno, ENOENT | ENODEV) && !container.dir.is_dir() => Ok(()),
        result => result,
    }
}

/// Remove a container and all below, which have to be without tasks.
pub(crate) fn remove_tree(container: &Container<'_>) -> std::result::Result<(), Busy> {
    for child in container.children() {
        remove_tree(&child)?;
    }
    remove(container)
}

/// Remove a container. It does not matter if it has been removed already.
pub(crate) fn remove(container: &Container<'_>) -> std::result::Result<(), Busy> {
    fs::remove_dir(&container.dir).or_else(|error| match error.raw_os_error() {
        Some(ENOENT | ENODEV) => Ok(()),
        _ => Err(Busy {
            explained: explain::rmdir(container, &error),
            error,
        }),
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
        // There is a container, and no file: the kernel cannot do it.
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
        // Files do not go away in an ordinary folder.
        let busy = remove_tree(&root.child("x")).err().unwrap();

        assert_ne!(busy.error.raw_os_error(), Some(EBUSY));
        assert!(busy.explained.what.ends_with("x: cannot be removed"));
    }
}
