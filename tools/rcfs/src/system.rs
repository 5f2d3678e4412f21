// SPDX-License-Identifier: GPL-2.0

//! The state of rcfs: controllers, hierarchies, their mounts, and the containers of a task.

use crate::error::{
    Error,
    Result, //
};
use std::{
    ffi::OsString,
    fs, io,
    os::unix::{
        ffi::{
            OsStrExt,
            OsStringExt, //
        },
        fs::MetadataExt, //
    },
    path::{
        Path,
        PathBuf, //
    },
};

/// A line of `/proc/rcfs`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Controller {
    pub(crate) name: String,
    /// 0 if it is in no hierarchy
    pub(crate) hierarchy: u32,
    /// How many containers its hierarchy has, with the root
    pub(crate) containers: u64,
}

/// A line of `/proc/PID/rcfs`: the container of the task in one hierarchy
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) hierarchy: u32,
    pub(crate) controllers: Vec<String>,
    /// Relative to the root of the hierarchy
    pub(crate) path: PathBuf,
}

/// A mounted hierarchy
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tree {
    pub(crate) hierarchy: u32,
    pub(crate) controllers: Vec<String>,
    pub(crate) mount: PathBuf,
    /// The container that is visible at the mount point: `/`, except for a bind mount
    pub(crate) top: PathBuf,
    pub(crate) read_only: bool,
}

impl Tree {
    pub(crate) fn has(&self, controller: &str) -> bool {
        self.controllers.iter().any(|name| name == controller)
    }

    /// The directory of a container, from its path relative to the root of the hierarchy. None if
    /// it is not below the mount.
    pub(crate) fn directory(&self, path: &Path) -> Option<PathBuf> {
        let below = path.strip_prefix(&self.top).ok()?;

        // join() would add a slash.
        Some(if below.as_os_str().is_empty() {
            self.mount.clone()
        } else {
            self.mount.join(below)
        })
    }

    /// The names of its controllers, as mount options
    pub(crate) fn options(&self) -> String {
        self.controllers.join(",")
    }
}

/// The whole state
#[derive(Debug, Clone)]
pub(crate) struct System {
    pub(crate) controllers: Vec<Controller>,
    /// One mount for each mounted hierarchy
    pub(crate) trees: Vec<Tree>,
    /// All reachable mounts
    pub(crate) mounts: Vec<Tree>,
    /// The containers of this process, one for each hierarchy
    pub(crate) own: Vec<Place>,
}

impl System {
    pub(crate) fn read() -> Result<Self> {
        let controllers = parse_controllers(&read_proc("/proc/rcfs")?);
        let own = own_places()?;
        let mounts = fs::read("/proc/self/mountinfo")
            .map_err(|error| Error::io("/proc/self/mountinfo: cannot be read", &error))?;
        let mounts = reachable(parse_mounts(&mounts, &own), is_reachable);

        Ok(Self {
            controllers,
            trees: choose_trees(&mounts),
            mounts,
            own,
        })
    }

    /// The same, for subcommands that need a mount
    pub(crate) fn read_mounted() -> Result<Self> {
        let system = Self::read()?;

        if system.trees.is_empty() {
            return Err(system.not_mounted());
        }
        Ok(system)
    }

    fn not_mounted(&self) -> Error {
        let error = Error::new(
            "rcfs is not mounted",
            "/proc/self/mountinfo has no reachable mount of the type rcfs",
        );

        match self.own.first() {
            // It was unmounted with containers in it: only the same set of controllers mounts it
            // again.
            Some(place) => error.remedy(format!(
                "mount -t rcfs -o {} none /sys/fs/rcfs",
                place.controllers.join(",")
            )),
            None => error.remedy("mount -t rcfs none /sys/fs/rcfs"),
        }
    }

    pub(crate) fn tree(&self, hierarchy: u32) -> Option<&Tree> {
        self.trees.iter().find(|tree| tree.hierarchy == hierarchy)
    }

    /// The container that this process is in
    pub(crate) fn own_path(&self, tree: &Tree) -> &Path {
        self.own
            .iter()
            .find(|place| place.hierarchy == tree.hierarchy)
            .map_or(Path::new("/"), |place| &place.path)
    }

