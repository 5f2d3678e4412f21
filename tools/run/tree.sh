# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The source that is built: hard links to the pristine source, with the files
# of the series and of this repository in place. Updated file by file, so that
# make rebuilds only what depends on a change.
#
# Sets TREE. Links are never written through: a changed file is written anew and
# renamed over.

# More patches, for one build: --patch
PATCHES=()

tree_update() {
	local key
	TREE=$CACHE/tree/$SOURCE_ID
	if [[ ! -f $TREE/.rcfs-complete ]]; then
		doing "linking the source"
		rm -rf "$TREE" "$TREE.partial"
		mkdir -p "$CACHE/tree"
		logged cp -al "$SOURCE" "$TREE.partial" ||
			fail "the source cannot be linked to $TREE" "$(tail -n 3 "$LOG")" "see the log"
		mv "$TREE.partial" "$TREE"
		rm -f "$CACHE/src/$SOURCE_ID.changed"
	fi
	tree_follow_source
	key=$(tree_key)
	[[ $key == "$(cat "$TREE/.rcfs-key" 2>/dev/null)" ]] && return
	doing "applying the series"
	STAGE=$CACHE/tree/stage
	rm -rf "$STAGE" "$TREE/.rcfs-key"
	mkdir -p "$STAGE"
	: >"$STAGE.files"
	stage_patches
	stage_owned_files
	stage_more_patches
	tree_replace
	rm -rf "$STAGE" "$STAGE.owned"
	echo "$key" >"$TREE/.rcfs-key"
	done_with "applied the series"
}

series() {
	[[ ! -f $TOP/series ]] || sed 's/[[:space:]]*#.*//; /^[[:space:]]*$/d' "$TOP/series"
}

