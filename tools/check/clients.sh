#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Programs that know cgroup v1, unmodified, with rcfs in its place: uWSGI, which puts
# itself into groups and sets limits, and netdata, which finds groups and shows what
# they use. Both come out of Debian's packages, and are told by options and by a
# configuration file where the groups are. The same points are tried with cgroup v1
# first, in the same boot. KTAP output, and "N passed, N failed" as the last line.
#
#	tools/check/clients.sh
#
# What is done in the guest is in tools/guest/clients. Not part of all.sh: it fetches
# 40 MB of packages the first time, and takes five minutes.

set -u
export LC_ALL=C.UTF-8

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd) || exit 1
# shellcheck source=tools/run/packages.sh
. "$TOP/tools/run/packages.sh"
STEPS=1

log_start "$@"
lock_cache
step "packages"
debian_tree clients bookworm uwsgi-core netdata-core
unlock_cache

guest_report cat --mem 1G --add "$DEBIAN_TREE:/root/clients.tar" --add "$TOP/tools/guest/clients:/root/clients" \
	-- sh /root/clients
status=$?
echo "$PASSED passed, $FAILED failed"
exit $status
