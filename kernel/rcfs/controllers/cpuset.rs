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
//! The root has all CPUs.

use kernel::{
    cpumask::Cpumask,
    new_mutex,
    prelude::*,
    rcfs::{
        Controller,
        CpuList,
        File,
        SharedCpumask,
        Show,
        StateRef, //
    },
    sync::{
        aref::ARef,
        Mutex, //
    },
    task::Task,
};

struct CpuSet;

#[pin_data]
struct State {
    cpus: SharedCpumask,
    effective: SharedCpumask,
    /// That of the root is held while sets change: `effective` follows from those above.
    #[pin]
    change: Mutex<()>,
}

/// Brings the effective sets of a container and of those below up to date.
fn update_sets(state: StateRef<'_, CpuSet>) {
    state.for_each_below(|state| match state.parent() {
        Some(above) => state
            .effective
            .set_intersection(&above.effective, &state.cpus),
        None => state.effective.set_active(),
    });
}

/// The same for the tasks in them. Who comes in meanwhile gets the new set anyway.
fn update_tasks(state: StateRef<'_, CpuSet>, tasks: &mut KVVec<ARef<Task>>) -> Result {
    state.tasks(tasks)?;
    for task in &*tasks {
        task.update_cpus();
    }
    Ok(())
}

fn set_cpus(state: StateRef<'_, CpuSet>, cpus: CpuList) -> Result {
    let root = state.root();
    let _change = root.change.lock();
    let mut tasks = KVVec::new();

    // Memory first: later, tasks may have been given the new set already.
    state.tasks(&mut tasks)?;
    let before = state.cpus.snapshot()?;
    state.cpus.set(cpus.mask());
    update_sets(state);
    update_tasks(state, &mut tasks).inspect_err(|_| {
        // So many forks meanwhile that there was not enough
        state.cpus.set(before.mask());
        update_sets(state);
    })
}

#[vtable]
impl Controller for CpuSet {
    const NAME: &'static CStr = c"cpuset";
    type State = State;

    fn create(_parent: Option<StateRef<'_, Self>>) -> impl PinInit<State, Error> {
        try_pin_init!(State {
            cpus: SharedCpumask::new()?,
            effective: SharedCpumask::new()?,
            change <- new_mutex!(()),
        }? Error)
    }

    fn online(state: StateRef<'_, Self>) {
        let root = state.root();
        let _change = root.change.lock();

        update_sets(state);
    }

    fn limit_cpus(state: StateRef<'_, Self>, mask: &mut Cpumask) {
        if !state.is_root() {
            state.effective.limit(mask);
        }
    }

    fn attach(to: StateRef<'_, Self>, _from: StateRef<'_, Self>, task: &Task) {
        let root = to.root();
        let _change = root.change.lock();

        task.update_cpus();
    }

    fn fork(child: &Task) {
        // Its parent may have been moved, or its set changed, since it was copied.
        child.update_cpus();
    }

    fn cpus_changed(root: StateRef<'_, Self>) {
        let _change = root.change.lock();

        let mut tasks = KVVec::new();

        update_sets(root);
        // Those of the root are nobody's business here.
        root.for_each_below(|state| {
            if state.parent() == Some(root) && update_tasks(state, &mut tasks).is_err() {
                pr_warn!("no memory to move tasks after CPUs came or went\n");
            }
        });
    }

    fn files() -> &'static [File<Self>] {
        static FILES: [File<CpuSet>; 2] = [
            File::<CpuSet>::seq(c"cpuset.cpus", |state, m| {
                state.cpus.snapshot()?.show(m);
                Ok(())
            })
            .writable(set_cpus)
            .not_in_root(),
            File::<CpuSet>::seq(c"cpuset.effective_cpus", |state, m| {
                state.effective.snapshot()?.show(m);
                Ok(())
            }),
        ];

        &FILES
    }
}

kernel::module_rcfs_controller! {
    type: CpuSet,
    name: "rcfs_cpuset",
    authors: ["The rcfs maintainers"],
    description: "Controller for rcfs that limits tasks to sets of CPUs",
    license: "GPL",
}
