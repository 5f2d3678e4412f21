#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What has to hold for every change: the tests in the plain kernel, in the debug
# kernel, and on arm64 with as many hierarchies and subsystems as there can be, and
# controllers in modules; a controller that is edited and reloaded in the plain kernel;
# the tests that depend most on locks and sets of CPUs on PREEMPT_RT; the model of the
# protocol; the litmus tests of its barriers; and what needs no kernel.
#
# Two of these stages run at once, because a guest hardly uses more than one processor.
# The output of a stage follows when the stage has ended. Until then there are the results
# of its test files, and its progress on stderr. The last line is the sum, "N passed, N
# failed"; the status is 0 when something passed and nothing failed. All tests run on
# PREEMPT_RT by ./qemu-run.sh --rt --test, which takes longer.

set -u
# shellcheck source=tools/lib/help.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/help.sh"

[[ $# -eq 0 ]] || { echo "all.sh: takes no argument, but $1" >&2; exit 2; }
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd) || exit 1
at_once=2
result='^([0-9]+) passed, ([0-9]+) failed(, ([0-9]+) skipped)?$'
folder=$(mktemp -d) || exit 1
passed=0 failed=0 skipped=0
report=()
declare -A names=() begins=()	# by the process id of the stage
mkfifo "$folder/ended" && exec {ended}<>"$folder/ended" || exit 1

# What still runs would go on for an hour. A stage waits for make, and does not pass a
# signal on: each stage is a process group of its own.
finish() {
	local pid
	for pid in "${!names[@]}"; do
		kill -- "-$pid" 2>/dev/null
		wait "$pid"
	done
	rm -rf "$folder"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# minutes SECONDS
minutes() { echo "$(($1 / 60)) min $(($1 % 60)) s"; }

# stage NAME COMMAND…: start it, as soon as fewer than $at_once run
stage() {
	local name=$1 output=$folder/${1// /-} pid
	shift
	[[ ${#names[@]} -lt $at_once ]] || one_ends
	echo "# $name: begins: ${*#"$top"/}"
	: >"$output"
	set -m
	"$@" </dev/null >"$output" 2> >(sed -u "s/^/$name: /" >&2) &
	pid=$!
	set +m
	names[$pid]=$name begins[$pid]=$SECONDS
	{
		tail -n +1 -f --pid=$pid "$output" |
			sed -u -n -E "s/^((not )?ok [0-9]+ [a-z_]+\.sh.*)/# $name: \1/p"
		echo "$pid" >&"$ended"
	} &
}

# one_ends: wait for a stage, let its output through, add its last line up
one_ends() {
	local pid name output last status took p=0 f=0 s=0
	read -r pid <&"$ended"
	wait "$pid"
	status=$?
	name=${names[$pid]} took=$(minutes $((SECONDS - begins[$pid])))
	unset "names[$pid]"
	output=$folder/${name// /-}
	echo "# $name: $took"
	cat "$output"
	last=$(grep . "$output" | tail -n 1)
	if [[ $last =~ $result ]]; then
		p=${BASH_REMATCH[1]} f=${BASH_REMATCH[2]} s=${BASH_REMATCH[4]:-0}
	fi
	# A stage that did not get as far as its tests, or that passed them all
	# and still complains, is a failure that no count shows.
	if [[ $((p + f)) -eq 0 || ( $f -eq 0 && $status -ne 0 ) ]]; then
		f=$((f + 1))
		report+=("# $name: ended with status $status after '${last:-no output}'")
	fi
	report+=("# $name: $p passed, $f failed, $s skipped, $took")
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
}

# The longest one first
stage "debug kernel" "$top/qemu-run.sh" --debug --test
stage "plain kernel" "$top/qemu-run.sh" --test
stage "module loop" "$top/tools/check/module-loop.sh"
stage "mistakes that do not compile" "$top/tools/check/refused.sh"
stage "largest kernel, arm64" "$top/qemu-run.sh" --arch arm64 --config "$top/tools/run/largest.config" --test
stage "realtime kernel" "$top/qemu-run.sh" --rt --test attach,launch,kill,procs,pids,cpuset,freezer
stage "model" "$top/tools/check/model.sh"
stage "litmus tests" "$top/tools/check/litmus.sh"
stage "hygiene" "$top/tools/check/hygiene.sh"

while [[ ${#names[@]} -gt 0 ]]; do
	one_ends
done
report+=("# all: $(minutes $SECONDS)")

printf '%s\n' "${report[@]}"
echo "$passed passed, $failed failed$([[ $skipped -eq 0 ]] || echo ", $skipped skipped")"
[[ $failed -eq 0 && $passed -gt 0 ]]
