// SPDX-License-Identifier: GPL-2.0

//! `rcfs run`: a command in a container of its own, from its first instruction on.
//!
//! The process starts in the container of one hierarchy, by clone3(2) with `CLONE_INTO_CGROUP`. It
//! attaches itself to those of the other hierarchies before it executes the command, with
//! descriptors that its parent has opened. So the command is never outside, a failure is known
//! before the command exists, and no id is passed.

use crate::{
    args::{
        self,
        Arg,
        Args, //
    },
    container::Container,
    end,
    error::{
        Error,
        Result, //
    },
    explain, format,
    guardian::{
        Guardian,
        Made, //
    },
    limits::Limit,
    plan::Plan,
    report::{
        Ending,
        Report, //
    },
    signals::{
        self,
        Meant,
        Signals, //
    },
    stats::{
        self,
        Stats, //
    },
    sys::{
        self,
        Change,
        Forked,
        EBUSY,
        O_PATH,
        POLLIN, //
    },
    system::System,
    wait::{
        self,
        Waited, //
    },
};
use std::{
    ffi::OsString,
    fs::File,
    io,
    os::{
        fd::{
            AsFd,
            BorrowedFd, //
        },
        unix::{
            fs::OpenOptionsExt,
            net::UnixStream, //
        },
    },
    time::{
        Duration,
        Instant, //
    },
};

/// The exit status when `rcfs run` itself has failed, as for env(1) and timeout(1)
pub(crate) const OWN_FAILURE: i32 = 125;

/// The time after which a message says which container the end waits for
const PATIENCE: Duration = Duration::from_secs(2);

#[derive(Default)]
struct Options {
    limits: Vec<Limit>,
    name: Option<OsString>,
    controllers: Option<Vec<String>>,
    keep: bool,
    time: bool,
    json: bool,
    output: Option<OsString>,
    command: Vec<OsString>,
}

impl Options {
    fn parse(mut args: Args) -> Result<Self> {
        let mut options = Self::default();

        let first = loop {
            match args.next()? {
                None => break None,
                Some(Arg::Word(word)) => break Some(word),
                Some(Arg::Option(name)) => match name.as_str() {
                    "-l" | "--limit" => options.limits.push(Limit::parse(&args.text()?)?),
                    "--name" => options.name = Some(args.value()?),
                    "-c" | "--controllers" => {
                        let list = args.text()?;

                        options
                            .controllers
                            .get_or_insert_with(Vec::new)
                            .extend(list.split(',').map(str::to_owned));
                    }
                    "--keep" => options.keep = true,
                    "--time" => options.time = true,
                    "--json" => options.json = true,
                    "-o" | "--output" => options.output = Some(args.value()?),
                    name => return Err(args::unknown(name)),
                },
            }
        };
        options.command = args.into_command(first);
        if options.command.is_empty() {
            return Err(Error::usage(
                "run needs a command",
                "rcfs run [OPTION…] -- CMD [ARG…]; rcfs run --help describes the options",
            ));
        }
        Ok(options)
    }
}

pub(crate) fn main(args: Args) -> Result<i32> {
    let options = Options::parse(args)?;
    let command = sys::Command::new(&options.command)
        .ok_or_else(|| Error::usage("the command contains a NUL", "correct it"))?;
    let system = System::read_mounted()?;
    let plan = Plan::new(
        &system,
        options.limits.clone(),
        options.name.as_deref(),
        options.controllers.as_deref(),
    )?;
    // This may wait for a reader until a signal arrives. The guardian closes its copy.
    let output = open_output(&options)?;
    let signals = Signals::begin()?;
    let (guardian, made) = Guardian::start(&plan)?;
    let containers: Vec<_> = made.iter().map(|made| made.container.clone()).collect();
    let outcome = launch(&containers, &command, &signals);
    let was_executed = matches!(
        &outcome,
        Ok(Launched::Ended { ending, .. }) if !matches!(ending, Ending::NotExecuted(_))
    );

    // What is left is killed, and the usage is complete only after that.
    let left = count_processes(&made);
    let mut stats = None;
    let is_gone = if options.keep && was_executed {
        stats = Some(stats_of(&made));
        true
    } else {
        remove(&made, &signals, &mut stats)
    };

    if is_gone {
        guardian.dismiss();
    }
    // Otherwise the guardian continues after this process has ended.
    let (ending, wall, overruled) = match outcome? {
        Launched::NotBegun(signal) => return Ok(128 + signal),
        Launched::Ended {
            ending,
            wall,
            overruled,
        } => (ending, wall, overruled),
    };
    let report = Report {
        containers: &containers,
        command: &options.command,
        ending,
        wall,
        stats: Stats {
            overruled,
            ..stats.unwrap_or_default()
        },
        left,
        kept: options.keep && was_executed,
    };

    tell(&report, &options, output)?;
    Ok(ending.status())
}