    /// The hierarchy of a controller, or an explanation why there is none
    pub(crate) fn tree_with(&self, controller: &str) -> Result<&Tree> {
        if let Some(tree) = self.trees.iter().find(|tree| tree.has(controller)) {
            return Ok(tree);
        }
        let what = format!("no mounted hierarchy has the controller {controller}");
        let there: Vec<_> = self
            .trees
            .iter()
            .map(|tree| format!("{} has {}", tree.mount.display(), tree.options()))
            .collect();
        let known = self
            .controllers
            .iter()
            .find(|known| known.name == controller);

        Err(match known {
            None => Error::new(
                what,
                format!("the kernel has no such controller; {}", there.join("; ")),
            )
            .remedy(format!(
                "correct the name; or load the module with modprobe rcfs_{controller}, and mount \
                 it:\n\
                 mkdir DIR && mount -t rcfs -o {controller} none DIR"
            )),
            Some(known) if known.hierarchy == 0 => Error::new(what, there.join("; ")).remedy(
                format!("mkdir DIR && mount -t rcfs -o {controller} none DIR"),
            ),
            Some(known) => {
                let place = self
                    .own
                    .iter()
                    .find(|place| place.hierarchy == known.hierarchy);
                let options =
                    place.map_or(controller.to_owned(), |place| place.controllers.join(","));

                Error::new(
                    what,
                    format!(
                        "it is in hierarchy {}, which is not mounted",
                        known.hierarchy
                    ),
                )
                .remedy(format!(
                    "mount exactly the controllers of this hierarchy: \
                     mount -t rcfs -o {options} none DIR"
                ))
            }
        })
    }
}

/// A file of `/proc` that exists if the kernel has rcfs
fn read_proc(file: &str) -> Result<Vec<u8>> {
    fs::read(file).map_err(|error| {
        if error.kind() == io::ErrorKind::NotFound {
            Error::new("the kernel has no rcfs", format!("there is no {file}"))
                .remedy("configure CONFIG_RCFS; mount /proc if it is not mounted")
        } else {
            Error::io(format!("{file}: cannot be read"), &error)
        }
    })
}

pub(crate) fn own_places() -> Result<Vec<Place>> {
    Ok(parse_places(&read_proc("/proc/self/rcfs")?))
}

/// The mounts that are not covered by another file system
fn reachable(mounts: Vec<(Tree, u64)>, is_reachable: impl Fn(&Path, u64) -> bool) -> Vec<Tree> {
    mounts
        .into_iter()
        .filter(|(tree, device)| is_reachable(&tree.mount, *device))
        .map(|(tree, _)| tree)
        .collect()
}

/// For each hierarchy a mount that shows all of it and is writable, if there is one. In the order
/// of the numbers of hierarchies.
fn choose_trees(mounts: &[Tree]) -> Vec<Tree> {
    let mut trees: Vec<Tree> = Vec::new();

    for tree in mounts {
        match trees
            .iter_mut()
            .find(|other| other.hierarchy == tree.hierarchy)
        {
            None => trees.push(tree.clone()),
            Some(other) => {
                let worth = |tree: &Tree| (tree.top == Path::new("/"), !tree.read_only);

                if worth(tree) > worth(other) {
                    *other = tree.clone();
                }
            }
        }
    }
    trees.sort_by_key(|tree| tree.hierarchy);
    trees
}

/// Whether the file system of this device is visible at a mount point.
fn is_reachable(mount: &Path, device: u64) -> bool {
    fs::metadata(mount).is_ok_and(|metadata| metadata.dev() == device)
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
}

