#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Attacks of a user. The user 1000 has been given a container. Everything around it,
# the tasks of root and the limits of root must stay out of reach. RCFS_SEED is the
# seed of the random mount options, and RCFS_MOUNTS the number of mounts.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# as_user COMMAND...: run it as the user
as_user() {
	try -u 1000 run "$@"
}

# give CONTAINER: give it to the user, as Documentation/admin-guide/rcfs.rst says
give() {
	mkdir "$1" && chown 1000:1000 "$1" "$1/tasks" "$1/procs"
}

# start_as REAL EFFECTIVE SAVED: start a task with these user ids
start_as() {
	start attack as "$@"
	wait_until has_ids "$PID" "$*"
}

# has_ids ID "REAL EFFECTIVE SAVED"
has_ids() {
	sed -n 's/^Uid:[[:space:]]*//p' "/proc/$1/status" | tr '\t' ' ' |
		grep -q "^$2 "
}

# nobody_has_moved ID...: all of them are in the root
nobody_has_moved() {
	for id; do
		if ! in_container "$id" "$ROOT"; then
			because "task $id has moved"
			return 1
		fi
	done
}

# who_may_be_moved: exactly the tasks that the user may send a signal to. With
# SIGSTOP, the user can do to them what freezing and taking away CPU time can do.
who_may_be_moved() {
	give "$C/theirs" || return
	for ids in "0 0 0" "1000 1000 1000" "1001 1001 1001" "1000 0 0" "0 1000 0" \
		   "0 0 1000" "1000 0 1000" "1001 1000 1001" "1001 1001 1000" \
		   "1000 1001 1001"; do
		# shellcheck disable=SC2086 # three words
		start_as $ids || return
		case $(attack signal 1000 "$PID") in
		OK) result=OK ;;
		EPERM) result=EACCES ;;
		*) result="neither" ;;
		esac
		because "ids $ids: $result"
		for file in tasks procs; do
			expect "$result" try -u 1000 write "$C/theirs/$file" "$PID" || return
			[ $result = OK ] || nobody_has_moved "$PID" || return
			attach "$PID" "$ROOT" || return
		done
	done
}

mixed_process() {
	give "$C/theirs" || return
	attack mixed 1000 >"$WORK/thread" &
	PID=$!
	CHILDREN="$CHILDREN $PID"
	wait_until grep -q . "$WORK/thread" || return
	read -r thread <"$WORK/thread"
	expect EACCES try -u 1000 write "$C/theirs/procs" "$PID" || return
	nobody_has_moved "$PID" "$thread" || return
	expect EACCES try -u 1000 write "$C/theirs/procs" "$thread" || return
	expect EACCES try -u 1000 write "$C/theirs/tasks" "$thread" || return
	nobody_has_moved "$PID" "$thread" || return
	# The user may move the thread that belongs to the user.
	expect OK try -u 1000 write "$C/theirs/tasks" "$PID" || return
	must_be_in "$PID" "$C/theirs" || return
	nobody_has_moved "$thread"
}

subtree_is_not_left() {
	give "$C/theirs" && mkdir "$C/ours" || return
	start_as 1000 1000 1000 || return
	expect OK try -u 1000 write "$C/theirs/tasks" "$PID" || return
	for outside in "$C/theirs/.." "$ROOT" "$C/ours"; do
		for file in tasks procs; do
			expect EACCES try -u 1000 write "$outside/$file" 0 || return
			expect EACCES try -u 1000 write "$outside/$file" "$PID" || return
		done
	done
	# Another path to the same files does not help.
	mkdir "$WORK/elsewhere" && mount --bind "$C/theirs" "$WORK/elsewhere" || return
	EXTRA_MOUNTS=$WORK/elsewhere
	expect OK try -u 1000 write "$WORK/elsewhere/tasks" "$PID" || return
	expect EACCES try -u 1000 write "$C/ours/tasks" "$PID" || return
	! has_user_namespaces ||
		expect EACCES try -u 1000 -n write "$C/ours/tasks" 0 || return
	must_be_in "$PID" "$C/theirs"
}

