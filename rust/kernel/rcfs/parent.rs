// SPDX-License-Identifier: GPL-2.0

//! References to parents, in trees of any depth.

use crate::sync::Arc;
use core::pin::Pin;

/// A node of a tree that has a counted reference on its parent.
pub trait Child: Sized {
    /// The reference on the parent.
    ///
    /// The node must have no other reference on its parent, and must drop this one last.
    fn parent_mut(self: Pin<&mut Self>) -> &mut ParentRef<Self>;
}

/// The reference that a node has on its parent.
///
/// To drop a node may drop the last reference on its parent, and so on up to the root. A loop does
/// that, one node after the other. Destructors that call each other would overflow the small stack
/// of the kernel.
///
/// # Examples
///
/// ```
/// use core::pin::Pin;
/// use kernel::{
///     rcfs::{Child, ParentRef},
///     sync::Arc, //
/// };
///
/// struct Node(ParentRef<Node>);
///
/// impl Child for Node {
///     fn parent_mut(self: Pin<&mut Self>) -> &mut ParentRef<Self> {
///         &mut Pin::into_inner(self).0
///     }
/// }
///
/// let mut lowest = Arc::new(Node(ParentRef::new(None)), GFP_KERNEL)?;
///
/// // Nested destructors would take at least 16 bytes of the stack for each level.
/// for _ in 0..20_000 {
///     lowest = Arc::new(Node(ParentRef::new(Some(lowest))), GFP_KERNEL)?;
/// }
/// drop(lowest);
/// # Ok::<(), Error>(())
/// ```
pub struct ParentRef<T: Child>(Option<Arc<T>>);

impl<T: Child> ParentRef<T> {
    /// A reference on `parent`, or none for the root of a tree.
    pub fn new(parent: Option<Arc<T>>) -> Self {
        Self(parent)
    }

    /// The parent, or [`None`] for the root of a tree.
    pub fn get(&self) -> Option<&Arc<T>> {
        self.0.as_ref()
    }
}

impl<T: Child> Drop for ParentRef<T> {
    fn drop(&mut self) {
        let mut next = self.0.take();

        while let Some(mut last) = next.and_then(Arc::into_unique_or_drop) {
            next = last.as_mut().parent_mut().0.take();
        }
    }
}
