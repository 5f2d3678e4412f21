# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Functions for all scripts that build a kernel from the repository. TOP and CACHE have to
# be set before, and FLAVOUR before a function is called.

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
