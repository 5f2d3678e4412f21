#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The controller cpuacct: whose CPU time is counted where.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# usage CONTAINER: in ns
usage() {
	cat "$1/cpuacct.usage"
}

# CPU time that a task needs to have used for its usage to be judged, in ns
ENOUGH=500000000
# The CPU time of a task is shown in ticks, rounded down twice.
TICKS=50000000

HERTZ=$(getconf CLK_TCK 2>/dev/null || echo 100)

# cpu_time ID...: user and system time of them all in ns, as ps shows it
cpu_time() {
	sum=0
	for id; do
		# Fields 14 and 15, counted from the state on: names have spaces.
		# shellcheck disable=SC2046 # one word a field
		set -- $(sed 's/.*) //' "/proc/$id/stat")
		sum=$((sum + ${12} + ${13}))
	done
	echo $((sum * (1000000000 / HERTZ)))
}

# start_busy CONTAINER: a task in it that uses all CPU time that it can get, but
# is stopped for now, so that it can be looked at while nothing changes
start_busy() {
	start sh -c "echo 0 >$1/tasks; while :; do :; done"
	wait_until in_container "$PID" "$1" && halt "$PID"
}

halt() {
	kill -STOP "$1"
	wait_until is_in_state T "$1"
}

# run_for NS ID...: let the tasks use so much more CPU time each
run_for() {
	amount=$1
	shift
	for id; do
		target=$(($(cpu_time "$id") + amount))
		kill -CONT "$id"
		wait_until has_run "$id" $target && halt "$id" || return
	done
}

has_run() {
	[ "$(cpu_time "$1")" -ge "$2" ]
}

# about_equal WHAT GOT EXPECTED: within a twentieth and some ticks
about_equal() {
	difference=$(($2 - $3))
	[ $difference -ge 0 ] || difference=$((-difference))
	[ $difference -le $(($3 / 20 + TICKS)) ] && return
	because "$1: $2 ns, expected about $3 ns"
	return 1
}

grows_with_cpu_time() {
	start_busy "$C" || return
	time=$(cpu_time "$PID")
	before=$(usage "$C")
	run_for $ENOUGH "$PID" || return
	about_equal "usage of the container" $(($(usage "$C") - before)) \
		$(($(cpu_time "$PID") - time))
}

tasks_add_up() {
	start_busy "$C" || return
	first=$PID
	start_busy "$C" || return
	time=$(cpu_time "$first" "$PID")
	before=$(usage "$C")
	kill -CONT "$first"
	run_for $ENOUGH "$PID" || return
	halt "$first" || return
	about_equal "usage of the container" $(($(usage "$C") - before)) \
		$(($(cpu_time "$first" "$PID") - time))
}

sibling_stays() {
	mkdir "$C/busy" "$C/idle" "$C/nobody" || return
	start sleep 1000
	wait_until is_in_state S "$PID" || return
	attach "$PID" "$C/idle" || return
	start_busy "$C/busy" || return
	before=$(usage "$C/idle")
	run_for $ENOUGH "$PID" || return
	expect "$before" usage "$C/idle" || return
	expect 0 usage "$C/nobody"
}

parents_grow_with_it() {
	mkdir "$C/a" "$C/a/b" || return
	start_busy "$C/a/b" || return
	run_for $ENOUGH "$PID" || return
	inner=$(usage "$C/a/b")
	about_equal "usage of the container" "$inner" "$(cpu_time "$PID")" || return
	# It was alone from the beginning.
	expect "$inner" usage "$C/a" || return
	expect "$inner" usage "$C"
}

# Others run meanwhile, so it is at least as much.
root_counts_all() {
	start_busy "$C" || return
	root=$(usage "$ROOT")
	before=$(usage "$C")
	run_for $ENOUGH "$PID" || return
	grown=$(($(usage "$C") - before))
	root=$(($(usage "$ROOT") - root))
	[ $root -ge $grown ] && return
	because "the root grew by $root ns, its container by $grown ns"
	return 1
}

