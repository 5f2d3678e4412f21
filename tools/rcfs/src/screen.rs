// SPDX-License-Identifier: GPL-2.0

//! A terminal that shows lines in place, and reads single keys.

use crate::{
    error::{
        Error,
        Result, //
    },
    format,
    sys::{
        self,
        Termios, //
    },
};
use std::{
    io::{
        self,
        IsTerminal, //
    },
    os::fd::{
        AsFd,
        BorrowedFd, //
    },
};

/// The size of a terminal that does not report it
const SIZE: (usize, usize) = (24, 80);

pub(crate) struct Screen {
    stdin: io::Stdin,
    before: Termios,
}

impl Screen {
    pub(crate) fn begin() -> Result<Self> {
        let stdin = io::stdin();

        if !stdin.is_terminal() || !io::stdout().is_terminal() {
            return Err(Error::new(
                "top cannot show the table",
                "standard input and output are not a terminal",
            )
            .remedy(
                "use rcfs top --batch for one table after the other, or --once for a single one",
            ));
        }
        let failed = |error| Error::io("the terminal cannot be set", &error);
        let before = sys::terminal_settings(stdin.as_fd()).map_err(failed)?;
        let screen = Self { stdin, before };

        screen.resume()?;
        Ok(screen)
    }

    /// Single keys, a cleared screen, and no cursor
    pub(crate) fn resume(&self) -> Result<()> {
        sys::set_terminal(self.stdin.as_fd(), &sys::single_keys(&self.before))
            .map_err(|error| Error::io("the terminal cannot be set", &error))?;
        format::print("\x1b[?25l\x1b[2J");
        Ok(())
    }

    /// Restores all settings, with the cursor in the last line.
    pub(crate) fn pause(&self) {
        let (rows, _) = self.size();

        format::print(&format!("\x1b[{rows};1H\x1b[?25h\r\n"));
        let _ = sys::set_terminal(self.stdin.as_fd(), &self.before);
    }

    pub(crate) fn keys(&self) -> BorrowedFd<'_> {
        self.stdin.as_fd()
    }

    /// The key that was pressed. None at the end of the input.
    pub(crate) fn key(&self) -> Option<u8> {
        let mut key = [0];

        match sys::read_some(&self.stdin, &mut key) {
            Ok(1) => Some(key[0]),
            _ => None,
        }
    }

    fn size(&self) -> (usize, usize) {
        sys::terminal_size(io::stdout().as_fd()).unwrap_or(SIZE)
    }

    pub(crate) fn show(&self, lines: &[String]) {
        format::print(&frame(lines, self.size()));
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.pause();
    }
}

/// The bytes that show as many lines as fit, without flicker: each line overwrites the previous
/// one.
fn frame(lines: &[String], (rows, columns): (usize, usize)) -> String {
    let mut frame = String::from("\x1b[H");

    for (number, line) in lines.iter().take(rows).enumerate() {
        if number > 0 {
            frame += "\r\n";
        }
        frame += &format::shorten(line, columns);
        // After a line of the full width, the cursor is on its last character.
        if format::width(line) < columns {
            frame += "\x1b[K";
        }
    }
    if lines.len() < rows {
        frame += "\x1b[J";
    }
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn lines_that_fit() {
        assert_eq!(
            frame(&lines(&["a", "b"]), (4, 10)),
            "\x1b[Ha\x1b[K\r\nb\x1b[K\x1b[J"
        );
    }

    #[test]
    fn a_small_window() {
        assert_eq!(
            frame(&lines(&["abc", "b", "c"]), (2, 3)),
            "\x1b[Habc\r\nb\x1b[K"
        );
        assert_eq!(frame(&lines(&["abcd"]), (1, 3)), "\x1b[Hab…");
        assert_eq!(frame(&lines(&["abcd"]), (1, 1)), "\x1b[H…");
    }
}
