#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The controller pids: counts and limits of tasks.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# start_forks NAME ARGUMENT...: $PID is the program forks; its output is in
# $WORK/NAME
start_forks() {
	said=$WORK/$1
	shift
	rm -f "$said"
	start sh -c "exec forks \"\$@\" >$said" - "$@"
}

# must_say TEXT NAME: expect this output of the program in the end
must_say() {
	wait_until test -s "$WORK/$2" && expect "$1" cat "$WORK/$2"
}

# forks_say TEXT ARGUMENT...: start_forks() and must_say()
forks_say() {
	wanted=$1
	shift
	start_forks said "$@"
	must_say "$wanted" said
}

# start_sleeper CONTAINER
start_sleeper() {
	start sleep 1000
	attach "$PID" "$1"
}

# counted N CONTAINER...: expect this count at once
counted() {
	number=$1
	shift
	for container; do
		expect "$number" cat "$container/pids.current" || return
	done
}

# soon_counted N CONTAINER...: expect this count after dead tasks have been reaped
soon_counted() {
	number=$1
	shift
	for container; do
		wait_until has_count "$number" "$container" || return
	done
}

has_count() {
	[ "$(cat "$2/pids.current")" = "$1" ]
}

# refused N CONTAINER...: expect this number of refusals
refused() {
	number=$1
	shift
	for container; do
		expect "max $number" cat "$container/pids.events" || return
	done
}

# limit CONTAINER VALUE
limit() {
	expect OK try write "$1/pids.max" "$2"
}

# end_all CONTAINER...: kill and reap all tasks in these containers
end_all() {
	for container; do
		while [ -n "$(cat "$container/tasks")" ]; do
			while read -r pid; do
				kill -9 "$pid" 2>/dev/null
			done <"$container/tasks"
		done
	done
	wait_until all_reaped "$@"
}

# all_reaped CONTAINER...: this shell has to reap some of the tasks
all_reaped() {
	for pid in $CHILDREN; do
		! is_in_state Z "$pid" || wait "$pid" 2>/dev/null
	done
	for container; do
		has_count 0 "$container" || return
	done
}

# ---- files

new_container() {
	expect max cat "$C/pids.max" || return
	counted 0 "$C" || return
	expect 0 cat "$C/pids.peak" || return
	refused 0 "$C" || return
	expect 644 stat -c %a "$C/pids.max" || return
	for file in current peak events; do
		expect 444 stat -c %a "$C/pids.$file" || return
		expect EINVAL try write "$C/pids.$file" 1 || return
	done
	# Each container has its own limit.
	limit "$C" 10 || return
	mkdir "$C/below" || return
	expect max cat "$C/below/pids.max"
}

root_has_none() {
	expect "" find "$ROOT" -maxdepth 1 -name 'pids.*' || return
	expect ENOENT try write "$ROOT/pids.max" 1000
}

good_values() {
	for value in 0 1 10 4194304; do
		limit "$C" $value || return
		expect $value cat "$C/pids.max" || return
	done
	limit "$C" max || return
	expect max cat "$C/pids.max" || return
	limit "$C" "	 12
" || return
	expect 12 cat "$C/pids.max" || return
	limit "$C" " max " || return
	expect max cat "$C/pids.max"
}

bad_values() {
	for before in 7 max; do
		limit "$C" $before || return
		for text in "" " " x -1 -7 +7 7x 0x7 7.0 1e3 "7 7" "7,7" "max 7" Max maxx ma \
			maximum; do
			expect EINVAL try write "$C/pids.max" "$text" || return
			expect $before cat "$C/pids.max" || return
		done
		for text in 4194305 4294967295 4294967296 4294967303 9223372036854775808 \
			18446744073709551615 18446744073709551616 18446744073709551623 \
			100000000000000000000000000000000; do
			expect ERANGE try_name write "$C/pids.max" $text || return
			expect $before cat "$C/pids.max" || return
		done
		expect E2BIG try write "$C/pids.max" "$(printf '%05000d' 7)" || return
		expect $before cat "$C/pids.max" || return
	done
}

