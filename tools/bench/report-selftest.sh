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

LINE="%s %s %s instructions %s %s\n" TWO=cpuacct,pids ALL=cpuacct,pids,cpu

# every OPERATION CONTROLLERS: of all systems
every() {
	# shellcheck disable=SC2059 # one format for all
	printf "$LINE" "$1" rcfs "$2" 100 101 "$1" v1 "$2" 1000 1001 "$1" v2 "$2" 2000 2001
}

# native: what that part has, with rcfs at 100 and peers at 100 times that and more
native() {
	local operation
	for operation in native.tasks native.procs native.launch; do
		# shellcheck disable=SC2059
		printf "$LINE" "$operation" rcfs "$ALL" 100 101 "$operation" v1 "$ALL" 20000 20001
	done
	# shellcheck disable=SC2059
	printf "$LINE" native.procs v2 "$ALL" 20000 20001 native.launch v2 "$ALL" 200 201 \
		native.write none - 50 51 native.launch none - 50 51 native.write-close none - 5 5 \
		native.write-favordynmods none - 60 60 native.tasks-favordynmods rcfs "$ALL" 100 100 \
		native.procs-favordynmods rcfs "$ALL" 100 100 \
		native.procs-favordynmods v2-favordynmods "$ALL" 140 140 \
		native.launch-favordynmods v2-favordynmods "$ALL" 140 140 \
		native.procs-close-favordynmods v2-favordynmods "$ALL" 14 14
	every native.tasks-close "$ALL"
	every native.procs-close "$ALL"
	for operation in one two; do
		# shellcheck disable=SC2059
		printf "$LINE" "launches.$operation.native" rcfs "$ALL" 30000 30000 \
			"launches.$operation.native" v1 "$ALL" 10000 10000 \
			"launches.$operation.native" v2 "$ALL" 20000 20000 \
			"launches.$operation.native" none - 40000 40000 \
			"launches.$operation.native-favordynmods" v2-favordynmods "$ALL" 20000 20000
	done
	echo complete native
}

# measurements: one of each that there is to be, with rcfs at 100 and peers at 1000
measurements() {
	local two=$TWO all=$ALL line=$LINE set operation
	for operation in fork.root vfork.root launch.root launch.quiet switch.root attach mkdir rmdir read; do
		# shellcheck disable=SC2059
		printf "$line" "$operation" none - 90 90
	done
	# shellcheck disable=SC2059
	printf "$line" fork.root none again 90 90 vfork.root none again 90 90 launch.root none again 90 90
	for set in debug cpuacct "$two" "$all"; do
		for operation in fork vfork; do
			every "$operation.root" "$set"
			every "$operation.group" "$set"
		done
	done
	every switch.root cpuacct
	every switch.group cpuacct
	for set in "$two" "$all"; do
		for operation in mkdir rmdir attach.self attach.other attach.first procs.1 procs.100 \
				 launch.into launch.group; do
			every "$operation" "$set"
		done
	done
	for operation in fault cache slab large-fork; do
		# shellcheck disable=SC2059
		printf "$line" "$operation" none - 90 90
		every "$operation" memory
	done
	for operation in mkdir rmdir memory; do
		every "$operation" memory
	done
	every attach.self cpuacct,pids,memory
	every attach.other cpuacct,pids,memory
	every cycle pids,cpu,memory
	for operation in around.10 around.1000 around.10000 memory memory.at-once; do
		every "$operation" "$two"
	done
	# shellcheck disable=SC2059
	printf "$line" around.100000 rcfs "$two" 100 101
	for operation in read.full read.empty read.one read.far latency.tasks latency.procs fork \
			 rate.spin rate.attach two.root two.group launch.quiet cycle launches.one \
			 launches.two; do
		every "$operation" "$all"
	done
	every kill.1 "$all,freezer"
	every kill.100 "$all,freezer"
	every freeze.alone freezer
	every freeze.far freezer
	# shellcheck disable=SC2059
	printf "$line" fork none - 90 90 fork-favordynmods none - 90 90 \
		fork-favordynmods v2-favordynmods "$all" 2000 2000 \
		latency none - 20 20 latency.procs v2-favordynmods "$all" 600 600 \
		rate.spin v2-favordynmods "$all" 100 100 rate.attach v2-favordynmods "$all" 90 90 \
		launches.one none - 90 90 launches.two none - 90 90
	native | grep -v ^complete
	echo complete count time native
}

# refused WHY [OPTION… --] WORD…: report.py fails on $RAW, says where or what, and has no
# table, except for what is wrong with a page
refused() {
	local why=$1 word output options=()
	shift
	while [[ " $* " == *" -- "* ]]; do
		[[ $1 == -- ]] || options+=("$1")
		shift
	done
	if output=$("$HERE/report.py" --no-chart "${options[@]}" "$RAW" 2>&1); then
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
	[[ $output != *Traceback* && ( ${options[*]} || $output != *'| operation'* ) ]] || {
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

native >"$RAW"
output=$("$HERE/report.py" --no-chart "$RAW") || { echo "# a part alone is refused"; failed=1; }
[[ $output == *'| native: launches from two'*"targets met, 0 missed"* && $output != *'| fork+exit'* ]] || {
	echo "# a part alone has another table: $output"
	failed=1
}
# missed OPERATION SYSTEM VALUE TARGET: the target is missed if the system needs so much
missed() {
	native | sed -E "s/^($1 $2 .* instructions) .*/\1 $3 $3/" >"$RAW"
	output=$("$HERE/report.py" --no-chart "$RAW") && [[ $output == *"missed: native: "*": $4"* ]] || {
		echo "# $1 of $2 is $3, and $4 is met"
		failed=1
	}
}
missed native.tasks rcfs 201 "≥ 100 times quicker"
missed native.procs v2 9000 "≥ 100 times quicker"
missed native.procs-favordynmods v2-favordynmods 139 "≤ 0.5 of favordynmods"
missed native.launch rcfs 202 "≤ 1.0 of the better peer"
missed launches.two.native v2 20001 "≥ 1.5 times v2"
# More is better there: the better peer is the one with more.
native | sed 's/^launches.two.native v1 .*/launches.two.native v1 cpuacct,pids,cpu launches 60000 60000/' >"$RAW"
[[ $("$HERE/report.py" --no-chart "$RAW") == *'native: launches from two CPUs'*' 0.500 |'* ]] || {
	echo "# launches are not compared with those of the better peer"
	failed=1
}
native >"$RAW"
refused "a page with a part alone" --page "$SCRATCH/page.rst" -- "these are missing: count, time"

measurements >"$RAW"
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
measurements | sed 's/^complete.*/complete counts/' >"$RAW"
refused "an unknown part" "there is no part 'counts'"
measurements | sed '2p' >"$RAW"
refused "twice" "$RAW:3: " "measured before"
{ measurements; echo more; } >"$RAW"
refused "more behind the end" "there is more after 'complete'"
: >"$RAW"
refused "nothing" "ends before 'complete'"
rm "$RAW"
refused "no file" "$RAW: No such file"

exit $failed
