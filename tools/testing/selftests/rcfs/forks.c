// SPDX-License-Identifier: GPL-2.0
/*
 * Fork, and print how many tasks there are, and the name of the error that stopped
 * it, or "OK". A shell cannot test limits of tasks, because it forks all the time.
 *
 * The tasks stay until they are killed, so that the caller can examine them. Their
 * children are killed with them. Tests with a number of rounds end by themselves, and
 * exit with 0, or with 1 and a reason.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "helpers.h"

static const char usage[] =
	"usage: forks [-a DIR]... [-u UID] [-l N] [-n NAMESPACE]... ACTION\n"
	"  -a DIR              attach to this container; the last one is \"its\"\n"
	"  -u UID              run as this user and group\n"
	"  -l N                with RLIMIT_NPROC\n"
	"  -n NAMESPACE        give children one of their own: uts, ipc, pid ...\n"
	"and then\n"
	"  bomb N              all children fork as well, N at most, or until\n"
	"                      all are refused\n"
	"  fork N              fork N children, or until one is refused\n"
	"  threads N           the same with threads\n"
	"  zombies N [DIR]     N children that die, in that container, and are\n"
	"                      reaped at SIGUSR1\n"
	"  exec [-d] N         N threads, and at SIGUSR1 the last one executes\n"
	"                      another program; -d: the first one has exited\n"
	"  brief N             N children and N threads that exit at once\n"
	"  deadns              fork in a pid namespace that has ended\n"
	"  poll FILE           print the contents, again after each POLLPRI\n"
	"  watch FILE          the same with inotify\n"
	"  hold                nothing\n"
	"until it is killed, or to the end\n"
	"  cycle ROUNDS        a child can be forked once that before is reaped, at\n"
	"                      a limit of two\n"
	"  killed ROUNDS       a task that is killed while it forks leaves nothing\n"
	"  graves DIR ROUNDS   containers in DIR are removed while the zombies that\n"
	"                      were in there are reaped\n";

/* Zombies of a round of graves */
#define DEAD 4
/* A timeout for hangs; no result depends on it. */
#define HANG_SECONDS 240

static struct {
	int made;	/* or being made */
	int done;	/* tasks that are through */
	int err;
	int begun, ready, now, over;	/* rounds */
	unsigned long reap_ns, remove_ns;
} *shared;

static const char *container;

static void hold(void)
{
	for (;;)
		pause();
}

static void say(int made, int err)
{
	printf("%d %s\n", made, err ? strerrorname_np(err) : "OK");
	fflush(stdout);
	hold();
}

static int count(int *counter)
{
	return __atomic_add_fetch(counter, 1, __ATOMIC_SEQ_CST);
}

static int get(const int *counter)
{
	return __atomic_load_n(counter, __ATOMIC_SEQ_CST);
}

static void set(int *counter, int value)
{
	__atomic_store_n(counter, value, __ATOMIC_SEQ_CST);
}

static void wait_for(const int *counter, int value)
{
	while (get(counter) < value)
		sched_yield();
}

static int try_attach(const char *dir)
{
	char path[PATH_MAX];
	int fd, err = 0;

	snprintf(path, sizeof(path), "%s/tasks", dir);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	if (write(fd, "0", 1) != 1)
		err = errno;
	close(fd);
	return err;
}

static void attach(const char *dir)
{
	int err = try_attach(dir);

	if (err)
		fail("attaching to %s: %s", dir, strerror(err));
}

static long current_of(const char *dir)
{
	char path[PATH_MAX], text[32] = "";
	int fd;

	snprintf(path, sizeof(path), "%s/pids.current", dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		fail("%s: %s", path, strerror(errno));
	close(fd);
	return atol(text);
}

static void must_be_counted(const char *dir, long tasks, int round)
{
	long counted = current_of(dir);

	if (counted != tasks)
		fail("round %d: %s counts %ld tasks, and there are %ld", round, dir,
		     counted, tasks);
}

/* ---- forking until it is refused */

/*
 * The test is over when all tasks have been refused. A child is counted before it is
 * made, and its parent is not done yet.
 */
static void bomb(int max)
{
	pid_t first = getpid();

	for (;;) {
		pid_t pid = 0;

		if (count(&shared->made) > max)
			break;
		pid = fork();
		if (!pid) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			continue;
		}
		if (pid < 0) {
			if (errno != EAGAIN || !get(&shared->err))
				set(&shared->err, errno);
			break;
		}
	}
	__atomic_sub_fetch(&shared->made, 1, __ATOMIC_SEQ_CST);
	count(&shared->done);
	if (getpid() != first)
		hold();
	while (get(&shared->done) != get(&shared->made) + 1)
		usleep(1000);
	say(get(&shared->made), get(&shared->err));
}

