#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Everything at the same time, at random. The program of the same name does it,
# and looks at what is left; its seed says what is decided, not what comes of it.
#
# RCFS_SEED is the seed, RCFS_SOAK for how many minutes to go on with that; by
# default the seed is always the same, and there are a few rounds, fewer on a kernel
# that looks at every access to memory.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=controllers.sh
. "$(dirname "$0")/controllers.sh"

MODULE=rust_rcfs_forks
ROUNDS=6
DECISIONS=150
! is_slow || ROUNDS=2 DECISIONS=75
SEED=${RCFS_SEED:-1}

tidy_up() {
	rcfs_end
	! [ -d /sys/module/$MODULE ] || rmmod $MODULE
	unload_subsystems
}

# plain_file: a file of the module that can be loaded as it is, or nothing
plain_file() {
	file=$(find "/lib/modules/$(uname -r)" -name "$MODULE.ko*" 2>/dev/null | head -n 1)
	case $file in
	'') return ;;
	*.gz) gzip -dc "$file" >"$WORK/$MODULE.ko" ;;
	*.xz) xz -dc "$file" >"$WORK/$MODULE.ko" ;;
	*.zst) zstd -qdc "$file" >"$WORK/$MODULE.ko" ;;
	*) cp "$file" "$WORK/$MODULE.ko" ;;
	esac && echo "$WORK/$MODULE.ko"
}

# everything ARGUMENT...: of storm. Without their module there is one hierarchy.
everything() {
	load_subsystems 1 2>/dev/null || because "there is no second hierarchy"
	file=$(plain_file)
	mkdir "$WORK/mounts" || return
	storm "$@" ${file:+-m "$file"} "$ROOT" "$C" "$WORK/mounts" && return
	clear_mounts
	return 1
}

# clear_mounts: of a storm that has failed
clear_mounts() {
	for folder in "$WORK"/mounts/*; do
		while mountpoint_of "$folder"; do
			umount -l "$folder" || return
		done
	done
}

the_storm() {
	because "seed $SEED"
	if [ "${RCFS_SOAK:-}" ]; then
		everything -s "$SEED" -t $((RCFS_SOAK * 60))
	else
		everything -s "$SEED" -r $ROUNDS -d $DECISIONS
	fi || return
	must_be_removable "$C"
}

# decisions NAME: of one round
decisions() {
	everything -s "$SEED" -r 1 -d 20 >"$WORK/$1" || {
		cat "$WORK/$1"
		return 1
	}
	rm -rf "$WORK/mounts"
	sed -n 's/^# decisions of seed //p' "$WORK/$1"
}

the_same_again() {
	first=$(decisions first) && second=$(decisions second) || {
		because "$first $second"
		return 1
	}
	expect "$first" echo "$second"
}

no_complaints() {
	expect "$BEGIN" complaints
}

rcfs_begin
trap tidy_up EXIT
need_controllers pids debug freezer cpuset cpu
! [ -d /sys/module/$MODULE ] || rmmod $MODULE || skip_all "$MODULE is in use"
BEGIN=$(complaints)
point "a storm leaves nothing behind, and all counts are right" the_storm
point "the same seed gives the same decisions" the_same_again
point "the kernel has not complained" no_complaints
ktap_finished
