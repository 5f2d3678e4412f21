#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Boots Debian 12 and Debian 13, with systemd as the first process, and tries what the
# documentation says about rcfs and systemd: units, services in containers, and who
# governs CPU time. KTAP output, and "N passed, N failed" as the last line.
#
#	tools/check/debian.sh [SUITE…]
#
# SUITE is bookworm or trixie, by default both. What is done in the guest is in
# tools/guest/debian-init and tools/guest/debian. The units are taken out of the
# documentation. Not part of all.sh: it fetches 60 MB of packages the first time, and
# takes ten minutes.

set -u
# shellcheck source=tools/lib/help.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/help.sh"
export LC_ALL=C.UTF-8
# A guest that has nothing to say for so long will not say more.
export RCFS_SILENCE=${RCFS_SILENCE:-400}

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd) || exit 1
# shellcheck source=tools/run/packages.sh
. "$TOP/tools/run/packages.sh"
STEPS=1
GUIDE=$TOP/Documentation/admin-guide

# literal_block FILE TEXT: the indented block that begins after the line with TEXT
literal_block() {
	awk -v text="$2" '
		index($0, text) { found = 1; next }
		found && /^  / { inside = 1; print substr($0, 3); next }
		inside && NF { exit }
		inside { print }' "$1"
}

# unit FILE TEXT NAME: as the documentation has it
unit() {
	literal_block "$1" "$2" >"$UNITS/$3"
	grep -q '^\[' "$UNITS/$3" ||
		fail "the documentation has no $3" "no unit follows '$2' in ${1#"$TOP/"}" \
			"correct the page, or tools/check/debian.sh"
}

# nested: a document as part of another one
nested() { sed -u 's/^/    /'; }

suites=("$@")
[[ $# -gt 0 ]] || suites=(bookworm trixie)
for suite in "${suites[@]}"; do
	[[ $suite =~ ^(bookworm|trixie)$ ]] || {
		echo "debian.sh: there is no $suite here: bookworm or trixie" >&2
		exit 2
	}
done

log_start "$@"
UNITS=$(mktemp -d) || exit 1
trap 'rm -rf "$UNITS"' EXIT
unit "$GUIDE/rcfs.rst" "/etc/systemd/system/sys-fs-rcfs.mount" sys-fs-rcfs.mount
unit "$GUIDE/rcfs.rst" "/etc/systemd/system/exampled.service" exampled.service
unit "$GUIDE/rcfs/cpu.rst" "/etc/systemd/system/-.slice.d/rcfs.conf" disable.conf

passed=0 failed=0 number=0
echo "KTAP version 1"
echo "1..${#suites[@]}"
for suite in "${suites[@]}"; do
	number=$((number + 1))
	lock_cache
	step "packages"
	debian_tree "$suite" "$suite" '?essential' systemd dbus
	unlock_cache
	guest_report nested --mem 1G --add "$DEBIAN_TREE:/root/debian.tar" --add "$UNITS:/root/units" \
		--add "$TOP/tools/guest/debian:/root/debian-check" --add "$TOP/tools/guest/debian-init:/debian-init" \
		--append "rdinit=/debian-init systemd.show_status=0" -- true &&
		echo "ok $number $suite" || echo "not ok $number $suite"
	passed=$((passed + PASSED)) failed=$((failed + FAILED))
done
echo "$passed passed, $failed failed"
[[ $failed -eq 0 && $passed -gt 0 ]]
