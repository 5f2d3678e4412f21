#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Do control groups behave as without the series? Runs the kernel's own tests of cgroup v2
# (tools/testing/selftests/cgroup), and tools/check/cgroup/v1, in three guests: without the
# series, with the series but without a mounted rcfs, and with rcfs and all its controllers.
# A test has to pass or fail as often in each. KTAP output, and "N passed, N failed" as the
# last line.
#
#	tools/check/cgroup.sh [TEST…]	v1, test_core, test_kmem …; by default those below
#
# Not part of all.sh: it builds two kernels with the options of tools/run/cgroup.config, and
# the tests take long. Some of them depend on time or chance. So all run ROUNDS times (default:
# 10), and results differ if chance makes such a difference less often than once in a thousand
# times (Fisher's exact test).

set -u
# shellcheck source=tools/lib/help.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/help.sh"
export LC_ALL=C.UTF-8

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd) || exit 1
FOLDER=${XDG_CACHE_HOME:-$HOME/.cache}/rcfs/cgroup
TESTS=(v1 test_core test_memcontrol test_kmem test_zswap test_pids test_freezer test_kill test_cpu test_cpuset)


# shellcheck source=tools/lib/shadow.sh
. "$TOP/tools/lib/shadow.sh"
# shellcheck source=tools/lib/checks.sh
. "$TOP/tools/lib/checks.sh"
PATTERN=

# build_tests: the kernel's own, and those of cgroup v1, in $FOLDER/tests
build_tests() {
	mkdir -p "$FOLDER/tests" && cp "$TOP"/tools/check/cgroup/{prepare,v1,v2} "$FOLDER/tests" || return
	(
		# shellcheck disable=SC2034 # for the functions there
		FLAVOUR=plain ARCH=x86_64
		# shellcheck source=tools/run/kernel.sh
		. "$TOP/tools/run/kernel.sh"
		kernel_prepare cgroup.sh
		# Static, because the guest has no libraries.
		make -C "$TREE/tools/testing/selftests/cgroup" OUTPUT="$FOLDER/tests" \
			CC="clang$LLVM -static -O2 -D_GNU_SOURCE=" >"$FOLDER/tests.log" 2>&1 ||
			fail "the tests of control groups do not build" "$(tail -n 5 "$FOLDER/tests.log")" \
				"see $FOLDER/tests.log"
	)
}

# in_guest RUN COMMAND…: in the guest of one of the RUNS; KTAP output of all tests
in_guest() {
	local qemu=("$TOP/qemu-run.sh")
	[[ $1 != without ]] || qemu=(shadow_run)
	"${qemu[@]}" --config "$TOP/tools/run/cgroup.config" --mem 3G --append brd.rd_size=524288 \
		--add "$FOLDER/tests:/root/tests" -- "${@:2}" </dev/null
}

# run_tests_in RUN: all tests; the output goes to $FOLDER
run_tests_in() {
	local run=$1
	echo "# $run: $ROUNDS rounds" >&2
	{
		{ [[ ! $V1 ]] || in_guest "$run" /root/tests/v1 "$run" "$ROUNDS"; } &&
			{ [[ ${#V2[@]} -eq 0 ]] || in_guest "$run" /root/tests/v2 "$run" "$ROUNDS" "${V2[@]}"; }
	} >"$FOLDER/$run.out" 2>"$FOLDER/$run.err" || FAILED+=" $run"
	# One line for each test point: TEST POINT, RESULT. A test that prints none has a status.
	awk '
		/^# test: / { test = $3; next }
		/^(not )?ok [0-9]+ / {
			result = /# SKIP/ ? "skip" : /^not/ ? "not ok" : "ok"
			sub(/^(not )?ok [0-9]+ (- )?(# SKIP )?/, "")
			sub(/ .*/, "")
			print test " " $0 ", " result
		}
		/^# [a-z_]+: exit status / { print test " exit status, " $5 }' "$FOLDER/$run.out" >"$FOLDER/$run.results"
}

ROUNDS=${ROUNDS:-10} V1='' V2=() FAILED=''
case ${1-} in
-*) echo "cgroup.sh: there is no option $1" >&2; help >&2; exit 2 ;;
esac
[[ $# -gt 0 ]] || set -- "${TESTS[@]}"
for test; do
	if [[ $test == v1 ]]; then V1=1; else V2+=("$test"); fi
done
make_shadow_cache
make_shadow 0
build_tests || exit
for run in without unmounted mounted; do
	run_tests_in "$run"
done
differ() {
	local run
	for run in without "$1"; do
		[[ $FAILED != *" $run"* ]] || { echo "the guest failed: see $FOLDER/$run.err"; return 1; }
	done
	python3 "$TOP/tools/check/cgroup/compare.py" "$FOLDER/without.results" "$FOLDER/$1.results"
}
add_check "control groups work as without the series" differ unmounted
add_check "control groups beside rcfs work as without it" differ mounted
run_checks
