#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The controller cpuacct: CPU time counts in the right container.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# usage CONTAINER: in ns
usage() {
	cat "$1/cpuacct.usage"
}

# The CPU time in ns that a task has to use before its usage is judged
ENOUGH=500000000
# /proc shows the CPU time of a task in ticks, rounded down twice.
TICKS=50000000

HERTZ=$(getconf CLK_TCK 2>/dev/null || echo 100)

# cpu_time ID...: print the sum of their user and system time in ns, from /proc
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

# start_busy CONTAINER: start a task that uses all CPU time that it gets. It is
# stopped for now, so that nothing changes while it is examined.
start_busy() {
	start sh -c "echo 0 >$1/tasks; while :; do :; done"
	wait_until in_container "$PID" "$1" && halt "$PID"
}

halt() {
	kill -STOP "$1"
	wait_until is_in_state T "$1"
}

# run_for NS ID...: let each task use this much more CPU time
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
	# CPU time that it used in its old container does not count here.
	before=$(usage "$C/a/b")
	time=$(cpu_time "$PID")
	run_for $ENOUGH "$PID" || return
	inner=$(usage "$C/a/b")
	about_equal "usage of the container" $((inner - before)) \
		$(($(cpu_time "$PID") - time)) || return
	# The task was alone from the beginning.
	expect "$inner" usage "$C/a" || return
	expect "$inner" usage "$C"
}

# Other tasks run as well, so it is at least as much.
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

# A task that is moved while it runs stops counting in its old container.
moving_a_running_task() {
	mkdir "$C/before" "$C/after" || return
	start_busy "$C/before" || return
	outside=$(($(cpu_time "$PID") - $(usage "$C/before")))
	kill -CONT "$PID"
	attach "$PID" "$C/after" || return
	# From here on, the task has certainly seen a tick in its new container.
	wait_until has_run "$PID" $(($(cpu_time "$PID") + TICKS)) || return
	before=$(usage "$C/before")
	wait_until has_run "$PID" $(($(cpu_time "$PID") + ENOUGH)) || return
	expect "$before" usage "$C/before" || return
	halt "$PID" || return
	both=$((before + $(usage "$C/after")))
	about_equal "usage of both containers" $both $(($(cpu_time "$PID") - outside))
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
	# A new container of that name begins with 0.
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
	for file in usage_percpu stat; do
		expect 444 stat -c %a "$C/cpuacct.$file" || return
		expect EINVAL try write "$C/cpuacct.$file" 0 || return
		expect EACCES try -u 1000 write "$C/cpuacct.$file" 0 || return
		[ -e "$ROOT/cpuacct.$file" ] || return
	done
}

# No task runs in it any more, so the numbers are exact.
begins_anew() {
	mkdir -p "$C/a/b" || return
	burn "$C/a/b" user 300 || return
	end_task "$PID"
	below=$(cat "$C/a/b/cpuacct.usage" "$C/a/b/cpuacct.stat")
	above=$(cat "$C/cpuacct.usage" "$C/cpuacct.stat")
	for text in 1 -1 x ""; do
		expect EINVAL try write "$C/a/cpuacct.usage" "$text" || return
	done
	expect EACCES try -u 1000 write "$C/a/cpuacct.usage" 0 || return
	expect OK try write "$C/a/cpuacct.usage" 0 || return
	expect 0 cat "$C/a/cpuacct.usage" || return
	expect 0 sum_of_cpus "$C/a" || return
	expect "user 0
system 0" cat "$C/a/cpuacct.stat" || return
	expect "$below" cat "$C/a/b/cpuacct.usage" "$C/a/b/cpuacct.stat" || return
	expect "$above" cat "$C/cpuacct.usage" "$C/cpuacct.stat" || return
	burn "$C/a/b" user 100 || return
	[ "$(usage "$C/a")" -gt 0 ]
}

sum_of_cpus() {
	percpu "$1" | awk '{ sum += $1 } END { print sum }'
}

# ---- CPUs

# percpu CONTAINER: print one number a line
percpu() {
	tr ' ' '\n' <"$1/cpuacct.usage_percpu"
}

# possible_cpus: print their number
possible_cpus() {
	tr ',' '\n' </sys/devices/system/cpu/possible |
		awk -F - '{ count += $NF - $1 + 1 } END { print count }'
}

