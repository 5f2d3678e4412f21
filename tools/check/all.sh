#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What has to hold for every change: the tests in the plain kernel, in the debug
# kernel, and in one with as many hierarchies and subsystems as there can be, and
# controllers in modules; a controller that is edited and reloaded in the plain kernel;
# those that depend most on the machine on arm64; those that depend most on locks and sets
# of CPUs on PREEMPT_RT; the model of the protocol; the litmus tests of its barriers; and
# what needs no kernel. The last line is the sum, "N passed, N failed"; the status is 0
# when something passed and nothing failed. All tests run on arm64 by ./qemu-run.sh --arch
# arm64 --test, and on PREEMPT_RT by ./qemu-run.sh --rt --test. Both take longer.

set -u

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd) || exit 1
result='^([0-9]+) passed, ([0-9]+) failed(, ([0-9]+) skipped)?$'
output=$(mktemp) || exit 1
trap 'rm -f "$output"' EXIT
passed=0 failed=0 skipped=0
report=()

# stage NAME COMMAND…: run it, let its output through, add its last line up
stage() {
	local name=$1 last status p f s
	shift
	echo "# $name: ${*#"$top"/}"
	"$@" </dev/null | tee "$output"
	status=${PIPESTATUS[0]}
	last=$(grep . "$output" | tail -n 1)
	p=0 f=0 s=0
	if [[ $last =~ $result ]]; then
		p=${BASH_REMATCH[1]} f=${BASH_REMATCH[2]} s=${BASH_REMATCH[4]:-0}
	fi
	# A stage that did not get as far as its tests, or that passed them all
	# and still complains, is a failure that no count shows.
	if [[ $((p + f)) -eq 0 || ( $f -eq 0 && $status -ne 0 ) ]]; then
		f=$((f + 1))
		report+=("# $name: ended with status $status after '${last:-no output}'")
	fi
	report+=("# $name: $p passed, $f failed, $s skipped")
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
}

stage "plain kernel" "$top/qemu-run.sh" --test
stage "module loop" "$top/tools/check/module-loop.sh"
stage "mistakes that do not compile" "$top/tools/check/refused.sh"
stage "arm64 kernel" "$top/qemu-run.sh" --arch arm64 --test attach,launch,kill,fork_race,container,tasks,procs,pids,cpuset,freezer,memory
stage "debug kernel" "$top/qemu-run.sh" --debug --test
stage "realtime kernel" "$top/qemu-run.sh" --rt --test attach,launch,kill,procs,pids,cpuset,freezer
stage "largest kernel" "$top/tools/check/matrix.sh" h64-s255-smp-modules
stage "model" "$top/tools/check/model.sh"
stage "litmus tests" "$top/tools/check/litmus.sh"
stage "hygiene" "$top/tools/check/hygiene.sh"

printf '%s\n' "${report[@]}"
echo "$passed passed, $failed failed$([[ $skipped -eq 0 ]] || echo ", $skipped skipped")"
[[ $failed -eq 0 && $passed -gt 0 ]]
