#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The controller forkrate: the rate of forks, and bursts.
#
# With a rate of 0, results do not depend on time.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=controllers.sh
. "$HERE/controllers.sh"

# rate CONTAINER "RATE BURST": set the limit, which fills the bucket
rate() {
	set_file "$1/forkrate.max" "$2"
}

# forks_of CONTAINER N "MADE REFUSED": a task there tries N forks, with this result
forks_of() {
	expect "$3" modules fork "$1/tasks" "$2"
}

# holds CONTAINER N: it has this number of tokens, which are used up afterwards
holds() {
	forks_of "$1" $(($2 + 2)) "$2 2"
}

# refused N CONTAINER...: expect this number of refusals
refused() {
	number=$1
	shift
	for container; do
		expect "max $number" cat "$container/forkrate.events" || return
	done
}

# can_fork CONTAINER: try once
can_fork() {
	[ "$(try forkin "$1/tasks")" = OK ]
}

cannot_fork() {
	[ "$(try forkin "$1/tasks")" = EAGAIN ]
}

# start_forks NAME ARGUMENT...: $PID is the program forks; its output is in
# $WORK/NAME
start_forks() {
	said=$WORK/$1
	shift
	rm -f "$said"
	start sh -c "exec forks \"\$@\" >$said" - "$@"
}

# forks_say TEXT ARGUMENT...: the beginning of the output of forks
forks_say() {
	wanted=$1
	shift
	start_forks said "$@"
	wait_until test -s "$WORK/said" && expect "$wanted" cat "$WORK/said"
}

# ---- files

new_container() {
	are_writable forkrate.max || return
	are_read_only forkrate.events forkrate.available || return
	are_not_in_root forkrate.max forkrate.events forkrate.available || return
	expect max cat "$C/forkrate.max" || return
	refused 0 "$C" || return
	forks_of "$C" 200 "200 0" || return
	# Each container has its own limit.
	rate "$C" "5 7" || return
	mkdir "$C/below" || return
	expect max cat "$C/below/forkrate.max"
}

good_values() {
	while read -r text shown; do
		rate "$C" "$(echo "$text" | tr _ ' ')" || return
		expect "$(echo "$shown" | tr _ ' ')" cat "$C/forkrate.max" || return
	done <<-END
		7_9			7_9
		7			7_7
		1			1_1
		0			0_1
		0_1			0_1
		0_5			0_5
		9_2			9_2
		max			max
		__3___4__		3_4
		_12_			12_12
		_max_			max
		007_08			7_8
		1000000000		1000000000_1000000000
		1_1000000000		1_1000000000
		1000000000_1		1000000000_1
	END
	rate "$C" "	5	6
" || return
	expect "5 6" cat "$C/forkrate.max"
}

bad_values() {
	for before in "7 9" max; do
		rate "$C" "$before" || return
		refuses EINVAL "$C/forkrate.max" "" " " "
" x -1 +1 1x 0x1 1.5 1e3 "-1 5" "5 -1" "5 x" "x 5" "5,6" "5/6" "1 2 3" "1 2 x" "max 5" \
			"5 max" "max max" Max maximum ma "1 0 1" || return
		refuses ERANGE "$C/forkrate.max" "5 0" "0 0" 1000000001 "1 1000000001" \
			4294967295 4294967296 "1 4294967297" "0 18446744073709551615" \
			18446744073709551616 "1 18446744073709551617" || return
		refuses E2BIG "$C/forkrate.max" "$(printf '%05000d' 1)" || return
	done
}

# Bad values do not fill the bucket either.
bad_values_fill_nothing() {
	rate "$C" "0 2" || return
	holds "$C" 2 || return
	refuses ERANGE "$C/forkrate.max" "0 0" || return
	refuses EINVAL "$C/forkrate.max" x || return
	holds "$C" 0
}

# ---- a single bucket

exactly_so_many() {
	for burst in 1 2 7 100; do
		rate "$C" "0 $burst" || return
		forks_of "$C" $((burst + 5)) "$burst 5" || return
		expect EAGAIN try forkin "$C/tasks" || return
	done
	refused 24 "$C" || return
	rate "$C" 0 || return
	holds "$C" 1
}

time_fills_nothing_at_rate_0() {
	rate "$C" "0 2" || return
	holds "$C" 2 || return
	sleep 2
	expect EAGAIN try forkin "$C/tasks"
}

