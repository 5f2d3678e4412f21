# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The user interface: steps, progress, errors. It uses stderr, because stdout belongs to
# the guest. $LOG has the full output.
#
# Work that is already done prints nothing, so that a second run is silent and quick.

# Exit statuses that neither commands nor the shell use
EXIT_SETUP=120		# nothing ran: tools, source, patches, build
EXIT_PANIC=121		# the guest's kernel panicked
EXIT_HANG=122		# the guest made no progress, or took too long
EXIT_COMPLAINT=123	# the command succeeded, but the kernel complained
EXIT_LOST=119		# the guest ended without saying how

LOG=/dev/null
STEP=0
STEPS=7
STEP_NAME=
STEP_ANNOUNCED=
STARTED=0
BACKGROUND=()
TERMINAL=
[[ ! -t 2 ]] || TERMINAL=1

# log_start: the log of this run; the last forty are kept.
log_start() {
	local old
	if ! mkdir -p "$CACHE/log" 2>/dev/null ||
	   ! LOG=$(mktemp "$CACHE/log/$(date +%Y%m%d-%H%M%S)-XXXXXX.log" 2>/dev/null); then
		LOG=/dev/null
		fail "cannot write below $CACHE" "$(why_unwritable "$CACHE")" \
			"make room there, or set XDG_CACHE_HOME to a folder with 5 GB free"
	fi
	find "$CACHE/log" -maxdepth 1 -name '*.log' | sort -r | tail -n +41 |
		while read -r old; do rm -f "$old"; done
	printf '%s\n' "$(date): $0 ${*@Q}" >"$LOG"
}

why_unwritable() {
	local place=$1
	until [[ -e $place || $place == / ]]; do place=$(dirname "$place"); done
	if [[ ! -w $place ]]; then
		echo "$place is not writable for user $(id -un)"
	else
		df -Pk "$place" | awk 'NR == 2 { printf "%d MB are free on %s\n", $4 / 1024, $6 }'
	fi
}

# step NAME: the step that the next messages belong to
step() {
	clear_progress
	STEP=$((STEP + 1)) STEP_NAME=$1 STEP_ANNOUNCED='' STARTED=$SECONDS
	echo "--- [$STEP/$STEPS] $1" >>"$LOG"
}

# doing WHAT: this step begins some work; on a terminal the line is updated
doing() {
	STEP_ANNOUNCED=1 STARTED=$SECONDS
	echo "+++ $1" >>"$LOG"
	if [[ $TERMINAL ]]; then
		progress "$1"
	else
		echo "[$STEP/$STEPS] $STEP_NAME: $1" >&2
	fi
}

# progress WHAT: rewrite this line
progress() {
	[[ $TERMINAL ]] || return 0
	local elapsed=$((SECONDS - STARTED)) line
	printf -v line '[%d/%d] %s: %s  %d:%02d' "$STEP" "$STEPS" "$STEP_NAME" "$1" \
		$((elapsed / 60)) $((elapsed % 60))
	printf '\r\033[K%s' "${line:0:$((${COLUMNS:-80} - 1))}" >&2
}

clear_progress() {
	[[ ! $TERMINAL || ! $STEP_ANNOUNCED ]] || printf '\r\033[K' >&2
}

# done_with WHAT: print a line for work that took a while
done_with() {
	local elapsed=$((SECONDS - STARTED))
	clear_progress
	echo "+++ done: $1 (${elapsed} s)" >>"$LOG"
	[[ $elapsed -lt 3 ]] || echo "[$STEP/$STEPS] $STEP_NAME: $1 ($elapsed s)" >&2
}

say() {
	clear_progress
	echo "$*" | tee -a "$LOG" >&2
}

# logged COMMAND…: run it with its output in the log (with --verbose: on stderr
# as well), and the live line ticking
logged() {
	local pid tick=
	echo "\$ ${*@Q}" >>"$LOG"
	if [[ $VERBOSE ]]; then
		"$@" </dev/null 2>&1 | tee -a "$LOG" >&2
		return "${PIPESTATUS[0]}"
	fi
	if [[ ! $TERMINAL ]]; then
		"$@" </dev/null >>"$LOG" 2>&1
		return
	fi
	"$@" </dev/null >>"$LOG" 2>&1 &
	pid=$!
	BACKGROUND+=("$pid")
	tick=$(tail -n 1 "$LOG")
	while kill -0 "$pid" 2>/dev/null; do
		tick=$(tail -n 1 "$LOG" | tr -cd '[:print:]')
		progress "${tick#\$ }"
		sleep 0.2
	done
	wait "$pid"
}

# fail WHAT WHY DO [STATUS]: the end. Names the log, and its last lines when
# there is no better explanation.
fail() {
	local what=$1 why=$2 todo=$3 status=${4:-$EXIT_SETUP}
	if [[ $LOG != /dev/null ]] && tail -n 40 "$LOG" | grep -q 'No space left on device'; then
		why="the disk is full: $(why_unwritable "$CACHE")"
		todo="make room there, or set XDG_CACHE_HOME to a folder with 5 GB free"
	fi
	clear_progress
	{
		echo "qemu-run.sh: $what"
		printf '%s\n' "$why" | sed '1s/^/  why:  /; 2,$s/^/        /'
		printf '%s\n' "$todo" | sed '1s/^/  do:   /; 2,$s/^/        /'
		[[ $LOG == /dev/null ]] || echo "  log:  $LOG"
	} | tee -a "$LOG" >&2
	exit "$status"
}

# need_space MB WHERE: say so before an hour of work instead of after it
need_space() {
	local free
	free=$(df -Pk "$2" | awk 'NR == 2 { print int($4 / 1024) }')
	[[ $free -ge $1 ]] ||
		fail "not enough disk space for: $STEP_NAME" \
			"$2 has $free MB free, $1 MB are needed" \
			"make room there, or set XDG_CACHE_HOME to a folder with 5 GB free"
}

# One run at a time changes the cache; the guests themselves run side by side.
lock_cache() {
	local owner
	exec {LOCK}<>"$CACHE/lock" ||
		fail "cannot open the lock $CACHE/lock" "$(why_unwritable "$CACHE")" "make it writable"
	if ! flock -n "$LOCK"; then
		owner=$(cat "$CACHE/lock" 2>/dev/null)
		say "waiting for another run to finish with $CACHE (pid ${owner:-unknown})"
		flock "$LOCK"
	fi
	echo $$ >"$CACHE/lock"
}

unlock_cache() {
	exec {LOCK}>&-
}
