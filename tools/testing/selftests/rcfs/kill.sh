#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The file kill: it kills all tasks in a container and below.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=controllers.sh
. "$HERE/controllers.sh"

# Killed tasks end within moments. The processes of a bomb also end by themselves,
# but later than this.
LIMIT=100

# kill_all CONTAINER
kill_all() {
	expect OK try write "$1/kill" 1
}

# freeze CONTAINER: and wait until all tasks in it are frozen
freeze() {
	set_file "$1/freezer.state" FROZEN || return
	wait_until expect FROZEN cat "$1/freezer.state"
}

# ended PID: a process of start() has ended
ended() {
	wait_until is_dead "$1" || return
	wait "$1" 2>/dev/null
	expect 137 echo $?
}

# is_dead PID: its first thread has ended, and there is no other one
is_dead() {
	has_ended "$1" && [ "$(count_threads "$1")" -le 1 ]
}

all_below_die() {
	mkdir -p "$C/a/b" "$C/other" || return
	start sleep 1000
	spared=$PID
	attach "$spared" "$C/other" || return
	pids=
	for place in "$C/a" "$C/a/b"; do
		start sleep 1000
		attach "$PID" "$place" || return
		pids="$pids $PID"
		# With namespaces of its own
		start_unshared sleep 1000 || return
		attach "$PID" "$place" || return
		pids="$pids $PID"
	done
	kill_all "$C/a" || return
	wait_until is_empty "$C/a" || return
	for pid in $pids; do
		ended "$pid" || return
	done
	must_be_in "$spared" "$C/other" || return
	must_be_removable "$C/a/b" || return
	must_be_removable "$C/a"
}

# A single write has to be enough: this test does not repeat it.
nothing_forks_away() {
	need_controller pids || return
	mkdir -p "$C/a/b" || return
	set_file "$C/a/pids.max" 60 || return
	set_file "$C/a/b/pids.max" 30 || return
	# The write is delayed, while the others fork if they can.
	delay walk 300
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		# A process that attaches itself after the write would not be killed.
		start launch bomb "$C/a/b"
		first=$PID
		wait_until has_tasks 10 "$C/a/b" || return
		start launch bomb "$C/a"
		wait_until has_tasks 20 "$C/a" || return
		kill_all "$C/a" || return
		wait_until is_empty "$C/a" || return
		ended "$first" || return
		ended "$PID" || return
	done
	must_be_removable "$C/a/b" || return
	must_be_removable "$C/a"
}

# A process dies as a whole, whatever containers its threads are in.
processes_die_as_a_whole() {
	mkdir "$C/a" "$C/b" || return
	start threads 6
	wait_until has_threads "$PID" 6 || return
	attach "$(threads_of "$PID" | tail -n 1)" "$C/a" || return
	attach "$(threads_of "$PID" | sed -n 3p)" "$C/b" || return
	kill_all "$C/a" || return
	ended "$PID" || return
	must_be_removable "$C/b"
}

# A signal would wait, as in the freezer of cgroup v1.
frozen_ones_die_at_once() {
	need_controller freezer || return
	mkdir "$C/a" || return
	start threads 3
	wait_until has_threads "$PID" 3 || return
	threads=$PID
	start sleep 1000
	attach_process "$threads" "$C/a" || return
	attach "$PID" "$C/a" || return
	freeze "$C" || return
	kill -9 "$PID"
	is_in_state Z "$PID" && return 1
	kill_all "$C" || return
	wait_until is_empty "$C" || return
	ended "$PID" || return
	ended "$threads" || return
	expect FROZEN cat "$C/freezer.state" || return
	must_be_removable "$C/a" || return
	must_be_removable "$C"
}

# frozen_in_two_containers: start a process with a thread in $C/a and one in $C/b, which
# is frozen
frozen_in_two_containers() {
	need_controller freezer || return
	mkdir "$C/a" "$C/b" || return
	start threads 2
	wait_until has_threads "$PID" 2 || return
	attach "$PID" "$C/a" || return
	for thread in "/proc/$PID/task"/*; do
		thread=${thread##*/}
		[ "$thread" = "$PID" ] || attach "$thread" "$C/b" || return
	done
	freeze "$C/b"
}

all_threads_end() {
	kill_all "$C/a" || return
	ended "$PID" || return
	must_be_removable "$C/a" || return
	must_be_removable "$C/b"
}

threads_frozen_elsewhere_die() {
	frozen_in_two_containers || return
	all_threads_end
}

