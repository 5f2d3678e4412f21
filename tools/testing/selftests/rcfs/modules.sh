#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Controllers that are loaded and unloaded: the sample
# samples/rust/rust_rcfs_forks.rs as a controller that has just been written. At the
# end it is loaded, mounted, used, unmounted and unloaded RCFS_CYCLES times: two
# hundred, or fewer with KASAN and the like.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

MODULE=rust_rcfs_forks
CYCLES=200
FORKS=1000	# a multiple of 2
! is_slow || CYCLES=30 FORKS=200
CYCLES=${RCFS_CYCLES:-$CYCLES}

# module_files NAME: print the file that modprobe finds
module_files() {
	find "/lib/modules/$(uname -r)" -name "$1.ko*" 2>/dev/null
}

is_loaded() {
	[ -d "/sys/module/$MODULE" ]
}

# listed: print the line of the controller in /proc/rcfs without the name
listed() {
	sed -n 's/^forks[[:space:]]*//p' /proc/rcfs | tr '\t' ' '
}

load() {
	is_loaded || modprobe $MODULE
}

# unload: at once
unload() {
	expect OK modules unload $MODULE
}

# tidy_up: at the end of the test file, in any case
tidy_up() {
	rcfs_end
	! is_loaded || rmmod $MODULE
	unload_subsystems
}

# a_tree [CONTAINER...]: mount $T with the controller, and make these containers
a_tree() {
	load || return
	mount_tree tree forks || return
	T=$WORK/tree
	for container; do
		mkdir "$T/$container" || return
	done
}

# value CONTAINER/FILE: below $T
value() {
	cat "$T/${1%/*}/forks.${1##*/}"
}

# limit CONTAINER MAX
limit() {
	expect OK try write "$T/$1/forks.max" "$2"
}

# fork_in CONTAINER RESULT...: fork once for each result
fork_in() {
	folder=$T/$1
	shift
	for result; do
		expect "$result" try forkin "$folder/tasks" || return
	done
}

must_be_in_use() {
	expect EAGAIN modules unload $MODULE
}

comes_and_goes() {
	! is_loaded || unload || return
	expect "" listed || return
	load || return
	# The controller is in no hierarchy, and all tasks are in its root.
	expect "0 1 1" listed || return
	unload || return
	expect "" listed
}

is_mounted_and_unmounted() {
	a_tree a b a/c || return
	expect "4 1" columns_behind_hierarchy || return
	expect "forks.*" forks_files . || return
	expect "forks.count forks.max forks.refused" forks_files a/c || return
	grep -q ":forks:/\$" "/proc/$SELF/rcfs" || return
	drop_tree || return
	expect "0 1 1" listed || return
	unload
}

columns_behind_hierarchy() {
	listed | cut -d ' ' -f 2-
}

# forks_files CONTAINER: print their names
forks_files() {
	(cd "$T/$1" && echo forks.*)
}

files_take_numbers() {
	a_tree a || return
	expect max value a/max || return
	for number in 0 7 " 42
" 9223372036854775806 max "	max
"; do
		limit a "$number" || return
		expect "$(printf '%s' "$number" | tr -d ' \t\n')" value a/max || return
	done
	limit a 5 || return
	for bad in "" "
" -1 +1 0x1 "1 2" 1.5 x MAX maximum "max 1" "1
2"; do
		expect EINVAL try write "$T/a/forks.max" "$bad" || return
	done
	for large in 9223372036854775807 18446744073709551616; do
		expect ERANGE try write "$T/a/forks.max" $large || return
	done
	expect E2BIG try write "$T/a/forks.max" "$(printf '%05000d' 1)" || return
	expect 5 value a/max || return
	expect EINVAL try write "$T/a/forks.count" 0 || return
	expect EINVAL try write "$T/a/forks.refused" 0 || return
	expect EACCES try -u 1000 write "$T/a/forks.max" 1 || return
	expect "644 444 444" modes
}

modes() {
	echo "$(stat -c %a "$T/a/forks.max")" "$(stat -c %a "$T/a/forks.count")" \
		"$(stat -c %a "$T/a/forks.refused")"
}

budget_ends() {
	a_tree a || return
	limit a 3 || return
	fork_in a OK OK OK EAGAIN EAGAIN || return
	expect 3 value a/count || return
	expect 2 value a/refused || return
	# The children have ended, and no fork can replace them.
	must_be_empty "$T/a" || return
	limit a 4 || return
	fork_in a OK EAGAIN || return
	limit a 1 || return
	fork_in a EAGAIN || return
	limit a max || return
	fork_in a OK OK || return
	expect 6 value a/count || return
	expect 4 value a/refused
}

none_at_all() {
	a_tree a a/b || return
	limit a 0 || return
	fork_in a EAGAIN || return
	fork_in a/b EAGAIN || return
	expect 0 value a/count
}

