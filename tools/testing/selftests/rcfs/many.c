// SPDX-License-Identifier: GPL-2.0
/*
 * Repeat an operation very often, and measure how long other tasks wait for a CPU:
 *
 *	many attaches N A B	attach itself to the containers A and B in turn
 *	many nsproxies N A B	the same with a uts namespace of its own, so that each
 *				attach makes an nsproxy and leaves one to be freed
 *	many containers N DIR	make N containers, a thousand in each of as many more
 *				as that takes
 *	many removals N DIR	remove them again
 *
 * On each CPU, a task repeatedly sleeps for a millisecond. Prints the longest time in us
 * by which such a task was late: "late US". In an emulator, or with shared CPUs, this
 * includes delays of the host.
 */
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include "helpers.h"

#define IN_ONE 1000

/* ---- lateness */

static atomic_ulong latest_ns;
static atomic_bool done;

static void *sleep_often(void *arg)
{
	const struct timespec nap = { .tv_nsec = 1000000 };
	unsigned long late, known;
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET((long)arg, &cpus);
	/* If the CPU has gone offline, run on any other. */
	pthread_setaffinity_np(pthread_self(), sizeof(cpus), &cpus);
	while (!done) {
		unsigned long begin = now_ns();

		nanosleep(&nap, NULL);
		late = now_ns() - begin - nap.tv_nsec;
		known = latest_ns;
		while (late > known &&
		       !atomic_compare_exchange_weak(&latest_ns, &known, late))
			;
	}
	return NULL;
}

static int start_sleepers(pthread_t *sleepers, int room)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	int count = cpus < room ? cpus : room;

	for (long cpu = 0; cpu < count; cpu++)
		if (pthread_create(&sleepers[cpu], NULL, sleep_often, (void *)cpu))
			fail("no thread");
	return count;
}

/* ---- operations */

static int open_tasks(const char *container)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/tasks", container);
	fd = open(path, O_WRONLY);
	if (fd < 0)
		fail("%s: %s", path, strerror(errno));
	return fd;
}

static void attach_often(unsigned long n, const char *a, const char *b)
{
	const int fds[] = { open_tasks(a), open_tasks(b) };

	for (unsigned long i = 0; i < n; i++)
		if (pwrite(fds[i % 2], "0", 1, 0) != 1)
			fail("attach %lu: %s", i, strerror(errno));
}

static void name_container(char *path, const char *dir, unsigned long i, bool one)
{
	if (one)
		snprintf(path, PATH_MAX, "%s/%lu/%lu", dir, i / IN_ONE, i % IN_ONE);
	else
		snprintf(path, PATH_MAX, "%s/%lu", dir, i / IN_ONE);
}

static void make_containers(unsigned long n, const char *dir)
{
	char path[PATH_MAX];

	for (unsigned long i = 0; i < n; i++) {
		name_container(path, dir, i, false);
		if (i % IN_ONE == 0 && mkdir(path, 0755))
			fail("mkdir %s: %s", path, strerror(errno));
		name_container(path, dir, i, true);
		if (mkdir(path, 0755))
			fail("mkdir %s: %s", path, strerror(errno));
	}
}

static void remove_containers(unsigned long n, const char *dir)
{
	char path[PATH_MAX];

	for (unsigned long i = n; i-- > 0;) {
		name_container(path, dir, i, true);
		if (rmdir(path))
			fail("rmdir %s: %s", path, strerror(errno));
		name_container(path, dir, i, false);
		if (i % IN_ONE == 0 && rmdir(path))
			fail("rmdir %s: %s", path, strerror(errno));
	}
}

int main(int argc, char **argv)
{
	const char *action = argc > 3 ? argv[1] : "";
	unsigned long n = argc > 3 ? strtoul(argv[2], NULL, 10) : 0;
	bool nsproxies = !strcmp(action, "nsproxies");
	pthread_t sleepers[64];
	int count;

	/* Before there are threads, which may keep the old namespaces. */
	if (nsproxies && unshare(CLONE_NEWUTS))
		fail("unshare: %s", strerror(errno));
	count = start_sleepers(sleepers, sizeof(sleepers) / sizeof(*sleepers));
	if ((nsproxies || !strcmp(action, "attaches")) && argc == 5) {
		attach_often(n, argv[3], argv[4]);
	} else if (!strcmp(action, "containers") && argc == 4) {
		make_containers(n, argv[3]);
	} else if (!strcmp(action, "removals") && argc == 4) {
		remove_containers(n, argv[3]);
	} else {
		fputs("usage: many attaches|nsproxies N A B | containers|removals N DIR\n",
		      stderr);
		return 2;
	}
	done = true;
	while (count--)
		pthread_join(sleepers[count], NULL);
	printf("late %lu\n", latest_ns / 1000);
	return 0;
}
