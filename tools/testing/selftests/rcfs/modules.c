// SPDX-License-Identifier: GPL-2.0
/*
 * Load and unload modules, and fork in containers, without a shell that would
 * fork as well:
 *
 *	modules load FILE		"OK", or the name of the error
 *	modules unload NAME		the same
 *	modules fork TASKS N		write 0 to TASKS, then fork N times, one
 *					after the other: prints how many forks
 *					there were, and how many were refused
 *	modules cycle FILE NAME ROUNDS	load the module rust_rcfs_forks, mount its
 *					controller at ./tree, use it, unmount
 *					and unload it, while tasks fork and exit
 *					there on all CPUs
 *
 * cycle exits with 0, or with 1 and a reason. It is bounded by rounds, not by time.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_STORMERS 4
/* Children of a stormer that may live at the same time */
#define BROOD 4
/* Forks that the container of the main task has in each round */
#define BUDGET 3
/* A timeout for hangs; no result depends on it. */
#define HANG_SECONDS 240

static struct {
	unsigned long forks[MAX_STORMERS];	/* written by that stormer */
} *shared;

static pid_t stormers[MAX_STORMERS];
static int nr_stormers;
static unsigned long cycle_round;

static void fail(const char *format, ...)
{
	va_list args;

	printf("# round %lu: ", cycle_round);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	exit(1);
}

/* ---- modules: 0 or an errno */

static int load(int fd)
{
	return syscall(SYS_finit_module, fd, "", 0) ? errno : 0;
}

static int unload(const char *name)
{
	return syscall(SYS_delete_module, name, O_NONBLOCK) ? errno : 0;
}

static int open_module(const char *file)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		printf("# %s: %s\n", file, strerror(errno));
		exit(1);
	}
	return fd;
}

/* ---- containers */

static const char *path(const char *dir, const char *name)
{
	static char buf[PATH_MAX];

	snprintf(buf, sizeof(buf), "%s/%s", dir, name);
	return buf;
}

static void must_write(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		fail("writing '%s' to %s: %s", text, file, strerrorname_np(errno));
	close(fd);
}

static void must_move(pid_t pid, const char *dir)
{
	char id[16];

	snprintf(id, sizeof(id), "%d", pid);
	must_write(path(dir, "tasks"), id);
}

static unsigned long must_read(const char *file)
{
	char text[32] = "";
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		fail("reading %s: %s", file, strerrorname_np(errno));
	close(fd);
	return strtoul(text, NULL, 10);
}

static void must_be(const char *dir, const char *name, unsigned long expected)
{
	unsigned long value = must_read(path(dir, name));

	if (value != expected)
		fail("%s/%s is %lu, expected %lu", dir, name, value, expected);
}

/* Children of tasks that have left may still be exiting in it. */
static void remove_soon(const char *dir)
{
	while (rmdir(dir)) {
		if (errno != EBUSY)
			fail("removing %s: %s", dir, strerrorname_np(errno));
		sched_yield();
	}
}

/* ---- forking */

/* Returns whether a child was made. It has been reaped. */
static bool fork_once(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	if (pid < 0) {
		if (errno != EAGAIN)
			fail("fork: %s", strerrorname_np(errno));
		return false;
	}
	if (waitpid(pid, NULL, 0) != pid)
		fail("waitpid: %s", strerrorname_np(errno));
	return true;
}

static void fork_many(const char *tasks, unsigned long n)
{
	unsigned long made = 0;

	must_write(tasks, "0");
	for (unsigned long i = 0; i < n; i++)
		made += fork_once();
	printf("%lu %lu\n", made, n - made);
}

/* Forks, and reaps late, so that there are always exiting children. */
static void storm(int number, int cpu)
{
	pid_t brood[BROOD] = {};
	cpu_set_t set;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
	for (int i = 0; ; i = (i + 1) % BROOD) {
		if (brood[i] > 0)
			waitpid(brood[i], NULL, 0);
		brood[i] = fork();
		if (!brood[i])
			_exit(0);
		if (brood[i] > 0)
			__atomic_add_fetch(&shared->forks[number], 1, __ATOMIC_RELAXED);
	}
}

static void start_stormers(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set))
		fail("sched_getaffinity: %s", strerror(errno));
	for (int cpu = 0; cpu < CPU_SETSIZE && nr_stormers < MAX_STORMERS; cpu++) {
		pid_t pid;

		if (!CPU_ISSET(cpu, &set))
			continue;
		pid = fork();
		if (!pid)
			storm(nr_stormers, cpu);
		if (pid < 0)
			fail("fork: %s", strerrorname_np(errno));
		stormers[nr_stormers++] = pid;
	}
}

