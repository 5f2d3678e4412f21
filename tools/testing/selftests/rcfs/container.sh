#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Containers: making, removing and owning them.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# files_of DIR: print names and modes of the files in it
files_of() {
	find "$1" -mindepth 1 -maxdepth 1 -type f -exec stat -c '%n %a' {} + |
		sed 's|.*/||' | sort
}

new_container_has_all_files() {
	for wanted in tasks cpuacct.usage; do
		if [ ! -f "$C/$wanted" ]; then
			because "there is no $C/$wanted"
			return 1
		fi
	done
	# The root has no limits, and no other file that a container lacks.
	files_of "$C" >"$WORK/files"
	expect "" lines_of_root_but "$WORK/files" || return
	mkdir "$C/other" || return
	expect "$(cat "$WORK/files")" files_of "$C/other"
}

# lines_of_root_but FILE: print the files of the root that are not in FILE
lines_of_root_but() {
	files_of "$ROOT" | grep -vxF -f "$1"
}

new_container_is_empty() {
	must_be_empty "$C" || return
	expect 0 cat "$C/cpuacct.usage"
}

containers_nest() {
	deep=$C
	for name in a b c d e f g h; do
		deep=$deep/$name
		expect OK try mkdir "$deep" || return
	done
	expect "$(files_of "$C")" files_of "$deep" || return
	start sleep 1000
	attach "$PID" "$deep" || return
	must_be_in "$PID" "$deep"
}

# $C itself is the first level below the root.
depth_is_bounded() {
	expect "31 EMLINK" trees depth "$C" || return
	# The refused mkdir has left nothing behind.
	must_be_removable "$C"
}

# A task that writes to a file of the container may hold the last reference on it
# and on all containers above. Dropping this reference must not overflow the stack.
chains_go() {
	trees chain "$C" 20
}

trees_go_in_any_order() {
	trees storm "$C" 3 "${RCFS_SEED:-1}"
}

# A container is visible with all of its files, unless it has been removed since.
container_appears_with_its_files() {
	start sh -c "while :; do
			for container in $C/*/; do
				if [ -e \"\${container}tasks\" ]; then
					echo \"\$container\" >>$WORK/complete
				elif [ -d \"\$container\" ]; then
					echo \"\$container\" >>$WORK/incomplete
				fi
			done
		done"
	mkdir "$C/first" || return
	wait_until test -e "$WORK/complete" || return
	must_be_removable "$C/first" || return
	for number in $(seq 100); do
		mkdir "$C/$number" && rmdir "$C/$number" || return
	done
	if [ -e "$WORK/incomplete" ]; then
		because "seen without its files: $(head -n 1 "$WORK/incomplete")"
		return 1
	fi
	grep -qv '/first/$' "$WORK/complete" && return
	because "none of the containers was seen"
	return 1
}

busy_with_container() {
	mkdir "$C/child" || return
	expect EBUSY try rmdir "$C" || return
	must_be_removable "$C/child" || return
	must_be_removable "$C"
}

busy_with_task() {
	start sleep 1000
	attach "$PID" "$C" || return
	expect EBUSY try rmdir "$C" || return
	# A refused rmdir changes nothing.
	must_be_in "$PID" "$C" || return
	expect OK try mkdir "$C/child"
}

busy_with_unshared_task() {
	start_unshared sleep 1000 || return
	attach "$PID" "$C" || return
	expect EBUSY try rmdir "$C" || return
	must_be_in "$PID" "$C"
}

busy_with_task_that_unshared_inside() {
	start_inside_then_unshare || return
	must_be_in "$PID" "$C" || return
	expect EBUSY try rmdir "$C" || return
	must_be_in "$PID" "$C"
}

# It uses another nsproxy than that of the container.
start_inside_then_unshare() {
	mine=$(readlink /proc/self/ns/uts)
	start sh -c "echo 0 >$C/tasks && exec unshare -u -i sleep 1000"
	wait_until has_other_ns "$PID" "$mine"
}

removable_once_moved() {
	start sleep 1000
	first=$PID
	start_unshared sleep 1000 || return
	attach "$first" "$C" || return
	attach "$PID" "$C" || return
	attach "$first" "$ROOT" || return
	expect EBUSY try rmdir "$C" || return
	attach "$PID" "$ROOT" || return
	must_be_removable "$C"
}

removable_once_reaped() {
	start sleep 1000
	attach "$PID" "$C" || return
	end_task "$PID"
	must_be_removable "$C" || return
	mkdir "$C" || return
	start_inside_then_unshare || return
	end_task "$PID"
	must_be_removable "$C" || return
	mkdir "$C" || return
	start threads 20
	wait_until has_threads "$PID" 20 || return
	for thread in "/proc/$PID/task"/*; do
		attach "${thread##*/}" "$C" || return
	done
	end_task "$PID"
	must_be_removable "$C"
}

