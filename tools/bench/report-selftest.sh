#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# report.py reads what a benchmark printed that may have been cut off anywhere: it
# has to say what is wrong with it, and never make a table of half of it.

set -u
export LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd) || exit 1
SCRATCH=$(mktemp -d) || exit 1
trap 'rm -rf "$SCRATCH"' EXIT
RAW=$SCRATCH/raw
failed=0

# measurements: one of each that there is to be, with rcfs at 100 and peers at 1000
measurements() {
	local two=cpuacct,pids all=cpuacct,pids,cpu set operation
	local line="%s %s %s instructions %s %s\n"
	for operation in fork.root vfork.root switch.root attach mkdir rmdir read; do
		# shellcheck disable=SC2059 # one format for all
		printf "$line" "$operation" none - 90 90
	done
	# shellcheck disable=SC2059
	printf "$line" fork.root none again 90 90 vfork.root none again 90 90
	every() {
		# shellcheck disable=SC2059
		printf "$line" "$1" rcfs "$2" 100 101 "$1" v1 "$2" 1000 1001 "$1" v2 "$2" 2000 2001
	}
	for set in debug cpuacct "$two" "$all"; do
		for operation in fork vfork; do
			every "$operation.root" "$set"
			every "$operation.group" "$set"
		done
	done
	every switch.root cpuacct
	every switch.group cpuacct
	for set in "$two" "$all"; do
		for operation in mkdir rmdir attach.self attach.other attach.first procs.1 procs.100; do
			every "$operation" "$set"
		done
	done
	for operation in around.10 around.1000 around.10000 memory memory.at-once; do
		every "$operation" "$two"
	done
	# shellcheck disable=SC2059
	printf "$line" around.100000 rcfs "$two" 100 101
	for operation in read.full read.empty read.one read.far latency.tasks latency.procs fork \
			 rate.spin rate.attach two.root two.group; do
		every "$operation" "$all"
	done
	every freeze.alone freezer
	every freeze.far freezer
	# shellcheck disable=SC2059
	printf "$line" fork none - 90 90 fork-favordynmods none - 90 90 \
		fork-favordynmods v2-favordynmods "$all" 2000 2000 \
		latency none - 20 20 latency.procs v2-favordynmods "$all" 600 600 \
		rate.spin v2-favordynmods "$all" 100 100 rate.attach v2-favordynmods "$all" 90 90
	echo complete
}

# refused WHY WORD…: report.py fails on $RAW, says where or what, and has no table
refused() {
	local why=$1 word output
	shift
	if output=$("$HERE/report.py" --no-chart "$RAW" 2>&1); then
		echo "# $why: there was no error"
		failed=1
		return
	fi
	for word; do
		[[ $output == *"$word"* ]] || {
			echo "# $why: no '$word' in: $output"
			failed=1
		}
	done
	[[ $output != *Traceback* && $output != *'| operation'* ]] || {
		echo "# $why: $output"
		failed=1
	}
}

measurements >"$RAW"
output=$("$HERE/report.py" --no-chart --out "$SCRATCH/out" "$RAW") || {
	echo "# a complete measurement is refused"
	failed=1
}
for word in '| attach self, cpuacct,pids ' '0.100' met 'targets met'; do
	[[ $output == *"$word"* ]] || { echo "# no '$word' in the table"; failed=1; }
done
python3 -c 'import json, sys; assert json.load(open(sys.argv[1]))["rows"]' "$SCRATCH/out/results.json" || failed=1

measurements | sed 's/^attach.self rcfs cpuacct,pids .*/attach.self rcfs cpuacct,pids instructions 9000 9000/' >"$RAW"
output=$("$HERE/report.py" --no-chart "$RAW") || { echo "# a missed target is a failure"; failed=1; }
[[ $output == *MISSED*"missed: attach self, cpuacct,pids: ≤ 1,700"* ]] || {
	echo "# a missed target is not told"
	failed=1
}
measurements | sed 's/^attach.self rcfs cpuacct,pids .*/attach.self rcfs cpuacct,pids instructions 100 110/' >"$RAW"
[[ $("$HERE/report.py" --no-chart "$RAW") == *'(!)'* ]] || { echo "# repeats that differ are not marked"; failed=1; }

printf 'before\n.. measured\nold\n.. end of what was measured\nafter\n' >"$SCRATCH/page.rst"
for _ in 1 2; do
	"$HERE/report.py" --no-chart --about it --page "$SCRATCH/page.rst" "$RAW" >/dev/null || failed=1
done
[[ $(grep -cE '^(before|after|   \* - attach self, cpuacct,pids)$' "$SCRATCH/page.rst") == 3 &&
	$(<"$SCRATCH/page.rst") != *old* ]] || { echo "# a page is not brought up to date"; failed=1; }
echo nothing >"$SCRATCH/page.rst"
output=$("$HERE/report.py" --no-chart --page "$SCRATCH/page.rst" "$RAW" 2>&1) && failed=1
[[ $output == *"page.rst: there has to be one line '.. measured'"* ]] || { echo "# any page will do"; failed=1; }

measurements | grep -v '^mkdir v1' >"$RAW"
refused "a measurement is missing" "missing: mkdir of v1 with cpuacct,pids"
measurements | grep -v '^complete' >"$RAW"
refused "no end" "ends before 'complete'"
measurements | sed '5s/90$/ninety/' >"$RAW"
refused "no number" "$RAW:5: 'ninety' is no number"
measurements | sed '5s/90$/nan/' >"$RAW"
refused "not a number" "$RAW:5: "
measurements | sed '3s/ .*//' >"$RAW"
refused "half a line" "$RAW:3: a measurement is OPERATION"
measurements | sed '2s/ none / v3 /' >"$RAW"
refused "an unknown system" "$RAW:2: there is no system 'v3'"
measurements | sed '2p' >"$RAW"
refused "twice" "$RAW:3: " "measured before"
{ measurements; echo more; } >"$RAW"
refused "more behind the end" "there is more after 'complete'"
: >"$RAW"
refused "nothing" "ends before 'complete'"
rm "$RAW"
refused "no file" "$RAW: No such file"

exit $failed
