// SPDX-License-Identifier: GPL-2.0

//! `rcfs`: containers, their limits and their use of resources, on the command line.
//!
//! Each subcommand has a module of its own. `Documentation/admin-guide/rcfs.rst` describes the
//! interface of the kernel, and `rcfs.1` the command.

#![cfg_attr(not(test), no_main)]
#![deny(unsafe_code)]

mod args;
mod container;
mod end;
mod error;
mod explain;
mod format;
mod freeze;
mod guardian;
mod help;
mod json;
mod kill;
mod limits;
mod list;
mod members;
mod motion;
mod plan;
mod process;
mod ps;
mod remove;
mod report;
mod resolve;
mod run;
mod screen;
mod signals;
mod stats;
mod status;
mod sys;
mod system;
mod top;
mod wait;

use crate::{
    args::Args,
    error::{
        Error,
        Result, //
    },
};
use std::ffi::OsString;

/// The exit status of a subcommand that has failed, at least in part
const FAILED: i32 = 1;

/// Runs the subcommand that the arguments name, and returns the exit status.
// The tests have their own main function.
#[cfg_attr(test, allow(dead_code))]
fn start(mut arguments: Vec<OsString>) -> i32 {
    if arguments.is_empty() {
        format::complain(help::overview());
        return error::USAGE;
    }
    let name = arguments.remove(0).to_string_lossy().into_owned();

    match subcommand(&name, Args::new(arguments)) {
        Ok(status) => status,
        Err(error) => {
            error.print();
            // A caller of `run` has to distinguish a failure of `rcfs` from one of the command.
            if name == "run" {
                run::OWN_FAILURE
            } else {
                error.status
            }
        }
    }
}

fn subcommand(name: &str, mut args: Args) -> Result<i32> {
    if let Some(text) = help::wanted(name, &args) {
        format::print(&text);
        return Ok(0);
    }
    match name {
        "run" => run::main(args),
        "ls" => list::main(args),
        "top" => top::main(args),
        "ps" => ps::main(args),
        "kill" => kill::main(args),
        "freeze" => freeze::main(args, freeze::Wish::Frozen),
        "thaw" => freeze::main(args, freeze::Wish::Thawed),
        "move" => motion::main(args),
        "rm" => remove::main(args),
        "status" => status::main(args),
        "help" | "-h" | "--help" => {
            let topic = args.next_word()?;

            match topic
                .as_deref()
                .map(|topic| help::of(&topic.to_string_lossy()))
            {
                None => format::print(help::overview()),
                Some(Some(text)) => format::print(text),
                Some(None) => return Err(unknown(&topic.unwrap_or_default().to_string_lossy())),
            }
            Ok(0)
        }
        _ => Err(unknown(name)),
    }
}

fn unknown(name: &str) -> Error {
    Error::usage(
        format!("there is no subcommand {name:?}"),
        "rcfs help lists them",
    )
}
