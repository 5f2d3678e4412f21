#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Several hierarchies at once, each with its own subsystems and containers, and the
# files in /proc about them. The subsystems are registered while tasks are in
# containers of others.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# number_of SUBSYSTEM: print the number of its hierarchy, or 0
number_of() {
	awk -v name="$1" '$1 == name { print $2 }' /proc/rcfs
}

# containers_of SUBSYSTEM
containers_of() {
	awk -v name="$1" '$1 == name { print $3 }' /proc/rcfs
}

# line_of ID SUBSYSTEMS: print the path in /proc/ID/rcfs
path_of() {
	sed -n "s/^[1-9][0-9]*:$2://p" "/proc/$1/rcfs"
}

each_task_is_in_one_container_of_each() {
	mount_tree one test0 || return
	mount_tree two test1 || return
	mkdir "$WORK/one/a" "$WORK/one/b" "$WORK/two/a" || return
	start sleep 1000
	attach "$PID" "$C" || return
	attach "$PID" "$WORK/one/a" || return
	attach "$PID" "$WORK/two/a" || return
	for tasks in "$C" "$WORK/one/a" "$WORK/two/a"; do
		expect "$PID" cat "$tasks/tasks" || return
	done
	# A move in one hierarchy does not move the task in the others.
	attach "$PID" "$WORK/one/b" || return
	must_be_empty "$WORK/one/a" || return
	for tasks in "$C" "$WORK/one/b" "$WORK/two/a"; do
		expect "$PID" cat "$tasks/tasks" || return
	done
	attach "$PID" "$WORK/two" || return
	must_be_empty "$WORK/two/a" || return
	must_be_removable "$WORK/two/a" || return
	must_be_removable "$WORK/one/a" || return
	expect EBUSY try rmdir "$WORK/one/b" || return
	must_be_in "$PID" "$C"
}

# The task goes from one count of the container to another one. A reader that looks at
# one count after the other must not miss the task.
movers_elsewhere_stay() {
	mount_tree one test0 || return
	mkdir "$WORK/one/a" || return
	delay empty 50
	for file in empty tasks; do
		listed empty "$C/$file" 1000 "$WORK/one" "$WORK/one/a" "$C" || return
	done
}

# In 2007 no listing had a task with two memberships.
every_combination_is_listed() {
	mount_tree one test0 || return
	mount_tree two test1 || return
	mkdir "$WORK/one/a" "$WORK/two/a" || return
	started=
	for where in "" "one" "two" "one two"; do
		start sleep 1000
		started="$started $PID"
		for tree in $where; do
			attach "$PID" "$WORK/$tree/a" || return
		done
	done
	# shellcheck disable=SC2086 # four words
	set -- $started
	expect "$2
$4" cat "$WORK/one/a/tasks" || return
	expect "$3
$4" cat "$WORK/two/a/tasks" || return
	for here in "$1" "$3"; do
		in_container "$here" "$WORK/one" || return
	done
	for here in "$1" "$2"; do
		in_container "$here" "$WORK/two" || return
	done
	for id; do
		in_container "$id" "$ROOT" || return
	done
}

children_inherit_all() {
	mount_tree one test0 || return
	mount_tree two test1 || return
	mkdir "$WORK/one/a" "$WORK/two/a" || return
	start sh -c "echo 0 >$WORK/one/a/tasks; echo 0 >$WORK/two/a/tasks
		sleep 1000 & echo \$! >$WORK/child; wait"
	wait_until test -s "$WORK/child" || return
	child=$(cat "$WORK/child")
	in_container "$child" "$WORK/one/a" || return
	in_container "$child" "$WORK/two/a"
}

several_subsystems_share_one() {
	mount_tree both test1,test0 || return
	expect test0,test1 options_of "$WORK/both" || return
	for file in test0.tasks test1.tasks; do
		[ -e "$WORK/both/$file" ] || return
	done
	# The set in another order, and as shown in /proc/mounts, is the same tree.
	mkdir "$WORK/both/a" "$WORK/again" || return
	for options in test0,test1 test1,test0,test1 "$(options_of "$WORK/both")"; do
		expect OK try mount "$options" "$WORK/again" || return
		[ -d "$WORK/again/a" ] || return
		umount "$WORK/again" || return
	done
}

