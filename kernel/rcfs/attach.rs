// SPDX-License-Identifier: GPL-2.0

//! Attaching: moving a task, or all of a process, into a container.

use crate::{
    container::Container,
    registry::Guard, //
};
use kernel::{
    error::code::*,
    pid,
    prelude::*,
    rcfs::members::Move,
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
    let Some(transfer) = container.members().prepare(task)? else {
        return Ok(());
    };

    ask(guard, container, &transfer)?;
    complete(guard, container, transfer)
}

/// Moves all threads of the process that `task` belongs to, those that it is creating included.
///
/// Nothing holds the process up meanwhile. A thread is in the list of threads before the attach of
/// the thread that creates it returns, or begins in the container that its creator is in by then
/// (`rcfs_replace_nsproxy()`). So once a look at the list, after the last attach, finds nobody
/// elsewhere, nobody will appear elsewhere.
///
/// # Errors
///
/// As [`attach`], and what `check` returns for one of the threads. Either all threads that there
/// were have moved, or, but for an `ENOMEM` in the middle, none.
pub(crate) fn attach_process(
    guard: &Guard,
    container: &Container,
    task: &Task,
    check: impl Fn(&Task) -> Result,
) -> Result {
    container.check_alive(guard)?;
    let members = container.members();
    let threads = pid::threads_of(task)?;
    let mut moves = KVVec::with_capacity(threads.len(), GFP_KERNEL)?;
    let mut present = false;

    for thread in &threads {
        check(thread)?;
        if thread.is_pinned_kthread() {
            return Err(EINVAL);
        }
        match members.prepare(thread) {
            Ok(Some(transfer)) => moves.push(transfer, GFP_KERNEL)?,
            Ok(None) => present = true,
            Err(e) if e == ESRCH => (),
            Err(e) => return Err(e),
        }
    }
    for transfer in &moves {
        ask(guard, container, transfer)?;
    }
    for transfer in moves {
        present |= !is_gone(complete(guard, container, transfer))?;
    }

    // Threads that came into being meanwhile are where the thread was that created them, which
    // has moved: there is nothing to ask about them.
    while let Some(thread) = members.find_elsewhere(task) {
        match members.prepare(&thread) {
            Ok(Some(transfer)) => present |= !is_gone(complete(guard, container, transfer))?,
            Ok(None) => (),
            Err(e) if e == ESRCH => (),
            Err(e) => return Err(e),
        }
    }
    if present {
        Ok(())
    } else {
        Err(ESRCH)
    }
}

/// Whether a thread could not be moved only because it has exited, which is no error for the rest
/// of its process.
fn is_gone(result: Result) -> Result<bool> {
    match result {
        Ok(()) => Ok(false),
        Err(e) if e == ESRCH => Ok(true),
        Err(e) => Err(e),
    }
}

/// Asks the subsystems whether a task may move.
fn ask(guard: &Guard, container: &Container, transfer: &Move) -> Result {
    for ss in &container.hierarchy().subsystems {
        ss.can_attach(guard, container, transfer)?;
    }
    Ok(())
}

/// Makes a move that nobody has refused.
fn complete(guard: &Guard, container: &Container, mut transfer: Move) -> Result {
    loop {
        match transfer.commit() {
            // The task switched its namespaces: put it into the container with the new ones.
            Err(e) if e == EAGAIN => match container.members().prepare(transfer.task())? {
                Some(next) => transfer = next,
                None => return Ok(()),
            },
            Err(e) => return Err(e),
            Ok(()) => break,
        }
    }
    for ss in &container.hierarchy().subsystems {
        ss.attach(guard, &transfer);
    }
    Ok(())
}
