// SPDX-License-Identifier: GPL-2.0

//! Explanations and remedies for the errors of rcfs, as in the tables of
//! `Documentation/admin-guide/rcfs.rst` and the pages of the controllers.

use crate::{
    container::Container,
    error::Error,
    format,
    sys::{
        self,
        E2BIG,
        EACCES,
        EAGAIN,
        EBADF,
        EBUSY,
        EEXIST,
        EINVAL,
        EMLINK,
        ENAMETOOLONG,
        ENODEV,
        ENOENT,
        ENOMEM,
        ENOSYS,
        EPERM,
        ERANGE,
        EROFS,
        ESRCH, //
    },
    system::show, //
};
use std::{
    fs,
    io,
    os::unix::fs::MetadataExt,
    path::Path, //
};

/// The valid values of files of the kernel
pub(crate) fn values(file: &str) -> Option<&'static str> {
    Some(match file {
        "pids.max" => "a number from 0 to 4194304, or max for no limit",
        "cpu.shares" => "a number from 2 to 262144",
        "cpu.cfs_quota_us" => {
            "1000 or more microseconds in each cpu.cfs_period_us, or -1 for no limit; \
             the ratio must not exceed that of a container above, nor be less than that of \
             a container below"
        }
        "cpu.cfs_period_us" => {
            "1000 to 1000000 microseconds; \
             the ratio of cpu.cfs_quota_us to it must not exceed that of a container above, \
             nor be less than that of a container below"
        }
        "cpuset.cpus" => {
            "numbers and ranges, separated by commas, like 0-3,5, of CPUs in \
             /sys/devices/system/cpu/possible"
        }
        "memory.limit_in_bytes" | "memory.high" | "memory.swap.max" => {
            "a number of bytes, perhaps with K, M, G or T, or max for no limit"
        }
        "memory.max_usage_in_bytes" => "0, which resets it",
        "memory.oom.group" => "0 or 1",
        "freezer.state" => "FROZEN or THAWED",
        "cpuacct.usage" => "0, which resets it",
        "kill" => "1",
        _ => return None,
    })
}

/// How a user gets the right to change a directory or file
fn delegation(dir: &Path, files: &str) -> String {
    format!(
        "as root, give it to the user (see Delegation in Documentation/admin-guide/rcfs.rst):\n\
         chown USER {}{files}",
        show(dir)
    )
}

const REMOVED: &str = "the container has been removed";
const READ_ONLY: &str = "the mount, or the hierarchy, is read-only";
const REMOUNT: &str = "remount with mount -o remount,rw";

/// A failed write to a file of a controller, or to `kill`
pub(crate) fn write(
    container: &Container<'_>,
    file: &str,
    value: &str,
    error: &io::Error,
) -> Error {
    let told = Error::io(
        format!("{}/{file}: {value:?} cannot be written", container.name()),
        error,
    );
    let controller = file.split('.').next().unwrap_or_default();
    let why = |why: &str| Error {
        why: why.to_owned(),
        ..Error::io(&told.what, error)
    };
    let wanted = values(file).map(|values| format!("{file} takes {values}"));

    match error.raw_os_error() {
        Some(EACCES) if file == "kill" => {
            told.remedy(delegation(&container.place().join(file), ""))
        }
        Some(EACCES) => told.remedy(format!(
            "the file belongs to {}, who has given you the container; make a container below, \
             whose files belong to you",
            owner(&container.dir.join(file))
        )),
        Some(ENOENT) if container.is_root() => {
            why("the root of a hierarchy has no limits, because it stands for the whole system")
                .remedy("name a container")
        }
        Some(ENOENT) if file.contains('.') && !container.tree.has(controller) => why(&format!(
            "the hierarchy at {} does not have the controller {controller}, but {}",
            show(&container.tree.mount),
            container.tree.options()
        ))
        .remedy("rcfs status shows which hierarchy has it"),
        Some(ENOENT) if file.contains('.') => {
            why(&format!("the controller {controller} has no such file")).remedy(format!(
                "correct the name; ls {} lists all files",
                container.name()
            ))
        }
        Some(ENOENT) if file == "kill" && container.dir.is_dir() => {
            why("rcfs of this kernel is too old: it has no file kill")
                .remedy("boot a kernel with a newer rcfs")
        }
        Some(ENOENT | ENODEV) => why(REMOVED),
        Some(EINVAL | ERANGE) => match wanted {
            Some(wanted) => told.remedy(wanted),
            None => told.remedy(
                "write it in the format in which it is read; see the page of the controller for \
                 the range",
            ),
        },
        Some(EBUSY) if controller == "cpuset" => why(
            "a task with the policy SCHED_DEADLINE would have fewer CPUs than it was \
                admitted to",
        )
        .remedy("move the task out, or give it another policy"),
        Some(ENOMEM) => told.remedy("write it again"),
        Some(E2BIG) => told.remedy("write one value, less than a page"),
        Some(EROFS) => why(READ_ONLY).remedy(REMOUNT),
        _ => told,
    }
}

