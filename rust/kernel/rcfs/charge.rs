// SPDX-License-Identifier: GPL-2.0

//! Resources that are counted, and limited, for a container and for all above it.

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

/// How much of a resource is in use in a container and below it, and how much there may be.
///
/// Part of a [state](Controller::State). A [charge](StateRef::try_charge) goes to the counter of
/// the container and to those of all above it, but for the root, in which no tasks are counted: see
/// [`StateRef::below_root`]. What one unit is, the controller says.
///
/// `page_counter` of the memory controller is much alike. It has no way to move a charge from one
/// container to another without charging those above both for a moment, which can make a fork fail
/// there that should not.
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
    /// Nothing in use, and no limit.
    pub const fn new() -> Self {
        Self {
            usage: Atomic::new(0),
            max: Atomic::new(i64::MAX),
            peak: Atomic::new(0),
            failcnt: Atomic::new(0),
            failed: Event::new(),
        }
    }

    /// How much is in use.
    pub fn usage(&self) -> u64 {
        self.usage.load(Relaxed).max(0) as u64
    }

    /// The most that was ever in use at once, since [`reset_peak`](Self::reset_peak).
    pub fn peak(&self) -> u64 {
        self.peak.load(Relaxed).max(0) as u64
    }

    /// Forgets the peak: it is what is in use now.
    pub fn reset_peak(&self) {
        self.peak.store(self.usage.load(Relaxed), Relaxed);
    }

    /// How often a charge was refused because of the limit of this container or of one below.
    pub fn failcnt(&self) -> u64 {
        self.failcnt.load(Relaxed)
    }

    /// A refusal: for [`File::notified_by`](super::File::notified_by).
    pub fn failed(&self) -> &Event {
        &self.failed
    }

    /// How much there may be.
    pub fn limit(&self) -> Limit {
        match self.max.load(Relaxed) {
            i64::MAX => Limit::Max,
            max => Limit::Number(max as u64),
        }
    }

    /// Sets how much there may be. What is in use stays, even if it is more.
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

    /// Returns whether there was room, and charges then. A charge that comes at the same time may
    /// find less room than there is, for a moment.
    #[inline(always)]
    fn try_add(&self, amount: i64) -> bool {
        let usage = self.usage.fetch_add(amount, Relaxed).wrapping_add(amount);

        if usage > self.max.load(Relaxed) || usage < 0 {
            self.usage.add(-amount, Relaxed);
            return false;
        }
        true
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

/// Finds a counter in a state: a function, or a closure that captures nothing.
pub trait CounterOf<C: Controller>:
    Fn(&C::State) -> &ResCounter + Copy + Send + Sync + 'static
{
}

impl<C: Controller, F> CounterOf<C> for F where
    F: Fn(&C::State) -> &ResCounter + Copy + Send + Sync + 'static
{
}

/// An amount as counters have it. One that is too large for any counter is too large for a limit.
#[inline(always)]
fn units(amount: u64) -> i64 {
    amount.min(i64::MAX as u64) as i64
}

/// A charge was refused.
///
/// The error for system calls is `EAGAIN`, unless the caller makes another one of it.
pub struct LimitExceeded<'a, C: Controller> {
    /// The state of the container whose limit it was.
    pub at: StateRef<'a, C>,
}

impl<C: Controller> From<LimitExceeded<'_, C>> for Error {
    fn from(_full: LimitExceeded<'_, C>) -> Self {
        EAGAIN
    }
}

/// What a container and those above it have been charged with. Given back when this is dropped.
#[must_use = "what was charged is given back when this is dropped: see `keep` and `into_owned`"]
pub struct Charge<'a, C: Controller> {
    state: StateRef<'a, C>,
    amount: u64,
    uncharge: fn(StateRef<'_, C>, u64),
}

impl<'a, C: Controller> Charge<'a, C> {
    /// A charge for which there is no [`ResCounter`]. `uncharge` is called with `state` and
    /// `amount` when it is dropped, in the context in which that happens: it should only compute.
    pub fn with(state: StateRef<'a, C>, amount: u64, uncharge: fn(StateRef<'_, C>, u64)) -> Self {
        Self {
            state,
            amount,
            uncharge,
        }
    }

    /// A charge of nothing.
    pub fn nothing(state: StateRef<'a, C>) -> Self {
        Self::with(state, 0, |_, _| {})
    }

    /// How much it is.
    pub fn amount(&self) -> u64 {
        self.amount
    }

    /// Leaves it at that: whoever gives it back later calls [`StateRef::uncharge`].
    pub fn keep(self) {
        mem::forget(self);
    }

    /// Makes it last for longer than the state is borrowed.
    ///
    /// # Errors
    ///
    /// As [`StateRef::to_owned`]. The charge has been given back then.
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

/// A [`Charge`] that keeps the state: for what is charged here, and given back there, later, by
/// somebody else.
///
/// The container can be removed as if it was not there. Those above it stay charged.
#[must_use = "what was charged is given back when this is dropped"]
pub struct OwnedCharge<C: Controller> {
    amount: u64,
    uncharge: fn(StateRef<'_, C>, u64),
    /// Dropped last, by which the rest of the object is gone.
    state: OwnedState<C>,
}

impl<C: Controller> OwnedCharge<C> {
    /// The state that was charged.
    pub fn state(&self) -> StateRef<'_, C> {
        self.state.get()
    }

    /// How much it is.
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
    /// Charges the container and all above it but the root, if there is room in each of them.
    ///
    /// If there is not, nothing stays charged, and those are told whose
    /// [`failcnt`](ResCounter::failcnt) it counts for.
    #[inline(always)]
    pub fn try_charge<F: CounterOf<C>>(
        self,
        cx: &impl MayNotify,
        amount: u64,
        of: F,
    ) -> core::result::Result<Charge<'a, C>, LimitExceeded<'a, C>> {
        for state in self.below_root() {
            if !of(state.get()).try_add(units(amount)) {
                return Err(self.refuse(cx, amount, of, state));
            }
        }
        // A charge that one of them refuses is no peak of the others.
        for state in self.below_root() {
            let counter = of(state.get());

            counter.note_peak(counter.usage.load(Relaxed));
        }
        Ok(Charge {
            state: self,
            amount,
            uncharge: |state, amount| {
                // SAFETY: `of` is such a closure.
                let of = unsafe { closure::<F>() };

                state.uncharge(amount, *of);
            },
        })
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

    /// Charges the container and all above it but the root, whatever the limits are.
    #[inline(always)]
    pub fn charge(self, amount: u64, of: impl CounterOf<C>) {
        self.below_root()
            .for_each(|state| of(state.get()).add(units(amount)));
    }

    /// Gives back what was charged.
    #[inline(always)]
    pub fn uncharge(self, amount: u64, of: impl CounterOf<C>) {
        self.below_root()
            .for_each(|state| of(state.get()).sub(units(amount)));
    }

    /// Charges this container in place of `from`, whatever the limits are. For the containers above
    /// both, nothing changes, not for a moment.
    #[inline(always)]
    pub fn move_charge(self, from: StateRef<'a, C>, amount: u64, of: impl CounterOf<C>) {
        let above = self.common_ancestor(from);

        // Up to the root, which counts nothing, if that is all that they have in common.
        self.below(above)
            .for_each(|state| of(state.get()).add(units(amount)));
        from.below(above)
            .for_each(|state| of(state.get()).sub(units(amount)));
    }
}
