#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The controller debug: what it shows of containers and of the reader.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# nsproxies N USERS CONTAINER: this number of nsproxies, and of users of its own one
nsproxies() {
	expect "$1" cat "$3/debug.nsproxies" || return
	expect "$2" cat "$3/debug.users"
}

# Only a task with the initial namespaces can use the container's own nsproxy.
need_initial_namespaces() {
	for link in /proc/self/ns/*; do
		name=${link##*/}
		if [ "$(readlink "$link")" != "$(readlink "/proc/2/ns/$name")" ]; then
			because "not in the initial $name namespace"
			return "$KSFT_SKIP"
		fi
	done
}

files() {
	for file in nsproxies users; do
		expect 444 stat -c %a "$C/debug.$file" || return
		expect EINVAL try write "$C/debug.$file" 1 || return
		expect ENOENT try read "$ROOT/debug.$file" || return
	done
	for file in states self; do
		for container in "$C" "$ROOT"; do
			expect 444 stat -c %a "$container/debug.$file" || return
			expect EINVAL try write "$container/debug.$file" 1 || return
		done
	done
}

nobody_is_in_there() {
	nsproxies 1 0 "$C" || return
	mkdir "$C/below" || return
	start sleep 1000
	attach "$PID" "$C/below" || return
	# Nsproxies of containers below are not counted here.
	nsproxies 1 0 "$C"
}

tasks_share_one() {
	need_initial_namespaces || return
	start threads 4
	wait_until has_threads "$PID" 4 || return
	first=$PID
	attach "$first" "$C" || return
	nsproxies 1 1 "$C" || return
	attach_process "$first" "$C" || return
	nsproxies 1 4 "$C" || return
	start sleep 1000
	attach "$PID" "$C" || return
	nsproxies 1 5 "$C" || return
	end_task "$first"
	nsproxies 1 1 "$C" || return
	attach "$PID" "$ROOT" || return
	nsproxies 1 0 "$C"
}

children_share_it() {
	need_initial_namespaces || return
	start sh -c "echo 0 >$C/tasks
		sleep 1000 & sleep 1000 & echo >$WORK/ready; wait"
	wait_until test -e "$WORK/ready" || return
	nsproxies 1 3 "$C"
}

other_namespaces_are_another() {
	need_initial_namespaces || return
	start_unshared sleep 1000 || return
	first=$PID
	attach "$first" "$C" || return
	nsproxies 2 0 "$C" || return
	# A repeated attach does not count again.
	attach "$first" "$C" || return
	nsproxies 2 0 "$C" || return
	start_unshared sleep 1000 || return
	second=$PID
	attach "$second" "$C" || return
	nsproxies 3 0 "$C" || return
	start sleep 1000
	attach "$PID" "$C" || return
	nsproxies 3 1 "$C" || return
	end_task "$first"
	nsproxies 2 1 "$C" || return
	attach "$second" "$ROOT" || return
	nsproxies 1 1 "$C" || return
	end_task "$PID"
	nsproxies 1 0 "$C"
}

# Tasks with the same namespaces share an nsproxy, after a fork and after an attach.
the_same_namespaces_are_the_same_one() {
	need_initial_namespaces || return
	mine=$(readlink /proc/self/ns/uts)
	start unshare -u threads 4
	wait_until has_other_ns "$PID" "$mine" || return
	wait_until has_threads "$PID" 4 || return
	for thread in $(threads_of "$PID"); do
		attach "$thread" "$C" || return
		nsproxies 2 0 "$C" || return
	done
	attach_process "$PID" "$ROOT" || return
	nsproxies 1 0 "$C"
}

unsharing_inside() {
	need_initial_namespaces || return
	mine=$(readlink /proc/self/ns/uts)
	start sh -c "echo 0 >$C/tasks; echo >$WORK/there
		while ! [ -e $WORK/go ]; do sleep 0.1 || sleep 1; done
		exec unshare -u -i sleep 1000"
	unsharer=$PID
	wait_until test -e "$WORK/there" || return
	start sleep 1000
	attach "$PID" "$C" || return
	echo >"$WORK/go"
	wait_until has_other_ns "$unsharer" "$mine" || return
	nsproxies 2 1 "$C" || return
	end_task "$unsharer"
	nsproxies 1 1 "$C"
}

another_hierarchy_is_another() {
	need_initial_namespaces || return
	load_one_subsystem || return
	mount_tree tree test0 || return
	mkdir "$WORK/tree/a" || return
	start sleep 1000
	attach "$PID" "$C" || return
	nsproxies 1 1 "$C" || return
	attach "$PID" "$WORK/tree/a" || return
	nsproxies 2 0 "$C" || return
	attach "$PID" "$WORK/tree" || return
	nsproxies 1 1 "$C"
}

comes_back() {
	need_initial_namespaces || return
	mkdir "$C/a" "$C/b" || return
	start_unshared sleep 1000 || return
	unshared=$PID
	start sleep 1000
	for _ in 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9; do
		for container in "$C/a" "$C/b"; do
			echo "$PID" >"$container/tasks" || return
			echo "$unshared" >"$container/tasks" || return
		done
	done
	nsproxies 1 0 "$C/a" || return
	nsproxies 2 1 "$C/b" || return
	end_task "$PID"
	end_task "$unshared"
	nsproxies 1 0 "$C/b"
}

