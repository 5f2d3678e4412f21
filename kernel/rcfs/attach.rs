// SPDX-License-Identifier: GPL-2.0

//! Attaching: moving a task into a container.

use crate::{
    container::Container,
    registry::Guard, //
};
use kernel::{
    error::code::*,
    prelude::*,
    task::Task, //
};

/// Moves a thread into a container.
///
/// # Errors
///
/// `EINVAL` for kernel threads that have to stay where they are, `ESRCH` if the thread is exiting,
/// `ENODEV` if the container has been removed, `ENOMEM`, and what a subsystem refuses with.
pub(crate) fn attach(guard: &Guard, container: &Container, task: &Task) -> Result {
    container.check_alive(guard)?;
    if task.is_pinned_kthread() {
        return Err(EINVAL);
    }
    if task.is_exiting() {
        return Err(ESRCH);
    }

    let subsystems = &container.hierarchy().subsystems;
    loop {
        let Some(transfer) = container.members().prepare(task)? else {
            return Ok(());
        };

        for ss in subsystems {
            ss.can_attach(guard, container, &transfer)?;
        }
        match transfer.commit() {
            // The task switched its namespaces: put it into the container with the new ones.
            Err(e) if e == EAGAIN => continue,
            other => other?,
        }
        for ss in subsystems {
            ss.attach(guard, &transfer);
        }
        return Ok(());
    }
}
