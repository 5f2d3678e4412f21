// SPDX-License-Identifier: GPL-2.0

//! Task ids, which the files `tasks` and `procs` list and take.

use crate::container::Container;
use kernel::{
    error::code::*,
    pid::{
        self,
        IDS_AT_ONCE, //
    },
    pid_namespace::PidNamespace,
    prelude::*,
    rcfs::{
        members::ATTEMPTS,
        trim, //
    },
    seq_file::SeqFile,
    sync::aref::ARef,
    task::{
        Pid,
        Task, //
    },
};

/// Finds the task that is named by a write.
///
/// A write is a thread id in the pid namespace of the writer, 0 for the writer itself, or `pidfd`
/// and the number of a descriptor of the writer.
///
/// # Errors
///
/// `EINVAL` if `buf` is none of these, `EBADF` if the descriptor is no pidfd, `ESRCH` if there is
/// no such task.
pub(crate) fn find_written(buf: &[u8]) -> Result<ARef<Task>> {
    let text = trim(buf);

    if let Some(fd) = text.strip_prefix(b"pidfd ") {
        // `parse_id` returns no negative number.
        return pid::find_task_by_pidfd(parse_id(fd)? as u32);
    }
    match parse_id(text)? {
        0 => Ok(ARef::from(&**kernel::current!())),
        id => pid::find_task(id).ok_or(ESRCH),
    }
}

/// The ids of all tasks in a container, or of their processes if `processes`. They are ids in the
/// pid namespace of the reader, in ascending order and without duplicates.
///
/// # Errors
///
/// `ENOMEM`.
pub(crate) fn list(container: &Container, processes: bool) -> Result<KVVec<Pid>> {
    let members = container.members();
    let mut ids = KVVec::new();

    if members.is_empty() {
        return Ok(ids);
    }
    let current = kernel::current!();
    let Some(ns) = current.active_pid_ns() else {
        return Ok(ids);
    };
    let mut all = false;

    for _ in 0..ATTEMPTS {
        all = all || members.list_ids(ns, processes, &mut ids)?;
    }
    if !all {
        list_visible(container, ns, processes, &mut ids)?;
    }
    sort_and_deduplicate(&mut ids);
    Ok(ids)
}

/// As [`list`], by a look at all tasks that the reader can see.
fn list_visible(
    container: &Container,
    ns: &PidNamespace,
    processes: bool,
    ids: &mut KVVec<Pid>,
) -> Result {
    let mut next = Some(1);

    ids.clear();
    while let Some(from) = next {
        // Reserve first: the walk below must not sleep.
        ids.reserve(IDS_AT_ONCE, GFP_KERNEL)?;
        next = container.members().for_tasks_from(ns, from, |task| {
            let id = if processes {
                task.tgid_nr_ns(Some(ns))
            } else {
                task.pid_nr_ns(ns)
            };

            // This cannot fail, as there is capacity for all ids.
            let _ = ids.push_within_capacity(id);
        });
    }
    Ok(())
}

/// Sorts the ids, and removes duplicates and 0. The id 0 stands for a task that the reader cannot
/// see.
fn sort_and_deduplicate(ids: &mut KVVec<Pid>) {
    let mut kept = 0;

    ids.sort_unstable();
    for i in 0..ids.len() {
        if ids[i] != 0 && (kept == 0 || ids[i] != ids[kept - 1]) {
            ids[kept] = ids[i];
            kept += 1;
        }
    }
    ids.truncate(kept);
}

/// Prints ids, each on a line of its own.
pub(crate) fn show(ids: &[Pid], m: &SeqFile) {
    let mut separator = c"";

    for &id in ids {
        // The ids of tasks are positive.
        m.put_decimal(separator, id as u64);
        separator = c"\n";
    }
    m.put_byte(b'\n');
}

/// Parses an id, a decimal number.
fn parse_id(digits: &[u8]) -> Result<Pid> {
    if digits.is_empty() {
        return Err(EINVAL);
    }
    // This is called for every attach. `str::parse` would have to check for UTF-8 first.
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
        assert!(parse_id(b"42") == Ok(42));
        assert!(parse_id(b"2147483647") == Ok(i32::MAX));
    }

    #[test]
    fn anything_else_is_invalid() {
        for bad in [
            &b""[..],
            b"\n",
            b"-1",
            b"+1",
            b"1 2",
            b" 1",
            b"1\n",
            b"1\n2",
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

    fn deduplicated(ids: &[Pid]) -> Result<KVVec<Pid>> {
        let mut sorted = KVVec::new();

        sorted.extend_from_slice(ids, GFP_KERNEL)?;
        sort_and_deduplicate(&mut sorted);
        Ok(sorted)
    }

    #[test]
    fn ids_are_listed_once_and_sorted() -> Result {
        assert!(deduplicated(&[])?.is_empty());
        assert!(deduplicated(&[7])?[..] == [7]);
        assert!(deduplicated(&[7, 7, 7])?[..] == [7]);
        assert!(deduplicated(&[9, 3, 9, 1, 3, 3])?[..] == [1, 3, 9]);
        assert!(deduplicated(&[0, 5, 0])?[..] == [5]);
        Ok(())
    }
}
