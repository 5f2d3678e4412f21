#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Without memory: each allocation that an operation of rcfs needs fails once. The
# program nomem injects the failures, and checks the result. At the end it prints
# the number of allocations.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=controllers.sh
. "$(dirname "$0")/controllers.sh"

FAULTS=/sys/kernel/debug
MODULE=rust_rcfs_forks

# set_fault FILE VALUE: until the end of the test file
set_fault() {
	RESTORE="$RESTORE $1=$(cat "$FAULTS/$1")"
	echo "$2" >"$FAULTS/$1"
}

restore_faults() {
	for setting in $RESTORE; do
		echo "${setting#*=}" >"$FAULTS/${setting%%=*}"
	done
}

tidy_up() {
	restore_faults
	! [ -d /sys/module/$MODULE ] || rmmod $MODULE
	rcfs_end
	unload_subsystems
}

# fails ARGUMENT...: run nomem, with all its arguments
fails() {
	if ! nomem "$@" >"$WORK/said"; then
		cat "$WORK/said"
		because "nomem $*"
		return 1
	fi
	read -r name points failures <"$WORK/said" || return
	echo "$name $points $failures" >>"$TALLY"
}

# containers NAME...: make them in $C
containers() {
	for name; do
		mkdir "$C/$name" || return
	done
}

# need_test N: N of the subsystems test0, test1 ...
need_test() {
	load_subsystems "$1" 2>/dev/null && return
	because "there is no module test_rcfs (CONFIG_RCFS_TEST), or no room for it"
	return "$KSFT_SKIP"
}

mounts() {
	need_test 2 || return
	mkdir "$WORK/tree" || return
	fails mount test0,test1 "$WORK/tree" || return
	# Repeat with another container
	mount_tree first test0,test1 || return
	mkdir "$WORK/first/a" || return
	fails -a mount test0,test1 "$WORK/tree" || return
	expect 2 grep -c "^test.*[[:space:]]2[[:space:]]1\$" /proc/rcfs
}

makes() {
	fails mkdir "$C"
}

removes() {
	fails rmdir "$C"
}

attaches() {
	containers a b || return
	fails attach "$ROOT" "$C/a" || return
	fails attach "$C/a" "$C/b" || return
	fails attach "$C/a" "$ROOT" || return
	must_be_removable "$C/a"
}

# The attach enters the container before it finds that there is no memory.
tells_of_the_last() {
	delay find 2000
	fails empty "$ROOT" "$C" || return
	must_be_removable "$C"
}

attaches_itself() {
	containers a b || return
	fails self "$ROOT" "$C/a" || return
	fails self "$C/a" "$C/b" || return
	fails self "$C/a" "$ROOT" || return
	must_be_removable "$C/a"
}

attaches_processes() {
	containers a b || return
	fails process "$ROOT" "$C/a" || return
	fails process "$C/a" "$C/b" || return
	fails process "$C/a" "$ROOT" || return
	must_be_removable "$C/a"
}

reads() {
	mkdir "$C/a" || return
	start threads 3
	wait_until has_threads "$PID" 3 || return
	attach_process "$PID" "$C" || return
	for file in "$C"/*; do
		[ -f "$file" ] || continue
		# A write-only file
		[ -n "$(find "$file" -perm -u=r)" ] || continue
		case ${file##*/} in
		# These files change, or depend on the reader.
		cpuacct.* | cpu.stat | debug.self) fails -a read "$file" || return ;;
		*) fails read "$file" || return ;;
		esac
	done
	fails -a read "$ROOT/tasks" || return
	fails -a read "$ROOT/procs"
}

reads_proc() {
	start sleep 1000
	attach "$PID" "$C" || return
	fails read /proc/rcfs || return
	fails read "/proc/$PID/rcfs" || return
	fails read "/proc/$PID/task/$PID/rcfs"
}