# try_name ARGUMENT...: run try(), and translate an error that it has no name for
try_name() {
	try "$@" | sed 's/^Numerical result out of range$/ERANGE/'
}

# ---- the limit

# All tasks fork, on all CPUs, until there are exactly as many as allowed.
bomb_stops() {
	for max in 1 2 3 16; do
		mkdir "$C/a" || return
		limit "$C/a" $max || return
		forks_say "$((max - 1)) EAGAIN" -a "$C/a" bomb 1000 || return
		counted $max "$C/a" "$C" || return
		expect $max cat "$C/a/pids.peak" || return
		expect $max count_lines "$C/a/tasks" || return
		# Each of them has been refused once.
		refused $max "$C/a" || return
		end_all "$C/a" || return
		must_be_removable "$C/a" || return
	done
}

others_fork_on() {
	mkdir "$C/bomb" "$C/beside" || return
	limit "$C/bomb" 10 || return
	forks_say "9 EAGAIN" -a "$C/bomb" bomb 1000 || return
	# In the root, in a sibling, and above
	for _ in 0 1 2 3 4 5 6 7 8 9; do
		(exit 7)
		[ $? = 7 ] || return
	done
	forks_say "30 OK" -a "$C/beside" bomb 30 || return
	forks_say "30 OK" -a "$C" bomb 30 || return
	counted 10 "$C/bomb" || return
	counted 31 "$C/beside" || return
	counted 72 "$C" || return
	refused 10 "$C/bomb" || return
	refused 0 "$C/beside"
}

threads_are_tasks() {
	limit "$C" 10 || return
	forks_say "9 EAGAIN" -a "$C" threads 1000 || return
	counted 10 "$C" || return
	expect 10 count_lines "$C/tasks" || return
	refused 1 "$C" || return
	end_task "$PID"
	counted 0 "$C" || return
	expect 10 cat "$C/pids.peak"
}

no_task_at_all() {
	limit "$C" 0 || return
	start_sleeper "$C" || return
	counted 1 "$C" || return
	expect EAGAIN try forkin "$C/tasks" || return
	counted 1 "$C" || return
	refused 1 "$C"
}

without_limit() {
	for max in max 4194304; do
		limit "$C" $max || return
		forks_say "50 OK" -a "$C" fork 50 || return
		counted 51 "$C" || return
		end_all "$C" || return
	done
	refused 0 "$C"
}

lowest_of_all() {
	mkdir "$C/a" "$C/a/b" "$C/a/b/c" || return
	for limits in "5 max max" "max 5 max" "max max 5" "5 6 7" "7 6 5" "6 5 7"; do
		# shellcheck disable=SC2086 # one word each
		set -- $limits
		limit "$C/a" "$1" && limit "$C/a/b" "$2" && limit "$C/a/b/c" "$3" || return
		if ! forks_say "4 EAGAIN" -a "$C/a/b/c" bomb 100; then
			because "with limits, from above, of $limits"
			return 1
		fi
		counted 5 "$C" "$C/a" "$C/a/b" "$C/a/b/c" || return
		end_all "$C/a/b/c" || return
	done
	for container in "$C/a" "$C/a/b" "$C/a/b/c"; do
		# A refused fork does not count for a moment.
		expect 5 cat "$container/pids.peak" || return
	done
}

siblings_share_what_the_parent_has() {
	mkdir "$C/a" "$C/a/b" "$C/a/c" || return
	limit "$C/a" 10 || return
	limit "$C/a/c" 8 || return
	forks_say "3 OK" -a "$C/a/b" fork 3 || return
	# Its own limit would allow two more.
	forks_say "5 EAGAIN" -a "$C/a/c" bomb 100 || return
	counted 4 "$C/a/b" || return
	counted 6 "$C/a/c" || return
	counted 10 "$C/a" || return
	expect EAGAIN try forkin "$C/a/b/tasks" || return
	end_all "$C/a/b" || return
	expect OK try forkin "$C/a/c/tasks"
}