percpu_adds_up() {
	expect "$(possible_cpus)" count_lines_of percpu "$C" || return
	expect 0 add_up percpu "$C" || return
	mkdir "$C/a" "$C/b" || return
	for container in "$C" "$C/a" "$C/b"; do
		start_busy "$container" || return
		run_for $TICKS "$PID" || return
	done
	# No task runs in it.
	for container in "$C" "$C/a" "$C/b"; do
		expect "$(usage "$container")" add_up percpu "$container" || return
	done
	end_task "$PID"
	must_be_removable "$C/b" || return
	expect "$(usage "$C")" add_up percpu "$C"
}

count_lines_of() {
	"$@" | awk 'END { print NR }'
}

# awk cannot do this, because it counts in floating point.
add_up() {
	echo $(($("$@" | tr '\n' '+')0))
}

percpu_is_where_it_ran() {
	if [ "$(nproc)" -lt 2 ] || ! grep -q '^0-' /sys/devices/system/cpu/possible; then
		because "no two CPUs with the numbers 0 and 1"
		return "$KSFT_SKIP"
	fi
	# The number of the column, which is also the mask of its CPU
	for cpu in 1 2; do
		mkdir "$C/cpu$cpu" || return
		start_busy "$C/cpu$cpu" || return
		taskset -p $cpu "$PID" >/dev/null || return
		before=$(percpu "$C/cpu$cpu")
		time=$(cpu_time "$PID")
		run_for $ENOUGH "$PID" || return
		after=$(percpu "$C/cpu$cpu")
		about_equal "usage of the CPU that it may use" \
			$(($(nth $cpu "$after") - $(nth $cpu "$before"))) \
			$(($(cpu_time "$PID") - time)) || return
		expect "$(others_than $cpu "$before")" others_than $cpu "$after" || return
	done
}

nth() {
	echo "$2" | sed -n "${1}p"
}

others_than() {
	echo "$2" | sed "${1}d"
}

# ---- user mode and kernel mode

# ticks CONTAINER user|system
ticks() {
	sed -n "s/^$2 \([0-9]*\)\$/\1/p" "$1/cpuacct.stat"
}

# burn COMMAND...: $PID has used between $BURNT and $BURNT_AT_MOST ns of CPU time in
# the container, and sleeps now
burn() {
	rm -f "$WORK/burnt"
	start sh -c "exec burn \"\$@\" >$WORK/burnt" - "$@"
	wait_until test -s "$WORK/burnt" && wait_until is_in_state S "$PID" || return
	read -r BURNT BURNT_AT_MOST <"$WORK/burnt"
	[ "$BURNT" -gt 0 ] && [ "$BURNT_AT_MOST" -ge "$BURNT" ] && return
	because "burn: $(cat "$WORK/burnt")"
	return 1
}

# in_ticks NS
in_ticks() {
	echo $(($1 / (1000000000 / HERTZ)))
}

# stat_adds_up CONTAINER: to its usage; user and system are each rounded down
stat_adds_up() {
	least=$(in_ticks "$(usage "$1")")
	both=$(add_up sed 's/.* //' "$1/cpuacct.stat")
	most=$(in_ticks "$(usage "$1")")
	[ "$both" -ge $((least - 1)) ] && [ "$both" -le "$most" ] && return
	because "$both ticks in stat, $least to $most in usage"
	return 1
}

stat_has_two_lines() {
	expect "user 0
system 0" cat "$C/cpuacct.stat" || return
	expect "user
system" sed 's/ [0-9]*$//' "$ROOT/cpuacct.stat" || return
	stat_adds_up "$ROOT"
}

# How it divides depends on what the tick has seen, which is not exact.
# kernel_knows MODE: check that the tick has seen the task in this mode. User Mode
# Linux never sees a task in user mode.
kernel_knows() {
	# shellcheck disable=SC2046 # one word a field
	set -- "$1" $(sed 's/.*) //' "/proc/$PID/stat")
	case $1 in
	user) [ "${13}" -gt "${14}" ] ;;
	*) [ "${14}" -gt "${13}" ] ;;
	esac
}

