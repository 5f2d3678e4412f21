#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The file procs: whole processes.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# start_threads [-d] N: $PID is a process of N threads
start_threads() {
	start threads "$@"
	for last; do :; done
	wait_until has_threads "$PID" "$last" || return
	[ "$1" != -d ] || wait_until is_in_state Z "$PID"
}

all_threads_move() {
	start_threads 20 || return
	attach_process "$PID" "$C" || return
	expect "$(threads_of "$PID")" cat "$C/tasks" || return
	expect "$PID" cat "$C/procs" || return
	attach_process "$PID" "$ROOT" || return
	must_be_empty "$C" || return
	must_be_removable "$C"
}

# A thread that the kernel makes for the process is one of its threads.
threads_of_io_uring_move() {
	if ! [ -e "$URING" ]; then
		because "no $URING"
		return "$KSFT_SKIP"
	fi
	start uring keep
	wait_until has_threads "$PID" 2 || return
	attach_process "$PID" "$C" || return
	expect "$(threads_of "$PID")" cat "$C/tasks" || return
	attach_process "$PID" "$ROOT" || return
	must_be_empty "$C"
}

# The id of any thread refers to the process.
thread_names_its_process() {
	start_threads 5 || return
	last=$(threads_of "$PID" | tail -n 1)
	attach_process "$last" "$C" || return
	expect "$(threads_of "$PID")" cat "$C/tasks" || return
	expect "$PID" cat "$C/procs"
}

zero_is_the_writer() {
	start sh -c "echo 0 >$C/procs; exec sleep 1000"
	wait_until in_container "$PID" "$C" || return
	expect "$PID" cat "$C/procs" || return
	must_be_in "$SELF" "$ROOT"
}

# All threads are moved, whatever containers they are in.
threads_come_from_everywhere() {
	mkdir "$C/a" "$C/b" || return
	start_threads 9 || return
	number=0
	for thread in $(threads_of "$PID"); do
		number=$((number + 1))
		case $((number % 3)) in
		0) attach "$thread" "$C/a" || return ;;
		1) attach "$thread" "$C/b" || return ;;
		esac
	done
	expect "$PID" cat "$C/a/procs" || return
	expect "$PID" cat "$C/b/procs" || return
	attach_process "$PID" "$C" || return
	expect "$(threads_of "$PID")" cat "$C/tasks" || return
	must_be_removable "$C/a" || return
	must_be_removable "$C/b" || return
	# A repeated move changes nothing.
	attach_process "$PID" "$C" || return
	expect "$PID" cat "$C/procs"
}

processes_are_listed_once_and_sorted() {
	start_threads 3 || return
	first=$PID
	start_threads 4 || return
	second=$PID
	start sleep 1000
	for id in "$PID" "$second" "$first"; do
		attach_process "$id" "$C" || return
	done
	expect "$(printf '%s\n' "$first" "$second" "$PID" | sort -n)" cat "$C/procs" || return
	expect 8 count_lines "$C/tasks"
}

# One thread is enough for the process to be listed.
one_thread_is_enough() {
	start_threads 3 || return
	attach "$(threads_of "$PID" | tail -n 1)" "$C" || return
	expect "$PID" cat "$C/procs" || return
	in_procs "$PID" "$ROOT"
}

in_procs() {
	grep -qx "$1" "$2/procs"
}

# A process lives on when its first thread exits, which is a zombie until the end.
first_thread_has_exited() {
	start_threads -d 4 || return
	expect ESRCH try write "$C/tasks" "$PID" || return
	attach_process "$PID" "$C" || return
	expect "$PID" cat "$C/procs" || return
	expect 3 count_lines "$C/tasks" || return
	expect EBUSY try rmdir "$C" || return
	attach_process "$(tail -n 1 "$C/tasks")" "$ROOT" || return
	expect "" cat "$C/procs" || return
	must_be_removable "$C"
}

# A descriptor always refers to the same process; its id cannot be reused by
# another.
descriptors_name_processes() {
	start_threads 3 || return
	expect OK try pidfd "$PID" "$C/procs" || return
	expect "$(threads_of "$PID")" cat "$C/tasks" || return
	attach_process "$PID" "$ROOT" || return
	last=$(threads_of "$PID" | tail -n 1)
	expect OK try pidfd-thread "$last" "$C/tasks" || return
	expect "$last" cat "$C/tasks" || return
	expect OK try pidfd-thread "$last" "$C/procs" || return
	expect 3 count_lines "$C/tasks" || return
	for file in tasks procs; do
		expect ESRCH try pidfd-reaped "$C/$file" || return
		# Nothing, the file itself, and text that is not a number
		expect EBADF try write "$C/$file" "pidfd 99" || return
		expect EBADF try write "$C/$file" "pidfd 0" </dev/null || return
		for text in "pidfd" "pidfd " "pidfd x" "pidfd -1" "pidfd 1 2" "pidfd0"; do
			expect EINVAL try write "$C/$file" "$text" || return
		done
	done
	expect EACCES try -u 1000 run try pidfd "$PID" "$C/procs"
}

# As from a program that writes a string with its terminating NUL
end_of_a_string_is_taken() {
	start sleep 1000
	for file in tasks procs; do
		printf '%d\0' "$PID" >"$C/$file" || return
		must_be_in "$PID" "$C" || return
		printf '%d\n\0' "$PID" >"$ROOT/$file" || return
		must_be_in "$PID" "$ROOT" || return
	done
}