/// A failed mkdir
pub(crate) fn mkdir(container: &Container<'_>, error: &io::Error) -> Error {
    let told = Error::io(format!("{}: cannot be made", container.name()), error);
    let place = container.place();
    let above = place.parent().unwrap_or(Path::new("/"));

    match error.raw_os_error() {
        Some(EACCES | EPERM) => {
            let mut remedy = delegation(above, "");

            if let Some(own) = owned_below(container) {
                remedy =
                    format!("use --name {own}/NAME, where you have the permission; or\n{remedy}");
            }
            told.remedy(remedy)
        }
        Some(EEXIST) => told.remedy("choose another name, or rcfs rm it"),
        Some(EBUSY) => told.remedy(
            "unmount the hierarchy of cgroup v1 that has memory, or mount rcfs without memory; if \
             there is none, remove containers or control groups: 65535 have memory already",
        ),
        Some(EMLINK) => Error {
            why: "it would be more than 32 levels below the root".to_owned(),
            ..told
        }
        .remedy("make the container higher in the tree, with --name /PATH"),
        Some(EINVAL) => told.remedy("choose a name without a newline"),
        Some(ENAMETOOLONG) => told.remedy("choose a name with at most 255 bytes"),
        Some(ENOENT | ENODEV) => Error {
            why: format!("there is no container {}", show(above)),
            ..told
        }
        .remedy(format!("mkdir {}", show(above))),
        Some(EROFS) => Error {
            why: READ_ONLY.to_owned(),
            ..told
        }
        .remedy(REMOUNT),
        _ => told,
    }
}

/// A container near the root that belongs to the caller, as a prefix for other names
fn owned_below(container: &Container<'_>) -> Option<String> {
    let uid = sys::effective_uid();
    let root = Container::new(container.tree, "/".into())?;

    root.children()
        .into_iter()
        .flat_map(|child| {
            let below = child.children();
            std::iter::once(child).chain(below)
        })
        .find(|candidate| fs::metadata(&candidate.dir).is_ok_and(|found| found.uid() == uid))
        .map(|found| show(&found.path))
}

fn owner(file: &Path) -> String {
    match fs::metadata(file) {
        Ok(found) => format!("user {}", found.uid()),
        Err(_) => "another user".to_owned(),
    }
}

