#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The command rcfs of tools/rcfs: commands in containers, listings, and errors.

# shellcheck disable=SC2016 # single quotes are for the shells that are started

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=controllers.sh
. "$HERE/controllers.sh"

# run ARGUMENT...: rcfs run, with a container $C/job
run() {
	rcfs run --name "$P/job" "$@"
}

# status_of COMMAND...: print the exit status
status_of() {
	"$@" >"$WORK/out" 2>"$WORK/err"
	echo $?
}

# must_say TEXT: on standard error of status_of()
must_say() {
	grep -qF -e "$1" "$WORK/err" && return
	because "'$1' is not in: $(cat "$WORK/err")"
	return 1
}

# must_be_gone [NAME]: the container and its tasks
must_be_gone() {
	[ ! -e "$C/${1:-job}" ] && return
	because "$C/${1:-job} is still there, with $(xargs 2>/dev/null <"$C/${1:-job}/procs")"
	return 1
}

is_gone() {
	[ ! -e "$1" ]
}

has_task() {
	[ "$(cat "$1/tasks" 2>/dev/null)" ]
}

# json FILE: check that each line is a JSON value
json() {
	awk '
		{
			text = $0
			gsub(/"([^"\\]|\\.)*"/, "s", text)
			gsub(/-?[0-9]+/, "v", text)
			gsub(/true|false|null/, "v", text)
			gsub(/s:/, "k", text)
			gsub(/s/, "v", text)
			while (gsub(/\[\]|\{\}|\[v(,v)*\]|\{kv(,kv)*\}/, "v", text))
				;
			if (text != "v") {
				print "# no JSON: " $0
				bad = 1
			}
		}
		END { exit bad || !NR }
	' "$1"
}

# member NAME FILE: the number of this name in the first object that has it
member() {
	grep -o "\"$1\":[^,}]*" "$2" | head -n 1 | cut -d : -f 2
}

# ---- run

in_its_container() {
	expect "$P/job" run sh -c "sed -n 's/^[^:]*:[^:]*pids[^:]*://p' /proc/self/rcfs" || return
	must_be_gone || return
	# Without a name, below the container of the caller
	sh -c "echo 0 >$C/procs && exec rcfs run cat /proc/self/rcfs" >"$WORK/said" || return
	grep -q ":$P/run-[0-9]*\$" "$WORK/said" || return
	expect "" find "$C" -mindepth 1 -type d
}

limits_are_there_before_it() {
	expect "64
50000
200000" run -l pids.max=64 -l cpu.cfs_quota_us=50000 -l cpu.cfs_period_us=200000 \
		cat "$C/job/pids.max" "$C/job/cpu.cfs_quota_us" "$C/job/cpu.cfs_period_us" || return
	must_be_gone
}

# A fork bomb cannot fork to look: read is a builtin of the shell.
fork_bomb() {
	cat >"$WORK/bomb" <<-END
		bomb() { bomb | bomb & }
		# The first fork succeeds. A later one that fails would end this
		# shell.
		(bomb) &
		refused=0
		until [ "\$refused" -gt 0 ]; do
			read -r _ refused <$C/job/pids.events
		done
		exit 3
	END
	expect 3 status_of run -l pids.max=8 --json -o "$WORK/report" sh "$WORK/bomb" || return
	must_be_gone || return
	must_say "pids.max has refused" || return
	json "$WORK/report" || return
	expect 3 member status "$WORK/report" || return
	if [ "$(member tasks_peak "$WORK/report")" -gt 8 ]; then
		because "there were $(member tasks_peak "$WORK/report") tasks of 8"
		return 1
	fi
	[ "$(member forks_refused "$WORK/report")" -gt 0 ] || return
	[ "$(member cpu_ns "$WORK/report")" -gt 0 ] || return
	[ "$(member wall_ns "$WORK/report")" -gt 0 ]
}

full_from_the_beginning() {
	expect 125 status_of run -l pids.max=0 true || return
	must_say "has reached pids.max" || return
	must_be_gone
}

out_of_memory() {
	need_controller memory || return
	expect 137 status_of run -l memory.limit_in_bytes=20M --time --json -o "$WORK/report" \
		hog anon 40 || return
	must_say "out of memory: 1 process killed" || return
	must_be_gone || return
	expect 1 member oom_kills "$WORK/report" || return
	[ "$(member memory_peak "$WORK/report")" -le 20971520 ] || return
	[ "$(member memory_peak "$WORK/report")" -ge 19000000 ] || return
	grep -q '^  memory    [12][0-9.]* MiB at most$' "$WORK/report"
}

exit_statuses() {
	expect 0 status_of run true || return
	expect 7 status_of run sh -c 'exit 7' || return
	expect 137 status_of run sh -c 'kill -9 $$' || return
	expect 143 status_of run sh -c 'kill $$' || return
	expect 127 status_of run "$WORK/nosuch" || return
	must_say "nosuch: cannot be executed" || return
	expect 126 status_of run "$WORK" || return
	expect 125 status_of run -l pids.max=x true || return
	expect 125 status_of run --nosuch true || return
	expect 125 status_of run || return
	must_be_gone
}

