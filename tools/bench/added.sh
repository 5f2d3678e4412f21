#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What rcfs adds to a kernel: to the size of vmlinux, and to the instructions that
# it takes to boot. Builds the kernel of qemu-run.sh --bench without what is there for
# tests, once with rcfs and once without, and boots both to where they would start
# init, of which there is none. Takes a quarter of an hour the first time.
#
#	tools/bench/added.sh

set -u
# shellcheck source=tools/lib/help.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/help.sh"
export LC_ALL=C

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd) || exit 1
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/rcfs
TESTS=(RCFS_KUNIT_TEST RCFS_TEST RCFS_DELAYS RCFS_DEBUG SAMPLE_RUST_RCFS_FORKS)

fail() {
	echo "added.sh: $*" >&2
	exit 1
}

[[ $# -eq 0 ]] || {
	echo "usage: tools/bench/added.sh" >&2
	exit 2
}

for tool in size qemu-system-x86_64; do
	command -v "$tool" >/dev/null || fail "there is no $tool: install it (Debian: binutils, qemu-system-x86)"
done

folder=$CACHE/added
mkdir -p "$folder" || fail "$folder cannot be written: make it writable, or set XDG_CACHE_HOME"
printf '# CONFIG_%s is not set\n' "${TESTS[@]}" >"$folder/with.config" &&
	sed -nE 's/^(CONFIG_((SAMPLE_RUST_)?RCFS|MAX_RC_)[A-Z_]*)=.*/# \1 is not set/p' "$TOP/.config.fragment" \
		>"$folder/without.config" || fail "$folder cannot be written: make room there"

# build WHICH: sets IMAGE and VMLINUX
build() {
	local output
	echo "building the kernel $1 rcfs" >&2
	output=$("$TOP/qemu-run.sh" --config "$TOP/tools/run/bench.config" --config "$folder/$1.config" --build-only 2>&1 </dev/null) ||
		fail "the kernel $1 rcfs does not build: ${output##*$'\n'}"
	IMAGE=$(sed -n 's/^built: //p' <<<"$output" | tail -n 1)
	VMLINUX=${IMAGE%/arch/*}/vmlinux
	[[ -f $VMLINUX ]] || fail "there is no $VMLINUX after the build"
}

# measure WHICH: prints text, data and bss in bytes, and instructions
measure() {
	local sizes console
	build "$1"
	sizes=$(size "$VMLINUX" | awk 'NR == 2 { print $1, $2, $3 }')
	# With -icount a nanosecond of the guest is an instruction. It panics in
	# the end, for want of an init, and panic=-1 has it reboot at once.
	console=$(timeout 600 qemu-system-x86_64 -icount shift=0,sleep=off -m 512M -nodefaults -no-reboot \
		-display none -serial stdio -kernel "$IMAGE" \
		-append "console=ttyS0 nokaslr panic=-1 no_timer_check" </dev/null)
	sed -nE 's/^\[ *([0-9]+)\.([0-9]+)\] .*Kernel panic - not syncing: No working init.*/\1\2/p' \
		<<<"$console" | head -n 1 | {
		read -r micros || fail "the kernel $1 rcfs did not get to where it looks for init"
		echo "$sizes $((10#$micros * 1000))"
	} || exit 1
}

with=$(measure with) && without=$(measure without) || exit 1
read -r -a with <<<"$with"
read -r -a without <<<"$without"
printf '%-28s %14s %14s %10s %8s\n' "" "without rcfs" "with rcfs" added ""
names=("text, bytes" "data, bytes" "bss, bytes" "boot, instructions")
for i in 0 1 2 3; do
	awk -v name="${names[i]}" -v a="${without[i]}" -v b="${with[i]}" \
		'BEGIN { printf "%-28s %14d %14d %10d %7.2f%%\n", name, a, b, b - a, 100 * (b - a) / a }'
done
