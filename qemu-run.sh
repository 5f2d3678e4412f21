#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Build Linux with rcfs and boot it: one command from a fresh Debian to a shell
# in the guest. This file has the options and the order of the steps; the steps
# are in tools/run/, one concept a file.

set -u
export LC_ALL=C

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd) || exit 1
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
	Usage: ./qemu-run.sh [OPTION…]                  start a shell in the guest; without a
	                                                terminal, show the demonstration
	       ./qemu-run.sh [OPTION…] -- CMD [ARG…]    run CMD in the guest, as root
	       ./qemu-run.sh [OPTION…] --test [PATTERN] run all tests, or the test files and
	                                                KUnit suites with PATTERN in their
	                                                names; separate several PATTERNs by
	                                                commas. Each has to match something
	       ./qemu-run.sh [OPTION…] --soak MINUTES   run random operations of rcfs for this
	                                                long
	       ./qemu-run.sh [OPTION…] --bench [FOLDER] measure rcfs, cgroup v1 and cgroup v2;
	                                                results go to FOLDER (default:
	                                                ./bench-results) and to stdout. With
	                                                --native: only measure that kernel

	Builds Linux $KERNEL with rcfs, and boots it in QEMU with rcfs mounted at /sys/fs/rcfs.
	Installs missing packages (Debian 12 and 13), fetches the source, applies the series,
	and builds what has changed. The first run takes about a quarter of an hour on two
	processors, later runs take seconds.

	  --demo             show the demonstration: two containers, a busy and an idle
	                     workload, and the CPU time of each
	  --module FILE.rs   build this file, or a folder with a Makefile (obj-m := NAME.o), as a
	                     module, and load it in the guest first; may be repeated. The same
	                     command in another terminal, without CMD and the like, builds the
	                     module again and reloads it in the running guest. Works with all
	                     kernels but that of --bench. With --build-only: print the command
	                     line of make
	  --arch ARCH        build for and emulate x86_64 (default) or arm64, which is
	                     cross-built
	  --debug            use the debug kernel: User Mode Linux with KASAN, lockdep and
	                     PROVE_RCU, which is much faster than QEMU with these checkers
	  --native           use User Mode Linux without checkers: it runs at the speed of this
	                     machine, and is for measuring time, which emulation distorts
	  --kcsan            also detect data races, with KCSAN in the plain kernel; slow.
	                     Races without a function of rcfs do not count
	  --rt               use PREEMPT_RT with KASAN, lockdep and allocated CPU masks, in
	                     QEMU; very slow
	  --seed N           use this seed for --soak: it gives the same decisions, but not the
	                     same timing (default: random, and printed)
	  --config FILE      add a Kconfig fragment after .config.fragment; may be repeated, and
	                     the last one wins. Uses a build folder of its own
	  --add FILE[:DEST]  copy a file or folder of the host into the guest, by default
	                     below /root; may be repeated
	  --icount           count instructions instead of time, so that figures repeat
	                     (one emulated processor)
	  --smp N            set the number of processors of the guest (default: $SMP)
	  --mem SIZE         set the memory of the guest (default: 512M; 1G with --debug and
	                     --rt, 2G with --bench)
	  --append 'ARGS'    add arguments for the kernel of the guest
	  --accel WHICH      use tcg, kvm or auto (default): KVM only if a short boot with it
	                     has worked on this machine, otherwise emulation
	  --patch FILE       apply one more patch after the series, for this run; may be
	                     repeated
	  --gdb              wait for gdb on port 1234 before the first instruction
	  --build-only       stop after the build
	  --verbose          show the output of apt, make and others
	  --help             show this text

	The output of CMD goes to stdout, and its errors to stderr. CMD reads standard input
	unless that is a terminal (with --debug and --native, all input is read first). All
	other messages go to stderr. Every error message names the log.

	The exit status is that of CMD. For the demonstration, the tests, --soak and reloading of
	modules, it is 0 or 1. Other values are:
	  2    wrong usage
	  $EXIT_LOST  the guest ended without a result
	  $EXIT_SETUP  set-up or build failed, or a module could not be loaded; nothing ran
	  $EXIT_PANIC  the kernel of the guest panicked
	  $EXIT_HANG  the guest hangs: no output for $SILENCE s, or the time limit has expired
	  $EXIT_COMPLAINT  CMD or reloading succeeded, but the kernel complained on its console, or
	       lockdep was off at the end of a --debug run
	In the tests, each of these counts as a failure. With --bench it is 0 if everything was
	measured, whatever the results.

	Environment:
	  LINUX_SRC       a kernel tree (never modified) or tarball, instead of Debian's package
	                  or, if Debian has none, the tarball of kernel.org
	  RCFS_KERNEL_ORG the mirror to fetch that tarball and its checksums from, instead of
	                  $KERNEL_ORG
	  XDG_CACHE_HOME  downloads, sources and builds are in rcfs/ below this folder: 2.5 GB,
	                  and 4.5 GB after tools/check/all.sh (default: ~/.cache)
	  RCFS_SILENCE    seconds without output after which the guest counts as hung
	                  (default: $SILENCE; 0: never)
	  RCFS_LIMIT      seconds that a guest may run (default: none; $((TESTS_LIMIT / 3600)) hours for tests)
	  RCFS_TEST_LIMIT seconds that a single test file may run (default: $TEST_LIMIT)
	  RCFS_BENCH_MOST the highest number of containers in --bench (default: 100000)
	  RCFS_BUSYBOX    a statically linked busybox for guests of its architecture (default:
	                  for x86_64 the installed one, for arm64 that of Debian's package)
	  RCFS_QEMU       more arguments for QEMU, separated by spaces
	HELP
}

