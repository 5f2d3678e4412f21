// SPDX-License-Identifier: GPL-2.0

//! References on parents, in trees of any depth.

use crate::sync::Arc;
use core::pin::Pin;

/// A node of a tree that keeps its parent.
pub trait Child: Sized {
    /// The reference on the parent.
    ///
    /// The node has no other one, and drops this one last.
    fn parent_mut(self: Pin<&mut Self>) -> &mut ParentRef<Self>;
}

/// The reference that a node has on its parent.
///
/// The last reference on a node may be the one that keeps all nodes above. Those are dropped one
/// after the other then, each before its parent, and not by destructors that call each other:
/// the stack of the kernel is small.
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
/// // Each call of a destructor by the next one would take 16 bytes of the stack at the least.
/// for _ in 0..20_000 {
///     lowest = Arc::new(Node(ParentRef::new(Some(lowest))), GFP_KERNEL)?;
/// }
/// drop(lowest);
/// # Ok::<(), Error>(())
/// ```
pub struct ParentRef<T: Child>(Option<Arc<T>>);

impl<T: Child> ParentRef<T> {
    /// The reference on a parent, or none for the root of a tree.
    pub fn new(parent: Option<Arc<T>>) -> Self {
        Self(parent)
    }

    /// The parent.
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