options_of() {
	awk -v dir="$1" '$2 == dir { print $4 }' /proc/mounts | sed 's/^r[wo]\(,relatime\)*,//'
}

overlap_is_busy() {
	mount_tree both test0,test1 || return
	mkdir "$WORK/other" || return
	for options in test0 test1 test1,test2 test0,test1,test2 "" all; do
		expect EBUSY try mount "$options" "$WORK/other" || return
	done
	number=$(number_of test0)
	expect "OK
OK
Device or resource busy
e rcfs: test1: in use by hierarchy $number" fsconfig flag:test1 flag:test2 create || return
	# The refused mount has left nothing behind.
	[ "$ROOM" -ge 2 ] || return 0
	expect OK try mount test2 "$WORK/other" || return
	umount "$WORK/other"
}

remount_with_another_set() {
	mount_tree both test0,test1 || return
	expect EINVAL try remount test0 "$WORK/both" || return
	expect EINVAL try remount test0,test1,test2 "$WORK/both" || return
	expect OK try remount test1,test0 "$WORK/both" || return
	expect test0,test1 options_of "$WORK/both"
}

hierarchies_run_out() {
	free=$ROOM
	if [ "$free" = "$COUNT" ]; then
		because "there is room for more hierarchies than the $COUNT subsystems make"
		return "$KSFT_SKIP"
	fi
	tree=0
	while [ $tree -lt "$free" ]; do
		mount_tree tree$tree test$tree || return
		tree=$((tree + 1))
	done
	mkdir "$WORK/more" || return
	expect ENOSPC try mount test$tree "$WORK/more" || return
	max=$(awk 'NR > 1 && $2 > max { max = $2 } END { print max }' /proc/rcfs)
	expect "OK
No space left on device
e rcfs: there are $max hierarchies already" fsconfig flag:test$tree create || return
	# An existing hierarchy can still be mounted.
	expect OK try mount test0 "$WORK/more" || return
	umount "$WORK/more" || return
	# After one is unmounted, there is room again.
	umount "$WORK/tree0" || return
	expect OK try mount test$tree "$WORK/tree0"
}

# In 2007 the first hierarchy had the number 0, which also meant none.
numbers_begin_with_one() {
	expect 0 number_of test0 || return
	mount_tree one test0 || return
	mount_tree two test1 || return
	first=$(number_of test0) second=$(number_of test1)
	if [ "$first" -lt 1 ] || [ "$second" -lt 1 ] || [ "$first" = "$second" ]; then
		because "test0 is in hierarchy $first, test1 in $second"
		return 1
	fi
	expect 0 number_of test2 || return
	# Both are bound, whatever their numbers.
	mkdir "$WORK/other" || return
	expect EBUSY try mount test0,test2 "$WORK/other" || return
	expect EBUSY try mount test1,test2 "$WORK/other"
}

subsystems_are_free_after_umount() {
	for options in test0 test0,test1 test1; do
		mount_tree tree "$options" || return
		umount "$WORK/tree" || return
		TREES=
	done
	expect 0 number_of test0 || return
	expect 0 number_of test1
}

tree_outlives_umount_with_containers() {
	mount_tree one test0 || return
	mkdir "$WORK/one/a" || return
	start sleep 1000
	attach "$PID" "$WORK/one/a" || return
	number=$(number_of test0)
	umount "$WORK/one" || return
	expect "$number" number_of test0 || return
	expect 2 containers_of test0 || return
	expect /a path_of "$PID" test0 || return
	mkdir "$WORK/other" || return
	expect EBUSY try mount test0,test1 "$WORK/other" || return
	expect OK try mount test0 "$WORK/one" || return
	expect "$PID" cat "$WORK/one/a/tasks"
}

proc_lists_subsystems() {
	heading="#subsys_name	hierarchy	containers	enabled"
	expect "$heading" head -n 1 /proc/rcfs || return
	expect 1 containers_of test0 || return
	mount_tree both test0,test1 || return
	expect 1 containers_of test0 || return
	mkdir "$WORK/both/a" "$WORK/both/a/b" || return
	expect 3 containers_of test0 || return
	expect 3 containers_of test1 || return
	expect "$(number_of test0)" number_of test1 || return
	must_be_removable "$WORK/both/a/b" || return
	expect 2 containers_of test0 || return
	expect 1 containers_of test2 || return
	if awk 'NR > 1 && $4 != 1 { exit 1 }' /proc/rcfs; then
		return
	fi
	because "a subsystem is not enabled"
	return 1
}

