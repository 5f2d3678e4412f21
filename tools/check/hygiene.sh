#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The checks that need no running kernel. KTAP output, and "N passed, N failed"
# as the last line. With a PATTERN (extended regular expression): only the checks
# whose name matches.

set -u
# shellcheck source=tools/lib/help.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/help.sh"
export LC_ALL=C.UTF-8

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd) || exit 1
FLAVOUR=clippy
# shellcheck source=tools/run/kernel.sh
. "$TOP/tools/run/kernel.sh"
# shellcheck source=tools/lib/checks.sh
. "$TOP/tools/lib/checks.sh"
# shellcheck source=tools/run/command.sh
. "$TOP/tools/run/command.sh"
STEPS=4

cd "$TOP" || exit 1

# ---- what the checks need

find_checkers() {
	local pair package
	MISSING=() WHY_MISSING=()
	PATH=$PATH:/usr/lib/git-core	# where git-absorb is, whichever git comes first
	for pair in git:git git-absorb:git-absorb quilt:quilt shellcheck:shellcheck perl:perl python3:python3 mandoc:mandoc; do
		command -v "${pair%:*}" >/dev/null || missing "no ${pair%:*}" "${pair#*:}"
	done
	# The formatter and the linter must be the compiler's own.
	package=$(dpkg -S "$RUSTC" 2>/dev/null | sed 's/:.*//')
	for pair in rustfmt:rustfmt clippy-driver:rust-clippy; do
		[[ ! -x ${RUSTC%rustc}${pair%:*} ]] || continue
		case $package in
		rustc) missing "no ${pair%:*} beside $RUSTC" "${pair#*:}" ;;
		rustc-web) missing "no ${pair%:*} beside $RUSTC" "$(sed 's/rustfmt/&-web/; s/rust-/&web-/' <<<"${pair#*:}")" ;;
		*) fail "no ${pair%:*} beside $RUSTC" "this compiler is not from a Debian package" \
			"add it to that toolchain (rustup component add rustfmt clippy)" ;;
		esac
	done
}

prepare() {
	log_start "$@"
	lock_cache
	step "Tools"
	host_prepare
	install_what find_checkers
	step "Source"
	source_prepare
	step "Series"
	# In a shell of its own: what the series cannot do is for the checks to say.
	(tree_update) || TREE_BROKEN=1
	TREE=$CACHE/tree/$SOURCE_ID
	project_files | grep -xF tools/check/hygiene.sh >/dev/null ||
		fail "the files of the repository cannot be listed" "git ls-files fails, or names none" "run this in a clone"
	step "Checks"
	GIVEN_SOURCE=${LINUX_SRC-}
	export LINUX_SRC=$SOURCE
	export PYTHONDONTWRITEBYTECODE=1	# the source stays as it is
}

# project_files: every file of the repository, as git sees it
project_files() {
	git -c safe.directory="$TOP" ls-files -z --cached --others --exclude-standard |
		while IFS= read -r -d '' file; do
			[[ ! -f $file ]] || printf '%s\n' "$file"
		done
}

owned_matching() { owned_files "$TOP" | grep -E "$1"; }

# ---- the checks: each says what is wrong, and fails

check_rustfmt() {
	owned_matching '\.rs$' |
		xargs -r -d '\n' "${RUSTC%rustc}rustfmt" --check --color never --config-path "$SOURCE/.rustfmt.toml"
}

# rust_targets: what make has to build for all owned Rust outside of rust/: a
# folder that has a Makefile of ours; a crate on its own; not a crate's modules.
rust_targets() {
	local file folder
	owned_matching '^(kernel|samples)/.*\.rs$' | while IFS= read -r file; do
		folder=$(dirname "$file")
		if owned_matching "^$folder/Makefile\$" >/dev/null; then
			echo "$folder/"
		elif [[ ! -f $folder.rs ]]; then
			echo "${file%.rs}.o"
		fi
	done | sort -u
}

