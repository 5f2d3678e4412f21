# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Programs out of Debian's packages, with all that these depend on, as one archive for
# the guest. Nothing is installed on this machine, and nothing of it is used: apt
# resolves the dependencies against a system that has no package at all.
#
# For scripts that run the plain kernel with them, and have set TOP.

# shellcheck disable=SC2034 # what the functions of kernel.sh look at
FLAVOUR=plain
# shellcheck source=tools/run/kernel.sh
. "$TOP/tools/run/kernel.sh"

# debian_tree NAME SUITE PACKAGE…: sets DEBIAN_TREE, a tar archive of the packages and
# of what they depend on, unpacked but not configured. It is made once. A PACKAGE may be
# one of apt's patterns.
debian_tree() {
	local name=$1 suite=$2 key mirror made=
	shift 2
	DEBIAN_TREE=$CACHE/packages/$name.tar
	key="$suite $* $(sha256sum <"${BASH_SOURCE[0]}")"
	[[ ! -f $DEBIAN_TREE || $key != "$(cat "$DEBIAN_TREE.key" 2>/dev/null)" ]] || return 0
	on_debian && [[ -f $DEBIAN_KEYS ]] ||
		fail "packages of Debian cannot be fetched" \
			"this machine does not run Debian, or has no $DEBIAN_KEYS" "run this on Debian 12 or 13"
	doing "fetching packages of Debian's $suite"
	need_space 1500 "$CACHE"
	mkdir -p "$CACHE/packages"
	while read -r mirror; do
		[[ $mirror ]] || continue
		setup_private_apt "$mirror" "$suite" amd64
		empty_system
		if logged private_apt apt-get -q -o APT::Update::Error-Mode=any update &&
		   logged private_apt apt-get -q -y --no-install-recommends --download-only install "$@"; then
			made=1
			break
		fi
	done < <(debian_mirrors)
	[[ $made ]] || fail_apt "packages of Debian's $suite cannot be fetched: $*"
	doing "unpacking packages of Debian's $suite"
	unpack_packages "$CACHE/packages/$name"
	echo "$key" >"$DEBIAN_TREE.key"
	done_with "unpacked packages of Debian's $suite"
}

# The system that the private apt fetches packages for
empty_system() {
	rm -rf "$CACHE/apt/empty" "$CACHE/apt/cache/archives"
	mkdir -p "$CACHE/apt/empty" "$CACHE/apt/cache/archives/partial"
	: >"$CACHE/apt/empty/status"
	cat >>"$CACHE/apt/apt.conf" <<-CONF
		Dir::State "$CACHE/apt/empty";
		Dir::State::status "$CACHE/apt/empty/status";
	CONF
}

# unpack_packages FOLDER: all that was fetched, into FOLDER.tar. Since Debian 12, /bin
# and its like are links. They have to be there before the packages that still use them.
unpack_packages() {
	local folder=$1 package link
	rm -rf "$folder" "$DEBIAN_TREE.key"
	mkdir -p "$folder"
	for link in bin sbin lib lib64; do
		mkdir -p "$folder/usr/$link"
		ln -s "usr/$link" "$folder/$link"
	done
	for package in "$CACHE"/apt/cache/archives/*.deb; do
		dpkg-deb --fsys-tarfile "$package" 2>>"$LOG" |
			tar -x -C "$folder" --no-same-owner --keep-directory-symlink 2>>"$LOG" ||
			fail "$package cannot be unpacked" "$(tail -n 3 "$LOG")" "see the log"
	done
	# These files are not read in the guest, which keeps all files in memory.
	rm -rf "$folder"/usr/share/{doc,man,info,locale,bug,lintian}
	tar -c -C "$folder" --owner=0 --group=0 --numeric-owner . >"$DEBIAN_TREE.new" 2>>"$LOG" &&
		mv "$DEBIAN_TREE.new" "$DEBIAN_TREE" ||
		fail "$DEBIAN_TREE cannot be written" "$(why_unwritable "$CACHE")" "make room there"
	rm -rf "$folder" "$CACHE/apt/empty" "$CACHE/apt/cache/archives"
}

# guest_report FILTER ARGUMENT…: run qemu-run.sh, and let the KTAP document that the guest
# prints through FILTER. Sets PASSED and FAILED. That the guest ended badly, or that its
# kernel complained, is a failure of its own.
guest_report() {
	local filter=$1 output status kind rest
	shift
	PASSED=0 FAILED=0
	output=$(mktemp) || return
	"$TOP/qemu-run.sh" "$@" </dev/null | tee "$output" | "$filter"
	status=${PIPESTATUS[0]}
	while read -r kind rest; do
		case $kind in
		passed) PASSED=$rest ;;
		failed) FAILED=$rest ;;
		failure) echo "# failed: $rest" ;;
		esac
	done < <(awk -f "$TOP/tools/run/ktap.awk" "$output")
	rm -f "$output"
	if [[ $status -ne 0 ]]; then
		echo "# failed: qemu-run.sh ended with status $status"
		FAILED=$((FAILED + 1))
	fi
	[[ $FAILED -eq 0 && $PASSED -gt 0 ]]
}
