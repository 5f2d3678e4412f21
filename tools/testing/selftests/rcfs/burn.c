// SPDX-License-Identifier: GPL-2.0
/*
 * Use CPU time in a container, and print it in ns, as the scheduler accounts it for
 * tasks: the CPU clock of this process, and getrusage(2) for reaped children. Then
 * sleep until killed, so that all of it has been accounted to the container.
 *
 * The caller reads the counters of the container.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "helpers.h"

#ifndef GRND_INSECURE
#define GRND_INSECURE 4
#endif

static const char usage[] =
	"usage: burn DIR user MS          in user mode\n"
	"       burn DIR system MS        in system calls\n"
	"       burn DIR children N MS    in N children, which exit\n"
	"       burn DIR run N COMMAND... in N children, which execute the command\n"
	"       burn DIR threads N MS     in N threads, which exit\n"
	"       burn DIR moves N MS DIR   the same, moved to and fro all the time\n"
	"MS is CPU time: of each child, and of each thread. Prints what it has used in DIR, in\n"
	"ns: at least, and at most.\n";

/* Children that are there at the same time */
#define BROOD 50

static void move(pid_t pid, const char *dir)
{
	char path[PATH_MAX], id[16];
	int fd;

	snprintf(path, sizeof(path), "%s/procs", dir);
	snprintf(id, sizeof(id), "%d", pid);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, id, strlen(id)) < 0)
		fail("process %d to %s: %s", pid, dir, strerror(errno));
	close(fd);
}

/* Reading the clock is a system call: limit it to some hundred times. */
static void in_user_mode(unsigned long ns)
{
	unsigned long until = clock_ns(CLOCK_THREAD_CPUTIME_ID) + ns;

	while (clock_ns(CLOCK_THREAD_CPUTIME_ID) < until)
		for (unsigned long i = 0; i < ns / 100; i++)
			asm volatile("");
}

static void in_system_calls(unsigned long ns)
{
	unsigned long until = clock_ns(CLOCK_THREAD_CPUTIME_ID) + ns;
	static char buf[65536];

	while (clock_ns(CLOCK_THREAD_CPUTIME_ID) < until)
		if (getrandom(buf, sizeof(buf), GRND_INSECURE) < 0)
			fail("getrandom: %s", strerror(errno));
}

/*
 * A reaped child may still run a few instructions, which its parent does not see. So
 * children are not reaped at once, and few of them run then.
 */
static void in_children(int number, unsigned long ns, char **command)
{
	pid_t pids[BROOD];

	while (number > 0) {
		int n;

		for (n = 0; n < BROOD && n < number; n++) {
			pids[n] = fork();
			if (pids[n] < 0)
				fail("fork: %s", strerror(errno));
			if (!pids[n] && command) {
				execvp(command[0], command);
				_exit(1);
			}
			if (!pids[n]) {
				in_user_mode(ns);
				_exit(0);
			}
		}
		for (int i = 0; i < n; i++) {
			siginfo_t info;

			if (waitid(P_PID, pids[i], &info, WEXITED | WNOWAIT))
				fail("waitid: %s", strerror(errno));
		}
		for (int i = 0; i < n; i++) {
			int status;

			if (waitpid(pids[i], &status, 0) != pids[i])
				fail("waitpid: %s", strerror(errno));
			if (status)
				fail("a child ended with status %#x", status);
		}
		number -= n;
	}
}

static void *burner(void *ns)
{
	in_user_mode((unsigned long)ns);
	return NULL;
}

static void in_threads(int number, unsigned long ns)
{
	pthread_t *threads = calloc(number, sizeof(*threads));

	for (int i = 0; i < number; i++)
		if (pthread_create(&threads[i], NULL, burner, (void *)ns))
			fail("pthread_create: %s", strerror(errno));
	for (int i = 0; i < number; i++)
		pthread_join(threads[i], NULL);
}

/*
 * The process that moves this one is outside of the containers. It begins when it can
 * read from @go.
 */
static pid_t start_mover(int go, const char *there, const char *back)
{
	pid_t burner = getpid(), pid = fork();
	char told;

	if (pid < 0)
		fail("fork: %s", strerror(errno));
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (read(go, &told, 1) != 1)
			exit(1);
		for (;;) {
			move(burner, there);
			move(burner, back);
		}
	}
	return pid;
}

static unsigned long used_by_children(void)
{
	struct rusage children;
	unsigned long us;

	if (getrusage(RUSAGE_CHILDREN, &children))
		fail("getrusage: %s", strerror(errno));
	us = (children.ru_utime.tv_sec + children.ru_stime.tv_sec) * 1000000UL +
	     children.ru_utime.tv_usec + children.ru_stime.tv_usec;
	return us * 1000;
}

static unsigned long used(void)
{
	return clock_ns(CLOCK_PROCESS_CPUTIME_ID) + used_by_children();
}

int main(int argc, char **argv)
{
	const char *how = argc > 2 ? argv[2] : "";
	unsigned long ns, before, inside, after, by_children;
	pid_t mover = 0;
	int number, go[2];

	if (!(argc == 4 && (!strcmp(how, "user") || !strcmp(how, "system"))) &&
	    !(argc == 5 && (!strcmp(how, "children") || !strcmp(how, "threads"))) &&
	    !(argc > 4 && !strcmp(how, "run")) &&
	    !(argc == 6 && !strcmp(how, "moves"))) {
		fputs(usage, stderr);
		return 2;
	}
	number = atoi(argv[3]);
	ns = atoi(argv[argc > 4 ? 4 : 3]) * 1000000UL;

	if (!strcmp(how, "moves")) {
		if (pipe(go))
			fail("pipe: %s", strerror(errno));
		mover = start_mover(go[0], argv[5], argv[1]);
	}
	before = used();
	move(0, argv[1]);
	/* The time of the move itself may count in either container, and may be long. */
	inside = used();
	if (mover && write(go[1], "", 1) != 1)
		fail("write: %s", strerror(errno));
	if (!strcmp(how, "user"))
		in_user_mode(ns);
	else if (!strcmp(how, "system"))
		in_system_calls(ns);
	else if (!strcmp(how, "children"))
		in_children(number, ns, NULL);
	else if (!strcmp(how, "run"))
		in_children(number, 0, argv + 4);
	else
		in_threads(number, ns);
	after = used();
	by_children = used_by_children();
	/*
	 * Reap it only now: its CPU time is not in the containers. The time for reaping
	 * is, and may be long on a busy machine.
	 */
	if (mover) {
		kill(mover, SIGKILL);
		waitpid(mover, NULL, 0);
	}
	printf("%lu %lu\n", after - inside,
	       clock_ns(CLOCK_PROCESS_CPUTIME_ID) + by_children - before);
	fflush(stdout);
	for (;;)
		pause();
}
