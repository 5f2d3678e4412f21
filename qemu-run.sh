#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Build Linux with rcfs and boot it: one command from a fresh Debian to a shell
# in the guest. What it does is in tools/run/, one concept a file; here are the
# options and the order of the steps.

set -u
export LC_ALL=C

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd) || exit 1
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/rcfs
# shellcheck source=tools/run/kernel.sh
. "$TOP/tools/run/kernel.sh"
# shellcheck source=tools/run/command.sh
. "$TOP/tools/run/command.sh"
# shellcheck source=tools/run/initramfs.sh
. "$TOP/tools/run/initramfs.sh"
# shellcheck source=tools/run/modules.sh
. "$TOP/tools/run/modules.sh"
# shellcheck source=tools/run/boot.sh
. "$TOP/tools/run/boot.sh"
# shellcheck source=tools/run/test.sh
. "$TOP/tools/run/test.sh"
# shellcheck source=tools/run/soak.sh
. "$TOP/tools/run/soak.sh"
# shellcheck source=tools/run/bench.sh
. "$TOP/tools/run/bench.sh"

help() {
	cat <<-HELP
	Usage: ./qemu-run.sh [OPTION…]                  a shell in the guest; without a
	                                                terminal: the demonstration
	       ./qemu-run.sh [OPTION…] -- CMD [ARG…]    run CMD in the guest, as root
	       ./qemu-run.sh [OPTION…] --test [PATTERN] run the tests, or those whose
	                                                file or KUnit suite has PATTERN
	                                                in its name; several PATTERNs:
	                                                with commas between them. Each
	                                                has to match something
	       ./qemu-run.sh [OPTION…] --soak MINUTES   do everything that can be done with
	                                                rcfs at random, for so long
	       ./qemu-run.sh [OPTION…] --bench [FOLDER] measure rcfs against cgroup v1 and
	                                                v2; results go into FOLDER (default:
	                                                ./bench-results) and to stdout. With
	                                                --native: only what that kernel tells

	Builds Linux $KERNEL with rcfs and boots it in QEMU, with rcfs mounted at
	/sys/fs/rcfs. Installs what is missing (Debian 12 and 13), fetches the source,
	applies the series, builds what changed. The first run takes about a quarter of
	an hour on two processors, the next ones seconds.

	  --demo             play the demonstration: two containers, a busy and an idle
	                     workload, and whom the CPU time is charged to
	  --module FILE.rs   build this file, or a folder with a Makefile (obj-m := NAME.o), as a
	                     module, and load it in the guest before anything else; may be
	                     repeated. While a guest runs that was started with it, the same
	                     command without CMD and the like, in another terminal, builds it
	                     anew and reloads it there. With each kernel but that of --bench.
	                     With --build-only: print the command line of make
	  --arch ARCH        the machine that is built for and emulated: x86_64 (default) or
	                     arm64, which is cross-built
	  --debug            the debug kernel instead: User Mode Linux with KASAN, lockdep
	                     and PROVE_RCU; much faster than those checks in QEMU
	  --native           User Mode Linux without the checkers: the speed of this machine,
	                     for questions of time, which emulation distorts
	  --kcsan            look for data races as well, with KCSAN in the plain kernel; slow.
	                     Those that rcfs has no part in do not count
	  --rt               PREEMPT_RT with KASAN, lockdep and sets of CPUs that are allocated, in
	                     QEMU; very slow
	  --seed N           what --soak draws its decisions from: the same decisions, but
	                     not at the same moments (default: random, and told)
	  --config FILE      a Kconfig fragment on top of .config.fragment, the last word
	                     winning; may be repeated. Built in a folder of its own
	  --add FILE[:DEST]  put a file or folder of the host into the guest, by default
	                     below /root; may be repeated
	  --icount           count instructions instead of time: figures repeat, whatever
	                     else the machine does (one processor, emulated)
	  --smp N            processors of the guest (default: $SMP)
	  --mem SIZE         memory of the guest (default: 512M; 1G with --debug and --rt, 2G
	                     with --bench)
	  --append 'ARGS'    more arguments for the guest's kernel
	  --accel WHICH      tcg, kvm or auto (default): KVM only if a short boot with it
	                     has worked on this machine, else emulation
	  --patch FILE       apply one more patch, on top of the series, for this run; may
	                     be repeated
	  --gdb              wait for gdb on port 1234 before the first instruction
	  --build-only       stop after the build
	  --verbose          show what apt, make and others print
	  --help             this text

	CMD's output alone goes to stdout, its errors to stderr, and its standard input
	is ours unless that is a terminal (for --debug and --native it is read to its end
	first). All else is told on stderr; every error names the log.

	The exit status is CMD's; of the demonstration, the tests, --soak, and of reloading
	modules, 0 or 1. Our own:
	  2    wrong usage
	  $EXIT_LOST  the guest ended without telling how its work went
	  $EXIT_SETUP  set-up or build failed, or a module could not be loaded; nothing ran
	  $EXIT_PANIC  the guest's kernel panicked
	  $EXIT_HANG  the guest hangs: nothing printed for $SILENCE s, or the limit reached
	  $EXIT_COMPLAINT  CMD or reloading succeeded, but the kernel complained on its console, or lockdep
	       was off at the end of a --debug run
	In the tests each of these counts as a failure. Of --bench: 0 if everything was
	measured, whatever came out.

	Environment:
	  LINUX_SRC       a kernel tree (never modified) or tarball to use instead of
	                  Debian's package, or kernel.org's tarball where Debian has none
	  RCFS_KERNEL_ORG where to get that tarball and its checksums: a mirror of
	                  $KERNEL_ORG
	  XDG_CACHE_HOME  downloads, sources and builds live in rcfs/ below it: 2.5 GB, and
	                  4.5 GB after tools/check/all.sh (default: ~/.cache)
	  RCFS_SILENCE    seconds without any output after which the guest counts as hung
	                  (default: $SILENCE; 0: never)
	  RCFS_LIMIT      seconds a guest may run (default: none; $((TESTS_LIMIT / 3600)) hours for tests)
	  RCFS_TEST_LIMIT seconds a single test file may run (default: $TEST_LIMIT)
	  RCFS_BENCH_MOST how many containers --bench has around at most (default: 100000)
	  RCFS_BUSYBOX    a statically linked busybox for guests of the machine that it is
	                  built for (default: for x86_64 the one that is installed, for
	                  arm64 that of Debian's package)
	  RCFS_QEMU       more arguments for QEMU, separated by spaces
	HELP
}

usage() {
	echo "qemu-run.sh: $1" >&2
	echo "  do:   see ./qemu-run.sh --help" >&2
	exit 2
}

# mode_option: which option has set $MODE
mode_option() {
	[[ $SOAK ]] && echo soak || echo "$MODE"
}

# The machines are noisy and QEMU is emulation: limits are ten times what is
# needed.
TESTS_LIMIT=7200
TEST_LIMIT=${RCFS_TEST_LIMIT:-900}
SILENCE=${RCFS_SILENCE:-1200}
LIMIT=${RCFS_LIMIT:-0}

MODE='' FLAVOUR=plain ACCEL=auto SMP=2 MEM='' APPEND='' ICOUNT='' GDB='' VERBOSE='' PATTERN='' SOAK='' SEED='' KCSAN='' RT=''
BENCH_RESULTS=bench-results
ADD=() COMMAND=()
arguments=("$@")

while [[ $# -gt 0 ]]; do
	option=$1
	shift
	case $option in
	--arch | --config | --add | --module | --smp | --mem | --append | --accel | --patch | --soak | --seed)
		[[ $# -gt 0 ]] || usage "$option wants a value" ;;&
	--demo | --test | --bench | --build-only | --soak)
		[[ ! $MODE ]] || usage "$option and --$(mode_option) exclude each other" ;;&
	--demo)		MODE=demo ;;
	--test)
		MODE='test'
		LIMIT=${RCFS_LIMIT:-$TESTS_LIMIT}
		if [[ $# -gt 0 && $1 != -* ]]; then PATTERN=$1; shift; fi
		;;
	--soak)
		[[ $1 =~ ^[1-9][0-9]*$ ]] || usage "--soak wants minutes, not $1"
		MODE='test' SOAK=$1; shift
		;;
	--seed)
		[[ $1 =~ ^[0-9]+$ ]] || usage "--seed wants a number, not $1"
		SEED=$1; shift
		;;
	--bench)
		MODE=bench
		if [[ $# -gt 0 && $1 != -* ]]; then BENCH_RESULTS=$1; shift; fi
		;;
	--build-only)	MODE='build-only' ;;
	--arch)		ARCH=$1; shift ;;
	--debug | --native)
		[[ $FLAVOUR =~ ^(plain|${option#--})$ ]] || usage "--debug and --native exclude each other"
		FLAVOUR=${option#--}
		;;
	--kcsan)
		KCSAN=1
		CONFIGS=("$TOP/tools/run/kcsan.config" "${CONFIGS[@]}")
		;;
	--rt)
		RT=1
		CONFIGS=("$TOP/tools/run/rt.config" "${CONFIGS[@]}")
		;;
	--config)
		[[ -f $1 ]] || usage "--config: there is no file $1"
		CONFIGS+=("$(realpath "$1")"); shift
		;;
	--add)		ADD+=("$1"); shift ;;
	--module)	module_option "$1"; shift ;;
	--icount)	ICOUNT=1 ;;
	--smp)		SMP=$1; shift ;;
	--mem)		MEM=$1; shift ;;
	--append)	APPEND=$1; shift ;;
	--accel)	ACCEL=$1; shift ;;
	--patch)
		PATCHES+=("$(realpath -e -- "$1" 2>/dev/null)")
		[[ ${PATCHES[-1]} ]] || usage "--patch: there is no file $1"
		shift
		;;
	--gdb)		GDB=1 ;;
	--verbose)	VERBOSE=1 ;;
	-h | --help)	help; exit ;;
	--)
		[[ $# -gt 0 ]] || usage "-- wants a command"
		[[ ! $MODE ]] || usage "--$(mode_option) and a command exclude each other"
		MODE=command COMMAND=("$@")
		break
		;;
	*)		usage "there is no option $option; a command comes after --" ;;
	esac
done
[[ $ARCH =~ ^(x86_64|arm64)$ ]] || usage "--arch wants x86_64 or arm64, not $ARCH"
if [[ $ARCH == arm64 ]]; then
	[[ $FLAVOUR == plain ]] || usage "--$FLAVOUR and --arch arm64 exclude each other: User Mode Linux is a program of this machine"
	[[ ! $KCSAN ]] || usage "--kcsan and --arch arm64 exclude each other: data races are looked for on x86-64"
	[[ ! $RT ]] || usage "--rt and --arch arm64 exclude each other: its checkers run on x86-64"
	[[ $MODE != bench ]] || usage "--bench and --arch arm64 exclude each other: what is measured is x86-64"
	[[ $ACCEL != kvm ]] || usage "--accel kvm and --arch arm64 exclude each other: KVM runs what this machine is"
fi
[[ ! $RT || ( $FLAVOUR == plain && ! $KCSAN ) ]] || usage "--rt excludes --debug, --native and --kcsan: it is a kernel of its own"
[[ ! $KCSAN || $FLAVOUR == plain ]] || usage "--kcsan and --$FLAVOUR exclude each other: KCSAN is for the plain kernel"
[[ ! $SEED || $SOAK ]] || usage "--seed is for --soak"
[[ ! $SOAK ]] || soak_prepare
[[ $SMP =~ ^[1-9][0-9]*$ ]] || usage "--smp wants a number, not $SMP"
[[ $ACCEL =~ ^(tcg|kvm|auto)$ ]] || usage "--accel wants tcg, kvm or auto, not $ACCEL"
[[ $SILENCE$LIMIT$TEST_LIMIT =~ ^[0-9]+$ ]] || usage "RCFS_SILENCE, RCFS_LIMIT and RCFS_TEST_LIMIT want seconds"
if [[ $MODE == bench ]]; then
	[[ $FLAVOUR != debug ]] || usage "--bench measures the kernel without checkers; it excludes --debug"
	[[ $FLAVOUR == native ]] || CONFIGS=("$TOP/tools/run/bench.config" "${CONFIGS[@]}")
	[[ ${#MODULE_SOURCES[@]} -eq 0 ]] || usage "--bench and --module exclude each other"
	[[ ! $ICOUNT && ! $GDB ]] || usage "--bench boots on its own terms; it excludes --icount and --gdb"
	[[ $SMP -ge 2 ]] || usage "--bench wants two processors for what runs side by side"
	MEM=${MEM:-2G}
fi
if [[ $ICOUNT ]]; then
	[[ $ACCEL != kvm ]] || usage "--icount counts what QEMU emulates; it excludes --accel kvm"
	SMP=1 ACCEL=tcg
fi
if is_uml; then
	[[ $FLAVOUR != debug ]] || MEM=${MEM:-1G}
	[[ ! $ICOUNT ]] || usage "--icount is QEMU's; it excludes --$FLAVOUR"
	[[ ! $GDB ]] || usage "--gdb is QEMU's; the $FLAVOUR kernel is a process: start it and use gdb -p PID"
fi
[[ ! $RT ]] || MEM=${MEM:-1G}
MEM=${MEM:-512M}
RELOAD=''
if [[ ${#MODULE_SOURCES[@]} -gt 0 ]]; then
	STEPS=$((STEPS + 1))
	[[ $MODE ]] || RELOAD=1
fi
if [[ ! $MODE ]]; then
	[[ -t 0 && -t 1 ]] && MODE=shell || MODE=demo
fi

log_start "${arguments[@]}"
run_begin
lock_cache
step "tools"
[[ $MODE != bench ]] || bench_prepare
host_prepare
step "source"
source_prepare
step "series"
tree_update
step "kernel"
build_kernel
modules_build
if [[ $MODE == build-only ]]; then
	unlock_cache
	say "built: $KERNEL_IMAGE"
	for file in "${!MODULE_FILES[@]}"; do
		say "built: ${MODULE_FILES[file]}"
	done
	for command in "${MODULE_COMMANDS[@]}"; do
		say "by:   $command"
	done
	exit 0
fi
if [[ $RELOAD ]] && modules_find_guest; then
	step "guest"
	modules_reload
	exit
fi
take_kernel
[[ $MODE != bench ]] || bench_native_kernel
step "initramfs"
command_prepare
base_initramfs
[[ $MODE != test ]] || selftests_install
step "accelerator"
choose_accel
unlock_cache

step "guest"
if [[ $MODE == bench ]]; then
	bench_build
	bench_run
	exit
fi
guest_begin "$MODE"
guest_modules
for file in "${ADD[@]}"; do
	guest_add "$file"
done
[[ ! $GDB ]] || say "waiting for gdb: $GDB_COMMAND '$BUILD/vmlinux' -ex 'target remote :1234'"
GUEST_END=''
case $MODE in
shell)
	guest_shell
	guest_end
	boot_shell || exit "$EXIT_COMPLAINT"
	;;
demo | command)
	[[ $MODE == demo ]] || guest_command "${COMMAND[@]}"
	guest_stdin
	guest_end
	boot_watched
	[[ $GUEST_STATUS == 0 && ${#SPLATS[@]} -gt 0 ]] && exit "$EXIT_COMPLAINT"
	exit "$GUEST_STATUS"
	;;
test)
	guest_tests "$PATTERN"
	[[ ! $SOAK ]] || guest_soak
	guest_stdin
	guest_end
	boot_watched
	judge
	;;
esac
