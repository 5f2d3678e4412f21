// SPDX-License-Identifier: GPL-2.0

//! The states of a controller: their tree, and the tasks in them.

use super::{
    context::{
        MayNotify,
        MaySleep,
        UnderMutex,
        UnderRcu, //
    },
    members,
    timer::Timer,
    Child,
    Controller,
    Event,
    ParentRef,
    Registered,
    Registration, //
};
use crate::{
    bindings, container_of, pid,
    prelude::*,
    sync::{
        aref::ARef,
        rcu,
        Arc,
        ArcBorrow,
        SetOnce, //
    },
    task::Task,
    time::Msecs,
    types::{
        ForeignOwnable,
        Opaque, //
    },
};
use core::{
    ops::{
        ControlFlow,
        Deref, //
    },
    pin::Pin,
    ptr::{
        self,
        NonNull, //
    },
};

/// A state, as the core keeps it.
///
/// # Invariants
///
/// - `registration` is the registration of the controller. It stays until the node is
///   [removed](Self::remove).
/// - `ns` is the nsproxy of the container. It stays until the node is removed.
/// - `links` is in the list of the registration from [`new`](Self::new) until the node is removed.
///   The list is only accessed with its lock held. Its entries have pointers that are derived from
///   [`Arc::as_ptr`], and there is a reference on each node in it.
#[pin_data]
pub(super) struct Node<C: Controller> {
    #[pin]
    links: Opaque<bindings::list_head>,
    registration: NonNull<Registration<C>>,
    ns: NonNull<bindings::nsproxy>,
    /// The number of ancestors.
    depth: usize,
    /// [`Some`] if the controller implements [`Controller::timer`].
    timer: Option<Timer<C>>,
    /// The memory cgroup that the container owns. It lives as long as the state.
    pub(super) mem_cgroup: SetOnce<NonNull<bindings::mem_cgroup>>,
    #[pin]
    pub(super) state: C::State,
    /// Dropped after the state, which may use that of the parent.
    parent: ParentRef<Node<C>>,
}

impl<C: Controller> Child for Node<C> {
    fn parent_mut(self: Pin<&mut Self>) -> &mut ParentRef<Self> {
        self.project().parent
    }
}

// SAFETY: The list is accessed under its lock. `mem_cgroup` is set once. The other fields do not
// change. States are `Send`.
unsafe impl<C: Controller> Send for Node<C> {}

// SAFETY: As above, and states are `Sync`.
unsafe impl<C: Controller> Sync for Node<C> {}

impl<C: Controller> Node<C> {
    /// Makes the state of a container and adds it to the list.
    ///
    /// # Safety
    ///
    /// `registration` and `ns` must be as the type invariants require. [`remove`](Self::remove)
    /// must be called before the node is dropped.
    pub(super) unsafe fn new(
        registration: NonNull<Registration<C>>,
        ns: NonNull<bindings::nsproxy>,
        parent: Option<Arc<Self>>,
    ) -> Result<Arc<Self>> {
        let above = parent.clone();
        // SAFETY: The core makes states in process context, with the mutex held.
        let cx = unsafe { &mut UnderMutex::new() };
        let init = C::create(cx, above.as_ref().map(StateRef::of));

        // INVARIANT: By the safety requirements. The node is added to the list below.
        let node = Arc::pin_init(
            try_pin_init!(Node {
                links <- Opaque::ffi_init(|slot| {
                    // SAFETY: `slot` is valid for writes.
                    unsafe { bindings::INIT_LIST_HEAD(slot) }
                }),
                registration,
                ns,
                timer: if C::HAS_TIMER { Some(Timer::new()?) } else { None },
                depth: parent.as_ref().map_or(0, |parent| parent.depth + 1),
                mem_cgroup: SetOnce::new(),
                state <- init,
                parent: ParentRef::new(parent),
            }? Error),
            GFP_KERNEL,
        )?;
        // SAFETY: By the safety requirements, the registration is valid.
        let registration = unsafe { registration.as_ref() };
        {
            let mut count = registration.states.lock();

            // SAFETY: The list is locked, and the node is valid and pinned.
            unsafe {
                let links = &raw const (*Arc::as_ptr(&node)).links;
                bindings::list_add_tail(Opaque::cast_into(links), registration.list.get());
            }
            *count += 1;
        }
        if let Some(timer) = &node.timer {
            timer.attach(&node);
        }
        // SAFETY: As above.
        C::online(unsafe { &mut UnderMutex::new() }, StateRef::of(&node));
        Ok(node)
    }

