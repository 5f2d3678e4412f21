// SPDX-License-Identifier: GPL-2.0

//! Resources that are counted and limited, for a container and for all its ancestors.

use super::{
    context::MayNotify,
    file::closure,
    Controller,
    Event,
    Limit,
    OwnedState,
    StateRef, //
};
use crate::{
    prelude::*,
    sync::atomic::{
        ordering::Relaxed,
        Atomic, //
    },
};
use core::mem;

/// The usage of a resource in a container and its descendants, and its limit.
///
/// A counter is a part of a [state](Controller::State). A [charge](StateRef::try_charge) is added
/// to the counter of the container and to those of its ancestors. It is not added to that of the
/// root, where not all tasks are counted: see [`StateRef::below_root`]. The controller chooses the
/// unit.
///
/// The memory controller's `page_counter` is similar. It cannot move a charge from one container to
/// another without charging their common ancestors twice for a moment. In that moment, a fork would
/// fail that should not.
///
/// # Examples
///
/// ```
/// use kernel::{prelude::*, rcfs::prelude::*, task::Task};
///
/// struct Tasks;
///
/// #[vtable]
/// impl Controller for Tasks {
///     const NAME: &'static CStr = c"tasks";
///     type State = ResCounter;
///
///     fn create(
///         _cx: &mut UnderMutex,
///         _parent: Option<StateRef<'_, Self>>,
///     ) -> impl PinInit<ResCounter, Error> {
///         Ok(ResCounter::new())
///     }
///
///     fn can_fork<'a>(
///         cx: &UnderTasklistLock,
///         state: StateRef<'a, Self>,
///     ) -> Result<Charge<'a, Self>> {
///         Ok(state.try_charge(cx, 1, |tasks| tasks)?)
///     }
///
///     fn transfer(
///         _cx: &UnderTaskLock,
///         to: StateRef<'_, Self>,
///         from: StateRef<'_, Self>,
///         _task: &Task,
///     ) {
///         to.move_charge(from, 1, |tasks| tasks);
///     }
///
///     fn exit(_cx: &UnderTaskLock, state: StateRef<'_, Self>, _task: &Task) {
///         state.uncharge(1, |tasks| tasks);
///     }
///
///     const FILES: &'static [File<Self>] = &[
///         File::<Self>::new(c"tasks.current", |tasks| tasks.usage()).not_in_root(),
///         File::<Self>::new(c"tasks.max", |tasks| tasks.limit())
///             .writable(|tasks, limit: Limit| tasks.set_limit(limit))
///             .not_in_root(),
///     ];
/// }
/// ```
pub struct ResCounter {
    usage: Atomic<i64>,
    /// `i64::MAX` if there is no limit.
    max: Atomic<i64>,
    peak: Atomic<i64>,
    failcnt: Atomic<u64>,
    failed: Event,
}

impl ResCounter {
    /// A counter of 0, without a limit.
    pub const fn new() -> Self {
        Self {
            usage: Atomic::new(0),
            max: Atomic::new(i64::MAX),
            peak: Atomic::new(0),
            failcnt: Atomic::new(0),
            failed: Event::new(),
        }
    }

    /// The amount that is in use.
    pub fn usage(&self) -> u64 {
        self.usage.load(Relaxed).max(0) as u64
    }

    /// The highest usage since the state was made, or since [`reset_peak`](Self::reset_peak).
    pub fn peak(&self) -> u64 {
        self.peak.load(Relaxed).max(0) as u64
    }

    /// Sets the peak to the current usage.
    pub fn reset_peak(&self) {
        self.peak.store(self.usage.load(Relaxed), Relaxed);
    }

    /// How often the limit of this container, or of a descendant, caused a charge to fail.
    pub fn failcnt(&self) -> u64 {
        self.failcnt.load(Relaxed)
    }

    /// The event of a failed charge, for [`File::notified_by`](super::File::notified_by).
    pub fn failed(&self) -> &Event {
        &self.failed
    }

    /// The limit.
    pub fn limit(&self) -> Limit {
        match self.max.load(Relaxed) {
            i64::MAX => Limit::Max,
            max => Limit::Number(max as u64),
        }
    }

