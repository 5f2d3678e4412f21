// SPDX-License-Identifier: GPL-2.0

//! Tasks by their ids, as the files `tasks` and `procs` read and write them.

use crate::container::Container;
use kernel::{
    error::code::*,
    pid::{
        self,
        IDS_AT_ONCE, //
    },
    pid_namespace::PidNamespace,
    prelude::*,
    seq_file::SeqFile,
    sync::aref::ARef,
    task::{
        Pid,
        Task, //
    },
};

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
        ids.reserve(IDS_AT_ONCE, GFP_KERNEL)?;
        next = container.members().for_tasks_from(ns, from, |task, id| {
            let name = name(ns, task, id);

            if name != 0 && ids.last() != Some(&name) {
                // There is room for all of them.
                let _ = ids.push_within_capacity(name);
            }
        });
    }
    Ok(ids)
}

/// Prints ids, each on a line of its own.
pub(crate) fn show(ids: &[Pid], m: &SeqFile) {
    let mut separator = c"";

    for &id in ids {
        // No id of a task is negative.
        m.put_decimal(separator, id as u64);
        separator = c"\n";
    }
    m.put_byte(b'\n');
}

/// An id as user space writes it: a decimal number, with white space around it.
fn parse_id(buf: &[u8]) -> Result<Pid> {
    let digits = buf.trim_ascii();

    if digits.is_empty() {
        return Err(EINVAL);
    }
    // Every attach does this. `str::parse` wants to know first that all of it is UTF-8.
    digits
        .iter()
        .try_fold(0, |id: Pid, &digit| {
            let digit = digit.is_ascii_digit().then(|| Pid::from(digit - b'0'))?;

            id.checked_mul(10)?.checked_add(digit)
        })
        .ok_or(EINVAL)
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
