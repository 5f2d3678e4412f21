// SPDX-License-Identifier: GPL-2.0

//! Resource controllers for rcfs, the resource control file system.
//!
//! A controller accounts or limits one resource. It consists of a type that implements
//! [`Controller`], the [state](Controller::State) that it keeps for each container, and a table of
//! [`File`]s. The core of rcfs makes and frees the states, and finds the right one for a task; a
//! controller sees neither locks nor references of the core. The same source can be built in or be
//! a module: see [`module_rcfs_controller!`](crate::module_rcfs_controller).
//!
//! Every state knows the states of the containers above it. What a task consumes in a container
//! counts for the containers above as well, and a limit holds for all containers below. See
//! [`StateRef::self_and_ancestors`] and [`Counters`].
//!
//! Each hook gets a token of [`context`], which says where it runs. What must not be called there
//! does not compile.
//!
//! What is counted and limited is a [`ResCounter`]; what is only counted, on all CPUs all the time,
//! are [`Counters`]. [`StateRef::to_owned`] and [`Charge::into_owned`] keep a state for longer than
//! a hook runs, [`StateRef::of_current`] finds one from anywhere, [`StateRef::set_timer`] lets time
//! pass, and [`PerTask`] remembers what is to be restored when a task leaves.
//!
//! C header: [`include/linux/rcfs.h`](srctree/include/linux/rcfs.h)
//!
//! # Examples
//!
//! A controller that limits how often tasks of a container may be forked, and shows how often they
//! were:
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
//!     // What is returned is given back if the fork fails after all, and stays if not.
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
/// What most controllers need: `use kernel::{prelude::*, rcfs::prelude::*};`.
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
    Process,
    UnderMutex,
    UnderRcu,
    UnderRunQueueLock,
    UnderTaskLock,
    UnderTasklistLock, //
};
use state::Node;

/// The share of `total` that `part` is of `part` and `rest` together; nothing if there are none.
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

/// A time in nanoseconds in the ticks that user space is shown (`USER_HZ`).
pub fn clock_ticks(ns: u64) -> u64 {
    // SAFETY: This only computes.
    unsafe { bindings::nsec_to_clock_t(ns) }
}

/// What a task was doing when it was found running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CpuMode {
    /// It ran its program.
    User,
    /// It was in the kernel, or interrupted.
    System,
}

/// What somebody wants to do with a device node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceAccess {
    /// Whether it is a block device, or a character device.
    pub block: bool,
    /// Its major number.
    pub major: u32,
    /// Its minor number.
    pub minor: u32,
    /// A combination of [`MKNOD`](Self::MKNOD), [`READ`](Self::READ) and [`WRITE`](Self::WRITE).
    pub access: u8,
}

impl DeviceAccess {
    /// To make the node.
    pub const MKNOD: u8 = bindings::DEVCG_ACC_MKNOD as u8;
    /// To open the device for reading.
    pub const READ: u8 = bindings::DEVCG_ACC_READ as u8;
    /// To open the device for writing.
    pub const WRITE: u8 = bindings::DEVCG_ACC_WRITE as u8;
}