lowered_limit() {
	for _ in 1 2 3 4 5; do
		start_sleeper "$C" || return
	done
	limit "$C" 2 || return
	counted 5 "$C" || return
	expect 5 count_lines "$C/tasks" || return
	expect EAGAIN try forkin "$C/tasks" || return
	# A task that enters cannot fork, except at the very end.
	for left in 4 3 2 1; do
		expect EAGAIN try forkin "$C/tasks" || return
		end_one_of "$C" || return
		counted $left "$C" || return
	done
	expect EAGAIN try forkin "$C/tasks" || return
	end_one_of "$C" || return
	expect OK try forkin "$C/tasks" || return
	counted 0 "$C"
}

# end_one_of CONTAINER: end a child of this shell
end_one_of() {
	read -r pid <"$1/tasks" && end_task "$pid"
}

raised_limit() {
	limit "$C" 3 || return
	start_sleeper "$C" || return
	start_sleeper "$C" || return
	expect EAGAIN try forkin "$C/tasks" || return
	limit "$C" 4 || return
	expect OK try forkin "$C/tasks" || return
	limit "$C" 3 || return
	expect EAGAIN try forkin "$C/tasks" || return
	limit "$C" max || return
	expect OK try forkin "$C/tasks"
}

# ---- moving

moving_in_is_never_refused() {
	mkdir "$C/a" || return
	limit "$C" 1 || return
	limit "$C/a" 0 || return
	start_sleeper "$C/a" || return
	start_sleeper "$C/a" || return
	counted 2 "$C/a" "$C" || return
	start threads 6
	wait_until has_threads "$PID" 6 || return
	attach_process "$PID" "$C/a" || return
	counted 8 "$C/a" "$C" || return
	expect 8 cat "$C/a/pids.peak" || return
	# No fork was refused, and no move is.
	refused 0 "$C/a" "$C" || return
	expect EAGAIN try forkin "$C/a/tasks" || return
	attach_process "$PID" "$ROOT" || return
	counted 2 "$C/a" "$C"
}

counts_move_with_tasks() {
	mkdir "$C/a" "$C/a/x" "$C/b" || return
	start threads 5
	wait_until has_threads "$PID" 5 || return
	last=$(threads_of "$PID" | tail -n 1)
	# The task and its destination; then the counts in a, a/x, b and all of them
	while read -r who to a x b all; do
		case $who in
		one) attach "$last" "$C/$to" || return ;;
		all) attach_process "$PID" "$C/$to" || return ;;
		esac
		counted "$a" "$C/a" && counted "$x" "$C/a/x" && counted "$b" "$C/b" &&
			counted "$all" "$C" && continue
		because "after $who to $to"
		return 1
	done <<-END
		one a	1 0 0 1
		one a	1 0 0 1
		all a	5 0 0 5
		one b	4 0 1 5
		one a/x	5 1 0 5
		all a/x	5 5 0 5
		one a	5 4 0 5
		one ..	4 4 0 4
		all .	0 0 0 5
		all b	0 0 5 5
		all ..	0 0 0 0
		one b	0 0 1 1
		all a/x	5 5 0 5
	END
	end_task "$PID"
	counted 0 "$C/a" "$C/a/x" "$C/b" "$C"
}

# Children count in their own container, even if their parent has moved.
children_stay() {
	mkdir "$C/a" "$C/b" || return
	forks_say "4 OK" -a "$C/a" fork 4 || return
	attach "$PID" "$C/b" || return
	counted 4 "$C/a" || return
	counted 1 "$C/b" || return
	counted 5 "$C"
}

# ---- zombies

zombies_count() {
	limit "$C" 6 || return
	start_forks said -a "$C" zombies 5
	wait_until grep -sqx dead "$WORK/said" || return
	counted 6 "$C" || return
	expect "$PID" cat "$C/tasks" || return
	expect EAGAIN try forkin "$C/tasks" || return
	# Zombies count in their last container.
	attach "$PID" "$ROOT" || return
	counted 5 "$C" || return
	must_be_empty "$C" || return
	kill -USR1 "$PID"
	wait_until grep -sqx reaped "$WORK/said" || return
	counted 0 "$C" || return
	expect OK try forkin "$C/tasks"
}

