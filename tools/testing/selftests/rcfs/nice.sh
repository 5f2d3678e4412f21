#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The controller nice: the nice values of tasks in a container, and after they have
# left.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=controllers.sh
. "$HERE/controllers.sh"

MODULE=rcfs_nice

# The number of forks during which something changes
ROUNDS=1000
! is_slow || ROUNDS=100

# nice_of ID: print that of a thread
nice_of() {
	sed 's/.*) //' "/proc/$1/stat" | cut -d ' ' -f 17
}

# priority_of ID: print the priority in the scheduler, which has to agree
priority_of() {
	sed 's/.*) //' "/proc/$1/stat" | cut -d ' ' -f 16
}

# must_have NICE ID...: at once
must_have() {
	nice=$1
	shift
	for id; do
		expect "$nice" nice_of "$id" || return
	done
}

# must_have_priority NICE ID: the same, for a task with a policy that uses nice
# values
must_have_priority() {
	must_have "$1" "$2" && expect $((20 + $1)) priority_of "$2"
}

# start_at NICE COMMAND...: start() with this nice value, in the root. Returns when
# the command is being executed.
start_at() {
	start priority run -n "$@"
	shift
	wait_until executes "$PID" "$1"
}

# executes ID COMMAND
executes() {
	[ "$(cat "/proc/$1/comm")" = "$2" ]
}

# set_min CONTAINER NICE
set_min() {
	set_file "$1/nice.min" "$2"
}

# effective NICE CONTAINER...
effective() {
	nice=$1
	shift
	for container; do
		expect "$nice" cat "$container/nice.effective" || return
	done
}

# give ID NICE: as root, which always succeeds
give() {
	expect OK priority set "$1" "$2"
}

# all_out CONTAINER: move all processes to the root; $MOVED are the threads
all_out() {
	MOVED=$(cat "$1/tasks")
	cat "$1/procs" >"$WORK/procs"
	while read -r id; do
		attach_process "$id" "$ROOT" || return
	done <"$WORK/procs"
	must_be_empty "$1"
}

# ---- files

files() {
	are_writable nice.min || return
	are_read_only nice.effective || return
	are_not_in_root nice.min nice.effective || return
	expect -20 cat "$C/nice.min" || return
	effective -20 "$C" || return
	# The bound is not copied: the bound above holds below as well.
	set_min "$C" 3 || return
	mkdir "$C/below" || return
	expect -20 cat "$C/below/nice.min" || return
	effective 3 "$C/below"
}

good_values() {
	for value in -20 -19 -1 0 1 19; do
		set_min "$C" $value || return
		expect $value cat "$C/nice.min" || return
		effective $value "$C" || return
	done
	set_min "$C" "	-7
" || return
	expect -7 cat "$C/nice.min"
}

bad_values() {
	for before in 4 -20; do
		set_min "$C" $before || return
		refuses EINVAL "$C/nice.min" "" " " "
" - -- --1 +1 x 1x 1.0 1e1 0x1 "1 2" "- 1" 1,2 max none || return
		refuses ERANGE "$C/nice.min" -21 20 40 -100 2147483648 -2147483649 4294967300 \
			-4294967292 9223372036854775808 -9223372036854775809 \
			18446744073709551616 100000000000000000000000000000000 || return
		refuses E2BIG "$C/nice.min" "$(printf '%05000d' 1)" || return
		effective "$before" "$C" || return
	done
}

bad_values_change_no_task() {
	start_at 0 sleep 1000 || return
	attach "$PID" "$C" || return
	set_min "$C" 5 || return
	refuses ERANGE "$C/nice.min" 20 -21 || return
	refuses EINVAL "$C/nice.min" x || return
	must_have 5 "$PID" || return
	attach "$PID" "$ROOT" || return
	must_have 0 "$PID"
}

# ---- changes of a bound

