// SPDX-License-Identifier: GPL-2.0

//! The guardian: a process that makes the containers of `rcfs run`, and removes them if `rcfs run`
//! is killed.
//!
//! It is a child in a session of its own, outside of the containers, so that neither a signal from
//! the terminal nor the end of the containers reaches it. It makes the containers itself. So it
//! knows which containers it has made, and which existed before, whenever `rcfs run` is killed. It
//! waits for the end of `rcfs run` with a descriptor of that process. Children cannot keep this
//! descriptor open, as they could keep a pipe. Normally `rcfs run` removes the containers itself,
//! and ends the guardian.
//!
//! The guardian does not outlive its pid namespace. If `rcfs run` is process 1 of that namespace
//! and is killed, the containers stay.

use crate::{
    container::Container,
    end::{
        self,
        Busy, //
    },
    error::{
        Error,
        Result, //
    },
    explain,
    plan::Plan,
    sys::{
        self,
        Forked,
        EBUSY,
        EEXIST,
        ENODEV,
        ENOENT,
        O_PATH,
        POLLIN, //
    },
    wait,
};
use std::{
    env,
    fs::{
        self,
        File, //
    },
    io::{
        self,
        Read,
        Write, //
    },
    os::{
        fd::{
            AsFd,
            AsRawFd,
            OwnedFd, //
        },
        unix::{
            fs::{
                MetadataExt,
                OpenOptionsExt, //
            },
            net::UnixStream, //
        },
    },
    path::{
        Path,
        PathBuf, //
    },
    process,
};

/// How many names are tried before giving up
const NAMES: u32 = 100;

/// The guardian, from the side of `rcfs run`
pub(crate) struct Guardian {
    pid: i32,
}

impl Guardian {
    /// Starts it, and lets it make the containers of the plan.
    pub(crate) fn start<'a>(plan: &Plan<'a>) -> Result<(Self, Vec<Made<'a>>)> {
        let failed = |error| Error::io("the guardian process cannot be started", &error);
        let own = sys::pidfd_open(process::id() as i32).map_err(failed)?;
        let (mut ours, theirs) = UnixStream::pair().map_err(failed)?;

        match sys::fork_process().map_err(failed)? {
            Forked::Child => {
                drop(ours);
                watch_over(plan, own, theirs);
                sys::exit_now(0);
            }
            Forked::Parent(pid) => {
                let mut told = Vec::new();

                drop(theirs);
                ours.read_to_end(&mut told).map_err(failed)?;
                match Message::from_bytes(&told) {
                    Some(Message::Made(attempt, ids)) => plan
                        .named(attempt)
                        .into_iter()
                        .zip(ids)
                        .map(|(container, id)| Made::find(container, id))
                        .collect::<Result<_>>()
                        .map(|made| (Self { pid }, made)),
                    Some(Message::Failed(error)) => {
                        let _ = sys::reap(pid);
                        Err(error)
                    }
                    None => Err(Error::new(
                        "the guardian process ended before it had made the containers",
                        format!("{:?}", sys::reap(pid)),
                    )),
                }
            }
        }
    }

    /// Ends it, when its containers have been removed.
    pub(crate) fn dismiss(self) {
        // It may have been killed already.
        let _ = sys::kill(self.pid, sys::SIGKILL);
        let _ = sys::reap(self.pid);
    }
}

/// A message of the guardian to `rcfs run`
#[derive(Debug, PartialEq, Eq)]
enum Message {
    /// All containers are there, with the names of this attempt and these ids.
    Made(u32, Vec<Id>),
    Failed(Error),
}

impl Message {
    fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Made(attempt, ids) => ids
                .iter()
                .fold(format!("made\0{attempt}"), |text, Id { device, inode }| {
                    format!("{text}\0{device}:{inode}")
                }),
            Self::Failed(error) => format!(
                "failed\0{}\0{}\0{}\0{}\0{}",
                error.status,
                error.errno,
                error.what,
                error.why,
                error.remedy.as_deref().unwrap_or_default()
            ),
        }
        .into_bytes()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(bytes);
        let mut parts = text.split('\0');

        match parts.next()? {
            "made" => Some(Self::Made(
                parts.next()?.parse().ok()?,
                parts
                    .map(|id| {
                        let (device, inode) = id.split_once(':')?;

                        Some(Id {
                            device: device.parse().ok()?,
                            inode: inode.parse().ok()?,
                        })
                    })
                    .collect::<Option<_>>()?,
            )),
            "failed" => {
                let (status, errno) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
                let error = Error::new(parts.next()?, parts.next()?);
                let remedy = parts.next()?;

                Some(Self::Failed(Error {
                    status,
                    errno,
                    remedy: (!remedy.is_empty()).then(|| remedy.to_owned()),
                    ..error
                }))
            }
            _ => None,
        }
    }
}

