# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Functions for all tests of rcfs. A test file defines functions and calls
#
#	rcfs_begin
#	point "what is true" function	# for each, at the beginning of a line
#	ktap_finished
#
# Every point runs in a subshell. $C is an empty container of its own below the root
# container $ROOT, and $P the path of $C from the root of the hierarchy. $WORK is an
# empty folder. $SELF is the id of the subshell, which is in the root container.
# Tasks that are left in $C are killed. If $C cannot be removed then, the point has
# failed. A function that fails prints the reason with because() and returns
# non-zero. It returns $KSFT_SKIP if it cannot run.

HERE=$(cd "$(dirname "$0")" && pwd)
for folder in "$HERE/../kselftest" "${BASE_DIR:-}/kselftest"; do
	if [ -r "$folder/ktap_helpers.sh" ]; then
		# shellcheck source=ktap_helpers.sh
		. "$folder/ktap_helpers.sh"
		break
	fi
done
if [ -z "${KSFT_SKIP:-}" ]; then
	echo "Bail out! ktap_helpers.sh is not in $HERE/../kselftest"
	exit 1
fi
PATH=$HERE:$PATH

# The events that tests wait for take milliseconds, or seconds with a debug kernel
# on a busy host. After this many seconds, they will not happen.
LIMIT=300

because() {
	printf '# %s\n' "$*"
}

skip_all() {
	ktap_skip_all "$*"
	exit "$KSFT_SKIP"
}

# rcfs_begin: mount rcfs at $ROOT, and begin the output. The same set of subsystems
# is the same tree, so this is the tree of the system, if there is one.
rcfs_begin() {
	ktap_print_header
	[ "$(id -u)" = 0 ] || skip_all "root is needed to mount rcfs"
	grep -qw rcfs /proc/filesystems || skip_all "this kernel has no rcfs (CONFIG_RCFS)"
	ROOT='' WORK=''
	trap rcfs_end EXIT
	trap 'exit 1' HUP INT TERM
	ROOT=$(mktemp -d /tmp/rcfs-root.XXXXXX) || ktap_exit_fail_msg "no folder in /tmp"
	WORK=$(mktemp -d /tmp/rcfs-work.XXXXXX) || ktap_exit_fail_msg "no folder in /tmp"
	chmod 755 "$WORK"
	mount -t rcfs -o "$(rcfs_options)" none "$ROOT" ||
		ktap_exit_fail_msg "rcfs cannot be mounted at $ROOT"
	POINT=0
	ktap_set_plan "$(grep -c '^point ' "$0")"
}

# rcfs_options: print the mount options of an existing tree, or those of a new one
rcfs_options() {
	awk '$3 == "rcfs" { print $4; exit }' /proc/mounts | grep . || echo all
}

# has_controller NAME: the tree has this controller
has_controller() {
	rcfs_options | tr , '\n' | grep -qx "$1"
}

# has_user_namespaces: the kernel supports them, for try -n
has_user_namespaces() {
	try -n run true 2>/dev/null
}

rcfs_end() {
	[ "$ROOT" ] || return
	! mountpoint_of "$ROOT" || umount "$ROOT"
	rmdir "$ROOT"
	[ "$WORK" ] || return
	# rm must not remove the contents of mounts that a point has left.
	mounts_below "$WORK" | while read -r folder; do
		umount -l "$folder"
	done
	[ "$(mounts_below "$WORK")" ] || rm -rf "$WORK"
}

# mounts_below FOLDER: print them, the last one first
mounts_below() {
	awk -v folder="$1/" '
		index($2, folder) == 1 { all = $2 "\n" all }
		END { printf "%s", all }
	' /proc/mounts
}

mountpoint_of() {
	awk -v dir="$1" '$2 == dir { found = 1 } END { exit !found }' /proc/mounts
}

# point DESCRIPTION FUNCTION
point() {
	POINT=$((POINT + 1))
	# shellcheck disable=SC2030 # for the functions that run here
	(
		P=/test-$$-$POINT
		C=$ROOT$P
		WORK=$WORK/$POINT
		mkdir -m 755 "$WORK" || exit 1
		CHILDREN=
		EXTRA_MOUNTS=
		TREES=
		UNMOUNTED=
		KTHREAD=
		read -r SELF _ </proc/self/stat
		mkdir "$C" || exit 1
		"$2"
		result=$?
		tidy || exit 1
		exit $result
	)
	case $? in
	0) ktap_test_pass "$1" ;;
	"$KSFT_SKIP") ktap_test_skip "$1" ;;
	*) ktap_test_fail "$1" ;;
	esac
}

# mounts_of OPTIONS: print where the tree with these options is mounted, and the options
mounts_of() {
	awk -v options="$1" '$3 == "rcfs" && $4 == options { print $2, $4 }' /proc/mounts
}

