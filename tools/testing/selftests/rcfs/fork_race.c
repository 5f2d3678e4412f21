// SPDX-License-Identifier: GPL-2.0
/*
 * Move tasks between containers while they fork, exit, and switch namespaces.
 *
 *	fork_race storm A B ROUNDS	everything at once
 *	fork_race children A B ROUNDS	no child stays behind its parent
 *	fork_race switches A B ROUNDS	no switch of namespaces undoes a move
 *	fork_race vacate A B ROUNDS	a container in A can be removed after its
 *					last task has left,
 *	fork_race leave A B ROUNDS	... even if the task is forking,
 *	fork_race reap A ROUNDS		... and after its last task was reaped
 *	fork_race threads A B ROUNDS	no thread stays when its process is moved
 *	fork_race dying A B ROUNDS	no task gets an nsproxy that its last user
 *					is giving up
 *	fork_race linger A B FILE ROUNDS	a task that is slow to follow its nsproxy
 *					is moved
 *	fork_race spin A B ROUNDS	the container of a running task is removed
 *	fork_race rmdir A ROUNDS	a container is removed while its files are
 *					written
 *
 * A and B are containers. All tests are bounded by the number of rounds, not by time.
 * A round waits for counters of the task that it tests.
 * Exits with 0, or with 1 and a reason.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "helpers.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

#define WORKERS 4
#define MOVERS 2
/* Children that a forker keeps alive, so that they can be seen */
#define BROOD 8
/* A timeout for hangs; no result depends on it. */
#define HANG_SECONDS 240

static struct {
	unsigned long rounds;	/* of the task that is moved */
	int ready;		/* tasks that have started */
	int stop;
} *shared;

static pid_t children[WORKERS + MOVERS];
static int nr_children;

/* ---- containers */

static const char *path(const char *dir, const char *name)
{
	static char buf[2][PATH_MAX];
	static int turn;

	turn = !turn;
	snprintf(buf[turn], sizeof(buf[turn]), "%s/%s", dir, name);
	return buf[turn];
}

/* 0 or an errno */
static int write_id(const char *dir, const char *name, pid_t tid)
{
	char id[16];
	int fd = open(path(dir, name), O_WRONLY | O_CLOEXEC);
	int err = 0;

	if (fd < 0)
		return errno;
	snprintf(id, sizeof(id), "%d", tid);
	if (write(fd, id, strlen(id)) < 0)
		err = errno;
	close(fd);
	return err;
}

static int move(pid_t tid, const char *dir)
{
	return write_id(dir, "tasks", tid);
}

static void must_move_process(pid_t pid, const char *dir)
{
	int err = write_id(dir, "procs", pid);

	if (err)
		fail("moving process %d to %s: %s", pid, dir, strerror(err));
}

static void must_move(pid_t tid, const char *dir)
{
	int err = move(tid, dir);

	if (err)
		fail("moving task %d to %s: %s", tid, dir, strerror(err));
}

struct list {
	int count;
	pid_t ids[4096];
};

static void list_tasks(const char *dir, struct list *list)
{
	FILE *file = fopen(path(dir, "tasks"), "re");

	if (!file)
		fail("%s/tasks: %s", dir, strerror(errno));
	list->count = 0;
	while (list->count < 4096 && fscanf(file, "%d", &list->ids[list->count]) == 1)
		list->count++;
	fclose(file);
}

static bool listed(const struct list *list, pid_t id)
{
	for (int i = 0; i < list->count; i++)
		if (list->ids[i] == id)
			return true;
	return false;
}

/* ---- processes */

/* Movers run on one CPU and moved tasks on others, so that they race. */
static void run_on(bool mover)
{
	cpu_set_t all, set;

	if (sched_getaffinity(0, sizeof(all), &all))
		return;
	CPU_ZERO(&set);
	for (int cpu = 0, seen = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &all))
			continue;
		if (mover == !seen)
			CPU_SET(cpu, &set);
		seen++;
	}
	sched_setaffinity(0, sizeof(set), &set);
}

