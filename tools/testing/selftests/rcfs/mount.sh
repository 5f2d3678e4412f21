#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Mounting rcfs: which options mount which tree, errors and their messages, and the
# life time of a tree.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# mount_again OPTIONS: at $AGAIN, until the end of the point
mount_again() {
	AGAIN=$(mktemp -d "$WORK/mount.XXXXXX")
	expect OK try mount "$1" "$AGAIN" || return
	EXTRA_MOUNTS="$EXTRA_MOUNTS $AGAIN"
}

# subsystems_of DIR: print them as in /proc/mounts, separated by commas
subsystems_of() {
	awk -v dir="$1" '$2 == dir { print $4 }' /proc/mounts |
		sed 's/^r[wo]\(,relatime\)*//; s/^,//'
}

# alone: unmount rcfs elsewhere, so that the next umount is the last one. After the
# point it is mounted again.
alone() {
	awk -v dir="$ROOT" '$3 == "rcfs" && $2 != dir { print $2, $4 }' /proc/mounts >"$WORK/mounts"
	unmount_all <"$WORK/mounts" || return
	for mounts in /proc/[0-9]*/mounts; do
		if grep -v "^none $ROOT " "$mounts" 2>/dev/null | grep -q ' rcfs '; then
			because "rcfs is mounted elsewhere: $mounts"
			return "$KSFT_SKIP"
		fi
	done
}

# no_containers: remove $C; skip the point if there are other containers
no_containers() {
	must_be_removable "$C" || return
	if find "$ROOT" -mindepth 1 -type d | grep -q .; then
		because "others have containers below $ROOT"
		return "$KSFT_SKIP"
	fi
}

known_to_the_kernel() {
	if ! grep -qx 'nodev	rcfs' /proc/filesystems; then
		because "/proc/filesystems has no line 'nodev rcfs'"
		return 1
	fi
}

mount_point_exists() {
	if [ ! -d /sys/fs/rcfs ]; then
		because "/sys/fs/rcfs is not a directory"
		return 1
	fi
}

has_type_of_its_own() {
	# RCFS_SUPER_MAGIC; 27e0eb is the number of control groups.
	expect 72636673 stat -f -c %t "$ROOT"
}

same_set_is_same_tree() {
	for options in "" all "all,$(subsystems_of "$ROOT")" "$(subsystems_of "$ROOT")"; do
		mount_again "$options" || return
		if [ ! -d "$AGAIN/${C##*/}" ]; then
			because "mounted with '$options', $AGAIN does not show the container"
			return 1
		fi
	done
	mkdir "$AGAIN/${C##*/}/child" || return
	expect OK try rmdir "$C/child"
}

options_are_shown() {
	case ,$(subsystems_of "$ROOT"), in
	*,cpuacct,*) ;;
	*)
		because "no cpuacct in the options '$(subsystems_of "$ROOT")'"
		return 1
		;;
	esac
	# Each subsystem is an option of mount.
	mount_again "$(subsystems_of "$ROOT")"
}

unknown_subsystem() {
	expect ENOENT try mount nosuch "$WORK" || return
	expect ENOENT try mount cpuacct,nosuch "$WORK" || return
	expect ENOENT try mount all,nosuch "$WORK" || return
	expect ENOENT try mount cpuacc "$WORK" || return
	expect ENOENT try mount cpuacct.usage "$WORK"
}

subsystem_with_value() {
	expect EINVAL try mount cpuacct=1 "$WORK" || return
	expect EINVAL try mount cpuacct= "$WORK" || return
	expect EINVAL try mount all=1 "$WORK" || return
	expect EINVAL try mount nosuch=1 "$WORK"
}

# explained EXPECTED STEP...: expect this output of fsconfig
explained() {
	printf '%s\n' "$1" >"$WORK/expected"
	shift
	fsconfig "$@" >"$WORK/got" 2>&1
	cmp -s "$WORK/expected" "$WORK/got" && return
	because "fsconfig $*:"
	sed 's/^/# /' "$WORK/got"
	because "expected:"
	sed 's/^/# /' "$WORK/expected"
	return 1
}

