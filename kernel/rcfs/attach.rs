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
    rcfs::members::{
        Move,
        Threads, //
    },
    sync::aref::ARef,
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
    attach_one(guard, container, task)
}

/// Moves a task that may be asked about.
fn attach_one(guard: &Guard, container: &Container, task: &Task) -> Result {
    let Some(transfer) = container.members().prepare(task)? else {
        return Ok(());
    };

    ask(guard, container, &transfer)?;
    let moved = complete(guard, container, task, Some(transfer));
    if !matches!(moved, Ok(true)) {
        cancel_all(guard, container, core::iter::once(task));
    }
    moved.map(|_| ())
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
    // Those that have been asked for and have not moved, because they have other namespaces now.
    let mut left = KVec::new();
    let mut present = if task.nr_threads() == 1 {
        if task.is_pinned_kthread() {
            return Err(EINVAL);
        }
        check(task)?;
        !is_gone(attach_one(guard, container, task))?
    } else {
        attach_threads(guard, container, task, check, &mut left)?
    };
    let members = container.members();

    // Who switched namespaces meanwhile has not moved. Threads that came into being are where the
    // thread was that created them, which has: there is nothing to ask about them.
    while let Some(thread) = members.find_elsewhere(task) {
        let mut moved = members
            .prepare(&thread)
            .and_then(|transfer| complete(guard, container, &thread, transfer));

        if matches!(moved, Ok(true)) {
            left.retain(|asked| !core::ptr::eq(&**asked, &*thread));
        }
        moved = moved.inspect_err(|e| {
            if *e != ESRCH {
                cancel_all(guard, container, left.iter().map(|asked| &**asked));
            }
        });
        present |= !is_gone(moved.map(|_| ()))?;
    }
    cancel_all(guard, container, left.iter().map(|asked| &**asked));
    if present {
        Ok(())
    } else {
        Err(ESRCH)
    }
}

/// Moves the threads that there are. Returns whether there were any, and in `left` those that have
/// been asked for and may still follow.
fn attach_threads(
    guard: &Guard,
    container: &Container,
    task: &Task,
    check: impl Fn(&Task) -> Result,
    left: &mut KVec<ARef<Task>>,
) -> Result<bool> {
    let mut threads = pid::threads_of(task)?;

    // Other threads than the first may be workers for io_uring, which go where their process goes.
    if threads
        .first()
        .is_some_and(|leader| leader.is_pinned_kthread())
    {
        return Err(EINVAL);
    }
    for thread in &threads {
        check(thread)?;
    }
    let (mut moves, mut present) = container.members().prepare_all(&mut threads)?;

    for (asked, transfer) in moves.iter().enumerate() {
        ask(guard, container, transfer).inspect_err(|_| {
            for agreed in &moves[..asked] {
                cancel(guard, container, agreed);
            }
        })?;
    }
    for transfer in &mut moves {
        if transfer.commit() {
            tell(guard, container, transfer);
            present = true;
        }
        for thread in transfer.left() {
            // Without memory, the agreement is taken back although the thread may follow.
            if thread.is_exiting() || left.push(thread.into(), GFP_KERNEL).is_err() {
                cancel_all(guard, container, core::iter::once(thread));
            }
        }
    }
    Ok(present)
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

/// Asks the subsystems whether tasks may move. If one refuses, none remembers.
pub(crate) fn ask<T: Threads>(guard: &Guard, container: &Container, transfer: &Move<T>) -> Result {
    let subsystems = &container.hierarchy().subsystems;

    for (asked, ss) in subsystems.iter().enumerate() {
        ss.can_attach(guard, container, transfer.threads())
            .inspect_err(|_| {
                for agreed in &subsystems[..asked] {
                    agreed.cancel_attach(guard, container, transfer.threads());
                }
            })?;
    }
    Ok(())
}

/// Takes back an [`ask`] that nobody has refused.
pub(crate) fn cancel<T: Threads>(guard: &Guard, container: &Container, transfer: &Move<T>) {
    cancel_all(guard, container, transfer.threads());
}

/// Tells the subsystems that tasks which they have agreed to do not move.
fn cancel_all<'a>(
    guard: &Guard,
    container: &Container,
    tasks: impl Iterator<Item = &'a Task> + Clone,
) {
    for ss in &container.hierarchy().subsystems {
        ss.cancel_attach(guard, container, tasks.clone());
    }
}

/// Tells the subsystems that tasks have moved.
fn tell<T: Threads>(guard: &Guard, container: &Container, transfer: &Move<T>) {
    let (new, old) = (transfer.new_nsproxy(), transfer.old_nsproxy());

    for ss in &container.hierarchy().subsystems {
        ss.attach(guard, new, old, transfer.moved());
    }
}

/// Makes a move that nobody has refused, if there is one to make. Returns whether there was.
fn complete(
    guard: &Guard,
    container: &Container,
    task: &Task,
    mut transfer: Option<Move>,
) -> Result<bool> {
    while let Some(mut now) = transfer {
        if now.commit() {
            tell(guard, container, &now);
            return Ok(true);
        }
        // If it is not exiting, it switched its namespaces: put it into the container with the new
        // ones.
        transfer = container.members().prepare(task)?;
    }
    Ok(false)
}
