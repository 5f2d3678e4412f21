// SPDX-License-Identifier: GPL-2.0

//! Tasks by their ids, as the files `tasks` and `procs` read and write them.

use crate::container::Container;
use kernel::{
    error::code::*,
    pid,
    pid_namespace::PidNamespace,
    prelude::*,
    sync::aref::ARef,
    task::{
        Pid,
        Task, //
    },
};

/// How many tasks are looked at before others get to run.
const BATCH: usize = 512;

/// The task that a write names: a thread id in the pid namespace of the writer; 0 is the writer
/// itself.
///
/// # Errors
///
/// `EINVAL` if `buf` is no id, `ESRCH` if there is no such task.
pub(crate) fn find_written(buf: &[u8]) -> Result<ARef<Task>> {
    let id = parse_id(buf)?;

    if id == 0 {
        return Ok(ARef::from(&**kernel::current!()));
    }
    pid::find_task(id).ok_or(ESRCH)
}

/// A name for every task in a container that the reader can see, in the order of their thread ids:
/// `name` is called with the pid namespace of the reader, the task, and its id there. 0 is no name.
///
/// An empty container is found to be so without a look at any task.
///
/// # Errors
///
/// `ENOMEM`.
pub(crate) fn list(
    container: &Container,
    name: impl Fn(&PidNamespace, &Task, Pid) -> Pid,
) -> Result<KVVec<Pid>> {
    let mut ids = KVVec::new();

    if container.members().is_empty() {
        return Ok(ids);
    }
    let current = kernel::current!();
    let Some(ns) = current.active_pid_ns() else {
        return Ok(ids);
    };

    let mut next = Some(1);
    while let Some(from) = next {
        // Allocating may sleep, walking must not.
        ids.reserve(BATCH, GFP_KERNEL)?;
        next = pid::for_tasks_from(ns, from, BATCH, |id, task, rcu| {
            if container.members().contains(task, rcu) {
                let name = name(ns, task, id);

                if name != 0 && ids.last() != Some(&name) {
                    // There is room for all of the batch.
                    let _ = ids.push_within_capacity(name);
                }
            }
        });
    }
    Ok(ids)
}

/// An id as user space writes it: a decimal number, with white space around it.
fn parse_id(buf: &[u8]) -> Result<Pid> {
    let digits = buf.trim_ascii();

    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(EINVAL);
    }
    core::str::from_utf8(digits)
        .map_err(|_| EINVAL)?
        .parse()
        .map_err(|_| EINVAL)
}

#[cfg(CONFIG_RCFS_KUNIT_TEST)]
#[kunit_tests(rcfs_ids)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_decimal_numbers() {
        assert!(parse_id(b"0") == Ok(0));
        assert!(parse_id(b"1") == Ok(1));
        assert!(parse_id(b" 42\n") == Ok(42));
        assert!(parse_id(b"2147483647\n") == Ok(i32::MAX));
    }

    #[test]
    fn anything_else_is_invalid() {
        for bad in [
            &b""[..],
            b"\n",
            b"-1",
            b"+1",
            b"1 2",
            b"1\n2\n",
            b"1x",
            b"0x1",
            b"1\0",
            b"2147483648",
            b"99999999999999999999",
            b"\xff",
        ] {
            assert!(parse_id(bad) == Err(EINVAL));
        }
    }
}
