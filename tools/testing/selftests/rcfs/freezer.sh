#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The controller freezer: which tasks stop, when the state is FROZEN, and which
# tasks continue.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=controllers.sh
. "$HERE/controllers.sh"

# The tests end the tasks that they have started. A frozen task cannot be ended.
end_task() {
	thaw_all
	{
		kill -9 "$1"
		wait "$1"
		true
	} 2>/dev/null
}

thaw_all() {
	find "$C" -name freezer.state 2>/dev/null | while read -r file; do
		echo THAWED >"$file"
	done
}

# freeze CONTAINER: and wait until it is FROZEN
freeze() {
	set_file "$1/freezer.state" FROZEN || return
	wait_until is_frozen "$1" && return
	tell_tasks "$1"
	return 1
}

# tell_tasks CONTAINER: print the state of all tasks in it and below, one of which
# delays FROZEN
tell_tasks() {
	find "$1" -name tasks -exec cat {} + | while read -r id; do
		because "stat: $(cat "/proc/$id/stat" 2>&1)"
		grep -E '^(Shd|Sig)' "/proc/$id/status" 2>&1 | tr '\t\n' ' ' | sed 's/^/#   /'
		echo
		sed 's/^/#   /' "/proc/$id/stack" 2>&1
	done
}

thaw() {
	set_file "$1/freezer.state" THAWED
}

is_frozen() {
	# Check many times before a wait: this takes microseconds.
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		read -r state <"$1/freezer.state" && [ "$state" = FROZEN ] && return
	done
	return 1
}

# flags CONTAINER: print whether it and the containers above are asked to freeze
flags() {
	echo "$(cat "$1/freezer.self_freezing") $(cat "$1/freezer.parent_freezing")"
}

# must_be STATE FLAGS CONTAINER
must_be() {
	if ! expect "$1" cat "$3/freezer.state"; then
		tell_tasks "$3"
		return 1
	fi
	expect "$2" flags "$3"
}

# somebody_else: $OTHER is a busy task in the root
somebody_else() {
	start spin busy
	OTHER=$PID
}

# While the other task uses 100 ms of CPU time, the groups use none. When the state
# becomes FROZEN, a task may still be on its way into the freezer, which is a short
# way in the kernel.
WINDOW=100
SLACK=10000000

# stand_still GROUP...
stand_still() {
	for group; do
		before=$(cputime of "$group") || return
		let_run $WINDOW "$OTHER" || return
		grown=$(($(cputime of "$group") - before)) || return
		if [ $grown -gt $SLACK ]; then
			because "$group has used $grown ns of CPU time"
			return 1
		fi
	done
}

# nobody_records: no task with the record runs
nobody_records() {
	new_generation
	let_run $WINDOW "$OTHER" || return
	expect "" recorded
}

# somebody_records: a task with the record runs again
somebody_records() {
	new_generation
	wait_until is_recorded
}

frozen_uses_no_cpu_time() {
	somebody_else
	spin_in "$C" busy || return
	let_run 20 "$PID" || return
	freeze "$C" || return
	ticks=$(cpu_ticks "$PID")
	stand_still "$PID" "$C/cpuacct.usage" || return
	expect "$ticks" cpu_ticks "$PID" || return
	must_be FROZEN "1 0" "$C" || return
	thaw "$C" || return
	must_be THAWED "0 0" "$C" || return
	let_run 100 "$PID"
}

# cpu_ticks ID: print its user and system time, from /proc
cpu_ticks() {
	sed 's/.*) //' "/proc/$1/stat" | cut -d ' ' -f 12,13
}

# freeze_kind KIND: for tasks of this kind, none runs and none is new
freeze_kind() {
	mkdir "$C/$1" || return
	new_record
	spin_in "$C/$1" -r "$RECORD" "$1" || return
	wait_until is_recorded || return
	for _ in 1 2; do
		freeze "$C/$1" || return
		cat "$C/$1/tasks" >"$WORK/tasks"
		nobody_records || return
		# A task that was about to exit may be gone, but there must be no
		# new one.
		expect "" grep -vxFf "$WORK/tasks" "$C/$1/tasks" || return
		must_be FROZEN "1 0" "$C/$1" || return
		thaw "$C/$1" || return
		somebody_records || return
	done
	kill -9 "$PID"
}

