#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Are those tests run that were asked for, do the readers of their results notice
# what they must, and nothing else? KTAP output.

set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd) || exit 1
number=0 bad=0
output=$(mktemp) || exit 1
trap 'rm -f "$output" "$output.patch"' EXIT

# counts DESCRIPTION "PASSED FAILED SKIPPED" [AWK-OPTION…] <KTAP
counts() {
	local what=$1 want=$2 got
	shift 2
	got=$(awk "$@" -f "$here/ktap.awk" | awk '/^(passed|failed|skipped) /{ printf "%s%s", sep, $2; sep = " " }')
	number=$((number + 1))
	if [[ $got == "$want" ]]; then
		echo "ok $number $what"
	else
		bad=1
		echo "not ok $number $what # wanted $want, got $got"
	fi
}

# complains DESCRIPTION yes|no CONSOLE-LINE
complains() {
	local got=no
	number=$((number + 1))
	! grep -qE -- "$SPLAT" <<<"$3" || got=yes
	if [[ $got == "$2" ]]; then
		echo "ok $number $1"
	else
		bad=1
		echo "not ok $number $1 # $3"
	fi
}

# names FUNCTION DESCRIPTION PATTERN "NAME…": what the function of the guest says to
# a pattern, of three files
names() {
	local got pattern=$3
	number=$((number + 1))
	got=$(printf '%s\n' rcfs:attach.sh rcfs:tasks.sh kunit_rcfs | "$1" | paste -sd' ')
	if [[ $got == "$4" ]]; then
		echo "ok $number $2"
	else
		bad=1
		echo "not ok $number $2 # wanted $4, got $got"
	fi
}

# chooses DESCRIPTION PATTERN "NAME…": as the guest does it
chooses() { names matching "$@"; }

# misses DESCRIPTION PATTERN "PART…": of the pattern, what none of those files has
misses() { names unmatched "$@"; }

# sees DESCRIPTION yes|no "POINT" "SEEN" <OUTPUT: whether hazards.sh takes the output
# of qemu-run.sh for what a patch with these fields should lead to
sees() {
	local got=no
	number=$((number + 1))
	cat >"$output"
	printf 'Test: a.sh\nPoint: %s\nSeen: %s\n---\n' "$3" "$4" >"$output.patch"
	! seen "$output.patch" || got=yes
	if [[ $got == "$2" ]]; then
		echo "ok $number $1"
	else
		bad=1
		echo "not ok $number $1 # wanted $2, got $got"
	fi
}

echo "KTAP version 1"
echo "1..55"

eval "$(sed -n '/^\(matching\|unmatched\)()/,/^)/p' "$here/../guest/run-tests")"
chooses "no pattern: everything" '' "rcfs:attach.sh rcfs:tasks.sh kunit_rcfs"
chooses "a part of the name" tas "rcfs:tasks.sh"
chooses "a pattern" 'a*.sh' "rcfs:attach.sh rcfs:tasks.sh"
chooses "several of them, each name once" 'attach,t*ch,kunit' "rcfs:attach.sh kunit_rcfs"
chooses "nothing" 'attach.sh tasks.sh' ""
chooses "a comma too many" ',tasks,,kunit,' "rcfs:tasks.sh kunit_rcfs"
misses "no pattern misses nothing" '' ""
misses "nor does a comma too many" ',tasks,,kunit,' ""
misses "nor patterns that all match" 'a*.sh,kunit' ""
misses "one that does not match is named" 'attach,cpuset,kunit' "cpuset"
misses "all of them are" 'x*,attach.sh tasks.sh' "x* attach.sh tasks.sh"

counts "all pass" "2 0 0" <<'EOF'
KTAP version 1
1..2
ok 1 one
ok 2 two
EOF
counts "a failure" "1 1 0" <<'EOF'
TAP version 13
1..2
ok 1 one
not ok 2 two
EOF
counts "a skip is neither" "1 0 1" <<'EOF'
KTAP version 1
1..2
ok 1 one
ok 2 two # SKIP no such thing here
EOF
counts "an expected failure passes" "1 0 0" <<'EOF'
KTAP version 1
1..1
not ok 1 one # XFAIL known
EOF
counts "short plan" "1 1 0" <<'EOF'
KTAP version 1
1..2
ok 1 one
EOF
counts "more tests than planned" "2 1 0" <<'EOF'
KTAP version 1
1..1
ok 1 one
ok 2 two
EOF
counts "missing plan" "1 1 0" <<'EOF'
KTAP version 1
ok 1 one
EOF
counts "plan at the end" "1 0 0" <<'EOF'
KTAP version 1
ok 1 one
1..1
EOF
counts "nothing at all" "0 1 0" </dev/null
counts "bail out" "1 2 0" <<'EOF'
KTAP version 1
1..2
ok 1 one
Bail out! enough
EOF
counts "a pattern that nothing matches" "0 1 0" -v nested=1 <<'EOF'
KTAP version 1
1..0
# there is: rcfs:attach.sh
Bail out! no test file and no KUnit suite has "cpuset" in its name
EOF
counts "nested tests count, their parent does not" "2 0 0" -v nested=1 <<'EOF'
KTAP version 1
1..1
    KTAP version 1
    1..2
    ok 1 one
    ok 2 two
