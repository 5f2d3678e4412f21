// SPDX-License-Identifier: GPL-2.0

//! The tasks of a container.
//!
//! The nsproxy of a task determines its containers. A container has a list of the nsproxies that
//! refer to it, and an nsproxy in a container has a list of its tasks. There is no list of the
//! tasks that are in the root of every hierarchy.

use crate::{
    bindings,
    error::{
        from_err_ptr,
        to_result,
        Result, //
    },
    kernfs::{
        FileRef,
        NodeRef,
        Tree, //
    },
    nsproxy::NsProxy,
    pid::IDS_AT_ONCE,
    pid_namespace::PidNamespace,
    prelude::*,
    seq_file::{
        seq_print,
        SeqFile, //
    },
    sync::{
        aref::ARef,
        deferred::Deferred,
        rcu, //
    },
    task::{
        Pid,
        Task, //
    },
};
use core::{
    borrow::BorrowMut,
    mem::{
        self,
        MaybeUninit, //
    },
    ptr::{
        self,
        NonNull, //
    },
};

/// The number of words of a set of subsystems: see [`Members::new`].
pub const SUBSYSTEM_WORDS: usize =
    (bindings::CONFIG_MAX_RC_SUBSYS as usize).div_ceil(usize::BITS as usize);

/// How often to walk along the lists of a container that tasks leave for other lists of it, before
/// falling back to a look at all tasks.
pub const ATTEMPTS: usize = bindings::RCFS_WALK_ATTEMPTS as usize;

/// The tasks in a container, and the nsproxy that the container owns.
///
/// # Invariants
///
/// `cont` is from `rcfs_alloc_container()` and owned by this object.
pub struct Members {
    cont: NonNull<bindings::rcfs_container>,
}

// SAFETY: A container can be used and freed on any thread.
unsafe impl Send for Members {}

// SAFETY: The C functions do their own locking.
unsafe impl Sync for Members {}

impl Members {
    /// Makes a container without tasks in the hierarchy with the number `hierarchy`. Bit N of
    /// `subsystems` is set if the hierarchy has the subsystem with the id N.
    ///
    /// # Errors
    ///
    /// `EINVAL` if `hierarchy` is out of range, `ENOMEM`.
    ///
    /// # Safety
    ///
    /// - `parent` must be dropped later than the result.
    /// - `hierarchy` and `subsystems` must be those of `parent`.
    /// - All states of the container must exist when it is [published](Self::publish), and stay
    ///   until the value of [`drop_when_unused`](Self::drop_when_unused) is dropped.
    /// - Containers of one hierarchy must not be retired at the same time.
    pub unsafe fn new(
        hierarchy: usize,
        subsystems: &[usize; SUBSYSTEM_WORDS],
        parent: &Members,
    ) -> Result<Self> {
        Self::alloc(hierarchy, subsystems, parent.cont.as_ptr())
    }

    /// Makes the root of a hierarchy. All tasks that are in no other container of the hierarchy are
    /// in the root.
    ///
    /// # Errors
    ///
    /// As [`Members::new`].
    ///
    /// # Safety
    ///
    /// While tasks move to the root, its hierarchy must have exactly these subsystems, and no other
    /// hierarchy may have one of them. A task that moves to the root keeps the states of all other
    /// subsystems.
    pub unsafe fn root(hierarchy: usize, subsystems: &[usize; SUBSYSTEM_WORDS]) -> Result<Self> {
        Self::alloc(hierarchy, subsystems, ptr::null_mut())
    }

    fn alloc(
        hierarchy: usize,
        subsystems: &[usize; SUBSYSTEM_WORDS],
        parent: *mut bindings::rcfs_container,
    ) -> Result<Self> {
        if hierarchy >= bindings::CONFIG_MAX_RC_HIERARCHIES as usize {
            return Err(EINVAL);
        }
        // SAFETY: The bitmap has the length that C code expects, and the number is in range.
        let cont = unsafe {
            bindings::rcfs_alloc_container(hierarchy as c_int, subsystems.as_ptr(), parent)
        };

        // INVARIANT: The container is new.
        Ok(Self {
            cont: NonNull::new(cont).ok_or(ENOMEM)?,
        })
    }

    fn is_root(&self) -> bool {
        // SAFETY: By the type invariant, the container is valid.
        unsafe { bindings::rcfs_container_is_root(self.cont.as_ptr()) }
    }

    /// The nsproxy with the states of the container, as a pointer for C code.
    pub fn as_nsproxy_ptr(&self) -> *mut bindings::nsproxy {
        // SAFETY: By the type invariant, the container is valid. The field never changes.
        unsafe { (*self.cont.as_ptr()).nsproxy }
    }

