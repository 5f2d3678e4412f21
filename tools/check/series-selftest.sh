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
	series export || return 1
	[[ $(cat "$repo"/patches/* "$repo/series" | cksum) == "$before" ]]
}

exports() { series export && check && no_op; }

in_patch() { grep -qF -- "$2" "$repo"/patches/"$1"-*.patch; }
only_in_patch() {
	[[ $(cd "$repo/patches" && grep -lF -- "$2" [0-9]*[1-9]-*.patch) == "$1"-* ]]
}

lines() { seq -f "$1 %g" 1 "$2"; }

# ---- a toy kernel and a toy repository

mkdir -p "$LINUX_SRC"/{kernel,init,include/linux} "$repo"/{tools/lib,kernel,init}
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
echo '*' >"$LINUX_SRC/.gitignore"
lines nsproxy 60 >"$LINUX_SRC/kernel/nsproxy.c"
lines fork 60 >"$LINUX_SRC/kernel/fork.c"
lines config 20 >"$LINUX_SRC/init/Kconfig"

cp "$here/tools/series" "$repo/tools/"
cp "$here"/tools/lib/{owned.sh,commits.py} "$repo/tools/lib/"
git init -q "$repo"
cd "$repo" || exit 1
lines core 40 >kernel/rcfs.c
{
	lines core 20
	lines acct 10
	seq -f 'core %g' 21 40
} >kernel/rcfs.full
printf 'Some text\n' >body

(
	cd "$tmp" && cp -r linux edited && cd edited &&
		sed -i '10s/.*/nsproxy ten, edited/' kernel/nsproxy.c &&
		sed -i '5s/.*/config five, edited/' init/Kconfig
)
git -c diff.noprefix=false -c diff.context=3 diff --no-index "$tmp/linux" "$tmp/edited" |
	sed -e "s,a$tmp/linux/,a/,g" -e "s,b$tmp/edited/,b/,g" >"$tmp/diff"

echo "KTAP version 1"

# ---- the first series from nothing

t "check refuses a series without a cover letter" refuses "cover" check
mv kernel/rcfs.full kernel/tmp && mv kernel/rcfs.c "$tmp/rcfs.c" && mv kernel/tmp kernel/rcfs.c
t "new: a part of a diff, by folder" series new "nsproxy: edit it" --file body --diff "$tmp/diff" kernel/nsproxy.c
t "new: an owned file in an earlier state" \
	series new "rcfs: add the core" --file body --diff "$tmp/diff" init kernel/nsproxy.c \
	kernel/rcfs.c="$tmp/rcfs.c"
t "what of the diff was in a patch already is not in the second" only_in_patch 0001 "ten, edited"
echo "extra" >kernel/acct.c
t "new: an owned file, and the rest of another" \
	series new "rcfs: add accounting" --file body kernel/acct.c kernel/rcfs.c
t "new refuses a path that nothing has" refuses "kernel/none.c" \
	series new "x: y" --file body kernel/none.c
t "cover" series cover "a toy" --file body
# shellcheck disable=SC2016
t "three patches, numbered, signed, without the user's diff options" \
	bash -c 'cd patches && [[ $(ls | wc -l) == 4 ]] && grep -q "^Subject: \[PATCH 2/3\] rcfs: add the core" 0002-* &&
		grep -q "^Signed-off-by: Ada Tester <ada@example.org>" 0002-* && ! grep -q "not wanted" ./* &&
		grep -q "^+++ b/init/Kconfig" 0002-* && grep -q "^From 0\{40\} " 0001-*'
t "cover letter has shortlog, diffstat, version" \
	bash -c 'cd patches && grep -q "^Ada Tester (3):" 0000-* && grep -q "^ 4 files changed" 0000-* &&
		grep -q "^Based on Linux 7.3.4.$" 0000-*'
t "check agrees" check
t "a second export changes nothing" no_op
t "the core patch does not have what the later one adds" only_in_patch 0003 "+acct 4"

# ---- owned files are edited

sed -i 's/^core 3$/core three/' kernel/rcfs.c
t "check notices an edited file" refuses "kernel/rcfs.c differs" check
t "export" exports
t "an edit of early lines lands in the early patch" in_patch 0002 "+core three"
t "... and only there" only_in_patch 0002 "three"
sed -i 's/^acct 4$/acct four/' kernel/rcfs.c
sed -i 's/^core 35$/core thirty-five/' kernel/rcfs.c
t "export two changes at once" exports
t "an edit of late lines lands in the late patch" only_in_patch 0003 "+acct four"
t "the other one in the early patch" only_in_patch 0002 "+core thirty-five"
lines rewritten 30 >kernel/rcfs.c
t "a file written anew is exported" exports
git -C "$repo" checkout -q . 2>/dev/null
lines core 40 >kernel/rcfs.c
sed -i '21i acct 1\nacct 2' kernel/rcfs.c
t "and back" exports

echo new >kernel/new.c
t "check notices a file that no patch creates" refuses "kernel/new.c is in the repository" check
t "export names it and the remedy" refuses "export --add" series export
t "export --add" series export --add kernel/new.c --to accounting
t "it is in the patch named" only_in_patch 0003 "kernel/new.c"
t "check agrees" exports
chmod +x kernel/new.c
t "check notices a mode" refuses "mode 100644 in the series" check
t "export carries a mode" exports
rm kernel/new.c
t "check notices a removed file" refuses "kernel/new.c is created by the series" check
t "export drops a removed file" exports
t "no patch mentions it" bash -c '! grep -q kernel/new.c patches/*'
rm kernel/acct.c
cp kernel/rcfs.c "$tmp/keep"
t "export after removing half of a patch" exports
echo extra >kernel/acct.c
t "export --add again, by number" series export --add kernel/acct.c --to 3
printf 'no newline' >kernel/acct.c
t "a file without a last newline" exports
echo extra >kernel/acct.c
t "and with" exports
cp "$LINUX_SRC/kernel/fork.c" kernel/fork.c
t "export refuses a file that the kernel has" refuses "kernel/fork.c" series export --add kernel/fork.c --to 1
rm kernel/fork.c

# ---- patches are inserted

lines doc 3 >kernel/doc.c
t "new --before" series new "Documentation: first" --file body --before 1 kernel/doc.c
t "it is the first" in_patch 0001 "kernel/doc.c"
cat >"$tmp/diff2" <<-'END'
	diff --git a/kernel/nsproxy.c b/kernel/nsproxy.c
	--- a/kernel/nsproxy.c
	+++ b/kernel/nsproxy.c
	@@ -48,7 +48,7 @@
	 nsproxy 48
	 nsproxy 49
	 nsproxy 50
	-nsproxy 51
	+nsproxy 51, edited
	 nsproxy 52
	 nsproxy 53
	 nsproxy 54
END
t "new --after 1 below a patch of the same file" series new "nsproxy: below" --file body --diff "$tmp/diff2" --after 1
t "check agrees" exports
t "the later patch keeps its own change alone" only_in_patch 0003 "+nsproxy ten"
sed 's/51/10/;s/nsproxy 48/nsproxy 7/' "$tmp/diff2" >"$tmp/diff3"
t "new refuses a diff that does not apply" refuses "does not apply" series new "x: y" --file body --diff "$tmp/diff3"
sed 's/^fork 9$/fork nine/' "$LINUX_SRC/kernel/fork.c" >"$tmp/fork.c"
t "new FILE=OTHER for a file of the kernel" series new "fork: nine" --file body kernel/fork.c="$tmp/fork.c"
t "is a change of that file" only_in_patch 0006 "+fork nine"
t "and agrees" exports
rm patches/0006-* && sed -i '$d' series && series export >/dev/null 2>&1
printf 'text\n--- more\n' >"$tmp/bad"
t "new refuses a message that git am would cut" refuses "would end the message" \
	series new "x: y" --file "$tmp/bad" --diff "$tmp/diff2"

# ---- the checks find what is wrong

cp -r patches "$tmp/patches" && cp series "$tmp/series"
restore() {
	rm -rf patches
	cp -r "$tmp/patches" patches
	cp "$tmp/series" series
}
apply_both() { series apply --quilt && series apply --git-am; }

t "apply, both ways" apply_both
sed -i 's/^ nsproxy 8$/ nsproxy eight/' patches/0003-*
t "check finds a hunk that needs fuzz" refuses "Hunk #1 FAILED" check
t "apply --git-am finds it" refuses "does not apply" series apply --git-am
restore
sed -i 's/^@@ -7,7 +7,7 @@/@@ -9,7 +9,7 @@/' patches/0003-*
t "check finds an offset" refuses "offset" check
restore
sed -i 's/^+nsproxy ten, edited/& /' patches/0003-*
t "check finds white space at the end of a line" refuses "trailing whitespace" check
restore
sed -i 1d series
t "check finds a patch that is not listed" refuses "is not in series" check
restore
rm patches/0003-*
t "check finds a patch that is missing" refuses "which is not in patches/" check
restore
sed -i 's/^Some text/Some  other text/' patches/0002-*
t "a message edited in the patch is kept" exports
restore
sed -i '/^index /s/[0-9a-f]\{12\}/111111111111/' patches/0003-*
t "check finds that an export would change a patch" refuses "would be changed by an export" check
restore
t "check agrees again" check
sed -i 's/SUBLEVEL = .*/SUBLEVEL = 5/' "$LINUX_SRC/Makefile"
sed -i '1i one more line' "$LINUX_SRC/kernel/nsproxy.c"
t "another version of the kernel: offsets are fine" check
sed -i 's/SUBLEVEL = .*/SUBLEVEL = 4/' "$LINUX_SRC/Makefile"
t "the same version: they are not" refuses "offset" check
cp "$LINUX_SRC/Makefile" "$tmp/Makefile"
sed -i '/DEBIAN/d' "$LINUX_SRC/Makefile"
t "not Debian's source: they are, whatever its name" check
in_cache=$XDG_CACHE_HOME/rcfs/src/kernel.org-7.3.4
mkdir -p "$in_cache"
cp -r "$LINUX_SRC/." "$in_cache"
touch "$in_cache/.rcfs-complete"
t "kernel.org's source in the cache: so they are" env -u LINUX_SRC "$repo/tools/series" check
rm -rf "${in_cache%/*}"
cp "$tmp/Makefile" "$LINUX_SRC/Makefile"
sed -i '1d' "$LINUX_SRC/kernel/nsproxy.c"

# ---- the editing tree

in_edit() { git -C "$edit" "$@"; }
subjects() { in_edit log --format=%s refs/rcfs/base..HEAD; }

t "tree makes the editing tree" series tree
t "it holds one commit a patch" bash -c "[[ \$(git -C '$edit' rev-list --count refs/rcfs/base..HEAD) == 5 ]]"
t "and the whole source, ignored or not" test -f "$edit/kernel/fork.c" -a -f "$edit/.gitignore"
t "tree again changes nothing" series tree
t "export with an untouched editing tree" no_op

sed -i 's/^nsproxy 11$/nsproxy eleven/' "$edit/kernel/nsproxy.c"
t "export refuses what is not committed" refuses "not committed" series export
in_edit commit -qa --fixup=":/^nsproxy: edit"
t "export refuses a fixup! commit" refuses "still a commit of its own" series export
in_edit rebase -q -i --autosquash refs/rcfs/base >/dev/null 2>&1
t "tree keeps unexported work" bash -c "tools/series tree && git -C '$edit' grep -q eleven"
echo "extra, edited" >kernel/acct.c
t "export from the editing tree and the repository at once" exports
t "the tree's edit is in its patch" only_in_patch 0003 "+nsproxy eleven"
t "the repository's in its own" in_patch 0005 "+extra, edited"
t "the editing tree follows" in_edit grep -q "extra, edited" -- kernel/acct.c

echo "one more" >"$edit/kernel/more.c"
sed -i 's/^fork 30$/fork thirty/' "$edit/kernel/fork.c"
in_edit add -f kernel/more.c kernel/fork.c
in_edit commit -qm "fork: a new patch

Why.

Signed-off-by: Ada Tester <ada@example.org>"
t "a new commit becomes a new patch" exports
t "the sixth" in_patch 0006 "+fork thirty"
t "its new file is in the repository now" grep -q "one more" kernel/more.c

echo "from the tree" >"$edit/kernel/doc.c"
in_edit commit -qa -m "doc: change" -m "Signed-off-by: Ada Tester <ada@example.org>"
echo "from the repository" >kernel/doc.c
t "export refuses a file edited in both, differently" refuses "kernel/doc.c was changed" series export
cp "$edit/kernel/doc.c" kernel/doc.c
t "and takes it once they are the same" exports

in_edit reset -q --hard HEAD~1
t "a commit dropped in the editing tree brings its file back" series export
in_edit commit -q --amend -m "Documentation: last, reworded" -m "Signed-off-by: Ada Tester <ada@example.org>"
cp patches/0001-* "$tmp/0001"
sed -i 's/^Some text/Edited here/' patches/0002-*
t "export refuses when patches/ and the tree have both changed" refuses "both changed" series export
t "tree refuses to overwrite the work" refuses "rebase" series tree
t "export --from tree" series export --from tree
t "the tree's message counts" in_patch 0006 "Documentation: last, reworded"
sed -i 's/^Some text/Edited here/' patches/0002-*
t "tree follows patches/ when nothing is unexported" series tree
t "with the message" bash -c "git -C '$edit' log refs/rcfs/base..HEAD | grep -q 'Edited here'"
in_edit rm -q kernel/more.c
in_edit commit -q --amend --no-edit
t "export says that a file deleted in the tree is still here" refuses "kernel/more.c" series export
rm kernel/more.c
t "and goes on once it is not" exports
t "check at the end" check
t "both ways at the end" apply_both

echo "1..$((passed + failed))"
((failed == 0))
