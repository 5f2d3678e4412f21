// SPDX-License-Identifier: GPL-2.0

//! The file `tasks`: the threads in the container.
//!
//! Reading lists the ids of the threads. Writing an id moves the thread.

use crate::{
    attach::attach,
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
pub(crate) struct Tasks;

#[vtable]
impl FileOperations for Tasks {
    type Tree = Rcfs;
    type Data = ();

    fn write(file: ActiveFile<'_, Self>, buf: &mut [u8]) -> Result {
        let task = ids::find_written(buf)?;
        let cred: ARef<Credential> = file.cred().into();

        file.break_active_protection(|container| {
            let guard = REGISTRY.lock();

            if !task.may_be_moved_by(&cred) {
                return Err(EACCES);
            }
            attach(&guard, container, &task)
        })
    }
}

impl ListOperations for Tasks {
    type Item = Pid;

    fn list(file: &ActiveFile<'_, Self>) -> Result<KVVec<Pid>> {
        ids::list(&file.directory(), false)
    }

    fn show_items(ids: &[Pid], m: &SeqFile) -> Result {
        ids::show(ids, m);
        Ok(())
    }
}
