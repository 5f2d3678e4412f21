#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Where the instructions of an attach, of mkdir and rmdir, of a listing, a fork or a launch
# go: QEMU logs every instruction of a guest that does nothing else, and profile.py
# counts them by function. Exact, and blind to what the processor would make of them.
#
#	tools/bench/profile.sh WHAT [CONTROLLERS [MEGABYTES [SYSTEM]]]
#
# groups: attach (of oneself, between two containers), mkdir and rmdir
# threads: attach of a process with a hundred threads, by procs
# listing: a read of tasks, with a thousand of them
# fork, vfork: a child that ends at once, in a container
# launch: a child that begins in a container, and ends
# freeze: one task, until it is frozen, and its thawing
# switch: a byte from one task to another, which waits for it
# MEGABYTES: how long the log is to get; an instruction has about a hundred bytes
# SYSTEM: rcfs (default), v1 or v2, to compare with

set -u
# shellcheck source=tools/lib/help.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/help.sh"
export LC_ALL=C

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd) || exit 1

fail() {
	echo "profile.sh: $*" >&2
	exit 1
}

[[ ${1-} =~ ^(groups|threads|listing|fork|vfork|launch|freeze|switch)$ && ${4-rcfs} =~ ^(rcfs|v1|v2)$ ]] || {
	echo "usage: tools/bench/profile.sh groups|threads|listing|fork|vfork|launch|freeze|switch" \
		"[CONTROLLERS [MEGABYTES [rcfs|v1|v2]]]" >&2
	exit 2
}
what=$1 controllers=${2:-cpuacct,pids} megabytes=${3:-100} system=${4:-rcfs}

scratch=$(mktemp -d) || exit 1
guest=
# shellcheck disable=SC2317,SC2329 # called by the trap
cleanup() {
	[[ ! $guest ]] || kill "$guest" 2>/dev/null
	rm -rf "$scratch"
}
trap cleanup EXIT

clang=$(compgen -c clang- | grep -xE 'clang-[0-9]+' | sort -V | tail -n 1)
"${clang:-clang}" -O2 -static -pthread -o "$scratch/bench" "$TOP/tools/bench/bench.c" ||
	fail "bench.c does not build"

# As in --bench
config=$TOP/tools/run/bench.config
image=$("$TOP/qemu-run.sh" --config "$config" --build-only 2>&1 </dev/null | sed -n 's/^built: //p')
map=${image%/arch/*}/System.map
[[ -f $map ]] || fail "the kernel does not build: ./qemu-run.sh --config tools/run/bench.config --build-only"

# The addresses are those of vmlinux only without their randomization.
RCFS_QEMU="-monitor unix:$scratch/monitor,server=on,wait=off" \
	"$TOP/qemu-run.sh" --config "$config" --icount --append nokaslr --add "$scratch/bench:/root/bench" \
	-- /root/bench loop "$what" "$controllers" "$system" </dev/null >"$scratch/out" &
guest=$!
until grep -q looping "$scratch/out"; do
	kill -0 "$guest" 2>/dev/null || fail "the guest has ended"
	sleep 0.2
done

python3 "$TOP/tools/bench/profile.py" --monitor "$scratch/monitor" --log "$scratch/log" \
	--megabytes "$megabytes" --symbols "$map" --what "$what"