# seconds: print the time since boot
seconds() {
	read -r now _ </proc/uptime
	echo "${now%.*}"
}

burst_then_rate() {
	rate "$C" "2 10" || return
	since=$(seconds)
	made=$(modules fork "$C/tasks" 500 | cut -d ' ' -f 1)
	most=$((10 + 2 * ($(seconds) - since + 1)))
	if [ "$made" -lt 10 ] || [ "$made" -gt $most ] || [ $most -ge 500 ]; then
		because "$made forks of 500 succeeded; at least 10 should have, and at most $most"
		return 1
	fi
	refused $((500 - made)) "$C"
}

# must_be_slow CONTAINER FORKS SECONDS: this number of forks takes at least this
# time
must_be_slow() {
	# wait_until() has a variable "since" as well.
	begun=$(seconds)
	made=0
	while [ $made -lt "$2" ]; do
		wait_until can_fork "$1" || return
		made=$((made + 1))
	done
	# Both times are rounded.
	[ $(($(seconds) - begun + 1)) -ge "$3" ] && return
	because "$2 forks took less than $3 s"
	return 1
}

time_brings_tokens() {
	rate "$C" "1 1" || return
	# One token is left, and four are added.
	must_be_slow "$C" 5 4 || return
	rate "$C" "2 3" || return
	must_be_slow "$C" 9 3
}

# burst_is N: N forks succeed in $C at once, and then one a second
burst_is() {
	since=$(seconds)
	made=$(modules fork "$C/tasks" 300 | cut -d ' ' -f 1)
	most=$(($1 + $(seconds) - since + 1))
	[ "$made" -ge "$1" ] && [ "$made" -le $most ] && [ $most -lt 300 ] && return
	because "$made forks succeeded; at least $1 should have, and at most $most"
	return 1
}

# After a quiet time, a container has one burst, and no more.
no_more_than_a_burst() {
	rate "$C" "1000000 3" || return
	sleep 1
	forks_of "$C" 3 "3 0" || return
	rate "$C" "1 3" || return
	wait_until cannot_fork "$C" || return
	sleep 5
	burst_is 3
}

no_limit() {
	rate "$C" "0 1" || return
	holds "$C" 1 || return
	rate "$C" max || return
	forks_of "$C" 200 "200 0" || return
	rate "$C" "1000000000 1000000000" || return
	forks_of "$C" 200 "200 0" || return
	rate "$C" "0 1000000000" || return
	forks_of "$C" 200 "200 0" || return
	refused 2 "$C"
}

writing_fills() {
	rate "$C" "0 3" || return
	forks_of "$C" 2 "2 0" || return
	rate "$C" "0 3" || return
	holds "$C" 3 || return
	rate "$C" "0 5" || return
	holds "$C" 5 || return
	rate "$C" "0 2" || return
	holds "$C" 2 || return
	# From and to other rates
	rate "$C" "1 4" || return
	forks_of "$C" 4 "4 0" || return
	rate "$C" "0 2" || return
	holds "$C" 2 || return
	rate "$C" max || return
	rate "$C" "0 2" || return
	holds "$C" 2
}

threads_count() {
	rate "$C" "0 4" || return
	forks_say "4 EAGAIN" -a "$C" threads 10 || return
	refused 1 "$C" || return
	holds "$C" 0
}

bombs_stop() {
	rate "$C" "0 20" || return
	forks_say "20 EAGAIN" -a "$C" bomb 1000 || return
	expect 21 count_lines "$C/tasks" || return
	# Forks elsewhere succeed, and the bomb stops once its tasks have ended.
	expect OK try forkin "$ROOT/tasks" || return
	set_file "$C/kill" 1 || return
	wait_until is_empty "$C" || return
	holds "$C" 0
}

moves_do_not_count() {
	mkdir "$C/a" "$C/b" || return
	rate "$C/a" "0 2" || return
	rate "$C/b" "0 2" || return
	start threads 5
	wait_until has_threads "$PID" 5 || return
	for where in a b a b; do
		attach_process "$PID" "$C/$where" || return
	done
	end_task "$PID"
	holds "$C/a" 2 || return
	# A task may be moved to a container with an empty bucket.
	start sleep 1000
	attach "$PID" "$C/a" || return
	holds "$C/b" 2
}

