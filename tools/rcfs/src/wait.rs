// SPDX-License-Identifier: GPL-2.0

//! Waiting for a container to become empty.

use crate::{
    container::Container,
    error::{
        Error,
        Result, //
    },
    sys::{
        self,
        ENODEV,
        ENOENT,
        POLLIN,
        POLLPRI, //
    },
};
use std::{
    fs::File,
    io::{
        self,
        Read,
        Seek, //
    },
    os::fd::{
        AsFd,
        BorrowedFd, //
    },
    time::{
        Duration,
        Instant, //
    },
};

/// How waiting has ended
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waited {
    /// No task is in the container, nor in one below; or it has been removed.
    Empty,
    /// The time is up.
    TimedOut,
    /// There is something to read from the other descriptor.
    Interrupted,
}

/// The moment at which a time that begins now is up. None if that never happens.
pub(crate) fn deadline(timeout: Option<Duration>) -> Option<Instant> {
    timeout.and_then(|timeout| Instant::now().checked_add(timeout))
}

/// Wait until no task is in the container, nor in one below.
pub(crate) fn until_empty(
    container: &Container<'_>,
    deadline: Option<Instant>,
    interrupt: Option<BorrowedFd<'_>>,
) -> Result<Waited> {
    watch(container, deadline, interrupt).or_else(|error| match error.raw_os_error() {
        Some(ENOENT | ENODEV) => Ok(Waited::Empty),
        _ => Err(Error::io(
            format!("{}/empty: cannot be watched", container.name()),
            &error,
        )),
    })
}

fn watch(
    container: &Container<'_>,
    deadline: Option<Instant>,
    interrupt: Option<BorrowedFd<'_>>,
) -> io::Result<Waited> {
    let mut file = File::open(container.dir.join("empty"))?;

    loop {
        let mut text = String::new();

        // The kernel notes with this read what is news for the next poll().
        file.rewind()?;
        file.read_to_string(&mut text)?;
        if text.trim() == "1" {
            return Ok(Waited::Empty);
        }
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));

        if left == Some(Duration::ZERO) {
            return Ok(Waited::TimedOut);
        }
        let [_, interrupted] = sys::wait_for(
            [
                Some((file.as_fd(), POLLPRI)),
                interrupt.map(|fd| (fd, POLLIN)),
            ],
            left,
        )?;

        if interrupted {
            return Ok(Waited::Interrupted);
        }
    }
}

/// Ask again and again, for what no file tells, with pauses that grow to a twentieth of a second.
/// False if the time is up.
pub(crate) fn until(deadline: Option<Instant>, mut done: impl FnMut() -> bool) -> bool {
    let mut pause = Duration::from_millis(1);

    loop {
        if done() {
            return true;
        }
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return false;
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::tests::Folder;
    use std::{
        io::Write,
        os::unix::net::UnixStream, //
    };

    #[test]
    fn what_is_empty_or_gone() {
        let folder = Folder::new(&[("empty", "1\n")]);
        let tree = folder.tree("pids");
        let root = Container::new(&tree, "/".into()).unwrap();

        assert_eq!(until_empty(&root, None, None).unwrap(), Waited::Empty);
        assert_eq!(
            until_empty(&root.child("x"), None, None).unwrap(),
            Waited::Empty
        );
    }

    #[test]
    fn what_is_not() {
        let folder = Folder::new(&[("empty", "0\n")]);
        let tree = folder.tree("pids");
        let root = Container::new(&tree, "/".into()).unwrap();
        let (ours, mut theirs) = UnixStream::pair().unwrap();

        assert_eq!(
            until_empty(&root, Some(Instant::now()), None).unwrap(),
            Waited::TimedOut
        );
        theirs.write_all(b"x").unwrap();
        assert_eq!(
            until_empty(&root, None, Some(ours.as_fd())).unwrap(),
            Waited::Interrupted
        );
    }

    #[test]
    fn deadlines() {
        assert!(deadline(Some(Duration::from_secs(1))).unwrap() > Instant::now());
        assert!(deadline(Some(Duration::MAX)).is_none());
        assert!(deadline(None).is_none());
    }

    #[test]
    fn asking_again() {
        let mut times = 0;

        assert!(until(None, || {
            times += 1;
            times == 3
        }));
        assert!(!until(Some(Instant::now()), || false));
    }
}
