#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Reading the file tasks.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# More ids than fit into a page as text, and than are collected at once
MANY=1100

# start_inside N: start a process of N threads in $C
start_inside() {
	start sh -c "echo 0 >$C/tasks; exec threads $1"
	wait_until has_threads "$PID" "$1"
}

empty_prints_nothing() {
	must_be_empty "$C" || return
	start sleep 1000
	attach "$PID" "$C" || return
	expect "$PID" cat "$C/tasks" || return
	attach "$PID" "$ROOT" || return
	must_be_empty "$C"
}

all_tasks_sorted() {
	start threads 30
	wait_until has_threads "$PID" 30 || return
	first=$PID
	start threads 30
	wait_until has_threads "$PID" 30 || return
	threads_of "$first" >"$WORK/threads"
	threads_of "$PID" >>"$WORK/threads"
	# The last thread comes first
	sort -rn "$WORK/threads" | while read -r thread; do
		echo "$thread" >"$C/tasks"
	done
	expect "$(sort -n "$WORK/threads")" cat "$C/tasks"
}

many_tasks() {
	start_inside $MANY || return
	threads_of "$PID" >"$WORK/expected"
	cat "$C/tasks" >"$WORK/got"
	cmp "$WORK/expected" "$WORK/got" && return
	because "$(wc -l <"$WORK/got") of $MANY tasks are listed"
	return 1
}

# A task that stays is listed, even if lists change. The walk is slowed down at each
# task, and a task that changes its list is in neither for a short time.
stayers_are_listed() {
	mkdir "$C/here" "$C/there" || return
	delay walk 50
	delay list 50
	listed "$C/here" "$C/there" 1000
}

# In 2007 the whole listing had to be contiguous in memory. 100,000 tasks take 6 GB
# of memory; with less memory, the test has fewer tasks.
as_many_as_fit() {
	wanted=$(($(in_kb MemAvailable) / 64))
	[ $wanted -le 100000 ] || wanted=100000
	pid_max=$(cat /proc/sys/kernel/pid_max)
	threads_max=$(cat /proc/sys/kernel/threads-max)
	raise pid_max && raise threads-max && so_many_are_listed
	result=$?
	# Wait until they are gone: otherwise the next fork may fail.
	for pid in $CHILDREN; do
		end_task "$pid"
	done
	CHILDREN=
	echo "$pid_max" >/proc/sys/kernel/pid_max || result=1
	echo "$threads_max" >/proc/sys/kernel/threads-max || result=1
	return $result
}

# raise LIMIT: raise a limit of the kernel to the number that the tasks need
raise() {
	[ "$(cat "/proc/sys/kernel/$1")" -ge $((wanted + 10000)) ] ||
		echo $((wanted + 10000)) >"/proc/sys/kernel/$1"
}

so_many_are_listed() {
	# Make a few at a time, so that each wait is short.
	left=$wanted
	while [ "$left" -gt 0 ]; do
		some=$((left < 1000 ? left : 1000))
		start sh -c "echo 0 >$C/tasks; exec threads $some"
		wait_until has_threads "$PID" $some || return
		left=$((left - some))
	done
	expect "$wanted" count_lines "$C/tasks" || return
	cat "$C/tasks" >"$WORK/got"
	sort -n -u "$WORK/got" | cmp - "$WORK/got" || return
	because "$wanted tasks listed"
}

# Ten times as long is far above the usual time, and far below that of a bug.
empty_is_found_empty() {
	start threads 2000
	wait_until has_threads "$PID" 2000 || return
	empty=$(best_of_reads "$C/tasks")
	full=$(best_of_reads "$ROOT/tasks")
	because "an empty container is read in $empty us, the root in $full us"
	[ $((empty * 10)) -le "$full" ]
}

# best_of_reads FILE: print the shortest of ten times, in us
best_of_reads() {
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		try timeread "$1"
	done | sort -n | head -n 1
}

small_reads() {
	start_inside 50 || return
	cat "$C/tasks" >"$WORK/whole"
	for size in 1 2 3 4 5 6 7 4096; do
		dd if="$C/tasks" bs=$size of="$WORK/parts" 2>/dev/null
		if ! cmp "$WORK/whole" "$WORK/parts"; then
			because "read $size bytes at a time, the listing is another"
			return 1
		fi
	done
}

