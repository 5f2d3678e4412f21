// SPDX-License-Identifier: GPL-2.0

//! Attaching: moving a task, or all threads of a process, into a container.

use crate::{
    container::Container,
    registry::Guard, //
};
use kernel::{
    error::code::*,
    pid,
    prelude::*,
    rcfs::members::{
        Migration,
        Threads, //
    },
    sync::aref::ARef,
    task::Task, //
};

/// How many threads that have been created in the meantime are moved before giving up. Threads
/// whose creators exit at once could keep this going, with the mutex held.
const MOST_LATE: usize = 1000;

/// Moves a thread into a container.
///
/// # Errors
///
/// `EINVAL` for a kernel thread that has to stay where it is, `ESRCH` if the thread is exiting,
/// `ENODEV` if the container has been removed, `ENOMEM`, or the error of a subsystem that refuses.
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

/// Moves a task that has passed the checks of [`attach`].
fn attach_one(guard: &Guard, container: &Container, task: &Task) -> Result {
    let Some(migration) = container.members().prepare(task)? else {
        return Ok(());
    };

    can_attach(guard, container, &migration)?;
    let moved = commit(guard, container, task, Some(migration));
    if !matches!(moved, Ok(true)) {
        cancel_attach_tasks(guard, container, core::iter::once(task));
    }
    moved.map(|_| ())
}

/// Moves all threads of the process that `task` belongs to.
///
/// The process keeps running during the move, and may create threads. A new thread is in the list
/// of threads by the time that the attach of its creator returns, or begins in the container of its
/// creator (`rcfs_replace_nsproxy()`). So if the list has no thread outside of the container after
/// the last attach, then no such thread will appear.
///
/// # Errors
///
/// As [`attach`], and the error of `check` for one of the threads. `EAGAIN` if the process creates
/// threads faster than they can be moved. After an error no thread has moved, except for an
/// `ENOMEM` or an `EAGAIN` in the middle of the move.
pub(crate) fn attach_process(
    guard: &Guard,
    container: &Container,
    task: &Task,
    check: impl Fn(&Task) -> Result,
) -> Result {
    container.check_alive(guard)?;
    // Threads that `can_attach` has agreed to, and that switched namespaces before they moved.
    let mut pending = KVVec::new();
    let mut present = false;

    if task.nr_threads() == 1 {
        if task.is_pinned_kthread() {
            return Err(EINVAL);
        }
        check(task)?;
        present = !is_gone(attach_one(guard, container, task))?;
    }
    // The single thread may be one that has exited, and the process may go on without it.
    if !present {
        present = attach_threads(guard, container, task, check, &mut pending)?;
    }
    let moved = move_late_threads(guard, container, task, present, &mut pending);

    cancel_attach_tasks(guard, container, pending.iter().map(|asked| &**asked));
    if moved? {
        Ok(())
    } else {
        Err(ESRCH)
    }
}

/// Moves the threads that are still outside of the container. Returns whether a thread was moved,
/// or `present`. Removes those from `pending` that have moved.
///
/// Threads that switched namespaces have not moved yet. Threads that were created since are in the
/// old container of their creator. `can_attach` has agreed to the process, and is not called for
/// them, unless all threads have exited that it could have been called for.
fn move_late_threads(
    guard: &Guard,
    container: &Container,
    task: &Task,
    mut present: bool,
    pending: &mut KVVec<ARef<Task>>,
) -> Result<bool> {
    let members = container.members();

    for _ in 0..MOST_LATE {
        let Some(thread) = members.find_thread_outside(task) else {
            return Ok(present);
        };
        let moved = if present || !pending.is_empty() {
            let moved = members
                .prepare(&thread)
                .and_then(|migration| commit(guard, container, &thread, migration));

            if matches!(moved, Ok(true)) {
                pending.retain(|asked| !core::ptr::eq(&**asked, &*thread));
            }
            moved.map(|_| ())
        } else {
            attach_one(guard, container, &thread)
        };

        present |= !is_gone(moved)?;
    }
    Err(EAGAIN)
}