tasks_that_are_there() {
	start_at -8 sleep 1000 || return
	low=$PID
	start_at 0 sleep 1000 || return
	middle=$PID
	start_at 15 sleep 1000 || return
	high=$PID
	for id in "$low" "$middle" "$high"; do
		attach "$id" "$C" || return
	done
	must_have -8 "$low" || return
	set_min "$C" 0 || return
	must_have 0 "$low" "$middle" || return
	must_have 15 "$high" || return
	set_min "$C" 19 || return
	must_have 19 "$low" "$middle" "$high" || return
	set_min "$C" 10 || return
	must_have 10 "$low" "$middle" || return
	must_have 15 "$high" || return
	set_min "$C" -5 || return
	must_have -5 "$low" || return
	must_have 0 "$middle" || return
	set_min "$C" -20 || return
	must_have -8 "$low" || return
	must_have 0 "$middle" || return
	must_have 15 "$high"
}

the_same_bound_again() {
	start_at -3 sleep 1000 || return
	attach "$PID" "$C" || return
	for _ in 1 2 3; do
		set_min "$C" 4 || return
		must_have 4 "$PID" || return
	done
	set_min "$C" -20 || return
	must_have -3 "$PID"
}

others_stay() {
	mkdir "$C/a" "$C/beside" || return
	start_at 0 sleep 1000 || return
	outside=$PID
	start_at 0 sleep 1000 || return
	beside=$PID
	start_at 0 sleep 1000 || return
	above=$PID
	attach "$beside" "$C/beside" || return
	attach "$above" "$C" || return
	set_min "$C/a" 10 || return
	must_have 0 "$outside" "$beside" "$above" "$SELF" || return
	effective -20 "$C" "$C/beside"
}

# ---- moving

moved_in_and_out() {
	mkdir "$C/a" "$C/b" "$C/free" || return
	set_min "$C/a" 3 || return
	set_min "$C/b" 12 || return
	start_at -5 sleep 1000 || return
	while read -r where nice; do
		attach "$PID" "$C/$where" || return
		must_have "$nice" "$PID" && continue
		because "in $where"
		return 1
	done <<-END
		a	3
		b	12
		a	3
		free	-5
		b	12
		.	-5
		a	3
	END
	attach "$PID" "$ROOT" || return
	must_have -5 "$PID" || return
	# Move to the same container
	attach "$PID" "$ROOT" || return
	must_have -5 "$PID"
}

higher_values_stay() {
	set_min "$C" 3 || return
	for own in 3 4 19; do
		start_at $own sleep 1000 || return
		attach "$PID" "$C" || return
		must_have $own "$PID" || return
		attach "$PID" "$ROOT" || return
		must_have $own "$PID" || return
	done
}

threads_each_for_itself() {
	set_min "$C" 7 || return
	start_at -2 threads 4 || return
	wait_until has_threads "$PID" 4 || return
	last=$(threads_of "$PID" | tail -n 1)
	others=$(threads_of "$PID" | grep -vx "$last")
	attach "$last" "$C" || return
	must_have 7 "$last" || return
	# shellcheck disable=SC2086 # one word each
	must_have -2 $others || return
	attach_process "$PID" "$C" || return
	# shellcheck disable=SC2086 # one word each
	must_have 7 "$last" $others || return
	attach "$last" "$ROOT" || return
	must_have -2 "$last" || return
	# shellcheck disable=SC2086 # one word each
	must_have 7 $others || return
	attach_process "$PID" "$ROOT" || return
	# shellcheck disable=SC2086 # one word each
	must_have -2 "$last" $others
}

other_namespaces() {
	mine=$(readlink /proc/self/ns/uts)
	set_min "$C" 6 || return
	start priority run -n -4 unshare -u sh -c "echo 0 >$C/tasks
		echo >$WORK/ready; exec sleep 1000"
	wait_until test -e "$WORK/ready" || return
	wait_until has_other_ns "$PID" "$mine" || return
	must_have 6 "$PID" || return
	attach "$PID" "$ROOT" || return
	must_have -4 "$PID"
}

# ---- nested bounds

