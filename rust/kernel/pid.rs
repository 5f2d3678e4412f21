// SPDX-License-Identifier: GPL-2.0

//! Finding tasks by their ids.
//!
//! C headers: [`include/linux/pid.h`](srctree/include/linux/pid.h)

use crate::{
    bindings,
    cred::Credential,
    error::{
        code::*,
        from_err_ptr,
        Result, //
    },
    pid_namespace::PidNamespace,
    prelude::*,
    sync::{
        aref::ARef,
        rcu, //
    },
    task::{
        Kuid,
        Pid,
        Task, //
    },
};
use core::{
    ops::ControlFlow,
    ptr::NonNull, //
};

/// How many ids are looked at before others get to run.
pub const IDS_AT_ONCE: usize = 512;

/// Finds a thread by its id in the pid namespace of the current task.
///
/// The thread may be exiting, or be a zombie.
pub fn find_task(id: Pid) -> Option<ARef<Task>> {
    let current = crate::current!();
    // There is none if the current task has been reaped, which it may do to itself.
    let ns = current.active_pid_ns()?;
    let _guard = rcu::read_lock();

    // SAFETY: The namespace is valid, and the RCU read lock is held.
    let task = NonNull::new(unsafe { bindings::find_task_by_pid_ns(id, ns.as_ptr()) })?;
    // SAFETY: The RCU read lock is held, which keeps the task valid until there is a reference.
    unsafe { bindings::get_task_struct(task.as_ptr()) };
    // SAFETY: The reference was taken above; the layouts are the same.
    Some(unsafe { ARef::from_raw(task.cast()) })
}

/// Finds the thread that a descriptor of the current task refers to: the first one of a process, or
/// that of a descriptor made with `PIDFD_THREAD`.
///
/// Unlike an id, a descriptor never comes to mean another thread. The thread may be exiting, or be
/// a zombie.
///
/// # Errors
///
/// `EBADF` if `fd` is no pidfd, `ESRCH` if the thread has been reaped.
pub fn find_task_by_pidfd(fd: u32) -> Result<ARef<Task>> {
    let mut flags = 0;
    // SAFETY: Any number may be asked for, and `flags` can be written to.
    let pid = from_err_ptr(unsafe { bindings::pidfd_get_pid(fd, &mut flags) })?;
    // SAFETY: There is a reference on the pid.
    let task = unsafe { bindings::get_pid_task(pid, bindings::pid_type_PIDTYPE_PID) };

    // SAFETY: The reference came with the pid, which nobody uses any more.
    unsafe { bindings::put_pid(pid) };
    let task = NonNull::new(task).ok_or(ESRCH)?;
    // SAFETY: A reference comes with the task; the layouts are the same.
    Ok(unsafe { ARef::from_raw(task.cast()) })
}

/// References on all threads of the process that `task` belongs to, in the order in which they came
/// into being.
///
/// Threads that come into being or exit meanwhile may be among them or not.
///
/// # Errors
///
/// `ENOMEM`.
pub fn threads_of(task: &Task) -> Result<KVVec<ARef<Task>>> {
    let mut threads = KVVec::<ARef<Task>>::new();

    loop {
        // Allocating may sleep, walking must not.
        threads.reserve(task.nr_threads() + 8, GFP_KERNEL)?;
        let spare = threads.spare_capacity_mut();
        // SAFETY: The task is valid, and `spare` is that long. `ARef` is a transparent
        // pointer, and so is `Task`.
        let count = unsafe {
            bindings::get_threads(
                task.as_ptr(),
                spare.as_mut_ptr().cast(),
                spare.len() as c_uint,
            )
        } as usize;
        let complete = count < spare.len();

        // SAFETY: That many have been written, which is not more than `spare` is long.
        unsafe { threads.inc_len(count) };
        if complete {
            return Ok(threads);
        }
        threads.clear();
    }
}

/// Calls `f` for all threads of all processes, until it returns [`ControlFlow::Break`].
///
/// Threads that come into being or exit meanwhile may be among them or not; one that was there
/// before, and is after, is.
pub(crate) fn for_each_task(
    mut f: impl FnMut(&Task, &rcu::Guard) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let guard = rcu::read_lock();
    // SAFETY: The RCU read lock is held.
    let mut next = unsafe { bindings::first_process() };

    while let Some(process) = NonNull::new(next) {
        // SAFETY: The RCU read lock keeps the task valid; the layouts are the same.
        unsafe { process.cast::<Task>().as_ref() }
            .for_each_thread(|thread, _| f(thread, &guard))?;
        // SAFETY: As above. A process that has left the list still leads on.
        next = unsafe { bindings::next_process_or_null(process.as_ptr()) };
    }
    ControlFlow::Continue(())
}

