// SPDX-License-Identifier: GPL-2.0

//! Error messages: what failed, why, and what to do about it.

use std::{
    fmt,
    io, //
};

/// The exit status after wrong usage
pub(crate) const USAGE: i32 = 2;

pub(crate) type Result<T> = std::result::Result<T, Error>;

/// A failure
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Error {
    /// What failed, and the file if there is one
    pub(crate) what: String,
    /// The reason
    pub(crate) why: String,
    /// What to do about it
    pub(crate) remedy: Option<String>,
    /// The exit status
    pub(crate) status: i32,
    /// The error of the system call, or 0
    pub(crate) errno: i32,
}

impl Error {
    pub(crate) fn new(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            why: why.into(),
            remedy: None,
            status: crate::FAILED,
            errno: 0,
        }
    }

    pub(crate) fn usage(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            status: USAGE,
            ..Self::new(what, "").remedy(remedy)
        }
    }

    /// A failed system call, without an explanation that is specific to rcfs
    pub(crate) fn io(what: impl Into<String>, error: &io::Error) -> Self {
        Self {
            errno: error.raw_os_error().unwrap_or(0),
            ..Self::new(what, reason(error))
        }
    }

    pub(crate) fn remedy(self, remedy: impl Into<String>) -> Self {
        Self {
            remedy: Some(remedy.into()),
            ..self
        }
    }

    pub(crate) fn print(&self) {
        crate::format::complain(&self.to_string());
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_labelled(f, "rcfs: ", "      ", &self.what)?;
        if !self.why.is_empty() {
            write_labelled(f, "  why:  ", "        ", &self.why)?;
        }
        if let Some(remedy) = &self.remedy {
            write_labelled(f, "  do:   ", "        ", remedy)?;
        }
        Ok(())
    }
}

/// Writes lines, the first one with a label, the others indented.
fn write_labelled(
    f: &mut fmt::Formatter<'_>,
    label: &str,
    indent: &str,
    text: &str,
) -> fmt::Result {
    for (number, line) in text.lines().enumerate() {
        writeln!(f, "{}{line}", if number == 0 { label } else { indent })?;
    }
    Ok(())
}

/// The text of an error, without the number that the standard library adds
pub(crate) fn reason(error: &io::Error) -> String {
    let text = error.to_string();

    match text.rfind(" (os error ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_three_parts() {
        let error = Error::io(
            "/x/tasks: cannot be opened",
            &io::Error::from_raw_os_error(13),
        )
        .remedy("first line\nsecond line");

        assert_eq!(
            error.to_string(),
            "rcfs: /x/tasks: cannot be opened\n  why:  Permission denied\n  \
             do:   first line\n        second line\n"
        );
        assert_eq!((error.status, error.errno), (1, 13));
    }

    #[test]
    fn usage_has_a_status_of_its_own() {
        let error = Error::usage("there is no option -x", "rcfs ls --help");

        assert_eq!(error.status, USAGE);
        assert_eq!(
            error.to_string(),
            "rcfs: there is no option -x\n  do:   rcfs ls --help\n"
        );
    }
}