# The signal is pending, so that the write to kill need not send one.
killed_threads_die() {
	frozen_in_two_containers || return
	freeze "$C/a" || return
	kill -9 "$PID" || return
	all_threads_end
}

# A thread that waits for the end of a core dump has taken its signal before.
core_dumps_end() {
	need_controller freezer || return
	pattern=/proc/sys/kernel/core_pattern
	if ! [ -w $pattern ]; then
		because "no $pattern: needs CONFIG_COREDUMP"
		return "$KSFT_SKIP"
	fi
	cat >"$WORK/helper" <<-HELPER
		#!/bin/sh
		echo >$WORK/dumping
		while [ -e $WORK/dumping ]; do sleep 0.1; done
	HELPER
	chmod 755 "$WORK/helper"
	before=$(cat $pattern)
	echo "|$WORK/helper" >$pattern
	dumper_ends
	result=$?
	printf '%s\n' "$before" >$pattern
	rm -f "$WORK/dumping"
	return $result
}

# The first thread dumps. The others are frozen while they wait, and woken up by its end.
dumper_ends() {
	mkdir "$C/others" || return
	start threads 3
	wait_until has_threads "$PID" 3 || return
	attach_process "$PID" "$C/others" || return
	attach "$PID" "$C" || return
	kill -ABRT "$PID" || return
	wait_until test -e "$WORK/dumping" || return
	freeze "$C/others" || return
	rm "$WORK/dumping"
	# A signal during the dump would end all threads.
	wait_until has_ended "$PID" || return
	kill_all "$C/others" || return
	wait_until is_empty "$C"
}

kernel_threads_stay() {
	take_kernel_thread || return
	start sleep 1000
	attach "$PID" "$C" || return
	kill_all "$C" || return
	ended "$PID" || return
	expect "$KTHREAD" cat "$C/tasks" || return
	attach "$KTHREAD" "$ROOT"
}

# Its init ignores signals from inside, but not this one.
pid_namespaces_die() {
	start launch run -n 0x20000000 "$C" sh -c 'trap "" TERM; while :; do sleep 1000; done'
	wait_until grep -q . "$C/tasks" || return
	kill_all "$C" || return
	wait_until is_empty "$C" || return
	must_be_removable "$C"
}

only_one_is_taken() {
	start sleep 1000
	attach "$PID" "$C" || return
	for text in 0 2 -1 1x "" "1 1"; do
		expect EINVAL try write "$C/kill" "$text" || return
	done
	must_be_in "$PID" "$C" || return
	expect EINVAL try read "$C/kill" || return
	expect 200 stat -c %a "$C/kill" || return
	# With a terminating NUL
	printf '1\0' >"$C/kill" || return
	ended "$PID"
}

nobody_is_killed_in_the_root() {
	[ ! -e "$ROOT/kill" ]
}

removed_is_gone() {
	exec 3>"$C/kill"
	must_be_removable "$C" || return
	expect ENODEV try fdwrite 3 1
}

owner_may() {
	mkdir "$C/theirs" && chown 1000:1000 "$C/theirs" || return
	expect OK try -u 1000 mkdir "$C/theirs/a" 755 || return
	start sleep 1000
	attach "$PID" "$C/theirs/a" || return
	expect EACCES try -u 1001 write "$C/theirs/a/kill" 1 || return
	# kill of the given directory belongs to the user who made the directory.
	expect EACCES try -u 1000 write "$C/theirs/kill" 1 || return
	expect OK try -u 1000 write "$C/theirs/a/kill" 1 || return
	ended "$PID"
}

rcfs_begin
point "all tasks in a container and below die, and no others" all_below_die
point "no task escapes by forking" nothing_forks_away
point "a process dies as a whole" processes_die_as_a_whole
point "frozen tasks die at once" frozen_ones_die_at_once
point "a process with a thread frozen elsewhere dies" threads_frozen_elsewhere_die
point "a killed process with threads frozen here and elsewhere dies" killed_threads_die
point "a process with frozen threads that dumps core dies" core_dumps_end
point "kernel threads are not killed" kernel_threads_stay
point "a pid namespace dies with its init" pid_namespaces_die
point "only 1 is accepted" only_one_is_taken
point "the root has no file kill" nobody_is_killed_in_the_root
point "the file of a removed container is ENODEV" removed_is_gone
point "the owner of a container may kill its tasks" owner_may
ktap_finished
