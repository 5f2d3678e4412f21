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
/// A line has the name of the subsystem, the number of its hierarchy or 0, the number of containers
/// in that hierarchy or 1, and 1 because the subsystem can be mounted.
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
/// A line has the number of the hierarchy, its subsystems, and the path of the task's container
/// from the root of the hierarchy. An exiting task that has left its containers has no lines.
///
/// # Errors
///
/// `ENAMETOOLONG` if a path is longer than `PATH_MAX`, `ENOMEM`.
pub(crate) fn show_task(task: &Task, m: &SeqFile) -> Result {
    let guard = REGISTRY.lock();
    // Dropped before the mutex is released: a reference would make rmdir(2) fail.
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
