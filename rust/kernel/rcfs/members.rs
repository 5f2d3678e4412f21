// SPDX-License-Identifier: GPL-2.0

//! Who is in a container.
//!
//! A task is in a container if its nsproxy says so. A container knows which nsproxies do that, and
//! an nsproxy in a container knows its tasks. There is no list of those that are in the root of
//! each hierarchy.

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

/// Number of words that hold a set of subsystems: see [`Members::new`].
pub const SUBSYSTEM_WORDS: usize =
    (bindings::CONFIG_MAX_RC_SUBSYS as usize).div_ceil(usize::BITS as usize);

/// How often lists are read that tasks leave for another one of the container, before all tasks are
/// looked at.
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

// SAFETY: The C side synchronises the methods among each other.
unsafe impl Sync for Members {}

impl Members {
    /// The members of a new container, none, in hierarchy number `hierarchy`, which has the
    /// subsystems whose bits are set in `subsystems`, lowest first.
    ///
    /// # Errors
    ///
    /// `EINVAL` if there can be no hierarchy of that number, `ENOMEM`.
    ///
    /// # Safety
    ///
    /// - `parent`, that of the container above, must be dropped later than the result.
    /// - `hierarchy` and `subsystems` must be those of `parent`.
    /// - All of its states must be there when it is [published](Self::publish), and stay until what
    ///   was given to [`drop_when_unused`](Self::drop_when_unused) is dropped.
    /// - Members of one hierarchy must be retired one after the other.
    pub unsafe fn new(
        hierarchy: usize,
        subsystems: &[usize; SUBSYSTEM_WORDS],
        parent: &Members,
    ) -> Result<Self> {
        Self::alloc(hierarchy, subsystems, parent.cont.as_ptr())
    }

    /// The members of the root of a hierarchy: all tasks that are nowhere else in it.
    ///
    /// # Errors
    ///
    /// As [`Members::new`].
    ///
    /// # Safety
    ///
    /// While tasks move here, the hierarchy of that number must have just these subsystems, and no
    /// other hierarchy one of them: a task that comes here keeps the states of all others.
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
        // SAFETY: The bitmap is as long as the C side expects, and the number is in range.
        let cont = unsafe {
            bindings::rcfs_alloc_container(hierarchy as c_int, subsystems.as_ptr(), parent)
        };

