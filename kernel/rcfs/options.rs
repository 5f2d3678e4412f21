// SPDX-License-Identifier: GPL-2.0

//! Mount options: the subsystems of the hierarchy.

use kernel::{
    error::code::*,
    fs::context::Value,
    prelude::*,
    str::{
        CStr,
        CString, //
    },
};

/// The subsystems that a mount asks for.
#[derive(Default)]
pub(crate) struct Options {
    all: bool,
    names: KVec<CString>,
}

/// What is wrong with a mount option.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// The option is left to the VFS.
    NotOurs,
    /// The option has no name.
    NoName,
    /// The option has a value, and the name of a subsystem takes none.
    HasValue,
}

/// What a mount option asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wanted<'a> {
    /// All subsystems.
    All,
    /// One subsystem.
    Subsystem(&'a CStr),
}

/// Parses one mount option.
pub(crate) fn parse<'a>(key: &'a CStr, value: Value<'_>) -> Result<Wanted<'a>, Problem> {
    if key.to_bytes() == b"source" {
        return Err(Problem::NotOurs);
    }
    if key.to_bytes().is_empty() {
        return Err(Problem::NoName);
    }
    if !matches!(value, Value::Flag) {
        return Err(Problem::HasValue);
    }
    if key.to_bytes() == b"all" {
        return Ok(Wanted::All);
    }
    Ok(Wanted::Subsystem(key))
}

impl Options {
    /// Adds the subsystems that one option asks for.
    pub(crate) fn add(&mut self, wanted: Wanted<'_>) -> Result {
        match wanted {
            Wanted::All => self.all = true,
            Wanted::Subsystem(name) => self.names.push(CString::try_from(name)?, GFP_KERNEL)?,
        }
        Ok(())
    }

    /// The names of the requested subsystems, or [`None`] for all registered subsystems.
    pub(crate) fn names(&self) -> Option<&[CString]> {
        (!self.all && !self.names.is_empty()).then_some(&self.names[..])
    }

    /// Whether there were no options.
    pub(crate) fn is_default(&self) -> bool {
        !self.all && self.names.is_empty()
    }
}

/// Names that have another meaning as a mount option: for rcfs, or for the VFS, which handles these
/// first (`fs/fs_context.c`).
const RESERVED: &[&[u8]] = &[
    b"all",
    b"source",
    b"ro",
    b"rw",
    b"sync",
    b"async",
    b"dirsync",
    b"lazytime",
    b"nolazytime",
    b"mand",
    b"nomand",
];

/// Checks the name of a subsystem, which is used as a mount option, in file names, and in `/proc`.
pub(crate) fn check_name(name: &CStr) -> Result {
    let max = kernel::bindings::MAX_CONTAINER_TYPE_NAMELEN as usize;
    let name = name.to_bytes();
    let fits = (1..=max).contains(&name.len());
    let good = |c: &u8| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-' | b'.');

    if !fits || !name.iter().all(good) || RESERVED.contains(&name) {
        return Err(EINVAL);
    }
    Ok(())
}

#[cfg(CONFIG_RCFS_KUNIT_TEST)]
#[kunit_tests(rcfs_options)]
mod tests {
    use super::*;

    #[test]
    fn a_name_asks_for_a_subsystem() {
        assert!(parse(c"pids", Value::Flag) == Ok(Wanted::Subsystem(c"pids")));
        assert!(parse(c"all", Value::Flag) == Ok(Wanted::All));
    }

    #[test]
    fn source_is_left_to_the_vfs() {
        assert!(parse(c"source", Value::String(c"none")) == Err(Problem::NotOurs));
        assert!(parse(c"source", Value::Other) == Err(Problem::NotOurs));
    }

    #[test]
    fn names_have_no_value_and_are_not_empty() {
        assert!(parse(c"pids", Value::String(c"1")) == Err(Problem::HasValue));
        assert!(parse(c"pids", Value::Other) == Err(Problem::HasValue));
        assert!(parse(c"all", Value::String(c"")) == Err(Problem::HasValue));
        assert!(parse(c"", Value::Flag) == Err(Problem::NoName));
    }

    #[test]
    fn nothing_and_all_ask_for_all() -> Result {
        let mut options = Options::default();

        assert!(options.names().is_none());
        assert!(options.is_default());
        options.add(Wanted::Subsystem(c"pids"))?;
        assert!(options.names().is_some_and(|names| names.len() == 1));
        assert!(!options.is_default());
        options.add(Wanted::All)?;
        assert!(options.names().is_none());
        Ok(())
    }

    #[test]
    fn names_of_subsystems_fit_mount_options_and_files() {
        assert!(check_name(c"pids").is_ok());
        assert!(check_name(c"x").is_ok());
        assert!(check_name(c"A-z_0.9").is_ok());
        assert!(check_name(c"12345678901234567890123456789012").is_ok());
        for name in [
            c"",
            c"123456789012345678901234567890123",
            c"a,b",
            c"a=b",
            c"a:b",
            c"a\\b",
            c"\xc3\xa9",
            c"a/b",
            c"a b",
            c"a\tb",
            c"a\n",
            c"all",
            c"source",
            c"ro",
            c"nolazytime",
        ] {
            assert!(check_name(name) == Err(EINVAL));
        }
    }
}
