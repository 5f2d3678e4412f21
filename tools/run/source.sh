# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Where the kernel source comes from: LINUX_SRC, else the cache, else Debian's
# package of it, else kernel.org. Sets SOURCE_ID; the pristine source is then
# $CACHE/src/$SOURCE_ID and is never written to.

KERNEL=7.3
# The suites that carry linux-source-$KERNEL, have carried it, or may get it, the
# best first; not experimental, whose versions are release candidates. They are
# read from the machine's own mirrors, whatever release the machine runs.
SUITES=(trixie-backports trixie-backports-sloppy forky forky-updates forky-security sid)
# What the series is based on (patches/0000-cover-letter.patch), as kernel.org has
# it for good, and the folder that it has all versions in.
KERNEL_ORG_VERSION=7.3.4
KERNEL_ORG=${RCFS_KERNEL_ORG:-https://cdn.kernel.org/pub/linux/kernel}

source_prepare() {
	if [[ ${LINUX_SRC-} ]]; then
		if [[ -d $LINUX_SRC ]]; then
			source_from_directory "$(realpath "$LINUX_SRC")"
		elif [[ -f $LINUX_SRC ]]; then
			source_from_tarball "$(realpath "$LINUX_SRC")"
		else
			fail "LINUX_SRC=$LINUX_SRC does not exist" "there is no file or folder of this name" \
				"give a kernel tree or a kernel tarball, or unset it"
		fi
	else
		TRIED=()
		source_from_cache || source_from_debian || source_from_kernel_org ||
			fail "Linux $KERNEL cannot be fetched from anywhere" "$(printf '%s\n' "${TRIED[@]}")" \
				"check the network and the apt sources of this machine, and run this again; or
get linux-$KERNEL_ORG_VERSION.tar.xz by another way, and run this again as
LINUX_SRC=/path/to/linux-$KERNEL_ORG_VERSION.tar.xz $0 …"
	fi
	SOURCE=$CACHE/src/$SOURCE_ID
	check_version
}

check_version() {
	local version
	version=$(sed -nE 's/^(VERSION|PATCHLEVEL) = //p' "$SOURCE/Makefile" 2>/dev/null | paste -sd.)
	[[ $version ]] || fail "$SOURCE is not a kernel source" "its Makefile states no version" "look at LINUX_SRC=${LINUX_SRC-}"
	[[ $version == "$KERNEL" ]] || say "warning: the source is Linux $version, but the series is for $KERNEL"
}

# The newest of Debian's, else of kernel.org's; tools/series chooses alike.
source_from_cache() {
	local from complete
	for from in debian kernel.org; do
		complete=$(printf '%s\n' "$CACHE/src/$from-$KERNEL".*/.rcfs-complete | sort -V | tail -n 1)
		[[ -f $complete ]] || continue
		SOURCE_ID=$(basename "$(dirname "$complete")")
		return
	done
	return 1
}

# tried WHAT WHY: record a failed attempt, for the message at the end
tried() {
	TRIED+=("$1: $2")
	echo "no source from $1: $2" >>"$LOG"
}

# extract_source ID COMMAND…: run the command, which fills the current folder;
# only a complete extraction gets its final name.
extract_source() {
	local id=$1
	shift
	need_space 4500 "$CACHE"
	mkdir -p "$CACHE/src"
	rm -rf "$CACHE/src/$id" "$CACHE/src/$id.partial"
	mkdir "$CACHE/src/$id.partial"
	(cd "$CACHE/src/$id.partial" && logged "$@") ||
		fail "the kernel source cannot be extracted" "$(tail -n 3 "$LOG")" "see the log"
	touch "$CACHE/src/$id.partial/.rcfs-complete"
	mv "$CACHE/src/$id.partial" "$CACHE/src/$id"
}

source_from_tarball() {
	local tarball=$1
	SOURCE_ID=tarball-$(stat -c '%n %s %Y' "$tarball" | sha256sum | head -c 12)
	[[ ! -f $CACHE/src/$SOURCE_ID/.rcfs-complete ]] || return 0
	doing "extracting $tarball"
	extract_source "$SOURCE_ID" tar -xf "$tarball" --strip-components=1
	done_with "extracted $tarball"
}

# source_from_directory: copy the folder. Later runs copy changed files only, so that only
# their dependents are rebuilt.
source_from_directory() {
	local directory=$1 copy list
	SOURCE_ID=directory-$(sha256sum <<<"$directory" | head -c 12)
	copy=$CACHE/src/$SOURCE_ID
	list=$CACHE/src/$SOURCE_ID.files
	if [[ ! -e $directory/.git && -e $directory/.config ]]; then
		fail "LINUX_SRC=$directory has been built in" "it is not a git tree, so its sources cannot be distinguished from built files" \
			"run 'make mrproper' there"
	fi
	[[ -f $copy/.rcfs-complete ]] || need_space 4500 "$CACHE"
	mkdir -p "$copy"
	doing "comparing with $directory"
	if [[ -e $directory/.git ]]; then
		git -C "$directory" -c safe.directory='*' -c core.quotePath=false \
			ls-files --cached --others --exclude-standard | sort -u
	else
		(cd "$directory" && find . -type f -o -type l | sed 's,^\./,,' | sort -u)
	fi | (cd "$directory" && while IFS= read -r file; do
		[[ ! -e $file && ! -L $file ]] || printf '%s\n' "$file"
	done) >"$list.new"
	# rsync writes a new file and renames it: links in tree/ keep the old
	# content until tree_update looks at them.
	rsync -a --out-format=%n --files-from="$list.new" "$directory/" "$copy/" \
		>>"$CACHE/src/$SOURCE_ID.changed" 2>>"$LOG" ||
		fail "LINUX_SRC=$directory cannot be copied" "$(tail -n 3 "$LOG")" "see the log"
	if [[ -f $list ]]; then
		comm -13 "$list.new" "$list" | tee -a "$CACHE/src/$SOURCE_ID.changed" |
			while IFS= read -r file; do rm -f "$copy/$file"; done
	fi
	touch "$copy/.rcfs-complete"
	mv "$list.new" "$list"
	done_with "copied $directory"
}

# apt with lists and a cache of its own, so that a suite can be read that the
# machine does not use. The mirror is the machine's, the signature is checked
# with Debian's keys, and the machine's own sources are left alone.
DEBIAN_KEYS=/usr/share/keyrings/debian-archive-keyring.gpg

private_apt() {
	APT_CONFIG=$CACHE/apt/apt.conf "$@"
}

# setup_private_apt MIRROR SUITE ARCH
setup_private_apt() {
	local mirror=$1 suite=$2 arch=$3
	[[ -f $DEBIAN_KEYS ]] ||
		fail "Debian's keys are missing" "$DEBIAN_KEYS does not exist" "install the package debian-archive-keyring, or set LINUX_SRC"
	mkdir -p "$CACHE/apt/lists/partial" "$CACHE/apt/cache/archives/partial"
	echo "deb [signed-by=$DEBIAN_KEYS] $mirror $suite main" >"$CACHE/apt/sources.list"
	cat >"$CACHE/apt/apt.conf" <<-CONF
		Dir::Etc::SourceList "$CACHE/apt/sources.list";
		Dir::Etc::SourceParts "/dev/null";
		Dir::Etc::Preferences "/dev/null";
		Dir::Etc::PreferencesParts "/dev/null";
		Dir::State::Lists "$CACHE/apt/lists";
		Dir::Cache "$CACHE/apt/cache";
		APT::Architecture "$arch";
		APT::Architectures { "$arch"; };
		Acquire::Languages "none";
	CONF
	# apt fetches as _apt, which may not look into root's home.
	if [[ $(id -u) == 0 ]] && ! runuser -u _apt -- test -w "$CACHE/apt/lists/partial" 2>/dev/null; then
		echo 'APT::Sandbox::User "root";' >>"$CACHE/apt/apt.conf"
	fi
}

# debian_release: the name of this machine's own
debian_release() {
	# shellcheck source=/dev/null
	(. /etc/os-release && echo "${VERSION_CODENAME-}")
}

# debian_mirrors [-security]: the archives that this machine reads its own release
# from, or that release's security updates. apt itself reads its sources, in any
# format, and prints what it would fetch.
debian_mirrors() {
	apt-get update --print-uris 2>>"$LOG" |
		sed -nE "s,^'(.*/)dists/($(debian_release)|oldstable|stable|testing|unstable|sid)${1-}/InRelease'.*,\\1,p" |
		awk '!seen[$0]++'
}

# package_from_debian PACKAGE ARCH SUITE…: download it from the first of the suites
# that has it. Sets VERSION, and DEB, where the package is; or TRIED says why not.
package_from_debian() {
	local package=$1 arch=$2 suite kind mirror mirrors unreachable=' '
	if ! on_debian; then
		tried "Debian's archive" "this machine does not run Debian"
		return 1
	fi
	if [[ ! -f $DEBIAN_KEYS ]]; then
		tried "Debian's archive" "$DEBIAN_KEYS does not exist to check signatures with (package debian-archive-keyring)"
		return 1
	fi
	doing "looking for $package"
	for suite in "${@:3}"; do
		kind=
		[[ $suite != *-security ]] || kind=-security
		mirrors=$(debian_mirrors "$kind")
		[[ $mirrors ]] || tried "Debian's $suite" "the apt sources of this machine name no archive for its own release$kind"
		while read -r mirror; do
			# A dead network would have each suite wait for its time-out.
			[[ $mirror && $unreachable != *" $mirror "* ]] || continue
			! package_from_suite "$package" "$arch" "$mirror" "$suite" || return 0
			[[ $REASON != "no connection"* ]] || unreachable+="$mirror "
			tried "Debian's $suite" "$REASON"
		done <<<"$mirrors"
	done
	return 1
}

# apt_reason LINE WITHOUT: print the complaint of apt in the log after this line, or
# WITHOUT if there is none
apt_reason() {
	local errors kind
	# Errors are more useful than warnings, and warnings more than the name of
	# the failed item.
	for kind in E: W: Err:; do
		errors=$(tail -n +"$1" "$LOG" | sed -nE "s/^$kind *//p" | head -n 1)
		[[ ! $errors ]] || break
	done
	! tail -n +"$1" "$LOG" | grep -qE 'Could not resolve|Could not connect|Temporary failure|Unable to connect|Network is unreachable|Connection (timed out|refused)' ||
		errors="no connection, and so not tried for other suites${errors:+: $errors}"
	echo "${errors:-$2}"
}

# package_from_suite PACKAGE ARCH MIRROR SUITE: or REASON says why not
package_from_suite() {
	local package=$1 arch=$2 mirror=$3 suite=$4 line shown sum
	line=$(($(wc -l <"$LOG") + 1))
	setup_private_apt "$mirror" "$suite" "$arch"
	logged private_apt apt-get -q -o APT::Update::Error-Mode=any update || {
		REASON=$(apt_reason "$line" "its lists cannot be fetched")
		return 1
	}
	shown=$(private_apt apt-cache show --no-all-versions "$package" 2>>"$LOG")
	VERSION=$(sed -n 's/^Version: //p' <<<"$shown")
	# apt checked the signature of the list, and the list has the checksum.
	sum=$(sed -n 's/^SHA256: //p' <<<"$shown")
	[[ $VERSION && $sum ]] || {
		REASON="it has no $package"
		return 1
	}
	# The name that apt-get gives it: an epoch's colon is written in this way.
	DEB=$CACHE/downloads/${package}_${VERSION//:/%3a}_$(sed -n 's/^Architecture: //p' <<<"$shown").deb
	mkdir -p "$CACHE/downloads"
	if ! sha256sum --status -c <<<"$sum  $DEB" 2>/dev/null; then
		doing "downloading $package $VERSION"
		need_space 400 "$CACHE"
		# An incomplete file of an interrupted run may look complete to apt.
		rm -f "$DEB"
		line=$(($(wc -l <"$LOG") + 1))
		(cd "$CACHE/downloads" && logged private_apt apt-get -q download "$package=$VERSION") || {
			REASON="$package $VERSION cannot be downloaded: $(apt_reason "$line" "apt gave no reason")"
			return 1
		}
		sha256sum --status -c <<<"$sum  $DEB" || {
			REASON="what was downloaded has not the checksum that Debian's signed list has for $package $VERSION"
			return 1
		}
		done_with "downloaded $package $VERSION"
	fi
}

source_from_debian() {
	local package=linux-source-$KERNEL
	package_from_debian "$package" amd64 "${SUITES[@]}" || return 1
	SOURCE_ID=debian-$VERSION
	doing "extracting Linux $VERSION"
	# shellcheck disable=SC2016 # expanded by the inner shell
	extract_source "$SOURCE_ID" bash -o pipefail -c \
		'dpkg-deb --fsys-tarfile "$1" | tar -xO "./usr/src/$2.tar.xz" | xz -dT0 | tar -x --strip-components=1' \
		- "$DEB" "$package"
	done_with "extracted Linux $VERSION"
}

# fetch URL FILE: with curl or wget, whichever is there
fetch() {
	if command -v curl >/dev/null; then
		logged curl -fsSL --retry 3 -o "$2" "$1"
	else
		logged wget -nv -O "$2" "$1"
	fi
}

have_fetcher() { command -v curl >/dev/null || command -v wget >/dev/null; }

# The tarball of a fixed version, and the list of checksums beside it. That the
# list is kernel.org's is for HTTPS to guarantee, and for its signature where the
# user has that key, and trusts it.
source_from_kernel_org() {
	local name=linux-$KERNEL_ORG_VERSION.tar.xz tarball sums sum url
	url=$KERNEL_ORG/v${KERNEL%%.*}.x
	tarball=$CACHE/downloads/$name
	sums=$CACHE/downloads/sha256sums.asc
	# Twice: the first round may end with fresh package lists alone.
	for _ in 1 2; do
		have_fetcher || ! on_debian || {
			MISSING=(curl ca-certificates) WHY_MISSING=("neither curl nor wget")
			(install_missing) || break
			hash -r
		}
	done
	if ! have_fetcher; then
		tried "$url/$name" "there is neither curl nor wget to download it with"
		return 1
	fi
	mkdir -p "$CACHE/downloads"
	doing "fetching kernel.org's checksums"
	fetch "$url/${sums##*/}" "$sums" || {
		tried "$url/${sums##*/}" "$(tail -n 1 "$LOG")"
		return 1
	}
	check_signature "$sums" || {
		tried "$url/${sums##*/}" "its signature is bad"
		return 1
	}
	sum=$(awk -v name="$name" '$2 == name && length($1) == 64 { print $1; exit }' "$sums")
	[[ $sum ]] || {
		tried "$url/${sums##*/}" "it has no checksum of $name"
		return 1
	}
	if ! sha256sum --status -c <<<"$sum  $tarball" 2>/dev/null; then
		doing "downloading $name from kernel.org"
		need_space 400 "$CACHE"
		rm -f "$tarball"
		fetch "$url/$name" "$tarball" || {
			tried "$url/$name" "$(tail -n 1 "$LOG")"
			return 1
		}
		sha256sum --status -c <<<"$sum  $tarball" || {
			tried "$url/$name" "what was downloaded has not the checksum of ${sums##*/}, $sum"
			rm -f "$tarball"
			return 1
		}
		done_with "downloaded $name"
	fi
	SOURCE_ID=kernel.org-$KERNEL_ORG_VERSION
	doing "extracting Linux $KERNEL_ORG_VERSION"
	extract_source "$SOURCE_ID" tar -xf "$tarball" --strip-components=1
	done_with "extracted Linux $KERNEL_ORG_VERSION"
}

# check_signature FILE: returns false if it is bad. If it is good, by a key that the user
# trusts, FILE is reduced to the signed text. Without such a key the file is not checked.
# gpg would make its folder if there is none.
check_signature() {
	local status
	[[ -d ${GNUPGHOME:-$HOME/.gnupg} ]] && command -v gpg >/dev/null || return 0
	status=$(gpg --batch --no-auto-key-retrieve --status-fd 1 --yes -o "$1.signed" --decrypt "$1" 2>>"$LOG")
	printf '%s\n' "$status" >>"$LOG"
	if grep -q '^\[GNUPG:\] BADSIG' <<<"$status"; then
		return 1
	elif grep -q '^\[GNUPG:\] GOODSIG' <<<"$status" &&
	     grep -qE '^\[GNUPG:\] TRUST_(FULLY|ULTIMATE)' <<<"$status"; then
		mv "$1.signed" "$1"
	fi
	rm -f "$1.signed"
}