    /// Stops the timer. The container has been removed, or has not been published.
    pub(super) fn shut_down(&self) {
        if let Some(timer) = &self.timer {
            timer.shut_down();
        }
    }

    /// The container, or [`None`] for the root.
    pub(super) fn container(&self) -> Option<*mut bindings::rcfs_container> {
        // SAFETY: By the type invariant, the nsproxy is valid until the node is removed. All
        // callers keep the container, or keep it from being removed.
        let container = unsafe { (*self.ns.as_ptr()).rcfs_owner };

        (!container.is_null()).then_some(container)
    }

    /// Takes a reference on the module of the controller. Fails if it is being unloaded.
    pub(super) fn get_module(&self) -> bool {
        // SAFETY: By the type invariant, the registration stays until the node is removed.
        unsafe { self.registration.as_ref() }.get_module()
    }

    /// The module of the controller, or NULL if it is built in.
    pub(super) fn module(&self) -> *mut bindings::module {
        // SAFETY: As above.
        unsafe { self.registration.as_ref() }.module()
    }

    /// Stops the timer and removes the node from the list.
    pub(super) fn remove(&self) {
        self.shut_down();

        // SAFETY: By the type invariant, the registration is valid.
        let mut count = unsafe { self.registration.as_ref() }.states.lock();

        // SAFETY: By the type invariant, the node is in the list, which is locked.
        unsafe { bindings::list_del(self.links.get()) };
        *count -= 1;
    }
}

/// A reference to the state of a container. It leads to the states of other containers, and to
/// tasks.
///
/// # Invariants
///
/// Neither the node nor its ancestors are removed during `'a`.
pub struct StateRef<'a, C: Controller>(ArcBorrow<'a, Node<C>>);

impl<C: Controller> Clone for StateRef<'_, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C: Controller> Copy for StateRef<'_, C> {}

impl<C: Controller> Deref for StateRef<'_, C> {
    type Target = C::State;

    fn deref(&self) -> &C::State {
        self.get()
    }
}

impl<C: Controller> PartialEq for StateRef<'_, C> {
    fn eq(&self, other: &Self) -> bool {
        ptr::eq(self.node(), other.node())
    }
}

impl<C: Controller> Eq for StateRef<'_, C> {}

impl<'a, C: Controller> StateRef<'a, C> {
    /// Makes a reference from what the controller has stored on the C side.
    ///
    /// # Safety
    ///
    /// `ptr` must be what the controller has stored for a container that stays for `'a`.
    pub(super) unsafe fn from_ptr(ptr: *mut c_void) -> Self {
        // INVARIANT: The container stays for `'a`. Its node is removed after the container, and
        // the ancestors are removed later.
        //
        // SAFETY: What was stored is a foreign `Arc<Node<C>>`, which is dropped after the
        // container is gone.
        Self(unsafe { Arc::<Node<C>>::borrow(ptr) })
    }

    /// A reference to the state of a node. Neither the node nor its ancestors may be removed during
    /// `'a`.
    pub(super) fn of(node: &'a Arc<Node<C>>) -> Self {
        Self(node.as_arc_borrow())
    }

    /// As [`of`](Self::of).
    pub(super) fn of_borrow(node: ArcBorrow<'a, Node<C>>) -> Self {
        Self(node)
    }