the_highest_counts() {
	mkdir "$C/a" "$C/a/b" "$C/a/b/c" || return
	start_at -10 sleep 1000 || return
	attach "$PID" "$C/a/b/c" || return
	for bounds in "5 -20 -20" "-20 5 -20" "-20 -20 5" "5 -5 0" "0 5 -5" "-5 0 5"; do
		# shellcheck disable=SC2086 # one word each
		set -- $bounds
		set_min "$C/a" "$1" && set_min "$C/a/b" "$2" && set_min "$C/a/b/c" "$3" || return
		if ! must_have 5 "$PID" || ! effective 5 "$C/a/b/c"; then
			because "with bounds, from above, of $bounds"
			return 1
		fi
		effective "$1" "$C/a" || return
		expect "$3" cat "$C/a/b/c/nice.min" || return
	done
	# If one bound is lowered, the highest of the others applies.
	set_min "$C/a/b/c" -20 || return
	must_have 0 "$PID" || return
	set_min "$C/a/b" -20 || return
	must_have -5 "$PID" || return
	set_min "$C/a" -20 || return
	must_have -10 "$PID"
}

bound_above_the_task() {
	mkdir "$C/a" "$C/a/b" || return
	start_at 0 sleep 1000 || return
	first=$PID
	start_at 2 sleep 1000 || return
	attach "$first" "$C/a/b" || return
	attach "$PID" "$C/a" || return
	set_min "$C" 8 || return
	must_have 8 "$first" "$PID" || return
	effective 8 "$C" "$C/a" "$C/a/b" || return
	attach "$first" "$C/a" || return
	must_have 8 "$first" || return
	set_min "$C" 1 || return
	must_have 1 "$first" || return
	must_have 2 "$PID"
}

# ---- nice values that are set inside

below_the_bound() {
	set_min "$C" 10 || return
	for call in set setattr; do
		start_at -1 sleep 1000 || return
		attach "$PID" "$C" || return
		for nice in -20 0 5 9 10; do
			expect OK priority $call "$PID" $nice || return
			must_have_priority 10 "$PID" || return
		done
		# The task never had these values: its own value does not change.
		set_min "$C" 4 || return
		must_have 4 "$PID" || return
		set_min "$C" 10 || return
		attach "$PID" "$ROOT" || return
		must_have -1 "$PID" || return
	done
}

above_the_bound() {
	set_min "$C" 10 || return
	for call in set setattr; do
		start_at 0 sleep 1000 || return
		attach "$PID" "$C" || return
		expect OK priority $call "$PID" 15 || return
		must_have_priority 15 "$PID" || return
		# This is the task's own value from now on.
		set_min "$C" -20 || return
		must_have 15 "$PID" || return
		set_min "$C" 17 || return
		must_have 17 "$PID" || return
		attach "$PID" "$ROOT" || return
		must_have 15 "$PID" || return
		set_min "$C" 10 || return
	done
}

own_value_below_in_between() {
	start_at 0 sleep 1000 || return
	attach "$PID" "$C" || return
	set_min "$C" 10 || return
	set_min "$C" 2 || return
	# A value other than the bound, and not less
	give "$PID" 6 || return
	attach "$PID" "$ROOT" || return
	must_have 6 "$PID" || return
	# Outside there is no bound.
	give "$PID" -11 || return
	must_have -11 "$PID"
}

users_need_the_same_rights() {
	set_min "$C" 5 || return
	start try -u 1000 run sleep 1000
	wait_until executes "$PID" sleep || return
	attach "$PID" "$C" || return
	must_have 5 "$PID" || return
	# The task's value is the bound: a lower value needs a capability.
	expect EACCES try -u 1000 run priority set "$PID" 0 || return
	expect EPERM try -u 1000 run priority setattr "$PID" 0 || return
	expect EPERM try -u 1001 run priority set "$PID" 9 || return
	must_have 5 "$PID" || return
	expect OK try -u 1000 run priority set "$PID" 5 || return
	attach "$PID" "$ROOT" || return
	must_have 0 "$PID" || return
	attach "$PID" "$C" || return
	expect OK try -u 1000 run priority set "$PID" 9 || return
	must_have 9 "$PID" || return
	attach "$PID" "$ROOT" || return
	must_have 9 "$PID"
}

