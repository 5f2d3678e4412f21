// SPDX-License-Identifier: GPL-2.0

//! The use of resources of a container, and how often its limits were reached.

use crate::{
    container::Container,
    json::Json,
    sys, //
};

/// A member is None if the controller is missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Stats {
    pub(crate) cpu_ns: Option<u64>,
    pub(crate) user_ns: Option<u64>,
    pub(crate) system_ns: Option<u64>,
    pub(crate) tasks_now: Option<u64>,
    pub(crate) tasks_peak: Option<u64>,
    pub(crate) forks_refused: Option<u64>,
    /// In bytes
    pub(crate) memory_now: Option<u64>,
    /// In bytes
    pub(crate) memory_peak: Option<u64>,
    pub(crate) oom_kills: Option<u64>,
    pub(crate) periods: Option<u64>,
    pub(crate) periods_throttled: Option<u64>,
    pub(crate) throttled_ns: Option<u64>,
    /// The number of tasks that a control group governs instead of the container
    pub(crate) overruled: Option<u64>,
}

impl Stats {
    pub(crate) fn of(container: &Container<'_>) -> Self {
        let mut stats = Self {
            cpu_ns: number(container, "cpuacct.usage"),
            tasks_now: number(container, "pids.current"),
            tasks_peak: number(container, "pids.peak"),
            memory_now: number(container, "memory.usage_in_bytes"),
            memory_peak: number(container, "memory.max_usage_in_bytes"),
            ..Self::default()
        };

        if let Some(text) = container.read("cpuacct.stat") {
            let tick = 1_000_000_000 / sys::ticks_per_second();

            stats.user_ns = field(&text, "user").map(|ticks| ticks * tick);
            stats.system_ns = field(&text, "system").map(|ticks| ticks * tick);
        }
        if let Some(text) = container.read("pids.events") {
            stats.forks_refused = field(&text, "max");
        }
        if let Some(text) = container.read("memory.events") {
            stats.oom_kills = field(&text, "oom_kill");
        }
        // Ignore unknown lines of later kernels.
        if let Some(text) = container.read("cpu.stat") {
            stats.periods = field(&text, "nr_periods");
            stats.periods_throttled = field(&text, "nr_throttled");
            stats.throttled_ns = field(&text, "throttled_time");
            stats.overruled = overruled(&text);
        }
        stats
    }

    /// Adds the numbers of a container of another hierarchy.
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            cpu_ns: self.cpu_ns.or(other.cpu_ns),
            user_ns: self.user_ns.or(other.user_ns),
            system_ns: self.system_ns.or(other.system_ns),
            tasks_now: self.tasks_now.or(other.tasks_now),
            tasks_peak: self.tasks_peak.or(other.tasks_peak),
            forks_refused: self.forks_refused.or(other.forks_refused),
            memory_now: self.memory_now.or(other.memory_now),
            memory_peak: self.memory_peak.or(other.memory_peak),
            oom_kills: self.oom_kills.or(other.oom_kills),
            periods: self.periods.or(other.periods),
            periods_throttled: self.periods_throttled.or(other.periods_throttled),
            throttled_ns: self.throttled_ns.or(other.throttled_ns),
            overruled: self.overruled.or(other.overruled),
        }
    }

    pub(crate) fn json(&self) -> Vec<(&'static str, Json)> {
        vec![
            ("cpu_ns", self.cpu_ns.into()),
            ("user_ns", self.user_ns.into()),
            ("system_ns", self.system_ns.into()),
            ("tasks_now", self.tasks_now.into()),
            ("tasks_peak", self.tasks_peak.into()),
            ("forks_refused", self.forks_refused.into()),
            ("memory_now", self.memory_now.into()),
            ("memory_peak", self.memory_peak.into()),
            ("oom_kills", self.oom_kills.into()),
            ("periods", self.periods.into()),
            ("periods_throttled", self.periods_throttled.into()),
            ("throttled_ns", self.throttled_ns.into()),
            ("overruled", self.overruled.into()),
        ]
    }
}

/// The number of tasks that a control group governs, from the text of `cpu.stat`
pub(crate) fn overruled(text: &str) -> Option<u64> {
    field(text, "nr_overruled")
}

fn number(container: &Container<'_>, file: &str) -> Option<u64> {
    container.read(file)?.parse().ok()
}

/// The number after a name at the beginning of a line
fn field(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(' ')?;

        (key == name).then(|| value.trim().parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::tests::Folder;

    #[test]
    fn all_that_controllers_say() {
        let folder = Folder::new(&[
            ("cpuacct.usage", "1234567890\n"),
            ("cpuacct.stat", "user 100\nsystem 23\n"),
            ("pids.current", "3\n"),
            ("pids.peak", "8\n"),
            ("pids.events", "max 12\n"),
            ("memory.usage_in_bytes", "4096\n"),
            ("memory.max_usage_in_bytes", "20971520\n"),
            ("memory.events", "max 3\noom_kill 1\noom_group_kill 0\n"),
            (
                "cpu.stat",
                "nr_periods 10\nnr_throttled 4\nthrottled_time 500\nnr_unknown 7\nnr_overruled 2\n",
            ),
        ]);
        let tree = folder.tree("all");
        let stats = Stats::of(&Container::new(&tree, "/".into()).unwrap());

        assert_eq!(
            stats,
            Stats {
                cpu_ns: Some(1_234_567_890),
                user_ns: Some(1_000_000_000),
                system_ns: Some(230_000_000),
                tasks_now: Some(3),
                tasks_peak: Some(8),
                forks_refused: Some(12),
                memory_now: Some(4096),
                memory_peak: Some(20 << 20),
                oom_kills: Some(1),
                periods: Some(10),
                periods_throttled: Some(4),
                throttled_ns: Some(500),
                overruled: Some(2),
            }
        );
    }

    #[test]
    fn controllers_of_several_hierarchies() {
        let cpu = Stats {
            cpu_ns: Some(1),
            ..Stats::default()
        };
        let pids = Stats {
            tasks_peak: Some(2),
            ..Stats::default()
        };
        let both = cpu.or(pids);

        assert_eq!(
            (both.cpu_ns, both.tasks_peak, both.user_ns),
            (Some(1), Some(2), None)
        );
    }

    #[test]
    fn fields_are_whole_words() {
        assert_eq!(field("nr_periods 5\nnr 6", "nr"), Some(6));
        assert_eq!(field("nr x", "nr"), None);
        assert_eq!(field("", "nr"), None);
    }
}
