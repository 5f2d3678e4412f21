// SPDX-License-Identifier: GPL-2.0

//! Freezing: stopping all tasks of a container until they are thawed.
//!
//! A task is frozen while `freezer.state` is set to `FROZEN` in its container or in an ancestor. It
//! runs no instruction of its program in that time. Signals are delayed, even `SIGKILL`, unless
//! they are sent by the file `kill`. A task that moves is frozen or thawed as its new container
//! requires. A new child is frozen before it has run, because a child first calls
//! calculate_sigpending(), which checks whether it has to freeze.
//!
//! `freezer.state` is `FREEZING` until every task has left the kernel, or sleeps in the kernel in a
//! freezable state. There is no bound for that time: a task in an uninterruptible sleep freezes
//! when it wakes up. Tasks that exit or are being killed do not freeze, and are not waited for.
//! Reading the file changes nothing.

use kernel::{
    freezer::Request,
    new_mutex,
    prelude::*,
    rcfs::{
        self,
        prelude::*, //
    },
    sync::{
        atomic::{
            ordering::Relaxed,
            AtomicFlag, //
        },
        SetOnce, //
    },
    task::Task,
};

struct Freezer;

#[pin_data]
struct State {
    /// Whether the container itself has been set to `FROZEN`. Hooks, which cannot sleep, read this.
    asked: AtomicFlag,
    /// Set by the first freezing, and kept until the container is removed: making and dropping a
    /// request patch the kernel, which takes longer than the rest of a change.
    request: SetOnce<Request>,
    /// The mutex of the root state is held during a change and until all tasks have been told. The
    /// last change is therefore told last. The other mutexes are not used.
    #[pin]
    change: rcfs::Mutex<()>,
}

/// The values that `freezer.state` shows.
#[derive(Clone, Copy, PartialEq)]
enum Progress {
    Thawed,
    Freezing,
    Frozen,
}

impl Keyword for Progress {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("THAWED", Progress::Thawed),
        ("FREEZING", Progress::Freezing),
        ("FROZEN", Progress::Frozen),
    ];
}

/// The values that can be written to `freezer.state`.
#[derive(Clone, Copy, PartialEq)]
enum Wish {
    Thaw,
    Freeze,
}

impl Keyword for Wish {
    const WORDS: &'static [(&'static str, Self)] =
        &[("THAWED", Wish::Thaw), ("FROZEN", Wish::Freeze)];
}

fn is_asked(state: &State) -> bool {
    state.asked.load(Relaxed)
}

fn is_any_asked(state: StateRef<'_, Freezer>) -> bool {
    state.self_and_ancestors().any(|state| is_asked(&state))
}

fn progress(mut access: Access<'_, Freezer>) -> Progress {
    let state = access.state();

    if !is_any_asked(state) {
        return Progress::Thawed;
    }
    // A task that waits for a frozen task, for example after vfork(2), may be at rest without being
    // frozen, if it was told to freeze before it began to wait.
    let is_on_the_way = |task: &Task| task.is_freezing() && !task.is_at_rest();
    if state.any_task(access.context(), is_on_the_way) {
        Progress::Freezing
    } else {
        Progress::Frozen
    }
}

fn set(mut access: Access<'_, Freezer>, wish: Wish) {
    let state = access.state();
    let root = state.root();
    let cx = access.context();
    let _change = root.change.lock(cx);

    if wish == Wish::Freeze && state.request.as_ref().is_none() {
        state.request.populate(Request::new());
    }
    state.asked.store(wish == Wish::Freeze, Relaxed);
    match wish {
        Wish::Freeze => state.for_each_task(cx, Task::freeze),
        Wish::Thaw => state.for_each_task(cx, Task::thaw),
    }
}

#[vtable]
impl Controller for Freezer {
    const NAME: &'static CStr = c"freezer";
    type State = State;

    fn create(
        _cx: &mut UnderMutex,
        _parent: Option<StateRef<'_, Self>>,
    ) -> impl PinInit<State, Error> {
        try_pin_init!(State {
            asked: AtomicFlag::new(false),
            request: SetOnce::new(),
            change <- rcfs::Mutex::new(new_mutex!(())),
        }? Error)
    }

    fn freezing(_cx: &UnderRunQueueLock, state: StateRef<'_, Self>) -> bool {
        is_any_asked(state)
    }

    fn attach(cx: &mut UnderMutex, to: StateRef<'_, Self>, _from: StateRef<'_, Self>, task: &Task) {
        let root = to.root();
        let _change = root.change.lock(cx);

        // Only one of the two has an effect.
        task.freeze(cx);
        task.thaw(cx);
    }

    const FILES: &'static [File<Self>] = &[
        File::<Self>::new(c"freezer.state", progress)
            .writable(set)
            .not_in_root(),
        File::<Self>::new(c"freezer.self_freezing", |state| is_asked(&state)).not_in_root(),
        File::<Self>::new(c"freezer.parent_freezing", |state| {
            state.parent().is_some_and(is_any_asked)
        })
        .not_in_root(),
    ];
}

kernel::module_rcfs_controller! {
    type: Freezer,
    name: "rcfs_freezer",
    authors: ["The rcfs maintainers"],
    description: "Controller for rcfs that freezes tasks",
    license: "GPL",
}
