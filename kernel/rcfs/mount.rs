// SPDX-License-Identifier: GPL-2.0

//! Mounting hierarchies, and the directory operations mkdir(2) and rmdir(2).

use crate::{
    container::Container,
    ffi::REGISTRY,
    hierarchy,
    options::{
        self,
        Options,
        Problem, //
    },
    registry::{
        Registry,
        MAX_HIERARCHIES, //
    },
    set::SubsysSet,
};
use kernel::{
    error::code::*,
    fs::context::{
        Log,
        Parameter, //
    },
    kernfs::{
        ActiveDirectory,
        Mode,
        RootHandle,
        Tree, //
    },
    prelude::*,
    seq_file::{
        seq_print,
        SeqFile, //
    },
    str::CStr,
};

/// The file system.
pub(crate) struct Rcfs;

#[vtable]
impl Tree for Rcfs {
    type Directory = Container;

    fn mkdir(parent: ActiveDirectory<'_, Self>, name: &CStr, mode: Mode) -> Result {
        // Files that show paths have one line for each.
        if name.to_bytes().contains(&b'\n') {
            return Err(EINVAL);
        }
        // statfs(2) reports this limit, which kernfs does not check.
        if name.to_bytes().len() > kernel::bindings::NAME_MAX as usize {
            return Err(ENAMETOOLONG);
        }
        parent.break_active_protection(|parent| {
            Container::create(&mut REGISTRY.lock(), parent, name, mode)
        })
    }

    fn rmdir(dir: ActiveDirectory<'_, Self>) -> Result {
        dir.break_active_protection(|container| Container::remove(&mut REGISTRY.lock(), container))
    }

    fn show_options(root: &Container, m: &SeqFile) -> Result {
        for ss in &root.hierarchy().subsystems {
            seq_print!(m, ",{}", ss.name());
        }
        Ok(())
    }
}

/// Handles one mount option.
pub(crate) fn parse_option(options: &mut Options, option: &Parameter<'_>, log: &Log<'_>) -> Result {
    let key = option.key();

    match options::parse(key, option.value()) {
        Ok(wanted) => {
            if let options::Wanted::Subsystem(name) = wanted {
                let registry = REGISTRY.lock();
                check_known(&registry, name, log)?;
            }
            options.add(wanted)
        }
        Err(Problem::NotOurs) => Err(ENOPARAM),
        Err(Problem::NoName) => {
            log.error(fmt!("a mount option without a name"));
            Err(EINVAL)
        }
        Err(Problem::HasValue) => {
            log.error(fmt!("{key}: the name of a subsystem takes no value"));
            Err(EINVAL)
        }
    }
}

fn check_known(registry: &Registry, name: &CStr, log: &Log<'_>) -> Result {
    if registry.find(name).is_some() {
        return Ok(());
    }
    log.error(fmt!("{name}: no such subsystem is registered"));
    Err(ENOENT)
}

/// The set of subsystems that a mount asks for.
fn wanted_set(registry: &Registry, options: &Options, log: &Log<'_>) -> Result<SubsysSet> {
    let mut set = SubsysSet::default();

    match options.names() {
        Some(names) => {
            for name in names {
                // The option named a subsystem, whose module may have been unloaded since.
                check_known(registry, name, log)?;
                if let Some(ss) = registry.find(name) {
                    set.insert(ss.id());
                }
            }
        }
        None => registry.subsystems().for_each(|ss| set.insert(ss.id())),
    }
    if set.is_empty() {
        log.error(fmt!("no subsystem is registered"));
        return Err(EINVAL);
    }
    Ok(set)
}

/// Finds or makes the hierarchy to mount, and counts the mount.
pub(crate) fn get_tree(options: &Options, log: &Log<'_>) -> Result<RootHandle<Rcfs>> {
    let mut guard = REGISTRY.lock();
    let set = wanted_set(&guard, options, log)?;

    match hierarchy::get(&mut guard, set) {
        Ok(active) => Ok(active.tree()),
        Err(e) => {
            if e == EBUSY {
                for ss in guard.of_set(&set) {
                    if let Some(active) = guard.hierarchy_of(ss.id()) {
                        let number = active.hierarchy.number();
                        log.error(fmt!("{}: in use by hierarchy {number}", ss.name()));
                    }
                }
            } else if e == ENOSPC {
                log.error(fmt!("there are {MAX_HIERARCHIES} hierarchies already"));
            }
            Err(e)
        }
    }
}

/// Uncounts a mount.
pub(crate) fn put_tree(root: &Container) {
    hierarchy::put(&mut REGISTRY.lock(), root.hierarchy());
}

/// Checks the options of a remount, which cannot change the subsystems.
pub(crate) fn reconfigure(root: &Container, options: &Options, log: &Log<'_>) -> Result {
    let registry = REGISTRY.lock();

    if !options.is_default() && wanted_set(&registry, options, log)? != root.hierarchy().set {
        log.error(fmt!("the subsystems of a hierarchy cannot be changed"));
        return Err(EINVAL);
    }
    Ok(())
}
