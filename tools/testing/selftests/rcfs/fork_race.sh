#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Moving tasks while they fork, exit, and switch namespaces. The program of the
# same name does it, with two CPUs; here is seen what is left of it.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# How often the kernel has complained, and whether it has ever. Only what comes
# during a test is judged; the host's side reads the whole console.
COMPLAINT='WARNING:|BUG:|Oops|refcount_t:|KASAN|possible .* (locking|recursion)|suspicious RCU'
complaints() {
	dmesg | grep -cE "$COMPLAINT"
	cat /proc/sys/kernel/tainted
}

# race TEST ROUNDS: in two containers, which can be removed at once afterwards
race() {
	before=$(complaints)
	mkdir "$C/a" "$C/b" || return
	fork_race "$1" "$C/a" "$C/b" "$2" || return
	must_be_empty "$C/a" || return
	must_be_empty "$C/b" || return
	must_be_removable "$C/a" || return
	must_be_removable "$C/b" || return
	must_be_removable "$C" || return
	expect "$before" complaints
}

storm() {
	race storm 100
}

children() {
	race children 150
}

switches() {
	race switches 150
}

vacate() {
	race vacate 150
}

leave() {
	race leave 150
}

reap() {
	before=$(complaints)
	fork_race reap "$C" 60 || return
	must_be_removable "$C" || return
	expect "$before" complaints
}

rcfs_begin
[ "$(nproc)" -ge 2 ] || skip_all "races need two CPUs"
point "tasks that fork, exit and switch namespaces can be moved" storm
point "no child stays behind when its parent is moved" children
point "no switch of namespaces undoes a move" switches
point "a container can be removed when its last task leaves amid a switch" vacate
point "a container can be removed when its last task leaves amid a fork" leave
point "a container can be removed when its last task is reaped" reap
ktap_finished