    /// Lets tasks move into the container. All of its states must exist.
    ///
    /// `directory` is the directory of the container, and `empty` is a file in it. Readers of
    /// `empty` are notified when the last task has left. Has no effect if the container is a root,
    /// or has been published.
    pub fn publish<T: Tree>(&self, directory: NodeRef<'_, T>, empty: &FileRef<T>) {
        if !self.is_root() {
            // SAFETY: By the type invariant, the container is valid. So are both nodes, on which
            // the function takes references.
            unsafe {
                bindings::rcfs_publish_container(
                    self.cont.as_ptr(),
                    directory.as_ptr(),
                    empty.as_ptr(),
                )
            };
        }
    }

    /// Makes the container unavailable for good, if it has no tasks.
    ///
    /// # Errors
    ///
    /// `EBUSY` if the container has tasks, is not published, or is a root.
    pub fn retire(&self) -> Result {
        // SAFETY: By the type invariant, the container is valid.
        if self.is_root() || !unsafe { bindings::rcfs_retire_container(self.cont.as_ptr()) } {
            return Err(EBUSY);
        }
        Ok(())
    }

    /// Drops `value` when the states of the container are no longer needed. All tasks that exited
    /// in the container have been reaped by then, and an RCU grace period has passed.
    ///
    /// # Safety
    ///
    /// The container must have been [retired](Self::retire), and `value` must keep it. This must be
    /// called once only. The code that drops a `T` must be built in.
    pub unsafe fn drop_when_unused<T: Send + 'static>(&self, deferred: Deferred<T>, value: T) {
        // SAFETY: By the safety requirements. The function queues the work once.
        unsafe { bindings::rcfs_abandon_container(self.cont.as_ptr(), deferred.into_work(value)) };
    }

    /// Whether the container is known to have no tasks. This looks at counts alone, which a root
    /// does not have: the answer is `false` for a root.
    pub fn is_empty(&self) -> bool {
        // SAFETY: By the type invariant, the container is valid.
        !self.is_root() && unsafe { bindings::rcfs_container_is_empty(self.cont.as_ptr()) }
    }

    /// Whether the container and its descendants are known to have no tasks. The caller is a reader
    /// of the file `empty`, and will be notified when the answer changes from `false` to `true`. As
    /// for [`is_empty`](Self::is_empty), the answer is `false` for a root.
    pub fn watch_empty(&self) -> bool {
        // SAFETY: By the type invariant, the container is valid.
        !self.is_root() && unsafe { bindings::rcfs_container_watch_empty(self.cont.as_ptr()) }
    }

    /// Kills all processes with a thread in the container or in its descendants. A child that is
    /// being forked is killed as well.
    ///
    /// Does not wait for the processes to exit. Has no effect on a root.
    ///
    /// # Safety
    ///
    /// During the call, no task may move, and no container of the hierarchy may be published or
    /// retired.
    pub unsafe fn kill(&self) {
        if !self.is_root() {
            // SAFETY: By the type invariant, the container is valid. The other requirements are
            // the safety requirements of this function.
            unsafe { bindings::rcfs_kill(self.cont.as_ptr()) };
        }
    }

    /// Fills `ids` with the ids in `ns` of all tasks in the container, or of their processes if
    /// `processes`. The ids have no order, may have duplicates, and are 0 for tasks that `ns` does
    /// not see. An exiting task that has given up its nsproxy is not included. Takes time in
    /// proportion to the number of tasks.
    ///
    /// Returns `false` if a task may be missing, because a task got other namespaces during the
    /// call, or moved in another hierarchy. Always returns `false` for a root, which has no list.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub fn list_ids(
        &self,
        ns: &PidNamespace,
        processes: bool,
        ids: &mut KVVec<Pid>,
    ) -> Result<bool> {
        ids.clear();
        if self.is_root() {
            return Ok(false);
        }
        let kind = if processes {
            bindings::pid_type_PIDTYPE_TGID
        } else {
            bindings::pid_type_PIDTYPE_PID
        };
        loop {
            let spare = ids.spare_capacity_mut();
            let mut walk = MaybeUninit::uninit();
            let guard = rcu::read_lock();
            // SAFETY: The RCU read lock is held, and the container is valid.
            unsafe { bindings::rcfs_walk_begin(walk.as_mut_ptr(), self.cont.as_ptr()) };
            // SAFETY: The walk has begun, and `spare` is that long.
            let count = unsafe {
                bindings::rcfs_walk_ids(
                    walk.as_mut_ptr(),
                    ns.as_ptr(),
                    kind,
                    spare.as_mut_ptr().cast(),
                    spare.len().try_into().unwrap_or(c_uint::MAX),
                )
            } as usize;
            // SAFETY: The walk is at its end.
            let complete = unsafe { bindings::rcfs_walk_is_complete(walk.as_ptr()) };

            drop(guard);
            if count <= spare.len() {
                // SAFETY: The function has written that many ids.
                unsafe { ids.inc_len(count) };
                return Ok(complete);
            }
            // Reserve here: the walk must not sleep.
            ids.reserve(count + count / 8 + 8, GFP_KERNEL)?;
        }
    }

    /// Calls `f` for the tasks in the container that `ns` sees, in the order of their ids in `ns`.
    /// An exiting task that has given up its nsproxy is not included.
    ///
    /// Begins with the lowest id that is not less than `from`, and ends after [`IDS_AT_ONCE`] ids
    /// that are in use, so that the caller can reschedule.
    ///
    /// Returns the id to continue with, or [`None`] at the end.
    pub fn for_tasks_from(
        &self,
        ns: &PidNamespace,
        from: Pid,
        mut f: impl FnMut(&Task),
    ) -> Option<Pid> {
        const BATCH: usize = 64;

        let _guard = rcu::read_lock();
        let mut tasks = [ptr::null_mut(); BATCH];
        let mut next = from;

        for _ in 0..IDS_AT_ONCE / BATCH {
            // SAFETY: The container and the namespace are valid, `tasks` has that many elements,
            // and the RCU read lock is held.
            let found = unsafe {
                bindings::rcfs_find_members(
                    self.cont.as_ptr(),
                    ns.as_ptr(),
                    &mut next,
                    tasks.as_mut_ptr(),
                    BATCH as c_uint,
                )
            };

            for task in &tasks[..found as usize] {
                // SAFETY: The RCU read lock keeps the task valid; the layouts are the same.
                f(unsafe { &*task.cast::<Task>() });
            }
            if next == 0 {
                return None;
            }
        }
        Some(next)
    }

    /// Finds a thread of the process of `task` that is in another container of the hierarchy.
    ///
    /// A thread that is outside before and after the call is found, unless another one is found
    /// first. A thread that is created or exits during the call may be missed.
    pub fn find_thread_outside(&self, task: &Task) -> Option<ARef<Task>> {
        // SAFETY: The container and the task are valid.
        let thread =
            unsafe { bindings::rcfs_find_thread_outside(self.cont.as_ptr(), task.as_ptr()) };

        // SAFETY: The function returns a reference on the thread; the layouts are the same.
        NonNull::new(thread).map(|thread| unsafe { ARef::from_raw(thread.cast()) })
    }

    /// Prepares to move `task` into the container.
    ///
    /// Returns [`None`] if `task` is in the container already.
    ///
    /// # Errors
    ///
    /// `ESRCH` if `task` is exiting, `ENODEV` if the container has been retired, `ENOMEM`.
    pub fn prepare(&self, task: &Task) -> Result<Option<Migration>> {
        let old = nsproxy_of(task).ok_or(ESRCH)?;

        if self.has(&old) {
            return Ok(None);
        }
        Ok(Some(self.prepare_from(task, old)?))
    }

    /// As [`prepare`](Self::prepare), for a task that had the nsproxy `old` a moment ago. `old` is
    /// in another container.
    pub fn prepare_from(&self, task: &Task, old: ARef<NsProxy>) -> Result<Migration> {
        // INVARIANT: `find_nsproxy` keeps the namespaces of `old`. There is one thread.
        Ok(Migration {
            new: self.find_nsproxy(&old)?,
            old,
            threads: [task.into()],
            moved: 0,
        })
    }

    /// Prepares to move threads into the container. Adjacent threads of one process with the same
    /// nsproxy are moved together. Exiting threads are left out.
    ///
    /// Also returns whether there are threads that are in the container already.
    ///
    /// # Errors
    ///
    /// `ENODEV` if the container has been retired, `ENOMEM`.
    pub fn prepare_all<'a>(
        &self,
        threads: &'a mut [ARef<Task>],
    ) -> Result<(KVec<GroupMigration<'a>>, bool)> {
        let mut moves = KVec::new();
        let mut present = false;
        let mut rest = threads;

        // Usually all threads have the same nsproxy, so that there is one group. To group adjacent
        // threads only keeps the time linear if each thread has an nsproxy of its own.
        while let [first, others @ ..] = &*rest {
            let old = nsproxy_of(first);
            let more = match &old {
                Some(old) => others
                    .iter()
                    .take_while(|thread| thread.has_nsproxy(old) && thread.is_thread_with(first))
                    .count(),
                None => 0,
            };
            let (group, behind) = mem::take(&mut rest).split_at_mut(1 + more);

            rest = behind;
            let Some(old) = old else {
                continue;
            };
            if self.has(&old) {
                present = true;
                continue;
            }
            // INVARIANT: `find_nsproxy` keeps the namespaces of `old`. All threads in `group` are
            // of the process of its first thread.
            moves.push(
                Migration {
                    new: self.find_nsproxy(&old)?,
                    old,
                    threads: group,
                    moved: 0,
                },
                GFP_KERNEL,
            )?;
        }
        Ok((moves, present))
    }

    /// Whether tasks with `ns` are in the container.
    pub fn has(&self, ns: &NsProxy) -> bool {
        // SAFETY: The container and `ns` are valid.
        unsafe { bindings::rcfs_container_has_nsproxy(self.cont.as_ptr(), ns.as_ptr()) }
    }

    /// Finds or makes the nsproxy for a task that has `old` and moves into the container.
    fn find_nsproxy(&self, old: &NsProxy) -> Result<ARef<NsProxy>> {
        // SAFETY: The container is valid, and there is a reference on `old`.
        let new = unsafe { bindings::find_nsproxy(old.as_ptr(), self.cont.as_ptr()) };
        let new = from_err_ptr(new)?;

        // SAFETY: `find_nsproxy` returned a reference, which is not NULL; the layouts are the same.
        Ok(unsafe { ARef::from_raw(NonNull::new_unchecked(new.cast::<NsProxy>())) })
    }
}