fn open_output(options: &Options) -> Result<Option<File>> {
    options
        .output
        .as_ref()
        .map(|path| {
            File::create(path).map_err(|error| {
                Error::io(
                    format!(
                        "{}: cannot be written",
                        format::printable(&path.to_string_lossy())
                    ),
                    &error,
                )
            })
        })
        .transpose()
}

fn tell(report: &Report<'_>, options: &Options, output: Option<File>) -> Result<()> {
    let mut text = String::new();

    if let Ending::NotExecuted(errno) = report.ending {
        Error::io(
            format!(
                "{}: cannot be executed",
                format::printable(&options.command[0].to_string_lossy())
            ),
            &io::Error::from_raw_os_error(errno),
        )
        .print();
    }
    for warning in report.warnings() {
        format::complain(&warning);
    }
    if options.time {
        text += &report.text();
    }
    if options.json {
        text += &format!("{}\n", report.json());
    }
    match output {
        Some(file) => format::write_without_signal(file, &text)
            .map_err(|error| Error::io("the report cannot be written", &error)),
        None => {
            format::complain(&text);
            Ok(())
        }
    }
}

/// The result of the launch
enum Launched {
    /// This signal has arrived before the command was started.
    NotBegun(i32),
    Ended {
        ending: Ending,
        wall: Duration,
        overruled: Option<u64>,
    },
}

/// Starts the command in the first container, and waits until it ends.
fn launch(
    containers: &[Container<'_>],
    command: &sys::Command,
    signals: &Signals,
) -> Result<Launched> {
    let (first, others) = containers.split_first().ok_or_else(no_container)?;
    let birthplace = File::options()
        .read(true)
        .custom_flags(O_PATH)
        .open(&first.dir)
        .map_err(|error| explain::birth(first, &error))?;
    let places = others
        .iter()
        .map(|container| {
            File::options()
                .write(true)
                .open(container.dir.join("procs"))
                .map_err(|error| explain::attach(container, "procs", 0, &error))
        })
        .collect::<Result<Vec<_>>>()?;
    let cpu_stat = containers
        .iter()
        .find(|container| container.tree.has("cpu"))
        .and_then(|container| File::open(container.dir.join("cpu.stat")).ok());
    let failed = |error| Error::io("a socket cannot be made", &error);
    let (told, tell) = UnixStream::pair().map_err(failed)?;
    let (told_stat, tell_stat) = UnixStream::pair().map_err(failed)?;

    while let Some(arrived) = signals.next() {
        if signals.is_end(arrived.signal) {
            return Ok(Launched::NotBegun(arrived.signal));
        }
    }
    let begin = Instant::now();

    match sys::fork_into(birthplace.as_fd()).map_err(|error| explain::birth(first, &error))? {
        Forked::Child => become_command(
            &places,
            cpu_stat.as_ref(),
            command,
            signals,
            tell.as_fd(),
            tell_stat.as_fd(),
        ),
        Forked::Parent(pid) => {
            drop((tell, tell_stat));
            let mut child = Child {
                pid,
                told: Some((told, told_stat)),
                failure: None,
                overruled: None,
            };
            let ending = child.watch(signals)?;

            match child.failure {
                Some(Failure {
                    stage: Stage::Place(number),
                    errno,
                }) => Err(others.get(number).map_or_else(no_container, |container| {
                    explain::attach(
                        container,
                        "procs",
                        pid,
                        &io::Error::from_raw_os_error(errno),
                    )
                })),
                Some(Failure { errno, .. }) => Ok(Launched::Ended {
                    ending: Ending::NotExecuted(errno),
                    wall: begin.elapsed(),
                    overruled: None,
                }),
                None => Ok(Launched::Ended {
                    ending,
                    wall: begin.elapsed(),
                    overruled: child.overruled,
                }),
            }
        }
    }
}

fn no_container() -> Error {
    Error::new(
        "there is no container for the command",
        "no hierarchy is mounted",
    )
}

/// Longer than any `cpu.stat`
const STAT_LENGTH: usize = 512;

/// The part of the child, which may only use system calls
fn become_command(
    places: &[File],
    cpu_stat: Option<&File>,
    command: &sys::Command,
    signals: &Signals,
    tell: BorrowedFd<'_>,
    tell_stat: BorrowedFd<'_>,
) -> ! {
    for (number, place) in places.iter().enumerate() {
        if let Err(errno) = sys::write_fd(place.as_fd(), b"0\n") {
            let _ = sys::write_fd(tell, &Failure::placing(number, errno).to_bytes());
            sys::exit_now(OWN_FAILURE);
        }
    }
    // cpu.stat only counts tasks that are present, and the command may end at once. So read it
    // here.
    if let Some(file) = cpu_stat {
        let mut text = [0; STAT_LENGTH];
        let length = sys::read_some(file, &mut text).unwrap_or(0);

        let _ = sys::write_fd(tell_stat, &text[..length]);
    }
    signals.restore();
    let errno = command.execute();
    let _ = sys::write_fd(tell, &Failure::executing(errno).to_bytes());

    sys::exit_now(OWN_FAILURE);
}

/// Where the child has failed
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// In the container with this index after the first one
    Place(usize),
    Execute,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Failure {
    stage: Stage,
    errno: i32,
}

impl Failure {
    fn placing(number: usize, errno: i32) -> Self {
        Self {
            stage: Stage::Place(number),
            errno,
        }
    }

    fn executing(errno: i32) -> Self {
        Self {
            stage: Stage::Execute,
            errno,
        }
    }

    fn to_bytes(self) -> [u8; 8] {
        let number = match self.stage {
            Stage::Place(number) => number as u32,
            Stage::Execute => u32::MAX,
        };
        let mut bytes = [0; 8];

        bytes[..4].copy_from_slice(&number.to_ne_bytes());
        bytes[4..].copy_from_slice(&self.errno.to_ne_bytes());
        bytes
    }

    /// None if the command was executed
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let number = u32::from_ne_bytes(bytes.get(..4)?.try_into().ok()?);
        let errno = i32::from_ne_bytes(bytes.get(4..8)?.try_into().ok()?);

        Some(match number {
            u32::MAX => Self::executing(errno),
            number => Self::placing(number as usize, errno),
        })
    }
}

