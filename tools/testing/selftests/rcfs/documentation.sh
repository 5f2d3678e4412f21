#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The examples in the documentation work. A code block after a comment
#
#	.. selftest: WHAT
#
# is run by "sh -e" in an empty folder. It is skipped if it uses a controller, a
# module or the command rcfs, and this is missing. Each example checks its own
# result.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# Where the examples expect rcfs
MOUNTED=/sys/fs/rcfs

# Beside this file once the tests are installed, at their places in a kernel tree
GUIDE=$HERE/rcfs.rst
CONTROLLERS=$HERE/rcfs
WRITING=$HERE/rcfs-controllers.rst
if [ ! -e "$GUIDE" ]; then
	GUIDE=$HERE/../../../../Documentation/admin-guide/rcfs.rst
	CONTROLLERS=${GUIDE%.rst}
	WRITING=$HERE/../../../../Documentation/core-api/rcfs-controllers.rst
fi

# pages COMMAND...: run the command with all pages as further arguments
pages() {
	"$@" "$GUIDE" "$CONTROLLERS"/*.rst "$WRITING"
}

# marked: print the marks of all examples
marked() {
	pages sed -n 's/^\.\. selftest: //p' | sort
}

# tested: print the examples with a point, found in the lines below
tested() {
	functions=$(sed -n 's/^point ".*" \([a-z_]*\)$/\1/p' "$0")
	for function in $functions; do
		sed -n "/^$function() {\$/,/^}\$/s/^	example \"\(.*\)\"\$/\1/p" "$0"
	done | sort
}

# block WHAT: print the first code block after its mark, unless other text is in
# between
block() {
	# shellcheck disable=SC2016 # these are awk's
	pages awk -v what="$1" '
		FNR == 1 { state = "" }
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
	'
}

# missing: print what the example needs and does not find
missing() {
	for page in "$CONTROLLERS"/*.rst; do
		controller=${page##*/}
		controller=${controller%.rst}
		! grep -qw "$controller" "$WORK/example" || is_mounted "$controller" ||
			echo "controller $controller at $MOUNTED"
	done
	! grep -q '^ *rcfs ' "$WORK/example" || command -v rcfs >/dev/null || echo "command rcfs"
	sed -n 's/^ *modprobe \([a-z_]*\).*/\1/p' "$WORK/example" | while read -r module; do
		find "/lib/modules/$(uname -r)" -name "$module.ko*" 2>/dev/null | grep -q . ||
			echo "module $module"
	done
}

# is_mounted CONTROLLER: it is mounted where the examples look
is_mounted() {
	awk -v dir="$MOUNTED" '$2 == dir && $3 == "rcfs" { print $4 }' /proc/mounts |
		tr , '\n' | grep -qx "$1"
}

# containers: print all containers
containers() {
	find "$MOUNTED" -mindepth 1 -depth -type d
}

# left: print the containers that the example has left
left() {
	containers | grep -vxF -f "$WORK/before"
}

# sweep: try once to end and remove what the example has left
sweep() {
	kill -9 "-$PID" 2>/dev/null
	left | while read -r container; do
		# A frozen task cannot be ended.
		{
			echo THAWED >"$container/freezer.state"
		} 2>/dev/null
	done
	left | while read -r container; do
		while read -r id; do
			kill -9 "$id" 2>/dev/null
		done <"$container/tasks"
		rmdir "$container" 2>/dev/null
	done
	! left | grep -q .
}

# example WHAT: run it, and remove what it leaves
example() {
	block "$1" >"$WORK/example"
	if ! grep -q '[^ ]' "$WORK/example"; then
		because "no block of code follows '.. selftest: $1'"
		return 1
	fi
	missing >"$WORK/missing"
	if [ -s "$WORK/missing" ]; then
		sed 's/^/# there is no /' "$WORK/missing"
		return "$KSFT_SKIP"
	fi
	# The first line is for a tree without any container.
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
	because "'$1' ends with $result; commands and output:"
	sed 's/^/# | /' "$WORK/example" "$WORK/output"
	return 1
}