fn utf8(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

fn parse_controllers(text: &[u8]) -> Vec<Controller> {
    lines(text)
        .filter(|line| !line.starts_with(b"#"))
        .filter_map(|line| {
            let mut fields = utf8(line).split_ascii_whitespace();

            Some(Controller {
                name: fields.next()?.to_owned(),
                hierarchy: fields.next()?.parse().ok()?,
                containers: fields.next()?.parse().ok()?,
            })
        })
        .collect()
}

fn parse_places(text: &[u8]) -> Vec<Place> {
    lines(text)
        .filter_map(|line| {
            // The path may contain colons.
            let mut fields = line.splitn(3, |byte| *byte == b':');

            Some(Place {
                hierarchy: utf8(fields.next()?).parse().ok()?,
                controllers: names(fields.next()?),
                path: OsString::from_vec(fields.next()?.to_vec()).into(),
            })
        })
        .collect()
}

fn names(list: &[u8]) -> Vec<String> {
    utf8(list).split(',').map(str::to_owned).collect()
}

/// The mounts of rcfs in `/proc/self/mountinfo`, each with its device number, for the hierarchies
/// of the task.
fn parse_mounts(text: &[u8], places: &[Place]) -> Vec<(Tree, u64)> {
    lines(text)
        .filter_map(|line| {
            let fields: Vec<_> = line.split(|byte| *byte == b' ').collect();
            // After some optional fields
            let dash = fields.iter().skip(6).position(|field| *field == b"-")? + 6;

            if *fields.get(dash + 1)? != b"rcfs" {
                return None;
            }
            let options = names(fields.get(dash + 3)?);
            // Options of the VFS are not controllers.
            let place = places
                .iter()
                .find(|place| place.controllers.iter().all(|name| options.contains(name)))?;
            let read_only = |options: &[String]| options.iter().any(|option| option == "ro");

            Some((
                Tree {
                    hierarchy: place.hierarchy,
                    controllers: place.controllers.clone(),
                    mount: unescape(fields[4]).into(),
                    top: unescape(fields[3]).into(),
                    read_only: read_only(&options) || read_only(&names(fields[5])),
                },
                parse_device(utf8(fields[2]))?,
            ))
        })
        .collect()
}

/// `MAJOR:MINOR`, as in stat(2)
fn parse_device(text: &str) -> Option<u64> {
    let (major, minor) = text.split_once(':')?;
    let (major, minor): (u64, u64) = (major.parse().ok()?, minor.parse().ok()?);

    Some(
        ((major & 0xfff) << 8)
            | (minor & 0xff)
            | ((minor & !0xff) << 12)
            | ((major & !0xfff) << 32),
    )
}

/// A path in which spaces and the like are octal numbers
fn unescape(text: &[u8]) -> OsString {
    let mut path = Vec::with_capacity(text.len());
    let mut rest = text;

    while let [byte, tail @ ..] = rest {
        let number = tail
            .get(..3)
            .filter(|_| *byte == b'\\')
            .and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());

        path.push(number.unwrap_or(*byte));
        rest = &tail[if number.is_some() { 3 } else { 0 }..];
    }
    OsString::from_vec(path)
}

