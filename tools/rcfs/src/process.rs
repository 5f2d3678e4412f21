// SPDX-License-Identifier: GPL-2.0

//! Information about a process from `/proc`.

use crate::{
    format,
    sys, //
};
use std::fs;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: i32,
    /// In user and kernel mode, since the process was started, in any container
    pub(crate) cpu_ns: u64,
    pub(crate) command: String,
}

impl Process {
    /// None if it has ended.
    pub(crate) fn of(pid: i32) -> Option<Self> {
        let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
        let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let (name, ticks) = parse_stat(&String::from_utf8_lossy(&stat))?;

        Some(Self {
            pid,
            cpu_ns: ticks * (1_000_000_000 / sys::ticks_per_second()),
            command: command(&words, &name),
        })
    }
}

/// The name, and the ticks of CPU time
fn parse_stat(text: &str) -> Option<(String, u64)> {
    // A name may contain spaces and brackets.
    let (begin, end) = (text.find('(')?, text.rfind(')')?);
    let fields: Vec<_> = text[end + 1..].split_ascii_whitespace().collect();
    let ticks = |index: usize| fields.get(index)?.parse::<u64>().ok();

    Some((text[begin + 1..end].to_owned(), ticks(11)? + ticks(12)?))
}

/// The words of the command, or the name of a kernel thread or zombie, which has no words
fn command(words: &[u8], name: &str) -> String {
    let text: Vec<_> = words
        .split(|byte| *byte == 0)
        .filter(|word| !word.is_empty())
        .map(String::from_utf8_lossy)
        .collect();

    if text.is_empty() {
        format!("[{}]", format::printable(name))
    } else {
        format::printable(&text.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_brackets() {
        let text = "71 (a) b (c) S 1 71 71 0 -1 4194560 10 0 0 0 250 30 0 0 20 0 1 0 5 0 0";

        assert_eq!(parse_stat(text), Some(("a) b (c".to_owned(), 280)));
        assert_eq!(parse_stat("71 (a) S 1"), None);
        assert_eq!(parse_stat(""), None);
    }

    #[test]
    fn commands() {
        assert_eq!(command(b"sh\0-c\0echo \x1b[2J\0", "sh"), "sh -c echo ?[2J");
        assert_eq!(command(b"", "kthreadd"), "[kthreadd]");
    }

    #[test]
    fn about_this_one() {
        let own = Process::of(std::process::id() as i32).unwrap();

        assert!(!own.command.is_empty());
        assert_eq!(Process::of(-1), None);
    }
}
