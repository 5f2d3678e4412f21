# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The tools of the host: find them, choose among several compilers, and install
# missing tools on Debian.
#
# Sets LLVM (for make's LLVM=), RUSTC, BINDGEN and TOOLCHAIN (a line that changes with
# any of them); BUSYBOX for the guest; QEMU, and its options for each architecture.

# The architecture to build for, as in the kernel's makefiles: x86_64 or arm64
ARCH=x86_64

# Minimum versions for Linux 7.3 (scripts/min-tool-version.sh)
MIN_LLVM=17.0.1
MIN_RUSTC=1.85.0
MIN_BINDGEN=0.71.1
# The bindgen to build if that of the distribution is too old, and the oldest compiler
# that can build it
BINDGEN_CRATE=0.72.1
MIN_CARGO=1.70.0

# The LLVM versions that can build this kernel, the best tested one first
LLVM_VERSIONS=(19 20 21 18 22 17)

# depmod is not in the PATH of a user.
PATH=$PATH:/usr/sbin:/sbin

MISSING=()		# Debian packages
WHY_MISSING=()		# the reasons, for the message

# at_least VERSION MINIMUM
at_least() {
	[[ $(printf '%s\n' "$2" "$1" | sort -V | head -n 1) == "$2" ]]
}

# version_of COMMAND…: the first x.y.z that it prints
version_of() {
	"$@" --version 2>/dev/null | grep -oE '[0-9]+\.[0-9]+\.[0-9]+' | head -n 1
}

missing() {
	local why=$1
	shift
	MISSING+=("$@")
	WHY_MISSING+=("$why")
}

find_commands() {
	local pair
	# command:package
	for pair in make:make flex:flex bison:bison bc:bc cpio:cpio xz:xz-utils \
		    patch:patch rsync:rsync depmod:kmod; do
		command -v "${pair%:*}" >/dev/null || missing "no ${pair%:*}" "${pair#*:}"
	done
	if [[ -e $TOP/.git ]]; then
		command -v git >/dev/null || missing "no git" git
	fi
	if [[ $FLAVOUR == plain ]]; then
		command -v "$QEMU" >/dev/null || missing "no $QEMU" "$QEMU_PACKAGE"
	fi
	find_busybox
}

# set_machine: set the emulated machine for ARCH
set_machine() {
	case $ARCH in
	x86_64)
		QEMU=qemu-system-x86_64 QEMU_PACKAGE=qemu-system-x86 QEMU_MACHINE=(-machine pc)
		SERIAL=ttyS0 VIRTIO_SERIAL=virtio-serial-pci GDB_COMMAND=gdb
		;;
	arm64)
		QEMU=qemu-system-aarch64 QEMU_PACKAGE=qemu-system-arm
		# Emulated, all CPUs are equally fast. This one is in use in servers, and
		# the same in every QEMU, which "max" is not.
		QEMU_MACHINE=(-machine "virt,gic-version=3" -cpu neoverse-n1)
		SERIAL=ttyAMA0 VIRTIO_SERIAL=virtio-serial-device GDB_COMMAND=gdb-multiarch
		;;
	esac
}

# machine_of PROGRAM: what it is built for, by the name that ARCH has; nothing if the
# guest, which has no libraries, cannot run it
machine_of() {
	[[ $(od -An -tx1 -N 4 "$1" 2>/dev/null) == " 7f 45 4c 46" ]] || return
	! grep -aqE '/ld-(linux|musl)' "$1" || return
	case $(od -An -tx1 -j 18 -N 1 "$1") in	# e_machine of its ELF header
	" 3e")	echo x86_64 ;;
	" b7")	echo arm64 ;;
	esac
}

is_static_for_guest() { [[ $(machine_of "$1") == "$ARCH" ]]; }

# find_busybox: BUSYBOX is empty if it has to be fetched.
find_busybox() {
	local own=${RCFS_BUSYBOX-}
	BUSYBOX=
	if [[ $own ]]; then
		[[ -f $own ]] ||
			fail "RCFS_BUSYBOX=$own cannot be used" "there is no such file" "name another one, or unset it"
		[[ $(machine_of "$own") ]] ||
			fail "RCFS_BUSYBOX=$own cannot be used" "it is not a statically linked program for x86_64 or arm64" \
				"name another one, or unset it"
	fi
	if [[ $own ]] && is_static_for_guest "$own"; then
		BUSYBOX=$own
	elif [[ $ARCH == x86_64 ]]; then
		BUSYBOX=$(command -v busybox)
		[[ $BUSYBOX ]] && is_static_for_guest "$BUSYBOX" || missing "no statically linked busybox" busybox-static
	else
		! is_static_for_guest "$CACHE/tools/busybox-$ARCH" || BUSYBOX=$CACHE/tools/busybox-$ARCH
	fi
}