/// What tells a directory from all others
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Id {
    device: u64,
    inode: u64,
}

/// A container that the guardian has made. It is reached by descriptors: its path may lead to a
/// container that another process has made later with the same name, or to another file system
/// that has been mounted there.
pub(crate) struct Made<'a> {
    pub(crate) container: Container<'a>,
    id: Id,
    above: File,
    _directory: File,
}

impl<'a> Made<'a> {
    /// Opens a container that is at its path.
    fn open(container: Container<'a>) -> io::Result<Self> {
        let open = |path: &Path| File::options().read(true).custom_flags(O_PATH).open(path);
        let above = open(container.dir.parent().unwrap_or(Path::new("/")))?;
        let directory = open(&path_of(&above).join(container.file_name()))?;
        let found = directory.metadata()?;

        Ok(Self {
            container: Container {
                dir: path_of(&directory),
                ..container
            },
            id: Id {
                device: found.dev(),
                inode: found.ino(),
            },
            above,
            _directory: directory,
        })
    }

    /// Opens a container that the guardian has made.
    fn find(container: Container<'a>, id: Id) -> Result<Self> {
        Self::open(container.clone())
            .and_then(|made| {
                if made.id == id {
                    Ok(made)
                } else {
                    // Another process has removed it.
                    Err(io::Error::from_raw_os_error(ENOENT))
                }
            })
            .map_err(|error| explain::birth(&container, &error))
    }

    /// Whether it has not been removed.
    pub(crate) fn is_there(&self) -> bool {
        let gone = |path: &Path| {
            matches!(fs::metadata(path),
                     Err(error) if matches!(error.raw_os_error(), Some(ENOENT | ENODEV)))
        };

        // The descriptor leads to a removed directory, too, unless /proc is missing.
        !gone(&self.container.dir.join("procs")) || gone(&self.container.dir)
    }

    /// Kills all processes in the container and below, if it is still there.
    pub(crate) fn kill(&self) -> Result<()> {
        match end::kill(&self.container) {
            Err(_) if !self.is_there() => Ok(()),
            result => result,
        }
    }

    /// Removes the container and all containers below, which must have no tasks.
    pub(crate) fn remove(&self) -> std::result::Result<(), Busy> {
        end::remove_below(&self.container)?;
        // rmdir(2) does not follow the link to a descriptor.
        match end::remove_at(
            &self.container,
            &path_of(&self.above).join(self.container.file_name()),
        ) {
            Err(_) if !self.is_there() => Ok(()),
            result => result,
        }
    }
}

/// The path that leads to an open directory
fn path_of(directory: &File) -> PathBuf {
    format!("/proc/self/fd/{}", directory.as_raw_fd()).into()
}

/// The main function of the guardian
fn watch_over(plan: &Plan<'_>, parent: OwnedFd, mut tell: UnixStream) {
    hide(&parent, &tell);
    let mut made = Vec::new();
    let message = match make_all(plan, &mut made) {
        Ok(attempt) => Message::Made(attempt, made.iter().map(|made| made.id).collect()),
        Err(error) => Message::Failed(error),
    };
    let has_failed = matches!(message, Message::Failed(_));

    if has_failed {
        clean(&made);
    }
    // If the message cannot be written, the parent has ended, which is detected below.
    let _ = tell.write_all(&message.to_bytes());
    drop(tell);
    if has_failed {
        return;
    }
    while !matches!(
        sys::wait_for([Some((parent.as_fd(), POLLIN))], None),
        Ok([true]) | Err(_)
    ) {}
    clean(&made);
}

/// Detaches the process from the terminal, from pipes, and from the file system.
fn hide(parent: &OwnedFd, tell: &UnixStream) {
    let _ = sys::new_session();
    for signal in [
        sys::SIGHUP,
        sys::SIGINT,
        sys::SIGQUIT,
        sys::SIGTERM,
        sys::SIGUSR1,
        sys::SIGUSR2,
        sys::SIGPIPE,
    ] {
        sys::ignore_signal(signal);
    }
    // Close all descriptors that rcfs run has inherited or opened, which the guardian does not use.
    let _ = sys::close_inherited(&[parent.as_fd(), tell.as_fd()]);
    if let Ok(null) = File::options().read(true).write(true).open("/dev/null") {
        for fd in 0..3 {
            let _ = sys::replace_descriptor(fd, null.as_fd());
        }
    }
    // Keep no other file system busy than those of the containers.
    let _ = env::set_current_dir("/");
    // The name in lists of processes
    let _ = fs::write("/proc/self/comm", "rcfs-guardian");
}

