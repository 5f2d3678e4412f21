// SPDX-License-Identifier: GPL-2.0

//! A lower bound for nice values.
//!
//! `nice.min` is the lowest nice value that tasks of the container and of its descendants can have.
//! In a new container it is -20, which is no bound. `nice.effective` is the highest `nice.min` of
//! the container and its ancestors.
//!
//! A task with a lower value is given the bound. It gets its own value back when it leaves, or when
//! the bound is lowered, unless its value has been changed in the meantime. To set a lower value by
//! setpriority(2) or sched_setattr(2) succeeds, but the task gets the bound. Children inherit the
//! value of their parent, and the parent's own value that it may get back.
//!
//! Nice values apply to tasks with the policies SCHED_NORMAL and SCHED_BATCH. The root has no
//! bound.

use kernel::{
    new_mutex,
    prelude::*,
    rcfs::{
        self,
        prelude::*, //
    },
    sync::{
        aref::ARef,
        atomic::{
            ordering::Relaxed,
            Atomic, //
        },
        rcu, //
    },
    task::Task,
};

struct Nice;

#[pin_data]
struct State {
    min: Atomic<i32>,
    /// The mutex of the root state is held while a bound changes or tasks are updated. The other
    /// mutexes are not used.
    #[pin]
    change: rcfs::Mutex<()>,
}

/// The values of a task that has been given the bound of a container.
#[derive(Clone, Copy)]
struct Raised {
    /// The task's own value.
    own: i32,
    /// The value that the task was given.
    given: i32,
}

/// The value that is no bound.
const LOWEST: i32 = -20;
const HIGHEST: i32 = 19;

fn bound(state: StateRef<'_, Nice>) -> i32 {
    state
        .below_root()
        .map(|state| state.min.load(Relaxed))
        .max()
        .unwrap_or(LOWEST)
}

/// The state of the container of a task, or [`None`] if the task is exiting.
fn state_of(task: &Task) -> Option<OwnedState<Nice>> {
    StateRef::<Nice>::of_task(task, &rcu::read_lock())?
        .to_owned()
        .ok()
}

/// Sets the nice value of a task in the container with `state`, whose own value is `own`.
fn apply(cx: &impl MaySleep, state: StateRef<'_, Nice>, task: &Task, own: i32) {
    let given = own.max(bound(state));

    if given == own {
        state.data().remove(cx, task);
    } else if state.data().set(cx, task, Raised { own, given }).is_err() {
        pr_warn!("no memory: a task keeps the nice value of its container for good\n");
    }
    task.set_nice(cx, given);
}

/// The nice value that a task would have without a bound.
fn own(cx: &impl MaySleep, state: StateRef<'_, Nice>, task: &Task) -> i32 {
    match state.data().get(cx, task) {
        Some(raised) if raised.given == task.nice() => raised.own,
        _ => task.nice(),
    }
}

/// Applies the bound of a container to a task, when either is new to the other. A task that no
/// bound concerns is left alone: this could undo a setpriority(2) that happens at the same time.
fn renew(cx: &impl MaySleep, state: StateRef<'_, Nice>, task: &Task) {
    if bound(state) > LOWEST || state.data().get(cx, task).is_some() {
        apply(cx, state, task, own(cx, state, task));
    }
}

fn set_min(mut access: Access<'_, Nice>, min: i64) -> Result {
    let min = i32::try_from(min).map_err(|_| ERANGE)?;

    if !(LOWEST..=HIGHEST).contains(&min) {
        return Err(ERANGE);
    }
    let state = access.state();
    let root = state.root();
    let cx = access.context();
    let _change = root.change.lock(cx);
    let before = state.min.load(Relaxed);
    let mut tasks: KVVec<ARef<Task>> = KVVec::new();

    // If a child is missed below, its `fork` is called after this, and sees the new bound.
    state.min.store(min, Relaxed);
    state
        .tasks(cx, &mut tasks)
        .inspect_err(|_| state.min.store(before, Relaxed))?;
    for task in &tasks {
        if let Some(here) = state_of(task) {
            renew(cx, here.get(), task);
        }
    }
    Ok(())
}

#[vtable]
impl Controller for Nice {
    const NAME: &'static CStr = c"nice";
    type State = State;

    fn create(
        _cx: &mut UnderMutex,
        _parent: Option<StateRef<'_, Self>>,
    ) -> impl PinInit<State, Error> {
        try_pin_init!(State {
            min: Atomic::new(LOWEST),
            change <- rcfs::Mutex::new(new_mutex!(())),
        }? Error)
    }

    fn limit_nice(_cx: &UnderRunQueueLock, state: StateRef<'_, Self>, nice: i32) -> i32 {
        nice.max(bound(state))
    }

    fn attach(cx: &mut UnderMutex, to: StateRef<'_, Self>, _from: StateRef<'_, Self>, task: &Task) {
        let root = to.root();
        let _change = root.change.lock(cx);

        renew(cx, to, task);
    }

    fn fork(cx: &mut Process, child: &Task) {
        let Some(before) = state_of(child) else {
            return;
        };
        let root = before.get().root();
        let _change = root.change.lock(cx);
        // The child may have been moved before the lock was taken.
        let Some(state) = state_of(child) else {
            return;
        };
        let state = state.get();
        let parent = kernel::current!();
        // The nice value of the child is a copy, which may be outdated.
        let own = match own(cx, state, parent) {
            _ if parent.resets_on_fork() && parent.has_realtime_policy() => 0,
            own if parent.resets_on_fork() => own.max(0),
            own => own,
        };

        // Usually there is nothing to do.
        if own != child.nice() || own < bound(state) {
            apply(cx, state, child, own);
        }
    }

    fn exit(cx: &UnderTaskLock, state: StateRef<'_, Self>, task: &Task) {
        state.data().remove(cx, task);
    }

    const FILES: &'static [File<Self>] = &[
        File::<Self>::new(c"nice.min", |nice| i64::from(nice.min.load(Relaxed)))
            .writable(set_min)
            .not_in_root(),
        File::<Self>::new(c"nice.effective", |nice| i64::from(bound(*nice))).not_in_root(),
    ];
}

kernel::module_rcfs_controller! {
    type: Nice,
    data: PerTask<Raised> => PerTask::new(),
    name: "rcfs_nice",
    authors: ["The rcfs maintainers"],
    description: "Controller for rcfs that limits nice values",
    license: "GPL",
}
