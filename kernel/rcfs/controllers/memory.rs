// SPDX-License-Identifier: GPL-2.0

//! Limiting and counting the memory of containers.
//!
//! Each container has a group of the kernel's memory controller. Control groups use the same
//! controller, but no control group is needed here. Memory counts for the container of the process
//! that allocates or first touches it, and for all containers above: anonymous memory, page cache,
//! tmpfs, kernel memory on behalf of a task, and swap. The container of a process is that of its
//! main thread. When the process moves, its memory stays where it counts. When a container is
//! removed, its memory counts for the container above.
//!
//! - `memory.limit_in_bytes`: the limit of the container. When an allocation would exceed it, the
//!   kernel reclaims memory of the container. If that is not enough, the OOM killer kills a process
//!   in the container or below it. Writing a limit below the usage has the same effect.
//! - `memory.usage_in_bytes`: the memory that counts for the container.
//! - `memory.max_usage_in_bytes`: the highest usage so far. Writing 0 resets it.
//! - `memory.failcnt`: how often the usage has met the limit.
//! - `memory.high`: a usage above which tasks are slowed down and memory is reclaimed. The OOM
//!   killer is not called.
//! - `memory.swap.max`: the limit for memory in swap.
//! - `memory.oom.group`: 1 if the OOM killer has to kill all processes in the container and below.
//! - `memory.oom_control`: for clients of cgroup v1. The OOM killer cannot be disabled.
//! - `memory.events`: counts of events in the container and below. poll(2) and inotify(7) report
//!   changes.
//! - `memory.stat`: the usage by kind, as in cgroup v2.
//!
//! A control group with the memory controller takes precedence: memory of its tasks does not count
//! for their container. The root cgroup is no such control group. The root of the hierarchy has no
//! files, and its tasks are not limited.

use kernel::{
    memcg::{
        MemCgroup,
        MemoryEvent,
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
    /// For readers of `memory.events`.
    event: Event,
}

/// Lines of `memory.events`, with the names of cgroup v2.
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

    fn mem_cgroup<'a>(_cx: &UnderRunQueueLock, state: StateRef<'a, Self>) -> &'a MemCgroup {
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
        File::<Self>::new(c"memory.high", |memory| Limit::from(memory.group.high()))
            .writable(|mut memory, high: Pages| {
                memory.state().get().group.set_high(memory.context(), high)
            })
            .not_in_root(),
        #[cfg(CONFIG_SWAP)]
        File::<Self>::new(c"memory.swap.max", |memory| {
            Limit::from(memory.group.swap_max())
        })
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
