// SPDX-License-Identifier: GPL-2.0

//! The texts of `--help`. `rcfs.1` is the full description.

use crate::args::Args;

/// The help of a subcommand, if the arguments ask for it
pub(crate) fn wanted(name: &str, args: &Args) -> Option<String> {
    // Options behind those of `run` belong to the command.
    let is_asked = if name == "run" {
        args.begin_with_help()
    } else {
        args.ask_for_help()
    };

    is_asked.then(|| of(name)).flatten().map(str::to_owned)
}

pub(crate) fn overview() -> &'static str {
    "\
Usage: rcfs SUBCOMMAND …

  run [OPTION…] -- CMD [ARG…]   run a command in a container of its own
  ls [PATH…]                    list the containers: tasks, CPU time, limits
  top [PATH…]                   show the busiest containers, live
  ps [PATH…]                    list processes with their containers
  kill PATH…                    kill all processes in containers and below
  freeze PATH…                  stop all tasks in containers and below
  thaw PATH…                    let these tasks continue
  move PATH PID…                move processes into a container
  rm [-r] PATH…                 remove containers
  status                        show hierarchies, controllers, and what is missing
  help [SUBCOMMAND]             show this text, or the help of a subcommand

A PATH names a container. /jobs/a is relative to the root of each hierarchy, jobs/a to
the container of the caller, and ./a to the current directory. /sys/fs/rcfs/jobs/a
begins with a mount point.

Exit status: 0, 1 for a failure, 2 for wrong usage. For run, see rcfs help run.
"
}

pub(crate) fn of(name: &str) -> Option<&'static str> {
    Some(match name {
        "run" => {
            "\
Usage: rcfs run [OPTION…] [--] CMD [ARG…]

Run CMD in a container of its own, from its first instruction on. When CMD ends, all
processes that are left in the container are killed, and the container is removed.
This is also done if rcfs run is killed.

  -l, --limit FILE=VALUE     set a limit, for example -l pids.max=64,
                             -l cpu.cfs_quota_us=20000, -l cpuset.cpus=0-1,
                             -l memory.limit_in_bytes=20M;
                             may be repeated, for any hierarchies
      --name PATH            name the container (default: run-PID); the PATH is
                             relative to the caller's own container, or with a
                             leading / to the root
  -c, --controllers LIST     make containers for these controllers and those of the
                             limits only (default: in all hierarchies, if possible)
      --keep                 keep the container and its processes
      --time                 report at the end what was used
      --json                 report it as JSON
  -o, --output FILE          write the report to FILE (default: standard error)

Exit status: that of CMD; 128+N if the signal N has killed CMD; 127 if CMD was not
found, 126 if it could not be executed; 125 if rcfs run itself has failed.
"
        }
        "ls" => {
            "\
Usage: rcfs ls [OPTION…] [PATH…]

Show containers and all containers below as a tree: tasks, CPU time, and limits that
differ from those of a new container. Without a PATH, show all containers.

  -p, --processes   show processes as well
      --json        print JSON
"
        }
        "top" => {
            "\
Usage: rcfs top [OPTION…] [PATH…]

Show containers and all containers below, updated repeatedly, the busiest first. q
quits; c, t, m and n sort by CPU, tasks, time and name.

  -n, --iterations N   exit after N tables
  -d, --delay SECONDS  set the time between two tables (default: 1)
  -b, --batch          print one table after the other, without a terminal
      --once           print one table for the next SECONDS
      --json           print JSON, with --once or --batch
      --sort WHAT      sort by cpu (default), tasks, time or name

%CPU and %THROTTLED are for the time since the last table; 100 is one CPU.
"
        }
        "ps" => {
            "\
Usage: rcfs ps [OPTION…] [PATH…]

List the processes that have threads in containers and below. Without a PATH, list
processes in all containers except for roots.

  -a, --all    list processes in roots as well
      --json   print JSON
"
        }
        "kill" => {
            "\
Usage: rcfs kill [OPTION…] PATH…

Kill all processes in containers and below, even frozen ones, and wait until they are
gone.

      --no-wait          do not wait
      --timeout SECONDS  wait at most this long, and then exit with 1
  -s, --signal SIGNAL    send another signal than KILL to the present processes, and
                         do not wait
"
        }
        "freeze" => {
            "\
Usage: rcfs freeze [OPTION…] PATH…

Stop all tasks in containers and below, and wait until all are frozen.

      --no-wait          do not wait
      --timeout SECONDS  wait at most this long, and then exit with 1
"
        }
        "thaw" => {
            "\
Usage: rcfs thaw PATH…

Let the tasks in containers and below continue. Exit with 1 if a container above is
still frozen.
"
        }
        "move" => {
            "\
Usage: rcfs move [OPTION…] PATH PID…

Move processes, with all of their threads, into a container, in each hierarchy that
has a container of this PATH.

  -t, --threads   move single threads; each PID is the id of a thread
"
        }
        "rm" => {
            "\
Usage: rcfs rm [-r] PATH…

Remove containers without tasks.

  -r, --recursive   remove containers below as well, from the bottom up
"
        }
        "status" => {
            "\
Usage: rcfs status [--json]

Show hierarchies: mount points, controllers, containers, and tasks outside of the
root. Also show what is missing: controllers in no hierarchy, modules that are not
loaded, and tasks whose CPU time a control group governs.

      --json   print JSON
"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_subcommand_has_a_text() {
        for line in overview().lines().filter(|line| line.starts_with("  ")) {
            let name = line.split_ascii_whitespace().next().unwrap();

            assert!(
                name == "help"
                    || of(name)
                        .unwrap()
                        .starts_with(&format!("Usage: rcfs {name}"))
            );
        }
        assert_eq!(of("nosuch"), None);
    }

    #[test]
    fn lines_fit_into_a_terminal() {
        for name in [
            "run", "ls", "top", "ps", "kill", "freeze", "thaw", "move", "rm", "status",
        ] {
            assert!(
                of(name)
                    .unwrap()
                    .lines()
                    .all(|line| line.chars().count() <= 85),
                "{name}"
            );
        }
    }

    #[test]
    fn help_for_a_command_is_its_own() {
        let args = |words: &[&str]| Args::new(words.iter().map(Into::into).collect());

        assert!(wanted("ls", &args(&["/a", "--help"])).is_some());
        assert!(wanted("run", &args(&["--help"])).is_some());
        assert!(wanted("run", &args(&["ls", "--help"])).is_none());
        assert!(wanted("nosuch", &args(&["--help"])).is_none());
    }
}
