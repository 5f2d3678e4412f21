# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Checks with names, for scripts that run those whose name matches a pattern, with KTAP output,
# and "N passed, N failed" as the last line.

CHECKS=() CHECK_COMMANDS=()
SHOW_PASSED=yes		# the output of checks that pass as well

# before_check COMMAND: scripts may define what to do before each check.
before_check() { :; }

# add_check NAME FUNCTION [ARGUMENT…]: no argument has a space. PATTERN is the script's.
add_check() { [[ ! $1 =~ $PATTERN ]] || { CHECKS+=("$1"); CHECK_COMMANDS+=("${*:2}"); }; }

# need_checks: end the script if no name matches the pattern
need_checks() {
	[[ ${#CHECKS[@]} -gt 0 ]] || {
		echo "${0##*/}: no check is called like '$PATTERN'" >&2
		exit 1
	}
}

# run_checks: returns whether all have passed
run_checks() {
	local i output passed=0 failed=0
	echo "KTAP version 1"
	echo "1..${#CHECKS[@]}"
	for i in "${!CHECKS[@]}"; do
		before_check "${CHECK_COMMANDS[i]}"
		# shellcheck disable=SC2086 # a function and its arguments
		if output=$(${CHECK_COMMANDS[i]} 2>&1); then
			passed=$((passed + 1))
			echo "ok $((i + 1)) ${CHECKS[i]}"
			[[ $SHOW_PASSED ]] || continue
		else
			failed=$((failed + 1))
			echo "not ok $((i + 1)) ${CHECKS[i]}"
		fi
		[[ ! $output ]] || printf '# %s\n' "${output//$'\n'/$'\n# '}"
	done
	[[ ! ${LOG-} ]] || echo "# log: $LOG"
	echo "$passed passed, $failed failed"
	[[ $failed -eq 0 ]]
}