# Only the parent can release what a zombie holds.
removable_with_zombie() {
	start_zombie || return
	must_be_empty "$C" || return
	must_be_removable "$C"
}

# start_zombie: $ZOMBIE has died in $C and is not reaped
start_zombie() {
	start sh -c "sh -c 'echo 0 >$C/tasks; echo \$\$ >$WORK/zombie' & exec sleep 1000"
	wait_until test -s "$WORK/zombie" || return
	ZOMBIE=$(cat "$WORK/zombie")
	wait_until is_in_state Z "$ZOMBIE"
}

name_exists() {
	mkdir "$C/child" || return
	expect EEXIST try mkdir "$C/child" || return
	expect EEXIST try mkdir "$C/tasks" || return
	must_be_removable "$C/child" || return
	expect OK try mkdir "$C/child"
}

# Files list one container a line.
newline_in_name() {
	expect EINVAL try mkdir "$C/two
lines" || return
	expect OK try mkdir "$C/two words"
}

long_names() {
	longest=$(printf '%0255d' 0)
	expect ENAMETOOLONG try mkdir "$C/0$longest" || return
	expect OK try mkdir "$C/$longest" || return
	start sleep 1000
	attach "$PID" "$C/$longest" || return
	must_be_in "$PID" "$C/$longest" || return
	grep -q ":/${C##*/}/$longest\$" "/proc/$PID/rcfs"
}

open_files_of_removed() {
	exec 3<"$C/tasks"
	exec 4>"$C/tasks"
	exec 5<"$C/cpuacct.usage"
	must_be_removable "$C" || return
	expect ENODEV try fdread 3 || return
	expect ENODEV try fdwrite 4 0 || return
	expect ENODEV try fdread 5 || return
	# The open files do not belong to a new container of that name.
	mkdir "$C" || return
	expect ENODEV try fdread 3 || return
	expect ENODEV try fdwrite 4 0 || return
	must_be_empty "$C"
}

open_list_of_removed() {
	for _ in 1 2 3; do
		start sleep 1000
		attach "$PID" "$C" || return
	done
	exec 3<"$C/tasks"
	read -r _ <&3
	for pid in $CHILDREN; do
		end_task "$pid"
	done
	must_be_removable "$C" || return
	# The rest of a buffer may be read, but nothing more from the container.
	wait_until fd_is_gone 3
}

# fd_is_gone FD: it returns ENODEV, at once or after buffered data
fd_is_gone() {
	[ "$(try fdread "$1")" = ENODEV ]
}

inside_removed() {
	mkdir "$C/gone" || return
	cd "$C/gone" || return
	must_be_removable "$C/gone" || return
	expect ENOENT try mkdir child || return
	expect ENOENT try rmdir child || return
	expect ENOENT try read tasks || return
	cd "$HERE" || return
	must_be_removable "$C"
}

removed_is_gone_for_good() {
	start sleep 1000
	for _ in $(seq 20); do
		mkdir "$C/child" || return
		attach "$PID" "$C/child" || return
		attach "$PID" "$C" || return
		must_be_removable "$C/child" || return
		if [ -e "$C/child" ] || [ -e "$C/child/tasks" ]; then
			because "$C/child has been removed and is there"
			return 1
		fi
	done
}

