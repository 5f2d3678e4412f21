// SPDX-License-Identifier: GPL-2.0

//! Formatting of times, tables, and text that fits into a line.

use crate::sys;
use std::io::{
    self,
    Write, //
};

const SECOND: u64 = 1_000_000_000;

/// Nanoseconds as a time: `0.123 s`, `12m05s`, `3h07m`, `2d05h`
pub(crate) fn time(ns: u64) -> String {
    let s = ns / SECOND;

    match s {
        0..60 => format!("{s}.{:03} s", ns % SECOND / 1_000_000),
        60..3600 => format!("{}m{:02}s", s / 60, s % 60),
        3600..86400 => format!("{}h{:02}m", s / 3600, s % 3600 / 60),
        _ => format!("{}d{:02}h", s / 86400, s % 86400 / 3600),
    }
}

/// Bytes as an amount of memory: `512 B`, `20.0 MiB`
pub(crate) fn bytes(bytes: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB"];
    let mut amount = bytes as f64;
    let mut name = "B";

    for unit in units {
        if amount < 1024.0 {
            break;
        }
        amount /= 1024.0;
        name = unit;
    }
    match name {
        "B" => format!("{bytes} B"),
        _ => format!("{amount:.1} {name}"),
    }
}

/// Part of a whole in percent, with one decimal
pub(crate) fn percent(part: u64, whole: u64) -> String {
    match (u128::from(part) * 1000).checked_div(whole.into()) {
        Some(permille) => format!("{}.{}%", permille / 10, permille % 10),
        None => "-".to_owned(),
    }
}

/// A number and what is counted: `1 task`, `2 tasks`
pub(crate) fn count(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// `1 process`, `2 processes`
pub(crate) fn processes(number: u64) -> String {
    format!("{number} process{}", if number == 1 { "" } else { "es" })
}

/// The side on which a column is aligned
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Left,
    Right,
}

/// The rows of a table, one line each. The first row is the head. The last column has no padding.
pub(crate) fn table(sides: &[Side], rows: &[Vec<String>]) -> Vec<String> {
    let widths: Vec<usize> = (0..sides.len())
        .map(|column| {
            rows.iter()
                .map(|row| width(&row[column]))
                .max()
                .unwrap_or(0)
        })
        .collect();

    rows.iter()
        .map(|row| {
            let mut line = String::new();

            for (column, text) in row.iter().enumerate() {
                let padding = " ".repeat(widths[column] - width(text));

                if column > 0 {
                    line.push_str("  ");
                }
                if sides[column] == Side::Right {
                    line.push_str(&padding);
                }
                line.push_str(text);
                if sides[column] == Side::Left {
                    line.push_str(&padding);
                }
            }
            line.truncate(line.trim_end().len());
            line
        })
        .collect()
}

/// The width of a text on a terminal. Characters of double width are not handled.
pub(crate) fn width(text: &str) -> usize {
    text.chars().count()
}

/// The beginning of a text, with a mark if the rest is cut off
pub(crate) fn shorten(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(columns.saturating_sub(1)).collect();

    if columns > 0 {
        short.push('…');
    }
    short
}

/// Text that can be shown on a terminal: control characters are replaced.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '?' } else { c })
        .collect()
}

/// Writes to standard output. If the reader is gone, a signal or an error ends the program.
pub(crate) fn print(text: &str) {
    let mut out = io::stdout().lock();

    if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        complain(&format!(
            "rcfs: standard output: {}\n",
            crate::error::reason(&error)
        ));
        sys::exit_now(crate::FAILED);
    }
}

/// Writes to standard error. If the reader is gone, or the terminal is hung up, the program still
/// goes on, with the same exit status.
pub(crate) fn complain(text: &str) {
    let _ = write_without_signal(io::stderr(), text);
}

/// Writes the whole text. If the reader is gone, this is an error instead of a SIGPIPE. The signal
/// is only ignored here, so that a command that is run has the original setting.
pub(crate) fn write_without_signal(mut file: impl Write, text: &str) -> io::Result<()> {
    let before = sys::ignore_signal(sys::SIGPIPE);
    let result = file.write_all(text.as_bytes());

    sys::restore_signal(sys::SIGPIPE, before);
    result
}

/// Write lines to standard output.
pub(crate) fn print_lines(lines: &[String]) {
    let mut text = lines.join("\n");

    if !text.is_empty() {
        text.push('\n');
    }
    print(&text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        fs::File,
        os::{
            fd::OwnedFd,
            unix::net::UnixStream, //
        },
    };

    #[test]
    fn amounts_of_memory() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(1024), "1.0 KiB");
        assert_eq!(bytes(20 << 20), "20.0 MiB");
        assert_eq!(bytes(3 << 40), "3.0 TiB");
        assert_eq!(bytes(5 << 50), "5120.0 TiB");
    }

    #[test]
    fn times() {
        for (ns, text) in [
            (0, "0.000 s"),
            (1_234_567_890, "1.234 s"),
            (59_999_999_999, "59.999 s"),
            (60_000_000_000, "1m00s"),
            (3_599_000_000_000, "59m59s"),
            (3_600_000_000_000, "1h00m"),
            (86_399_000_000_000, "23h59m"),
            (90_000_000_000_000, "1d01h"),
        ] {
            assert_eq!(time(ns), text);
        }
    }

    #[test]
    fn parts() {
        assert_eq!(percent(1, 3), "33.3%");
        assert_eq!(percent(2_000_000_000, 1_000_000_000), "200.0%");
        assert_eq!(percent(u64::MAX, u64::MAX), "100.0%");
        assert_eq!(percent(1, 0), "-");
    }

    #[test]
    fn columns() {
        let rows = [
            vec!["NAME".to_owned(), "N".to_owned(), "WHAT".to_owned()],
            vec!["é".to_owned(), "10".to_owned(), String::new()],
        ];

        assert_eq!(
            table(&[Side::Left, Side::Right, Side::Left], &rows),
            ["NAME   N  WHAT", "é     10"]
        );
    }

    #[test]
    fn a_reader_that_is_gone_is_an_error() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let file = File::from(OwnedFd::from(ours));
        // The runtime of the tests ignores SIGPIPE.
        let before = sys::default_signal(sys::SIGPIPE);
        let default = sys::default_signal(sys::SIGPIPE);

        drop(theirs);
        let result = write_without_signal(&file, "text");
        let after = sys::default_signal(sys::SIGPIPE);

        sys::restore_signal(sys::SIGPIPE, before);
        assert_eq!(result.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        assert_eq!(after, default);
    }

    #[test]
    fn short_texts() {
        assert_eq!(shorten("abc", 3), "abc");
        assert_eq!(shorten("abcd", 3), "ab…");
        assert_eq!(shorten("abcd", 0), "");
        assert_eq!(printable("a\x1b[2J\n"), "a?[2J?");
    }
}
