# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# For scripts whose comment at the beginning describes them: --help prints that comment.

# help: print the comment
help() { sed -n '4,/^$/s/^# \?//p' "$0"; }

case ${1-} in
-h | --help) help; exit ;;
esac