process_that_is_gone() {
	start sh -c "sh -c 'echo \$\$ >$WORK/zombie' & exec sleep 1000"
	wait_until test -s "$WORK/zombie" || return
	wait_until is_in_state Z "$(cat "$WORK/zombie")" || return
	expect ESRCH try write "$C/procs" "$(cat "$WORK/zombie")" || return
	start sleep 1000
	end_task "$PID"
	expect ESRCH try write "$C/procs" "$PID" || return
	expect ESRCH try write "$C/procs" 2147483647 || return
	expect "" cat "$C/procs"
}

bad_writes() {
	start sleep 1000
	for text in "" " " "x" "$PID x" "${PID}x" "-$PID" "+$PID" "0x$PID" "$PID $PID" \
		2147483648 "$((4294967296 + PID))"; do
		expect EINVAL try write "$C/procs" "$text" || return
	done
	expect E2BIG try write "$C/procs" "$(printf '%04097d' "$PID")" || return
	must_be_empty "$C"
}

other_users_process() {
	chown 1000 "$C/procs" || return
	start_threads 3 || return
	expect EACCES try -u 1000 write "$C/procs" "$PID" || return
	expect EACCES try -u 1000 write "$C/procs" 1 || return
	expect EACCES try handon 1000 "$C/procs" "$PID" || return
	must_be_empty "$C" || return
	start try -u 1000 run threads 3
	wait_until has_threads "$PID" 3 || return
	expect OK try -u 1000 write "$C/procs" "$PID" || return
	expect "$(threads_of "$PID")" cat "$C/tasks"
}

kernel_threads() {
	expect EINVAL try write "$C/procs" 2 || return
	must_be_in 2 "$ROOT" || return
	must_be_empty "$C"
}

stopped_process() {
	start_threads 4 || return
	kill -STOP "$PID"
	wait_until is_in_state T "$PID" || return
	attach_process "$PID" "$C" || return
	expect 4 count_lines "$C/tasks" || return
	expect T task_state "$PID"
}

# A frozen task cannot move itself: the move has to work from outside.
frozen_process() {
	mkdir "$WORK/cgroup" || return
	if ! mount -t cgroup -o freezer none "$WORK/cgroup" 2>/dev/null; then
		because "no freezer of cgroup v1"
		return "$KSFT_SKIP"
	fi
	EXTRA_MOUNTS="$EXTRA_MOUNTS $WORK/cgroup"
	start_threads 4 || return
	mkdir -p "$WORK/cgroup/ice" || return
	echo "$PID" >"$WORK/cgroup/ice/cgroup.procs" || return
	echo FROZEN >"$WORK/cgroup/ice/freezer.state" || return
	wait_until is_frozen && move_frozen
	result=$?
	# It could not be killed otherwise.
	echo THAWED >"$WORK/cgroup/ice/freezer.state" || return
	end_task "$PID"
	wait_until rmdir "$WORK/cgroup/ice" && return $result
}

move_frozen() {
	attach_process "$PID" "$C" || return
	expect 4 count_lines "$C/tasks" || return
	expect FROZEN cat "$WORK/cgroup/ice/freezer.state" || return
	attach "$PID" "$ROOT" || return
	must_be_in "$PID" "$ROOT"
}

is_frozen() {
	[ "$(cat "$WORK/cgroup/ice/freezer.state")" = FROZEN ]
}

ids_of_the_readers_namespace() {
	if ! unshare -p -f true 2>/dev/null; then
		because "no pid namespaces"
		return "$KSFT_SKIP"
	fi
	start sleep 1000
	attach_process "$PID" "$C" || return
	start unshare -p -f sh -c "
		echo 0 >$C/procs
		while read -r id; do echo \$id; done <$C/procs >$WORK/inside
		echo >$WORK/done
		exec sleep 1000"
	wait_until test -e "$WORK/done" || return
	expect 1 cat "$WORK/inside" || return
	expect 2 count_lines "$C/procs"
}

namespaces_of_threads_stay() {
	mine=$(readlink /proc/self/ns/uts)
	start unshare -m -u -i threads 4
	wait_until has_other_ns "$PID" "$mine" || return
	wait_until has_threads "$PID" 4 || return
	before=$(all_namespaces "$PID")
	attach_process "$PID" "$C" || return
	expect "$before" all_namespaces "$PID" || return
	attach_process "$PID" "$ROOT" || return
	expect "$before" all_namespaces "$PID"
}

all_namespaces() {
	for link in "/proc/$1/task"/*/ns/*; do
		echo "$link $(readlink "$link")"
	done
}

attach_does_not_wait() {
	start_threads 3 || return
	moves_without_sleep procs || return
	expect 3 count_lines "$C/b/tasks"
}

rcfs_begin
point "all threads of a process move" all_threads_move
point "threads of io_uring move with their process" threads_of_io_uring_move
point "any thread names its process" thread_names_its_process
point "0 is the process of the writer" zero_is_the_writer
point "threads are moved from all containers" threads_come_from_everywhere
point "processes are listed once, sorted" processes_are_listed_once_and_sorted
point "a process is listed in every container with one of its threads" one_thread_is_enough
point "a process whose first thread has exited is listed and moves" first_thread_has_exited
point "descriptors name processes and threads" descriptors_name_processes
point "a terminating NUL is accepted" end_of_a_string_is_taken
point "the id of no process is ESRCH" process_that_is_gone
point "text that is not a number is EINVAL, and moves no task" bad_writes
point "another user's process is EACCES" other_users_process
point "kernel threads that are bound are EINVAL" kernel_threads
point "a stopped process moves and stays stopped" stopped_process
point "a frozen process moves and stays frozen" frozen_process
point "ids are those of the reader's pid namespace" ids_of_the_readers_namespace
point "threads keep their namespaces" namespaces_of_threads_stay
point "attaching waits for no grace period" attach_does_not_wait
ktap_finished