running_and_sleeping() {
	somebody_else
	freeze_kind busy || return
	freeze_kind threads || return
	freeze_kind naps
}

children_freeze() {
	somebody_else
	freeze_kind forks || return
	freeze_kind creates
}

clones_freeze() {
	somebody_else
	freeze_kind clones
}

vfork_and_exec() {
	somebody_else
	freeze_kind execs
}

sleepers_freeze() {
	start sleep 1000
	attach "$PID" "$C" || return
	wait_until is_in_state S "$PID" || return
	freeze "$C" || return
	# The task does not sleep for another reason any more.
	expect D task_state "$PID" || return
	thaw "$C" || return
	wait_until is_in_state S "$PID"
}

# A fork may be at any point when the state is written.
freeze_in_a_storm() {
	somebody_else
	delay visible 300
	delay copy 1000
	new_record
	spin_in "$C" -r "$RECORD" storm || return
	wait_until is_recorded || return
	for round in $(seq 20); do
		freeze "$C" || return
		printf 1 1<>"$RECORD"
		GENERATION=1
		let_run 20 "$OTHER" || return
		if is_recorded; then
			because "round $round: a task ran while the container was FROZEN"
			return 1
		fi
		# The record is not in use: begin with the first generation again.
		printf '%065d' 0 1<>"$RECORD"
		GENERATION=0
		thaw "$C" || return
		wait_until is_recorded || return
	done
}

# A task that is asked to freeze just before it waits for its child is not frozen
# while it waits. It freezes when the child is gone. Reading the state, as freeze()
# does, must not change this. A task that was already waiting is frozen at once, and
# proves nothing.
reading_changes_nothing() {
	# Without the delay, a task is rarely asked at that moment.
	if ! [ -d "$DELAYS" ]; then
		because "no $DELAYS (CONFIG_RCFS_DELAYS)"
		return "$KSFT_SKIP"
	fi
	somebody_else
	delay visible 2000
	spin_in "$C" vforks || return
	for _ in $(seq 100); do
		freeze "$C" || return
		child=$(grep -vx "$PID" "$C/tasks")
		if [ "$child" ]; then
			before=$(switches_of "$PID")
			attach "$child" "$ROOT" || return
			wait_until is_in_state Z "$child" || return
			let_run 20 "$OTHER" || return
			# If it is not a number, it does not exceed the other one
			# either.
			[ "$(switches_of "$PID")" -gt "$before" ] && return
		fi
		thaw "$C" || return
	done
	because "the task that waited for its child was frozen each time"
	return 1
}

# switches_of ID: print how often it has slept
switches_of() {
	sed -n 's/^voluntary_ctxt_switches:[^0-9]*//p' "/proc/$1/status"
}

# No reader looks at the state here.
born_unwatched() {
	somebody_else
	delay copy 2000
	new_record
	spin_in "$C" -r "$RECORD" broods || return
	wait_until is_recorded || return
	for _ in 1 2 3 4 5 6 7 8; do
		set_file "$C/freezer.state" FROZEN || return
		let_run $WINDOW "$OTHER" || return
		nobody_records || return
		thaw "$C" || return
		wait_until is_recorded || return
	done
}

attached_unwatched() {
	somebody_else
	for kind in busy threads naps; do
		new_record
		start spin -r "$RECORD" $kind
		wait_until is_recorded || return
		freeze "$C" || return
		attach_process "$PID" "$C" || return
		let_run $WINDOW "$OTHER" || return
		nobody_records || return
		attach_process "$PID" "$ROOT" || return
		somebody_records || return
		end_task "$PID"
	done
}