reads_anywhere() {
	start_inside $MANY || return
	cat "$C/tasks" >"$WORK/whole"
	size=$(wc -c <"$WORK/whole")
	for offset in 0 1 7 1000 4095 4096 4097 $((size - 1)); do
		tail -c +$((offset + 1)) "$WORK/whole" | head -c 100 >"$WORK/expected"
		try pread "$C/tasks" "$offset" | head -c 100 >"$WORK/got"
		if ! cmp "$WORK/expected" "$WORK/got"; then
			because "read at $offset, the listing is another"
			return 1
		fi
	done
}

# In 2007 an offset past the end underflowed, and disclosed kernel memory.
past_the_end() {
	start_inside 5 || return
	size=$(wc -c <"$C/tasks")
	for offset in "$size" $((size + 1)) 4095 4096 4097 1000000 2147483647 2147483648 \
		4294967295 4294967296 4611686018427387904 9223372036854771711; do
		expect "" try pread "$C/tasks" "$offset" || return
	done
	expect EINVAL try pread "$C/tasks" -1
}

# A slow reader also gets the listing of one moment.
one_moment() {
	start_inside $MANY || return
	cat "$C/tasks" >"$WORK/whole"
	exec 3<"$C/tasks"
	dd bs=100 count=1 <&3 >"$WORK/parts" 2>/dev/null
	end_task "$PID"
	must_be_empty "$C" || return
	cat <&3 >>"$WORK/parts"
	cmp "$WORK/whole" "$WORK/parts" && return
	because "$(wc -l <"$WORK/parts") of $MANY tasks are listed"
	return 1
}

rewound_file_is_new() {
	start_inside 3 || return
	exec 3<"$C/tasks"
	expect "$(cat "$C/tasks")" cat <&3 || return
	# A second open file has a position of its own.
	exec 4<"$C/tasks"
	end_task "$PID"
	must_be_empty "$C" || return
	expect "" cat <&4
}

# In 2007 only tasks with the nsproxy of the directory itself were listed.
unshared_tasks() {
	start_inside 2 || return
	first=$PID
	start_unshared sleep 1000 || return
	attach "$PID" "$C" || return
	must_be_in "$PID" "$C" || return
	mine=$(readlink /proc/self/ns/uts)
	start sh -c "echo 0 >$C/tasks; exec unshare -u sleep 1000"
	wait_until has_other_ns "$PID" "$mine" || return
	must_be_in "$PID" "$C" || return
	must_be_in "$first" "$C" || return
	expect 4 count_lines "$C/tasks"
}

root_lists_the_rest() {
	start_inside 3 || return
	must_be_in 1 "$ROOT" || return
	must_be_in 2 "$ROOT" || return
	must_be_in "$SELF" "$ROOT" || return
	for thread in $(threads_of "$PID"); do
		must_be_in "$thread" "$C" || return
	done
}

child_containers_are_not_listed() {
	mkdir "$C/child" || return
	start sleep 1000
	attach "$PID" "$C/child" || return
	must_be_empty "$C" || return
	must_be_in "$PID" "$C/child"
}

zombies_are_not_listed() {
	start sh -c "sh -c 'echo 0 >$C/tasks; echo \$\$ >$WORK/zombie' & exec sleep 1000"
	wait_until test -s "$WORK/zombie" || return
	wait_until is_in_state Z "$(cat "$WORK/zombie")" || return
	must_be_empty "$C"
}

# The listing has the tasks that the reader can see, with the ids of the reader's
# pid namespace.
ids_of_the_readers_namespace() {
	if ! unshare -p -f true 2>/dev/null; then
		because "no pid namespaces"
		return "$KSFT_SKIP"
	fi
	start sleep 1000
	outside=$PID
	attach "$PID" "$C" || return
	start unshare -p -f sh -c "
		echo 0 >$C/tasks
		while read -r id; do echo \$id; done <$C/tasks >$WORK/inside
		echo >$WORK/done
		exec sleep 1000"
	wait_until test -e "$WORK/done" || return
	expect 1 cat "$WORK/inside" || return
	expect 2 count_lines "$C/tasks" || return
	must_be_in "$outside" "$C" || return
	expect 0 grep -cx 1 "$C/tasks"
}

