#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The controller memory: what containers have, what they may have, and what happens
# when they need more. RCFS_CYCLES is how many containers with charged pages are
# removed one after the other, by default 300.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=controllers.sh
. "$HERE/controllers.sh"

FILES="limit_in_bytes usage_in_bytes max_usage_in_bytes failcnt high oom.group oom_control
events stat"
MEGABYTE=1048576
HUGE=/sys/kernel/mm/transparent_hugepage/enabled
# Counters are charged for some pages in advance on each CPU, and page tables count.
SLACK=3

# limit CONTAINER SIZE
limit() {
	set_file "$1/memory.limit_in_bytes" "$2"
}

megabytes() {
	echo $(($(cat "$1") / MEGABYTE))
}

# has_about MEGABYTES CONTAINER
has_about() {
	usage=$(megabytes "$2/memory.usage_in_bytes")
	[ "$usage" -ge "$1" ] && [ "$usage" -le $(($1 + SLACK)) ]
}

# must_have MEGABYTES CONTAINER...: soon
must_have() {
	size=$1
	shift
	for container; do
		wait_until has_about "$size" "$container" && continue
		because "$container has $usage MB, not $size"
		return 1
	done
}

# hog_in CONTAINER ARGUMENT...: $PID takes memory there, and has it
hog_in() {
	container=$1
	shift
	rm -f "$WORK/said"
	start sh -c "exec hog -a $container/tasks \"\$@\" >$WORK/said" - "$@"
	wait_until test -s "$WORK/said" || return
	expect ready cat "$WORK/said"
}

# oom_in CONTAINER ARGUMENT...: what takes memory there is killed for it
oom_in() {
	container=$1
	shift
	start sh -c "hog -a $container/tasks \"\$@\" 2>/dev/null; echo \$? >$WORK/status" - "$@"
	wait_until test -s "$WORK/status" || return
	expect 137 cat "$WORK/status" && rm "$WORK/status"
}

# event NAME CONTAINER
event() {
	sed -n "s/^$1 //p" "$2/memory.events"
}

# events NAME NUMBER CONTAINER...: soon. A victim ends before the kill is counted.
events() {
	name=$1
	number=$2
	shift 2
	for container; do
		wait_until has_events "$name" "$number" "$container" || return
	done
}

has_events() {
	[ "$(event "$1" "$3")" -eq "$2" ]
}

# uptime_ms: print for how many ms the system has been up
uptime_ms() {
	sed 's/\.\([0-9]*\) .*/\10/' /proc/uptime
}

# reclaim_all CONTAINER: write a limit there, and print for how many ms that took
reclaim_all() {
	begun=$(uptime_ms)
	limit "$1" 0 >&2 || return
	echo $(($(uptime_ms) - begun))
}

# ---- files

new_container() {
	for file in limit_in_bytes max_usage_in_bytes high oom.group oom_control; do
		are_writable "memory.$file" || return
	done
	are_read_only memory.usage_in_bytes memory.failcnt memory.events memory.stat || return
	for file in $FILES; do
		are_not_in_root "memory.$file" || return
	done
	expect 9223372036854771712 cat "$C/memory.limit_in_bytes" || return
	expect max cat "$C/memory.high" || return
	expect 0 cat "$C/memory.oom.group" || return
	expect 0 cat "$C/memory.failcnt" || return
	expect "oom_kill_disable 0
under_oom 0
oom_kill 0" cat "$C/memory.oom_control" || return
	expect "high 0
max 0
oom 0
oom_kill 0
oom_group_kill 0" cat "$C/memory.events" || return
	limit "$C" 7M || return
	# The limits of a container are not those below: each has its own.
	mkdir "$C/below" || return
	expect 9223372036854771712 cat "$C/below/memory.limit_in_bytes"
}

