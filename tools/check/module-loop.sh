#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The loop of whoever writes a controller: ./qemu-run.sh --module FILE.rs builds a module and loads
# it in the guest, and the same command reloads it in the guest that runs. The sample is copied,
# used, changed, reloaded and broken, as somebody at two terminals would do it. KTAP output, and "N
# passed, N failed" as the last line.
#
#	tools/check/module-loop.sh [OPTION…]
#
# An OPTION of qemu-run.sh chooses another kernel: --debug, --native, --arch arm64.

set -u
# shellcheck source=tools/lib/help.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/help.sh"
export LC_ALL=C.UTF-8

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd) || exit 1
options=("$@")
# What one waits for takes seconds. A busy machine may need longer.
limit=${RCFS_LIMIT:-900}
work=$(mktemp -d) || exit 1
number=0 passed=0 failed=0
terminal=''

# However this ends, the guest ends, too: User Mode Linux does not by itself when its terminal has gone.
finish() {
	local end=$((SECONDS + 20))
	trap - EXIT
	if [[ $terminal ]]; then
		echo "poweroff -f" >&"$keys"
		while kill -0 "$terminal" 2>/dev/null && [[ $SECONDS -lt $end ]]; do
			sleep 0.2
		done
		kill "$terminal" 2>/dev/null
	fi
	rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

# point DESCRIPTION COMMAND…: it says what is wrong, if anything is
point() {
	local description=$1 wrong
	shift
	number=$((number + 1))
	: >"$work/wrong"
	if "$@" && [[ ! -s $work/wrong ]]; then
		passed=$((passed + 1))
		echo "ok $number $description"
	else
		failed=$((failed + 1))
		echo "not ok $number $description"
		sed 's/^/# /' "$work/wrong"
		[[ ! -f $work/said ]] || sed 's/^/# said: /' "$work/said"
	fi
}

wrong() {
	echo "$*" >>"$work/wrong"
	return 1
}

# run ARGUMENT…: without a terminal. Sets STATUS and SECONDS_TAKEN; what it says is in $work/said
run() {
	local begin=$EPOCHREALTIME
	"$top/qemu-run.sh" "${options[@]}" "$@" </dev/null >"$work/said" 2>&1
	STATUS=$?
	SECONDS_TAKEN=$(awk -v a="$begin" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }')
}

ends_with() {
	[[ $STATUS == "$1" ]] || wrong "the status is $STATUS, not $1"
}

says() {
	grep -qE -- "$1" "$work/said" || wrong "it does not say: $1"
}

# count_begins_at NUMBER: what forks.count shows of a new container
count_begins_at() {
	sed -i "s/budget\.forks\.usage()[^)]*)/budget.forks.usage() + $1)/" "$file"
	grep -qF "budget.forks.usage() + $1)" "$file" || wrong "the sample does not show budget.forks.usage() any more"
}

# ---- the guest on a terminal

# type_in COMMAND: at the guest's prompt, and wait until it is through
commands=0
type_in() {
	commands=$((commands + 1))
	# The terminal shows what is typed, which is not what the guest says of it.
	echo "$1; echo through-\$((100000 + $commands))" >&"$keys"
	wait_for "through-$((100000 + commands))"
}

# wait_for PATTERN: on the terminal's screen
wait_for() {
	local end=$((SECONDS + limit))
	until grep -qE -- "$1" "$work/screen" 2>/dev/null; do
		if ! kill -0 "$terminal" 2>/dev/null; then
			wrong "the guest has ended before it said: $1"
		elif [[ $SECONDS -ge $end ]]; then
			wrong "not said within $limit s: $1"
		else
			sleep 0.2
			continue
		fi
		tail -n 20 "$work/screen" | tr -d '\r' >>"$work/wrong"
		return 1
	done
}

# shows COMMAND PATTERN: what the command prints in the guest
shows() {
	: >"$work/screen"
	type_in "$1" || return
	grep -qE -- "$2" "$work/screen" || wrong "$1 does not show: $2
$(tr -d '\r' <"$work/screen")"
}

# ---- what is tried

prints_make() {
	run --module "$file" --build-only
	ends_with 0
	says "^by: .*make -C .* M="
}

loads_before_the_command() {
	# shellcheck disable=SC2016 # expanded in the guest
	run --module "$file" -- sh -c 'mkdir tree && mount -t rcfs -o forks none tree && mkdir tree/a &&
		echo max is $(cat tree/a/forks.max); rmdir tree/a; umount tree; rmmod loop_forks'
	ends_with 0
	says "^max is max$"
}

builds_a_folder() {
	mkdir "$work/folder"
	cp "$file" "$work/folder/folder_forks.rs"
	printf '%s\n' '# SPDX-License-Identifier: GPL-2.0' 'obj-m := folder_forks.o' >"$work/folder/Makefile"
	run --module "$work/folder" -- grep -c "^folder_forks " /proc/modules
	ends_with 0
	says "^1$"
	[[ $(ls -A "$work/folder") == "Makefile
folder_forks.rs" ]] || wrong "the folder has new files: $(ls -A "$work/folder")"
}

refuses_what_is_no_module() {
	run --module "$work/nowhere.rs" -- true
	ends_with 2
	cp "$file" "$work/no module.rs"
	run --module "$work/no module.rs" -- true
	ends_with 2
	run --module "$work" -- true
	ends_with 2
}

# Two controllers of one name
fails_if_it_cannot_be_loaded() {
	sed 's/c"forks"/c"pids"/; s/c"forks\./c"pids./' "$file" >"$work/second_pids.rs"
	run --module "$work/second_pids.rs" -- echo the command
	ends_with 120
	says "second_pids: cannot be loaded: "
	! grep -q '^the command' "$work/said" || wrong "the command ran all the same"
}

starts_a_shell() {
	mkfifo "$work/keys"
	# Keep it open: its end would be the end of the terminal.
	exec {keys}<>"$work/keys"
	# shellcheck disable=SC2094 # script reads one, and writes the other
	TERM=dumb script -qefc "$(printf '%q ' "$top/qemu-run.sh" "${options[@]}" --module "$file")" /dev/null \
		<&"$keys" >"$work/screen" 2>&1 &
	terminal=$!
	wait_for "loop_forks: loaded" || return
	wait_for 'guest:' || return
	type_in "mkdir tree"
}

refuses_while_mounted() {
	type_in "mount -t rcfs -o forks none tree" || return
	count_begins_at 7
	run --module "$file"
	ends_with 1
	says "loop_forks: cannot be unloaded, the old one stays"
	says "umount /root/tree"
	shows "mkdir tree/a; cat tree/a/forks.max; rmdir tree/a" "^max"
}

reloads() {
	type_in "umount tree" || return
	count_begins_at 11
	run --module "$file"
	ends_with 0
	says "^loop_forks: reloaded$"
	echo "# an edit was reloaded in the running guest within $SECONDS_TAKEN s"
	shows "mount -t rcfs -o forks none tree; mkdir tree/a; cat tree/a/forks.count; rmdir tree/a; umount tree" "^11"
}

tells_of_kernel_messages() {
	sed -i 's/^        Ok(Budget {/        pr_info!("a state is made\\n");\n&/' "$file"
	run --module "$file"
	ends_with 0
	says "^loop_forks: reloaded$"
	says "a state is made"
}

leaves_what_has_not_changed() {
	run --module "$file"
	ends_with 0
	says "^loop_forks: is loaded, and has not changed$"
}

shows_errors_of_the_compiler() {
	cp "$file" "$work/good"
	count_begins_at "no_such_value"
	run --module "$file"
	ends_with 120
	says '^error.*no_such_value'
	says "^ *--> $file:[0-9]+:[0-9]+$"
	cp "$work/good" "$file"
	shows "lsmod" "^loop_forks "
}

reloads_after_an_error() {
	count_begins_at 13
	run --module "$file"
	ends_with 0
	says "^loop_forks: reloaded$"
	shows "mount -t rcfs -o forks none tree; mkdir tree/a; cat tree/a/forks.count; rmdir tree/a; umount tree" "^13"
}

ends_well() {
	local status
	echo exit >&"$keys"
	wait "$terminal"
	status=$?
	terminal=''
	[[ $status == 0 ]] || wrong "the shell's run ended with status $status
$(tail -n 20 "$work/screen" | tr -d '\r')"
	[[ $(ls -A "$work/source") == loop_forks.rs ]] || wrong "beside the file is something new: $(ls -A "$work/source")"
}

command -v script >/dev/null || {
	echo "module-loop.sh: no script(1), which makes a terminal: install bsdutils" >&2
	exit 1
}
mkdir "$work/source"
file=$work/source/loop_forks.rs
cp "$top/samples/rust/rust_rcfs_forks.rs" "$file" || exit 1

echo "KTAP version 1"
echo "1..13"
point "--build-only prints make's command line" prints_make
point "a file becomes a module that is loaded before the command" loads_before_the_command
point "a folder with a Makefile becomes a module, and is left as it was" builds_a_folder
point "what is no module is wrong usage" refuses_what_is_no_module
point "a module that cannot be loaded ends the run before the command" fails_if_it_cannot_be_loaded
point "a guest with a shell has the module" starts_a_shell
if [[ $terminal ]]; then
	point "while the controller is mounted, it is not reloaded, and the remedy is told" refuses_while_mounted
	point "the same command reloads the module in the running guest" reloads
	point "what the kernel says is told" tells_of_kernel_messages
	point "a module that has not changed stays" leaves_what_has_not_changed
	point "an error of the compiler is shown, and the module in the guest stays" shows_errors_of_the_compiler
	point "after an error it goes on" reloads_after_an_error
	point "the guest ends well, and nothing was written beside the file" ends_well
fi
echo "$passed passed, $failed failed"
[[ $failed -eq 0 && $passed -gt 0 ]]
