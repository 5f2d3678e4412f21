// SPDX-License-Identifier: GPL-2.0

//! The file `tasks`: which threads are in the container.
//!
//! Reading lists their ids; writing an id moves that thread into the container.

use crate::{
    attach::attach,
    door::REGISTRY,
    mount::Rcfs, //
};
use kernel::{
    cred::Credential,
    error::code::*,
    kernfs::{
        ActiveFile,
        FileOperations,
        ListOperations, //
    },
    pid,
    prelude::*,
    seq_file::{
        seq_print,
        SeqFile, //
    },
    sync::aref::ARef,
    task::{
        Pid,
        Task, //
    },
};

/// How many tasks are looked at before others get to run.
const BATCH: usize = 512;

/// The operations of the file.
pub(crate) struct Tasks;

#[vtable]
impl FileOperations for Tasks {
    type Tree = Rcfs;
    type Data = ();

    fn write(file: ActiveFile<'_, Self>, buf: &[u8]) -> Result {
        let task = find_task(parse_id(buf)?)?;
        let cred: ARef<Credential> = file.cred().into();
        let left = file.leave();
        let guard = REGISTRY.lock();

        if !task.may_be_moved_by(&cred) {
            return Err(EACCES);
        }
        attach(&guard, left.data(), &task)
    }
}

impl ListOperations for Tasks {
    type Item = Pid;

    fn list(file: &ActiveFile<'_, Self>) -> Result<KVVec<Pid>> {
        let container = file.directory();
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
                    // There is room for all of the batch.
                    let _ = ids.push_within_capacity(id);
                }
            });
        }
        Ok(ids)
    }

    fn show_item(id: &Pid, m: &SeqFile) -> Result {
        seq_print!(m, "{id}\n");
        Ok(())
    }
}

/// The thread with an id in the pid namespace of the writer; 0 is the writer itself.
fn find_task(id: Pid) -> Result<ARef<Task>> {
    if id == 0 {
        return Ok(ARef::from(&**kernel::current!()));
    }
    pid::find_task(id).ok_or(ESRCH)
}

/// A thread id as user space writes it: a decimal number, with white space around it.
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
#[kunit_tests(rcfs_tasks)]
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
