// SPDX-License-Identifier: GPL-2.0

//! `rcfs freeze` and `rcfs thaw`.

use crate::{
    args::{
        self,
        Arg,
        Args, //
    },
    container::Container,
    error::{
        Error,
        Result, //
    },
    resolve,
    system::System,
    wait, //
};
use std::{
    ffi::OsString,
    time::Instant, //
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    Frozen,
    Thawed,
}

impl Wish {
    fn state(self) -> &'static str {
        match self {
            Self::Frozen => "FROZEN",
            Self::Thawed => "THAWED",
        }
    }

    fn subcommand(self) -> &'static str {
        match self {
            Self::Frozen => "freeze",
            Self::Thawed => "thaw",
        }
    }
}

pub(crate) fn main(mut args: Args, wish: Wish) -> Result<i32> {
    let mut paths: Vec<OsString> = Vec::new();
    let (mut has_to_wait, mut timeout) = (true, None);

    while let Some(arg) = args.next()? {
        match arg {
            Arg::Word(path) => paths.push(path),
            Arg::Option(name) => match name.as_str() {
                "--no-wait" if wish == Wish::Frozen => has_to_wait = false,
                "--timeout" if wish == Wish::Frozen => timeout = Some(args.seconds()?),
                name => return Err(args::unknown(name)),
            },
        }
    }
    let subcommand = wish.subcommand();

    if paths.is_empty() {
        return Err(Error::usage(
            format!("{subcommand} needs a PATH"),
            format!("rcfs {subcommand} PATH…; rcfs ls lists them"),
        ));
    }
    let mut system = System::read_mounted()?;
    let hierarchy = system.tree_with("freezer")?.hierarchy;

    // Containers of the same name in other hierarchies do not count.
    system.trees.retain(|tree| tree.hierarchy == hierarchy);
    let containers = resolve::all_existing(&paths, &system)?;

    if wish == Wish::Frozen {
        for container in &containers {
            refuse_own(container, &system)?;
        }
    }
    for container in &containers {
        container.write("freezer.state", wish.state())?;
    }
    let deadline = wait::deadline(timeout);

    for container in &containers {
        match wish {
            Wish::Frozen if has_to_wait => wait_until_frozen(container, deadline)?,
            Wish::Frozen => {}
            Wish::Thawed => check_thawed(container)?,
        }
    }
    Ok(0)
}

/// A process that freezes itself would not return.
fn refuse_own(container: &Container<'_>, system: &System) -> Result<()> {
    if system.own_path(container.tree).starts_with(&container.path) && !container.is_root() {
        return Err(Error::new(
            format!("{}: not frozen", container.name()),
            "this process is in the container or below, and would freeze itself",
        )
        .remedy("run rcfs freeze outside of the container"));
    }
    Ok(())
}

fn wait_until_frozen(container: &Container<'_>, deadline: Option<Instant>) -> Result<()> {
    let state = || container.read("freezer.state");

    // If another process thaws or removes the container, it never becomes FROZEN.
    let is_decided = || state().is_none_or(|state| state != "FREEZING");

    if !wait::until(deadline, is_decided) {
        return Err(Error::new(
            format!("{}: not frozen after the timeout", container.name()),
            "a task is in an uninterruptible sleep, for a disk or a server, and freezes when it \
             wakes up",
        )
        .remedy("wait longer, or cancel with rcfs thaw"));
    }
    match state().as_deref() {
        Some("FROZEN") => Ok(()),
        Some(_) => Err(Error::new(
            format!("{}: not frozen", container.name()),
            "another process has thawed it",
        )),
        None => Err(Error::new(
            format!("{}: not frozen", container.name()),
            "the container has been removed",
        )),
    }
}

fn check_thawed(container: &Container<'_>) -> Result<()> {
    if container.read("freezer.parent_freezing").as_deref() != Some("1") {
        return Ok(());
    }
    let mut above = container.above();

    while let Some(candidate) = above {
        if candidate.read("freezer.self_freezing").as_deref() == Some("1") {
            return Err(Error::new(
                format!("{}: still frozen", container.name()),
                format!("the container above, {}, is frozen", candidate.name()),
            )
            .remedy(format!("rcfs thaw {}", candidate.name())));
        }
        above = candidate.above();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        container::tests::Folder,
        system::tests::example, //
    };

    #[test]
    fn waiting_ends_with_the_state() {
        let folder = Folder::new(&[
            ("a/freezer.state", "FROZEN\n"),
            ("b/freezer.state", "FREEZING\n"),
            ("c/freezer.state", "THAWED\n"),
        ]);
        let tree = folder.tree("freezer");
        let root = Container::new(&tree, "/".into()).unwrap();
        let wait = |name: &str| wait_until_frozen(&root.child(name), Some(Instant::now()));

        wait("a").unwrap();
        assert!(wait("b").unwrap_err().what.contains("after the timeout"));
        assert!(wait("c").unwrap_err().why.contains("thawed"));
        assert!(wait("d").unwrap_err().why.contains("removed"));
    }

    #[test]
    fn who_is_frozen_from_above() {
        let folder = Folder::new(&[
            ("a/freezer.self_freezing", "1\n"),
            ("a/b/freezer.self_freezing", "0\n"),
            ("a/b/c/freezer.parent_freezing", "1\n"),
        ]);
        let tree = folder.tree("freezer");
        let root = Container::new(&tree, "/".into()).unwrap();
        let error = check_thawed(&root.child("a").child("b").child("c")).unwrap_err();

        assert!(error.remedy.unwrap().ends_with("/a"));
        check_thawed(&root.child("a")).unwrap();
    }

    #[test]
    fn not_the_own_container() {
        let system = example();
        let tree = &system.trees[0];
        let at = |path: &str| Container::new(tree, path.into()).unwrap();

        refuse_own(&at("/user"), &system).unwrap_err();
        refuse_own(&at("/user/x"), &system).unwrap();
        refuse_own(&at("/other"), &system).unwrap();
    }
}
