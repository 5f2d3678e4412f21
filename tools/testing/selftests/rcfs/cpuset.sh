#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The controller cpuset: on which CPUs tasks run. The tests use CPU 0 and CPU 1.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=controllers.sh
. "$HERE/controllers.sh"

ONLINE=/sys/devices/system/cpu/cpu1/online

# set_cpus CONTAINER LIST
set_cpus() {
	set_file "$1/cpuset.cpus" "$2
"
}

# containers NAME LIST...: make containers in $C, with these CPUs
containers() {
	while [ $# -gt 1 ]; do
		mkdir "$C/$1" && set_cpus "$C/$1" "$2" || return
		shift 2
	done
}

effective() {
	cat "$1/cpuset.effective_cpus"
}

# allowed ID: print its CPUs, from /proc
allowed() {
	sed -n 's/^Cpus_allowed_list:[^0-9]*//p' "/proc/$1/status"
}

# are_allowed LIST ID...
are_allowed() {
	cpus=$1
	shift
	for id; do
		expect "$cpus" allowed "$id" || return
	done
}

# threads_are_allowed LIST ID: the same for all threads of the process
threads_are_allowed() {
	for thread in $(threads_of "$2"); do
		are_allowed "$1" "$thread" || return
	done
}

is_allowed() {
	[ "$(allowed "$2")" = "$1" ]
}

is_effective() {
	[ "$(effective "$2")" = "$1" ]
}

# last_cpu ID: print the CPU on which it runs, or ran last
last_cpu() {
	# The 39th field, counted from the state on: names have spaces.
	sed 's/.*) //' "/proc/$1/stat" | cut -d ' ' -f 37
}

# all_run_on CPU CONTAINER: all tasks with the record, all in this container, from
# now on
all_run_on() {
	new_generation
	wait_until is_recorded || return
	let_run 50 "$2/cpuacct.usage" || return
	expect "$1" recorded
}

# goes_where_its_container_is KIND: from its first instruction on, and after a
# change
goes_where_its_container_is() {
	new_record
	set_cpus "$C" 1 || return
	spin_in "$C" -r "$RECORD" "$1" || return
	all_run_on 1 "$C" || return
	set_cpus "$C" 0 || return
	all_run_on 0 "$C" || return
	set_cpus "$C" 1 || return
	all_run_on 1 "$C" || return
	end_task "$PID"
	wait_until nobody_is_left
}

nobody_is_left() {
	[ ! "$(cat "$C/tasks")" ]
}

busy() {
	goes_where_its_container_is busy
}

threads() {
	goes_where_its_container_is threads
}

naps() {
	goes_where_its_container_is naps
}

children() {
	goes_where_its_container_is forks || return
	goes_where_its_container_is creates
}

clones() {
	goes_where_its_container_is clones
}

execs() {
	goes_where_its_container_is execs
}

seen_in_affinity() {
	set_cpus "$C" 1 || return
	expect 1 spin -a "$C" allowed || return
	set_cpus "$C" 0-1 || return
	expect "0 1" spin -a "$C" allowed || return
	start spin -a "$C" threads
	wait_until has_threads "$PID" 3 || return
	attach_process "$PID" "$C" || return
	threads_are_allowed 0-1 "$PID" || return
	set_cpus "$C" 0 || return
	threads_are_allowed 0 "$PID"
}

# When the write returns, it has taken effect.
change_is_immediate() {
	set_cpus "$C" 0 || return
	spin_in "$C" busy || return
	busy=$PID
	start sleep 1000
	attach "$PID" "$C" || return
	for cpu in 1 0 1 0 1 0; do
		set_cpus "$C" $cpu || return
		expect $cpu last_cpu "$busy" || return
		are_allowed $cpu "$busy" "$PID" || return
	done
}

attach_is_immediate() {
	containers zero 0 one 1 both 0-1 || return
	start spin busy
	busy=$PID
	start sleep 1000
	wait_until is_in_state S "$PID" || return
	for _ in 1 2 3; do
		for id in "$busy" "$PID"; do
			attach "$id" "$C/zero" || return
			are_allowed 0 "$id" || return
		done
		expect 0 last_cpu "$busy" || return
		for id in "$busy" "$PID"; do
			attach "$id" "$C/one" || return
			are_allowed 1 "$id" || return
		done
		expect 1 last_cpu "$busy" || return
		attach "$busy" "$C/both" || return
		are_allowed 0-1 "$busy" || return
		attach "$busy" "$ROOT" || return
		are_allowed "$ALL" "$busy" || return
	done
}

processes_move() {
	containers zero 0 one 1 || return
	new_record
	start spin -r "$RECORD" threads
	wait_until has_threads "$PID" 3 || return
	attach_process "$PID" "$C/one" || return
	all_run_on 1 "$C/one" || return
	attach_process "$PID" "$C/zero" || return
	all_run_on 0 "$C/zero" || return
	attach_process "$PID" "$ROOT" || return
	threads_are_allowed "$ALL" "$PID"
}

# A single thread is in another container.
threads_of_a_process_apart() {
	containers zero 0 one 1 || return
	start spin threads
	wait_until has_threads "$PID" 3 || return
	attach_process "$PID" "$C/zero" || return
	thread=$(threads_of "$PID" | tail -n 1)
	attach "$thread" "$C/one" || return
	are_allowed 1 "$thread" || return
	are_allowed 0 "$PID" || return
	set_cpus "$C/zero" 0-1 || return
	are_allowed 1 "$thread" || return
	are_allowed 0-1 "$PID"
}

# Its earlier request
request_comes_back() {
	start spin -c 1 busy
	wait_until is_allowed 1 "$PID" || return
	set_cpus "$C" 0 || return
	attach "$PID" "$C" || return
	are_allowed 0 "$PID" || return
	expect 0 last_cpu "$PID" || return
	set_cpus "$C" 0-1 || return
	are_allowed 1 "$PID" || return
	expect 1 last_cpu "$PID" || return
	set_cpus "$C" 0 || return
	are_allowed 0 "$PID" || return
	set_cpus "$C" "" || return
	are_allowed 1 "$PID" || return
	set_cpus "$C" 0 || return
	attach "$PID" "$ROOT" || return
	are_allowed 1 "$PID"
}

request_inside() {
	set_cpus "$C" 0-1 || return
	spin_in "$C" -c 0 busy || return
	wait_until is_allowed 0 "$PID" || return
	set_cpus "$C" 1 || return
	are_allowed 1 "$PID" || return
	set_cpus "$C" 0-1 || return
	are_allowed 0 "$PID" || return
	# A new request replaces the old one.
	taskset -p 2 "$PID" >/dev/null || return
	are_allowed 1 "$PID" || return
	set_cpus "$C" 0 || return
	are_allowed 0 "$PID" || return
	set_cpus "$C" 0-1 || return
	are_allowed 1 "$PID" || return
	taskset -p 3 "$PID" >/dev/null || return
	are_allowed 0-1 "$PID"
}

# Children inherit the request of their parent.
request_is_inherited() {
	for kind in forks creates execs; do
		new_record
		set_cpus "$C" 0 || return
		start spin -c 1 -a "$C" -r "$RECORD" $kind
		wait_until in_container "$PID" "$C" || return
		all_run_on 0 "$C" || return
		set_cpus "$C" 0-1 || return
		all_run_on 1 "$C" || return
		end_task "$PID"
		wait_until nobody_is_left || return
	done
}

# io_uring makes threads that are bound to requested CPUs. They are in the container
# of the process.
threads_of_io_uring() {
	containers zero 0 one 1 || return
	mkfifo "$WORK/fifo" || return
	if ! [ -e "$URING" ]; then
		because "no $URING"
		return "$KSFT_SKIP"
	fi
	expect 1 uring poll "$ROOT" 1 || return
	expect 1 uring poll "$C/one" 1 || return
	expect EINVAL uring poll "$C/one" 0 || return
	expect 1 uring work "$ROOT" 1 "$ROOT" "$WORK/fifo" || return
	expect EINVAL uring work "$C/one" 0 "$C/one" "$WORK/fifo" || return
	# When the worker is made, the requested CPUs are not in the set any more.
	expect 0 uring work "$ROOT" 1 "$C/zero" "$WORK/fifo"
}

# The kernel may refuse or clamp the request, but no thread leaves the set.
request_outside_only() {
	new_record
	set_cpus "$C" 1 || return
	spin_in "$C" -C 0 -r "$RECORD" busy || return
	all_run_on 1 "$C" || return
	are_allowed 1 "$PID" || return
	taskset -p 1 "$PID" >/dev/null 2>&1 && return 1
	are_allowed 1 "$PID" || return
	expect 1 last_cpu "$PID" || return
	all_run_on 1 "$C" || return
	set_cpus "$C" 0-1 || return
	# A refused request is not remembered.
	are_allowed 0-1 "$PID"
}

# A request that is partly outside of the set is clamped.
request_partly_outside() {
	set_cpus "$C" 1 || return
	expect 1 spin -a "$C" -c 0-1 allowed || return
	start sleep 1000
	attach "$PID" "$C" || return
	taskset -p 3 "$PID" >/dev/null || return
	are_allowed 1 "$PID" || return
	set_cpus "$C" 0-1 || return
	are_allowed 0-1 "$PID"
}

requests_all_the_time() {
	new_record
	spin_in "$C" -r "$RECORD" asks || return
	for _ in $(seq 50); do
		echo 0 >"$C/cpuset.cpus"
		echo 1 >"$C/cpuset.cpus"
	done
	all_run_on 1 "$C" || return
	set_cpus "$C" 0 || return
	all_run_on 0 "$C"
}

nested() {
	containers in "" || return
	mkdir "$C/in/deep" || return
	spin_in "$C/in/deep" busy || return
	are_effective "$ALL" "$ALL" "$ALL" || return
	set_cpus "$C" 1 || return
	are_effective 1 1 1 || return
	are_allowed 1 "$PID" || return
	expect 1 last_cpu "$PID" || return
	# Wider than the set above
	set_cpus "$C/in/deep" 0-1 || return
	are_effective 1 1 1 || return
	are_allowed 1 "$PID" || return
	# No CPU in common
	set_cpus "$C/in" 0 || return
	are_effective 1 1 1 || return
	are_allowed 1 "$PID" || return
	set_cpus "$C" 0-1 || return
	are_effective 0-1 0 0 || return
	are_allowed 0 "$PID" || return
	expect 0 last_cpu "$PID" || return
	set_cpus "$C/in" "" || return
	are_effective 0-1 0-1 0-1 || return
	are_allowed 0-1 "$PID" || return
	set_cpus "$C" 0 || return
	are_effective 0 0 0 || return
	are_allowed 0 "$PID" || return
	expect "" cat "$C/in/cpuset.cpus" || return
	expect 0-1 cat "$C/in/deep/cpuset.cpus"
}

# are_effective LIST LIST LIST: in $C, $C/in and $C/in/deep
are_effective() {
	expect "$1" effective "$C" || return
	expect "$2" effective "$C/in" || return
	expect "$3" effective "$C/in/deep"
}

siblings_stay() {
	containers zero 0 one 1 || return
	spin_in "$C/zero" busy || return
	zero=$PID
	spin_in "$C/one" busy || return
	set_cpus "$C/one" 0-1 || return
	are_allowed 0 "$zero" || return
	are_allowed 0-1 "$PID" || return
	set_cpus "$C/one" 0 || return
	set_cpus "$C/zero" 1 || return
	are_allowed 1 "$zero" || return
	are_allowed 0 "$PID" || return
	are_allowed "$ALL" "$SELF"
}

new_ones_inherit() {
	set_cpus "$C" 1 || return
	mkdir "$C/new" || return
	expect "" cat "$C/new/cpuset.cpus" || return
	expect 1 effective "$C/new" || return
	start sleep 1000
	attach "$PID" "$C/new" || return
	are_allowed 1 "$PID"
}

removal_leaves_nothing() {
	containers one 1 || return
	spin_in "$C/one" busy || return
	attach "$PID" "$C" || return
	must_be_removable "$C/one" || return
	are_allowed "$ALL" "$PID" || return
	mkdir "$C/one" || return
	expect "" cat "$C/one/cpuset.cpus" || return
	expect "$ALL" effective "$C/one" || return
	attach "$PID" "$C/one" || return
	are_allowed "$ALL" "$PID"
}

# A helper that the kernel starts inherits the CPUs of a worker, without
# sched_setaffinity(2).
what_the_kernel_has_set() {
	workers=/sys/devices/virtual/workqueue/cpumask
	helper=/proc/sys/kernel/modprobe
	if ! [ -w $workers ] || ! [ -w $helper ]; then
		because "no $workers, or no $helper"
		return "$KSFT_SKIP"
	fi
	cat >"$WORK/helper" <<-HELPER
		#!/bin/sh
		sed -n 's/^Cpus_allowed_list:[^0-9]*//p' /proc/self/status >$WORK/said
	HELPER
	chmod 755 "$WORK/helper"
	masks=$(cat $workers) helped=$(cat $helper)
	echo 1 >$workers && echo "$WORK/helper" >$helper
	# This makes the kernel look for a module.
	expect ENODEV try mount-as "no$$" "$WORK"
	result=$?
	# Restore both, even if one fails
	echo "$masks" >$workers || result=1
	echo "$helped" >$helper || result=1
	[ $result = 0 ] || return $result
	expect 0 cat "$WORK/said"
}

# A container without a set changes no CPUs, and neither do moves.
moves_that_change_nothing() {
	mkdir "$C/in" || return
	mark_log || return
	start spin -c 1 busy
	wait_until is_allowed 1 "$PID" || return
	for container in "$C" "$C/in" "$ROOT" "$C/in"; do
		attach "$PID" "$container" || return
		are_allowed 1 "$PID" || return
	done
	start spin busy
	wait_until is_in_state R "$PID" || return
	attach "$PID" "$C" || return
	are_allowed "$ALL" "$PID" || return
	no_complaints
}

# A task that was admitted to all CPUs; $PID is its id
start_deadline() {
	start sleep 1000
	wait_until is_in_state S "$PID" || return
	admitted=$(bound deadline "$PID")
	case $admitted in
	OK) return 0 ;;
	# The kernel lacks this policy, or refuses it here on all CPUs.
	ENOSYS | EINVAL | EPERM) result=$KSFT_SKIP ;;
	*) result=1 ;;
	esac
	because "SCHED_DEADLINE: $admitted"
	return "$result"
}

