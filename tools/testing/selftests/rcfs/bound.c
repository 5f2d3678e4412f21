// SPDX-License-Identifier: GPL-2.0
/*
 * Tasks that cannot be bound to some CPUs without a question, and writes that meet.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "helpers.h"

#ifndef SCHED_DEADLINE
#define SCHED_DEADLINE 6
#endif

/* Later than the other process, at most: the time of some writes. */
#define LATE_NS 400000

static const char usage[] =
	"usage: bound deadline ID   give the task the policy SCHED_DEADLINE, print OK\n"
	"                           or the error\n"
	"       bound capable UID   be this user with all capabilities, until the end\n"
	"       bound meet ROUNDS ID FILE SET FILE SET FILE TEXT\n"
	"                           in each round write the one or the other set to\n"
	"                           its file, and text to the third file at the same\n"
	"                           moment; afterwards the task has to be allowed to\n"
	"                           run on this set of CPUs, like 0-1\n";

/* Of <linux/sched/types.h>, which does not go with older headers of the C library */
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
	else if (errno == EPERM)
		puts("EPERM");
	else
		puts(strerror(errno));
}

static void capable(uid_t uid)
{
	if (prctl(PR_SET_KEEPCAPS, 1) || setresuid(uid, uid, uid))
		fail("setresuid: %s", strerror(errno));
	for (;;)
		pause();
}

static void put(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		fail("%s: %s", file, strerror(errno));
	close(fd);
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

static void meet(int rounds, pid_t task, char **sets, const char *file, const char *text)
{
	srandom(1);
	for (int round = 0; round < rounds; round++) {
		const char *list = sets[round % 2 * 2 + 1];
		unsigned long late = random() % LATE_NS;
		pid_t pid = fork();

		if (pid < 0)
			fail("fork: %s", strerror(errno));
		if (!pid) {
			put(file, text);
			_exit(0);
		}
		wait_ns(late);
		put(sets[round % 2 * 2], list);
		reap(pid);
		must_be_allowed(task, list, round);
	}
}

int main(int argc, char **argv)
{
	const char *action = argc > 1 ? argv[1] : "";

	if (!strcmp(action, "deadline") && argc == 3) {
		deadline(atoi(argv[2]));
	} else if (!strcmp(action, "capable") && argc == 3) {
		capable(atoi(argv[2]));
	} else if (!strcmp(action, "meet") && argc == 10) {
		meet(atoi(argv[2]), atoi(argv[3]), argv + 4, argv[8], argv[9]);
	} else {
		fputs(usage, stderr);
		return 2;
	}
	return 0;
}
