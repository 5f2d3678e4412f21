// SPDX-License-Identifier: GPL-2.0

//! Limits, from `-l FILE=VALUE` and of existing containers.

use crate::{
    container::Container,
    error::{
        Error,
        Result, //
    },
};
use std::fs;

/// A value for a file of a controller
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Limit {
    pub(crate) file: String,
    pub(crate) value: String,
}

impl Limit {
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let wrong = |what: &str| {
            Error::usage(
                format!("-l {text}: {what}"),
                "-l FILE=VALUE, for example -l pids.max=64 or -l cpu.cfs_quota_us=20000",
            )
        };
        let (file, value) = text.split_once('=').ok_or_else(|| wrong("there is no ="))?;
        let (file, value) = (file.trim(), value.trim());

        if file.contains('/')
            || !matches!(file.split_once('.'), Some((a, b)) if !a.is_empty() && !b.is_empty())
        {
            return Err(wrong(
                "the name of a file begins with its controller and a period",
            ));
        }
        if value.is_empty() {
            return Err(wrong("there is no value"));
        }
        Ok(Self {
            file: file.to_owned(),
            value: value.to_owned(),
        })
    }

    pub(crate) fn controller(&self) -> &str {
        self.file.split('.').next().unwrap_or_default()
    }
}

/// The order in which files are written
pub(crate) fn in_order(limits: &mut [Limit]) {
    // A quota is checked against the present period, which would still be the default.
    limits.sort_by_key(|limit| limit.file != "cpu.cfs_period_us");
}

/// From here on, a size in bytes means no limit, on machines with pages of up to 64 KiB.
const NO_LIMIT: u64 = i64::MAX as u64 - 0xffff;

/// The own limits of a container, as short text, and as files with values
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Own {
    pub(crate) short: Vec<String>,
    pub(crate) files: Vec<(String, String)>,
}

impl Own {
    pub(crate) fn of(container: &Container<'_>) -> Self {
        let mut own = Self::default();

        own.take_cpu(container);
        own.take(container, "cpu.shares", "1024", |value| {
            format!("shares {value}")
        });
        own.take(container, "cpuset.cpus", "", |value| {
            format!("cpus {value}")
        });
        own.take_freezer(container);
        own.take_memory(container);
        for file in maxima(container) {
            let current = container.read(&format!("{}current", file.trim_end_matches("max")));

            own.take(container, &file, "max", |value| {
                let name = file.trim_end_matches(".max");

                match &current {
                    Some(current) => format!("{name} {current}/{value}"),
                    None => format!("{name} {value}"),
                }
            });
        }
        own
    }

    /// Records a file whose value differs from that of a new container.
    fn take(
        &mut self,
        container: &Container<'_>,
        file: &str,
        default: &str,
        short: impl Fn(&str) -> String,
    ) {
        if let Some(value) = container.read(file).filter(|value| value != default) {
            self.short.push(short(&value));
            self.files.push((file.to_owned(), value));
        }
    }

    /// Two files make one limit.
    fn take_cpu(&mut self, container: &Container<'_>) {
        let read = |file| container.read(file)?.parse::<i64>().ok();

        let (Some(quota), Some(period)) = (read("cpu.cfs_quota_us"), read("cpu.cfs_period_us"))
        else {
            return;
        };
        if quota > 0 && period > 0 {
            let share = crate::format::percent(quota as u64, period as u64);

            self.short
                .push(format!("cpu {}", share.replace(".0%", "%")));
            self.files
                .push(("cpu.cfs_quota_us".to_owned(), quota.to_string()));
            self.files
                .push(("cpu.cfs_period_us".to_owned(), period.to_string()));
        }
    }