static pid_t clone_child(unsigned long flags)
{
	return syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
}

static void fork_until(unsigned long flags, int max)
{
	int made = 0;

	while (made < max) {
		pid_t pid = clone_child(flags);

		if (!pid) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			hold();
		}
		if (pid < 0)
			say(made, errno);
		made++;
	}
	say(made, 0);
}

static void *holder(void *unused)
{
	hold();
	return unused;
}

static int make_thread(void *(*run)(void *))
{
	static pthread_attr_t attr;
	static bool once;
	pthread_t thread;

	if (!once) {
		once = true;
		pthread_attr_init(&attr);
		pthread_attr_setstacksize(&attr, PTHREAD_STACK_MIN + 16384);
		pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	}
	return pthread_create(&thread, &attr, run, NULL);
}

static void threads_until(int max)
{
	int made = 0, err = 0;

	while (made < max) {
		err = make_thread(holder);
		if (err)
			break;
		made++;
	}
	say(made, err);
}

/* ---- tasks that exit */

static void wait_for_signal(int signal)
{
	sigset_t signals;
	int got;

	sigemptyset(&signals);
	sigaddset(&signals, signal);
	while (sigwait(&signals, &got))
		;
}

static void block_signal(int signal)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, signal);
	sigprocmask(SIG_BLOCK, &signals, NULL);
}

static void wait_dead(pid_t pid)
{
	siginfo_t info;

	if (waitid(P_PID, pid, &info, WEXITED | WNOWAIT))
		fail("waitid: %s", strerror(errno));
}

static pid_t fork_dead(const char *dir)
{
	pid_t pid = fork();

	if (!pid) {
		if (dir)
			attach(dir);
		_exit(0);
	}
	if (pid < 0)
		fail("fork: %s", strerror(errno));
	return pid;
}

static void zombies(int max, const char *dir)
{
	pid_t *pids = calloc(max, sizeof(*pids));

	block_signal(SIGUSR1);
	for (int i = 0; i < max; i++)
		pids[i] = fork_dead(dir);
	for (int i = 0; i < max; i++)
		wait_dead(pids[i]);
	puts("dead");
	fflush(stdout);
	wait_for_signal(SIGUSR1);
	for (int i = 0; i < max; i++)
		reap(pids[i]);
	puts("reaped");
	fflush(stdout);
	hold();
}

static void *executor(void *unused)
{
	wait_for_signal(SIGUSR1);
	/* Per-process mechanisms do not work: the first thread may be dead. */
	execl("/proc/thread-self/exe", "forks", "hold", NULL);
	perror("forks: exec");
	exit(1);
	return unused;
}

static void exec_in_thread(bool dead_leader, int threads)
{
	block_signal(SIGUSR1);
	for (int n = threads - 1; n > 0; n--) {
		int err = make_thread(n > 1 ? holder : executor);

		if (err)
			fail("pthread_create: %s", strerror(err));
	}
	if (dead_leader)
		pthread_exit(NULL);
	hold();
}

static void *nothing(void *unused)
{
	return unused;
}

/* At a limit, earlier tasks have to be gone first. */
static void brief(int max)
{
	signal(SIGCHLD, SIG_IGN);
	for (int i = 0; i < max; i++) {
		pid_t pid;

		while ((pid = fork()) < 0 && errno == EAGAIN)
			sched_yield();
		if (!pid)
			_exit(0);
		while (make_thread(nothing))
			sched_yield();
	}
	puts("OK");
	fflush(stdout);
	hold();
}