errors_are_explained() {
	explained "ENOENT
e rcfs: nosuch: no such subsystem is registered" flag:nosuch || return
	explained "EINVAL
e rcfs: cpuacct: the name of a subsystem takes no value" string:cpuacct=1
}

odd_values_are_refused() {
	for step in binary:cpuacct=x fd:cpuacct path:cpuacct=/ binary:all=x; do
		key=${step#*:}
		explained "EINVAL
e rcfs: ${key%%=*}: the name of a subsystem takes no value" "$step" || return
	done
}

source_is_a_string() {
	# This message comes from the VFS.
	expect EINVAL first_line_of_fsconfig fd:source || return
	explained "OK
OK
OK" string:source=none flag:all create || return
	# It does not count as a subsystem either.
	expect ENOENT first_line_of_fsconfig flag:sources
}

first_line_of_fsconfig() {
	fsconfig "$@" | head -n 1
}

empty_name() {
	explained "EINVAL
e rcfs: a mount option without a name" flag: || return
	explained "EINVAL
e rcfs: a mount option without a name" string:=x
}

bad_option_spoils_nothing() {
	explained "ENOENT
e rcfs: nosuch: no such subsystem is registered
OK
OK" flag:nosuch flag:all create
}

remount_keeps_subsystems() {
	before=$(subsystems_of "$ROOT")
	expect OK try remount "" "$ROOT" || return
	expect OK try remount "$before" "$ROOT" || return
	expect OK try remount all "$ROOT" || return
	expect ENOENT try remount nosuch "$ROOT" || return
	expect EINVAL try remount cpuacct=1 "$ROOT" || return
	expect "$before" subsystems_of "$ROOT"
}

remount_with_another_set() {
	before=$(subsystems_of "$ROOT")
	case $before in
	*,*) ;;
	*)
		because "there is only one subsystem"
		return "$KSFT_SKIP"
		;;
	esac
	expect EINVAL try remount "${before%%,*}" "$ROOT" || return
	expect "$before" subsystems_of "$ROOT"
}

# In 2007 every action printed messages, some with addresses of the kernel.
# one_of_each: all actions, including those that fail
one_of_each() {
	mkdir "$C/a" || return
	attach "$PID" "$C/a" || return
	cat "$C/a/tasks" "$C/a/procs" /proc/rcfs "/proc/$PID/rcfs" >"$WORK/read"
	expect EINVAL try write "$C/a/tasks" x || return
	expect EBUSY try rmdir "$C/a" || return
	attach "$PID" "$C" || return
	must_be_removable "$C/a" || return
	umount "$AGAIN" && expect OK try mount "" "$AGAIN"
}

# Other code may print in one attempt, but not in each.
nothing_is_printed() {
	mount_again "" || return
	start sleep 1000
	dmesg >"$WORK/before"
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		one_of_each || return
	done
	dmesg >"$WORK/after"
	diff "$WORK/before" "$WORK/after" | grep '^>' >"$WORK/more"
	! grep -q rcfs "$WORK/more" && [ "$(count_lines "$WORK/more")" -lt 10 ] && return
	because "the kernel log has more than before:"
	sed 's/^/# /' "$WORK/more"
	return 1
}

users_cannot_mount() {
	mkdir "$WORK/user" && chown 1000:1000 "$WORK/user" || return
	expect EPERM try -u 1000 mount cpuacct "$WORK/user"
}

user_namespaces_cannot_mount() {
	if ! has_user_namespaces; then
		because "no user namespaces"
		return "$KSFT_SKIP"
	fi
	expect EPERM try -n mount cpuacct "$WORK" || return
	expect EPERM try -n mount "" "$WORK"
}

containers_outlive_umount() {
	alone || return
	mkdir -m 700 "$C/inner" || return
	start sleep 1000
	attach "$PID" "$C/inner" || return
	umount "$ROOT" || return
	mount -t rcfs none "$ROOT" || return
	must_be_in "$PID" "$C/inner" || return
	expect 700 stat -c %a "$C/inner"
}

unmounted_containers_work() {
	alone || return
	start sh -c "echo 0 >$C/tasks
		while [ ! -e $WORK/go ]; do sleep 0.05; done
		sleep 1000 & wait"
	parent=$PID
	wait_until in_container "$parent" "$C" || return
	umount "$ROOT" || return
	touch "$WORK/go"
	wait_until has_child "$parent" || return
	rm "$WORK/go"
	mount -t rcfs none "$ROOT" || return
	for child in $(children_of "$parent"); do
		must_be_in "$child" "$C" || return
	done
	end_task "$parent"
}

