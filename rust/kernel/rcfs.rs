// SPDX-License-Identifier: GPL-2.0

//! Resource controllers for rcfs, the resource control file system.
//!
//! A controller accounts or limits one resource. It consists of a type that implements
//! [`Controller`], the [state](Controller::State) that it keeps for each container, and a table of
//! [`File`]s. The core of rcfs makes and frees the states, and finds the right one for a task; a
//! controller sees neither locks nor references of the core. The same source can be built in or be
//! a module: see [`module_rcfs_controller!`](crate::module_rcfs_controller).
//!
//! Every state knows those of the containers above it: what a task consumes in a container counts
//! for these as well, and a limit holds for all that is below. See [`StateRef::lineage`] and
//! [`Counters`].
//!
//! This module does not support:
//!
//! - files that list more than fits into memory at once;
//! - writes that are more than a value: a controller gets a number, a list or a word, and not what
//!   was written.
//!
//! C header: [`include/linux/rcfs.h`](srctree/include/linux/rcfs.h)
//!
//! # Examples
//!
//! A controller that limits how often tasks of a container may be forked, and shows how often they
//! were:
//!
//! ```
//! use kernel::{
//!     prelude::*,
//!     rcfs::{self, Limit},
//!     sync::atomic::{ordering::Relaxed, Atomic},
//! };
//!
//! struct Births;
//!
//! struct State {
//!     count: Atomic<u64>,
//!     max: Atomic<u64>,
//! }
//!
//! #[vtable]
//! impl rcfs::Controller for Births {
//!     const NAME: &'static CStr = c"births";
//!     type State = State;
//!
//!     fn create(_parent: Option<rcfs::StateRef<'_, Self>>) -> impl PinInit<State, Error> {
//!         Ok(State {
//!             count: Atomic::new(0),
//!             max: Atomic::new(u64::MAX),
//!         })
//!     }
//!
//!     fn can_fork(state: rcfs::StateRef<'_, Self>) -> Result {
//!         if state.lineage().any(|s| s.count.load(Relaxed) >= s.max.load(Relaxed)) {
//!             return Err(EAGAIN);
//!         }
//!         for s in state.lineage() {
//!             s.count.add(1u64, Relaxed);
//!         }
//!         Ok(())
//!     }
//!
//!     fn files() -> &'static [rcfs::File<Self>] {
//!         static FILES: [rcfs::File<Births>; 2] = [
//!             rcfs::File::<Births>::new(c"births.count", |births| births.count.load(Relaxed)),
//!             rcfs::File::<Births>::new(c"births.max", |births| match births.max.load(Relaxed) {
//!                 u64::MAX => Limit::Max,
//!                 max => Limit::Number(max),
//!             })
//!             .writable(|births, max: Limit| {
//!                 births.max.store(
//!                     match max {
//!                         Limit::Max => u64::MAX,
//!                         Limit::Number(max) => max,
//!                     },
//!                     Relaxed,
//!                 );
//!                 Ok(())
//!             })
//!             .not_in_root(),
//!         ];
//!
//!         &FILES
//!     }
//! }
//!
//! assert_eq!(<Births as rcfs::Controller>::files().len(), 2);
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
        Arc,
        Mutex, //
    },
    task::Task,
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

mod counters;
mod cpus;
mod event;
mod file;
pub mod members;
mod parent;
mod state;
mod value;

