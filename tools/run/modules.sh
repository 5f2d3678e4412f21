# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# --module: build modules out of the tree, load them in the guest, and reload them in a guest that
# already runs.
#
# A guest with modules listens on a line of its own: a virtio port in QEMU, a serial line under User
# Mode Linux. The host's end is a pair of named pipes. $RUN/modules makes the guest known to other
# runs:
#	sources			what --module named, absolute, one a line
#	build			the build folder of the guest's kernel
#	alive			locked as long as the guest runs
#	line.in line.out	the line
#	lock			locked by the run that uses the line
# A request is an archive of the modules and of a file "order" with their names, as lines of text, so
# that the next one can begin wherever the last one was broken off: "ID begin SHA256", "ID data
# BASE64" and "ID end". They are short, and each waits until the guest says "ID more": User Mode Linux
# never reads a serial line again that had more for a reader than 4 KB. The guest answers "ID says
# TEXT", and then "ID exit STATUS". When it begins to listen, it says "ready", and what was sent
# before counts no more.

MODULE_SOURCES=()	# files and folders, absolute
MODULE_FILES=()		# the modules that were built from them, in the order of loading
MODULE_COMMANDS=()	# make's command lines

# module_option NAME: handle the argument of --module
module_option() {
	local source
	source=$(realpath -e -- "$1" 2>/dev/null) || usage "--module: there is no file or folder $1"
	if [[ -d $source ]]; then
		[[ -f $source/Kbuild || -f $source/Makefile ]] ||
			usage "--module: $1 has no Makefile; one line is enough: obj-m := NAME.o"
	else
		[[ $source == *.rs ]] || usage "--module: $1 is neither a folder nor a file of Rust (.rs)"
		[[ $(basename "$source") =~ ^[A-Za-z0-9_-]+\.rs$ ]] ||
			usage "--module: the name of $1 becomes the name of a module: use letters, digits, - and _"
	fi
	[[ $source =~ ^[A-Za-z0-9_./+@,~-]+$ ]] || usage "--module: make cannot use the name $source; rename it"
	MODULE_SOURCES+=("$source")
}

