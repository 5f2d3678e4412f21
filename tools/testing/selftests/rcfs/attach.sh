#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Attaching: permissions, refusals, and what must not change.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# The expected difference of two tasks that share no namespaces
NAMESPACES="cgroup ipc mnt net pid pid_for_children time time_for_children user uts"

# namespaces_of ID
namespaces_of() {
	for name in $NAMESPACES; do
		[ ! -e "/proc/$1/ns/$name" ] || echo "$name $(readlink "/proc/$1/ns/$name")"
	done
}

namespaces_of_all() {
	for each; do
		namespaces_of "$each"
	done
}

own_id() {
	start sh -c "echo \$\$ >$C/tasks; exec sleep 1000"
	wait_until in_container "$PID" "$C" || return
	must_be_in "$PID" "$C"
}

zero_is_oneself() {
	start sh -c "echo 0 >$C/tasks; exec sleep 1000"
	wait_until in_container "$PID" "$C" || return
	must_be_in "$PID" "$C" || return
	must_be_in "$SELF" "$ROOT"
}

another_task() {
	start sleep 1000
	must_be_in "$PID" "$ROOT" || return
	attach "$PID" "$C" || return
	must_be_in "$PID" "$C" || return
	mkdir "$C/child" || return
	attach "$PID" "$C/child" || return
	must_be_in "$PID" "$C/child" || return
	attach "$PID" "$ROOT" || return
	must_be_in "$PID" "$ROOT" || return
	must_be_empty "$C"
}

white_space_around() {
	start sleep 1000
	for text in " $PID" "$PID " "	$PID
" "
$PID

"; do
		attach "$text" "$C" || return
		must_be_in "$PID" "$C" || return
		attach "$PID" "$ROOT" || return
	done
	attach "000$PID" "$C" || return
	must_be_in "$PID" "$C"
}

# No part of a bad write may be parsed as an id: $PID is the id of a task.
bad_writes() {
	start sleep 1000
	for text in "" " " "
" x tasks "$PID x" "x $PID" "${PID}x" "$PID $PID" "$PID
$PID" "-$PID" "-1" "- $PID" "+$PID" "--$PID" "0x$PID" "$PID.0" "${PID}e0" "$PID," "1e1" \
		2147483648 4294967296 "$((4294967296 + PID))" 18446744073709551616 \
		"99999999999999999999999999999999"; do
		expect EINVAL try write "$C/tasks" "$text" || return
	done
	must_be_empty "$C" || return
	must_be_in "$SELF" "$ROOT" || return
	must_be_in "$PID" "$ROOT"
}

long_writes() {
	zeros=$(printf '%04096d' 0)
	expect E2BIG try write "$C/tasks" "0$zeros" || return
	expect E2BIG try write "$C/tasks" "$zeros$zeros" || return
	must_be_empty "$C" || return
	# One byte less is a number, but too large.
	start sleep 1000
	attach "$(printf '%04096d' "$PID")" "$C" || return
	must_be_in "$PID" "$C"
}

no_such_task() {
	start sleep 1000
	end_task "$PID"
	expect ESRCH try write "$C/tasks" "$PID" || return
	expect ESRCH try write "$C/tasks" 2147483647 || return
	must_be_empty "$C"
}

zombie() {
	start sh -c "sh -c 'echo \$\$ >$WORK/zombie' & exec sleep 1000"
	wait_until test -s "$WORK/zombie" || return
	zombie=$(cat "$WORK/zombie")
	wait_until is_in_state Z "$zombie" || return
	expect ESRCH try write "$C/tasks" "$zombie" || return
	must_be_empty "$C"
}

# A process lives on when its first thread exits, which is a zombie until the end.
stopped_task() {
	start sleep 1000
	kill -STOP "$PID"
	wait_until is_in_state T "$PID" || return
	attach "$PID" "$C" || return
	must_be_in "$PID" "$C" || return
	expect T task_state "$PID"
}

other_users_task() {
	chown 1000 "$C/tasks" || return
	start sleep 1000
	expect EACCES try -u 1000 write "$C/tasks" "$PID" || return
	expect EACCES try -u 1000 write "$C/tasks" 1 || return
	must_be_empty "$C" || return
	start try -u 1001 run sleep 1000
	wait_until belongs_to "$PID" 1001 || return
	expect EACCES try -u 1000 write "$C/tasks" "$PID" || return
	must_be_empty "$C"
}

# belongs_to ID UID
belongs_to() {
	[ "$(stat -c %u "/proc/$1")" = "$2" ]
}

ones_own_task() {
	chown 1000 "$C/tasks" || return
	start try -u 1000 run sleep 1000
	wait_until belongs_to "$PID" 1000 || return
	expect OK try -u 1000 write "$C/tasks" "$PID" || return
	must_be_in "$PID" "$C" || return
	# Owning the task does not help where the user may not write.
	expect EACCES try -u 1000 write "$ROOT/tasks" "$PID" || return
	must_be_in "$PID" "$C" || return
	expect OK try -u 1000 write "$C/tasks" 0
}