ok 1 file
EOF
counts "short plan in a nested document" "2 1 0" -v nested=1 <<'EOF'
KTAP version 1
1..2
    TAP version 13
    1..2
    ok 1 one
ok 1 file
    TAP version 13
    1..1
    ok 1 one
ok 2 other
EOF
counts "missing plan in a nested document" "1 1 0" -v nested=1 <<'EOF'
KTAP version 1
1..1
    TAP version 13
    ok 1 one
ok 1 file
EOF
counts "a file fails although its tests pass" "1 1 0" -v nested=1 <<'EOF'
KTAP version 1
1..1
    TAP version 13
    1..1
    ok 1 one
not ok 1 file # exit status 1
EOF
counts "a failed test and its failed file are one failure" "0 1 0" -v nested=1 <<'EOF'
KTAP version 1
1..1
    TAP version 13
    1..1
    not ok 1 one
not ok 1 file # exit status 1
EOF
counts "a file without test points" "0 1 0" -v nested=1 <<'EOF'
KTAP version 1
1..1
ok 1 file
EOF
counts "a file that skips everything" "0 0 1" -v nested=1 <<'EOF'
KTAP version 1
1..1
    TAP version 13
    1..0 # SKIP not root
ok 1 file # SKIP
EOF
counts "the guest stops inside a test" "1 3 0" -v nested=1 <<'EOF'
KTAP version 1
1..2
    TAP version 13
    1..3
    ok 1 one
EOF
counts "three levels" "3 0 0" -v nested=1 <<'EOF'
KTAP version 1
1..2
    KTAP version 1
    1..1
        KTAP version 1
        # Subtest: suite
        1..2
        ok 1 one
        ok 2 two
    # Totals: pass:2 fail:0 skip:0 total:2
    ok 1 suite
ok 1 kunit
    TAP version 13
    1..1
    # not ok 7 a comment
    ok 1 one
ok 2 file
EOF

# shellcheck source=tools/run/boot.sh
. "$here/boot.sh"
complains "a warning" yes '[    1.0] WARNING: CPU: 0 PID: 1 at kernel/rcfs/rcfs.rs:1'
complains "an exception in the kernel of arm64" yes 'Internal error: undefined instruction: 0000000002000000 [#1]  SMP'
complains "a lock order" yes 'WARNING: possible circular locking dependency detected'
complains "a use after free" yes 'BUG: KASAN: slab-use-after-free in find_nsproxy+0x1/0x2'
complains "a reference count" yes 'refcount_t: underflow; use-after-free.'
complains "a leak" yes 'kmemleak: 3 new suspected memory leaks (see /sys/kernel/debug/kmemleak)'
complains "a stall" yes 'rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:'
complains "a hung task" yes 'INFO: task sh:77 blocked for more than 120 seconds.'
complains "a quiet boot is none" no '[    0.1] Dentry cache hash table entries: 65536 (order: 7, 524288 bytes, linear)'

# race FUNCTION...: a report of KCSAN as it is on the console
race() {
	echo "[    1.0] =================================================================="
	echo "[    1.0] BUG: KCSAN: data-race in $1 / $2"
	printf '[    1.0]  %s+0x1/0x2\n' "$@"
	echo "[    1.0] =================================================================="
}
complains "a data race in rcfs" yes \
	"$(race pick_next_task __rcfs_charge | without_others_races)"
complains "a data race elsewhere is none" no \
	"$(race pick_next_task try_to_wake_up | without_others_races)"
complains "the count of RCU sections is no data race in rcfs" no \
	"$(race __rcu_read_lock memcpy_and_pad __rcfs_account | without_others_races)"
complains "a warning beside such a race" yes \
	"$({ race one two; echo "[    1.0] WARNING: CPU: 0"; race one two; } | without_others_races)"

eval "$(sed -n '/^\(field\|failed_point\|panicked\|seen\)()/,/^}/p' "$here/../check/hazards.sh")"
sees "a point that fails" yes "tasks move" point <<<"    not ok 3 tasks move"
sees "another point" no "tasks move" point <<<"    not ok 3 tasks exit"
sees "nothing failed" no "" panic <<<"1 passed, 0 failed"
sees "a panic" yes "" panic <<<"# failed: the guest's kernel panicked: Kernel panic - not syncing: Oops"
sees "a panic before the test" no "tasks move" point <<<"# failed: the guest's kernel panicked: Kernel panic"
sees "a panic in the test, before the point" yes "tasks move" point <<EOF
# rcfs: a.sh
# failed: the guest's kernel panicked: Kernel panic
EOF
sees "a point whose name goes on" no "tasks move" point <<<"    not ok 3 all tasks move"
sees "a hang that is expected" yes "tasks move" hang <<<"# failed: the guest hangs: it printed nothing for 400 s"
sees "a test that takes too long, as expected" yes "tasks move" hang <<<"# failed: a.sh # ran longer than 900 s"
sees "a hang instead of a panic" no "" "KASAN, panic" <<<"# failed: the guest hangs: it printed nothing for 400 s"
sees "a test that takes too long instead" no "" point <<<"# failed: a.sh # ran longer than 900 s"
exit $bad
