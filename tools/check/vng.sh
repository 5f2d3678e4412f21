#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Does vng (virtme-ng) boot a kernel with rcfs, with the files of this machine in place of
# an initramfs? KTAP output, and "N passed, N failed" as the last line.
#
#	tools/check/vng.sh
#
# Not part of all.sh: it builds a kernel with the options that vng needs
# (tools/run/vng.config). vng is installed into a folder of its own in the cache.

set -u
# shellcheck source=tools/lib/help.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/help.sh"
export LC_ALL=C.UTF-8

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd) || exit 1
VENV=${XDG_CACHE_HOME:-$HOME/.cache}/rcfs/vng
# shellcheck source=tools/lib/checks.sh
. "$TOP/tools/lib/checks.sh"
PATTERN=

# in_vng COMMAND: in the guest, as root. 9p needs no other program on this machine, and
# emulation works on every one.
in_vng() {
	(cd / && PATH=$VENV/bin:$PATH timeout 600 vng --run "$KERNEL" --disable-kvm --force-9p --user root \
		-- "$1" </dev/null)
}

boots() {
	[[ $(in_vng 'grep -w rcfs /proc/filesystems') == *rcfs ]]
}

limits() {
	# shellcheck disable=SC2016 # expanded in the guest
	[[ $(in_vng 'mount -t rcfs none /sys/fs/rcfs && mkdir /sys/fs/rcfs/a && echo $$ >/sys/fs/rcfs/a/tasks &&
		cat /sys/fs/rcfs/a/pids.current') =~ ^[1-9][0-9]*$ ]]
}

[[ $# -eq 0 ]] || { echo "usage: tools/check/vng.sh" >&2; exit 2; }
# The guest runs udev from the files of this machine, to name the ports for input and output.
[[ -x /usr/lib/systemd/systemd-udevd || -x /lib/systemd/systemd-udevd ]] || {
	echo "vng.sh: vng needs udev on this machine: apt-get install udev" >&2
	exit 1
}
[[ -x $VENV/bin/vng ]] || { python3 -m venv "$VENV" && "$VENV/bin/pip" install --quiet virtme-ng; } || {
	echo "vng.sh: vng cannot be installed: try pip install virtme-ng" >&2
	exit 1
}
KERNEL=$("$TOP/qemu-run.sh" --config "$TOP/tools/run/vng.config" --build-only </dev/null 2>&1 | sed -n 's/^built: //p')
[[ $KERNEL ]] || {
	echo "vng.sh: the kernel does not build: ./qemu-run.sh --config tools/run/vng.config --build-only" >&2
	exit 1
}
add_check "vng boots a kernel with rcfs" boots
add_check "a container can be made and entered" limits
run_checks
