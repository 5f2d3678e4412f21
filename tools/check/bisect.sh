#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Does the series build and run after each of its patches? For one patch after the other:
# build the plain kernel with the patches up to that one, and fail if a tool warns. KTAP
# output, and "N passed, N failed" as the last line.
#
#	tools/check/bisect.sh [--boot | --only 'TARGET…'] [--code] [--list] [PATCHES]
#
#	--boot	also boot each kernel, and run the selftests that exist by then. A patch
#		that changes selftests alone runs those
#	--only	build these targets of make alone, such as 'prepare kernel/', and link nothing
#	--code	leave out patches that change documentation, selftests or tools alone
#	--list	name the patches, and build nothing
#
# PATCHES is a number, or a range such as 18-27, 18- or -27, or a part of the names. Without
# it, all patches are built. What does not exist yet in a patch is dropped from the
# configuration: the name of a check says whether the kernel has CONFIG_RCFS. As long as
# Kconfig has no prompt for that, what there is of rcfs is compiled, and not linked.
#
# Patches are built one after the other in a folder of their own in the cache, so that each
# costs what it changes. The first one costs a whole build. The output of a build that fails
# stays in that folder.

set -u
# shellcheck source=tools/lib/help.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/help.sh"
export LC_ALL=C

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd) || exit 1
FOLDER=${XDG_CACHE_HOME:-$HOME/.cache}/rcfs/bisect
# What has code of rcfs before the file system is there
PROMPT=$'\tbool "Resource control file system (rcfs)"'
OBJECTS='rust/ kernel/rcfs/ kernel/fork.o kernel/nsproxy.o kernel/exit.o kernel/sched/core.o fs/proc/'
# shellcheck source=tools/lib/shadow.sh
. "$TOP/tools/lib/shadow.sh"

usage() { echo "bisect.sh: $1" >&2; help >&2; exit 2; }

# is_code PATCH: whether it changes what a kernel is built from
is_code() { grep -E '^diff --git ' "$TOP/patches/$1" | grep -qvE ' b/(Documentation/|tools/|MAINTAINERS$)'; }

