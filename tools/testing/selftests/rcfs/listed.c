// SPDX-License-Identifier: GPL-2.0
/*
 * Check that a task that stays in a container is listed while others change lists.
 *
 * The kernel has one list of tasks for each combination of namespaces and containers.
 * Some tasks here change their list all the time, by new namespaces and by moves. Others
 * stay. A task that is in the container all the time has to be in each listing, once.
 * A container must not be empty while a task in it moves.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "helpers.h"

#define STAYERS 3
#define SWITCHERS 2
#define STEADY (STAYERS + SWITCHERS)
#define MOVERS 2

static const char usage[] =
	"usage: listed CONTAINER ELSEWHERE ROUNDS\n"
	"           read the tasks of the container so often, while 3 tasks in there sleep,\n"
	"           2 get other namespaces all the time, and 2 are moved between there\n"
	"           and elsewhere\n"
	"       listed empty FILE ROUNDS HERE THERE [CONTAINER]\n"
	"           read the file so often, \"empty\" or \"tasks\", which must know of a task\n"
	"           that is moved between two containers, and is in the third one as well\n";

static char tasks[2][4096];

static int open_tasks(const char *container, char *file, size_t size)
{
	int fd;

	snprintf(file, size, "%s/tasks", container);
	fd = open(file, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		fail("%s: %s", file, strerror(errno));
	return fd;
}

static void move(int fd, pid_t pid, const char *file)
{
	char id[16];

	snprintf(id, sizeof(id), "%d", pid);
	if (write(fd, id, strlen(id)) < 0)
		fail("%s of %s: %s", id, file, strerror(errno));
}

static void sleep_on(void)
{
	for (;;)
		pause();
}

static void unshare_on(void)
{
	for (;;)
		if (unshare(CLONE_NEWUTS))
			fail("unshare: %s", strerror(errno));
}

static pid_t start(void (*run)(void))
{
	pid_t pid = fork();

	if (pid < 0)
		fail("fork: %s", strerror(errno));
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		run();
	}
	return pid;
}

static pid_t moved[MOVERS];
static int movers = MOVERS;
static int here, elsewhere;

static void move_on(void)
{
	for (;;) {
		for (int i = 0; i < movers; i++)
			move(elsewhere, moved[i], tasks[1]);
		for (int i = 0; i < movers; i++)
			move(here, moved[i], tasks[0]);
	}
}

static int never_empty(const char *file, int rounds, const char *container)
{
	char also[4096];

	movers = 1;
	moved[0] = start(sleep_on);
	if (container)
		move(open_tasks(container, also, sizeof(also)), moved[0], also);
	move(here, moved[0], tasks[0]);
	start(move_on);
	for (int round = 1; round <= rounds; round++) {
		int fd = open(file, O_RDONLY | O_CLOEXEC);
		char said[16] = "";

		if (fd < 0 || read(fd, said, sizeof(said) - 1) < 0)
			fail("%s: %s", file, strerror(errno));
		close(fd);
		if (!*said || !strcmp(said, "1\n"))
			fail("round %d: %s says '%.1s', and a task is there", round, file, said);
	}
	return 0;
}

static void must_be_listed(const char *text, pid_t pid, const char *what, int round)
{
	int times = 0;

	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		times += *line && atoi(line) == pid;
	}
	if (times != 1)
		fail("round %d: task %d, which %s, is listed %d times", round, pid, what, times);
}

/* Use a separate file: a write changes the position for reads. */
static void read_all(char *text, size_t size)
{
	int fd = open(tasks[0], O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : 0, have = 0;

	while (fd >= 0 && (got = read(fd, text + have, size - 1 - have)) > 0)
		have += got;
	if (got < 0)
		fail("%s: %s", tasks[0], strerror(errno));
	close(fd);
	text[have] = 0;
}

int main(int argc, char **argv)
{
	pid_t steady[STEADY];
	char text[4096];

	if ((argc == 6 || argc == 7) && !strcmp(argv[1], "empty")) {
		here = open_tasks(argv[4], tasks[0], sizeof(tasks[0]));
		elsewhere = open_tasks(argv[5], tasks[1], sizeof(tasks[1]));
		return never_empty(argv[2], atoi(argv[3]), argv[6]);
	}
	if (argc != 4) {
		fputs(usage, stderr);
		return 2;
	}
	here = open_tasks(argv[1], tasks[0], sizeof(tasks[0]));
	elsewhere = open_tasks(argv[2], tasks[1], sizeof(tasks[1]));
	for (int i = 0; i < STEADY; i++) {
		steady[i] = start(i < STAYERS ? sleep_on : unshare_on);
		move(here, steady[i], tasks[0]);
	}
	for (int i = 0; i < MOVERS; i++)
		moved[i] = start(sleep_on);
	start(move_on);
	for (int round = 1; round <= atoi(argv[3]); round++) {
		read_all(text, sizeof(text));
		for (int i = 0; i < STEADY; i++)
			must_be_listed(text, steady[i], i < STAYERS ? "sleeps" : "unshares", round);
	}
	return 0;
}
