# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The host's side of --test: install the selftests for the guest, run them and
# the KUnit suites there, and judge what came back.

# selftests_install: with the kernel's own makefiles, out of the tree
selftests_install() {
	local build=$CACHE/build/selftests key
	[[ $ARCH == x86_64 ]] || build+=-$ARCH
	SELFTESTS=$build/installed
	if [[ ! -f $TREE/tools/testing/selftests/rcfs/Makefile ]]; then
		SELFTESTS=
		return
	fi
	key="$SOURCE_ID $LLVM $(cat "$TREE/.rcfs-key")"
	[[ $key != "$(cat "$build/.rcfs-key" 2>/dev/null)" ]] || return 0
	doing "building the selftests"
	rm -rf "$SELFTESTS" "$build/.rcfs-key"
	mkdir -p "$build"
	# Plain or debug, the kernel of a machine runs the same programs. The linker
	# that clang takes by itself knows this machine alone.
	logged make -C "$TREE" O="$build" ARCH="$ARCH" LLVM="$LLVM" headers &&
		logged make -C "$TREE/tools/testing/selftests" O="$build" ARCH="$ARCH" LLVM="$LLVM" \
			USERLDFLAGS=-fuse-ld=lld TARGETS=rcfs FORCE_TARGETS=1 RCFS_STRESS=1 KSFT_INSTALL_PATH="$SELFTESTS" install ||
		fail "the selftests do not build" "$(tail -n 15 "$LOG")" "correct tools/testing/selftests/rcfs"
	[[ -s $SELFTESTS/kselftest-list.txt ]] ||
		fail "no selftests were installed" "$SELFTESTS/kselftest-list.txt is empty" \
			"look at TEST_PROGS in tools/testing/selftests/rcfs/Makefile"
	echo "$key" >"$build/.rcfs-key"
	done_with "built the selftests"
}

# guest_tests PATTERN: write the files for the guest's run-tests
guest_tests() {
	mkdir -p "$GUEST/usr/lib/kselftest"
	[[ ! $SELFTESTS ]] || cp -r "$SELFTESTS/." "$GUEST/usr/lib/kselftest/"
	echo "$1" >"$GUEST/etc/rcfs/pattern"
	echo "$TEST_LIMIT" >"$GUEST/etc/rcfs/timeout"
}

# judge: count, name every failure, and end with the summary line
judge() {
	local kind rest passed=0 failed=0 skipped=0 failures=()
	while read -r kind rest; do
		case $kind in
		failure) failures+=("$rest") ;;
		passed) passed=$rest ;;
		failed) failed=$rest ;;
		skipped) skipped=$rest ;;
		esac
	done < <(awk -v nested=1 -f "$TOP/tools/run/ktap.awk" "$RUN/out")
	for rest in "${SPLATS[@]/#/console: }" ${GUEST_END:+"$GUEST_END"}; do
		failures+=("$rest")
		failed=$((failed + 1))
	done
	if [[ $((passed + failed)) == 0 ]]; then
		failures+=("nothing ran${PATTERN:+: no test file and no KUnit suite has \"$PATTERN\" in its name}")
		failed=1
	fi
	for rest in "${failures[@]}"; do
		echo "# failed: $rest"
	done
	[[ $failed == 0 ]] || echo "# the console and the build are in $LOG"
	echo "$passed passed, $failed failed$([[ $skipped == 0 ]] || echo ", $skipped skipped")"
	[[ $failed == 0 ]]
}