good_values() {
	while read -r text shown; do
		limit "$C" "$text" || return
		expect "$shown" cat "$C/memory.limit_in_bytes" || return
	done <<-END
		8388608		8388608
		8388609		8388608
		8192K		8388608
		8m		8388608
		1G		1073741824
		2T		2199023255552
		-1		9223372036854771712
		9M		9437184
		max		9223372036854771712
		18446744073709551615	9223372036854771712
	END
	set_file "$C/memory.high" 8M || return
	expect 8388608 cat "$C/memory.high" || return
	set_file "$C/memory.high" -1 || return
	expect max cat "$C/memory.high" || return
	set_file "$C/memory.oom.group" 1 || return
	expect 1 cat "$C/memory.oom.group" || return
	set_file "$C/memory.oom_control" 0 || return
	set_file "$C/memory.max_usage_in_bytes" 0
}

bad_values() {
	limit "$C" 8M || return
	set_file "$C/memory.high" 9M || return
	for file in limit_in_bytes high; do
		refuses EINVAL "$C/memory.$file" "" x -2 +1 8X "8 M" 8MB 1.5M M - Max 0x10 || return
	done
	for file in limit_in_bytes high; do
		refuses ERANGE "$C/memory.$file" 17179869184G 18446744073709551616 || return
	done
	refuses EINVAL "$C/memory.oom.group" x "" || return
	refuses ERANGE "$C/memory.oom.group" 2 || return
	refuses EOPNOTSUPP "$C/memory.oom_control" 1 || return
	refuses EINVAL "$C/memory.max_usage_in_bytes" 1 x
}

# ---- what counts, and where

kinds_count() {
	for kind in anon locked shared pipes sockets; do
		# Sockets say how much they hold, not how well.
		size=8
		hog_in "$C" $kind $size || return
		if [ $kind = sockets ]; then
			wait_until at_least 4 "$C" || return
		else
			must_have $size "$C" || return
		fi
		end_task "$PID"
		wait_until at_most 2 "$C" || return
	done
}

# at_least MEGABYTES CONTAINER
at_least() {
	[ "$(megabytes "$2/memory.usage_in_bytes")" -ge "$1" ]
}

at_most() {
	[ "$(megabytes "$2/memory.usage_in_bytes")" -le "$1" ]
}

# Where there is little memory, huge pages are off to begin with.
huge_pages_count() {
	[ -e "$HUGE" ] || {
		because "the kernel has no huge pages"
		return "$KSFT_SKIP"
	}
	before=$(sed 's/.*\[\(.*\)\].*/\1/' $HUGE)
	echo madvise >$HUGE
	huge_pages
	result=$?
	echo "$before" >$HUGE
	return $result
}

huge_pages() {
	hog_in "$C" huge 8 || return
	must_have 8 "$C" || return
	[ "$(sed -n 's/^anon_thp //p' "$C/memory.stat")" -ge $((8 * MEGABYTE)) ]
}

stat_says_what() {
	hog_in "$C" anon 8 || return
	[ "$(sed -n 's/^anon //p' "$C/memory.stat")" -ge $((8 * MEGABYTE)) ] &&
		[ "$(sed -n 's/^anon //p' "$C/memory.stat")" -le $((10 * MEGABYTE)) ]
}

given_up() {
	for kind in dontneed exec; do
		hog_in "$C" $kind 8 || return
		at_most 3 "$C" || return
		[ "$(megabytes "$C/memory.max_usage_in_bytes")" -ge 8 ] || return
		set_file "$C/memory.max_usage_in_bytes" 0 || return
		[ "$(megabytes "$C/memory.max_usage_in_bytes")" -le 3 ] || return
		end_task "$PID"
	done
}

# A child of a vfork(2) has the memory of its parent, and what it takes stays.
vfork_counts() {
	hog_in "$C" vfork 8 || return
	must_have 8 "$C"
}

counts_above() {
	mkdir "$C/a" "$C/a/b" "$C/c" || return
	hog_in "$C/a/b" anon 8 || return
	must_have 8 "$C" "$C/a" "$C/a/b" || return
	at_most 0 "$C/c"
}