static void end_stormers(void)
{
	while (nr_stormers) {
		pid_t pid = stormers[--nr_stormers];

		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
}

/* ---- the whole life of a controller in a module */

static unsigned long forks_of(int stormer)
{
	return __atomic_load_n(&shared->forks[stormer], __ATOMIC_RELAXED);
}

/* Every stormer is in DIR, and has forked there since. */
static void storm_in(const char *dir)
{
	unsigned long before[MAX_STORMERS], counted;

	for (int i = 0; i < nr_stormers; i++) {
		must_move(stormers[i], dir);
		before[i] = forks_of(i);
	}
	for (int i = 0; i < nr_stormers; i++)
		/* The first fork may have begun earlier. */
		while (forks_of(i) < before[i] + 2)
			sched_yield();
	counted = must_read(path(dir, "forks.count"));
	if (counted < (unsigned long)nr_stormers)
		fail("%s/forks.count is %lu after at least %d forks", dir, counted,
		     nr_stormers);
}

static void spend_budget(const char *dir, const char *root)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", BUDGET);
	must_write(path(dir, "forks.max"), text);
	must_write(path(dir, "tasks"), "0");
	for (int i = 0; i < BUDGET; i++)
		if (!fork_once())
			fail("fork %d of %d was refused", i + 1, BUDGET);
	if (fork_once())
		fail("fork %d of %d was not refused", BUDGET + 1, BUDGET);
	must_be(dir, "forks.count", BUDGET);
	must_be(dir, "forks.refused", 1);
	must_write(path(root, "tasks"), "0");
}

static void must_be_in_use(const char *name)
{
	int err = unload(name);

	if (err != EAGAIN)
		fail("unloading the module in use: %s, expected EAGAIN",
		     err ? strerrorname_np(err) : "OK");
}

static void cycle_once(int module, const char *name)
{
	static const char root[] = "tree", mine[] = "tree/mine";
	static const char outer[] = "tree/outer", inner[] = "tree/outer/inner";
	int err = load(module);

	if (err)
		fail("loading the module: %s", strerrorname_np(err));
	if (mount("none", root, "rcfs", 0, "forks"))
		fail("mount: %s", strerrorname_np(errno));

	if (mkdir(outer, 0755) || mkdir(inner, 0755) || mkdir(mine, 0755))
		fail("mkdir: %s", strerrorname_np(errno));
	storm_in(inner);
	spend_budget(mine, root);
	must_be_in_use(name);

	for (int i = 0; i < nr_stormers; i++)
		must_move(stormers[i], i % 2 ? outer : root);
	remove_soon(inner);
	for (int i = 0; i < nr_stormers; i++)
		must_move(stormers[i], root);
	remove_soon(outer);
	/* All tasks have been reaped. */
	if (rmdir(mine))
		fail("removing %s: %s", mine, strerrorname_np(errno));
	if (umount(root))
		fail("umount: %s", strerrorname_np(errno));
	err = unload(name);
	if (err)
		fail("unloading the module: %s", strerrorname_np(err));
}

static void hang(int sig)
{
	static const char text[] = "# a round hangs\n";

	(void)sig;
	if (write(STDOUT_FILENO, text, sizeof(text) - 1) < 0)
		_exit(3);
	_exit(1);
}

static void cycle(const char *file, const char *name, unsigned long rounds)
{
	int module = open_module(file);

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		fail("mmap: %s", strerror(errno));
	start_stormers();
	atexit(end_stormers);
	signal(SIGALRM, hang);
	for (cycle_round = 1; cycle_round <= rounds; cycle_round++) {
		alarm(HANG_SECONDS);
		cycle_once(module, name);
		/* Show progress. */
		if (!(cycle_round % 100)) {
			printf("# %lu of %lu rounds\n", cycle_round, rounds);
			fflush(stdout);
		}
	}
}

static int say(int err)
{
	puts(err ? strerrorname_np(err) : "OK");
	return 0;
}

int main(int argc, char **argv)
{
	const char *action = argc > 1 ? argv[1] : "";

	if (!strcmp(action, "load") && argc == 3)
		return say(load(open_module(argv[2])));
	if (!strcmp(action, "unload") && argc == 3)
		return say(unload(argv[2]));
	if (!strcmp(action, "fork") && argc == 4) {
		fork_many(argv[2], strtoul(argv[3], NULL, 10));
		return 0;
	}
	if (!strcmp(action, "cycle") && argc == 5) {
		cycle(argv[2], argv[3], strtoul(argv[4], NULL, 10));
		return 0;
	}
	fputs("usage: modules load FILE | unload NAME | fork TASKS N |\n"
	      "               cycle FILE NAME ROUNDS\n", stderr);
	return 2;
}
