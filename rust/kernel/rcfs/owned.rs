// SPDX-License-Identifier: GPL-2.0

//! States that are kept for longer than a hook or a file operation.

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

/// A handle that keeps a state and the states of its ancestors.
///
/// It does not keep the container from being removed: the state stays until the last handle is
/// dropped. Until then, the module of the controller cannot be unloaded: rmmod(8) says that it is
/// in use.
///
/// # Invariants
///
/// If the state is not the root state, the handle has a pin of its container. The handle has a
/// reference on the module of the controller.
pub struct OwnedState<C: Controller>(ManuallyDrop<Arc<Node<C>>>);

// The handle may be moved, as it does not contain the state.
impl<C: Controller> Unpin for OwnedState<C> {}

impl<C: Controller> OwnedState<C> {
    /// A reference to the state.
    pub fn get(&self) -> StateRef<'_, C> {
        // By the type invariant, there is a pin, so that the node is not removed.
        StateRef::of(&self.0)
    }
}

impl<C: Controller> Clone for OwnedState<C> {
    fn clone(&self) -> Self {
        // SAFETY: By the type invariant, this handle has a pin and a reference on the module.
        unsafe {
            if let Some(container) = self.0.container() {
                bindings::rcfs_pin_container(container);
            }
            self.0.get_module();
        }
        // INVARIANT: The pin and the reference have just been taken.
        Self(ManuallyDrop::new(Arc::clone(&self.0)))
    }
}

impl<C: Controller> Drop for OwnedState<C> {
    fn drop(&mut self) {
        let (module, container) = (self.0.module(), self.0.container());

        // The core keeps a reference on the node until the pin is dropped. The reference that is
        // dropped here is therefore not the last one, and no state is dropped, which might sleep.
        //
        // SAFETY: By the type invariant. Nothing uses the field afterwards. The reference on the
        // module is dropped last. The remaining code of this function may be in the module. It does
        // not sleep, and `Registration` waits for such code.
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
    /// Makes a handle that keeps the state.
    ///
    /// # Errors
    ///
    /// `ENODEV` if the container has been removed and its state is about to be dropped, or if the
    /// controller is being unloaded.
    pub fn to_owned(self) -> Result<OwnedState<C>> {
        let node = self.keep();

        // SAFETY: By the type invariant of `StateRef`, the container stays for `'a`.
        unsafe {
            if let Some(container) = node.container() {
                if !bindings::rcfs_pin_container(container) {
                    return Err(ENODEV);
                }
            }
        }
        if !node.get_module() {
            if let Some(container) = node.container() {
                // SAFETY: This pin was taken above.
                unsafe { bindings::rcfs_unpin_container(container) };
            }
            return Err(ENODEV);
        }
        // INVARIANT: The pin and the reference on the module have been taken.
        Ok(OwnedState(ManuallyDrop::new(node)))
    }
}