# The bucket of the child's container counts.
launches_count_where_the_child_is() {
	mkdir "$C/from" "$C/into" || return
	rate "$C/from" "0 1" || return
	rate "$C/into" "0 2" || return
	holds "$C/from" 1 || return
	for _ in 1 2; do
		expect "exited 0" sh -c "echo 0 >$C/from/tasks && exec launch run $C/into true" ||
			return
	done
	expect EAGAIN sh -c "echo 0 >$C/from/tasks && exec launch run $C/into true" || return
	refused 1 "$C/into" || return
	refused 2 "$C/from"
}

namespaces_do_not_matter() {
	for namespace in uts ipc pid; do
		[ -e /proc/self/ns/$namespace ] || continue
		rate "$C" "0 3" || return
		forks_say "3 EAGAIN" -a "$C" -n $namespace fork 100 || return
		end_task "$PID"
		wait_until is_empty "$C" || return
	done
}

# ---- nested buckets

each_needs_a_token() {
	mkdir "$C/a" "$C/a/b" "$C/a/c" || return
	rate "$C" "0 6" || return
	rate "$C/a" "0 4" || return
	rate "$C/a/b" "0 3" || return
	forks_of "$C/a/b" 4 "3 1" || return
	refused 1 "$C/a/b" "$C/a" "$C" || return
	# One token of three is left in a, and one more in the container above.
	forks_of "$C/a/c" 2 "1 1" || return
	refused 0 "$C/a/c" || return
	refused 1 "$C/a/b" || return
	refused 2 "$C/a" "$C" || return
	holds "$C" 2 || return
	refused 4 "$C" || return
	refused 2 "$C/a"
}

refused_above_takes_nothing_below() {
	mkdir "$C/a" "$C/a/b" || return
	rate "$C" "0 2" || return
	rate "$C/a" "0 5" || return
	rate "$C/a/b" "0 4" || return
	forks_of "$C/a/b" 50 "2 48" || return
	refused 0 "$C/a/b" "$C/a" || return
	refused 48 "$C" || return
	rate "$C" max || return
	holds "$C/a/b" 2 || return
	refused 2 "$C/a/b" "$C/a" || return
	holds "$C/a" 1
}

refused_below_takes_nothing_above() {
	mkdir "$C/a" "$C/a/b" || return
	rate "$C" "0 5" || return
	rate "$C/a" "0 4" || return
	rate "$C/a/b" "0 1" || return
	forks_of "$C/a/b" 50 "1 49" || return
	holds "$C/a" 3 || return
	holds "$C" 1
}

others_fork_on() {
	mkdir "$C/a" "$C/beside" || return
	rate "$C/a" "0 1" || return
	holds "$C/a" 1 || return
	forks_of "$C/beside" 100 "100 0" || return
	forks_of "$C" 100 "100 0" || return
	refused 0 "$C/beside" || return
	# The counts stay when the container below is removed.
	must_be_removable "$C/a" || return
	refused 2 "$C"
}

many_at_once() {
	mkdir "$C/a" "$C/b" "$C/c" || return
	rate "$C" "0 400" || return
	: >"$WORK/storms"
	pids=
	for container in a b c c; do
		modules fork "$C/$container/tasks" 200 >>"$WORK/storms" &
		pids="$pids $!"
	done
	CHILDREN="$CHILDREN $pids"
	# shellcheck disable=SC2086 # one word each
	wait $pids || return
	# shellcheck disable=SC2016 # these are awk's
	expect "400 400" awk '{ made += $1; refused += $2 } END { print made, refused }' \
		"$WORK/storms" || return
	refused 400 "$C"
}

# ---- forks that fail for other reasons

refused_by_another_subsystem() {
	load_one_subsystem || return
	T=$WORK/tree
	mount_tree tree test0 || return
	mkdir "$T/a" "$C/b" || return
	rate "$C" "0 5" || return
	rate "$C/b" "0 3" || return
	# EDOM, which no other code on this path returns
	refuse fork -33
	for _ in 1 2 3 4 5 6 7; do
		forks_say "0 EDOM" -a "$C/b" -a "$T/a" fork 1 || return
		end_task "$PID"
	done
	refused 0 "$C/b" "$C" || return
	refuse fork 0
	# In the other order: the charge of the other subsystem is undone.
	forks_say "3 EAGAIN" -a "$C/b" -a "$T/a" fork 10 || return
	expect 4 cat "$T/a/test0.tasks" || return
	end_task "$PID"
	holds "$C/b" 0 || return
	holds "$C" 2
}

