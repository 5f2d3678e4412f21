// SPDX-License-Identifier: GPL-2.0
/*
 * Children that begin in a container: clone3(2) with CLONE_INTO_CGROUP and the
 * descriptor of a directory.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdnoreturn.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clone3.h"
#include "helpers.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

static const char usage[] =
	"usage: launch run [-p] [-n FLAGS] FILE COMMAND...\n"
	"           a child that begins where FILE is executes the command; prints why\n"
	"           there is none, or what it ended with\n"
	"             -p         open FILE with O_PATH\n"
	"             -n FLAGS   with these flags of clone besides, a number\n"
	"       launch fd N COMMAND...   the same with an inherited descriptor\n"
	"       launch thread DIR\n"
	"           a thread that begins there; prints its id, and waits to be killed\n"
	"       launch race A B X ROUNDS\n"
	"           the launcher moves between A and B, in another hierarchy than X: no\n"
	"           child appears where the launcher has been\n"
	"       launch own A B ROUNDS\n"
	"           the launcher moves between A and B, and launches into A: no child\n"
	"           appears in B\n"
	"       launch going DIR ROUNDS\n"
	"           into containers in DIR that are being made and removed\n"
	"       launch bomb DIR\n"
	"           attach to DIR; then processes, as many as there may be there, which\n"
	"           fork and end all the time, for 200 s at most\n";

static int run(int fd, uint64_t flags, char **command)
{
	siginfo_t info = { 0 };
	int pidfd = -1;
	pid_t pid = clone_into(fd, flags, &pidfd);

	if (pid < 0) {
		puts(strerrorname_np(errno));
		return 0;
	}
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execvp(*command, command);
		_exit(127);
	}
	/* The descriptor of CLONE_PIDFD refers to the child. */
	if (waitid(P_PIDFD, pidfd, &info, WEXITED))
		fail("waitid: %s", strerror(errno));
	if (info.si_pid != pid)
		fail("the pidfd is that of %d, the child %d", info.si_pid, pid);
	if (info.si_code == CLD_EXITED)
		printf("exited %d\n", info.si_status);
	else
		printf("signal %d\n", info.si_status);
	return 0;
}

static int open_dir(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		fail("%s: %s", dir, strerror(errno));
	return fd;
}

/* ---- a thread, which begins on a stack of its own */

static noreturn void thread(void)
{
	/* No function of the C library: errno belongs to the other thread. */
	for (;;) {
#if defined(__x86_64__)
		long ret;

		asm volatile("syscall" : "=a"(ret) : "a"(SYS_pause)
			     : "rcx", "r11", "memory");
#else
		asm volatile("wfe");
#endif
	}
}

static long clone3_thread(struct clone_args *args)
{
	long ret;

#if defined(__x86_64__)
	asm volatile("syscall\n\t"
		     "test %%rax, %%rax\n\t"
		     "jnz 1f\n\t"
		     "call *%3\n"
		     "1:"
		     : "=a"(ret)
		     : "0"(SYS_clone3), "D"(args), "r"(thread), "S"(sizeof(*args))
		     : "rcx", "r11", "memory");
#elif defined(__aarch64__)
	register long x8 asm("x8") = SYS_clone3;
	register long x0 asm("x0") = (long)args;
	register long x1 asm("x1") = sizeof(*args);

	asm volatile("svc #0\n\t"
		     "cbnz x0, 1f\n\t"
		     "blr %2\n"
		     "1:"
		     : "+r"(x0) : "r"(x8), "r"(thread), "r"(x1) : "memory");
	ret = x0;
#else
	errno = EOPNOTSUPP;
	(void)args;
	return -1;
#endif
	if (ret < 0) {
		errno = -ret;
		return -1;
	}
	return ret;
}

