# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Functions for the tests of controllers, in addition to lib.sh: tasks that use CPU
# time and record their CPUs, and files that work alike.

# need_controllers NAME...: skip the test file if one of them is not in the
# hierarchy
need_controllers() {
	for controller; do
		has_controller "$controller" ||
			skip_all "the hierarchy has no controller $controller"
	done
}

# need_controller NAME: skip the point if it is not in the hierarchy
need_controller() {
	has_controller "$1" && return
	because "the hierarchy has no controller $1"
	return "$KSFT_SKIP"
}

# ---- tasks that use CPU time

# spin_in CONTAINER ARGUMENT...: start() the program spin in the container
spin_in() {
	container=$1
	shift
	start spin -a "$container" "$@"
	wait_until in_container "$PID" "$container"
}

# spin_on CPU CONTAINER KIND: the same, on this CPU from the beginning
spin_on() {
	start spin -c "$1" -a "$2" "$3"
	wait_until in_container "$PID" "$2"
}

# has_ended ID: for a task of start(). The shell may or may not have reaped it.
has_ended() {
	state=$(task_state "$1")
	[ ! "$state" ] || [ "$state" = Z ]
}

# let_run MS GROUP...: wait until the groups have used this much CPU time together
let_run() {
	cputime parts "$@" >/dev/null && return
	because "this much CPU time was not used: $*"
	return 1
}

# storm_amid A B: tasks fork, exit, switch namespaces and move between two
# containers of $C, while the task $PID of start() makes changes. Afterwards the
# containers must be empty, and the kernel must not have complained since mark_log.
storm_amid() {
	delay visible 100
	fork_race storm "$1" "$2" 40 || return
	end_task "$PID"
	for container; do
		must_be_empty "$container" || return
		must_be_removable "$container" || return
	done
	no_complaints
}

# ---- the record of spin: see spin.c

# new_record: a new record, in $RECORD
new_record() {
	RECORD=$WORK/record
	GENERATION=0
	printf '%0641d' 0 >"$RECORD"
}

# new_generation: separate later records from earlier ones
new_generation() {
	GENERATION=$((GENERATION + 1))
	printf %d "$GENERATION" 1<>"$RECORD"
}

# recorded: print the CPUs used in this generation
recorded() {
	awk -v generation="$GENERATION" '{
		for (cpu = 0; cpu < 64; cpu++)
			if (substr($0, 2 + generation * 64 + cpu, 1) == "1") {
				printf "%s%d", separator, cpu
				separator = " "
			}
	}' "$RECORD"
}

is_recorded() {
	[ "$(recorded)" ]
}

# ---- files

# set_file FILE TEXT
set_file() {
	expect OK try write "$1" "$2"
}

# refuses ERROR FILE TEXT...: each text fails with the error and changes nothing
refuses() {
	error=$1
	file=$2
	shift 2
	before=$(cat "$file")
	for text; do
		expect "$error" try write "$file" "$text" || return
		expect "$before" cat "$file" || return
	done
}

# are_writable FILE...: in $C, for root only
are_writable() {
	for file; do
		expect 644 stat -c %a "$C/$file" || return
		expect EACCES try -u 1000 write "$C/$file" 1 || return
	done
}

# are_read_only FILE...: in $C
are_read_only() {
	for file; do
		expect 444 stat -c %a "$C/$file" || return
		expect EINVAL try write "$C/$file" 1 || return
	done
}

# are_not_in_root FILE...
are_not_in_root() {
	for file; do
		expect ENOENT try read "$ROOT/$file" || return
		expect ENOENT try write "$ROOT/$file" 1 || return
	done
}

# ---- control groups

# mount_cgroup CONTROLLER: mount cgroup v1 at $CGROUP until the end of the point,
# with the group $CGROUP/test, which has to be removed by remove_cgroup()
mount_cgroup() {
	CGROUP=$WORK/cgroup
	mkdir "$CGROUP" || return
	if ! mount -t cgroup -o "$1" none "$CGROUP" 2>/dev/null; then
		because "no controller $1 of cgroup v1, or it is taken"
		return "$KSFT_SKIP"
	fi
	EXTRA_MOUNTS="$EXTRA_MOUNTS $CGROUP"
	mkdir "$CGROUP/test"
}

remove_cgroup() {
	wait_until cgroup_emptied_out
}

cgroup_emptied_out() {
	while read -r pid; do
		echo "$pid" >"$CGROUP/cgroup.procs"
	done <"$CGROUP/test/cgroup.procs"
	rmdir "$CGROUP/test"
} 2>/dev/null

# mount_cgroup2 CONTROLLER: mount cgroup v2 at $CGROUP, with the group $CGROUP/test,
# which has to be removed by remove_cgroup2()
mount_cgroup2() {
	CGROUP=$WORK/cgroup2
	mkdir "$CGROUP" || return
	if ! mount -t cgroup2 none "$CGROUP" 2>/dev/null; then
		because "no cgroup v2"
		return "$KSFT_SKIP"
	fi
	EXTRA_MOUNTS="$EXTRA_MOUNTS $CGROUP"
	CONTROLLER=$1
	# The controller is available some time after version 1 was unmounted.
	if cut -d ' ' -f 3,4 /proc/mounts | grep -q "^cgroup .*\<$CONTROLLER\>" ||
	   ! wait_until grep -qw "$CONTROLLER" "$CGROUP/cgroup.controllers"; then
		because "no controller $CONTROLLER of cgroup v2: version 1 has it, or it is missing"
		return "$KSFT_SKIP"
	fi
	WAS_ENABLED=$(grep -ow "$CONTROLLER" "$CGROUP/cgroup.subtree_control")
	mkdir "$CGROUP/test"
}

remove_cgroup2() {
	[ -d "$CGROUP/test" ] || return 0
	wait_until cgroup2_emptied_out || return
	[ "$WAS_ENABLED" ] || echo "-$CONTROLLER" >"$CGROUP/cgroup.subtree_control"
}

cgroup2_emptied_out() {
	cat "$CGROUP/test/cgroup.procs" "$CGROUP/test"/*/cgroup.procs | while read -r pid; do
		echo "$pid" >"$CGROUP/cgroup.procs"
	done
	rmdir "$CGROUP/test"/*/
	rmdir "$CGROUP/test"
} 2>/dev/null

# count_memory_groups: remember how many memory cgroups there are, for
# memory_groups_are_back(). Mounts cgroup v2.
count_memory_groups() {
	mount_cgroup2 memory || return
	remove_cgroup2 || return
	wait_until grep -q '^nr_dying_subsys_memory 0$' "$CGROUP/cgroup.stat" || return
	MEMORY_GROUPS=$(memory_groups)
}

# memory_groups_are_back: soon, there are as many as before, and none that is going
memory_groups_are_back() {
	wait_until has_memory_groups "$MEMORY_GROUPS" && return
	because "memory cgroups, and those that are going: $(memory_groups), before: $MEMORY_GROUPS"
	return 1
}

has_memory_groups() {
	[ "$(memory_groups)" = "$1" ]
}

# memory_groups: cgroup.stat of the root has those of containers as well
memory_groups() {
	sed -n 's/^nr_\(dying_\)*subsys_memory //p' "$CGROUP/cgroup.stat" | tr '\n' ' '
}