# The exit status is that of the command even if the report cannot be written.
exit_status_without_reader() {
	{
		run --time sh -c "until [ -e $WORK/closed ]; do sleep 0.01; done; exit 3" 2>&1
		echo $? >"$WORK/status"
	} | {
		exec <&-
		: >"$WORK/closed"
	}
	expect 3 cat "$WORK/status" || return
	must_be_gone
}

# start_job ARGUMENT...: start rcfs run in the background, and wait until its shell
# is ready
start_job() {
	rm -f "$WORK/ready"
	start rcfs run --name "$P/job" "$@"
	wait_until test -e "$WORK/ready"
}

LOOP='while :; do sleep 1000 & wait $!; done'

# on_terminal STEPS COMMAND...: print how it ends; the output is in $WORK/shown
on_terminal() {
	steps=$1
	shift
	echo "$steps" | terminal -r 10 -c 60 "$WORK/shown" "$@"
}

# signal_when_ready SIGNAL: to the process with the id in $WORK/pid, in the
# background
signal_when_ready() {
	rm -f "$WORK/ready" "$WORK/pid"
	{
		wait_until test -e "$WORK/ready"
		kill -s "$1" "$(cat "$WORK/pid")"
	} &
	CHILDREN="$CHILDREN $!"
}

# The terminal is needed because a shell ignores SIGINT and SIGQUIT in the
# background.
signals_are_passed_on() {
	for signal in HUP INT QUIT TERM USR1 USR2; do
		cat >"$WORK/script" <<-END
			trap 'exit 5' $signal
			echo >$WORK/ready
			$LOOP
		END
		signal_when_ready $signal
		expect "exited 5" on_terminal "" sh -c \
			"echo \$\$ >$WORK/pid
		exec rcfs run --name $P/job sh $WORK/script" || return
		must_be_gone || return
	done
	signal_when_ready TERM
	expect "exited 143" on_terminal "" sh -c \
		"echo \$\$ >$WORK/pid
		exec rcfs run --name $P/job sh -c 'echo >$WORK/ready; exec sleep 1000'" || return
	must_be_gone
}

# Ignored signals stay ignored. Signals that rcfs blocks are not blocked in its
# command.
signals_are_as_they_were() {
	mask="grep -E '^Sig(Blk|Ign)' /proc/self/status"
	sh -c "trap '' USR2 CHLD; $mask" >"$WORK/before"
	sh -c "trap '' USR2 CHLD
		exec rcfs run --name $P/job sh -c \"$mask\"" >"$WORK/after" || return
	expect "" diff "$WORK/before" "$WORK/after"
}

streams_are_as_they_were() {
	expect hello sh -c "echo hello | rcfs run --name $P/job cat" || return
	# There are no descriptors of rcfs. find has one of its own.
	find /proc/self/fd -type l | wc -l >"$WORK/before"
	run find /proc/self/fd -type l | wc -l >"$WORK/after" || return
	expect "" diff "$WORK/before" "$WORK/after" || return
	# Closed streams stay closed: otherwise the output would go to files of a
	# container.
	expect 125 status_of sh -c "rcfs run --name $P/job -l pids.max=x true 2>&-" || return
	expect closed run sh -c '[ -e /proc/$$/fd/0 ] || echo closed' <&- || return
	must_be_gone
}