# A task in the kernel is not frozen yet, however long this takes.
freezing_until_all_are() {
	load_one_subsystem || return
	T=$WORK/tree
	mount_tree tree test0 || return
	mkdir "$C/a" "$C/b" || return
	start sleep 1000
	attach "$PID" "$C/b" || return
	echo 3000000 >"$PARAMETERS/linger"
	start sh -c "echo 0 >$C/a/tasks
		read -r _ <$T/test0.linger
		: >$WORK/ended
		exec sleep 1000"
	wait_until in_container "$PID" "$C/a" || return
	let_run 200 "$PID" || return
	set_file "$C/freezer.state" FROZEN || return
	must_be FREEZING "1 0" "$C" || return
	must_be FREEZING "0 1" "$C/a" || return
	wait_until is_frozen "$C/b" || return
	wait_until is_frozen "$C" || return
	must_be FROZEN "0 1" "$C/a" || return
	expect ENOENT try read "$WORK/ended" || return
	thaw "$C" || return
	wait_until test -e "$WORK/ended"
}

freezing_can_be_called_off() {
	somebody_else
	new_record
	spin_in "$C" -r "$RECORD" storm || return
	for _ in $(seq 100); do
		echo FROZEN >"$C/freezer.state"
		echo THAWED >"$C/freezer.state"
	done
	must_be THAWED "0 0" "$C" || return
	somebody_records || return
	# All tasks: a task that was missed is not in this state.
	cat "$C/tasks" >"$WORK/tasks"
	while read -r id; do
		wait_until is_not_in_state D "$id" || return
	done <"$WORK/tasks"
}

is_not_in_state() {
	[ "$(task_state "$2")" != "$1" ]
}

freezing_twice() {
	somebody_else
	spin_in "$C" busy || return
	thaw "$C" || return
	freeze "$C" || return
	freeze "$C" || return
	must_be FROZEN "1 0" "$C" || return
	# Requests are not counted.
	thaw "$C" || return
	let_run 50 "$PID" || return
	must_be THAWED "0 0" "$C"
}

nested() {
	somebody_else
	mkdir "$C/in" "$C/in/deep" "$C/free" || return
	spin_in "$C/free" busy || return
	free=$PID
	spin_in "$C/in/deep" busy || return
	freeze "$C/in" || return
	must_be THAWED "0 0" "$C" || return
	must_be FROZEN "1 0" "$C/in" || return
	must_be FROZEN "0 1" "$C/in/deep" || return
	must_be THAWED "0 0" "$C/free" || return
	stand_still "$PID" || return
	let_run 50 "$free" || return
	thaw "$C/in" || return
	must_be THAWED "0 0" "$C/in/deep" || return
	let_run 50 "$PID"
}

outer_freeze_holds() {
	somebody_else
	mkdir "$C/in" || return
	spin_in "$C/in" busy || return
	freeze "$C" || return
	freeze "$C/in" || return
	must_be FROZEN "1 1" "$C/in" || return
	thaw "$C/in" || return
	must_be FROZEN "0 1" "$C/in" || return
	must_be FROZEN "1 0" "$C" || return
	stand_still "$PID" || return
	thaw "$C" || return
	must_be THAWED "0 0" "$C/in" || return
	let_run 50 "$PID"
}

inner_freeze_holds() {
	somebody_else
	mkdir "$C/in" || return
	spin_in "$C/in" busy || return
	freeze "$C" || return
	freeze "$C/in" || return
	thaw "$C" || return
	must_be THAWED "0 0" "$C" || return
	must_be FROZEN "1 0" "$C/in" || return
	stand_still "$PID" || return
	thaw "$C/in" || return
	let_run 50 "$PID"
}

made_below_frozen() {
	somebody_else
	start spin busy
	freeze "$C" || return
	mkdir "$C/new" "$C/new/deep" || return
	must_be FROZEN "0 1" "$C/new" || return
	must_be FROZEN "0 1" "$C/new/deep" || return
	attach "$PID" "$C/new/deep" || return
	wait_until is_frozen "$C" || return
	stand_still "$PID" || return
	thaw "$C" || return
	must_be THAWED "0 0" "$C/new/deep" || return
	let_run 50 "$PID"
}

kill_has_to_wait() {
	somebody_else
	spin_in "$C" busy || return
	busy=$PID
	start sleep 1000
	attach "$PID" "$C" || return
	freeze "$C" || return
	kill -9 "$busy" "$PID"
	stand_still "$busy" || return
	expect "$(printf '%s\n' "$busy" "$PID" | sort -n)" cat "$C/tasks" || return
	expect EBUSY try rmdir "$C" || return
	must_be FROZEN "1 0" "$C" || return
	thaw "$C" || return
	wait_until has_ended "$busy" || return
	wait_until has_ended "$PID" || return
	must_be_empty "$C"
}

