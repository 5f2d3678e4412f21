// SPDX-License-Identifier: GPL-2.0

//! Resource controllers for rcfs, the resource control file system.
//!
//! A controller accounts or limits one resource. It consists of a type that implements
//! [`Controller`], a [state](Controller::State) for each container, and a table of [`File`]s. The
//! core of rcfs makes and frees the states, and finds the state for a task. A controller sees
//! neither locks nor references of the core. The same source can be built in or be a module: see
//! [`module_rcfs_controller!`](crate::module_rcfs_controller).
//!
//! A state leads to the states of the containers above it. What a task consumes counts for its
//! container and for all containers above, and a limit holds for a container and for all containers
//! below. See [`StateRef::self_and_ancestors`] and [`Counters`].
//!
//! Each hook gets a token of [`context`], whose type says in which context the hook runs. A call of
//! rcfs that is not allowed in that context does not compile.
//!
//! Controllers are built from these parts:
//!
//! - [`ResCounter`] counts and limits a resource;
//! - [`Counters`] count on all CPUs at the same time, without a limit;
//! - [`StateRef::to_owned`] and [`Charge::into_owned`] keep a state for longer than a hook runs;
//! - [`StateRef::of_current`] finds the state of the current task in any context;
//! - [`StateRef::set_timer`] calls a function later;
//! - [`PerTask`] keeps values for single tasks, for example to restore them later.
//!
//! C header: [`include/linux/rcfs.h`](srctree/include/linux/rcfs.h)
//!
//! # Examples
//!
//! A controller that limits how many tasks a container may ever create, and shows how many it has
//! created:
//!
//! ```
//! use kernel::{prelude::*, rcfs::prelude::*};
//!
//! struct Births;
//!
//! #[vtable]
//! impl Controller for Births {
//!     const NAME: &'static CStr = c"births";
//!     type State = ResCounter;
//!
//!     fn create(
//!         _cx: &mut UnderMutex,
//!         _parent: Option<StateRef<'_, Self>>,
//!     ) -> impl PinInit<ResCounter, Error> {
//!         Ok(ResCounter::new())
//!     }
//!
//!     // The core drops the charge if the fork fails, and keeps it otherwise.
//!     fn can_fork<'a>(
//!         cx: &UnderTasklistLock,
//!         state: StateRef<'a, Self>,
//!     ) -> Result<Charge<'a, Self>> {
//!         Ok(state.try_charge(cx, 1, |births| births)?)
//!     }
//!
//!     const FILES: &'static [File<Self>] = &[
//!         File::<Self>::new(c"births.count", |births| births.usage()).not_in_root(),
//!         File::<Self>::new(c"births.max", |births| births.limit())
//!             .writable(|births, max: Limit| births.set_limit(max))
//!             .not_in_root(),
//!     ];
//! }
//!
//! assert_eq!(<Births as Controller>::FILES.len(), 2);
//! ```

use crate::{
    bindings,
    cpumask::Cpumask,
    error::{
        from_result,
        to_result, //
    },
    memcg::MemCgroup,
    percpu::PossibleCpu,
    prelude::*,
    sched::TaskGroup,
    static_lock_class,
    str::CStr,
    sync::{
        self,
        atomic::{
            ordering::{
                Acquire,
                Relaxed,
                Release, //
            },
            Atomic,
            AtomicFlag, //
        },
        barrier,
        rcu,
        Arc, //
    },
    task::Task,
    time::Msecs,
    types::{
        ForeignOwnable,
        Opaque, //
    },
};
use core::{
    marker::PhantomData,
    pin::Pin,
    ptr::{
        self,
        NonNull, //
    },
};

mod charge;
pub mod context;
mod counters;
mod cpus;
mod event;
mod file;
pub mod members;
mod mutex;
mod owned;
mod parent;
mod per_task;
mod state;
mod timer;
mod value;

pub use self::{
    charge::{
        Charge,
        CounterOf,
        LimitExceeded,
        OwnedCharge,
        ResCounter, //
    },
    counters::Counters,
    cpus::SharedCpumask,
    event::Event,
    file::{
        Access,
        Capability,
        File,
        IntoResult, //
    },
    mutex::Mutex,
    owned::OwnedState,
    parent::{
        Child,
        ParentRef, //
    },
    per_task::PerTask,
    state::StateRef,
    value::{
        trim,
        CpuList,
        Keyword,
        Limit,
        Parse,
        Show, //
    },
};

/// The names that most controllers need: `use kernel::{prelude::*, rcfs::prelude::*};`.
pub mod prelude {
    #[doc(no_inline)]
    pub use super::{
        context::*,
        Access,
        Capability,
        Charge,
        Controller,
        CpuMode,
        DeviceAccess,
        Event,
        File,
        Keyword,
        Limit,
        OwnedCharge,
        OwnedState,
        Parse,
        PerTask,
        ResCounter,
        Show,
        StateRef, //
    };
}

use context::{
    AnyContext,
    Process,
    UnderMutex,
    UnderRcu,
    UnderRunQueueLock,
    UnderTaskLock,
    UnderTasklistLock, //
};
use state::Node;

/// Computes `total * part / (part + rest)`; 0 if both `part` and `rest` are 0.
///
/// # Examples
///
/// ```
/// assert_eq!(kernel::rcfs::scale(1000, 1, 3), 250);
/// assert_eq!(kernel::rcfs::scale(u64::MAX, u64::MAX / 2, 0), u64::MAX);
/// assert_eq!(kernel::rcfs::scale(1000, 0, 0), 0);
/// ```
pub fn scale(total: u64, part: u64, rest: u64) -> u64 {
    match part.saturating_add(rest) {
        0 => 0,
        // SAFETY: The divisor is not 0, and the result is not more than `total`.
        all => unsafe { bindings::mul_u64_u64_div_u64(total, part, all) },
    }
}

/// Converts nanoseconds to the ticks that user space sees (`USER_HZ`).
pub fn clock_ticks(ns: u64) -> u64 {
    // SAFETY: This function only computes.
    unsafe { bindings::nsec_to_clock_t(ns) }
}

/// What a task was doing when the tick found it running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CpuMode {
    /// The task ran its program.
    User,
    /// The task was in the kernel, or was interrupted.
    System,
}

