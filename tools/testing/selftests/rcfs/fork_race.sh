#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Moving tasks while they fork, exit, and switch namespaces. The program fork_race
# does this on two CPUs; this file checks what is left afterwards.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# race TEST ROUNDS: in two containers, which must be removable at once afterwards
race() {
	mark_log || return
	mkdir "$C/a" "$C/b" || return
	fork_race "$1" "$C/a" "$C/b" "$2" || return
	must_be_empty "$C/a" || return
	must_be_empty "$C/b" || return
	must_be_removable "$C/a" || return
	must_be_removable "$C/b" || return
	must_be_removable "$C" || return
	no_complaints
}

storm() {
	delay copy 300
	delay put 100
	race storm 100
}

children() {
	# Longer than an attach and a listing take on the debug kernel
	delay visible 1500
	race children 150
}

threads() {
	delay visible 300
	race threads 100
}

switches() {
	delay switch 300
	race switches 150
}

vacate() {
	race vacate 150
}

leave() {
	race leave 150
}

reap() {
	mark_log || return
	fork_race reap "$C" 60 || return
	must_be_removable "$C" || return
	no_complaints
}

dying() {
	delay put 500
	race dying 100
}

removed_while_written() {
	mark_log || return
	fork_race rmdir "$C" 200 || return
	must_be_removable "$C" || return
	no_complaints
}

# a_tree: $T with the containers a and b, and the test's subsystem test0
a_tree() {
	load_one_subsystem || return
	T=$WORK/tree
	mount_tree tree test0 || return
	mkdir "$T/a" "$T/b"
}

lingering() {
	a_tree || return
	mark_log || return
	# Several RCU grace periods
	echo 300000 >$PARAMETERS/linger
	fork_race linger "$T/a" "$T/b" "$T/test0.linger" 10 || return
	must_be_removable "$T/a" || return
	must_be_removable "$T/b" || return
	no_complaints
}

charged() {
	a_tree || return
	mark_log || return
	# Longer than a move and an rmdir take on the debug kernel
	echo 5000 >$PARAMETERS/linger
	fork_race spin "$T/a" "$T/b" 60 || return
	must_be_removable "$T/a" || return
	must_be_removable "$T/b" || return
	no_complaints
}

# Hooks miss no task: the storm, in a tree whose subsystem counts
counted_storm() {
	a_tree || return
	mark_log || return
	delay visible 100
	fork_race storm "$T/a" "$T/b" 60 || return
	for container in "$T/a" "$T/b"; do
		must_be_empty "$container" || return
		expect 0 cat "$container/test0.tasks" || return
		must_be_removable "$container" || return
	done
	no_complaints
}

rcfs_begin
trap 'rcfs_end; unload_subsystems' EXIT
[ "$(nproc)" -ge 2 ] || skip_all "races need two CPUs"
point "tasks that fork, exit and switch namespaces can be moved" storm
point "no child stays behind when its parent is moved" children
point "no thread stays behind when its process is moved" threads
point "no switch of namespaces undoes a move" switches
point "a container can be removed when its last task leaves during a switch" vacate
point "a container can be removed when its last task leaves during a fork" leave
point "a container can be removed when its last task is reaped" reap
point "no task gets an nsproxy whose last user is leaving" dying
point "a container can be removed while its files are written to" removed_while_written
point "a task that is slow to follow its nsproxy can be moved" lingering
point "CPU time can be charged to a container that is being removed" charged
point "subsystems count correctly during forks, exits and moves" counted_storm
ktap_finished