# A user must not be able to make a program of root move tasks by passing a
# descriptor to it.
opener_counts_not_writer() {
	chown 1000 "$C/tasks" || return
	start sleep 1000
	expect EACCES try handon 1000 "$C/tasks" "$PID" || return
	expect EACCES try handon 1000 "$C/tasks" 0 || return
	must_be_empty "$C" || return
	exec 3>"$C/tasks"
	expect OK try -u 1000 fdwrite 3 "$PID" || return
	must_be_in "$PID" "$C"
}

kernel_threads() {
	expect EINVAL try write "$C/tasks" 2 || return
	must_be_in 2 "$ROOT" || return
	found=
	for comm in /proc/[0-9]*/comm; do
		case $(cat "$comm" 2>/dev/null) in
		ksoftirqd/0 | cpuhp/0 | migration/0)
			id=${comm%/comm}
			id=${id#/proc/}
			expect EINVAL try write "$C/tasks" "$id" || return
			must_be_in "$id" "$ROOT" || return
			found=1
			;;
		esac
	done
	[ "$found" ] || because "no thread of a CPU found; looked at kthreadd alone"
	must_be_empty "$C"
}

# Ids are those of the writer's pid namespace.
ids_of_the_writers_namespace() {
	if ! unshare -p -f true 2>/dev/null; then
		because "no pid namespaces"
		return "$KSFT_SKIP"
	fi
	start sleep 1000
	# In this namespace the id does not exist, and 1 is the shell.
	outside=$PID
	start unshare -p -f sh -c "
		try write $C/tasks $outside >$WORK/outside
		try write $C/tasks 1 >$WORK/one
		sleep 1000"
	wait_until test -s "$WORK/one" || return
	expect ESRCH cat "$WORK/outside" || return
	expect OK cat "$WORK/one" || return
	must_be_in "$outside" "$ROOT" || return
	must_be_in 1 "$ROOT" || return
	wait_until has_other_tasks_than "$PID" || return
	in_container 2>/dev/null 1 "$C" && because "the first process of all was moved" && return 1
	return 0
}

# has_other_tasks_than PID: $C is not empty, and PID is not in it
has_other_tasks_than() {
	[ "$(cat "$C/tasks")" ] && ! in_container "$1" "$C"
}

child_inherits() {
	start sh -c "echo 0 >$C/tasks; sleep 1000 & echo \$! >$WORK/child; wait"
	wait_until test -s "$WORK/child" || return
	child=$(cat "$WORK/child")
	must_be_in "$PID" "$C" || return
	must_be_in "$child" "$C" || return
	# Moving the parent later leaves the child where it is.
	attach "$PID" "$ROOT" || return
	must_be_in "$child" "$C"
}

threads_move_one_by_one() {
	start threads 3
	wait_until has_threads "$PID" 3 || return
	for thread in "/proc/$PID/task"/*; do
		thread=${thread##*/}
		[ "$thread" = "$PID" ] || break
	done
	attach "$thread" "$C" || return
	expect "$thread" cat "$C/tasks" || return
	must_be_in "$PID" "$ROOT" || return
	attach "$PID" "$C" || return
	attach "$thread" "$ROOT" || return
	expect "$PID" cat "$C/tasks"
}

namespaces_stay() {
	start sleep 1000
	before=$(namespaces_of "$PID")
	attach "$PID" "$C" || return
	expect "$before" namespaces_of "$PID" || return
	attach "$PID" "$ROOT" || return
	expect "$before" namespaces_of "$PID"
}

unshared_namespaces_stay() {
	mine=$(readlink /proc/self/ns/uts)
	start unshare -m -u -i sleep 1000
	wait_until has_other_ns "$PID" "$mine" || return
	before=$(namespaces_of "$PID")
	attach "$PID" "$C" || return
	must_be_in "$PID" "$C" || return
	expect "$before" namespaces_of "$PID" || return
	attach "$PID" "$ROOT" || return
	must_be_in "$PID" "$ROOT" || return
	expect "$before" namespaces_of "$PID"
}

# In 2007 the second task got the namespaces of the first.
namespaces_do_not_mix() {
	here=$(hostname)
	start_unshared sh -c "hostname first; exec sleep 1000" || return
	first=$PID
	start_unshared sh -c "hostname second; exec sleep 1000" || return
	second=$PID
	start sleep 1000
	third=$PID
	wait_until shows_hostname "$first" first || return
	wait_until shows_hostname "$second" second || return
	before=$(namespaces_of_all "$first" "$second" "$third")
	for target in "$C" "$ROOT" "$C"; do
		for id in "$first" "$second" "$third"; do
			attach "$id" "$target" || return
		done
		for id in "$first" "$second" "$third"; do
			must_be_in "$id" "$target" || return
		done
		expect "$before" namespaces_of_all "$first" "$second" "$third" || return
		for pair in "$first:first" "$second:second" "$third:$here"; do
			expect "${pair#*:}" nsenter -t "${pair%:*}" -u hostname || return
		done
	done
}

