#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Where does the kernel source come from when the first place has none? Debian's
# archive and kernel.org are folders here, and apt, curl and gpg functions that
# look into them: nothing goes over the network. KTAP output.

# shellcheck disable=SC2317 # the functions that stand for programs are called

set -u
export LC_ALL=C

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd) || exit 1
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

export CACHE=$tmp/cache HOME=$tmp/home GNUPGHOME=$tmp/gnupg
unset LINUX_SRC
TOP=$tmp VERBOSE=
RCFS_KERNEL_ORG=https://kernel.example/linux
# shellcheck source=tools/run/ui.sh
. "$here/ui.sh"
# shellcheck source=tools/run/host.sh
. "$here/host.sh"
# shellcheck source=tools/run/source.sh
. "$here/source.sh"
TERMINAL=

# ---- the world as it is here

archive=$tmp/archive	# archive/SUITE/{version,deb}
web=$tmp/web		# what is below https://
DEBIAN_KEYS=$tmp/keys
version=$KERNEL_ORG_VERSION
tarball=$web/kernel.example/linux/v7.x/linux-$version.tar.xz

on_debian() { [[ ! -e $tmp/not-debian ]]; }
need_space() { :; }
sum_of() { sha256sum "$1" | cut -d ' ' -f 1; }

apt-get() {
	local suite
	echo "apt-get $*" >>"$tmp/calls"
	case $* in
	*--print-uris*)
		echo "'http://debian.example/debian/dists/stable/InRelease' stable 0"
		echo "'http://security.example/debian/dists/stable-security/InRelease' security 0"
		return ;;
	esac
	suite=$(awk '{ print $4 }' "$CACHE/apt/sources.list")
	if [[ -e $tmp/no-network ]]; then
		echo "W: Failed to fetch InRelease  Could not resolve 'debian.example'"
		return 100
	elif [[ ! -d $archive/$suite ]]; then
		echo "E: The repository '$suite' does not have a Release file."
		return 100
	fi
	case $* in
	*" download "*)
		[[ ! -e $archive/$suite/gone ]] || { echo "E: Failed to fetch the .deb  404"; return 100; }
		cp "$archive/$suite/deb" "linux-source-${KERNEL}_$(cat "$archive/$suite/version")_all.deb" ;;
	esac
}

apt-cache() {
	local suite
	suite=$(awk '{ print $4 }' "$CACHE/apt/sources.list")
	[[ -e $archive/$suite/version ]] || { echo "E: No packages found" >&2; return 100; }
	cat <<-END
		Package: linux-source-$KERNEL
		Version: $(cat "$archive/$suite/version")
		Architecture: all
		SHA256: $(cat "$archive/$suite/sum")
	END
}

have_fetcher() { [[ ! -e $tmp/no-curl ]]; }

install_missing() {
	echo "install ${MISSING[*]}" >>"$tmp/calls"
	[[ ! -e $tmp/no-network ]] || fail "packages cannot be installed" "no network" "see there"
	rm "$tmp/no-curl"
}

# curl -fsSL --retry 3 -o FILE URL
curl() {
	echo "curl $6" >>"$tmp/calls"
	cp "$web/${6#https://}" "$5" 2>/dev/null || { echo "curl: (22) error: 404"; return 22; }
}

gpg() {
	local out
	[[ -e $tmp/signature ]] || return 2
	cat "$tmp/signature"
	while [[ $1 != -o ]]; do shift; done
	out=$2
	! grep -q GOODSIG "$tmp/signature" || grep -v unsigned "$4" >"$out"
}

# A package is a tarball here: what the inner shell of extract_source calls has
# to be a program.
mkdir -p "$tmp/bin" "$HOME" "$tmp/linux-$version"
# shellcheck disable=SC2016 # for that program
printf '#!/bin/sh\nexec cat "$2"\n' >"$tmp/bin/dpkg-deb"
chmod +x "$tmp/bin/dpkg-deb"
PATH=$tmp/bin:$PATH
printf 'VERSION = %s\nPATCHLEVEL = %s\n' "${KERNEL%.*}" "${KERNEL#*.}" >"$tmp/linux-$version/Makefile"
mkdir -p "$tmp/package/usr/src"
tar -C "$tmp" -cJf "$tmp/linux.tar.xz" "linux-$version"
cp "$tmp/linux.tar.xz" "$tmp/package/usr/src/linux-source-$KERNEL.tar.xz"
tar -C "$tmp/package" -cf "$tmp/deb" ./usr