# unmount_all: unmount rcfs where the lines "FOLDER OPTIONS" of the input say so. tidy()
# mounts rcfs there again, but not at $ROOT. Others may need their mounts, so RCFS_UNMOUNT
# has to allow this.
unmount_all() {
	while read -r other other_options; do
		if [ "$other" != "$ROOT" ] && [ ! "${RCFS_UNMOUNT-}" ]; then
			because "rcfs is mounted at $other: unmount it, or set RCFS_UNMOUNT=1"
			return "$KSFT_SKIP"
		fi
		if ! umount "$other" 2>/dev/null; then
			because "cannot unmount $other"
			return "$KSFT_SKIP"
		fi
		[ "$other" = "$ROOT" ] || UNMOUNTED="$UNMOUNTED $other:$other_options"
	done
}

# thaw_all: because a frozen task cannot be ended
thaw_all() {
	find "$ROOT" -name freezer.state 2>/dev/null | while read -r state; do
		echo THAWED >"$state"
	done
}

# tidy: end the tasks of the point, and remove its containers
tidy() {
	thaw_all
	for pid in $CHILDREN; do
		end_task "$pid"
	done
	reset_delays
	reset_subsystems
	tidied=0
	for folder in $EXTRA_MOUNTS; do
		wait_until unmounted "$folder" || tidied=1
	done
	for folder in $TREES; do
		wait_until tree_empty_out "$folder" || tidied=1
		umount "$folder" || tidied=1
	done
	[ -e "$ROOT/tasks" ] || mount -t rcfs -o "$(rcfs_options)" none "$ROOT"
	[ ! "$KTHREAD" ] || echo "$KTHREAD" >"$ROOT/tasks"
	[ ! -e "$C" ] || wait_until empty_out || tidied=1
	for mounted in $UNMOUNTED; do
		mount -t rcfs -o "${mounted#*:}" none "${mounted%%:*}" || tidied=1
	done
	return $tidied
}

# unmounted FOLDER: try once. An exiting task may be in there.
unmounted() {
	! mountpoint_of "$1" || umount "$1" 2>/dev/null
}

# empty_out: try once to remove $C with all containers in it
empty_out() {
	echo 0 >"$ROOT/tasks"
	find "$C" -name tasks -exec cat {} + 2>/dev/null | while read -r pid; do
		kill -9 "$pid" 2>/dev/null
	done
	find "$C" -depth -type d -exec rmdir {} \; 2>/dev/null
	[ ! -e "$C" ]
}

# tree_empty_out TREE: try once to remove all containers in it
tree_empty_out() {
	echo 0 >"$1/tasks"
	find "$1" -mindepth 2 -name tasks -exec cat {} + 2>/dev/null | while read -r pid; do
		kill -9 "$pid" 2>/dev/null
	done
	find "$1" -mindepth 1 -depth -type d -exec rmdir {} \; 2>/dev/null
	! find "$1" -mindepth 1 -type d | grep -q .
}

# no_room_for MODULE: its controller would exceed the maximum
no_room_for() {
	if modprobe "$1" 2>"$WORK/why"; then
		rmmod "$1"
		return 1
	fi
	grep -q 'No space left' "$WORK/why"
}

# ---- the subsystems test0, test1 ... for tests: see kernel/rcfs/test_rcfs.c

PARAMETERS=/sys/module/test_rcfs/parameters

# load_subsystems N: N of them, or for 0 as many as possible
load_subsystems() {
	! [ -d $PARAMETERS ] || rmmod test_rcfs || return
	modprobe test_rcfs count="$1"
}

# load_one_subsystem: test0, or skip the point
load_one_subsystem() {
	load_subsystems 1 2>/dev/null && return
	because "there is no module test_rcfs (CONFIG_RCFS_TEST), or no room for it"
	return "$KSFT_SKIP"
}

# need_subsystems N: for all points, or skip the test file
need_subsystems() {
	find "/lib/modules/$(uname -r)" -name 'test_rcfs.ko*' 2>/dev/null | grep -q . ||
		skip_all "there is no module test_rcfs (CONFIG_RCFS_TEST)"
	trap 'rcfs_end; unload_subsystems' EXIT
	if ! load_subsystems "$1" 2>"$WORK/why"; then
		! grep -q 'No space left' "$WORK/why" ||
			skip_all "there is no room for $1 subsystems"
		ktap_exit_fail_msg "the module test_rcfs cannot be loaded: $(cat "$WORK/why")"
	fi
	COUNT=$(cat $PARAMETERS/count)
	ROOM=$(free_hierarchies)
	because "room for $COUNT test subsystems and $ROOM hierarchies"
}

