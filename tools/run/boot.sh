# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Boot the guest, in QEMU or as User Mode Linux, watch it, and find out how it
# ended.
#
# $RUN is this run's own folder: copies of kernels (kernel-FLAVOUR) and initramfs, so that
# another run may build at the same time, and the lines of the guest as files:
#	console		what the kernel prints
#	out err		the command's streams
#	status		"exit N", or "module TEXT" if one cannot be loaded, from the guest's init
#	modules/	see modules.sh

# These messages on the console are failures in every run; see check_console.
SPLAT='WARNING: |BUG: |BUG at |BUG [^ ]+ [(]|Oops|Internal error: |Kernel panic|general protection fault|unable to handle
UBSAN: |KCSAN: |KASAN: |KFENCE: |ODEBUG: |DEBUG_LOCKS_WARN_ON
possible (circular|recursive|irq) |inconsistent lock state|suspicious RCU usage|bad unlock balance
held lock freed|lock held when returning|Invalid wait context
sleeping function called|scheduling while atomic|refcount_t: |list_(add|del)[^ ]* corruption
rcu: INFO: |detected stalls|blocked for more than|soft lockup|hard LOCKUP|workqueue lockup
kmemleak: [1-9][0-9]* new suspected|Bad page state|rust_kernel: panicked|rcfs: cannot be mounted'
SPLAT=${SPLAT//$'\n'/|}

# A data race counts if one of its stacks has these functions: those of rcfs, and those
# that the series changes
OURS='rcfs|nsproxy|task_namespaces|copy_namespaces|running_state'

run_begin() {
	mkdir -p "$CACHE/run"
	RUN=$(mktemp -d "$CACHE/run/XXXXXX") ||
		fail "cannot make a folder in $CACHE/run" "$(why_unwritable "$CACHE")" "make it writable"
	TERMINAL_STATE=$(stty -g <&0 2>/dev/null)
	trap run_end EXIT
	trap 'run_end; trap - INT; kill -INT $$' INT
	trap 'exit 143' TERM HUP
}

# Remove all processes and files of this run, however it ends.
run_end() {
	local pid
	trap - EXIT
	for pid in "${BACKGROUND[@]}"; do
		kill "$pid" 2>/dev/null
	done
	[[ ! ${VM-} ]] || kill -9 "$VM" 2>/dev/null
	[[ ! $TERMINAL_STATE ]] || stty "$TERMINAL_STATE" <&0 2>/dev/null
	clear_progress
	rm -rf "$RUN"
}

# take_kernel: copy the kernel while the lock is held. For User Mode Linux a hard link
# is enough, because the linker always writes a new file.
take_kernel() {
	local kernel=$RUN/kernel-$FLAVOUR
	if is_uml; then
		ln "$KERNEL_IMAGE" "$kernel" 2>/dev/null || cp "$KERNEL_IMAGE" "$kernel"
	else
		cp "$KERNEL_IMAGE" "$kernel"
	fi || fail "the kernel cannot be copied" "$(why_unwritable "$CACHE")" "make room"
}

# choose_accel: use KVM only if it works. On some machines it can be opened, but the
# guest never runs an instruction. So try a short boot, and keep the result for this
# processor, host kernel and QEMU.
choose_accel() {
	local key answer=tcg
	[[ $ACCEL == auto ]] || return 0
	ACCEL=tcg
	[[ $FLAVOUR == plain && $ARCH == x86_64 && ! $ICOUNT && -r /dev/kvm && -w /dev/kvm ]] || return 0
	key=$({ uname -rm; grep -m 1 'model name' /proc/cpuinfo; "$QEMU" --version; echo "$SOURCE_ID"; } | sha256sum)
	if [[ $key != "$(head -n 1 "$CACHE/accel" 2>/dev/null)" ]]; then
		doing "trying KVM for at most 8 s"
		guest_begin probe
		guest_end
		ACCEL=kvm
		qemu_arguments
		{
			timeout -k 1 8 "${VM_COMMAND[@]}" -chardev file,id=console,path=console \
				-serial chardev:console -append "console=$SERIAL panic=-1" </dev/null
		} >>"$LOG" 2>&1
		! grep -q 'rcfs: the guest is up' "$RUN/console" || answer=kvm
		rm -f "$RUN/console"
		printf '%s\n' "$key" "$answer" >"$CACHE/accel"
		done_with "KVM $([[ $answer == kvm ]] && echo works || echo 'does not work here; emulating')"
	fi
	ACCEL=$(tail -n 1 "$CACHE/accel")
	echo "accelerator: $ACCEL" >>"$LOG"
}

# qemu_arguments: the arguments of every QEMU guest, in VM_COMMAND
qemu_arguments() {
	local accel=$ACCEL
	# QEMU 7.2 can translate an instruction while another processor of the guest
	# patches it, and then runs the old one for ever. arm64 patches an instruction
	# by a single write, and cannot notice. Static keys were seen to be on for one
	# function and off for another. x86-64 writes three times, with all processors
	# interrupted in between.
	[[ $ARCH != arm64 ]] || accel+=,thread=single
	VM_COMMAND=(env -C "$RUN" "$QEMU" -nodefaults -no-user-config -display none -no-reboot -nic none
		    "${QEMU_MACHINE[@]}" -accel "$accel" -m "$MEM" -smp "$SMP" -kernel "kernel-$FLAVOUR" -initrd initrd)
	[[ $ACCEL != kvm ]] || VM_COMMAND+=(-cpu host)
	[[ ! $ICOUNT ]] || VM_COMMAND+=(-icount "shift=0,sleep=off")
	[[ ! $GDB ]] || VM_COMMAND+=(-s -S)
	# shellcheck disable=SC2206 # one word an argument
	VM_COMMAND+=(${RCFS_QEMU-})
}

# boot_command INTERACTIVE: the whole command line, in VM_COMMAND
boot_command() {
	local interactive=$1 line append
	append="panic=-1 $APPEND"
	# After an oops, locks may stay held, and a test would hang.
	[[ $interactive ]] && append="loglevel=5 $append" || append="oops=panic $append"
	[[ ! $GDB ]] || append="nokaslr $append"
	[[ $MODE != test ]] || append="kunit.enable=1 kmemleak=on $append"
	# The KUnit tests of the kernel crate for SpinLockIrq fail if spinlocks sleep.
	[[ ! $RT ]] || append="kunit.filter_glob=rcfs* $append"
	modules_line
	if is_uml; then
		exec {OUT}>>"$RUN/out" {ERR}>>"$RUN/err" {STATUS}>>"$RUN/status" {CONSOLE}>>"$RUN/console"
		VM_COMMAND=(env TMPDIR="${TMPDIR:-/dev/shm}" "$RUN/kernel-$FLAVOUR" mem="$MEM" initrd="$RUN/initrd" uml_dir="$RUN/" ncpus="$SMP" seccomp=on
			    con=null ssl=null "ssl1=null,fd:$OUT" "ssl2=null,fd:$ERR" "ssl3=null,fd:$STATUS" "ssl0=null,fd:$CONSOLE"
			    console=ttyS0)
		[[ ! $interactive ]] || VM_COMMAND+=("con0=fd:0,fd:1" console=tty0)
		# shellcheck disable=SC2206 # one word an argument
		VM_COMMAND+=("${VM_LINE[@]}" $append)
		return
	fi
	qemu_arguments
	VM_COMMAND+=(-append "console=$SERIAL $append")
	if [[ $interactive ]]; then
		VM_COMMAND+=(-chardev "stdio,id=console,mux=on,signal=off,logfile=console" -mon "chardev=console")
		[[ ${#VM_LINE[@]} -eq 0 ]] || VM_COMMAND+=(-device "$VIRTIO_SERIAL")
	else
		VM_COMMAND+=(-chardev "file,id=console,path=console" -device "$VIRTIO_SERIAL"
			     -chardev "stdio,id=in,signal=off" -device "virtserialport,chardev=in,name=in")
		for line in out err status; do
			VM_COMMAND+=(-chardev "file,id=$line,path=$line" -device "virtserialport,chardev=$line,name=$line")
		done
	fi
	VM_COMMAND+=("${VM_LINE[@]}" -serial chardev:console)
}

# boot_shell: the guest uses the terminal until it ends
boot_shell() {
	boot_command interactive
	printf '%s\n' "${VM_COMMAND[*]@Q}" >>"$LOG"
	: >"$RUN/console"
	"${VM_COMMAND[@]}" 2>>"$LOG"
	stty "$TERMINAL_STATE" 2>/dev/null
	cat "$RUN/console" >>"$LOG"
	check_alive
	check_console
	[[ ${#SPLATS[@]} -eq 0 ]]
}

# guest_stdin: set the input of the guest. A terminal is not passed on, so that Ctrl-C
# works. A pipe is passed on through cat, because QEMU would make it non-blocking for
# all its users. User Mode Linux has no line with an end of file, so its input is read
# to a file first.
guest_stdin() {
	if [[ -t 0 || $MODE != command ]]; then
		exec {GUEST_STDIN}</dev/null
	elif is_uml; then
		cat >"$GUEST/etc/rcfs/stdin"
		exec {GUEST_STDIN}</dev/null
	else
		exec {INPUT}<&0
		exec {GUEST_STDIN}< <(exec cat <&"$INPUT")
		BACKGROUND+=("$!")
	fi
	touch "$GUEST/etc/rcfs/stdin"
}

# boot_watched: pass on the streams of the guest, and set GUEST_STATUS. Exits after a
# panic, a hang, or an end without a result.
boot_watched() {
	local out_pid err_pid line size last_size='' last_change=$SECONDS started=$SECONDS stuck=''
	boot_command ''
	printf '%s\n' "${VM_COMMAND[*]@Q}" >>"$LOG"
	touch "$RUN"/{out,err,status,console}
	"${VM_COMMAND[@]}" <&"$GUEST_STDIN" >>"$LOG" 2>&1 &
	VM=$!
	tail -c +1 -f -s 0.05 --pid="$VM" "$RUN/out" &
	out_pid=$!
	tail -c +1 -f -s 0.05 --pid="$VM" "$RUN/err" >&2 &
	err_pid=$!
	BACKGROUND+=("$out_pid" "$err_pid")
	while kill -0 "$VM" 2>/dev/null; do
		sleep 0.1
		# The reader of the output is gone.
		kill -0 "$out_pid" 2>/dev/null || { kill -0 "$VM" 2>/dev/null && exit 141; }
		[[ ! $GDB ]] || continue
		if [[ $SECONDS -gt $last_change ]]; then
			size=$(stat -c %s "$RUN"/{console,out,err,status} | paste -sd' ')
			[[ $size == "$last_size" ]] || last_change=$SECONDS
			last_size=$size
		fi
		if [[ $SILENCE -gt 0 && $((SECONDS - last_change)) -ge $SILENCE ]]; then
			stuck="it printed nothing for $SILENCE s on its console and streams"
		elif [[ $LIMIT -gt 0 && $((SECONDS - started)) -ge $LIMIT ]]; then
			stuck="it ran for longer than $LIMIT s"
		fi
		if [[ $stuck ]]; then
			kill -9 "$VM" 2>/dev/null
			break
		fi
	done
	wait "$VM" 2>>"$LOG"
	VM=
	wait "$out_pid" "$err_pid" 2>/dev/null
	cat "$RUN/console" >>"$LOG"
	[[ ! $stuck ]] ||
		ended "$EXIT_HANG" "the guest hangs" "$stuck" \
			"if the guest is only slow: RCFS_SILENCE=SECONDS and RCFS_LIMIT=SECONDS set the limits, 0 for none"
	check_alive
	GUEST_STATUS=$(sed -n 's/^exit //p' "$RUN/status" | tr -d '\r')
	line=$(sed -n 's/^module //p' "$RUN/status" | tr -d '\r')
	if [[ $line && $MODE == test ]]; then
		GUEST_END=${line%%$'\n'*}
	elif [[ $line ]]; then
		fail "a module cannot be loaded, so nothing ran" "$line" "correct it, and run the same command again"
	fi
	[[ $GUEST_STATUS ]] ||
		ended "$EXIT_LOST" "the guest ended without a result" \
			"it was powered off, or QEMU was killed, before the end of $MODE" "see its console in the log"
	check_console
}

# ended STATUS WHAT WHY DO: exit after a failure of the guest, with the last lines of
# its console. The tests count it as a failure instead.
ended() {
	if [[ $MODE == test ]]; then
		GUEST_END=${GUEST_END:-$2: $3}
		return
	fi
	fail "$2" "$3; the console's last lines:
$(tail -n 25 "$RUN/console" | tr -d '\r')" "$4" "$1"
}

check_alive() {
	if grep -q 'Kernel panic - not syncing' "$RUN/console"; then
		ended "$EXIT_PANIC" "the guest's kernel panicked" \
			"$(grep -m 1 -o 'Kernel panic - not syncing.*' "$RUN/console" | tr -d '\r')" "see its console in the log"
	fi
}

# without_others_races: print the console without reports of data races that have no
# function of rcfs, and their number at the end. Two races are not of rcfs, though it may be
# on the stack. An interrupt counts RCU sections in the task that it interrupts, which a
# fork may be copying; the copy sets the count to 0. kernfs sets a flag of a node that is
# removed, while it reads other flags of the node for those who have its file open.
without_others_races() {
	awk -v ours="$OURS" '
		/BUG: KCSAN: / { inside = 1; report = ""; mine = 0; known = /__rcu_read_(un)?lock|__kernfs_remove \/ kernfs_fop_/ }
		!inside { print; next }
		{ report = report $0 "\n" }
		$0 ~ ours && !known { mine = 1 }
		/==========/ {
			inside = 0
			if (mine)
				printf "%s", report
			else
				others++
		}
		# A report that is cut off by the end of the console counts.
		END {
			if (inside)
				printf "%s", report
			if (others)
				printf "%d data races elsewhere in the kernel\n", others
		}'
}

# check_console: set SPLATS, one for each complaint of the kernel. Lines near each other
# are one complaint.
check_console() {
	local line
	tr -d '\r' <"$RUN/console" | without_others_races >"$RUN/judged"
	line=$(grep 'data races elsewhere in the kernel$' "$RUN/judged")
	[[ ! $line ]] || say "$line, which do not count: see the log"
	mapfile -t SPLATS < <(awk -v splat="$SPLAT" '
		$0 ~ splat { if (!last || NR - last > 8) print; last = NR }' "$RUN/judged")
	if [[ $FLAVOUR == debug ]] && ! grep -q 'rcfs: debug_locks 1' "$RUN/console"; then
		line=$(grep -o 'rcfs: debug_locks.*' "$RUN/console" | tail -n 1)
		SPLATS+=("lockdep was off at the end (${line:-or the guest did not get there})")
	fi
	for line in "${SPLATS[@]}"; do
		say "the kernel complained: $line"
	done
}