static pid_t start(void (*run)(const char *dir, unsigned long arg),
		   const char *dir, unsigned long arg)
{
	pid_t pid = fork();

	if (pid < 0)
		fail("fork: %s", strerror(errno));
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		run(dir, arg);
		exit(0);
	}
	children[nr_children++] = pid;
	return pid;
}

static void count(int *counter)
{
	__atomic_add_fetch(counter, 1, __ATOMIC_SEQ_CST);
}

static bool stopped(void)
{
	return __atomic_load_n(&shared->stop, __ATOMIC_SEQ_CST);
}

/* Let the other tasks run, which go on until they are told to stop. */
static void let_run(void)
{
	siginfo_t info = { 0 };

	waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT);
	if (info.si_pid)
		fail("task %d has ended early", info.si_pid);
	sched_yield();
}

static void wait_ready(int tasks)
{
	while (__atomic_load_n(&shared->ready, __ATOMIC_SEQ_CST) < tasks)
		let_run();
}

static void end_round(void)
{
	__atomic_add_fetch(&shared->rounds, 1, __ATOMIC_SEQ_CST);
}

static unsigned long round_ns;

/* Waits until the moved task has begun and ended a round. */
static void wait_round(void)
{
	unsigned long round = __atomic_load_n(&shared->rounds, __ATOMIC_SEQ_CST);
	unsigned long begin = now_ns();

	while (__atomic_load_n(&shared->rounds, __ATOMIC_SEQ_CST) < round + 2)
		let_run();
	round_ns = (now_ns() - begin) / 2;
}

/* Lets a part of the next round pass, a different one each time. */
static void wait_any_moment(void)
{
	unsigned long until;

	wait_round();
	until = now_ns() + round_ns * (rand() % 1024) / 1024;
	while (now_ns() < until)
		;
}

static void reap_all(void)
{
	count(&shared->stop);
	for (int i = 0; i < nr_children; i++)
		reap(children[i]);
}

/* ---- the moved tasks */

static int home_ns[3];

static void open_home(void)
{
	home_ns[0] = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);
	home_ns[1] = open("/proc/self/ns/ipc", O_RDONLY | O_CLOEXEC);
	home_ns[2] = open("/proc/self/ns/time", O_RDONLY | O_CLOEXEC);
}

static void go_home(void)
{
	for (int i = 0; i < 3; i++)
		if (home_ns[i] >= 0)
			setns(home_ns[i], 0);
}

static void forker(const char *dir, unsigned long unused)
{
	pid_t brood[BROOD] = { 0 };

	(void)unused;
	run_on(false);
	must_move(0, dir);
	count(&shared->ready);
	for (int i = 0; !stopped(); i = (i + 1) % BROOD) {
		if (brood[i]) {
			kill(brood[i], SIGKILL);
			waitpid(brood[i], NULL, 0);
		}
		brood[i] = fork();
		if (brood[i] < 0)
			fail("fork: %s", strerror(errno));
		if (!brood[i]) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (;;)
				pause();
		}
		end_round();
	}
	for (int i = 0; i < BROOD; i++) {
		if (brood[i]) {
			kill(brood[i], SIGKILL);
			waitpid(brood[i], NULL, 0);
		}
	}
}

static void switcher(const char *dir, unsigned long unused)
{
	(void)unused;
	run_on(false);
	open_home();
	must_move(0, dir);
	count(&shared->ready);
	while (!stopped()) {
		if (unshare(CLONE_NEWUTS))
			fail("unshare: %s", strerror(errno));
		if (setns(home_ns[0], 0))
			fail("setns: %s", strerror(errno));
		end_round();
	}
}

static void fork_and_wait(unsigned long flags)
{
	pid_t pid = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);

	if (!pid)
		_exit(0);
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

static void short_forker(const char *dir, unsigned long unused)
{
	(void)unused;
	run_on(false);
	must_move(0, dir);
	count(&shared->ready);
	while (!stopped()) {
		fork_and_wait(0);
		end_round();
	}
}

static void *nothing(void *unused)
{
	return unused;
}

static void *make_threads(void *unused)
{
	pthread_t thread;

	while (!stopped()) {
		if (!pthread_create(&thread, NULL, nothing, NULL))
			pthread_join(thread, NULL);
		end_round();
	}
	return unused;
}