modules_build() {
	local source
	[[ ${#MODULE_SOURCES[@]} -gt 0 ]] || return 0
	step "modules"
	grep -qx CONFIG_MODULES=y "$BUILD/.config" ||
		fail "this kernel cannot load modules" "CONFIG_MODULES is off in its configuration" "omit --module, or enable the option"
	modules_forget
	for source in "${MODULE_SOURCES[@]}"; do
		module_build "$source"
	done
	# The cache is still locked.
	modules_collect "$RUN/built"
}

# modules_forget: remove the output for files that do not exist any more
modules_forget() {
	local name
	for name in "$BUILD"-modules/*/.rcfs-source; do
		[[ ! -f $name || -e $(<"$name") ]] || rm -rf "$(dirname "$name")"
	done
}

# module_build SOURCE: the output is below the cache. make decides what to build.
module_build() {
	local source=$1 build command status name
	build=$BUILD-modules/$(basename "$source" .rs)-$(sha256sum <<<"$source" | head -c 8)
	mkdir -p "$build" || fail "$build cannot be made" "$(why_unwritable "$CACHE")" "make it writable"
	echo "$source" >"$build/.rcfs-source"
	command=("${MAKE[@]}")
	if [[ -d $source ]]; then
		command+=(M="$source" MO="$build")
	else
		# The compiler gets the file at its own place, and names it in its messages.
		printf '%s\n' "obj-m := $(basename "$source" .rs).o" "vpath %.rs $(dirname "$source")" >"$build/Kbuild"
		command+=(M="$build")
	fi
	command+=(modules)
	MODULE_COMMANDS+=("$(printf ' %q' "${command[@]}")")
	progress "building $(basename "$source")"
	echo "\$ ${command[*]@Q}" >>"$LOG"
	"${command[@]}" -s --no-print-directory </dev/null >"$build/.rcfs-said" 2>&1
	status=$?
	cat "$build/.rcfs-said" >>"$LOG"
	STEP_ANNOUNCED=1 clear_progress
	# Show the messages of the compiler unchanged.
	grep -vE '^make(\[[0-9]+\])?: ' "$build/.rcfs-said" >&2
	[[ $status == 0 ]] ||
		fail "$source does not build" "see the output of make above" "correct it, and run the same command again"
	while read -r name; do
		MODULE_FILES+=("$build/${name%.o}.ko")
	done <"$build/modules.order"
	[[ -s $build/modules.order ]] || fail "$source has no module" "the Makefile has no obj-m" "add a line: obj-m := NAME.o"
}

# modules_collect FOLDER: make it, with the modules and the file "order"
modules_collect() {
	local file name
	mkdir -p "$1" && : >"$1/order" || fail "$1 cannot be made" "$(why_unwritable "$CACHE")" "make room there"
	for file in "${MODULE_FILES[@]}"; do
		name=$(basename "$file" .ko)
		[[ ! -e $1/$name.ko ]] || fail "two modules are called $name" "the kernel knows modules by their names" "rename one"
		cp "$file" "$1/$name.ko" || fail "$file cannot be copied" "$(why_unwritable "$CACHE")" "make room there"
		echo "$name" >>"$1/order"
	done
}

# guest_modules: put them into the guest, and make it known
guest_modules() {
	local folder=$RUN/modules
	[[ ${#MODULE_FILES[@]} -gt 0 ]] || return 0
	mv "$RUN/built" "$GUEST/etc/rcfs/modules"
	mkdir "$folder"
	mkfifo "$folder/line.in" "$folder/line.out" ||
		fail "named pipes cannot be made in $folder" "mkfifo failed" "set XDG_CACHE_HOME to a file system that has them"
	exec {GUEST_ALIVE}>"$folder/alive"
	flock "$GUEST_ALIVE"
	echo "$BUILD" >"$folder/build"
	printf '%s\n' "${MODULE_SOURCES[@]}" >"$folder/sources.new"
	mv "$folder/sources.new" "$folder/sources"
}

# modules_line: arguments of the virtual machine for the line, in VM_LINE
modules_line() {
	VM_LINE=()
	[[ -d $RUN/modules ]] || return 0
	if is_uml; then
		exec {LINE_IN}<>"$RUN/modules/line.in" {LINE_OUT}<>"$RUN/modules/line.out"
		VM_LINE=("ssl4=fd:$LINE_IN,fd:$LINE_OUT")
	else
		VM_LINE=(-chardev "pipe,id=modules,path=modules/line" -device "virtserialport,chardev=modules,name=modules")
	fi
}

# guest_lives FOLDER: of a guest that is known to other runs
guest_lives() {
	flock -n -E 75 "$1/alive" true 2>/dev/null
	[[ $? == 75 ]]
}

# modules_find_guest: the guest that was started last with these modules, if one runs; sets FOUND,
# the folder that makes it known
modules_find_guest() {
	local folder source other=
	while read -r folder; do
		for source in "${MODULE_SOURCES[@]}"; do
			grep -qxF -- "$source" "$folder/sources" || continue 2
		done
		guest_lives "$folder" || continue
		FOUND=$folder
		[[ $(cat "$folder/build") != "$BUILD" ]] || return 0
		other=$(basename "$(cat "$folder/build")")
	done < <(find "$CACHE/run" -mindepth 3 -maxdepth 3 -path '*/modules/sources' -printf '%T@ %h\n' 2>/dev/null |
		sort -rn | cut -d ' ' -f 2-)
	[[ ! $other ]] ||
		say "a guest with another kernel ($other) has these modules, and is not used: give the same options to reload them there"
	return 1
}

# modules_reload: have the guest load them anew, and tell how that went. The status is 0 if all are
# loaded as they are now. Unlocks the cache.
modules_reload() {
	local id=${RUN##*/} sum lines next=0 part='' line status='' started=$SECONDS waited=''
	cmp -s "$KERNEL_IMAGE" "$FOUND/../kernel-$FLAVOUR" ||
		fail "the modules cannot be reloaded in the running guest" \
			"its kernel differs from the new one, because the source has changed" \
			"end that guest, and run this again"
	unlock_cache
	tar -C "$RUN/built" -czf "$RUN/request.tar" . 2>>"$LOG" ||
		fail "the modules cannot be packed" "$(tail -n 1 "$LOG")" "see the log"
	sum=$(sha256sum <"$RUN/request.tar")
	mapfile -t lines < <(echo "begin ${sum%% *}"; base64 -w 1000 "$RUN/request.tar" | sed 's/^/data /'; echo end)
	exec {LINE_LOCK}>"$FOUND/lock" {LINE_IN}<>"$FOUND/line.in" {LINE_OUT}<>"$FOUND/line.out" ||
		fail "the guest cannot be reached" "it has just ended" "run this again, for a new guest"
	flock "$LINE_LOCK"
	: >"$RUN/said"
	# A guest that has read a request before it was ready, and after that, asks once too often.
	send_next() {
		[[ $next -lt ${#lines[@]} ]] || return 0
		printf '%s %s\n' "$id" "${lines[next]}" >&"$LINE_IN"
		next=$((next + 1))
	}
	send_next
	until [[ $status ]]; do
		if IFS= read -r -t 2 -u "$LINE_OUT" line; then
			line=$part${line%$'\r'} part=''
			case $line in
			ready)		next=0; send_next ;;
			"$id more")	send_next ;;
			"$id exit "*)	status=${line##* } ;;
			"$id says "*)	printf '%s\n' "${line#"$id says "}" | tee -a "$RUN/said" ;;
			esac
			continue
		fi
		part+=$line
		guest_lives "$FOUND" || fail "the guest has ended" "it has not answered" "run this again, for a new guest"
		if [[ $SILENCE -gt 0 && $((SECONDS - started)) -ge $SILENCE ]]; then
			fail "the guest does not answer" "there was no answer for $SILENCE s" "examine the guest; RCFS_SILENCE sets the limit" \
				"$EXIT_HANG"
		elif [[ ! $waited && $((SECONDS - started)) -ge 10 ]]; then
			waited=1
			say "waiting for the guest to answer"
		fi
	done
	cat "$RUN/said" >>"$LOG"
	[[ $status == 0 ]] || return 1
	line=$(grep -m 1 -E "$SPLAT" "$RUN/said") || return 0
	say "the kernel complained: $line"
	return "$EXIT_COMPLAINT"
}
