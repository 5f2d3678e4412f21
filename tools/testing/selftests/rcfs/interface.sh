#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Features for controllers in Rust that no controller of the kernel uses, tested
# with kernel/rcfs/test_interface.rs.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

MODULE=test_rcfs_interface

is_loaded() {
	[ -d "/sys/module/$MODULE" ]
}

tidy_up() {
	rcfs_end
	! is_loaded || rmmod $MODULE
	unload_subsystems
}

# a_tree CONTAINER...: mount $T with the controller, and make these containers
a_tree() {
	is_loaded || modprobe $MODULE || return
	mount_tree tree probe || return
	T=$WORK/tree
	for container; do
		mkdir "$T/$container" || return
	done
}

# value CONTAINER/FILE
value() {
	cat "$T/${1%/*}/probe.${1##*/}"
}

# set_value CONTAINER/FILE VALUE
set_value() {
	expect OK try write "$T/${1%/*}/probe.${1##*/}" "$2"
}

# hold_in CONTAINER AMOUNT RESULT: a task there charges it, by the file of the root
hold_in() {
	expect "$3" sh -c "echo 0 >'$T/$1/tasks' && exec try write '$T/probe.hold' $2"
}

charges_outlive_who_charged() {
	a_tree a a/b || return
	hold_in a/b 7 OK || return
	expect 7 value a/b/usage || return
	expect 7 value a/usage || return
	# No task is left in it. The charge keeps neither the task nor the
	# container.
	must_be_removable "$T/a/b" || return
	expect 7 value a/usage || return
	set_value ./release 1 || return
	expect 0 value a/usage
}

limits_refuse_all_or_nothing() {
	a_tree a a/b || return
	set_value a/max 5 || return
	hold_in a/b 6 EAGAIN || return
	expect "0 0" echo "$(value a/usage) $(value a/b/usage)" || return
	hold_in a/b 5 OK || return
	# The new charge is made before the old one is dropped.
	hold_in a/b 1 EAGAIN || return
	set_value ./release 1 || return
	hold_in a/b 1 OK || return
	expect 1 value a/usage || return
	set_value ./release 1
}

charges_keep_the_module() {
	a_tree a || return
	hold_in a 1 OK || return
	must_be_removable "$T/a" || return
	wait_until tree_empty_out "$T" || return
	umount "$T" && TREES= || return
	# The module is in no hierarchy, but a charge of it keeps it.
	! rmmod $MODULE 2>/dev/null || return
	is_loaded || return
	a_tree || return
	set_value ./release 1 || return
	umount "$T" && TREES= || return
	rmmod $MODULE
}

# If the timer was not cancelled, it would use a freed state.
timers_end_with_the_container() {
	a_tree a a/b || return
	set_value a/b/period 1 || return
	wait_until grows a/ticks || return
	wait_until grows ./ticks || return
	must_be_removable "$T/a/b" || return
	ticks=$(value a/ticks)
	sleep 1
	expect "$ticks" value a/ticks || return
	set_value a/period 1 || return
	wait_until grows a/ticks || return
	set_value a/period 0 || return
	# A timer that is already running may finish.
	wait_until rests a/ticks || return
	expect ERANGE try write "$T/a/probe.period" 5000000000 || return
	must_be_removable "$T/a"
}

grows() {
	first=$(value "$1")
	sleep 0.1
	[ "$(value "$1")" -gt "$first" ]
}

rests() {
	first=$(value "$1")
	sleep 0.1
	[ "$(value "$1")" = "$first" ]
}

removed_ones_hand_over() {
	a_tree a a/b a/c || return
	set_value a/b/own 3 || return
	set_value a/c/own 4 || return
	must_be_removable "$T/a/b" || return
	expect 3 value a/handed || return
	must_be_removable "$T/a/c" || return
	set_value a/own 100 || return
	expect 7 value a/handed || return
	handed=$(value ./handed)
	must_be_removable "$T/a" || return
	expect $((handed + 107)) value ./handed
}

# moves CONTAINER: print the calls of can_attach, cancel_attach and attach
moves() {
	awk '{ print $2 }' "$T/$1/probe.moves" | xargs
}

moves_are_taken_back() {
	a_tree a || return
	start sleep 1000
	attach "$PID" "$T/a" || return
	expect "1 0 1" moves a || return
	start threads 4
	wait_until has_threads "$PID" 4 || return
	attach_process "$PID" "$T/a" || return
	expect "5 0 5" moves a || return
	drop_tree || return
	load_one_subsystem || return
	mount_tree tree probe,test0 || return
	mkdir "$T/a" || return
	start threads 4
	wait_until has_threads "$PID" 4 || return
	refuse attach -11
	expect EAGAIN try write "$T/a/procs" "$PID" || return
	expect "4 4 0" moves a || return
	refuse attach 0
	attach_process "$PID" "$T/a" || return
	expect "8 4 4" moves a
}