command_of() {
	tr '\0' ' ' <"/proc/$1/cmdline"
}

# children_of PID: print those that sleep for a long time
children_of() {
	for stat in /proc/[0-9]*/stat; do
		read -r id _ _ ppid _ 2>/dev/null <"$stat"
		if [ "$ppid" = "$1" ] && command_of "$id" | grep -q '^sleep 1000'; then
			echo "$id"
		fi
	done
}

has_child() {
	[ "$(children_of "$1")" ]
}

# The mode of the root directory belongs to the tree: a new tree has the default.
tree_ends_with_last_mount() {
	no_containers || return
	alone || return
	mount_again all || return
	default=$(stat -c %a "$ROOT")
	chmod 711 "$ROOT"
	umount "$AGAIN" || return
	EXTRA_MOUNTS=
	expect 711 stat -c %a "$ROOT" || return
	umount "$ROOT" || return
	mount -t rcfs none "$ROOT" || return
	expect "$default" stat -c %a "$ROOT" || return
	# Everything works like the first time.
	expect OK try mkdir "$C" || return
	start sleep 1000
	attach "$PID" "$C" || return
	must_be_in "$PID" "$C"
}

tree_ends_after_last_container() {
	no_containers || return
	mkdir "$C" || return
	alone || return
	default=$(stat -c %a "$ROOT")
	chmod 711 "$ROOT"
	umount "$ROOT" || return
	mount -t rcfs none "$ROOT" || return
	expect 711 stat -c %a "$ROOT" || return
	must_be_removable "$C" || return
	umount "$ROOT" || return
	mount -t rcfs none "$ROOT" || return
	expect "$default" stat -c %a "$ROOT"
}

mounts_race_umounts() {
	no_containers || return
	alone || return
	umount "$ROOT" || return
	for racer in a b; do
		mkdir "$WORK/$racer"
		mount_many_times "$WORK/$racer" "$racer" >"$WORK/$racer.log" 2>&1 &
	done
	wait
	cat "$WORK/a.log" "$WORK/b.log"
	if grep -q . "$WORK/a.log" "$WORK/b.log"; then
		return 1
	fi
	mount -t rcfs none "$ROOT" || return
	expect OK try mkdir "$C"
}

mount_many_times() {
	for _ in $(seq 30); do
		expect OK try mount "" "$1" || return
		if [ ! -e "$1/tasks" ] || ! mkdir "$1/$2" || ! rmdir "$1/$2"; then
			because "a dead tree was mounted at $1"
		fi
		umount "$1" || return
	done
}

rcfs_begin
point "rcfs is in /proc/filesystems" known_to_the_kernel
point "/sys/fs/rcfs exists" mount_point_exists
point "statfs tells rcfs from other file systems" has_type_of_its_own
point "the same set of subsystems is the same tree" same_set_is_same_tree
point "/proc/mounts shows options that mount the same tree" options_are_shown
point "an unknown subsystem is ENOENT" unknown_subsystem
point "a subsystem with a value is EINVAL" subsystem_with_value
point "the log of the mount explains errors" errors_are_explained
point "values that only fsconfig can pass are EINVAL" odd_values_are_refused
point "a source has to be a string" source_is_a_string
point "an option without a name is EINVAL" empty_name
point "the context can be used after a bad option" bad_option_spoils_nothing
point "remount keeps the subsystems" remount_keeps_subsystems
point "remount with another set is EINVAL" remount_with_another_set
point "nothing is printed to the kernel log" nothing_is_printed
point "users cannot mount" users_cannot_mount
point "root of a user namespace cannot mount" user_namespaces_cannot_mount
point "containers and their tasks outlive umount" containers_outlive_umount
point "children of a task join its container with nothing mounted" unmounted_containers_work
point "without containers the tree ends with its last mount" tree_ends_with_last_mount
point "the tree ends after its last container is removed" tree_ends_after_last_container
point "a mount during the last umount gives a usable tree" mounts_race_umounts
ktap_finished