# Only what is Rust gets built, in a build folder of its own. A warning is an
# error, so that it is there again the next time.
check_clippy() {
	local key objects
	[[ ! ${TREE_BROKEN-} ]] || {
		echo "there is nothing to build: the series does not apply"
		return 1
	}
	build_setup
	[[ $SOURCE_ID == "$(cat "$BUILD/.rcfs-source" 2>/dev/null)" ]] || rm -rf "$BUILD"
	mkdir -p "$BUILD"
	echo "$SOURCE_ID" >"$BUILD/.rcfs-source"
	key=$({ cat "${FRAGMENTS[@]}"; kconfig_of_series; echo "${MAKE[*]} $TOOLCHAIN"; } | sha256sum)
	if [[ $key != "$(cat "$BUILD/.rcfs-config-key" 2>/dev/null)" ]]; then
		configure
		echo "$key" >"$BUILD/.rcfs-config-key"
	fi
	mapfile -t objects < <(rust_targets)
	"${MAKE[@]}" -j"$(nproc)" CLIPPY=1 KRUSTFLAGS=-Dwarnings prepare "${objects[@]}" >"$BUILD/clippy.log" 2>&1 || {
		grep -v '^make' "$BUILD/clippy.log" >"$BUILD/clippy.said"
		sed -n '/^\(warning\|error\)/,$p' "$BUILD/clippy.said" | head -n 60
		grep -q '^\(warning\|error\)' "$BUILD/clippy.said" || tail -n 20 "$BUILD/clippy.log"
		return 1
	}
	! grep -A 12 '^warning' "$BUILD/clippy.log"
}

# The command rcfs: the linter with its warnings as errors, and the tests of what needs no
# kernel with rcfs.
check_command_clippy() { check_command clippy; }
check_command_tests() { check_command test; }

check_command() {
	command_setup
	command_make "$1" >"$COMMAND_BUILD/check.log" 2>&1 || {
		# Of the tests, those that have failed.
		grep -vE '^make|^test .* ok$' "$COMMAND_BUILD/check.log" | head -n 60
		return 1
	}
}

# Part of what mandoc warns of is about the manual pages of this machine.
check_manual() { mandoc -T lint -W warning tools/rcfs/rcfs.1; }

# It takes the lock by itself, and means the same source as we do.
check_unchanged() { LINUX_SRC=$GIVEN_SOURCE tools/check/unchanged.sh "$1"; }

# unnamed_files PATCH: those that it adds, and no line of MAINTAINERS names after the series.
# The first patches are for other maintainers, and leave that file alone.
unnamed_files() {
	local file name names
	mapfile -t names < <(series | sed "s,^,$TOP/patches/," | xargs -d '\n' sed -n 's/^+F:\t//p')
	sed -n '\,^--- /dev/null,{n; s,^+++ b/,,p}' "$TOP/patches/$1" | while IFS= read -r file; do
		for name in "${names[@]}"; do
			[[ $file != "$name" && ! ( $name == */ && $file == "$name"* ) ]] || continue 2
		done
		echo "MAINTAINERS does not name $file"
	done
}

# checkpatch asks for a change of MAINTAINERS whenever files are added, named there or not.
check_checkpatch() {
	local scratch unnamed
	unnamed=$(unnamed_files "$1")
	[[ ! $unnamed ]] || { echo "$unnamed"; return 1; }
	# From an empty folder: it leaves a cache file where it runs. The OOM killer composes
	# its line of the log by continuation, and so does code that names a container in it.
	scratch=$(mktemp -d) || return
	(cd "$scratch" && perl "$SOURCE/scripts/checkpatch.pl" --root="$SOURCE" --strict --show-types \
		--ignore FILE_PATH_CHANGES,LOGGING_CONTINUATION --no-summary -q "$TOP/patches/$1")
	local status=$?
	rm -rf "$scratch"
	return $status
}

check_kernel_doc() {
	owned_matching '^(include|init|kernel|rust|samples)/.*\.[ch]$' |
		xargs -r -d '\n' python3 "$SOURCE/scripts/kernel-doc" -none -Wall -Werror
}