nothing_is_forgotten() {
	if ! marked | grep -q .; then
		because "there are no examples in $GUIDE and the others"
		return 1
	fi
	marked >"$WORK/marked"
	tested >"$WORK/tested"
	diff -u "$WORK/marked" "$WORK/tested" >"$WORK/diff" && return
	because "marked in the documentation (-), and tested here (+):"
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

command_with_limits() {
	example "a command with limits"
}

look_after_containers() {
	example "look after containers with the command"
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

cpu_time_used() {
	example "CPU time used"
}

user_and_system_time() {
	example "user and system time"
}

cpu_time_by_weight() {
	example "CPU time by weight"
}

limit_of_cpu_time() {
	example "a limit of CPU time"
}

no_more_than_above() {
	example "no more than above"
}

group_below_one_with_cpu() {
	example "a control group without the controller, below one with it"
}

tasks_on_one_cpu() {
	example "tasks on one CPU"
}

no_cpu_that_is_not_above() {
	example "no CPU that is not above"
}

limit_on_tasks() {
	example "a limit on the number of tasks"
}

zombies_count() {
	example "zombies count"
}

limits_above() {
	example "limits above hold as well"
}

frozen_task() {
	example "a task that is frozen"
}

thawing_below() {
	example "thawing below a frozen container"
}

devices_that_are_allowed() {
	example "devices that are allowed"
}

bound_for_nice_values() {
	example "a bound for nice values"
}

limit_on_the_rate() {
	example "a limit on the rate of forks"
}

limit_on_memory() {
	example "a limit on memory"
}

run_tells_of_a_kill() {
	example "rcfs run tells of a kill"
}

what_keeps_a_container() {
	example "what keeps a container"
}

about_oneself() {
	example "about oneself"
}

insmod_to_rmmod() {
	if no_room_for rust_rcfs_forks; then
		because "there is no room for one more subsystem"
		return "$KSFT_SKIP"
	fi
	example "a controller from insmod to rmmod"
}

rcfs_begin
[ -e "$MOUNTED/tasks" ] || skip_all "rcfs is not mounted at $MOUNTED"
pages ls >/dev/null || ktap_exit_fail_msg "the documentation is not there"
point "every example is tested, and every tested example exists" nothing_is_forgotten
point "example: where rcfs is mounted" where_rcfs_is_mounted
point "example: the same subsystems are the same tree" same_tree
point "example: a first container" first_container
point "example: a command in a container" command_in_container
point "example: children stay" children_stay
point "example: end all tasks of a container" end_all_tasks
point "example: a command with limits" command_with_limits
point "example: look after containers with the command" look_after_containers
point "example: where a task is" where_a_task_is
point "example: delegation" delegation
point "example: why a mount fails" why_a_mount_fails
point "cpuacct: CPU time used" cpu_time_used
point "cpuacct: user and system time" user_and_system_time
point "cpu: CPU time by weight" cpu_time_by_weight
point "cpu: a limit of CPU time" limit_of_cpu_time
point "cpu: no more than above" no_more_than_above
point "cpu: a control group without the controller, below one with it" group_below_one_with_cpu
point "cpuset: tasks on one CPU" tasks_on_one_cpu
point "cpuset: no CPU that is not above" no_cpu_that_is_not_above
point "pids: a limit on the number of tasks" limit_on_tasks
point "pids: zombies count" zombies_count
point "pids: limits above hold as well" limits_above
point "freezer: a task that is frozen" frozen_task
point "freezer: thawing below a frozen container" thawing_below
point "devices: devices that are allowed" devices_that_are_allowed
point "nice: a bound for nice values" bound_for_nice_values
point "forkrate: a limit on the rate of forks" limit_on_the_rate
point "memory: a limit on memory" limit_on_memory
point "memory: rcfs run tells of a kill" run_tells_of_a_kill
point "debug: what keeps a container" what_keeps_a_container
point "debug: about oneself" about_oneself
point "writing: a controller from insmod to rmmod" insmod_to_rmmod
ktap_finished