# suite NAME [VERSION]: Debian has it, and in it the package
suite() {
	mkdir -p "$archive/$1"
	[[ $# -gt 1 ]] || return
	echo "$2" >"$archive/$1/version"
	cp "$tmp/deb" "$archive/$1/deb"
	sum_of "$tmp/deb" >"$archive/$1/sum"
}

# kernel_org: it has the version, and its checksum among others
kernel_org() {
	mkdir -p "${tarball%/*}"
	cp "$tmp/linux.tar.xz" "$tarball"
	cat >"${tarball%/*}/sha256sums.asc" <<-END
		-----BEGIN PGP SIGNED MESSAGE-----
		Hash: SHA256

		$(printf '%064d' 1)  linux-7.3.40.tar.xz
		$(sum_of "$tarball")  linux-$version.tar.xz
		$(printf '%064d' 2)  patch-$version.xz
		-----BEGIN PGP SIGNATURE-----
	END
}

# ---- the tests

number=0 bad=0

# t DESCRIPTION SOURCE_ID [TEXT…]: the source that is found, or "" if none is to
# be; what is said must have each TEXT
t() {
	local what=$1 want=$2 got said wrong='' text
	shift 2
	LOG=$tmp/log
	: >"$LOG"
	said=$( (source_prepare && echo "$SOURCE_ID" >"$tmp/got") 2>&1) && got=$(cat "$tmp/got") || got=
	[[ $got == "$want" ]] || wrong="wanted '$want', got '$got'"
	[[ ! $got || -f $CACHE/src/$got/Makefile ]] || wrong+="; nothing was extracted"
	for text; do
		grep -qF -- "$text" <<<"$said" || wrong+="; not said: $text"
	done
	number=$((number + 1))
	if [[ ! $wrong ]]; then
		echo "ok $number $what"
	else
		bad=1
		echo "not ok $number $what # $wrong"
		printf '%s\n' "$said" | sed 's/^/# /'
	fi
}

# called TEXT: whether apt or curl was, with it; the test before is the subject
called() {
	number=$((number + 1))
	if grep -qF -- "$2" "$tmp/calls"; then
		[[ $3 == yes ]]
	else
		[[ $3 == no ]]
	fi && echo "ok $number $1" || { bad=1; echo "not ok $number $1 # $(tr '\n' ';' <"$tmp/calls")"; }
}

# world: nothing is anywhere
world() {
	rm -rf "$CACHE" "$archive" "$web" "$GNUPGHOME" "$tmp"/{not-debian,no-network,no-curl,signature,calls}
	mkdir -p "$CACHE"
	touch "$DEBIAN_KEYS" "$tmp/calls"
}

echo "KTAP version 1"

world
suite trixie-backports 7.3.4-1~bpo13+1
kernel_org
t "the first suite has it" "debian-7.3.4-1~bpo13+1"
called "then nothing is fetched from kernel.org" kernel.example no

rm "$tmp/calls" && touch "$tmp/calls"
t "the cache has it" "debian-7.3.4-1~bpo13+1"
called "then nothing is asked" apt-get no

world
suite trixie-backports
suite forky 7.3.9-2
t "a suite without the package: the next one" "debian-7.3.9-2"

world
suite sid 7.3.9-3
t "suites that are not there: the next one" "debian-7.3.9-3"

world
suite forky-security 7.3.11-1
t "a suite of security updates" "debian-7.3.11-1"
number=$((number + 1))
grep -q "http://security.example/debian/ forky-security" "$CACHE/apt/sources.list" &&
	echo "ok $number comes from their archive" ||
	{ bad=1; echo "not ok $number comes from their archive # $(cat "$CACHE/apt/sources.list")"; }

world
suite trixie-backports 7.3.4-1~bpo13+1
touch "$archive/trixie-backports/gone"
suite sid 7.3.9-3
t "a package that is listed, but gone: the next suite" "debian-7.3.9-3"

world
suite trixie-backports 7.3.4-1~bpo13+1
echo damaged >"$archive/trixie-backports/deb"
suite sid 7.3.9-3
t "a package with another checksum: the next suite" "debian-7.3.9-3"

world
suite trixie-backports
kernel_org
t "no suite has it: kernel.org" "kernel.org-$version"
t "kernel.org's is found in the cache" "kernel.org-$version"

world
touch "$tmp/not-debian"
kernel_org
t "not Debian: kernel.org" "kernel.org-$version"
called "and apt is left alone" apt-get no

world
rm "$DEBIAN_KEYS"
kernel_org
t "without Debian's keys: kernel.org" "kernel.org-$version"

world
kernel_org
touch "$tmp/no-curl"
t "curl is installed where it is missing" "kernel.org-$version"
called "with what it checks servers with" "install curl ca-certificates" yes

world
touch "$tmp/no-curl" "$tmp/no-network"
t "if that fails, it is told" "" "there is neither curl nor wget"

world
kernel_org
echo damaged >"$tarball"
t "another checksum is refused" "" "linux-$version.tar.xz: what was downloaded has not the checksum"
t "and so it is when tried again" "" "has not the checksum"
kernel_org
t "until it is the right one" "kernel.org-$version"

world
kernel_org
sed -i "/ linux-$version.tar/d" "${tarball%/*}/sha256sums.asc"
t "no checksum is refused" "" "it has no checksum of linux-$version.tar.xz"

world
kernel_org
rm "${tarball%/*}/sha256sums.asc"
t "no list of checksums is refused" "" "sha256sums.asc: curl: (22)"

world
kernel_org
mkdir "$GNUPGHOME"
t "a signature without the key" "kernel.org-$version"

world
kernel_org
mkdir "$GNUPGHOME"
echo "[GNUPG:] BADSIG 632D3A06589DA6B1 example" >"$tmp/signature"
t "a bad signature is refused" "" "sha256sums.asc: its signature is bad"

world
kernel_org
mkdir "$GNUPGHOME"
printf '[GNUPG:] GOODSIG 632D3A06589DA6B1 example\n[GNUPG:] TRUST_FULLY 0\n' >"$tmp/signature"
sed -i "1i $(printf '%064d' 3)  linux-$version.tar.xz unsigned" "${tarball%/*}/sha256sums.asc"
t "with a good one, what was signed is believed" "kernel.org-$version"

world
suite trixie-backports
suite forky 7.3.9-2
touch "$archive/forky/gone"
t "nothing has it: all that was tried is told" "" \
	"Linux $KERNEL cannot be fetched from anywhere" \
	"Debian's trixie-backports: it has no linux-source-$KERNEL" \
	"Debian's forky: linux-source-$KERNEL 7.3.9-2 cannot be downloaded: Failed to fetch" \
	"Debian's forky-security: The repository 'forky-security' does not have a Release file." \
	"Debian's sid: The repository" \
	"https://kernel.example/linux/v7.x/sha256sums.asc: curl: (22) error: 404" \
	"LINUX_SRC=/path/to/linux-$version.tar.xz"

world
touch "$tmp/no-network"
t "no network is told" "" "Debian's trixie-backports: no connection" "Could not resolve 'debian.example'"
number=$((number + 1))
[[ $(grep -c "update$" "$tmp/calls") == 2 ]] &&
	echo "ok $number and each archive is tried once" ||
	{ bad=1; echo "not ok $number and each archive is tried once # $(tr '\n' ';' <"$tmp/calls")"; }

export LINUX_SRC=$tmp/linux.tar.xz
world
t "LINUX_SRC is first" "tarball-$(stat -c '%n %s %Y' "$LINUX_SRC" | sha256sum | head -c 12)"
called "and nothing is asked" apt-get no

echo "1..$number"
exit $bad