launches_are_no_moves() {
	a_tree a || return
	expect "exited 0" launch run "$T/a" true || return
	# can_attach is called for the parent, which does not move.
	expect "1 1 0" moves a
}

# part FILE SIZE SKIP COUNT: read this number of blocks
part() {
	dd if="$1" bs="$2" skip="$3" count="$4" iflag=fullblock 2>/dev/null
}

lists_are_longer_than_a_buffer() {
	a_tree a || return
	set_value a/count 300000 || return
	expect "300000 1988890" echo "$(value a/numbers | wc -lc | xargs)" || return
	value a/numbers | awk '$1 != NR - 1 { exit 1 }' || return
	# However a reader reads it
	value a/numbers >"$WORK/numbers"
	part "$T/a/probe.numbers" 7 0 3000 | cmp -n 21000 - "$WORK/numbers" || return
	part "$WORK/numbers" 4096 100 1 >"$WORK/part"
	part "$T/a/probe.numbers" 4096 100 1 | cmp - "$WORK/part" || return
	set_value a/count 0 || return
	expect "" value a/numbers || return
	set_value a/count 100 || return
	expect 100 echo "$(value a/numbers | wc -l)"
}

text_comes_as_it_was_written() {
	a_tree a || return
	expect "" value a/note || return
	printf ' a\n\0b ' >"$T/a/probe.note" || return
	expect 20610a006220 value a/note || return
	expect E2BIG try write "$T/a/probe.note" "$(printf '%05000d' 1)" || return
	expect 20610a006220 value a/note || return
	expect "600 200 200 444" modes
}

modes() {
	stat -c %a "$T/a/probe.note" "$T/a/probe.hold" "$T/a/probe.release" \
		"$T/a/probe.numbers" | xargs
}

write_only_files_cannot_be_read() {
	a_tree a || return
	expect EINVAL try read "$T/a/probe.hold" || return
	expect EACCES try -u 1000 read "$T/a/probe.note" || return
	expect EINVAL try write "$T/a/probe.numbers" 1
}

# two_are_notified ACTION: an action of the program try
two_are_notified() {
	a_tree a || return
	for file in count watched; do
		try "$1" "$T/a/probe.$file" >"$WORK/said.$file" &
		CHILDREN="$CHILDREN $!"
		wait_until grep -q waiting "$WORK/said.$file" || return
	done
	set_value a/count 1 || return
	wait_until grep -q OK "$WORK/said.count" || return
	wait_until grep -q OK "$WORK/said.watched"
}

poll_tells_of_both() {
	two_are_notified poll
}

inotify_tells_of_both() {
	two_are_notified watch
}

openers_are_judged() {
	a_tree a || return
	expect "0 1" value a/opener || return
	expect "1000 0" try -u 1000 run cat "$T/a/probe.opener" || return
	# It is the user who has opened the file, not the one who reads it.
	expect "0 1" sh -c "try -u 1000 run cat <'$T/a/probe.opener'"
}

comes_and_goes_with_charges() {
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		a_tree a || return
		set_value a/period 1 || return
		hold_in a 1 OK || return
		must_be_removable "$T/a" || return
		set_value ./release 1 || return
		umount "$T" && TREES= || return
		rmmod $MODULE || return
	done
}

rcfs_begin
trap tidy_up EXIT
mark_log
modprobe $MODULE 2>/dev/null || skip_all "there is no module $MODULE (CONFIG_RCFS_TEST)"
point "a charge outlives its container and its task" charges_outlive_who_charged
point "a limit refuses the whole charge" limits_refuse_all_or_nothing
point "a charge keeps the module" charges_keep_the_module
point "a timer repeats, and ends with the container" timers_end_with_the_container
point "a removed container hands over to its parent" removed_ones_hand_over
point "an allowed move that does not happen is cancelled" moves_are_taken_back
point "a launch is not a move" launches_are_no_moves
point "a list may be longer than a buffer" lists_are_longer_than_a_buffer
point "text arrives as it was written" text_comes_as_it_was_written
point "files have modes, and may be write-only" write_only_files_cannot_be_read
point "poll reports an event of two files" poll_tells_of_both
point "inotify reports an event of two files" inotify_tells_of_both
point "the credentials of open are known" openers_are_judged
point "the module can be unloaded after timers and charges" comes_and_goes_with_charges
point "the kernel has not complained" no_complaints
ktap_finished