deadline_moves() {
	start_deadline || return
	containers zero 0 both 0-1 none "" || return
	for file in tasks procs; do
		expect EBUSY try write "$C/zero/$file" "$PID" || return
		must_be_in "$PID" "$ROOT" || return
		are_allowed "$ALL" "$PID" || return
	done
	attach "$PID" "$C/none" || return
	expect EBUSY try write "$C/zero/tasks" "$PID" || return
	must_be_in "$PID" "$C/none" || return
	if [ "$ALL" = 0-1 ]; then
		attach "$PID" "$C/both" || return
		expect EBUSY try write "$C/zero/tasks" "$PID" || return
	fi
	# In the other order
	start sleep 1000
	attach "$PID" "$C/zero" || return
	expect EPERM bound deadline "$PID" || return
	attach "$PID" "$C/none" || return
	expect OK bound deadline "$PID"
}

deadline_sets() {
	start_deadline || return
	mkdir "$C/in" "$C/in/deep" || return
	attach "$PID" "$C/in/deep" || return
	for container in "$C" "$C/in" "$C/in/deep"; do
		refuses EBUSY "$container/cpuset.cpus" 0 1 || return
		are_effective "$ALL" "$ALL" "$ALL" || return
		are_allowed "$ALL" "$PID" || return
	done
	set_cpus "$C/in" "$ALL" || return
	refuses EBUSY "$C/cpuset.cpus" 0 || return
	attach "$PID" "$ROOT" || return
	set_cpus "$C" 0 || return
	expect EBUSY try write "$C/in/deep/tasks" "$PID" || return
	must_be_in "$PID" "$ROOT"
}