/// The child, from the side of its parent
struct Child {
    pid: i32,
    /// The streams for its failure and its `cpu.stat`, until it has executed the command or failed
    told: Option<(UnixStream, UnixStream)>,
    failure: Option<Failure>,
    overruled: Option<u64>,
}

impl Child {
    /// Passes on signals until the child ends.
    fn watch(&mut self, signals: &Signals) -> Result<Ending> {
        loop {
            let [signalled, told] = sys::wait_for(
                [
                    Some((signals.fd(), POLLIN)),
                    self.told.as_ref().map(|(told, _)| (told.as_fd(), POLLIN)),
                ],
                None,
            )
            .map_err(|error| Error::io("the command cannot be waited for", &error))?;

            if told {
                self.read_told();
            }
            while let Some(arrived) = signalled.then(|| signals.next()).flatten() {
                match signals::meant(arrived) {
                    Meant::Nothing => {}
                    Meant::PassOn(signal) => {
                        let _ = sys::kill(self.pid, signal);
                    }
                    Meant::Child => {
                        if let Some(ending) = self.look() {
                            self.read_told();
                            return Ok(ending);
                        }
                    }
                }
            }
        }
    }

    /// How the child has ended, if it has. If it was stopped, this process stops as well, because
    /// the shell waits for it.
    fn look(&self) -> Option<Ending> {
        loop {
            match sys::changed(self.pid) {
                Ok(Some(Change::Stopped(signal))) => {
                    if matches!(signal, sys::SIGTSTP | sys::SIGTTIN | sys::SIGTTOU) {
                        let _ = sys::kill(std::process::id() as i32, signal);
                        sys::deliver(signal);
                    }
                }
                Ok(Some(change)) => return Some(Ending::from_change(change)),
                Ok(None) | Err(_) => return None,
            }
        }
    }

    /// The end of the streams: execve(2) closes the descriptors. Otherwise there is a failure to
    /// read.
    fn read_told(&mut self) {
        if let Some((told, told_stat)) = self.told.take() {
            let mut bytes = [0; 8];
            let length = sys::read_some(&told, &mut bytes).unwrap_or(0);

            self.failure = Failure::from_bytes(&bytes[..length]);
            let mut text = [0; STAT_LENGTH];
            let length = sys::read_some(&told_stat, &mut text).unwrap_or(0);

            self.overruled = stats::overruled(&String::from_utf8_lossy(&text[..length]));
        }
    }
}