        // INVARIANT: It is new.
        Ok(Self {
            cont: NonNull::new(cont).ok_or(ENOMEM)?,
        })
    }

    fn is_root(&self) -> bool {
        // SAFETY: By the type invariant, the container is valid.
        unsafe { bindings::rcfs_container_is_root(self.cont.as_ptr()) }
    }

    /// The nsproxy with the states of the container, for passing it on to C code.
    pub fn as_nsproxy_ptr(&self) -> *mut bindings::nsproxy {
        // SAFETY: By the type invariant, the container is valid. The field never changes.
        unsafe { (*self.cont.as_ptr()).nsproxy }
    }

    /// Lets tasks move into the container, which cannot be before. Call it once all states are
    /// there; to call it again has no effect, nor has it for a root.
    ///
    /// `directory` is where the container is from now on. Whoever watches `empty`, a file in it, is
    /// told when the last task has left.
    pub fn publish<T: Tree>(&self, directory: NodeRef<'_, T>, empty: &FileRef<T>) {
        if !self.is_root() {
            // SAFETY: By the type invariant, the container is valid. So are both nodes, on which
            // the C side takes references.
            unsafe {
                bindings::rcfs_publish_container(
                    self.cont.as_ptr(),
                    directory.as_ptr(),
                    empty.as_ptr(),
                )
            };
        }
    }

    /// Takes the container out of use if nobody is in it. This is final.
    ///
    /// # Errors
    ///
    /// `EBUSY` if a task is in the container, if it is not published, and if it is a root.
    pub fn retire(&self) -> Result {
        // SAFETY: By the type invariant, the container is valid.
        if self.is_root() || !unsafe { bindings::rcfs_retire_container(self.cont.as_ptr()) } {
            return Err(EBUSY);
        }
        Ok(())
    }

    /// Drops `value` when the states of the container are not needed any more: no task that was in
    /// the container when it exited waits to be reaped, and an RCU grace period has passed.
    ///
    /// # Safety
    ///
    /// The container must have been [retired](Self::retire), and `value` must keep it. This must be
    /// called once only. The code that drops a `T` must be there as long as the kernel is.
    pub unsafe fn drop_when_unused<T: Send + 'static>(&self, deferred: Deferred<T>, value: T) {
        // SAFETY: By the safety requirements. The C side queues the work once.
        unsafe { bindings::rcfs_abandon_container(self.cont.as_ptr(), deferred.into_work(value)) };
    }

    /// Whether no task is in the container, as far as that can be told without looking at tasks: a
    /// root is never known to be empty.
    pub fn is_empty(&self) -> bool {
        // SAFETY: By the type invariant, the container is valid.
        !self.is_root() && unsafe { bindings::rcfs_container_is_empty(self.cont.as_ptr()) }
    }

    /// Whether no task is in the container nor in one below, for somebody who wants to be told by
    /// the file `empty` when that changes from `false` to `true`. As in
    /// [`is_empty`](Self::is_empty), a root is never known to be empty.
    pub fn watch_empty(&self) -> bool {
        // SAFETY: By the type invariant, the container is valid.
        !self.is_root() && unsafe { bindings::rcfs_container_watch_empty(self.cont.as_ptr()) }
    }

    /// Kills all processes that have a thread in the container or in one below. No child that such
    /// a thread is making gets away.
    ///
    /// Does not wait until they have exited. A root is left alone.
    ///
    /// # Safety
    ///
    /// No task may move, and no container of the hierarchy be published or retired, before this
    /// returns.
    pub unsafe fn kill(&self) {
        if !self.is_root() {
            // SAFETY: By the type invariant, the container is valid. The rest is as the safety
            // requirements say.
            unsafe { bindings::rcfs_kill(self.cont.as_ptr()) };
        }
    }

    /// Replaces `ids` by what `ns` calls the tasks in the container, or their processes if
    /// `processes`: in no order, some perhaps more than once, and 0 for each that it does not see.
    /// A task that has given up its nsproxy on its way out is in no container. Takes time in
    /// proportion to their number.
    ///
    /// Returns whether those were all that were in the container from the beginning to the end: not
    /// if a task got other namespaces meanwhile, or moved in another hierarchy. There is no list
    /// for a root.
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
                // SAFETY: That many have been written.
                unsafe { ids.inc_len(count) };
                return Ok(complete);
            }
            // Allocating may sleep, walking must not.
            ids.reserve(count + count / 8 + 8, GFP_KERNEL)?;
        }
    }

    /// Calls `f` for the tasks in the container that `ns` can see, in the order of their ids
    /// there. A task that has given up its nsproxy on its way out is in no container.
    ///
    /// Begins with the lowest id that is at least `from`, and stops behind [`IDS_AT_ONCE`] that are
    /// in use, so that callers can let others run in between.
    ///
    /// Returns the id to go on with, or [`None`] if there are no more.
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
            // SAFETY: The container and the namespace are valid, there is room for that many, and
            // the RCU read lock is held.
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

    /// A thread of the process of `task` that is in another container of the hierarchy.
    ///
    /// Threads that come into being or exit meanwhile may be found or not; one that was there
    /// before, and is after, is, if no other one is found.
    pub fn find_thread_outside(&self, task: &Task) -> Option<ARef<Task>> {
        // SAFETY: The container and the task are valid.
        let thread =
            unsafe { bindings::rcfs_find_thread_outside(self.cont.as_ptr(), task.as_ptr()) };

        // SAFETY: A reference comes with it; the layouts are the same.
        NonNull::new(thread).map(|thread| unsafe { ARef::from_raw(thread.cast()) })
    }

    /// Prepares to move `task` here.
    ///
    /// Returns [`None`] if it is here already.
    ///
    /// # Errors
    ///
    /// `ESRCH` if the task is exiting, `ENODEV` if the container is out of use, `ENOMEM`.
    pub fn prepare(&self, task: &Task) -> Result<Option<Migration>> {
        let old = nsproxy_of(task).ok_or(ESRCH)?;

        if self.has(&old) {
            return Ok(None);
        }
        // INVARIANT: `find_nsproxy` takes the namespaces of `old`, here and below. There is one
        // thread.
        Ok(Some(Migration {
            new: self.find_nsproxy(&old)?,
            old,
            threads: [task.into()],
            moved: 0,
        }))
    }

    /// Prepares to move threads here: those on end that are of one process, have the same
    /// namespaces and are in the same containers go together. Those that are exiting are left out.
    ///
    /// Tells besides whether there are some that are here already.
    ///
    /// # Errors
    ///
    /// `ENODEV` if the container is out of use, `ENOMEM`.
    pub fn prepare_all<'a>(
        &self,
        threads: &'a mut [ARef<Task>],
    ) -> Result<(KVec<GroupMigration<'a>>, bool)> {
        let mut moves = KVec::new();
        let mut present = false;
        let mut rest = threads;

        // As a rule, there is one move, of all of them. To look for those on end only keeps the
        // time in proportion to their number if each has an nsproxy of its own.
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
            // INVARIANT: All in `group` are of the process of its first thread.
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

    fn has(&self, ns: &NsProxy) -> bool {
        // SAFETY: The container is valid, and so is `ns`.
        unsafe { bindings::rcfs_container_has_nsproxy(self.cont.as_ptr(), ns.as_ptr()) }
    }

    /// What a task with the nsproxy `old` gets here.
    fn find_nsproxy(&self, old: &NsProxy) -> Result<ARef<NsProxy>> {
        // SAFETY: The container is valid, and there is a reference on `old`.
        let new = unsafe { bindings::find_nsproxy(old.as_ptr(), self.cont.as_ptr()) };
        let new = from_err_ptr(new)?;

        // SAFETY: `find_nsproxy` returned a reference, which is not NULL; the layouts are the same.
        Ok(unsafe { ARef::from_raw(NonNull::new_unchecked(new.cast::<NsProxy>())) })
    }
}

