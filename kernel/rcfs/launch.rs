// SPDX-License-Identifier: GPL-2.0

//! Launching: making a child that begins in a container, by clone3(2) with `CLONE_INTO_CGROUP`.
//!
//! `kernel/rcfs/clone.c` has found the directory and has checked that the caller may write to its
//! `procs`. No lock of rcfs is held during the fork itself.

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

/// Finds the nsproxy for a child of the current task that is to begin in the container of `dir`.
/// Also returns the id of the hierarchy.
///
/// # Errors
///
/// `ENODEV` if the container has been removed, `ENOMEM`, or the error of a subsystem that refuses.
/// Subsystems are asked about the current task, because the child is a copy of it and does not
/// exist yet.
pub(crate) fn find_child_nsproxy(dir: NodeRef<'_, Rcfs>) -> Result<(ARef<NsProxy>, usize)> {
    let container = dir.data().ok_or(ENODEV)?;
    let current = kernel::current!();
    // Another task may attach the current one at any time: look once only.
    let old = current.nsproxy(&ffi::context()).ok_or(ESRCH)?;

    let ns = if container.members().has(&old) {
        old
    } else {
        let migration = container.members().prepare_from(current, old)?;

        check_can_attach(&container, &migration)?;
        migration.into_new_nsproxy()
    };
    Ok((ns, container.hierarchy().id))
}

/// Asks the subsystems, and cancels at once, because the current task does not move. Subsystems
/// learn of the child by the hooks of a fork. The mutex is only taken if a subsystem has
/// `can_attach`. Launches run in parallel otherwise.
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