/// A resource controller.
///
/// The first argument of a hook says where it runs: see [`context`]. Functions that are not there
/// cost nothing: a hook that no mounted controller defines is a jump that is patched out.
///
/// Hooks are called while the controller is mounted. Tasks are in the root then, and were there
/// before without any hook being called: only what hooks tell of other containers is complete.
#[vtable]
pub trait Controller: Sized + 'static {
    /// The name in mount options and in front of the names of files. At most 32 characters,
    /// without commas, slashes and white space; another one does not compile.
    const NAME: &'static CStr;

    /// The files that every container gets.
    const FILES: &'static [File<Self>] = &[];

    /// What the controller keeps for a container.
    type State: Send + Sync;

    /// Makes the state of a new container.
    ///
    /// `parent` is [`None`] for the root state, which is made when the controller is registered,
    /// serves all hierarchies that the controller is ever bound to, and all tasks while it is
    /// bound to none.
    ///
    /// An error fails the registration or the `mkdir(2)`.
    fn create(
        cx: &mut UnderMutex,
        parent: Option<StateRef<'_, Self>>,
    ) -> impl PinInit<Self::State, Error>;

    /// The state has been made: [`StateRef::for_each_below`] of those above finds it from here on.
    /// The `mkdir(2)` may still fail.
    fn online(_cx: &mut UnderMutex, _state: StateRef<'_, Self>) {}

    /// The container has been removed: nobody is in it, nor reads or writes its files, and its
    /// timer has ended. Zombies that were in it may still be told of.
    ///
    /// The last occasion to hand something over to [`StateRef::parent`]. Not called if a `mkdir(2)`
    /// fails.
    fn offline(_cx: &mut UnderMutex, _state: StateRef<'_, Self>) {
        build_error!(crate::error::VTABLE_DEFAULT_ERROR)
    }

    /// The time has come that [`StateRef::set_timer`] was called for. Returns after how many
    /// milliseconds it shall come again, if it shall.
    ///
    /// Not called once the container has been removed, which waits until this returns.
    fn timer(_cx: &mut Process, _state: StateRef<'_, Self>) -> Option<Msecs> {
        build_error!(crate::error::VTABLE_DEFAULT_ERROR)
    }

    /// Whether `task` may move to the container with `state`, or, if it is the current task, launch
    /// a child there, which cannot be seen yet.
    ///
    /// That it may is no promise that it does: another controller may refuse, or the task exit.
    /// Either [`attach`](Self::attach) or [`cancel_attach`](Self::cancel_attach) follows, if they
    /// are there. Threads that a process creates while all of it moves follow without a question.
    fn can_attach(_cx: &mut UnderMutex, _state: StateRef<'_, Self>, _task: &Task) -> Result {
        build_error!(crate::error::VTABLE_DEFAULT_ERROR)
    }

    /// `task` does not move to the container with `state`, although
    /// [`can_attach`](Self::can_attach) has agreed.
    fn cancel_attach(_cx: &mut UnderMutex, _state: StateRef<'_, Self>, _task: &Task) {
        build_error!(crate::error::VTABLE_DEFAULT_ERROR)
    }

    /// `task` moves: called in the moment in which it does. It is in `to` already.
    ///
    /// What has to be right at any time, like a count of tasks, is kept here.
    fn transfer(
        _cx: &UnderTaskLock,
        _to: StateRef<'_, Self>,
        _from: StateRef<'_, Self>,
        _task: &Task,
    ) {
        build_error!(crate::error::VTABLE_DEFAULT_ERROR)
    }

    /// `task` has moved, and may have exited since.
    fn attach(
        _cx: &mut UnderMutex,
        _to: StateRef<'_, Self>,
        _from: StateRef<'_, Self>,
        _task: &Task,
    ) {
        build_error!(crate::error::VTABLE_DEFAULT_ERROR)
    }

    /// Whether there may be another task in the container with `state`. No other fork is asked
    /// about at the same time, on any CPU.
    ///
    /// If no other controller refuses, the task is there the next moment, and what was charged
    /// stays charged. Otherwise the [`Charge`] that is returned is dropped, which takes back what
    /// was done here. An error is what the fork fails with; `EAGAIN` is customary.
    ///
    /// The current task is the parent. The child is not passed: a fork that fails frees it, whoever
    /// has a reference on it.
    fn can_fork<'a>(
        _cx: &UnderTasklistLock,
        _state: StateRef<'a, Self>,
    ) -> Result<Charge<'a, Self>> {
        build_error!(crate::error::VTABLE_DEFAULT_ERROR)
    }

    /// `child` has come into being. It can be seen, but it has not run yet.
    ///
    /// The current task is the parent. The child may be moved meanwhile, hence there is no state:
    /// what is done here has to depend on where the child is then. See [`StateRef::of_task`].
    fn fork(_cx: &mut Process, _child: &Task) {
        build_error!(crate::error::VTABLE_DEFAULT_ERROR)
    }

    /// `task` leaves the container with `state`, because it exits.
    ///
    /// It still runs for a while, and is a zombie until somebody waits for it.
    fn exit(_cx: &UnderTaskLock, _state: StateRef<'_, Self>, _task: &Task) {
        build_error!(crate::error::VTABLE_DEFAULT_ERROR)
    }

    /// `task`, which exited in the container with `state`, is being reaped: its id is about to be
    /// free. The container may have been removed. Not called for tasks of the root.
    fn release(_cx: &UnderRcu, _state: StateRef<'_, Self>, _task: &Task) {
        build_error!(crate::error::VTABLE_DEFAULT_ERROR)
    }

    /// A task of the container with `state` has used `ns` nanoseconds of CPU time on `cpu`, be it
    /// on its way out, until it is reaped.
    ///
    /// Called for the container that the task is in, and not for the containers above: see
    /// [`StateRef::self_and_ancestors`] and [`Counters`]. Not necessarily called on `cpu`.
    fn charge(_cx: &UnderRunQueueLock, _state: StateRef<'_, Self>, _cpu: PossibleCpu, _ns: u64) {
        build_error!(crate::error::VTABLE_DEFAULT_ERROR)
    }

    /// The tick found a task of the container with `state` running, and puts `ns` nanoseconds down
    /// to what it did.
    fn account(_cx: &UnderRunQueueLock, _state: StateRef<'_, Self>, _mode: CpuMode, _ns: u64) {
        build_error!(crate::error::VTABLE_DEFAULT_ERROR)
    }

    /// Whether tasks in the container with `state` shall freeze.
    fn freezing(_cx: &UnderRunQueueLock, _state: StateRef<'_, Self>) -> bool {
        build_error!(crate::error::VTABLE_DEFAULT_ERROR)
    }

    /// Takes the CPUs from `mask` on which tasks in the container with `state` must not run. If
    /// none are left, nothing happens.
    ///
    /// Asked whenever somebody sets the CPUs of a task. Call `Task::update_cpus` for those
    /// whose answer changes, and `Task::update_copied_cpus` in [`fork`](Self::fork).
    fn limit_cpus(_cx: &UnderRunQueueLock, _state: StateRef<'_, Self>, _mask: &mut Cpumask) {
        build_error!(crate::error::VTABLE_DEFAULT_ERROR)
    }

    /// The nice value that a task in the container with `state` gets, which is to have `nice`.
    ///
    /// Asked whenever somebody sets it. Call [`Task::set_nice`] for those whose answer changes.
    fn limit_nice(_cx: &UnderRunQueueLock, _state: StateRef<'_, Self>, _nice: i32) -> i32 {
        build_error!(crate::error::VTABLE_DEFAULT_ERROR)
    }

    /// The group that the scheduler shall put tasks into that are in the container with `state`, or
    /// [`None`] for that which they have without rcfs.
    ///
    /// It must not change for as long as the state lives. Tasks that come and go are put into the
    /// right group by the core; one that exits stays where it is until it has left the CPU.
    fn task_group<'a>(
        _cx: &UnderRunQueueLock,
        _state: StateRef<'a, Self>,
    ) -> Option<&'a TaskGroup> {
        build_error!(crate::error::VTABLE_DEFAULT_ERROR)
    }

    /// Whether the current task, of the container with `state`, may open a device or make a node
    /// for one. `EPERM` is customary.
    ///
    /// Asked for each open(2) and access(2) of a device node, and for mknod(2). A device that is
    /// open stays open.
    fn device(_cx: &UnderRcu, _state: StateRef<'_, Self>, _device: DeviceAccess) -> Result {
        build_error!(crate::error::VTABLE_DEFAULT_ERROR)
    }

    /// CPUs have come or gone, some time ago, or the controller is being mounted. CPUs stay
    /// meanwhile.
    fn cpus_changed(_cx: &mut UnderMutex, _root: StateRef<'_, Self>) {
        build_error!(crate::error::VTABLE_DEFAULT_ERROR)
    }
}

