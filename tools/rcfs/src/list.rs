// SPDX-License-Identifier: GPL-2.0

//! `rcfs ls`: the tree of containers, with tasks, CPU time and limits.

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
    limits::Own,
    process::Process,
    resolve,
    stats::Stats,
    system::{
        show,
        System, //
    },
};
use std::ffi::OsString;

pub(crate) fn main(mut args: Args) -> Result<i32> {
    let mut paths: Vec<OsString> = Vec::new();
    let (mut json, mut processes) = (false, false);

    while let Some(arg) = args.next()? {
        match arg {
            Arg::Word(path) => paths.push(path),
            Arg::Option(name) => match name.as_str() {
                "--json" => json = true,
                "-p" | "--processes" => processes = true,
                name => return Err(args::unknown(name)),
            },
        }
    }
    if paths.is_empty() {
        paths.push("/".into());
    }
    let system = System::read_mounted()?;
    let tops = resolve::all_existing(&paths, &system)?;

    if json {
        let trees = tops.iter().map(tree_json).collect();

        format::print(&format!("{}\n", Json::List(trees)));
    } else {
        let trees: Vec<_> = tops
            .iter()
            .map(|top| tree_lines(top, processes).join("\n"))
            .collect();

        format::print(&format!("{}\n", trees.join("\n\n")));
    }
    Ok(0)
}

fn tree_lines(top: &Container<'_>, processes: bool) -> Vec<String> {
    let mut rows = vec![["CONTAINER", "TASKS", "CPU", "LIMITS"]
        .map(str::to_owned)
        .to_vec()];
    let mut lines = vec![format!("{}: {}", top.name(), top.tree.options())];

    add_rows(top, show(&top.path), "", processes, &mut rows);
    lines.extend(format::table(
        &[Side::Left, Side::Right, Side::Right, Side::Left],
        &rows,
    ));
    lines
}

/// Adds a row for a container and for all below. `indent` is in front of the rows below.
fn add_rows(
    container: &Container<'_>,
    name: String,
    indent: &str,
    processes: bool,
    rows: &mut Vec<Vec<String>>,
) {
    let tasks = container.read("tasks");
    let children = container.children();
    let members = if processes {
        container.ids("procs")
    } else {
        Vec::new()
    };
    let mut left = members.len() + children.len();
    let mut branch = || {
        left -= 1;
        if left > 0 {
            (format!("{indent}├─"), format!("{indent}│ "))
        } else {
            (format!("{indent}└─"), format!("{indent}  "))
        }
    };

    rows.push(vec![
        name,
        tasks.map_or("-".to_owned(), |tasks| tasks.lines().count().to_string()),
        Stats::of(container)
            .cpu_ns
            .map_or("-".to_owned(), format::time),
        Own::of(container).short.join(", "),
    ]);
    for pid in members {
        let command = Process::of(pid).map_or("-".to_owned(), |process| process.command);

        rows.push(vec![
            format!("{}{pid} {}", branch().0, format::shorten(&command, 60)),
            String::new(),
            String::new(),
            String::new(),
        ]);
    }
    for child in children {
        let (in_front, below) = branch();
        let name = child.path.file_name().unwrap_or_default();

        add_rows(
            &child,
            format!("{in_front}{}", show(name.as_ref())),
            &below,
            processes,
            rows,
        );
    }
}

fn tree_json(top: &Container<'_>) -> Json {
    Json::Object(vec![
        ("mount", top.tree.mount.as_path().into()),
        ("controllers", top.tree.controllers.as_slice().into()),
        (
            "containers",
            Json::List(top.walk().iter().map(container_json).collect()),
        ),
    ])
}

fn container_json(container: &Container<'_>) -> Json {
    let mut members = vec![
        ("path", container.path.as_path().into()),
        ("tasks", (container.ids("tasks").len() as u64).into()),
    ];

    members.extend(Stats::of(container).json());
    members.push((
        "limits",
        Json::Map(
            Own::of(container)
                .files
                .into_iter()
                .map(|(file, value)| (file, Json::Text(value)))
                .collect(),
        ),
    ));
    Json::Object(members)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::tests::Folder;

    fn folder() -> Folder {
        Folder::new(&[
            ("tasks", "1\n2\n3\n"),
            ("cpuacct.usage", "2000000000\n"),
            ("a/tasks", "4\n"),
            ("a/cpuacct.usage", "1500000000\n"),
            ("a/pids.max", "8\n"),
            ("a/pids.current", "1\n"),
            ("a/x/tasks", ""),
            ("b/tasks", ""),
        ])
    }

    #[test]
    fn a_tree_with_branches() {
        let folder = folder();
        let tree = folder.tree("cpuacct,pids");
        let top = Container::new(&tree, "/".into()).unwrap();

        assert_eq!(
            tree_lines(&top, false)[1..],
            [
                "CONTAINER  TASKS      CPU  LIMITS",
                "/              3  2.000 s",
                "├─a            1  1.500 s  pids 1/8",
                "│ └─x          0        -",
                "└─b            0        -",
            ]
        );
        assert_eq!(
            tree_lines(&top.child("a"), false)[2],
            "/a             1  1.500 s  pids 1/8"
        );
    }

    #[test]
    fn processes_are_in_front_of_containers() {
        let own = std::process::id();
        let folder = Folder::new(&[("a/procs", &format!("{own}\n")), ("a/b/tasks", "")]);
        let tree = folder.tree("pids");
        let lines = tree_lines(&Container::new(&tree, "/".into()).unwrap(), true);

        assert!(lines[4].starts_with(&format!("  ├─{own} ")), "{}", lines[4]);
        assert!(lines[5].starts_with("  └─b"));
    }

    #[test]
    fn objects() {
        let folder = folder();
        let tree = folder.tree("cpuacct,pids");
        let text = tree_json(&Container::new(&tree, "/a".into()).unwrap()).to_string();

        assert!(text.contains(r#""controllers":["cpuacct","pids"]"#));
        assert!(text.contains(r#"{"path":"/a","tasks":1,"cpu_ns":1500000000,"#));
        assert!(text.contains(r#""limits":{"pids.max":"8"}}"#));
        assert!(text.contains(r#"{"path":"/a/x","tasks":0,"cpu_ns":null"#));
    }
}
