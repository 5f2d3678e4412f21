#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Do the tests see what they are there for? Each patch in tools/check/hazards/
# takes one protection away; the test that it names has to fail then, on the
# debug kernel. Not part of all.sh: it builds and boots a kernel for each, and
# takes three minutes for that. Those of the core have the names of the hazards
# in Documentation/core-api/rcfs.rst, the others those of a controller, or of
# what all controllers share.
#
#	tools/check/hazards.sh [PATTERN]	those whose file name matches
#	tools/check/hazards.sh --list [PATTERN]	tell what they take away, and what sees that
#
# A patch says, in front of its diff:
#	Test:	the file that is run
#	Point:	the test point that has to fail; empty: the kernel does not live
#		long enough for any
#	Seen:	how it was seen to fail; without "hang" a time-out is no sign of that
#	Append:	arguments for the guest's kernel, as panic_on_warn=1 for one that would
#		go on after a warning, in a state that is of no use
#	Kernel:	plain or rt, if the debug kernel lacks what the point needs, as a
#		CPU that can be switched off
#	Refused: instead of a test: what the compiler says, which must not take the
#		code

set -u
# shellcheck source=tools/lib/help.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/help.sh"
export LC_ALL=C.UTF-8
# A guest that has nothing to say for so long will not say more.
export RCFS_SILENCE=${RCFS_SILENCE:-400}

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd) || exit 1
output=$(mktemp) || exit 1
# Only here: it has been found missing while this was running.
trap '[[ $BASHPID -ne $$ ]] || rm -f "$output"' EXIT

# field NAME PATCH
field() {
	sed -n "s/^$1: *//p; /^---\$/q" "$2"
}

# failed_point POINT: whether it has failed, in what there is of $output
failed_point() {
	[[ $1 ]] && sed -nE 's/^ *not ok [0-9]+ (- )?//p' "$output" | grep -qxF -- "$1"
}

# panicked PATCH: whether the kernel did, in the test or where the patch says so
panicked() {
	grep -q "^# failed: the guest's kernel panicked" "$output" &&
		{ [[ $(field Seen "$1") == *panic* ]] || grep -qxF "# rcfs: $(field Test "$1")" "$output"; }
}

# refused PATCH: returns whether it does not build, and for the reason that it names
refused() {
	! "$top/qemu-run.sh" --patch "$1" --build-only </dev/null >"$output" 2>&1 &&
		grep -qF -- "$(field Refused "$1")" "$output"
}

# seen PATCH: whether $output has what tells that the protection is missing: the point
# failed, or the kernel panicked during the test. That a guest or a test took too long may
# have other reasons, so only a patch that says so is seen by it. So does a panic before the
# test begins.
seen() {
	failed_point "$(field Point "$1")" || panicked "$1" || {
		[[ $(field Seen "$1") == *hang* ]] &&
			grep -qE "^# failed: (the guest hangs|.* # ran longer)" "$output"
	}
}

# run PATCH: returns whether the test failed as it should. What comes after the
# point is of no interest, and with a broken kernel it may never come.
run() {
	local point pid flavour=--debug append
	if [[ $(field Refused "$1") ]]; then
		refused "$1"
		return
	fi
	point=$(field Point "$1")
	case $(field Kernel "$1") in
	plain) flavour= ;;
	rt) flavour=--rt ;;
	esac
	append=$(field Append "$1")
	"$top/qemu-run.sh" ${flavour:+"$flavour"} ${append:+--append "$append"} --patch "$1" --test "$(field Test "$1")" </dev/null >"$output" 2>&1 &
	pid=$!
	while kill -0 "$pid" 2>/dev/null; do
		if failed_point "$point"; then
			kill "$pid" 2>/dev/null
			break
		fi
		sleep 1
	done
	wait "$pid" 2>/dev/null
	seen "$1"
}

# tell PATCH: a paragraph of text
tell() {
	local point kernel
	basename "$1" .patch
	sed '/^$/,$d; s/^/  /' "$1"
	if [[ $(field Refused "$1") ]]; then
		echo "  The compiler says: $(field Refused "$1")"
		return
	fi
	point=$(field Point "$1") kernel=$(field Kernel "$1")
	echo "  $(field Test "$1")${kernel:+, $kernel kernel}: ${point:-none is reached} ($(field Seen "$1"))"
}

list=
if [[ ${1-} == --list ]]; then
	list=1
	shift
fi
[[ $# -le 1 && ${1-} != -* ]] || {
	echo "usage: tools/check/hazards.sh [--list] [PATTERN]" >&2
	exit 2
}
mapfile -t patches < <(printf '%s\n' "$top"/tools/check/hazards/*.patch | sort -V | grep -E -- "${1-}")
[[ ${#patches[@]} -gt 0 ]] || {
	echo "hazards.sh: no patch in tools/check/hazards is called like '${1-}'" >&2
	exit 1
}

if [[ $list ]]; then
	for patch in "${patches[@]}"; do
		tell "$patch"
	done
	exit
fi

passed=0 failed=0 number=0
echo "KTAP version 1"
echo "1..${#patches[@]}"
for patch in "${patches[@]}"; do
	number=$((number + 1))
	name=$(basename "$patch" .patch)
	if run "$patch"; then
		grep -E '^ *not ok |^# failed: (console|the guest)' "$output" | sed -E 's/^[ #]*/# /' | cut -c 1-160 | head -n 5
		passed=$((passed + 1))
		echo "ok $number $name"
	else
		failed=$((failed + 1))
		tail -n 8 "$output" | sed 's/^/# /'
		if [[ $(field Refused "$patch") ]]; then
			echo "# the compiler should have said: $(field Refused "$patch")"
		else
			echo "# '$(field Point "$patch")' of $(field Test "$patch") should have failed"
		fi
		echo "not ok $number $name"
	fi
done
echo "$passed passed, $failed failed"
[[ $failed -eq 0 ]]