own_value_needs_no_rights() {
	mkdir "$C/given" "$C/given/a" || return
	chown -R 1000 "$C/given" || return
	set_min "$C/given/a" 5 || return
	start try -u 1000 run sleep 1000
	wait_until executes "$PID" sleep || return
	attach "$PID" "$C/given" || return
	expect OK try -u 1000 write "$C/given/a/tasks" "$PID" || return
	must_have 5 "$PID" || return
	# The task does not get a lower value than before.
	expect OK try -u 1000 write "$C/given/tasks" "$PID" || return
	must_have 0 "$PID"
}

real_time_policy() {
	start_at -6 sleep 1000 || return
	if [ "$(priority policy "$PID" fifo)" != OK ]; then
		because "no policy SCHED_FIFO here"
		return "$KSFT_SKIP"
	fi
	attach "$PID" "$C" || return
	set_min "$C" 3 || return
	# The value has an effect after a change of the policy.
	expect OK priority policy "$PID" other || return
	must_have 3 "$PID" || return
	expect OK priority policy "$PID" batch || return
	must_have 3 "$PID" || return
	expect OK priority policy "$PID" fifo || return
	attach "$PID" "$ROOT" || return
	expect OK priority policy "$PID" other || return
	must_have -6 "$PID"
}

# ---- forks, exec, exits

# parent_of_two NICE [OPTION]: $PARENT is a shell with this nice value in $C, with
# two children
parent_of_two() {
	start priority run -n "$@" sh -c "echo 0 >$C/tasks
		sleep 1000 & sleep 1000 & echo >$WORK/ready; wait"
	PARENT=$PID
	wait_until test -e "$WORK/ready" || return
	expect 3 count_lines "$C/tasks"
}

# children_of ID
children_of() {
	grep -lsx "PPid:	$1" /proc/[0-9]*/status | tr -dc '0-9\n'
}

children_inherit_both() {
	set_min "$C" 9 || return
	parent_of_two -7 || return
	# shellcheck disable=SC2046 # one word each
	must_have 9 $(cat "$C/tasks") || return
	all_out "$C" || return
	# shellcheck disable=SC2086 # one word each
	must_have -7 $MOVED
}

children_are_restored_alone() {
	set_min "$C" 9 || return
	parent_of_two -7 || return
	for id in $(children_of "$PARENT"); do
		attach "$id" "$ROOT" || return
		must_have -7 "$id" || return
	done
	must_have 9 "$PARENT" || return
	# A later value of the parent does not apply to its children.
	parent=$PARENT
	rm "$WORK/ready"
	attach "$parent" "$ROOT" || return
	parent_of_two -2 || return
	give "$PARENT" 13 || return
	set_min "$C" -20 || return
	must_have 13 "$PARENT" || return
	# shellcheck disable=SC2046 # one word each
	must_have -2 $(children_of "$PARENT")
}

grandchildren_inherit_both() {
	mkdir "$C/a" || return
	set_min "$C/a" 2 || return
	start_at -9 sh -c "echo 0 >$C/a/tasks
		sh -c 'sh -c \"sleep 1000 & echo >$WORK/ready; wait\" & wait' & wait" || return
	wait_until test -e "$WORK/ready" || return
	expect 4 count_lines "$C/a/tasks" || return
	set_min "$C" 11 || return
	# shellcheck disable=SC2046 # one word each
	must_have 11 $(cat "$C/a/tasks") || return
	set_min "$C" -20 || return
	# shellcheck disable=SC2046 # one word each
	must_have 2 $(cat "$C/a/tasks") || return
	all_out "$C/a" || return
	# shellcheck disable=SC2086 # one word each
	must_have -9 $MOVED
}

threads_inherit_both() {
	set_min "$C" 9 || return
	start priority run -n -7 sh -c "echo 0 >$C/tasks; exec threads 4"
	wait_until has_threads "$PID" 4 || return
	# shellcheck disable=SC2046 # one word each
	must_have 9 $(threads_of "$PID") || return
	attach_process "$PID" "$ROOT" || return
	# shellcheck disable=SC2046 # one word each
	must_have -7 $(threads_of "$PID")
}