# Nobody counts in the root, nor in another container.
exact_between() {
	mkdir "$C/a" "$C/b" || return
	hog_in "$C/a" anon 6 || return
	hog_in "$C/b" anon 9 || return
	must_have 6 "$C/a" || return
	must_have 9 "$C/b" || return
	must_have 15 "$C"
}

moving_moves_nothing() {
	mkdir "$C/a" "$C/b" || return
	for kind in anon pipes; do
		hog_in "$C/a" $kind 8 || return
		attach "$PID" "$C/b" || return
		must_have 8 "$C/a" || return
		at_most 1 "$C/b" || return
		# What comes afterwards counts where the task is.
		kill -USR1 "$PID"
		must_have 8 "$C/a" "$C/b" || return
		must_have 16 "$C" || return
		end_task "$PID"
		wait_until at_most 2 "$C" || return
	done
}

# Another thread's move is none of the process, whose memory is that of its leader.
root_is_no_container() {
	hog_in "$C" anon 8 || return
	attach "$PID" "$ROOT" || return
	kill -USR1 "$PID"
	wait_until has_lines 2 "$WORK/said" || return
	must_have 8 "$C"
}

has_lines() {
	[ "$(count_lines "$2")" -ge "$1" ]
}

launched_counts() {
	limit "$C" 8M || return
	start sh -c "launch run $C hog anon 4 >$WORK/said"
	wait_until test -s "$WORK/said" || return
	must_have 4 "$C"
}

cache_counts_and_stays() {
	mount -t tmpfs none "$WORK/" || return
	EXTRA_MOUNTS="$EXTRA_MOUNTS $WORK/"
	hog_in "$C" file 8 "$WORK/file" || return
	end_task "$PID"
	must_have 8 "$C" || return
	rm "$WORK/file"
	wait_until at_most 2 "$C"
}

# ---- limits

# need_disk DEVICE: a RAM disk, whose pages in the cache can be reclaimed. There are none.
need_disk() {
	if [ -b "$1" ]; then
		echo 3 >/proc/sys/vm/drop_caches
		return
	fi
	because "there is no $1 (CONFIG_BLK_DEV_RAM)"
	return "$KSFT_SKIP"
}

cache_is_reclaimed() {
	need_disk /dev/ram0 || return
	limit "$C" 8M || return
	hog_in "$C" file 32 /dev/ram0 || return
	at_most 8 "$C" || return
	at_least 1 "$C" || return
	[ "$(cat "$C/memory.failcnt")" -ge 1 ] || return
	events oom_kill 0 "$C"
}

high_reclaims() {
	need_disk /dev/ram0 || return
	set_file "$C/memory.high" 8M || return
	hog_in "$C" file 32 /dev/ram0 || return
	# It is no hard limit.
	at_most 10 "$C" || return
	[ "$(event high "$C")" -ge 1 ] || return
	events oom_kill 0 "$C" || return
	expect 0 cat "$C/memory.failcnt"
}

writing_a_limit_reclaims() {
	for file in limit_in_bytes high; do
		need_disk /dev/ram0 || return
		hog_in "$C" file 32 /dev/ram0 || return
		at_least 31 "$C" || return
		set_file "$C/memory.$file" 8M || return
		at_most 8 "$C" || return
		end_task "$PID"
		set_file "$C/memory.$file" max || return
	done
}

limit_kills() {
	limit "$C" 8M || return
	oom_in "$C" anon 32 || return
	events oom_kill 1 "$C" || return
	[ "$(event max "$C")" -ge 1 ] && [ "$(cat "$C/memory.failcnt")" -ge 1 ] || return
	[ "$(cat "$C/memory.max_usage_in_bytes")" -le $((8 * MEGABYTE)) ] || return
	expect "oom_kill 1" grep oom_kill\  "$C/memory.oom_control" || return
	wait_until at_most 2 "$C" || return
	# Nobody else was in the way.
	hog_in "$C" anon 4
}

kinds_are_limited() {
	limit "$C" 8M || return
	for kind in locked shared pipes vfork; do
		oom_in "$C" $kind 32 || return
	done
}