signals_have_to_wait() {
	somebody_else
	start sh -c "trap ': >$WORK/caught' USR1; echo 0 >$C/tasks; while :; do :; done"
	wait_until in_container "$PID" "$C" || return
	freeze "$C" || return
	kill -USR1 "$PID"
	stand_still "$PID" || return
	expect ENOENT try read "$WORK/caught" || return
	thaw "$C" || return
	wait_until test -e "$WORK/caught"
}

stop_and_continue() {
	somebody_else
	spin_in "$C" busy || return
	freeze "$C" || return
	kill -STOP "$PID"
	stand_still "$PID" || return
	thaw "$C" || return
	wait_until is_in_state T "$PID" || return
	# A stopped task freezes as well, and is still stopped after the thaw.
	freeze "$C" || return
	thaw "$C" || return
	wait_until is_in_state T "$PID" || return
	stand_still "$PID" || return
	freeze "$C" || return
	kill -CONT "$PID"
	stand_still "$PID" || return
	must_be FROZEN "1 0" "$C" || return
	thaw "$C" || return
	let_run 50 "$PID"
}

attach_freezes_and_thaws() {
	somebody_else
	mkdir "$C/a" "$C/b" || return
	start spin busy
	freeze "$C/a" || return
	freeze "$C/b" || return
	let_run 20 "$PID" || return
	attach "$PID" "$C/a" || return
	wait_until is_frozen "$C/a" || return
	stand_still "$PID" || return
	attach "$PID" "$C/b" || return
	wait_until is_frozen "$C/b" || return
	stand_still "$PID" "$C/a/cpuacct.usage" "$C/b/cpuacct.usage" || return
	attach "$PID" "$C" || return
	let_run 50 "$PID" || return
	must_be FROZEN "1 0" "$C/a" || return
	must_be FROZEN "1 0" "$C/b"
}

# It does not run for a moment, which would be in its record.
between_frozen_stays_frozen() {
	somebody_else
	mkdir "$C/a" "$C/b" || return
	new_record
	spin_in "$C/a" -r "$RECORD" naps || return
	freeze "$C/a" || return
	freeze "$C/b" || return
	new_generation
	for _ in $(seq 50); do
		echo "$PID" >"$C/b/tasks"
		echo "$PID" >"$C/a/tasks"
	done
	let_run $WINDOW "$OTHER" || return
	expect "" recorded || return
	attach "$PID" "$ROOT" || return
	somebody_records
}

attach_sleepers() {
	somebody_else
	new_record
	start spin -r "$RECORD" naps
	wait_until is_recorded || return
	freeze "$C" || return
	attach "$PID" "$C" || return
	wait_until is_frozen "$C" || return
	nobody_records || return
	attach "$PID" "$ROOT" || return
	somebody_records
}

listed_and_moved() {
	somebody_else
	spin_in "$C" threads || return
	attach_process "$PID" "$C" || return
	wait_until has_threads "$PID" 3 || return
	freeze "$C" || return
	expect "$(threads_of "$PID")" cat "$C/tasks" || return
	expect "$PID" cat "$C/procs" || return
	attach_process "$PID" "$ROOT" || return
	must_be_empty "$C" || return
	let_run 100 "$PID" || return
	attach_process "$PID" "$C" || return
	wait_until is_frozen "$C" || return
	expect "$(threads_of "$PID")" cat "$C/tasks" || return
	stand_still "$PID"
}

# Threads are frozen one by one.
one_thread() {
	somebody_else
	start spin threads
	wait_until has_threads "$PID" 3 || return
	freeze "$C" || return
	thread=$(threads_of "$PID" | tail -n 1)
	attach "$thread" "$C" || return
	wait_until is_frozen "$C" || return
	stand_still "$C/cpuacct.usage" || return
	let_run 50 "$PID" || return
	attach "$PID" "$C" || return
	wait_until is_frozen "$C" || return
	expect "$(printf '%s\n' "$PID" "$thread" | sort -n)" cat "$C/tasks" || return
	let_run 50 "$PID" || return
	thaw "$C" || return
	let_run 50 "$C/cpuacct.usage"
}