/// As [`Task::nsproxy`]. The functions of this file call it in process context.
pub(crate) fn nsproxy_of(task: &Task) -> Option<ARef<NsProxy>> {
    // SAFETY: By the type invariant, the task is valid.
    let ns = unsafe { bindings::get_task_nsproxy(task.as_ptr()) };

    // SAFETY: The function returns a reference; the layouts are the same.
    NonNull::new(ns.cast::<NsProxy>()).map(|ns| unsafe { ARef::from_raw(ns) })
}

/// Calls `f` for the tasks in a container. A task may be passed more than once. Returns `false` in
/// the same cases as [`Members::list_ids`].
///
/// # Safety
///
/// `cont` must be valid, and not the root of a hierarchy.
pub(super) unsafe fn for_each_listed(
    cont: *const bindings::rcfs_container,
    mut f: impl FnMut(&Task),
) -> bool {
    let _guard = rcu::read_lock();
    let mut walk = MaybeUninit::uninit();

    // SAFETY: The RCU read lock is held until the end of the walk, and the container is valid.
    unsafe { bindings::rcfs_walk_begin(walk.as_mut_ptr(), cont) };
    // SAFETY: The walk has begun.
    while let Some(task) = NonNull::new(unsafe { bindings::rcfs_walk_next(walk.as_mut_ptr()) }) {
        // SAFETY: The RCU read lock keeps the task valid; the layouts are the same.
        f(unsafe { task.cast::<Task>().as_ref() });
    }
    // SAFETY: The walk is at its end.
    unsafe { bindings::rcfs_walk_is_complete(walk.as_ptr()) }
}

