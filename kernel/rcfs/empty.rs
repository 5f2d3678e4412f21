// SPDX-License-Identifier: GPL-2.0

//! The file `empty`: whether no task is in the container, nor in one below.
//!
//! Who has read it can wait, with poll(2) or inotify(7), for the last task to leave. That is what
//! there is instead of a program that the kernel runs then.

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
        // kernfs has noted what poll(2) compares with: what comes after this is news.
        let empty = file.directory().members().watch_empty();

        seq_print!(m, "{}\n", u8::from(empty));
        Ok(())
    }
}