writes() {
	mkdir "$C/a" || return
	start sleep 1000
	attach "$PID" "$C/a" || return
	fails write "$C/pids.max" 5 || return
	fails write "$C/cpu.shares" 512 || return
	fails write "$C/cpu.cfs_quota_us" 50000 || return
	fails write "$C/cpu.cfs_period_us" 200000 || return
	fails write "$C/freezer.state" FROZEN || return
	fails write "$C/cpuset.cpus" 0 "$PID"
}

# plain_file: print a file of the module that is not compressed
plain_file() {
	file=$(find "/lib/modules/$(uname -r)" -name "$MODULE.ko*" 2>/dev/null | head -n 1)
	case $file in
	'') return 1 ;;
	*.gz) gzip -dc "$file" >"$WORK/$MODULE.ko" ;;
	*.xz) xz -dc "$file" >"$WORK/$MODULE.ko" ;;
	*.zst) zstd -qdc "$file" >"$WORK/$MODULE.ko" ;;
	*) cp "$file" "$WORK/$MODULE.ko" ;;
	esac
}

loads() {
	if ! plain_file; then
		because "there is no module $MODULE (CONFIG_SAMPLE_RUST_RCFS_FORKS)"
		return "$KSFT_SKIP"
	fi
	! [ -d /sys/module/$MODULE ] || rmmod $MODULE || return
	fails load "$WORK/$MODULE.ko" $MODULE
}

forks() {
	fails fork "$C"
}

clones() {
	fails clone "$C"
}

launches() {
	fails launch "$C"
}

unshares() {
	fails unshare "$C"
}

enters() {
	fails setns "$C"
}

exits() {
	fails exit "$C" || return
	need_test 1 || return
	mount_tree tree test0 || return
	mkdir "$WORK/tree/a" || return
	fails exit "$C" "$WORK/tree/a"
}

tally_and_no_complaints() {
	[ ! -s "$TALLY" ] || awk '
		!($1 in points) { order[++n] = $1 }
		{ points[$1] += $2; failures[$1] += $3; all += $2; failed += $3 }
		END {
			for (i = 1; i <= n; i++)
				printf "# %s: %d allocations failed, %d times an error\n",
				       order[i], points[order[i]], failures[order[i]]
			printf "# together: %d, %d times an error\n", all, failed
		}' "$TALLY"
	no_complaints
}

rcfs_begin
RESTORE=
trap tidy_up EXIT
[ -e /proc/self/fail-nth ] && [ -d $FAULTS/failslab ] && [ -d $FAULTS/fail_page_alloc ] ||
	skip_all "no allocation can be made to fail (CONFIG_FAILSLAB, CONFIG_FAIL_PAGE_ALLOC)"
need_controllers pids debug cpu cpuset freezer
for kind in failslab fail_page_alloc; do
	# Allocations that may sleep fail as well, without a message
	set_fault $kind/ignore-gfp-wait N
	set_fault $kind/verbose 0
done
set_fault failslab/cache-filter N
set_fault fail_page_alloc/min-order 0
TALLY=$WORK/tally
: >"$TALLY"
mark_log
point "a mount without memory uses no hierarchy" mounts
point "a mkdir without memory leaves no directory and no state" makes
point "a rmdir without memory leaves a usable container" removes
point "an attach without memory moves no task" attaches
point "an attach without memory hides no notification of empty" tells_of_the_last
point "a task that attaches itself without memory does not move" attaches_itself
point "a process is moved without memory as a whole, or fails" attaches_processes
point "a file is read completely, or the read fails without memory" reads
point "/proc shows all, or the read fails without memory" reads_proc
point "a write without memory changes no value" writes
point "a controller is not registered without memory" loads
point "a fork without memory counts nowhere" forks
point "a fork without memory for namespaces counts nowhere" clones
point "a launch without memory counts nowhere" launches
point "an unshare without memory does not move the task" unshares
point "a setns without memory does not move the task" enters
point "a task exits without memory, and counts until it is reaped" exits
point "the kernel has not complained" tally_and_no_complaints
ktap_finished
