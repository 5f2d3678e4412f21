#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Do the README's commands work on a Debian that has nothing of ours? Makes one
# with debootstrap, clones this repository into it, and runs them there, with an
# empty cache. As root; takes an hour and 8 GB, and leaves nothing behind.
#
#	tools/check/bare-debian.sh SUITE [COMMAND…]
#
# SUITE is bookworm or trixie. COMMAND replaces the two commands, for a quicker
# look at one of them. What is not committed is not tried.

set -u
# shellcheck source=tools/lib/help.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/help.sh"

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd) || exit 1

die() {
	echo "bare-debian.sh: $*" >&2
	exit 1
}

# What is mounted, and what is started, belongs to namespaces that end with us.
if [[ ${1-} != --inside ]]; then
	[[ $# -ge 1 && $1 != -* ]] || die "usage: tools/check/bare-debian.sh SUITE [COMMAND…]"
	[[ $(id -u) == 0 ]] || die "debootstrap and chroot need root"
	for command in debootstrap git unshare; do
		command -v "$command" >/dev/null || die "$command is missing: apt-get install debootstrap git util-linux"
	done
	root=$(mktemp -d "${TMPDIR:-/var/tmp}/bare-$1-XXXXXX") || die "no room for a temporary folder"
	chmod 755 "$root"	# apt looks at its folders as a user of its own
	trap 'rm -rf --one-file-system "$root"' EXIT
	trap 'exit 130' INT TERM
	unshare --mount --pid --fork --kill-child "${BASH_SOURCE[0]}" --inside "$root" "$@"
	exit
fi

root=$2 suite=$3
shift 3

# shellcheck source=/dev/null
codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
mirror=$(apt-get update --print-uris | sed -nE "s,^'(.*/)dists/$codename/InRelease'.*,\\1,p" | head -n 1)
[[ $mirror ]] || die "this machine's apt sources name no mirror for $codename"

debootstrap --variant=minbase "$suite" "$root" "$mirror" >"$root.log" 2>&1 ||
	die "debootstrap failed: $(tail -n 3 "$root.log")"
rm -f "$root.log"
# Without the package lists, as a fresh image has none.
rm -rf "$root"/var/lib/apt/lists/*
# The way to the network is the machine's: names, proxies, and the certificates
# of a proxy that looks inside.
cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
network=()
for name in http_proxy https_proxy no_proxy; do
	[[ ! ${!name-} ]] || network+=("$name=${!name}")
done
if [[ -f ${SSL_CERT_FILE-} ]]; then
	cp -L "$SSL_CERT_FILE" "$root/etc/network-certificates.pem"
	network+=({SSL_CERT_FILE,CARGO_HTTP_CAINFO}"=/etc/network-certificates.pem")
fi
git -c safe.directory='*' clone -q --no-hardlinks "$top" "$root/root/rcfs" || die "the repository cannot be cloned"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount --rbind /dev "$root/dev"

# run COMMAND: in the new Debian, as its root, without a terminal
run() {
	local started=$SECONDS status
	echo "== $suite: $1"
	chroot "$root" env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		"${network[@]}" bash -c "cd ~/rcfs && $1" </dev/null
	status=$?
	echo "== $suite: status $status after $((SECONDS - started)) s"
	return $status
}

if [[ $# -gt 0 ]]; then
	run "$*"
else
	run "./qemu-run.sh" && run "./qemu-run.sh --test"
fi
