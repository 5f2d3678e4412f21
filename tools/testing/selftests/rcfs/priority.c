// SPDX-License-Identifier: GPL-2.0
/*
 * Nice values and policies of tasks, with system calls that not every shell offers.
 */
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "helpers.h"

#ifndef SCHED_RESET_ON_FORK
#define SCHED_RESET_ON_FORK 0x40000000
#endif

static const char usage[] =
	"usage: priority run [-n NICE] [-r|-R] COMMAND...\n"
	"           execute the command\n"
	"             -r         with SCHED_RESET_ON_FORK\n"
	"             -R         with SCHED_RESET_ON_FORK and SCHED_FIFO\n"
	"             -n NICE    with this nice value\n"
	"       priority set ID NICE        setpriority(2)\n"
	"       priority setattr ID NICE    sched_setattr(2), with the same policy\n"
	"       priority policy ID NAME     sched_setscheduler(2): other, batch or fifo\n"
	"           of a thread; each of them says \"OK\", or the name of the error\n"
	"       priority family OWN DIR ROUNDS FILE TEXT FILE TEXT\n"
	"           fork so many children, one after the other. Another process writes\n"
	"           to the files meanwhile, to each of them in turn; the text P is the\n"
	"           id of the parent. A child attaches itself to DIR and must have the\n"
	"           nice value OWN there. So must the parent in the end.\n";

/* A timeout for hangs; no result depends on it. */
#define HANG_SECONDS 240

static int say(int err)
{
	puts(err ? strerrorname_np(errno) : "OK");
	return 0;
}

/* Not every C library has this function. */
struct attr {
	uint32_t size;
	uint32_t sched_policy;
	uint64_t sched_flags;
	int32_t sched_nice;
	uint32_t sched_priority;
	uint64_t sched_runtime;
	uint64_t sched_deadline;
	uint64_t sched_period;
};

static int set_attr(pid_t id, int nice)
{
	struct attr attr = { .size = sizeof(attr) };

	if (syscall(SYS_sched_getattr, id, &attr, sizeof(attr), 0))
		return -1;
	attr.sched_nice = nice;
	return syscall(SYS_sched_setattr, id, &attr, 0);
}

static int set_policy(pid_t id, const char *name)
{
	struct sched_param param = { 0 };

	if (!strcmp(name, "other"))
		return sched_setscheduler(id, SCHED_OTHER, &param);
	if (!strcmp(name, "batch"))
		return sched_setscheduler(id, SCHED_BATCH, &param);
	if (strcmp(name, "fifo"))
		fail("no policy is called %s", name);
	param.sched_priority = 1;
	return sched_setscheduler(id, SCHED_FIFO, &param);
}

static int run(int argc, char **argv)
{
	struct sched_param param = { 0 };
	int opt;

	while ((opt = getopt(argc, argv, "+rRn:")) != -1) {
		if (opt == 'r' || opt == 'R') {
			int policy = opt == 'R' ? SCHED_FIFO : SCHED_OTHER;

			param.sched_priority = opt == 'R';
			if (sched_setscheduler(0, policy | SCHED_RESET_ON_FORK, &param))
				fail("sched_setscheduler: %s", strerror(errno));
		} else if (opt != 'n' || setpriority(PRIO_PROCESS, 0, atoi(optarg))) {
			fail("setpriority: %s", strerror(errno));
		}
	}
	if (optind < argc)
		execvp(argv[optind], argv + optind);
	fail("exec: %s", strerror(errno));
	return 1;
}

/* ---- children that are made while something changes */

static void must_write(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		fail("writing '%s' to %s: %s", text, file, strerror(errno));
	close(fd);
}

static int nice_in(const char *dir)
{
	char tasks[PATH_MAX];
	int nice;

	snprintf(tasks, sizeof(tasks), "%s/tasks", dir);
	must_write(tasks, "0");
	errno = 0;
	nice = getpriority(PRIO_PROCESS, 0);
	if (errno)
		fail("getpriority: %s", strerror(errno));
	return nice;
}

static void write_in_turn(char **files, pid_t parent)
{
	char id[16];

	snprintf(id, sizeof(id), "%d", parent);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		for (int i = 0; i < 4; i += 2)
			must_write(files[i], strcmp(files[i + 1], "P") ? files[i + 1] : id);
}

/* The exit status of a child is its nice value. */
#define STATUS_OF(nice) (100 + (nice))

static void family(int own, const char *dir, int rounds, char **files)
{
	pid_t writer, parent = getpid();
	int nice, status;

	alarm(HANG_SECONDS);
	writer = fork();
	if (!writer)
		write_in_turn(files, parent);
	for (int round = 1; round <= rounds; round++) {
		pid_t pid = fork();

		if (!pid)
			_exit(STATUS_OF(nice_in(dir)));
		if (pid < 0 || writer < 0)
			fail("fork: %s", strerror(errno));
		if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
			fail("round %d: a child ends with status %#x", round, status);
		if (WEXITSTATUS(status) != STATUS_OF(own))
			fail("round %d: a child has the nice value %d, its parent %d",
			     round, WEXITSTATUS(status) - 100, own);
		if (waitpid(writer, NULL, WNOHANG))
			fail("round %d: the writer has ended", round);
	}
	kill(writer, SIGKILL);
	waitpid(writer, NULL, 0);
	nice = nice_in(dir);
	if (nice != own)
		fail("the parent has the nice value %d, and not its own of %d", nice, own);
}

int main(int argc, char **argv)
{
	const char *action = argc > 1 ? argv[1] : "";

	if (!strcmp(action, "run") && argc > 2)
		return run(argc - 1, argv + 1);
	if (!strcmp(action, "set") && argc == 4)
		return say(setpriority(PRIO_PROCESS, atoi(argv[2]), atoi(argv[3])));
	if (!strcmp(action, "setattr") && argc == 4)
		return say(set_attr(atoi(argv[2]), atoi(argv[3])));
	if (!strcmp(action, "policy") && argc == 4)
		return say(set_policy(atoi(argv[2]), argv[3]));
	if (!strcmp(action, "family") && argc == 9) {
		family(atoi(argv[2]), argv[3], atoi(argv[4]), argv + 5);
		return 0;
	}
	fputs(usage, stderr);
	return 2;
}