/// For [`Task::nsproxy`], and for functions of this file, which are for the core and in process
/// context.
pub(crate) fn nsproxy_of(task: &Task) -> Option<ARef<NsProxy>> {
    // SAFETY: The task is valid.
    let ns = unsafe { bindings::get_task_nsproxy(task.as_ptr()) };

    // SAFETY: A reference comes with it; the layouts are the same.
    NonNull::new(ns.cast::<NsProxy>()).map(|ns| unsafe { ARef::from_raw(ns) })
}

/// Calls `f` for the tasks in a container, for some perhaps more than once. Returns as
/// [`Members::list_ids`].
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
            // SAFETY: By the type invariant, the container is valid.
            let free = unsafe {
                bindings::rcfs_container_is_retired(self.cont.as_ptr())
                    || bindings::rcfs_retire_container(self.cont.as_ptr())
            };
            if crate::warn_on!(!free) {
                // Tasks are in it: better lose the memory than pull it from under them.
                return;
            }
        }
        // SAFETY: By the type invariant, the container is ours. It is a root or out of use.
        unsafe { bindings::rcfs_free_container(self.cont.as_ptr()) };
    }
}

impl NsProxy {
    /// Prints the path of the container that tasks with this nsproxy are in, seen from the root of
    /// hierarchy number `hierarchy`.
    ///
    /// # Errors
    ///
    /// `EINVAL` if there can be no hierarchy of that number, `ENAMETOOLONG` if the path is longer
    /// than `PATH_MAX`, `ENOMEM`.
    pub fn print_container_path(&self, hierarchy: usize, m: &SeqFile) -> Result {
        // SAFETY: The nsproxy is valid. Nobody changes its containers once it can be seen.
        let containers = unsafe { &(*self.as_ptr()).rcfs_container };
        let cont = *containers.get(hierarchy).ok_or(EINVAL)?;

        if cont.is_null() {
            seq_print!(m, "/");
            return Ok(());
        }
        let max = bindings::PATH_MAX as usize;
        // With room for one byte more: kernfs does not say that it cut something off.
        let mut path = KVec::from_elem(0u8, max + 1, GFP_KERNEL)?;
        // SAFETY: The nsproxy keeps the container, and it is published: there is no nsproxy of a
        // task that refers to it before. A published container has a reference on its directory.
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
        // Not as text for people: names may have any bytes.
        //
        // SAFETY: `SeqFile` is transparent, and the path has that many bytes.
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
    /// How many references there are, the caller's included.
    pub fn count_references(&self) -> u32 {
        // SAFETY: The nsproxy is valid.
        unsafe { bindings::nsproxy_count_references(self.as_ptr()) }
    }

    /// Whether it may be given to other tasks: it can be found by its namespaces and containers.
    pub fn can_be_shared(&self) -> bool {
        // SAFETY: The nsproxy is valid. Others may write, for whom this is a guess.
        unsafe { (&raw const (*self.as_ptr()).rcfs_hashed).read_volatile() }
    }

    /// Whether it was ever taken from a task from outside.
    pub fn was_replaced(&self) -> bool {
        // SAFETY: As above.
        unsafe { (&raw const (*self.as_ptr()).rcfs_replaced).read_volatile() }
    }
}

/// Who moves together: a task, or threads of one process.
pub trait Threads: BorrowMut<[ARef<Task>]> {}

impl Threads for [ARef<Task>; 1] {}

impl Threads for &mut [ARef<Task>] {}

/// Threads of one process that move together.
pub type GroupMigration<'a> = Migration<&'a mut [ARef<Task>]>;

/// A task, or several threads of one process, about to move into a container.
///
/// # Invariants
///
/// `new` holds the same namespaces as `old`. There is a thread at least, and all are of one
/// process. `moved` is not more than there are threads.
pub struct Migration<T = [ARef<Task>; 1]> {
    threads: T,
    /// How many have moved, which are the first ones.
    moved: usize,
    old: ARef<NsProxy>,
    new: ARef<NsProxy>,
}

impl<T: Threads> Migration<T> {
    /// Those who are to move.
    pub fn threads(&self) -> impl Iterator<Item = &Task> + Clone {
        self.threads.borrow().iter().map(|thread| &**thread)
    }

    /// Those who have moved.
    pub fn moved(&self) -> impl Iterator<Item = &Task> + Clone {
        self.threads().take(self.moved)
    }

    /// Those who have not moved.
    pub fn remaining(&self) -> impl Iterator<Item = &Task> + Clone {
        self.threads().skip(self.moved)
    }

    /// What they have before.
    pub fn old_nsproxy(&self) -> &NsProxy {
        &self.old
    }

    /// What they have afterwards.
    pub fn new_nsproxy(&self) -> &NsProxy {
        &self.new
    }

    /// What they would have, if they are not to move after all.
    pub fn into_new_nsproxy(self) -> ARef<NsProxy> {
        self.new
    }

    /// Moves them, but for those that are exiting, or got other namespaces since the move was
    /// prepared. Returns whether anybody has moved.
    pub fn commit(&mut self) -> bool {
        let threads = self.threads.borrow_mut();

        // SAFETY: By the type invariant, `new` and the threads are as the C side wants them. There
        // are references on both nsproxies, and on the threads, of which there are less than there
        // can be ids. `ARef` is a transparent pointer, and so is `Task`; pointers change places
        // only.
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