usage() {
	echo "qemu-run.sh: $1" >&2
	echo "  do:   see ./qemu-run.sh --help" >&2
	exit 2
}

# mode_option: print the option that has set $MODE
mode_option() {
	[[ $SOAK ]] && echo soak || echo "$MODE"
}

# Machines may be busy, and QEMU is emulation: limits are ten times the usual time.
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
		[[ $# -gt 0 ]] || usage "$option needs a value" ;;&
	--demo | --test | --bench | --build-only | --soak)
		[[ ! $MODE ]] || usage "$option and --$(mode_option) exclude each other" ;;&
	--demo)		MODE=demo ;;
	--test)
		MODE='test'
		LIMIT=${RCFS_LIMIT:-$TESTS_LIMIT}
		if [[ $# -gt 0 && $1 != -* ]]; then PATTERN=$1; shift; fi
		;;
	--soak)
		[[ $1 =~ ^[1-9][0-9]*$ ]] || usage "--soak needs a number of minutes, not $1"
		MODE='test' SOAK=$1; shift
		;;
	--seed)
		[[ $1 =~ ^[0-9]+$ ]] || usage "--seed needs a number, not $1"
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
		[[ $# -gt 0 ]] || usage "-- needs a command"
		[[ ! $MODE ]] || usage "--$(mode_option) and a command exclude each other"
		MODE=command COMMAND=("$@")
		break
		;;
	*)		usage "there is no option $option; a command comes after --" ;;
	esac
done
[[ $ARCH =~ ^(x86_64|arm64)$ ]] || usage "--arch needs x86_64 or arm64, not $ARCH"
if [[ $ARCH == arm64 ]]; then
	[[ $FLAVOUR == plain ]] || usage "--$FLAVOUR and --arch arm64 exclude each other: User Mode Linux is a program for this machine"
	[[ ! $KCSAN ]] || usage "--kcsan and --arch arm64 exclude each other: KCSAN runs on x86-64 only"
	[[ ! $RT ]] || usage "--rt and --arch arm64 exclude each other: the checkers run on x86-64 only"
	[[ $MODE != bench ]] || usage "--bench and --arch arm64 exclude each other: only x86-64 is measured"
	[[ $ACCEL != kvm ]] || usage "--accel kvm and --arch arm64 exclude each other: KVM cannot run another architecture"
fi
[[ ! $RT || ( $FLAVOUR == plain && ! $KCSAN ) ]] || usage "--rt excludes --debug, --native and --kcsan: they are other kernels"
[[ ! $KCSAN || $FLAVOUR == plain ]] || usage "--kcsan and --$FLAVOUR exclude each other: KCSAN needs the plain kernel"
[[ ! $SEED || $SOAK ]] || usage "--seed needs --soak"
[[ ! $SOAK ]] || soak_prepare
[[ $SMP =~ ^[1-9][0-9]*$ ]] || usage "--smp needs a number, not $SMP"
[[ $ACCEL =~ ^(tcg|kvm|auto)$ ]] || usage "--accel needs tcg, kvm or auto, not $ACCEL"
[[ $SILENCE$LIMIT$TEST_LIMIT =~ ^[0-9]+$ ]] || usage "RCFS_SILENCE, RCFS_LIMIT and RCFS_TEST_LIMIT need a number of seconds"
if [[ $MODE == bench ]]; then
	[[ $FLAVOUR != debug ]] || usage "--bench and --debug exclude each other: checkers distort the figures"
	[[ $FLAVOUR == native ]] || CONFIGS=("$TOP/tools/run/bench.config" "${CONFIGS[@]}")
	[[ ${#MODULE_SOURCES[@]} -eq 0 ]] || usage "--bench and --module exclude each other"
	[[ ! $ICOUNT && ! $GDB ]] || usage "--bench excludes --icount and --gdb"
	[[ $SMP -ge 2 ]] || usage "--bench needs two processors"
	MEM=${MEM:-2G}
fi
if [[ $ICOUNT ]]; then
	[[ $ACCEL != kvm ]] || usage "--icount and --accel kvm exclude each other: only QEMU's emulation counts instructions"
	SMP=1 ACCEL=tcg
fi
if is_uml; then
	[[ $FLAVOUR != debug ]] || MEM=${MEM:-1G}
	[[ ! $ICOUNT ]] || usage "--icount and --$FLAVOUR exclude each other: only QEMU counts instructions"
	[[ ! $GDB ]] || usage "--gdb and --$FLAVOUR exclude each other: the kernel is a process, so use gdb -p PID"
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
