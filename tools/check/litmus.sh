#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Checks the litmus tests in tools/model/litmus/ with the memory model of the kernel: each
# must never come to its bad outcome, and has to without any one of its barriers. Before
# that, the litmus tests of the kernel must come out as they say: they test lkmm.py, which
# reads the model and judges all of them. KTAP output, and "N passed, N failed" as the last
# line. With a PATTERN (extended regular expression): only the checks whose name matches.

set -u
# shellcheck source=tools/lib/help.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/help.sh"
export LC_ALL=C.UTF-8

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd) || exit 1
# shellcheck disable=SC2034 # what the functions of kernel.sh look at
FLAVOUR=plain
# shellcheck source=tools/run/kernel.sh
. "$TOP/tools/run/kernel.sh"
# shellcheck source=tools/lib/checks.sh
. "$TOP/tools/lib/checks.sh"
# shellcheck disable=SC2034 # what step() looks at
STEPS=2

LITMUS=$TOP/tools/model/litmus

find_python() {
	MISSING=() WHY_MISSING=()
	command -v python3 >/dev/null || missing "no python3" python3
}

prepare() {
	log_start "$@"
	lock_cache
	step "Tools"
	install_what find_python
	step "Source"
	source_prepare
	unlock_cache
	MODEL=$SOURCE/tools/memory-model
	[[ -f $MODEL/linux-kernel.cat ]] ||
		fail "$SOURCE has no memory model" "tools/memory-model is not in it" "look at LINUX_SRC=${LINUX_SRC-}"
}

# judge FILE...: a line for each, with the result and what is flagged
judge() { python3 -B "$TOP/tools/check/lkmm.py" "$MODEL" "$@"; }

# expected FILE: what the file says
expected() { sed -n 's/^ \* Result: *\([A-Za-z]*\).*/\1/p' "$1"; }

# protections FILE: the names after "Without"
protections() { sed -nE 's,.*// Without ([A-Z0-9_]+):.*,\1,p' "$1" | awk '!seen[$0]++'; }

# without NAME FILE: the test without that, its lines gone or replaced by what they say
without() { sed -E "s,^.*// Without $1: *(.*)\$,\\1," "$2"; }

# Those of the kernel come out as they say, and nothing is flagged in any.
check_checker() {
	local file said status=0 count=0
	while IFS= read -r file; do
		said=$(judge "$file") || status=1
		count=$((count + 1))
		[[ $said == "$(basename "$file" .litmus) $(expected "$file") "[0-9]*" "[0-9]* && ! $said =~ [a-z-]+$ ]] || {
			echo "of $file: ${said:-nothing}, and not $(expected "$file")"
			status=1
		}
	done < <(find "$MODEL/litmus-tests" "$SOURCE/Documentation/litmus-tests" -name '*.litmus' | sort)
	echo "$count litmus tests of the kernel"
	[[ $count -ge 40 && $status -eq 0 ]]
}

# check_plain FILE: it never happens, there is no data race, and something happens at all
check_plain() {
	local said
	said=$(judge "$1") || return
	echo "$said"
	[[ $said =~ ^[^\ ]+\ Never\ [1-9][0-9]*\ 0$ && $(expected "$1") == Never ]]
}

# check_without NAME FILE: then it happens
check_without() {
	local said
	without "$1" "$2" >"$SCRATCH/$1.litmus"
	said=$(judge "$SCRATCH/$1.litmus") || return
	echo "$said"
	[[ $said =~ ^[^\ ]+\ (Sometimes|Always)\  ]]
}

main() {
	local PATTERN=${1-} file name protection
	add_check "the litmus tests of the kernel come out as they say" check_checker
	for file in "$LITMUS"/*.litmus; do
		name=$(basename "$file" .litmus)
		add_check "$name never happens" check_plain "$file"
		while IFS= read -r protection; do
			add_check "$name happens without $protection" check_without "$protection" "$file"
		done < <(protections "$file")
	done
	need_checks
	prepare "$@"
	SCRATCH=$(mktemp -d) || exit 1
	trap 'rm -rf "$SCRATCH"' EXIT
	run_checks
}

main "$@"
