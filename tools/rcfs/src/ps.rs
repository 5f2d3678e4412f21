// SPDX-License-Identifier: GPL-2.0

//! `rcfs ps`: processes, and the containers they are in.

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
    process::Process,
    resolve,
    system::{
        show,
        System, //
    },
};
use std::{
    collections::BTreeMap,
    ffi::OsString, //
};

pub(crate) fn main(mut args: Args) -> Result<i32> {
    let mut paths: Vec<OsString> = Vec::new();
    let (mut json, mut all) = (false, false);

    while let Some(arg) = args.next()? {
        match arg {
            Arg::Word(path) => paths.push(path),
            Arg::Option(name) => match name.as_str() {
                "--json" => json = true,
                "-a" | "--all" => all = true,
                name => return Err(args::unknown(name)),
            },
        }
    }
    let with_roots = all || !paths.is_empty();

    if paths.is_empty() {
        paths.push("/".into());
    }
    let system = System::read_mounted()?;
    let tops = resolve::all_existing(&paths, &system)?;
    let members = members(&tops, with_roots);

    if json {
        let list = members
            .iter()
            .filter_map(|(pid, containers)| Some(process_json(&Process::of(*pid)?, containers)))
            .collect();

        format::print(&format!("{}\n", Json::List(list)));
    } else {
        let rows: Vec<_> = members
            .iter()
            .filter_map(|(pid, containers)| {
                Some(row(&Process::of(*pid)?, containers, system.trees.len() > 1))
            })
            .collect();

        format::print_lines(&lines(rows));
    }
    Ok(0)
}

/// The processes by id, with the containers of their threads. Without the roots, a process that is
/// only in roots is not listed.
fn members<'a>(tops: &[Container<'a>], with_roots: bool) -> BTreeMap<i32, Vec<Container<'a>>> {
    let mut members: BTreeMap<i32, Vec<Container<'a>>> = BTreeMap::new();

    for container in tops.iter().flat_map(Container::walk) {
        if container.is_root() && !with_roots {
            continue;
        }
        for pid in container.ids("procs") {
            let containers = members.entry(pid).or_default();

            // A PATH may be below another one.
            if !containers.iter().any(|other| other.dir == container.dir) {
                containers.push(container.clone());
            }
        }
    }
    members
}

fn row(process: &Process, containers: &[Container<'_>], several: bool) -> Vec<String> {
    let names: Vec<_> = containers
        .iter()
        .map(|container| {
            if several {
                container.name()
            } else {
                show(&container.path)
            }
        })
        .collect();

    vec![
        process.pid.to_string(),
        names.join(","),
        format::time(process.cpu_ns),
        process.command.clone(),
    ]
}

fn lines(rows: Vec<Vec<String>>) -> Vec<String> {
    let mut all = vec![["PID", "CONTAINER", "CPU", "COMMAND"]
        .map(str::to_owned)
        .to_vec()];

    all.extend(rows);
    format::table(&[Side::Right, Side::Left, Side::Right, Side::Left], &all)
}

fn process_json(process: &Process, containers: &[Container<'_>]) -> Json {
    Json::Object(vec![
        ("pid", process.pid.into()),
        (
            "containers",
            Json::List(
                containers
                    .iter()
                    .map(|container| {
                        Json::Object(vec![
                            ("mount", container.tree.mount.as_path().into()),
                            ("path", container.path.as_path().into()),
                        ])
                    })
                    .collect(),
            ),
        ),
        ("cpu_ns", process.cpu_ns.into()),
        ("command", process.command.as_str().into()),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::tests::Folder;

    #[test]
    fn who_is_where() {
        let folder = Folder::new(&[
            ("procs", "1\n71\n"),
            ("a/procs", "71\n72\n"),
            ("a/b/procs", "72\n"),
        ]);
        let tree = folder.tree("pids");
        let root = Container::new(&tree, "/".into()).unwrap();
        let paths = |tops: &[Container<'_>], with_roots| -> Vec<(i32, Vec<String>)> {
            members(tops, with_roots)
                .into_iter()
                .map(|(pid, containers)| {
                    (
                        pid,
                        containers.iter().map(|found| show(&found.path)).collect(),
                    )
                })
                .collect()
        };
        let text = |names: &[&str]| {
            names
                .iter()
                .map(|name| (*name).to_owned())
                .collect::<Vec<_>>()
        };

        assert_eq!(
            paths(&[root.clone()], false),
            [(71, text(&["/a"])), (72, text(&["/a", "/a/b"]))]
        );
        assert_eq!(paths(&[root.clone()], true)[1], (71, text(&["/", "/a"])));
        assert_eq!(
            paths(&[root.child("a"), root.child("a").child("b")], true)[1],
            (72, text(&["/a", "/a/b"]))
        );
    }

    #[test]
    fn rows_and_objects() {
        let folder = Folder::new(&[("a/procs", "")]);
        let tree = folder.tree("pids");
        let containers = [Container::new(&tree, "/a".into()).unwrap()];
        let process = Process {
            pid: 71,
            cpu_ns: 1_500_000_000,
            command: "sleep 1000".to_owned(),
        };

        assert_eq!(
            lines(vec![row(&process, &containers, false)]),
            [
                "PID  CONTAINER      CPU  COMMAND",
                " 71  /a         1.500 s  sleep 1000"
            ]
        );
        assert!(row(&process, &containers, true)[1].ends_with("/a"));
        let text = process_json(&process, &containers).to_string();

        assert!(text.starts_with(r#"{"pid":71,"containers":[{"mount":"/"#));
        assert!(text.ends_with(r#""path":"/a"}],"cpu_ns":1500000000,"command":"sleep 1000"}"#));
    }
}