# fetch_busybox: extract a busybox for another architecture from Debian's package,
# without installing it
fetch_busybox() {
	local by_hand="name a statically linked busybox for $ARCH: RCFS_BUSYBOX=FILE $0 …"
	BUSYBOX=$CACHE/tools/busybox-$ARCH
	TRIED=()
	package_from_debian busybox-static "$ARCH" "$(debian_release)" ||
		fail "busybox-static for $ARCH cannot be fetched from Debian's archive" "$(printf '%s\n' "${TRIED[@]}")" "$by_hand"
	mkdir -p "$CACHE/tools"
	# Its place differs between the releases.
	dpkg-deb --fsys-tarfile "$DEB" 2>>"$LOG" |
		tar -xO --wildcards './*bin/busybox' >"$BUSYBOX.new" 2>>"$LOG"
	is_static_for_guest "$BUSYBOX.new" ||
		fail "$DEB has no busybox that can be used" "it contains no statically linked program busybox for $ARCH" "$by_hand"
	chmod 755 "$BUSYBOX.new" && mv "$BUSYBOX.new" "$BUSYBOX" ||
		fail "$BUSYBOX cannot be written" "$(why_unwritable "$CACHE")" "make it writable"
	done_with "fetched busybox for $ARCH"
}

find_llvm() {
	local suffix tool version found
	for suffix in "${LLVM_VERSIONS[@]/#/-}" ''; do
		found=1
		for tool in clang ld.lld llvm-ar llvm-nm llvm-objcopy llvm-objdump llvm-strip llvm-readelf; do
			command -v "$tool$suffix" >/dev/null || found=
		done
		[[ $found ]] || continue
		version=$(version_of "clang$suffix")
		at_least "${version:-0}" "$MIN_LLVM" || continue
		LLVM=${suffix:-1}
		CLANG=clang$suffix
		LIBCLANG_DIR=/usr/lib/llvm-${version%%.*}/lib
		find_headers
		return
	done
	missing "no clang, lld and LLVM tools of at least $MIN_LLVM" \
		"clang-$(best_llvm)" "lld-$(best_llvm)" "llvm-$(best_llvm)" \
		"libclang-$(best_llvm)-dev" libc6-dev libelf-dev libssl-dev
}

best_llvm() {
	local version
	for version in "${LLVM_VERSIONS[@]}"; do
		if [[ $(candidate "clang-$version") ]]; then
			echo "$version"
			return
		fi
	done
	echo "${LLVM_VERSIONS[0]}"
}

# The headers for programs of the kernel build
find_headers() {
	local pair
	for pair in stdio.h:libc6-dev gelf.h:libelf-dev openssl/opensslv.h:libssl-dev; do
		"$CLANG" -fsyntax-only -x c - <<<"#include <${pair%:*}>" 2>/dev/null ||
			missing "no <${pair%:*}>" "${pair#*:}"
	done
	compgen -G "$LIBCLANG_DIR/libclang*.so*" >/dev/null ||
		missing "no libclang, which bindgen reads headers with" \
			"libclang-$(basename "${LIBCLANG_DIR%/lib}" | sed 's/llvm-//')-dev"
}

# The tests and the command are linked with another machine's libraries. Part of them belongs to a
# compiler, whose version is in the package's name.
find_cross_libc() {
	local program=$CACHE/tools/linked-$ARCH gcc
	mkdir -p "$CACHE/tools"
	if ! "${CLANG:-clang}" --target=aarch64-linux-gnu -fuse-ld=lld -static -pthread -x c -o "$program" - \
		<<<"int main(void) { return 0; }" 2>>"$LOG"; then
		gcc=$(apt-cache pkgnames libgcc- 2>/dev/null |
			sed -nE 's/^libgcc-([0-9]+)-dev-arm64-cross$/\1/p' | sort -n | tail -n 1)
		missing "no static libraries for $ARCH" libc6-dev-arm64-cross "libgcc-${gcc:-VERSION}-dev-arm64-cross"
	fi
	rm -f "$program"
}

