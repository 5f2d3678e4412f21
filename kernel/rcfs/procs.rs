// SPDX-License-Identifier: GPL-2.0

//! The file `procs`: which processes have threads in the container.
//!
//! Reading lists their ids; writing an id moves all threads of that process into the container.

use crate::{
    attach::attach_process,
    door::REGISTRY,
    ids,
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
    prelude::*,
    seq_file::SeqFile,
    sync::aref::ARef,
    task::Pid,
};

/// The operations of the file.
pub(crate) struct Procs;

#[vtable]
impl FileOperations for Procs {
    type Tree = Rcfs;
    type Data = ();

    fn write(file: ActiveFile<'_, Self>, buf: &mut [u8]) -> Result {
        let task = ids::find_written(buf)?;
        let cred: ARef<Credential> = file.cred().into();

        file.leave(|container| {
            let guard = REGISTRY.lock();
            // To ask for each of many threads would take longer.
            let all = cred.may_move_all();

            attach_process(&guard, container, &task, |thread| {
                if all || thread.may_be_moved_by(&cred) {
                    Ok(())
                } else {
                    Err(EACCES)
                }
            })
        })
    }
}

impl ListOperations for Procs {
    type Item = Pid;

    fn list(file: &ActiveFile<'_, Self>) -> Result<KVVec<Pid>> {
        let mut ids = ids::list(&file.directory(), |ns, thread, _| {
            // A thread names its process even when the first thread has exited.
            thread.tgid_nr_ns(Some(ns))
        })?;

        sort_and_deduplicate(&mut ids);
        Ok(ids)
    }

    fn show_items(ids: &[Pid], m: &SeqFile) -> Result {
        ids::show(ids, m);
        Ok(())
    }
}

/// Once ids have wrapped around, those of threads do not follow that of their process.
fn sort_and_deduplicate(ids: &mut KVVec<Pid>) {
    let mut kept = 0;

    ids.sort_unstable();
    for i in 0..ids.len() {
        if i == 0 || ids[i] != ids[kept - 1] {
            ids[kept] = ids[i];
            kept += 1;
        }
    }
    ids.truncate(kept);
}

#[cfg(CONFIG_RCFS_KUNIT_TEST)]
#[kunit_tests(rcfs_procs)]
mod tests {
    use super::*;

    fn deduplicated(ids: &[Pid]) -> Result<KVVec<Pid>> {
        let mut sorted = KVVec::new();

        sorted.extend_from_slice(ids, GFP_KERNEL)?;
        sort_and_deduplicate(&mut sorted);
        Ok(sorted)
    }

    #[test]
    fn processes_are_listed_once_and_sorted() -> Result {
        assert!(deduplicated(&[])?.is_empty());
        assert!(deduplicated(&[7])?[..] == [7]);
        assert!(deduplicated(&[7, 7, 7])?[..] == [7]);
        assert!(deduplicated(&[9, 3, 9, 1, 3, 3])?[..] == [1, 3, 9]);
        Ok(())
    }
}
