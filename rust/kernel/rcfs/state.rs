// SPDX-License-Identifier: GPL-2.0

//! The states of a controller, and the way from one to the others and to tasks.

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
    ParentRef,
    Registered,
    Registration, //
};
use crate::{
    bindings, pid,
    prelude::*,
    sync::{
        aref::ARef,
        rcu,
        Arc,
        ArcBorrow, //
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

/// What the core keeps for a container: the state, and the way to others.
///
/// # Invariants
///
/// - `registration` is the one that the controller is registered by; it stays until the node is
///   [removed](Self::remove).
/// - `ns` is the nsproxy of the container, which stays as long.
/// - `links` is in the list of the registration from the time when the node is complete until it is
///   destroyed, and its neighbours are accessed with the list locked only. What is in the list are
///   pointers from [`Arc::as_ptr`], and there is a reference on each node in it.
#[pin_data]
#[repr(C)]
pub(super) struct Node<C: Controller> {
    /// First, so that the list leads to nodes.
    #[pin]
    links: Opaque<bindings::list_head>,
    registration: NonNull<Registration<C>>,
    ns: NonNull<bindings::nsproxy>,
    /// How many containers are above this one.
    depth: usize,
    /// There if the controller has a hook for it.
    timer: Option<Timer<C>>,
    #[pin]
    pub(super) state: C::State,
    /// Dropped after the state, which may depend on that of the container above.
    parent: ParentRef<Node<C>>,
}

impl<C: Controller> Child for Node<C> {
    fn parent_mut(self: Pin<&mut Self>) -> &mut ParentRef<Self> {
        self.project().parent
    }
}

// SAFETY: The list is accessed under its lock; the rest does not change, and states are `Send`.
unsafe impl<C: Controller> Send for Node<C> {}

// SAFETY: As above, and states are `Sync`.
unsafe impl<C: Controller> Sync for Node<C> {}

impl<C: Controller> Node<C> {
    /// Makes the state of a container and enters it in the list.
    ///
    /// # Safety
    ///
    /// `registration` and `ns` must be as the type invariants say. [`remove`](Self::remove) must
    /// be called before the node is dropped.
    pub(super) unsafe fn new(
        registration: NonNull<Registration<C>>,
        ns: NonNull<bindings::nsproxy>,
        parent: Option<Arc<Self>>,
    ) -> Result<Arc<Self>> {
        let above = parent.clone();
        // SAFETY: The core makes states with the mutex held.
        let cx = unsafe { &mut UnderMutex::new() };
        let init = C::create(cx, above.as_ref().map(StateRef::of));

        // INVARIANT: By the safety requirements; it is entered in the list below.
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

    /// Ends what the state does by itself. The container has been removed, or is not to be.
    pub(super) fn shut_down(&self) {
        if let Some(timer) = &self.timer {
            timer.shut_down();
        }
    }

    /// The container, unless it is the root.
    pub(super) fn container(&self) -> Option<*mut bindings::rcfs_container> {
        // SAFETY: By the type invariant, the nsproxy is valid: this is for those who keep the
        // container, or hold up its removal.
        let container = unsafe { (*self.ns.as_ptr()).rcfs_owner };

        (!container.is_null()).then_some(container)
    }

    /// Keeps the module of the controller. Returns whether it is still there.
    pub(super) fn get_module(&self) -> bool {
        // SAFETY: By the type invariant, the registration stays until the node is removed.
        unsafe { self.registration.as_ref() }.get_module()
    }

    /// The module of the controller.
    pub(super) fn module(&self) -> *mut bindings::module {
        // SAFETY: As above.
        unsafe { self.registration.as_ref() }.module()
    }

    /// Takes the state out of the list.
    pub(super) fn remove(&self) {
        self.shut_down();

        // SAFETY: By the type invariant.
        let mut count = unsafe { self.registration.as_ref() }.states.lock();

        // SAFETY: By the type invariant, the node is in the list, which is locked.
        unsafe { bindings::list_del(self.links.get()) };
        *count -= 1;
    }
}

/// The state of a container, and through it those of other containers, and the tasks in them.
///
/// # Invariants
///
/// The node, and those of the containers above, are not removed for `'a`.
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
    /// The state that `ptr` stands for on the C side.
    ///
    /// # Safety
    ///
    /// `ptr` must be what the controller stored for a container that stays for `'a`.
    pub(super) unsafe fn from_ptr(ptr: *mut c_void) -> Self {
        // INVARIANT: The node is removed once the container is gone, and those above are later.
        //
        // SAFETY: What was stored is a foreign `Arc<Node<C>>`, which is taken back once the
        // container is gone.
        Self(unsafe { Arc::<Node<C>>::borrow(ptr) })
    }

    /// The state in a node, which is not removed for `'a`, nor are those above.
    pub(super) fn of(node: &'a Arc<Node<C>>) -> Self {
        Self(node.as_arc_borrow())
    }

    /// As [`of`](Self::of).
    pub(super) fn of_borrow(node: ArcBorrow<'a, Node<C>>) -> Self {
        Self(node)
    }

    pub(super) fn node(self) -> &'a Node<C> {
        // SAFETY: An `ArcBorrow<'a, _>` means that the node stays, and that nobody has exclusive
        // access to it, for all of `'a`.
        unsafe { &*ptr::from_ref(&*self.0) }
    }

    /// The state itself, for as long as the reference to the container lives.
    pub fn get(self) -> &'a C::State {
        &self.node().state
    }

    /// A reference that keeps the state.
    pub(super) fn keep(self) -> Arc<Node<C>> {
        self.0.into()
    }

    /// The state of the container above, or [`None`] in the root.
    pub fn parent(self) -> Option<StateRef<'a, C>> {
        self.node().parent.get().map(StateRef::of)
    }

    /// Whether this is the state of the root: of all tasks that are in no container below it.
    pub fn is_root(self) -> bool {
        self.node().parent.get().is_none()
    }

    /// The states of the container itself, and of those above it up to the root.
    pub fn self_and_ancestors(self) -> impl Iterator<Item = StateRef<'a, C>> {
        core::iter::successors(Some(self), |state| state.parent())
    }

    /// As [`self_and_ancestors`](Self::self_and_ancestors), without the root.
    ///
    /// A controller cannot count what is in the root: tasks are there before it is mounted.
    pub fn below_root(self) -> impl Iterator<Item = StateRef<'a, C>> {
        self.self_and_ancestors()
            .take_while(|state| !state.is_root())
    }

    /// As [`self_and_ancestors`](Self::self_and_ancestors), without `ancestor` and those above it.
    pub fn below(self, ancestor: StateRef<'a, C>) -> impl Iterator<Item = StateRef<'a, C>> {
        self.self_and_ancestors()
            .take_while(move |&state| state != ancestor)
    }

    /// The state of the lowest container that holds both: it makes no difference to this one, and
    /// those above, in which of the two something is.
    pub fn common_ancestor(self, other: StateRef<'a, C>) -> StateRef<'a, C> {
        let (mut one, mut another) = (self, other);

        while one != another {
            let (depth, depth_of_another) = (one.node().depth, another.node().depth);

            // Only the root has no parent, and there is only one.
            if depth >= depth_of_another {
                one = one.parent().unwrap_or(one);
            }
            if depth_of_another >= depth {
                another = another.parent().unwrap_or(another);
            }
        }
        one
    }

    /// Whether `other` is the state of the container itself or of one below.
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

    /// Calls `f` for the state itself and then for those of the containers below, each after the
    /// one above it.
    ///
    /// No container is made or freed meanwhile, so that `f` must not wait for that. Takes time in
    /// proportion to the number of all containers.
    pub fn for_each_below(self, _cx: &mut impl MaySleep, f: impl FnMut(StateRef<'_, C>)) {
        self.walk_below(f);
    }

    /// May sleep.
    fn walk_below(self, mut f: impl FnMut(StateRef<'_, C>)) {
        let registration = self.registration();
        let _guard = registration.states.lock();

        f(self);
        // SAFETY: The list is locked, and its head and nodes are valid.
        let mut next = unsafe { (*self.node().links.get()).next };
        // Containers are made after the one above them, and enter the list in that order.
        while next != registration.list.get() {
            // INVARIANT: A node leaves the list before those above it.
            //
            // SAFETY: The list is locked. By the type invariant of `Node`, it has the links of
            // nodes, which are their first field, by pointers from `Arc::as_ptr`. There is a
            // reference on each node until it has left the list, and nodes are shared.
            let state = StateRef(unsafe { ArcBorrow::from_raw(next.cast::<Node<C>>()) });

            if self.contains(state) {
                f(state);
            }
            // SAFETY: As above.
            next = unsafe { (*next).next };
        }
    }

    /// How many states of the controller there are, those of containers that have been removed but
    /// may still be in use included.
    pub fn count_all(self, _cx: &mut impl MaySleep) -> usize {
        *self.registration().states.lock()
    }

    /// The state of the container that a task is in, or [`None`] if the task is exiting and in none
    /// any more.
    fn of_task_in<'g>(
        registration: &Registration<C>,
        task: &Task,
        _guard: &'g rcu::Guard,
    ) -> Option<StateRef<'g, C>> {
        // SAFETY: The subsystem is registered. RCU keeps the nsproxy of the task valid, and with it
        // its containers.
        unsafe {
            let ss = registration.ss.get();
            let ns = bindings::task_nsproxy_rcu(task.as_ptr());
            // The id is written once, by registration, which may be under way.
            if ns.is_null() || (&raw const (*ss).subsys_id).read_volatile() < 0 {
                return None;
            }
            let state = bindings::rcfs_nsproxy_state(ns, ss);

            // While the controller is being registered, there is not even that of the root.
            (!state.is_null()).then(|| StateRef::from_ptr(state))
        }
    }

    /// The state of the container that a task is in: from anywhere, a timer, an interrupt or
    /// another module's call. That of the root while the controller is not mounted.
    ///
    /// [`None`] if the task is exiting and in no container any more, and while the controller is
    /// being loaded or unloaded. The task can move at any time: what is charged to a task when it
    /// may be elsewhere by the time when it is given back is an
    /// [`OwnedCharge`](super::OwnedCharge).
    pub fn of_task(task: &Task, rcu: &'a rcu::Guard) -> Option<StateRef<'a, C>>
    where
        C: Registered,
    {
        Self::of_task_in(C::slot().get(rcu)?, task, rcu)
    }

    /// The state of the container that the current task is in: see [`of_task`](Self::of_task).
    pub fn of_current(rcu: &'a rcu::Guard) -> Option<StateRef<'a, C>>
    where
        C: Registered,
    {
        Self::of_task(crate::current!(), rcu)
    }

    /// Lets [`Controller::timer`] be called for the container in `delay` milliseconds, in place of
    /// the time that may have been set before. Never if the container is removed before.
    pub fn set_timer(self, _cx: &impl MayNotify, delay: Msecs) {
        if let Some(timer) = &self.node().timer {
            timer.set(delay);
        }
    }

    /// Calls `f` for the tasks in the container itself, as its list has them. Returns whether those
    /// were all; the root has no list.
    fn for_each_member(self, f: impl FnMut(&Task)) -> bool {
        if self.is_root() {
            return false;
        }
        // SAFETY: By the type invariants, the nsproxy is that of a container, which is no root, and
        // both stay until the node is removed.
        unsafe { members::for_each_listed((*self.node().ns.as_ptr()).rcfs_owner, f) }
    }

    /// Calls `f` for the tasks in the container and in those below, with the state of where each of
    /// them is, as the lists of the containers have them. Returns whether those were all.
    fn for_each_listed(self, mut f: impl FnMut(&Task, StateRef<'_, C>)) -> bool {
        let mut all = !self.is_root();

        if all {
            self.walk_below(|state| all &= state.for_each_member(|task| f(task, state)));
        }
        all
    }

    fn registration(self) -> &'a Registration<C> {
        // SAFETY: By the type invariants.
        unsafe { self.node().registration.as_ref() }
    }

    /// As [`for_each_task`](Self::for_each_task), with the state of where the task is. May sleep.
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

    /// Calls `f` for every task in the container or in one below, for some perhaps more than once.
    ///
    /// A task that comes to be there by a fork or a move while this runs may be among them or not.
    /// But it is told of by [`Controller::fork`] or [`Controller::attach`] then, which sees all
    /// that the caller has changed before, provided that a move takes a lock which the caller
    /// holds. Takes time in proportion to the number of those tasks, and of all containers with the
    /// controller; in the root, of all tasks in the system.
    ///
    /// `f` is called under RCU.
    pub fn for_each_task(self, _cx: &mut impl MaySleep, mut f: impl FnMut(&Task, &UnderRcu)) {
        // SAFETY: Tasks are found under RCU.
        self.for_each_task_and_state(|task, _| f(task, unsafe { &UnderRcu::new() }));
    }

    /// Whether `f` is true for any task in the container or in one below, for those who only read.
    ///
    /// Tells how it was some time during the call: tasks that come, go or move meanwhile may be
    /// asked about or not. Takes time as [`for_each_task`](Self::for_each_task), and keeps nobody
    /// waiting who forks.
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

    /// For how many tasks in the container `f` is true. Those in containers below do not count.
    ///
    /// For those who only read: as [`any_task`](Self::any_task), but takes time in proportion to
    /// the number of the tasks in the container alone, unless it is the root.
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

    /// Fills `tasks` with references on the tasks that [`for_each_task`](Self::for_each_task) calls
    /// a function for.
    ///
    /// There is room for some more afterwards, so that who changes something for all tasks can see
    /// to it that there is memory first, and call this again once the change is visible.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub fn tasks(self, cx: &mut impl MaySleep, tasks: &mut KVVec<ARef<Task>>) -> Result {
        self.tasks_where(cx, tasks, |_| true)
    }

    /// As [`tasks`](Self::tasks), but only those in containers whose state `wanted` likes.
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
                // Allocating may sleep, walking must not: count on.
                let _ = tasks.push_within_capacity(ARef::from(task));
            });
            if count == tasks.len() && count < tasks.capacity() {
                return Ok(());
            }
            tasks.clear();
            tasks.reserve(count + count / 8 + 8, GFP_KERNEL)?;
        }
    }

    /// How many nsproxies name the container, its own included; [`None`] in the root, where nobody
    /// counts.
    pub fn count_nsproxies(self) -> Option<usize> {
        // SAFETY: By the type invariants, the nsproxy is valid.
        let count = unsafe { bindings::rcfs_count_nsproxies(self.node().ns.as_ptr()) };

        usize::try_from(count).ok()
    }

    /// How many references there are on the nsproxy of the container but for the container's own;
    /// [`None`] in the root.
    pub fn count_users(self) -> Option<usize> {
        // SAFETY: By the type invariants, the nsproxy is valid.
        let count = unsafe { bindings::rcfs_count_users(self.node().ns.as_ptr()) };

        usize::try_from(count).ok()
    }
}
