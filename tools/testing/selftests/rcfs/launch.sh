#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Launching: clone3(2) with CLONE_INTO_CGROUP and the descriptor of a directory of
# rcfs.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=controllers.sh
. "$HERE/controllers.sh"

# launches [ARGUMENT...] DIR COMMAND...: in the background. $PID is the launcher,
# the parent of the command.
launches() {
	start launch run "$@"
}

# has_task CONTAINER: at least one
has_task() {
	[ "$(cat "$1/tasks")" ]
}

begins_there() {
	for how in "" -p; do
		# shellcheck disable=SC2086 # nothing, or one word
		expect "exited 7" launch run $how "$C" sh -c 'exit 7' || return
		# shellcheck disable=SC2086
		launches $how "$C" sleep 1000
		wait_until has_task "$C" || return
		must_be_in "$(cat "$C/tasks")" "$C" || return
		must_be_in "$PID" "$ROOT" || return
		expect 0 cat "$C/empty" || return
		expect EBUSY try rmdir "$C" || return
		end_task "$PID"
		wait_until is_empty "$C" || return
		must_be_removable "$C" || return
		mkdir "$C" || return
	done
}

# A child that was never in the container of its parent is not counted there.
never_elsewhere() {
	mkdir "$C/parent" "$C/child" || return
	expect "exited 0" launch run "$C/child" \
		grep -q ":/${C##*/}/child\$" /proc/self/rcfs || return
	start sh -c "echo 0 >$C/parent/tasks && launch run $C/child \
		grep :/${C##*/} /proc/self/rcfs >$WORK/said"
	wait "$PID"
	grep -q ":/${C##*/}/child\$" "$WORK/said" || return
	expect 0 grep -c /parent "$WORK/said"
}

to_the_root_and_where_it_is() {
	start sh -c "echo 0 >$C/tasks && launch run $ROOT true >$WORK/root &&
		launch run $C true >$WORK/here"
	wait "$PID"
	expect "exited 0" cat "$WORK/root" || return
	expect "exited 0" cat "$WORK/here"
}

# It has new namespaces, and is in the requested container.
with_new_namespaces() {
	# CLONE_NEWUTS | CLONE_NEWIPC, CLONE_NEWPID, CLONE_NEWNS
	for flags in 0x0c000000 0x20000000 0x00020000; do
		launches -n $flags "$C" sleep 1000
		wait_until has_task "$C" || return
		child=$(cat "$C/tasks")
		must_be_in "$child" "$C" || return
		attach "$child" "$ROOT" || return
		must_be_empty "$C" || return
		end_task "$PID"
	done
	must_be_removable "$C"
}

threads_begin_there() {
	launch thread "$C" >"$WORK/tid" 2>&1 &
	PID=$!
	CHILDREN="$CHILDREN $PID"
	wait_until grep -qs '^[0-9]' "$WORK/tid" || return
	must_be_in "$(cat "$WORK/tid")" "$C" || return
	must_be_in "$PID" "$ROOT" || return
	# All threads are one process, whatever containers they are in.
	attach_process "$PID" "$ROOT" || return
	must_be_empty "$C"
}

errors_are_those_of_control_groups() {
	mkdir "$C/gone" "$WORK/other" || return
	expect EBADF launch run "$C/tasks" true || return
	expect EBADF launch run "$WORK/other" true || return
	exec 3<"$C/gone"
	must_be_removable "$C/gone" || return
	expect ENODEV launch fd 3 true || return
	exec 3<&-
	expect EBADF launch fd 3 true
}

# The caller needs the rights of a write to procs.
rights_are_those_of_a_write() {
	mkdir "$C/theirs" && chown 1000:1000 "$C/theirs/procs" || return
	expect EACCES try -u 1000 run launch run "$C" true || return
	expect "exited 0" try -u 1000 run launch run "$C/theirs" true || return
	# A descriptor of another file in the directory is refused.
	chown 1000:1000 "$C/tasks" || return
	expect EACCES try -u 1000 run launch run "$C" true
}

nobody_gets_in_through_a_read_only_mount() {
	mkdir "$WORK/bound" || return
	mount --bind "$ROOT" "$WORK/bound" || return
	EXTRA_MOUNTS="$EXTRA_MOUNTS $WORK/bound"
	mount -o remount,ro,bind "$WORK/bound" || return
	expect EROFS launch run "$WORK/bound/${C##*/}" true || return
	expect "exited 0" launch run "$C" true
}

# The limit of the new container counts, not that of the parent's.
limits_are_those_of_the_container() {
	need_controller pids || return
	mkdir "$C/full" "$C/free" || return
	set_file "$C/full/pids.max" 2 || return
	start sleep 1000
	attach "$PID" "$C/full" || return
	start sh -c "echo 0 >$C/full/tasks
		exec launch run $C/free cat $C/full/pids.current >$WORK/said"
	wait "$PID"
	expect "2
exited 0" cat "$WORK/said" || return
	expect 0 cat "$C/free/pids.current" || return
	start sleep 1000
	attach "$PID" "$C/full" || return
	expect EAGAIN launch run "$C/full" true || return
	expect "max 1" cat "$C/full/pids.events" || return
	expect 2 cat "$C/full/pids.current" || return
	expect "max 0" cat "$C/free/pids.events"
}

