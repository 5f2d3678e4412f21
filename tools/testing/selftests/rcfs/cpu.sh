#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The controller cpu: weights and limits of CPU time. The tests compare the CPU time
# of groups with each other, or with the time elapsed on the system's clock.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=controllers.sh
. "$HERE/controllers.sh"

# The CPU time in ms after which a ratio is judged, and the time in ms after which a
# rate is judged: 20 periods, or 10 for a rough check. A new ratio needs some time
# to settle.
#
# Other processes use the CPU as well. While the result is wrong, the measurement goes
# on, up to ten times as long. All of it counts: the result is the mean. The last part has
# to be right within a factor of two, so that a group which has got too much at first, and
# nothing since, does not pass.
MUCH=1500
LONG=2000
SHORT=1000
SETTLE=400
MOST=10

AUTOGROUP=/proc/sys/kernel/sched_autogroup_enabled

set_shares() {
	set_file "$1/cpu.shares" "$2"
}

set_quota() {
	set_file "$1/cpu.cfs_quota_us" "$2"
}

set_period() {
	set_file "$1/cpu.cfs_period_us" "$2"
}

# divided WEIGHT WEIGHT GROUP GROUP: the groups get CPU time in this ratio, within 5
# %
divided() {
	let_run $SETTLE "$3" "$4" || return
	one=0
	other=0
	for n in $(seq $MOST); do
		parts=$(cputime parts $MUCH "$3" "$4") || return
		one=$((one + ${parts% *}))
		other=$((other + ${parts#* }))
		part=$((${parts% *} * $2))
		other_part=$((${parts#* } * $1))
		[ $part -le $((2 * other_part)) ] && [ $other_part -le $((2 * part)) ] || continue
		difference=$((one * $2 - other * $1))
		[ $difference -ge 0 ] || difference=$((-difference))
		[ $((difference * 20)) -gt $((other * $1)) ] || return 0
	done
	because "divided into $((one / n)) and $((other / n)) of 1000, at last $parts," \
		"expected $1 : $2"
	return 1
}

# rate_is LOW HIGH MS GROUP: the group uses this much of the time elapsed, in 1/1000
rate_is() {
	used=0
	for n in $(seq $MOST); do
		rate=$(cputime rate "$3" "$4") || return
		used=$((used + rate))
		[ $((rate * 2)) -ge "$1" ] && [ "$rate" -le $(($2 * 2)) ] || continue
		[ $used -lt $(($1 * n)) ] || [ $used -gt $(($2 * n)) ] || return 0
	done
	because "$4 uses $((used / n)) of 1000, at last $rate, expected $1 to $2"
	return 1
}

# limited PERCENT MS GROUP: the group uses this much of a CPU, within 2 points
limited() {
	rate_is $((($1 - 2) * 10)) $((($1 + 2) * 10)) "$2" "$3"
}

# free GROUP: the group has a CPU, or nearly so
free() {
	rate_is 750 100000 500 "$1"
}

# stat_of CONTAINER: "nr_periods nr_throttled throttled_time"
stat_of() {
	head -n 3 "$1/cpu.stat" | cut -d ' ' -f 2 | paste -s -d ' ' -
}

# overruled CONTAINER: print how many of its tasks control groups govern
overruled() {
	sed -n 's/^nr_overruled //p' "$1/cpu.stat"
}

# is_throttled TIMES CONTAINER: it was throttled at least so often
is_throttled() {
	throttled=$(sed -n 's/^nr_throttled //p' "$2/cpu.stat")
	[ "$throttled" -ge "$1" ]
}

# start_two: start busy tasks in $C/a and $C/b, on one CPU; $A and $B are their ids
start_two() {
	[ -d "$C/a" ] || mkdir "$C/a" "$C/b" || return
	spin_on "$LAST" "$C/a" busy || return
	A=$PID
	spin_on "$LAST" "$C/b" busy || return
	B=$PID
}

one_to_three() {
	mkdir "$C/a" "$C/b" || return
	set_shares "$C/b" 3072 || return
	start_two || return
	divided 1 3 "$A" "$B"
}

equal_by_default() {
	start_two || return
	divided 1 1 "$A" "$B"
}

changed_under_running_tasks() {
	start_two || return
	let_run $SETTLE "$A" "$B" || return
	set_shares "$C/a" 4096 || return
	divided 4 1 "$A" "$B" || return
	set_shares "$C/b" 8192 || return
	divided 1 2 "$A" "$B"
}

# Containers inside a container compete with each other only.
nested_shares() {
	mkdir "$C/a" "$C/a/deep" "$C/b" "$C/b/deep" || return
	set_shares "$C/b" 3072 || return
	set_shares "$C/a/deep" 8192 || return
	set_shares "$C/b/deep" 256 || return
	spin_on "$LAST" "$C/a/deep" busy || return
	first=$PID
	spin_on "$LAST" "$C/b/deep" busy || return
	divided 1 3 "$first" "$PID"
}

shares_inside() {
	mkdir "$C/a" "$C/a/x" "$C/a/y" "$C/b" || return
	set_shares "$C/a/x" 512 || return
	set_shares "$C/a/y" 1536 || return
	spin_on "$LAST" "$C/b" busy || return
	spin_on "$LAST" "$C/a/x" busy || return
	first=$PID
	spin_on "$LAST" "$C/a/y" busy || return
	divided 1 3 "$first" "$PID"
}

# A move affects the task that moves and the tasks that stay.
moves_change_shares() {
	mkdir "$C/a" "$C/b" || return
	set_shares "$C/b" 3072 || return
	start_two || return
	divided 1 3 "$A" "$B" || return
	attach "$A" "$C/b" || return
	attach "$B" "$C/a" || return
	divided 3 1 "$A" "$B"
}

# A task in the root has its own weight beside that of a container. With autogroup,
# its session has the weight.
root_competes_as_ever() {
	set_shares "$C" 3072 || return
	start setsid spin -c "$LAST" busy
	root=$PID
	spin_on "$LAST" "$C" busy || return
	divided 1 3 "$root" "$PID"
}

quota_holds() {
	set_quota "$C" 20000 || return
	spin_in "$C" busy || return
	limited 20 $LONG "$PID"
}

quota_of_several() {
	set_quota "$C" 30000 || return
	spin_in "$C" threads || return
	attach_process "$PID" "$C" || return
	first=$PID
	spin_in "$C" busy || return
	limited 30 $LONG "$first,$PID"
}

# A quota may exceed one CPU.
quota_above_one_cpu() {
	if [ "$(nproc)" -lt 2 ]; then
		because "one CPU"
		return "$KSFT_SKIP"
	fi
	set_quota "$C" 150000 || return
	spin_in "$C" threads || return
	attach_process "$PID" "$C" || return
	rate_is 1100 1530 $LONG "$PID"
}

quota_of_children() {
	set_quota "$C" 20000 || return
	start sh -c "echo 0 >$C/tasks; spin busy & spin forks & wait"
	wait_until has_tasks 3 "$C" || return
	limited 20 $LONG "$C/cpuacct.usage"
}

other_periods() {
	set_period "$C" 50000 || return
	set_quota "$C" 15000 || return
	spin_in "$C" busy || return
	limited 30 $LONG "$PID"
}

nested_quota() {
	mkdir "$C/a" "$C/b" || return
	set_quota "$C" 30000 || return
	set_quota "$C/a" 10000 || return
	spin_in "$C/a" busy || return
	limited 10 $LONG "$PID" || return
	spin_in "$C/b" busy || return
	limited 30 $LONG "$C/cpuacct.usage" || return
	set_quota "$C/a" -1 || return
	limited 30 $LONG "$C/cpuacct.usage"
}

# The state of a removed container stays as long as a zombie that has died there.
removed_limit_does_not_count() {
	mkdir "$C/a" "$C/a/b" || return
	set_quota "$C/a" 50000 || return
	set_quota "$C/a/b" 50000 || return
	expect EINVAL try write "$C/a/cpu.cfs_quota_us" 20000 || return
	start sh -c "sh -c 'echo 0 >$C/a/b/tasks; echo \$\$ >$WORK/zombie' & exec sleep 1000"
	wait_until test -s "$WORK/zombie" || return
	wait_until is_in_state Z "$(cat "$WORK/zombie")" || return
	must_be_removable "$C/a/b" || return
	set_quota "$C/a" 20000
}

quota_removed() {
	set_quota "$C" 10000 || return
	spin_in "$C" busy || return
	limited 10 $SHORT "$PID" || return
	set_quota "$C" -1 || return
	free "$PID" || return
	before=$(stat_of "$C")
	let_run 300 "$PID" || return
	expect "$before" stat_of "$C"
}

quota_under_running_tasks() {
	spin_in "$C" busy || return
	free "$PID" || return
	set_quota "$C" 20000 || return
	limited 20 $SHORT "$PID" || return
	set_quota "$C" 10000 || return
	limited 10 $SHORT "$PID"
}

quota_of_others_does_not_matter() {
	mkdir "$C/a" "$C/b" || return
	set_quota "$C/a" 10000 || return
	spin_on "$LAST" "$C/a" busy || return
	start spin -c "$LAST" busy
	free "$PID" || return
	attach "$PID" "$C/b" || return
	free "$PID"
}

stat_counts() {
	expect "0 0 0" stat_of "$C" || return
	spin_in "$C" busy || return
	let_run 300 "$PID" || return
	expect "0 0 0" stat_of "$C" || return
	set_quota "$C" 20000 || return
	cputime rate $LONG "$PID" >/dev/null || return
	# shellcheck disable=SC2046 # one word a number
	set -- $(stat_of "$C")
	# 20 periods with 80 ms of throttling each, if no other process used the CPU
	[ "$1" -ge 12 ] && [ "$2" -ge 8 ] && [ "$2" -le "$1" ] && [ "$3" -ge 500000000 ] && return
	because "$1 periods, $2 of them throttled, for $3 ns"
	return 1
}

stat_of_others() {
	mkdir "$C/a" "$C/b" || return
	set_quota "$C/a" 10000 || return
	spin_in "$C/b" busy || return
	spin_in "$C/a" busy || return
	wait_until is_throttled 3 "$C/a" || return
	expect "0 0 0" stat_of "$C" || return
	expect "0 0 0" stat_of "$C/b"
}

moves_take_effect() {
	mkdir "$C/tight" "$C/wide" || return
	set_quota "$C/tight" 10000 || return
	spin_in "$C/wide" busy || return
	free "$PID" || return
	attach "$PID" "$C/tight" || return
	limited 10 $SHORT "$PID" || return
	# The task usually moves while it is throttled.
	attach "$PID" "$C/wide" || return
	free "$PID" || return
	attach "$PID" "$C/tight" || return
	limited 10 $SHORT "$PID" || return
	attach "$PID" "$ROOT" || return
	free "$PID" || return
	must_be_removable "$C/tight"
}

threads_take_effect() {
	set_quota "$C" 10000 || return
	start spin threads
	wait_until has_threads "$PID" 3 || return
	thread=$(threads_of "$PID" | tail -n 1)
	attach "$thread" "$C" || return
	limited 10 $SHORT "$C/cpuacct.usage" || return
	free "$PID" || return
	attach_process "$PID" "$C" || return
	limited 10 $SHORT "$PID"
}

# There is hardly any CPU time, but no task hangs.
exit_while_throttled() {
	for _ in 1 2; do
		set_quota "$C" 5000 || return
		spin_in "$C" threads || return
		first=$PID
		spin_in "$C" busy || return
		second=$PID
		start spin -a "$C" storm
		wait_until is_throttled 1 "$C" || return
		kill -9 "$first" "$second" "$PID"
		for id in "$first" "$second" "$PID"; do
			wait_until has_ended "$id" || return
		done
		wait_until emptied_and_removed "$C" || return
		mkdir "$C" || return
		expect "-1" cat "$C/cpu.cfs_quota_us" || return
	done
}

emptied_and_removed() {
	while read -r id; do
		kill -9 "$id"
	done <"$1/tasks"
	rmdir "$1"
} 2>/dev/null

# All ways in which tasks leave a throttled container
removal_while_throttled() {
	mark_log || return
	start spin busy
	for _ in $(seq 10); do
		mkdir "$C/tight" || return
		set_quota "$C/tight" 1000 || return
		attach "$PID" "$C/tight" || return
		wait_until is_throttled 1 "$C/tight" || return
		attach "$PID" "$C" || return
		must_be_removable "$C/tight" || return
	done
	let_run 100 "$PID" || return
	no_complaints
}

# Closing files takes time, after a task has left its container.
removal_amid_exits() {
	mark_log || return
	for round in 1 2 3; do
		mkdir "$C/a" || return
		start sh -c "echo 0 >$C/a/tasks; : >$WORK/in.$round
			for _ in 1 2 3; do spin -c $LAST leaves & done
			exec spin -c $LAST leaves"
		wait_until test -e "$WORK/in.$round" || return
		wait_until is_removable "$C/a" || return
	done
	no_complaints
}

# There are other tasks, so that a task that moves to another group has to wait
# there.
groups_of_leavers() {
	if ! [ -r /sys/kernel/debug/sched/debug ]; then
		because "no /sys/kernel/debug/sched/debug (CONFIG_DEBUG_FS)"
		return "$KSFT_SKIP"
	fi
	start spin -c "$LAST" busy
	start spin -c "$LAST" busy
	leaving "$C" "$LAST" 300 >"$WORK/groups" || return
	because "$(paste -sd, "$WORK/groups")"
	grep -q "^/rcfs " "$WORK/groups" || return
	# The state of a task is printed before its group. A task that has exited in
	# between is seen in the root, which is rare. A task that was taken out of
	# its group has to wait for the others, which is seen often.
	# shellcheck disable=SC2016 # for awk
	expect "" awk '$1 != "/rcfs" && $2 >= 15' "$WORK/groups"
}

# group_of ID: print its group in the scheduler. Shorter lines are about other
# things. The list is made CPU by CPU: a task that changes its CPU may be in the
# list twice, or not at all.
group_of() {
	awk -v id="$1" 'NF > 9 && $3 == id { sub(/-.*/, "", $NF); print $NF }' \
		/sys/kernel/debug/sched/debug
}

autogroup_beside() {
	if ! [ -w $AUTOGROUP ]; then
		because "no autogroup (CONFIG_SCHED_AUTOGROUP)"
		return "$KSFT_SKIP"
	fi
	was=$(cat $AUTOGROUP)
	in_autogroups
	result=$?
	echo "$was" >$AUTOGROUP
	return $result
}

# A task that does not move stays where it is when autogroup is switched.
in_autogroups() {
	echo 1 >$AUTOGROUP
	start setsid spin -c "$LAST" busy
	wait_until is_in_group /autogroup "$PID" || return
	# By then the task has made its request.
	let_run 50 "$PID" || return
	attach "$PID" "$C" || return
	expect /rcfs group_of "$PID" || return
	echo 0 >$AUTOGROUP
	expect /rcfs group_of "$PID" || return
	attach "$PID" "$ROOT" || return
	expect / group_of "$PID" || return
	attach "$PID" "$C" || return
	expect /rcfs group_of "$PID" || return
	echo 1 >$AUTOGROUP
	expect /rcfs group_of "$PID" || return
	attach "$PID" "$ROOT" || return
	expect /autogroup group_of "$PID" || return
	# A child goes with its parent, not with its session.
	start sh -c "echo 0 >$C/tasks
		setsid spin -c $LAST busy & setsid spin -c $LAST busy & wait"
	wait_until has_tasks 3 "$C" || return
	let_run 100 "$C/cpuacct.usage" || return
	while read -r id; do
		expect /rcfs group_of "$id" || return
	done <"$C/tasks"
}

is_in_group() {
	[ "$(group_of "$2")" = "$1" ]
}

is_removable() {
	# Check many times without a wait: this takes milliseconds.
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		rmdir "$1" 2>/dev/null && return
	done
	return 1
}

storm() {
	mark_log || return
	mkdir "$C/a" "$C/b" || return
	set_shares "$C/a" 256 || return
	set_quota "$C/b" 50000 || return
	start sh -c "while :; do
			echo 4096 >$C/a/cpu.shares
			echo 30000 >$C/b/cpu.cfs_quota_us
			sleep 0.01 || sleep 1
			echo 256 >$C/a/cpu.shares
			echo -1 >$C/b/cpu.cfs_quota_us
			sleep 0.01 || sleep 1
		done"
	storm_amid "$C/a" "$C/b"
}

cgroup_beside() {
	mount_cgroup cpu || return
	mark_log || return
	governed_by_cgroup
	result=$?
	remove_cgroup || return
	[ $result = 0 ] || return $result
	no_complaints
}

# A group of the controller cpu keeps its task; its root does not.
governed_by_cgroup() {
	set_quota "$C" 10000 || return
	spin_in "$C" busy || return
	limited 10 $SHORT "$PID" || return
	echo "$PID" >"$CGROUP/test/cgroup.procs" || return
	free "$PID" || return
	# Neither a move nor a fork changes this.
	attach "$PID" "$ROOT" || return
	attach "$PID" "$C" || return
	free "$PID" || return
	start sh -c "echo 0 >$CGROUP/test/cgroup.procs; echo 0 >$C/tasks; spin busy & wait"
	wait_until has_tasks 3 "$C" || return
	free "$C/cpuacct.usage" || return
	kill -9 "$PID"
	while read -r id; do
		# The killed task may be gone by now.
		try write "$CGROUP/cgroup.procs" "$id" >>"$WORK/moved"
	done <"$CGROUP/test/cgroup.procs"
	limited 10 $SHORT "$C/cpuacct.usage"
}

overruled_by_cgroup() {
	mount_cgroup cpu || return
	counts_of_overruled
	result=$?
	remove_cgroup || return
	return $result
}

counts_of_overruled() {
	mkdir "$C/in" || return
	start sleep 1000
	other=$PID
	start spin threads
	wait_until has_threads "$PID" 3 || return
	attach_process "$PID" "$C" || return
	attach "$other" "$C/in" || return
	expect 0 overruled "$C" || return
	# A single thread
	thread=$(threads_of "$PID" | tail -n 1)
	echo "$thread" >"$CGROUP/test/tasks" || return
	expect 1 overruled "$C" || return
	# All threads
	echo "$PID" >"$CGROUP/test/cgroup.procs" || return
	expect "$(count_lines "$C/tasks")" overruled "$C" || return
	expect 0 overruled "$C/in" || return
	# Tasks in containers below are not included.
	echo "$other" >"$CGROUP/test/cgroup.procs" || return
	expect "$(count_lines "$C/tasks")" overruled "$C" || return
	expect 1 overruled "$C/in" || return
	echo "$PID" >"$CGROUP/cgroup.procs" || return
	expect 0 overruled "$C" || return
	attach_process "$PID" "$C/in" || return
	expect 0 overruled "$C" || return
	expect 1 overruled "$C/in"
}

overruled_by_cgroup_above() {
	mount_cgroup2 cpu || return
	governed_from_above
	result=$?
	remove_cgroup2 || return
	return $result
}

# The task's own control group lacks the controller, but the one above governs the
# task.
governed_from_above() {
	set_quota "$C" 10000 || return
	mkdir "$CGROUP/test/own" || return
	spin_in "$C" busy || return
	echo "$PID" >"$CGROUP/test/own/cgroup.procs" || return
	if ! grep -qw cpu "$CGROUP/cgroup.subtree_control"; then
		expect 0 overruled "$C" || return
		limited 10 $SHORT "$PID" || return
		echo +cpu >"$CGROUP/cgroup.subtree_control" || return
	fi
	expect "" grep -w cpu "$CGROUP/test/own/cgroup.controllers" || return
	expect 1 overruled "$C" || return
	free "$PID" || return
	echo "$PID" >"$CGROUP/cgroup.procs" || return
	expect 0 overruled "$C" || return
	limited 10 $SHORT "$PID"
}

# The ratio of a container cannot exceed that of a container above.
nesting_constraint() {
	mkdir "$C/in" "$C/in/deep" || return
	set_quota "$C" 50000 || return
	refuses EINVAL "$C/in/cpu.cfs_quota_us" 50001 100000 1000000 || return
	set_quota "$C/in" 50000 || return
	refuses EINVAL "$C/in/cpu.cfs_period_us" 99999 1000 || return
	set_period "$C/in" 200000 || return
	refuses EINVAL "$C/in/cpu.cfs_quota_us" 100001 || return
	set_quota "$C/in" 100000 || return
	# A container in between may have no limit.
	set_quota "$C/in" -1 || return
	refuses EINVAL "$C/in/deep/cpu.cfs_quota_us" 50001 || return
	set_quota "$C/in/deep" 40000 || return
	# The ratio above cannot be reduced below it either.
	refuses EINVAL "$C/cpu.cfs_quota_us" 39999 1000 || return
	refuses EINVAL "$C/cpu.cfs_period_us" 1000000 || return
	set_quota "$C" 40000 || return
	set_quota "$C" -1 || return
	set_quota "$C/in/deep" 1000000
}

# hold PID: hold a reference on the task_struct, after the task has died; 0 releases
# it
hold() {
	echo "$1" >"$PARAMETERS/hold"
}

# Set the nice value of a task after its container has been removed, with a
# reference from before the task was reaped.
dead_ones_are_in_no_group() {
	load_one_subsystem || return
	before=$(cat "$ROOT/debug.states")
	mkdir "$C/a" || return
	start sleep 1000
	attach "$PID" "$C/a" || return
	hold "$PID" || return
	end_task "$PID"
	must_be_removable "$C/a" || return
	wait_until expect "$before" cat "$ROOT/debug.states" || return
	for nice in 19 0 -20 5; do
		echo $nice >"$PARAMETERS/renice" || return
	done
	hold 0 || return
	unload_subsystems
}

values() {
	for shares in 2 1024 262144 3; do
		set_shares "$C" $shares || return
		expect $shares cat "$C/cpu.shares" || return
	done
	for period in 1000 1000000 100000; do
		set_period "$C" $period || return
		expect $period cat "$C/cpu.cfs_period_us" || return
	done
	for quota in 1000 250000 -1; do
		set_quota "$C" $quota || return
		expect $quota cat "$C/cpu.cfs_quota_us" || return
	done
	set_shares "$C" " 77
" || return
	expect 77 cat "$C/cpu.shares"
}

bad_values() {
	refuses ERANGE "$C/cpu.shares" 0 1 262145 4294968320 18446744073709551616 || return
	refuses EINVAL "$C/cpu.shares" "" " " x 1024x "1024 1024" 0.5 max || return
	refuses EINVAL "$C/cpu.cfs_period_us" "" " " x 0 999 1000001 || return
	refuses EINVAL "$C/cpu.cfs_quota_us" "" " " x 0 1 999 -2 -1000 max || return
	set_quota "$C" 20000 || return
	refuses EINVAL "$C/cpu.cfs_quota_us" "" x 0 999 -2 || return
	refuses EINVAL "$C/cpu.cfs_period_us" x 999 1000001
}

files() {
	are_writable cpu.shares cpu.cfs_period_us cpu.cfs_quota_us || return
	are_read_only cpu.stat || return
	are_not_in_root cpu.shares cpu.cfs_period_us cpu.cfs_quota_us cpu.stat || return
	expect 1024 cat "$C/cpu.shares" || return
	expect 100000 cat "$C/cpu.cfs_period_us" || return
	expect -1 cat "$C/cpu.cfs_quota_us" || return
	expect "nr_periods 0
nr_throttled 0
throttled_time 0
nr_overruled 0" cat "$C/cpu.stat" || return
	# A new container does not copy the settings of the one above.
	set_shares "$C" 2048 || return
	set_quota "$C" 50000 || return
	mkdir "$C/in" || return
	expect 1024 cat "$C/in/cpu.shares" || return
	expect -1 cat "$C/in/cpu.cfs_quota_us"
}

rcfs_begin
need_controllers cpu cpuacct
# The tests do not use CPU 0, which has other work to do.
LAST=$(sed -n 's/^Cpus_allowed_list:.*[^0-9]\([0-9]*\)$/\1/p' /proc/self/status)
point "shares divide a CPU 1 : 3" one_to_three
point "shares are equal by default" equal_by_default
point "shares can be changed under running tasks" changed_under_running_tasks
point "a container competes with its siblings only" nested_shares
point "the time of a container is divided inside it" shares_inside
point "tasks get the shares of their container" moves_change_shares
point "tasks in the root compete as without rcfs" root_competes_as_ever
point "a quota of 20 % holds" quota_holds
point "a quota is for all tasks together" quota_of_several
point "a quota can be more than one CPU" quota_above_one_cpu
point "children are governed by the quota" quota_of_children
point "a quota can have another period" other_periods
point "a quota holds for all containers below" nested_quota
point "the limit of a removed container does not count, in spite of a zombie" \
	removed_limit_does_not_count
point "without a quota there is no limit" quota_removed
point "a quota can be set and changed under running tasks" quota_under_running_tasks
point "a quota does not limit other containers" quota_of_others_does_not_matter
point "stat counts periods and throttling" stat_counts
point "stat counts its own container only" stat_of_others
point "a quota holds for tasks that enter, not for those that left" moves_take_effect
point "threads of a process can be in different containers" threads_take_effect
point "throttled tasks can be ended, and their container removed" exit_while_throttled
point "a throttled container can be left and removed" removal_while_throttled
point "a container can be removed while its tasks exit" removal_amid_exits
point "a task that exits stays in the group of its container to the end" groups_of_leavers
point "no task is lost by changes, moves, forks and exits at once" storm
point "a group of cgroup v2 governs tasks of groups below without cpu" overruled_by_cgroup_above
point "a group of cgroup v1's cpu keeps its tasks" cgroup_beside
point "stat counts the tasks of its own container that cgroups govern" overruled_by_cgroup
point "switching autogroup on and off moves no task out of a container" autogroup_beside
point "a ratio above that of a container above is EINVAL" nesting_constraint
point "a dead task is not in a freed group" dead_ones_are_in_no_group
point "values can be written and read" values
point "other values are refused, and change nothing" bad_values
point "files have the right modes, and are not in the root" files
ktap_finished