# tree_key: print a key of the inputs of the tree
tree_key() {
	(
		cd "$TOP" || exit
		series
		series | sed 's,^,patches/,' | xargs -r -d '\n' sha256sum
		owned_files "$TOP" | xargs -r -d '\n' sha256sum
		[[ ${#PATCHES[@]} -eq 0 ]] || cat "${PATCHES[@]}"
		[[ ! -f $TREE/.rcfs-followed ]] || cat "$TREE/.rcfs-followed"
	) 2>&1 | sha256sum
}

# Copy the changes of a LINUX_SRC folder.
tree_follow_source() {
	local changed=$CACHE/src/$SOURCE_ID.changed file
	[[ -s $changed ]] || return 0
	while IFS= read -r file; do
		if [[ -d $SOURCE/$file && ! -L $SOURCE/$file ]]; then
			mkdir -p "$TREE/$file"
		elif [[ -e $SOURCE/$file || -L $SOURCE/$file ]]; then
			mkdir -p "$TREE/$(dirname "$file")"
			ln -fn "$SOURCE/$file" "$TREE/$file"
		else
			rm -f "$TREE/$file"
		fi
	done <"$changed"
	# Objects that were built from the old files are out of date.
	date +%s%N >"$TREE/.rcfs-followed"
	rm -f "$changed" "$TREE/.rcfs-key"
}

# touched_by PATCH: the files it names
touched_by() {
	sed -nE 's,^(---|\+\+\+) [ab]/([^	]*).*,\2,p; s,^rename (from|to) ,,p' "$1" | sort -u
}

# The pristine version of every file that the series touches, then the patches.
# $STAGE.files collects the names.
stage_patches() {
	local patch file report
	local -A seen=()
	while read -r patch; do
		[[ -f $TOP/patches/$patch ]] ||
			fail "patches/$patch does not exist" "the file series lists it" "export the series again, or correct series"
		while IFS= read -r file; do
			[[ ! ${seen[$file]-} ]] || continue
			seen[$file]=1
			echo "$file" >>"$STAGE.files"
			[[ -f $SOURCE/$file ]] || continue
			mkdir -p "$STAGE/$(dirname "$file")"
			cp -p "$SOURCE/$file" "$STAGE/$file"
		done < <(touched_by "$TOP/patches/$patch")
		progress "$patch"
		report=$(cd "$STAGE" && patch -p1 --fuzz=0 -N -E --no-backup-if-mismatch -r - <"$TOP/patches/$patch" 2>&1) ||
			fail "patches/$patch does not apply to $SOURCE_ID" \
				"$(tee -a "$LOG" <<<"$report" | awk '
					/^patching file/ { file = $3 }
					/FAILED|find file|garbage|malformed|Reversed/ { print (file ? file ": " : "") $0 }' | head -n 5)" \
				"the series is made for Debian's and vanilla Linux $KERNEL: with another source, or after a
patch was edited by hand, bring the hunk named above up to date"
		printf '%s\n' "$patch" "$report" >>"$LOG"
	done < <(series)
}

# The repository wins over the patches' version of a file, so that an edit is
# built before the series follows; and a file that is gone here is gone there.
stage_owned_files() {
	local file
	owned_files "$TOP" >"$STAGE.owned" ||
		fail "the files of the repository cannot be listed" "git ls-files failed in $TOP" "try it by hand: git -C '$TOP' status"
	while IFS= read -r file; do
		[[ -e $SOURCE/$file ]] || ! is_owned_place "$file" || rm -f "$STAGE/$file"
	done < <(sort -u "$STAGE.files" | comm -13 "$STAGE.owned" -)
	while IFS= read -r file; do
		mkdir -p "$STAGE/$(dirname "$file")"
		cp -p "$TOP/$file" "$STAGE/$file"
	done <"$STAGE.owned"
	sort -u -o "$STAGE.files" "$STAGE.files" "$STAGE.owned"
}

# Apply the patches of --patch after all others.
stage_more_patches() {
	local patch file report
	for patch in "${PATCHES[@]}"; do
		while IFS= read -r file; do
			echo "$file" >>"$STAGE.files"
			[[ ! -f $STAGE/$file && -f $SOURCE/$file ]] || continue
			mkdir -p "$STAGE/$(dirname "$file")"
			cp -p "$SOURCE/$file" "$STAGE/$file"
		done < <(touched_by "$patch")
		report=$(cd "$STAGE" && patch -p1 --fuzz=0 -N -E --no-backup-if-mismatch -r - <"$patch" 2>&1) ||
			fail "$patch does not apply" "$(grep -E 'FAILED|find file|garbage|malformed|Reversed' <<<"$report" |
				tee -a "$LOG" | head -n 5)" "make it against the tree with the series: $TREE"
		printf '%s\n' "$patch" "$report" >>"$LOG"
	done
	sort -u -o "$STAGE.files" "$STAGE.files"
}

is_owned_place() {
	local prefix
	for prefix in "${OWNED_PREFIXES[@]}"; do
		[[ $1 != "$prefix"/* ]] || return 0
	done
	return 1
}

# Put what was staged into the tree, and take back what an earlier run put
# there; the manifest remembers.
tree_replace() {
	local file manifest=$TREE/.rcfs-manifest
	touch "$manifest"
	# The old names stay listed until the end: an interrupted run is redone.
	sort -u "$manifest" "$STAGE.files" >"$manifest.new" && mv "$manifest.new" "$manifest"
	while IFS= read -r file; do
		if [[ -f $STAGE/$file ]]; then
			cmp -s "$STAGE/$file" "$TREE/$file" || tree_put "$STAGE/$file" "$file"
		else
			rm -f "$TREE/$file"
		fi
	done <"$STAGE.files"
	while IFS= read -r file; do
		if [[ -f $SOURCE/$file ]]; then
			cmp -s "$SOURCE/$file" "$TREE/$file" || tree_put "$SOURCE/$file" "$file"
		else
			rm -f "$TREE/$file"
		fi
	done < <(comm -13 "$STAGE.files" "$manifest")
	mv "$STAGE.files" "$manifest"
}

# tree_put FROM FILE: a new file with a new time, which make sees
tree_put() {
	mkdir -p "$TREE/$(dirname "$2")"
	cp --no-preserve=timestamps "$1" "$TREE/$2.rcfs-new" && mv -f "$TREE/$2.rcfs-new" "$TREE/$2" ||
		fail "$TREE/$2 cannot be written" "$(why_unwritable "$TREE")" "make room, or make it writable"
	echo "changed: $2" >>"$LOG"
}