reaped_is_gone() {
	limit "$C" 2 || return
	forks -a "$C" cycle 300 || return
	counted 0 "$C" || return
	refused 300 "$C" || return
	expect 2 cat "$C/pids.peak"
}

# Orphans are reaped some time later.
unattended_are_gone() {
	limit "$C" 4 || return
	start_forks said -a "$C" brief 100
	wait_until grep -sqx OK "$WORK/said" || return
	soon_counted 1 "$C" || return
	if [ "$(cat "$C/pids.peak")" -gt 4 ]; then
		because "there were $(cat "$C/pids.peak") of 4"
		return 1
	fi
	end_task "$PID"
	counted 0 "$C"
}

zombies_of_a_removed_container() {
	mkdir "$C/a" "$C/a/b" || return
	start_forks said zombies 3 "$C/a/b"
	wait_until grep -sqx dead "$WORK/said" || return
	counted 3 "$C/a/b" "$C/a" "$C" || return
	must_be_empty "$C/a/b" || return
	must_be_removable "$C/a/b" || return
	counted 3 "$C/a" "$C" || return
	# A new container of that name counts nothing.
	mkdir "$C/a/b" || return
	counted 0 "$C/a/b" || return
	must_be_removable "$C/a/b" || return
	must_be_removable "$C/a" || return
	counted 3 "$C" || return
	limit "$C" 4 || return
	expect EAGAIN try forkin "$C/tasks" || return
	kill -USR1 "$PID"
	wait_until grep -sqx reaped "$WORK/said" || return
	counted 0 "$C" || return
	expect OK try forkin "$C/tasks"
}

# Then no container is left that counts them.
zombies_of_nobody() {
	mark_log || return
	start_forks said zombies 3 "$C"
	parent=$PID
	wait_until grep -sqx dead "$WORK/said" || return
	must_be_removable "$C" || return
	mkdir "$C" || return
	counted 0 "$C" || return
	start_sleeper "$C" || return
	kill -USR1 "$parent"
	wait_until grep -sqx reaped "$WORK/said" || return
	counted 1 "$C" || return
	end_task "$PID"
	counted 0 "$C" || return
	no_complaints
}

removed_while_reaped() {
	if [ "$(nproc)" -lt 2 ]; then
		because "one CPU"
		return "$KSFT_SKIP"
	fi
	mark_log || return
	forks graves "$C" 60 || return
	counted 0 "$C" || return
	expect 4 cat "$C/pids.peak" || return
	no_complaints
}

# The first thread is a zombie until the last one has exited, and cannot be moved.
first_thread_exits_first() {
	mkdir "$C/a" "$C/b" || return
	start sh -c "echo 0 >$C/a/tasks; exec threads -d 4"
	wait_until has_threads "$PID" 4 || return
	wait_until is_in_state Z "$PID" || return
	counted 4 "$C/a" || return
	expect 3 count_lines "$C/a/tasks" || return
	attach_process "$PID" "$C/b" || return
	counted 1 "$C/a" || return
	counted 3 "$C/b" || return
	counted 4 "$C" || return
	must_be_removable "$C/a" || return
	counted 4 "$C" || return
	end_task "$PID"
	counted 0 "$C/b" "$C"
}

# The thread that executes becomes the first one, and all others exit.
exec_in_a_thread() {
	mkdir "$C/a" "$C/b" || return
	for dead in "" -d; do
		# shellcheck disable=SC2086 # one word, or none
		start_forks said -a "$C/a" exec $dead 5
		wait_until has_threads "$PID" 5 || return
		[ ! "$dead" ] || wait_until is_in_state Z "$PID" || return
		counted 5 "$C/a" || return
		attach "$(threads_of "$PID" | tail -n 1)" "$C/b" || return
		counted 4 "$C/a" || return
		counted 1 "$C/b" || return
		kill -USR1 "$PID"
		wait_until has_threads "$PID" 1 || return
		wait_until grep -q hold "/proc/$PID/cmdline" || return
		soon_counted 0 "$C/a" || return
		counted 1 "$C/b" "$C" || return
		must_be_in "$PID" "$C/b" || return
		end_task "$PID"
		counted 0 "$C/a" "$C/b" "$C" || return
	done
}

