# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The command rcfs for the guest, from tools/rcfs of the tree, and the standard library
# of Rust for another machine, which it is linked with.
#
# Sets RCFS_COMMAND, the program, which is empty if it cannot be built for the guest.

# command_make [TARGET…]: make in tools/rcfs of the tree; the output is in
# $COMMAND_BUILD
command_make() {
	make -C "$TREE/tools/rcfs" O="$COMMAND_BUILD" ARCH="$ARCH" LLVM="$LLVM" RUSTC="$RUSTC" \
		CLIPPY_DRIVER="${RUSTC%rustc}clippy-driver" RUST_STD="${RUST_STD-}" WERROR=1 "$@"
}

command_setup() {
	COMMAND_BUILD=$CACHE/build/command
	[[ $ARCH == x86_64 ]] || COMMAND_BUILD+=-$ARCH
	mkdir -p "$COMMAND_BUILD"
}

# command_prepare: build it if its source or the compiler has changed
command_prepare() {
	local key
	RCFS_COMMAND=
	[[ -f $TREE/tools/rcfs/Makefile ]] || return 0
	command_setup
	if [[ $ARCH != x86_64 ]] && ! find_rust_std; then
		say "the guest has no command rcfs: $NO_RUST_STD"
		return 0
	fi
	RCFS_COMMAND=$COMMAND_BUILD/rcfs
	key=$({ cat "$TREE"/tools/rcfs/{Makefile,src/*.rs}; echo "$TOOLCHAIN ${RUST_STD-}"; } | sha256sum)
	[[ ! -x $RCFS_COMMAND || $key != "$(cat "$COMMAND_BUILD/.rcfs-key" 2>/dev/null)" ]] || return 0
	doing "building the command rcfs"
	rm -f "$COMMAND_BUILD/.rcfs-key" "$RCFS_COMMAND"
	logged command_make ||
		fail "the command rcfs does not build" "$(tail -n 25 "$LOG")" "correct tools/rcfs"
	[[ $(machine_of "$RCFS_COMMAND") == "$ARCH" ]] ||
		fail "the command rcfs cannot be run in the guest" "$RCFS_COMMAND is not a statically linked program for $ARCH" \
			"look at the flags in tools/rcfs/Makefile"
	echo "$key" >"$COMMAND_BUILD/.rcfs-key"
	done_with "built the command rcfs"
}

# find_rust_std: the standard library of Rust for $ARCH. Sets RUST_STD, which is empty if the
# compiler has it, or NO_RUST_STD: why there is none. It has to be of the compiler's own build:
# Debian's package of the same version is, and needs not be installed for its files.
find_rust_std() {
	local target=aarch64-unknown-linux-gnu sysroot package version folder
	RUST_STD=
	sysroot=$("$RUSTC" --print sysroot)
	! compgen -G "$sysroot/lib/rustlib/$target/lib/libstd-*.rlib" >/dev/null || return 0
	package=$(dpkg -S "$(realpath "$RUSTC")" 2>/dev/null | sed -n '1s/:.*//p')
	case $package in
	rustc)		package=libstd-rust-dev ;;
	rustc-web)	package=libstd-rust-web-dev ;;
	*)
		NO_RUST_STD="$RUSTC has no standard library for $ARCH, and is not from a Debian package; add it to that \
toolchain (rustup target add $target)"
		return 1
		;;
	esac
	version=$(dpkg-query -W -f '${Version}' "$package" 2>/dev/null)
	folder=$CACHE/tools/rust-std-$ARCH-${version//[:~+]/_}
	RUST_STD=$folder/lib
	[[ ! -f $folder/.rcfs-complete ]] || return 0
	TRIED=()
	# The updates of a release have the packages that are newer than those of
	# the archive.
	package_from_debian "$package" "$ARCH" "$(debian_release)" "$(debian_release)-updates" "$(debian_release)-security" || {
		NO_RUST_STD="Debian's $package for $ARCH cannot be fetched: ${TRIED[*]}"
		return 1
	}
	[[ $VERSION == "$version" ]] || {
		NO_RUST_STD="Debian has $package $VERSION for $ARCH, and the compiler is $version; bring this machine up to date"
		return 1
	}
	doing "unpacking $package for $ARCH"
	need_space 300 "$CACHE"
	rm -rf "$CACHE/tools/rust-std-$ARCH"* && mkdir -p "$RUST_STD"
	dpkg-deb --fsys-tarfile "$DEB" 2>>"$LOG" |
		tar -x -C "$RUST_STD" --strip-components=6 --wildcards "./usr/lib/rustlib/$target/lib/*.rlib" 2>>"$LOG" &&
		compgen -G "$RUST_STD/libstd-*.rlib" >/dev/null && touch "$folder/.rcfs-complete" || {
		NO_RUST_STD="$DEB has no standard library for $target: $(tail -n 1 "$LOG")"
		return 1
	}
	done_with "unpacked $package for $ARCH"
}
