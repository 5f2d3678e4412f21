// SPDX-License-Identifier: GPL-2.0

//! Launching: a child that begins in a container, by clone3(2) with `CLONE_INTO_CGROUP`.
//!
//! `kernel/rcfs/clone.c` has looked at the descriptor and asked whether the caller may write to
//! `procs`. The fork itself holds no lock of rcfs.

use crate::{
    attach,
    container::Container,
    ffi::{
        self,
        REGISTRY, //
    },
    mount::Rcfs, //
};
use kernel::{
    error::code::*,
    kernfs::NodeRef,
    nsproxy::NsProxy,
    prelude::*,
    rcfs::members::Migration,
    sync::aref::ARef, //
};

/// What a child of the current task gets that begins in the container of `dir`, and the id of the
/// hierarchy.
///
/// # Errors
///
/// `ENODEV` if the container has been removed, `ENOMEM`, and what a subsystem refuses the current
/// task with: the child is not there yet, and is to its parent what a copy is.
pub(crate) fn find_child_nsproxy(dir: NodeRef<'_, Rcfs>) -> Result<(ARef<NsProxy>, usize)> {
    let container = dir.data().ok_or(ENODEV)?;
    let current = kernel::current!();

    let ns = match container.members().prepare(current)? {
        Some(migration) => {
            check_can_attach(&container, &migration)?;
            migration.into_new_nsproxy()
        }
        // The parent is there itself.
        None => current.nsproxy(&ffi::context()).ok_or(ESRCH)?,
    };
    Ok((ns, container.hierarchy().id))
}

/// Asks the subsystems, as an attach does, and takes that back at once: the current task stays
/// where it is, and subsystems hear of the child by the fork. The mutex is for those that want to
/// be asked: without any, launches do not wait for each other.
fn check_can_attach(container: &Container, migration: &Migration) -> Result {
    let mut subsystems = container.hierarchy().subsystems.iter();

    if subsystems.any(|ss| ss.has_can_attach()) {
        let guard = REGISTRY.lock();

        container.check_alive(&guard)?;
        attach::can_attach(&guard, container, migration)?;
        attach::cancel_attach(&guard, container, migration);
    }
    Ok(())
}
