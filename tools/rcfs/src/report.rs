// SPDX-License-Identifier: GPL-2.0

//! The report of `rcfs run`: how the command has ended, and what it has used.

use crate::{
    container::Container,
    format,
    json::Json,
    signals,
    stats::Stats,
    sys::Change,
    system::show, //
};
use std::{
    ffi::OsString,
    time::Duration, //
};

/// How the command has ended
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Exited(i32),
    Killed(i32),
    /// It could not be executed, for this error.
    NotExecuted(i32),
}

impl Ending {
    pub(crate) fn from_change(change: Change) -> Self {
        match change {
            Change::Exited(status) => Self::Exited(status),
            Change::Killed(signal) | Change::Stopped(signal) => Self::Killed(signal),
        }
    }

    /// The exit status, as in a shell
    pub(crate) fn status(self) -> i32 {
        match self {
            Self::Exited(status) => status,
            Self::Killed(signal) => 128 + signal,
            Self::NotExecuted(crate::sys::ENOENT) => 127,
            Self::NotExecuted(_) => 126,
        }
    }
}

pub(crate) struct Report<'a> {
    pub(crate) containers: &'a [Container<'a>],
    pub(crate) command: &'a [OsString],
    pub(crate) ending: Ending,
    pub(crate) wall: Duration,
    pub(crate) stats: Stats,
    /// How many processes were left when the command ended, or are kept
    pub(crate) left: u64,
    pub(crate) kept: bool,
}

impl Report<'_> {
    pub(crate) fn text(&self) -> String {
        let stats = &self.stats;
        let mut lines = vec![self.headline()];
        let mut add = |name: &str, value: String| lines.push(format!("  {name:<10}{value}"));

        add("wall", format::time(self.wall.as_nanos() as u64));
        if let Some(cpu) = stats.cpu_ns {
            let mut text = format::time(cpu);

            if let (Some(user), Some(system)) = (stats.user_ns, stats.system_ns) {
                text += &format!(
                    " (user {}, system {})",
                    format::time(user),
                    format::time(system)
                );
            }
            add("cpu", text);
        }
        if let Some(peak) = stats.tasks_peak {
            add("tasks", format!("{peak} at most"));
        }
        if let Some(refused) = stats.forks_refused.filter(|refused| *refused > 0) {
            add(
                "refused",
                format!("{} by pids.max", format::count(refused, "fork")),
            );
        }
        if let Some(peak) = stats.memory_peak {
            add("memory", format!("{} at most", format::bytes(peak)));
        }
        if let Some(kills) = stats.oom_kills.filter(|kills| *kills > 0) {
            add("oom", format!("killed {}", format::processes(kills)));
        }
        if let (Some(ns), Some(of), Some(all)) =
            (stats.throttled_ns, stats.periods_throttled, stats.periods)
        {
            // Without a limit there are no periods.
            if all > 0 {
                add(
                    "throttled",
                    format!("{} on all CPUs, in {of} of {all} periods", format::time(ns)),
                );
            }
        }
        if self.left > 0 {
            let what = if self.kept { "kept" } else { "killed" };

            add(what, format::processes(self.left));
        }
        lines.join("\n") + "\n"
    }

    fn headline(&self) -> String {
        let command = self.command.first().map_or(String::new(), |word| {
            format::printable(&word.to_string_lossy())
        });
        let end = match self.ending {
            Ending::Exited(status) => format!("ended with status {status}"),
            Ending::Killed(signal) => format!("was killed by {}", signals::name(signal)),
            Ending::NotExecuted(_) => "could not be executed".to_owned(),
        };

        format!("rcfs: {command} {end}, in {}", self.names().join(" and "))
    }

    fn names(&self) -> Vec<String> {
        self.containers
            .iter()
            .map(|container| container.name())
            .collect()
    }

    /// Warnings that are printed even without a report
    pub(crate) fn warnings(&self) -> Vec<String> {
        let at = |controller: &str| {
            self.containers
                .iter()
                .find(|container| container.tree.has(controller))
                .map_or(String::new(), |container| container.name())
        };
        let mut warnings = Vec::new();

        if let Some(refused) = self.stats.forks_refused.filter(|refused| *refused > 0) {
            warnings.push(format!(
                "rcfs: {}: pids.max has refused {}\n",
                at("pids"),
                format::count(refused, "fork")
            ));
        }
        if let Some(kills) = self.stats.oom_kills.filter(|kills| *kills > 0) {
            warnings.push(format!(
                "rcfs: {}: out of memory: {} killed, with {} at most in use\n  do:   raise \
                 memory.limit_in_bytes, there or above \
                 (Documentation/admin-guide/rcfs/memory.rst)\n",
                at("memory"),
                format::processes(kills),
                format::bytes(self.stats.memory_peak.unwrap_or_default())
            ));
        }
        if let Some(overruled) = self.stats.overruled.filter(|overruled| *overruled > 0) {
            warnings.push(overruled_text(&at("cpu"), overruled));
        }
        warnings
    }

    pub(crate) fn json(&self) -> Json {
        let (status, signal) = match self.ending {
            Ending::Exited(status) => (Some(status), None),
            Ending::Killed(signal) => (None, Some(signal)),
            Ending::NotExecuted(_) => (None, None),
        };
        let mut members = vec![
            (
                "command",
                Json::List(
                    self.command
                        .iter()
                        .map(|word| Json::Text(word.to_string_lossy().into_owned()))
                        .collect(),
                ),
            ),
            (
                "containers",
                Json::List(
                    self.containers
                        .iter()
                        .map(|container| {
                            Json::Object(vec![
                                ("mount", container.tree.mount.as_path().into()),
                                ("controllers", container.tree.controllers.as_slice().into()),
                                ("path", container.path.as_path().into()),
                            ])
                        })
                        .collect(),
                ),
            ),
            ("status", status.into()),
            ("signal", signal.into()),
            ("exit_status", self.ending.status().into()),
            ("wall_ns", (self.wall.as_nanos() as u64).into()),
        ];

        members.extend(self.stats.json());
        members.push(("processes_left", self.left.into()));
        members.push(("kept", self.kept.into()));
        Json::Object(members)
    }
}