/// A failed rmdir
pub(crate) fn rmdir(container: &Container<'_>, error: &io::Error) -> Error {
    let name = container.name();
    let told = Error::io(format!("{name}: cannot be removed"), error);

    match error.raw_os_error() {
        Some(EBUSY) if container.is_root() => Error {
            why: "it is the root of a hierarchy".to_owned(),
            ..told
        }
        .remedy("umount it"),
        Some(EBUSY) if sys::is_mount_point(&container.place()) => Error {
            why: "it is a mount point".to_owned(),
            ..told
        }
        .remedy(format!("umount {name}")),
        Some(EBUSY) => {
            let (tasks, below) = (container.ids("tasks").len(), container.children().len());

            if below > 0 {
                Error {
                    why: format!("{} in it", format::count(below as u64, "container")),
                    ..told
                }
                .remedy(format!("remove them as well with rcfs rm -r {name}"))
            } else if tasks > 0 {
                Error {
                    why: format!("{} in it", format::count(tasks as u64, "task")),
                    ..told
                }
                .remedy(format!(
                    "list them with rcfs ps {name}; kill them with rcfs kill {name}, or move them \
                     with rcfs move"
                ))
            } else {
                told.remedy(
                    "it was busy a moment ago (try again), has tasks of another pid namespace, or \
                     is a mount point",
                )
            }
        }
        // Only a container that is reached by a descriptor
        Some(ENOENT) => told.remedy(format!(
            "if /proc is not mounted, mount it; then rcfs kill {name} and rcfs rm -r {name}"
        )),
        Some(EACCES | EPERM) => told.remedy(delegation(
            container.place().parent().unwrap_or(Path::new("/")),
            "",
        )),
        Some(EROFS) => Error {
            why: READ_ONLY.to_owned(),
            ..told
        }
        .remedy(REMOUNT),
        _ => told,
    }
}

/// A process that could not be started in a container
pub(crate) fn birth(container: &Container<'_>, error: &io::Error) -> Error {
    let name = container.name();
    let told = Error::io(format!("{name}: no process can be started in it"), error);

    match error.raw_os_error() {
        Some(EAGAIN) => Error {
            why: "the number of tasks has reached pids.max here or above, or another limit"
                .to_owned(),
            ..told
        }
        .remedy(format!(
            "raise pids.max where pids.events increases, or forkrate.max where forkrate.events \
             does: rcfs ls {} shows the containers;\n\
             if they increase nowhere: ulimit -u, control groups, kernel.threads-max",
            show(&container.tree.mount)
        )),
        Some(EACCES) => told.remedy(delegation(
            &container.place(),
            &format!(" {name}/procs {name}/tasks"),
        )),
        Some(EBADF) => Error {
            why: "rcfs of this kernel does not support CLONE_INTO_CGROUP".to_owned(),
            ..told
        }
        .remedy("boot a kernel with a newer rcfs"),
        Some(ENOSYS) => told.remedy("allow clone3(2), which a seccomp filter denies"),
        Some(ENOENT | ENODEV) => Error {
            why: REMOVED.to_owned(),
            ..told
        }
        .remedy("find out what removes containers there, or use --name"),
        Some(EROFS) => Error {
            why: READ_ONLY.to_owned(),
            ..told
        }
        .remedy(REMOUNT),
        Some(EBUSY) => told.remedy(
            "with SCHED_DEADLINE, the new process would have fewer CPUs than it was admitted to: \
             add CPUs to cpuset.cpus",
        ),
        _ => told,
    }
}

