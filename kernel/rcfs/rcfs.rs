// SPDX-License-Identifier: GPL-2.0

//! rcfs: the resource control file system.
//!
//! rcfs groups tasks and shows the groups as directories. Resource controllers account and limit
//! each group. These words are used throughout:
//!
//! - a *subsystem*, or controller, accounts or limits one resource: `struct rc_subsys`;
//! - a *hierarchy* is a tree with a set of subsystems of its own ([`hierarchy`]);
//! - a *container* is a directory of a hierarchy ([`container`]);
//! - a *state* is what one subsystem keeps for one container;
//! - *attaching* moves a task into a container ([`attach`]);
//! - *launching* makes a child that begins in a container ([`launch`]).
//!
//! The nsproxy of a task determines its containers (`kernel/rcfs/nsproxy.c`). A child gets the
//! nsproxy of its parent, so that fork and exit only have to add the task to a list and remove it
//! again. When a task is attached, it gets an nsproxy with the same namespaces and another
//! container. All tasks with that combination share the nsproxy.
//!
//! A write to `tasks` goes through [`tasks`], [`attach`] and `rust/kernel/rcfs/members.rs` to
//! rcfs_replace_nsproxy(), which replaces the nsproxy of the task. [`attach`] asks subsystems
//! before that, and tells them afterwards (`can_attach`, `attach`). rcfs_replace_nsproxy() calls
//! the hook `transfer` in the moment of the move.
//!
//! One mutex, [`ffi::REGISTRY`], protects subsystems, hierarchies and containers against changes,
//! and serialises attaching. Reading a control file takes no lock. Hooks in the rest of the kernel
//! run under RCU. Nodes of kernfs are removed with the mutex held, so that an operation on a node
//! gives up its active reference (`break_active_protection()`) before it takes the mutex.
//!
//! [`ffi`] has all functions that C calls, and all calls of subsystems, which may be written in C.
//! The other files are safe code.

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

/// The prefix of messages in the kernel log.
const __LOG_PREFIX: &[u8] = b"rcfs\0";

/// `#[vtable]` refers to this name. The crate is never loaded or unloaded as a module.
use crate::ffi::LocalModule;
