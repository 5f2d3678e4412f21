// SPDX-License-Identifier: GPL-2.0

//! Counters of what the tasks of a container have consumed.

use super::{
    state::Node,
    Controller,
    StateRef, //
};
use crate::{
    percpu,
    prelude::*,
    sync::Arc, //
};
use core::ops::Deref;

/// [Counters](percpu::Counters) in the state of a container.
///
/// What is added to the counters of a container is added to those of its ancestors as well. That
/// costs less than a loop over [`StateRef::self_and_ancestors`].
///
/// # Examples
///
/// ```
/// use kernel::{
///     percpu::PossibleCpu,
///     prelude::*,
///     rcfs::{self, Counters},
/// };
///
/// struct CpuTime;
///
/// struct State {
///     times: Counters<CpuTime, 1>,
/// }
///
/// #[vtable]
/// impl rcfs::Controller for CpuTime {
///     const NAME: &'static CStr = c"cputime";
///     type State = State;
///
///     fn create(
///         _cx: &mut rcfs::context::UnderMutex,
///         parent: Option<rcfs::StateRef<'_, Self>>,
///     ) -> impl PinInit<State, Error> {
///         Ok(State {
///             times: Counters::new(parent, |cputime| &cputime.times)?,
///         })
///     }
///
///     fn charge(
///         _cx: &rcfs::context::UnderRunQueueLock,
///         state: rcfs::StateRef<'_, Self>,
///         cpu: PossibleCpu,
///         ns: u64,
///     ) {
///         state.times.add_to::<0>(cpu, ns);
///     }
/// }
/// ```
pub struct Counters<C: Controller, const N: usize> {
    counters: percpu::Counters<N>,
    /// The node that has the parents of `counters`. Dropped after `counters`.
    _parent: Option<Arc<Node<C>>>,
}

impl<C: Controller, const N: usize> Counters<C, N> {
    /// Makes counters of 0. `of` finds the counters in a state.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub fn new(parent: Option<StateRef<'_, C>>, of: fn(&C::State) -> &Self) -> Result<Self> {
        let parent = parent.map(StateRef::keep);
        let counters = match &parent {
            // SAFETY: The counters of the parent stay where they are until the node is dropped. The
            // node is kept by `_parent`, which is dropped after `counters`.
            Some(node) => unsafe { percpu::Counters::with_parent(&of(&node.state).counters) }?,
            None => percpu::Counters::new()?,
        };

        Ok(Self {
            counters,
            _parent: parent,
        })
    }
}

impl<C: Controller, const N: usize> Deref for Counters<C, N> {
    type Target = percpu::Counters<N>;

    fn deref(&self) -> &Self::Target {
        &self.counters
    }
}
