# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Which files of this repository have a place in the kernel tree, and are edited here, at that
# place: those below these folders. Nothing else here ever goes into a kernel tree.

OWNED_PREFIXES=(Documentation include init kernel rust samples tools/rcfs tools/testing)

# owned_files [TOP]: those that exist, sorted. Untracked files count, ignored ones do not.
owned_files() (
	cd "${1:-$(dirname "${BASH_SOURCE[0]}")/../..}" || exit 1
	unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE	# a hook's repository is another one
	if [[ -e .git ]]; then
		# root in a user's clone (sudo): that is not dubious here
		git -c safe.directory="$(pwd -P)" -c core.quotePath=false \
			ls-files --cached --others --exclude-standard -- "${OWNED_PREFIXES[@]}" || exit 1
	else	# an unpacked archive of the repository
		for dir in "${OWNED_PREFIXES[@]}"; do
			[[ ! -d $dir ]] || find "$dir" -type f || exit 1
		done
	fi | while IFS= read -r file; do
		[[ ! -f $file ]] || printf '%s\n' "$file"	# else: deleted, and still tracked
	done | LC_ALL=C sort -u
	# The first stage's failure is the answer, not sort's success.
	exit "${PIPESTATUS[0]}"
)
