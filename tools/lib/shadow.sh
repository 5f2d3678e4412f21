# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Build and run the kernel with the first patches of the series alone. $FOLDER is the folder
# of these builds in the cache.

SHADOW=$FOLDER/repository	# as this repository was after a patch
GIVEN_SOURCE=${LINUX_SRC-}

series() { sed 's/[[:space:]]*#.*//; /^[[:space:]]*$/d' "$TOP/series"; }

# make_shadow_cache: the cache of the builds. What was downloaded and unpacked is that of
# all others.
make_shadow_cache() {
	local cache=${XDG_CACHE_HOME:-$HOME/.cache}/rcfs name
	mkdir -p "$FOLDER/cache/rcfs"
	for name in downloads src tools apt packages accel; do
		# Each cache has to know what has changed in a tree of the user.
		if [[ $name == src && -d $GIVEN_SOURCE ]]; then
			[[ ! -L $FOLDER/cache/rcfs/src ]] || rm "$FOLDER/cache/rcfs/src"
			continue
		fi
		[[ ! -e $cache/$name || -e $FOLDER/cache/rcfs/$name ]] ||
			ln -s "$cache/$name" "$FOLDER/cache/rcfs/$name"
	done
}

# make_shadow NUMBER [BUILD]: a repository with the first patches, and no file of the kernel.
# BUILD are commands that replace those which build the kernel.
make_shadow() {
	mkdir -p "$SHADOW"
	rsync -a --delete --exclude=/series --exclude=/tools/rcfs --exclude=/tools/testing --exclude=/tools/run/build.sh \
		"$TOP/qemu-run.sh" "$TOP/.config.fragment" "$TOP/patches" "$TOP/tools" "$SHADOW/"
	series | head -n "$1" >"$SHADOW/series"
	# The fragment names options that later patches add, and all files come from the patches.
	{
		cat "$TOP/tools/run/build.sh"
		echo 'configure() { configure_leniently; }'
		# shellcheck disable=SC2016 # for the shell that reads this
		echo 'stage_owned_files() { sort -u -o "$STAGE.files" "$STAGE.files"; }'
		[[ ! ${2-} ]] || echo "build_kernel() { $2; }"
	} >"$SHADOW/tools/run/build.sh"
}

# shadow_run ARGUMENT…: qemu-run.sh, as somebody with that repository
shadow_run() {
	XDG_CACHE_HOME=$FOLDER/cache LINUX_SRC=$GIVEN_SOURCE "$SHADOW/qemu-run.sh" "$@" </dev/null
}
