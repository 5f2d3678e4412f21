// SPDX-License-Identifier: GPL-2.0

//! Mutexes in the states of controllers.

use super::context::MaySleep;
use crate::{
    prelude::*,
    sync, //
};

/// A mutex that can only be locked in a context in which sleeping is allowed.
///
/// # Examples
///
/// ```
/// use kernel::{
///     new_mutex,
///     prelude::*,
///     rcfs::{self, context::MaySleep}, //
/// };
///
/// #[pin_data]
/// struct State {
///     #[pin]
///     names: rcfs::Mutex<KVec<u32>>,
/// }
///
/// fn add<X: MaySleep>(cx: &X, state: &State, name: u32) -> Result {
///     state.names.lock(cx).push(name, GFP_KERNEL)?;
///     Ok(())
/// }
///
/// let state = KBox::pin_init(
///     pin_init!(State { names <- rcfs::Mutex::new(new_mutex!(KVec::new())) }),
///     GFP_KERNEL,
/// )?;
/// # let _ = (state, add::<rcfs::context::Process>);
/// # Ok::<(), Error>(())
/// ```
#[pin_data]
pub struct Mutex<T> {
    #[pin]
    inner: sync::Mutex<T>,
}

impl<T> Mutex<T> {
    /// Makes a mutex from the initializer that [`new_mutex!`](crate::new_mutex) returns.
    pub fn new(inner: impl PinInit<sync::Mutex<T>>) -> impl PinInit<Self> {
        pin_init!(Self { inner <- inner })
    }

    /// Locks the mutex. May sleep.
    pub fn lock(&self, _cx: &impl MaySleep) -> sync::MutexGuard<'_, T> {
        self.inner.lock()
    }
}