    /// Sets the limit. If the usage is higher, it stays.
    ///
    /// # Errors
    ///
    /// `ERANGE` if the number is 2^63 - 1 or more.
    pub fn set_limit(&self, limit: Limit) -> Result {
        let max = match limit {
            Limit::Max => i64::MAX,
            Limit::Number(number) => i64::try_from(number)
                .ok()
                .filter(|&number| number != i64::MAX)
                .ok_or(ERANGE)?,
        };

        self.max.store(max, Relaxed);
        Ok(())
    }

    #[inline(always)]
    fn note_peak(&self, usage: i64) {
        let mut peak = self.peak.load(Relaxed);

        while usage > peak {
            match self.peak.cmpxchg(peak, usage, Relaxed) {
                Ok(_) => break,
                Err(higher) => peak = higher,
            }
        }
    }

    /// Charges if that does not exceed the limit, and returns whether the usage is a new peak. If
    /// that exceeds the limit, returns [`None`]. A charge that fails counts for a moment, in which
    /// another charge may fail as well.
    #[inline(always)]
    fn try_add(&self, amount: i64) -> Option<bool> {
        let usage = self.usage.fetch_add(amount, Relaxed).wrapping_add(amount);

        if usage > self.max.load(Relaxed) || usage < 0 {
            self.usage.add(-amount, Relaxed);
            return None;
        }
        Some(usage > self.peak.load(Relaxed))
    }

    #[inline(always)]
    fn add(&self, amount: i64) {
        self.note_peak(self.usage.fetch_add(amount, Relaxed).wrapping_add(amount));
    }

    #[inline(always)]
    fn sub(&self, amount: i64) {
        let before = self.usage.fetch_sub(amount, Relaxed);

        debug_assert!(before >= amount, "more is given back than was charged");
    }
}

impl Default for ResCounter {
    fn default() -> Self {
        Self::new()
    }
}

/// A function that finds a counter in a state. A closure must not capture anything.
pub trait CounterOf<C: Controller>:
    Fn(&C::State) -> &ResCounter + Copy + Send + Sync + 'static
{
}

impl<C: Controller, F> CounterOf<C> for F where
    F: Fn(&C::State) -> &ResCounter + Copy + Send + Sync + 'static
{
}

/// Converts an amount. One that is too large for a counter exceeds every limit.
#[inline(always)]
fn units(amount: u64) -> i64 {
    amount.min(i64::MAX as u64) as i64
}

/// The error of a charge that would exceed a limit.
///
/// It converts to `EAGAIN`. A caller may choose another error.
pub struct LimitExceeded<'a, C: Controller> {
    /// The state whose limit would be exceeded.
    pub at: StateRef<'a, C>,
}

impl<C: Controller> From<LimitExceeded<'_, C>> for Error {
    fn from(_full: LimitExceeded<'_, C>) -> Self {
        EAGAIN
    }
}

/// An amount that has been charged to a container and to its ancestors, and is uncharged on drop.
#[must_use = "what was charged is given back when this is dropped: see `keep` and `into_owned`"]
pub struct Charge<'a, C: Controller> {
    state: StateRef<'a, C>,
    amount: u64,
    uncharge: fn(StateRef<'_, C>, u64),
}

impl<'a, C: Controller> Charge<'a, C> {
    /// A charge without a [`ResCounter`]. On drop, `uncharge` is called with `state` and `amount`.
    /// It should only compute, because a charge may be dropped in any context.
    pub fn with(state: StateRef<'a, C>, amount: u64, uncharge: fn(StateRef<'_, C>, u64)) -> Self {
        Self {
            state,
            amount,
            uncharge,
        }
    }

    /// An empty charge.
    pub fn nothing(state: StateRef<'a, C>) -> Self {
        Self::with(state, 0, |_, _| {})
    }

    /// The amount.
    pub fn amount(&self) -> u64 {
        self.amount
    }

    /// Keeps the charge. Call [`StateRef::uncharge`] later.
    pub fn keep(self) {
        mem::forget(self);
    }

    /// Converts to a charge that can be kept for longer than the state is borrowed.
    ///
    /// # Errors
    ///
    /// As [`StateRef::to_owned`]. The amount is uncharged in that case.
    pub fn into_owned(self) -> Result<OwnedCharge<C>> {
        let state = self.state.to_owned()?;
        let this = mem::ManuallyDrop::new(self);

        Ok(OwnedCharge {
            amount: this.amount,
            uncharge: this.uncharge,
            state,
        })
    }
}

