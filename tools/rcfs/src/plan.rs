// SPDX-License-Identifier: GPL-2.0

//! The containers that `rcfs run` makes, and their limits.

use crate::{
    container::Container,
    error::{
        Error,
        Result, //
    },
    limits::{
        self,
        Limit, //
    },
    resolve::Meaning,
    sys,
    system::{
        System,
        Tree, //
    },
};
use std::{
    ffi::OsStr,
    path::{
        Path,
        PathBuf, //
    },
    process,
};

/// A container to make
#[derive(Debug)]
pub(crate) struct Planned<'a> {
    pub(crate) tree: &'a Tree,
    /// Relative to the root of the hierarchy
    pub(crate) path: PathBuf,
    pub(crate) limits: Vec<Limit>,
}

/// A container in each of some hierarchies. The process starts in the first one.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    pub(crate) containers: Vec<Planned<'a>>,
    /// Whether the name is a default, and can be replaced by another one
    pub(crate) any_name: bool,
}

impl<'a> Plan<'a> {
    /// Without `controllers`, these are all hierarchies in which the caller may make the container,
    /// and those of the limits.
    pub(crate) fn new(
        system: &'a System,
        limits: Vec<Limit>,
        name: Option<&OsStr>,
        controllers: Option<&[String]>,
    ) -> Result<Self> {
        Self::with(system, limits, name, controllers, sys::may_change)
    }

    fn with(
        system: &'a System,
        mut limits: Vec<Limit>,
        name: Option<&OsStr>,
        controllers: Option<&[String]>,
        may_change: impl Fn(&Path) -> bool,
    ) -> Result<Self> {
        let meaning = match name {
            Some(name) => Meaning::of(name, system)?,
            None => Meaning::FromOwn(format!("run-{}", process::id()).into()),
        };
        let mut needed: Vec<u32> = Vec::new();
        let mut containers = Vec::new();

        limits::in_order(&mut limits);
        for limit in &limits {
            needed.push(system.tree_with(limit.controller())?.hierarchy);
        }
        for controller in controllers.unwrap_or_default() {
            needed.push(system.tree_with(controller)?.hierarchy);
        }
        for tree in &system.trees {
            let path = path_in(&meaning, tree, system);
            let is_needed = needed.contains(&tree.hierarchy);
            let named_here = meaning.path_in(tree, system).is_some();

            let Some(dir) = tree.directory(&path) else {
                if is_needed {
                    return Err(outside(tree, &path));
                }
                continue;
            };
            let is_possible = || dir.parent().is_some_and(&may_change);

            if is_needed || controllers.is_none() && named_here && is_possible() {
                containers.push(Planned {
                    tree,
                    path,
                    limits: limits
                        .iter()
                        .filter(|limit| tree.has(limit.controller()))
                        .cloned()
                        .collect(),
                });
            }
        }
        if containers.is_empty() {
            // The error of the attempt is the best explanation.
            let tree = system
                .trees
                .iter()
                .find(|tree| meaning.path_in(tree, system).is_some())
                .unwrap_or(&system.trees[0]);

            containers.push(Planned {
                tree,
                path: path_in(&meaning, tree, system),
                limits: Vec::new(),
            });
        }
        // At pids.max a fork is refused, and an attach is not.
        containers.sort_by_key(|planned| !planned.tree.has("pids"));
        Ok(Self {
            containers,
            any_name: name.is_none(),
        })
    }

    /// The containers of the plan, with the given name or with the default name of this `attempt`
    pub(crate) fn named(&self, attempt: u32) -> Vec<Container<'a>> {
        self.containers
            .iter()
            .filter_map(|planned| {
                let mut path = planned.path.clone();

                if attempt > 1 {
                    path.as_mut_os_string().push(format!("-{attempt}"));
                }
                Container::new(planned.tree, path)
            })
            .collect()
    }
}

/// A path that names the container of one hierarchy is used for the others as well.
fn path_in(meaning: &Meaning, tree: &Tree, system: &System) -> PathBuf {
    match meaning {
        Meaning::In(_, path) => path.clone(),
        _ => meaning.path_in(tree, system).unwrap_or_default(),
    }
}

