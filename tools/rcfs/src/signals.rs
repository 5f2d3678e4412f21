// SPDX-License-Identifier: GPL-2.0

//! The names of signals, and the signals that `rcfs run` passes on to the command.

use crate::{
    error::{
        Error,
        Result, //
    },
    sys::{
        self,
        Arrived,
        Disposition,
        SignalSet, //
    },
};
use std::os::fd::{
    AsFd,
    BorrowedFd,
    OwnedFd, //
};

/// By number, from 1
const NAMES: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
    "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG",
    "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
];

/// Signals that end `rcfs run` while there is no command, unless they were ignored at its start
const ENDS: [i32; 4] = [sys::SIGHUP, sys::SIGINT, sys::SIGQUIT, sys::SIGTERM];

/// Signals to `rcfs run` that are meant for the command
const PASSED_ON: [i32; 8] = [
    sys::SIGHUP,
    sys::SIGINT,
    sys::SIGQUIT,
    sys::SIGTERM,
    sys::SIGUSR1,
    sys::SIGUSR2,
    sys::SIGTSTP,
    sys::SIGCONT,
];

pub(crate) fn name(signal: i32) -> String {
    match usize::try_from(signal)
        .ok()
        .and_then(|number| NAMES.get(number.wrapping_sub(1)))
    {
        Some(name) => format!("SIG{name}"),
        None => format!("signal {signal}"),
    }
}

/// A name, with or without `SIG`, or a number
pub(crate) fn parse(text: &str) -> Result<i32> {
    let upper = text.to_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    let number = NAMES
        .iter()
        .position(|known| *known == name)
        .map(|index| index as i32 + 1)
        .or_else(|| name.parse().ok().filter(|number| (1..=64).contains(number)));

    number.ok_or_else(|| {
        Error::usage(
            format!("there is no signal {text:?}"),
            format!("a number from 1 to 64, or one of {}", NAMES.join(" ")),
        )
    })
}

/// What to do with a signal that has arrived while the command runs
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Meant {
    /// A child has changed.
    Child,
    /// Pass the signal on to the command.
    PassOn(i32),
    /// The signal comes from the terminal, and the kernel has sent it to the command as well.
    Nothing,
}

pub(crate) fn meant(arrived: Arrived) -> Meant {
    match arrived {
        Arrived {
            signal: sys::SIGCHLD,
            ..
        } => Meant::Child,
        // After a hangup of the terminal, only the leader of the session is told, which may be this
        // process. Sending the signal twice does no harm.
        Arrived {
            signal: sys::SIGHUP,
            ..
        } => Meant::PassOn(sys::SIGHUP),
        // The command is in the same process group, and the kernel sends the signal to the whole
        // group.
        Arrived { code: 1.., .. } => Meant::Nothing,
        Arrived { signal, .. } => Meant::PassOn(signal),
    }
}

/// Signals that can be read
pub(crate) struct Signals {
    fd: OwnedFd,
    /// The signals that were blocked before
    mask: SignalSet,
    /// The previous action of SIGCHLD: a process that ignores it is not told of children.
    child: Disposition,
    /// The signals of ENDS that were not ignored. A blocked signal arrives even if it is ignored.
    ends: Vec<i32>,
}

impl Signals {
    /// The signals that `rcfs run` receives
    pub(crate) fn begin() -> Result<Self> {
        let mut signals = PASSED_ON.to_vec();

        signals.push(sys::SIGCHLD);
        Self::of(&signals)
    }

    pub(crate) fn of(signals: &[i32]) -> Result<Self> {
        let failed = |error| Error::io("signals cannot be blocked", &error);
        let child = sys::default_signal(sys::SIGCHLD);
        let mask = sys::block_signals(signals).map_err(failed)?;
        let fd = sys::signal_descriptor(signals).map_err(failed)?;

        let ends = ENDS
            .into_iter()
            .filter(|signal| !sys::is_ignored(*signal))
            .collect();

        Ok(Self {
            fd,
            mask,
            child,
            ends,
        })
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    pub(crate) fn next(&self) -> Option<Arrived> {
        sys::next_signal(self.fd()).ok().flatten()
    }

    /// Whether a signal ends `rcfs run` before the command has started, or after it has ended.
    pub(crate) fn is_end(&self, signal: i32) -> bool {
        self.ends.contains(&signal)
    }

    /// Restores all settings from the start of the program. Also for children.
    pub(crate) fn restore(&self) {
        sys::restore_signal(sys::SIGCHLD, self.child);
        sys::set_signal_mask(&self.mask);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers() {
        assert_eq!(name(9), "SIGKILL");
        assert_eq!(name(34), "signal 34");
        assert_eq!(name(0), "signal 0");
        for text in ["TERM", "sigterm", "15", "SIGTERM"] {
            assert_eq!(parse(text).unwrap(), 15);
        }
        assert_eq!(parse("SYS").unwrap(), 31);
        for text in ["", "0", "65", "TERMX", "-1"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_ignored_signal_is_no_end() {
        let before = sys::ignore_signal(sys::SIGQUIT);
        let signals = Signals::of(&[sys::SIGQUIT]).unwrap();

        sys::restore_signal(sys::SIGQUIT, before);
        signals.restore();
        assert!(!signals.is_end(sys::SIGQUIT));
        assert!(signals.is_end(sys::SIGTERM));
        assert!(!signals.is_end(sys::SIGUSR1));
    }

    #[test]
    fn what_the_terminal_sends_is_not_sent_twice() {
        let arrived = |signal, code| meant(Arrived { signal, code });

        // SI_KERNEL, SI_USER, SI_TKILL
        assert_eq!(arrived(sys::SIGINT, 0x80), Meant::Nothing);
        assert_eq!(arrived(sys::SIGHUP, 0x80), Meant::PassOn(sys::SIGHUP));
        assert_eq!(arrived(sys::SIGINT, 0), Meant::PassOn(sys::SIGINT));
        assert_eq!(arrived(sys::SIGTERM, -6), Meant::PassOn(sys::SIGTERM));
        assert_eq!(arrived(sys::SIGCHLD, 1), Meant::Child);
    }
}