never_decreases() {
	start_busy "$C" || return
	kill -CONT "$PID"
	last=0
	for _ in $(seq 200); do
		read -r now <"$C/cpuacct.usage"
		if [ "$now" -lt "$last" ]; then
			because "usage went from $last ns to $now ns"
			return 1
		fi
		last=$now
	done
	run_for $TICKS "$PID" || return
	[ "$(usage "$C")" -gt "$last" ] && return
	because "usage stays at $last ns while the task runs"
	return 1
}

moving_out_stops_it() {
	mkdir "$C/before" "$C/after" || return
	start_busy "$C/before" || return
	run_for $ENOUGH "$PID" || return
	before=$(usage "$C/before")
	time=$(cpu_time "$PID")
	attach "$PID" "$C/after" || return
	expect 0 usage "$C/after" || return
	run_for $ENOUGH "$PID" || return
	expect "$before" usage "$C/before" || return
	about_equal "usage of the container it moved to" "$(usage "$C/after")" \
		$(($(cpu_time "$PID") - time))
}

# A task that runs while it is moved stops counting where it was, too.
moving_a_running_task() {
	mkdir "$C/before" "$C/after" || return
	start_busy "$C/before" || return
	kill -CONT "$PID"
	attach "$PID" "$C/after" || return
	# From here on it has been on the other side of a tick for sure.
	wait_until has_run "$PID" $(($(cpu_time "$PID") + TICKS)) || return
	before=$(usage "$C/before")
	wait_until has_run "$PID" $(($(cpu_time "$PID") + ENOUGH)) || return
	expect "$before" usage "$C/before" || return
	halt "$PID" || return
	both=$((before + $(usage "$C/after")))
	about_equal "usage of both containers" $both "$(cpu_time "$PID")"
}

exit_keeps_it() {
	start_busy "$C" || return
	run_for $TICKS "$PID" || return
	before=$(usage "$C")
	end_task "$PID"
	after=$(usage "$C")
	if [ "$before" -eq 0 ] || [ "$after" -lt "$before" ]; then
		because "usage went from $before ns to $after ns"
		return 1
	fi
	must_be_empty "$C" || return
	expect "$after" usage "$C"
}

removal_keeps_it_in_the_parent() {
	mkdir "$C/child" || return
	start_busy "$C/child" || return
	run_for $TICKS "$PID" || return
	end_task "$PID"
	before=$(usage "$C/child")
	expect "$before" usage "$C" || return
	must_be_removable "$C/child" || return
	expect "$before" usage "$C" || return
	# A new one of that name begins anew.
	mkdir "$C/child" || return
	expect 0 usage "$C/child"
}

children_count_too() {
	start sh -c "echo 0 >$C/tasks; sh -c 'echo \$\$ >$WORK/child; while :; do :; done'; :"
	wait_until test -s "$WORK/child" || return
	child=$(cat "$WORK/child")
	halt "$child" || return
	before=$(usage "$C")
	time=$(cpu_time "$child")
	run_for $ENOUGH "$child" || return
	about_equal "usage of the container" $(($(usage "$C") - before)) \
		$(($(cpu_time "$child") - time))
}

is_read_only() {
	expect 444 stat -c %a "$C/cpuacct.usage" || return
	expect EINVAL try write "$C/cpuacct.usage" 0 || return
	expect EACCES try -u 1000 write "$C/cpuacct.usage" 0
}

rcfs_begin
[ -e "$ROOT/cpuacct.usage" ] ||
	ktap_exit_fail_msg "$ROOT has no cpuacct.usage (CONFIG_RCFS_CPUACCT)"
point "usage grows with the CPU time of a task" grows_with_cpu_time
point "the usage of tasks adds up" tasks_add_up
point "the usage of a sibling stays what it is" sibling_stays
point "the usage of all parents grows by as much" parents_grow_with_it
point "the root counts everything" root_counts_all
point "usage grows and never decreases" never_decreases
point "moving out stops the growth, and moving in begins it" moving_out_stops_it
point "a running task counts in one of two containers" moving_a_running_task
point "usage stays when the task exits" exit_keeps_it
point "usage stays in the parent when the container is removed" removal_keeps_it_in_the_parent
point "children of a task are counted in its container" children_count_too
point "usage cannot be written" is_read_only
ktap_finished
