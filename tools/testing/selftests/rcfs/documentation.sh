#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The administrator's guide tells the truth: its examples do what it says. A code
# block behind a comment
#
#	.. selftest: WHAT
#
# is run by "sh -e", in an empty folder. An example checks its own claims.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# Where the examples expect rcfs
MOUNTED=/sys/fs/rcfs

# Beside this file once the tests are installed, at its place in a kernel tree
GUIDE=$HERE/rcfs.rst
[ -e "$GUIDE" ] || GUIDE=$HERE/../../../../Documentation/admin-guide/rcfs.rst

# marked: what the guide has an example of
marked() {
	sed -n 's/^\.\. selftest: //p' "$GUIDE" | sort
}

# tested: what there is a point for, by its own lines below
tested() {
	functions=$(sed -n 's/^point ".*" \([a-z_]*\)$/\1/p' "$0")
	for function in $functions; do
		sed -n "/^$function() {\$/,/^}\$/s/^	example \"\(.*\)\"\$/\1/p" "$0"
	done | sort
}

# block WHAT: the first code block behind its mark, if nothing else is in between
block() {
	awk -v what="$1" '
		sub(/^\.\. selftest: /, "") {
			state = $0 == what ? "marked" : ""
			next
		}
		/^[^ \t]/ {
			state = state == "marked" && /^\.\. code-block:: sh$/ ? "code" : ""
			next
		}
		state == "code" {
			if (!indent && match($0, /[^ \t]/))
				indent = RSTART
			print substr($0, indent)
		}
	' "$GUIDE"
}

# containers: all of them
containers() {
	find "$MOUNTED" -mindepth 1 -depth -type d
}

# left: the containers that the example has left
left() {
	containers | grep -vxF -f "$WORK/before"
}

# sweep: one attempt to end and remove what the example has left
sweep() {
	kill -9 "-$PID" 2>/dev/null
	left | while read -r container; do
		while read -r id; do
			kill -9 "$id" 2>/dev/null
		done <"$container/tasks"
		rmdir "$container" 2>/dev/null
	done
	! left | grep -q .
}

# mounts_below FOLDER: the last one first
mounts_below() {
	awk -v folder="$1/" '
		index($2, folder) == 1 { all = $2 "\n" all }
		END { printf "%s", all }
	' /proc/mounts
}

# example WHAT: run it, and leave nothing of it
example() {
	block "$1" >"$WORK/example"
	if ! grep -q '[^ ]' "$WORK/example"; then
		because "no block of code follows '.. selftest: $1' in $GUIDE"
		return 1
	fi
	# The first line is there for a tree without any container.
	{
		echo "$MOUNTED"
		containers
	} >"$WORK/before"
	mkdir "$WORK/empty" && cd "$WORK/empty" || return
	setsid sh -e "$WORK/example" </dev/null >"$WORK/output" 2>&1 &
	PID=$!
	CHILDREN="$CHILDREN $PID"
	wait "$PID"
	result=$?
	cd "$HERE" || return
	EXTRA_MOUNTS="$(mounts_below "$WORK") $EXTRA_MOUNTS"
	wait_until sweep || return
	[ $result = 0 ] && return
	because "'$1' ends with $result; what it does, and what it says:"
	sed 's/^/# | /' "$WORK/example" "$WORK/output"
	return 1
}

nothing_is_forgotten() {
	if ! marked | grep -q .; then
		because "$GUIDE has no examples"
		return 1
	fi
	marked >"$WORK/marked"
	tested >"$WORK/tested"
	diff -u "$WORK/marked" "$WORK/tested" >"$WORK/diff" && return
	because "marked in the guide (-), and tested here (+):"
	sed -n 's/^[-+][^-+]/# &/p' "$WORK/diff"
	return 1
}

where_rcfs_is_mounted() {
	example "where rcfs is mounted"
}

same_tree() {
	example "the same subsystems are the same tree"
}

first_container() {
	example "a first container"
}

command_in_container() {
	example "a command in a container"
}

children_stay() {
	example "children stay"
}

end_all_tasks() {
	example "end all tasks of a container"
}

where_a_task_is() {
	example "where a task is"
}

delegation() {
	example "delegation"
}

why_a_mount_fails() {
	example "why a mount fails"
}

rcfs_begin
[ -e "$MOUNTED/tasks" ] || skip_all "rcfs is not mounted at $MOUNTED"
[ -r "$GUIDE" ] || ktap_exit_fail_msg "there is no $GUIDE"
point "every example of the guide is tested, and every one tested is there" nothing_is_forgotten
point "example: where rcfs is mounted" where_rcfs_is_mounted
point "example: the same subsystems are the same tree" same_tree
point "example: a first container" first_container
point "example: a command in a container" command_in_container
point "example: children stay" children_stay
point "example: end all tasks of a container" end_all_tasks
point "example: where a task is" where_a_task_is
point "example: delegation" delegation
point "example: why a mount fails" why_a_mount_fails
ktap_finished
