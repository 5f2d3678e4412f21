#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Very many operations, and very many objects at once. Nothing may be left behind,
# and the use of memory must be as before. RCFS_ATTACHES and RCFS_CONTAINERS are the
# numbers, by default a million and a hundred thousand, or fewer with KASAN and the
# like or with little memory. tasks.sh has as many tasks as fit into memory.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# per_cpu_allocations: print how many pieces of per-CPU memory are allocated. Their size
# says nothing about a leak: one piece keeps a chunk with room for thousands.
per_cpu_allocations() {
	if [ -e /sys/kernel/debug/percpu_stats ]; then
		awk '$1 == "nr_cur_alloc" { print $3 }' /sys/kernel/debug/percpu_stats
	else
		echo 0
	fi
}

# is_back_to KB PIECES: memory may be freed a grace period later. Other parts of the
# kernel use some.
is_back_to() {
	left=$(slabs)
	pieces=$(per_cpu_allocations)
	[ "$left" -le $(($1 + SLACK)) ] && [ "$pieces" -le $(($2 + 100)) ]
}

# After a million operations, a leak of two bytes each is visible.
SLACK=2048

# keeps_memory COMMAND...: run the command, which must have run before
keeps_memory() {
	wait_until states_are_settled || return
	before=$(slabs)
	pieces_before=$(per_cpu_allocations)
	"$@" || return
	because "before: $before kB of slabs, $pieces_before pieces of per-CPU memory"
	wait_until is_back_to "$before" "$pieces_before" || {
		because "left: $left kB, $pieces pieces"
		return 1
	}
	because "after: $left kB, $pieces pieces"
	wait_until states_are_settled
}

# state_count: print how many states the controller debug has, one for each
# container
state_count() {
	! [ -e "$ROOT/debug.states" ] || cat "$ROOT/debug.states"
}

# States of removed containers, also those of the last point, are freed a grace
# period later.
states_are_settled() {
	! [ -e "$ROOT/debug.states" ] ||
		[ "$(state_count)" = "$(awk '$1 == "debug" { print $3 }' /proc/rcfs)" ]
}

# many_times KIND N: run N operations of the program many
many_times() {
	many "$1" "$2" "$C/a" "$C/b" >"$WORK/late" || {
		cat "$WORK/late"
		return 1
	}
	because "$2 $1, $(cat "$WORK/late") us at most"
}

# attach_often KIND
attach_often() {
	mkdir "$C/a" "$C/b" || return
	many_times "$1" 1000 || return
	keeps_memory many_times "$1" "$RCFS_ATTACHES" || return
	must_be_removable "$C/a" || return
	must_be_removable "$C/b"
}

attach_very_often() {
	attach_often attaches
}

nsproxies_come_and_go() {
	attach_often nsproxies
}

# make_and_remove N
make_and_remove() {
	wait_until states_are_settled || return
	states=$(state_count)
	drop_caches
	empty=$(in_kb MemFree)
	many containers "$1" "$C" >"$WORK/late" || return
	drop_caches
	each=$(((empty - $(in_kb MemFree)) / $1 + 1))
	# Other memory may have been freed meanwhile. No container takes less than this.
	[ "$each" -ge 16 ] || each=16
	if [ "$states" ]; then
		expect $((states + $1 + ($1 + 999) / 1000)) state_count || return
	fi
	because "$1 containers at once, $each kB each, $(cat "$WORK/late") us at most"
	# All containers can be used.
	start sleep 1000
	last=$C/$((($1 - 1) / 1000))/$((($1 - 1) % 1000))
	attach "$PID" "$last" || return
	must_be_in "$PID" "$last" || return
	attach "$PID" "$ROOT" || return
	many removals "$1" "$C" >"$WORK/late" || return
	because "$1 removed, $(cat "$WORK/late") us at most"
	end_task "$PID"
	wait_until states_are_settled
}

very_many_containers() {
	make_and_remove 1000 || return
	# Directories that are in use take memory as well, so fill half of what there is.
	fit=$(($(in_kb MemAvailable) / (2 * each)))
	number=$RCFS_CONTAINERS
	[ "$number" -le "$fit" ] || number=$fit
	keeps_memory make_and_remove "$number"
}

containers_come_and_go() {
	keeps_memory make_and_remove_often
}

make_and_remove_often() {
	for _ in $(seq $((RCFS_CONTAINERS / 1000))); do
		many containers 100 "$C" >/dev/null || return
		many removals 100 "$C" >/dev/null || return
	done
	because "$((RCFS_CONTAINERS / 10)) containers one after the other"
}

rcfs_begin
[ -e /sys/kernel/debug/percpu_stats ] ||
	because "per-CPU memory is not counted (CONFIG_PERCPU_STATS, debugfs)"
if is_slow; then
	RCFS_ATTACHES=${RCFS_ATTACHES:-10000}
	RCFS_CONTAINERS=${RCFS_CONTAINERS:-1000}
	# KASAN keeps freed memory in a quarantine of a 32nd of all memory. kmemleak
	# finds leaks here.
	SLACK=$((SLACK + $(in_kb MemTotal) / 16))
fi
RCFS_ATTACHES=${RCFS_ATTACHES:-1000000}
RCFS_CONTAINERS=${RCFS_CONTAINERS:-100000}
mark_log
point "after very many attaches, memory is what it was" attach_very_often
point "after very many nsproxies, memory is what it was" nsproxies_come_and_go
point "after very many containers at once, memory is what it was" very_many_containers
point "after very many containers in turn, memory is what it was" containers_come_and_go
point "the kernel has not complained" no_complaints
ktap_finished