impl Drop for Members {
    fn drop(&mut self) {
        if !self.is_root() {
            // SAFETY: By the type invariant, the container is valid. No other call retires it, as
            // this object is exclusive.
            let free = unsafe {
                bindings::rcfs_container_is_retired(self.cont.as_ptr())
                    || bindings::rcfs_retire_container(self.cont.as_ptr())
            };
            if crate::warn_on!(!free) {
                // The container has tasks. Leak it rather than free what they use.
                return;
            }
        }
        // SAFETY: By the type invariant, this object owns the container, which is a root or
        // retired.
        unsafe { bindings::rcfs_free_container(self.cont.as_ptr()) };
    }
}

impl NsProxy {
    /// Prints the path of the container in hierarchy number `hierarchy` of tasks with this nsproxy,
    /// relative to the root of the hierarchy.
    ///
    /// # Errors
    ///
    /// `EINVAL` if `hierarchy` is out of range, `ENAMETOOLONG` if the path is longer than
    /// `PATH_MAX`, `ENOMEM`.
    pub fn print_container_path(&self, hierarchy: usize, m: &SeqFile) -> Result {
        // SAFETY: The nsproxy is valid. Its containers do not change once others can see it.
        let containers = unsafe { &(*self.as_ptr()).rcfs_container };
        let cont = *containers.get(hierarchy).ok_or(EINVAL)?;

        if cont.is_null() {
            seq_print!(m, "/");
            return Ok(());
        }
        let max = bindings::PATH_MAX as usize;
        // One byte more than allowed, because kernfs truncates a path without an error.
        let mut path = KVec::from_elem(0u8, max + 1, GFP_KERNEL)?;
        // SAFETY: The nsproxy keeps the container. The container is published, since no nsproxy of
        // a task refers to it before. A published container has a reference on its directory.
        let len = unsafe {
            bindings::kernfs_path_from_node(
                (*cont).directory,
                ptr::null_mut(),
                path.as_mut_ptr().cast(),
                path.len(),
            )
        };
        to_result(len)?;
        if len as usize >= max {
            return Err(ENAMETOOLONG);
        }
        // Names may have any bytes, so that `seq_print!` cannot be used.
        //
        // SAFETY: `SeqFile` is a transparent wrapper, and the path has that many bytes.
        unsafe {
            bindings::seq_write(
                ptr::from_ref(m).cast_mut().cast(),
                path.as_ptr().cast(),
                len as usize,
            )
        };
        Ok(())
    }
}

