#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The controller devices: which device nodes tasks in a container open and make.
#
# There is no driver for the major number 4000. Opening such a node is ENXIO if the
# controller allows it, and EPERM otherwise.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=controllers.sh
. "$HERE/controllers.sh"

ALL="a *:* rwm"

# nodes: $NODES is a file system with device nodes, until the end of the point
nodes() {
	NODES=$WORK/nodes
	mkdir "$NODES" && mount -t tmpfs -o mode=755 none "$NODES" || return
	EXTRA_MOUNTS="$EXTRA_MOUNTS $NODES"
}

# member CONTAINER COMMAND...: execute it in the container
member() {
	# shellcheck disable=SC2016 # for the shell in there
	sh -c 'echo 0 >"$0/tasks" && exec "$@"' "$@"
}

# node TYPE MAJOR:MINOR: $NODE is one
node() {
	[ "${NODES:-}" ] || nodes || return
	NODE=$NODES/$1-${2%:*}-${2#*:}
	[ -e "$NODE" ] || mknod "$NODE" "$1" "${2%:*}" "${2#*:}"
}

# usable CONTAINER NODE TYPE MAJOR MINOR: print the permitted ones of r, w and m, or
# "none"
usable() {
	# shellcheck disable=SC2016 # for the shell in there
	member "$1" sh -c '
		can=
		(exec 3<"$0") 2>"$0.why"
		grep -q "not permitted" "$0.why" || can=r
		(exec 3>"$0") 2>"$0.why"
		grep -q "not permitted" "$0.why" || can=${can}w
		mknod "$0.new" "$@" 2>"$0.why"
		grep -q "not permitted" "$0.why" || can=${can}m
		rm -f "$0.new" "$0.why"
		echo "${can:-none}"
	' "$2" "$3" "$4" "$5"
}

# can WAYS CONTAINER TYPE MAJOR:MINOR...: expect this result of usable() for each
can() {
	ways=$1
	container=$2
	type=$3
	shift 3
	for numbers; do
		node "$type" "$numbers" || return
		expect "$ways" usable "$container" "$NODE" "$type" "${numbers%:*}" \
			"${numbers#*:}" && continue
		because "$type $numbers in ${container#"$C"}/"
		return 1
	done
}

# can_both RESULT CONTAINER: open c 1:3 for reading and writing at once
can_both() {
	node c 1:3 || return
	# shellcheck disable=SC2016 # for the shell in there
	expect "$1" member "$2" sh -c '
		(exec 3<>"$0") 2>"$0.why" && echo OK
		! grep -q "not permitted" "$0.why" || echo EPERM
		rm -f "$0.why"
	' "$NODE"
}

# allow CONTAINER LINE..., deny CONTAINER LINE...
allow() {
	container=$1
	shift
	for line; do
		set_file "$container/devices.allow" "$line" || return
	done
}

deny() {
	container=$1
	shift
	for line; do
		set_file "$container/devices.deny" "$line" || return
	done
}

# lists TEXT CONTAINER...
lists() {
	text=$1
	shift
	for container; do
		expect "$text" cat "$container/devices.list" || return
	done
}

# refused ERROR FILE LINE...: each line fails, and the list of $C/a does not change
refused() {
	error=$1
	file=$2
	shift 2
	before=$(cat "$C/a/devices.list")
	for line; do
		expect "$error" try write "$C/a/devices.$file" "$line" || return
		lists "$before" "$C/a" || return
	done
}

# ---- files

files() {
	are_read_only devices.list || return
	for file in allow deny; do
		expect 200 stat -c %a "$C/devices.$file" || return
		expect EINVAL try read "$C/devices.$file" || return
		expect EACCES try -u 1000 write "$C/devices.$file" "c 1:3 r" || return
	done
	expect "$ALL" try -u 1000 run cat "$C/devices.list" || return
	can rwm "$C" c 1:3 4000:1 || return
	can rwm "$C" b 4000:1
}

root_allows_all() {
	are_not_in_root devices.allow devices.deny || return
	lists "$ALL" "$ROOT" || return
	expect 444 stat -c %a "$ROOT/devices.list"
}

bad_lines() {
	mkdir "$C/a" || return
	for policy in all none; do
		[ $policy = all ] || deny "$C/a" a || return
		for file in allow deny; do
			refused EINVAL "$file" "" " " "
" c b "c 1:3" "c  r" "1:3 r" "d 1:3 r" "C 1:3 r" "A" "aa" "cb 1:3 r" "c 1 r" "c 1: r" \
				"c :3 r" "c : r" "c 1:3: r" "c 1:3:5 r" "c 1 :3 r" "c 1.3 r" \
				"c -1:3 r" "c +1:3 r" "c 0x1:3 r" "c 1:x r" "c **:3 r" "c 1:*3 r" \
				"c 1:3 x" "c 1:3 rx" "c 1:3 R" "c 1:3 r w" "c 1:3 r,w" "c,1:3,r" \
				"c 1:3 r c 1:5 r" "c 1:3 r
c 1:5 r" "$(printf 'c 1:3 r\377')" || return
			refused ERANGE "$file" "c 4294967296:3 r" "c 1:4294967296 r" \
				"b 9223372036854775808:1 r" "c *:18446744073709551616 r" || return
			refused E2BIG "$file" "$(printf '%05000d' 1)" || return
		done
		[ $policy = none ] || can rwm "$C/a" c 1:3 1:5 || return
	done
	can none "$C/a" c 1:3 1:5
}

lists_say_what_is_allowed() {
	deny "$C" a || return
	lists "" "$C" || return
	allow "$C" "c 1:3 m" "b 8:* rw" "c *:9 mwr" "b *:* r" "	 c  4294967295:0	 rr
" || return
	lists "c 1:3 m
b 8:* rw
c *:9 rwm
b *:* r
c 4294967295:0 r" "$C" || return
	# The exceptions of a container that allows all other devices are not shown.
	allow "$C" a || return
	deny "$C" "c 1:3 rw" || return
	lists "$ALL" "$C"
}

long_lists() {
	deny "$C" a || return
	number=0
	while [ $number -lt 500 ]; do
		echo "c 4000:$number rwm" >"$C/devices.allow" || return
		number=$((number + 1))
	done
	expect 500 count_lines "$C/devices.list" || return
	expect "c 4000:499 rwm" tail -n 1 "$C/devices.list" || return
	can rwm "$C" c 4000:0 4000:499 || return
	can none "$C" c 4000:500
}

# ---- rules

denied_ones() {
	deny "$C" "c 1:3 rwm" "b 4000:1 w" "c 4000:1 m" || return
	lists "$ALL" "$C" || return
	can none "$C" c 1:3 || return
	can rm "$C" b 4000:1 || return
	can rw "$C" c 4000:1 || return
	can rwm "$C" c 1:5 4000:2 || return
	can rwm "$C" b 1:3 4000:2 || return
	allow "$C" "c 1:3 r" "b 4000:1 w" || return
	can r "$C" c 1:3 || return
	can rwm "$C" b 4000:1 || return
	allow "$C" "c 1:3 wm" || return
	can rwm "$C" c 1:3
}

allowed_ones() {
	deny "$C" a || return
	can none "$C" c 1:3 1:5 4000:1 || return
	can none "$C" b 4000:1 || return
	allow "$C" "c 1:3 rwm" "b 4000:1 w" "c 4000:1 m" || return
	can rwm "$C" c 1:3 || return
	can w "$C" b 4000:1 || return
	can m "$C" c 4000:1 || return
	can none "$C" c 1:5 4000:2 || return
	can none "$C" b 1:3 4000:2 || return
	deny "$C" "c 1:3 w" || return
	can rm "$C" c 1:3
}

each_way_for_itself() {
	deny "$C" a || return
	for ways in r w m rw rm wm rwm; do
		allow "$C" "c 1:3 $ways" || return
		lists "c 1:3 $ways" "$C" || return
		can $ways "$C" c 1:3 || return
		deny "$C" "c 1:3 rwm" || return
		can none "$C" c 1:3 || return
	done
	allow "$C" a || return
	for ways in r:wm w:rm m:rw rw:m rm:w wm:r rwm:none; do
		deny "$C" "c 1:3 ${ways%:*}" || return
		can ${ways#*:} "$C" c 1:3 || return
		allow "$C" "c 1:3 rwm" || return
		can rwm "$C" c 1:3 || return
	done
}

errors_are_eperm() {
	node c 1:3 || return
	deny "$C" "c 1:3 w" || return
	expect OK member "$C" try read "$NODE" || return
	expect EPERM member "$C" try write "$NODE" x || return
	can_both EPERM "$C" || return
	deny "$C" "c 1:3 r" || return
	expect EPERM member "$C" try read "$NODE" || return
	# The number counts, not the file.
	expect EPERM member "$C" try read /dev/null || return
	# This task is not in the container.
	expect OK try read "$NODE"
}

stars() {
	deny "$C" a || return
	while read -r rule allowed; do
		allow "$C" "c $rule rw" || return
		for numbers in 1:3 1:5 4000:3 4000:5; do
			ways=none
			case " $allowed " in
			*" $numbers "*) ways=rw ;;
			esac
			if ! can $ways "$C" c $numbers; then
				because "c $rule"
				return 1
			fi
		done
		can none "$C" b 1:3 || return
		deny "$C" "c $rule rw" || return
		lists "" "$C" || return
	done <<-END
		1:3	1:3
		1:*	1:3 1:5
		*:3	1:3 4000:3
		*:*	1:3 1:5 4000:3 4000:5
		2:*
	END
	allow "$C" a || return
	deny "$C" "c 1:* w" "c *:5 m" || return
	can rm "$C" c 1:3 || return
	can r "$C" c 1:5 || return
	can rw "$C" c 4000:5 || return
	can rwm "$C" c 4000:3 || return
	can rwm "$C" b 1:5
}

all_begins_anew() {
	deny "$C" "c 1:3 rwm" a || return
	allow "$C" "c 1:5 r" || return
	deny "$C" a || return
	lists "" "$C" || return
	can none "$C" c 1:5 || return
	allow "$C" "c 1:5 r" a || return
	lists "$ALL" "$C" || return
	can rwm "$C" c 1:3 1:5 || return
	# As programs for cgroup v1 write it, and as the list shows it
	deny "$C" "a *:* rwm" || return
	lists "" "$C" || return
	allow "$C" "a *:* rwm" || return
	lists "$ALL" "$C"
}

rules_merge_and_vanish() {
	deny "$C" a || return
	allow "$C" "c 1:3 r" "c 1:5 m" "c 1:3 w" "c 1:3 r" "c 1:3 rw" || return
	lists "c 1:3 rw
c 1:5 m" "$C" || return
	deny "$C" "c 1:3 rm" || return
	lists "c 1:3 w
c 1:5 m" "$C" || return
	deny "$C" "c 1:3 w" || return
	lists "c 1:5 m" "$C" || return
	# There are no such rules.
	deny "$C" "c 1:3 rwm" "c 1:5 rw" "b 1:5 m" || return
	lists "c 1:5 m" "$C" || return
	deny "$C" "c 1:5 m" || return
	lists "" "$C"
}

# As in cgroup v1, a rule is only removed by a line with the same numbers.
rules_have_no_holes() {
	deny "$C" a || return
	allow "$C" "c 1:* rwm" || return
	deny "$C" "c 1:3 rwm" || return
	lists "c 1:* rwm" "$C" || return
	can rwm "$C" c 1:3 || return
	allow "$C" a || return
	deny "$C" "c 1:* rwm" || return
	allow "$C" "c 1:3 rwm" || return
	can none "$C" c 1:3
}

# A single rule has to allow the whole access.
rules_do_not_add_up() {
	deny "$C" a || return
	allow "$C" "c 1:* r" "c 1:3 w" || return
	can rw "$C" c 1:3 || return
	can_both EPERM "$C" || return
	allow "$C" "c 1:3 r" || return
	can_both OK "$C"
}

# ---- nested containers

no_more_than_above() {
	mkdir "$C/a" || return
	deny "$C" a || return
	allow "$C" "c 1:3 r" "c 4000:* rm" || return
	deny "$C/a" a || return
	refused EPERM allow a "c 1:3 w" "c 1:3 rw" "c 1:* r" "c *:3 r" "c *:* r" "b 1:3 r" \
		"c 1:5 r" "c 4000:1 w" "c 4000:1 rwm" "c *:* rwm" || return
	allow "$C/a" "c 1:3 r" "c 4000:1 m" "c 4000:* r" || return
	can r "$C/a" c 1:3 || return
	can rm "$C" c 4000:1
}

no_exception_of_above() {
	mkdir "$C/a" || return
	deny "$C" "c 1:3 w" "b 4000:* r" || return
	refused EPERM allow "c 1:3 w" "c 1:3 rwm" "c 1:* w" "c *:3 w" "c *:* w" "b 4000:1 r" \
		"b 4000:* rw" || return
	deny "$C/a" a || return
	refused EPERM allow "c 1:3 w" "c *:* rwm" || return
	allow "$C/a" "c 1:3 rm" "c 1:5 w" "b 1:* r" "c *:* r" || return
	can rm "$C/a" c 1:3 || return
	# "a" allows what the container above allows.
	allow "$C/a" a || return
	can rm "$C/a" c 1:3 || return
	can wm "$C/a" b 4000:1 || return
	can rwm "$C/a" c 4000:1
}

denied_later() {
	mkdir "$C/a" "$C/a/b" "$C/beside" || return
	deny "$C/a/b" a || return
	allow "$C/a/b" "c 1:3 rw" "c 1:5 rw" || return
	deny "$C/a" "c 1:3 w" || return
	lists "c 1:3 rw
c 1:5 rw" "$C/a/b" || return
	can r "$C/a/b" c 1:3 || return
	can rw "$C/a/b" c 1:5 || return
	deny "$C" a || return
	can none "$C" c 1:3 1:5 || return
	can none "$C/a" c 1:3 1:5 || return
	can none "$C/a/b" c 1:3 1:5 || return
	can none "$C/beside" c 1:3 || return
	allow "$C" a || return
	can rm "$C/a" c 1:3 || return
	can r "$C/a/b" c 1:3 || return
	can rw "$C/a/b" c 1:5 || return
	can rwm "$C/beside" c 1:3
}

others_stay() {
	mkdir "$C/a" "$C/a/b" "$C/beside" || return
	deny "$C/a" a || return
	can rwm "$C" c 1:3 || return
	can rwm "$C/beside" c 1:3 || return
	can none "$C/a/b" c 1:3 || return
	lists "$ALL" "$C" "$C/beside"
}

new_ones_copy() {
	deny "$C" a || return
	allow "$C" "c 1:3 r" "b 4000:* m" || return
	mkdir "$C/a" || return
	lists "c 1:3 r
b 4000:* m" "$C/a" || return
	deny "$C/a" "c 1:3 r" || return
	lists "c 1:3 r
b 4000:* m" "$C" || return
	can r "$C" c 1:3 || return
	can none "$C/a" c 1:3 || return
	# The list is that of the beginning.
	allow "$C" "c 1:5 r" || return
	lists "b 4000:* m" "$C/a" || return
	can none "$C/a" c 1:5 || return
	# Exceptions of a container that allows all other devices
	allow "$C" a || return
	deny "$C" "c 1:3 w" || return
	mkdir "$C/b" || return
	allow "$C" "c 1:3 w" || return
	can rwm "$C" c 1:3 || return
	can rm "$C/b" c 1:3 || return
	allow "$C/b" "c 1:3 w" || return
	can rwm "$C/b" c 1:3
}

# ---- tasks

open_ones_stay() {
	node c 1:5 || return
	# shellcheck disable=SC2016 # for the shell in there
	start member "$C" sh -c 'exec 3<>"$1"
		echo >"$0/ready"
		until [ -e "$0/go" ]; do sleep 0.05 || sleep 1; done
		dd bs=5 count=1 <&3 2>"$0/why" | wc -c >"$0/read"
		echo text >&3 && echo OK >"$0/written"
		(exec 4<"$1") 2>"$0/anew"
		echo >"$0/done"' "$WORK" "$NODE"
	wait_until test -e "$WORK/ready" || return
	deny "$C" a || return
	echo >"$WORK/go"
	wait_until test -e "$WORK/done" || return
	expect 5 echo $(($(cat "$WORK/read"))) || return
	expect OK cat "$WORK/written" || return
	grep -q "not permitted" "$WORK/anew" && return
	because "the device could be opened again"
	return 1
}

# A device stays open when another process gets the descriptor.
inherited_ones_stay() {
	node c 1:3 || return
	deny "$C" a || return
	exec 9<>"$NODE"
	expect OK member "$C" try fdread 9 || return
	expect OK member "$C" try fdwrite 9 x || return
	exec 9<&-
	expect EPERM member "$C" try read "$NODE"
}

moves_count() {
	mkdir "$C/a" "$C/b" || return
	node c 1:3 || return
	deny "$C/a" "c 1:3 r" || return
	deny "$C/b" "c 1:3 w" || return
	# shellcheck disable=SC2016 # for the shell in there
	said=$(sh -c 'for container; do
			echo 0 >"$container/tasks"
			try read "$0"
			try write "$0" x
		done' "$NODE" "$C/a" "$C/b" "$C" "$C/a" | xargs)
	expect "EPERM OK OK EPERM OK OK EPERM OK" echo "$said"
}

children_and_namespaces() {
	node c 1:3 || return
	deny "$C" "c 1:3 r" || return
	expect EPERM member "$C" sh -c "(try read '$NODE'); true" || return
	for option in -u -i -m; do
		expect EPERM member "$C" unshare $option try read "$NODE" || return
		expect OK member "$C" unshare $option try write "$NODE" x || return
	done
}

no_devices_matter() {
	node c 1:3 || return
	deny "$C" a || return
	expect OK member "$C" try mkdir "$WORK/folder" || return
	expect OK member "$C" try rmdir "$WORK/folder" || return
	# shellcheck disable=SC2016 # for the shell in there
	expect text member "$C" sh -c 'echo text >"$0" && cat "$0"' "$WORK/file" || return
	expect "" member "$C" mkfifo "$WORK/fifo" || return
	# This device marks a deleted file in a layer of overlayfs.
	expect "" member "$C" mknod "$NODES/whiteout" c 0 0 || return
	expect "$NODE" member "$C" ls -d "$NODE" || return
	expect "" member "$C" rm -f "$NODE"
}

links_and_permissions() {
	node c 1:3 || return
	chmod 600 "$NODE" || return
	ln -s "$NODE" "$NODES/link" || return
	ln "$NODE" "$NODES/other" || return
	deny "$C" "c 1:3 r" || return
	for name in "$NODES/link" "$NODES/other"; do
		expect EPERM member "$C" try read "$name" || return
		expect OK member "$C" try write "$name" x || return
	done
	# The permissions of the file are checked as well.
	allow "$C" "c 1:3 r" || return
	expect EACCES member "$C" try -u 1000 read "$NODE"
}

# ---- permissions

capability_is_needed() {
	mkdir "$C/a" || return
	chown 1000 "$C/a/devices.allow" "$C/a/devices.deny" || return
	for file in allow deny; do
		for line in "c 1:3 r" a x; do
			expect EPERM try -u 1000 write "$C/a/devices.$file" "$line" || return
		done
		# The credentials of open(2) count.
		expect EPERM try handon 1000 "$C/a/devices.$file" "c 1:3 r" || return
		lists "$ALL" "$C/a" || return
	done
	can rwm "$C/a" c 1:3 || return
	exec 9>"$C/a/devices.deny"
	expect OK try -u 1000 fdwrite 9 "c 1:3 r" || return
	exec 9>&-
	can wm "$C/a" c 1:3
}

capability_of_a_user_namespace() {
	if ! has_user_namespaces; then
		because "no user namespaces"
		return "$KSFT_SKIP"
	fi
	chown 1000 "$C/devices.allow" "$C/devices.deny" || return
	for file in allow deny; do
		expect EPERM try -u 1000 -n write "$C/devices.$file" a || return
	done
	lists "$ALL" "$C"
}

users_cannot_undo_it() {
	deny "$C" "c 1:3 w" || return
	chown 1000 "$C" "$C/tasks" "$C/procs" || return
	expect OK try -u 1000 mkdir "$C/sub" 755 || return
	expect 1000 stat -c %u "$C/sub/devices.allow" || return
	expect EPERM try -u 1000 write "$C/sub/devices.allow" "c 1:3 w" || return
	# Root of the namespace cannot do it either.
	expect EPERM try write "$C/sub/devices.allow" "c 1:3 w" || return
	can rm "$C/sub" c 1:3
}

cgroup_has_to_allow_it_too() {
	mount_cgroup devices || return
	node c 1:3 || return
	echo "c 1:3 r" >"$CGROUP/test/devices.deny" || return
	deny "$C" "c 1:3 w" || return
	# shellcheck disable=SC2016 # for the shell in there
	expect "EPERM EPERM" echo "$(sh -c 'echo 0 >"$1/cgroup.procs"; echo 0 >"$2/tasks"
		echo "$(try read "$0") $(try write "$0" x)"' "$NODE" "$CGROUP/test" "$C")" || return
	remove_cgroup
}

# ---- races

removal() {
	mkdir "$C/a" || return
	deny "$C/a" "c 1:3 r" || return
	exec 9>"$C/a/devices.allow"
	must_be_removable "$C/a" || return
	expect ENODEV try fdwrite 9 a || return
	exec 9>&-
	mkdir "$C/a" || return
	can rwm "$C/a" c 1:3
}

# The task may open /dev/null at every moment.
rules_change_while_used() {
	mark_log || return
	mkdir "$C/a" || return
	node c 1:3 || return
	start sh -c "while :; do
			echo 'c 4000:1 rwm' >$C/a/devices.deny
			echo 'c 4000:1 rwm' >$C/a/devices.allow
			echo 'b *:* rwm' >$C/devices.deny
			echo a >$C/a/devices.allow
			echo a >$C/devices.allow
		done"
	# shellcheck disable=SC2016 # for the shell in there
	expect "" member "$C/a" sh -c 'round=0
		while [ $round -lt 500 ]; do
			(exec 3<>"$0") || exit
			round=$((round + 1))
		done' "$NODE" || return
	end_task "$PID"
	no_complaints
}

storm_of_rules() {
	mark_log || return
	mkdir "$C/a" "$C/b" || return
	start sh -c "while :; do
			echo 'c 1:3 rwm' >$C/a/devices.deny
			echo a >$C/b/devices.deny
			echo a >$C/devices.deny
			echo a >$C/devices.allow
			echo a >$C/a/devices.allow
			echo a >$C/b/devices.allow
			sleep 0.01 || sleep 1
		done"
	storm_amid "$C/a" "$C/b"
}

rcfs_begin
need_controllers devices
mark_log
point "a new container allows all devices" files
point "the root allows all devices, and cannot be changed" root_allows_all
point "bad lines are EINVAL or ERANGE, and change nothing" bad_lines
point "the list has a line for each rule" lists_say_what_is_allowed
point "a list may be longer than a page" long_lists
point "denied devices cannot be used, all others can" denied_ones
point "allowed devices can be used, all others cannot" allowed_ones
point "reading, writing and mknod are allowed separately" each_way_for_itself
point "denied access fails with EPERM" errors_are_eperm
point "a star means all numbers" stars
point "a line with \"a\" removes all rules" all_begins_anew
point "rules for the same devices merge, and can vanish" rules_merge_and_vanish
point "denying some devices does not change a wider rule" rules_have_no_holes
point "a single rule has to allow the whole access" rules_do_not_add_up
point "a device that is not allowed above cannot be allowed" no_more_than_above
point "a device that is an exception above cannot be allowed" no_exception_of_above
point "a later denial holds below, until it is revoked" denied_later
point "a denial has no effect above and beside" others_stay
point "a new container has a copy of the rules above" new_ones_copy
point "open devices stay open" open_ones_stay
point "inherited open devices stay open" inherited_ones_stay
point "a task has the rules of its container" moves_count
point "rules hold for children, and in namespaces" children_and_namespaces
point "other files are not restricted" no_devices_matter
point "the device number counts, not the name, and so do permissions" links_and_permissions
point "changing rules needs CAP_SYS_ADMIN when the file is opened" capability_is_needed
point "CAP_SYS_ADMIN of a user namespace is not enough" capability_of_a_user_namespace
point "the owner of a container cannot undo the rules above" users_cannot_undo_it
point "a control group has to allow the access as well" cgroup_has_to_allow_it_too
point "rules end with their container" removal
point "rules change while devices are opened" rules_change_while_used
point "rules, moves, forks and exits at once leave nothing behind" storm_of_rules
point "the kernel has not complained" no_complaints
ktap_finished
