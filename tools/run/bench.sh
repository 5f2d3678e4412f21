# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The host's side of --bench: build the program, boot it once to count
# instructions, once to measure time in QEMU and once to measure time at native speed,
# and make a table, JSON and a chart of what came back. With --native: the last boot
# alone. What is measured, and how, is in tools/bench/README.md.

# find_bench_tools: a Python that can draw. The first on the PATH may be one
# that does not see Debian's packages.
find_bench_tools() {
	while read -r BENCH_PYTHON; do
		"$BENCH_PYTHON" -c 'import matplotlib' 2>/dev/null && return
	done < <(type -aP python3 | awk '!seen[$0]++')
	BENCH_PYTHON=
	missing "no python3 with matplotlib, for the chart" python3-matplotlib
}

bench_prepare() {
	BENCH_RESULTS=$(realpath -m -- "$BENCH_RESULTS")
	mkdir -p "$BENCH_RESULTS" && [[ -w $BENCH_RESULTS ]] ||
		fail "the results cannot be written to $BENCH_RESULTS" "$(why_unwritable "$BENCH_RESULTS")" \
			"name another folder: --bench FOLDER"
	rm -f "$BENCH_RESULTS"/{table.md,results.json,chart.png,chart.svg}
}

# bench_native_kernel: the second kernel that --bench needs, without bench.config, as
# User Mode Linux has no CONFIG_JUMP_LABEL. Sets NATIVE_MODULES.
bench_native_kernel() {
	local FRAGMENTS=("$TOP/.config.fragment") CONFIGS=("${CONFIGS[@]:1}")
	local BUILD MODULES MAKE TARGET KERNEL_IMAGE
	if [[ $FLAVOUR == native ]]; then
		return
	fi
	local FLAVOUR=native
	build_kernel
	take_kernel
	NATIVE_MODULES=$MODULES
}

# bench_build: static, as the guest has no libraries
bench_build() {
	BENCH=$RUN/bench
	logged "$CLANG" -O2 -Wall -Wextra -static -pthread -o "$BENCH" "$TOP/tools/bench/bench.c" ||
		fail "the benchmark does not build" "$(grep -m 3 'error:' "$LOG")" "correct tools/bench/bench.c"
}

# bench_boot PART [ARG…]: one guest, in the way that ICOUNT, SMP and ACCEL say
bench_boot() {
	local raw=$BENCH_RESULTS/$1.raw
	rm -f "$RUN"/{out,err,status,console}
	guest_begin command
	guest_add "$BENCH:/root/bench"
	guest_command /root/bench "$@"
	guest_stdin
	guest_end
	doing "measuring: $1"
	boot_watched >"$raw"
	done_with "measured: $1"
	[[ $GUEST_STATUS == 0 ]] ||
		fail "the benchmark did not finish" "see its last lines above; the figures so far are in $raw" \
			"if the kernel has failed, see its console in the log" "$GUEST_STATUS"
	[[ ${#SPLATS[@]} -eq 0 ]] || exit "$EXIT_COMPLAINT"
}

bench_run() {
	local accel=$ACCEL raw=("$BENCH_RESULTS/native.raw")
	if [[ $FLAVOUR == native ]]; then
		bench_boot native
	else
		# A busy host is too late for the timer interrupts that the kernel looks for.
		ICOUNT=1 ACCEL=tcg SMP=1 APPEND="no_timer_check $APPEND" \
			bench_boot count "${RCFS_BENCH_MOST:-100000}"
		ICOUNT='' ACCEL=$accel SMP=$SMP APPEND="no_timer_check $APPEND" bench_boot time
		FLAVOUR=native MODULES=$NATIVE_MODULES bench_boot native
		raw=("$BENCH_RESULTS"/{count,time,native}.raw)
	fi
	"$BENCH_PYTHON" "$TOP/tools/bench/report.py" --out "$BENCH_RESULTS" \
		--about "Linux $KERNEL ($SOURCE_ID), rcfs $(bench_version)" \
		"${raw[@]}"
}

# bench_version: print the commit that was measured
bench_version() {
	git -C "$TOP" -c safe.directory="$TOP" describe --always --dirty 2>/dev/null || echo "of no commit"
}