    fn take_memory(&mut self, container: &Container<'_>) {
        let read = |file| container.read(file)?.parse::<u64>().ok();

        // Without a limit, the file has the highest number of pages that can be counted.
        let Some(limit) = read("memory.limit_in_bytes").filter(|limit| *limit < NO_LIMIT) else {
            return;
        };
        let usage = read("memory.usage_in_bytes").unwrap_or_default();

        self.short.push(format!(
            "memory {}/{}",
            crate::format::bytes(usage),
            crate::format::bytes(limit)
        ));
        self.files
            .push(("memory.limit_in_bytes".to_owned(), limit.to_string()));
    }

    fn take_freezer(&mut self, container: &Container<'_>) {
        let Some(state) = container
            .read("freezer.state")
            .filter(|state| state != "THAWED")
        else {
            return;
        };
        let asked = container
            .read("freezer.self_freezing")
            .is_some_and(|asked| asked == "1");
        let mut short = state.to_lowercase();

        if !asked {
            short += " from above";
        }
        self.short.push(short);
        self.files.push(("freezer.state".to_owned(), state));
    }
}

/// Files with the name `max`, including those of controllers that this command does not know
fn maxima(container: &Container<'_>) -> Vec<String> {
    let mut files: Vec<_> = fs::read_dir(&container.dir)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.ends_with(".max"))
        .collect();

    files.sort();
    files
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::tests::Folder;

    #[test]
    fn files_and_values() {
        let limit = Limit::parse("pids.max = 64").unwrap();

        assert_eq!(
            (limit.file.as_str(), limit.value.as_str()),
            ("pids.max", "64")
        );
        assert_eq!(limit.controller(), "pids");
        // The first equals sign separates.
        assert_eq!(Limit::parse("a.b=c=d").unwrap().value, "c=d");
        for text in [
            "",
            "pids.max",
            "pids=5",
            ".max=5",
            "pids.=5",
            "pids.max=",
            "../pids.max=5",
        ] {
            assert_eq!(
                Limit::parse(text).unwrap_err().status,
                crate::error::USAGE,
                "{text}"
            );
        }
    }

    #[test]
    fn the_period_comes_before_the_quota() {
        let parse = |text: &&str| Limit::parse(text).unwrap();
        let mut limits: Vec<_> = ["cpu.cfs_quota_us=1", "pids.max=1", "cpu.cfs_period_us=2"]
            .iter()
            .map(parse)
            .collect();

        in_order(&mut limits);
        let files: Vec<_> = limits.iter().map(|limit| limit.file.as_str()).collect();
        assert_eq!(files, ["cpu.cfs_period_us", "cpu.cfs_quota_us", "pids.max"]);
    }

    #[test]
    fn what_a_new_container_has_is_no_limit() {
        let folder = Folder::new(&[
            ("cpu.cfs_quota_us", "-1\n"),
            ("cpu.cfs_period_us", "100000\n"),
            ("cpu.shares", "1024\n"),
            ("cpuset.cpus", "\n"),
            ("freezer.state", "THAWED\n"),
            ("pids.max", "max\n"),
        ]);
        let tree = folder.tree("all");

        assert_eq!(
            Own::of(&Container::new(&tree, "/".into()).unwrap()),
            Own::default()
        );
    }

    #[test]
    fn what_differs_is() {
        let folder = Folder::new(&[
            ("cpu.cfs_quota_us", "25000\n"),
            ("cpu.cfs_period_us", "100000\n"),
            ("cpu.shares", "2\n"),
            ("cpuset.cpus", "0-3\n"),
            ("freezer.state", "FROZEN\n"),
            ("freezer.self_freezing", "0\n"),
            ("pids.max", "64\n"),
            ("pids.current", "4\n"),
            ("forks.max", "9\n"),
        ]);
        let tree = folder.tree("all");
        let own = Own::of(&Container::new(&tree, "/".into()).unwrap());

        assert_eq!(
            own.short,
            [
                "cpu 25%",
                "shares 2",
                "cpus 0-3",
                "frozen from above",
                "forks 9",
                "pids 4/64"
            ]
        );
        assert_eq!(own.files.len(), 7);
        assert_eq!(
            own.files[0],
            ("cpu.cfs_quota_us".to_owned(), "25000".to_owned())
        );
    }
}