pub use self::{
    counters::Counters,
    cpus::SharedCpumask,
    event::Event,
    file::File,
    parent::{
        Child,
        ParentRef, //
    },
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

/// A resource controller.
///
/// What is said of contexts means:
///
/// - *with the mutex*: process context, with the mutex of rcfs held. May sleep. Must not use rcfs
///   itself, which includes waiting for somebody who does.
/// - *atomic*: must not sleep. Takes no locks but such as are never held while something sleeps or
///   with interrupts enabled; better none.
///
/// Everything else is said at each function. Functions that are not there cost nothing: a hook that
/// no mounted controller defines is a jump that is patched out.
///
/// Hooks are called while the controller is mounted. Tasks are in the root then, and were there
/// before without any hook being called: only what hooks tell of other containers is complete.
#[vtable]
pub trait Controller: Sized + 'static {
    /// The name in mount options and in front of the names of files. At most 32 characters,
    /// without commas, slashes and white space.
    const NAME: &'static CStr;

    /// What the controller keeps for a container.
    type State: Send + Sync;

    /// Makes the state of a new container. With the mutex.
    ///
    /// `parent` is [`None`] for the root state, which is made when the controller is registered,
    /// serves all hierarchies that the controller is ever bound to, and all tasks while it is
    /// bound to none.
    ///
    /// An error fails the registration or the `mkdir(2)`.
    fn create(parent: Option<StateRef<'_, Self>>) -> impl PinInit<Self::State, Error>;

    /// The state has been made: [`StateRef::for_each_below`] of those above finds it from here on.
    /// With the mutex. The `mkdir(2)` may still fail.
    fn online(_state: StateRef<'_, Self>) {}

    /// The files that every container gets.
    fn files() -> &'static [File<Self>] {
        &[]
    }

    /// Whether `task` may move to the container with `state`, or, if it is the current task, launch
    /// a child there, which cannot be seen yet. With the mutex.
    ///
    /// That it may is no promise that it does: another controller may refuse, or the task exit.
    /// Threads that a process creates while all of it moves follow without a question.
    fn can_attach(_state: StateRef<'_, Self>, _task: &Task) -> Result {
        build_error!(crate::error::VTABLE_DEFAULT_ERROR)
    }

    /// `task` moves: called in the moment in which it does. Atomic, under the `task_lock`.
    ///
    /// What has to be right at any time, like a count of tasks, is kept here.
    fn transfer(_to: StateRef<'_, Self>, _from: StateRef<'_, Self>, _task: &Task) {
        build_error!(crate::error::VTABLE_DEFAULT_ERROR)
    }

    /// `task` has moved, and may have exited since. With the mutex.
    fn attach(_to: StateRef<'_, Self>, _from: StateRef<'_, Self>, _task: &Task) {
        build_error!(crate::error::VTABLE_DEFAULT_ERROR)
    }

    /// Whether there may be another task in the container with `state`. Atomic; no other fork is
    /// asked about at the same time, on any CPU.
    ///
    /// If no other controller refuses, the task is there the next moment; otherwise
    /// [`cancel_fork`](Self::cancel_fork) takes back what was done here. An error is what the fork
    /// fails with; `EAGAIN` is customary.
    ///
    /// The current task is the parent. The child is not passed: a fork that fails frees it, whoever
    /// has a reference on it.
    fn can_fork(_state: StateRef<'_, Self>) -> Result {
        build_error!(crate::error::VTABLE_DEFAULT_ERROR)
    }

    /// The task does not come to be there. Atomic, in one stretch with
    /// [`can_fork`](Self::can_fork).
    fn cancel_fork(_state: StateRef<'_, Self>) {
        build_error!(crate::error::VTABLE_DEFAULT_ERROR)
    }

    /// `child` has come into being. It can be seen, but it has not run yet.
    ///
    /// Process context, without locks; may sleep. The child may be moved meanwhile, hence there is
    /// no state: what is done here has to depend on where the child is then.
    fn fork(_child: &Task) {
        build_error!(crate::error::VTABLE_DEFAULT_ERROR)
    }

    /// `task` leaves the container with `state`, because it exits. Atomic, under the `task_lock`.
    ///
    /// It still runs for a while, and is a zombie until somebody waits for it.
    fn exit(_state: StateRef<'_, Self>, _task: &Task) {
        build_error!(crate::error::VTABLE_DEFAULT_ERROR)
    }

    /// `task`, which exited in the container with `state`, is being reaped: its id is about to be
    /// free. The container may have been removed. Atomic, no locks. Not called for tasks of the
    /// root.
    fn release(_state: StateRef<'_, Self>, _task: &Task) {
        build_error!(crate::error::VTABLE_DEFAULT_ERROR)
    }

    /// A task of the container with `state` has used `ns` nanoseconds of CPU time on `cpu`, be it
    /// on its way out, until it is reaped.
    ///
    /// Called for the container that the task is in, and not for those above: see
    /// [`StateRef::lineage`], and [`Counters`], which see to that.
    ///
    /// Atomic: the lock of a run queue is held and interrupts are off. No locks. Not necessarily
    /// called on that CPU.
    fn charge(_state: StateRef<'_, Self>, _cpu: PossibleCpu, _ns: u64) {
        build_error!(crate::error::VTABLE_DEFAULT_ERROR)
    }

    /// The tick found a task of the container with `state` running, and puts `ns` nanoseconds down
    /// to what it did. Atomic, no locks.
    fn account(_state: StateRef<'_, Self>, _mode: CpuMode, _ns: u64) {
        build_error!(crate::error::VTABLE_DEFAULT_ERROR)
    }

    /// Whether tasks in the container with `state` shall freeze. Atomic, no locks.
    fn freezing(_state: StateRef<'_, Self>) -> bool {
        build_error!(crate::error::VTABLE_DEFAULT_ERROR)
    }

    /// Takes the CPUs from `mask` on which tasks in the container with `state` must not run. If
    /// none are left, nothing happens. Atomic, no locks.
    ///
    /// Asked whenever somebody sets the CPUs of a task. Call `Task::update_cpus` for those
    /// whose answer changes, and `Task::update_copied_cpus` in [`fork`](Self::fork).
    fn limit_cpus(_state: StateRef<'_, Self>, _mask: &mut Cpumask) {
        build_error!(crate::error::VTABLE_DEFAULT_ERROR)
    }

    /// The group that the scheduler shall put tasks into that are in the container with `state`, or
    /// [`None`] for that which they have without rcfs. Atomic, no locks.
    ///
    /// It must not change for as long as the state lives. Tasks that come and go are put into the
    /// right group by the core; one that exits stays where it is until it has left the CPU.
    fn task_group<'a>(_state: StateRef<'a, Self>) -> Option<&'a TaskGroup> {
        build_error!(crate::error::VTABLE_DEFAULT_ERROR)
    }

    /// CPUs have come or gone, some time ago, or the controller is being mounted. With the mutex;
    /// CPUs stay meanwhile.
    fn cpus_changed(_root: StateRef<'_, Self>) {
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

            for file in C::files() {
                // SAFETY: The core passes the directory of the container.
                unsafe { file.add(dir, ss, state)? };
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
            unsafe { C::transfer(StateRef::from_ptr(to), StateRef::from_ptr(from), task) };
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
                StateRef::from_ptr(bindings::rcfs_nsproxy_state(new, ss)),
                StateRef::from_ptr(bindings::rcfs_nsproxy_state(old, ss)),
                task(tsk),
            )
        };
    }

    /// # Safety
    ///
    /// Only for the core of rcfs, in an `rc_subsys` of `C`.
    unsafe extern "C" fn can_fork(
        _ss: *mut bindings::rc_subsys,
        state: *mut c_void,
        _tsk: *mut bindings::task_struct,
    ) -> c_int {
        // SAFETY: See the type.
        from_result(|| C::can_fork(unsafe { StateRef::from_ptr(state) }).map(|()| 0))
    }

    /// # Safety
    ///
    /// Only for the core of rcfs, in an `rc_subsys` of `C`.
    unsafe extern "C" fn cancel_fork(
        _ss: *mut bindings::rc_subsys,
        state: *mut c_void,
        _tsk: *mut bindings::task_struct,
    ) {
        // SAFETY: See the type.
        C::cancel_fork(unsafe { StateRef::from_ptr(state) });
    }

    /// # Safety
    ///
    /// Only for the core of rcfs, in an `rc_subsys` of `C`.
    unsafe extern "C" fn fork(_ss: *mut bindings::rc_subsys, tsk: *mut bindings::task_struct) {
        // SAFETY: See the type.
        let task = unsafe { task(tsk) };

        if C::HAS_FORK {
            C::fork(task);
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
        unsafe { C::exit(StateRef::from_ptr(state), task(tsk)) };
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
        unsafe { C::release(StateRef::from_ptr(state), task(tsk)) };
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
        C::charge(unsafe { StateRef::from_ptr(state) }, cpu, ns);
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
        C::account(unsafe { StateRef::from_ptr(state) }, mode, ns);
    }

    /// # Safety
    ///
    /// Only for the core of rcfs, in an `rc_subsys` of `C`.
    unsafe extern "C" fn freezing(_ss: *mut bindings::rc_subsys, state: *mut c_void) -> bool {
        // SAFETY: See the type.
        C::freezing(unsafe { StateRef::from_ptr(state) })
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
        unsafe { C::limit_cpus(StateRef::from_ptr(state), Cpumask::from_raw_mut(mask)) };
    }

    /// # Safety
    ///
    /// Only for the core of rcfs, in an `rc_subsys` of `C`.
    unsafe extern "C" fn task_group(
        _ss: *mut bindings::rc_subsys,
        state: *mut c_void,
    ) -> *mut bindings::task_group {
        // SAFETY: See the type. The group stays for as long as the state.
        C::task_group(unsafe { StateRef::from_ptr(state) })
            .map_or(ptr::null_mut(), TaskGroup::as_ptr)
    }

    /// # Safety
    ///
    /// Only for the core of rcfs, in an `rc_subsys` of `C`.
    unsafe extern "C" fn cpus_changed(ss: *mut bindings::rc_subsys) {
        // SAFETY: A registered subsystem has a root state.
        C::cpus_changed(unsafe { StateRef::from_ptr((*ss).root_state) });
    }
}