/// A task that could not be moved
pub(crate) fn attach(container: &Container<'_>, file: &str, id: i32, error: &io::Error) -> Error {
    let name = container.name();
    let told = Error::io(format!("{name}/{file}: {id} cannot be moved to it"), error);

    match error.raw_os_error() {
        Some(EACCES) => told.remedy(format!(
            "both the file and the task have to belong to you; as root:\n\
             chown USER {name}/tasks {name}/procs"
        )),
        Some(EAGAIN) => Error {
            why: "the process makes threads faster than they can be moved".to_owned(),
            ..told
        }
        .remedy("try again, or stop the process first"),
        Some(EINVAL) => told.remedy("the task is a kernel thread that cannot be moved"),
        Some(ESRCH) => Error {
            why: "there is no such task, or it is exiting".to_owned(),
            ..told
        }
        .remedy("see rcfs ps for the existing processes"),
        Some(EPERM) => Error {
            why:
                "the CPUs of the container are restricted, and the task has capabilities that you \
                  lack; or a security module refuses"
                    .to_owned(),
            ..told
        }
        .remedy("use CAP_SYS_NICE, or a container without cpuset.cpus"),
        Some(EBUSY) => Error {
            why: "a task with the policy SCHED_DEADLINE would have fewer CPUs than it was \
                admitted to"
                .to_owned(),
            ..told
        }
        .remedy("give the task another policy first, or the container more CPUs"),
        Some(ENODEV | ENOENT) => Error {
            why: REMOVED.to_owned(),
            ..told
        },
        Some(EROFS) => Error {
            why: READ_ONLY.to_owned(),
            ..told
        }
        .remedy(REMOUNT),
        Some(ENOMEM) => told.remedy("some threads may have moved: try again"),
        _ => told,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        container::tests::Folder,
        system::Tree, //
    };

    fn os(errno: i32) -> io::Error {
        io::Error::from_raw_os_error(errno)
    }

    fn folder() -> (Folder, Tree) {
        let folder = Folder::new(&[
            ("tasks", ""),
            ("a/tasks", "5\n6\n"),
            ("a/pids.max", "max"),
            ("b/x/tasks", ""),
            ("empty/tasks", ""),
        ]);
        let tree = folder.tree("pids,cpu");

        (folder, tree)
    }

    fn at<'a>(tree: &'a Tree, path: &str) -> Container<'a> {
        Container::new(tree, path.into()).unwrap()
    }

    #[test]
    fn ranges_are_told() {
        let (_folder, tree) = folder();

        for errno in [EINVAL, ERANGE] {
            let error = write(&at(&tree, "/a"), "pids.max", "x", &os(errno));

            assert!(error.what.ends_with("/a/pids.max: \"x\" cannot be written"));
            assert_eq!(
                error.remedy.unwrap(),
                "pids.max takes a number from 0 to 4194304, or max for no limit"
            );
        }
    }

    #[test]
    fn a_missing_file_has_several_reasons() {
        let (_folder, tree) = folder();
        let why = |path, file| write(&at(&tree, path), file, "1", &os(ENOENT)).why;

        assert!(why("/", "pids.max").contains("has no limits"));
        assert!(why("/a", "freezer.state")
            .contains("does not have the controller freezer, but pids,cpu"));
        assert!(why("/a", "cpu.sharse").contains("cpu has no such file"));
        assert!(why("/a", "kill").contains("no file kill"));
        assert_eq!(why("/gone", "kill"), REMOVED);
    }

    #[test]
    fn what_keeps_a_container() {
        let (_folder, tree) = folder();
        let told = |path| rmdir(&at(&tree, path), &os(EBUSY));

        assert_eq!(told("/a").why, "2 tasks in it");
        assert!(told("/b").remedy.unwrap().contains("rcfs rm -r"));
        assert!(told("/").why.contains("root"));
        assert!(told("/empty").remedy.unwrap().contains("try again"));
    }

    #[test]
    fn every_documented_error_has_a_remedy() {
        let (_folder, tree) = folder();
        let a = at(&tree, "/a");

        for errno in [
            EACCES,
            EBUSY,
            EEXIST,
            EINVAL,
            EMLINK,
            ENAMETOOLONG,
            ENODEV,
            ENOENT,
            EROFS,
        ] {
            assert!(mkdir(&a, &os(errno)).remedy.is_some(), "mkdir {errno}");
        }
        for errno in [EACCES, EBUSY, EPERM, EROFS] {
            assert!(rmdir(&a, &os(errno)).remedy.is_some(), "rmdir {errno}");
        }
        for errno in [EACCES, EAGAIN, EBADF, EBUSY, ENODEV, EROFS] {
            assert!(birth(&a, &os(errno)).remedy.is_some(), "birth {errno}");
        }
        for errno in [EACCES, EAGAIN, EINVAL, ESRCH, EPERM, EBUSY, EROFS, ENOMEM] {
            assert!(
                attach(&a, "procs", 1, &os(errno)).remedy.is_some(),
                "attach {errno}"
            );
        }
        for errno in [EACCES, EINVAL, ERANGE, E2BIG, EROFS] {
            assert!(
                write(&a, "pids.max", "1", &os(errno)).remedy.is_some(),
                "write {errno}"
            );
        }
    }

    #[test]
    fn errnos_are_kept() {
        let (_folder, tree) = folder();

        assert_eq!(birth(&at(&tree, "/a"), &os(EAGAIN)).errno, EAGAIN);
        assert_eq!(
            write(&at(&tree, "/a"), "x.y", "1", &os(ENOENT)).errno,
            ENOENT
        );
    }
}