stat_tells_modes_apart() {
	mkdir "$C/user" "$C/system" "$C/nobody" || return
	for mode in user system; do
		burn "$C/$mode" $mode 1000 || return
		stat_adds_up "$C/$mode" || return
		if ! kernel_knows $mode; then
			because "this kernel takes $mode time for something else"
			continue
		fi
		if [ "$(ticks "$C/$mode" $mode)" -le $(($(in_ticks "$BURNT") * 2 / 3)) ]; then
			because "in $mode mode: $(xargs <"$C/$mode/cpuacct.stat")"
			return 1
		fi
	done
	expect "user 0
system 0" cat "$C/nobody/cpuacct.stat"
}

stat_of_the_parent() {
	mkdir "$C/a" "$C/a/b" || return
	burn "$C/a/b" user 300 || return
	before=$(cat "$C/a/b/cpuacct.stat")
	expect "$before" cat "$C/a/cpuacct.stat" || return
	expect "$before" cat "$C/cpuacct.stat" || return
	stat_adds_up "$C" || return
	# CPU time during its exit counts here as well.
	end_task "$PID"
	before=$(cat "$C/a/b/cpuacct.stat")
	must_be_removable "$C/a/b" || return
	expect "$before" cat "$C/a/cpuacct.stat" || return
	mkdir "$C/a/b" || return
	expect "user 0
system 0" cat "$C/a/b/cpuacct.stat" || return
	expect "$before" cat "$C/cpuacct.stat"
}

# ---- sums: the usage of containers equals the CPU time that their tasks report

# adds_up CONTAINER...: their usage together is the CPU time used, within two
# percent
adds_up() {
	sum=0
	for container; do
		sum=$((sum + $(usage "$container")))
	done
	because "$sum ns counted, $BURNT to $BURNT_AT_MOST ns used"
	slack=$((BURNT / 50))
	[ $sum -ge $((BURNT - slack)) ] && [ $sum -le $((BURNT_AT_MOST + slack)) ] && return
	because "that is more than two percent apart"
	return 1
}

# Most of them never see a tick, and are only accounted when they exit.
short_lived_children_add_up() {
	burn "$C" children 300 4 || return
	adds_up "$C"
}

threads_add_up() {
	burn "$C" threads 8 200 || return
	adds_up "$C"
}

# The task closes its files after it has left its container.
way_out_adds_up() {
	burn "$C" run 20 spin leaves || return
	adds_up "$C"
}

moved_tasks_add_up() {
	mkdir "$C/a" "$C/b" || return
	burn "$C/a" moves 3 500 "$C/b" || return
	for container in "$C/a" "$C/b"; do
		if [ "$(usage "$container")" -eq 0 ]; then
			because "nothing was used in $container"
			return 1
		fi
	done
	adds_up "$C/a" "$C/b" || return
	adds_up "$C"
}

rcfs_begin
[ -e "$ROOT/cpuacct.usage" ] ||
	ktap_exit_fail_msg "$ROOT has no cpuacct.usage (CONFIG_RCFS_CPUACCT)"
point "usage grows with the CPU time of a task" grows_with_cpu_time
point "the usage of tasks adds up" tasks_add_up
point "the usage of a sibling does not change" sibling_stays
point "the usage of all containers above grows by the same" parents_grow_with_it
point "the root counts all tasks" root_counts_all
point "usage grows and never decreases" never_decreases
point "usage grows only while the task is in the container" moving_out_stops_it
point "a task that moves while running counts in one container" moving_a_running_task
point "usage stays when the task exits" exit_keeps_it
point "usage stays in the parent when the container is removed" removal_keeps_it_in_the_parent
point "children of a task are counted in its container" children_count_too
point "usage_percpu and stat cannot be written" is_read_only
point "writing 0 to usage resets that container only" begins_anew
point "usage_percpu adds up to usage" percpu_adds_up
point "usage_percpu counts on the CPU that the task runs on" percpu_is_where_it_ran
point "stat has user and system time, which add up to usage" stat_has_two_lines
point "stat tells user from system time" stat_tells_modes_apart
point "stat of the containers above grows by the same, and stays" stat_of_the_parent
point "no time of short-lived children is lost" short_lived_children_add_up
point "no time of threads is lost" threads_add_up
point "no time of exiting tasks is lost" way_out_adds_up
point "no time is lost or counted twice when tasks are moved" moved_tasks_add_up
ktap_finished
