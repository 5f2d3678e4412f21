// SPDX-License-Identifier: GPL-2.0

//! `rcfs kill`: kill all processes in containers and below.

use crate::{
    args::{
        self,
        Arg,
        Args, //
    },
    container::Container,
    end,
    error::{
        Error,
        Result, //
    },
    format, members, resolve, signals, sys,
    system::System,
    wait::{
        self,
        Waited, //
    },
};
use std::{
    ffi::OsString,
    os::fd::AsFd,
    time::Duration, //
};

/// The init of the system, or of the pid namespace
const INIT: i32 = 1;

pub(crate) fn main(mut args: Args) -> Result<i32> {
    let mut paths: Vec<OsString> = Vec::new();
    let (mut has_to_wait, mut timeout) = (true, None);
    let mut signal = sys::SIGKILL;

    while let Some(arg) = args.next()? {
        match arg {
            Arg::Word(path) => paths.push(path),
            Arg::Option(name) => match name.as_str() {
                "--no-wait" => has_to_wait = false,
                "--timeout" => timeout = Some(args.seconds()?),
                "-s" | "--signal" => signal = signals::parse(&args.text()?)?,
                name => return Err(args::unknown(name)),
            },
        }
    }
    if paths.is_empty() {
        return Err(Error::usage(
            "kill needs a PATH",
            "rcfs kill PATH…; rcfs ls lists them",
        ));
    }
    let system = System::read_mounted()?;
    let containers = resolve::all_existing(&paths, &system)?;

    for container in &containers {
        if container.is_root() {
            return Err(Error::new(
                format!("{}: not killed", container.name()),
                "it is the root of a hierarchy, with all tasks that are in no other container",
            )
            .remedy("name a container"));
        }
    }
    if signal != sys::SIGKILL {
        return send(&containers, signal).map(|()| 0);
    }
    containers.iter().try_for_each(refuse_init)?;
    end::kill_all(&containers)?;
    if has_to_wait {
        wait_for_all(&containers, timeout)?;
    }
    Ok(0)
}

/// The kernel drops a SIGKILL to an init from inside of its pid namespace. All other processes
/// would be killed, and the container would never become empty.
fn refuse_init(container: &Container<'_>) -> Result<()> {
    let is_in = |container: &Container<'_>| container.ids("procs").contains(&INIT);
    let Some(home) = container.walk().into_iter().find(is_in) else {
        return Ok(());
    };
    // The root is not visible if only a part of the hierarchy is mounted.
    let elsewhere =
        Container::new(container.tree, "/".into()).map_or("PATH".to_owned(), |root| root.name());

    Err(Error::new(
        format!("{}: not killed", container.name()),
        format!(
            "process {INIT}, the init of the system or of this pid namespace, is in {} and cannot \
             be killed from inside",
            home.name()
        ),
    )
    .remedy(format!(
        "name a container without it, or move it first: rcfs move {elsewhere} {INIT}"
    )))
}

/// Sends another signal to each present process.
fn send(containers: &[Container<'_>], signal: i32) -> Result<()> {
    for container in containers.iter().flat_map(Container::walk) {
        members::for_each(&container, |member| {
            match sys::pidfd_send_signal(member.fd.as_fd(), signal) {
                Err(error) if error.raw_os_error() != Some(sys::ESRCH) => Err(Error::io(
                    format!(
                        "{}: {} cannot be sent to process {}",
                        container.name(),
                        signals::name(signal),
                        member.pid
                    ),
                    &error,
                )
                .remedy("only the owner of the process, or root, can send the signal")),
                _ => Ok(()),
            }
        })?;
    }
    Ok(())
}

fn wait_for_all(containers: &[Container<'_>], timeout: Option<Duration>) -> Result<()> {
    let deadline = wait::deadline(timeout);

    for container in containers {
        let kill_again = || end::kill(container);

        if wait::until_empty(container, deadline, None, kill_again)? == Waited::TimedOut {
            return Err(still_there(container));
        }
    }
    Ok(())
}

fn still_there(container: &Container<'_>) -> Error {
    let pids: Vec<_> = container
        .walk()
        .iter()
        .flat_map(|container| container.ids("procs"))
        .map(|pid| pid.to_string())
        .collect();

    Error::new(
        format!("{}: not empty after the timeout", container.name()),
        format!(
            "{} left: {}",
            format::processes(pids.len() as u64),
            pids.join(" ")
        ),
    )
    .remedy(
        "they have been killed, and wait for a disk or a server: see /proc/PID/stack, and wait \
         longer",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::tests::Folder;

    #[test]
    fn an_init_is_refused() {
        let folder = Folder::new(&[
            ("a/procs", "11\n"),
            ("a/b/procs", "1\n12\n"),
            ("c/procs", "10\n"),
        ]);
        let tree = folder.tree("pids");
        let root = Container::new(&tree, "/".into()).unwrap();
        let error = refuse_init(&root.child("a")).unwrap_err();

        assert!(error.what.ends_with("/a: not killed"));
        assert!(error.why.starts_with("process 1, the init"));
        assert!(error.why.contains("/a/b and cannot be killed"));
        assert!(error
            .remedy
            .unwrap()
            .ends_with(&format!("rcfs move {} 1", root.name())));
        refuse_init(&root.child("c")).unwrap();
    }
}
