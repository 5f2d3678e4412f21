// SPDX-License-Identifier: GPL-2.0

//! The files of rcfs below `/proc`.

use crate::ffi::{
    self,
    REGISTRY, //
};
use kernel::{
    prelude::*,
    seq_file::{
        seq_print,
        SeqFile, //
    },
    task::Task,
};

/// `/proc/rcfs`: a line for each subsystem.
///
/// Its name; the number of the hierarchy that it is bound to, or 0; how many containers there are
/// in that, or 1 if all tasks are in the one root state; whether it can be mounted.
pub(crate) fn show_subsystems(m: &SeqFile) {
    let guard = REGISTRY.lock();

    seq_print!(m, "#subsys_name\thierarchy\tcontainers\tenabled\n");
    for ss in guard.subsystems() {
        let (number, containers) = match guard.hierarchy_of(ss.id()) {
            Some(active) => (active.hierarchy.number(), active.containers + 1),
            None => (0, 1),
        };

        seq_print!(m, "{}\t{number}\t{containers}\t1\n", ss.name());
    }
}

/// `/proc/PID/rcfs`: a line for each hierarchy.
///
/// Its number, its subsystems, and the path of the container that the task is in, seen from the
/// root of the hierarchy. Nothing for a task that has left all containers on its way out.
///
/// # Errors
///
/// `ENAMETOOLONG` if a path is longer than `PATH_MAX`, `ENOMEM`.
pub(crate) fn show_task(task: &Task, m: &SeqFile) -> Result {
    let guard = REGISTRY.lock();
    // Dropped before the mutex is released, so that rmdir(2) never sees this reference.
    let Some(ns) = task.nsproxy(&ffi::context()) else {
        return Ok(());
    };

    for active in guard.hierarchies.iter().flatten() {
        let hierarchy = &active.hierarchy;
        let mut separator = ':';

        seq_print!(m, "{}", hierarchy.number());
        for ss in &hierarchy.subsystems {
            seq_print!(m, "{separator}{}", ss.name());
            separator = ',';
        }
        seq_print!(m, ":");
        ns.print_container_path(hierarchy.id, m)?;
        seq_print!(m, "\n");
    }
    Ok(())
}