# ---- states

# containers: of this hierarchy
containers() {
	awk '$1 == "debug" { print $3 }' /proc/rcfs
}

# Each container has a state. States of removed containers are freed later.
states_are_settled() {
	[ "$(cat "$ROOT/debug.states")" = "$(containers)" ]
}

states_count_containers() {
	wait_until states_are_settled || return
	before=$(cat "$ROOT/debug.states")
	mkdir "$C/a" || return
	expect $((before + 1)) cat "$ROOT/debug.states" || return
	mkdir "$C/a/b" "$C/c" || return
	expect $((before + 3)) cat "$ROOT/debug.states" || return
	# The number covers all containers, in whatever container it is read.
	expect $((before + 3)) cat "$C/a/debug.states" || return
	expect EEXIST try mkdir "$C/a" || return
	expect $((before + 3)) cat "$ROOT/debug.states" || return
	must_be_removable "$C/a/b" || return
	must_be_removable "$C/a" || return
	must_be_removable "$C/c" || return
	wait_until has_states "$before"
}

has_states() {
	[ "$(cat "$ROOT/debug.states")" = "$1" ]
}

states_do_not_pile_up() {
	wait_until states_are_settled || return
	before=$(cat "$ROOT/debug.states")
	start_unshared sleep 1000 || return
	for _ in 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9; do
		mkdir "$C/a" || return
		attach "$PID" "$C/a" || return
		attach "$PID" "$ROOT" || return
		must_be_removable "$C/a" || return
	done
	if [ "$(cat "$ROOT/debug.states")" -lt "$before" ]; then
		because "there are fewer states than containers"
		return 1
	fi
	wait_until has_states "$before"
}

# ---- the nsproxy of the reader

# self COMMAND...: print debug.self of a shell that the command starts. The shell
# reads without a fork, which would be another reference.
self() {
	"$@" sh -c "while read -r word number; do echo \"\$word \$number\"; done <$ROOT/debug.self"
}

about_a_task_of_its_own() {
	expect "references 1
shared 0
replaced 0" self unshare -u || return
	expect "references 1
shared 0
replaced 0" self unshare -u -i
}

children_are_references() {
	expect "references 2
shared 0
replaced 0" unshare -u sh -c "cat $ROOT/debug.self; :"
}

# Other tasks can find the nsproxy that an attach finds or makes.
attached_is_shared() {
	expect "references 1
shared 1
replaced 0" unshare -u sh -c "echo 0 >$C/tasks
		while read -r word number; do echo \$word \$number; done <$C/debug.self" || return
	# So can they find the container's own nsproxy, on which the container has a
	# reference.
	need_initial_namespaces || return
	expect "references 2
shared 1
replaced 0" sh -c "echo 0 >$C/tasks
		while read -r word number; do echo \$word \$number; done <$C/debug.self"
}

# One of two tasks moves: the nsproxy that the other one keeps has been replaced.
taken_is_replaced() {
	start unshare -u sh -c "sleep 1000 & echo \$! >$WORK/child
		while ! [ -e $WORK/go ]; do sleep 0.1 || sleep 1; done
		while read -r word number; do
			echo \$word \$number
		done <$ROOT/debug.self >$WORK/said
		echo >$WORK/done; wait"
	wait_until test -s "$WORK/child" || return
	attach "$(cat "$WORK/child")" "$C" || return
	echo >"$WORK/go"
	wait_until test -e "$WORK/done" || return
	expect "references 1
shared 0
replaced 1" cat "$WORK/said"
}

root_is_shared() {
	need_initial_namespaces || return
	expect "shared 1" sed -n '/^shared/p' "$ROOT/debug.self" || return
	expect "references
shared
replaced" sed 's/ [0-9]*$//' "$ROOT/debug.self"
}

rcfs_begin
trap 'rcfs_end; unload_subsystems' EXIT
grep -q '^debug[[:space:]]' /proc/rcfs ||
	skip_all "this kernel has no controller debug (CONFIG_RCFS_DEBUG)"
rcfs_options | tr ',' '\n' | grep -qx debug ||
	ktap_exit_fail_msg "the hierarchy at $ROOT has no controller debug"
point "all files are read-only, and some not in the root" files
point "a container without tasks has its own nsproxy, with no users" nobody_is_in_there
point "tasks with the initial namespaces share this nsproxy" tasks_share_one
point "children share this nsproxy" children_share_it
point "tasks with other namespaces have another nsproxy" other_namespaces_are_another
point "threads with the same namespaces have the same nsproxy" the_same_namespaces_are_the_same_one
point "a task that unshares inside has another nsproxy" unsharing_inside
point "a task in a container of another hierarchy has another nsproxy" another_hierarchy_is_another
point "many moves leave no nsproxy behind" comes_back
point "states counts containers" states_count_containers
point "states of removed containers are freed" states_do_not_pile_up
point "a task that has unshared has its nsproxy to itself" about_a_task_of_its_own
point "children of this task share its nsproxy" children_are_references
point "the nsproxy that an attach gives is shared" attached_is_shared
point "the nsproxy that an attach takes is replaced" taken_is_replaced
point "the initial nsproxy is shared" root_is_shared
ktap_finished