# announced VERB COMMAND...: run the command for each task in the container. A
# waiting reader is notified when the last one is gone, and not earlier.
announced() {
	verb=$1
	shift
	: >"$WORK/said"
	expect 0 cat "$C/empty" || return
	try "$verb" "$C/empty" >"$WORK/said" 2>&1 &
	CHILDREN="$CHILDREN $!"
	wait_until grep -q . "$WORK/said" || return
	cat "$C/tasks" >"$WORK/tasks"
	while read -r id; do
		"$@" "$id"
	done <"$WORK/tasks"
	must_be_empty "$C" || return
	expect 1 cat "$C/empty" || return
	wait_until has_line 2 "$WORK/said" || return
	expect "waiting
OK" cat "$WORK/said"
}

has_line() {
	[ "$(count_lines "$2")" -ge "$1" ]
}

# three tasks in $C, one of them with namespaces of its own
three_inside() {
	for _ in 1 2; do
		start sleep 1000
		attach "$PID" "$C" || return
	done
	start_unshared sleep 1000 || return
	attach "$PID" "$C"
}

move_out() {
	attach "$1" "$ROOT"
}

emptiness_is_announced() {
	for verb in poll watch; do
		three_inside || return
		announced "$verb" end_task || return
		three_inside || return
		announced "$verb" move_out || return
		# The last task has the container's own nsproxy.
		start_unshared sleep 1000 || return
		attach "$PID" "$C" || return
		end_task "$PID"
		start sleep 1000
		attach "$PID" "$C" || return
		announced "$verb" end_task || return
	done
	expect 0 cat "$ROOT/empty" || return
	must_be_removable "$C"
}

# A reader may look at the new place of a task before the task is there, and at the old
# place after the task has left.
movers_do_not_leave() {
	mkdir "$C/here" "$C/there" || return
	delay empty 50
	listed empty "$C/empty" 3000 "$C/here" "$C/there"
}

# A reader is notified when the last task below its container leaves, and not
# otherwise.
emptiness_below_is_announced() {
	mkdir -p "$C/a/b" "$C/a/c" || return
	for verb in poll watch; do
		for place in "$C/a" "$C/a/b" "$C/a/c"; do
			start sleep 1000
			attach "$PID" "$place" || return
		done
		: >"$WORK/said"
		try "$verb" "$C/empty" >"$WORK/said" 2>&1 &
		CHILDREN="$CHILDREN $!"
		wait_until grep -q . "$WORK/said" || return
		for place in "$C/a" "$C/a/c" "$C/a/b"; do
			expect 0 cat "$C/empty" || return
			expect 0 cat "$C/a/empty" || return
			end_task "$(cat "$place/tasks")"
		done
		expect 1 cat "$C/a/empty" || return
		expect 1 cat "$C/empty" || return
		wait_until has_line 2 "$WORK/said" || return
		expect "waiting
OK" cat "$WORK/said" || return
	done
}

anybody_may_read() {
	start sleep 1000
	attach "$PID" "$C" || return
	expect OK try -u 1000 read "$C/tasks" || return
	expect "$PID" try -u 1000 run cat "$C/tasks" || return
	expect EACCES try -u 1000 write "$C/tasks" 0
}

rcfs_begin
point "an empty container prints nothing" empty_prints_nothing
point "all tasks are listed once, sorted" all_tasks_sorted
point "$MANY tasks are listed" many_tasks
point "a task that stays is listed while others change lists" stayers_are_listed
point "all tasks that fit into memory are listed" as_many_as_fit
point "emptiness is found without visiting tasks" empty_is_found_empty
point "small reads give the same as one read" small_reads
point "reads at any offset return the listing" reads_anywhere
point "a read past the end gives nothing" past_the_end
point "a listing shows one moment" one_moment
point "every reader gets a listing of its own" rewound_file_is_new
point "tasks with other namespaces are listed" unshared_tasks
point "the root lists tasks that are in no other container" root_lists_the_rest
point "tasks of child containers are not listed" child_containers_are_not_listed
point "zombies are not listed" zombies_are_not_listed
point "ids are those of the reader's pid namespace" ids_of_the_readers_namespace
point "poll and inotify report that a container becomes empty" emptiness_is_announced
point "poll and inotify report that all below become empty" emptiness_below_is_announced
point "a container is not empty while its task moves below it" movers_do_not_leave
point "any user may read the tasks of a container" anybody_may_read
ktap_finished