# A user may move a task with the same user ids, and restrict it if it has no more
# capabilities.
the_more_capable() {
	containers zero 0 none "" || return
	mkdir "$C/none/in" || return
	for container in "$C/zero" "$C/none" "$C/none/in"; do
		chown 1000:1000 "$container" "$container/tasks" "$container/procs" || return
	done
	start bound capable 1000
	wait_until has_uid 1000 "$PID" || return
	for file in tasks procs; do
		expect EPERM try -u 1000 write "$C/zero/$file" "$PID" || return
		must_be_in "$PID" "$ROOT" || return
	done
	are_allowed "$ALL" "$PID" || return
	# If nothing changes, there is no check.
	expect OK try -u 1000 write "$C/none/tasks" "$PID" || return
	expect OK try -u 1000 write "$C/none/in/procs" "$PID" || return
	expect EPERM try -u 1000 write "$C/zero/tasks" "$PID" || return
	# The user cannot move such a task out either.
	attach "$PID" "$C/zero" || return
	expect EPERM try -u 1000 write "$C/none/tasks" "$PID" || return
	are_allowed 0 "$PID" || return
	start attack as 1000 1000 1000
	wait_until has_uid 1000 "$PID" || return
	expect OK try -u 1000 write "$C/zero/tasks" "$PID" || return
	are_allowed 0 "$PID"
}