rest_is_killed() {
	run --json -o "$WORK/report" sh -c "
		mkdir $C/job/below
		sh -c 'echo 0 >$C/job/below/procs; exec setsid sleep 1000' &
		setsid sleep 1000 &
		until [ \"\$(cat $C/job/below/procs)\" ]; do :; done
		exit 0" || return
	must_be_gone || return
	expect 2 member processes_left "$WORK/report" || return
	expect false member kept "$WORK/report"
}

kept() {
	run --keep -l pids.max=9 sh -c 'setsid sleep 1000 & exit 4'
	expect 4 echo $? || return
	expect 9 cat "$C/job/pids.max" || return
	[ "$(count_lines "$C/job/procs")" = 1 ] || return
	wait_until no_guardian || return
	# --keep has no effect if the command was not executed.
	expect 127 status_of rcfs run --keep --name "$P/other" "$WORK/nosuch" || return
	must_be_gone other
}

# guardians: print the ids of all guardians
guardians() {
	called rcfs-guardian
}

# called NAME: print the ids of the processes with this name
called() {
	grep -lsx "$1" /proc/[0-9]*/comm | tr -dc '0-9\n'
}

no_guardian() {
	[ ! "$(guardians)" ]
}

removed_after_sigkill() {
	start_job sh -c "
		sh -c 'setsid sleep 1000 & exec sleep 1000' &
		mkdir $C/job/below
		echo >$WORK/ready
		exec sleep 1000" || return
	kill -9 "$PID"
	wait_until is_gone "$C/job" || return
	wait_until no_guardian
}

# SIGKILL at any moment, from the first instruction on
removed_after_sigkill_at_any_time() {
	for moment in 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 25 30 40; do
		start rcfs run --name "$P/job$moment" sh -c 'setsid sleep 1000 & exec sleep 1000'
		usleep $((moment * 1500))
		kill -9 "$PID"
		wait "$PID" 2>/dev/null
	done
	# A guardian has the name of the command at first.
	wait_until expect "" called rcfs || return
	wait_until no_guardian || return
	expect "" find "$C" -mindepth 1 -type d || return
	must_be_empty "$C"
}

# Another rcfs run may have made a container with the same name meanwhile.
next_container_is_left_alone() {
	start_job sh -c "echo >$WORK/ready; exec sleep 1000" || return
	first=$PID
	kill -STOP "$first"
	wait_until is_in_state T "$first" || return
	expect 0 status_of rcfs kill "$C/job" || return
	expect 0 status_of rcfs rm "$C/job" || return
	start_job sh -c "echo >$WORK/ready; exec sleep 1000" || return
	kill -CONT "$first"
	wait_until has_ended "$first" || return
	expect 1 count_lines "$C/job/procs" || return
	kill -9 "$PID"
	wait_until is_gone "$C/job"
}

# A mount keeps the container. Whoever has mounted that has to unmount it.
mounted_on() {
	start sh -c "exec rcfs run --name $P/job mount --bind $C/job $C/job 2>$WORK/said"
	wait_until has_ended "$PID"
	result=$?
	kill -9 "$PID" 2>/dev/null
	umount "$C/job" && wait_until no_guardian || return
	[ $result = 0 ] || return
	says 'is a mount point' || return
	[ ! -d "$C/job" ] || rmdir "$C/job"
}

# What is mounted on the container, or on the one above it, keeps nobody alive, and nothing in
# there is removed.
hidden_by_a_mount() {
	mkdir "$C/above" || return
	mounts_of "$(rcfs_options)" >"$WORK/mounts"
	mount_during_job "$C/above/job" || return
	expect 1 cat "$C/above/job/empty" || return
	says ' it is a mount point' || return
	rcfs rm "$P/above/job" || return
	mount_during_job "$C/above" || return
	expect "" cat "$WORK/said" || return
	must_be_gone above/job || return
	# Nothing is removed there either.
	mount_during_job "$C/above/job/below" || return
	says ' it is a mount point' || return
	expect 1 cat "$C/above/job/empty" || return
	rcfs rm -r "$P/above/job"
}

# says TEXT: rcfs run has said this
says() {
	grep -qF "$1" "$WORK/said" || {
		because "it said: $(cat "$WORK/said")"
		return 1
	}
}

# mount_during_job DIR: run a job in $C/above/job, and hide DIR before it ends
mount_during_job() {
	rm -f "$WORK/ready" "$WORK/end"
	start sh -c "exec rcfs run --name $P/above/job sh -c '
		sleep 1000 &
		mkdir $C/above/job/below
		echo >$WORK/ready
		until [ -e $WORK/end ]; do sleep 0.01; done' 2>$WORK/said"
	wait_until test -e "$WORK/ready" || return
	below=${1#"$C"}
	in_all_mounts mount -t tmpfs hidden && in_all_mounts sh -c 'mkdir -p "$0/job"' || return
	: >"$WORK/end"
	wait_until has_ended "$PID" && wait_until no_guardian &&
		in_all_mounts sh -c '[ -d "$0/job" ]'
	result=$?
	in_all_mounts umount && return $result
}

# in_all_mounts COMMAND...: with the folder $C$below in a mount as the last argument
in_all_mounts() {
	while read -r folder _; do
		"$@" "$folder$P$below" || return
	done <"$WORK/mounts"
}

without_its_guardian() {
	start_job sh -c "echo >$WORK/ready; until [ -e $WORK/end ]; do sleep 0.01; done; exit 6"
	kill -9 "$(guardians)"
	: >"$WORK/end"
	wait "$PID"
	expect 6 echo $? || return
	must_be_gone
}

# late_one_dies CONTAINER: a task that enters now is killed
late_one_dies() {
	start sleep 1000
	attach "$PID" "$1" || return
	wait_until has_ended "$PID"
}

# start_lasting_job COMMAND...: rcfs run, or a command that executes it. The job has
# ended then, and its child has been killed. A kernel thread keeps the container
# busy.
start_lasting_job() {
	take_kernel_thread || return
	rm -f "$WORK/left"
	start "$@" --name "$P/job" sh -c "
		echo $KTHREAD >$C/job/tasks
		setsid sleep 1000 &
		echo \$! >$WORK/left"
	wait_until test -s "$WORK/left" || return
	wait_until has_ended "$(cat "$WORK/left")"
}

# The first kill does not reach a task that enters later.
late_ones_die_at_the_end() {
	start_lasting_job rcfs run || return
	runner=$PID
	late_one_dies "$C/job" || return
	# When this task has ended, the guardian has killed once.
	kill -STOP "$runner"
	wait_until is_in_state T "$runner" || return
	start sleep 1000
	attach "$PID" "$C/job" || return
	kill -9 "$runner"
	wait_until has_ended "$PID" || return
	late_one_dies "$C/job" || return
	attach "$KTHREAD" "$ROOT" || return
	wait_until is_gone "$C/job" || return
	wait_until no_guardian
}

# SIGTERM leaves the rest to the guardian. SIGINT would as well if it was not
# ignored.
ignored_signals_do_not_end_it() {
	start_lasting_job sh -c 'trap "" INT; exec rcfs run "$@"' - || return
	runner=$PID
	kill -s INT "$runner"
	late_one_dies "$C/job" || return
	! has_ended "$runner" || return
	kill -s TERM "$runner"
	wait_until has_ended "$runner" || return
	wait "$runner"
	expect 0 echo $? || return
	attach "$KTHREAD" "$ROOT" || return
	wait_until is_gone "$C/job" || return
	wait_until no_guardian
}

# The guardian is not in the process group, and does not hold the streams open.
guardian_is_apart() {
	need_controller freezer || return
	start_job -l pids.max=9 sh -c "echo >$WORK/ready; exec sleep 1000" || return
	guardian=$(guardians)
	expect 1 echo "$(echo "$guardian" | wc -l)" || return
	in_container "$guardian" "$ROOT" || return
	expect "$guardian" awk '{ print $6 }' "/proc/$guardian/stat" || return
	expect / readlink "/proc/$guardian/cwd" || return
	expect "/dev/null" readlink "/proc/$guardian/fd/1" || return
	for signal in HUP INT QUIT TERM; do
		kill -s $signal "$guardian"
	done
	# Frozen tasks are killed as well.
	echo FROZEN >"$C/job/freezer.state"
	kill -9 "$PID"
	wait_until is_gone "$C/job"
}

frozen_from_the_beginning() {
	need_controller freezer || return
	start rcfs run --name "$P/job" -l freezer.state=FROZEN sh -c "echo >$WORK/ran; exit 0"
	wait_until has_task "$C/job" || return
	wait_until expect FROZEN cat "$C/job/freezer.state" || return
	is_gone "$WORK/ran" || return
	expect 0 status_of rcfs thaw "$P/job" || return
	wait "$PID" || return
	[ -e "$WORK/ran" ] || return
	must_be_gone
}

# When the outer rcfs run ends, both end.
nested() {
	start_job rcfs run sh -c "cat /proc/self/rcfs >$WORK/said; echo >$WORK/ready
		exec sleep 1000" || return
	grep -q ":$P/job/run-[0-9]*\$" "$WORK/said" || return
	kill -9 "$PID"
	wait_until is_gone "$C/job" || return
	wait_until no_guardian
}

# two_trees: mount a second tree at $WORK/tree, of a subsystem that is not in the
# one at $ROOT
two_trees() {
	load_one_subsystem || return
	mount_tree tree test0 && mkdir "$WORK/tree$P"
}

several_hierarchies() {
	two_trees || return
	expect "2" run -l pids.max=5 -c test0 sh -c "grep -c ':$P/job\$' /proc/self/rcfs" || return
	must_be_gone || return
	is_gone "$WORK/tree$P/job" || return
	# All hierarchies, by default
	expect "2" run sh -c "grep -c ':$P/job\$' /proc/self/rcfs" || return
	expect "1" run -c pids sh -c "grep -c ':$P/job\$' /proc/self/rcfs" || return
	expect "1" rcfs run --name "$WORK/tree$P/job" \
		sh -c "grep -c ':$P/job\$' /proc/self/rcfs" || return
	start rcfs run --name "$P/job" sleep 1000
	wait_until has_task "$WORK/tree$P/job" || return
	rcfs status --json >"$WORK/json" && json "$WORK/json" || return
	rcfs ps "$P" >"$WORK/said" || return
	grep -q "$P/job,.*$P/job" "$WORK/said" || return
	kill -9 "$PID"
	wait_until is_gone "$C/job" || return
	wait_until is_gone "$WORK/tree$P/job" || return
	rmdir "$WORK/tree$P"
}

placing_fails() {
	two_trees || return
	refuse attach -33
	expect 125 status_of run sh -c "echo >$WORK/ran" || return
	must_say "cannot be moved to it" || return
	refuse attach 0
	is_gone "$WORK/ran" || return
	must_be_gone || return
	is_gone "$WORK/tree$P/job" || return
	rmdir "$WORK/tree$P"
}

delegated() {
	chown 1000:1000 "$C" "$C/tasks" "$C/procs" || return
	try -u 1000 run rcfs run --name "$P/job" -l pids.max=3 --time \
		sh -c "id -u; cat $C/job/pids.max" >"$WORK/said" 2>"$WORK/err" || return
	expect "1000
3" cat "$WORK/said" || return
	must_say "tasks     2 at most" || return
	must_be_gone || return
	# In the delegated container no name is needed.
	sh -c "echo 0 >$C/procs &&
		exec try -u 1000 run rcfs run cat /proc/self/rcfs" >"$WORK/said" || return
	grep -q ":$P/run-" "$WORK/said" || return
	start try -u 1000 run rcfs run --name "$P/job" sleep 1000
	wait_until has_task "$C/job" || return
	kill -9 "$PID"
	wait_until is_gone "$C/job"
}

not_delegated() {
	chown 1000:1000 "$C" || return
	expect 125 status_of try -u 1000 run rcfs run true || return
	must_say "Permission denied" || return
	must_say "use --name $P/NAME" || return
	# The user does not own the limits of the delegated container.
	expect 125 status_of try -u 1001 run rcfs run --name "$P/job" true || return
	must_say "chown USER" || return
	must_be_gone
}

report_goes_to_a_file() {
	expect 0 status_of run --time -o "$WORK/report" true || return
	expect "" cat "$WORK/err" || return
	grep -q '^rcfs: true ended with status 0, in ' "$WORK/report" || return
	grep -q '^  cpu ' "$WORK/report" || return
	expect 125 status_of run -o "$WORK/nosuch/report" sh -c "echo >$WORK/ran" || return
	is_gone "$WORK/ran" || return
	must_be_gone
}

report_goes_to_a_fifo() {
	mkfifo "$WORK/fifo" || return
	# Without a reader, rcfs run waits, and a signal ends it.
	start rcfs run --name "$P/job" --time -o "$WORK/fifo" sh -c "echo >$WORK/ran"
	wait_until is_in_state S "$PID" || return
	kill -s TERM "$PID"
	wait_until has_ended "$PID" || return
	is_gone "$WORK/ran" || return
	wait_until no_guardian || return
	must_be_gone || return
	start rcfs run --name "$P/job" --time -o "$WORK/fifo" true
	timeout 60 cat "$WORK/fifo" >"$WORK/report" || return
	grep -q '^rcfs: true ended with status 0, in ' "$WORK/report" || return
	wait "$PID" || return
	must_be_gone
}

throttling_is_reported() {
	need_controller cpu || return
	run -l cpu.cfs_quota_us=2000 --json -o "$WORK/report" sh -c "
		until grep -q '^nr_throttled [1-9]' $C/job/cpu.stat; do :; done" || return
	[ "$(member periods_throttled "$WORK/report")" -gt 0 ] || return
	[ "$(member throttled_ns "$WORK/report")" -gt 0 ]
}

# The limits of a container do not apply to tasks that a control group governs.
overruled() {
	mkdir "$WORK/cgroup" || return
	if ! mount -t cgroup2 none "$WORK/cgroup" 2>/dev/null; then
		because "there is no cgroup2"
		return "$KSFT_SKIP"
	fi
	EXTRA_MOUNTS="$EXTRA_MOUNTS $WORK/cgroup"
	if ! grep -qw cpu "$WORK/cgroup/cgroup.controllers"; then
		because "cgroup2 has no controller cpu"
		return "$KSFT_SKIP"
	fi
	before=$(cat "$WORK/cgroup/cgroup.subtree_control")
	mkdir "$WORK/cgroup/service" || return
	echo +cpu >"$WORK/cgroup/cgroup.subtree_control"
	sh -c "echo 0 >$WORK/cgroup/service/cgroup.procs
		exec rcfs run --name $P/job -l cpu.cfs_quota_us=50000 true" 2>"$WORK/err"
	start sh -c "echo 0 >$WORK/cgroup/service/cgroup.procs; echo 0 >$C/procs; exec sleep 1000"
	wait_until has_task "$C" || return
	rcfs status >"$WORK/said"
	end_task "$PID"
	wait_until rmdir "$WORK/cgroup/service" || return
	case " $before " in
	*" cpu "*) ;;
	*) echo -cpu >"$WORK/cgroup/cgroup.subtree_control" ;;
	esac
	must_say "govern 1 member" || return
	grep -q "^Overruled: .*$P: .*govern 1 member" "$WORK/said"
}

