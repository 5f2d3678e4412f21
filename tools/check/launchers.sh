#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What launches into control groups of version 2 with CLONE_INTO_CGROUP, unmodified, with
# a directory of rcfs instead: posix_spawn(3) of glibc, and os/exec of Go. Both are those
# of Debian 13, which also has the compilers. Each is tried with a control group as well,
# in the same boot. KTAP output, and "N passed, N failed" as the last line.
#
#	tools/check/launchers.sh
#
# Programs and the guest's side are in tools/check/launchers/. Not part of all.sh: it
# fetches 200 MB of packages the first time, and takes five minutes then.

set -u
# shellcheck source=tools/lib/help.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/help.sh"
export LC_ALL=C.UTF-8

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd) || exit 1
# shellcheck source=tools/run/packages.sh
. "$TOP/tools/run/packages.sh"
STEPS=2
HERE=$TOP/tools/check/launchers
OUT=$CACHE/build/launchers

# build_launchers: with the compilers in $DEBIAN_TREE, on this machine. They want /dev
# and /proc, which are mounted for them in namespaces of their own.
build_launchers() {
	local key root
	key=$(cat "$HERE"/spawn.* "$DEBIAN_TREE.key" | sha256sum)
	[[ $key != "$(cat "$OUT/key" 2>/dev/null)" ]] || return 0
	doing "compiling with the compilers of Debian 13"
	root=$CACHE/packages/launchers
	rm -rf "$root" "$OUT"
	mkdir -p "$root" "$OUT"
	tar -x -C "$root" -f "$DEBIAN_TREE" --no-same-owner 2>>"$LOG" ||
		fail "$DEBIAN_TREE cannot be unpacked" "$(tail -n 3 "$LOG")" "see the log"
	mkdir -p "$root"/{dev,proc,tmp}
	cp "$HERE"/spawn.{c,go} "$root/tmp/"
	# shellcheck disable=SC2016 # expanded by that shell
	logged unshare --map-root-user --mount --pid --fork sh -ec '
		mount --rbind /dev "$1/dev"
		mount -t proc none "$1/proc"
		run() { env -i PATH=/usr/sbin:/usr/bin HOME=/tmp GOCACHE=/tmp/go CGO_ENABLED=0 chroot "$@"; }
		run "$1" gcc -O2 -Wall -D_GNU_SOURCE -static -o /tmp/spawn-glibc /tmp/spawn.c
		run "$1" go build -o /tmp/spawn-go /tmp/spawn.go' - "$root" ||
		fail "the launchers cannot be compiled" "$(tail -n 5 "$LOG")" "see the log"
	cp "$root"/tmp/spawn-{glibc,go} "$OUT/"
	rm -rf "$root"
	echo "$key" >"$OUT/key"
	done_with "compiled the launchers"
}

log_start "$@"
lock_cache
step "packages"
debian_tree launchers trixie gcc libc6-dev golang-go
step "launchers"
build_launchers
unlock_cache

guest_report cat --add "$OUT/spawn-glibc:/root/" --add "$OUT/spawn-go:/root/" --add "$HERE/guest:/root/launchers" \
	-- sh /root/launchers
status=$?
echo "$PASSED passed, $FAILED failed"
exit $status