# has_uid UID ID
has_uid() {
	grep -q "^Uid:[[:space:]]*$1[[:space:]]*$1" "/proc/$2/status"
}

# stop_forking: stop the forks of $PID, with each fork complete
stop_forking() {
	kill -STOP "$PID"
	wait_until is_in_state T "$PID"
}

# must_all_be_allowed LIST CONTAINER
must_all_be_allowed() {
	all_are_allowed "$1" "$2" && return
	because "task $id in $2 is allowed to run on $cpus instead of $1"
	return 1
}

born_amid_changes() {
	delay copy 2000
	spin_in "$C" broods || return
	for list in 0 1 "" 0 "" 1 0 "" 1 0 1; do
		let_run 50 "$C/cpuacct.usage" || return
		set_cpus "$C" "$list" || return
		stop_forking || return
		must_all_be_allowed "${list:-$ALL}" "$C" || return
		kill -CONT "$PID"
	done
}

born_amid_moves() {
	containers zero 0 || return
	delay copy 2000
	spin_in "$C" broods || return
	for _ in 1 2 3 4 5 6; do
		for container in "$C/zero" "$C"; do
			let_run 50 "$C/cpuacct.usage" || return
			attach "$PID" "$container" || return
			stop_forking || return
			must_all_be_allowed 0 "$C/zero" || return
			must_all_be_allowed "$ALL" "$C" || return
			kill -CONT "$PID"
		done
	done
}

