// SPDX-License-Identifier: GPL-2.0

//! A container: its directory, its files, and the containers below.

use crate::{
    error::Result,
    explain,
    system::{
        show,
        Tree, //
    },
};
use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs::{
        self,
        OpenOptions, //
    },
    io::{
        self,
        Write, //
    },
    path::{
        Path,
        PathBuf, //
    },
};

/// A container of a mounted hierarchy. Other processes may remove it at any time.
#[derive(Debug, Clone)]
pub(crate) struct Container<'a> {
    pub(crate) tree: &'a Tree,
    /// Relative to the root of the hierarchy
    pub(crate) path: PathBuf,
    /// Where it is reached: below the mount, or by a descriptor
    pub(crate) dir: PathBuf,
}

impl<'a> Container<'a> {
    /// None if the path is not below the mount.
    pub(crate) fn new(tree: &'a Tree, path: PathBuf) -> Option<Self> {
        let dir = tree.directory(&path)?;

        Some(Self { tree, path, dir })
    }

    pub(crate) fn is_root(&self) -> bool {
        self.path == Path::new("/")
    }

    /// Its directory below the mount
    pub(crate) fn place(&self) -> PathBuf {
        self.tree
            .directory(&self.path)
            .unwrap_or_else(|| self.dir.clone())
    }

    /// Its name in the container above. Empty for a root
    pub(crate) fn file_name(&self) -> &OsStr {
        self.path.file_name().unwrap_or_default()
    }

    /// For messages
    pub(crate) fn name(&self) -> String {
        show(&self.place())
    }

    pub(crate) fn child(&self, name: impl AsRef<Path>) -> Self {
        Self {
            tree: self.tree,
            path: self.path.join(&name),
            dir: self.dir.join(&name),
        }
    }

    /// The container above, unless this is the topmost visible one
    pub(crate) fn above(&self) -> Option<Self> {
        Container::new(self.tree, self.path.parent()?.to_path_buf())
    }

    /// The containers in this one, by name. Empty if this one has been removed.
    pub(crate) fn children(&self) -> Vec<Self> {
        let names: BTreeSet<_> = fs::read_dir(&self.dir)
            .into_iter()
            .flatten()
            .flatten()
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
            .map(|entry| entry.file_name())
            .collect();

        names.into_iter().map(|name| self.child(name)).collect()
    }

    /// This container and all containers below, parents first
    pub(crate) fn walk(&self) -> Vec<Self> {
        let mut all = vec![self.clone()];

        for child in self.children() {
            all.extend(child.walk());
        }
        all
    }

    /// The contents of a file without white space around them. None if there is no such file: the
    /// controller is in another hierarchy, this is the root, or the container has been removed.
    pub(crate) fn read(&self, file: &str) -> Option<String> {
        let text = fs::read_to_string(self.dir.join(file)).ok()?;

        Some(text.trim().to_owned())
    }

    pub(crate) fn write(&self, file: &str, value: &str) -> Result<()> {
        write_file(&self.dir.join(file), value)
            .map_err(|error| explain::write(self, file, value, &error))
    }

    /// The ids in `tasks` or `procs`
    pub(crate) fn ids(&self, file: &str) -> Vec<i32> {
        self.read(file).map_or(Vec::new(), |text| {
            text.lines().filter_map(|line| line.parse().ok()).collect()
        })
    }
}

/// Writes the whole value at once to a file that must exist.
pub(crate) fn write_file(file: &Path, value: &str) -> io::Result<()> {
    // O_CREAT would turn a missing file into EACCES.
    OpenOptions::new()
        .write(true)
        .open(file)?
        .write_all(format!("{value}\n").as_bytes())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::system::tests::tree;
    use std::{
        env, process,
        sync::atomic::{
            AtomicU32,
            Ordering, //
        },
    };

    /// A folder with files as in a mounted hierarchy
    pub(crate) struct Folder(PathBuf);

    impl Folder {
        pub(crate) fn new(files: &[(&str, &str)]) -> Self {
            static NUMBER: AtomicU32 = AtomicU32::new(0);
            let path = env::temp_dir().join(format!(
                "rcfs-test-{}-{}",
                process::id(),
                NUMBER.fetch_add(1, Ordering::Relaxed)
            ));

            for (file, text) in files {
                let file = path.join(file);

                fs::create_dir_all(file.parent().unwrap()).unwrap();
                fs::write(file, text).unwrap();
            }
            Self(path)
        }

        pub(crate) fn tree(&self, controllers: &str) -> Tree {
            tree(1, controllers, self.0.to_str().unwrap())
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn each_in_front_of_those_in_it() {
        let folder = Folder::new(&[("tasks", ""), ("b/tasks", ""), ("a/x/tasks", "7\n8\n")]);
        let tree = folder.tree("pids");
        let root = Container::new(&tree, "/".into()).unwrap();
        let paths: Vec<_> = root
            .walk()
            .into_iter()
            .map(|found| show(&found.path))
            .collect();

        assert_eq!(paths, ["/", "/a", "/a/x", "/b"]);
        assert!(root.is_root());
        assert_eq!(root.child("a").child("x").ids("tasks"), [7, 8]);
        assert_eq!(root.child("a").above().unwrap().dir, root.dir);
        assert!(root.above().is_none());
        // The container has been removed.
        assert!(root.child("gone").walk().len() == 1);
        assert!(root.child("gone").ids("tasks").is_empty());
    }

    #[test]
    fn a_missing_file_is_not_made() {
        let folder = Folder::new(&[("tasks", ""), ("a/pids.max", "4\n")]);
        let tree = folder.tree("pids");
        let a = Container::new(&tree, "/a".into()).unwrap();

        a.write("pids.max", "5").unwrap();
        assert_eq!(a.read("pids.max").unwrap(), "5");
        let error = a.write("cpu.shares", "5").unwrap_err();

        assert_eq!(error.errno, crate::sys::ENOENT);
        assert!(!a.dir.join("cpu.shares").exists());
    }
}