# With SCHED_RESET_ON_FORK, the children of a task with a negative nice value have
# 0.
reset_on_fork() {
	set_min "$C" -5 || return
	parent_of_two -10 -r || return
	must_have -5 "$PARENT" || return
	# shellcheck disable=SC2046 # one word each
	must_have 0 $(children_of "$PARENT") || return
	all_out "$C" || return
	must_have -10 "$PARENT" || return
	# shellcheck disable=SC2046 # one word each
	must_have 0 $(children_of "$PARENT")
}

# Children of a task with a real-time policy have 0 then, as without the controller.
reset_on_fork_of_real_time() {
	priority run -R true 2>/dev/null || {
		because "no policy SCHED_FIFO here"
		return "$KSFT_SKIP"
	}
	parent_of_two 10 -R || return
	# shellcheck disable=SC2046 # one word each
	must_have 0 $(children_of "$PARENT") || return
	set_min "$C" 5 || return
	# shellcheck disable=SC2046 # one word each
	must_have 5 $(children_of "$PARENT") || return
	all_out "$C" || return
	# shellcheck disable=SC2046 # one word each
	must_have 0 $(children_of "$PARENT")
}

# launch_from FROM INTO: a task with its own value of -3 in one container launches a
# child into the other. The child prints its value there and in the root.
launch_from() {
	rm -f "$WORK/launched"
	# shellcheck disable=SC2016 # for the shell in there
	expect "exited 0" priority run -n -3 sh -c 'echo 0 >"$0/tasks" && exec "$@"' "$1" \
		launch run "$2" sh -c "cut -d ' ' -f 19 /proc/self/stat >$WORK/launched
			echo 0 >$ROOT/tasks
			cut -d ' ' -f 19 /proc/self/stat >>$WORK/launched"
}

launched_have_the_bound() {
	mkdir "$C/a" "$C/b" || return
	set_min "$C/a" 4 || return
	set_min "$C/b" 8 || return
	launch_from "$ROOT" "$C/a" || return
	expect "4
-3" cat "$WORK/launched" || return
	launch_from "$C/a" "$C/b" || return
	expect "8
-3" cat "$WORK/launched" || return
	launch_from "$C/b" "$C/a" || return
	expect "4
-3" cat "$WORK/launched" || return
	launch_from "$C/a" "$ROOT" || return
	expect "-3
-3" cat "$WORK/launched"
}

exec_keeps_both() {
	set_min "$C" 5 || return
	start priority run -n -6 sh -c "echo 0 >$C/tasks; exec sh -c 'exec sleep 1000'"
	wait_until executes "$PID" sleep || return
	must_have 5 "$PID" || return
	attach "$PID" "$ROOT" || return
	must_have -6 "$PID"
}

# The thread that executes a program gets the id of the process.
exec_in_a_thread() {
	set_min "$C" 5 || return
	start priority run -n -6 forks -a "$C" exec 5
	wait_until has_threads "$PID" 5 || return
	last=$(threads_of "$PID" | tail -n 1)
	give "$last" 8 || return
	kill -USR1 "$PID"
	wait_until has_threads "$PID" 1 || return
	wait_until grep -q hold "/proc/$PID/cmdline" || return
	must_have 8 "$PID" || return
	end_task "$PID"
	# The same, with the value of all threads
	start priority run -n -6 forks -a "$C" exec 5
	wait_until has_threads "$PID" 5 || return
	kill -USR1 "$PID"
	wait_until has_threads "$PID" 1 || return
	wait_until grep -q hold "/proc/$PID/cmdline" || return
	must_have 5 "$PID" || return
	attach "$PID" "$ROOT" || return
	must_have -6 "$PID"
}

# slabs_are_back_to KB: except for 4 MB
slabs_are_back_to() {
	[ "$(slabs)" -le $(($1 + 4096)) ]
}

# The kernel remembers the own value of a task until it exits. A value that is not
# freed leaks some kB, because it holds the task.
exits_leave_nothing() {
	set_min "$C" 5 || return
	expect "200 0" modules fork "$C/tasks" 200 || return
	before=$(slabs)
	expect "5000 0" modules fork "$C/tasks" 5000 || return
	must_be_removable "$C" || return
	# A kernel with lockdep also has KASAN, which keeps freed memory for a
	# while.
	[ ! -e /proc/lockdep ] || return 0
	wait_until slabs_are_back_to "$before" && return
	because "$(slabs) kB of slabs are left of $before kB"
	return 1
}