mode_is_that_of_mkdir() {
	umask 022
	expect OK try mkdir "$C/a" 750 || return
	expect 750 stat -c %a "$C/a" || return
	umask 077
	expect OK try mkdir "$C/b" 777 || return
	expect 700 stat -c %a "$C/b" || return
	# A user who can see the directory can read its tasks.
	expect 644 stat -c %a "$C/b/tasks" || return
	expect 444 stat -c %a "$C/b/cpuacct.stat"
}

chmod_and_chown_hold() {
	chmod 640 "$C/tasks" && chown 1000:1001 "$C/tasks" && chmod 700 "$C" || return
	# Inodes can be dropped at any time.
	echo 2 >/proc/sys/vm/drop_caches
	expect "640 1000 1001" stat -c '%a %u %g' "$C/tasks" || return
	expect "700 0 0" stat -c '%a %u %g' "$C"
}

# A subtree can be delegated to a user, without anything around it.
delegated_directory() {
	mkdir "$C/theirs" "$C/ours" && chown 1000:1000 "$C/theirs" || return
	expect OK try -u 1000 mkdir "$C/theirs/child" 755 || return
	expect OK try -u 1000 mkdir "$C/theirs/child/grandchild" 755 || return
	expect EACCES try -u 1000 mkdir "$C/ours/child" || return
	expect EACCES try -u 1000 mkdir "$C/child" || return
	expect EACCES try -u 1001 mkdir "$C/theirs/other" || return
	expect EACCES try -u 1000 rmdir "$C/ours" || return
	expect EACCES try -u 1000 rmdir "$C/theirs" || return
	expect OK try -u 1000 rmdir "$C/theirs/child/grandchild"
}

# A delegated subtree works without root, because the files belong to the user who
# made it.
creator_owns_all_files() {
	mkdir "$C/theirs" && chown 1000:1000 "$C/theirs" || return
	expect OK try -u 1000 mkdir "$C/theirs/child" 755 || return
	for file in "$C/theirs/child" "$C/theirs/child"/*; do
		expect "1000 1000" stat -c '%u %g' "$file" || return
	done
	# The files of the delegated directory belong to root.
	expect "0 0" stat -c '%u %g' "$C/theirs/tasks"
}

files_come_with_containers_only() {
	files=$(files_of "$C")
	for verb in "touch $C/file" "ln -s tasks $C/link" "ln $C/tasks $C/link" \
		"rm $C/tasks" "mv $C/tasks $C/other"; do
		if $verb 2>/dev/null; then
			because "this was allowed: $verb"
			return 1
		fi
	done
	expect "$files" files_of "$C"
}

rcfs_begin
point "a new container has all files" new_container_has_all_files
point "a new container is empty" new_container_is_empty
point "containers nest" containers_nest
point "a container below 32 others is EMLINK" depth_is_bounded
point "nested containers are freed, whatever holds the last one" chains_go
point "trees are removed in any order during reads and attaches" trees_go_in_any_order
point "a container appears with its files" container_appears_with_its_files
point "a container with a container is EBUSY" busy_with_container
point "a container with a task is EBUSY" busy_with_task
point "a container with a task of other namespaces is EBUSY" busy_with_unshared_task
point "a container with a task that unshared inside is EBUSY" busy_with_task_that_unshared_inside
point "a container can be removed once its last task has been moved" removable_once_moved
point "a container can be removed once its last task has been reaped" removable_once_reaped
point "a zombie is in no container" removable_with_zombie
point "a name in use is EEXIST" name_exists
point "a newline in a name is EINVAL" newline_in_name
point "a name of more than 255 bytes is ENAMETOOLONG" long_names
point "open files of a removed container are ENODEV" open_files_of_removed
point "a listing of a removed container ends" open_list_of_removed
point "a removed container accepts no task and no container" inside_removed
point "a new container of the same name is another one" removed_is_gone_for_good
point "a container has the mode of mkdir" mode_is_that_of_mkdir
point "chmod and chown last" chmod_and_chown_hold
point "users can make containers in their own directories only" delegated_directory
point "the files of a container belong to the user who made it" creator_owns_all_files
point "files cannot be made or removed" files_come_with_containers_only
ktap_finished
