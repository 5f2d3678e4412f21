#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Does tools/series do what it promises? Works on a toy kernel and a toy
# repository of its own, so it needs no kernel source. KTAP output.

set -u

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd) || exit 1
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

export XDG_CACHE_HOME=$tmp/cache
export LINUX_SRC=$tmp/linux
export GIT_CONFIG_GLOBAL=$tmp/gitconfig
export GIT_CONFIG_NOSYSTEM=1
export GIT_EDITOR=true
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE
unset GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL GIT_COMMITTER_NAME GIT_COMMITTER_EMAIL
edit=$XDG_CACHE_HOME/rcfs/edit
repo=$tmp/repo
out=$tmp/out

passed=0
failed=0

# t DESCRIPTION COMMAND…: one test; what the command said is shown on failure
t() {
	local what=$1
	shift
	if "$@" >"$out" 2>&1; then
		passed=$((passed + 1))
		echo "ok $((passed + failed)) $what"
	else
		failed=$((failed + 1))
		echo "not ok $((passed + failed)) $what"
		sed 's/^/# /' "$out"
	fi
}

# refuses TEXT COMMAND…: the command must fail, and say TEXT
refuses() {
	local want=$1
	shift
	if "$@"; then
		echo "succeeded, should have refused with: $want"
		return 1
	fi
	grep -qF -- "$want" "$out" || {
		echo "refused, but without: $want"
		return 1
	}
}

series() { "$repo/tools/series" "$@"; }
check() { series check; }