check_shellcheck() {
	local file first status=0 programs=() libraries=()
	while IFS= read -r file; do
		IFS= read -r first <"$file" || true
		if [[ $first =~ ^#!.*[/\ ](ba|da|a)?sh( |$) ]]; then
			programs+=("$file")
		elif grep -qE '^# shellcheck shell=' "$file"; then
			libraries+=("$file")
		fi
	done < <(project_files)
	# kselftests take their helpers from the kernel tree
	local options=(-x -P "$TOP" -P "$SOURCE/tools/testing/selftests/kselftest" -P SCRIPTDIR)
	if [[ ${#programs[@]} -gt 0 ]]; then
		shellcheck "${options[@]}" "${programs[@]}" || status=1
	fi
	if [[ ${#libraries[@]} -gt 0 ]]; then
		# A library sets what others use, and uses what others set.
		shellcheck "${options[@]}" -e SC2034,SC2154 "${libraries[@]}" || status=1
	fi
	return $status
}

check_spdx() {
	local file status=0
	while IFS= read -r file; do
		case $file in
		# Mail, a list of names, the licence itself, kselftest's settings,
		# which its runner reads without comments.
		patches/* | tools/check/hazards/*.patch | series | COPYING | LICENSES/* | */settings) continue ;;
		esac
		head -n 3 "$file" | grep -q 'SPDX-License-Identifier: ' || {
			echo "$file: no SPDX-License-Identifier in its first three lines"
			status=1
		}
	done < <(project_files)
	return $status
}

# A controller is safe code. That is the promise, so not even the word is there.
check_safe() {
	local found
	found=$(owned_matching '^(kernel/rcfs/controllers/|samples/rust/.*rcfs)' | xargs -r -d '\n' grep -nw unsafe --)
	[[ ! $found ]] || printf '%s\n' "$found"
	[[ ! $found ]]
}

# no_file_has STRINGS: none of them, one a line, is anywhere in the repository
no_file_has() {
	local found
	found=$(project_files | xargs -d '\n' grep -nIwF -e "$1" --)
	[[ ! $found ]] || printf '%s\n' "$found"
	[[ ! $found ]]
}

# What exists beside the repository or in the home directory is a path of this
# machine alone.
check_paths() {
	local paths
	paths=$({
		find "$(dirname "$TOP")" "$HOME" -mindepth 1 -maxdepth 1
		printf '%s\n' "$TOP" "$CACHE"
	} | grep -E '^/[^/]+/[^/]+' | sort -u)
	no_file_has "$paths"
}

# The hosts that this machine gets its packages from are nobody else's business.
check_hosts() {
	local hosts
	hosts=$({
		apt-get indextargets --format "\$(REPO_URI)" 2>/dev/null
		cat "${CARGO_HOME:-$HOME/.cargo}"/config{,.toml} /etc/pip.conf 2>/dev/null
	} | grep -oE '[a-z+]+://[^/"[:space:]]+' | sed -E 's,.*(://|@),,; s,:[0-9]+$,,' |
		grep -F . | sort -u)
	[[ ! $hosts ]] || no_file_has "$hosts"
}

# Each takes one protection away, which can only be if it still finds it.
check_hazards() {
	local patch status=0
	for patch in tools/check/hazards/*.patch; do
		patch -d "$TREE" -p1 --fuzz=0 -N -s -f --dry-run <"$patch" || {
			echo "$patch does not apply: bring it up to date"
			status=1
		}
	done
	return $status
}

check_series() { tools/series check; }

# ---- all of them

# before_check COMMAND: the other checks only read the pristine source. Let another run begin.
before_check() {
	[[ $1 == check_clippy || $1 == check_command_* ]] || unlock_cache
}

main() {
	local PATTERN=${1-} SHOW_PASSED='' script patch
	local TREE_BROKEN=
	add_check "clippy" check_clippy
	add_check "clippy of the command rcfs" check_command_clippy
	add_check "tests of the command rcfs" check_command_tests
	add_check "the manual page of the command rcfs" check_manual
	add_check "no code changes without CONFIG_RCFS" check_unchanged x86_64
	add_check "no code changes without CONFIG_RCFS on arm64" check_unchanged arm64
	add_check "rustfmt" check_rustfmt
	add_check "shellcheck" check_shellcheck
	add_check "kernel-doc" check_kernel_doc
	add_check "SPDX lines" check_spdx
	add_check "no unsafe code in controllers" check_safe
	add_check "the tests that the documentation names" tools/check/named-tests.py
	add_check "no paths of this machine" check_paths
	add_check "no package mirrors of this machine" check_hosts
	for script in tools/*/*-selftest.sh; do
		add_check "$script" "$script"
	done
	add_check "the patches of tools/check/hazards.sh apply" check_hazards
	add_check "the series and the repository agree" check_series
	while read -r patch; do
		add_check "checkpatch $patch" check_checkpatch "$patch"
	done < <(series)
	need_checks
	prepare "$@"
	run_checks
}

main "$@"
