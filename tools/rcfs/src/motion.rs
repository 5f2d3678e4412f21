// SPDX-License-Identifier: GPL-2.0

//! `rcfs move`: move processes, or threads, into a container.

use crate::{
    args::{
        self,
        Arg,
        Args, //
    },
    container::{
        self,
        Container, //
    },
    error::{
        Error,
        Result, //
    },
    explain,
    resolve,
    sys,
    system::System, //
};
use std::{
    ffi::OsString,
    os::fd::{
        AsRawFd,
        OwnedFd, //
    },
};

pub(crate) fn main(mut args: Args) -> Result<i32> {
    let mut words: Vec<OsString> = Vec::new();
    let mut threads = false;

    while let Some(arg) = args.next()? {
        match arg {
            Arg::Word(word) => words.push(word),
            Arg::Option(name) => match name.as_str() {
                "-t" | "--threads" => threads = true,
                name => return Err(args::unknown(name)),
            },
        }
    }
    if words.len() < 2 {
        return Err(Error::usage(
            "move needs a PATH and at least one PID",
            "rcfs move PATH PID…; rcfs ps lists them",
        ));
    }
    let ids = words[1..]
        .iter()
        .map(parse_id)
        .collect::<Result<Vec<_>>>()?;
    let system = System::read_mounted()?;
    let containers = resolve::existing(&words[0], &system)?;
    // Open all descriptors before the first move: an id that is reused from now on does not matter.
    let tasks = ids
        .iter()
        .map(|id| open(*id, threads))
        .collect::<Result<Vec<_>>>()?;

    for container in &containers {
        for (id, fd) in ids.iter().zip(&tasks) {
            attach(container, *id, fd, threads)?;
        }
    }
    Ok(0)
}

fn parse_id(word: &OsString) -> Result<i32> {
    word.to_str()
        .and_then(|text| text.parse().ok())
        .filter(|id| *id > 0)
        .ok_or_else(|| {
            Error::usage(
                format!("{word:?} is not a process id"),
                "give a number above 0: see rcfs ps",
            )
        })
}

fn open(id: i32, threads: bool) -> Result<OwnedFd> {
    let opened = if threads {
        sys::pidfd_open_thread(id)
    } else {
        sys::pidfd_open(id)
    };

    opened.map_err(|error| {
        let told = Error::io(format!("{id} cannot be opened"), &error);

        match error.raw_os_error() {
            Some(sys::ESRCH) => Error {
                why: "there is no such task".to_owned(),
                ..told
            }
            .remedy("see rcfs ps for the existing processes"),
            Some(sys::EINVAL | sys::ENOENT) if !threads => Error {
                why: "it is the id of a thread, not of a process".to_owned(),
                ..told
            }
            .remedy(
                "move the thread alone with rcfs move --threads, or give the id of the process",
            ),
            _ => told,
        }
    })
}

fn attach(container: &Container<'_>, id: i32, task: &OwnedFd, threads: bool) -> Result<()> {
    let file = if threads { "tasks" } else { "procs" };

    container::write_file(
        &container.dir.join(file),
        &format!("pidfd {}", task.as_raw_fd()),
    )
    .map_err(|error| explain::attach(container, file, id, &error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::tests::Folder;

    #[test]
    fn ids_are_numbers() {
        assert_eq!(parse_id(&"71".into()).unwrap(), 71);
        for word in ["", "0", "-1", "x", "1 2"] {
            assert!(parse_id(&word.into()).is_err(), "{word}");
        }
    }

    #[test]
    fn the_descriptor_is_written() {
        let folder = Folder::new(&[("procs", "")]);
        let tree = folder.tree("pids");
        let root = Container::new(&tree, "/".into()).unwrap();
        let own = open(std::process::id() as i32, false).unwrap();

        attach(&root, 5, &own, false).unwrap();
        assert_eq!(
            root.read("procs").unwrap(),
            format!("pidfd {}", own.as_raw_fd())
        );
        assert!(attach(&root, 5, &own, true)
            .unwrap_err()
            .what
            .contains("tasks: 5"));
    }

    #[test]
    fn who_is_not_there() {
        assert_eq!(open(4_194_303, false).unwrap_err().errno, sys::ESRCH);
    }
}
