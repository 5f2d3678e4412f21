#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# All operations at the same time, at random. The program storm runs them, and
# checks what is left. The seed determines the decisions, but not their effect.
# RCFS_SEED is the seed, by default always the same. RCFS_SOAK is the number of
# minutes; by default there are a few rounds, and fewer with KASAN and the like.

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

# plain_file: print a file of the module that is not compressed, or nothing
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

# everything ARGUMENT...: run storm. Without the module test_rcfs there is one
# hierarchy.
everything() {
	load_subsystems 1 2>/dev/null || because "there is no second hierarchy"
	file=$(plain_file)
	mkdir "$WORK/mounts" || return
	storm "$@" ${file:+-m "$file"} "$ROOT" "$C" "$WORK/mounts" && return
	clear_mounts
	return 1
}

# clear_mounts: unmount what a failed storm has left
clear_mounts() {
	for folder in "$WORK"/mounts/*; do
		while mountpoint_of "$folder"; do
			umount -l "$folder" || return
		done
	done
}

the_storm() {
	because "seed $SEED"
	if has_controller memory; then
		count_memory_groups || return
	fi
	if [ "${RCFS_SOAK:-}" ]; then
		everything -s "$SEED" -t $((RCFS_SOAK * 60))
	else
		everything -s "$SEED" -r $ROUNDS -d $DECISIONS
	fi || return
	! has_controller memory || memory_groups_are_back || return
	must_be_removable "$C"
}

# decisions NAME: print those of one round
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

rcfs_begin
trap tidy_up EXIT
need_controllers pids debug freezer cpuset cpu
! [ -d /sys/module/$MODULE ] || rmmod $MODULE || skip_all "$MODULE is in use"
mark_log
point "a storm leaves nothing behind, and all counts are right" the_storm
point "the same seed gives the same decisions" the_same_again
point "the kernel has not complained" no_complaints
ktap_finished
