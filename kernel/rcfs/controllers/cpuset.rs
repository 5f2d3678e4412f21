// SPDX-License-Identifier: GPL-2.0

//! Sets of CPUs on which the tasks of a container may run.
//!
//! `cpuset.cpus` is the requested set. `cpuset.effective_cpus` is the set that applies: the CPUs of
//! the request that are active and in the effective set of the parent, or the whole effective set
//! of the parent if there are none. Sets can therefore be written in any order, tasks can move to
//! any container, and no task is left without a CPU when CPUs go offline. A container without a
//! request has the set of its parent.
//!
//! A task can choose CPUs within the set by sched_setaffinity(2), which fails with EINVAL if the
//! choice has no CPU of the set. The choice is remembered: when the set changes, the task gets the
//! part of its choice that is in the set, or the whole set if that part is empty. A cpuset of a
//! control group applies as well. If it has no CPU in common with the container, the control group
//! decides.
//!
//! A container limits its tasks if it, or an ancestor, has a request. The CPUs of a task that is
//! not limited stay as they were set: forks and moves do not change them, and a move needs no
//! permission.
//!
//! To move a task into a container that limits it, or out of a container that has limited it, one
//! needs permission to set its CPUs, as for cpusets of control groups and for sched_setaffinity(2).
//! The error is EPERM. A task with the policy SCHED_DEADLINE was admitted to all CPUs of its root
//! domain. To limit it to fewer CPUs, by a move or by a new set, fails with EBUSY.
//!
//! When the last CPU of a task goes offline, the scheduler runs the task elsewhere. The task
//! returns to the set of its container as soon as a CPU of that set is online again.
//!
//! The root has all CPUs.

use kernel::{
    cpumask::Cpumask,
    new_mutex,
    prelude::*,
    rcfs::{
        self,
        prelude::*,
        CpuList,
        SharedCpumask, //
    },
    sync::{
        aref::ARef,
        atomic::{
            ordering::Relaxed,
            Atomic, //
        }, //
    },
    task::Task,
};

struct CpuSet;

#[pin_data]
struct State {
    cpus: SharedCpumask,
    effective: SharedCpumask,
    /// Whether this container or an ancestor has a request.
    limits: Atomic<bool>,
    /// The mutex of the root state is held while sets change, as `effective` and `limits` depend on
    /// those of the parent. The other mutexes are not used.
    #[pin]
    change: rcfs::Mutex<()>,
}

/// Updates the effective sets of a container and its descendants.
fn update_sets(cx: &mut impl MaySleep, state: StateRef<'_, CpuSet>) {
    state.for_each_below(cx, |state| match state.parent() {
        Some(above) => {
            let limits = above.limits.load(Relaxed) || !state.cpus.is_empty();

            state
                .effective
                .set_intersection(&above.effective, &state.cpus);
            state.limits.store(limits, Relaxed);
        }
        None => state.effective.set_active(),
    });
}

/// Updates the tasks in a container and its descendants. A task that enters during the call gets
/// the new set by `attach` or `fork`.
fn update_tasks(
    cx: &mut impl MaySleep,
    state: StateRef<'_, CpuSet>,
    tasks: &mut KVVec<ARef<Task>>,
) -> Result {
    state.tasks(cx, tasks)?;
    for task in &*tasks {
        task.update_cpus(cx);
    }
    Ok(())
}

/// Checks whether deadline admission allows the set `cpus` for a container with the parent `above`
/// and with `tasks` in it and its descendants.
///
/// The requests of the descendants do not change. If the new set has all CPUs that a task of a
/// descendant was admitted to, then the request of the descendant limits the task as before.
fn may_change(cx: &impl MaySleep, above: &State, cpus: &Cpumask, tasks: &[ARef<Task>]) -> Result {
    let wanted = SharedCpumask::new()?;
    let effective = SharedCpumask::new()?;

    wanted.set(cpus);
    effective.set_intersection(&above.effective, &wanted);
    let effective = effective.snapshot()?;
    tasks
        .iter()
        .try_for_each(|task| task.may_run_on(cx, effective.mask()))
}