# The first rustc that is new enough and has the source of its core library:
# a rustup toolchain without rust-src may well come first on the PATH.
find_rust() {
	local rustc version sysroot refused=
	while read -r rustc; do
		version=$(version_of "$rustc")
		sysroot=$("$rustc" --print sysroot 2>/dev/null)
		if ! at_least "${version:-0}" "$MIN_RUSTC"; then
			refused+="; $rustc is ${version:-of unknown version}"
		elif [[ ! -d $sysroot/lib/rustlib/src/rust/library/core ]]; then
			refused+="; $rustc $version has no rust-src"
		else
			RUSTC=$rustc
			return
		fi
	done < <(type -aP rustc | awk '!seen[$0]++')
	if at_least "$(candidate_version rustc)" "$MIN_RUSTC"; then
		missing "no rustc of at least $MIN_RUSTC with rust-src$refused" rustc rust-src
	else
		# Debian 12 carries a current compiler under this name.
		missing "no rustc of at least $MIN_RUSTC with rust-src$refused" rustc-web rust-web-src
	fi
}

find_bindgen() {
	local version
	for BINDGEN in "$CACHE/tools/bin/bindgen" "$(command -v bindgen)"; do
		[[ -x $BINDGEN ]] || continue
		version=$(LIBCLANG_PATH=${LIBCLANG_DIR-} version_of "$BINDGEN")
		at_least "${version:-0}" "$MIN_BINDGEN" && return
	done
	BINDGEN=
	if at_least "$(candidate_version bindgen)" "$MIN_BINDGEN"; then
		missing "no bindgen of at least $MIN_BINDGEN" bindgen
	elif ! find_cargo; then
		if at_least "$(candidate_version cargo)" "$MIN_CARGO"; then
			missing "no cargo to build bindgen $BINDGEN_CRATE with" cargo ca-certificates
		else
			missing "no cargo to build bindgen $BINDGEN_CRATE with" cargo-web ca-certificates
		fi
	fi
}

find_cargo() {
	while read -r CARGO; do
		at_least "$(version_of "$CARGO")" "$MIN_CARGO" && return
	done < <(type -aP cargo | awk '!seen[$0]++')
	return 1
}

# candidate PACKAGE: the version apt would install, if any
candidate() {
	command -v apt-cache >/dev/null || return 0
	apt-cache policy "$1" 2>/dev/null | sed -n 's/^ *Candidate: //p' | grep -vx '(none)'
}

candidate_version() {
	local version
	version=$(candidate "$1" | sed 's/^[0-9]*://; s/[-+~].*//')
	echo "${version:-0}"
}

find_tools() {
	MISSING=() WHY_MISSING=()
	find_commands
	find_llvm
	case $ARCH:${MODE-} in
	arm64: | arm64:build-only) ;;
	arm64:*) find_cross_libc ;;
	esac
	find_rust
	find_bindgen
	[[ ${MODE-} != bench ]] || find_bench_tools
}

# host_prepare: everything found, or installed, or a clear end
host_prepare() {
	[[ $(uname -m) == x86_64 ]] ||
		fail "this machine is $(uname -m)" "the kernel and its tests can only be built on x86-64" \
			"use an x86-64 machine"
	set_machine
	install_what find_tools
	[[ $BINDGEN ]] || build_bindgen
	[[ $BUSYBOX || $FLAVOUR != plain ]] || fetch_busybox
	# Some commands run guests of both machines, with one setting.
	[[ ! ${RCFS_BUSYBOX-} || $BUSYBOX == "$RCFS_BUSYBOX" ]] ||
		say "RCFS_BUSYBOX=$RCFS_BUSYBOX is for $(machine_of "$RCFS_BUSYBOX"), so $BUSYBOX is used"
	TOOLCHAIN="$("$CLANG" --version | head -n 1); $("$RUSTC" --version); $BINDGEN $(version_of "$BINDGEN")"
	echo "toolchain: $TOOLCHAIN" >>"$LOG"
}

