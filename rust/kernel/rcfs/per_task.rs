// SPDX-License-Identifier: GPL-2.0

//! Values of a controller for single tasks.

use super::context::{
    MayLock,
    MaySleep, //
};
use crate::{
    prelude::*,
    rbtree::{
        RBTree,
        RBTreeNode, //
    },
    sync::{
        aref::ARef,
        new_spinlock,
        SpinLock, //
    },
    task::Task,
};

/// Values for some tasks, for example what is to be restored when a task leaves a container.
///
/// Tasks move between containers. A [`Controller`](super::Controller) therefore has one `PerTask`
/// for all containers, as its [data](crate::module_rcfs_controller). [Remove](Self::remove) the
/// value of a task in the hook `exit`, and when the task moves to the root. No hook is called for a
/// task after the controller has been unmounted. A value has a reference on the `task_struct`, so
/// that another task never gets the value.
///
/// A value takes about 64 bytes. To find it takes time in proportion to the logarithm of the number
/// of values. A task without a value costs nothing.
#[pin_data]
pub struct PerTask<T> {
    #[pin]
    values: SpinLock<RBTree<usize, (TaskRef, T)>>,
}

/// A reference on the task that has a value.
struct TaskRef(#[allow(dead_code)] ARef<Task>);

// The reference may be moved, as it does not contain the task.
impl Unpin for TaskRef {}

fn key(task: &Task) -> usize {
    task.as_ptr().addr()
}

impl<T: Copy + Send + Unpin> PerTask<T> {
    /// Makes a map without values.
    #[allow(clippy::new_ret_no_self)]
    pub fn new() -> impl PinInit<Self, Error> {
        try_pin_init!(Self { values <- new_spinlock!(RBTree::new()) })
    }

    /// Sets the value of a task. Has no effect if the hook `exit` has been called for the task.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub fn set(&self, cx: &impl MaySleep, task: &Task, value: T) -> Result {
        // Allocate before taking the lock, as this may sleep.
        let node = RBTreeNode::new(key(task), (TaskRef(task.into()), value), GFP_KERNEL)?;
        let old = self.values.lock().insert(node);

        drop(old);
        // `exit` is called, and the nsproxy cleared, without a break in the `task_lock`, which
        // `nsproxy` takes. So if `exit` has been called before `insert`, this is true.
        if task.nsproxy(cx).is_none() {
            self.remove(cx, task);
        }
        Ok(())
    }

    /// The value of a task.
    pub fn get(&self, _cx: &impl MayLock, task: &Task) -> Option<T> {
        self.values.lock().get(&key(task)).map(|&(_, value)| value)
    }

    /// Removes and returns the value of a task.
    pub fn remove(&self, _cx: &impl MayLock, task: &Task) -> Option<T> {
        let node = self.values.lock().remove_node(&key(task))?;

        Some(node.to_key_value().1 .1)
    }
}
