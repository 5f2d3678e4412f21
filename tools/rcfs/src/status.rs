// SPDX-License-Identifier: GPL-2.0

//! `rcfs status`: hierarchies, controllers, and what is missing.

use crate::{
    args::{
        self,
        Arg,
        Args, //
    },
    container::Container,
    error::Result,
    format::{
        self,
        Side, //
    },
    json::Json,
    report,
    stats::Stats,
    system::{
        show,
        System,
        Tree, //
    },
};
use std::{
    fs,
    path::Path, //
};

/// The controllers in the kernel source
const CONTROLLERS: [&str; 10] = [
    "cpuacct", "cpu", "cpuset", "pids", "memory", "devices", "nice", "forkrate", "freezer", "debug",
];

pub(crate) fn main(mut args: Args) -> Result<i32> {
    let mut json = false;

    while let Some(arg) = args.next()? {
        match arg {
            Arg::Option(name) if name == "--json" => json = true,
            Arg::Option(name) => return Err(args::unknown(&name)),
            Arg::Word(word) => {
                return Err(crate::error::Error::usage(
                    format!("status takes no PATH: {word:?}"),
                    "rcfs ls PATH shows a container",
                ))
            }
        }
    }
    let system = System::read()?;
    let status = Status::of(&system, &modules());

    if json {
        format::print(&format!("{}\n", status.json(&system)));
    } else {
        format::print_lines(&status.lines(&system));
    }
    Ok(0)
}

/// A mounted hierarchy
struct Mounted<'a> {
    tree: &'a Tree,
    containers: u64,
    /// Tasks in other containers than the root
    tasks: u64,
    /// Containers with tasks that control groups govern, and their number
    overruled: Vec<(String, u64)>,
}

struct Status<'a> {
    mounted: Vec<Mounted<'a>>,
    /// Hierarchies that exist with containers and are not mounted, as mount options
    unmounted: Vec<String>,
    /// Controllers that are in no hierarchy
    free: Vec<String>,
    /// Missing controllers of the kernel source, each with whether there is a module
    absent: Vec<(String, bool)>,
    /// Other modules with controllers that are not loaded
    modules: Vec<String>,
}

impl<'a> Status<'a> {
    /// `modules` are the names of controllers in modules of this kernel.
    fn of(system: &'a System, modules: &[String]) -> Self {
        let known = |name: &str| system.controllers.iter().any(|known| known.name == name);

        Self {
            mounted: system
                .trees
                .iter()
                .map(|tree| Mounted::of(tree, system))
                .collect(),
            unmounted: system
                .own
                .iter()
                .filter(|place| system.tree(place.hierarchy).is_none())
                .map(|place| place.controllers.join(","))
                .collect(),
            free: system
                .controllers
                .iter()
                .filter(|controller| controller.hierarchy == 0)
                .map(|controller| controller.name.clone())
                .collect(),
            absent: CONTROLLERS
                .iter()
                .filter(|name| !known(name))
                .map(|name| {
                    (
                        (*name).to_owned(),
                        modules.iter().any(|module| module == name),
                    )
                })
                .collect(),
            modules: modules
                .iter()
                .filter(|name| !known(name) && !CONTROLLERS.contains(&name.as_str()))
                .cloned()
                .collect(),
        }
    }

    fn lines(&self, system: &System) -> Vec<String> {
        let mut rows = vec![[
            "HIERARCHY",
            "MOUNT POINT",
            "CONTAINERS",
            "TASKS",
            "CONTROLLERS",
        ]
        .map(str::to_owned)
        .to_vec()];

        for mounted in &self.mounted {
            rows.push(vec![
                mounted.tree.hierarchy.to_string(),
                show(&mounted.tree.mount),
                mounted.containers.to_string(),
                mounted.tasks.to_string(),
                mounted.tree.options()
                    + if mounted.tree.read_only {
                        " (read-only)"
                    } else {
                        ""
                    },
            ]);
        }
        let mut lines = if self.mounted.is_empty() {
            vec!["No hierarchy is mounted.".to_owned()]
        } else {
            let mut lines = format::table(
                &[
                    Side::Right,
                    Side::Left,
                    Side::Right,
                    Side::Right,
                    Side::Left,
                ],
                &rows,
            );

            lines.push("TASKS does not include tasks in the root.".to_owned());
            lines
        };

        for mounted in &self.mounted {
            let own = show(system.own_path(mounted.tree));

            if own != "/" {
                lines.push(format!(
                    "This process is in {own} of hierarchy {}.",
                    mounted.tree.hierarchy
                ));
            }
        }
        for options in &self.unmounted {
            lines.push(format!(
                "A hierarchy with containers is not mounted: \
                 mount -t rcfs -o {options} none DIR"
            ));
        }
        if !self.free.is_empty() {
            let free = self.free.join(",");

            lines.push(format!(
                "In no hierarchy: {free}. To enable: mount -t rcfs -o {free} none DIR"
            ));
        }
        for (name, has_module) in &self.absent {
            lines.push(if *has_module {
                format!("Not loaded: {name}. To enable: modprobe rcfs_{name}")
            } else {
                format!(
                    "Not in this kernel: {name} (CONFIG_RCFS_{})",
                    name.to_uppercase()
                )
            });
        }
        for name in &self.modules {
            lines.push(format!(
                "Not loaded: {name}. To enable: modprobe rcfs_{name}"
            ));
        }
        for (container, number) in self.mounted.iter().flat_map(|mounted| &mounted.overruled) {
            lines.extend(
                report::overruled_text(container, *number)
                    .replace("rcfs: ", "Overruled: ")
                    .lines()
                    .map(str::to_owned),
            );
        }
        lines
    }