proc_tells_containers_of_a_task() {
	mount_tree both test0,test1 || return
	mkdir -p "$WORK/both/a b/ü" || return
	start threads 2
	wait_until has_threads "$PID" 2 || return
	expect / path_of "$PID" test0,test1 || return
	thread=$(threads_of "$PID" | tail -n 1)
	attach "$PID" "$WORK/both/a b/ü" || return
	attach "$PID" "$C" || return
	expect "/a b/ü" path_of "$PID" test0,test1 || return
	expect "/${C##*/}" path_of "$PID" "$(options_of "$ROOT")" || return
	expect "/" path_of "$thread" test0,test1 || return
	line=$(number_of test0):test0,test1:
	expect "$line/a b/ü" grep test0 "/proc/$PID/task/$PID/rcfs" || return
	expect "$line/" grep test0 "/proc/$PID/task/$thread/rcfs" || return
	expect OK try -u 1000 read "/proc/$PID/rcfs"
}

proc_has_nothing_for_a_zombie() {
	start sh -c "sh -c 'echo 0 >$C/tasks; echo \$\$ >$WORK/zombie' & exec sleep 1000"
	wait_until test -s "$WORK/zombie" || return
	zombie=$(cat "$WORK/zombie")
	wait_until is_in_state Z "$zombie" || return
	expect "" cat "/proc/$zombie/rcfs"
}

# Bitmaps with more than 64 bits, if the kernel supports so many subsystems
all_subsystems_at_once() {
	all=$(names "$COUNT")
	mount_tree many "$all" || return
	expect "$all" options_of "$WORK/many" || return
	last=test$((COUNT - 1))
	mkdir "$WORK/many/a" || return
	start sleep 1000
	attach "$PID" "$WORK/many/a" || return
	expect 1 cat "$WORK/many/a/test0.tasks" || return
	expect 1 cat "$WORK/many/a/$last.tasks" || return
	expect "/a" path_of "$PID" "$all" || return
	mkdir "$WORK/other" || return
	expect EBUSY try mount "$last" "$WORK/other" || return
	attach "$PID" "$WORK/many" || return
	expect 0 cat "$WORK/many/a/$last.tasks" || return
	must_be_removable "$WORK/many/a"
}

# The highest and the lowest bit are not mixed up.
ids_do_not_collide() {
	last=test$((COUNT - 1))
	mount_tree low test0 || return
	mount_tree high "$last" || return
	mkdir "$WORK/low/a" || return
	start sleep 1000
	attach "$PID" "$WORK/low/a" || return
	expect 1 cat "$WORK/low/a/test0.tasks" || return
	if [ -e "$WORK/low/$last.tasks" ] || [ -e "$WORK/high/test0.tasks" ]; then
		because "a hierarchy has files of a subsystem that is not its own"
		return 1
	fi
	expect / path_of "$PID" "$last"
}

rcfs_begin
need_subsystems 0
[ "$COUNT" -ge 3 ] || skip_all "there is no room for three more subsystems"
point "a task is in one container of each hierarchy" each_task_is_in_one_container_of_each
point "tasks are listed whatever their containers elsewhere" every_combination_is_listed
point "a task that moves in another hierarchy is always seen" movers_elsewhere_stay
point "a child begins in all containers of its parent" children_inherit_all
point "several subsystems share a hierarchy" several_subsystems_share_one
point "a set that overlaps another is EBUSY" overlap_is_busy
point "remount with another set is EINVAL" remount_with_another_set
point "one hierarchy too many is ENOSPC" hierarchies_run_out
point "hierarchies are numbered from 1" numbers_begin_with_one
point "subsystems can be mounted again after umount" subsystems_are_free_after_umount
point "a tree with containers outlives umount" tree_outlives_umount_with_containers
point "/proc/rcfs lists subsystems" proc_lists_subsystems
point "/proc/PID/rcfs shows the containers of a task" proc_tells_containers_of_a_task
point "/proc/PID/rcfs is empty for a zombie" proc_has_nothing_for_a_zombie
point "all subsystems fit into one hierarchy" all_subsystems_at_once
point "subsystems of different hierarchies do not collide" ids_do_not_collide
ktap_finished