# is_wanted NUMBER NAME
is_wanted() {
	case $WANTED in
	'') ;;
	*[!0-9-]*) [[ $2 == *"$WANTED"* ]] || return ;;
	*-*)
		[[ $1 -ge ${WANTED%-*} ]] || return
		[[ ! ${WANTED#*-} || $1 -le ${WANTED#*-} ]] || return
		;;
	*) [[ $1 == "$WANTED" ]] || return ;;
	esac
	[[ ! $CODE ]] || is_code "$2"
}

# qemu_run ARGUMENT…: all output goes to $OUT.
qemu_run() { shadow_run "$@" >>"$OUT" 2>&1; }

# tests_of RANGE: the tests that these patches touch, with commas
tests_of() {
	series | sed -n "${1}s,^,$TOP/patches/,p" | xargs -d '\n' sed -nE \
		's,^\+\+\+ b/tools/testing/selftests/rcfs/(.*)\.sh$,\1.sh,p' |
		grep -vxE 'lib\.sh|controllers\.sh' | sort -u | paste -s -d ,
}

# build ARGUMENT…: fail if a tool warns. Prints the first error, or all warnings.
build() {
	qemu_run --verbose --build-only "$@" || {
		grep -m 1 -A 15 -E '(^|: )(fatal )?error(\[E[0-9]+\])?:|^ld\.lld: error|^ERROR:|qemu-run.sh: ' "$OUT" || tail -n 20 "$OUT"
		return 1
	}
	grep -iE -A 12 '(^|[^a-z-])warning:' "$OUT" | head -n 40 | grep . || return 0
	rm -rf "$FOLDER"/cache/rcfs/build/plain*	# make would not repeat the warning
	return 1
}

# patches_have LINE: whether the patches up to this one add a line
patches_have() { series | head -n "$number" | sed "s,^,$TOP/patches/," | xargs -d '\n' grep -qxF -- "+$1"; }

# compile_rcfs: the objects that there are, in a build folder of their own
compile_rcfs() {
	if ! patches_have 'config RCFS' || patches_have "$PROMPT"; then return; fi
	cat >"$FOLDER/prompt.patch" <<-'END'
		--- a/kernel/rcfs/Kconfig
		+++ b/kernel/rcfs/Kconfig
		@@ -6,3 +6,3 @@
		 config RCFS
		-	bool
		+	bool "rcfs"
		 	depends on RUST && SYSFS && PROC_FS
	END
	: >"$FOLDER/objects.config"
	make_shadow "$number" "build_setup; mkdir -p \"\$BUILD\"; configure; grep -qx CONFIG_RCFS=y \"\$BUILD/.config\" || fail 'CONFIG_RCFS is lost' 'Kconfig has dropped it' 'look at its dependencies'; doing compiling; counted_make $OBJECTS"
	build --patch "$FOLDER/prompt.patch" --config "$FOLDER/objects.config" || return
	make_shadow "$number" "$BUILD"
}

# try: build, and with --boot run. Prints what is wrong.
try() {
	local tests
	: >"$OUT"
	build || return
	compile_rcfs || return
	[[ $ONLY || $(has_rcfs) == with ]] || ! patches_have "$PROMPT" || {
		echo "Kconfig has dropped CONFIG_RCFS"
		return 1
	}
	[[ $BOOT ]] || return 0
	# The kernel is new: KUnit, and all tests that exist. Otherwise the tests that are new,
	# with a suite that is never skipped as a whole.
	tests=$(tests_of "$number")
	if [[ $(has_rcfs) == with ]] && is_code "${NAMES[i]}"; then
		qemu_run --test
	elif [[ $tests ]]; then
		qemu_run --test "rcfs_ids,$tests"
	else
		qemu_run -- true
	fi || {
		grep -E '^not ok|^# failed|^# console' "$OUT" || tail -n 20 "$OUT"
		return 1
	}
}

# has_rcfs: "with" or "without"
has_rcfs() {
	if grep -qx CONFIG_RCFS=y "$FOLDER/cache/rcfs/build/plain/.config" 2>/dev/null; then echo with; else echo without; fi
}

BOOT='' CODE='' LIST='' ONLY='' WANTED=''
while [[ $# -gt 0 ]]; do
	case $1 in
	--boot) BOOT=1 ;;
	--only) ONLY=${2-} && [[ $ONLY && ! $BOOT ]] || usage "--only needs targets, and excludes --boot"; shift ;;
	--code) CODE=1 ;;
	--list) LIST=1 ;;
	-[0-9]*) WANTED=0$1 ;;
	-*) usage "there is no option $1" ;;
	*) WANTED=$1 ;;
	esac
	shift
done
NUMBERS=() NAMES=() number=0
while read -r name; do
	number=$((number + 1))
	! is_wanted "$number" "$name" || { NUMBERS+=("$number"); NAMES+=("$name"); }
done < <(series)
[[ ${#NAMES[@]} -gt 0 ]] || usage "no patch is called like '$WANTED'"
[[ ! $LIST ]] || { printf '%s\n' "${NAMES[@]}"; exit; }

make_shadow_cache
mkdir -p "$FOLDER/log"
BUILD=
[[ ! $ONLY ]] || BUILD="build_setup; mkdir -p \"\$BUILD\"; configure; doing building; counted_make $ONLY"
passed=0 failed=0
echo "KTAP version 1"
echo "1..${#NAMES[@]}"
for i in "${!NAMES[@]}"; do
	number=${NUMBERS[i]} begun=$SECONDS OUT=$FOLDER/log/${NAMES[i]%.patch}.log
	echo "# ${NAMES[i]}" >&2
	make_shadow "$number" "$BUILD"
	if said=$(try); then
		passed=$((passed + 1)) result=ok
		rm -f "$OUT"
	else
		failed=$((failed + 1)) result='not ok'
	fi
	what=
	[[ $result != ok ]] || what=", $(has_rcfs) CONFIG_RCFS"
	echo "$result $((i + 1)) ${NAMES[i]}$what, $((SECONDS - begun)) s"
	[[ $result == ok ]] || printf '# %s\n' "${said//$'\n'/$'\n# '}" "the whole output: $OUT"
done
echo "$passed passed, $failed failed"
[[ $failed -eq 0 ]]