impl NsProxy {
    /// The number of references, that of the caller included.
    pub fn count_references(&self) -> u32 {
        // SAFETY: The nsproxy is valid.
        unsafe { bindings::nsproxy_count_references(self.as_ptr()) }
    }

    /// Whether other tasks may be given the nsproxy.
    pub fn can_be_shared(&self) -> bool {
        let ns = self.as_ptr();

        ptr::eq(ns, &raw const bindings::init_nsproxy)
            // SAFETY: The nsproxy is valid. `rcfs_hashed` may change at any time, so this is a
            // volatile read.
            || unsafe {
                !(*ns).rcfs_owner.is_null() || (&raw const (*ns).rcfs_hashed).read_volatile()
            }
    }

    /// Whether a task ever had this nsproxy replaced from outside.
    pub fn was_replaced(&self) -> bool {
        // SAFETY: As above.
        unsafe { (&raw const (*self.as_ptr()).rcfs_replaced).read_volatile() }
    }
}

/// The threads that move together: a single one, or threads of one process.
pub trait Threads: BorrowMut<[ARef<Task>]> {}

impl Threads for [ARef<Task>; 1] {}

impl Threads for &mut [ARef<Task>] {}

/// A [`Migration`] of several threads of one process.
pub type GroupMigration<'a> = Migration<&'a mut [ARef<Task>]>;

/// A task, or several threads of one process, that are about to move into a container.
///
/// # Invariants
///
/// `new` has the same namespaces as `old`. There is at least one thread, and all threads are of one
/// process. `moved` is at most the number of threads.
pub struct Migration<T = [ARef<Task>; 1]> {
    threads: T,
    /// The number of threads that have moved. These come first.
    moved: usize,
    old: ARef<NsProxy>,
    new: ARef<NsProxy>,
}

impl<T: Threads> Migration<T> {
    /// All threads.
    pub fn threads(&self) -> impl Iterator<Item = &Task> + Clone {
        self.threads.borrow().iter().map(|thread| &**thread)
    }

    /// The threads that have moved.
    pub fn moved(&self) -> impl Iterator<Item = &Task> + Clone {
        self.threads().take(self.moved)
    }

    /// The threads that have not moved.
    pub fn remaining(&self) -> impl Iterator<Item = &Task> + Clone {
        self.threads().skip(self.moved)
    }

    /// The nsproxy before the move.
    pub fn old_nsproxy(&self) -> &NsProxy {
        &self.old
    }

    /// The nsproxy after the move.
    pub fn new_nsproxy(&self) -> &NsProxy {
        &self.new
    }

    /// The nsproxy that the threads would have after the move, if it is not to be made.
    pub fn into_new_nsproxy(self) -> ARef<NsProxy> {
        self.new
    }

    /// Moves the threads, except for those that exit, or that have switched namespaces since the
    /// move was prepared. Returns whether any thread has moved.
    pub fn commit(&mut self) -> bool {
        let threads = self.threads.borrow_mut();

        // SAFETY: By the type invariant, `new` and the threads are as the function requires. There
        // are references on both nsproxies and on all threads, of which there are fewer than ids.
        // `ARef` and `Task` are transparent wrappers. The function only permutes the pointers.
        let moved = unsafe {
            bindings::rcfs_replace_nsproxy(
                threads.as_mut_ptr().cast(),
                threads.len() as c_uint,
                self.old.as_ptr(),
                self.new.as_ptr(),
            )
        };
        self.moved = moved as usize;
        self.moved != 0
    }
}
