// SPDX-License-Identifier: GPL-2.0

//! Memory: how much may a container have, and how much does it have?
//!
//! A container has a group of the kernel's memory controller, the same as control groups use, which
//! needs no control group here. What a task allocates or touches first counts for the container
//! that the task is in then, and for those above: anonymous memory, page cache, tmpfs, memory that
//! the kernel has on behalf of the task, and swap. It stays where it counts when the task moves,
//! and counts for the container above when its container is removed.
//!
//! - `memory.limit_in_bytes`: the most that the container may have. A task that needs more makes
//!   the kernel reclaim memory of the container first. If that is not enough, the OOM killer kills
//!   a process in the container or below it. So does writing a limit below the usage.
//! - `memory.usage_in_bytes`: what it has.
//! - `memory.max_usage_in_bytes`: the most that it ever had. Write 0 to begin anew.
//! - `memory.failcnt`: how often its limit was met.
//! - `memory.high`: from where on its tasks are slowed down and their memory is reclaimed. Nobody is
//!   killed for that.
//! - `memory.swap.max`: how much of it may be in swap.
//! - `memory.oom.group`: 1 if the OOM killer is to kill all processes in the container and below.
//! - `memory.oom_control`: what clients of cgroup v1 read. The OOM killer cannot be disabled.
//! - `memory.events`: how often something has happened in the container or below. It can be
//!   watched with poll(2) and inotify(7).
//! - `memory.stat`: what the memory is used for, as in cgroup v2.
//!
//! A task whose control group has the memory controller, or is below one that has it, counts there,
//! and not in its container. The root is no such control group. The root of the hierarchy has no
//! files: what is in it is not limited.

use kernel::{
    memcg::{
        MemCgroup,
        MemoryEvent,
        OrMax,
        Pages, //
    },
    prelude::*,
    rcfs::prelude::*,
    seq_file::{
        seq_print,
        SeqFile, //
    },
};

struct Memory;

#[pin_data]
struct State {
    group: MemCgroup,
    /// Tells readers of `memory.events`.
    event: Event,
}

/// The counts of events, by the names that `memory.events` of cgroup v2 has for them.
const EVENTS: [(&str, MemoryEvent); 5] = [
    ("high", MemoryEvent::High),
    ("max", MemoryEvent::Max),
    ("oom", MemoryEvent::Oom),
    ("oom_kill", MemoryEvent::OomKill),
    ("oom_group_kill", MemoryEvent::OomGroupKill),
];

fn show_events(memory: Access<'_, Memory>, m: &SeqFile) {
    for (name, event) in EVENTS {
        seq_print!(m, "{name} {}\n", memory.group.events(event));
    }
}

fn show_oom_control(memory: Access<'_, Memory>, m: &SeqFile) {
    let killed = memory.group.events(MemoryEvent::OomKill);

    seq_print!(m, "oom_kill_disable 0\nunder_oom 0\noom_kill {killed}\n");
}

#[vtable]
impl Controller for Memory {
    const NAME: &'static CStr = c"memory";
    type State = State;

    fn create(
        cx: &mut UnderMutex,
        parent: Option<StateRef<'_, Self>>,
    ) -> impl PinInit<State, Error> {
        let group = match parent {
            Some(parent) => MemCgroup::new(cx, &parent.group),
            None => MemCgroup::root(),
        };

        try_pin_init!(State {
            group: group?,
            event: Event::new(),
        }? Error)
    }

    fn mem_cgroup<'a>(_cx: &AnyContext, state: StateRef<'a, Self>) -> &'a MemCgroup {
        &state.get().group
    }

    fn memory_event(cx: &AnyContext, state: StateRef<'_, Self>) {
        state.event.notify(cx);
    }

    const FILES: &'static [File<Self>] = &[
        File::<Self>::new(c"memory.limit_in_bytes", |memory| memory.group.max())
            .writable(|mut memory, max: Pages| {
                memory.state().get().group.set_max(memory.context(), max)
            })
            .not_in_root(),
        File::<Self>::new(c"memory.usage_in_bytes", |memory| memory.group.usage()).not_in_root(),
        File::<Self>::new(c"memory.max_usage_in_bytes", |memory| memory.group.peak())
            .writable(|memory, zero: u64| {
                if zero != 0 {
                    return Err(EINVAL);
                }
                memory.group.reset_peak();
                Ok(())
            })
            .not_in_root(),
        File::<Self>::new(c"memory.failcnt", |memory| {
            memory.group.own_events(MemoryEvent::Max) as u64
        })
        .not_in_root(),
        File::<Self>::new(c"memory.high", |memory| OrMax(memory.group.high()))
            .writable(|mut memory, high: Pages| {
                memory.state().get().group.set_high(memory.context(), high)
            })
            .not_in_root(),
        #[cfg(CONFIG_SWAP)]
        File::<Self>::new(c"memory.swap.max", |memory| OrMax(memory.group.swap_max()))
            .writable(|memory, max: Pages| memory.group.set_swap_max(max))
            .not_in_root(),
        File::<Self>::new(c"memory.oom.group", |memory| memory.group.oom_group())
            .writable(|memory, all: bool| memory.group.set_oom_group(all))
            .not_in_root(),
        File::<Self>::seq(c"memory.oom_control", show_oom_control)
            .writable(|_, disable: bool| if disable { Err(EOPNOTSUPP) } else { Ok(()) })
            .not_in_root(),
        File::<Self>::seq(c"memory.events", show_events)
            .not_in_root()
            .notified_by(|state| &state.event),
        File::<Self>::seq(c"memory.stat", |mut memory, m| {
            memory.state().get().group.print_stat(memory.context(), m)
        })
        .not_in_root(),
    ];
}

kernel::module_rcfs_controller! {
    type: Memory,
    name: "rcfs_memory",
    authors: ["The rcfs maintainers"],
    description: "Memory controller for rcfs",
    license: "GPL",
}
