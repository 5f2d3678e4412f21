#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A subsystem refuses an operation, which then has no effect. Of three subsystems,
# each one refuses in turn.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# EDOM, which no other code on this path returns
REFUSAL=-33
SAYS=EDOM

# each_refuses FUNCTION: run it with each of the three as the one that refuses
each_refuses() {
	mount_tree tree "$(names 3)" || return
	T=$WORK/tree
	for index in 0 1 2; do
		echo $index >$PARAMETERS/refuser
		if ! "$1"; then
			because "with test$index refusing"
			return 1
		fi
	done
}

create() {
	each_refuses refused_create
}

refused_create() {
	before=$(states)
	refuse create $REFUSAL
	for _ in 1 2 3; do
		expect "$SAYS" try mkdir "$T/a" || return
	done
	[ ! -e "$T/a" ] || return
	# States that were made are freed after a while, and no others.
	wait_until expect_states "$before" || return
	refuse create 0
	expect OK try mkdir "$T/a" || return
	expect $((before + 3)) states || return
	must_be_removable "$T/a" || return
	wait_until expect_states "$before"
}

expect_states() {
	[ "$(states)" = "$1" ]
}

populate() {
	each_refuses refused_populate
}

refused_populate() {
	before=$(states)
	refuse populate $REFUSAL
	expect "$SAYS" try mkdir "$T/a" || return
	[ ! -e "$T/a" ] || return
	wait_until expect_states "$before" || return
	refuse populate 0
	expect OK try mkdir "$T/a" || return
	expect "$(ls "$T")" ls_with_a "$T/a" || return
	must_be_removable "$T/a" || return
	wait_until expect_states "$before"
}

# The root also has the directory a, and has no file kill.
ls_with_a() {
	{ ls "$1"; echo a; } | grep -vx kill | sort
}

mount_refused() {
	before=$(states)
	mkdir "$WORK/tree" || return
	refuse populate $REFUSAL
	for _ in 1 2 3; do
		expect "$SAYS" try mount "$(names 3)" "$WORK/tree" || return
	done
	refuse populate 0
	# In 2007 the subsystems were lost at this point.
	for options in test0 test1 test2; do
		expect OK try mount "$options" "$WORK/tree" || return
		umount "$WORK/tree" || return
	done
	expect "$before" states
}

attach_one() {
	each_refuses refused_attach
}

refused_attach() {
	mkdir "$T/a" "$T/b" || return
	start sleep 1000
	attach "$PID" "$T/a" || return
	refuse attach $REFUSAL
	for _ in 1 2 3; do
		expect "$SAYS" try write "$T/b/tasks" "$PID" || return
	done
	nobody_moved 1 || return
	# A move to the same container asks no subsystem.
	attach "$PID" "$T/a" || return
	refuse attach 0
	attach "$PID" "$T/b" || return
	end_task "$PID"
	must_be_removable "$T/a" || return
	must_be_removable "$T/b"
}

# nobody_moved N: no task has moved from a to b
nobody_moved() {
	must_be_empty "$T/b" || return
	for subsystem in 0 1 2; do
		expect "$1" cat "$T/a/test$subsystem.tasks" || return
		expect 0 cat "$T/b/test$subsystem.tasks" || return
	done
	must_be_removable "$T/b" && mkdir "$T/b"
}

attach_all_threads() {
	each_refuses refused_process
}

refused_process() {
	mkdir "$T/a" "$T/b" || return
	start threads 5
	wait_until has_threads "$PID" 5 || return
	attach_process "$PID" "$T/a" || return
	refuse attach $REFUSAL
	expect "$SAYS" try write "$T/b/procs" "$PID" || return
	expect "$(threads_of "$PID")" cat "$T/a/tasks" || return
	nobody_moved 5 || return
	refuse attach 0
	attach_process "$PID" "$T/b" || return
	end_task "$PID"
	must_be_removable "$T/a" || return
	must_be_removable "$T/b"
}

fork() {
	each_refuses refused_fork
}

refused_fork() {
	mkdir "$T/a" || return
	refuse fork $REFUSAL
	expect "$SAYS" try forkin "$T/a/tasks" || return
	refuse fork 0
	expect OK try forkin "$T/a/tasks" || return
	for subsystem in 0 1 2; do
		expect 0 cat "$T/a/test$subsystem.tasks" || return
	done
	must_be_removable "$T/a"
}

rcfs_begin
need_subsystems 3
point "a refused create leaves no container" create
point "a refused populate leaves no container" populate
point "a failed mount leaves no hierarchy" mount_refused
point "a refused attach moves no task" attach_one
point "a refused attach moves no thread of a process" attach_all_threads
point "a refused fork leaves nothing behind" fork
ktap_finished
