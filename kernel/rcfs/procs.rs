// SPDX-License-Identifier: GPL-2.0

//! The file `procs`: the processes with a thread in the container.
//!
//! Reading lists the ids of the processes. Writing an id moves all threads of the process.

use crate::{
    attach::attach_process,
    ffi::REGISTRY,
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

        file.break_active_protection(|container| {
            let guard = REGISTRY.lock();
            // Check this once, and not for each thread.
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
        // List the process of each thread: the first thread may have exited.
        ids::list(&file.directory(), true)
    }

    fn show_items(ids: &[Pid], m: &SeqFile) -> Result {
        ids::show(ids, m);
        Ok(())
    }
}
