// SPDX-License-Identifier: GPL-2.0

//! Sets of CPUs: where may the tasks of a container run?
//!
//! `cpuset.cpus` is what is asked for. `cpuset.effective_cpus` is what tasks get: the part of it
//! that the container above has as well and that is in use, or all that the container above has if
//! that is nothing. So there is no order in which sets have to be made, tasks can move anywhere,
//! and no task is ever left without a CPU when CPUs go. A container that asks for nothing has what
//! the one above has.
//!
//! Within its container's set, a task chooses with sched_setaffinity(2); a choice with nothing of
//! the set is EINVAL. What was chosen is remembered: when the set changes, the task gets of that
//! what it can, or all of the set if that is nothing. A control group of cpuset holds as well; if
//! its CPUs are all others than those of the container, the control group decides.
//!
//! A container limits its tasks if it, or one above it, has asked for CPUs. Where nothing limits a
//! task, its CPUs stay what they are, whoever has set them: forks and moves change nothing, and
//! nobody is asked about a move.
//!
//! Who moves a task into such a container, or out of one that has taken CPUs from it, needs the
//! right to say where the task runs, as for cpusets of control groups and for
//! sched_setaffinity(2): EPERM. A task with the policy SCHED_DEADLINE was admitted to all CPUs of
//! its root domain. To limit it to less, by a move or by a new set, is EBUSY.
//!
//! When the last CPU goes that a task may use, the scheduler lets the task run elsewhere. The task
//! gets what its container has as soon as there is a CPU of that.
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
    /// Whether this container or one above asks for CPUs.
    limits: Atomic<bool>,
    /// That of the root is held while sets change: `effective` and `limits` follow from those
    /// above.
    #[pin]
    change: rcfs::Mutex<()>,
}

/// Brings the effective sets of a container and of those below up to date.
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

/// The same for the tasks in them. Who comes in meanwhile gets the new set anyway.
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

/// Whether deadline admission lets `tasks`, of a container and of those below it, be limited to
/// `cpus`, if the one above has `above`.
///
/// The containers below ask for the same CPUs as before: a task below that was not limited to less
/// than it was admitted to is not either if the container has all of that.
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

    // Memory first: later, tasks may have been given the new set already.
    state.tasks(cx, &mut tasks)?;
    if let Some(above) = state.parent() {
        may_change(cx, above.get(), cpus.mask(), &tasks)?;
    }
    let before = state.cpus.snapshot()?;
    state.cpus.set(cpus.mask());
    update_sets(cx, state);
    update_tasks(cx, state, &mut tasks).inspect_err(|_| {
        // So many forks meanwhile that there was not enough
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

        // The set of `from` may have been lifted since the task left, and the task not been told.
        // A child that still has what its parent had in a third place is yet to be told by `fork`.
        if to.limits.load(Relaxed) || from.limits.load(Relaxed) || task.is_limited(cx) {
            task.update_cpus(cx);
        }
    }

    fn fork(cx: &mut Process, child: &Task) {
        // Its parent may have been moved, or its set changed, since it was copied.
        child.update_copied_cpus(cx);
    }

    fn cpus_changed(cx: &mut UnderMutex, root: StateRef<'_, Self>) {
        let _change = root.change.lock(cx);

        let mut tasks = KVVec::new();

        update_sets(cx, root);
        // Tasks that nothing limits keep their CPUs, whoever has set them.
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
