// SPDX-License-Identifier: GPL-2.0

//! What the errors of rcfs mean, and what to do about them. They are those of the tables in
//! `Documentation/admin-guide/rcfs.rst` and on the pages of the controllers.

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

/// What the value of a file has to be, for the files that the kernel brings
pub(crate) fn values(file: &str) -> Option<&'static str> {
    Some(match file {
        "pids.max" => "a number from 0 to 4194304, or max for no limit",
        "cpu.shares" => "a number from 2 to 262144",
        "cpu.cfs_quota_us" => {
            "1000 or more microseconds in each cpu.cfs_period_us, or -1 for no limit; \
             the ratio of both must not be above that of a container above, nor below \
              that of one below"
        }
        "cpu.cfs_period_us" => {
            "1000 to 1000000 microseconds; \
             the ratio to cpu.cfs_quota_us must not be above that of a container above, \
              nor below that of one below"
        }
        "cpuset.cpus" => {
            "numbers and ranges with commas in between, like 0-3,5, of CPUs that the system \
             can have: \
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

/// How somebody gets the right to change a directory or file
fn delegation(dir: &Path, files: &str) -> String {
    format!(
        "as root, give it to the user (delegation, Documentation/admin-guide/rcfs.rst):\n\
         chown USER {}{files}",
        show(dir)
    )
}

const REMOVED: &str = "the container has been removed";
const READ_ONLY: &str = "the mount, or the hierarchy, is read-only";
const REMOUNT: &str = "mount -o remount,rw it";

/// A write to a file of a controller, or to `kill`
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
        Some(EACCES) if file == "kill" => told.remedy(delegation(&container.dir.join(file), "")),
        Some(EACCES) => told.remedy(format!(
            "the file belongs to {}: limits are for whoever has given the container away; \
             make a container below, whose files are yours",
            owner(&container.dir.join(file))
        )),
        Some(ENOENT) if container.is_root() => {
            why("limits are not in the root of a hierarchy, which stands for the whole system")
                .remedy("name a container")
        }
        Some(ENOENT) if file.contains('.') && !container.tree.has(controller) => why(&format!(
            "the hierarchy at {} has no controller {controller}, but {}",
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
            why("this kernel's rcfs cannot end a container at once: it has no file kill")
                .remedy("boot a kernel with it")
        }
        Some(ENOENT | ENODEV) => why(REMOVED),
        Some(EINVAL | ERANGE) => match wanted {
            Some(wanted) => told.remedy(wanted),
            None => told.remedy("write it as it is read; the page of the controller has the range"),
        },
        Some(EBUSY) if controller == "cpuset" => why(
            "a task with the policy SCHED_DEADLINE would have less than the CPUs it was \
                admitted to",
        )
        .remedy("move it out, or give it another policy"),
        Some(ENOMEM) => told.remedy("write it again"),
        Some(E2BIG) => told.remedy("one value is less than a page"),
        Some(EROFS) => why(READ_ONLY).remedy(REMOUNT),
        _ => told,
    }
}

/// A container that cannot be made
pub(crate) fn mkdir(container: &Container<'_>, error: &io::Error) -> Error {
    let told = Error::io(format!("{}: cannot be made", container.name()), error);
    let above = container.dir.parent().unwrap_or(Path::new("/"));

    match error.raw_os_error() {
        Some(EACCES | EPERM) => {
            let mut remedy = delegation(above, "");

            if let Some(own) = owned_below(container) {
                remedy = format!("--name {own}/NAME makes it where you may; or\n{remedy}");
            }
            told.remedy(remedy)
        }
        Some(EEXIST) => told.remedy("choose another name, or rcfs rm it"),
        Some(EMLINK) => Error {
            why: "there are 32 containers above it already, the root not counted".to_owned(),
            ..told
        }
        .remedy("make it higher in the tree, with --name /PATH"),
        Some(EINVAL) => told.remedy("there must be no newline in the name"),
        Some(ENAMETOOLONG) => told.remedy("a name has 255 bytes at most"),
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

/// A container near the root that belongs to the caller, whose name then goes in front of others
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
        Err(_) => "somebody else".to_owned(),
    }
}

/// A container that cannot be removed
pub(crate) fn rmdir(container: &Container<'_>, error: &io::Error) -> Error {
    let name = container.name();
    let told = Error::io(format!("{name}: cannot be removed"), error);

    match error.raw_os_error() {
        Some(EBUSY) if container.is_root() => Error {
            why: "it is the root of a hierarchy".to_owned(),
            ..told
        }
        .remedy("umount it"),
        Some(EBUSY) => {
            let (tasks, below) = (container.ids("tasks").len(), container.children().len());

            if below > 0 {
                Error {
                    why: format!("there are containers in it: {below}"),
                    ..told
                }
                .remedy(format!("rcfs rm -r {name} removes them as well"))
            } else if tasks > 0 {
                Error {
                    why: format!("{} in it", format::count(tasks as u64, "task")),
                    ..told
                }
                .remedy(format!(
                    "rcfs ps {name} lists them; rcfs kill {name} ends them; rcfs move puts them \
                     elsewhere"
                ))
            } else {
                told.remedy(
                    "it was busy a moment ago, has tasks of another pid namespace, \
                     or something is mounted on it: try again",
                )
            }
        }
        Some(EACCES | EPERM) => told.remedy(delegation(
            container.dir.parent().unwrap_or(Path::new("/")),
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

/// A process that could not be born in a container
pub(crate) fn birth(container: &Container<'_>, error: &io::Error) -> Error {
    let name = container.name();
    let told = Error::io(format!("{name}: no process can be born there"), error);

    match error.raw_os_error() {
        Some(EAGAIN) => Error {
            why: "pids.max of this container, or of one above it, is reached; or another limit on \
                  processes is"
                .to_owned(),
            ..told
        }
        .remedy(format!(
            "raise pids.max where pids.events grows: rcfs ls {} shows the limits;\n\
             where it grows nowhere: ulimit -u, control groups, kernel.threads-max",
            show(&container.tree.mount)
        )),
        Some(EACCES) => told.remedy(delegation(
            &container.dir,
            &format!(" {name}/procs {name}/tasks"),
        )),
        Some(EBADF) => Error {
            why: "this kernel's rcfs does not take CLONE_INTO_CGROUP".to_owned(),
            ..told
        }
        .remedy("boot a kernel that does"),
        Some(ENOSYS) => told.remedy("allow clone3(2): a seccomp filter denies it"),
        Some(ENODEV) => Error {
            why: REMOVED.to_owned(),
            ..told
        }
        .remedy("find out who removes containers there, or use --name"),
        Some(EROFS) => Error {
            why: READ_ONLY.to_owned(),
            ..told
        }
        .remedy(REMOUNT),
        Some(EBUSY) => told.remedy(
            "SCHED_DEADLINE: the new process would have less CPUs than it was admitted to; \
             give cpuset.cpus more",
        ),
        _ => told,
    }
}

/// A task that could not be moved
pub(crate) fn attach(container: &Container<'_>, file: &str, id: i32, error: &io::Error) -> Error {
    let name = container.name();
    let told = Error::io(format!("{name}/{file}: {id} cannot be moved there"), error);

    match error.raw_os_error() {
        Some(EACCES) => told.remedy(format!(
            "the file has to be yours, and the task as well; as root:\n\
             chown USER {name}/tasks {name}/procs"
        )),
        Some(EINVAL) => told.remedy("it is a kernel thread that cannot be moved: leave it"),
        Some(ESRCH) => Error {
            why: "there is no such task, or it is exiting".to_owned(),
            ..told
        }
        .remedy("rcfs ps lists those that there are"),
        Some(EPERM) => Error {
            why: "the CPUs of the container are limited, and the task has capabilities that you \
                  have \
                  not; or a security module objects"
                .to_owned(),
            ..told
        }
        .remedy("use CAP_SYS_NICE, or a container without cpuset.cpus"),
        Some(EBUSY) => Error {
            why: "a task with the policy SCHED_DEADLINE would have less than the CPUs it was \
                admitted to"
                .to_owned(),
            ..told
        }
        .remedy("give it another policy before, or the container more CPUs"),
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

        assert!(why("/", "pids.max").contains("not in the root"));
        assert!(why("/a", "freezer.state").contains("has no controller freezer, but pids,cpu"));
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
        for errno in [EACCES, EINVAL, ESRCH, EPERM, EBUSY, EROFS, ENOMEM] {
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