freezes_itself() {
	start sh -c "echo 0 >$C/tasks
		echo FROZEN >$C/freezer.state
		: >$WORK/after
		exec sleep 1000"
	somebody_else
	wait_until is_frozen "$C" || return
	let_run $WINDOW "$OTHER" || return
	expect ENOENT try read "$WORK/after" || return
	thaw "$C" || return
	wait_until test -e "$WORK/after"
}

zombies_do_not_matter() {
	start sh -c "sh -c 'echo 0 >$C/tasks; echo \$\$ >$WORK/zombie' & exec sleep 1000"
	parent=$PID
	wait_until test -s "$WORK/zombie" || return
	wait_until is_in_state Z "$(cat "$WORK/zombie")" || return
	start threads -d 3
	wait_until has_threads "$PID" 3 || return
	wait_until is_in_state Z "$PID" || return
	attach_process "$PID" "$C" || return
	freeze "$C" || return
	attach_process "$PID" "$ROOT" || return
	must_be FROZEN "1 0" "$C" || return
	expect Z task_state "$(cat "$WORK/zombie")" || return
	must_be_removable "$C" || return
	kill -9 "$parent"
}

# Tasks that are killed while they freeze die at once or later, but none is lost.
killed_meanwhile() {
	for round in $(seq 10); do
		mkdir "$C/$round" || return
		start spin -a "$C/$round" storm
		wait_until has_tasks 4 "$C/$round" || return
		cat "$C/$round/tasks" >"$WORK/tasks"
		while read -r id; do
			kill -9 "$id" 2>/dev/null
		done <"$WORK/tasks"
		freeze "$C/$round" || return
		thaw "$C/$round" || return
		wait_until emptied_and_removed "$C/$round" || return
	done
}

emptied_and_removed() {
	while read -r id; do
		kill -9 "$id"
	done <"$1/tasks"
	rmdir "$1"
} 2>/dev/null

empty_is_frozen_at_once() {
	mkdir "$C/child" || return
	set_file "$C/freezer.state" FROZEN || return
	must_be FROZEN "1 0" "$C" || return
	must_be FROZEN "0 1" "$C/child" || return
	must_be_removable "$C/child" || return
	must_be_removable "$C" || return
	mkdir "$C" || return
	must_be THAWED "0 0" "$C"
}

removal_forgets_nobody() {
	somebody_else
	mkdir "$C/a" "$C/a/deep" || return
	spin_in "$C/a" busy || return
	first=$PID
	spin_in "$C/a/deep" busy || return
	second=$PID
	start sleep 1000
	attach "$PID" "$C/a" || return
	wait_until is_in_state S "$PID" || return
	freeze "$C/a" || return
	for id in "$first" "$second" "$PID"; do
		attach "$id" "$C" || return
	done
	must_be_removable "$C/a/deep" || return
	must_be_removable "$C/a" || return
	let_run 50 "$first" || return
	let_run 50 "$second" || return
	wait_until is_in_state S "$PID" || return
	# A new container of that name is not frozen either.
	mkdir "$C/a" || return
	attach "$first" "$C/a" || return
	let_run 50 "$first"
}

throttled_can_be_frozen() {
	[ -e "$C/cpu.cfs_quota_us" ] || return "$KSFT_SKIP"
	somebody_else
	set_file "$C/cpu.cfs_quota_us" 30000 || return
	spin_in "$C" threads || return
	let_run 50 "$PID" || return
	freeze "$C" || return
	stand_still "$PID" || return
	thaw "$C" || return
	let_run 50 "$PID"
}

# A container keeps the tree, even without readers.
outlives_umount() {
	options=$(rcfs_options)
	somebody_else
	spin_in "$C" busy || return
	freeze "$C" || return
	stand_still_unmounted
	result=$?
	mountpoint_of "$ROOT" || mount -t rcfs -o "$options" none "$ROOT" || return
	[ $result = 0 ] || return $result
	must_be FROZEN "1 0" "$C" || return
	stand_still "$PID" || return
	thaw "$C" || return
	let_run 50 "$PID"
}