# ---- run on a terminal

# The kernel sends the signal to both.
ctrl_c_arrives_once() {
	cat >"$WORK/script" <<-'END'
		count=0 told=0
		trap 'count=$((count + 1))' INT
		echo ready
		while [ $count -lt 2 ]; do
			sleep 0.2
			[ $count = $told ] || echo "interrupts $count"
			told=$count
		done
		exit 4
	END
	expect "exited 4" on_terminal "expect ready
send ^C
expect interrupts 1
send ^C" rcfs run --name "$P/job" sh "$WORK/script" || return
	must_be_gone || return
	expect "exited 130" on_terminal "expect ready
send ^C" rcfs run --name "$P/job" sh -c 'echo ready; exec sleep 1000' || return
	must_be_gone
}

ctrl_z_stops_both() {
	cat >"$WORK/script" <<-'END'
		echo ready
		while read -r line; do echo "<$line>"; done
		exit 4
	END
	expect "exited 0" on_terminal "send PS1=now; rcfs run --name $P/job sh $WORK/script^M
expect ready
send one^M
expect <one>
send ^Z
expect Stopped
expect now
send fg^M
expect rcfs run
send two^M
expect <two>
send ^D
expect now
send echo status \$?; exit 0^M
expect status 4" sh -i || return
	must_be_gone
}