log_names_the_container() {
	limit "$C" 8M || return
	oom_in "$C" anon 32 || return
	wait_until logged "oom_memcg=rcfs:$P,task_memcg=rcfs:$P,task=hog" || return
	logged "Memory cgroup stats for rcfs:$P:"
}

logged() {
	dmesg | grep -qF "$1"
}

limit_above_kills_below() {
	mkdir "$C/a" "$C/a/b" || return
	limit "$C/a" 8M || return
	oom_in "$C/a/b" anon 32 || return
	events oom_kill 1 "$C" "$C/a" "$C/a/b" || return
	# The limit of a was met, and no other.
	[ "$(cat "$C/a/memory.failcnt")" -ge 1 ] || return
	expect 0 cat "$C/a/b/memory.failcnt" || return
	expect 0 cat "$C/memory.failcnt"
}

limit_below_kills_nobody_else() {
	mkdir "$C/a" "$C/b" || return
	limit "$C/a" 8M || return
	hog_in "$C/b" anon 20 || return
	bystander=$PID
	oom_in "$C/a" anon 32 || return
	events oom_kill 0 "$C/b" || return
	in_container "$bystander" "$C/b"
}

# The largest one is killed first, wherever it is below. The other one may follow: the
# kernel takes memory for free a moment before it is.
largest_is_killed() {
	mkdir "$C/a" "$C/b" || return
	limit "$C" 16M || return
	hog_in "$C/a" anon 10 || return
	large=$PID
	start sh -c "exec hog -a $C/b/tasks anon 8 >/dev/null"
	wait_until has_ended "$large" || return
	events oom_kill 1 "$C/a" || return
	expect "$C/a" first_killed
}

# first_killed: the container of the first process that was killed in $C
first_killed() {
	dmesg | sed -n "s#^.*oom_memcg=rcfs:$P,task_memcg=rcfs:\([^,]*\),.*#$ROOT\1#p" | head -n 1
}

group_is_killed() {
	mkdir "$C/a" "$C/a/b" || return
	limit "$C/a" 8M || return
	set_file "$C/a/memory.oom.group" 1 || return
	hog_in "$C/a" anon 1 || return
	one=$PID
	hog_in "$C/a/b" anon 1 || return
	another=$PID
	hog_in "$C" anon 1 || return
	outside=$PID
	oom_in "$C/a" anon 32 || return
	wait_until has_ended "$one" || return
	wait_until has_ended "$another" || return
	events oom_group_kill 1 "$C/a" || return
	must_be_in "$outside" "$C"
}

# The victim, which has the threads, may count twice, as in cgroup v2: first, and as one
# of the group.
threads_are_one_process() {
	limit "$C" 8M || return
	set_file "$C/memory.oom.group" 1 || return
	start threads 20
	wait_until has_threads "$PID" 20 || return
	attach_process "$PID" "$C" || return
	threads=$PID
	echo 1000 >"/proc/$threads/oom_score_adj" || return
	# The hog inherits this from the shell.
	echo -900 >/proc/self/oom_score_adj || return
	oom_in "$C" anon 32
	result=$?
	echo 0 >/proc/self/oom_score_adj
	[ $result = 0 ] && wait_until has_ended "$threads" || return
	logged "Killed process $threads (threads)" || return
	events oom_group_kill 1 "$C" || return
	kills=$(event oom_kill "$C")
	because "two processes were killed $kills times"
	[ "$kills" -ge 2 ] && [ "$kills" -le 3 ]
}

writing_a_limit_kills() {
	hog_in "$C" anon 16 || return
	limit "$C" 8M || return
	wait_until has_ended "$PID" || return
	events oom_kill 1 "$C"
}

# has_used_its_quota CONTAINER
has_used_its_quota() {
	grep -q '^nr_throttled [1-9]' "$1/cpu.stat"
}