# is_refused COMMAND...: the user must not be able to do this
is_refused() {
	as_user "$@" 2>/dev/null || return 0
	because "the user was allowed: $*"
	return 1
}

# attributes: print those of everything outside of the user's own containers
attributes() {
	find "$C" ! -path "$C/theirs/own*" -exec stat -c '%n %a %u %g' {} + | sort
}

neighbours_stay() {
	give "$C/theirs" && mkdir "$C/ours" "$C/ours/below" || return
	as_user mkdir "$C/theirs/own" || return
	before=$(attributes)
	for container in "$ROOT" "$C" "$C/ours" "$C/ours/below"; do
		is_refused mkdir "$container/new" || return
		is_refused chmod 777 "$container" || return
		is_refused chown 1000 "$container" || return
		is_refused chmod 666 "$container/tasks" || return
		is_refused chown 1000 "$container/tasks" || return
		is_refused mv "$container/tasks" "$C/theirs/taken" || return
		is_refused ln "$container/tasks" "$C/theirs/taken" || return
		is_refused rm "$container/tasks" || return
	done
	is_refused rmdir "$C/ours/below" || return
	is_refused rmdir "$C/ours" || return
	is_refused rmdir "$C/theirs" || return
	is_refused mv "$C/ours" "$C/theirs/own/ours" || return
	is_refused mv "$C/theirs/own" "$C/ours/own" || return
	is_refused mv "$C/theirs/own" "$C/own" || return
	expect "$before" attributes
}

limits_are_roots() {
	give "$C/theirs" || return
	before=$(attributes)
	for file in "$C/theirs"/*; do
		case $file in
		*/tasks | */procs) continue ;;
		esac
		[ -f "$file" ] || continue
		expect EACCES try -u 1000 write "$file" 1 || return
		! has_user_namespaces ||
			expect EACCES try -u 1000 -n write "$file" 1 || return
		is_refused chmod 666 "$file" || return
		is_refused chown 1000 "$file" || return
		is_refused truncate -s 0 "$file" || return
	done
	# Root of a user namespace is still the user.
	if has_user_namespaces; then
		try -u 1000 -n run chmod 666 "$C/theirs/cpuacct.usage" 2>/dev/null
		try -u 1000 -n run chown 0 "$C/theirs/cpuacct.usage" 2>/dev/null
		try -u 1000 -n run chown 0 "$C/theirs/tasks" 2>/dev/null
	fi
	expect "$before" attributes
}

own_is_not_given_away() {
	give "$C/theirs" || return
	as_user mkdir "$C/theirs/own" || return
	is_refused chown 0 "$C/theirs/own" || return
	is_refused chown 1001 "$C/theirs/own/tasks" || return
	# The owner may change a mode, which only gives others the owner's rights.
	as_user chmod 666 "$C/theirs/own/tasks" || return
	start_as 1001 1001 1001 || return
	expect EACCES try -u 1000 write "$C/theirs/own/tasks" "$PID" || return
	expect OK try -u 1001 write "$C/theirs/own/tasks" "$PID" || return
	start_as 1000 1000 1000 || return
	expect EACCES try -u 1001 write "$C/theirs/own/tasks" "$PID"
}

# count FILE: print the number in this file of $C/theirs
count() {
	cat "$C/theirs/pids.$1"
}

# needs CONTROLLER: skip the point without it
needs() {
	has_controller "$1" && return
	because "the hierarchy has no controller $1"
	return "$KSFT_SKIP"
}

# A child has at most the limits of its parent, whatever container its tasks come
# from.
limits_hold_for_moves() {
	needs pids || return
	give "$C/theirs" || return
	echo 8 >"$C/theirs/pids.max" || return
	as_user mkdir "$C/theirs/a" "$C/theirs/b" || return
	as_user attack dodge "$C/theirs/a" "$C/theirs/b" >"$WORK/said" &
	CHILDREN="$CHILDREN $!"
	wait_until grep -q . "$WORK/said" || return
	because "$(count current) of 8 tasks, at most $(count peak)"
	if [ "$(count current)" -gt 8 ] || [ "$(count peak)" -gt 8 ]; then
		because "there were more tasks than the limit"
		return 1
	fi
	# The parent is one of the tasks, and the limit has stopped it.
	expect 7 cat "$WORK/said" || return
	[ "$(count peak)" -eq 8 ] && grep -q '^max [1-9]' "$C/theirs/pids.events"
}