/// A task that C code passes on.
///
/// # Safety
///
/// `tsk` must be valid for `'a`, and for as long as there are references on it: a child in a fork
/// that may still fail is not.
unsafe fn task<'a>(tsk: *mut bindings::task_struct) -> &'a Task {
    // SAFETY: By the safety requirements; the layouts are the same.
    unsafe { &*tsk.cast() }
}

/// The C side of a [`Controller`]: functions of an `rc_subsys`.
///
/// The core calls them as `include/linux/rcfs.h` says: `ss` is that of a registration of `C`;
/// states are what `create` stored and stay for the duration of the call, and so do tasks. Those
/// that [`task`] is called for have been visible, so that references keep them.
struct Vtable<C: Controller>(PhantomData<C>);

impl<C: Controller> Vtable<C> {
    /// # Safety
    ///
    /// Only for the core of rcfs, in an `rc_subsys` of `C`.
    unsafe extern "C" fn create(
        ss: *mut bindings::rc_subsys,
        ns: *mut bindings::nsproxy,
        parent: *mut bindings::nsproxy,
    ) -> c_int {
        from_result(|| {
            // SAFETY: The core passes the nsproxy of a container that has a state and stays for
            // the duration of the call, or NULL.
            let parent: Option<Arc<Node<C>>> = (!parent.is_null()).then(|| unsafe {
                Arc::<Node<C>>::borrow(bindings::rcfs_nsproxy_state(parent, ss)).into()
            });
            let registration = NonNull::new(ss.cast::<Registration<C>>()).ok_or(EINVAL)?;
            let container = NonNull::new(ns).ok_or(EINVAL)?;
            // SAFETY: `ss` is the first field of the registration. The nsproxy stays until after
            // `destroy`, which takes the node out of the list.
            let node = unsafe { Node::new(registration, container, parent)? };

            // SAFETY: The core passes an nsproxy that only this call writes to, and set the id.
            unsafe { (*ns).ctlr_data[(*ss).subsys_id as usize] = node.into_foreign() };
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// Only for the core of rcfs, in an `rc_subsys` of `C`, once for each successful `create`.
    unsafe extern "C" fn destroy(ss: *mut bindings::rc_subsys, ns: *mut bindings::nsproxy) {
        // SAFETY: The core passes what it passed to `create`, and nobody reads it any more.
        let node = unsafe {
            core::mem::replace(
                &mut (*ns).ctlr_data[(*ss).subsys_id as usize],
                ptr::null_mut(),
            )
        };
        // SAFETY: `create` stored a foreign `Arc<Node<C>>`.
        let node = unsafe { Arc::<Node<C>>::from_foreign(node) };

        node.remove();
    }

    /// # Safety
    ///
    /// Only for the core of rcfs, in an `rc_subsys` of `C`.
    unsafe extern "C" fn populate(
        ss: *mut bindings::rc_subsys,
        ns: *mut bindings::nsproxy,
        dir: *mut bindings::kernfs_node,
    ) -> c_int {
        from_result(|| {
            // SAFETY: The core passes the nsproxy of the container.
            let state = unsafe { StateRef::from_ptr(bindings::rcfs_nsproxy_state(ns, ss)) };
            // SAFETY: `ss` is the first field of the registration.
            let cftypes = unsafe { &(*ss.cast::<Registration<C>>()).cftypes };

            for (file, cft) in C::FILES.iter().zip(cftypes.iter()) {
                // SAFETY: The core passes the directory of the container. The `cftypes` are those
                // of the files, and stay as long as the registration.
                unsafe { file.add(dir, ss, cft.get(), state)? };
            }
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// Only for the core of rcfs, in an `rc_subsys` of `C`.
    unsafe extern "C" fn can_attach(
        ss: *mut bindings::rc_subsys,
        ns: *mut bindings::nsproxy,
        tsk: *mut bindings::task_struct,
    ) -> c_int {
        from_result(|| {
            // SAFETY: See the type; `ns` is that of the container.
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
    /// Only for the core of rcfs, in an `rc_subsys` of `C`.
    unsafe extern "C" fn transfer(
        _ss: *mut bindings::rc_subsys,
        to: *mut c_void,
        from: *mut c_void,
        tsk: *mut bindings::task_struct,
    ) {
        // SAFETY: See the type.
        let task = unsafe { task(tsk) };

        if C::HAS_TRANSFER {
            // SAFETY: See the type.
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
    }

    /// # Safety
    ///
    /// Only for the core of rcfs, in an `rc_subsys` of `C`.
    unsafe extern "C" fn attach(
        ss: *mut bindings::rc_subsys,
        new: *mut bindings::nsproxy,
        old: *mut bindings::nsproxy,
        tsk: *mut bindings::task_struct,
    ) {
        // SAFETY: See the type; there are references on both.
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
    /// Only for the core of rcfs, in an `rc_subsys` of `C`.
    unsafe extern "C" fn offline(ss: *mut bindings::rc_subsys, ns: *mut bindings::nsproxy) {
        // SAFETY: See the type; `ns` is that of the container. The core holds the mutex.
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
    }

    /// # Safety
    ///
    /// Only for the core of rcfs, in an `rc_subsys` of `C`.
    unsafe extern "C" fn cancel_attach(
        ss: *mut bindings::rc_subsys,
        ns: *mut bindings::nsproxy,
        tsk: *mut bindings::task_struct,
    ) {
        // SAFETY: See the type; `ns` is that of the container.
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
    /// Only for the core of rcfs, in an `rc_subsys` of `C`.
    unsafe extern "C" fn can_fork(
        ss: *mut bindings::rc_subsys,
        state: *mut c_void,
        _tsk: *mut bindings::task_struct,
    ) -> c_int {
        // SAFETY: See the type.
        let (cx, state) = unsafe { (&UnderTasklistLock::new(), StateRef::from_ptr(state)) };

        from_result(|| {
            let charge = C::can_fork(cx, state)?;

            // SAFETY: `ss` is the first field of the registration. The core holds the
            // `tasklist_lock` for writing, which protects the place.
            unsafe { ptr::write((*ss.cast::<Registration<C>>()).forking.get(), charge) };
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// Only for the core of rcfs, in an `rc_subsys` of `C`, after a `can_fork` of the same fork
    /// that has succeeded.
    unsafe extern "C" fn cancel_fork(
        ss: *mut bindings::rc_subsys,
        _state: *mut c_void,
        _tsk: *mut bindings::task_struct,
    ) {
        // SAFETY: `can_fork` has written this, with the lock that is still held.
        drop(unsafe { ptr::read((*ss.cast::<Registration<C>>()).forking.get()) });
    }

    /// # Safety
    ///
    /// Only for the core of rcfs, in an `rc_subsys` of `C`.
    unsafe extern "C" fn fork(_ss: *mut bindings::rc_subsys, tsk: *mut bindings::task_struct) {
        // SAFETY: See the type.
        let task = unsafe { task(tsk) };

        if C::HAS_FORK {
            // SAFETY: The core calls this in process context, without locks.
            C::fork(unsafe { &mut Process::new() }, task);
        }
        if C::HAS_TASK_GROUP {
            task.join_task_group();
        }
    }

    /// # Safety
    ///
    /// Only for the core of rcfs, in an `rc_subsys` of `C`.
    unsafe extern "C" fn exit(
        _ss: *mut bindings::rc_subsys,
        state: *mut c_void,
        tsk: *mut bindings::task_struct,
    ) {
        // SAFETY: See the type.
        unsafe { C::exit(&UnderTaskLock::new(), StateRef::from_ptr(state), task(tsk)) };
    }

    /// # Safety
    ///
    /// Only for the core of rcfs, in an `rc_subsys` of `C`.
    unsafe extern "C" fn release(
        _ss: *mut bindings::rc_subsys,
        state: *mut c_void,
        tsk: *mut bindings::task_struct,
    ) {
        // SAFETY: See the type.
        unsafe { C::release(&UnderRcu::new(), StateRef::from_ptr(state), task(tsk)) };
    }

    /// # Safety
    ///
    /// Only for the core of rcfs, in an `rc_subsys` of `C`.
    unsafe extern "C" fn charge(
        _ss: *mut bindings::rc_subsys,
        state: *mut c_void,
        cpu: c_int,
        ns: u64,
    ) {
        // SAFETY: The core passes the CPU of a task, which has run there.
        let cpu = unsafe { PossibleCpu::from_i32_unchecked(cpu) };

        // SAFETY: See the type.
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
    /// Only for the core of rcfs, in an `rc_subsys` of `C`.
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

        // SAFETY: See the type.
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
    /// Only for the core of rcfs, in an `rc_subsys` of `C`.
    unsafe extern "C" fn freezing(_ss: *mut bindings::rc_subsys, state: *mut c_void) -> bool {
        // SAFETY: See the type.
        unsafe { C::freezing(&UnderRunQueueLock::new(), StateRef::from_ptr(state)) }
    }

    /// # Safety
    ///
    /// Only for the core of rcfs, in an `rc_subsys` of `C`.
    unsafe extern "C" fn limit_cpus(
        _ss: *mut bindings::rc_subsys,
        state: *mut c_void,
        mask: *mut bindings::cpumask,
    ) {
        // SAFETY: See the type; the core passes a mask that only this call writes to.
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
    /// Only for the core of rcfs, in an `rc_subsys` of `C`.
    unsafe extern "C" fn task_group(
        _ss: *mut bindings::rc_subsys,
        state: *mut c_void,
    ) -> *mut bindings::task_group {
        // SAFETY: See the type. The group stays for as long as the state.
        unsafe { C::task_group(&UnderRunQueueLock::new(), StateRef::from_ptr(state)) }
            .map_or(ptr::null_mut(), TaskGroup::as_ptr)
    }

    /// # Safety
    ///
    /// Only for the core of rcfs, in an `rc_subsys` of `C`.
    unsafe extern "C" fn cpus_changed(ss: *mut bindings::rc_subsys) {
        // SAFETY: A registered subsystem has a root state.
        unsafe { C::cpus_changed(&mut UnderMutex::new(), StateRef::from_ptr((*ss).root_state)) };
    }

    /// # Safety
    ///
    /// Only for the core of rcfs, in an `rc_subsys` of `C`.
    unsafe extern "C" fn limit_nice(
        _ss: *mut bindings::rc_subsys,
        state: *mut c_void,
        nice: c_int,
    ) -> c_int {
        // SAFETY: See the type.
        let nice =
            unsafe { C::limit_nice(&UnderRunQueueLock::new(), StateRef::from_ptr(state), nice) };

        nice.clamp(bindings::MIN_NICE, bindings::MAX_NICE as c_int)
    }

    /// # Safety
    ///
    /// Only for the core of rcfs, in an `rc_subsys` of `C`.
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

        // SAFETY: See the type.
        from_result(|| unsafe {
            C::device(&UnderRcu::new(), StateRef::from_ptr(state), device).map(|()| 0)
        })
    }
}

/// The registration of a controller, which ends when this is dropped.
///
/// [`module_rcfs_controller!`](crate::module_rcfs_controller) makes it: while the controller is
/// bound to a hierarchy, nothing but the core's reference on the module keeps it in place.
///
/// # Invariants
///
/// - `list` has all states, in the order in which they were made; it is accessed with `states`
///   locked, which is how many there are.
/// - `cftypes` are those of `C::FILES`, in the same order.
/// - `forking` is what the last `can_fork` returned, for which `cancel_fork` may be called. It is
///   accessed with the `tasklist_lock` held for writing.
#[pin_data(PinnedDrop)]
#[repr(C)]
pub struct Registration<C: Controller> {
    /// First, so that the functions of the subsystem find the rest.
    #[pin]
    ss: Opaque<bindings::rc_subsys>,
    #[pin]
    states: sync::Mutex<usize>,
    #[pin]
    list: Opaque<bindings::list_head>,
    cftypes: KVec<Opaque<bindings::rc_cftype>>,
    #[pin]
    forking: Opaque<Charge<'static, C>>,
    /// Whether there ever was an [`OwnedState`].
    was_owned: AtomicFlag,
    slot: &'static Slot<C>,
}

// SAFETY: There is nothing to do with a registration but dropping it, which any thread may do.
unsafe impl<C: Controller> Send for Registration<C> {}

// SAFETY: What can be done with a shared reference, the mutex protects.
unsafe impl<C: Controller> Sync for Registration<C> {}

/// Of `states`. All controllers have the same class, and lockdep wants the name to be the same
/// as well, not just one that reads alike in each module.
static LOCK_NAME: &CStr = c"rcfs_states";

impl<C: Registered> Registration<C> {
    /// Registers the controller.
    ///
    /// # Errors
    ///
    /// `EINVAL` for a name that cannot be, `EEXIST` if there is a controller of that name,
    /// `ENOSPC` if there are `CONFIG_MAX_RC_SUBSYS`, and the error of [`Controller::create`].
    ///
    /// # Safety
    ///
    /// - `module` must be the one that the code of the controller is in.
    /// - The result must be dropped when that module is unloaded, and not earlier: it must be a
    ///   part of what the module keeps, and nothing may fail once it is made.
    pub unsafe fn new(module: &'static ThisModule) -> impl PinInit<Self, Error> {
        const {
            check_name(C::NAME.to_bytes());
            File::<C>::check_all();
        }
        let ss = bindings::rc_subsys {
            create: Some(Vtable::<C>::create),
            destroy: Some(Vtable::<C>::destroy),
            populate: Some(Vtable::<C>::populate),
            offline: (C::HAS_OFFLINE || C::HAS_TIMER).then_some(Vtable::<C>::offline),
            can_attach: C::HAS_CAN_ATTACH.then_some(Vtable::<C>::can_attach),
            cancel_attach: C::HAS_CANCEL_ATTACH.then_some(Vtable::<C>::cancel_attach),
            transfer: (C::HAS_TRANSFER || C::HAS_TASK_GROUP).then_some(Vtable::<C>::transfer),
            attach: C::HAS_ATTACH.then_some(Vtable::<C>::attach),
            can_fork: C::HAS_CAN_FORK.then_some(Vtable::<C>::can_fork),
            cancel_fork: C::HAS_CAN_FORK.then_some(Vtable::<C>::cancel_fork),
            fork: (C::HAS_FORK || C::HAS_TASK_GROUP).then_some(Vtable::<C>::fork),
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
            // Until it is registered.
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
            // SAFETY: The subsystem is complete and pinned. It is unregistered before it goes. By
            // the safety requirements, its functions stay as long.
            to_result(unsafe { bindings::rc_register_subsys(this.ss.get()) })
                .inspect_err(|_| this.slot.clear(this_ptr))
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

    /// The module that the controller is in.
    fn module(&self) -> *mut bindings::module {
        // SAFETY: The owner never changes.
        unsafe { (*self.ss.get()).owner }
    }

    /// Keeps the module, for an [`OwnedState`]. Returns whether it is still there.
    fn get_module(&self) -> bool {
        self.was_owned.store(true, Relaxed);
        // SAFETY: The module is there: this is called for a state, which keeps the registration.
        unsafe { get_module(self.module()) }
    }
}

/// Keeps the module of a controller, or NULL for what is built in. Returns whether the module is
/// still there.
///
/// # Safety
///
/// It must be valid.
pub unsafe fn get_module(module: *mut bindings::module) -> bool {
    #[cfg(CONFIG_MODULES)]
    // SAFETY: By the safety requirements.
    let stays = unsafe { bindings::try_module_get(module) };
    #[cfg(not(CONFIG_MODULES))]
    let (stays, _) = (true, module);

    stays
}

/// Gives back what [`get_module`] has taken.
///
/// # Safety
///
/// [`get_module`] must have returned `true` for it.
pub unsafe fn put_module(module: *mut bindings::module) {
    #[cfg(CONFIG_MODULES)]
    // SAFETY: By the safety requirements.
    unsafe {
        bindings::module_put(module)
    };
    #[cfg(not(CONFIG_MODULES))]
    let _ = module;
}

/// Safe code may make a module once more. The first one counts.
fn fill<T>(slot: &Atomic<*mut T>, value: *mut T) -> Result {
    match slot.cmpxchg(ptr::null_mut(), value, Release) {
        Ok(_) => Ok(()),
        Err(_) => Err(EBUSY),
    }
}

/// Where to find the registration of a controller.
pub struct Slot<C: Controller>(Atomic<*mut Registration<C>>);

impl<C: Controller> Slot<C> {
    /// There is no registration.
    #[allow(clippy::new_without_default)]
    pub const fn new() -> Self {
        Self(Atomic::new(ptr::null_mut()))
    }

    /// Fills the slot, if there is nothing in it.
    fn set(&self, registration: *mut Registration<C>) -> Result {
        fill(&self.0, registration)
    }

    /// Clears the slot, if this is in it.
    fn clear(&self, registration: *mut Registration<C>) {
        let _ = self.0.cmpxchg(registration, ptr::null_mut(), Relaxed);
    }

    /// The registration, if there is one.
    fn get<'a>(&self, _rcu: &'a rcu::Guard) -> Option<&'a Registration<C>> {
        // SAFETY: What is in the slot is valid. The registration clears the slot, and waits for
        // readers under RCU, before it goes.
        unsafe { self.0.load(Acquire).as_ref() }
    }
}

/// A controller that can be registered.
///
/// # Safety
///
/// Implemented by [`module_rcfs_controller!`](crate::module_rcfs_controller): the slot must always
/// be the same one, that of no other type.
pub unsafe trait Registered: Controller {
    /// The slot of the controller.
    fn slot() -> &'static Slot<Self>;
}

/// As the core checks it once more: see `check_name()` in `kernel/rcfs/options.rs`.
const fn check_name(name: &[u8]) {
    let mut i = 0;

    assert!(
        !name.is_empty() && name.len() <= bindings::MAX_CONTAINER_TYPE_NAMELEN as usize,
        "the name of a controller has 1 to 32 characters"
    );
    while i < name.len() {
        assert!(
            name[i] > b' ' && name[i] != 0x7f && name[i] != b',' && name[i] != b'/',
            "the name of a controller has no commas, slashes, white space or control characters"
        );
        i += 1;
    }
}

#[pinned_drop]
impl<C: Controller> PinnedDrop for Registration<C> {
    fn drop(self: Pin<&mut Self>) {
        let ss = self.ss.get();

        // SAFETY: The core writes to it only while the subsystem is registered or unregistered.
        if unsafe { (*ss).subsys_id } < 0 {
            return;
        }
        // Unregistration waits for readers.
        self.slot.clear(ptr::from_ref(&*self).cast_mut());
        // SAFETY: `new` registered the subsystem.
        let ret = unsafe { bindings::rc_unregister_subsys(ss) };

        // By the safety requirements of `new`, the module is being unloaded, so that it is not
        // bound: a binding has a reference on the module. If it is unloaded by force, or safe code
        // has called `init` of the module, then the core would go on with what is freed next.
        if crate::warn_on!(ret != 0) {
            panic!("a controller goes while it is mounted");
        }
        if self.was_owned.load(Relaxed) {
            // Whoever has dropped the last `OwnedState`, and the module with it, may not have
            // returned from code of the module yet.
            //
            // SAFETY: The module is being unloaded, in process context.
            unsafe { bindings::rcfs_synchronize_rcu_tasks() };
        }
    }
}

/// Where to find the data that a controller keeps for itself.
pub struct DataSlot<T>(Atomic<*mut T>);

impl<T> DataSlot<T> {
    /// There is no data.
    #[allow(clippy::new_without_default)]
    pub const fn new() -> Self {
        Self(Atomic::new(ptr::null_mut()))
    }
}

/// A controller that keeps data of its own, which are in no container: see [`StateRef::data`].
///
/// # Safety
///
/// Implemented by [`module_rcfs_controller!`](crate::module_rcfs_controller): there must be
/// [`Data`] in the slot while the controller is registered.
pub unsafe trait WithData: Registered {
    /// What the controller keeps.
    type Data: Send + Sync + 'static;

    /// The slot.
    fn data_slot() -> &'static DataSlot<Self::Data>;
}

impl<'a, C: WithData> StateRef<'a, C> {
    /// What the controller keeps for all containers.
    pub fn data(self) -> &'a C::Data {
        // SAFETY: The controller is registered as long as there is a state, and then there are
        // data.
        unsafe { &*C::data_slot().0.load(Acquire) }
    }
}

/// The data of a controller, in their slot for as long as they live.
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

/// Declares a module that consists of a controller.
///
/// With `data`, the controller keeps a value for itself, which [`StateRef::data`] finds.
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
        // SAFETY: The module has the data, before and after it has the registration.
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
        // SAFETY: The slot is for this type only.
        unsafe impl $crate::rcfs::Registered for $controller {
            fn slot() -> &'static $crate::rcfs::Slot<$controller> {
                static SLOT: $crate::rcfs::Slot<$controller> = $crate::rcfs::Slot::new();

                &SLOT
            }
        }

        #[$crate::prelude::pin_data]
        struct ControllerModule {
            // Dropped in this order.
            #[pin]
            _registration: $crate::rcfs::Registration<$controller>,
            #[pin]
            _data: $data,
        }

        impl $crate::InPlaceModule for ControllerModule {
            fn init(
                module: &'static $crate::ThisModule,
            ) -> impl ::pin_init::PinInit<Self, $crate::error::Error> {
                // Made in this order.
                $crate::try_pin_init!(Self {
                    _data <- $init,
                    // SAFETY: The controller is in this module. The module keeps nothing else but
                    // what the controller needs. This is the last thing that can fail.
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
