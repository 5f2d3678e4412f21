#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Does the series build, with no warning from any tool, whatever is chosen of its
# own options and of those around it? Builds and links x86-64 kernels and their
# modules, and boots none. KTAP output, and "N passed, N failed" as the last line.
#
#	tools/check/random-configs.sh [--seed N] [--minutes M | --count N] [--list] [PATTERN]
#
# The fixed configurations come first, always all of them. Random ones follow,
# until M minutes have passed since the start (default: 60), or N of them. The
# seed is told; the same seed gives the same configurations. --list names them
# and says what each changes, the random ones with --count N. It has those as they
# are drawn first, since only Kconfig knows which are drawn anew. With a PATTERN
# (extended regular expression) only those whose name matches; the name of a
# random one has its seed and number: "random-SEED-NUMBER".
#
# What a configuration asks for, Kconfig may drop for a dependency. CONFIG_RCFS
# has to be in what comes out: a random configuration without it is drawn anew, and
# that is told.
#
# A failed configuration leaves NAME.config and NAME.log in the cache.

set -u
# shellcheck source=tools/lib/help.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/help.sh"
export LC_ALL=C

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd) || exit 1
FLAVOUR=random
# shellcheck source=tools/run/kernel.sh
. "$TOP/tools/run/kernel.sh"
STEPS=4
FOLDER=$CACHE/random-configs

# ---- what there is to choose

# The same in each. As little else as possible: what is built costs time.
GROUND='
64BIT=y
EXPERT=y
PROCESSOR_SELECT=y
CPU_SUP_INTEL=n
CPU_SUP_AMD=n
CPU_SUP_HYGON=n
CPU_SUP_CENTAUR=n
CPU_SUP_ZHAOXIN=n
DEBUG_KERNEL=y
WERROR=y
OBJTOOL_WERROR=y
BINFMT_ELF=y
RUST=y
SAMPLES=y
SAMPLES_RUST=y
SYSFS=y
PROC_FS=y
RCFS=y'

# The neighbours: NAME, the usual value, and more to choose from at random. All
# values of a line are equally likely, so one that stands twice is twice as
# likely. What makes everything slow to compile is rare. There is no choice of
# PROC_FS and SYSFS: without them there is no RCFS.
NEIGHBOURS='MODULES y y y n
MODULE_UNLOAD y n
SMP y y n
NR_CPUS 64 2 512
DEBUG_PER_CPU_MAPS n n y
CPUMASK_OFFSTACK n y
MAXSMP n n n n n n n y
NUMA n y
HOTPLUG_CPU y n
SCHED_SMT n y
SCHED_MC n y
PREEMPT n y
PREEMPT_RT n n n y
PREEMPT_DYNAMIC n n y
JUMP_LABEL n y
HZ_PERIODIC n y
NO_HZ_FULL n n n y
VIRT_CPU_ACCOUNTING_GEN n n y
IRQ_TIME_ACCOUNTING n n y
HIGH_RES_TIMERS y n
POSIX_TIMERS y y n
CGROUPS y y n
CGROUP_SCHED y y y y y n
FAIR_GROUP_SCHED y y y y y n
CFS_BANDWIDTH y y y y y n
RT_GROUP_SCHED n y
CPU_FREQ n y
CPU_FREQ_GOV_SCHEDUTIL n y
UCLAMP_TASK n y
UCLAMP_TASK_GROUP n y
SCHED_AUTOGROUP n n n y
SCHED_CORE n y
PSI n n y
SCHEDSTATS n n y
CGROUP_PIDS y n
CGROUP_FREEZER y n
CPUSETS y n
CPUSETS_V1 y n
PROC_PID_CPUSET y n
CGROUP_CPUACCT y n
CGROUP_DEVICE n y
CGROUP_MISC n y
CGROUP_DEBUG n y
CGROUP_FAVOR_DYNMODS n y
MEMCG n n y
MEMCG_V1 n y
NAMESPACES y y y n
UTS_NS y n
TIME_NS y n
IPC_NS y n
USER_NS y n
PID_NS y n
NET n n y
NET_NS y n
SYSVIPC y n
POSIX_MQUEUE n y
MULTIUSER y y y n
CHECKPOINT_RESTORE n y
SECURITY n n y
SYSCTL y n
TMPFS y n
SHMEM y n
INOTIFY_USER y n
EPOLL y n
FUTEX y n
COREDUMP n y
DEBUG_FS y n
SUSPEND n y
PM n y
PRINTK y y y n
BUG y y y n
KALLSYMS n n n y
STACKTRACE n n y
DEBUG_LIST n y
DEBUG_ATOMIC_SLEEP n n y
DEBUG_PREEMPT n n y
DEBUG_VM n n y
DEBUG_VFS n n y
DEBUG_OBJECTS n n n y
DEBUG_OBJECTS_RCU_HEAD n y
PROVE_LOCKING n n n y
RCU_EXPERT n y
PROVE_RCU_LIST n y
FORCE_TASKS_RCU n y
TASKS_RCU n y
FAULT_INJECTION n n n y
KASAN n n n n n n n n n y
KASAN_VMALLOC n y
KCSAN n n n n n n n n n y
KCSAN_EARLY_ENABLE n y
KCSAN_STRICT n y
KCSAN_WEAK_MEMORY n y
CFI n n n n n n n n n y
RUST_DEBUG_ASSERTIONS n n y
RUST_OVERFLOW_CHECKS n n y
RUST_BUILD_ASSERT_ALLOW n n n y'