# The victim has used its quota, and ends when it gets the CPU again. Memory is short until
# then, or until the kernel takes it from the victim. Each look for a victim is an event.
writer_waits_for_victim() {
	need_controller cpu || return
	mkdir "$C/slow" || return
	# The memory has to be there before the quota is used.
	start sh -c "echo 0 >$C/slow/tasks && text=\$(printf %2000000s) && while :; do :; done"
	wait_until at_least 1 "$C" || return
	set_file "$C/slow/cpu.cfs_period_us" 1000000 || return
	set_file "$C/slow/cpu.cfs_quota_us" 1000 || return
	wait_until has_used_its_quota "$C/slow" || return
	waited=$(reclaim_all "$C") || return
	set_file "$C/slow/cpu.cfs_quota_us" -1 || return
	wait_until has_ended "$PID" || return
	looked=$(event oom "$C")
	because "looked $looked times in $waited ms"
	# There are at most 1,000 ticks in a second. /proc/uptime is precise to 10 ms.
	[ "$looked" -ge 1 ] && [ "$looked" -le $((waited + 20)) ]
}

# Everybody gets as much as there is, and no more than that.
bomb_is_contained() {
	need_controller pids || return
	limit "$C" 16M || return
	set_file "$C/pids.max" 30 || return
	start hog -a "$C/tasks" bomb 2
	wait_until has_some_events oom_kill "$C" || return
	at_most 16 "$C" || return
	echo 1 >"$C/kill"
	wait_until is_empty "$C" || return
	wait_until at_most 2 "$C"
}

has_some_events() {
	[ "$(event "$1" "$2")" -ge 1 ]
}

frozen_is_killed() {
	need_controller freezer || return
	hog_in "$C" anon 16 || return
	set_file "$C/freezer.state" FROZEN || return
	wait_until is_frozen || return
	limit "$C" 8M || return
	wait_until has_ended "$PID" || return
	wait_until at_most 2 "$C"
}

is_frozen() {
	[ "$(cat "$C/freezer.state")" = FROZEN ]
}

# Whoever is killed by the one or the other is gone, and the container can be removed.
kill_amid_oom() {
	round=0
	while [ $round -lt 20 ]; do
		mkdir "$C/a" || return
		limit "$C/a" 8M || return
		start hog -a "$C/a/tasks" anon 32
		wait_until attached_or_over "$PID" "$C/a" || return
		start hog -a "$C/a/tasks" anon 6
		wait_until attached_or_over "$PID" "$C/a" || return
		wait_until gone "$C/a" || return
		round=$((round + 1))
	done
}

# attached_or_over PID CONTAINER
attached_or_over() {
	in_container "$1" "$2" || has_ended "$1"
}

# gone CONTAINER: one attempt
gone() {
	echo 1 >"$1/kill"
	rmdir "$1"
} 2>/dev/null

# ---- swap

# with_swap COMMAND: on a RAM disk. The command may leave tasks in $C.
with_swap() {
	need_disk /dev/ram1 || return
	[ -e "$C/memory.swap.max" ] || {
		because "the kernel has no swap"
		return "$KSFT_SKIP"
	}
	mkswap /dev/ram1 >/dev/null && swapon /dev/ram1 || return
	"$@"
	result=$?
	reset_delays
	set_file "$C/kill" 1 && wait_until is_empty "$C" && swapoff /dev/ram1 || return
	return $result
}

swaps() {
	expect max cat "$C/memory.swap.max" || return
	limit "$C" 8M || return
	hog_in "$C" anon 24 || return
	at_most 8 "$C" || return
	events oom_kill 0 "$C" || return
	# Nothing that is in swap already has to leave.
	set_file "$C/memory.swap.max" 0 || return
	expect 0 cat "$C/memory.swap.max" || return
	kill -USR1 "$PID"
	wait_until has_ended "$PID" || return
	events oom_kill 1 "$C"
}

can_swap() {
	with_swap swaps
}

# is_in_delay PID: it sleeps and cannot be killed. This is is_in_state() without a fork.
is_in_delay() {
	read -r _ _ state _ <"/proc/$1/stat" && [ "$state" = D ]
}