static int launch_thread(const char *dir)
{
	const size_t size = 65536;
	struct clone_args args = {
		.flags = CLONE_INTO_CGROUP | CLONE_VM | CLONE_FS | CLONE_FILES |
			 CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM,
		.stack_size = size,
		.cgroup = open_dir(dir),
	};
	void *stack = mmap(NULL, size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	long tid;

	if (stack == MAP_FAILED)
		fail("mmap: %s", strerror(errno));
	args.stack = (uintptr_t)stack;
	tid = clone3_thread(&args);
	if (tid < 0)
		puts(strerrorname_np(errno));
	else
		printf("%ld\n", tid);
	fflush(stdout);
	while (tid > 0)
		pause();
	return 0;
}

/* ---- races */

/* Children that stay alive for a while, so that they are listed */
#define BROOD 8

static struct {
	int rounds, stop;
} *shared;

static void share(void)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		fail("mmap: %s", strerror(errno));
}

static int load(int *counter)
{
	return __atomic_load_n(counter, __ATOMIC_SEQ_CST);
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static pid_t start_launcher(const char *dir)
{
	pid_t brood[BROOD] = { 0 }, parent = fork();
	int fd, pidfd;

	if (parent < 0)
		fail("fork: %s", strerror(errno));
	if (parent)
		return parent;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fd = open_dir(dir);
	for (int i = 0; !load(&shared->stop); i = (i + 1) % BROOD) {
		if (brood[i])
			end(brood[i]);
		brood[i] = clone_into(fd, 0, &pidfd);
		if (brood[i] < 0)
			fail("launch: %s", strerror(errno));
		if (!brood[i]) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (;;)
				pause();
		}
		close(pidfd);
		__atomic_add_fetch(&shared->rounds, 1, __ATOMIC_SEQ_CST);
	}
	for (int i = 0; i < BROOD; i++)
		if (brood[i])
			end(brood[i]);
	exit(0);
}

static void wait_rounds(int nr, pid_t launcher)
{
	int until = load(&shared->rounds) + nr;
	unsigned long begin = now_ns();

	while (load(&shared->rounds) < until) {
		siginfo_t info = { 0 };

		waitid(P_PID, launcher, &info, WEXITED | WNOHANG | WNOWAIT);
		if (info.si_pid || in_vain(begin))
			fail("the launcher does not get on");
		sched_yield();
	}
}

static void move(pid_t pid, const char *dir)
{
	char file[4096], id[16];
	int fd, len = snprintf(id, sizeof(id), "%d", pid);

	snprintf(file, sizeof(file), "%s/tasks", dir);
	fd = open(file, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, id, len) != len)
		fail("moving task %d to %s: %s", pid, dir, strerror(errno));
	close(fd);
}

struct list {
	int count;
	int ids[64];
};

static void list(const char *dir, struct list *list)
{
	char file[4096];
	FILE *tasks;

	snprintf(file, sizeof(file), "%s/tasks", dir);
	tasks = fopen(file, "re");
	if (!tasks)
		fail("%s: %s", file, strerror(errno));
	for (list->count = 0; list->count < 64; list->count++)
		if (fscanf(tasks, "%d", &list->ids[list->count]) != 1)
			break;
	fclose(tasks);
}

static int race(const char *a, const char *b, const char *into, unsigned long rounds)
{
	const char *from = a, *to = b, *swap;
	pid_t launcher;

	share();
	launcher = start_launcher(into);
	move(launcher, from);
	wait_rounds(1, launcher);
	while (rounds--) {
		struct list before, after;

		move(launcher, to);
		list(from, &before);
		/* Each round begins with the launcher in the other container. */
		wait_rounds(2, launcher);
		list(from, &after);
		for (int i = 0, j; i < after.count; i++) {
			for (j = 0; j < before.count; j++)
				if (after.ids[i] == before.ids[j])
					break;
			if (j == before.count)
				fail("task %d appeared in %s, which its parent had left",
				     after.ids[i], from);
		}
		swap = from;
		from = to;
		to = swap;
	}
	__atomic_store_n(&shared->stop, 1, __ATOMIC_SEQ_CST);
	reap(launcher);
	return 0;
}

