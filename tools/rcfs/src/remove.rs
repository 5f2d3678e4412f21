// SPDX-License-Identifier: GPL-2.0

//! `rcfs rm`: remove containers.

use crate::{
    args::{
        self,
        Arg,
        Args, //
    },
    end,
    error::{
        Error,
        Result, //
    },
    resolve,
    system::System, //
};
use std::ffi::OsString;

pub(crate) fn main(mut args: Args) -> Result<i32> {
    let mut paths: Vec<OsString> = Vec::new();
    let mut below = false;

    while let Some(arg) = args.next()? {
        match arg {
            Arg::Word(path) => paths.push(path),
            Arg::Option(name) => match name.as_str() {
                "-r" | "--recursive" => below = true,
                name => return Err(args::unknown(name)),
            },
        }
    }
    if paths.is_empty() {
        return Err(Error::usage(
            "rm needs a PATH",
            "rcfs rm [-r] PATH…; rcfs ls lists them",
        ));
    }
    let system = System::read_mounted()?;
    let mut status = 0;

    for container in resolve::all_existing(&paths, &system)? {
        let result = if below {
            end::remove_tree(&container)
        } else {
            end::remove(&container)
        };

        // The others can still be removed.
        if let Err(busy) = result {
            busy.explained.print();
            status = crate::FAILED;
        }
    }
    Ok(status)
}
