#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Calls of subsystems: exactly the tasks of a container are counted in it, through
# fork, exit and moves; and registering and unregistering.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# a_tree: $T with the containers a and b
a_tree() {
	T=$WORK/tree
	mount_tree tree test0,test1 || return
	mkdir "$T/a" "$T/b"
}

# counted N CONTAINER: by both subsystems and by the listing
counted() {
	expect "$1" cat "$2/test0.tasks" || return
	expect "$1" cat "$2/test1.tasks" || return
	expect "$1" count_lines "$2/tasks"
}

forks_and_exits_are_told() {
	a_tree || return
	start sh -c "echo 0 >$T/a/tasks
		sleep 1000 & echo \$! >$WORK/one
		sleep 1000 & echo \$! >$WORK/two
		wait"
	wait_until test -s "$WORK/two" || return
	counted 3 "$T/a" || return
	kill -9 "$(cat "$WORK/one")"
	wait_until expect 2 cat "$T/a/test0.tasks" >"$WORK/said" || return
	counted 2 "$T/a" || return
	end_task "$PID"
	kill -9 "$(cat "$WORK/two")"
	wait_until expect 0 cat "$T/a/test0.tasks" >"$WORK/said" || return
	counted 0 "$T/a"
}

moves_are_told() {
	a_tree || return
	start threads 6
	wait_until has_threads "$PID" 6 || return
	attach_process "$PID" "$T/a" || return
	counted 6 "$T/a" || return
	attach "$PID" "$T/b" || return
	counted 5 "$T/a" || return
	counted 1 "$T/b" || return
	attach_process "$PID" "$T/b" || return
	counted 0 "$T/a" || return
	counted 6 "$T/b" || return
	# A move in another hierarchy is not reported here.
	attach_process "$PID" "$C" || return
	counted 6 "$T/b" || return
	end_task "$PID"
	counted 0 "$T/b" || return
	must_be_removable "$T/b"
}

namespaces_do_not_matter() {
	a_tree || return
	mine=$(readlink /proc/self/ns/uts)
	start sh -c "echo 0 >$T/a/tasks; exec unshare -u -i sleep 1000"
	wait_until has_other_ns "$PID" "$mine" || return
	counted 1 "$T/a" || return
	attach "$PID" "$T/b" || return
	counted 0 "$T/a" || return
	counted 1 "$T/b"
}

cpu_time_is_told() {
	a_tree || return
	start sh -c "while :; do :; done"
	attach "$PID" "$T/a" || return
	wait_until is_charged "$T/a/test0.charged" || return
	wait_until is_charged "$T/a/test1.charged" || return
	expect 0 cat "$T/b/test0.charged"
}

is_charged() {
	[ "$(cat "$1")" -ge 10000000 ]
}

files_read_and_write() {
	a_tree || return
	expect "" cat "$T/a/test0.note" || return
	expect OK try write "$T/a/test0.note" " hello
" || return
	expect hello cat "$T/a/test0.note" || return
	expect "" cat "$T/a/test1.note" || return
	expect "" cat "$T/b/test0.note" || return
	expect "" cat "$T/test0.note" || return
	# Values that the subsystem refuses, and writes that do not reach it
	expect EINVAL try write "$T/a/test0.note" "$(printf '%040d' 0)" || return
	expect E2BIG try write "$T/a/test0.note" "$(printf '%05000d' 0)" || return
	expect hello cat "$T/a/test0.note" || return
	expect EACCES try -u 1000 write "$T/a/test0.note" x || return
	expect 444 stat -c %a "$T/a/test0.tasks" || return
	expect 644 stat -c %a "$T/a/test0.note"
}

root_serves_who_is_not_bound() {
	# Tasks have containers elsewhere, from before the subsystem was registered.
	start sleep 1000
	attach "$PID" "$C" || return
	load_subsystems 2 || return
	a_tree || return
	in_container "$PID" "$T" || return
	attach "$PID" "$T/a" || return
	counted 1 "$T/a" || return
	must_be_in "$PID" "$C"
}

