// SPDX-License-Identifier: GPL-2.0

//! A controller for tests of the interface in `rust/kernel/rcfs.rs`. Its files use those parts of
//! the interface that no other controller uses.
//!
//! - `probe.usage`, `probe.max`: a counter and its limit.
//! - `probe.hold`: charges the container of the writer, which need not be the container of the
//!   file, with the number that is written, and keeps the charge in the module.
//! - `probe.release`: uncharges that amount, for any writer.
//! - `probe.own`: a number. `probe.handed`: the sum of both numbers in removed children.
//! - `probe.moves`: how often the hooks about moves were called.
//! - `probe.period`: the period of a timer in ms, 0 for none; `probe.ticks`: how often it expired.
//! - `probe.note`: the unmodified text of the last write; for the owner only.
//! - `probe.count`: a number. Writing it notifies readers of `probe.count` and `probe.watched`.
//! - `probe.numbers`: the numbers below `probe.count`, one on each line.
//! - `probe.opener`: the user who opened the file, and whether that was an administrator.
//!
//! For tests only: see tools/testing/selftests/rcfs/.

use kernel::{
    new_mutex, new_spinlock,
    prelude::*,
    rcfs::{
        self,
        prelude::*, //
    },
    seq_file::{
        seq_print,
        SeqFile, //
    },
    sync::{
        atomic::{
            ordering::Relaxed,
            Atomic, //
        },
        rcu,
        SpinLock, //
    },
    task::Task,
    time::Msecs,
};

struct Probe;

#[pin_data]
struct State {
    counter: ResCounter,
    own: Atomic<u64>,
    handed: Atomic<u64>,
    asked: Atomic<u64>,
    cancelled: Atomic<u64>,
    attached: Atomic<u64>,
    period: Atomic<u32>,
    ticks: Atomic<u64>,
    count: Atomic<u64>,
    counted: Event,
    #[pin]
    note: rcfs::Mutex<KVec<u8>>,
}

/// The number of numbers in a piece.
const AT_ONCE: usize = 100;

fn hold(mut access: Access<'_, Probe>, amount: u64) -> Result {
    let guard = rcu::read_lock();
    let here = StateRef::<Probe>::of_current(&guard).ok_or(ESRCH)?;
    let charge = here.try_charge(access.context(), amount, |state| &state.counter)?;
    let charge = charge.into_owned()?;
    let old = access.data().charge.lock().replace(charge);

    drop(guard);
    drop(old);
    Ok(())
}

fn release(mut access: Access<'_, Probe>, _: u64) {
    let old = access.data().charge.lock().take();

    // The state can be used although the container may have been removed.
    if let Some(charge) = &old {
        charge.state().count_members(access.context(), |_| true);
    }
}

fn set_note(mut access: Access<'_, Probe>, text: &[u8]) -> Result {
    let state = access.state();
    let mut note = state.note.lock(access.context());

    note.clear();
    note.extend_from_slice(text, GFP_KERNEL)?;
    Ok(())
}

fn show_note(mut access: Access<'_, Probe>, m: &SeqFile) {
    let state = access.state();

    for byte in state.note.lock(access.context()).iter() {
        seq_print!(m, "{byte:02x}");
    }
    seq_print!(m, "\n");
}

fn show_numbers(access: Access<'_, Probe>, from: usize, m: &SeqFile) -> Result<Option<usize>> {
    let count = access.count.load(Relaxed) as usize;
    let next = count.min(from + AT_ONCE);

    for number in from..next {
        seq_print!(m, "{number}\n");
    }
    Ok((next < count).then_some(next))
}

fn show_opener(access: Access<'_, Probe>, m: &SeqFile) {
    let administrator = access.check_opener(Capability::SysAdmin).is_ok();
    let user = access.opener().euid().into_uid_in_current_ns();

    seq_print!(m, "{user} {}\n", u8::from(administrator));
}

#[vtable]
impl Controller for Probe {
    const NAME: &'static CStr = c"probe";
    type State = State;