/// The registration of a controller, which ends when this is dropped.
///
/// [`module_rcfs_controller!`](crate::module_rcfs_controller) makes it: while the controller is
/// bound to a hierarchy, nothing but the core's reference on the module keeps it in place.
///
/// # Invariants
///
/// `list` has all states, in the order in which they were made; it is accessed with `states`
/// locked, which is how many there are.
#[pin_data(PinnedDrop)]
#[repr(C)]
pub struct Registration<C: Controller> {
    /// First, so that the functions of the subsystem find the rest.
    #[pin]
    ss: Opaque<bindings::rc_subsys>,
    #[pin]
    states: Mutex<usize>,
    #[pin]
    list: Opaque<bindings::list_head>,
    _p: PhantomData<C>,
}

// SAFETY: There is nothing to do with a registration but dropping it, which any thread may do.
unsafe impl<C: Controller> Send for Registration<C> {}

// SAFETY: What can be done with a shared reference, the mutex protects.
unsafe impl<C: Controller> Sync for Registration<C> {}

/// Of `states`. All controllers have the same class, and lockdep wants the name to be the same
/// as well, not just one that reads alike in each module.
static LOCK_NAME: &CStr = c"rcfs_states";

impl<C: Controller> Registration<C> {
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
        let ss = bindings::rc_subsys {
            create: Some(Vtable::<C>::create),
            destroy: Some(Vtable::<C>::destroy),
            populate: Some(Vtable::<C>::populate),
            can_attach: C::HAS_CAN_ATTACH.then_some(Vtable::<C>::can_attach),
            transfer: (C::HAS_TRANSFER || C::HAS_TASK_GROUP).then_some(Vtable::<C>::transfer),
            attach: C::HAS_ATTACH.then_some(Vtable::<C>::attach),
            can_fork: C::HAS_CAN_FORK.then_some(Vtable::<C>::can_fork),
            cancel_fork: C::HAS_CANCEL_FORK.then_some(Vtable::<C>::cancel_fork),
            fork: (C::HAS_FORK || C::HAS_TASK_GROUP).then_some(Vtable::<C>::fork),
            exit: C::HAS_EXIT.then_some(Vtable::<C>::exit),
            release: C::HAS_RELEASE.then_some(Vtable::<C>::release),
            charge: C::HAS_CHARGE.then_some(Vtable::<C>::charge),
            account: C::HAS_ACCOUNT.then_some(Vtable::<C>::account),
            freezing: C::HAS_FREEZING.then_some(Vtable::<C>::freezing),
            limit_cpus: C::HAS_LIMIT_CPUS.then_some(Vtable::<C>::limit_cpus),
            task_group: C::HAS_TASK_GROUP.then_some(Vtable::<C>::task_group),
            cpus_changed: C::HAS_CPUS_CHANGED.then_some(Vtable::<C>::cpus_changed),
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
            states <- Mutex::new(0, LOCK_NAME, static_lock_class!()),
            list <- Opaque::ffi_init(|slot| {
                // SAFETY: `slot` is valid for writes.
                unsafe { bindings::INIT_LIST_HEAD(slot) }
            }),
            _p: PhantomData,
        })
        .pin_chain(|this| {
            // SAFETY: The subsystem is complete and pinned. It is unregistered before it goes. By
            // the safety requirements, its functions stay as long.
            to_result(unsafe { bindings::rc_register_subsys(this.ss.get()) })
        })
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
        // SAFETY: `new` registered the subsystem.
        let ret = unsafe { bindings::rc_unregister_subsys(ss) };

        // By the safety requirements of `new`, the module is being unloaded, so that it is not
        // bound: a binding has a reference on the module. If it is unloaded by force, or safe code
        // has called `init` of the module, then the core would go on with what is freed next.
        if crate::warn_on!(ret != 0) {
            panic!("a controller goes while it is mounted");
        }
    }
}

/// Declares a module that consists of a controller.
///
/// # Examples
///
/// ```ignore
/// kernel::module_rcfs_controller! {
///     type: Ticks,
///     name: "rcfs_ticks",
///     authors: ["Author name"],
///     description: "Counts scheduler ticks of containers",
///     license: "GPL",
/// }
/// ```
#[macro_export]
macro_rules! module_rcfs_controller {
    (type: $controller:ty, $($f:tt)*) => {
        #[$crate::prelude::pin_data]
        struct ControllerModule {
            #[pin]
            _registration: $crate::rcfs::Registration<$controller>,
        }

        impl $crate::InPlaceModule for ControllerModule {
            fn init(
                module: &'static $crate::ThisModule,
            ) -> impl ::pin_init::PinInit<Self, $crate::error::Error> {
                $crate::try_pin_init!(Self {
                    // SAFETY: The controller is in this module. It is all that the module keeps,
                    // and the last thing that can fail.
                    _registration <- unsafe { $crate::rcfs::Registration::new(module) },
                })
            }
        }

        $crate::prelude::module! {
            type: ControllerModule,
            $($f)*
        }
    }
}
