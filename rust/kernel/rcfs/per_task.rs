// SPDX-License-Identifier: GPL-2.0

//! What a controller keeps for single tasks.

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

/// Values for some of all tasks: what is to be restored when a task leaves a container, for
/// example.
///
/// A [`Controller`](super::Controller) has one for all its containers, in the
/// [data](crate::module_rcfs_controller) that it keeps for itself, as tasks move between them.
/// [Remove](Self::remove) the value of a task in the hook `exit`, and when the task comes to the
/// root: no hook tells what becomes of a task after the controller has been unmounted. A value
/// keeps the `task_struct`, so that no task ever gets the value of another one.
///
/// A value costs about 64 bytes, and finding one takes time in proportion to the logarithm of their
/// number. A task without a value costs nothing.
#[pin_data]
pub struct PerTask<T> {
    #[pin]
    values: SpinLock<RBTree<usize, (TaskRef, T)>>,
}

/// A reference on the task of a value.
struct TaskRef(#[allow(dead_code)] ARef<Task>);

// The reference may be moved, if not the task.
impl Unpin for TaskRef {}

fn key(task: &Task) -> usize {
    task.as_ptr().addr()
}

impl<T: Copy + Send + Unpin> PerTask<T> {
    /// No task has a value.
    #[allow(clippy::new_ret_no_self)]
    pub fn new() -> impl PinInit<Self, Error> {
        try_pin_init!(Self { values <- new_spinlock!(RBTree::new()) })
    }

    /// Gives a value to a task, in place of the one that it may have. A task for which the hook
    /// `exit` has been called gets none.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub fn set(&self, cx: &impl MaySleep, task: &Task, value: T) -> Result {
        // Before the lock is taken: this may sleep.
        let node = RBTreeNode::new(key(task), (TaskRef(task.into()), value), GFP_KERNEL)?;
        let old = self.values.lock().insert(node);

        drop(old);
        // `exit` is called in one stretch with taking this away, under the lock that this takes.
        if task.nsproxy(cx).is_none() {
            self.remove(cx, task);
        }
        Ok(())
    }

    /// The value of a task.
    pub fn get(&self, _cx: &impl MayLock, task: &Task) -> Option<T> {
        self.values.lock().get(&key(task)).map(|&(_, value)| value)
    }

    /// Takes the value of a task away, and returns it.
    pub fn remove(&self, _cx: &impl MayLock, task: &Task) -> Option<T> {
        let node = self.values.lock().remove_node(&key(task))?;

        Some(node.to_key_value().1 .1)
    }
}
