# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Functions for all scripts that build a kernel from the repository. TOP has to be set
# before, and FLAVOUR before a function is called.

CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/rcfs
VERBOSE=
# shellcheck source=tools/lib/owned.sh
. "$TOP/tools/lib/owned.sh"
# shellcheck source=tools/run/ui.sh
. "$TOP/tools/run/ui.sh"
# shellcheck source=tools/run/host.sh
. "$TOP/tools/run/host.sh"
# shellcheck source=tools/run/source.sh
. "$TOP/tools/run/source.sh"
# shellcheck source=tools/run/tree.sh
. "$TOP/tools/run/tree.sh"
# shellcheck source=tools/run/build.sh
. "$TOP/tools/run/build.sh"

# kernel_prepare ARGUMENT…: what comes before all builds, up to a tree with the series
kernel_prepare() {
	log_start "$@"
	lock_cache
	step "tools"
	host_prepare
	step "source"
	source_prepare
	step "series"
	tree_update
}