bound_module_stays() {
	a_tree || return
	if rmmod test_rcfs 2>/dev/null; then
		because "the module was unloaded while its subsystems are bound"
		return 1
	fi
	expect 0 cat "$T/a/test0.tasks"
}

unloading_leaves_nothing() {
	for _ in 1 2 3 4 5; do
		a_tree || return
		start threads 3
		wait_until has_threads "$PID" 3 || return
		attach_process "$PID" "$T/a" || return
		end_task "$PID"
		tree_empty_out "$T" || return
		umount "$T" || return
		TREES=
		# States of removed containers may not be freed yet.
		rmmod test_rcfs || return
		if grep -q '^test' /proc/rcfs; then
			because "/proc/rcfs has $(grep '^test' /proc/rcfs)"
			return 1
		fi
		load_subsystems 2 || return
	done
}

# zombie NAME COMMANDS: $(cat $WORK/NAME) has run the commands, and is not reaped
zombie() {
	start sh -c "sh -c '$2; echo \$\$ >$WORK/$1' & exec sleep 1000"
	wait_until test -s "$WORK/$1" || return
	wait_until is_in_state Z "$(cat "$WORK/$1")"
}

zombies_keep_no_module() {
	mark_log || return
	a_tree || return
	zombie one "echo 0 >$T/a/tasks" || return
	one=$PID
	# It stays in the other hierarchy.
	zombie two "echo 0 >$C/tasks; echo 0 >$T/b/tasks" || return
	two=$PID
	expect 1 cat "$T/a/test0.zombies" || return
	expect 1 cat "$T/b/test0.zombies" || return
	tree_empty_out "$T" || return
	umount "$T" || return
	TREES=
	rmmod test_rcfs || return
	expect Z task_state "$(cat "$WORK/one")" || return
	expect Z task_state "$(cat "$WORK/two")" || return
	load_subsystems 2 || return
	a_tree || return
	counted 0 "$T/a" || return
	end_task "$one"
	end_task "$two"
	wait_until is_gone "$(cat "$WORK/one")" || return
	wait_until is_gone "$(cat "$WORK/two")" || return
	expect 0 cat "$T/test0.zombies" || return
	no_complaints
}

# One of its two containers is removed with its subsystem.
zombies_count_elsewhere() {
	if ! [ -e "$C/pids.current" ]; then
		because "the hierarchy has no controller pids"
		return "$KSFT_SKIP"
	fi
	a_tree || return
	zombie one "echo 0 >$C/tasks; echo 0 >$T/a/tasks" || return
	expect 1 cat "$C/pids.current" || return
	tree_empty_out "$T" || return
	umount "$T" || return
	TREES=
	rmmod test_rcfs || return
	expect 1 cat "$C/pids.current" || return
	end_task "$PID"
	wait_until is_gone "$(cat "$WORK/one")" || return
	expect 0 cat "$C/pids.current" || return
	load_subsystems 2
}

is_gone() {
	! [ -d "/proc/$1" ]
}

rcfs_begin
need_subsystems 2
point "subsystems are told of forks and exits" forks_and_exits_are_told
point "subsystems are told of moves of threads and processes" moves_are_told
point "tasks with namespaces of their own count as well" namespaces_do_not_matter
point "CPU time is charged to the container of the task" cpu_time_is_told
point "files read and write the values of the subsystem" files_read_and_write
point "a late subsystem finds all tasks in its root" root_serves_who_is_not_bound
point "a module cannot be unloaded while its subsystem is bound" bound_module_stays
point "an unloaded module leaves nothing behind" unloading_leaves_nothing
point "a module can be unloaded while its zombies are not reaped" zombies_keep_no_module
point "a zombie still counts for another subsystem" zombies_count_elsewhere
ktap_finished
