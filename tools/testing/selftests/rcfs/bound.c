// SPDX-License-Identifier: GPL-2.0
/*
 * Tasks that may not be restricted to some CPUs, and writes that race.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "helpers.h"

#ifndef SCHED_DEADLINE
#define SCHED_DEADLINE 6
#endif

/* The longest lag behind the other process: twice the longest delay of rcfs */
#define LATE_NS 4000000
#define BROOD 8

static const char usage[] =
	"usage: bound deadline ID   give the task the policy SCHED_DEADLINE, print OK\n"
	"                           or the name of the error\n"
	"       bound capable UID   be this user with all capabilities, until the end\n"
	"       bound broods        have 8 children that sleep, and replace the oldest all\n"
	"                           the time\n"
	"       bound meet ROUNDS ID FILE SET FILE SET FILE TEXT\n"
	"                           in each round write the one or the other set to\n"
	"                           its file, and text to the third file at the same\n"
	"                           moment; afterwards the task has to be allowed to\n"
	"                           run on this set of CPUs, like 0-1\n";

/* From <linux/sched/types.h>, which conflicts with older headers of the C library */
struct attributes {
	uint32_t size;
	uint32_t policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime;
	uint64_t deadline;
	uint64_t period;
};

static void deadline(pid_t pid)
{
	struct attributes attr = {
		.size = sizeof(attr),
		.policy = SCHED_DEADLINE,
		.runtime = 1000000,
		.deadline = 100000000,
		.period = 100000000,
	};

	if (!syscall(SYS_sched_setattr, pid, &attr, 0))
		puts("OK");
	else
		puts(strerrorname_np(errno));
}

static void capable(uid_t uid)
{
	if (prctl(PR_SET_KEEPCAPS, 1) || setresuid(uid, uid, uid))
		fail("setresuid: %s", strerror(errno));
	for (;;)
		pause();
}

/* Many forks: the children do not compete with their parent. */
static void broods(void)
{
	pid_t brood[BROOD] = { 0 };

	for (int oldest = 0; ; oldest = (oldest + 1) % BROOD) {
		if (brood[oldest] > 0) {
			kill(brood[oldest], SIGKILL);
			waitpid(brood[oldest], NULL, 0);
		}
		brood[oldest] = fork();
		if (brood[oldest] < 0)
			fail("fork: %s", strerror(errno));
		while (!brood[oldest])
			pause();
	}
}

static int put(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY | O_CLOEXEC);
	int err = fd < 0 || write(fd, text, strlen(text)) < 0 ? errno : 0;

	if (fd >= 0)
		close(fd);
	return err;
}

static void wait_ns(unsigned long ns)
{
	unsigned long since = now_ns();

	while (now_ns() - since < ns)
		;
}

static void must_be_allowed(pid_t pid, const char *list, int round)
{
	int first = atoi(list), last = strchr(list, '-') ? atoi(strchr(list, '-') + 1) : first;
	cpu_set_t set;

	if (sched_getaffinity(pid, sizeof(set), &set))
		fail("sched_getaffinity: %s", strerror(errno));
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (!CPU_ISSET(cpu, &set) != !(cpu >= first && cpu <= last))
			fail("round %d: the task is %sallowed to run on CPU %d, and has %s",
			     round, CPU_ISSET(cpu, &set) ? "" : "not ", cpu, list);
}

/* Progress of two processes, which may share a CPU */
struct rounds {
	int begun, done;
};

static void wait_for_round(const int *count, int round)
{
	unsigned long since = now_ns();

	while (__atomic_load_n(count, __ATOMIC_SEQ_CST) < round) {
		if (in_vain(since))
			fail("waited %d s in vain for round %d", LIMIT_SECONDS, round);
		sched_yield();
	}
}

static void finish_round(int *count, int round)
{
	__atomic_store_n(count, round, __ATOMIC_SEQ_CST);
}

static void write_in_rounds(int last, struct rounds *rounds, const char *file, const char *text)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int round = 1; round <= last; round++) {
		wait_for_round(&rounds->begun, round);
		/* If it fails, the status tells, and the other process need not wait. */
		if (put(file, text)) {
			finish_round(&rounds->done, last);
			_exit(1);
		}
		finish_round(&rounds->done, round);
	}
	_exit(0);
}

static void meet(int last, pid_t task, char **sets, const char *file, const char *text)
{
	struct rounds *rounds = mmap(NULL, sizeof(*rounds), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	if (rounds == MAP_FAILED)
		fail("mmap: %s", strerror(errno));
	pid = fork();
	if (pid < 0)
		fail("fork: %s", strerror(errno));
	if (!pid)
		write_in_rounds(last, rounds, file, text);
	for (int round = 1; round <= last; round++) {
		char **set = sets + round % 2 * 2;

		finish_round(&rounds->begun, round);
		wait_ns(random() % LATE_NS);
		errno = put(set[0], set[1]);
		if (errno)
			fail("%s: %s", set[0], strerror(errno));
		wait_for_round(&rounds->done, round);
		must_be_allowed(task, set[1], round);
	}
	reap(pid);
}

int main(int argc, char **argv)
{
	const char *action = argc > 1 ? argv[1] : "";

	if (!strcmp(action, "deadline") && argc == 3) {
		deadline(atoi(argv[2]));
	} else if (!strcmp(action, "capable") && argc == 3) {
		capable(atoi(argv[2]));
	} else if (!strcmp(action, "broods") && argc == 2) {
		broods();
	} else if (!strcmp(action, "meet") && argc == 10) {
		meet(atoi(argv[2]), atoi(argv[3]), argv + 4, argv[8], argv[9]);
	} else {
		fputs(usage, stderr);
		return 2;
	}
	return 0;
}