# ---- forks that fail, or end in other ways

refused_for_another_reason() {
	forks_say "0 EAGAIN" -a "$C" -u 1000 -l 1 fork 1 || return
	counted 1 "$C" || return
	refused 0 "$C" || return
	end_task "$PID"
	counted 0 "$C"
}

dead_pid_namespace() {
	has_namespace pid || return
	forks_say "0 ENOMEM" -a "$C" deadns || return
	counted 1 "$C" || return
	refused 0 "$C" || return
	end_task "$PID"
	counted 0 "$C"
}

# Two subsystems in either order: the charge of the first one is undone.
refused_by_another_subsystem() {
	load_one_subsystem || return
	T=$WORK/tree
	mount_tree tree test0 || return
	mkdir "$T/a" "$C/b" || return
	# EDOM, which no other code on this path returns
	refuse fork -33
	for _ in 1 2 3; do
		forks_say "0 EDOM" -a "$C/b" -a "$T/a" fork 1 || return
		counted 1 "$C/b" "$C" || return
		end_task "$PID"
		counted 0 "$C/b" "$C" || return
	done
	refused 0 "$C/b" "$C" || return
	refuse fork 0
	limit "$C/b" 3 || return
	forks_say "2 EAGAIN" -a "$C/b" -a "$T/a" bomb 100 || return
	expect 3 cat "$T/a/test0.tasks" || return
	end_all "$C/b" || return
	expect 0 cat "$T/a/test0.tasks"
}

killed_while_forking() {
	limit "$C" 50 || return
	forks -a "$C" killed 30 || return
	counted 0 "$C" || return
	must_be_removable "$C"
}

# ---- namespaces

# has_namespace NAME: or skip the point
has_namespace() {
	[ -e "/proc/self/ns/$1" ] && return
	because "no $1 namespaces"
	return "$KSFT_SKIP"
}

namespaces_do_not_matter() {
	limit "$C" 4 || return
	tried=0
	for namespace in uts ipc pid mnt net cgroup user; do
		has_namespace $namespace || continue
		tried=$((tried + 1))
		forks_say "3 EAGAIN" -a "$C" -n $namespace fork 100 || return
		counted 4 "$C" || return
		refused $tried "$C" || return
		end_all "$C" || return
	done
	has_namespace uts && has_namespace pid || return
	forks_say "3 EAGAIN" -a "$C" -n uts -n pid fork 100 || return
	counted 4 "$C" || return
	end_all "$C" || return
	must_be_removable "$C"
}

# The kernel kills and reaps the tasks in a pid namespace on behalf of its init.
end_of_a_pid_namespace() {
	has_namespace pid || return
	start sh -c "echo 0 >$C/tasks; exec unshare -p -f sh -c '
		for i in 1 2 3 4; do sleep 1000 & done
		echo >$WORK/ready
		wait'"
	wait_until test -e "$WORK/ready" || return
	# unshare, the shell, and the tasks in the namespace
	counted 6 "$C" || return
	first=$(grep -lsx "PPid:	$PID" /proc/[0-9]*/status | tr -dc 0-9)
	kill -9 "$first"
	wait "$PID" 2>/dev/null
	counted 0 "$C"
}

# ---- files and events

peak_is_the_highest() {
	mkdir "$C/a" "$C/b" || return
	forks_say "6 OK" -a "$C/a" fork 6 || return
	expect 7 cat "$C/a/pids.peak" || return
	end_all "$C/a" || return
	expect 7 cat "$C/a/pids.peak" || return
	forks_say "2 OK" -a "$C/a" fork 2 || return
	expect 7 cat "$C/a/pids.peak" || return
	# A move raises the peak, too. Three tasks here and five there were not
	# there at once.
	start threads 5
	wait_until has_threads "$PID" 5 || return
	attach_process "$PID" "$C/b" || return
	expect 5 cat "$C/b/pids.peak" || return
	expect 7 cat "$C/a/pids.peak" || return
	expect 8 cat "$C/pids.peak" || return
	# The sum does not change when a task moves from one to the other.
	attach_process "$PID" "$C/a" || return
	expect 8 cat "$C/a/pids.peak" || return
	expect 8 cat "$C/pids.peak" || return
	expect 5 cat "$C/b/pids.peak" || return
	end_all "$C/a"
}