# In a frozen container, a child does not run a single instruction of its program.
frozen_before_it_runs() {
	need_controller freezer || return
	set_file "$C/freezer.state" FROZEN || return
	launches "$C" sh -c "echo >$WORK/ran"
	wait_until has_task "$C" || return
	wait_until expect FROZEN cat "$C/freezer.state" || return
	[ ! -e "$WORK/ran" ] || return
	set_file "$C/freezer.state" THAWED || return
	wait_until test -e "$WORK/ran"
}

in_the_group_of_the_scheduler() {
	need_controller cpu || return
	mkdir "$C/parent" "$C/child" || return
	# A period in which the quota was used up counts as throttled.
	set_file "$C/child/cpu.cfs_quota_us" 2000 || return
	start sh -c "echo 0 >$C/parent/tasks; exec launch run $C/child spin busy"
	wait_until has_task "$C/child" || return
	wait_until is_throttled "$C/child" || return
	expect 0 throttled "$C/parent"
}

throttled() {
	sed -n 's/^nr_throttled //p' "$1/cpu.stat"
}

is_throttled() {
	[ "$(throttled "$1")" -gt 0 ]
}

on_the_cpus_of_the_container() {
	need_controller cpuset || return
	[ "$(nproc)" -ge 2 ] || {
		because "one CPU"
		return "$KSFT_SKIP"
	}
	set_file "$C/cpuset.cpus" 1 || return
	launches "$C" sleep 1000
	wait_until has_task "$C" || return
	expect 1 sed -n 's/^Cpus_allowed_list:[^0-9]*//p' "/proc/$(cat "$C/tasks")/status"
}

# In other hierarchies, a child begins in the container of its parent.
elsewhere_with_the_parent() {
	two_trees || return
	mkdir "$WORK/tree/p" || return
	start sh -c "echo 0 >$WORK/tree/p/tasks; exec launch run $C sleep 1000"
	wait_until has_task "$C" || return
	in_container "$(cat "$C/tasks")" "$WORK/tree/p"
}

# two_trees: mount a second tree at $WORK/tree, of a subsystem that is not in the
# one at $ROOT
two_trees() {
	if ! [ -d $PARAMETERS ]; then
		because "there is no module test_rcfs (CONFIG_RCFS_TEST)"
		return "$KSFT_SKIP"
	fi
	mount_tree tree test0
}

# After a move, a task has no children in its old container, not even launched ones.
no_child_stays_behind() {
	two_trees || return
	mkdir "$WORK/tree/a" "$WORK/tree/b" || return
	# Delay between the check of the launcher and the moment at which the child
	# is visible
	delay copy 1500
	launch race "$WORK/tree/a" "$WORK/tree/b" "$C" 100 || return
	must_be_removable "$WORK/tree/a" || return
	must_be_removable "$WORK/tree/b" || return
	must_be_removable "$C"
}

refused_by_a_subsystem() {
	two_trees || return
	mkdir "$WORK/tree/a" || return
	refuse attach -16
	expect EBUSY launch run "$WORK/tree/a" true || return
	refuse attach 0
	refuse fork -11
	expect EAGAIN launch run "$WORK/tree/a" true || return
	refuse fork 0
	expect "exited 0" launch run "$WORK/tree/a" true || return
	expect 0 cat "$WORK/tree/a/test0.tasks" || return
	must_be_removable "$WORK/tree/a"
}

# The launcher may be attached to another container after it has been found in this one.
into_the_own_container() {
	mkdir "$C/a" "$C/b" || return
	launch own "$C/a" "$C/b" 100 || return
	must_be_removable "$C/a" || return
	must_be_removable "$C/b"
}

into_what_is_going() {
	launch going "$C" 200 || return
	must_be_removable "$C"
}

rcfs_begin
trap 'rcfs_end; unload_subsystems' EXIT
load_subsystems 1 2>/dev/null
ROOM=$(COUNT=1 free_hierarchies)
point "a child begins in the container of a directory" begins_there
point "a child is never in the container of its parent" never_elsewhere
point "a child can begin in the root, and in its parent's container" to_the_root_and_where_it_is
point "a child with new namespaces begins in the container" with_new_namespaces
point "a thread begins in the container" threads_begin_there
point "other files are EBADF, a removed directory is ENODEV" errors_are_those_of_control_groups
point "a launch without write permission for procs is EACCES" rights_are_those_of_a_write
point "a directory of a read-only mount is EROFS" nobody_gets_in_through_a_read_only_mount
point "the limits of the container apply" limits_are_those_of_the_container
point "a child in a frozen container does not run" frozen_before_it_runs
point "a child begins in the scheduler's group of the container" in_the_group_of_the_scheduler
point "a child begins on the CPUs of the container" on_the_cpus_of_the_container
point "in other hierarchies a child begins with its parent" elsewhere_with_the_parent
point "no child is launched where its parent was before a move" no_child_stays_behind
point "a launch into the own container ignores a move at the same time" into_the_own_container
point "a launch that a subsystem refuses leaves nothing behind" refused_by_a_subsystem
point "a launch into a container being removed fails, or keeps it" into_what_is_going
ktap_finished