# The user may freeze only tasks that the user may move.
freezing_others() {
	needs freezer || return
	give "$C/theirs" || return
	as_user mkdir "$C/theirs/own" || return
	start_as 0 0 0 || return
	victim=$PID
	expect OK try -u 1000 write "$C/theirs/own/freezer.state" FROZEN || return
	expect EACCES try -u 1000 write "$C/theirs/own/tasks" "$victim" || return
	expect EACCES try -u 1000 write "$C/theirs/freezer.state" FROZEN || return
	expect EACCES try -u 1000 write "$C/freezer.state" FROZEN || return
	kill -STOP "$victim" && wait_until is_in_state T "$victim" || return
	expect EACCES try -u 1000 write "$C/theirs/own/tasks" "$victim" || return
	nobody_has_moved "$victim"
}

# files_to_read: print those of a container with a task in it, and those in /proc
files_to_read() {
	# Some files are write-only.
	find "$C" -type f -perm -400
	echo "/proc/$SELF/rcfs"
	echo /proc/rcfs
}

edges_of_reads() {
	mkdir "$C/below" || return
	start sleep 1000
	attach "$PID" "$C" || return
	# Files that change cannot be compared.
	# shellcheck disable=SC2046 # a word for each file
	attack reads $(files_to_read | grep -v 'cpuacct\.\|cpu\.stat\|debug\.')
}

edges_of_writes() {
	mkdir "$C/below" || return
	start sleep 1000
	attach "$PID" "$C/below" || return
	# shellcheck disable=SC2046 # a word for each file
	attack writes $(find "$C/below" -type f -perm -600) || return
	must_be_in "$PID" "$C/below"
}

# Other users read files with the names, which must not look like several lines.
names_forge_nothing() {
	for name in "a b" "a	b" ':1:cpuacct:' '..x' '\n' '%s%n' 0::-root \
		    "$(printf '\303\050\377\001\033[2J')"; do
		mkdir "$C/$name" || return
		start sleep 1000
		attach "$PID" "$C/$name" || return
		expect "$(wc -l <"/proc/$SELF/rcfs")" count_lines "/proc/$PID/rcfs" || return
		if ! grep -qF ":/${C##*/}/$name" "/proc/$PID/rcfs"; then
			because "/proc/$PID/rcfs does not show the name as it is: $name"
			return 1
		fi
	done
	# A newline, which would forge a line, is refused.
	expect EINVAL try mkdir "$C/$(printf 'a\n1:cpuacct:/')"
}

# table: print subsystems and hierarchies without the numbers of containers
table() {
	cut -f 1,2,4 /proc/rcfs
}

random_mounts() {
	before=$(table)
	mark_log || return
	attack mounts "${RCFS_SEED:-1}" "${RCFS_MOUNTS:-3000}" || return
	wait_until table_is "$before" || return
	no_complaints
}

table_is() {
	[ "$(table)" = "$1" ]
}

rcfs_begin
point "a user can move exactly the tasks that the user can signal" who_may_be_moved
point "a process with a thread of another user does not move" mixed_process
point "the owner of a container cannot leave it" subtree_is_not_left
point "the owner of a container cannot change anything outside of it" neighbours_stay
point "the files of a delegated container belong to root" limits_are_roots
point "the owner of a container cannot take in tasks of others" own_is_not_given_away
point "moves within a container do not evade its limit" limits_hold_for_moves
point "a user cannot freeze tasks that the user could not stop" freezing_others
point "reads at the edges return nothing but the contents" edges_of_reads
point "random writes of any size change nothing" edges_of_writes
point "names of containers cannot forge lines" names_forge_nothing
point "random mount options do no harm" random_mounts
ktap_finished
