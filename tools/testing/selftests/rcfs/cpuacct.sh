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
# What two clocks that are not read at once, one of which ticks, may differ by
SLACK=100000000

HERTZ=$(getconf CLK_TCK 2>/dev/null || echo 100)

# cpu_time ID: user and system time in ns, as ps shows it
cpu_time() {
	# Fields 14 and 15, counted from the state on, since names have spaces.
	# shellcheck disable=SC2046 # one word a field
	set -- $(sed 's/.*) //' "/proc/$1/stat")
	echo $(((${12} + ${13}) * (1000000000 / HERTZ)))
}

# start_busy CONTAINER: a task in it that uses all CPU time that it can get
start_busy() {
	start sh -c "echo 0 >$1/tasks; while :; do :; done"
	wait_until in_container "$PID" "$1"
}

# run_for ID NS: wait until the task has used so much more CPU time
run_for() {
	wait_until has_run "$1" $(($(cpu_time "$1") + $2))
}

has_run() {
	[ "$(cpu_time "$1")" -ge "$2" ]
}

# about_equal WHAT GOT EXPECTED: within a tenth and $SLACK
about_equal() {
	difference=$(($2 - $3))
	[ $difference -ge 0 ] || difference=$((-difference))
	[ $difference -le $(($3 / 10 + SLACK)) ] && return
	because "$1: $2 ns, expected about $3 ns"
	return 1
}

grows_with_cpu_time() {
	start_busy "$C" || return
	time=$(cpu_time "$PID")
	before=$(usage "$C")
	run_for "$PID" $ENOUGH || return
	after=$(usage "$C")
	time=$(($(cpu_time "$PID") - time))
	about_equal "usage of the container" $((after - before)) $time
}

two_tasks_add_up() {
	start_busy "$C" || return
	first=$PID
	start_busy "$C" || return
	time=$(($(cpu_time "$first") + $(cpu_time "$PID")))
	before=$(usage "$C")
	run_for "$first" $((ENOUGH / 2)) || return
	run_for "$PID" $((ENOUGH / 2)) || return
	after=$(usage "$C")
	time=$(($(cpu_time "$first") + $(cpu_time "$PID") - time))
	about_equal "usage of the container" $((after - before)) $time
}

sibling_stays() {
	mkdir "$C/busy" "$C/idle" "$C/empty" || return
	start sleep 1000
	wait_until is_in_state S "$PID" || return
	attach "$PID" "$C/idle" || return
	start_busy "$C/busy" || return
	before=$(usage "$C/idle")
	run_for "$PID" $ENOUGH || return
	expect "$before" usage "$C/idle" || return
	expect 0 usage "$C/empty"
}

parent_grows_with_it() {
	mkdir "$C/a" "$C/a/b" || return
	start_busy "$C/a/b" || return
	time=$(cpu_time "$PID")
	inner=$(usage "$C/a/b")
	middle=$(usage "$C/a")
	outer=$(usage "$C")
	run_for "$PID" $ENOUGH || return
	inner=$(($(usage "$C/a/b") - inner))
	middle=$(($(usage "$C/a") - middle))
	outer=$(($(usage "$C") - outer))
	time=$(($(cpu_time "$PID") - time))
	about_equal "usage of the container" $inner $time || return
	about_equal "usage of its parent" $middle $time || return
	about_equal "usage of its parent's parent" $outer $time
}

# Others run meanwhile, so it is at least as much.
root_counts_all() {
	start_busy "$C" || return
	root=$(usage "$ROOT")
	before=$(usage "$C")
	run_for "$PID" $ENOUGH || return
	grown=$(($(usage "$C") - before))
	root=$(($(usage "$ROOT") - root))
	[ $root -ge $grown ] && return
	because "the root grew by $root ns, its container by $grown ns"
	return 1
}

never_decreases() {
	start_busy "$C" || return
	last=0
	for _ in 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9; do
		read -r now <"$C/cpuacct.usage"
		if [ "$now" -lt "$last" ]; then
			because "usage went from $last ns to $now ns"
			return 1
		fi
		last=$now
	done
	run_for "$PID" $SLACK || return
	[ "$(usage "$C")" -gt "$last" ] && return
	because "usage stays at $last ns while the task runs"
	return 1
}

