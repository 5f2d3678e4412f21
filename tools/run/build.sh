# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Configure and build. Three kernels (FLAVOUR): "plain", for QEMU's x86-64 or arm64
# (ARCH); "native", User Mode Linux at the speed of this machine; and "debug", User Mode
# Linux with the checkers on.
#
# Sets BUILD (make's O=), KERNEL_IMAGE and MODULES (a folder with lib/modules,
# or empty).

FRAGMENTS=("$TOP/.config.fragment")
CONFIGS=()		# more fragments, on top: absolute names

# is_uml: the kernel is a program of this machine, and needs no QEMU
is_uml() { [[ $FLAVOUR == native || $FLAVOUR == debug ]]; }

build_setup() {
	BUILD=$CACHE/build/$FLAVOUR
	[[ $ARCH == x86_64 ]] || BUILD+=-$ARCH
	# Known by the names, so that an edit of such a file rebuilds little. Names of files of
	# the repository are relative, so that another clone rebuilds little as well.
	[[ ${#CONFIGS[@]} -eq 0 ]] || BUILD+=-$(printf '%s\n' "${CONFIGS[@]#"$TOP/"}" | sha256sum | head -c 8)
	MODULES=$BUILD/rcfs-modules
	MAKE=(make -C "$TREE" O="$BUILD" LLVM="$LLVM" RUSTC="$RUSTC" HOSTRUSTC="$RUSTC"
	      RUSTDOC="${RUSTC%rustc}rustdoc" RUSTFMT="${RUSTC%rustc}rustfmt"
	      CLIPPY_DRIVER="${RUSTC%rustc}clippy-driver" BINDGEN="$BINDGEN")
	# bindgen must read the headers with the compiler's own libclang.
	export LIBCLANG_PATH=$LIBCLANG_DIR
	export KBUILD_BUILD_TIMESTAMP='' KBUILD_BUILD_USER=rcfs KBUILD_BUILD_HOST=rcfs
	if is_uml; then
		FRAGMENTS+=("$TOP/tools/run/uml.config")
		[[ $FLAVOUR != debug ]] || FRAGMENTS+=("$TOP/tools/run/debug.config")
		MAKE+=(ARCH=um)
		TARGET=linux
		KERNEL_IMAGE=$BUILD/linux
		# clang puts data of the large code model into sections that the
		# linker scripts of User Mode Linux leave outside of _sdata.._end,
		# where lockdep does not find it, unless the series mends that.
		grep -q '\.ldata' "$TREE/arch/um/kernel/dyn.lds.S" ||
			MAKE+=(KCFLAGS="-mlarge-data-threshold=2147483647 -Wno-unused-command-line-argument")
	elif [[ $ARCH == arm64 ]]; then
		FRAGMENTS+=("$TOP/tools/run/arm64.config")
		MAKE+=(ARCH=arm64)
		TARGET=Image
		KERNEL_IMAGE=$BUILD/arch/arm64/boot/Image
	else
		MAKE+=(ARCH=x86_64)
		TARGET=bzImage
		KERNEL_IMAGE=$BUILD/arch/x86/boot/bzImage
	fi
	FRAGMENTS+=("${CONFIGS[@]}")
}

build_kernel() {
	local key config_key targets
	build_setup
	targets=("$TARGET")
	config_key=$({ cat "${FRAGMENTS[@]}"; kconfig_of_series; echo "$SOURCE_ID ${MAKE[*]} $TOOLCHAIN"; } | sha256sum)
	key="$config_key $(cat "$TREE/.rcfs-key")"
	[[ ! -f $KERNEL_IMAGE || $key != "$(cat "$BUILD/.rcfs-key" 2>/dev/null)" ]] || return 0
	need_space 800 "$CACHE"
	# Results of another source cannot be used.
	[[ $SOURCE_ID == "$(cat "$BUILD/.rcfs-source" 2>/dev/null)" ]] || rm -rf "$BUILD"
	mkdir -p "$BUILD"
	echo "$SOURCE_ID" >"$BUILD/.rcfs-source"
	rm -f "$BUILD/.rcfs-key"
	if [[ ! -f $BUILD/.config || $config_key != "$(cat "$BUILD/.rcfs-config-key" 2>/dev/null)" ]]; then
		configure
		echo "$config_key" >"$BUILD/.rcfs-config-key"
	fi
	doing "building"
	# A kernel without modules has no such target.
	! grep -qx CONFIG_MODULES=y "$BUILD/.config" || targets+=(modules)
	counted_make "${targets[@]}"
	rm -rf "$MODULES"
	if [[ -s $BUILD/modules.order ]]; then
		logged "${MAKE[@]}" INSTALL_MOD_PATH="$MODULES" INSTALL_MOD_STRIP=1 modules_install ||
			fail "the modules cannot be installed" "$(tail -n 5 "$LOG")" "see the log"
	fi
	echo "$key" >"$BUILD/.rcfs-key"
	done_with "built $COUNT files"
}

kconfig_of_series() {
	(cd "$TREE" && grep -E '(^|/)Kconfig[^/]*$' .rcfs-manifest | while IFS= read -r file; do
		[[ ! -f $file ]] || cat "$file"
	done)
}

# allnoconfig plus the fragments, of which $BUILD/rcfs-fragments/.config is made
configure_leniently() {
	local merged=$BUILD/rcfs-fragments
	doing "configuring"
	mkdir -p "$merged"
	# merge_config.sh makes one of several fragments, the last word winning.
	logged "$TREE/scripts/kconfig/merge_config.sh" -m -Q -O "$merged" "${FRAGMENTS[@]}" &&
		logged "${MAKE[@]}" KCONFIG_ALLCONFIG="$merged/.config" allnoconfig ||
		fail "the kernel cannot be configured" "$(tail -n 5 "$LOG")" "see the log"
}

# The same; then look whether every line of the fragments holds.
configure() {
	local line name lost=
	configure_leniently
	while IFS= read -r line; do
		case $line in
		CONFIG_*=*)
			grep -qxF -- "$line" "$BUILD/.config" || lost+="$line"$'\n' ;;
		"# CONFIG_"*" is not set")
			name=${line#\# }
			! grep -q "^${name%% *}=" "$BUILD/.config" || lost+="$line"$'\n' ;;
		esac
	done <"$BUILD/rcfs-fragments/.config"
	[[ ! $lost ]] ||
		fail "options are missing in the configuration" "Kconfig dropped, for a dependency or because there is no such option:
${lost%$'\n'}" "correct ${FRAGMENTS[*]#"$TOP/"}; for CONFIG_RUST, 'make rustavailable' in the log below tells why
$({ "${MAKE[@]}" rustavailable 2>&1 || true; } | tee -a "$LOG" | grep '^\*\*\*' | head -n 4)"
}

# counted_make TARGET…: make with a live count and the current file
counted_make() {
	local line last=-1 minute=0 status
	COUNT=0
	exec {PIPE}< <("${MAKE[@]}" -j"$(nproc)" "$@" </dev/null 2>&1; echo "rcfs-status $?")
	BACKGROUND+=("$!")
	while IFS= read -r line <&"$PIPE"; do
		case $line in
		"rcfs-status "*)
			status=${line#* }; continue ;;
		"  "[A-Z]*)
			COUNT=$((COUNT + 1)) ;;
		esac
		printf '%s\n' "$line" >>"$LOG"
		if [[ $VERBOSE ]]; then
			printf '%s\n' "$line" >&2
		elif [[ $TERMINAL && $SECONDS != "$last" ]]; then
			last=$SECONDS
			progress "$COUNT done, ${line##* }"
		elif [[ ! $TERMINAL && $(((SECONDS - STARTED) / 60)) -gt $minute ]]; then
			minute=$(((SECONDS - STARTED) / 60))
			echo "[$STEP/$STEPS] $STEP_NAME: $COUNT done after $minute min, ${line##* }" >&2
		fi
	done
	exec {PIPE}<&-
	[[ ${status-} == 0 ]] ||
		fail "the $FLAVOUR kernel does not build" "$(build_errors)" "correct the source, or see the log for the rest"
}

# Print the first error of the compiler.
build_errors() {
	awk '/(^|: )(fatal )?error(\[E[0-9]+\])?:|^ERROR: |^ld\.lld.*error|No space left/ && !n { n = 1 }
		n && n++ < 25 && !/^make/' "$LOG" | tail -n 24
}