# The parent has moved, and still has the CPUs of its old container.
after_a_move() {
	containers zero 0 || return
	delay cpus 2000
	start bound broods
	attach "$PID" "$C" || return
	for _ in $(seq 30); do
		attach "$PID" "$C/zero" || return
		attach "$PID" "$C" || return
		stop_forking || return
		must_all_be_allowed 0 "$C/zero" || return
		must_all_be_allowed "$ALL" "$C" || return
		kill -CONT "$PID"
	done
}

# A change of the set reaches forks in any state.
flips_in_a_storm() {
	mark_log || return
	delay visible 300
	new_record
	spin_in "$C" -r "$RECORD" storm || return
	for cpu in 0 1 0 1; do
		for _ in $(seq 25); do
			echo $((1 - cpu)) >"$C/cpuset.cpus"
			echo $cpu >"$C/cpuset.cpus"
		done
		all_run_on $cpu "$C" || return
		if ! all_are_allowed $cpu "$C"; then
			because "task $id is allowed to run on $cpus instead of $cpu"
			return 1
		fi
	done
	no_complaints
}

storm_of_moves() {
	mark_log || return
	containers zero 0 one 1 || return
	start sh -c "while :; do
			echo 1 >$C/zero/cpuset.cpus
			echo 0 >$C/zero/cpuset.cpus
			sleep 0.01 || sleep 1
		done"
	storm_amid "$C/zero" "$C/one"
}