/// An access to a device node that a task asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceAccess {
    /// Whether the device is a block device. It is a character device otherwise.
    pub block: bool,
    /// The major number.
    pub major: u32,
    /// The minor number.
    pub minor: u32,
    /// A combination of [`MKNOD`](Self::MKNOD), [`READ`](Self::READ) and [`WRITE`](Self::WRITE).
    pub access: u8,
}

impl DeviceAccess {
    /// Making the node.
    pub const MKNOD: u8 = bindings::DEVCG_ACC_MKNOD as u8;
    /// Opening the device for reading.
    pub const READ: u8 = bindings::DEVCG_ACC_READ as u8;
    /// Opening the device for writing.
    pub const WRITE: u8 = bindings::DEVCG_ACC_WRITE as u8;
}

/// A resource controller.
///
/// All functions but [`create`](Self::create) are optional. The type of the first argument says in
/// which context a function runs: see [`context`]. A hook that no mounted controller implements
/// costs nothing: it is a jump that is patched out.
///
/// Hooks are called while the controller is mounted. When it is mounted, all tasks are in the root,
/// without any hook having been called for them. Hooks therefore give a complete picture of all
/// containers except for the root.
#[vtable]
pub trait Controller: Sized + 'static {
    /// The name of the controller: a mount option, and the first part of file names. It has at most
    /// 32 letters, digits, `_`, `-` or `.`. Other names do not compile.
    const NAME: &'static CStr;

    /// The files of the controller in each container.
    const FILES: &'static [File<Self>] = &[];

    /// The data of the controller for one container.
    type State: Send + Sync;

    /// Makes the state of a new container.
    ///
    /// `parent` is [`None`] for the root state. That state is made when the controller is
    /// registered. It serves the root of each hierarchy that the controller is bound to, and all
    /// tasks while the controller is not bound.
    ///
    /// An error fails the registration or the `mkdir(2)`.
    fn create(
        cx: &mut UnderMutex,
        parent: Option<StateRef<'_, Self>>,
    ) -> impl PinInit<Self::State, Error>;

    /// The state has been made. From here on, [`StateRef::for_each_below`] of an ancestor finds it.
    /// The `mkdir(2)` may still fail.
    fn online(_cx: &mut UnderMutex, _state: StateRef<'_, Self>) {}

    /// The container has been removed. It has no tasks and no files, and its timer has stopped.
    /// [`release`](Self::release) and [`charge`](Self::charge) may still be called for zombies.
    ///
    /// Values can be passed on to [`StateRef::parent`] here for the last time. Not called if a
    /// `mkdir(2)` fails.
    fn offline(_cx: &mut UnderMutex, _state: StateRef<'_, Self>) {
        build_error!(crate::error::VTABLE_DEFAULT_ERROR)
    }

    /// The time of [`StateRef::set_timer`] has passed. Returns the number of milliseconds after
    /// which to call this again, or [`None`].
    ///
    /// `rmdir(2)` waits until this function has returned. It is not called any more after that.
    fn timer(_cx: &mut Process, _state: StateRef<'_, Self>) -> Option<Msecs> {
        build_error!(crate::error::VTABLE_DEFAULT_ERROR)
    }

    /// Whether `task` may move to the container with `state`. Also called before a child is
    /// launched in that container, with the current task as `task`, because the child does not
    /// exist yet.
    ///
    /// The move may still fail: another controller may refuse, or the task may exit. After a
    /// success, either [`attach`](Self::attach) or [`cancel_attach`](Self::cancel_attach) is
    /// called. Not called for threads that a process creates while all of its threads move.
    fn can_attach(_cx: &mut UnderMutex, _state: StateRef<'_, Self>, _task: &Task) -> Result {
        build_error!(crate::error::VTABLE_DEFAULT_ERROR)
    }

    /// `task` does not move to the container with `state`, although
    /// [`can_attach`](Self::can_attach) has succeeded.
    fn cancel_attach(_cx: &mut UnderMutex, _state: StateRef<'_, Self>, _task: &Task) {
        build_error!(crate::error::VTABLE_DEFAULT_ERROR)
    }

    /// `task` moves. Called at the same time as the move; `task` is in `to` already.
    ///
    /// Use this function for what must be exact at any time, such as a count of tasks.
    fn transfer(
        _cx: &UnderTaskLock,
        _to: StateRef<'_, Self>,
        _from: StateRef<'_, Self>,
        _task: &Task,
    ) {
        build_error!(crate::error::VTABLE_DEFAULT_ERROR)
    }

    /// `task` has moved. It may have exited in the meantime.
    fn attach(
        _cx: &mut UnderMutex,
        _to: StateRef<'_, Self>,
        _from: StateRef<'_, Self>,
        _task: &Task,
    ) {
        build_error!(crate::error::VTABLE_DEFAULT_ERROR)
    }

    /// Whether a task may be created in the container with `state`. Calls of this function do not
    /// overlap, on any CPU.
    ///
    /// If no other controller refuses, the task becomes visible next, and the charge is kept.
    /// Otherwise the returned [`Charge`] is dropped, which must undo what this function did. The
    /// fork fails with the error that is returned here, by convention `EAGAIN`.
    ///
    /// The current task is the parent. The child is not passed, because a fork that fails frees the
    /// child in spite of references.
    fn can_fork<'a>(
        _cx: &UnderTasklistLock,
        _state: StateRef<'a, Self>,
    ) -> Result<Charge<'a, Self>> {
        build_error!(crate::error::VTABLE_DEFAULT_ERROR)
    }

    /// `child` has been created. It is visible, and has not run yet.
    ///
    /// The current task is the parent. The child may be moved at any time, so there is no argument
    /// for its state: find out with [`StateRef::of_task`].
    fn fork(_cx: &mut Process, _child: &Task) {
        build_error!(crate::error::VTABLE_DEFAULT_ERROR)
    }

    /// `task` leaves the container with `state`, because it exits.
    ///
    /// The task still runs for a while. It is a zombie after that, until it is reaped.
    fn exit(_cx: &UnderTaskLock, _state: StateRef<'_, Self>, _task: &Task) {
        build_error!(crate::error::VTABLE_DEFAULT_ERROR)
    }

    /// `task` is being reaped, which frees its id. It was in the container with `state` when it
    /// exited. The container may have been removed. Not called for tasks of the root.
    fn release(_cx: &UnderRcu, _state: StateRef<'_, Self>, _task: &Task) {
        build_error!(crate::error::VTABLE_DEFAULT_ERROR)
    }

    /// A task has used `ns` nanoseconds of CPU time on `cpu`. The task is in the container with
    /// `state`, or was there when it exited.
    ///
    /// Not called for the containers above: see [`StateRef::self_and_ancestors`] and [`Counters`].
    /// Not necessarily called on `cpu`.
    fn charge(_cx: &UnderRunQueueLock, _state: StateRef<'_, Self>, _cpu: PossibleCpu, _ns: u64) {
        build_error!(crate::error::VTABLE_DEFAULT_ERROR)
    }

    /// The tick has found a task of the container with `state` running, and accounts `ns`
    /// nanoseconds.
    fn account(_cx: &UnderRunQueueLock, _state: StateRef<'_, Self>, _mode: CpuMode, _ns: u64) {
        build_error!(crate::error::VTABLE_DEFAULT_ERROR)
    }

    /// Whether tasks in the container with `state` have to freeze.
    fn freezing(_cx: &UnderRunQueueLock, _state: StateRef<'_, Self>) -> bool {
        build_error!(crate::error::VTABLE_DEFAULT_ERROR)
    }

    /// Removes those CPUs from `mask` on which tasks in the container with `state` must not run. If
    /// no active CPU remains, sched_setaffinity(2) fails. Other changes use those CPUs of the
    /// cpuset that the container allows, or all CPUs of the cpuset if none of these is active.
    ///
    /// Called whenever the CPUs of a task are set. When the result for a task changes, call
    /// `Task::update_cpus`. In [`fork`](Self::fork), call `Task::update_copied_cpus`.
    fn limit_cpus(_cx: &UnderRunQueueLock, _state: StateRef<'_, Self>, _mask: &mut Cpumask) {
        build_error!(crate::error::VTABLE_DEFAULT_ERROR)
    }

    /// Returns the nice value for a task in the container with `state` that is to be given `nice`.
    ///
    /// Called whenever the nice value of a task is set. When the result for a task changes, call
    /// [`Task::set_nice`].
    fn limit_nice(_cx: &UnderRunQueueLock, _state: StateRef<'_, Self>, _nice: i32) -> i32 {
        build_error!(crate::error::VTABLE_DEFAULT_ERROR)
    }

    /// The scheduler's group for tasks in the container with `state`, or [`None`] for the group
    /// that they have without rcfs.
    ///
    /// The result must not change during the life of the state. The core puts tasks that enter or
    /// leave the container into the right group. An exiting task stays in its group until it has
    /// left the CPU.
    fn task_group<'a>(
        _cx: &UnderRunQueueLock,
        _state: StateRef<'a, Self>,
    ) -> Option<&'a TaskGroup> {
        build_error!(crate::error::VTABLE_DEFAULT_ERROR)
    }

    /// Whether the current task, which is in the container with `state`, may open a device or make
    /// a device node. The error is `EPERM` by convention.
    ///
    /// Called for each open(2) and access(2) of a device node, and for mknod(2). A device that is
    /// open stays open.
    fn device(_cx: &UnderRcu, _state: StateRef<'_, Self>, _device: DeviceAccess) -> Result {
        build_error!(crate::error::VTABLE_DEFAULT_ERROR)
    }

    /// The memory cgroup to which memory of tasks in the container with `state` is charged.
    ///
    /// Each container must have a group of its own, which must not change during the life time of
    /// the state. The core updates tasks that move.
    fn mem_cgroup<'a>(_cx: &UnderRunQueueLock, _state: StateRef<'a, Self>) -> &'a MemCgroup {
        build_error!(crate::error::VTABLE_DEFAULT_ERROR)
    }

    /// A count of [`MemCgroup::events`] has changed.
    ///
    /// [`MemCgroup::events`]: crate::memcg::MemCgroup::events
    fn memory_event(_cx: &AnyContext, _state: StateRef<'_, Self>) {
        build_error!(crate::error::VTABLE_DEFAULT_ERROR)
    }

    /// CPUs have come or gone in the meantime, or the controller is being mounted. No CPU comes or
    /// goes during the call.
    fn cpus_changed(_cx: &mut UnderMutex, _root: StateRef<'_, Self>) {
        build_error!(crate::error::VTABLE_DEFAULT_ERROR)
    }
}