static void threader(const char *dir, unsigned long unused)
{
	pthread_t makers[3];

	(void)unused;
	run_on(false);
	must_move(0, dir);
	for (int i = 0; i < 3; i++)
		if (pthread_create(&makers[i], NULL, make_threads, NULL))
			fail("pthread_create: %s", strerror(errno));
	count(&shared->ready);
	for (int i = 0; i < 3; i++)
		pthread_join(makers[i], NULL);
}

/* This task is the last one with its combination of containers and namespaces. */
static void dier(const char *dir, unsigned long unused)
{
	(void)unused;
	run_on(false);
	count(&shared->ready);
	while (!stopped()) {
		pid_t pid = fork();

		if (!pid) {
			must_move(0, dir);
			_exit(0);
		}
		if (pid < 0 || waitpid(pid, NULL, 0) != pid)
			fail("fork: %s", strerror(errno));
		end_round();
	}
}

static const char *linger_file;

static void lingerer(const char *dir, unsigned long unused)
{
	char buf[128];
	int fd;

	(void)unused;
	run_on(false);
	if (unshare(CLONE_NEWUTS))
		fail("unshare: %s", strerror(errno));
	must_move(0, dir);
	fd = open(linger_file, O_RDONLY);
	count(&shared->ready);
	while (!stopped()) {
		if (pread(fd, buf, sizeof(buf), 0) <= 0)
			fail("%s: %s", linger_file, strerror(errno));
		end_round();
	}
}

static void spinner(const char *dir, unsigned long unused)
{
	(void)unused;
	run_on(false);
	must_move(0, dir);
	count(&shared->ready);
	while (!stopped())
		end_round();
}

/* kthreadd is refused, after all other checks. */
static void writer(const char *dir, unsigned long unused)
{
	(void)unused;
	run_on(false);
	count(&shared->ready);
	while (!stopped()) {
		const char *name = rand() % 2 ? "tasks" : "procs";
		int err = write_id(dir, name, 2);

		if (err != EINVAL && err != ENOENT && err != ENODEV)
			fail("writing to %s/%s: %s", dir, name, strerror(err));
		end_round();
	}
}