# free_hierarchies: print how many more there can be, with one of test0, test1 ...
# each
free_hierarchies() {
	free=0
	while [ $free -lt "$COUNT" ]; do
		mkdir -p "$WORK/free$free"
		[ "$(try mount test$free "$WORK/free$free")" = OK ] || break
		free=$((free + 1))
	done
	mounted=0
	while [ $mounted -lt $free ]; do
		umount "$WORK/free$mounted"
		mounted=$((mounted + 1))
	done
	echo $free
}

unload_subsystems() {
	! [ -d $PARAMETERS ] || rmmod test_rcfs
}

# refuse WHAT ERRNO: let a subsystem refuse, until the end of the point
refuse() {
	echo "$2" >"$PARAMETERS/refuse_$1"
}

reset_subsystems() {
	[ -d $PARAMETERS ] || return 0
	for parameter in create populate attach fork; do
		refuse $parameter 0
	done
	echo 4294967295 >$PARAMETERS/refuser
	echo 0 >$PARAMETERS/linger
}

# states: print how many states the subsystems for tests have made and not destroyed
states() {
	cat $PARAMETERS/states
}

# mount_tree NAME OPTIONS: mount a tree at $WORK/NAME, until the end of the point.
# The point must not leave tasks in it that it has not started.
mount_tree() {
	# shellcheck disable=SC2086 # one word each
	set -- "$1" "$2" $TREES
	if [ $(($# - 2)) -ge "${ROOM:-1}" ]; then
		because "there is no room for one more hierarchy"
		return "$KSFT_SKIP"
	fi
	mkdir -p "$WORK/$1" || return
	expect OK try mount "$2" "$WORK/$1" || return
	TREES="$TREES $WORK/$1"
}

# names N: test0,test1... of N subsystems
names() {
	name=0
	while [ $name -lt "$1" ]; do
		[ $name = 0 ] || printf ,
		printf 'test%d' $name
		name=$((name + 1))
	done
}

# mark_log: begin a part of the kernel's log for no_complaints
mark_log() {
	read -r up _ </proc/uptime
	MARK="rcfs selftest $$ at $up"
	TAINTED=$(cat /proc/sys/kernel/tainted)
	wait_until put_mark
}

# The kernel may drop a line if there are many.
put_mark() {
	echo "<7>$MARK" >/dev/kmsg
	dmesg | grep -qF "$MARK"
}

# no_complaints: none since mark_log. If the log has lost the mark, all of it is newer.
# The host reads the whole console, and decides whether a data race concerns rcfs.
COMPLAINT='WARNING:|BUG:|BUG at |BUG [^ ]+ [(]|UBSAN:|Oops|refcount_t:|KASAN'
COMPLAINT="$COMPLAINT|possible .* (locking|recursion)|suspicious RCU|rcu: INFO|blocked for"
no_complaints() {
	complained=$(dmesg | awk -v mark="$MARK" -v complaint="$COMPLAINT" '
		index($0, mark) { n = 0; next }
		$0 ~ complaint && !/BUG: KCSAN/ { lines[n++] = $0 }
		END {
			if (!NR)
				print "dmesg prints nothing"
			for (i = 0; i < n; i++)
				print lines[i]
		}')
	expect '' echo "$complained" || return
	expect "$TAINTED" cat /proc/sys/kernel/tainted
}

# ---- delays that widen races: see kernel/rcfs/delay.c

DELAYS=/sys/kernel/debug/rcfs

# io_uring is available if this file exists.
URING=/proc/sys/kernel/io_uring_disabled

# The kernel checks all memory accesses or all locks.
is_slow() {
	[ -e /sys/kernel/debug/kmemleak ] || [ -e /proc/lockdep ]
}

# delay WHERE US: until the end of the point. Without this facility, the race needs
# luck.
delay() {
	[ -d $DELAYS ] || return 0
	echo "$2" >"$DELAYS/delay_$1"
}

reset_delays() {
	for where in "$DELAYS"/delay_*; do
		! [ -e "$where" ] || echo 0 >"$where"
	done
}

# start COMMAND...: start it in the background; $PID is its process id
start() {
	"$@" </dev/null >/dev/null 2>&1 &
	PID=$!
	CHILDREN="$CHILDREN $PID"
}

# in_kb NAME: print the value from /proc/meminfo
in_kb() {
	sed -n "s/^$1: *\([0-9]*\) kB/\1/p" /proc/meminfo
}

# drop_caches: make the kernel give back what it keeps without need. Slabs without objects
# count as used memory, too.
drop_caches() {
	echo 3 >/proc/sys/vm/drop_caches
	for shrink in /sys/kernel/slab/*/shrink; do
		! [ -e "$shrink" ] || echo 1 >"$shrink"
	done
}

# slabs: print in kB what the kernel has allocated and does not give back on request
slabs() {
	drop_caches
	in_kb SUnreclaim
}

# end_task PID: end a task of start()
end_task() {
	{
		kill -9 "$1"
		wait "$1"
		true
	} 2>/dev/null
}

# wait_until COMMAND...: until the command succeeds
wait_until() {
	read -r since _ </proc/uptime
	until "$@"; do
		read -r now _ </proc/uptime
		if [ $((${now%.*} - ${since%.*})) -ge "$LIMIT" ]; then
			because "waited $LIMIT s in vain: $*"
			return 1
		fi
		sleep 0.05 2>/dev/null || sleep 1
	done
}

# expect RESULT COMMAND...: the command prints exactly this
expect() {
	wanted=$1
	shift
	got=$("$@" 2>&1)
	[ "$got" = "$wanted" ] && return
	because "$(printf '%s' "$*" | cut -c 1-200): '$got', expected '$wanted'"
	return 1
}

# attach ID CONTAINER
attach() {
	expect OK try write "$2/tasks" "$1"
}

# attach_process ID CONTAINER: attach all of its threads
attach_process() {
	expect OK try write "$2/procs" "$1"
}

# in_container ID CONTAINER
in_container() {
	grep -qx "$1" "$2/tasks"
}

# take_kernel_thread: move the kernel thread $KTHREAD to $C, until the end of the
# point or until it is moved. It cannot be killed.
take_kernel_thread() {
	for KTHREAD in $(ids_of_kernel_threads); do
		[ "$(try write "$C/tasks" "$KTHREAD")" != OK ] || return 0
	done
	KTHREAD=
	because "no kernel thread can be moved"
	return "$KSFT_SKIP"
}

# ids_of_kernel_threads: except for those of CPUs
ids_of_kernel_threads() {
	for stat in /proc/[0-9]*/stat; do
		[ -s "${stat%/stat}/cmdline" ] && continue
		sed -n 's/^\([0-9]*\) (k[a-z]*) .*/\1/p' "$stat" 2>/dev/null
	done
}

# must_be_in ID CONTAINER: it is there, and in no other container of the test
must_be_in() {
	if ! in_container "$1" "$2"; then
		because "task $1 is not in $2/tasks"
		return 1
	fi
	for other in "$ROOT" "$C"; do
		if [ "$other" != "$2" ] && [ -e "$other" ] && in_container "$1" "$other"; then
			because "task $1 is in $other/tasks as well as in $2/tasks"
			return 1
		fi
	done
}

# must_be_removable CONTAINER: it can be removed at once
must_be_removable() {
	expect OK try rmdir "$1"
}

# drop_tree: unmount $T, which must be empty
drop_tree() {
	wait_until tree_empty_out "$T" || return
	umount "$T" && TREES=
}

# must_be_empty CONTAINER: no task in it
must_be_empty() {
	expect "" cat "$1/tasks"
}

# is_empty CONTAINER: it and all below have no tasks
is_empty() {
	[ "$(cat "$1/empty")" = 1 ]
}

# start_unshared COMMAND...: start() with its own uts and ipc namespaces
start_unshared() {
	mine=$(readlink /proc/self/ns/uts)
	start unshare -u -i "$@"
	wait_until has_other_ns "$PID" "$mine"
}

# has_other_ns ID NAMESPACE
has_other_ns() {
	other=$(readlink "/proc/$1/ns/uts") && [ "$other" != "$2" ]
}

# threads_of ID: print their ids, sorted
threads_of() {
	for thread in "/proc/$1/task"/*; do
		echo "${thread##*/}"
	done | sort -n
}

count_lines() {
	lines=$(wc -l <"$1")
	echo $((lines))
}

# has_tasks N CONTAINER: at least
has_tasks() {
	[ "$(count_lines "$2/tasks")" -ge "$1" ]
}

# of this shell, not of a child
voluntary_switches() {
	sed -n 's/^voluntary_ctxt_switches:[^0-9]*//p' "/proc/$SELF/status"
}

# moves_without_sleep FILE: write $PID to it 50 times, in $C/a and $C/b in turn. A
# write that waits for a grace period sleeps, which the number of context switches
# shows, however fast the machine is.
moves_without_sleep() {
	mkdir "$C/a" "$C/b" || return
	before=$(voluntary_switches)
	for _ in 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4; do
		echo "$PID" >"$C/a/$1"
		echo "$PID" >"$C/b/$1"
	done
	after=$(voluntary_switches)
	if [ $((after - before)) -ge 25 ]; then
		because "slept $((after - before)) times in 50 attaches"
		return 1
	fi
}

# task_state ID: print R, S, Z ...
task_state() {
	sed 's/.*) //; s/ .*//' "/proc/$1/stat" 2>/dev/null
}

is_in_state() {
	[ "$(task_state "$2")" = "$1" ]
}

# count_threads ID
count_threads() {
	set -- "/proc/$1/task"/*
	echo $#
}

has_threads() {
	[ "$(count_threads "$1")" -eq "$2" ]
}