# A child has an mm with an owner before the child has an nsproxy. Reclaim asks for the
# memory group of the owner. This shell must not fork during the delay.
reclaims_amid_fork() {
	mkdir "$C/a" "$C/b" || return
	hog_in "$C/a" fork 16 || return
	hog=$PID
	mkfifo "$WORK/go" || return
	start sh -c "read -r _ <$WORK/go; exec rmdir $C/a"
	remover=$PID
	start sleep 4
	delay copy 10000000
	kill -USR1 "$hog"
	read -r begun _ </proc/uptime
	until is_in_delay "$hog"; do
		read -r now _ </proc/uptime
		[ $((${now%.*} - ${begun%.*})) -lt 60 ] || {
			because "process $hog does not fork"
			return 1
		}
	done
	# The nsproxy in which the parent began the fork ends with its container.
	echo "$hog" >"$C/b/procs" || return
	echo >"$WORK/go"
	wait "$remover" || return
	# That takes grace periods.
	wait "$PID"
	echo 8M >"$C/memory.limit_in_bytes" || return
	is_in_delay "$hog" || {
		because "this machine is too slow: the fork was over before memory was reclaimed"
		return "$KSFT_SKIP"
	}
	delay copy 0
	at_most 8 "$C" || return
	events oom_kill 0 "$C" || return
	wait_until has_tasks 2 "$C/b" || return
	expect 2 count_lines "$C/b/tasks"
}

can_reclaim_amid_fork() {
	[ -e "$DELAYS/delay_copy" ] || {
		because "the fork cannot be delayed (CONFIG_RCFS_DELAYS)"
		return "$KSFT_SKIP"
	}
	with_swap reclaims_amid_fork
}

# ---- rmdir(2) while memory is reclaimed

SLOW=/sys/kernel/config/nullb/rcfs-swap

# with_slow_swap COMMAND: on a disk that answers each request after 4 s, however many there
# are. The command may leave tasks in $C.
with_slow_swap() {
	CONFIGFS=
	if ! [ -d "${SLOW%/*}" ]; then
		CONFIGFS=mounted
		mount -t configfs none /sys/kernel/config 2>/dev/null
	fi
	if ! [ -d "${SLOW%/*}" ] || ! [ -e "$C/memory.swap.max" ]; then
		because "there is no swap, or no null_blk (CONFIG_BLK_DEV_NULL_BLK)"
		return "$KSFT_SKIP"
	fi
	use_slow_swap "$@"
	result=$?
	drop_slow_swap || result=1
	return $result
}

use_slow_swap() {
	mkdir "$SLOW" || return
	for setting in memory_backed=1 size=64 irqmode=2 completion_nsec=4000000000 \
		       submit_queues=1 hw_queue_depth=4096 power=1; do
		set_file "$SLOW/${setting%=*}" "${setting#*=}" || return
	done
	wait_until test -b /dev/rcfs-swap || return
	# By default, a request fails after 5 s.
	set_file /sys/block/rcfs-swap/queue/io_timeout 60000 || return
	mkswap /dev/rcfs-swap >/dev/null && swapon /dev/rcfs-swap || return
	"$@"
}

drop_slow_swap() {
	set_file "$C/kill" 1 && wait_until is_empty "$C" || return
	! grep -q '^/dev/rcfs-swap ' /proc/swaps || swapoff /dev/rcfs-swap || return
	! [ -d "$SLOW" ] || { set_file "$SLOW/power" 0 && rmdir "$SLOW"; } || return
	[ ! "$CONFIGFS" ] || umount /sys/kernel/config
}

# leave_memory CONTAINER: make it, without tasks, but with 16 MB
leave_memory() {
	mkdir "$1" || return
	hog_in "$1" anon 16 || return
	attach "$PID" "$C" || return
	must_have 16 "$1"
}