stand_still_unmounted() {
	mounts_of "$options" >"$WORK/mounts"
	unmount_all <"$WORK/mounts" || return
	stand_still "$PID"
}

cgroup_beside() {
	mount_cgroup freezer || return
	mark_log || return
	freeze_both
	result=$?
	echo THAWED >"$CGROUP/test/freezer.state"
	remove_cgroup || return
	[ $result = 0 ] || return $result
	no_complaints
}

freeze_both() {
	somebody_else
	new_record
	# A task that was frozen in its sleep does not check again when the sleep
	# ends.
	for kind in dozes naps dozes; do
		spin_in "$C" -r "$RECORD" $kind || return
		echo "$PID" >"$CGROUP/test/cgroup.procs" || return
	done
	spin_in "$C" -r "$RECORD" busy || return
	echo "$PID" >"$CGROUP/test/cgroup.procs" || return
	wait_until is_recorded || return
	freeze "$C" || return
	freeze "$CGROUP/test" || return
	nobody_records || return
	thaw "$CGROUP/test" || return
	nobody_records || return
	must_be FROZEN "1 0" "$C" || return
	freeze "$CGROUP/test" || return
	thaw "$C" || return
	nobody_records || return
	must_be THAWED "0 0" "$C" || return
	# A move in one hierarchy does not thaw what the other has frozen.
	attach "$PID" "$ROOT" || return
	attach "$PID" "$C" || return
	nobody_records || return
	freeze "$C" || return
	while read -r id; do
		echo "$id" >"$CGROUP/cgroup.procs" || return
	done <"$C/procs"
	nobody_records || return
	must_be FROZEN "1 0" "$C" || return
	thaw "$C" || return
	somebody_records
}

# The first process of a pid namespace ignores the SIGKILL that the namespace sends it.
killing_leaves_cgroup_frozen() {
	if ! unshare -p -f true 2>/dev/null; then
		because "no pid namespaces"
		return "$KSFT_SKIP"
	fi
	mount_cgroup freezer || return
	frozen_init_ignores_kill
	result=$?
	echo THAWED >"$CGROUP/test/freezer.state"
	set_file "$C/kill" 1 || return
	wait_until is_empty "$C" && remove_cgroup || return
	return $result
}

frozen_init_ignores_kill() {
	start unshare -p -f sh -c "
		{
			until [ -e $WORK/go ]; do sleep 0.01; done
			try write $C/kill 1 >$WORK/killed
		} &
		echo 0 >$C/procs
		exec sleep 1000"
	wait_until sleeps_in "$C" || return
	init=$(cat "$C/procs")
	echo "$init" >"$CGROUP/test/cgroup.procs" || return
	freeze "$CGROUP/test" || return
	must_be_state D "$init" || return
	: >"$WORK/go"
	wait_until test -s "$WORK/killed" || return
	expect OK cat "$WORK/killed" || return
	must_be_state D "$init" || return
	echo THAWED >"$CGROUP/test/freezer.state" || return
	wait_until must_be_state S "$init"
}

# sleeps_in CONTAINER: its only task is sleep(1), which sleeps
sleeps_in() {
	read -r id <"$1/tasks" 2>/dev/null || return
	[ "$(cat "/proc/$id/comm")" = sleep ] && must_be_state S "$id"
}

# must_be_state LETTER PID
must_be_state() {
	expect "$1" sed -n 's/^State:[^A-Z]*\([A-Z]\).*/\1/p' "/proc/$2/status"
}

# Most of them cannot be frozen.
kernel_threads() {
	for comm in /proc/[0-9]*/comm; do
		case $(cat "$comm" 2>/dev/null) in
		khungtaskd | kdevtmpfs | oom_reaper) ;;
		*) continue ;;
		esac
		id=${comm%/comm}
		id=${id#/proc/}
		attach "$id" "$C" || return
		freeze "$C"
		result=$?
		attach "$id" "$ROOT" || return
		return $result
	done
	because "none of the kernel threads that could be moved"
	return "$KSFT_SKIP"
}

