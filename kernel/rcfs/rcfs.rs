// SPDX-License-Identifier: GPL-2.0

//! rcfs: the resource control file system.
//!
//! Groups tasks, shows the groups as directories, and lets resource controllers account and limit
//! each group. The words:
//!
//! - a *subsystem*, or controller, accounts or limits one resource: `struct rc_subsys`;
//! - a *hierarchy* is a tree with a set of subsystems of its own ([`hierarchy`]);
//! - a *container* is a directory of a hierarchy ([`container`]);
//! - a *state* is what one subsystem keeps for one container;
//! - *attaching* moves a task into a container ([`attach`]);
//! - *launching* makes a child that begins in a container ([`launch`]).
//!
//! A task is in the containers that its nsproxy names (`kernel/rcfs/nsproxy.c`). Its parent's
//! nsproxy is what a child gets, so that being in containers costs fork and exit no more than
//! entering and leaving a list. A task that is attached gets an nsproxy with the same namespaces
//! and another container, which all tasks with this combination share.
//!
//! One mutex, [`ffi::REGISTRY`], protects subsystems, hierarchies and containers against
//! change, and serialises attaching. Reading a control file takes no lock; hooks in the rest of the
//! kernel run under RCU. Nodes of kernfs are removed with the mutex held, so that an operation on a
//! node gives up its active reference (`break_active_protection()`) before it takes the mutex.
//!
//! All code that C calls, or that calls C functions of subsystems, is in [`ffi`]; the other files
//! are safe code.

mod attach;
mod container;
mod empty;
mod ffi;
mod hierarchy;
mod ids;
mod kill;
mod launch;
mod mount;
mod options;
mod proc;
mod procs;
mod registry;
mod set;
mod tasks;

/// In front of what is printed to the kernel log.
const __LOG_PREFIX: &[u8] = b"rcfs\0";

/// What `#[vtable]` takes this crate for: a module that is never loaded or unloaded.
use crate::ffi::LocalModule;