fn outside(tree: &Tree, path: &Path) -> Error {
    Error::new(
        format!("{}: cannot be made", path.display()),
        format!(
            "only {1} is mounted at {0}",
            tree.mount.display(),
            tree.top.display()
        ),
    )
    .remedy("give a --name in the mounted part, with a leading /, or mount the whole hierarchy")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::tests::example;

    fn limit(text: &str) -> Limit {
        Limit::parse(text).unwrap()
    }

    fn paths(plan: &Plan<'_>) -> Vec<(u32, String)> {
        plan.containers
            .iter()
            .map(|planned| (planned.tree.hierarchy, planned.path.display().to_string()))
            .collect()
    }

    #[test]
    fn in_all_hierarchies_below_the_own_container() {
        let system = example();
        let plan = Plan::with(&system, vec![], Some("x".as_ref()), None, |_| true).unwrap();

        // The hierarchy with pids comes first.
        assert_eq!(
            paths(&plan),
            [(2, "/x".to_owned()), (1, "/user/x".to_owned())]
        );
        assert!(!plan.any_name);
    }

    #[test]
    fn where_the_caller_may() {
        let system = example();
        let may = |dir: &Path| dir == Path::new("/sys/fs/rcfs/cpu/user");
        let plan = Plan::with(&system, vec![], Some("x".as_ref()), None, may).unwrap();

        assert_eq!(paths(&plan), [(1, "/user/x".to_owned())]);
        // The hierarchies of limits are always included.
        let limits = vec![limit("pids.max=5")];
        let plan = Plan::with(&system, limits, Some("x".as_ref()), None, may).unwrap();

        assert_eq!(paths(&plan).len(), 2);
        assert_eq!(plan.containers[0].limits, [limit("pids.max=5")]);
        assert_eq!(plan.containers[1].limits, []);
        // If the caller may not make it anywhere, one is tried.
        let plan = Plan::with(&system, vec![], Some("x".as_ref()), None, |_| false).unwrap();

        assert_eq!(paths(&plan), [(1, "/user/x".to_owned())]);
    }

    #[test]
    fn limits_of_several_hierarchies() {
        let system = example();
        let limits = vec![
            limit("cpu.cfs_quota_us=5000"),
            limit("pids.max=5"),
            limit("cpu.cfs_period_us=10000"),
        ];
        let only = ["pids".to_owned()];
        let plan = Plan::with(&system, limits, None, Some(&only), |_| true).unwrap();

        assert_eq!(plan.containers[0].limits, [limit("pids.max=5")]);
        assert_eq!(
            plan.containers[1].limits,
            [
                limit("cpu.cfs_period_us=10000"),
                limit("cpu.cfs_quota_us=5000")
            ]
        );
    }

    #[test]
    fn chosen_controllers() {
        let system = example();
        let only = ["cpuacct".to_owned()];
        let plan = Plan::with(&system, vec![], None, Some(&only), |_| true).unwrap();

        assert_eq!(plan.containers.len(), 1);
        assert!(plan.any_name);
        let none = ["nosuch".to_owned()];

        Plan::with(&system, vec![], None, Some(&none), |_| true).unwrap_err();
    }

    #[test]
    fn a_name_with_a_mount_point() {
        let system = example();
        let name = OsStr::new("/sys/fs/rcfs/cpu/jobs/x");
        let plan = Plan::with(&system, vec![], Some(name), None, |_| true).unwrap();

        assert_eq!(paths(&plan), [(1, "/jobs/x".to_owned())]);
        let limits = vec![limit("pids.max=5")];
        let plan = Plan::with(&system, limits, Some(name), None, |_| true).unwrap();

        assert_eq!(
            paths(&plan),
            [(2, "/jobs/x".to_owned()), (1, "/jobs/x".to_owned())]
        );
    }

    #[test]
    fn names_that_are_made_up() {
        let system = example();
        let plan = Plan::with(&system, vec![], None, None, |_| true).unwrap();
        let name = |attempt| plan.named(attempt)[0].path.display().to_string();

        assert_eq!(name(1), format!("/run-{}", process::id()));
        assert_eq!(name(2), format!("/run-{}-2", process::id()));
    }
}