    pub(super) fn node(self) -> &'a Node<C> {
        // SAFETY: During the lifetime of an `ArcBorrow<'a, _>`, the node stays, and there are no
        // exclusive references to it.
        unsafe { &*ptr::from_ref(&*self.0) }
    }

    /// The number of ancestors.
    pub(super) fn depth(self) -> usize {
        self.node().depth
    }

    /// The state itself, for the lifetime of the container reference.
    pub fn get(self) -> &'a C::State {
        &self.node().state
    }

    /// A counted reference on the node.
    pub(super) fn keep(self) -> Arc<Node<C>> {
        self.0.into()
    }

    /// The state of the parent, or [`None`] in the root.
    pub fn parent(self) -> Option<StateRef<'a, C>> {
        self.node().parent.get().map(StateRef::of)
    }

    /// Whether this is the state of the root.
    pub fn is_root(self) -> bool {
        self.node().parent.get().is_none()
    }

    /// The state itself, the state of the parent, and so on up to the root.
    pub fn self_and_ancestors(self) -> impl Iterator<Item = StateRef<'a, C>> {
        core::iter::successors(Some(self), |state| state.parent())
    }

    /// As [`self_and_ancestors`](Self::self_and_ancestors), without the root.
    ///
    /// Use this for counting. A controller cannot count what is in the root: tasks are there before
    /// the controller is mounted.
    pub fn below_root(self) -> impl Iterator<Item = StateRef<'a, C>> {
        self.self_and_ancestors()
            .take_while(|state| !state.is_root())
    }

    /// As [`self_and_ancestors`](Self::self_and_ancestors), up to and without `ancestor`.
    pub fn below(self, ancestor: StateRef<'a, C>) -> impl Iterator<Item = StateRef<'a, C>> {
        self.self_and_ancestors()
            .take_while(move |&state| state != ancestor)
    }

    /// Whether `other` is this state, or the state of a descendant.
    pub fn contains(self, other: StateRef<'_, C>) -> bool {
        other
            .self_and_ancestors()
            .any(|state| ptr::eq(state.node(), self.node()))
    }

    /// The state of the root.
    pub fn root(self) -> StateRef<'a, C> {
        let mut state = self;

        while let Some(parent) = state.parent() {
            state = parent;
        }
        state
    }

    /// Calls `f` for the state itself and for those of all descendants. Parents come first.
    ///
    /// No container is made or freed during the call, so `f` must not wait for that. The call takes
    /// time in proportion to the number of all containers.
    pub fn for_each_below(self, _cx: &mut impl MaySleep, f: impl FnMut(StateRef<'_, C>)) {
        self.walk_below(f);
    }

    /// Notifies the readers of an event of the state itself, and of those of all descendants.
    ///
    /// The call takes time in proportion to the number of all containers.
    pub fn notify_below(self, cx: &mut impl MaySleep, event: impl Fn(&C::State) -> &Event) {
        self.walk_below(|state| event(state.get()).notify(cx));
    }

    /// As [`for_each_below`](Self::for_each_below). May sleep.
    fn walk_below(self, mut f: impl FnMut(StateRef<'_, C>)) {
        let registration = self.registration();
        let _guard = registration.states.lock();

        f(self);
        // SAFETY: The list is locked, and its head and nodes are valid.
        let mut next = unsafe { (*self.node().links.get()).next };
        // Parents come first in the list, because they are made first.
        while next != registration.list.get() {
            // INVARIANT: The list is locked. A node leaves the list before its ancestors do.
            //
            // SAFETY: The list is locked. By the type invariant of `Node`, `next` is in a node
            // whose pointer comes from `Arc::as_ptr`, and there is a reference on the node.
            let state = StateRef(unsafe {
                let links = Opaque::cast_from(next).cast_mut();
                ArcBorrow::from_raw(container_of!(links, Node<C>, links))
            });

            if self.contains(state) {
                f(state);
            }
            // SAFETY: As above.
            next = unsafe { (*next).next };
        }
    }

    /// The number of all states of the controller. States of removed containers count until they
    /// are dropped.
    pub fn count_all(self, _cx: &mut impl MaySleep) -> usize {
        *self.registration().states.lock()
    }

    /// The state of the container of a task, or [`None`] if the task is exiting and has left its
    /// containers.
    fn of_task_in<'g>(
        registration: &Registration<C>,
        task: &Task,
        _guard: &'g rcu::Guard,
    ) -> Option<StateRef<'g, C>> {
        // SAFETY: The subsystem is registered. RCU keeps the nsproxy of the task, and thereby its
        // containers.
        unsafe {
            let ss = registration.ss.get();
            let ns = bindings::task_nsproxy_rcu(task.as_ptr());
            // Registration may be in progress, and may fail: the id is negative before and after.
            let id = usize::try_from((&raw const (*ss).subsys_id).read_volatile()).ok()?;

            if ns.is_null() {
                return None;
            }
            // As in `rcfs_nsproxy_state()`, which would read the id again.
            let mut state = (&raw const (*ns).ctlr_data[id]).read_volatile();
            if state.is_null() {
                state = (&raw const (*ss).root_state).read_volatile();
            }
            // During registration, even the root state may be missing.
            (!state.is_null()).then(|| StateRef::from_ptr(state))
        }
    }

    /// The state of the container of a task, or the root state while the controller is not mounted.
    /// This can be called in any context, such as a timer or an interrupt.
    ///
    /// Returns [`None`] if the task is exiting and has left its containers, and while the
    /// controller is being loaded or unloaded. The task can move at any time. To charge a container
    /// here and uncharge the same container later, use an [`OwnedCharge`](super::OwnedCharge).
    pub fn of_task(task: &Task, rcu: &'a rcu::Guard) -> Option<StateRef<'a, C>>
    where
        C: Registered,
    {
        Self::of_task_in(C::slot().get(rcu)?, task, rcu)
    }

    /// As [`of_task`](Self::of_task), for the current task.
    pub fn of_current(rcu: &'a rcu::Guard) -> Option<StateRef<'a, C>>
    where
        C: Registered,
    {
        Self::of_task(crate::current!(), rcu)
    }

    /// Calls [`Controller::timer`] for the container in `delay` milliseconds. A time that has been
    /// set before no longer applies. The call does not happen if the container is removed before.
    pub fn set_timer(self, _cx: &impl MayNotify, delay: Msecs) {
        if let Some(timer) = &self.node().timer {
            timer.set(delay);
        }
    }

    /// Calls `f` for the tasks in the list of the container. Returns whether the list was complete.
    /// The root has no list.
    fn for_each_member(self, f: impl FnMut(&Task)) -> bool {
        if self.is_root() {
            return false;
        }
        // SAFETY: By the type invariants, the nsproxy stays until the node is removed, and belongs
        // to a container. The container is not the root.
        unsafe { members::for_each_listed((*self.node().ns.as_ptr()).rcfs_owner, f) }
    }

    /// Calls `f` for the tasks in the lists of the container and its descendants, with the state of
    /// each task. Returns whether the lists were complete.
    fn for_each_listed(self, mut f: impl FnMut(&Task, StateRef<'_, C>)) -> bool {
        let mut all = !self.is_root();

        if all {
            self.walk_below(|state| all &= state.for_each_member(|task| f(task, state)));
        }
        all
    }

    fn registration(self) -> &'a Registration<C> {
        // SAFETY: By the type invariants, the registration stays until the node is removed.
        unsafe { self.node().registration.as_ref() }
    }

    /// As [`for_each_task`](Self::for_each_task), with the state of each task. May sleep.
    fn for_each_task_and_state(self, mut f: impl FnMut(&Task, StateRef<'_, C>)) {
        pid::wait_for_forks();
        for _ in 0..members::ATTEMPTS {
            if self.for_each_listed(&mut f) {
                return;
            }
        }
        let _ = pid::for_each_task(|task, rcu| {
            if let Some(state) = StateRef::of_task_in(self.registration(), task, rcu) {
                if self.contains(state) {
                    f(task, state);
                }
            }
            ControlFlow::Continue(())
        });
    }

    /// Calls `f` for every task in the container and its descendants. A task may be passed more
    /// than once.
    ///
    /// A task that enters by a fork or a move during the call may be missed. If so,
    /// [`Controller::fork`] or [`Controller::attach`] is called for the task, and sees everything
    /// that the caller changed before this call. For a move, that is only true if the caller holds
    /// a lock that `attach` takes.
    ///
    /// Takes time in proportion to the number of those tasks, and of all containers of the
    /// controller. In the root, takes time in proportion to the number of all tasks of the system.
    ///
    /// `f` is called under RCU.
    pub fn for_each_task(self, _cx: &mut impl MaySleep, mut f: impl FnMut(&Task, &UnderRcu)) {
        // SAFETY: The function calls this closure under RCU.
        self.for_each_task_and_state(|task, _| f(task, unsafe { &UnderRcu::new() }));
    }

    /// Whether `f` is true for any task in the container or its descendants, for readers.
    ///
    /// Tasks that enter or leave during the call may be missed. Takes as much time as
    /// [`for_each_task`](Self::for_each_task), and does not block forks.
    pub fn any_task(self, _cx: &mut impl MaySleep, mut f: impl FnMut(&Task) -> bool) -> bool {
        let mut any = false;

        for _ in 0..members::ATTEMPTS {
            let all = self.for_each_listed(|task, _| any = any || f(task));

            if any || all {
                return any;
            }
        }
        pid::any_thread(|task, rcu| {
            StateRef::of_task_in(self.registration(), task, rcu)
                .is_some_and(|state| self.contains(state))
                && f(task)
        })
    }

    /// Counts the tasks in the container itself for which `f` is true.
    ///
    /// For readers, as [`any_task`](Self::any_task). Takes time in proportion to the number of
    /// tasks in the container. In the root, takes time in proportion to the number of all tasks.
    pub fn count_members(self, _cx: &mut impl MaySleep, mut f: impl FnMut(&Task) -> bool) -> usize {
        for _ in 0..members::ATTEMPTS {
            let mut count = 0;

            if self.for_each_member(|task| count += usize::from(f(task))) {
                return count;
            }
        }

        let mut count = 0;

        pid::any_thread(|task, rcu| {
            let inside = StateRef::of_task_in(self.registration(), task, rcu)
                .is_some_and(|state| ptr::eq(state.node(), self.node()));

            count += usize::from(inside && f(task));
            false
        });
        count
    }

    /// Fills `tasks` with references on the tasks of [`for_each_task`](Self::for_each_task).
    ///
    /// The vector has spare capacity afterwards. A controller that changes something for all tasks
    /// can therefore call this once before the change, so that running out of memory is noticed
    /// early, and once after it.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub fn tasks(self, cx: &mut impl MaySleep, tasks: &mut KVVec<ARef<Task>>) -> Result {
        self.tasks_where(cx, tasks, |_| true)
    }

    /// As [`tasks`](Self::tasks), for the tasks in containers for whose state `wanted` is true.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub fn tasks_where(
        self,
        _cx: &mut impl MaySleep,
        tasks: &mut KVVec<ARef<Task>>,
        wanted: impl Fn(StateRef<'_, C>) -> bool,
    ) -> Result {
        loop {
            let mut count = 0;

            tasks.clear();
            self.for_each_task_and_state(|task, state| {
                if !wanted(state) {
                    return;
                }
                count += 1;
                // The walk must not sleep, and cannot reserve more. Go on counting.
                let _ = tasks.push_within_capacity(ARef::from(task));
            });
            if count == tasks.len() && count < tasks.capacity() {
                return Ok(());
            }
            tasks.clear();
            tasks.reserve(count + count / 8 + 8, GFP_KERNEL)?;
        }
    }

    /// The number of nsproxies that refer to the container, its own included. [`None`] in the root,
    /// which has no such count.
    pub fn count_nsproxies(self) -> Option<usize> {
        // SAFETY: By the type invariants, the nsproxy is valid.
        let count = unsafe { bindings::rcfs_count_nsproxies(self.node().ns.as_ptr()) };

        usize::try_from(count).ok()
    }

    /// The number of references on the container's own nsproxy, without that of the container.
    /// [`None`] in the root.
    pub fn count_users(self) -> Option<usize> {
        // SAFETY: By the type invariants, the nsproxy is valid.
        let count = unsafe { bindings::rcfs_count_users(self.node().ns.as_ptr()) };

        usize::try_from(count).ok()
    }
}