# with_hotplug COMMAND...: with CPU 1 online again afterwards
with_hotplug() {
	if [ ! -w $ONLINE ]; then
		because "CPU 1 cannot be switched off"
		return "$KSFT_SKIP"
	fi
	mark_log || return
	"$@"
	result=$?
	echo 1 >$ONLINE || return
	[ $result = 0 ] || return $result
	no_complaints
}

hotplug() {
	containers zero 0 one 1 both 0-1 || return
	mkdir "$C/one/deep" || return
	with_hotplug without_cpu_1 || return
	wait_until is_effective "$ALL" "$ROOT" || return
	wait_until is_effective 1 "$C/one" || return
	wait_until is_effective 1 "$C/one/deep" || return
	wait_until is_effective 0-1 "$C/both" || return
	wait_until is_allowed 1 "$one" || return
	wait_until is_allowed 1 "$deep" || return
	wait_until is_allowed 0-1 "$PID" || return
	are_allowed 0 "$zero" || return
	let_run 20 "$one" || return
	expect 1 last_cpu "$one"
}

without_cpu_1() {
	spin_in "$C/zero" busy || return
	zero=$PID
	spin_in "$C/one" busy || return
	one=$PID
	spin_in "$C/one/deep" naps || return
	deep=$PID
	spin_in "$C/both" busy || return
	echo 0 >$ONLINE || return
	rest=$(cat /sys/devices/system/cpu/online)
	wait_until is_effective "$rest" "$ROOT" || return
	wait_until is_effective 0 "$C/zero" || return
	wait_until is_effective 0 "$C/both" || return
	# All CPUs of the set are offline: it has the CPUs of the container above.
	wait_until is_effective "$rest" "$C/one" || return
	wait_until is_effective "$rest" "$C/one/deep" || return
	# The set keeps the requested CPUs.
	expect 1 cat "$C/one/cpuset.cpus" || return
	for id in "$zero" "$one" "$deep" "$PID"; do
		let_run 20 "$id" || return
	done
	expect 0 last_cpu "$zero" || return
	expect 0 last_cpu "$PID" || return
	# A task that enters now has a CPU as well.
	expect "$(spin allowed)" spin -a "$C/one" allowed || return
	set_cpus "$C/zero" 1 || return
	expect "$rest" effective "$C/zero" || return
	let_run 20 "$zero" || return
	set_cpus "$C/zero" 0
}

