// SPDX-License-Identifier: GPL-2.0

//! The file `empty`: whether the container and its descendants have no tasks.
//!
//! A program that has read the file can wait, with poll(2) or inotify(7), for the last task to
//! leave. This replaces the `release_agent` of cgroup v1, which the kernel would run.

use crate::mount::Rcfs;
use kernel::{
    kernfs::{
        ActiveFile,
        FileOperations, //
    },
    prelude::*,
    seq_file::{
        seq_print,
        SeqFile, //
    },
};

/// The operations of the file.
pub(crate) struct Empty;

#[vtable]
impl FileOperations for Empty {
    type Tree = Rcfs;
    type Data = ();

    fn show(file: &ActiveFile<'_, Self>, m: &SeqFile) -> Result {
        // kernfs has noted which notifications poll(2) has seen. A later notification wakes up
        // poll(2).
        let empty = file.directory().members().watch_empty();

        seq_print!(m, "{}\n", u8::from(empty));
        Ok(())
    }
}
