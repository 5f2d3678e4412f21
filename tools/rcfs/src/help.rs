// SPDX-License-Identifier: GPL-2.0

//! What `--help` says. `rcfs.1` has it in full.

use crate::args::Args;

/// The text that the arguments of a subcommand ask for, if they do
pub(crate) fn wanted(name: &str, args: &Args) -> Option<String> {
    // What follows the options of `run` is for the command.
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
  ls [PATH…]                    the tree of containers: tasks, CPU time, limits
  top [PATH…]                   the same, live, the busiest first
  ps [PATH…]                    processes, and the containers they are in
  kill PATH…                    end all processes in containers and below
  freeze PATH…                  stop them
  thaw PATH…                    let them go on
  move PATH PID…                put processes into a container
  rm [-r] PATH…                 remove containers
  status                        hierarchies, controllers, and what is missing
  help [SUBCOMMAND]             this text, or more about a subcommand

A PATH names a container: /jobs/a begins at the root of each hierarchy, jobs/a at
the container of the caller, /sys/fs/rcfs/jobs/a at a mount point, ./a at the
current directory.

Exit status: 0, 1 for a failure, 2 for wrong usage; see rcfs help run for that one's.
"
}

pub(crate) fn of(name: &str) -> Option<&'static str> {
    Some(match name {
        "run" => {
            "\
Usage: rcfs run [OPTION…] [--] CMD [ARG…]

Run CMD in a container of its own, from its first instruction on. When CMD ends,
all that is left in the container is killed, and the container is removed; also if
rcfs run is killed.

  -l, --limit FILE=VALUE     a limit, for example -l pids.max=64,
                             -l cpu.cfs_quota_us=20000, -l cpuset.cpus=0-1,
                             -l memory.limit_in_bytes=20M;
                             may be repeated, for any hierarchies
      --name PATH            the name of the container (default: run-PID); it begins
                             at the caller's own container, with a / at the root
  -c, --controllers LIST     make containers for these controllers and those of the
                             limits, instead of all hierarchies where it is possible
      --keep                 leave the container, and what is in it
      --time                 say at the end what was used
      --json                 the same as JSON
  -o, --output FILE          where to say it (default: standard error)

Exit status: that of CMD; 128+N if the signal N has killed CMD; 127 if CMD was not
found, 126 if it could not be executed; 125 if rcfs run itself has failed.
"
        }
        "ls" => {
            "\
Usage: rcfs ls [OPTION…] [PATH…]

Show containers and those below as a tree: tasks, CPU time, and limits that differ
from those of a new container. Without a PATH: all of them.

  -p, --processes   show processes as well
      --json        as JSON
"
        }
        "top" => {
            "\
Usage: rcfs top [OPTION…] [PATH…]

Show containers and those below, the busiest first, again and again. q quits; c, t,
m and n sort by CPU, tasks, time and name.

  -n, --iterations N   end after N times
  -d, --delay SECONDS  between two times (default: 1)
  -b, --batch          print one table after the other, without a terminal
      --once           print one table, about the next SECONDS
      --json           as JSON, with --once or --batch
      --sort WHAT      cpu (default), tasks, time or name

%CPU and %THROTTLED are about the time since the last table; 100 is one CPU.
"
        }
        "ps" => {
            "\
Usage: rcfs ps [OPTION…] [PATH…]

List the processes that have threads in containers and below. Without a PATH: those
that are in any container but a root.

  -a, --all    those in the roots as well
      --json   as JSON
"
        }
        "kill" => {
            "\
Usage: rcfs kill [OPTION…] PATH…

End all processes in containers and below, those that are frozen as well, and wait
until they are gone.

      --no-wait          do not wait
      --timeout SECONDS  wait for so long at most; exit with 1 then
  -s, --signal SIGNAL    send another signal than KILL, to the processes that there
                         are at this moment, and do not wait
"
        }
        "freeze" => {
            "\
Usage: rcfs freeze [OPTION…] PATH…

Stop all tasks in containers and below, and wait until all have stopped.

      --no-wait          do not wait
      --timeout SECONDS  wait for so long at most; exit with 1 then
"
        }
        "thaw" => {
            "\
Usage: rcfs thaw PATH…

Let the tasks in containers go on. Exit with 1 if one above is still frozen.
"
        }
        "move" => {
            "\
Usage: rcfs move [OPTION…] PATH PID…

Put processes, with all of their threads, into a container; in each hierarchy that
has a container of this PATH.

  -t, --threads   the numbers are threads, which are moved alone
"
        }
        "rm" => {
            "\
Usage: rcfs rm [-r] PATH…

Remove containers, which have to be without tasks.

  -r, --recursive   those below as well, from the bottom up
"
        }
        "status" => {
            "\
Usage: rcfs status [--json]

Show hierarchies: mount points, controllers, containers, and tasks outside of the
root; and what is missing: controllers in no hierarchy, modules that are not loaded,
and members of containers whose CPU time a control group governs.

      --json   as JSON
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
