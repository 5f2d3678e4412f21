// SPDX-License-Identifier: GPL-2.0

//! `rcfs top`: the busiest containers, live.

use crate::{
    args::{
        self,
        Arg,
        Args, //
    },
    container::Container,
    error::{
        Error,
        Result, //
    },
    format::{
        self,
        Side, //
    },
    json::Json,
    resolve,
    screen::Screen,
    signals::Signals,
    stats::Stats,
    sys::{
        self,
        POLLIN, //
    },
    system::{
        show,
        System, //
    },
};
use std::{
    cmp::Reverse,
    collections::HashMap,
    ffi::OsString,
    path::PathBuf,
    time::{
        Duration,
        Instant, //
    },
};

const SIGNALS: [i32; 6] = [
    sys::SIGHUP,
    sys::SIGINT,
    sys::SIGQUIT,
    sys::SIGTERM,
    sys::SIGTSTP,
    sys::SIGWINCH,
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Cpu,
    Tasks,
    Time,
    Name,
}

struct Options {
    paths: Vec<OsString>,
    iterations: Option<u64>,
    delay: Duration,
    batch: bool,
    json: bool,
    order: Order,
}

impl Options {
    fn parse(mut args: Args) -> Result<Self> {
        let mut options = Self {
            paths: Vec::new(),
            iterations: None,
            delay: Duration::from_secs(1),
            batch: false,
            json: false,
            order: Order::Cpu,
        };

        while let Some(arg) = args.next()? {
            match arg {
                Arg::Word(path) => options.paths.push(path),
                Arg::Option(name) => match name.as_str() {
                    "-n" | "--iterations" => options.iterations = Some(args.number()?),
                    "-d" | "--delay" => options.delay = args.seconds()?,
                    "-b" | "--batch" => options.batch = true,
                    "--once" => {
                        options.batch = true;
                        options.iterations = Some(1);
                    }
                    "--json" => options.json = true,
                    "--sort" => {
                        let name = args.text()?;

                        options.order = match name.as_str() {
                            "cpu" => Order::Cpu,
                            "tasks" => Order::Tasks,
                            "time" => Order::Time,
                            "name" => Order::Name,
                            _ => {
                                return Err(Error::usage(
                                    format!("--sort has no order {name:?}"),
                                    "cpu, tasks, time or name",
                                ))
                            }
                        };
                    }
                    name => return Err(args::unknown(name)),
                },
            }
        }
        if options.json && !options.batch {
            return Err(Error::usage(
                "--json needs --once or --batch",
                "rcfs top --once --json",
            ));
        }
        if options.delay.is_zero() {
            return Err(Error::usage(
                "--delay needs more than 0 seconds",
                "0.1, for example",
            ));
        }
        if options.paths.is_empty() {
            options.paths.push("/".into());
        }
        Ok(options)
    }
}

pub(crate) fn main(args: Args) -> Result<i32> {
    let options = Options::parse(args)?;

    if options.batch {
        batch(&options)
    } else {
        live(&options)
    }
}

/// The state of a container at one moment
#[derive(Debug, Clone)]
struct Sample {
    stats: Stats,
    tasks: u64,
}

/// All containers at one moment
struct Snapshot {
    when: Instant,
    samples: HashMap<PathBuf, Sample>,
}

impl Snapshot {
    fn take(options: &Options) -> Result<Self> {
        let system = System::read_mounted()?;
        let tops = resolve::all_existing(&options.paths, &system)?;
        let when = Instant::now();
        let samples = tops
            .iter()
            .flat_map(Container::walk)
            .map(|container| {
                let name = if system.trees.len() > 1 {
                    container.dir.clone()
                } else {
                    container.path.clone()
                };
                let sample = Sample {
                    stats: Stats::of(&container),
                    tasks: container.ids("tasks").len() as u64,
                };

                (name, sample)
            })
            .collect();

        Ok(Self { when, samples })
    }
}

/// A line of the table
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    name: PathBuf,
    tasks: u64,
    /// The usage between two snapshots, and the time between them
    used_ns: Option<u64>,
    throttled_ns: Option<u64>,
    wall_ns: u64,
    total_ns: Option<u64>,
    peak: Option<u64>,
}