static void fork_in_dead_namespace(void)
{
	pid_t pid;

	if (unshare(CLONE_NEWPID))
		say(0, errno);
	reap(fork_dead(NULL));
	pid = fork();
	if (!pid)
		_exit(0);
	say(pid > 0, pid < 0 ? errno : 0);
}

/* ---- files that change */

static void report_changes(const char *file, bool watch)
{
	int fd = open(file, O_RDONLY);
	struct pollfd wait = { .fd = fd, .events = POLLPRI };
	char buf[4096];

	if (fd < 0)
		fail("%s: %s", file, strerror(errno));
	if (watch) {
		wait.fd = inotify_init();
		wait.events = POLLIN;
		if (wait.fd < 0 || inotify_add_watch(wait.fd, file, IN_MODIFY) < 0)
			fail("inotify: %s", strerror(errno));
	}
	for (;;) {
		ssize_t n = pread(fd, buf, sizeof(buf), 0);

		if (n < 0)
			fail("%s: %s", file, strerror(errno));
		fwrite(buf, 1, n, stdout);
		fflush(stdout);
		if (poll(&wait, 1, -1) != 1 || !(wait.revents & wait.events))
			fail("poll: %#x", wait.revents);
		if (watch && read(wait.fd, buf, sizeof(buf)) <= 0)
			fail("inotify: %s", strerror(errno));
	}
}

/* ---- rounds */

/* There is room for one child, alive, dying or dead. */
static void cycle(int rounds)
{
	for (int round = 1; round <= rounds; round++) {
		pid_t pid = fork(), other;

		if (!pid)
			_exit(0);
		if (pid < 0)
			fail("round %d: %s, although no task is left of the last round",
			     round, strerrorname_np(errno));
		other = fork();
		if (!other)
			_exit(0);
		if (other > 0)
			fail("round %d: a second child, with one that is not reaped",
			     round);
		if (errno != EAGAIN)
			fail("round %d: %s", round, strerrorname_np(errno));
		reap(pid);
		must_be_counted(container, 1, round);
	}
}

static void killed(int rounds)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	for (int round = 1; round <= rounds; round++) {
		int some = get(&shared->made) + 1 + rand() % 8;
		pid_t pid = fork();

		if (!pid) {
			for (;;) {
				if (!fork())
					_exit(0);
				count(&shared->made);
			}
		}
		if (pid < 0)
			fail("fork: %s", strerror(errno));
		wait_for(&shared->made, some);
		kill(pid, SIGKILL);
		/* This process has become the parent of its children. */
		while (wait(NULL) > 0 || errno == EINTR)
			;
		must_be_counted(container, 1, round);
	}
}

static void run_on(int nth)
{
	cpu_set_t all, set;

	if (sched_getaffinity(0, sizeof(all), &all))
		return;
	CPU_ZERO(&set);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &all) && !nth--)
			CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/* Begin at any point of the other task. */
static void wait_part_of(unsigned long ns)
{
	unsigned long until = now_ns() + ns * (rand() % 1024) / 1024;

	while (now_ns() < until)
		;
}

static void bury(const char *dir, int rounds)
{
	pid_t pids[DEAD];

	run_on(1);
	for (int round = 1; round <= rounds; round++) {
		unsigned long begin;

		wait_for(&shared->begun, round);
		for (int i = 0; i < DEAD; i++)
			pids[i] = fork_dead(dir);
		for (int i = 0; i < DEAD; i++)
			wait_dead(pids[i]);
		set(&shared->ready, round);
		wait_for(&shared->now, round);
		if (round % 2)
			wait_part_of(shared->remove_ns);
		begin = now_ns();
		for (int i = 0; i < DEAD; i++)
			reap(pids[i]);
		shared->reap_ns = now_ns() - begin;
		set(&shared->over, round);
	}
}