# on_debian: can packages be installed here? Package names are those of Debian.
on_debian() {
	# shellcheck source=/dev/null
	command -v apt-get >/dev/null && [[ $(. /etc/os-release && echo "$ID") == debian ]]
}

# Without a controlling terminal, nobody can enter a password.
SUDO_OPTIONS=()
{ : </dev/tty; } 2>/dev/null || SUDO_OPTIONS=(-n)

as_root() {
	if [[ $(id -u) == 0 ]]; then "$@"; else sudo "${SUDO_OPTIONS[@]}" "$@"; fi
}

APT_LISTS=/var/lib/apt/lists

# install_what FIND: FIND sets MISSING and WHY_MISSING; install that
install_what() {
	"$1"
	[[ ${#MISSING[@]} -gt 0 ]] || return 0
	install_missing "$1"
	hash -r
	"$1"
	[[ ${#MISSING[@]} -eq 0 ]] ||
		fail "tools are still missing after the installation" \
			"$(printf '%s\n' "${WHY_MISSING[@]}")" "see the log; install them by hand"
}

# install_missing FIND: FIND is asked again once there are package lists
install_missing() {
	local by_hand
	by_hand="install, by their Debian names: ${MISSING[*]}"
	if ! on_debian; then
		fail "tools are missing" "$(printf '%s\n' "${WHY_MISSING[@]}" "they can be installed automatically on Debian only")" "$by_hand"
	fi
	if [[ $(id -u) != 0 ]]; then
		command -v sudo >/dev/null ||
			fail "tools are missing" "$(printf '%s\n' "${WHY_MISSING[@]}" "this is not root, and there is no sudo")" "$by_hand"
		# Ask for the password now, not under the progress line.
		sudo "${SUDO_OPTIONS[@]}" true || fail "sudo refuses" "tools are missing and need root to be installed" "$by_hand"
	fi
	# Without package lists every answer about versions was "none", but for what is
	# installed.
	if ! compgen -G "$APT_LISTS/*_Packages*" >/dev/null; then
		doing "fetching the package lists"
		logged as_root apt-get -q update || fail_apt "the package lists cannot be fetched"
		"${1:-find_tools}"
		[[ ${#MISSING[@]} -gt 0 ]] || return 0
	fi
	doing "installing ${MISSING[*]}"
	need_space 2500 /usr
	apt_install || {
		# The lists may name packages that the mirror does not have any
		# more.
		logged as_root apt-get -q update && apt_install
	} || fail_apt "packages cannot be installed: ${MISSING[*]}"
	done_with "installed ${#MISSING[@]} packages"
}

apt_install() {
	logged as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends \
		-o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=600 install "${MISSING[@]}"
}

# fail_apt WHAT [DO]: fail with the errors of apt, and a hint about the network
fail_apt() {
	local errors todo="see the log; then run this again: it goes on where it stopped${2:+; or
$2}"
	errors=$(tail -n 200 "$LOG" | grep -E '^(E|Err|W):|^Err' | tail -n 5)
	if grep -qE 'Could not resolve|Could not connect|Temporary failure|Unable to connect|Network is unreachable|Connection (timed out|refused)|Failed to fetch' <<<"$errors"; then
		todo="check the network and the apt sources of this machine; ${todo#see the log; }"
		errors="the mirror cannot be reached, or does not have it
$errors"
	fi
	fail "$1" "${errors:-apt gave no reason}" "$todo"
}

build_bindgen() {
	local cargo_home=${CARGO_HOME:-$HOME/.cargo}
	# Leave no ~/.cargo behind where there was none.
	[[ -d $cargo_home ]] || cargo_home=$CACHE/tools/cargo
	doing "building bindgen $BINDGEN_CRATE (the installed one is missing or older than $MIN_BINDGEN)"
	need_space 600 "$CACHE"
	logged env CARGO_HOME="$cargo_home" "$CARGO" install --locked --version "$BINDGEN_CRATE" \
		--root "$CACHE/tools" bindgen-cli ||
		fail "bindgen $BINDGEN_CRATE cannot be built" "$(grep -E '^(error|warning: spurious)' "$LOG" | tail -n 3)" \
			"check the network; or install bindgen $MIN_BINDGEN or newer by hand"
	BINDGEN=$CACHE/tools/bin/bindgen
	done_with "built bindgen $BINDGEN_CRATE"
}
