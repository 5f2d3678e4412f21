#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Checks the models of how tasks are attached, and of how they are listed, with SPIN:
# tools/model/attach.pml and members.pml. In each scenario the search has to be
# exhaustive and find nothing, and without any one protection it has to find what that
# is for. KTAP output, and "N passed, N failed" as the last line. With a PATTERN
# (extended regular expression): only the checks whose name matches.

set -u
# shellcheck source=tools/lib/help.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/help.sh"
export LC_ALL=C.UTF-8

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd) || exit 1
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/rcfs
VERBOSE=
# shellcheck source=tools/run/ui.sh
. "$TOP/tools/run/ui.sh"
STEPS=1
# shellcheck source=tools/run/host.sh
. "$TOP/tools/run/host.sh"
# shellcheck source=tools/lib/checks.sh
. "$TOP/tools/lib/checks.sh"

MODELS=$TOP/tools/model
# The scenarios of each model
ATTACH=(FORK PROCESS SWITCH)
MEMBERS=(LIST)

# protection, the scenario that needs it, what goes wrong without it
PROTECTIONS=(
	H1:SWITCH:a_freed_nsproxy_is_followed
	H2:FORK:a_freed_nsproxy_is_followed
	H3_FOLLOW:FORK:a_child_is_in_a_third_place
	H3_WAIT:FORK:a_child_is_in_a_third_place
	H3_THREADS:PROCESS:an_attach_misses_a_thread
	H4:SWITCH:an_attach_is_lost
	H4_AGAIN:SWITCH:an_attach_changes_namespaces
	H5:SWITCH:an_active_count_is_left
	H6:PROCESS:a_count_goes_up_from_zero
	H7:SWITCH:null_is_followed
	H7_ATTACH:SWITCH:null_is_followed
	H8:SWITCH:freed_states_are_used
	PIN:FORK:freed_states_are_used
	PIN_FIRST:FORK:a_charge_is_lost
	PIN_LAST:FORK:a_charge_is_lost
	ORDER:SWITCH:a_container_goes_under_a_task
	END:LIST:a_task_is_missed
	BEGUN:LIST:a_task_is_missed
	DONE:LIST:a_task_is_missed
	HAD:LIST:a_task_of_another_container_is_listed
)

find_checkers() {
	local pair
	MISSING=() WHY_MISSING=()
	for pair in spin:spin gcc:gcc; do
		command -v "${pair%:*}" >/dev/null || missing "no ${pair%:*}" "${pair#*:}"
	done
	# pan.c is compiled against these
	if [[ ! -e /usr/include/stdio.h ]]; then
		missing "no <stdio.h>" libc6-dev
	fi
}

prepare() {
	log_start "$@"
	step "Tools"
	install_what find_checkers
}

# model_of SCENARIO: its file
model_of() {
	case $1 in
	LIST)	echo "$MODELS/members.pml" ;;
	*)	echo "$MODELS/attach.pml" ;;
	esac
}

# search FOLDER OPTIMIZE SCENARIO [MACRO]: leaves what the search says, and the list of all
# statements, in FOLDER. COLLAPSE compresses the states, and loses nothing.
search() (
	folder=$1 optimize=$2
	shift 2
	mkdir "$folder" && cd "$folder" && cp "$(model_of "$1")" model.pml || return
	{
		spin -a "${@/#/-D}" model.pml &&
			gcc "$optimize" -w -DSAFETY -DCOLLAPSE -DMEMLIM=3500 -o pan pan.c
	} >compiled 2>&1 || {
		tail -n 5 compiled
		return 1
	}
	./pan -m100000 -w24 >said 2>&1
	./pan -d >statements 2>&1
)

# check_scenario NAME: nothing is found, and nothing is left out
check_scenario() {
	local said=$SCRATCH/$1/said
	search "$SCRATCH/$1" -O1 "$1" || return
	if grep -E '^pan:|^error:|max search depth too small|out of memory|MEMLIM|aborted|interrupted|not completed' "$said" |
		grep -v '^pan: *\(elapsed\|rate\|resizing\)'; then
		return 1
	fi
	grep -q 'errors: 0$' "$said" && grep -q 'states, stored$' "$said" || {
		tail -n 5 "$said"
		return 1
	}
}

# unreached SCENARIO...: of one model. A statement of an inline is there once for each
# place that uses it: what counts is that one of them is reached, in one of the
# scenarios. Processes that never end have an end all the same.
unreached() {
	local name line text
	for name; do
		awk '
			/^(unreached in|proctype|init)/ { process = $NF }
			/-end-/ { next }
			FILENAME ~ /said$/ && $2 == "state" { missed[process, $3 + 0] = 1 }
			FILENAME ~ /statements$/ && match($0, /model\.pml:[0-9]+/) {
				print substr($0, RSTART + 10, RLENGTH - 10), ((process, $2 + 0) in missed)
			}' "$SCRATCH/$name/said" "$SCRATCH/$name/statements"
	done | awk '{ if (!($1 in missed) || $2 < missed[$1]) missed[$1] = $2 }
		END { for (line in missed) if (missed[line]) print line }' | sort -n |
		while read -r line; do
			text=$(sed -n "${line}p" "$(model_of "$1")")
			echo "line $line is never reached: ${text##*$'\t'}"
		done
}

# check_protocol SCENARIO...: of one model
check_protocol() {
	local name status=0
	for name; do
		check_scenario "$name" || {
			echo "in scenario $name"
			status=1
		}
	done
	[[ $status -eq 0 ]] || return
	for name; do
		sed -n "s/^ *\([0-9]*\) states, stored\$/$name: \1 states/p" "$SCRATCH/$name/said"
		grep -q 'model\.pml:' "$SCRATCH/$name/statements" || {
			echo "pan -d has not listed the statements of $name"
			status=1
		}
	done
	unreached "$@" >"$SCRATCH/unreached"
	cat "$SCRATCH/unreached"
	[[ $status -eq 0 && ! -s $SCRATCH/unreached ]]
}

# check_protection NAME SCENARIO ASSERTION: that fails, and not another one
check_protection() {
	search "$SCRATCH/$1" -O0 "$2" "NO_$1" || return
	grep -qE "^pan:[0-9]+: assertion violated .*\b$3\)" "$SCRATCH/$1/said" && return
	grep -E '^pan:[0-9]+:|errors:|too small|out of memory' "$SCRATCH/$1/said"
	return 1
}

main() {
	local PATTERN=${1-} entry protection scenario assertion
	add_check "the protocol of attaching holds" check_protocol "${ATTACH[@]}"
	add_check "lists of tasks are complete" check_protocol "${MEMBERS[@]}"
	for entry in "${PROTECTIONS[@]}"; do
		IFS=: read -r protection scenario assertion <<<"$entry"
		add_check "without $protection the model fails: $assertion" \
			check_protection "$protection" "$scenario" "$assertion"
	done
	need_checks
	prepare "$@"
	SCRATCH=$(mktemp -d) || exit 1
	trap 'rm -rf "$SCRATCH"' EXIT
	run_checks
}

main "$@"