# own_options: the options of rcfs in the form of NEIGHBOURS, as its Kconfig files
# have them, and those of its tests. A number is drawn from its whole range, and
# from its ends.
own_options() {
	awk '
		$1 == "config" { name = $2 }
		name == "RCFS" { next }
		$1 == "bool" { print name, "y y n" }
		$1 == "tristate" { print name, (name ~ /TEST|SAMPLE/ ? "m" : "y"), "y m n" }
		$1 == "range" { range = $2 ".." $3; ends = $2 " " $3 }
		$1 == "default" && range { print name, $2, range, ends, range; range = "" }
	' "$TOP"/kernel/rcfs/Kconfig "$TOP"/kernel/rcfs/controllers/Kconfig
	echo "SAMPLE_RUST_RCFS_FORKS m y n"
	echo "KUNIT y m n"
	echo "RUST_KERNEL_DOCTESTS n n n n n n n y"
}

# controllers: their options, one a line
controllers() {
	awk '$1 == "config" { name = $2 } $1 == "tristate" { print name }' \
		"$TOP"/kernel/rcfs/controllers/Kconfig
}

# all VALUE: each controller's option with this value
all() {
	printf "%s=$1 " "${CONTROLLERS[@]}"
}

# fixed: NAME and what is not as usual, one configuration a line. Neighbours here
# have most in common, which saves building it again.
fixed() {
	local controller name each
	echo "usual"
	echo "modules $(all m)"
	echo "no-controllers $(all n)"
	for controller in "${CONTROLLERS[@]}"; do
		name=${controller#RCFS_}
		each=$(all n)
		echo "only-${name,,} ${each/$controller=n/$controller=y}"
		echo "only-${name,,}-module ${each/$controller=n/$controller=m}"
		echo "without-${name,,} $controller=n"
	done
	echo "fewest MAX_RC_SUBSYS=1 MAX_RC_HIERARCHIES=2"
	echo "most MAX_RC_SUBSYS=255 MAX_RC_HIERARCHIES=255"
	echo "no-tests RCFS_TEST=n RCFS_DELAYS=n RCFS_KUNIT_TEST=n KUNIT=n SAMPLE_RUST_RCFS_FORKS=n"
	echo "no-debugfs DEBUG_FS=n"
	echo "built-in-sample SAMPLE_RUST_RCFS_FORKS=y"
	echo "no-modules MODULES=n"
	echo "doctests RUST_KERNEL_DOCTESTS=y"
	echo "no-cfs-bandwidth CFS_BANDWIDTH=n"
	echo "no-fair-groups FAIR_GROUP_SCHED=n"
	echo "no-cgroup-sched CGROUP_SCHED=n"
	echo "no-cgroups CGROUPS=n"
	each=$(all m)
	echo "no-cgroups-modules CGROUPS=n ${each/RCFS_CPU=m }"
	echo "no-cgroups-up CGROUPS=n SMP=n"
	echo "up SMP=n"
	echo "up-modules SMP=n $(all m)"
	echo "up-preempt SMP=n PREEMPT=y"
	echo "preempt PREEMPT=y"
	echo "rt PREEMPT_RT=y"
	echo "rt-debug PREEMPT_RT=y PROVE_LOCKING=y DEBUG_ATOMIC_SLEEP=y"
	echo "no-namespaces NAMESPACES=n"
	echo "net NET=y"
	echo "off-stack-masks DEBUG_PER_CPU_MAPS=y CPUMASK_OFFSTACK=y NR_CPUS=512"
	echo "numa NUMA=y MAXSMP=y"
	echo "autogroup SCHED_AUTOGROUP=y"
	echo "clamps CPU_FREQ=y CPU_FREQ_GOV_SCHEDUTIL=y UCLAMP_TASK=y UCLAMP_TASK_GROUP=y SCHED_SMT=y SCHED_CORE=y RT_GROUP_SCHED=y"
	echo "accounting VIRT_CPU_ACCOUNTING_GEN=y NO_HZ_FULL=y PSI=y SCHEDSTATS=y"
	echo "sched-ext BPF=y BPF_SYSCALL=y BPF_JIT=y DEBUG_INFO_NONE=n DEBUG_INFO_DWARF5=y DEBUG_INFO_BTF=y SCHED_CLASS_EXT=y NET=y"
	echo "memcg MEMCG=y MEMCG_V1=y"
	echo "suspend SUSPEND=y PM=y"
	echo "no-printk PRINTK=n BUG=n"
	echo "jump-label JUMP_LABEL=y PREEMPT_DYNAMIC=y"
	echo "debug PROVE_LOCKING=y DEBUG_ATOMIC_SLEEP=y DEBUG_OBJECTS=y DEBUG_LIST=y DEBUG_VM=y RUST_DEBUG_ASSERTIONS=y RUST_OVERFLOW_CHECKS=y"
	echo "kasan KASAN=y KASAN_VMALLOC=y"
	echo "kcsan KCSAN=y KCSAN_EARLY_ENABLE=y KCSAN_STRICT=y KCSAN_WEAK_MEMORY=y"
	echo "cfi CFI=y"
}

# ---- chance

# draw N: sets DRAWN to one of 0..N-1. This is splitmix64, which gives the same
# everywhere; $RANDOM does not in every version of bash.
draw() {
	local z=$((STATE += 0x9e3779b97f4a7c15))
	z=$(((z ^ ((z >> 30) & 0x3ffffffff)) * 0xbf58476d1ce4e5b9))
	z=$(((z ^ ((z >> 27) & 0x1fffffffff)) * 0x94d049bb133111eb))
	DRAWN=$((((z >> 33) & 0x7fffffff) % $1))
}

# draw_all NUMBER ATTEMPT: sets CHANGES to "NAME=VALUE …", what of a random
# configuration is not as usual. Other neighbours mean to build nearly everything
# anew: four in a row have the same, and only the options of rcfs differ.
draw_all() {
	CHANGES=
	STATE=$(((SEED * 1000003 + ($1 - 1) / 4) * 1009 + $2))
	draw_from "$NEIGHBOURS"
	STATE=$(((SEED * 1000003 + $1) * 1009 + $2 + 500))
	draw_from "$OWN"
}

# draw_from OPTIONS: adds to CHANGES
draw_from() {
	local name usual values value
	while read -r name usual values; do
		# shellcheck disable=SC2206 # words
		values=($usual $values)
		draw "${#values[@]}"
		value=${values[DRAWN]}
		if [[ $value == *..* ]]; then
			draw $((${value#*..} - ${value%..*} + 1))
			value=$((${value%..*} + DRAWN))
		fi
		[[ $value == "$usual" ]] || CHANGES+="$name=$value "
	done <<<"$1"
}

# ---- one configuration

# configured CHANGES…: does Kconfig leave CONFIG_RCFS in it?
configured() {
	: >"$LOG"
	{
		echo "$GROUND"
		awk '{ print $1 "=" $2 }' <<<"$NEIGHBOURS"$'\n'"$OWN"
		printf '%s\n' "$@"
	} | awk -F = '
		NF == 2 { value[$1] = $2 }
		END { for (name in value)
			if (value[name] == "n") print "# CONFIG_" name " is not set"
			else print "CONFIG_" name "=" value[name] }' >"$FOLDER/fragment" &&
		(configure_leniently) && grep -qx CONFIG_RCFS=y "$BUILD/.config"
}

# lost CHANGES…: those that Kconfig has not taken
lost() {
	local change
	for change; do
		case $change in
		*=n) ! grep -q "^CONFIG_${change%=n}=" "$BUILD/.config" || echo "$change" ;;
		*) grep -qx "CONFIG_$change" "$BUILD/.config" || echo "$change" ;;
		esac
	done | paste -sd ' '
}

# built NAME: whether make succeeds
built() {
	local targets=(vmlinux)
	! grep -qx CONFIG_MODULES=y "$BUILD/.config" || targets+=(modules)
	(
		doing "building $1"
		# All that is wrong, not just the first of it.
		counted_make -k "${targets[@]}"
	)
}

# complaints: the first warnings and errors in the log, with what follows them
complaints() {
	grep -A 3 --no-group-separator -E '(^|[^a-z])(warning|error|ERROR|WARNING)(\[[A-Za-z0-9_:]+\])?:|^\*\*\*|No space left' "$LOG" |
		awk '!/^make/ && !seen[$0]++' | head -n 24
}

# alone NAME: a file for --config that gives this very configuration. What
# .config.fragment asks for, and this configuration does not have, is taken back.
alone() {
	local name
	{
		echo "# Made by tools/check/random-configs.sh: $1"
		cat "$BUILD/.config"
		sed -nE 's/^(# )?(CONFIG_[A-Z0-9_]+)[= ].*/\2/p' "$TOP/.config.fragment" | while read -r name; do
			grep -qE "^(# )?${name}[= ]" "$BUILD/.config" || echo "# $name is not set"
		done
	} >"$FOLDER/$1.config"
}

# report RESULT NAME [LINE…]
report() {
	local result=$1 name=$2
	shift 2
	NUMBER=$((NUMBER + 1))
	clear_progress
	case $result in
	ok)	PASSED=$((PASSED + 1)); echo "ok $NUMBER $name" ;;
	skip)	SKIPPED=$((SKIPPED + 1)); echo "ok $NUMBER $name # SKIP $1"; shift ;;
	*)	FAILED=$((FAILED + 1)); echo "not ok $NUMBER $name" ;;
	esac
	[[ $# -eq 0 ]] || printf '%s\n' "$@" | sed 's/^/# /'
}

# empty_build: nothing of what was built before
empty_build() {
	rm -rf "$BUILD"
	mkdir -p "$BUILD"
	echo "$SOURCE_ID" >"$BUILD/.rcfs-source"
}

# try NAME [CHANGES…]: build what is configured, and report
try() {
	local name=$1 status=0 said
	shift
	built "$name" || status=$?
	said=$(complaints)
	if [[ $status -eq 0 && ! $said ]]; then
		rm -f "$FOLDER/$name.config" "$LOG"
		report ok "$name" "$((SECONDS - BEGUN)) s"
		return
	fi
	alone "$name"
	# What a tool has warned of is built, and make would not ask it again.
	empty_build
	report bad "$name" "${said:-make failed: see the log}" "changes: $*" "log: $LOG" \
		"alone: ./qemu-run.sh --config $FOLDER/$name.config --build-only"
}

try_fixed() {
	local name=$1 missing
	shift
	LOG=$FOLDER/$name.log BEGUN=$SECONDS
	if [[ $name == sched-ext ]] && ! command -v pahole >/dev/null; then
		report skip "$name" "BPF's types need pahole: install the package dwarves"
	elif ! configured "$@"; then
		report bad "$name" "CONFIG_RCFS is not in what Kconfig makes of it" "log: $LOG"
	elif missing=$(lost "$@") && [[ $missing ]]; then
		report bad "$name" "Kconfig has not taken: $missing" "log: $LOG"
	else
		try "$name" "$@"
	fi
}

try_random() {
	local attempt
	LOG=$FOLDER/random-$SEED-$1.log BEGUN=$SECONDS
	for attempt in {0..99}; do
		draw_all "$1" "$attempt"
		# shellcheck disable=SC2086 # words
		if configured $CHANGES; then
			clear_progress
			[[ $attempt -eq 0 ]] || echo "# random-$SEED-$1 was drawn $((attempt + 1)) times"
			try "random-$SEED-$1" $CHANGES
			return
		fi
	done
	report bad "random-$SEED-$1" "a hundred times CONFIG_RCFS was not in what Kconfig made of it" "log: $LOG"
}

# ---- all of them

usage() {
	echo "random-configs.sh: $1" >&2
	echo "usage: tools/check/random-configs.sh [--seed N] [--minutes M | --count N] [--list] [PATTERN]" >&2
	exit 2
}

main() {
	local minutes='' count='' list='' pattern='' name changes number SEED='' arguments=("$@")
	local NUMBER=0 PASSED=0 FAILED=0 SKIPPED=0 BEGUN
	while [[ $# -gt 0 ]]; do
		case $1 in
		--seed | --minutes | --count)
			[[ ${2-} =~ ^(0|[1-9][0-9]{0,8})$ ]] || usage "$1 wants a number"
			case $1 in
			--seed)		SEED=$2 ;;
			--minutes)	minutes=$2 ;;
			--count)	count=$2 ;;
			esac
			shift ;;
		--list)	list=1 ;;
		-*)	usage "there is no option $1" ;;
		*)	[[ ! $pattern ]] || usage "one PATTERN only"
			pattern=$1 ;;
		esac
		shift
	done
	[[ ! $minutes || ! $count ]] || usage "--minutes and --count exclude each other"
	SEED=${SEED:-$((SRANDOM % 1000000))}
	# There is no end to the random ones that a pattern does not match.
	[[ ! $list && ! $pattern ]] || [[ $minutes ]] || count=${count:-0}
	[[ ! $pattern || ! $minutes ]] || usage "a PATTERN goes with --count, not with --minutes"

	mapfile -t CONTROLLERS < <(controllers)
	OWN=$(own_options)
	if [[ $list ]]; then
		{
			fixed
			for ((number = 1; number <= count; number++)); do
				draw_all "$number" 0
				echo "random-$SEED-$number $CHANGES"
			done
		} | awk -v pattern="$pattern" '$1 ~ pattern'
		return
	fi

	kernel_prepare "${arguments[@]}"
	step "configurations"
	mkdir -p "$FOLDER" && exec {OWN_LOCK}>"$FOLDER/lock" ||
		fail "$FOLDER cannot be written" "$(why_unwritable "$FOLDER")" "make it writable, or set XDG_CACHE_HOME"
	flock -n "$OWN_LOCK" || fail "random configurations are being built already" "$FOLDER/lock is held" "wait for that run"
	need_space 2500 "$CACHE"
	# Another run may change the tree, and need not wait for an hour. A file
	# that changes there is a new one, so links are a snapshot.
	doing "linking the source"
	rm -rf "$FOLDER/tree"
	logged cp -al "$TREE" "$FOLDER/tree" ||
		fail "the source cannot be linked to $FOLDER/tree" "$(tail -n 3 "$LOG")" "see the log"
	TREE=$FOLDER/tree
	unlock_cache
	build_setup
	FRAGMENTS=("$FOLDER/fragment")
	[[ $SOURCE_ID == "$(cat "$BUILD/.rcfs-source" 2>/dev/null)" ]] || empty_build
	# What is wrong is told on stdout, with the configuration's result.
	fail() { exit 1; }

	echo "KTAP version 1"
	echo "# seed $SEED"
	while read -r name changes; do
		# shellcheck disable=SC2086 # words
		[[ ! $name =~ $pattern ]] || try_fixed "$name" $changes
	done < <(fixed)
	for ((number = 1; ; number++)); do
		if [[ $count ]]; then
			[[ $number -le $count ]] || break
		else
			[[ $SECONDS -lt $((${minutes:-60} * 60)) ]] || break
		fi
		[[ ! random-$SEED-$number =~ $pattern ]] || try_random "$number"
	done
	echo "1..$NUMBER"
	echo "# seed $SEED, $NUMBER configurations in $((SECONDS / 60)) min"
	echo "$PASSED passed, $FAILED failed$([[ $SKIPPED -eq 0 ]] || echo ", $SKIPPED skipped")"
	[[ $FAILED -eq 0 && $PASSED -gt 0 ]]
}

main "$@"
