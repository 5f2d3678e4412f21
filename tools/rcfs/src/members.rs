// SPDX-License-Identifier: GPL-2.0

//! The processes in containers, with descriptors that cannot come to refer to other processes.

use crate::{
    container::Container,
    error::{
        Error,
        Result, //
    },
    sys::{
        self,
        EINVAL,
        ENOENT,
        ESRCH, //
    },
};
use std::{
    collections::HashSet,
    os::fd::OwnedFd, //
};

/// A process that was in a container after its descriptor had been opened
pub(crate) struct Member {
    pub(crate) pid: i32,
    pub(crate) fd: OwnedFd,
}

/// How many descriptors are open at the same time: fewer than usual limits
const BATCH: usize = 128;

/// Acts on the processes that are in a container now, not below. A process is listed before and
/// after its descriptor is opened. So its id cannot have been reused in between, unless the new
/// process is a member as well.
pub(crate) fn for_each(
    container: &Container<'_>,
    mut act: impl FnMut(&Member) -> Result<()>,
) -> Result<()> {
    for pids in container.ids("procs").chunks(BATCH) {
        let mut members = Vec::new();

        for &pid in pids {
            match sys::pidfd_open(pid) {
                Ok(fd) => members.push(Member { pid, fd }),
                // The process has ended. Its id may be that of a thread by now.
                Err(error) if matches!(error.raw_os_error(), Some(ESRCH | EINVAL | ENOENT)) => {}
                Err(error) => {
                    return Err(Error::io(format!("process {pid} cannot be opened"), &error))
                }
            }
        }
        let still_there: HashSet<_> = container.ids("procs").into_iter().collect();

        members
            .iter()
            .filter(|member| still_there.contains(&member.pid))
            .try_for_each(&mut act)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::tests::Folder;
    use std::os::fd::AsRawFd;

    #[test]
    fn who_has_ended_is_passed_over() {
        let own = std::process::id();
        let folder = Folder::new(&[("procs", &format!("{own}\n4194303\n"))]);
        let tree = folder.tree("pids");
        let mut found = Vec::new();

        for_each(&Container::new(&tree, "/".into()).unwrap(), |member| {
            found.push(member.pid);
            Ok(())
        })
        .unwrap();
        assert_eq!(found, [own as i32]);
    }

    #[test]
    fn more_processes_than_descriptors() {
        let number = 5000;
        let own = std::process::id();
        let folder = Folder::new(&[("procs", &format!("{own}\n").repeat(number))]);
        let tree = folder.tree("pids");
        let mut count = 0;

        for_each(&Container::new(&tree, "/".into()).unwrap(), |member| {
            // The lowest free number
            assert!(member.fd.as_raw_fd() < 1024);
            count += 1;
            Ok(())
        })
        .unwrap();
        assert_eq!(count, number);
    }

    #[test]
    fn an_error_ends_it() {
        let own = std::process::id();
        let folder = Folder::new(&[("procs", &format!("{own}\n{own}\n"))]);
        let tree = folder.tree("pids");
        let mut count = 0;
        let result = for_each(&Container::new(&tree, "/".into()).unwrap(), |_| {
            count += 1;
            Err(Error::new("what", "why"))
        });

        assert_eq!((result.unwrap_err().what.as_str(), count), ("what", 1));
    }
}
