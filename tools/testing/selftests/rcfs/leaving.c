// SPDX-License-Identifier: GPL-2.0
/*
 * Print in which groups of the scheduler tasks are, from the moment at which they enter a
 * container until they have exited: one kind of group a line, with the number of tasks
 * that were seen in it. A group of a container is /rcfs, a group of autogroup is
 * /autogroup, and the root is /.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "helpers.h"

#define DEBUG "/sys/kernel/debug/sched/debug"
#define NAME "leaver"
#define MAX_KINDS 8

static const char usage[] =
	"usage: leaving CONTAINER CPU COUNT   look at so many tasks, one after the other,\n"
	"                                     that exit in the container on this CPU\n";

static struct kind {
	char name[64];
	int tasks;	/* seen in such a group */
	int last;	/* of these */
} kinds[MAX_KINDS];
static int nr_kinds;

static void leave(const char *tasks, int cpu)
{
	int fd = open(tasks, O_WRONLY | O_CLOEXEC);
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (fd < 0 || write(fd, "0", 1) != 1 || sched_setaffinity(0, sizeof(set), &set))
		_exit(1);
	prctl(PR_SET_NAME, NAME);
	_exit(0);
}

static void note(const char *group, int task)
{
	char name[sizeof(kinds->name)];
	struct kind *kind = kinds;

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(group, "-\n"), group);
	while (kind < kinds + nr_kinds && strcmp(kind->name, name))
		kind++;
	if (kind == kinds + MAX_KINDS)
		fail("more than %d kinds of groups", MAX_KINDS);
	if (kind == kinds + nr_kinds) {
		nr_kinds++;
		memcpy(kind->name, name, sizeof(name));
		kind->last = -1;
	}
	kind->tasks += kind->last != task;
	kind->last = task;
}

/* A line has a state, a name, numbers, and the group. Skip zombies. */
static void look(FILE *debug, int task)
{
	char line[1024], state[4], name[32];

	rewind(debug);
	while (fgets(line, sizeof(line), debug)) {
		char *group = strrchr(line, ' ');

		if (sscanf(line, "%3s %31s", state, name) == 2 && !strcmp(name, NAME) &&
		    state[0] != 'Z' && state[0] != 'X' && group)
			note(group + 1, task);
	}
}

int main(int argc, char **argv)
{
	char tasks[4096];
	FILE *debug;

	if (argc != 4) {
		fputs(usage, stderr);
		return 2;
	}
	snprintf(tasks, sizeof(tasks), "%s/tasks", argv[1]);
	debug = fopen(DEBUG, "re");
	if (!debug)
		fail("%s: %s", DEBUG, strerror(errno));
	for (int i = atoi(argv[3]); i > 0; i--) {
		pid_t pid = fork();
		int status;

		if (pid < 0)
			fail("fork: %s", strerror(errno));
		if (!pid)
			leave(tasks, atoi(argv[2]));
		while (!waitpid(pid, &status, WNOHANG))
			look(debug, i);
		if (status)
			fail("a task could not go to %s", argv[1]);
	}
	for (int i = 0; i < nr_kinds; i++)
		printf("%s %d\n", kinds[i].name, kinds[i].tasks);
	return 0;
}
