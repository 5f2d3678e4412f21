# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The guest's file system: busybox and tools/guest (kept, since they rarely
# change), and on top what this run adds. The kernel takes archives one behind
# the other, so nothing is packed twice.
#
# Sets INITRD. GUEST is the folder that becomes the run's own archive.

# pack FOLDER: an archive of it on stdout, everything owned by root
pack() {
	(cd "$1" && find . -print0 | LC_ALL=C sort -z | cpio -o -H newc -0 -R 0:0 --quiet) ||
		fail "the initramfs cannot be packed" "cpio failed on $1; $(why_unwritable "$CACHE")" "see above"
}

base_initramfs() {
	local key root
	key=$(cat "$BUSYBOX" "$TOP"/tools/guest/* "${BASH_SOURCE[0]}" | sha256sum | head -c 16)
	BASE=$CACHE/initramfs/$ARCH-$key.cpio
	[[ ! -f $BASE ]] || return 0
	doing "packing busybox"
	rm -rf "$CACHE/initramfs/root" "$CACHE/initramfs/$ARCH-"*
	root=$CACHE/initramfs/root
	mkdir -p "$root"/{bin,sbin,dev,etc,lib,proc,root,run,sys,tmp,usr/lib,usr/local/bin}
	# The names of the other commands are added in the guest: a busybox for another
	# machine cannot be asked for them here.
	cp "$BUSYBOX" "$root/bin/busybox"
	ln -s busybox "$root/bin/sh"
	cp "$TOP/tools/guest/init" "$root/init"
	cp "$TOP"/tools/guest/{demo,loader,run-tests} "$root/usr/local/bin/"
	echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
	echo 'root:x:0:' >"$root/etc/group"
	pack "$root" >"$BASE.new"
	mv "$BASE.new" "$BASE"
	rm -rf "$root"
}

# guest_begin MODE: start the run's own archive
guest_begin() {
	GUEST=$RUN/guest
	rm -rf "$GUEST"
	mkdir -p "$GUEST/etc/rcfs"
	echo "$1" >"$GUEST/etc/rcfs/mode"
	if [[ ${RCFS_COMMAND-} ]]; then
		mkdir -p "$GUEST/usr/local/bin"
		cp "$RCFS_COMMAND" "$GUEST/usr/local/bin/rcfs"
	fi
}

# guest_add FILE[:DEST]: a file or a folder of the host
guest_add() {
	local from=$1 to=
	if [[ ! -e $from && $from == *:* ]]; then
		to=${from##*:}
		from=${from%:*}
	fi
	[[ -e $from ]] || fail "--add: $from does not exist" "there is no such file or folder" "correct the name"
	to=${to:-/root/$(basename "$(realpath "$from")")}
	[[ $to == /* ]] || to=/root/$to
	[[ $to != */ ]] || to+=$(basename "$(realpath "$from")")
	mkdir -p "$GUEST$(dirname "$to")"
	cp -rLp "$from" "$GUEST$to" 2>>"$LOG" ||
		fail "--add: $from cannot be copied" "$(tail -n 1 "$LOG")" "see the log"
}

# guest_command COMMAND…: as a script, so that any argument survives
guest_command() {
	local word
	for word; do
		printf "'%s' " "${word//\'/\'\\\'\'}"
	done >"$GUEST/etc/rcfs/command"
}

# guest_shell: write the settings of the terminal for a shell in the guest
guest_shell() {
	local size
	size=$(stty size 2>/dev/null)
	# Some terminals do not know their own size.
	[[ $size =~ ^[1-9] ]] || size="24 80"
	echo "$size ${TERM:-linux}" >"$GUEST/etc/rcfs/terminal"
	{
		echo "Linux with rcfs at /sys/fs/rcfs. Leave with 'exit' or 'poweroff'."
		[[ ! -d $RUN/modules ]] ||
			echo "After an edit of a module, the same command in another terminal reloads it here."
		is_uml || echo "Ctrl-a x ends the guest at once, Ctrl-a a is a Ctrl-a."
	} >"$GUEST/etc/rcfs/welcome"
}

guest_end() {
	INITRD=$RUN/initrd
	{
		cat "$BASE"
		[[ ! -d $MODULES ]] || pack "$MODULES"
		pack "$GUEST"
	} >"$INITRD"
	rm -rf "$GUEST"
}
