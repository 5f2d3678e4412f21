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
        Migration,
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
    let mut pending = KVec::new();
    let mut present = if task.nr_threads() == 1 {
        if task.is_pinned_kthread() {
            return Err(EINVAL);
        }
        check(task)?;
        !is_gone(attach_one(guard, container, task))?
    } else {
        attach_threads(guard, container, task, check, &mut pending)?
    };
    let members = container.members();

    // Who switched namespaces meanwhile has not moved. Threads that came into being are where the
    // thread was that created them, which has: there is nothing to ask about them.
    while let Some(thread) = members.find_thread_outside(task) {
        let mut moved = members
            .prepare(&thread)
            .and_then(|migration| commit(guard, container, &thread, migration));

        if matches!(moved, Ok(true)) {
            pending.retain(|asked| !core::ptr::eq(&**asked, &*thread));
        }
        moved = moved.inspect_err(|e| {
            if *e != ESRCH {
                cancel_attach_tasks(guard, container, pending.iter().map(|asked| &**asked));
            }
        });
        present |= !is_gone(moved.map(|_| ()))?;
    }
    cancel_attach_tasks(guard, container, pending.iter().map(|asked| &**asked));
    if present {
        Ok(())
    } else {
        Err(ESRCH)
    }
}

/// Moves the threads that there are. Returns whether there were any. Threads that `can_attach` has
/// agreed to, and that may still follow, are added to `pending`.
fn attach_threads(
    guard: &Guard,
    container: &Container,
    task: &Task,
    check: impl Fn(&Task) -> Result,
    pending: &mut KVec<ARef<Task>>,
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
            // Without memory, the agreement is taken back although the thread may follow.
            if thread.is_exiting() || pending.push(thread.into(), GFP_KERNEL).is_err() {
                cancel_attach_tasks(guard, container, core::iter::once(thread));
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

/// Takes back a [`can_attach`] that nobody has refused.
pub(crate) fn cancel_attach<T: Threads>(
    guard: &Guard,
    container: &Container,
    migration: &Migration<T>,
) {
    cancel_attach_tasks(guard, container, migration.threads());
}

/// Tells the subsystems that tasks which they have agreed to do not move.
fn cancel_attach_tasks<'a>(
    guard: &Guard,
    container: &Container,
    tasks: impl Iterator<Item = &'a Task> + Clone,
) {
    for ss in &container.hierarchy().subsystems {
        ss.cancel_attach(guard, container, tasks.clone());
    }
}

/// Tells the subsystems that tasks have moved.
fn notify_attach<T: Threads>(guard: &Guard, container: &Container, migration: &Migration<T>) {
    let (new, old) = (migration.new_nsproxy(), migration.old_nsproxy());

    for ss in &container.hierarchy().subsystems {
        ss.attach(guard, new, old, migration.moved());
    }
}

/// Makes a move that nobody has refused, if there is one to make. Returns whether there was.
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
        // If it is not exiting, it switched its namespaces: put it into the container with the new
        // ones.
        migration = container.members().prepare(task)?;
    }
    Ok(false)
}