# no_op: a second export must leave every byte as it is
no_op() {
	local before
	before=$(cat "$repo"/patches/* "$repo/series" | cksum)
	series export || return
	[[ $(cat "$repo"/patches/* "$repo/series" | cksum) == "$before" ]]
}

exports() { series export && check && no_op; }

in_patch() { grep -qF -- "$2" "$repo"/patches/"$1"-*.patch; }
only_in_patch() {
	[[ $(cd "$repo/patches" && grep -lF -- "$2" [0-9]*[1-9]-*.patch) == "$1"-* ]]
}

lines() { seq -f "$1 %g" 1 "$2"; }

in_edit() { git -C "$edit" "$@"; }

# new_patch SUBJECT FILE…: these files of the repository, or of $tmp/new, as a new patch
new_patch() {
	local file
	for file in "${@:2}"; do
		cp "$file" "$edit/${file#"$tmp"/new/}" && in_edit add -f "${file#"$tmp"/new/}" || return
	done
	in_edit commit -qs -m "$1" -m "Some text"
}

# ---- a toy kernel and a toy repository

mkdir -p "$LINUX_SRC"/{kernel,init,include/linux} "$repo"/{tools/lib,tools/run,kernel,init,patches} "$tmp/new/kernel"
cat >"$GIT_CONFIG_GLOBAL" <<-END
	[user]
		name = Ada Tester
		email = ada@example.org
	[diff]
		noprefix = true
		context = 1
		renames = copies
	[format]
		signature = not wanted
		attach = true
	[core]
		autocrlf = input
END
# The last line is Debian's.
cat >"$LINUX_SRC/Makefile" <<-'END'
	VERSION = 7
	PATCHLEVEL = 3
	SUBLEVEL = 4
	EXTRAVERSION =
	check := $(DEBIAN_KERNEL_NO_CC_VERSION_CHECK)
END
echo '# Kbuild' >"$LINUX_SRC/Kbuild"
echo '*.c diff=cpp' >"$LINUX_SRC/.gitattributes"
echo '*' >"$LINUX_SRC/.gitignore"
lines nsproxy 60 >"$LINUX_SRC/kernel/nsproxy.c"
lines fork 60 >"$LINUX_SRC/kernel/fork.c"

cp "$here/tools/series" "$repo/tools/"
cp "$here/tools/lib/owned.sh" "$repo/tools/lib/"
cp "$here/tools/run/source.sh" "$repo/tools/run/"
git init -q "$repo"
cd "$repo" || exit 1
printf 'From: Ada Tester <ada@example.org>\nDate: Sat, 28 Nov 2026 16:48:13 +0000\nSubject: [PATCH 0/0] a toy\n\nSome text\n' >"$tmp/cover"

echo "KTAP version 1"

# ---- the first series from nothing

t "check refuses an empty series" refuses "no patch" check
t "tree makes the edit tree" series tree
t "with the whole source, ignored or not" test -f "$edit/kernel/fork.c" -a -f "$edit/.gitignore"
t "tree again changes nothing" series tree

# kernel/rcfs.c grows in three patches: core, then acct in its middle, then last at its end.
sed '10s/.*/nsproxy ten, edited/' "$LINUX_SRC/kernel/nsproxy.c" >"$tmp/new/kernel/nsproxy.c"
lines core 40 >"$tmp/new/kernel/rcfs.c"
new_patch "nsproxy: edit it" "$tmp/new/kernel/nsproxy.c"
new_patch "rcfs: add the core" "$tmp/new/kernel/rcfs.c"
sed -i -e '20r '<(lines acct 10) -e '/^core 30$/d' "$tmp/new/kernel/rcfs.c"
echo extra >"$tmp/new/kernel/acct.c"
new_patch "rcfs: add accounting" "$tmp/new/kernel/rcfs.c" "$tmp/new/kernel/acct.c"
lines last 10 >>"$tmp/new/kernel/rcfs.c"
new_patch "rcfs: add the last" "$tmp/new/kernel/rcfs.c"
cp "$tmp/cover" "patches/0000-cover-letter.patch"
t "new commits become patches" exports
t "new files come into the repository" cmp "$tmp/new/kernel/rcfs.c" kernel/rcfs.c
# shellcheck disable=SC2016
t "four patches, numbered, signed, without the user's diff options" \
	bash -c '[[ $(ls patches | wc -l) == 5 && $(wc -l <series) == 4 ]] && cd patches &&
		grep -q "^Subject: \[PATCH 2/4\] rcfs: add the core" 0002-* &&
		grep -q "^Signed-off-by: Ada Tester <ada@example.org>" 0002-* && ! grep -q "not wanted" ./* &&
		grep -q "^+++ b/kernel/rcfs.c" 0002-* && grep -q "^From 0\{40\} " 0001-*'
t "cover letter has number, shortlog, diffstat, version" \
	bash -c 'cd patches && grep -q "^Subject: \[PATCH 0/4\]" 0000-* && grep -q "^Ada Tester (4):" 0000-* &&
		grep -q "^ 3 files changed" 0000-* && grep -q "^Based on Linux 7.3.4.$" 0000-*'
t "the core patch does not have what a later one adds" only_in_patch 0003 "+acct 4"

# ---- files are edited here

sed -i 's/^core 3$/core three/' kernel/rcfs.c
t "check notices an edited file" refuses "kernel/rcfs.c" check
t "export" exports
t "an edit of lines of the first patch lands there" only_in_patch 0002 "three"
sed -i 's/^acct 4$/acct four/; s/^core 35$/core thirty-five/; s/^last 5$/last five/; /^acct 7$/d' kernel/rcfs.c
t "export changes of lines of three patches at once" exports
t "the first is in its patch" only_in_patch 0002 "+core thirty-five"
t "the second" only_in_patch 0003 "+acct four"
t "the third" only_in_patch 0004 "+last five"
t "a line that is gone is gone" bash -c '! grep -q "acct 7" patches/*'
sed -i 's/^core 20$/core twenty\nand more/' kernel/rcfs.c
t "a change next to lines of a later patch goes there" exports
t "as the earlier one lacks what is beside it" only_in_patch 0003 "and more"
sed -i 's/^core twenty$/core XX/' kernel/rcfs.c
t "export --to says where" series export --to "add the last"
t "it is there" only_in_patch 0004 "+core XX"
t "export --to refuses what is no patch" refuses "names no patch" series export --to nowhere
cp kernel/rcfs.c "$tmp/keep"
lines rewritten 30 >kernel/rcfs.c
t "a file written anew" exports
cp "$tmp/keep" kernel/rcfs.c
t "and back" exports
sed -i 's/^core 29$/core twenty-nine/' kernel/rcfs.c
t "a change where a later patch took lines away" refuses "meets what a later patch wrote" series export
t "nothing has happened" bash -c "git -C '$edit' diff --quiet refs/rcfs/exported HEAD && [[ ! -e '$edit'/.git/rebase-merge ]]"
t "with --to it goes there" series export --to 4
t "and agrees" exports

echo new >kernel/new.c
t "check notices a file that no patch has" refuses "kernel/new.c" check
t "export names it and the remedy" refuses "--add" series export
t "export --add" series export --add kernel/new.c --to accounting
t "it is in the patch named" only_in_patch 0003 "kernel/new.c"
chmod +x kernel/new.c
t "check notices a mode" refuses "100644 100755" check
t "export asks where a mode goes" refuses "kernel/new.c" series export
t "and carries it there" series export --to accounting
t "and agrees" exports
t "into the patch that makes the file" in_patch 0003 "new file mode 100755"
rm kernel/new.c
t "check notices a removed file" refuses "kernel/new.c" check
t "export drops a removed file" exports
t "no patch has it" bash -c '! grep -q kernel/new.c patches/*'
echo alone >kernel/alone.c
new_patch "rcfs: alone" kernel/alone.c
t "a file copied and committed in the edit tree" exports
rm kernel/alone.c
t "goes, and its patch with it" exports
t "without a trace" bash -c '! grep -q alone patches/* series'
printf 'no newline' >kernel/acct.c
t "a file without a last newline" exports
printf 'extra\f\n\377\n' >kernel/acct.c
t "any bytes" exports
t "byte for byte" bash -c "git -C '$edit' show HEAD:kernel/acct.c | cmp - kernel/acct.c"
echo extra >kernel/acct.c
t "and back" exports
cp "$LINUX_SRC/kernel/fork.c" kernel/fork.c
t "export refuses a file that the kernel has" refuses "kernel/fork.c" series export --add kernel/fork.c --to 1
rm kernel/fork.c
sed -i '1i # the core' series
sed -i '4i\\n# the rest' series
cp series "$tmp/series"
sed -i 's/^core 5$/core five/' kernel/rcfs.c
t "export" exports
t "headings stay" cmp series "$tmp/series"

# ---- the checks find what is wrong

cp -r patches "$tmp/patches" && cp series "$tmp/series"
restore() {
	rm -rf patches
	cp -r "$tmp/patches" patches
	cp "$tmp/series" series
}

sed -i 's/^ nsproxy 8$/ nsproxy eight/' patches/0001-*
t "check finds a hunk that needs fuzz" refuses "FAILED" check
t "export too" refuses "do not apply" series export
t "and the edit tree is as it was" test -z "$(git -C "$edit" status --porcelain)" -a ! -e "$edit/.git/rebase-apply"
restore
sed -i 's/^@@ -7,7 +7,7 @@/@@ -9,7 +9,7 @@/' patches/0001-*
t "check finds an offset" refuses "an export would change" check
restore
sed -i 's/^+nsproxy ten, edited/& /' patches/0001-*
t "check finds white space at the end of a line" refuses "trailing whitespace" check
restore
sed -i '/^0001/d' series
t "check finds a patch that is not listed" refuses "0001" check
restore
rm patches/0003-*
t "check finds a patch that is missing" refuses "0003" check
restore
sed -i '/^index /s/[0-9a-f]\{12\}/111111111111/' patches/0003-*
t "check finds that an export would change a patch" refuses "an export would change" check
restore
t "check agrees again" check
sed -i 's/^Some text/Some  other text/' patches/0002-*
t "a message edited in the patch is kept" exports
t "and in the edit tree" bash -c "git -C '$edit' log | grep -q 'Some  other text'"
sed -i 's/^+core 8$/+core by hand/' patches/*-rcfs-add-the-core*
t "a file edited in the patch alone is refused" refuses "edit files, not patches" series export
t "each time, with its name" refuses "kernel/rcfs.c" series export
sed -i 's/^+core by hand$/+core 8/' patches/*-rcfs-add-the-core*
t "export goes on once the patch is as before" exports
t "export takes no name of a file without --add" refuses "export takes all changes" series export kernel/rcfs.c
t "nor one that is no file" refuses "kernel/nosuch.c" series export --add kernel/nosuch.c --to 2
sed -i 's/SUBLEVEL = .*/SUBLEVEL = 5/' "$LINUX_SRC/Makefile"
sed -i '1i one more line' "$LINUX_SRC/kernel/nsproxy.c"
t "another version of the kernel: offsets are fine" check
sed -i 's/SUBLEVEL = .*/SUBLEVEL = 4/' "$LINUX_SRC/Makefile"
t "the same version: they are not" refuses "an export would change" check
cp "$LINUX_SRC/Makefile" "$tmp/Makefile"
sed -i '/DEBIAN/d' "$LINUX_SRC/Makefile"
t "not Debian's source: they are, whatever its name" check
in_cache=$XDG_CACHE_HOME/rcfs/src/kernel.org-7.3.4
mkdir -p "$in_cache"
cp -r "$LINUX_SRC/." "$in_cache"
touch "$in_cache/.rcfs-complete"
t "kernel.org's source in the cache: so they are" env -u LINUX_SRC "$repo/tools/series" check
t "tree for another source imports that" env -u LINUX_SRC "$repo/tools/series" tree
t "it is that one" grep -q "one more" "$edit/kernel/nsproxy.c"
rm -rf "${in_cache%/*}"
cp "$tmp/Makefile" "$LINUX_SRC/Makefile"
sed -i '1d' "$LINUX_SRC/kernel/nsproxy.c"
t "and back" series tree
t "with everything that the patches have" exports

# ---- work on both sides

sed -i 's/^nsproxy 11$/nsproxy eleven/' "$edit/kernel/nsproxy.c"
t "export refuses what is not committed" refuses "not committed" series export
in_edit commit -qa --fixup=":/^nsproxy: edit"
t "tree keeps unexported work" bash -c "tools/series tree && git -C '$edit' grep -q eleven"
echo "extra, edited" >kernel/acct.c
t "export squashes fixups, and takes edits from here at once" exports
t "the tree's edit is in its patch" only_in_patch 0001 "+nsproxy eleven"
t "the repository's in its own" only_in_patch 0003 "+extra, edited"
t "the edit tree follows" in_edit grep -q "extra, edited" -- kernel/acct.c
in_edit commit -q --allow-empty -m "fixup! nothing"
t "export refuses a fixup for nothing" refuses "still commits of their own" series export
in_edit reset -q --hard HEAD~1

sed -i 's/^core 33$/core from the tree/' "$edit/kernel/rcfs.c"
in_edit commit -qa --fixup=":/^rcfs: add the core"
sed -i 's/^last 8$/last from here/' kernel/rcfs.c
t "different places of a file changed on both sides" exports
t "both are there" grep -c "from the tree\|from here" kernel/rcfs.c
echo "from the tree" >"$edit/kernel/acct.c"
in_edit commit -qa --fixup=":/^rcfs: add accounting"
echo "from the repository" >kernel/acct.c
t "export refuses a place changed on both sides" refuses "kernel/acct.c" series export
t "and has changed nothing" grep -q "from the repository" kernel/acct.c
cp "$edit/kernel/acct.c" kernel/acct.c
t "and takes it once they are the same" exports

in_edit reset -q --hard HEAD~1
t "a commit dropped in the edit tree drops its patch" exports
in_edit commit -q --amend -m "rcfs: accounting, reworded" -m "Signed-off-by: Ada Tester <ada@example.org>"
sed -i 's/^Some  other text/Edited here/' patches/0002-*
t "export refuses when patches/ and the tree have both changed" refuses "holds unexported commits" series export
t "so does tree" refuses "git rebase refs/rcfs/incoming" series tree
t "the tree's work is as it was" bash -c "git -C '$edit' log -1 --format=%s | grep -q reworded"
in_edit rebase -q refs/rcfs/incoming >/dev/null 2>&1
t "after the rebase that it asks for, tree goes on" series tree
in_edit commit -q --amend -m "rcfs: accounting, reworded" -m "Signed-off-by: Ada Tester <ada@example.org>"
t "and export" exports
t "with the change of either side" bash -c 'grep -q "Edited here" patches/0002-* && grep -q reworded patches/0003-*'
in_edit checkout -q --detach
t "export refuses when the tree is on no branch" refuses "git checkout rcfs" series export
in_edit checkout -q rcfs
in_edit rm -q kernel/acct.c
in_edit commit -q --amend --no-edit
t "a file that the tree removes goes here" exports
t "it has gone" test ! -e kernel/acct.c
t "check at the end" check

echo "1..$((passed + failed))"
((failed == 0))