impl<C: Controller> Drop for Charge<'_, C> {
    fn drop(&mut self) {
        (self.uncharge)(self.state, self.amount);
    }
}

/// A [`Charge`] that keeps the state, for an amount that is uncharged by another function at a
/// later time.
///
/// It does not keep the container from being removed. After that, the ancestors stay charged.
#[must_use = "what was charged is given back when this is dropped"]
pub struct OwnedCharge<C: Controller> {
    amount: u64,
    uncharge: fn(StateRef<'_, C>, u64),
    /// Dropped last: no code of the module may run after that.
    state: OwnedState<C>,
}

impl<C: Controller> OwnedCharge<C> {
    /// The state of the container that has been charged.
    pub fn state(&self) -> StateRef<'_, C> {
        self.state.get()
    }

    /// The amount.
    pub fn amount(&self) -> u64 {
        self.amount
    }
}

impl<C: Controller> Drop for OwnedCharge<C> {
    fn drop(&mut self) {
        (self.uncharge)(self.state.get(), self.amount);
    }
}

impl<'a, C: Controller> StateRef<'a, C> {
    /// Charges the container and its ancestors without the root, if that exceeds no limit.
    ///
    /// Otherwise nothing is charged. The [`failcnt`](ResCounter::failcnt) of the container with the
    /// limit, and of its ancestors, is incremented, and its readers are notified.
    #[inline(always)]
    pub fn try_charge<F: CounterOf<C>>(
        self,
        cx: &impl MayNotify,
        amount: u64,
        of: F,
    ) -> core::result::Result<Charge<'a, C>, LimitExceeded<'a, C>> {
        let mut is_peak = false;

        for state in self.below_root() {
            match of(state.get()).try_add(units(amount)) {
                Some(peak) => is_peak |= peak,
                None => return Err(self.refuse(cx, amount, of, state)),
            }
        }
        // Update the peaks only now: a failed charge must not count.
        if is_peak {
            self.note_peaks(of);
        }
        Ok(Charge {
            state: self,
            amount,
            uncharge: |state, amount| {
                // SAFETY: `of` is a value of `F`.
                let of = unsafe { closure::<F>() };

                state.uncharge(amount, *of);
            },
        })
    }

    #[cold]
    fn note_peaks(self, of: impl CounterOf<C>) {
        for state in self.below_root() {
            let counter = of(state.get());

            counter.note_peak(counter.usage.load(Relaxed));
        }
    }

    #[cold]
    fn refuse(
        self,
        cx: &impl MayNotify,
        amount: u64,
        of: impl CounterOf<C>,
        full: StateRef<'a, C>,
    ) -> LimitExceeded<'a, C> {
        for state in self.below(full) {
            of(state.get()).sub(units(amount));
        }
        for state in full.below_root() {
            let counter = of(state.get());

            counter.failcnt.add(1u64, Relaxed);
            counter.failed.notify(cx);
        }
        LimitExceeded { at: full }
    }

    /// Charges the container and its ancestors without the root, in spite of limits.
    #[inline(always)]
    pub fn charge(self, amount: u64, of: impl CounterOf<C>) {
        self.below_root()
            .for_each(|state| of(state.get()).add(units(amount)));
    }

    /// Uncharges the container and its ancestors without the root.
    #[inline(always)]
    pub fn uncharge(self, amount: u64, of: impl CounterOf<C>) {
        self.below_root()
            .for_each(|state| of(state.get()).sub(units(amount)));
    }

    /// Moves a charge from the container with the state `from` to this container, in spite of
    /// limits. The counters of common ancestors do not change, not even for a moment.
    #[inline(always)]
    pub fn move_charge(self, from: StateRef<'a, C>, amount: u64, of: impl CounterOf<C>) {
        let (mut to, mut from) = (self, from);

        // Up to the lowest common ancestor. If that is the root, nothing is counted there.
        while to != from {
            let (depth, depth_of_from) = (to.depth(), from.depth());

            if depth >= depth_of_from {
                of(to.get()).add(units(amount));
                to = to.parent().unwrap_or(from);
            }
            if depth_of_from >= depth {
                of(from.get()).sub(units(amount));
                from = from.parent().unwrap_or(to);
            }
        }
    }
}