    fn json(&self, system: &System) -> Json {
        Json::Object(vec![
            (
                "hierarchies",
                Json::List(
                    self.mounted
                        .iter()
                        .map(|mounted| mounted.json(system))
                        .collect(),
                ),
            ),
            ("unmounted", self.unmounted.as_slice().into()),
            ("in_no_hierarchy", self.free.as_slice().into()),
            (
                "absent",
                Json::List(
                    self.absent
                        .iter()
                        .map(|(name, has_module)| {
                            Json::Object(vec![
                                ("controller", name.as_str().into()),
                                ("module", (*has_module).into()),
                            ])
                        })
                        .collect(),
                ),
            ),
            ("other_modules", self.modules.as_slice().into()),
        ])
    }
}

impl<'a> Mounted<'a> {
    fn of(tree: &'a Tree, system: &System) -> Self {
        let walk = Container::new(tree, tree.top.clone()).map_or(Vec::new(), |top| top.walk());
        let governed = |container: &Container<'_>| {
            let number = Stats::of(container)
                .overruled
                .filter(|number| *number > 0)?;

            Some((container.name(), number))
        };

        Self {
            tree,
            containers: system
                .controllers
                .iter()
                .find(|controller| controller.hierarchy == tree.hierarchy)
                .map_or(walk.len() as u64, |controller| controller.containers),
            tasks: walk
                .iter()
                .filter(|container| !container.is_root())
                .map(|container| container.ids("tasks").len() as u64)
                .sum(),
            overruled: walk.iter().filter_map(governed).collect(),
        }
    }

    fn json(&self, system: &System) -> Json {
        Json::Object(vec![
            ("hierarchy", Json::Number(self.tree.hierarchy.into())),
            ("mount", self.tree.mount.as_path().into()),
            ("controllers", self.tree.controllers.as_slice().into()),
            ("containers", self.containers.into()),
            ("tasks", self.tasks.into()),
            ("read_only", self.tree.read_only.into()),
            ("own_path", system.own_path(self.tree).into()),
            (
                "overruled",
                Json::Map(
                    self.overruled
                        .iter()
                        .map(|(name, number)| (name.clone(), (*number).into()))
                        .collect(),
                ),
            ),
        ])
    }
}

/// The names of the controllers in modules of the running kernel
fn modules() -> Vec<String> {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();

    fs::read_to_string(
        Path::new("/lib/modules")
            .join(release.trim())
            .join("modules.dep"),
    )
    .map_or(Vec::new(), |text| parse_modules(&text))
}

fn parse_modules(text: &str) -> Vec<String> {
    let mut names: Vec<_> = text
        .lines()
        .filter_map(|line| {
            let file = line.split(':').next()?.rsplit('/').next()?;

            Some(file.strip_prefix("rcfs_")?.split('.').next()?.to_owned())
        })
        .collect();

    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        container::tests::Folder,
        system::tests::example, //
    };

    #[test]
    fn names_of_modules() {
        assert_eq!(
            parse_modules(
                "kernel/rcfs/controllers/rcfs_pids.ko: kernel/x.ko\n\
                 kernel/rcfs/rcfs_cpu.ko.xz:\nkernel/kernel/rcfs_test/test_rcfs.ko:\n"
            ),
            ["cpu", "pids"]
        );
    }

    #[test]
    fn what_is_missing() {
        let system = example();
        let status = Status::of(&system, &["cpuset".to_owned(), "forks".to_owned()]);
        let lines = status.lines(&system).join("\n");

        assert_eq!(status.unmounted, ["debug"]);
        assert_eq!(status.free, ["freezer"]);
        for line in [
            "This process is in /user of hierarchy 1.",
            "mount -t rcfs -o debug none DIR",
            "In no hierarchy: freezer.",
            "Not loaded: cpuset. To enable: modprobe rcfs_cpuset",
            "Not loaded: forks. To enable: modprobe rcfs_forks",
        ] {
            assert!(lines.contains(line), "{line}");
        }
        let text = status.json(&system).to_string();

        for (name, module) in [("cpuset", true), ("memory", false), ("forkrate", false)] {
            let absent = format!(r#"{{"controller":"{name}","module":{module}}}"#);

            assert!(text.contains(&absent), "{text}");
        }
        assert!(text.contains(r#""hierarchy":1,"mount":"/sys/fs/rcfs/cpu""#));
    }

    #[test]
    fn without_a_mount_and_a_module() {
        let mut system = example();

        system.trees.clear();
        system.own.clear();
        let lines = Status::of(&system, &[]).lines(&system);

        assert_eq!(lines[0], "No hierarchy is mounted.");
        assert!(lines.contains(&"Not in this kernel: cpuset (CONFIG_RCFS_CPUSET)".to_owned()));
    }

    #[test]
    fn who_is_overruled() {
        let folder = Folder::new(&[
            ("tasks", "1\n"),
            ("a/tasks", "5\n6\n"),
            ("a/cpu.stat", "nr_periods 0\nnr_overruled 2\n"),
        ]);
        let mut system = example();

        system.trees = vec![folder.tree("cpuacct,cpu")];
        let status = Status::of(&system, &[]);

        assert_eq!(
            (status.mounted[0].tasks, status.mounted[0].containers),
            (2, 3)
        );
        assert_eq!(status.mounted[0].overruled[0].1, 2);
        assert!(status
            .lines(&system)
            .iter()
            .any(|line| line.starts_with("Overruled: /") && line.contains("2 members")));
    }
}
