// SPDX-License-Identifier: GPL-2.0

//! States that are kept for longer than a hook or a file needs them.

use super::{
    state::Node,
    Controller,
    StateRef, //
};
use crate::{
    bindings,
    prelude::*,
    sync::Arc, //
};
use core::mem::ManuallyDrop;

/// A handle that keeps a state, and those of the containers above.
///
/// The container can be removed at any time: the state lives until nobody has a handle on it. The
/// module of the controller cannot be unloaded before that: rmmod(8) says that it is in use.
///
/// # Invariants
///
/// There is a pin on the container of the state, if that is not the root, and a reference on the
/// module of the controller.
pub struct OwnedState<C: Controller>(ManuallyDrop<Arc<Node<C>>>);

// The reference may be moved, if not the state.
impl<C: Controller> Unpin for OwnedState<C> {}

impl<C: Controller> OwnedState<C> {
    /// The state.
    pub fn get(&self) -> StateRef<'_, C> {
        // By the type invariant, the node is not removed before the pin has gone.
        StateRef::of(&self.0)
    }
}

impl<C: Controller> Clone for OwnedState<C> {
    fn clone(&self) -> Self {
        // SAFETY: By the type invariant, there is a pin already, and a reference on the module.
        unsafe {
            if let Some(container) = self.0.container() {
                bindings::rcfs_pin_container(container);
            }
            self.0.get_module();
        }
        // INVARIANT: Both have just been taken.
        Self(ManuallyDrop::new(Arc::clone(&self.0)))
    }
}

impl<C: Controller> Drop for OwnedState<C> {
    fn drop(&mut self) {
        let (module, container) = (self.0.module(), self.0.container());

        // The core has a reference on the node as well until the pin has gone: this is not the last
        // one, and drops no state, which might sleep.
        //
        // SAFETY: By the type invariant; nobody uses the field afterwards. The reference on the
        // module is given up last. The rest of this function, which does not sleep, is in the
        // module, unless that is built in: `Registration` waits for it.
        unsafe {
            ManuallyDrop::drop(&mut self.0);
            if let Some(container) = container {
                bindings::rcfs_unpin_container(container);
            }
            super::put_module(module);
        }
    }
}

impl<'a, C: Controller> StateRef<'a, C> {
    /// A handle that keeps the state.
    ///
    /// # Errors
    ///
    /// `ENODEV` if the container has been removed and its state is about to be dropped, or if the
    /// controller is being unloaded.
    pub fn to_owned(self) -> Result<OwnedState<C>> {
        let node = self.keep();

        // SAFETY: By the type invariant of `StateRef`, the container is not gone for `'a`.
        unsafe {
            if let Some(container) = node.container() {
                if !bindings::rcfs_pin_container(container) {
                    return Err(ENODEV);
                }
            }
        }
        if !node.get_module() {
            if let Some(container) = node.container() {
                // SAFETY: The pin was taken above.
                unsafe { bindings::rcfs_unpin_container(container) };
            }
            return Err(ENODEV);
        }
        // INVARIANT: Both have been taken.
        Ok(OwnedState(ManuallyDrop::new(node)))
    }
}