# A write of a limit tries several times to reclaim. rmdir(2) may wait for the present try
# only.
removed_amid_reclaim() {
	leave_memory "$C/a" || return
	long=$(reclaim_all "$C/a") || return
	if [ "$long" -lt 7000 ]; then
		because "the write does not wait for the disk (CONFIG_CGROUP_WRITEBACK?)"
		return "$KSFT_SKIP"
	fi
	leave_memory "$C/b" || return
	free=$(in_kb SwapFree)
	begun=$(uptime_ms)
	start sh -c "echo 0 >$C/b/memory.limit_in_bytes"
	wait_until swap_is_used "$free" || return
	rmdir "$C/b" || return
	short=$(($(uptime_ms) - begun))
	because "a write of a limit takes $long ms, and ends by rmdir after $short ms"
	[ $((short * 4)) -lt $((long * 3)) ]
}

# swap_is_used KB: less swap is free than that
swap_is_used() {
	[ "$(in_kb SwapFree)" -lt "$1" ]
}

can_remove_amid_reclaim() {
	with_slow_swap removed_amid_reclaim
}

# ---- who is told

# watch_events HOW CONTAINER NAME: what $PID has read is in $WORK/NAME
watch_events() {
	start sh -c "exec forks $1 $2/memory.events >$WORK/$3"
	wait_until test -s "$WORK/$3"
}

told() {
	mkdir "$C/$1" "$C/$1/below" || return
	limit "$C/$1/below" 8M || return
	watch_events "$1" "$C/$1" above || return
	watch_events "$1" "$C/$1/below" below || return
	oom_in "$C/$1/below" anon 32 || return
	for name in above below; do
		wait_until grep -q '^max [1-9]' "$WORK/$name" || return
	done
}

poll_tells() {
	told poll
}

inotify_tells() {
	told watch
}

# ---- containers that go

removed_at_once() {
	mkdir "$WORK/tmpfs" && mount -t tmpfs none "$WORK/tmpfs" || return
	EXTRA_MOUNTS="$EXTRA_MOUNTS $WORK/tmpfs"
	mkdir "$C/a" || return
	hog_in "$C/a" file 8 "$WORK/tmpfs/file" || return
	attach "$PID" "$C" || return
	must_have 8 "$C/a" || return
	must_be_removable "$C/a" || return
	# It counts above, as long as the file is there.
	must_have 8 "$C" || return
	end_task "$PID"
	rm "$WORK/tmpfs/file"
	wait_until at_most 3 "$C"
}

# Nobody that is in the container has to do with what is charged to it.
refilled_after_removal() {
	mkdir "$WORK/tmpfs" && mount -t tmpfs none "$WORK/tmpfs" || return
	EXTRA_MOUNTS="$EXTRA_MOUNTS $WORK/tmpfs"
	limit "$C" 16M || return
	for name in a b c; do
		mkdir "$C/$name" || return
		hog_in "$C/$name" file 4 "$WORK/tmpfs/$name" || return
		end_task "$PID"
		wait_until gone "$C/$name" || return
	done
	# 12 are in use above: 8 more are too many.
	must_have 12 "$C" || return
	oom_in "$C" anon 8
}

nothing_is_left() {
	count_memory_groups || return
	mkdir "$WORK/tmpfs" && mount -t tmpfs none "$WORK/tmpfs" || return
	EXTRA_MOUNTS="$EXTRA_MOUNTS $WORK/tmpfs"
	hog cycles "${RCFS_CYCLES:-300}" "$C" "$WORK/tmpfs/file" || return
	memory_groups_are_back
}

# ---- control groups

cgroup_comes_first() {
	mount_cgroup2 memory || return
	echo +memory >"$CGROUP/cgroup.subtree_control"
	mkdir "$CGROUP/test/below" || return
	hog_in "$C" anon 1 || return
	echo "$PID" >"$CGROUP/test/cgroup.procs"
	kill -USR1 "$PID"
	wait_until has_lines 2 "$WORK/said" || return
	at_most 2 "$C" || return
	[ "$(megabytes "$CGROUP/test/memory.current")" -ge 1 ] || return
	# A limit of the container has no say there, nor has its kill for memory.
	limit "$C" 0 || return
	in_container "$PID" "$C" || return
	echo "$PID" >"$CGROUP/cgroup.procs"
	kill -USR1 "$PID"
	wait_until has_ended "$PID" || return
	remove_cgroup2
}