events_count_refusals() {
	mkdir "$C/a" "$C/a/b" "$C/beside" || return
	limit "$C/a/b" 1 || return
	for times in 1 2 3; do
		expect EAGAIN try forkin "$C/a/b/tasks" || return
		refused $times "$C/a/b" "$C/a" "$C" || return
	done
	# The limit of the parent refuses now. That of b does not.
	limit "$C/a/b" max || return
	limit "$C/a" 1 || return
	for times in 4 5; do
		expect EAGAIN try forkin "$C/a/b/tasks" || return
		refused 3 "$C/a/b" || return
		refused $times "$C/a" "$C" || return
	done
	limit "$C/a" 2 || return
	expect OK try forkin "$C/a/b/tasks" || return
	refused 5 "$C/a" "$C" || return
	refused 0 "$C/beside" || return
	# The counts stay when the container below is removed.
	must_be_removable "$C/a/b" || return
	must_be_removable "$C/a" || return
	refused 5 "$C"
}

# events_tell HOW: readers of the container and of the one above are notified
events_tell() {
	mkdir "$C/a" "$C/a/b" "$C/beside" || return
	limit "$C/a/b" 1 || return
	limit "$C/beside" 1 || return
	watch_events "$1" above "$C" || return
	watch_events "$1" a "$C/a" || return
	watch_events "$1" b "$C/a/b" || return
	watch_events "$1" beside "$C/beside" || return
	expect EAGAIN try forkin "$C/a/b/tasks" || return
	for name in above a b; do
		must_have_said "max 0
max 1" $name || return
	done
	# Notified again, after another read
	expect EAGAIN try forkin "$C/a/b/tasks" || return
	for name in above a b; do
		must_have_said "max 0
max 1
max 2" $name || return
	done
	# This refusal was in another container; the next one is here.
	expect EAGAIN try forkin "$C/beside/tasks" || return
	must_have_said "max 0
max 1" beside
}

# watch_events HOW NAME CONTAINER
watch_events() {
	start_forks "$2" "$1" "$3/pids.events"
	must_say "max 0" "$2"
}

# must_have_said TEXT NAME: the whole output, soon
must_have_said() {
	wait_until has_said "$1" "$2" || expect "$1" cat "$WORK/$2"
}

has_said() {
	[ "$(cat "$WORK/$2")" = "$1" ]
}

poll_tells() {
	events_tell poll
}

inotify_tells() {
	events_tell watch
}

# ---- delegation

files_are_roots() {
	chown 1000 "$C" "$C/tasks" "$C/procs" || return
	limit "$C" 4 || return
	for file in max current peak events; do
		expect 0 stat -c %u "$C/pids.$file" || return
	done
	expect EACCES try -u 1000 write "$C/pids.max" max || return
	expect 4 cat "$C/pids.max" || return
	# The user owns the containers below, but cannot evade the limit with them.
	expect OK try -u 1000 mkdir "$C/sub" 755 || return
	expect 1000 stat -c %u "$C/sub/pids.max" || return
	expect OK try -u 1000 write "$C/sub/pids.max" 100 || return
	start sh -c "exec try -u 1000 run forks -a $C/sub bomb 100 >$WORK/said"
	must_say "3 EAGAIN" said || return
	counted 4 "$C" "$C/sub" || return
	refused 4 "$C" || return
	refused 0 "$C/sub" || return
	end_all "$C/sub"
}

# ---- races

# watch_counts CONTAINER...: record impossible counts
watch_counts() {
	while :; do
		for container; do
			read -r number <"$container/pids.current"
			[ "$number" -le 100 ] || echo "$container: $number" >>"$WORK/odd"
		done
	done
}