# Unplugging fails after the CPU has been emptied, and no notification follows.
unplug_fails() {
	fail=${ONLINE%/*}/hotplug/fail
	last=$(sed -n 's/^ *\([0-9]*\): rcfs:online$/\1/p' /sys/devices/system/cpu/hotplug/states)
	if ! [ "$last" ] || ! [ -w "$fail" ]; then
		because "no $fail"
		return "$KSFT_SKIP"
	fi
	containers one 1 || return
	spin_in "$C/one" busy || return
	stays_after_all
	result=$?
	# A fault that is left would keep the CPU offline.
	echo -1 >"$fail" || return
	return $result
}

stays_after_all() {
	for _ in 1 2 3; do
		echo "$last" >"$fail" || return
		expect EAGAIN try write $ONLINE 0 || return
		# A fault is removed once it has been injected.
		expect -1 cat "$fail" || return
		expect 1 cat $ONLINE || return
		wait_until is_allowed 1 "$PID" || return
		let_run 20 "$PID" || return
		expect 1 last_cpu "$PID" || return
	done
}

unplug_fails_at_last() {
	with_hotplug unplug_fails
}

hotplug_and_requests() {
	set_cpus "$C" 0-1 || return
	with_hotplug requests_without_cpu_1 || return
	# The scheduler forgets a request that it cannot grant, with or without
	# rcfs.
	wait_until is_allowed 0-1 "$first" || return
	wait_until is_allowed 0-1 "$PID"
}

requests_without_cpu_1() {
	start spin -c 1 busy
	first=$PID
	wait_until is_allowed 1 "$first" || return
	attach "$first" "$C" || return
	spin_in "$C" -c 1 busy || return
	wait_until is_allowed 1 "$PID" || return
	echo 0 >$ONLINE || return
	let_run 20 "$first" || return
	let_run 20 "$PID" || return
	expect 0 last_cpu "$first" || return
	expect 0 last_cpu "$PID"
}

hotplug_in_a_storm() {
	containers one 1 || return
	new_record
	spin_in "$C/one" -r "$RECORD" storm || return
	with_hotplug off_and_on || return
	wait_until all_are_allowed 1 "$C/one" || return
	all_run_on 1 "$C/one"
}

# all_are_allowed LIST CONTAINER: all tasks that have not ended in between
all_are_allowed() {
	cat "$2/tasks" >"$WORK/tasks"
	while read -r id; do
		cpus=$(allowed "$id" 2>/dev/null)
		[ ! "$cpus" ] || [ "$cpus" = "$1" ] || return
	done <"$WORK/tasks"
}

off_and_on() {
	for _ in 1 2 3; do
		echo 0 >$ONLINE || return
		let_run 20 "$C/cpuacct.usage" || return
		echo 1 >$ONLINE || return
	done
}

cgroup_beside() {
	mount_cgroup cpuset || return
	mark_log || return
	cat "$CGROUP/cpuset.mems" >"$CGROUP/test/cpuset.mems"
	echo 0-1 >"$CGROUP/test/cpuset.cpus"
	in_both
	result=$?
	remove_cgroup || return
	[ $result = 0 ] || return $result
	no_complaints
}

in_both() {
	new_record
	spin_in "$C" -r "$RECORD" busy || return
	set_cpus "$C" 1 || return
	echo "$PID" >"$CGROUP/test/cgroup.procs" || return
	are_allowed 1 "$PID" || return
	echo 1 >"$CGROUP/test/cpuset.cpus" || return
	echo 0-1 >"$CGROUP/test/cpuset.cpus" || return
	are_allowed 1 "$PID" || return
	all_run_on 1 "$C" || return
	# In the other order
	set_cpus "$C" 0-1 || return
	are_allowed 0-1 "$PID" || return
	echo 0 >"$CGROUP/test/cpuset.cpus" || return
	are_allowed 0 "$PID" || return
	set_cpus "$C" 0 || return
	set_cpus "$C" 0-1 || return
	are_allowed 0 "$PID" || return
	all_run_on 0 "$C" || return
	# No CPU in common: the control group decides for as long as this is so.
	set_cpus "$C" 1 || return
	are_allowed 0 "$PID" || return
	all_run_on 0 "$C" || return
	echo 0-1 >"$CGROUP/test/cpuset.cpus" || return
	are_allowed 1 "$PID" || return
	echo 0 >"$CGROUP/test/cpuset.cpus" || return
	are_allowed 0 "$PID" || return
	echo "$PID" >"$CGROUP/cgroup.procs" || return
	are_allowed 1 "$PID" || return
	set_cpus "$C" 0-1 || return
	are_allowed 0-1 "$PID"
}

# Control groups change their CPUs while rcfs is about to apply the earlier ones.
cgroup_amid_changes() {
	mount_cgroup cpuset || return
	cat "$CGROUP/cpuset.mems" >"$CGROUP/test/cpuset.mems"
	echo 0-1 >"$CGROUP/test/cpuset.cpus"
	nothing_is_overwritten
	result=$?
	remove_cgroup || return
	return $result
}

nothing_is_overwritten() {
	set_cpus "$C" 0-1 || return
	start sleep 1000
	attach "$PID" "$C" || return
	echo "$PID" >"$CGROUP/test/cgroup.procs" || return
	delay cpus 2000
	group=$CGROUP/test/cpuset.cpus
	bound meet 200 "$PID" "$group" 0 "$group" 1 "$C/cpuset.cpus" 0-1
}

lists() {
	for list in 0 1 0-1; do
		set_cpus "$C" $list || return
		expect $list cat "$C/cpuset.cpus" || return
		expect $list effective "$C" || return
	done
	set_cpus "$C" " 1,0  " || return
	expect 0-1 cat "$C/cpuset.cpus" || return
	set_cpus "$C" 1,1 || return
	expect 1 cat "$C/cpuset.cpus" || return
	set_cpus "$C" "" || return
	expect "" cat "$C/cpuset.cpus" || return
	expect "$ALL" effective "$C"
}

bad_values() {
	set_cpus "$C" 1 || return
	refuses EINVAL "$C/cpuset.cpus" x 0x 0- -1 1-0 0-1-1 "0;1" 0.5 "0 x" all-x || return
	possible=$(sed 's/.*[-,]//' /sys/devices/system/cpu/possible)
	refuses ERANGE "$C/cpuset.cpus" 100000 0,100000 "0-$((possible + 1))" \
		$((possible + 1)) || return
	expect 1 effective "$C"
}

files() {
	are_writable cpuset.cpus || return
	are_read_only cpuset.effective_cpus || return
	are_not_in_root cpuset.cpus || return
	expect "" cat "$C/cpuset.cpus" || return
	expect "$ALL" effective "$C" || return
	expect 444 stat -c %a "$ROOT/cpuset.effective_cpus" || return
	expect EINVAL try write "$ROOT/cpuset.effective_cpus" 0 || return
	expect "$(cat /sys/devices/system/cpu/online)" effective "$ROOT"
}

rcfs_begin
need_controllers cpuset cpuacct
ALL=$(allowed self)
case $ALL in
0-* | 0,1*) ;;
*) skip_all "the CPUs 0 and 1 are needed" ;;
esac
point "a task runs on the CPUs of its container" busy
point "threads run on the CPUs of their container" threads
point "a task that sleeps at times runs on the CPUs of its container" naps
point "children and threads begin on the CPUs of their container" children
point "children with other namespaces begin on the CPUs of their container" clones
point "vfork and exec stay on the CPUs of the container" execs
point "sched_getaffinity shows the CPUs of the container" seen_in_affinity
point "tasks have left the other CPUs when a change returns" change_is_immediate
point "tasks have left the other CPUs when an attach returns" attach_is_immediate
point "processes move with all of their threads" processes_move
point "threads of a process can be in different containers" threads_of_a_process_apart
point "a request takes effect again when it can" request_comes_back
point "a request made inside a container is remembered" request_inside
point "children inherit the request of their parent" request_is_inherited
point "a request for other CPUs is refused" request_outside_only
point "threads of io_uring stay on the CPUs of the container" threads_of_io_uring
point "a request for some other CPUs is clamped" request_partly_outside
point "requests during changes never lead to other CPUs" requests_all_the_time
point "containers below are limited to the CPUs above, if any" nested
point "siblings do not change" siblings_stay
point "a new container has the CPUs of the one above" new_ones_inherit
point "a task that leaves a container is not restricted any more" removal_leaves_nothing
point "children keep the CPUs that the kernel has given their parent" what_the_kernel_has_set
point "moves between unrestricted containers change nothing" moves_that_change_nothing
point "a deadline task does not move to fewer CPUs than admitted" deadline_moves
point "a set is not reduced below the CPUs of a deadline task" deadline_sets
point "a user cannot restrict a task with more capabilities" the_more_capable
point "children born during changes have the CPUs of their container" born_amid_changes
point "children born during moves have the CPUs of their container" born_amid_moves
point "children born after a move have the CPUs of their container" after_a_move
point "no task is on a wrong CPU after changes during forks" flips_in_a_storm
point "no task is lost by changes, moves, forks and exits at once" storm_of_moves
point "a CPU goes offline and online, and every task has a CPU" hotplug
point "after a failed unplug every task is in its set" unplug_fails_at_last
point "a task whose requested CPU goes offline runs on the others" hotplug_and_requests
point "a CPU can go offline and online during forks" hotplug_in_a_storm
point "with the cpuset of cgroup v1, both hold" cgroup_beside
point "no change of the cpuset of cgroup v1 is lost" cgroup_amid_changes
point "lists are shown in their short form" lists
point "a bad list is EINVAL, a bad CPU is ERANGE, and neither changes anything" bad_values
point "files have the right modes, and the root shows its CPUs" files
ktap_finished