/// A reference to a task from C code.
///
/// # Safety
///
/// `tsk` must be valid for `'a`, and as long as there are references on it. The child in a fork
/// that may still fail does not meet this requirement.
unsafe fn task<'a>(tsk: *mut bindings::task_struct) -> &'a Task {
    // SAFETY: By the safety requirements; the layouts are the same.
    unsafe { &*tsk.cast() }
}

/// The functions of an `rc_subsys` for a [`Controller`].
///
/// The core guarantees, as `include/linux/rcfs.h` says:
///
/// - `ss` is that of a [`Registration`] of `C`, in which it is the first field;
/// - an nsproxy is that of a container with a state, or a reference on it is held;
/// - a state is what `create` has stored;
/// - all arguments stay during the call;
/// - a task that is passed to a function other than `can_fork` and `cancel_fork` has been visible,
///   so that references keep it.
struct Vtable<C: Controller>(PhantomData<C>);

impl<C: Controller> Vtable<C> {
    /// # Safety
    ///
    /// Only the core of rcfs may call this, for an `rc_subsys` of `C`.
    unsafe extern "C" fn create(
        ss: *mut bindings::rc_subsys,
        ns: *mut bindings::nsproxy,
        parent: *mut bindings::nsproxy,
    ) -> c_int {
        from_result(|| {
            // SAFETY: See the guarantees of `Vtable`; the nsproxy of the parent may be NULL.
            let parent: Option<Arc<Node<C>>> = (!parent.is_null()).then(|| unsafe {
                Arc::<Node<C>>::borrow(bindings::rcfs_nsproxy_state(parent, ss)).into()
            });
            let registration = NonNull::new(ss.cast::<Registration<C>>()).ok_or(EINVAL)?;
            let container = NonNull::new(ns).ok_or(EINVAL)?;
            // SAFETY: See the guarantees of `Vtable`. The nsproxy stays until `destroy` has been
            // called, which removes the node from the list.
            let node = unsafe { Node::new(registration, container, parent)? };

            #[cfg(CONFIG_MEMCG_DETACHED)]
            if let Some(container) = node.container().filter(|_| C::HAS_MEM_CGROUP) {
                // SAFETY: Any context will do.
                let cx = unsafe { UnderRunQueueLock::new() };
                let group = C::mem_cgroup(&cx, StateRef::of(&node));

                // SAFETY: This is process context, and the core holds the mutex. `offline` or
                // `destroy` kills the group before the container goes.
                if !unsafe { group.set_owner(container) } {
                    node.remove();
                    pr_err!("{}: a container has no memory cgroup of its own\n", C::NAME);
                    return Err(EINVAL);
                }
                node.mem_cgroup.populate(group.as_non_null());
            }
            // A reader that finds the state of a root finds what is in it. The address depends on
            // what the reader has read. States of containers are published by the core.
            barrier::smp_mb(barrier::Write);
            // SAFETY: Only this call writes to the nsproxy. The core has set the id.
            unsafe { (*ns).ctlr_data[(*ss).subsys_id as usize] = node.into_foreign() };
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// Only the core of rcfs may call this, for an `rc_subsys` of `C`, once for each successful
    /// `create`.
    unsafe extern "C" fn destroy(ss: *mut bindings::rc_subsys, ns: *mut bindings::nsproxy) {
        // SAFETY: The core passes the arguments of `create`. Nothing reads the state any more,
        // except for events of memory.
        let node = unsafe {
            core::mem::replace(
                &mut (*ns).ctlr_data[(*ss).subsys_id as usize],
                ptr::null_mut(),
            )
        };
        // SAFETY: `create` stored a foreign `Arc<Node<C>>`.
        let node = unsafe { Arc::<Node<C>>::from_foreign(node) };

        // SAFETY: This is process context. The container has no tasks.
        if unsafe { Self::kill_mem_cgroup(&node) } {
            // After a failed mkdir(2), the container is freed without a grace period. Events may
            // still be looking at its state.
            rcu::synchronize_rcu();
        }
        node.remove();
    }

    /// # Safety
    ///
    /// Only the core of rcfs may call this, for an `rc_subsys` of `C`.
    unsafe extern "C" fn populate(
        ss: *mut bindings::rc_subsys,
        ns: *mut bindings::nsproxy,
        dir: *mut bindings::kernfs_node,
    ) -> c_int {
        from_result(|| {
            // SAFETY: See the guarantees of `Vtable`.
            let state = unsafe { StateRef::from_ptr(bindings::rcfs_nsproxy_state(ns, ss)) };
            // SAFETY: See the guarantees of `Vtable`.
            let cftypes = unsafe { &(*ss.cast::<Registration<C>>()).cftypes };

            for (file, cft) in C::FILES.iter().zip(cftypes.iter()) {
                // SAFETY: The core passes the directory of the container. `cft` is that of `file`,
                // and stays as long as the registration.
                unsafe { file.add(dir, ss, cft.get(), state)? };
            }
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// Only the core of rcfs may call this, for an `rc_subsys` of `C`.
    unsafe extern "C" fn can_attach(
        ss: *mut bindings::rc_subsys,
        ns: *mut bindings::nsproxy,
        tsk: *mut bindings::task_struct,
    ) -> c_int {
        from_result(|| {
            // SAFETY: See the guarantees of `Vtable`.
            unsafe {
                C::can_attach(
                    &mut UnderMutex::new(),
                    StateRef::from_ptr(bindings::rcfs_nsproxy_state(ns, ss)),
                    task(tsk),
                )?;
            }
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// Only the core of rcfs may call this, for an `rc_subsys` of `C`.
    unsafe extern "C" fn transfer(
        _ss: *mut bindings::rc_subsys,
        to: *mut c_void,
        from: *mut c_void,
        tsk: *mut bindings::task_struct,
    ) {
        // SAFETY: See the guarantees of `Vtable`.
        let task = unsafe { task(tsk) };

        if C::HAS_TRANSFER {
            // SAFETY: See the guarantees of `Vtable`.
            unsafe {
                C::transfer(
                    &UnderTaskLock::new(),
                    StateRef::from_ptr(to),
                    StateRef::from_ptr(from),
                    task,
                )
            };
        }
        if C::HAS_TASK_GROUP {
            task.update_task_group();
        }
        #[cfg(CONFIG_MEMCG_DETACHED)]
        if C::HAS_MEM_CGROUP {
            // SAFETY: The core holds the lock of the task.
            unsafe { task.update_mem_cgroup() };
        }
    }

    /// # Safety
    ///
    /// Only the core of rcfs may call this, for an `rc_subsys` of `C`.
    unsafe extern "C" fn attach(
        ss: *mut bindings::rc_subsys,
        new: *mut bindings::nsproxy,
        old: *mut bindings::nsproxy,
        tsk: *mut bindings::task_struct,
    ) {
        // SAFETY: See the guarantees of `Vtable`.
        unsafe {
            C::attach(
                &mut UnderMutex::new(),
                StateRef::from_ptr(bindings::rcfs_nsproxy_state(new, ss)),
                StateRef::from_ptr(bindings::rcfs_nsproxy_state(old, ss)),
                task(tsk),
            )
        };
    }

    /// # Safety
    ///
    /// Only the core of rcfs may call this, for an `rc_subsys` of `C`.
    unsafe extern "C" fn offline(ss: *mut bindings::rc_subsys, ns: *mut bindings::nsproxy) {
        // SAFETY: See the guarantees of `Vtable`. The core holds the mutex.
        let (cx, state) = unsafe {
            (
                &mut UnderMutex::new(),
                StateRef::<C>::from_ptr(bindings::rcfs_nsproxy_state(ns, ss)),
            )
        };

        state.node().shut_down();
        if C::HAS_OFFLINE {
            C::offline(cx, state);
        }
        // SAFETY: This is process context. The container has no tasks any more.
        unsafe { Self::kill_mem_cgroup(state.node()) };
    }

    /// Takes the memory cgroup of a container out of use. Returns whether this is the first call
    /// for a container with such a group.
    ///
    /// # Safety
    ///
    /// This is process context. The container has no tasks any more.
    unsafe fn kill_mem_cgroup(node: &Node<C>) -> bool {
        let Some(group) = node.mem_cgroup.copy() else {
            return false;
        };

        // SAFETY: `Controller::mem_cgroup` has borrowed the group for the life time of the state.
        // The root has no such group. `offline` comes before `destroy`.
        unsafe { MemCgroup::kill(group) }
    }

    /// # Safety
    ///
    /// Only the core of rcfs may call this, for an `rc_subsys` of `C`.
    unsafe extern "C" fn cancel_attach(
        ss: *mut bindings::rc_subsys,
        ns: *mut bindings::nsproxy,
        tsk: *mut bindings::task_struct,
    ) {
        // SAFETY: See the guarantees of `Vtable`.
        unsafe {
            C::cancel_attach(
                &mut UnderMutex::new(),
                StateRef::from_ptr(bindings::rcfs_nsproxy_state(ns, ss)),
                task(tsk),
            )
        };
    }

    /// # Safety
    ///
    /// Only the core of rcfs may call this, for an `rc_subsys` of `C`.
    unsafe extern "C" fn can_fork(
        ss: *mut bindings::rc_subsys,
        state: *mut c_void,
        _tsk: *mut bindings::task_struct,
    ) -> c_int {
        // SAFETY: See the guarantees of `Vtable`.
        let (cx, state) = unsafe { (&UnderTasklistLock::new(), StateRef::from_ptr(state)) };

        from_result(|| {
            let charge = C::can_fork(cx, state)?;

            // SAFETY: See the guarantees of `Vtable`. The core holds the `tasklist_lock` for
            // writing, which protects `forking`.
            unsafe { ptr::write((*ss.cast::<Registration<C>>()).forking.get(), charge) };
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// Only the core of rcfs may call this, for an `rc_subsys` of `C`, after a `can_fork` of the
    /// same fork that has succeeded.
    unsafe extern "C" fn cancel_fork(
        ss: *mut bindings::rc_subsys,
        _state: *mut c_void,
        _tsk: *mut bindings::task_struct,
    ) {
        // SAFETY: `can_fork` has written this. The same lock has been held since.
        drop(unsafe { ptr::read((*ss.cast::<Registration<C>>()).forking.get()) });
    }

    /// # Safety
    ///
    /// Only the core of rcfs may call this, for an `rc_subsys` of `C`.
    unsafe extern "C" fn fork(_ss: *mut bindings::rc_subsys, tsk: *mut bindings::task_struct) {
        // SAFETY: See the guarantees of `Vtable`. The core calls this in process context, without
        // locks.
        unsafe { C::fork(&mut Process::new(), task(tsk)) };
    }

    /// # Safety
    ///
    /// Only the core of rcfs may call this, for an `rc_subsys` of `C`.
    unsafe extern "C" fn exit(
        _ss: *mut bindings::rc_subsys,
        state: *mut c_void,
        tsk: *mut bindings::task_struct,
    ) {
        // SAFETY: See the guarantees of `Vtable`.
        unsafe { C::exit(&UnderTaskLock::new(), StateRef::from_ptr(state), task(tsk)) };
    }

    /// # Safety
    ///
    /// Only the core of rcfs may call this, for an `rc_subsys` of `C`.
    unsafe extern "C" fn release(
        _ss: *mut bindings::rc_subsys,
        state: *mut c_void,
        tsk: *mut bindings::task_struct,
    ) {
        // SAFETY: See the guarantees of `Vtable`.
        unsafe { C::release(&UnderRcu::new(), StateRef::from_ptr(state), task(tsk)) };
    }

    /// # Safety
    ///
    /// Only the core of rcfs may call this, for an `rc_subsys` of `C`.
    unsafe extern "C" fn charge(
        _ss: *mut bindings::rc_subsys,
        state: *mut c_void,
        cpu: c_int,
        ns: u64,
    ) {
        // SAFETY: The core passes the CPU of a task, which is a possible CPU.
        let cpu = unsafe { PossibleCpu::from_i32_unchecked(cpu) };

        // SAFETY: See the guarantees of `Vtable`.
        unsafe {
            C::charge(
                &UnderRunQueueLock::new(),
                StateRef::from_ptr(state),
                cpu,
                ns,
            )
        };
    }

    /// # Safety
    ///
    /// Only the core of rcfs may call this, for an `rc_subsys` of `C`.
    unsafe extern "C" fn account(
        _ss: *mut bindings::rc_subsys,
        state: *mut c_void,
        system: bool,
        ns: u64,
    ) {
        let mode = if system {
            CpuMode::System
        } else {
            CpuMode::User
        };

        // SAFETY: See the guarantees of `Vtable`.
        unsafe {
            C::account(
                &UnderRunQueueLock::new(),
                StateRef::from_ptr(state),
                mode,
                ns,
            )
        };
    }

    /// # Safety
    ///
    /// Only the core of rcfs may call this, for an `rc_subsys` of `C`.
    unsafe extern "C" fn freezing(_ss: *mut bindings::rc_subsys, state: *mut c_void) -> bool {
        // SAFETY: See the guarantees of `Vtable`.
        unsafe { C::freezing(&UnderRunQueueLock::new(), StateRef::from_ptr(state)) }
    }

    /// # Safety
    ///
    /// Only the core of rcfs may call this, for an `rc_subsys` of `C`.
    unsafe extern "C" fn limit_cpus(
        _ss: *mut bindings::rc_subsys,
        state: *mut c_void,
        mask: *mut bindings::cpumask,
    ) {
        // SAFETY: See the guarantees of `Vtable`. Only this call writes to the mask.
        unsafe {
            C::limit_cpus(
                &UnderRunQueueLock::new(),
                StateRef::from_ptr(state),
                Cpumask::from_raw_mut(mask),
            )
        };
    }

    /// # Safety
    ///
    /// Only the core of rcfs may call this, for an `rc_subsys` of `C`.
    unsafe extern "C" fn task_group(
        _ss: *mut bindings::rc_subsys,
        state: *mut c_void,
    ) -> *mut bindings::task_group {
        // SAFETY: See the guarantees of `Vtable`. The group stays as long as the state.
        unsafe { C::task_group(&UnderRunQueueLock::new(), StateRef::from_ptr(state)) }
            .map_or(ptr::null_mut(), TaskGroup::as_ptr)
    }

    /// # Safety
    ///
    /// Only the core of rcfs may call this, for an `rc_subsys` of `C`.
    unsafe extern "C" fn mem_cgroup(
        _ss: *mut bindings::rc_subsys,
        state: *mut c_void,
    ) -> *mut bindings::mem_cgroup {
        // SAFETY: See the guarantees of `Vtable`. The group stays for as long as the state.
        unsafe { C::mem_cgroup(&UnderRunQueueLock::new(), StateRef::from_ptr(state)) }.as_ptr()
    }

    /// # Safety
    ///
    /// Only the core of rcfs may call this, for an `rc_subsys` of `C`.
    unsafe extern "C" fn memory_event(_ss: *mut bindings::rc_subsys, state: *mut c_void) {
        // SAFETY: See the guarantees of `Vtable`.
        unsafe { C::memory_event(&AnyContext::new(), StateRef::from_ptr(state)) };
    }

    /// # Safety
    ///
    /// Only the core of rcfs may call this, for an `rc_subsys` of `C`.
    unsafe extern "C" fn cpus_changed(ss: *mut bindings::rc_subsys) {
        // SAFETY: A registered subsystem has a root state.
        unsafe { C::cpus_changed(&mut UnderMutex::new(), StateRef::from_ptr((*ss).root_state)) };
    }

    /// # Safety
    ///
    /// Only the core of rcfs may call this, for an `rc_subsys` of `C`.
    unsafe extern "C" fn limit_nice(
        _ss: *mut bindings::rc_subsys,
        state: *mut c_void,
        nice: c_int,
    ) -> c_int {
        // SAFETY: See the guarantees of `Vtable`.
        let nice =
            unsafe { C::limit_nice(&UnderRunQueueLock::new(), StateRef::from_ptr(state), nice) };

        nice.clamp(bindings::MIN_NICE, bindings::MAX_NICE as c_int)
    }

    /// # Safety
    ///
    /// Only the core of rcfs may call this, for an `rc_subsys` of `C`.
    unsafe extern "C" fn device(
        _ss: *mut bindings::rc_subsys,
        state: *mut c_void,
        type_: c_short,
        major: u32,
        minor: u32,
        access: c_short,
    ) -> c_int {
        let device = DeviceAccess {
            block: u32::from(type_ as u16) == bindings::DEVCG_DEV_BLOCK,
            major,
            minor,
            access: access as u8,
        };

        // SAFETY: See the guarantees of `Vtable`.
        from_result(|| unsafe {
            C::device(&UnderRcu::new(), StateRef::from_ptr(state), device).map(|()| 0)
        })
    }
}

/// The registration of a controller, which ends when this is dropped.
///
/// [`module_rcfs_controller!`](crate::module_rcfs_controller) makes it a part of the module. The
/// core has a reference on the module while the controller is bound to a hierarchy, so that the
/// registration is not dropped during that time.
///
/// # Invariants
///
/// - `list` has all states, in the order in which they were made. It is accessed with the lock of
///   `states` held, which counts them.
/// - `cftypes` belong to the files in `C::FILES`, in the same order.
/// - `forking` is the result of the last `can_fork` if `cancel_fork` may be called. It is accessed
///   with the `tasklist_lock` held for writing.
#[pin_data(PinnedDrop)]
#[repr(C)]
pub struct Registration<C: Controller> {
    /// The first field, so that a pointer to it is a pointer to the registration.
    #[pin]
    ss: Opaque<bindings::rc_subsys>,
    #[pin]
    states: sync::Mutex<usize>,
    #[pin]
    list: Opaque<bindings::list_head>,
    cftypes: KVec<Opaque<bindings::rc_cftype>>,
    #[pin]
    forking: Opaque<Charge<'static, C>>,
    /// Whether an [`OwnedState`] has ever been made.
    was_owned: AtomicFlag,
    slot: &'static Slot<C>,
}

// SAFETY: A registration can only be dropped, which any thread may do.
unsafe impl<C: Controller> Send for Registration<C> {}

// SAFETY: All that shared references give access to is protected by the mutex, or is atomic.
unsafe impl<C: Controller> Sync for Registration<C> {}

/// The name of the lock of `states`. All controllers share its class. lockdep compares the address
/// of the name, so that it must not be a literal in each module.
static LOCK_NAME: &CStr = c"rcfs_states";

impl<C: Registered> Registration<C> {
    /// Registers the controller.
    ///
    /// # Errors
    ///
    /// `EINVAL` for an invalid name, `EEXIST` if there is a controller of that name, `ENOSPC` if
    /// there are `CONFIG_MAX_RC_SUBSYS`, or the error of [`Controller::create`].
    ///
    /// # Safety
    ///
    /// - `module` must be the module of the controller's code.
    /// - The result must be dropped when that module is unloaded, and not before. It must therefore
    ///   be a part of the module, and be initialised last, after all that may fail.
    pub unsafe fn new(module: &'static ThisModule) -> impl PinInit<Self, Error> {
        const {
            check_name(C::NAME.to_bytes());
            File::<C>::check_all();
        }
        let ss = bindings::rc_subsys {
            create: Some(Vtable::<C>::create),
            destroy: Some(Vtable::<C>::destroy),
            populate: Some(Vtable::<C>::populate),
            offline: (C::HAS_OFFLINE || C::HAS_TIMER || C::HAS_MEM_CGROUP)
                .then_some(Vtable::<C>::offline),
            can_attach: C::HAS_CAN_ATTACH.then_some(Vtable::<C>::can_attach),
            cancel_attach: C::HAS_CANCEL_ATTACH.then_some(Vtable::<C>::cancel_attach),
            transfer: (C::HAS_TRANSFER || C::HAS_TASK_GROUP || C::HAS_MEM_CGROUP)
                .then_some(Vtable::<C>::transfer),
            attach: C::HAS_ATTACH.then_some(Vtable::<C>::attach),
            can_fork: C::HAS_CAN_FORK.then_some(Vtable::<C>::can_fork),
            cancel_fork: C::HAS_CAN_FORK.then_some(Vtable::<C>::cancel_fork),
            fork: C::HAS_FORK.then_some(Vtable::<C>::fork),
            exit: C::HAS_EXIT.then_some(Vtable::<C>::exit),
            release: C::HAS_RELEASE.then_some(Vtable::<C>::release),
            charge: C::HAS_CHARGE.then_some(Vtable::<C>::charge),
            account: C::HAS_ACCOUNT.then_some(Vtable::<C>::account),
            freezing: C::HAS_FREEZING.then_some(Vtable::<C>::freezing),
            limit_cpus: C::HAS_LIMIT_CPUS.then_some(Vtable::<C>::limit_cpus),
            task_group: C::HAS_TASK_GROUP.then_some(Vtable::<C>::task_group),
            cpus_changed: C::HAS_CPUS_CHANGED.then_some(Vtable::<C>::cpus_changed),
            limit_nice: C::HAS_LIMIT_NICE.then_some(Vtable::<C>::limit_nice),
            device: C::HAS_DEVICE.then_some(Vtable::<C>::device),
            mem_cgroup: C::HAS_MEM_CGROUP.then_some(Vtable::<C>::mem_cgroup),
            memory_event: C::HAS_MEMORY_EVENT.then_some(Vtable::<C>::memory_event),
            // `PinnedDrop` takes this for a subsystem that is not registered.
            subsys_id: -1,
            name: C::NAME.as_char_ptr(),
            owner: module.as_ptr(),
            ..pin_init::zeroed()
        };

        try_pin_init!(Self {
            ss <- Opaque::ffi_init(move |slot| {
                // SAFETY: `slot` is valid for writes.
                unsafe { ptr::write(slot, ss) };
            }),
            states <- sync::Mutex::new(0, LOCK_NAME, static_lock_class!()),
            list <- Opaque::ffi_init(|slot| {
                // SAFETY: `slot` is valid for writes.
                unsafe { bindings::INIT_LIST_HEAD(slot) }
            }),
            cftypes: Self::make_cftypes()?,
            forking <- Opaque::ffi_init(|_| {}),
            was_owned: AtomicFlag::new(false),
            slot: C::slot(),
        }? Error)
        .pin_chain(|this| {
            let this_ptr = ptr::from_ref(&*this).cast_mut();

            this.slot.set(this_ptr)?;
            // SAFETY: The subsystem is complete and pinned. `PinnedDrop` unregisters it. By the
            // safety requirements, its functions stay until then.
            to_result(unsafe { bindings::rc_register_subsys(this.ss.get()) }).inspect_err(|_| {
                this.slot.clear(this_ptr);
                rcu::synchronize_rcu();
            })
        })
    }
}

impl<C: Controller> Registration<C> {
    fn make_cftypes() -> Result<KVec<Opaque<bindings::rc_cftype>>> {
        let mut cftypes = KVec::with_capacity(C::FILES.len(), GFP_KERNEL)?;

        for (index, file) in C::FILES.iter().enumerate() {
            cftypes.push(Opaque::new(file.to_cftype(index)), GFP_KERNEL)?;
        }
        Ok(cftypes)
    }

    /// The module of the controller, or NULL if it is built in.
    fn module(&self) -> *mut bindings::module {
        // SAFETY: The owner never changes.
        unsafe { (*self.ss.get()).owner }
    }

    /// Takes a reference on the module for an [`OwnedState`]. Fails if it is being unloaded.
    fn get_module(&self) -> bool {
        self.was_owned.store(true, Relaxed);
        // SAFETY: The caller has a state. That keeps the registration, which is in the module.
        unsafe { get_module(self.module()) }
    }
}

/// Takes a reference on the module of a controller, or does nothing for NULL, which stands for
/// built-in code. Returns `false` if the module is being unloaded.
///
/// # Safety
///
/// `module` must be NULL or valid.
pub unsafe fn get_module(module: *mut bindings::module) -> bool {
    #[cfg(CONFIG_MODULES)]
    // SAFETY: By the safety requirements.
    let stays = unsafe { bindings::try_module_get(module) };
    #[cfg(not(CONFIG_MODULES))]
    let (stays, _) = (true, module);

    stays
}

/// Drops a reference that [`get_module`] has taken.
///
/// # Safety
///
/// [`get_module`] must have returned `true` for `module`.
pub unsafe fn put_module(module: *mut bindings::module) {
    #[cfg(CONFIG_MODULES)]
    // SAFETY: By the safety requirements.
    unsafe {
        bindings::module_put(module)
    };
    #[cfg(not(CONFIG_MODULES))]
    let _ = module;
}

/// Fails if the slot is in use: safe code may initialise a second instance of the module.
fn fill<T>(slot: &Atomic<*mut T>, value: *mut T) -> Result {
    match slot.cmpxchg(ptr::null_mut(), value, Release) {
        Ok(_) => Ok(()),
        Err(_) => Err(EBUSY),
    }
}

/// Holds a pointer to the registration of a controller.
///
/// # Invariants
///
/// A pointer that is not NULL is that of a registration. It stays valid for RCU readers: the
/// registration clears the slot and waits for a grace period before it is freed.
pub struct Slot<C: Controller>(Atomic<*mut Registration<C>>);

impl<C: Controller> Slot<C> {
    /// An empty slot.
    #[allow(clippy::new_without_default)]
    pub const fn new() -> Self {
        Self(Atomic::new(ptr::null_mut()))
    }

    /// Fills the slot, if it is empty.
    fn set(&self, registration: *mut Registration<C>) -> Result {
        fill(&self.0, registration)
    }

    /// Clears the slot, if it has `registration`.
    fn clear(&self, registration: *mut Registration<C>) {
        let _ = self.0.cmpxchg(registration, ptr::null_mut(), Relaxed);
    }

    /// The registration, if any.
    fn get<'a>(&self, _rcu: &'a rcu::Guard) -> Option<&'a Registration<C>> {
        // SAFETY: By the type invariant; the RCU read lock is held for `'a`.
        unsafe { self.0.load(Acquire).as_ref() }
    }
}

/// A controller that can be registered.
///
/// # Safety
///
/// [`module_rcfs_controller!`](crate::module_rcfs_controller) implements this. `slot` must always
/// return the same slot, which no other type uses.
pub unsafe trait Registered: Controller {
    /// The slot of the controller.
    fn slot() -> &'static Slot<Self>;
}

/// The core makes the same check at registration, and also refuses names of mount options:
/// `check_name()` in `kernel/rcfs/options.rs`.
const fn check_name(name: &[u8]) {
    let mut i = 0;

    assert!(
        !name.is_empty() && name.len() <= bindings::MAX_CONTAINER_TYPE_NAMELEN as usize,
        "the name of a controller has 1 to 32 characters"
    );
    while i < name.len() {
        assert!(
            name[i].is_ascii_alphanumeric() || matches!(name[i], b'_' | b'-' | b'.'),
            "the name of a controller consists of letters, digits, _, - and ."
        );
        i += 1;
    }
}

#[pinned_drop]
impl<C: Controller> PinnedDrop for Registration<C> {
    fn drop(self: Pin<&mut Self>) {
        let ss = self.ss.get();

        // SAFETY: The core writes to the id during registration and unregistration only.
        if unsafe { (*ss).subsys_id } < 0 {
            return;
        }
        // `rc_unregister_subsys()` waits for RCU readers.
        self.slot.clear(ptr::from_ref(&*self).cast_mut());
        // SAFETY: `new` registered the subsystem.
        let ret = unsafe { bindings::rc_unregister_subsys(ss) };

        // By the safety requirements of `new`, the module is being unloaded. The controller is not
        // bound, because a binding has a reference on the module. This fails if the module is
        // unloaded by force, or if safe code has called `init` of the module. The core would use
        // freed memory.
        if crate::warn_on!(ret != 0) {
            panic!("a controller goes while it is mounted");
        }
        if self.was_owned.load(Relaxed) {
            // A CPU that has dropped the last `OwnedState`, and with it the reference on the
            // module, may still be in code of the module.
            //
            // SAFETY: The module is being unloaded in process context.
            unsafe { bindings::rcfs_synchronize_rcu_tasks() };
        }
    }
}

/// Holds a pointer to the data of a controller.
pub struct DataSlot<T>(Atomic<*mut T>);

impl<T> DataSlot<T> {
    /// An empty slot.
    #[allow(clippy::new_without_default)]
    pub const fn new() -> Self {
        Self(Atomic::new(ptr::null_mut()))
    }
}

/// A controller with data for all of its containers together: see [`StateRef::data`].
///
/// # Safety
///
/// [`module_rcfs_controller!`](crate::module_rcfs_controller) implements this. The slot must have
/// [`Data`] while the controller is registered.
pub unsafe trait WithData: Registered {
    /// The data of the controller.
    type Data: Send + Sync + 'static;

    /// The slot of the data.
    fn data_slot() -> &'static DataSlot<Self::Data>;
}

impl<'a, C: WithData> StateRef<'a, C> {
    /// The data of the controller for all containers.
    pub fn data(self) -> &'a C::Data {
        // SAFETY: A state exists while the controller is registered only. By the safety
        // requirements of `WithData`, the slot has data then.
        unsafe { &*C::data_slot().0.load(Acquire) }
    }
}

/// The data of a controller. While they exist, their slot has a pointer to them.
#[pin_data(PinnedDrop)]
pub struct Data<T: 'static> {
    #[pin]
    value: T,
    slot: &'static DataSlot<T>,
}

impl<T> Data<T> {
    /// Makes the data.
    pub fn new(
        value: impl PinInit<T, Error>,
        slot: &'static DataSlot<T>,
    ) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            value <- value,
            slot,
        }? Error)
        .pin_chain(|this| fill(&this.slot.0, ptr::from_ref(&this.value).cast_mut()))
    }
}

#[pinned_drop]
impl<T> PinnedDrop for Data<T> {
    fn drop(self: Pin<&mut Self>) {
        let value = ptr::from_ref(&self.value).cast_mut();
        let _ = self.slot.0.cmpxchg(value, ptr::null_mut(), Relaxed);
    }
}

/// Declares a module that is a controller.
///
/// With `data`, the controller has data for all containers together: see [`StateRef::data`].
///
/// [`StateRef::data`]: crate::rcfs::StateRef::data
///
/// # Examples
///
/// ```ignore
/// kernel::module_rcfs_controller! {
///     type: Ticks,
///     data: PerTask<u64> => PerTask::new(),
///     name: "rcfs_ticks",
///     authors: ["Author name"],
///     description: "Counts scheduler ticks of containers",
///     license: "GPL",
/// }
/// ```
#[macro_export]
macro_rules! module_rcfs_controller {
    (type: $controller:ty, data: $data:ty => $init:expr, $($f:tt)*) => {
        // SAFETY: The module initialises the data before the registration, and drops them after it.
        unsafe impl $crate::rcfs::WithData for $controller {
            type Data = $data;

            fn data_slot() -> &'static $crate::rcfs::DataSlot<$data> {
                static SLOT: $crate::rcfs::DataSlot<$data> = $crate::rcfs::DataSlot::new();

                &SLOT
            }
        }

        $crate::module_rcfs_controller! {
            @module
            $controller,
            $crate::rcfs::Data<$data>,
            $crate::rcfs::Data::new(
                $init,
                <$controller as $crate::rcfs::WithData>::data_slot(),
            ),
            $($f)*
        }
    };
    (@module $controller:ty, $data:ty, $init:expr, $($f:tt)*) => {
        // SAFETY: Only this type uses the slot.
        unsafe impl $crate::rcfs::Registered for $controller {
            fn slot() -> &'static $crate::rcfs::Slot<$controller> {
                static SLOT: $crate::rcfs::Slot<$controller> = $crate::rcfs::Slot::new();

                &SLOT
            }
        }

        #[$crate::prelude::pin_data]
        struct ControllerModule {
            // Fields are dropped in this order.
            #[pin]
            _registration: $crate::rcfs::Registration<$controller>,
            #[pin]
            _data: $data,
        }

        impl $crate::InPlaceModule for ControllerModule {
            fn init(
                module: &'static $crate::ThisModule,
            ) -> impl ::pin_init::PinInit<Self, $crate::error::Error> {
                // Fields are initialised in this order.
                $crate::try_pin_init!(Self {
                    _data <- $init,
                    // SAFETY: The controller is in this module. The registration is a part of the
                    // module, and is initialised last.
                    _registration <- unsafe { $crate::rcfs::Registration::new(module) },
                })
            }
        }

        $crate::prelude::module! {
            type: ControllerModule,
            $($f)*
        }
    };
    (type: $controller:ty, $($f:tt)*) => {
        $crate::module_rcfs_controller! {
            @module $controller, (), Ok::<(), $crate::error::Error>(()), $($f)*
        }
    };
}