terminal_is_hung_up() {
	start terminal "$WORK/shown" rcfs run --name "$P/job" \
		sh -c "setsid sleep 1000 & exec sleep 1000"
	wait_until has_task "$C/job" || return
	end_task "$PID"
	wait_until is_gone "$C/job"
}

# ---- listings

some_containers() {
	mkdir -p "$C/a/b" || return
	set_file "$C/a/pids.max" 9 || return
	start sleep 1000
	attach "$PID" "$C/a/b"
}

tree() {
	some_containers || return
	rcfs ls "$P" >"$WORK/said" || return
	grep -q "^$P " "$WORK/said" || return
	grep -q '^└─a .* pids 1/9$' "$WORK/said" || return
	grep -q '^  └─b  *1 ' "$WORK/said" || return
	rcfs ls -p "$P" | grep -q "    └─$PID sleep 1000" || return
	rcfs ls >"$WORK/all" || return
	grep -q "─${C##*/} " "$WORK/all" || return
	rcfs ls --json >"$WORK/json" && json "$WORK/json" || return
	grep -q "\"path\":\"$P/a\",\"tasks\":0,.*\"limits\":{\"pids.max\":\"9\"}" "$WORK/json"
}

processes() {
	some_containers || return
	rcfs ps >"$WORK/said" || return
	grep -q "^ *$PID  $P/a/b .* sleep 1000\$" "$WORK/said" || return
	expect 0 grep -c " $SELF  " "$WORK/said" || return
	rcfs ps -a | grep -q "^ *$SELF  / " || return
	expect 2 echo "$(rcfs ps "$C/a" | wc -l)" || return
	rcfs ps --json >"$WORK/json" && json "$WORK/json" || return
	place="{\"mount\":\"[^\"]*\",\"path\":\"$P/a/b\"}"
	grep -q "{\"pid\":$PID,\"containers\":\[$place\]" "$WORK/json"
}

