// SPDX-License-Identifier: GPL-2.0

//! The file `kill`: killing all processes in the container and in its descendants.

use crate::{
    ffi::{
        self,
        REGISTRY, //
    },
    mount::Rcfs, //
};
use kernel::{
    error::code::*,
    kernfs::{
        ActiveFile,
        FileOperations, //
    },
    prelude::*,
    rcfs::trim, //
};

/// The operations of the file.
pub(crate) struct Kill;

#[vtable]
impl FileOperations for Kill {
    type Tree = Rcfs;
    type Data = ();

    fn write(file: ActiveFile<'_, Self>, buf: &mut [u8]) -> Result {
        if trim(buf) != b"1" {
            return Err(EINVAL);
        }
        file.break_active_protection(|container| {
            let guard = REGISTRY.lock();

            container.check_alive(&guard)?;
            ffi::kill(&guard, container);
            Ok(())
        })
    }
}