# ---- races

# family FILE TEXT FILE TEXT: for a task in $C/a whose own value is -5; forks take
# time
family() {
	if [ "$(nproc)" -lt 2 ]; then
		because "races need two CPUs"
		return "$KSFT_SKIP"
	fi
	delay visible 300
	# shellcheck disable=SC2016 # for the shell in there
	priority run -n -5 sh -c 'echo 0 >"$0/tasks" && exec "$@"' "$C/a" \
		priority family -5 "$ROOT" $ROUNDS "$@" || return
	reset_delays
	must_be_removable "$C/a"
}

parent_moves() {
	mkdir "$C/a" || return
	set_min "$C/a" 10 || return
	family "$C/a/tasks" P "$ROOT/tasks" P
}

parent_moves_between_bounds() {
	mkdir "$C/a" "$C/b" || return
	set_min "$C/a" 10 || return
	set_min "$C/b" 12 || return
	family "$C/a/tasks" P "$C/b/tasks" P
}

bound_comes_and_goes() {
	mkdir "$C/a" || return
	family "$C/a/nice.min" 10 "$C/a/nice.min" -20
}

bound_goes_up_and_down() {
	mkdir "$C/a" || return
	family "$C/a/nice.min" 10 "$C/a/nice.min" 12
}

storm_of_bounds() {
	mark_log || return
	mkdir "$C/a" "$C/b" || return
	start sh -c "while :; do
			echo 7 >$C/a/nice.min
			echo 3 >$C/nice.min
			echo 12 >$C/b/nice.min
			echo -20 >$C/a/nice.min
			echo -20 >$C/b/nice.min
			echo -20 >$C/nice.min
			sleep 0.01 || sleep 1
		done"
	storm_amid "$C/a" "$C/b"
}

# ---- delegation, removal, the module

users_cannot_undo_it() {
	set_min "$C" 4 || return
	chown 1000 "$C" "$C/tasks" "$C/procs" || return
	for file in min effective; do
		expect 0 stat -c %u "$C/nice.$file" || return
	done
	expect EACCES try -u 1000 write "$C/nice.min" -20 || return
	expect OK try -u 1000 mkdir "$C/sub" 755 || return
	expect 1000 stat -c %u "$C/sub/nice.min" || return
	for nice in 9 4 0 -20; do
		expect OK try -u 1000 write "$C/sub/nice.min" $nice || return
	done
	effective 4 "$C/sub" || return
	start try -u 1000 run sleep 1000
	wait_until executes "$PID" sleep || return
	attach "$PID" "$C/sub" || return
	must_have 4 "$PID"
}

removal() {
	mkdir "$C/a" || return
	set_min "$C/a" 9 || return
	start_at -1 sleep 1000 || return
	attach "$PID" "$C/a" || return
	exec 9>"$C/a/nice.min"
	attach "$PID" "$C" || return
	must_be_removable "$C/a" || return
	must_have -1 "$PID" || return
	expect ENODEV try fdwrite 9 3 || return
	exec 9>&-
	# A new container of that name has no bound.
	mkdir "$C/a" || return
	effective -20 "$C/a"
}

# A zombie had the bound, and its container is removed.
zombies_do_not_matter() {
	set_min "$C" 9 || return
	start sh -c "sh -c 'echo 0 >$C/tasks; echo \$\$ >$WORK/zombie' & exec sleep 1000"
	wait_until test -s "$WORK/zombie" || return
	zombie=$(cat "$WORK/zombie")
	wait_until is_in_state Z "$zombie" || return
	must_be_removable "$C" || return
	# The value of a dead task has no effect, but the kernel must not crash.
	priority set "$zombie" -3 >"$WORK/said"
	end_task "$PID"
}