# A path in all its forms
paths() {
	some_containers || return
	tasks=$(rcfs ls "$P/a/b" | tail -n 1)
	expect "$tasks" sh -c "rcfs ls $C/a/b | tail -n 1" || return
	expect "$tasks" sh -c "cd $C/a && rcfs ls ./b | tail -n 1" || return
	expect "$tasks" sh -c "echo 0 >$C/procs && rcfs ls a/b | tail -n 1" || return
	expect 1 status_of rcfs ls "$P/nosuch" || return
	must_say "no such container" || return
	expect 1 status_of sh -c "cd / && rcfs ls ./a" || return
	must_say "not below a mount"
}

status() {
	mkdir "$C/a" || return
	rcfs status >"$WORK/said" || return
	grep -q '^ *[0-9]* .*/.*pids' "$WORK/said" || return
	rcfs status --json >"$WORK/json" && json "$WORK/json" || return
	grep -q '"hierarchies":\[{"hierarchy":[0-9]*,"mount":"/' "$WORK/json" || return
	if load_subsystems 1 2>/dev/null; then
		rcfs status | grep -q '^In no hierarchy: test0' || return
	fi
}

top_tables() {
	mkdir "$C/a" "$C/b" || return
	spin_in "$C/b" busy || return
	rcfs top --batch -n 2 -d 0.3 "$P" >"$WORK/said" || return
	expect 2 grep -c '^ *%CPU' "$WORK/said" || return
	# The busiest container comes first. The other two have used the same time.
	expect "$P/a" sh -c "sed -n 4p $WORK/said | sed 's/.* //'" || return
	rcfs top --once --json -d 0.2 "$P" >"$WORK/json" && json "$WORK/json" || return
	used=$(grep -o "{\"container\":\"$P/b\"[^}]*" "$WORK/json" | grep -o '"used_ns":[0-9]*')
	[ "${used#*:}" -gt 0 ] || return
	expect 1 status_of rcfs top || return
	must_say "rcfs top --batch"
}

top_on_a_terminal() {
	mkdir "$C/a" || return
	cat >"$WORK/script" <<-END
		trap : INT
		stty -g >$WORK/before
		rcfs top -d 0.2 $P
		echo "status \$?"
		stty -g >$WORK/after
	END
	expect "exited 0" on_terminal "expect CONTAINER
expect $P/a
expect %CPU
send q
expect status 0" sh "$WORK/script" || return
	expect "" diff "$WORK/before" "$WORK/after" || return
	# No line is wider than the terminal, and the cursor is visible again.
	grep -qF "$(printf '\033[?25h')" "$WORK/shown" || return
	expect "exited 0" on_terminal "expect CONTAINER
send ^C
expect status 130" sh "$WORK/script" || return
	expect "" diff "$WORK/before" "$WORK/after"
}

# ---- operations

