#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Is what the host lacks found out? Programs are a few bytes here, and nothing is
# installed. KTAP output.

# shellcheck disable=SC2317,SC2329 # the functions that stand for others are called

set -u
export LC_ALL=C

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd) || exit 1
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

CACHE=$tmp/cache TOP=$tmp VERBOSE='' FLAVOUR=plain
# shellcheck source=tools/run/ui.sh
. "$here/ui.sh"
# shellcheck source=tools/run/host.sh
. "$here/host.sh"
TERMINAL='' LOG=$tmp/log
number=0 bad=0

# check DESCRIPTION WRONG: WRONG is the failure, or ""
check() {
	number=$((number + 1))
	[[ ! $2 ]] || bad=1
	echo "${2:+not }ok $number $1${2:+ # $2}"
}

echo "KTAP version 1"

# ---- the guest's busybox

# program FILE MACHINE [TEXT]: the beginning of an ELF header, and something in it
program() {
	# shellcheck disable=SC2059 # the machine is an escape
	printf "\x7fELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0$2\0" >"$1"
	echo "${3-}" >>"$1"
	chmod +x "$1"
}
mkdir -p "$tmp/bin" "$CACHE/tools"
program "$tmp/bin/busybox" '\x3e'
program "$CACHE/tools/busybox-arm64" '\xb7'
program "$tmp/mine-x86_64" '\x3e'
program "$tmp/mine-arm64" '\xb7'
program "$tmp/riscv" '\xf3'
program "$tmp/dynamic" '\x3e' /lib64/ld-linux-x86-64.so.2
echo '#!/bin/sh' >"$tmp/script"
PATH=$tmp/bin:$PATH

# takes DESCRIPTION ARCH "RCFS_BUSYBOX" BUSYBOX [TEXT]: which one is taken, "" if
# none can be; TEXT is what has to be said, nothing without it
takes() {
	local wrong='' said
	rm -f "$tmp/taken"
	said=$({
		find_tools() { MISSING=() WHY_MISSING=() && find_busybox; }
		install_missing() { fail "packages are missing" "${MISSING[*]}" "see there"; }
		uname() { echo x86_64; }
		CLANG=true RUSTC=true BINDGEN=true ARCH=$2 RCFS_BUSYBOX=$3
		host_prepare && echo "$BUSYBOX" >"$tmp/taken"
	} 2>&1)
	[[ $(cat "$tmp/taken" 2>/dev/null) == "$4" ]] || wrong="took '$(cat "$tmp/taken" 2>/dev/null)'"
	if [[ ${5-} ]]; then
		grep -qF -- "$5" <<<"$said" || wrong+="; said '${said//$'\n'/ }'"
	else
		[[ ! $said ]] || wrong+="; said '${said//$'\n'/ }'"
	fi
	check "$1" "$wrong"
}

takes "x86-64: the one that is installed" x86_64 '' "$tmp/bin/busybox"
takes "arm64: the one that was fetched" arm64 '' "$CACHE/tools/busybox-arm64"
takes "x86-64: the one that is named" x86_64 "$tmp/mine-x86_64" "$tmp/mine-x86_64"
takes "arm64: the one that is named" arm64 "$tmp/mine-arm64" "$tmp/mine-arm64"
takes "x86-64: not one for arm64" x86_64 "$tmp/mine-arm64" "$tmp/bin/busybox" \
	"RCFS_BUSYBOX=$tmp/mine-arm64 is for arm64, so $tmp/bin/busybox is used"
takes "arm64: not one for x86-64" arm64 "$tmp/mine-x86_64" "$CACHE/tools/busybox-arm64" \
	"RCFS_BUSYBOX=$tmp/mine-x86_64 is for x86_64, so $CACHE/tools/busybox-arm64 is used"
takes "one for neither is an error" x86_64 "$tmp/riscv" '' "not a statically linked program for x86_64 or arm64"
takes "one with libraries is an error" arm64 "$tmp/dynamic" '' "not a statically linked program for x86_64 or arm64"
takes "no program is an error" x86_64 "$tmp/script" '' "not a statically linked program for x86_64 or arm64"
takes "no file is an error" x86_64 "$tmp/none" '' "there is no such file"

# ---- packages

APT_LISTS=$tmp/lists
mkdir "$APT_LISTS"

# installs DESCRIPTION "COMMANDS": what apt-get is called for. make is installed, so
# that apt knows a version of it in any case; of rustc it knows by its lists.
installs() {
	rm -f "$tmp/calls"
	(
		on_debian() { :; }
		need_space() { :; }
		sudo() { :; }
		as_root() {
			case $* in
			*update*)	echo -n "update; "; touch "$APT_LISTS/example_main_binary-amd64_Packages.lz4" ;;
			*install*)	echo "install ${*: -1}" ;;
			esac >>"$tmp/calls"
		}
		apt-cache() { [[ $2 != make ]] || echo "  Candidate: 4.3-4.1"; }
		find_tools() { [[ $(ls "$APT_LISTS") == *_Packages* ]] && MISSING=(rustc) || MISSING=(rustc-web); }
		find_tools
		install_missing
	) >"$tmp/said" 2>&1
	check "$1" "$([[ $(cat "$tmp/calls") == "$2" ]] || paste -sd ' ' "$tmp/calls" "$tmp/said")"
}

touch "$APT_LISTS/lock" && mkdir "$APT_LISTS/partial"
installs "without package lists they are fetched before anything is chosen" "update; install rustc"
installs "with them they are not" "install rustc"

echo "1..$number"
exit $bad