/// Makes the containers, with limits, and returns the attempt whose names were used. Containers are
/// recorded in `made` even if there is an error.
fn make_all<'a>(plan: &Plan<'a>, made: &mut Vec<Made<'a>>) -> Result<u32> {
    let mut attempt = 1;

    while let Err((container, error)) = make_directories(plan.named(attempt), made) {
        let is_taken = error.raw_os_error() == Some(EEXIST);

        if !is_taken || !plan.any_name || attempt == NAMES {
            return Err(explain::mkdir(&container, &error));
        }
        // All containers shall have the same name.
        clean(made);
        made.clear();
        attempt += 1;
    }
    for (planned, made) in plan.containers.iter().zip(made.iter()) {
        for limit in &planned.limits {
            made.container.write(&limit.file, &limit.value)?;
        }
    }
    Ok(attempt)
}

fn make_directories<'a>(
    containers: Vec<Container<'a>>,
    made: &mut Vec<Made<'a>>,
) -> std::result::Result<(), (Container<'a>, io::Error)> {
    for container in containers {
        let result = fs::create_dir(&container.dir).and_then(|()| {
            Made::open(container.clone()).inspect_err(|_| {
                let _ = fs::remove_dir(&container.dir);
            })
        });

        match result {
            Ok(new) => made.push(new),
            Err(error) => return Err((container, error)),
        }
    }
    Ok(())
}

/// End all tasks in the containers, and remove them.
fn clean(made: &[Made<'_>]) {
    for _ in 0..end::ATTEMPTS {
        let there: Vec<_> = made.iter().filter(|made| made.is_there()).collect();

        // The guardian waits for the tasks even if it cannot kill them.
        for made in &there {
            let _ = made.kill();
        }
        for made in &there {
            let kill_again = || {
                let _ = made.kill();
                Ok(())
            };
            let _ = wait::until_empty(&made.container, None, None, kill_again);
        }
        let mut is_busy = false;

        for made in there {
            // A task may have entered since the container was empty.
            is_busy |= matches!(made.remove(),
                                Err(busy) if busy.error.raw_os_error() == Some(EBUSY));
        }
        if !is_busy {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        container::tests::Folder,
        limits::Limit,
        plan::Planned, //
    };

    #[test]
    fn messages_arrive() {
        let messages = [
            Message::Made(7, vec![]),
            Message::Made(
                1,
                vec![
                    Id {
                        device: 12,
                        inode: u64::MAX,
                    },
                    Id {
                        device: 0,
                        inode: 3,
                    },
                ],
            ),
            Message::Failed(Error::new("what", "why").remedy("do\nthis")),
            Message::Failed(Error::new("what", "")),
        ];

        for message in messages {
            assert_eq!(Message::from_bytes(&message.to_bytes()), Some(message));
        }
        assert_eq!(Message::from_bytes(b""), None);
    }

    #[test]
    fn another_name_if_the_first_one_is_taken() {
        let folder = Folder::new(&[("run-5/tasks", ""), ("run-5-2/tasks", "")]);
        let tree = folder.tree("pids");
        let mut plan = Plan {
            containers: vec![Planned {
                tree: &tree,
                path: "/run-5".into(),
                limits: vec![],
            }],
            any_name: true,
        };
        let mut made = Vec::new();

        assert_eq!(make_all(&plan, &mut made), Ok(3));
        assert!(made[0].container.place().ends_with("run-5-3"));
        // A given name is not changed.
        plan.any_name = false;
        made.clear();
        assert_eq!(make_all(&plan, &mut made).unwrap_err().errno, EEXIST);
        assert!(made.is_empty());
    }

    #[test]
    fn what_was_made_is_noted_before_a_limit_fails() {
        let folder = Folder::new(&[("tasks", "")]);
        let tree = folder.tree("pids");
        let plan = Plan {
            containers: vec![Planned {
                tree: &tree,
                path: "/x".into(),
                limits: vec![Limit::parse("pids.max=5").unwrap()],
            }],
            any_name: false,
        };
        let mut made = Vec::new();

        assert!(make_all(&plan, &mut made).is_err());
        assert_eq!(made.len(), 1);
        // A container that another process has made with that name is another one.
        let (ours, place) = (&made[0], made[0].container.place());

        fs::write(place.join("procs"), "").unwrap();
        assert!(ours.is_there());
        fs::rename(&place, place.with_extension("old")).unwrap();
        fs::create_dir(&place).unwrap();
        assert!(ours.is_there());
        assert!(Made::find(plan.named(1).remove(0), ours.id).is_err());
        fs::remove_dir(&place).unwrap();
        fs::rename(place.with_extension("old"), &place).unwrap();
        assert!(Made::find(plan.named(1).remove(0), ours.id).is_ok());
        fs::remove_file(place.join("procs")).unwrap();
        assert!(!ours.is_there());
        assert_eq!(ours.kill(), Ok(()));
        assert!(ours.remove().is_ok());
        assert!(!place.exists());
    }
}
