#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What would deadlock, sleep where nothing may sleep, or make files that cannot be, does
# not compile: each file in tools/check/refused/ is a mistake in a controller, and says
# in a line "// error:" what the compiler has to say of it. A controller without a
# mistake, common.rs, has to compile. KTAP output, and "N passed, N failed" as the last
# line.
#
#	tools/check/refused.sh
#
# The mistakes are modules out of the tree, for the plain kernel, which is built if
# need be.

set -u
# shellcheck source=tools/lib/help.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/help.sh"
export LC_ALL=C.UTF-8

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd) || exit 1
# shellcheck disable=SC2034 # what the functions of kernel.sh look at
FLAVOUR=plain
# shellcheck source=tools/run/kernel.sh
. "$TOP/tools/run/kernel.sh"
# shellcheck disable=SC2034 # what step() looks at
STEPS=4
HERE=$TOP/tools/check/refused
passed=0 failed=0 number=0

# report NAME STATUS [WHY…]
report() {
	number=$((number + 1))
	if [[ $2 == 0 ]]; then
		passed=$((passed + 1))
		echo "ok $number $1"
	else
		failed=$((failed + 1))
		printf '# %s\n' "${@:3}"
		echo "not ok $number $1"
	fi
}

# module NAME: its source in $modules, of the mistake in $HERE
module() {
	local mistake=$HERE/$1.rs
	[[ $1 != common ]] || mistake=/dev/null
	sed -e "/^ *\/\/ HERE\$/{r $mistake" -e 'd}' "$HERE/common.rs" >"$modules/${1//-/_}.rs"
	echo "obj-m += ${1//-/_}.o" >>"$modules/Kbuild"
}

kernel_prepare "$@"
step "kernel"
build_kernel

modules=$BUILD-refused
output=$(mktemp -d) || exit 1
trap 'rm -rf "$output"' EXIT
rm -rf "$modules"
mkdir -p "$modules"
names=(common)
for file in "$HERE"/*.rs; do
	file=$(basename "$file" .rs)
	[[ $file == common ]] || names+=("$file")
done

echo "KTAP version 1"
echo "1..${#names[@]}"
for name in "${names[@]}"; do
	# Each alone: the messages of several would be mixed up.
	: >"$modules/Kbuild"
	module "$name"
	"${MAKE[@]}" -s M="$modules" "${name//-/_}.o" >"$output/said" 2>&1
	status=$?
	cat "$output/said" >>"$LOG"
	if [[ $name == common ]]; then
		report "a controller without a mistake compiles" $status "$(head -n 20 "$output/said")"
		continue
	fi
	expected=$(sed -n 's,^// error: ,,p' "$HERE/$name.rs")
	if [[ $status == 0 ]]; then
		report "$name" 1 "it compiles, and should be refused with: $expected"
	elif ! sed 's/kernel::rcfs::context:://' "$output/said" | grep -qF -- "$expected"; then
		report "$name" 1 "expected: $expected" "the compiler says:" "$(grep -A 20 '^error' "$output/said")"
	else
		report "$name" 0
	fi
done
unlock_cache
echo "$passed passed, $failed failed"
[[ $failed == 0 ]]