# race TEST ROUNDS MAX: run the program fork_race in $C/a, with a limit of MAX
# tasks, and in $C/b. It must leave nothing behind.
race() {
	if [ "$(nproc)" -lt 2 ]; then
		because "races need two CPUs"
		return "$KSFT_SKIP"
	fi
	mark_log || return
	mkdir "$C/a" "$C/b" || return
	limit "$C/a" "$3" || return
	start watch_counts "$C" "$C/a" "$C/b"
	watcher=$PID
	fork_race "$1" "$C/a" "$C/b" "$2" || return
	end_task "$watcher"
	if [ -e "$WORK/odd" ]; then
		because "$(head -n 1 "$WORK/odd")"
		return 1
	fi
	# Orphans are reaped later.
	soon_counted 0 "$C/a" "$C/b" "$C" || return
	must_be_removable "$C/a" || return
	must_be_removable "$C/b" || return
	must_be_removable "$C" || return
	no_complaints
}

storm_with_limit() {
	delay visible 100
	race storm 30 3
}

storm_without_limit() {
	delay copy 100
	delay put 100
	race storm 30 max
}

children_of_moved() {
	delay visible 300
	race children 25 max
}

threads_of_moved() {
	delay visible 300
	race threads 25 6
}

dying() {
	delay put 300
	race dying 25 max
}

rcfs_begin
trap 'rcfs_end; unload_subsystems' EXIT
grep -q '^pids[[:space:]]' /proc/rcfs ||
	skip_all "this kernel has no controller pids (CONFIG_RCFS_PIDS)"
rcfs_options | tr ',' '\n' | grep -qx pids ||
	ktap_exit_fail_msg "the hierarchy at $ROOT has no controller pids"
point "a new container has no limit, and counts nothing" new_container
point "the root has no files" root_has_none
point "pids.max accepts numbers and \"max\"" good_values
point "other values are EINVAL or ERANGE, and change nothing" bad_values
point "a fork bomb stops exactly at the limit" bomb_stops
point "other containers can fork during a fork bomb" others_fork_on
point "threads are limited as well" threads_are_tasks
point "with a limit of 0 no task can fork" no_task_at_all
point "without a limit, and with the highest, all forks succeed" without_limit
point "the lowest limit applies" lowest_of_all
point "siblings share the limit of their parent" siblings_share_what_the_parent_has
point "a limit below the number of tasks stops forks, and kills none" lowered_limit
point "forks succeed after a limit is raised" raised_limit
point "moving in is never refused" moving_in_is_never_refused
point "counts move with threads and processes" counts_move_with_tasks
point "children count where they are, not where their parent is" children_stay
point "zombies count until they are reaped" zombies_count
point "a reaped task makes room for another" reaped_is_gone
point "orphans are reaped, and do not count for ever" unattended_are_gone
point "zombies of a removed container count in the parent" zombies_of_a_removed_container
point "zombies of a removed container do not count in a new one" zombies_of_nobody
point "containers can be removed while their zombies are reaped" removed_while_reaped
point "a first thread that exits first counts until the last exits" first_thread_exits_first
point "a thread that executes a program counts as one task" exec_in_a_thread
point "a fork that RLIMIT_NPROC refuses leaves nothing behind" refused_for_another_reason
point "a fork in a dead pid namespace leaves nothing behind" dead_pid_namespace
point "a fork that another subsystem refuses leaves nothing behind" refused_by_another_subsystem
point "a task that is killed while forking leaves nothing behind" killed_while_forking
point "tasks with namespaces of their own count as well" namespaces_do_not_matter
point "a pid namespace that ends leaves nothing behind" end_of_a_pid_namespace
point "peak is the highest count ever" peak_is_the_highest
point "events counts refusals here and below" events_count_refusals
point "poll reports a refusal" poll_tells
point "inotify reports a refusal" inotify_tells
point "the files of a delegated container belong to root" files_are_roots
point "forks, exits and moves at a limit leave nothing behind" storm_with_limit
point "forks, exits and moves without a limit leave nothing behind" storm_without_limit
point "children of moved tasks are counted once" children_of_moved
point "threads of moved processes are counted once" threads_of_moved
point "tasks that exit during moves are counted once" dying
ktap_finished