static void fork_twice(void)
{
	pid_t pid = fork();

	if (!pid) {
		fork_and_wait(0);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static void exec_and_wait(void)
{
	pid_t pid = vfork();

	if (!pid) {
		execl("/proc/self/exe", "fork_race", "nothing", NULL);
		_exit(1);
	}
	waitpid(pid, NULL, 0);
}

/* Some kernels lack some namespaces: ignore these failures. */
static void worker(const char *dir, unsigned long rounds)
{
	unsigned int seed = rounds + getpid();
	pthread_t thread;

	open_home();
	must_move(0, dir);
	count(&shared->ready);
	while (rounds--) {
		switch (rand_r(&seed) % 10) {
		case 0:
			fork_twice();
			break;
		case 1:
			unshare(CLONE_NEWUTS);
			break;
		case 2:
			unshare(CLONE_NEWUTS | CLONE_NEWIPC);
			break;
		case 3:
			unshare(CLONE_NEWTIME);
			break;
		case 4:
			go_home();
			break;
		case 5:
			fork_and_wait(CLONE_NEWUTS);
			break;
		case 6:
			fork_and_wait(CLONE_NEWIPC | CLONE_NEWPID);
			break;
		case 7:
			if (!pthread_create(&thread, NULL, nothing, NULL))
				pthread_join(thread, NULL);
			break;
		case 8:
			exec_and_wait();
			break;
		default:
			fork_and_wait(0);
		}
	}
}

/* ---- the tests */

static const char *there, *back;

/* Move all tasks to the other container, until the workers are done. */
static void mover(const char *dir, unsigned long unused)
{
	static struct list list;
	const char *from = dir, *to = dir == there ? back : there, *swap;

	(void)unused;
	while (!stopped()) {
		list_tasks(from, &list);
		for (int i = 0; i < list.count; i++) {
			int err = move(list.ids[i], to);

			if (err && err != ESRCH)
				fail("moving task %d to %s: %s", list.ids[i], to,
				     strerror(err));
		}
		swap = from;
		from = to;
		to = swap;
	}
}

static void storm(unsigned long rounds)
{
	for (int i = 0; i < WORKERS; i++)
		start(worker, i % 2 ? there : back, rounds);
	for (int i = 0; i < MOVERS; i++)
		start(mover, i % 2 ? there : back, 0);
	for (int i = 0; i < WORKERS; i++)
		reap(children[i]);
	count(&shared->stop);
	for (int i = WORKERS; i < nr_children; i++)
		reap(children[i]);
}

/*
 * After the parent has moved, no task may appear in its old container: a task that is
 * there later was there at once.
 */
static void no_child_left_behind(unsigned long rounds)
{
	static struct list before, after;
	const char *from = back, *to = there, *swap;
	pid_t pid = start(forker, from, 0);

	run_on(true);
	wait_ready(1);
	while (rounds--) {
		wait_any_moment();
		must_move(pid, to);
		list_tasks(from, &before);
		wait_round();
		list_tasks(from, &after);
		for (int i = 0; i < after.count; i++)
			if (!listed(&before, after.ids[i]))
				fail("task %d appeared in %s after its parent had left",
				     after.ids[i], from);
		for (int i = 0; i < after.count; i++)
			move(after.ids[i], to);
		swap = from;
		from = to;
		to = swap;
	}
	reap_all();
}

static void no_move_undone(unsigned long rounds)
{
	static struct list list;
	const char *from = back, *to = there, *swap;
	pid_t pid = start(switcher, from, 0);

	run_on(true);
	wait_ready(1);
	while (rounds--) {
		wait_any_moment();
		must_move(pid, to);
		wait_round();
		list_tasks(from, &list);
		if (listed(&list, pid))
			fail("the task that was moved to %s is in %s again", to, from);
		list_tasks(to, &list);
		if (!listed(&list, pid))
			fail("the task that was moved to %s is not there", to);
		swap = from;
		from = to;
		to = swap;
	}
	reap_all();
}

static void must_mkdir(const char *dir)
{
	if (mkdir(dir, 0755))
		fail("mkdir %s: %s", dir, strerror(errno));
}

static void must_rmdir(const char *dir, const char *why)
{
	if (rmdir(dir))
		fail("rmdir %s, %s: %s", dir, why, strerror(errno));
}

/* An exiting task is removed from the listing a moment earlier. */
static bool is_empty(const char *dir)
{
	FILE *file = fopen(path(dir, "empty"), "re");
	int empty = 0;

	if (!file || fscanf(file, "%d", &empty) != 1)
		fail("%s/empty: %s", dir, strerror(errno));
	fclose(file);
	return empty;
}

static void come_and_go(pid_t pid, unsigned long rounds)
{
	char dir[PATH_MAX];

	snprintf(dir, sizeof(dir), "%s", path(there, "x"));
	run_on(true);
	wait_ready(1);
	while (rounds--) {
		must_mkdir(dir);
		must_move(pid, dir);
		wait_any_moment();
		must_move(pid, back);
		must_rmdir(dir, "which its only task has left");
	}
	reap_all();
}

static void vacate(unsigned long rounds)
{
	come_and_go(start(switcher, back, 0), rounds);
}

/* The tick of the other CPU charges the container that is being removed. */
static void spin(unsigned long rounds)
{
	come_and_go(start(spinner, back, 0), rounds);
}

/* An older child may be left, which lives for a moment only. */
static void leave(unsigned long rounds)
{
	char dir[PATH_MAX];
	pid_t pid = start(short_forker, back, 0);

	snprintf(dir, sizeof(dir), "%s", path(there, "x"));
	run_on(true);
	wait_ready(1);
	while (rounds--) {
		must_mkdir(dir);
		must_move(pid, dir);
		wait_any_moment();
		must_move(pid, back);
		while (!is_empty(dir))
			let_run();
		must_rmdir(dir, "which is empty, and whose last task forks elsewhere");
	}
	reap_all();
}

/* A thread that is being made while its process moves goes with it. */
static void no_thread_left_behind(unsigned long rounds)
{
	static struct list list;
	const char *from = back, *to = there, *swap;
	pid_t pid = start(threader, from, 0);

	run_on(true);
	wait_ready(1);
	while (rounds--) {
		wait_any_moment();
		must_move_process(pid, to);
		for (int look = 0; look < 2; look++) {
			list_tasks(from, &list);
			if (list.count)
				fail("thread %d is in %s, which process %d has left",
				     list.ids[0], from, pid);
			wait_round();
		}
		swap = from;
		from = to;
		to = swap;
	}
	reap_all();
}

static void no_dead_one_found(unsigned long rounds)
{
	if (unshare(CLONE_NEWUTS))
		fail("unshare: %s", strerror(errno));
	start(dier, there, 0);
	wait_ready(1);
	run_on(true);
	while (rounds--) {
		unsigned long round = __atomic_load_n(&shared->rounds, __ATOMIC_SEQ_CST);

		while (__atomic_load_n(&shared->rounds, __ATOMIC_SEQ_CST) == round) {
			must_move(0, there);
			must_move(0, back);
		}
	}
	reap_all();
	must_move(0, back);
}

static void linger(unsigned long rounds)
{
	pid_t pid = start(lingerer, back, 0);

	run_on(true);
	wait_ready(1);
	while (rounds--) {
		wait_any_moment();
		must_move(pid, rounds % 2 ? there : back);
	}
	reap_all();
}

static void remove_written(unsigned long rounds)
{
	char dir[PATH_MAX];

	snprintf(dir, sizeof(dir), "%s", path(there, "x"));
	start(writer, dir, 0);
	start(writer, dir, 0);
	run_on(true);
	wait_ready(2);
	while (rounds--) {
		must_mkdir(dir);
		wait_any_moment();
		must_rmdir(dir, "which has no task");
	}
	reap_all();
}

static void dies_there(const char *dir, unsigned long round)
{
	if (round % 2)
		unshare(CLONE_NEWUTS);
	must_move(0, dir);
	if (round % 4 >= 2)
		unshare(CLONE_NEWUTS);
}

static void remove_reaped(unsigned long rounds)
{
	char dir[PATH_MAX];

	snprintf(dir, sizeof(dir), "%s", path(there, "x"));
	while (rounds--) {
		must_mkdir(dir);
		nr_children = 0;
		reap(start(dies_there, dir, rounds));
		must_rmdir(dir, "whose only task has been reaped");
	}
}

int main(int argc, char **argv)
{
	const char *test = argc > 1 ? argv[1] : "";
	unsigned long rounds = strtoul(argv[argc - 1], NULL, 10);

	if (!strcmp(test, "nothing"))
		return 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		fail("mmap: %s", strerror(errno));
	alarm(HANG_SECONDS);

	if (argc >= 4)
		there = argv[2];
	if (argc == 4 && !strcmp(test, "reap")) {
		remove_reaped(rounds);
		return 0;
	}
	if (argc == 4 && !strcmp(test, "rmdir")) {
		remove_written(rounds);
		return 0;
	}
	if (argc == 6 && !strcmp(test, "linger")) {
		back = argv[3];
		linger_file = argv[4];
		linger(rounds);
		return 0;
	}
	if (argc == 5) {
		back = argv[3];
		if (!strcmp(test, "storm"))
			storm(rounds);
		else if (!strcmp(test, "children"))
			no_child_left_behind(rounds);
		else if (!strcmp(test, "switches"))
			no_move_undone(rounds);
		else if (!strcmp(test, "vacate"))
			vacate(rounds);
		else if (!strcmp(test, "leave"))
			leave(rounds);
		else if (!strcmp(test, "threads"))
			no_thread_left_behind(rounds);
		else if (!strcmp(test, "dying"))
			no_dead_one_found(rounds);
		else if (!strcmp(test, "spin"))
			spin(rounds);
		else
			argc = 0;
		if (argc)
			return 0;
	}
	fputs("usage: fork_race storm|children|switches|vacate|leave A B ROUNDS\n"
	      "       fork_race threads|dying|spin A B ROUNDS\n"
	      "       fork_race linger A B FILE ROUNDS\n"
	      "       fork_race reap|rmdir A ROUNDS\n", stderr);
	return 2;
}