    fn create(
        _cx: &mut UnderMutex,
        _parent: Option<StateRef<'_, Self>>,
    ) -> impl PinInit<State, Error> {
        try_pin_init!(State {
            counter: ResCounter::new(),
            own: Atomic::new(0),
            handed: Atomic::new(0),
            asked: Atomic::new(0),
            cancelled: Atomic::new(0),
            attached: Atomic::new(0),
            period: Atomic::new(0),
            ticks: Atomic::new(0),
            count: Atomic::new(0),
            counted: Event::new(),
            note <- rcfs::Mutex::new(new_mutex!(KVec::new())),
        }? Error)
    }

    fn offline(_cx: &mut UnderMutex, state: StateRef<'_, Self>) {
        if let Some(above) = state.parent() {
            let sum = state.own.load(Relaxed) + state.handed.load(Relaxed);

            above.handed.add(sum, Relaxed);
        }
    }

    fn timer(_cx: &mut Process, state: StateRef<'_, Self>) -> Option<Msecs> {
        for above in state.self_and_ancestors() {
            above.ticks.add(1, Relaxed);
        }
        match state.period.load(Relaxed) {
            0 => None,
            period => Some(period),
        }
    }

    fn can_attach(_cx: &mut UnderMutex, state: StateRef<'_, Self>, _task: &Task) -> Result {
        state.asked.add(1, Relaxed);
        Ok(())
    }

    fn cancel_attach(_cx: &mut UnderMutex, state: StateRef<'_, Self>, _task: &Task) {
        state.cancelled.add(1, Relaxed);
    }

    fn attach(
        _cx: &mut UnderMutex,
        to: StateRef<'_, Self>,
        _from: StateRef<'_, Self>,
        _task: &Task,
    ) {
        to.attached.add(1, Relaxed);
    }

    const FILES: &'static [File<Self>] = &[
        File::<Self>::new(c"probe.usage", |state| state.counter.usage()),
        File::<Self>::new(c"probe.max", |state| state.counter.limit())
            .writable(|state, max: Limit| state.counter.set_limit(max)),
        File::<Self>::write_only(c"probe.hold", hold),
        File::<Self>::write_only(c"probe.release", release),
        File::<Self>::new(c"probe.own", |state| state.own.load(Relaxed))
            .writable(|state, own| state.own.store(own, Relaxed)),
        File::<Self>::new(c"probe.handed", |state| state.handed.load(Relaxed)),
        File::<Self>::seq(c"probe.moves", |state, m| {
            seq_print!(m, "asked {}\n", state.asked.load(Relaxed));
            seq_print!(m, "cancelled {}\n", state.cancelled.load(Relaxed));
            seq_print!(m, "attached {}\n", state.attached.load(Relaxed));
        }),
        File::<Self>::write_only(c"probe.period", |mut access, period: u64| {
            let period = Msecs::try_from(period).or(Err(ERANGE))?;

            access.period.store(period, Relaxed);
            if period != 0 {
                access.state().set_timer(access.context(), period);
            }
            Ok(())
        }),
        File::<Self>::new(c"probe.ticks", |state| state.ticks.load(Relaxed)),
        File::<Self>::seq(c"probe.note", show_note)
            .text(set_note)
            .mode(0o600),
        File::<Self>::new(c"probe.count", |state| state.count.load(Relaxed))
            .writable(|mut access, count| {
                access.count.store(count, Relaxed);
                access.state().get().counted.notify(access.context());
            })
            .notified_by(|state| &state.counted),
        File::<Self>::new(c"probe.watched", |state| state.count.load(Relaxed))
            .notified_by(|state| &state.counted),
        File::<Self>::pieces(c"probe.numbers", show_numbers),
        File::<Self>::seq(c"probe.opener", show_opener),
    ];
}

/// The data of the controller.
#[pin_data]
struct Held {
    #[pin]
    charge: SpinLock<Option<OwnedCharge<Probe>>>,
}

kernel::module_rcfs_controller! {
    type: Probe,
    data: Held => try_pin_init!(Held { charge <- new_spinlock!(None) }),
    name: "test_rcfs_interface",
    authors: ["The rcfs maintainers"],
    description: "Controller for tests of the interface of rcfs",
    license: "GPL",
}
