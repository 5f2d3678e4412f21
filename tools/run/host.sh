# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The tools of the host: which there are, which are missing, which of several
# compilers to take. On Debian what is missing is installed.
#
# Sets LLVM (what make's LLVM= wants), RUSTC, BINDGEN, TOOLCHAIN (a line that
# changes when any of them does).

# What Linux 7.3 asks for (scripts/min-tool-version.sh).
MIN_LLVM=17.0.1
MIN_RUSTC=1.85.0
MIN_BINDGEN=0.71.1
# What is built when the distribution's bindgen is too old, and the oldest
# compiler that builds it.
BINDGEN_CRATE=0.72.1
MIN_CARGO=1.70.0

# The LLVM versions that are known to build this kernel, the best-tried first.
LLVM_VERSIONS=(19 20 21 18 22 17)

# Where depmod is, which a user does not have on the PATH.
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
		command -v qemu-system-x86_64 >/dev/null ||
			missing "no qemu-system-x86_64" qemu-system-x86
	fi
	# The guest has no libraries: its busybox must be a static one.
	BUSYBOX=$(command -v busybox)
	if [[ ! $BUSYBOX ]] || grep -aq '/ld-linux' "$BUSYBOX"; then
		missing "no statically linked busybox" busybox-static
	fi
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

# The headers that programs of the kernel build are compiled against.
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
	find_rust
	find_bindgen
	[[ ${MODE-} != bench ]] || find_bench_tools
}

# host_prepare: everything found, or installed, or a clear end
host_prepare() {
	[[ $(uname -m) == x86_64 ]] ||
		fail "this machine is $(uname -m)" "the kernel and its tests are built for and run on x86-64 only" \
			"use an x86-64 machine"
	find_tools
	if [[ ${#MISSING[@]} -gt 0 ]]; then
		install_missing
		hash -r
		find_tools
		[[ ${#MISSING[@]} -eq 0 ]] ||
			fail "tools are still missing after the installation" \
				"$(printf '%s\n' "${WHY_MISSING[@]}")" "see the log; install them by hand"
	fi
	[[ $BINDGEN ]] || build_bindgen
	TOOLCHAIN="$("$CLANG" --version | head -n 1); $("$RUSTC" --version); $BINDGEN $(version_of "$BINDGEN")"
	echo "toolchain: $TOOLCHAIN" >>"$LOG"
}

# on_debian: may packages be installed here? Debian's names are not everybody's.
on_debian() {
	# shellcheck source=/dev/null
	command -v apt-get >/dev/null && [[ $(. /etc/os-release && echo "$ID") == debian ]]
}

as_root() {
	if [[ $(id -u) == 0 ]]; then "$@"; else sudo "$@"; fi
}

install_missing() {
	local by_hand
	by_hand="install, by their Debian names: ${MISSING[*]}"
	if ! on_debian; then
		fail "tools are missing" "$(printf '%s\n' "${WHY_MISSING[@]}" "only on Debian can they be installed from here")" "$by_hand"
	fi
	if [[ $(id -u) != 0 ]]; then
		command -v sudo >/dev/null ||
			fail "tools are missing" "$(printf '%s\n' "${WHY_MISSING[@]}" "this is not root, and there is no sudo")" "$by_hand"
		# Ask for the password now, not under the progress line.
		sudo -v || fail "sudo refuses" "tools are missing and need root to be installed" "$by_hand"
	fi
	# Without package lists every answer about versions was "none".
	if [[ ! $(candidate make) ]]; then
		doing "fetching the package lists"
		logged as_root apt-get -q update || fail_apt "the package lists cannot be fetched"
		find_tools
	fi
	doing "installing ${MISSING[*]}"
	need_space 2500 /usr
	apt_install || {
		# The lists may be older than what the mirror still has.
		logged as_root apt-get -q update && apt_install
	} || fail_apt "packages cannot be installed: ${MISSING[*]}"
	done_with "installed ${#MISSING[@]} packages"
}

apt_install() {
	logged as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends \
		-o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=600 install "${MISSING[@]}"
}

# fail_apt WHAT [DO]: apt's own errors, and what the network has to do with it
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
