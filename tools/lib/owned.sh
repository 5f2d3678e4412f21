# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Which files of this repository have a place in the kernel tree.
#
# Those are the "owned" files: they are edited here, at their kernel path, and
# the patches follow them. Everything else in the repository never goes into a
# kernel tree. This is the one list of the places.

OWNED_PREFIXES=(
	Documentation
	include
	init
	kernel
	rust
	samples
	tools/rcfs
	tools/testing
)

# owned_files [TOP]: the owned files that exist, relative to the top of the
# repository, sorted, one a line. Untracked files count, ignored ones do not:
# a file that was just written is built before it is committed.
owned_files() {
	local top=${1:-$(dirname "${BASH_SOURCE[0]}")/../..}
	(
		cd "$top" || exit 1
		# A hook's or a caller's repository is not the one meant here.
		unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE
		if [[ -e .git ]]; then
			# root in a user's clone (sudo): that is not dubious here
			git -c safe.directory="$(pwd -P)" -c core.quotePath=false \
				ls-files --cached --others --exclude-standard \
				-- "${OWNED_PREFIXES[@]}" || exit 1
		else
			# an unpacked archive of the repository
			for dir in "${OWNED_PREFIXES[@]}"; do
				[[ ! -d $dir ]] || find "$dir" -type f || exit 1
			done
		fi |
			while IFS= read -r file; do
				# tracked, but deleted from the working tree
				[[ ! -f $file ]] || printf '%s\n' "$file"
			done |
			LC_ALL=C sort -u
		# The first stage's failure is the answer, not sort's success.
		exit "${PIPESTATUS[0]}"
	)
}
