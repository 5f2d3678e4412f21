# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Completion of rcfs for bash.

# _rcfs_containers CUR: print containers as PATHs relative to the roots of the hierarchies or, if CUR
# begins with a mount point, as paths that begin with it
_rcfs_containers() {
	local cur=$1 mount folder
	while read -r mount; do
		while IFS= read -r folder; do
			[[ $cur == "$mount"* ]] || folder=${folder#"$mount"}
			[[ ! $folder || $folder != "$cur"* ]] || printf '%s\n' "$folder"
		done < <(find "$mount" -mindepth 1 -type d 2>/dev/null)
	done < <(awk '$3 == "rcfs" { print $2 }' /proc/mounts)
}

# _rcfs_limits CUR: print the files for limits in a container
_rcfs_limits() {
	local file
	for file in pids.max cpu.shares cpu.cfs_quota_us cpu.cfs_period_us cpuset.cpus freezer.state; do
		[[ $file= != "$1"* ]] || printf '%s=\n' "$file"
	done
}

_rcfs() {
	local cur=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} subcommand=${COMP_WORDS[1]} i
	local subcommands="run ls top ps kill freeze thaw move rm status help" options=
	COMPREPLY=()
	if [[ $COMP_CWORD == 1 ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$subcommands --help" -- "$cur")
		return
	fi
	case $subcommand in
	run)	options="--limit --name --controllers --keep --time --json --output --help" ;;
	ls)	options="--processes --json --help" ;;
	top)	options="--iterations --delay --batch --once --json --sort --help" ;;
	ps)	options="--all --json --help" ;;
	kill)	options="--no-wait --timeout --signal --help" ;;
	freeze)	options="--no-wait --timeout --help" ;;
	move)	options="--threads --help" ;;
	rm)	options="--recursive --help" ;;
	status)	options="--json --help" ;;
	thaw)	options="--help" ;;
	help)
		mapfile -t COMPREPLY < <(compgen -W "${subcommands% help}" -- "$cur")
		return
		;;
	esac
	case $subcommand:$previous in
	run:-l | run:--limit)
		mapfile -t COMPREPLY < <(_rcfs_limits "$cur")
		compopt -o nospace
		return
		;;
	run:-o | run:--output)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	run:-c | run:--controllers)
		mapfile -t COMPREPLY < <(compgen -W "$(awk '!/^#/ { print $1 }' /proc/rcfs 2>/dev/null)" -- "$cur")
		return
		;;
	run:--name)
		mapfile -t COMPREPLY < <(_rcfs_containers "$cur")
		compopt -o nospace
		return
		;;
	kill:-s | kill:--signal)
		mapfile -t COMPREPLY < <(compgen -W "$(compgen -A signal SIG | sed 's/^SIG//')" -- "$cur")
		return
		;;
	top:--sort)
		mapfile -t COMPREPLY < <(compgen -W "cpu tasks time name" -- "$cur")
		return
		;;
	*:--timeout | top:-n | top:--iterations | top:-d | top:--delay)
		return
		;;
	esac
	if [[ $subcommand == run ]]; then
		# The command after the options of run has its own completion.
		for ((i = 2; i < COMP_CWORD; i++)); do
			case ${COMP_WORDS[i]} in
			--)
				_rcfs_command $((i + 1))
				return
				;;
			-l | --limit | --name | -c | --controllers | -o | --output)
				i=$((i + 1))
				# readline splits words at an equals sign.
				[[ ${COMP_WORDS[i + 1]-} != = ]] || i=$((i + 2))
				;;
			-*) ;;
			*)
				_rcfs_command "$i"
				return
				;;
			esac
		done
		[[ $cur == -* ]] || {
			mapfile -t COMPREPLY < <(compgen -c -- "$cur")
			return
		}
	fi
	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
	elif [[ $subcommand == move && $COMP_CWORD -gt 2 ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(cd /proc && echo [0-9]*)" -- "$cur")
	elif [[ $subcommand != status ]]; then
		mapfile -t COMPREPLY < <(_rcfs_containers "$cur")
	fi
}

# _rcfs_command N: complete the command that begins with word N
_rcfs_command() {
	if declare -F _command_offset >/dev/null; then
		_command_offset "$1"
	elif [[ $COMP_CWORD == "$1" ]]; then
		mapfile -t COMPREPLY < <(compgen -c -- "${COMP_WORDS[COMP_CWORD]}")
	else
		mapfile -t COMPREPLY < <(compgen -f -- "${COMP_WORDS[COMP_CWORD]}")
	fi
}

complete -F _rcfs rcfs
