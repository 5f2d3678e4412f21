// SPDX-License-Identifier: GPL-2.0

//! Waiting until a container becomes empty after its tasks were killed.

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

/// The time between two kills: it doubles each time, up to a maximum
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const MOST_PAUSE: Duration = Duration::from_secs(1);

/// The result of a wait
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waited {
    /// No task is in the container and below, or the container has been removed.
    Empty,
    /// The time has expired.
    TimedOut,
    /// The other descriptor is readable.
    Interrupted,
}

/// The moment at which the time expires. None if it never does.
pub(crate) fn deadline(timeout: Option<Duration>) -> Option<Instant> {
    timeout.and_then(|timeout| Instant::now().checked_add(timeout))
}

/// Waits until no task is in the container and below. `kill_again` is called repeatedly: a kill
/// does not reach a task that is moved or launched into the container later.
pub(crate) fn until_empty(
    container: &Container<'_>,
    deadline: Option<Instant>,
    interrupt: Option<BorrowedFd<'_>>,
    mut kill_again: impl FnMut() -> Result<()>,
) -> Result<Waited> {
    let failed = |error: io::Error| match error.raw_os_error() {
        Some(ENOENT | ENODEV) => Ok(Waited::Empty),
        _ => Err(Error::io(
            format!("{}/empty: cannot be watched", container.name()),
            &error,
        )),
    };
    // Opened once: another container with the same name does not count.
    let mut file = match File::open(container.dir.join("empty")) {
        Ok(file) => file,
        Err(error) => return failed(error),
    };
    let mut pause = FIRST_PAUSE;

    loop {
        let next = Instant::now() + pause;
        let until = deadline.map_or(next, |deadline| deadline.min(next));

        match watch(&mut file, until, interrupt) {
            Ok(Waited::TimedOut) if deadline != Some(until) => {
                kill_again()?;
                pause = (pause * 2).min(MOST_PAUSE);
            }
            Ok(waited) => return Ok(waited),
            Err(error) => return failed(error),
        }
    }
}

fn watch(
    file: &mut File,
    deadline: Instant,
    interrupt: Option<BorrowedFd<'_>>,
) -> io::Result<Waited> {
    loop {
        let mut text = String::new();

        // This read tells the kernel which state the next poll() is relative to.
        file.rewind()?;
        file.read_to_string(&mut text)?;
        if text.trim() == "1" {
            return Ok(Waited::Empty);
        }
        let left = deadline.saturating_duration_since(Instant::now());

        if left.is_zero() {
            return Ok(Waited::TimedOut);
        }
        let [_, interrupted] = sys::wait_for(
            [
                Some((file.as_fd(), POLLPRI)),
                interrupt.map(|fd| (fd, POLLIN)),
            ],
            Some(left),
        )?;

        if interrupted {
            return Ok(Waited::Interrupted);
        }
    }
}

/// Polls a condition that no file reports, with pauses up to a twentieth of a second. Returns false
/// if the time has expired.
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
        fs,
        io::Write,
        os::unix::net::UnixStream, //
    };

    fn not_again() -> Result<()> {
        panic!("an unexpected kill");
    }

    #[test]
    fn what_is_empty_or_gone() {
        let folder = Folder::new(&[("empty", "1\n")]);
        let tree = folder.tree("pids");
        let root = Container::new(&tree, "/".into()).unwrap();

        for container in [&root, &root.child("x")] {
            assert_eq!(
                until_empty(container, None, None, not_again).unwrap(),
                Waited::Empty
            );
        }
    }

    #[test]
    fn what_is_not() {
        let folder = Folder::new(&[("empty", "0\n")]);
        let tree = folder.tree("pids");
        let root = Container::new(&tree, "/".into()).unwrap();
        let (ours, mut theirs) = UnixStream::pair().unwrap();

        assert_eq!(
            until_empty(&root, Some(Instant::now()), None, not_again).unwrap(),
            Waited::TimedOut
        );
        theirs.write_all(b"x").unwrap();
        assert_eq!(
            until_empty(&root, None, Some(ours.as_fd()), not_again).unwrap(),
            Waited::Interrupted
        );
    }

    #[test]
    fn later_tasks_are_killed() {
        let folder = Folder::new(&[("empty", "0\n")]);
        let tree = folder.tree("pids");
        let root = Container::new(&tree, "/".into()).unwrap();
        let begin = Instant::now();
        let mut times = 0;
        let waited = until_empty(&root, None, None, || {
            times += 1;
            if times == 2 {
                fs::write(root.dir.join("empty"), "1\n").unwrap();
            }
            Ok(())
        });

        assert_eq!((waited.unwrap(), times), (Waited::Empty, 2));
        assert!(begin.elapsed() >= FIRST_PAUSE * 3);
    }

    #[test]
    fn no_kill_when_the_time_is_up() {
        let folder = Folder::new(&[("empty", "0\n")]);
        let tree = folder.tree("pids");
        let root = Container::new(&tree, "/".into()).unwrap();
        let mut times = 0;
        let waited = until_empty(&root, deadline(Some(FIRST_PAUSE * 2)), None, || {
            times += 1;
            Ok(())
        });

        assert_eq!((waited.unwrap(), times), (Waited::TimedOut, 1));
    }

    #[test]
    fn a_kill_that_fails_ends_the_waiting() {
        let folder = Folder::new(&[("empty", "0\n")]);
        let tree = folder.tree("pids");
        let root = Container::new(&tree, "/".into()).unwrap();
        let waited = until_empty(&root, None, None, || Err(Error::new("kill", "")));

        assert_eq!(waited.unwrap_err().what, "kill");
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