# With a rate, a returned token is not lost either.
given_back_with_a_rate() {
	load_one_subsystem || return
	T=$WORK/tree
	mount_tree tree test0 || return
	mkdir "$T/a" || return
	rate "$C" "1 50" || return
	refuse fork -33
	for _ in 1 2 3 4 5 6 7 8 9 0; do
		forks_say "0 EDOM" -a "$C" -a "$T/a" fork 1 || return
		end_task "$PID"
	done
	refuse fork 0
	burst_is 50
}

refused_by_pids() {
	need_controller pids || return
	rate "$C" "0 3" || return
	set_file "$C/pids.max" 1 || return
	forks_of "$C" 10 "0 10" || return
	refused 0 "$C" || return
	set_file "$C/pids.max" max || return
	holds "$C" 3
}

refused_for_another_reason() {
	rate "$C" "0 3" || return
	forks_say "0 EAGAIN" -a "$C" -u 1000 -l 1 fork 1 || return
	refused 0 "$C" || return
	end_task "$PID"
	holds "$C" 3 || return
	if [ ! -e /proc/self/ns/pid ]; then
		because "no pid namespaces"
		return
	fi
	rate "$C" "0 3" || return
	# There was one fork before. Its child has ended the namespace.
	forks_say "0 ENOMEM" -a "$C" deadns || return
	# These are the tokens that holds() uses.
	refused 2 "$C" || return
	end_task "$PID"
	holds "$C" 2
}

# ---- events

# available CONTAINER: print whether a fork would succeed there
available() {
	cat "$1/forkrate.available"
}

available_is_what_a_fork_finds() {
	mkdir "$C/a" || return
	expect 1 available "$C/a" || return
	rate "$C" "0 2" || return
	rate "$C/a" "0 1" || return
	expect 1 available "$C/a" || return
	expect OK try forkin "$C/a/tasks" || return
	expect 0 available "$C/a" || return
	expect 1 available "$C" || return
	rate "$C/a" max || return
	expect 1 available "$C/a" || return
	expect OK try forkin "$C/a/tasks" || return
	# The container above has no token.
	expect 0 available "$C/a" || return
	expect EAGAIN try forkin "$C/a/tasks" || return
	rate "$C" "0 1" || return
	expect 1 available "$C/a"
}

events_count_refusals() {
	mkdir "$C/a" "$C/a/b" "$C/beside" || return
	rate "$C/a/b" "0 1" || return
	forks_of "$C/a/b" 4 "1 3" || return
	refused 3 "$C/a/b" "$C/a" "$C" || return
	# The limit of the parent refuses now. That of b does not.
	rate "$C/a/b" max || return
	rate "$C/a" "0 1" || return
	forks_of "$C/a/b" 3 "1 2" || return
	refused 3 "$C/a/b" || return
	refused 5 "$C/a" "$C" || return
	refused 0 "$C/beside" || return
	# Writing the limit changes no count.
	rate "$C/a" max || return
	refused 5 "$C/a"
}

# watch_events HOW NAME CONTAINER
watch_events() {
	start_forks "$2" "$1" "$3/forkrate.events"
	wait_until test -s "$WORK/$2"
}

# must_have_said TEXT NAME: the whole output, soon
must_have_said() {
	wait_until has_said "$1" "$2" || expect "$1" cat "$WORK/$2"
}

has_said() {
	[ "$(cat "$WORK/$2")" = "$1" ]
}

# events_tell HOW: readers of the container and of the one above are notified
events_tell() {
	mkdir "$C/a" "$C/a/b" "$C/beside" || return
	rate "$C/a/b" "0 1" || return
	watch_events "$1" above "$C" || return
	watch_events "$1" a "$C/a" || return
	watch_events "$1" b "$C/a/b" || return
	watch_events "$1" beside "$C/beside" || return
	expect OK try forkin "$C/a/b/tasks" || return
	expected="max 0"
	for times in 1 2; do
		expect EAGAIN try forkin "$C/a/b/tasks" || return
		expected="$expected
max $times"
		for name in above a b; do
			must_have_said "$expected" $name || return
		done
	done
	# No token is added any more, so there is no event.
	sleep 2
	for name in above a b; do
		must_have_said "$expected" $name || return
	done
	must_have_said "max 0" beside
}

poll_tells() {
	events_tell poll
}

inotify_tells() {
	events_tell watch
}

