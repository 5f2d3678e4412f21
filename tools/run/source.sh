# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Where the kernel source comes from: LINUX_SRC, else the cache, else Debian's
# package of it. Sets SOURCE_ID; the pristine source is then $CACHE/src/$SOURCE_ID
# and is never written to.

KERNEL=7.3
# The suites that have carried linux-source-$KERNEL, the best first. They are
# read from the machine's own mirror, whatever release the machine runs.
SUITES=(trixie-backports)

source_prepare() {
	if [[ ${LINUX_SRC-} ]]; then
		if [[ -d $LINUX_SRC ]]; then
			source_from_directory "$(realpath "$LINUX_SRC")"
		elif [[ -f $LINUX_SRC ]]; then
			source_from_tarball "$(realpath "$LINUX_SRC")"
		else
			fail "LINUX_SRC=$LINUX_SRC does not exist" "neither a folder nor a file has that name" \
				"give a kernel tree or a kernel tarball, or unset it"
		fi
	else
		source_from_cache || source_from_debian
	fi
	SOURCE=$CACHE/src/$SOURCE_ID
	check_version
}

check_version() {
	local version
	version=$(sed -nE 's/^(VERSION|PATCHLEVEL) = //p' "$SOURCE/Makefile" 2>/dev/null | paste -sd.)
	[[ $version ]] || fail "$SOURCE is no kernel source" "its Makefile states no version" "look at LINUX_SRC=${LINUX_SRC-}"
	[[ $version == "$KERNEL" ]] || say "warning: the source is Linux $version; the series is made for $KERNEL"
}

source_from_cache() {
	local complete
	complete=$(printf '%s\n' "$CACHE/src/debian-$KERNEL".*/.rcfs-complete | sort -V | tail -n 1)
	[[ -f $complete ]] || return 1
	SOURCE_ID=$(basename "$(dirname "$complete")")
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

# A folder is copied, and followed: what changes there is brought over, file by
# file, so that only what depends on it is rebuilt.
source_from_directory() {
	local directory=$1 copy list
	SOURCE_ID=directory-$(sha256sum <<<"$directory" | head -c 12)
	copy=$CACHE/src/$SOURCE_ID
	list=$CACHE/src/$SOURCE_ID.files
	if [[ ! -e $directory/.git && -e $directory/.config ]]; then
		fail "LINUX_SRC=$directory has been built in" "it is no git tree, so its sources cannot be told from what was built" \
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
		>"$CACHE/src/$SOURCE_ID.changed" 2>>"$LOG" ||
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
private_apt() {
	APT_CONFIG=$CACHE/apt/apt.conf "$@"
}

# setup_private_apt MIRROR SUITE ARCH
setup_private_apt() {
	local mirror=$1 suite=$2 arch=$3
	local keyring=/usr/share/keyrings/debian-archive-keyring.gpg
	[[ -f $keyring ]] ||
		fail "Debian's keys are missing" "there is no $keyring" "install the package debian-archive-keyring, or set LINUX_SRC"
	mkdir -p "$CACHE/apt/lists/partial" "$CACHE/apt/cache/archives/partial"
	echo "deb [signed-by=$keyring] $mirror $suite main" >"$CACHE/apt/sources.list"
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

# debian_mirrors: the archives that this machine reads its own release from. apt
# itself reads its sources, whatever their format, and says what it would fetch.
debian_mirrors() {
	apt-get update --print-uris 2>>"$LOG" |
		sed -nE "s,^'(.*/)dists/($(debian_release)|stable|oldstable)/InRelease'.*,\\1,p" | awk '!seen[$0]++'
}

# find_package PACKAGE ARCH SUITE…: look for it in the suites, one behind the other,
# on each mirror. Sets PACKAGE, VERSION, SHA256, and DEB, where it is downloaded to.
find_package() {
	local arch=$2 mirror suite shown
	PACKAGE=$1
	for suite in "${@:3}"; do
		while read -r mirror; do
			setup_private_apt "$mirror" "$suite" "$arch"
			logged private_apt apt-get -q update || continue
			shown=$(private_apt apt-cache show --no-all-versions "$PACKAGE" 2>>"$LOG")
			VERSION=$(sed -n 's/^Version: //p' <<<"$shown")
			[[ $VERSION ]] || continue
			# apt checked the signature of the list, and the list has the checksum.
			SHA256=$(sed -n 's/^SHA256: //p' <<<"$shown")
			# The name that apt-get gives it: an epoch's colon is written in this way.
			DEB=$CACHE/downloads/${PACKAGE}_${VERSION//:/%3a}_$(sed -n 's/^Architecture: //p' <<<"$shown").deb
			return
		done < <(debian_mirrors)
	done
	return 1
}

# download_package: what find_package found, unless it is there already
download_package() {
	mkdir -p "$CACHE/downloads"
	! sha256sum --status -c <<<"$SHA256  $DEB" 2>/dev/null || return 0
	doing "downloading $PACKAGE $VERSION"
	need_space 400 "$CACHE"
	# What an interrupted run left may look complete to apt.
	rm -f "$DEB"
	(cd "$CACHE/downloads" && logged private_apt apt-get -q download "$PACKAGE=$VERSION") ||
		fail_apt "$PACKAGE $VERSION cannot be downloaded"
	sha256sum --status -c <<<"$SHA256  $DEB" ||
		fail "$DEB is damaged" "its checksum is not the one in Debian's signed list" "run this again"
	done_with "downloaded $PACKAGE $VERSION"
}

source_from_debian() {
	local package=linux-source-$KERNEL
	local by_hand="download linux-$KERNEL.tar.xz from kernel.org, and run this again as
LINUX_SRC=/path/to/linux-$KERNEL.tar.xz $0 …"
	if ! on_debian; then
		fail "no kernel source" "Linux $KERNEL comes from Debian's archive, and this is not Debian" "$by_hand"
	fi
	doing "looking for $package"
	[[ $(debian_mirrors) ]] ||
		fail "no mirror to fetch $package from" "this machine's apt sources name none for its own release" \
			"add one to /etc/apt/sources.list; or $by_hand"
	find_package "$package" amd64 "${SUITES[@]}" ||
		fail_apt "Debian's $package is in none of: ${SUITES[*]}" "$by_hand"
	download_package
	SOURCE_ID=debian-$VERSION
	doing "extracting Linux $VERSION"
	# shellcheck disable=SC2016 # expanded by the inner shell
	extract_source "$SOURCE_ID" bash -o pipefail -c \
		'dpkg-deb --fsys-tarfile "$1" | tar -xO "./usr/src/$2.tar.xz" | xz -dT0 | tar -x --strip-components=1' \
		- "$DEB" "$package"
	done_with "extracted Linux $VERSION"
}