/// A path as text, for messages and tables
pub(crate) fn show(path: &Path) -> String {
    crate::format::printable(&String::from_utf8_lossy(path.as_os_str().as_bytes()))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn tree(hierarchy: u32, controllers: &str, mount: &str) -> Tree {
        Tree {
            hierarchy,
            controllers: names(controllers.as_bytes()),
            mount: mount.into(),
            top: "/".into(),
            read_only: false,
        }
    }

    /// Two hierarchies, a controller in no hierarchy, and this process in a container of each
    pub(crate) fn example() -> System {
        let trees = vec![
            tree(1, "cpuacct,cpu", "/sys/fs/rcfs/cpu"),
            tree(2, "pids", "/sys/fs/rcfs/pids"),
        ];

        System {
            controllers: parse_controllers(
                b"#subsys_name\thierarchy\tcontainers\tenabled\n\
                  cpuacct\t1\t3\t1\ncpu\t1\t3\t1\npids\t2\t2\t1\n\
                  freezer\t0\t1\t1\ndebug\t3\t2\t1\n",
            ),
            mounts: trees.clone(),
            trees,
            own: parse_places(b"1:cpuacct,cpu:/user\n2:pids:/\n3:debug:/\n"),
        }
    }

    #[test]
    fn lines_of_proc_rcfs() {
        let system = example();

        assert_eq!(system.controllers.len(), 5);
        assert_eq!(
            system.controllers[0],
            Controller {
                name: "cpuacct".to_owned(),
                hierarchy: 1,
                containers: 3,
            }
        );
    }

    #[test]
    fn paths_may_have_colons() {
        assert_eq!(
            parse_places(b"12:pids:/a:b/c d\n"),
            [Place {
                hierarchy: 12,
                controllers: vec!["pids".to_owned()],
                path: "/a:b/c d".into(),
            }]
        );
    }

    #[test]
    fn mounts() {
        let text = b"\
            21 1 0:20 / /sys rw,relatime - sysfs none rw\n\
            30 21 0:28 / /sys/fs/rcfs/my\\040tree rw,relatime shared:5 - rcfs none rw,cpuacct,cpu\n\
            31 21 0:29 /a /mnt ro,relatime - rcfs none rw,pids\n";
        let found = parse_mounts(text, &example().own);

        assert_eq!(found.len(), 2);
        assert_eq!(
            found[0],
            (tree(1, "cpuacct,cpu", "/sys/fs/rcfs/my tree"), 28)
        );
        assert_eq!(found[1].0.top, Path::new("/a"));
        assert!(found[1].0.read_only);
    }

    #[test]
    fn the_best_of_several_mounts() {
        let mut part = tree(1, "cpu", "/part");
        let mut read_only = tree(1, "cpu", "/ro");

        part.top = "/a".into();
        read_only.read_only = true;
        let mounts = vec![
            (tree(1, "cpu", "/covered"), 5),
            (part, 4),
            (read_only, 4),
            (tree(2, "pids", "/pids"), 6),
            (tree(1, "cpu", "/best"), 4),
        ];
        let mounts = reachable(mounts, |_, device| device != 5);

        assert_eq!(mounts.len(), 4);
        assert_eq!(
            choose_trees(&mounts),
            [tree(1, "cpu", "/best"), tree(2, "pids", "/pids")]
        );
    }

    #[test]
    fn devices() {
        assert_eq!(parse_device("0:28"), Some(28));
        // gnu_dev_makedev(8, 300)
        assert_eq!(parse_device("8:300"), Some(0x10082c));
    }

    #[test]
    fn octal_numbers() {
        assert_eq!(unescape(b"/a\\040b\\134"), "/a b\\");
        assert_eq!(unescape(b"\\04"), "\\04");
    }

    #[test]
    fn directories_below_a_mount() {
        let mut tree = tree(1, "cpu", "/mnt");

        assert_eq!(tree.directory(Path::new("/")), Some("/mnt".into()));
        assert_eq!(tree.directory(Path::new("/a/b")), Some("/mnt/a/b".into()));
        tree.top = "/a".into();
        assert_eq!(tree.directory(Path::new("/a")), Some("/mnt".into()));
        assert_eq!(tree.directory(Path::new("/a/b")), Some("/mnt/b".into()));
        assert_eq!(tree.directory(Path::new("/ab")), None);
    }

    #[test]
    fn a_missing_controller_says_how_to_have_it() {
        let system = example();
        let remedy = |name| system.tree_with(name).unwrap_err().remedy.unwrap();

        assert_eq!(system.tree_with("pids").unwrap().hierarchy, 2);
        assert_eq!(
            remedy("freezer"),
            "mkdir DIR && mount -t rcfs -o freezer none DIR"
        );
        assert_eq!(
            remedy("debug"),
            "mount exactly the controllers of this hierarchy: mount -t rcfs -o debug none DIR"
        );
        assert!(remedy("memory").contains("modprobe rcfs_memory"));
        assert!(system
            .tree_with("freezer")
            .unwrap_err()
            .why
            .contains("/sys/fs/rcfs/pids has pids"));
    }

    #[test]
    fn without_a_mount_there_is_a_command_for_it() {
        let mut system = example();

        assert_eq!(
            system.not_mounted().remedy.unwrap(),
            "mount -t rcfs -o cpuacct,cpu none /sys/fs/rcfs"
        );
        system.own.clear();
        assert_eq!(
            system.not_mounted().remedy.unwrap(),
            "mount -t rcfs none /sys/fs/rcfs"
        );
    }
}