# has_lines N: the program has printed N lines
has_lines() {
	[ "$(count_lines "$WORK/said")" -ge "$1" ]
}

# told_of_a_token HOW: try once. On a slow host, the token may be there before
# the refusal has been read. Then there is only one event.
told_of_a_token() {
	[ ! "${WATCHER:-}" ] || end_task "$WATCHER"
	rate "$C" "1 1" || return
	watch_events "$1" said "$C" || return
	WATCHER=$PID
	wait_until cannot_fork "$C" || return
	wait_until has_lines 2 || return
	attempts=0
	until has_lines 3 || [ $attempts = 50 ]; do
		sleep 0.1 2>/dev/null || sleep 1
		attempts=$((attempts + 1))
	done
	has_lines 3
}

# a_token_is_told HOW
a_token_is_told() {
	wait_until told_of_a_token "$1" || return
	# No fork was refused in between, and the token has not been taken.
	expect 2 echo "$(uniq "$WORK/said" | wc -l | tr -d ' ')" || return
	expect OK try forkin "$C/tasks" || return
	# There is only one event.
	sleep 2
	expect 3 count_lines "$WORK/said"
}

poll_tells_of_a_token() {
	a_token_is_told poll
}

inotify_tells_of_a_token() {
	a_token_is_told watch
}

# Nobody was refused: the last event may have been about a token that is gone. The
# empty bucket may be one above.
reading_asks_for_the_next_token() {
	mkdir "$C/a" || return
	rate "$C" "1 1" || return
	for container in "$C" "$C/a"; do
		wait_until has_taken_a_token "$container" || return
		wait_until has_lines 2 || return
		expect 1 available "$container" || return
		refused 0 "$C" || return
	done
}

# has_taken_a_token CONTAINER: once more if this host is slow, and the next one has come
has_taken_a_token() {
	[ ! "${WATCHER:-}" ] || end_task "$WATCHER"
	watch_events poll said "$1" || return
	WATCHER=$PID
	can_fork "$1" && [ "$(available "$1")" = 0 ]
}

# told_of_the_limit_above HOW: with a rate of 0, no token would come otherwise
told_of_the_limit_above() {
	mkdir "$C/a" || return
	rate "$C" "0 1" || return
	holds "$C/a" 1 || return
	start_forks said "$1" "$C/a/forkrate.available"
	must_have_said 0 said || return
	rate "$C" "1 1" || return
	must_have_said "0
1" said
}

poll_tells_of_the_limit_above() {
	told_of_the_limit_above poll
}

inotify_tells_of_the_limit_above() {
	told_of_the_limit_above watch
}

# A program that was refused waits, and tries again.
waiting_forks_get_through() {
	mkdir "$C/a" || return
	rate "$C" "5 1" || return
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		wait_until can_fork "$C/a" || return
	done
}

# ---- delegation, removal

users_cannot_undo_it() {
	rate "$C" "0 2" || return
	chown 1000 "$C" "$C/tasks" "$C/procs" || return
	for file in max events; do
		expect 0 stat -c %u "$C/forkrate.$file" || return
	done
	expect EACCES try -u 1000 write "$C/forkrate.max" max || return
	expect OK try -u 1000 mkdir "$C/sub" 755 || return
	expect 1000 stat -c %u "$C/sub/forkrate.max" || return
	for value in "0 9" 100 max; do
		expect OK try -u 1000 write "$C/sub/forkrate.max" "$value" || return
	done
	holds "$C/sub" 2 || return
	refused 2 "$C" || return
	refused 0 "$C/sub"
}

# The timer of a refusal must not find a removed container.
removed_with_a_timer() {
	mark_log || return
	for delay in 0 0 0 0 0 0 0 0 0.3 0.6 0.9 0.95 1; do
		mkdir "$C/a" "$C/a/b" || return
		rate "$C/a" "1 1" || return
		wait_until cannot_fork "$C/a/b" || return
		[ $delay = 0 ] || sleep $delay 2>/dev/null || sleep 1
		must_be_removable "$C/a/b" || return
		must_be_removable "$C/a" || return
	done
	# Tokens would have been added by now.
	sleep 2
	no_complaints
}

removal() {
	mkdir "$C/a" || return
	rate "$C/a" "0 1" || return
	holds "$C/a" 1 || return
	exec 9>"$C/a/forkrate.max"
	must_be_removable "$C/a" || return
	expect ENODEV try fdwrite 9 max || return
	exec 9>&-
	# A new container of that name has no limit.
	mkdir "$C/a" || return
	expect max cat "$C/a/forkrate.max" || return
	refused 0 "$C/a"
}

