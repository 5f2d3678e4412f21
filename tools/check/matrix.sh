#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The tests in kernels with other limits and on other ground: few and many
# hierarchies, one subsystem and all, one processor and several, with full
# preemption and without. KTAP output, and "N passed, N failed" as the last line.
#
#	tools/check/matrix.sh [--list] [corners | PATTERN]
#
# All seventeen, or the two extremes, or those whose name matches the PATTERN
# (extended regular expression); --list only names them.
#
# Where there can be one subsystem, that is cpuacct. "modules" is
# tools/run/largest.config.
#
# "nopreempt" is CONFIG_PREEMPT_LAZY. With less preemption than that there is no
# x86-64 kernel any more: kernel/Kconfig.preempt of Linux 7.3 keeps PREEMPT_NONE
# and PREEMPT_VOLUNTARY for others. RCU-tasks stays what it is then, but RCU
# itself becomes the one that does not let readers be preempted, and on one
# processor the tiny one.

set -u
# shellcheck source=tools/lib/help.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/help.sh"
export LC_ALL=C

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd) || exit 1
cache=${XDG_CACHE_HOME:-$HOME/.cache}/rcfs
folder=$cache/matrix
corners=(h2-s1-up-nopreempt h64-s255-smp-modules)

die() {
	echo "matrix.sh: $1" >&2
	exit "${2:-1}"
}

# What has to be built anew between neighbours is what the limits are in. The
# last of a group is a neighbour of the first, for the next time.
all() {
	local ground limits
	for ground in smp-preempt smp-nopreempt up-nopreempt up-preempt; do
		for limits in h64-s255 h64-s1 h2-s1 h2-s255; do
			echo "$limits-$ground"
		done
	done
	echo h64-s255-smp-modules
}

# options_of NAME: writes the fragment, and sets OPTIONS for qemu-run.sh. The
# file is the same for all limits, and with that the build folder.
options_of() {
	local hierarchies subsystems processors preemption
	IFS=- read -r hierarchies subsystems processors preemption <<<"$1"
	if [[ $preemption == modules ]]; then
		OPTIONS=(--config "$top/tools/run/largest.config")
		return
	fi
	OPTIONS=(--config "$folder/$processors-$preemption.config")
	{
		echo "CONFIG_MAX_RC_HIERARCHIES=${hierarchies#h}"
		echo "CONFIG_MAX_RC_SUBSYS=${subsystems#s}"
		if [[ $subsystems == s1 ]]; then
			printf '# CONFIG_RCFS_%s is not set\n' CPU CPUSET DEBUG DEVICES FORKRATE FREEZER MEMORY NICE PIDS
		fi
		if [[ $processors == up ]]; then
			OPTIONS+=(--smp 1)
			echo "# CONFIG_SMP is not set"
			echo "CONFIG_NR_CPUS=1"
			# They place tasks on processors.
			echo "# CONFIG_CPUSETS is not set"
			echo "# CONFIG_CPUSETS_V1 is not set"
		fi
		if [[ $preemption == nopreempt ]]; then
			echo "# CONFIG_PREEMPT is not set"
			echo "CONFIG_PREEMPT_LAZY=y"
		fi
	} >"${OPTIONS[1]}" || die "${OPTIONS[1]} cannot be written: make room there, or set XDG_CACHE_HOME"
}

list=
if [[ ${1-} == --list ]]; then
	list=1
	shift
fi
[[ $# -le 1 && ${1-} != -* ]] || die "usage: tools/check/matrix.sh [--list] [corners | PATTERN]" 2
if [[ ${1-} == corners ]]; then
	names=("${corners[@]}")
else
	mapfile -t names < <(all | grep -E -- "${1-}")
fi
[[ ${#names[@]} -gt 0 ]] || die "no combination is called like '$1': see tools/check/matrix.sh --list" 2
if [[ $list ]]; then
	printf '%s\n' "${names[@]}"
	exit
fi

mkdir -p "$folder" && exec {lock}>"$folder/lock" ||
	die "$folder cannot be written: make it writable, or set XDG_CACHE_HOME"
# Another one would write the same fragments.
flock -n "$lock" || die "another matrix is running: wait for it"

passed=0 failed=0
echo "KTAP version 1"
echo "1..${#names[@]}"
for name in "${names[@]}"; do
	log=$folder/$name.log
	echo "# $name: $log"
	options_of "$name"
	"$top/qemu-run.sh" "${OPTIONS[@]}" --test </dev/null >"$log" 2>&1
	status=$?
	summary=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$log" | tail -n 1)
	if [[ $status -eq 0 && $summary =~ ^[1-9] ]]; then
		passed=$((passed + 1))
		echo "ok $((passed + failed)) $name"
		echo "# $summary"
	else
		failed=$((failed + 1))
		echo "not ok $((passed + failed)) $name"
		if [[ $summary ]]; then
			grep -E '^# (failed|the console)' "$log"
			echo "# $summary"
		else
			echo "# qemu-run.sh ended with status $status:"
			tail -n 12 "$log" | sed 's/^/# /'
		fi
	fi
done
echo "$passed passed, $failed failed"
[[ $failed -eq 0 ]]