fn rows(before: &Snapshot, now: &Snapshot, order: Order) -> Vec<Row> {
    let wall_ns = now.when.duration_since(before.when).as_nanos() as u64;
    let mut rows: Vec<_> = now
        .samples
        .iter()
        .map(|(name, sample)| {
            let old = before.samples.get(name);
            // A new container has used all of it since the last snapshot. It may have replaced one
            // of the same name with a higher usage.
            let grown = |value: fn(&Stats) -> Option<u64>| {
                let new = value(&sample.stats)?;
                let old = old.and_then(|old| value(&old.stats)).unwrap_or(0);

                Some(new.checked_sub(old).unwrap_or(new))
            };

            Row {
                name: name.clone(),
                tasks: sample.tasks,
                used_ns: grown(|stats| stats.cpu_ns),
                throttled_ns: grown(|stats| stats.throttled_ns),
                wall_ns,
                total_ns: sample.stats.cpu_ns,
                peak: sample.stats.tasks_peak,
            }
        })
        .collect();

    // By name if all else is equal, so that the order of lines is stable.
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    match order {
        Order::Cpu => rows.sort_by_key(|row| Reverse(row.used_ns)),
        Order::Tasks => rows.sort_by_key(|row| Reverse(row.tasks)),
        Order::Time => rows.sort_by_key(|row| Reverse(row.total_ns)),
        Order::Name => {}
    }
    rows
}

fn table(rows: &[Row]) -> Vec<String> {
    let mut all = vec![["%CPU", "TIME", "%THROTTLED", "TASKS", "PEAK", "CONTAINER"]
        .map(str::to_owned)
        .to_vec()];
    let percent = |part: Option<u64>, row: &Row| {
        part.map_or("-".to_owned(), |part| {
            format::percent(part, row.wall_ns).replace('%', "")
        })
    };

    all.extend(rows.iter().map(|row| {
        vec![
            percent(row.used_ns, row),
            row.total_ns.map_or("-".to_owned(), format::time),
            percent(row.throttled_ns, row),
            row.tasks.to_string(),
            row.peak.map_or("-".to_owned(), |peak| peak.to_string()),
            show(&row.name),
        ]
    }));
    format::table(
        &[
            Side::Right,
            Side::Right,
            Side::Right,
            Side::Right,
            Side::Right,
            Side::Left,
        ],
        &all,
    )
}

fn json(rows: &[Row]) -> Json {
    Json::List(
        rows.iter()
            .map(|row| {
                Json::Object(vec![
                    ("container", row.name.as_path().into()),
                    ("tasks", row.tasks.into()),
                    ("tasks_peak", row.peak.into()),
                    ("wall_ns", row.wall_ns.into()),
                    ("used_ns", row.used_ns.into()),
                    ("throttled_ns", row.throttled_ns.into()),
                    ("cpu_ns", row.total_ns.into()),
                ])
            })
            .collect(),
    )
}

fn headline(rows: &[Row], options: &Options) -> String {
    format!(
        "rcfs top: {}, every {} s, by {}",
        format::count(rows.len() as u64, "container"),
        options.delay.as_secs_f64(),
        match options.order {
            Order::Cpu => "CPU",
            Order::Tasks => "tasks",
            Order::Time => "time",
            Order::Name => "name",
        }
    )
}

/// Prints one table after the other.
fn batch(options: &Options) -> Result<i32> {
    let mut before = Snapshot::take(options)?;
    let mut number = 0;

    while options
        .iterations
        .is_none_or(|iterations| number < iterations)
    {
        std::thread::sleep(options.delay);
        let now = Snapshot::take(options)?;
        let rows = rows(&before, &now, options.order);

        if options.json {
            format::print(&format!("{}\n", json(&rows)));
        } else {
            if number > 0 {
                format::print("\n");
            }
            format::print_lines(&table(&rows));
        }
        before = now;
        number += 1;
    }
    Ok(0)
}

/// The reason for the next update
enum Reason {
    Time,
    Redraw,
    Key(u8),
    /// The user or a signal ends it.
    End(i32),
}

/// Shows the table in place, until a key or a signal ends it.
fn live(options: &Options) -> Result<i32> {
    let mut options = Options {
        paths: options.paths.clone(),
        ..*options
    };
    let mut before = Snapshot::take(&options)?;
    let signals = Signals::of(&SIGNALS)?;
    let screen = Screen::begin()?;
    let mut now = Snapshot::take(&options)?;
    let mut number = 0;
    let mut next = Instant::now().checked_add(options.delay);

    loop {
        let rows = rows(&before, &now, options.order);
        let mut lines = vec![
            headline(&rows, &options) + "    q: quit, c t m n: sort by CPU, tasks, time, name",
            String::new(),
        ];

        lines.extend(table(&rows));
        screen.show(&lines);
        match wait(&screen, &signals, next)? {
            Reason::Time => {
                number += 1;
                if options
                    .iterations
                    .is_some_and(|iterations| number >= iterations)
                {
                    return Ok(0);
                }
                before = std::mem::replace(&mut now, Snapshot::take(&options)?);
                // After a stop, or on a slow machine, missed updates are skipped.
                next = next
                    .and_then(|next| next.checked_add(options.delay))
                    .map(|next| next.max(Instant::now()));
            }
            Reason::Redraw => {}
            Reason::Key(key) => match key {
                b'q' | b'Q' => return Ok(0),
                b'c' => options.order = Order::Cpu,
                b't' => options.order = Order::Tasks,
                b'm' => options.order = Order::Time,
                b'n' => options.order = Order::Name,
                _ => {}
            },
            Reason::End(signal) => return Ok(128 + signal),
        }
    }
}