# Nobody binds memory to version 1 while containers depend on version 2.
version_1_waits() {
	mkdir "$WORK/cgroup" || return
	! mount -t cgroup -o memory none "$WORK/cgroup" 2>"$WORK/why" || {
		umount "$WORK/cgroup"
		because "memory of cgroup v1 was mounted"
		return 1
	}
	grep -qi busy "$WORK/why"
}

# ---- under load

# The tasks in a need almost 1 MB of kernel memory. The limit must not kill them for that.
storm() {
	mark_log || return
	mkdir "$C/a" "$C/b" "$C/hogs" || return
	limit "$C/a" 8M || return
	limit "$C/hogs" 12M || return
	start sh -c "while :; do
		hog -a $C/hogs/tasks anon 1 &
		hog -a $C/hogs/tasks pipes 1 &
		limit=\$((limit % 8 + 1))
		echo \$((limit + 3))M >$C/a/memory.limit_in_bytes
		echo \$((limit * 2))M >$C/hogs/memory.limit_in_bytes
		echo 1 >$C/hogs/kill; kill -9 %1 %2
		wait
	done 2>/dev/null"
	storm_amid "$C/a" "$C/b"
}

rcfs_begin
need_controllers memory
point "a new container has these files, and no limit" new_container
point "limits are numbers with K, M, G and T, -1 and max" good_values
point "nothing else is a limit" bad_values
point "all kinds of memory count" kinds_count
point "huge pages count" huge_pages_count
point "memory.stat says what memory is used for" stat_says_what
point "memory that is given up does not count, but for the peak" given_up
point "what the child of a vfork takes counts" vfork_counts
point "memory counts in all containers above, and in no other" counts_above
point "containers count their own memory" exact_between
point "what is charged stays when the task moves, and new charges follow" moving_moves_nothing
point "a task in the root counts nowhere" root_is_no_container
point "a task that is launched into a container counts there" launched_counts
point "files count as long as there are pages of them" cache_counts_and_stays
point "page cache is reclaimed at the limit" cache_is_reclaimed
point "page cache is reclaimed at memory.high" high_reclaims
point "to write a limit below the usage reclaims" writing_a_limit_reclaims
point "who needs more than the limit is killed" limit_kills
point "a limit kills nobody in another container" limit_below_kills_nobody_else
point "all kinds of memory are limited" kinds_are_limited
point "the log has the path of the container" log_names_the_container
point "a limit above kills below, and is the one that was met" limit_above_kills_below
point "the largest process is killed" largest_is_killed
point "a group is killed as one" group_is_killed
point "each process of a group is killed once, whatever its threads" threads_are_one_process
point "to write a limit below the usage kills" writing_a_limit_kills
point "who writes a limit does not keep the victim from the CPU" writer_waits_for_victim
point "a fork bomb that allocates is contained" bomb_is_contained
point "a frozen process is killed" frozen_is_killed
point "kill and the OOM killer do not wait for each other" kill_amid_oom
point "memory is swapped, as much as may be" can_swap
point "memory is reclaimed while its owner forks" can_reclaim_amid_fork
point "rmdir ends a reclaim of the container" can_remove_amid_reclaim
point "poll notices events, also those below" poll_tells
point "inotify notices events, also those below" inotify_tells
point "a container with charged pages is removed at once" removed_at_once
point "what removed containers had is limited above" refilled_after_removal
point "containers that come and go leave nothing" nothing_is_left
point "a control group with the memory controller comes first" cgroup_comes_first
point "memory of cgroup v1 cannot be mounted meanwhile" version_1_waits
point "a storm of limits, kills, moves and forks does no harm" storm
ktap_finished