# The tree of the system has the controller, so it has to end first.
module_goes_and_comes() {
	if [ ! -e "/sys/module/$MODULE/initstate" ]; then
		because "the controller is built in"
		return "$KSFT_SKIP"
	fi
	options=$(rcfs_options)
	set_min "$C" 6 || return
	# Tasks that have had the bound exit inside, leave, or are killed.
	expect "100 0" modules fork "$C/tasks" 100 || return
	start_at -6 sleep 1000 || return
	kept=$PID
	attach "$kept" "$C" || return
	attach "$kept" "$ROOT" || return
	start_at -6 sleep 1000 || return
	attach "$PID" "$C" || return
	end_task "$PID"
	must_be_removable "$C" || return
	if find "$ROOT" -mindepth 1 -type d | grep -q .; then
		because "there are other containers"
		return "$KSFT_SKIP"
	fi
	mounts_of "$options" >"$WORK/mounts"
	unload_and_load
	result=$?
	[ -d "/sys/module/$MODULE" ] || modprobe $MODULE
	mountpoint_of "$ROOT" || mount -t rcfs -o "$options" none "$ROOT" || return
	[ $result = 0 ] || return $result
	must_have -6 "$kept" || return
	mkdir "$C" || return
	effective -20 "$C" || return
	set_min "$C" 6 || return
	attach "$kept" "$C" || return
	must_have 6 "$kept"
}

unload_and_load() {
	unmount_all <"$WORK/mounts" || return
	expect OK modules unload $MODULE || return
	expect "" grep "^nice[[:space:]]" /proc/rcfs || return
	# The task has no bound any more.
	must_have -6 "$kept" || return
	give "$kept" -8 || return
	must_have -8 "$kept" || return
	give "$kept" -6 || return
	modprobe $MODULE
}

rcfs_begin
need_controllers nice
mark_log
point "the files of a new container say that there is no bound" files
point "every nice value can be a bound" good_values
point "other values are EINVAL or ERANGE, and change nothing" bad_values
point "a refused value changes no task" bad_values_change_no_task
point "a bound applies to present tasks, which are restored later" tasks_that_are_there
point "the same bound again changes nothing" the_same_bound_again
point "tasks in other containers keep their values" others_stay
point "a move gives the bound of the container, or the own value" moved_in_and_out
point "a value that is not below the bound stays" higher_values_stay
point "each thread has the bound of its container" threads_each_for_itself
point "tasks with other namespaces have the bound" other_namespaces
point "the highest bound applies" the_highest_counts
point "a bound holds for all containers below" bound_above_the_task
point "a value below the bound becomes the bound, and the own value stays" below_the_bound
point "a value above the bound becomes the own value" above_the_bound
point "a value that was set inside stays after a move" own_value_below_in_between
point "users need the same permissions as without rcfs" users_need_the_same_rights
point "a task that a user moves gets its own value back, and no lower one" own_value_needs_no_rights
point "with a real-time policy the value applies afterwards" real_time_policy
point "children have the bound, and the own value of their parent" children_inherit_both
point "children are restored when they leave, or the bound is lowered" children_are_restored_alone
point "children of children have both as well" grandchildren_inherit_both
point "threads have the bound, and the own value of their process" threads_inherit_both
point "SCHED_RESET_ON_FORK resets the own value of children" reset_on_fork
point "SCHED_RESET_ON_FORK of a real-time task gives children 0" reset_on_fork_of_real_time
point "a child that is launched into a container has its bound" launched_have_the_bound
point "a program that is executed has the bound and the own value" exec_keeps_both
point "a thread that executes a program keeps both" exec_in_a_thread
point "tasks that exit leave nothing behind" exits_leave_nothing
point "children of a task that is moved have its own value" parent_moves
point "children of a task that moves between bounds have its own value" parent_moves_between_bounds
point "children have the own value while a bound is set and removed" bound_comes_and_goes
point "children have the own value while a bound changes" bound_goes_up_and_down
point "bounds, moves, forks and exits at once leave nothing behind" storm_of_bounds
point "the owner of a container cannot undo the bound above" users_cannot_undo_it
point "a bound ends with its container" removal
point "zombies are ignored" zombies_do_not_matter
point "the module can be unloaded without a mount, and loaded again" module_goes_and_comes
point "the kernel has not complained" no_complaints
ktap_finished