fn stats_of(made: &[Made<'_>]) -> Stats {
    made.iter()
        .filter(|made| made.is_there())
        .map(|made| Stats::of(&made.container))
        .fold(Stats::default(), Stats::or)
}

/// The number of processes in the first container and below
fn count_processes(made: &[Made<'_>]) -> u64 {
    made.first()
        .filter(|made| made.is_there())
        .map_or(0, |made| {
            made.container
                .walk()
                .iter()
                .map(|container| container.ids("procs").len() as u64)
                .sum()
        })
}

/// Kills all processes that are left, records the usage, and removes the containers. Returns false
/// if this fails, or if a signal interrupts the wait: then the guardian goes on.
fn remove(made: &[Made<'_>], signals: &Signals, stats: &mut Option<Stats>) -> bool {
    let mut last = None;

    for _ in 0..end::ATTEMPTS {
        let there: Vec<_> = made.iter().filter(|made| made.is_there()).collect();

        if there.is_empty() {
            return true;
        }
        if let Err(error) = there.iter().try_for_each(|made| made.kill()) {
            error.print();
            return false;
        }
        if !there.iter().all(|made| wait_for_end(made, signals)) {
            return false;
        }
        // What an attempt before this one has removed keeps its part.
        *stats = Some(stats_of(made).or(stats.take().unwrap_or_default()));
        for made in there {
            match made.remove() {
                Ok(()) => {}
                // A task has entered since the container was empty. If it is busy for ever,
                // something is mounted on the container or below.
                Err(busy) if busy.error.raw_os_error() == Some(EBUSY) => last = Some(busy),
                Err(busy) => {
                    busy.explained.print();
                    return false;
                }
            }
        }
    }
    if let Some(busy) = last {
        busy.explained.print();
    }
    false
}

/// Waits for the last task of a killed container. After a while, a message says so.
fn wait_for_end(made: &Made<'_>, signals: &Signals) -> bool {
    let container = &made.container;
    let mut deadline = Some(Instant::now() + PATIENCE);

    loop {
        match wait::until_empty(container, deadline, Some(signals.fd()), || made.kill()) {
            Ok(Waited::Empty) => return true,
            Ok(Waited::TimedOut) => {
                let key = if signals.is_end(sys::SIGINT) {
                    "Ctrl-C"
                } else {
                    "SIGTERM"
                };

                deadline = None;
                format::complain(&format!(
                    "rcfs: {}: waiting for {} to end; {key} leaves this to the guardian \
                     process\n",
                    container.name(),
                    format::processes(count_processes(std::slice::from_ref(made))),
                ));
            }
            Ok(Waited::Interrupted) => {
                while let Some(arrived) = signals.next() {
                    if signals.is_end(arrived.signal) {
                        return false;
                    }
                }
            }
            Err(error) => {
                error.print();
                return false;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(words: &[&str]) -> Result<Options> {
        Options::parse(Args::new(words.iter().map(OsString::from).collect()))
    }

    #[test]
    fn options_end_with_the_command() {
        let options = options(&[
            "-l",
            "pids.max=64",
            "--limit=cpu.shares=5",
            "--name",
            "x",
            "-ccpu,pids",
            "--time",
            "make",
            "--json",
            "-j",
        ])
        .unwrap();

        assert_eq!(options.limits.len(), 2);
        assert_eq!(options.name.unwrap(), "x");
        assert_eq!(options.controllers.unwrap(), ["cpu", "pids"]);
        assert!(options.time && !options.json && !options.keep);
        assert_eq!(options.command, ["make", "--json", "-j"]);
    }

    #[test]
    fn two_dashes_in_front_of_the_command() {
        assert_eq!(options(&["--json", "--", "-x"]).unwrap().command, ["-x"]);
        assert_eq!(options(&["--", "a", "--"]).unwrap().command, ["a", "--"]);
        for words in [&[][..], &["--"], &["--keep"]] {
            assert_eq!(options(words).err().unwrap().what, "run needs a command");
        }
    }

    #[test]
    fn failures_are_told() {
        for failure in [Failure::placing(3, 13), Failure::executing(2)] {
            assert_eq!(Failure::from_bytes(&failure.to_bytes()), Some(failure));
        }
        assert_eq!(Failure::from_bytes(&[]), None);
    }
}
