#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Without CONFIG_RCFS the series changes no generated code outside of its own
# files. Builds what the series touches: once from the pristine source, once with
# the series; and compares code and data. Says nothing if they are the same, else
# where they are not, with the beginning of the difference. What the series adds to
# the abstractions of Rust has to be built without CONFIG_RCFS as well: that is
# tried, and there is nothing to compare.
#
#	tools/check/unchanged.sh [ARCH…]	x86_64, arm64; by default both
#
# Rust is tried for x86_64 alone: there is nothing of one machine in it.

set -u
# shellcheck source=tools/lib/help.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/help.sh"
export LC_ALL=C

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd) || exit 1
FLAVOUR=unchanged
# shellcheck source=tools/run/kernel.sh
. "$TOP/tools/run/kernel.sh"

# What fork, exit and the scheduler are made of is looked at in any case.
ALWAYS=(kernel/nsproxy.c kernel/fork.c kernel/exit.c kernel/sched/core.c kernel/sched/fair.c)

# touched_code: the C files of the kernel that the series touches. Not its own
# ones. Not below rust/, where C is only there for Rust. Not what another machine
# has: the mending of User Mode Linux is no part of rcfs, and meant to be seen.
# Nor KASAN, which there is only with options that are not asked for here.
touched_code() {
	local patch file mine=$ARCH
	[[ $ARCH != x86_64 ]] || mine=x86
	while read -r patch; do
		touched_by "$TOP/patches/$patch"
	done < <(series) | sort -u | while IFS= read -r file; do
		case $file in
		rust/* | tools/* | samples/* | Documentation/*) continue ;;
		arch/"$mine"/*.c) ;;
		arch/* | mm/kasan/*) continue ;;
		*.c) ;;
		*) continue ;;
		esac
		[[ ! -f $SOURCE/$file ]] || echo "$file"
	done
}

# object_of FILE: sets OBJECT, what it is compiled into. Some files are no unit of
# their own, but included by another one, as many of the scheduler's are.
object_of() {
	local file=$1 folder=${1%/*} name=${1##*/} unit
	if ! grep -qwF -- "${name%.c}.o" "$SOURCE/$folder"/{Makefile,Kbuild} 2>/dev/null; then
		unit=$(grep -lE "^#\s*include\s+\"$name\"" "$SOURCE/$folder"/*.c | head -n 1)
		[[ $unit ]] ||
			fail "no object is known for $file" \
				"no makefile in $folder names it, and no file there includes it" \
				"add the case to object_of() in tools/check/unchanged.sh"
		file=$folder/${unit##*/}
	fi
	OBJECT=${file%.c}.o
}

# fragment_without OPTION…: what .config.fragment says of all others
fragment_without() {
	FRAGMENTS=("$CACHE/build/unchanged-$ARCH.config")
	{
		echo "# Made from .config.fragment, which is what to edit."
		grep -vE "^(# )?CONFIG_($(IFS='|' && echo "$*"))[= ]" "$TOP/.config.fragment"
	} >"${FRAGMENTS[0]}"
}

# build_side SIDE TREE WHAT: the objects from a tree, in a build folder of their
# own. Always asks make, which takes seconds and knows best.
build_side() {
	local TREE=$2 FLAVOUR=unchanged-$1 FRAGMENTS=("${FRAGMENTS[@]}") key
	build_setup
	[[ $SOURCE_ID == "$(cat "$BUILD/.rcfs-source" 2>/dev/null)" ]] || rm -rf "$BUILD"
	mkdir -p "$BUILD"
	echo "$SOURCE_ID" >"$BUILD/.rcfs-source"
	key=$({ cat "${FRAGMENTS[@]}"; echo "$KCONFIG ${MAKE[*]} $TOOLCHAIN"; } | sha256sum)
	if [[ $key != "$(cat "$BUILD/.rcfs-config-key" 2>/dev/null)" ]]; then
		need_space 100 "$CACHE"
		configure
		echo "$key" >"$BUILD/.rcfs-config-key"
		doing "building $3"
	fi
	counted_make "${OBJECTS[@]}"
	BUILT[$1]=$BUILD
}

# code_of OBJECT: its functions in a form to compare. What goes away:
#   - Addresses, in front of instructions and of jump targets, which llvm-objdump
#     gives relative to their function as well: code behind something that grew
#     moves, but is the same.
#   - The target of an instruction that a relocation completes: there it is the
#     address of the next instruction, whatever is meant.
# Line numbers need nothing: WARN and BUG keep theirs in __bug_table, and no
# instruction of this configuration has __LINE__ in it, as might_sleep() of a
# debug kernel has. Files are named by their path from the top of the source.
code_of() {
	"$OBJDUMP" -dr --no-show-raw-insn "$1" | awk '
		function flush() { if (held != "") print held; held = "" }
		/file format/ || /^Disassembly/ || /^$/ { next }
		/^[0-9a-f]+ <.*>:$/ { flush(); sub(/^[^<]*</, ""); sub(/>:$/, "():"); print; next }
		/^\t\t/ { sub(/<[^>]*>$/, "", held); flush(); sub(/^[^:]*: */, ""); print "\t\t" $0; next }
		{ flush(); sub(/^ *[0-9a-f]+:[ \t]*/, ""); sub(/0x[0-9a-f]+ </, "<"); held = "\t" $0 }
		END { flush() }'
}

