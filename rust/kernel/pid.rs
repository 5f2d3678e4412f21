// SPDX-License-Identifier: GPL-2.0

//! Finding tasks, by their ids and otherwise.
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

/// The number of ids to look at before rescheduling.
pub const IDS_AT_ONCE: usize = 512;

/// Finds a thread by its id in the pid namespace of the current task.
///
/// The thread may be exiting, or be a zombie.
pub fn find_task(id: Pid) -> Option<ARef<Task>> {
    let current = crate::current!();
    // There is no namespace if the current task has been reaped, which it may do to itself.
    let ns = current.active_pid_ns()?;
    let _guard = rcu::read_lock();

    // SAFETY: The namespace is valid, and the RCU read lock is held.
    let task = NonNull::new(unsafe { bindings::find_task_by_pid_ns(id, ns.as_ptr()) })?;
    // SAFETY: The RCU read lock keeps the task valid until a reference is taken.
    unsafe { bindings::get_task_struct(task.as_ptr()) };
    // SAFETY: The reference was taken above; the layouts are the same.
    Some(unsafe { ARef::from_raw(task.cast()) })
}

/// Finds the thread of a descriptor of the current task. It is the first thread of a process, or
/// the thread for which `PIDFD_THREAD` was used.
///
/// A descriptor is never reused for another thread, as an id is. The thread may be exiting, or be a
/// zombie.
///
/// # Errors
///
/// `EBADF` if `fd` is no pidfd, `ESRCH` if the thread has been reaped.
pub fn find_task_by_pidfd(fd: u32) -> Result<ARef<Task>> {
    let mut flags = 0;
    // SAFETY: Any descriptor may be passed, and `flags` is valid.
    let pid = from_err_ptr(unsafe { bindings::pidfd_get_pid(fd, &mut flags) })?;
    // SAFETY: There is a reference on the pid.
    let task = unsafe { bindings::get_pid_task(pid, bindings::pid_type_PIDTYPE_PID) };

    // SAFETY: The reference on the pid was taken above. Nothing uses it any more.
    unsafe { bindings::put_pid(pid) };
    let task = NonNull::new(task).ok_or(ESRCH)?;
    // SAFETY: The function returns a reference on the task; the layouts are the same.
    Ok(unsafe { ARef::from_raw(task.cast()) })
}

/// Takes references on all threads of the process of `task`, in the order of their creation.
///
/// A thread that is created or exits during the call may be missed.
///
/// # Errors
///
/// `ENOMEM`.
pub fn threads_of(task: &Task) -> Result<KVVec<ARef<Task>>> {
    let mut threads = KVVec::<ARef<Task>>::new();

    loop {
        // Reserve here: the walk must not sleep.
        threads.reserve(task.nr_threads() + 8, GFP_KERNEL)?;
        let spare = threads.spare_capacity_mut();
        // SAFETY: The task is valid, and `spare` is that long. `ARef` and `Task` are transparent
        // wrappers.
        let count = unsafe {
            bindings::get_threads(
                task.as_ptr(),
                spare.as_mut_ptr().cast(),
                spare.len() as c_uint,
            )
        } as usize;
        let complete = count < spare.len();

        // SAFETY: The function has written that many elements, which is at most `spare.len()`.
        unsafe { threads.inc_len(count) };
        if complete {
            return Ok(threads);
        }
        threads.clear();
    }
}

/// Calls `f` for all threads of all processes, until it returns [`ControlFlow::Break`].
///
/// A thread that is created or exits during the call may be missed.
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
        // SAFETY: As above. A process that has left the list still has a pointer to the next one.
        next = unsafe { bindings::next_process_or_null(process.as_ptr()) };
    }
    ControlFlow::Continue(())
}

/// Whether `f` is true for any thread. Calls `f` in the order of ids, and returns after the first
/// `true`.
///
/// Reschedules after every [`IDS_AT_ONCE`] threads, so that there is no long delay. A thread that
/// is created or exits during the call may be missed. May sleep.
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
        // SAFETY: No lock is held, and this function may sleep by its contract.
        unsafe { bindings::cond_resched() };
    }
}

/// Waits for forks that are about to make a child visible.
///
/// A later fork sees everything that the caller has done before. The child of an earlier fork is
/// visible when this returns.
pub(crate) fn wait_for_forks() {
    // SAFETY: This takes and releases the `tasklist_lock`. Callers may sleep and do not hold it.
    unsafe { bindings::wait_for_forks() };
}

impl Credential {
    /// Whether the owner may move any task.
    pub fn may_move_all(&self) -> bool {
        self.euid() == Kuid::from_raw(bindings::kuid_t { val: 0 })
    }
}

impl Task {
    /// The current number of threads in the process of the task.
    pub fn nr_threads(&self) -> usize {
        // SAFETY: By the type invariant, the task is valid.
        unsafe { bindings::task_nr_threads(self.as_ptr()) as usize }
    }

    /// The id of the task in `ns`, or 0 if it has none there.
    pub fn pid_nr_ns(&self, ns: &PidNamespace) -> Pid {
        // SAFETY: By the type invariants, the task and the namespace are valid.
        unsafe {
            bindings::__task_pid_nr_ns(self.as_ptr(), bindings::pid_type_PIDTYPE_PID, ns.as_ptr())
        }
    }

    /// Whether both tasks are threads of one process.
    pub fn is_thread_with(&self, other: &Task) -> bool {
        // SAFETY: By the type invariant, both tasks are valid. The field never changes.
        unsafe { (*self.as_ptr()).signal == (*other.as_ptr()).signal }
    }

    /// Calls `f` for all threads of the process of the task, in the order of their creation, until
    /// it returns [`ControlFlow::Break`].
    ///
    /// A thread that is created or exits during the call may be missed.
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
            // SAFETY: As above. A thread that has left the list still has a pointer to the next
            // one.
            next = unsafe { bindings::next_thread_or_null(thread.as_ptr()) };
        }
        ControlFlow::Continue(())
    }

    /// Whether the owner of `cred` may move the task: root, or the owner of the task by its real or
    /// saved user id.
    pub fn may_be_moved_by(&self, cred: &Credential) -> bool {
        let euid = cred.euid();

        cred.may_move_all()
            || euid == self.uid()
            // SAFETY: By the type invariant, the task is valid.
            || euid == Kuid::from_raw(unsafe { bindings::task_suid(self.as_ptr()) })
    }

    /// Whether the task is `kthreadd`, or a kernel thread that has to stay on its CPUs. The kernel
    /// relies on such threads not being limited.
    pub fn is_pinned_kthread(&self) -> bool {
        // SAFETY: By the type invariant, the task is valid.
        unsafe { bindings::task_is_pinned_kthread(self.as_ptr()) }
    }

    /// Whether the task is exiting.
    pub fn is_exiting(&self) -> bool {
        // SAFETY: By the type invariant, the task is valid.
        unsafe { bindings::task_is_exiting(self.as_ptr()) }
    }
}
