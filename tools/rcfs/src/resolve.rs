// SPDX-License-Identifier: GPL-2.0

//! The containers that a PATH on the command line names.
//!
//! - A path that begins with a mount point names the container of that directory.
//! - A path whose first component is `.` or `..` is relative to the current directory, and has to
//!   lead to a path of the first kind.
//! - Any other path that begins with `/` is relative to the root of the hierarchy, in each
//!   hierarchy that has it.
//! - Any other path is relative to the container of this process, in each hierarchy.

use crate::{
    container::Container,
    error::{
        Error,
        Result, //
    },
    system::{
        show,
        System,
        Tree, //
    },
};
use std::{
    env,
    ffi::OsStr,
    path::{
        Component,
        Path,
        PathBuf, //
    },
};

/// The meaning of a path, whether it exists or not
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// In the hierarchy of this number
    In(u32, PathBuf),
    /// In all hierarchies, relative to the root
    FromRoot(PathBuf),
    /// In all hierarchies, relative to the container of this process
    FromOwn(PathBuf),
}

impl Meaning {
    pub(crate) fn of(path: &OsStr, system: &System) -> Result<Self> {
        let path = Path::new(path);

        if path.as_os_str().is_empty() {
            return Err(Error::usage("the PATH is empty", "correct it"));
        }
        let from_here = matches!(
            path.components().next(),
            Some(Component::CurDir | Component::ParentDir)
        );

        if from_here {
            let here = env::current_dir()
                .map_err(|error| Error::io("the current directory is not known", &error))?;

            return below_a_mount(&normal(&here.join(path))?, system).ok_or_else(|| {
                Error::new(
                    format!("{}: not a container", show(path)),
                    format!(
                        "the PATH is relative to the current directory, {}, which is not below a \
                         mount of rcfs",
                        show(&here)
                    ),
                )
                .remedy(
                    "omit the ./ for a PATH relative to your own container; rcfs status shows the \
                     mounts",
                )
            });
        }
        if !path.is_absolute() {
            return Ok(Self::FromOwn(normal(path)?));
        }
        let path = normal(path)?;

        Ok(below_a_mount(&path, system).unwrap_or(Self::FromRoot(path)))
    }

    /// The path in a hierarchy, if there is one
    pub(crate) fn path_in(&self, tree: &Tree, system: &System) -> Option<PathBuf> {
        match self {
            Self::In(hierarchy, path) => (*hierarchy == tree.hierarchy).then(|| path.clone()),
            Self::FromRoot(path) => Some(path.clone()),
            Self::FromOwn(path) => Some(system.own_path(tree).join(path)),
        }
    }
}

/// Removes `.` and `..`. Containers have no links, so names are enough.
fn normal(path: &Path) -> Result<PathBuf> {
    let mut result = PathBuf::new();

    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                if !result.pop() {
                    return Err(Error::usage(
                        format!("{}: leads out of the hierarchy", show(path)),
                        "give the PATH from the root, with a leading /",
                    ));
                }
            }
            other => result.push(other),
        }
    }
    Ok(result)
}

/// The container of a directory, if it is below a mount
fn below_a_mount(path: &Path, system: &System) -> Option<Meaning> {
    // The mount points may be nested.
    let tree = system
        .mounts
        .iter()
        .filter(|tree| path.starts_with(&tree.mount))
        .max_by_key(|tree| tree.mount.components().count())?;
    let below = path.strip_prefix(&tree.mount).ok()?;
    let mut inside = tree.top.clone();

    inside.extend(below);
    Some(Meaning::In(tree.hierarchy, inside))
}

/// The existing containers of a path, at least one
pub(crate) fn existing<'a>(path: &OsStr, system: &'a System) -> Result<Vec<Container<'a>>> {
    let meaning = Meaning::of(path, system)?;
    let candidates: Vec<_> = system
        .trees
        .iter()
        .filter_map(|tree| Container::new(tree, meaning.path_in(tree, system)?))
        .collect();
    let looked: Vec<_> = candidates
        .iter()
        .map(|container| show(&container.dir))
        .collect();
    let found: Vec<_> = candidates
        .into_iter()
        .filter(|container| container.dir.is_dir())
        .collect();

    if found.is_empty() {
        return Err(Error::new(
            format!("{}: no such container", show(Path::new(path))),
            format!("there is no directory {}", looked.join(", nor ")),
        )
        .remedy(
            "rcfs ls / lists all; a PATH without a leading / is relative to your own container",
        ));
    }
    Ok(found)
}

/// The containers of several paths, without duplicates
pub(crate) fn all_existing<'a>(
    paths: &[std::ffi::OsString],
    system: &'a System,
) -> Result<Vec<Container<'a>>> {
    let mut all: Vec<Container<'a>> = Vec::new();

    for path in paths {
        for container in existing(path, system)? {
            if !all.iter().any(|other| other.dir == container.dir) {
                all.push(container);
            }
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::tests::{
        example,
        tree, //
    };

    fn meaning(path: &str) -> Meaning {
        Meaning::of(OsStr::new(path), &example()).unwrap()
    }

    #[test]
    fn three_kinds() {
        assert_eq!(
            meaning("/sys/fs/rcfs/pids/a/b"),
            Meaning::In(2, "/a/b".into())
        );
        assert_eq!(meaning("/sys/fs/rcfs/cpu"), Meaning::In(1, "/".into()));
        assert_eq!(meaning("/a/b"), Meaning::FromRoot("/a/b".into()));
        assert_eq!(meaning("a/b"), Meaning::FromOwn("a/b".into()));
        // Not below the mount: only the first letters are the same
        assert_eq!(
            meaning("/sys/fs/rcfs/cpuset"),
            Meaning::FromRoot("/sys/fs/rcfs/cpuset".into())
        );
    }

    #[test]
    fn dots() {
        assert_eq!(meaning("/a/./b/../c"), Meaning::FromRoot("/a/c".into()));
        assert_eq!(
            meaning("/sys/fs/rcfs/pids/a/.."),
            Meaning::In(2, "/".into())
        );
        let error = Meaning::of(OsStr::new("a/../../b"), &example()).unwrap_err();

        assert_eq!(error.status, crate::error::USAGE);
        // The tests do not run in a mount of rcfs.
        let error = Meaning::of(OsStr::new("./a"), &example()).unwrap_err();

        assert!(error.why.contains("not below a mount"));
    }

    #[test]
    fn paths_in_each_hierarchy() {
        let system = example();
        let [cpu, pids] = &system.trees[..] else {
            panic!();
        };

        assert_eq!(meaning("x").path_in(cpu, &system), Some("/user/x".into()));
        assert_eq!(meaning("x").path_in(pids, &system), Some("/x".into()));
        assert_eq!(meaning("/x").path_in(cpu, &system), Some("/x".into()));
        assert_eq!(meaning("/sys/fs/rcfs/pids/x").path_in(cpu, &system), None);
    }

    #[test]
    fn bind_mounts_show_a_part() {
        let mut system = example();
        let mut part = tree(1, "cpuacct,cpu", "/mnt");

        part.top = "/jail".into();
        system.mounts.push(part);
        assert_eq!(
            Meaning::of(OsStr::new("/mnt/x"), &system).unwrap(),
            Meaning::In(1, "/jail/x".into())
        );
    }

    #[test]
    fn what_does_not_exist() {
        let error = existing(OsStr::new("/nowhere"), &example()).unwrap_err();

        assert!(error
            .why
            .contains("/sys/fs/rcfs/cpu/nowhere, nor /sys/fs/rcfs/pids/nowhere"));
    }
}