# data_of OBJECT: its other sections, contents and relocations, in the order of
# their names: the compiler's is that of their first use. Not
#   - __bug_table, for its line numbers,
#   - what is derived from the code, or does not get into the kernel. Names of
#     symbols are among that: those of initcalls have line numbers, too.
data_of() {
	"$OBJDUMP" -sr "$1" | awk '
		/^Contents of section / || /^RELOCATION RECORDS FOR / {
			name = $NF
			gsub(/^\[|\]?:$/, "", name)
			skip = name ~ /text|^__bug_table$|^\.(rela|symtab|strtab|shstrtab)/ ||
				name ~ /^\.(orc_|discard|llvm|comment|note)/
			next
		}
		name == "" || skip || /^$/ || /^OFFSET/ { next }
		{ sub(/^ /, ""); print "section " name ":\t" $0 }' |
		sort -s -t : -k 1,1
}

# differing BEFORE AFTER: the functions and sections that are not the same
differing() {
	diff -U 1000000 "$1" "$2" | awk '
		NR <= 3 { next }
		/^.[^\t]/ { name = substr($0, 2); sub(/:.*/, "", name) }
		/^[-+]/ && !seen[name]++ { printf "%s%s", sep, name; sep = ", " }'
}

# without_offsets LISTING: where it jumps to, and what it refers to in a section,
# without the place there
without_offsets() {
	sed -E 's/(R_(X86_64|AARCH64)_[0-9A-Z_]+[[:space:]]+\.[^+-]*)[+-]0x[0-9a-f]+/\1/
		s/<([^>+]*)\+0x[0-9a-f]+>/<\1>/' "$1"
}

# compare OBJECT
compare() {
	local object=$1 side file
	for side in before after; do
		file=${BUILT[$side]}/$object
		{ code_of "$file" && data_of "$file"; } >"$RUN/$side" && grep -q '():$' "$RUN/$side" ||
			fail "$object cannot be disassembled" "$OBJDUMP shows no code in it" \
				"try it by hand: $OBJDUMP -dr $file"
	done
	! cmp -s "$RUN/before" "$RUN/after" || return 0
	# Where something grew, what follows has another offset, and all that
	# refers to it. Show that only if nothing else is different.
	for side in before after; do
		without_offsets "$RUN/$side" >"$RUN/$side.short"
	done
	if ! cmp -s "$RUN/before.short" "$RUN/after.short"; then
		mv "$RUN/before.short" "$RUN/before"
		mv "$RUN/after.short" "$RUN/after"
	fi
	echo "$ARCH: $object is not the same with the series: $(differing "$RUN/before" "$RUN/after")"
	diff -U 2 -F $'^[^\t]' --label "$object before" --label "$object after" "$RUN"/{before,after} |
		head -n 40
	return 1
}

# Two kernels that are configured differently need no look at their code.
compare_configurations() {
	local side
	for side in before after; do
		grep -v CONFIG_RCFS "${BUILT[$side]}/.config" >"$RUN/$side"
	done
	! cmp -s "$RUN/before" "$RUN/after" || return 0
	echo "$ARCH: the series changes the configuration although CONFIG_RCFS is not set:"
	diff "$RUN/before" "$RUN/after" | grep '^[<>]' | head -n 40
	return 1
}

# RUST are the options that the code to compare is built without: nothing in C
# depends on Rust, and there is no waiting for it after every change of a Rust file.
RCFS=(RCFS 'RCFS_[A-Z_]*' 'MAX_RC_[A-Z_]*' 'SAMPLE_RUST_RCFS[A-Z_]*')
RUST=(RUST RUST_KERNEL_DOCTESTS SAMPLES_RUST 'SAMPLE_RUST_[A-Z_]*')

# compare_code: of the machine ARCH
compare_code() {
	local file object status=0
	local -A BUILT=()
	step "objects for $ARCH"
	OBJECTS=()
	for file in $(touched_code) "${ALWAYS[@]}"; do
		object_of "$file"
		[[ " ${OBJECTS[*]} " == *" $OBJECT "* ]] || OBJECTS+=("$OBJECT")
	done
	fragment_without "${RUST[@]}" "${RCFS[@]}"
	build_side before "$SOURCE" "the pristine source"
	build_side after "$TREE" "the one with the series"
	step "comparison"
	compare_configurations || status=1
	for object in "${OBJECTS[@]}"; do
		compare "$object" || status=1
	done
	return $status
}

# That of all of rust/, and what it needs
build_rust() {
	local -A BUILT=()
	step "Rust"
	fragment_without RUST_KERNEL_DOCTESTS "${RCFS[@]}"
	OBJECTS=(prepare)
	build_side rust "$TREE" "Rust without CONFIG_RCFS"
}

main() {
	local machine machines=("$@") status=0
	[[ $# -gt 0 ]] || machines=(x86_64 arm64)
	for machine in "${machines[@]}"; do
		[[ $machine =~ ^(x86_64|arm64)$ ]] || { echo "usage: tools/check/unchanged.sh [x86_64] [arm64]" >&2; exit 2; }
	done
	STEPS=$((3 + 2 * ${#machines[@]}))
	[[ " ${machines[*]} " != *" x86_64 "* ]] || STEPS=$((STEPS + 1))
	kernel_prepare "$@"
	OBJDUMP=llvm-objdump${CLANG#clang}
	mkdir -p "$CACHE/build"
	KCONFIG=$(kconfig_of_series | sha256sum)
	RUN=$(mktemp -d) || fail "no temporary folder" "mktemp failed" "make room in ${TMPDIR:-/tmp}"
	trap 'rm -rf "$RUN"' EXIT
	for ARCH in "${machines[@]}"; do
		compare_code || status=1
		[[ $ARCH != x86_64 ]] || build_rust
	done
	return $status
}

main "$@"
