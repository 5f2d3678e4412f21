// SPDX-License-Identifier: GPL-2.0

//! Who is in containers, as processes with a descriptor that stays with them.

use crate::{
    container::Container,
    error::{
        Error,
        Result, //
    },
    sys::{
        self,
        ESRCH, //
    },
};
use std::os::fd::OwnedFd;

/// A process that was in a container when its descriptor had been opened
pub(crate) struct Member {
    pub(crate) pid: i32,
    pub(crate) fd: OwnedFd,
}

/// The processes in a container, not below. An id that is listed before and after its descriptor
/// has been opened has not been given to another process in between, unless that one is a member
/// as well.
pub(crate) fn of(container: &Container<'_>) -> Result<Vec<Member>> {
    let mut members = Vec::new();

    for pid in container.ids("procs") {
        match sys::pidfd_open(pid) {
            Ok(fd) => members.push(Member { pid, fd }),
            Err(error) if error.raw_os_error() == Some(ESRCH) => {}
            Err(error) => return Err(Error::io(format!("process {pid} cannot be opened"), &error)),
        }
    }
    let still_there = container.ids("procs");

    members.retain(|member| still_there.contains(&member.pid));
    Ok(members)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::tests::Folder;

    #[test]
    fn who_has_ended_is_passed_over() {
        let own = std::process::id();
        let folder = Folder::new(&[("procs", &format!("{own}\n4194303\n"))]);
        let tree = folder.tree("pids");
        let members = of(&Container::new(&tree, "/".into()).unwrap()).unwrap();

        assert_eq!(members.len(), 1);
        assert_eq!(members[0].pid, own as i32);
    }
}