static void graves(const char *parent, int rounds)
{
	char dir[PATH_MAX];
	pid_t pid;

	snprintf(dir, sizeof(dir), "%s/x", parent);
	pid = fork();
	if (pid < 0)
		fail("fork: %s", strerror(errno));
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		bury(dir, rounds);
		exit(0);
	}
	run_on(0);
	for (int round = 1; round <= rounds; round++) {
		unsigned long begin;

		if (mkdir(dir, 0755))
			fail("mkdir %s: %s", dir, strerror(errno));
		set(&shared->begun, round);
		while (get(&shared->ready) < round) {
			if (waitpid(pid, NULL, WNOHANG))
				fail("round %d: no zombies", round);
			sched_yield();
		}
		must_be_counted(parent, DEAD, round);
		set(&shared->now, round);
		if (round % 2 == 0)
			wait_part_of(shared->reap_ns);
		begin = now_ns();
		if (rmdir(dir))
			fail("round %d: rmdir of a container with zombies: %s", round,
			     strerror(errno));
		shared->remove_ns = now_ns() - begin;
		wait_for(&shared->over, round);
		must_be_counted(parent, 0, round);
	}
	reap(pid);
}

/* ---- */

static unsigned long flag_of(const char *namespace)
{
	static const struct {
		const char *name;
		unsigned long flag;
	} flags[] = {
		{ "cgroup", CLONE_NEWCGROUP }, { "ipc", CLONE_NEWIPC },
		{ "mnt", CLONE_NEWNS }, { "net", CLONE_NEWNET },
		{ "pid", CLONE_NEWPID }, { "user", CLONE_NEWUSER },
		{ "uts", CLONE_NEWUTS },
		{ NULL, 0 }
	}, *flag;

	for (flag = flags; flag->name; flag++)
		if (!strcmp(flag->name, namespace))
			return flag->flag;
	fail("no namespace is called %s", namespace);
	return 0;
}

static void become(uid_t uid)
{
	if (setresgid(uid, uid, uid) || setresuid(uid, uid, uid))
		fail("user %u: %s", uid, strerror(errno));
}

static void limit(rlim_t processes)
{
	const struct rlimit limit = { processes, processes };

	if (setrlimit(RLIMIT_NPROC, &limit))
		fail("setrlimit: %s", strerror(errno));
}

int main(int argc, char **argv)
{
	unsigned long flags = 0;
	const char *action;
	int opt, args;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		fail("mmap: %s", strerror(errno));

	while ((opt = getopt(argc, argv, "+a:u:l:n:")) != -1) {
		if (opt == 'a') {
			container = optarg;
			attach(container);
		} else if (opt == 'u') {
			become(atoi(optarg));
		} else if (opt == 'l') {
			limit(atoi(optarg));
		} else if (opt == 'n') {
			flags |= flag_of(optarg);
		} else {
			optind = argc;
		}
	}
	argv += optind;
	args = argc - optind - 1;
	action = args >= 0 ? argv[0] : "";

	if (!strcmp(action, "bomb") && args == 1)
		bomb(atoi(argv[1]));
	if (!strcmp(action, "fork") && args == 1)
		fork_until(flags, atoi(argv[1]));
	if (!strcmp(action, "threads") && args == 1)
		threads_until(atoi(argv[1]));
	if (!strcmp(action, "zombies") && (args == 1 || args == 2))
		zombies(atoi(argv[1]), argv[2]);
	if (!strcmp(action, "exec") && args == 1)
		exec_in_thread(false, atoi(argv[1]));
	if (!strcmp(action, "exec") && args == 2 && !strcmp(argv[1], "-d"))
		exec_in_thread(true, atoi(argv[2]));
	if (!strcmp(action, "brief") && args == 1)
		brief(atoi(argv[1]));
	if (!strcmp(action, "deadns") && !args)
		fork_in_dead_namespace();
	if (!strcmp(action, "poll") && args == 1)
		report_changes(argv[1], false);
	if (!strcmp(action, "watch") && args == 1)
		report_changes(argv[1], true);
	if (!strcmp(action, "hold") && !args)
		hold();

	alarm(HANG_SECONDS);
	if (!strcmp(action, "cycle") && args == 1 && container) {
		cycle(atoi(argv[1]));
		return 0;
	}
	if (!strcmp(action, "killed") && args == 1 && container) {
		killed(atoi(argv[1]));
		return 0;
	}
	if (!strcmp(action, "graves") && args == 2) {
		graves(argv[1], atoi(argv[2]));
		return 0;
	}
	fputs(usage, stderr);
	return 2;
}