killing() {
	mkdir -p "$C/a/b" || return
	for _ in 1 2 3; do
		start sh -c "echo 0 >$C/a/b/procs; while :; do sleep 1000 & wait; done"
		wait_until in_container "$PID" "$C/a/b" || return
	done
	expect 0 status_of rcfs kill "$P/a" || return
	expect 1 cat "$C/a/empty" || return
	# An empty container is no error.
	expect 0 status_of rcfs kill "$P/a" || return
	expect 1 status_of rcfs kill / || return
	must_say "the root of a hierarchy" || return
	expect 2 status_of rcfs kill
}

late_ones_die() {
	mkdir "$C/a" || return
	take_kernel_thread || return
	attach "$KTHREAD" "$C/a" || return
	start sleep 1000
	first=$PID
	attach "$first" "$C/a" || return
	start rcfs kill "$P/a"
	killer=$PID
	wait_until has_ended "$first" || return
	late_one_dies "$C/a" || return
	# A timeout of the caller ends the wait.
	expect 1 status_of rcfs kill --timeout 0.3 "$P/a" || return
	attach "$KTHREAD" "$ROOT" || return
	wait "$killer"
	expect 0 echo $?
}

# The init is that of a pid namespace. Its child, outside of the container, writes
# to kill.
init_is_refused() {
	mkdir -p "$C/a/b" || return
	start sleep 1000
	other=$PID
	attach "$other" "$C/a" || return
	expect "exited 1" launch run -n 0x20000000 "$C/a/b" sh -c "
		sh -c 'echo 0 >$ROOT/procs; exec rcfs kill --timeout 60 $P/a' 2>$WORK/err
		exit \$?" || return
	must_say "process 1, the init" || return
	must_say "$P/a/b and cannot be killed" || return
	must_be_in "$other" "$C/a" || return
	# It can be killed from outside of the namespace.
	start launch run -n 0x20000000 "$C/a/b" sleep 1000
	wait_until has_task "$C/a/b" || return
	expect 0 status_of rcfs kill "$P/a" || return
	wait_until has_ended "$other"
}

other_signals() {
	mkdir -p "$C/a/b" || return
	start sh -c "trap 'echo >$WORK/told; exit' TERM; echo 0 >$C/a/b/procs
		while :; do sleep 0.1; done"
	wait_until has_task "$C/a/b" || return
	expect 0 status_of rcfs kill -s TERM "$P/a" || return
	wait_until test -e "$WORK/told" || return
	expect 2 status_of rcfs kill -s NOSUCH "$P/a"
}

freezing() {
	need_controller freezer || return
	mkdir "$C/a" || return
	spin_in "$C/a" busy || return
	expect 0 status_of rcfs freeze "$P/a" || return
	expect FROZEN cat "$C/a/freezer.state" || return
	rcfs ls "$P" | grep -q '─a .*frozen' || return
	echo FROZEN >"$C/freezer.state"
	expect 1 status_of rcfs thaw "$P/a" || return
	must_say "still frozen" || return
	expect 0 status_of rcfs thaw "$P" || return
	expect THAWED cat "$C/a/freezer.state" || return
	expect 0 status_of rcfs freeze --no-wait "$P/a" || return
	expect 0 status_of rcfs kill "$P/a" || return
	# rcfs does not freeze itself.
	expect 1 sh -c "echo 0 >$C/procs; timeout 60 rcfs freeze . 2>/dev/null; echo \$?" || return
	expect 1 sh -c "echo 0 >$C/procs; timeout 60 rcfs freeze $P 2>/dev/null; echo \$?"
}

moving() {
	mkdir "$C/a" || return
	start threads 3
	wait_until has_threads "$PID" 3 || return
	expect 0 status_of rcfs move "$P/a" "$PID" || return
	expect 3 count_lines "$C/a/tasks" || return
	thread=$(threads_of "$PID" | tail -n 1)
	expect 1 status_of rcfs move "$P" "$thread" || return
	must_say "--threads" || return
	expect 0 status_of rcfs move --threads "$P" "$thread" || return
	expect "$thread" cat "$C/tasks" || return
	expect 0 status_of rcfs move / "$PID" || return
	must_be_empty "$C/a" || return
	end_task "$PID"
	expect 1 status_of rcfs move "$P/a" "$PID" || return
	must_say "no such task" || return
	expect 1 status_of rcfs move "$P/a" 2 || return
	must_say "kernel thread" || return
	expect 2 status_of rcfs move "$P/a" x
}

removing() {
	mkdir -p "$C/a/b/c" "$C/a/d" || return
	start sleep 1000
	attach "$PID" "$C/a/d" || return
	expect 1 status_of rcfs rm "$P/a" || return
	must_say "2 containers in it" || return
	expect 1 status_of rcfs rm -r "$P/a" || return
	must_say "1 task in it" || return
	is_gone "$C/a/b" || return
	expect 0 status_of rcfs kill "$P/a" || return
	expect 0 status_of rcfs rm -r "$P/a" || return
	is_gone "$C/a"
}

# ---- errors