static int own(const char *a, const char *b, unsigned long rounds)
{
	pid_t launcher;

	share();
	launcher = start_launcher(a);
	while (rounds--) {
		struct list tasks;

		move(launcher, a);
		wait_rounds(1, launcher);
		move(launcher, b);
		wait_rounds(1, launcher);
		list(b, &tasks);
		for (int i = 0; i < tasks.count; i++)
			if (tasks.ids[i] != launcher)
				fail("task %d, which was launched into %s, is in %s",
				     tasks.ids[i], a, b);
	}
	__atomic_store_n(&shared->stop, 1, __ATOMIC_SEQ_CST);
	reap(launcher);
	return 0;
}

static int going(const char *dir, unsigned long rounds)
{
	char name[4096];
	pid_t other;
	int launched = 0;

	snprintf(name, sizeof(name), "%s/x", dir);
	share();
	other = fork();
	if (other < 0)
		fail("fork: %s", strerror(errno));
	if (!other) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		while (!load(&shared->stop)) {
			if (mkdir(name, 0755) && errno != EEXIST)
				fail("mkdir: %s", strerror(errno));
			if (rmdir(name) && errno != EBUSY)
				fail("rmdir: %s", strerror(errno));
		}
		rmdir(name);
		exit(0);
	}
	while (rounds) {
		int pidfd, fd = open(name, O_PATH | O_CLOEXEC);
		pid_t pid;

		if (fd < 0)
			continue;
		rounds--;
		pid = clone_into(fd, 0, &pidfd);
		if (!pid)
			_exit(0);
		if (pid > 0) {
			launched++;
			reap(pid);
			close(pidfd);
		} else if (errno != ENODEV) {
			fail("launch: %s", strerror(errno));
		}
		close(fd);
	}
	__atomic_store_n(&shared->stop, 1, __ATOMIC_SEQ_CST);
	reap(other);
	printf("# %d of the launches found their container\n", launched);
	return 0;
}

#define BOMB_SECONDS 200
/* Forks of a process, refused ones included, before it makes room for others */
#define ATTEMPTS 8

static int bomb(const char *dir)
{
	unsigned long begin = now_ns();
	bool first = true;
	int attempts = 0;

	move(0, dir);
	/* Children are reaped by the kernel. */
	signal(SIGCHLD, SIG_IGN);
	while (now_ns() - begin < BOMB_SECONDS * 1000000000UL) {
		pid_t pid;

		if (++attempts > ATTEMPTS && !first)
			break;
		pid = fork();
		if (pid < 0 && errno != EAGAIN)
			fail("fork: %s", strerror(errno));
		if (pid < 0)
			sched_yield();
		if (!pid) {
			first = false;
			attempts = 0;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	uint64_t flags = 0;
	int opt, how = O_RDONLY;
	const char *action = argc > 1 ? argv[1] : "";

	if (!strcmp(action, "thread") && argc == 3)
		return launch_thread(argv[2]);
	if (!strcmp(action, "race") && argc == 6)
		return race(argv[2], argv[3], argv[4], strtoul(argv[5], NULL, 10));
	if (!strcmp(action, "own") && argc == 5)
		return own(argv[2], argv[3], strtoul(argv[4], NULL, 10));
	if (!strcmp(action, "going") && argc == 4)
		return going(argv[2], strtoul(argv[3], NULL, 10));
	if (!strcmp(action, "bomb") && argc == 3)
		return bomb(argv[2]);
	if (!strcmp(action, "fd") && argc >= 4)
		return run(atoi(argv[2]), 0, argv + 3);
	if (!strcmp(action, "run")) {
		argv++;
		argc--;
		while ((opt = getopt(argc, argv, "+pn:")) != -1) {
			if (opt == 'p')
				how = O_PATH;
			else if (opt == 'n')
				flags = strtoull(optarg, NULL, 0);
			else
				optind = argc;
		}
		if (argc - optind >= 2) {
			int fd = open(argv[optind], how | O_CLOEXEC);

			if (fd < 0)
				fail("%s: %s", argv[optind], strerror(errno));
			return run(fd, flags, argv + optind + 1);
		}
	}
	fputs(usage, stderr);
	return 2;
}