/// A warning that a limit on CPU time does not apply
pub(crate) fn overruled_text(container: &str, number: u64) -> String {
    format!(
        "rcfs: {}: control groups with the controller cpu govern {} of it; the limits of cpu \
         do not apply\n  do:   find the group in /proc/PID/cgroup; with systemd: \
         DisableControllers=cpu (Documentation/admin-guide/rcfs/cpu.rst)\n",
        show(container.as_ref()),
        format::count(number, "member")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::tests::Folder;

    fn with_report<R>(ending: Ending, stats: Stats, test: impl FnOnce(&Report<'_>) -> R) -> R {
        let folder = Folder::new(&[("tasks", "")]);
        let tree = folder.tree("pids,cpu");
        let containers = [Container::new(&tree, "/".into()).unwrap()];

        test(&Report {
            containers: &containers,
            command: &["make".into(), "-j".into()],
            ending,
            wall: Duration::from_millis(1500),
            stats,
            left: 2,
            kept: false,
        })
    }

    fn stats() -> Stats {
        Stats {
            cpu_ns: Some(3_000_000_000),
            user_ns: Some(2_000_000_000),
            system_ns: Some(1_000_000_000),
            tasks_peak: Some(8),
            forks_refused: Some(1),
            memory_peak: Some(20 << 20),
            oom_kills: Some(1),
            periods: Some(20),
            periods_throttled: Some(5),
            throttled_ns: Some(250_000_000),
            overruled: Some(1),
            ..Stats::default()
        }
    }

    #[test]
    fn statuses_as_a_shell_has_them() {
        assert_eq!(Ending::Exited(3).status(), 3);
        assert_eq!(Ending::Killed(9).status(), 137);
        assert_eq!(Ending::NotExecuted(2).status(), 127);
        assert_eq!(Ending::NotExecuted(13).status(), 126);
    }

    #[test]
    fn all_that_is_known() {
        let text = with_report(Ending::Killed(15), stats(), |report| report.text());
        let (head, rest) = text.split_once('\n').unwrap();

        assert!(head.starts_with("rcfs: make was killed by SIGTERM, in /"));
        assert_eq!(
            rest,
            "  wall      1.500 s\n  \
             cpu       3.000 s (user 2.000 s, system 1.000 s)\n  \
             tasks     8 at most\n  \
             refused   1 fork by pids.max\n  \
             memory    20.0 MiB at most\n  \
             oom       killed 1 process\n  \
             throttled 0.250 s on all CPUs, in 5 of 20 periods\n  \
             killed    2 processes\n"
        );
    }

    #[test]
    fn nothing_that_is_not() {
        let text = with_report(Ending::Exited(0), Stats::default(), |report| report.text());

        assert_eq!(text.lines().count(), 3);
        assert!(
            with_report(Ending::Exited(0), Stats::default(), |report| report
                .warnings())
            .is_empty()
        );
    }

    #[test]
    fn warnings() {
        let warnings = with_report(Ending::Exited(0), stats(), |report| report.warnings());

        assert!(warnings[0].contains("pids.max has refused 1 fork"));
        assert!(warnings[1].contains("out of memory: 1 process killed, with 20.0 MiB at most"));
        assert!(warnings[2].contains("govern 1 member of it"));
    }

    #[test]
    fn members_of_the_object() {
        let text = with_report(Ending::Killed(9), stats(), |report| {
            report.json().to_string()
        });

        for member in [
            r#""command":["make","-j"]"#,
            r#""status":null,"signal":9,"exit_status":137,"wall_ns":1500000000"#,
            r#""tasks_peak":8"#,
            r#""processes_left":2,"kept":false}"#,
        ] {
            assert!(text.contains(member), "{member} in {text}");
        }
    }
}