# A namespace lives as long as tasks use it. Each nsproxy in use counts once,
# whatever tasks share it.
namespaces_end_with_their_users() {
	mark_log || return
	start_unshared threads 3 || return
	wait_until has_threads "$PID" 3 || return
	expect OK try nssave "$WORK/handle" "/proc/$PID/ns/uts" || return
	if [ "$(try nsopen "$WORK/handle")" != OK ]; then
		because "namespaces cannot be opened by a handle"
		return "$KSFT_SKIP"
	fi
	mkdir "$C/a" || return
	for target in "$C" "$C/a" "$ROOT" "$C/a"; do
		attach "$PID" "$target" || return
		attach_process "$PID" "$C" || return
		expect OK try nsopen "$WORK/handle" || return
	done
	end_task "$PID"
	expect ESTALE try nsopen "$WORK/handle" || return
	# CONFIG_DEBUG_VFS reports a namespace that is freed while it is in use.
	no_complaints
}

# Root of a user namespace has no rights outside of it.
task_in_another_user_namespace() {
	if ! has_user_namespaces; then
		because "no user namespaces"
		return "$KSFT_SKIP"
	fi
	chown 1000 "$C/tasks" || return
	start sleep 1000
	others=$PID
	expect EACCES try -u 1000 -n write "$C/tasks" "$others" || return
	start try -u 1000 -n run sleep 1000
	wait_until belongs_to "$PID" 1000 || return
	expect OK try -u 1000 write "$C/tasks" "$PID" || return
	must_be_in "$PID" "$C" || return
	before=$(namespaces_of "$PID")
	attach "$PID" "$ROOT" || return
	expect "$before" namespaces_of "$PID" || return
	must_be_in "$others" "$ROOT"
}

shows_hostname() {
	[ "$(nsenter -t "$1" -u hostname)" = "$2" ]
}

unshare_stays_inside() {
	start sh -c "echo 0 >$C/tasks
		exec unshare -m -u -i sh -c 'echo >$WORK/there; exec sleep 1000'"
	wait_until test -e "$WORK/there" || return
	must_be_in "$PID" "$C"
}

# In 2007 every attach leaked a reference.
no_reference_is_left() {
	start sleep 1000
	first=$PID
	start_unshared sleep 1000 || return
	mkdir "$C/a" "$C/b" || return
	count=0
	while [ $count -lt 200 ]; do
		for target in a b; do
			attach "$first" "$C/$target" || return
			attach "$PID" "$C/$target" || return
		done
		count=$((count + 1))
	done
	attach "$first" "$ROOT" || return
	attach "$PID" "$ROOT" || return
	must_be_removable "$C/a" || return
	must_be_removable "$C/b"
}

already_there() {
	start sleep 1000
	attach "$PID" "$C" || return
	attach "$PID" "$C" || return
	must_be_in "$PID" "$C" || return
	attach "$SELF" "$ROOT" || return
	attach "$PID" "$ROOT" || return
	must_be_removable "$C"
}

attach_does_not_wait() {
	start sleep 1000
	moves_without_sleep tasks || return
	must_be_in "$PID" "$C/b"
}

rcfs_begin
point "a task can write its own id" own_id
point "0 is the writer itself" zero_is_oneself
point "another task moves, and is in one container only" another_task
point "white space around an id is fine" white_space_around
point "text that is not a number is EINVAL, and moves no task" bad_writes
point "a write of more than a page is E2BIG" long_writes
point "the id of no task is ESRCH" no_such_task
point "a zombie is ESRCH" zombie
point "a stopped task moves and stays stopped" stopped_task
point "another user's task is EACCES" other_users_task
point "users move their own tasks where they may write" ones_own_task
point "the credentials of open count, not those of write" opener_counts_not_writer
point "kernel threads that are bound are EINVAL" kernel_threads
point "ids are those of the writer's pid namespace" ids_of_the_writers_namespace
point "a child begins in the container of its parent" child_inherits
point "threads move one by one" threads_move_one_by_one
point "a task keeps its namespaces" namespaces_stay
point "a task keeps the namespaces that it has unshared" unshared_namespaces_stay
point "tasks of one container do not get each other's namespaces" namespaces_do_not_mix
point "a task that unshares stays in its container" unshare_stays_inside
point "a namespace ends with its last user, in any container" namespaces_end_with_their_users
point "tasks of other user namespaces belong to their owner" task_in_another_user_namespace
point "attaching leaves no reference behind" no_reference_is_left
point "attaching to the same container changes nothing" already_there
point "attaching waits for no grace period" attach_does_not_wait
ktap_finished