/// Moves the threads in the list. Returns whether a thread was moved or was in the container
/// already. Adds threads to `pending` that subsystems have agreed to and that may still follow.
fn attach_threads(
    guard: &Guard,
    container: &Container,
    task: &Task,
    check: impl Fn(&Task) -> Result,
    pending: &mut KVVec<ARef<Task>>,
) -> Result<bool> {
    let mut threads = pid::threads_of(task)?;

    // A kernel thread is the first of its process, and the only one.
    if threads
        .first()
        .is_some_and(|leader| leader.is_pinned_kthread())
    {
        return Err(EINVAL);
    }
    for thread in &threads {
        check(thread)?;
    }
    pending.reserve(threads.len(), GFP_KERNEL)?;
    let (mut migrations, mut present) = container.members().prepare_all(&mut threads)?;

    for (asked, migration) in migrations.iter().enumerate() {
        can_attach(guard, container, migration).inspect_err(|_| {
            for agreed in &migrations[..asked] {
                cancel_attach(guard, container, agreed);
            }
        })?;
    }
    for migration in &mut migrations {
        if migration.commit() {
            notify_attach(guard, container, migration);
            present = true;
        }
        for thread in migration.remaining() {
            // There is room, so this cannot fail.
            pending.push(thread.into(), GFP_KERNEL)?;
        }
    }
    Ok(present)
}

/// Whether a thread could not be moved only because it has exited. This is no error for the other
/// threads of its process.
fn is_gone(result: Result) -> Result<bool> {
    match result {
        Ok(()) => Ok(false),
        Err(e) if e == ESRCH => Ok(true),
        Err(e) => Err(e),
    }
}

/// Asks all subsystems whether tasks may move. If one refuses, the others are told.
pub(crate) fn can_attach<T: Threads>(
    guard: &Guard,
    container: &Container,
    migration: &Migration<T>,
) -> Result {
    let subsystems = &container.hierarchy().subsystems;

    for (asked, ss) in subsystems.iter().enumerate() {
        ss.can_attach(guard, container, migration.threads())
            .inspect_err(|_| {
                for agreed in &subsystems[..asked] {
                    agreed.cancel_attach(guard, container, migration.threads());
                }
            })?;
    }
    Ok(())
}

/// Cancels a successful [`can_attach`].
pub(crate) fn cancel_attach<T: Threads>(
    guard: &Guard,
    container: &Container,
    migration: &Migration<T>,
) {
    cancel_attach_tasks(guard, container, migration.threads());
}

/// Tells all subsystems that tasks do not move, although [`can_attach`] has succeeded for them.
fn cancel_attach_tasks<'a>(
    guard: &Guard,
    container: &Container,
    tasks: impl Iterator<Item = &'a Task> + Clone,
) {
    for ss in &container.hierarchy().subsystems {
        ss.cancel_attach(guard, container, tasks.clone());
    }
}

/// Tells all subsystems that tasks have moved.
fn notify_attach<T: Threads>(guard: &Guard, container: &Container, migration: &Migration<T>) {
    let (new, old) = (migration.new_nsproxy(), migration.old_nsproxy());

    for ss in &container.hierarchy().subsystems {
        ss.attach(guard, new, old, migration.moved());
    }
}

/// Carries out a move, if there is one. Returns whether the task has been moved.
fn commit(
    guard: &Guard,
    container: &Container,
    task: &Task,
    mut migration: Option<Migration>,
) -> Result<bool> {
    while let Some(mut attempt) = migration {
        if attempt.commit() {
            notify_attach(guard, container, &attempt);
            return Ok(true);
        }
        // The task is exiting, or has switched its namespaces. Find an nsproxy with the new ones.
        migration = container.members().prepare(task)?;
    }
    Ok(false)
}