/// Whether `f` is true for any thread, in the order of their ids. Looks no further then.
///
/// Others get to run after each [`IDS_AT_ONCE`] threads, so that this can be asked at any time.
/// Threads that come into being or exit meanwhile may be asked about or not; one that was there
/// before, and is after, is. May sleep.
pub(crate) fn any_thread(mut f: impl FnMut(&Task, &rcu::Guard) -> bool) -> bool {
    let mut next: Pid = 1;

    loop {
        let guard = rcu::read_lock();
        for _ in 0..IDS_AT_ONCE {
            // SAFETY: The RCU read lock is held, and `next` is valid.
            let thread = unsafe { bindings::next_thread_by_id(&mut next) };
            let Some(thread) = NonNull::new(thread) else {
                return false;
            };

            // SAFETY: The RCU read lock keeps the thread valid; the layouts are the same.
            if f(unsafe { thread.cast::<Task>().as_ref() }, &guard) {
                return true;
            }
        }
        drop(guard);
        // SAFETY: No lock is held. This function says that it may sleep.
        unsafe { bindings::cond_resched() };
    }
}

/// Waits for forks that are about to show the child to others.
///
/// A fork that does that later sees what the caller has done before, and a child that was shown
/// earlier is found by who looks for it afterwards.
pub(crate) fn wait_for_forks() {
    // SAFETY: This can always be called where sleeping is allowed, and waits for nobody who sleeps.
    unsafe { bindings::wait_for_forks() };
}

impl Credential {
    /// Whether the owner may move all tasks around.
    pub fn may_move_all(&self) -> bool {
        self.euid() == Kuid::from_raw(bindings::kuid_t { val: 0 })
    }
}

impl Task {
    /// How many threads the process of the task has at the moment.
    pub fn nr_threads(&self) -> usize {
        // SAFETY: By the type invariant, the task is valid.
        unsafe { bindings::task_nr_threads(self.as_ptr()) as usize }
    }

    /// The id of the task in `ns`; 0 if it has none there.
    pub fn pid_nr_ns(&self, ns: &PidNamespace) -> Pid {
        // SAFETY: By the type invariant, the task is valid, and so is the namespace.
        unsafe {
            bindings::__task_pid_nr_ns(self.as_ptr(), bindings::pid_type_PIDTYPE_PID, ns.as_ptr())
        }
    }

    /// Whether both are threads of one process.
    pub fn is_thread_with(&self, other: &Task) -> bool {
        // SAFETY: By the type invariant, both tasks are valid. The field never changes.
        unsafe { (*self.as_ptr()).signal == (*other.as_ptr()).signal }
    }

    /// Calls `f` for the threads of the process that the task belongs to, in the order in which
    /// they came into being, until it returns [`ControlFlow::Break`].
    ///
    /// Threads that come into being or exit meanwhile may be among them or not; one that was there
    /// before, and is after, is.
    pub fn for_each_thread(
        &self,
        mut f: impl FnMut(&Task, &rcu::Guard) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let guard = rcu::read_lock();
        // SAFETY: By the type invariant, the task is valid; the RCU read lock is held.
        let mut next = unsafe { bindings::first_thread(self.as_ptr()) };

        while let Some(thread) = NonNull::new(next) {
            // SAFETY: The RCU read lock keeps the thread valid; the layouts are the same.
            f(unsafe { thread.cast::<Task>().as_ref() }, &guard)?;
            // SAFETY: As above. A thread that has left the list still leads on.
            next = unsafe { bindings::next_thread_or_null(thread.as_ptr()) };
        }
        ControlFlow::Continue(())
    }

    /// Whether the owner of `cred` may move the task around: root may, and whoever owns the task by
    /// its real or saved user id.
    pub fn may_be_moved_by(&self, cred: &Credential) -> bool {
        let euid = cred.euid();

        cred.may_move_all()
            || euid == self.uid()
            // SAFETY: By the type invariant, the task is valid.
            || euid == Kuid::from_raw(unsafe { bindings::task_suid(self.as_ptr()) })
    }

    /// Whether the task is `kthreadd`, or a kernel thread that has to stay on its CPUs: the rest of
    /// the kernel counts on those not being limited.
    pub fn is_pinned_kthread(&self) -> bool {
        // SAFETY: By the type invariant, the task is valid.
        unsafe { bindings::task_is_pinned_kthread(self.as_ptr()) }
    }

    /// Whether the task is on its way out.
    pub fn is_exiting(&self) -> bool {
        // SAFETY: By the type invariant, the task is valid.
        unsafe { bindings::task_is_exiting(self.as_ptr()) }
    }
}