moving_out_stops_it() {
	mkdir "$C/before" "$C/after" || return
	start_busy "$C/before" || return
	run_for "$PID" $SLACK || return
	attach "$PID" "$C/after" || return
	run_for "$PID" $SLACK || return
	before=$(usage "$C/before")
	if [ "$before" -lt $((SLACK / 2)) ]; then
		because "only $before ns are left of what was used before"
		return 1
	fi
	after=$(usage "$C/after")
	time=$(cpu_time "$PID")
	run_for "$PID" $ENOUGH || return
	expect "$before" usage "$C/before" || return
	after=$(($(usage "$C/after") - after))
	time=$(($(cpu_time "$PID") - time))
	about_equal "usage of the container it moved to" $after $time
}

# What was used elsewhere does not come along.
moving_in_brings_nothing() {
	mkdir "$C/new" || return
	start_busy "$C" || return
	run_for "$PID" $ENOUGH || return
	kill -STOP "$PID"
	wait_until is_in_state T "$PID" || return
	attach "$PID" "$C/new" || return
	expect 0 usage "$C/new"
}

exit_keeps_it() {
	start_busy "$C" || return
	run_for "$PID" $SLACK || return
	kill -STOP "$PID"
	wait_until is_in_state T "$PID" || return
	time=$(cpu_time "$PID")
	before=$(usage "$C")
	about_equal "usage of the stopped task's container" "$before" "$time" || return
	end_task "$PID"
	after=$(usage "$C")
	if [ "$after" -lt "$before" ]; then
		because "usage went from $before ns to $after ns"
		return 1
	fi
	must_be_empty "$C" || return
	expect "$after" usage "$C"
}

removal_keeps_it_in_the_parent() {
	mkdir "$C/child" || return
	start_busy "$C/child" || return
	run_for "$PID" $SLACK || return
	end_task "$PID"
	child=$(usage "$C/child")
	before=$(usage "$C")
	must_be_removable "$C/child" || return
	expect "$before" usage "$C" || return
	if [ "$before" -lt "$child" ]; then
		because "the parent has $before ns, its only child had $child ns"
		return 1
	fi
	# A new one of that name begins anew.
	mkdir "$C/child" || return
	expect 0 usage "$C/child"
}

children_count_too() {
	start sh -c "echo 0 >$C/tasks; sh -c 'echo \$\$ >$WORK/child; while :; do :; done'; :"
	wait_until test -s "$WORK/child" || return
	child=$(cat "$WORK/child")
	before=$(usage "$C")
	time=$(cpu_time "$child")
	run_for "$child" $SLACK || return
	grown=$(($(usage "$C") - before))
	about_equal "usage of the container" $grown $(($(cpu_time "$child") - time))
}

is_read_only() {
	expect 444 stat -c %a "$C/cpuacct.usage" || return
	expect EINVAL try write "$C/cpuacct.usage" 0 || return
	expect EACCES try -u 1000 write "$C/cpuacct.usage" 0
}

rcfs_begin
[ -e "$ROOT/cpuacct.usage" ] || ktap_exit_fail_msg "$ROOT has no cpuacct.usage (CONFIG_RCFS_CPUACCT)"
point "usage grows with the CPU time of a task" grows_with_cpu_time
point "the usage of two tasks adds up" two_tasks_add_up
point "the usage of a sibling stays what it is" sibling_stays
point "the usage of all parents grows as well" parent_grows_with_it
point "the root counts everything" root_counts_all
point "usage grows and never decreases" never_decreases
point "moving out stops the growth, and moving in begins it" moving_out_stops_it
point "what a task has used before comes not along" moving_in_brings_nothing
point "usage stays when the task exits" exit_keeps_it
point "usage stays in the parent when the container is removed" removal_keeps_it_in_the_parent
point "children of a task are counted in its container" children_count_too
point "usage cannot be written" is_read_only
ktap_finished