fn wait(screen: &Screen, signals: &Signals, next: Option<Instant>) -> Result<Reason> {
    loop {
        let left = next.map(|next| next.saturating_duration_since(Instant::now()));
        let [key, signalled] = sys::wait_for(
            [Some((screen.keys(), POLLIN)), Some((signals.fd(), POLLIN))],
            left,
        )
        .map_err(|error| Error::io("keys cannot be waited for", &error))?;

        if signalled {
            match signals.next().map(|arrived| arrived.signal) {
                Some(sys::SIGTSTP) => {
                    screen.pause();
                    let _ = sys::kill(std::process::id() as i32, sys::SIGTSTP);
                    sys::deliver(sys::SIGTSTP);
                    screen.resume()?;
                    return Ok(Reason::Redraw);
                }
                Some(sys::SIGWINCH) => return Ok(Reason::Redraw),
                Some(signal) => return Ok(Reason::End(signal)),
                None => {}
            }
        } else if key {
            return Ok(screen.key().map_or(Reason::End(sys::SIGHUP), Reason::Key));
        } else if left == Some(Duration::ZERO) {
            return Ok(Reason::Time);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(when: Instant, samples: &[(&str, u64, u64)]) -> Snapshot {
        Snapshot {
            when,
            samples: samples
                .iter()
                .map(|(name, cpu_ns, tasks)| {
                    let stats = Stats {
                        cpu_ns: Some(*cpu_ns),
                        ..Stats::default()
                    };

                    (
                        PathBuf::from(name),
                        Sample {
                            stats,
                            tasks: *tasks,
                        },
                    )
                })
                .collect(),
        }
    }

    fn names(rows: &[Row]) -> Vec<String> {
        rows.iter().map(|row| show(&row.name)).collect()
    }

    fn two() -> (Snapshot, Snapshot) {
        let begin = Instant::now();

        (
            snapshot(
                begin,
                &[
                    ("/", 100, 1),
                    ("/a", 50, 2),
                    ("/gone", 1, 1),
                    ("/again", 9, 1),
                ],
            ),
            snapshot(
                begin + Duration::from_nanos(1000),
                &[
                    ("/", 1100, 1),
                    ("/a", 60, 3),
                    ("/new", 500, 2),
                    ("/again", 4, 1),
                ],
            ),
        )
    }

    #[test]
    fn the_busiest_first() {
        let (before, now) = two();
        let rows = rows(&before, &now, Order::Cpu);

        assert_eq!(names(&rows), ["/", "/new", "/a", "/again"]);
        let used: Vec<_> = rows.iter().map(|row| row.used_ns.unwrap()).collect();

        // A new container with an old name begins at 0.
        assert_eq!(used, [1000, 500, 10, 4]);
        assert_eq!(rows[0].throttled_ns, None);
    }

    #[test]
    fn other_orders() {
        let (before, now) = two();

        assert_eq!(
            names(&rows(&before, &now, Order::Tasks)),
            ["/a", "/new", "/", "/again"]
        );
        assert_eq!(
            names(&rows(&before, &now, Order::Time)),
            ["/", "/new", "/a", "/again"]
        );
        assert_eq!(
            names(&rows(&before, &now, Order::Name)),
            ["/", "/a", "/again", "/new"]
        );
    }

    #[test]
    fn lines_and_objects() {
        let (before, now) = two();
        let rows = rows(&before, &now, Order::Cpu);

        assert_eq!(
            table(&rows)[..2],
            [
                " %CPU     TIME  %THROTTLED  TASKS  PEAK  CONTAINER",
                "100.0  0.000 s           -      1     -  /",
            ]
        );
        assert!(json(&rows).to_string().starts_with(
            r#"[{"container":"/","tasks":1,"tasks_peak":null,"wall_ns":1000,"used_ns":1000,"#
        ));
    }

    #[test]
    fn options_that_do_not_go_together() {
        let parse =
            |words: &[&str]| Options::parse(Args::new(words.iter().map(OsString::from).collect()));

        assert!(parse(&["--json"]).is_err());
        assert!(parse(&["--delay", "0"]).is_err());
        assert!(parse(&["--sort", "size"]).is_err());
        let options = parse(&["--once", "--json", "-d0.2", "/a"]).unwrap();

        assert!(options.batch && options.json);
        assert_eq!(options.iterations, Some(1));
        assert_eq!(options.delay, Duration::from_millis(200));
        assert_eq!(options.paths, ["/a"]);
    }
}