errors_have_a_remedy() {
	expect 125 status_of run -l nosuch.max=1 true || return
	must_say "no mounted hierarchy has the controller nosuch" || return
	expect 125 status_of run -l pids.max=4194305 true || return
	must_say "a number from 0 to 4194304, or max" || return
	expect 125 status_of run -l cpu.cfs_quota_us=5 true || return
	must_say "1000 or more microseconds" || return
	expect 125 status_of run -l pids.nosuch=1 true || return
	must_say "no such file" || return
	mkdir "$C/job" || return
	expect 125 status_of run true || return
	must_say "choose another name" || return
	rmdir "$C/job" || return
	expect 125 status_of rcfs run --name "$P/x/y" true || return
	must_say "mkdir " || return
	deepest=$P
	while mkdir "$ROOT$deepest/x" 2>/dev/null; do
		deepest=$deepest/x
	done
	expect 125 status_of rcfs run --name "$deepest/job" true || return
	must_say "32 levels below the root" || return
	expect 0 status_of rcfs rm -r "$P/x"
}

without_a_mount() {
	unshare -m sh -c '
		awk "\$3 == \"rcfs\" { print \$2 }" /proc/mounts | while read -r folder; do
			umount -l "$folder"
		done
		rcfs ls' >"$WORK/out" 2>"$WORK/err"
	expect 1 echo $? || return
	must_say "mount -t rcfs" || return
	# A mount that is covered by another mount counts as not mounted.
	unshare -m sh -c "
		mount -t tmpfs none /sys/fs/rcfs
		mount -t tmpfs none $ROOT
		rcfs ls" >"$WORK/out" 2>"$WORK/err"
	expect 1 echo $?
}

help_and_usage() {
	for subcommand in run ls top ps kill freeze thaw move rm status; do
		expect 0 status_of rcfs $subcommand --help || return
		grep -q "^Usage: rcfs $subcommand" "$WORK/out" || return
		expect 0 status_of rcfs help $subcommand || return
	done
	for subcommand in ls top ps kill freeze thaw move rm status; do
		expect 2 status_of rcfs $subcommand --nosuch || return
	done
	expect 2 status_of rcfs || return
	expect 2 status_of rcfs nosuch || return
	must_say "no subcommand"
}

rcfs_begin
command -v rcfs >/dev/null ||
	skip_all "the command rcfs is not installed (make -C tools/rcfs install)"
need_controllers pids cpuacct cpu
point "run: a command is in its container from the beginning" in_its_container
point "run: limits are set before the command starts" limits_are_there_before_it
point "run: a fork bomb ends with a report" fork_bomb
point "run: no command starts in a full container" full_from_the_beginning
point "run: a kill for exceeding a memory limit is reported" out_of_memory
point "run: the exit status is that of the command" exit_statuses
point "run: the exit status if nobody reads the report" exit_status_without_reader
point "run: signals are passed on" signals_are_passed_on
point "run: the command ignores and blocks what it did before" signals_are_as_they_were
point "run: the command has the streams that it had before" streams_are_as_they_were
point "run: processes that the command leaves are killed" rest_is_killed
point "run: --keep keeps limits and tasks" kept
point "run: SIGKILL leaves no container and no task" removed_after_sigkill
point "run: SIGKILL at any time leaves nothing" removed_after_sigkill_at_any_time
point "run: a container that was made later with the same name stays" \
	next_container_is_left_alone
point "run: a container that something is mounted on is reported" mounted_on
point "run: who is in a container that is hidden by a mount dies" hidden_by_a_mount
point "run: without its guardian, rcfs run cleans up" without_its_guardian
point "run: a task that enters at the end is killed" late_ones_die_at_the_end
point "run: an ignored signal does not end the wait" ignored_signals_do_not_end_it
point "run: the guardian is apart from all others" guardian_is_apart
point "run: a frozen container's command begins when it is thawed" frozen_from_the_beginning
point "run: rcfs run inside rcfs run" nested
point "run: containers in several hierarchies" several_hierarchies
point "run: a command that cannot be attached does not start" placing_fails
point "run: in a container that the user owns" delegated
point "run: without a container of the user" not_delegated
point "run: the report goes to a file" report_goes_to_a_file
point "run: the report goes to a FIFO" report_goes_to_a_fifo
point "run: throttling is reported" throttling_is_reported
point "run: it warns that a control group governs the command" overruled
point "run: Ctrl-C arrives once" ctrl_c_arrives_once
point "run: Ctrl-Z stops both, and fg continues them" ctrl_z_stops_both
point "run: a hangup of the terminal ends all processes" terminal_is_hung_up
point "ls: the tree" tree
point "ps: processes" processes
point "a container has several names" paths
point "status: hierarchies" status
point "top: tables" top_tables
point "top: on a terminal" top_on_a_terminal
point "kill: kills all processes, and waits" killing
point "kill: a task that enters later is killed" late_ones_die
point "kill: an init that cannot be killed is refused" init_is_refused
point "kill: other signals" other_signals
point "freeze and thaw" freezing
point "move: processes and threads" moving
point "rm: from the bottom up" removing
point "errors have a remedy" errors_have_a_remedy
point "without a mount, the error shows the mount command" without_a_mount
point "help and usage" help_and_usage
ktap_finished