fn set_cpus(mut access: Access<'_, CpuSet>, cpus: CpuList) -> Result {
    let state = access.state();
    let root = state.root();
    let cx = access.context();
    let _change = root.change.lock(cx);
    let mut tasks = KVVec::new();

    // Allocate before the change: after it, tasks may already have been given the new set.
    state.tasks(cx, &mut tasks)?;
    if let Some(above) = state.parent() {
        may_change(cx, above.get(), cpus.mask(), &tasks)?;
    }
    let before = state.cpus.snapshot()?;
    state.cpus.set(cpus.mask());
    update_sets(cx, state);
    update_tasks(cx, state, &mut tasks).inspect_err(|_| {
        // There were more forks in the meantime than the vector has capacity for. Undo the change.
        state.cpus.set(before.mask());
        update_sets(cx, state);
    })
}

#[vtable]
impl Controller for CpuSet {
    const NAME: &'static CStr = c"cpuset";
    type State = State;

    fn create(
        _cx: &mut UnderMutex,
        _parent: Option<StateRef<'_, Self>>,
    ) -> impl PinInit<State, Error> {
        try_pin_init!(State {
            cpus: SharedCpumask::new()?,
            effective: SharedCpumask::new()?,
            limits: Atomic::new(false),
            change <- rcfs::Mutex::new(new_mutex!(())),
        }? Error)
    }

    fn online(cx: &mut UnderMutex, state: StateRef<'_, Self>) {
        let root = state.root();
        let _change = root.change.lock(cx);

        update_sets(cx, state);
    }

    fn limit_cpus(_cx: &UnderRunQueueLock, state: StateRef<'_, Self>, mask: &mut Cpumask) {
        if state.limits.load(Relaxed) {
            state.effective.limit(mask);
        }
    }

    fn can_attach(cx: &mut UnderMutex, to: StateRef<'_, Self>, task: &Task) -> Result {
        let root = to.root();
        let _change = root.change.lock(cx);

        if to.limits.load(Relaxed) {
            task.check_set_affinity(cx)?;
            task.may_run_on(cx, to.effective.snapshot()?.mask())
        } else if task.is_limited(cx) {
            task.check_set_affinity(cx)
        } else {
            Ok(())
        }
    }

    fn attach(cx: &mut UnderMutex, to: StateRef<'_, Self>, from: StateRef<'_, Self>, task: &Task) {
        let root = to.root();
        let _change = root.change.lock(cx);

        // The set of `from` may have been changed since the task left, without an update of the
        // task. A child may still have the set of its parent from a third container, if `fork` has
        // not been called for it yet.
        if to.limits.load(Relaxed) || from.limits.load(Relaxed) || task.is_limited(cx) {
            task.update_cpus(cx);
        }
    }

    fn fork(cx: &mut Process, child: &Task) {
        // The parent may have been moved, or its set been changed, since its CPUs were copied.
        child.update_copied_cpus(cx);
    }

    fn cpus_changed(cx: &mut UnderMutex, root: StateRef<'_, Self>) {
        let _change = root.change.lock(cx);

        let mut tasks = KVVec::new();

        update_sets(cx, root);
        // Tasks that are not limited keep their CPUs.
        let found = root.tasks_where(cx, &mut tasks, |state| state.limits.load(Relaxed));

        if found.is_err() {
            pr_warn!("no memory to move tasks after CPUs came or went\n");
        }
        for task in &tasks {
            task.update_cpus(cx);
        }
    }

    const FILES: &'static [File<Self>] = &[
        File::<Self>::seq(c"cpuset.cpus", |state, m| {
            state.cpus.snapshot()?.show(m);
            Ok(())
        })
        .writable(set_cpus)
        .not_in_root(),
        File::<Self>::seq(c"cpuset.effective_cpus", |state, m| {
            state.effective.snapshot()?.show(m);
            Ok(())
        }),
    ];
}

kernel::module_rcfs_controller! {
    type: CpuSet,
    name: "rcfs_cpuset",
    authors: ["The rcfs maintainers"],
    description: "Controller for rcfs that limits tasks to sets of CPUs",
    license: "GPL",
}