budgets_nest() {
	a_tree outer outer/inner outer/other || return
	limit outer 2 || return
	limit outer/inner 4 || return
	fork_in outer/inner OK OK || return
	# Each time the outer budget refuses, the inner charge is undone.
	fork_in outer/inner EAGAIN EAGAIN EAGAIN || return
	fork_in outer/other EAGAIN || return
	expect 2 value outer/inner/count || return
	expect 0 value outer/inner/refused || return
	expect 2 value outer/count || return
	expect 4 value outer/refused || return
	limit outer max || return
	fork_in outer/inner OK OK EAGAIN || return
	expect 1 value outer/inner/refused || return
	# A refusal below counts above as well.
	expect 5 value outer/refused || return
	fork_in outer/other OK || return
	expect 5 value outer/count
}

moving_is_no_fork() {
	a_tree a b || return
	limit a 0 || return
	start threads 4
	wait_until has_threads "$PID" 4 || return
	attach_process "$PID" "$T/a" || return
	attach_process "$PID" "$T/b" || return
	expect 0 value a/count || return
	expect 0 value b/count
}

threads_count() {
	a_tree a || return
	start sh -c "echo 0 >$T/a/tasks; exec threads 5"
	wait_until has_threads "$PID" 5 || return
	expect 4 value a/count
}

removal_keeps_it_above() {
	a_tree a a/b || return
	fork_in a/b OK OK || return
	must_be_removable "$T/a/b" || return
	expect 2 value a/count || return
	mkdir "$T/a/b" || return
	expect 0 value a/b/count
}

# storms N CONTAINER...: N forks in each at the same time; sets $MADE, $REFUSED
storms() {
	number=$1
	shift
	: >"$WORK/storms"
	pids=
	for container; do
		modules fork "$T/$container/tasks" "$number" >>"$WORK/storms" &
		pids="$pids $!"
	done
	CHILDREN="$CHILDREN $pids"
	# shellcheck disable=SC2086 # one word each
	wait $pids || return
	expect $# count_lines "$WORK/storms" || return
	MADE=$(awk '{ sum += $1 } END { print sum }' "$WORK/storms")
	REFUSED=$(awk '{ sum += $2 } END { print sum }' "$WORK/storms")
}

storms_are_counted() {
	a_tree a a/b a/c d || return
	storms $FORKS a/b a/b a/c d || return
	expect "$((4 * FORKS)) 0" echo "$MADE $REFUSED" || return
	expect $((2 * FORKS)) value a/b/count || return
	expect $FORKS value a/c/count || return
	expect $((3 * FORKS)) value a/count || return
	expect $FORKS value d/count
}

storms_hit_the_limit() {
	a_tree a a/b a/c || return
	half=$((3 * FORKS / 2))
	limit a $half || return
	storms $FORKS a/b a/c a/c || return
	expect "$half $half" echo "$MADE $REFUSED" || return
	expect $half value a/count || return
	expect $half value a/refused || return
	expect $half echo $(($(value a/b/count) + $(value a/c/count))) || return
	expect 0 echo $(($(value a/b/refused) + $(value a/c/refused)))
}

# is_notified ACTION: an action of the program try
is_notified() {
	a_tree a a/b || return
	limit a 1 || return
	for watched in a a/b; do
		try "$1" "$T/$watched/forks.refused" >"$WORK/said.${watched#a/}" &
		CHILDREN="$CHILDREN $!"
		wait_until grep -q waiting "$WORK/said.${watched#a/}" || return
	done
	# A fork is no event. A refusal is an event of a, but not of a/b.
	fork_in a/b OK EAGAIN || return
	wait_until grep -q OK "$WORK/said.a" || return
	expect waiting cat "$WORK/said.b" || return
	limit a max || return
	limit a/b 0 || return
	fork_in a/b EAGAIN || return
	wait_until grep -q OK "$WORK/said.b"
}

poll_tells() {
	is_notified poll
}

inotify_tells() {
	is_notified watch
}

# with_test_subsystem: mount $T with test0 as well. The hooks of test0 are called
# last, because its module is loaded last.
with_test_subsystem() {
	load || return
	load_one_subsystem || return
	mount_tree tree forks,test0 || return
	T=$WORK/tree
	mkdir "$T/a" "$T/a/b"
}

others_may_refuse() {
	with_test_subsystem || return
	refuse fork -11
	fork_in a/b EAGAIN EAGAIN || return
	expect 0 value a/b/count || return
	expect 0 value a/count || return
	expect 0 value a/refused || return
	refuse fork 0
	fork_in a/b OK || return
	expect 1 value a/count
}

refusal_is_for_others_too() {
	! [ -d "$PARAMETERS" ] || rmmod test_rcfs || return
	! is_loaded || unload || return
	# In the other order: the hooks of test0 are called first, and its charge is
	# undone.
	load_one_subsystem || return
	load || return
	mount_tree tree forks,test0 || return
	T=$WORK/tree
	mkdir "$T/a" || return
	limit a 1 || return
	fork_in a OK EAGAIN EAGAIN || return
	expect 0 cat "$T/a/test0.tasks" || return
	must_be_removable "$T/a"
}