storm_of_moves() {
	mark_log || return
	mkdir "$C/a" "$C/b" || return
	start sh -c "while :; do
			echo FROZEN >$C/a/freezer.state
			echo FROZEN >$C/freezer.state
			echo THAWED >$C/freezer.state
			echo THAWED >$C/a/freezer.state
			sleep 0.01 || sleep 1
		done"
	storm_amid "$C/a" "$C/b"
}

bad_values() {
	refuses EINVAL "$C/freezer.state" "" " " FREEZING frozen FROZE Frozen FROZENX THAW \
		THAWED,FROZEN "FROZEN THAWED" 0 1 "$(printf '%0100d' 0)" || return
	must_be THAWED "0 0" "$C" || return
	freeze "$C" || return
	refuses EINVAL "$C/freezer.state" "" FREEZING thawed THAWEDX 0 || return
	must_be FROZEN "1 0" "$C" || return
	# White space is ignored.
	set_file "$C/freezer.state" " THAWED
" || return
	must_be THAWED "0 0" "$C"
}

files() {
	are_writable freezer.state || return
	are_read_only freezer.self_freezing freezer.parent_freezing || return
	are_not_in_root freezer.state freezer.self_freezing freezer.parent_freezing || return
	must_be THAWED "0 0" "$C"
}

rcfs_begin
need_controllers freezer cpuacct
trap 'rcfs_end; unload_subsystems' EXIT
point "a frozen container uses no CPU time, and continues when thawed" frozen_uses_no_cpu_time
point "running tasks, threads, and tasks that sleep at times stop" running_and_sleeping
point "sleeping tasks are frozen, and still sleep afterwards" sleepers_freeze
point "children and threads made during the freeze stop" children_freeze
point "children with other namespaces stop" clones_freeze
point "tasks in vfork and exec stop" vfork_and_exec
point "no task runs in a FROZEN container, again and again" freeze_in_a_storm
point "reading the state changes nothing" reading_changes_nothing
point "children freeze even if no reader looks" born_unwatched
point "attached tasks freeze even if no reader looks" attached_unwatched
point "the state is not FROZEN before all tasks are" freezing_until_all_are
point "a freeze can be cancelled at any moment" freezing_can_be_called_off
point "one thaw ends two freezes" freezing_twice
point "a freeze applies to all containers below, and no others" nested
point "thawing a container has no effect below a frozen one" outer_freeze_holds
point "thawing above has no effect on a frozen container" inner_freeze_holds
point "a container that is made below a frozen one is frozen" made_below_frozen
point "SIGKILL waits until the task is thawed" kill_has_to_wait
point "other signals wait until the task is thawed" signals_have_to_wait
point "SIGSTOP and SIGCONT take effect when thawed" stop_and_continue
point "attaching freezes and thaws" attach_freezes_and_thaws
point "attaching freezes and thaws sleeping tasks" attach_sleepers
point "a task that moves between frozen containers stays frozen" between_frozen_stays_frozen
point "frozen tasks are listed and can be moved" listed_and_moved
point "a single thread of a process can be frozen" one_thread
point "a task that freezes itself is frozen before it continues" freezes_itself
point "zombies and dead threads do not delay FROZEN" zombies_do_not_matter
point "tasks that die during the freeze do not delay FROZEN" killed_meanwhile
point "kernel threads do not delay FROZEN" kernel_threads
point "an empty container is FROZEN at once, and can be removed" empty_is_frozen_at_once
point "a task that left a removed container is not frozen" removal_forgets_nobody
point "a throttled container can be frozen" throttled_can_be_frozen
point "frozen tasks stay frozen without a mount" outlives_umount
point "with the freezer of cgroup v1, both have to thaw" cgroup_beside
point "killing thaws nobody whom the freezer of cgroup v1 keeps frozen" \
	killing_leaves_cgroup_frozen
point "no task is lost by freezing, moves, forks and exits at once" storm_of_moves
point "text other than FROZEN or THAWED is EINVAL, and changes nothing" bad_values
point "files have the right modes, and are not in the root" files
ktap_finished