# Each of these values has enough tokens for all forks.
writes_refuse_nobody() {
	if [ "$(nproc)" -lt 2 ]; then
		because "races need two CPUs"
		return "$KSFT_SKIP"
	fi
	mkdir "$C/a" || return
	start sh -c "while :; do
			echo max >$C/a/forkrate.max
			echo 5 1000000 >$C/a/forkrate.max
			echo 0 1000000 >$C/a/forkrate.max
			echo 1000000 2000000 >$C/a/forkrate.max
			echo 0 2000000 >$C/a/forkrate.max
		done"
	forks=5000
	! is_slow || forks=400
	forks_of "$C/a" $forks "$forks 0" || return
	end_task "$PID"
	refused 0 "$C/a" "$C" || return
	# There are exactly as many tokens, whatever happened in between.
	rate "$C/a" "0 3" || return
	holds "$C/a" 3
}

storm_of_rates() {
	mark_log || return
	mkdir "$C/a" "$C/b" || return
	start sh -c "while :; do
			echo 1000 20 >$C/a/forkrate.max
			echo 1000 10 >$C/b/forkrate.max
			echo 0 5 >$C/forkrate.max
			echo 2000 50 >$C/forkrate.max
			echo max >$C/a/forkrate.max
			echo max >$C/b/forkrate.max
			echo max >$C/forkrate.max
			sleep 0.01 || sleep 1
		done"
	storm_amid "$C/a" "$C/b"
}

rcfs_begin
trap 'rcfs_end; unload_subsystems' EXIT
need_controllers forkrate
mark_log
point "a new container has no limit, and the root has no files" new_container
point "a rate, a rate and a burst, and \"max\" are limits" good_values
point "other values are EINVAL or ERANGE, and change nothing" bad_values
point "a refused value fills no bucket" bad_values_fill_nothing
point "with a rate of 0 exactly the burst of forks succeeds" exactly_so_many
point "with a rate of 0 no forks succeed later" time_fills_nothing_at_rate_0
point "a burst of forks succeeds, and then the rate applies" burst_then_rate
point "tokens come with time" time_brings_tokens
point "a bucket holds no more than a burst" no_more_than_a_burst
point "without a limit, and with the highest, all forks succeed" no_limit
point "writing the limit fills the bucket" writing_fills
point "threads count as well" threads_count
point "a fork bomb stops" bombs_stop
point "a move takes no token" moves_do_not_count
point "a launched child counts in its container" launches_count_where_the_child_is
point "tasks with namespaces of their own count as well" namespaces_do_not_matter
point "a fork takes a token of each container above" each_needs_a_token
point "a fork that is refused above takes nothing below" refused_above_takes_nothing_below
point "a fork that is refused below takes nothing above" refused_below_takes_nothing_above
point "forks in other containers succeed" others_fork_on
point "of many forks at the same time, exactly the burst succeeds" many_at_once
point "a fork that another subsystem refuses takes no token" refused_by_another_subsystem
point "a returned token can be used, with a rate as well" given_back_with_a_rate
point "a fork that the controller pids refuses takes no token" refused_by_pids
point "a fork that fails for another reason takes no token" refused_for_another_reason
point "available tells whether a fork would succeed" available_is_what_a_fork_finds
point "events counts refusals here and below" events_count_refusals
point "poll reports a refusal" poll_tells
point "inotify reports a refusal" inotify_tells
point "poll reports once that there is a token again" poll_tells_of_a_token
point "inotify reports once that there is a token again" inotify_tells_of_a_token
point "a token is reported as well after a program has read that there is none" \
	reading_asks_for_the_next_token
point "poll reports that a limit above was written" poll_tells_of_the_limit_above
point "inotify reports that a limit above was written" inotify_tells_of_the_limit_above
point "a program that waits and tries again succeeds" waiting_forks_get_through
point "the owner of a container cannot undo the limit above" users_cannot_undo_it
point "a container can be removed while its timer is set" removed_with_a_timer
point "a limit ends with its container" removal
point "a write refuses no fork that has a token before and after" writes_refuse_nobody
point "limits, moves, forks and exits at once leave nothing behind" storm_of_rates
point "the kernel has not complained" no_complaints
ktap_finished