bound_module_stays() {
	a_tree a || return
	must_be_in_use || return
	# rmmod(8) fails as well, and changes nothing.
	if rmmod $MODULE 2>/dev/null; then
		because "rmmod has unloaded a module that is in use"
		return 1
	fi
	fork_in a OK || return
	expect 1 value a/count
}

containers_keep_it() {
	a_tree a || return
	limit a 2 || return
	umount "$T" || return
	expect "2 1" columns_behind_hierarchy || return
	must_be_in_use || return
	mount -t rcfs -o forks none "$T" || return
	expect 2 value a/max || return
	fork_in a OK OK EAGAIN || return
	must_be_removable "$T/a" || return
	umount "$T" || return
	TREES=
	unload
}

open_files_keep_it() {
	a_tree a || return
	exec 9<"$T/a/forks.count"
	rmdir "$T/a" || return
	umount -l "$T" || return
	TREES=
	must_be_in_use || return
	# The container is removed, even if its files are open.
	expect ENODEV try fdread 9 || return
	exec 9<&-
	wait_until can_unload
}

can_unload() {
	[ "$(modules unload $MODULE)" = OK ]
}

no_room() {
	! is_loaded || unload || return
	if ! load_subsystems 0 2>/dev/null; then
		because "there is no module test_rcfs (CONFIG_RCFS_TEST)"
		return "$KSFT_SKIP"
	fi
	expect ENOSPC modules load "$FILE" || return
	! is_loaded || return
	expect "" listed || return
	rmmod test_rcfs || return
	expect OK modules load "$FILE"
}

comes_and_goes_often() {
	! is_loaded || unload || return
	mkdir "$WORK/tree" && cd "$WORK" || return
	if ! modules cycle "$FILE" $MODULE "$CYCLES"; then
		! mountpoint_of "$WORK/tree" || TREES=$WORK/tree
		return 1
	fi
	! is_loaded || return
	expect "" listed
}

# plain_file: print a file of the module that is not compressed
plain_file() {
	file=$(module_files $MODULE | head -n 1)
	case $file in
	*.gz) gzip -dc "$file" >"$WORK/$MODULE.ko" ;;
	*.xz) xz -dc "$file" >"$WORK/$MODULE.ko" ;;
	*.zst) zstd -qdc "$file" >"$WORK/$MODULE.ko" ;;
	*) cp "$file" "$WORK/$MODULE.ko" ;;
	esac && echo "$WORK/$MODULE.ko"
}

rcfs_begin
trap tidy_up EXIT
module_files $MODULE | grep -q . ||
	skip_all "there is no module $MODULE (CONFIG_SAMPLE_RUST_RCFS_FORKS)"
! is_loaded || [ "$(modules unload $MODULE)" = OK ] || skip_all "$MODULE is in use"
FILE=$(plain_file) || ktap_exit_fail_msg "$MODULE cannot be unpacked"
mkdir "$WORK/try"
! no_room_for $MODULE || skip_all "there is no room for one more subsystem"
load || ktap_exit_fail_msg "$MODULE cannot be loaded"
case $(try mount forks "$WORK/try") in
OK) umount "$WORK/try" ;;
ENOSPC) skip_all "there is no room for one more hierarchy" ;;
*) ktap_exit_fail_msg "the controller forks cannot be mounted" ;;
esac
mark_log
point "a controller exists from insmod to rmmod" comes_and_goes
point "the files are in every container of the hierarchy" is_mounted_and_unmounted
point "the files accept valid values only" files_take_numbers
point "once the budget is spent, forks fail with EAGAIN" budget_ends
point "with a budget of 0 no fork succeeds" none_at_all
point "a fork needs the budget of every container above, or takes none" budgets_nest
point "a move is not a fork" moving_is_no_fork
point "threads count as well" threads_count
point "counts stay in the parent when the container is removed" removal_keeps_it_above
point "every fork of many at the same time is counted once" storms_are_counted
point "of many forks at the same time, exactly the budget succeeds" storms_hit_the_limit
point "poll reports a refusal" poll_tells
point "inotify reports a refusal" inotify_tells
point "a fork that another controller refuses is not counted" others_may_refuse
point "a fork that the sample refuses is not counted elsewhere" refusal_is_for_others_too
point "the module cannot be unloaded while the controller is mounted" bound_module_stays
point "the module cannot be unloaded while there are containers" containers_keep_it
point "the module cannot be unloaded while files are open" open_files_keep_it
point "the module is not loaded if there are too many subsystems" no_room
point "the module can be loaded and unloaded while tasks fork" comes_and_goes_often
point "the kernel has not complained" no_complaints
ktap_finished
