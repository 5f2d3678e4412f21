// SPDX-License-Identifier: GPL-2.0
/*
 * Repeat an operation, and let each of its memory allocations fail in turn: the first
 * one, then the second one, until there is none left. The operation must either succeed
 * or change nothing. After an error, the next attempt must succeed.
 *
 *	nomem mount OPTIONS DIR		mount rcfs there, with subsystems in no
 *					hierarchy, or with -a an existing one
 *	nomem mkdir DIR			make a container below DIR
 *	nomem rmdir DIR			remove one
 *	nomem attach FROM TO		move a thread of another process
 *	nomem self FROM TO		move oneself
 *	nomem process FROM TO		move a process of several threads
 *	nomem read FILE			read all of it; with -a it may read
 *					differently each time
 *	nomem write FILE TEXT [PID]	write this text; with PID it is a set of one
 *					CPU, to which the task must be restricted then
 *	nomem load FILE NAME		load the module of the controller forks
 *	nomem fork DIR			fork in that container
 *	nomem clone DIR			... with other namespaces for the child
 *	nomem launch DIR		make a child that begins there
 *	nomem unshare DIR		get other namespaces there
 *	nomem setns DIR			... enter those of another task
 *	nomem empty FROM TO		move a thread of another process to TO while the
 *					last task there exits, and a reader waits for
 *					TO to become empty
 *	nomem exit DIR [TREE]		exit there, and in the container TREE of
 *					another hierarchy, which has test0
 *
 * FROM and TO are containers of the same hierarchy. Prints the operation, the number of
 * allocations, and the number of them whose failure makes the operation fail. The kernel
 * can do without the others. Exits with 0, or with 1 and a reason.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
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
#include <time.h>
#include <unistd.h>

#include "clone3.h"

#define THREADS 4
/* More than an operation can possibly need */
#define MAX_POINTS 20000
/* A timeout for hangs; no result depends on it. */
#define HANG_SECONDS 120
#define CLONED (CLONE_NEWUTS | CLONE_NEWIPC)

static const char *what;	/* the operation */
static unsigned int nth;	/* the allocation to fail; 0: none */
static bool any;		/* the option -a */
static char *args[3];

static void fail(const char *format, ...)
{
	va_list args;

	printf("# %s, allocation %u: ", what, nth);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	exit(1);
}

/* ---- failing allocations */

/* An inherited descriptor refers to the task that opened it: each task needs its own. */
static int open_fault(void)
{
	int fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		fail("/proc/thread-self/fail-nth: %s", strerror(errno));
	return fd;
}

static void arm(int fd, unsigned int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", n);

	if (pwrite(fd, text, len, 0) != len)
		fail("fail-nth: %s", strerror(errno));
}

/* Returns how many more allocations succeed before one fails. */
static unsigned int armed(int fd)
{
	char text[16] = "";

	if (pread(fd, text, sizeof(text) - 1, 0) <= 0)
		fail("fail-nth: %s", strerror(errno));
	return strtoul(text, NULL, 10);
}

/* ---- files */

static const char *path(const char *dir, const char *name)
{
	static char buf[4][PATH_MAX];
	static int turn;

	turn = (turn + 1) % 4;
	snprintf(buf[turn], sizeof(buf[turn]), "%s/%s", dir, name);
	return buf[turn];
}

/* 0 or an errno */
static int write_text(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY | O_CLOEXEC);
	int err = 0;

	if (fd < 0)
		return errno;
	if (write(fd, text, strlen(text)) < 0)
		err = errno;
	close(fd);
	return err;
}

struct text {
	size_t len;
	char bytes[1 << 16];
};

/* 0 or an errno */
static int read_text(const char *file, struct text *text)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	int err = 0;
	ssize_t n;

	if (fd < 0)
		return errno;
	text->len = 0;
	do {
		n = read(fd, text->bytes + text->len, sizeof(text->bytes) - 1 - text->len);
		if (n > 0)
			text->len += n;
	} while (n > 0);
	if (n < 0)
		err = errno;
	text->bytes[text->len] = 0;
	close(fd);
	return err;
}

static const struct text *must_read(const char *file)
{
	static struct text text;
	int err = read_text(file, &text);

	if (err)
		fail("reading %s: %s", file, strerror(err));
	return &text;
}

static void must_write(const char *file, const char *text)
{
	int err = write_text(file, text);

	if (err)
		fail("writing '%s' to %s: %s", text, file, strerror(err));
}

static long number_in(const char *dir, const char *name)
{
	return strtol(must_read(path(dir, name))->bytes, NULL, 10);
}

static void must_be(const char *dir, const char *name, long expected)
{
	long value = number_in(dir, name);

	if (value != expected)
		fail("%s/%s is %ld, expected %ld", dir, name, value, expected);
}

/* For effects that are delayed by readers or sleeping tasks. Fails after a timeout. */
static void wait_for(bool (*condition)(void), const char *name)
{
	time_t end = time(NULL) + 60;

	while (!condition()) {
		if (time(NULL) > end)
			fail("waited 60 s in vain for %s", name);
		usleep(1000);
	}
}

static bool exists(const char *file)
{
	if (!access(file, F_OK))
		return true;
	if (errno != ENOENT)
		fail("%s: %s", file, strerror(errno));
	return false;
}

/* ---- tasks */

static bool lists(const char *dir, pid_t tid)
{
	const char *line = must_read(path(dir, "tasks"))->bytes;
	char *end;

	for (; *line; line = end + 1) {
		if (strtol(line, &end, 10) == tid)
			return true;
		if (*end != '\n')
			fail("%s/tasks has a line '%s'", dir, line);
	}
	return false;
}

/* In the first container, and not in the second */
static void must_be_in(pid_t tid, const char *there, const char *elsewhere)
{
	if (!lists(there, tid))
		fail("task %d is not in %s", tid, there);
	if (elsewhere && lists(elsewhere, tid))
		fail("task %d is in %s as well as in %s", tid, elsewhere, there);
}

static void move(pid_t tid, const char *dir, const char *file)
{
	char id[16];

	snprintf(id, sizeof(id), "%d", tid);
	must_write(path(dir, file), id);
}

static int ready_pipe[2], go_pipe[2];

static void say_ready(void)
{
	if (write(ready_pipe[1], "", 1) != 1)
		_exit(1);
}

static void wait_ready(int count)
{
	char byte;

	while (count--)
		if (read(ready_pipe[0], &byte, 1) != 1)
			fail("a child has ended early");
}

static void wait_go(void)
{
	char byte;

	if (read(go_pipe[0], &byte, 1) != 1)
		_exit(1);
}

static void say_go(void)
{
	if (write(go_pipe[1], "", 1) != 1)
		fail("pipe: %s", strerror(errno));
}

static void reap(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		fail("waitpid: %s", strerror(errno));
	if (status)
		fail("the child ended with status %#x", status);
}

static pid_t victim;
static pid_t *tids;		/* shared with the victim */
static int nr_tids;

static void *victim_thread(void *number)
{
	/* Namespaces of its own, so that no nsproxy can be shared */
	if (unshare(CLONE_NEWUTS))
		_exit(1);
	tids[(long)number] = gettid();
	say_ready();
	for (;;)
		pause();
	return NULL;
}

static void start_victim(int threads)
{
	tids = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (tids == MAP_FAILED)
		fail("mmap: %s", strerror(errno));
	nr_tids = threads;
	victim = fork();
	if (victim < 0)
		fail("fork: %s", strerror(errno));
	if (!victim) {
		pthread_t thread;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (long i = 1; i < threads; i++)
			if (pthread_create(&thread, NULL, victim_thread, (void *)i))
				_exit(1);
		victim_thread((void *)0);
	}
	wait_ready(threads);
}

/* ---- /proc/rcfs */

/* Returns false if there is no such subsystem. */
static bool find_subsystem(const char *name, int *hierarchy, int *containers)
{
	const char *line = must_read("/proc/rcfs")->bytes;
	size_t len = strlen(name);

	for (; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, name, len) && line[len] == '\t')
			return sscanf(line + len, "%d %d", hierarchy, containers) == 2;
	}
	return false;
}

/* ---- mount */

static int run_mount(void)
{
	return mount("none", args[1], "rcfs", 0, args[0]) ? errno : 0;
}

/* Checks that all of them are mounted, or none. */
static void must_be_bound(bool bound)
{
	char names[256], *name, *rest = names;
	int hierarchy, containers;

	snprintf(names, sizeof(names), "%s", args[0]);
	while ((name = strsep(&rest, ","))) {
		if (!find_subsystem(name, &hierarchy, &containers))
			fail("%s is not in /proc/rcfs any more", name);
		if (!!hierarchy != bound)
			fail("%s is in hierarchy %d", name, hierarchy);
		if (!any && containers != 1)
			fail("%s has %d containers", name, containers);
	}
}

static void mount_failed(void)
{
	if (exists(path(args[1], "tasks")))
		fail("there is something mounted");
	must_be_bound(any);
}

static void mount_done(void)
{
	must_be_bound(true);
	must_be_in(getpid(), args[1], NULL);
}

static void undo_mount(void)
{
	if (umount(args[1]))
		fail("umount: %s", strerror(errno));
	mount_failed();
}

/* ---- mkdir and rmdir */

static long states, containers;
static char child_dir[PATH_MAX];

static long count_containers(void)
{
	int hierarchy, count;

	if (!find_subsystem("debug", &hierarchy, &count))
		fail("there is no controller debug");
	return count;
}

static bool states_settled(void)
{
	return number_in(args[0], "debug.states") == count_containers();
}

static void prepare_dir(void)
{
	snprintf(child_dir, sizeof(child_dir), "%s/child", args[0]);
	wait_for(states_settled, "the states of removed containers");
}

static void setup_mkdir(void)
{
	states = number_in(args[0], "debug.states");
	containers = count_containers();
}

static int run_mkdir(void)
{
	return mkdir(child_dir, 0755) ? errno : 0;
}

static void mkdir_failed(void)
{
	long now = number_in(args[0], "debug.states");

	if (exists(child_dir))
		fail("there is a directory");
	/* Earlier ones may have been freed by now. */
	if (now > states)
		fail("there are %ld states, and there were %ld", now, states);
	if (count_containers() != containers)
		fail("there are %ld containers, and there were %ld", count_containers(),
		     containers);
}

static void mkdir_done(void)
{
	if (count_containers() != containers + 1)
		fail("there are %ld containers, and there were %ld", count_containers(),
		     containers);
	must_be(child_dir, "empty", 1);
	must_be(child_dir, "pids.current", 0);
	/* The container can be used. */
	move(victim, child_dir, "tasks");
	must_be_in(victim, child_dir, args[0]);
	must_be(child_dir, "pids.current", 1);
	move(victim, args[0], "tasks");
	must_be_in(victim, args[0], child_dir);
}

static void undo_mkdir(void)
{
	if (rmdir(child_dir))
		fail("rmdir: %s", strerror(errno));
}

static void finish_dir(void)
{
	wait_for(states_settled, "the states of removed containers");
}

static void prepare_mkdir(void)
{
	prepare_dir();
	start_victim(1);
	move(victim, args[0], "tasks");
}

static void setup_rmdir(void)
{
	if (!exists(child_dir) && mkdir(child_dir, 0755))
		fail("mkdir: %s", strerror(errno));
	containers = count_containers() - 1;
}

static int run_rmdir(void)
{
	return rmdir(child_dir) ? errno : 0;
}

static void rmdir_done(void)
{
	if (exists(child_dir))
		fail("there is a directory");
	if (count_containers() != containers)
		fail("there are %ld containers, expected %ld", count_containers(), containers);
}

/* ---- attach */

static void prepare_attach(void)
{
	start_victim(1);
	move(victim, args[0], "tasks");
}

static void prepare_self(void)
{
	if (unshare(CLONE_NEWUTS))
		fail("unshare: %s", strerror(errno));
	victim = getpid();
	tids = &victim;
	nr_tids = 1;
	must_write(path(args[0], "tasks"), "0");
}

static void prepare_process(void)
{
	start_victim(THREADS);
	move(victim, args[0], "procs");
}

static char attach_file[PATH_MAX], attach_id[16];

static void setup_attach(void)
{
	snprintf(attach_file, sizeof(attach_file), "%s/%s", args[1],
		 nr_tids > 1 ? "procs" : "tasks");
	snprintf(attach_id, sizeof(attach_id), "%d", victim == getpid() ? 0 : victim);
}

static int run_attach(void)
{
	return write_text(attach_file, attach_id);
}

static void attach_failed(void)
{
	for (int i = 0; i < nr_tids; i++)
		must_be_in(tids[i], args[0], args[1]);
}

static void attach_done(void)
{
	for (int i = 0; i < nr_tids; i++)
		must_be_in(tids[i], args[1], args[0]);
}

static void undo_attach(void)
{
	must_write(path(args[0], nr_tids > 1 ? "procs" : "tasks"), attach_id);
	attach_failed();
}

/* ---- read and write */

static struct text now_text, before_text;

static void prepare_read(void)
{
	before_text = *must_read(args[0]);
}

static int run_read(void)
{
	return read_text(args[0], &now_text);
}

static void read_done(void)
{
	if (!any && (now_text.len != before_text.len ||
		     memcmp(now_text.bytes, before_text.bytes, now_text.len)))
		fail("'%s' was read, expected '%s'", now_text.bytes, before_text.bytes);
}

static char old_value[256];

static const char *value(void)
{
	static char buf[256];

	snprintf(buf, sizeof(buf), "%s", must_read(args[0])->bytes);
	buf[strcspn(buf, "\n")] = 0;
	return buf;
}

/* freezer.state shows the state, not the request. */
static bool has_new_value(void)
{
	return !strcmp(value(), args[1]);
}

static bool has_old_value(void)
{
	return !strcmp(value(), old_value);
}

static int count_cpus(void)
{
	cpu_set_t set;

	if (sched_getaffinity(atoi(args[2]), sizeof(set), &set))
		fail("sched_getaffinity: %s", strerror(errno));
	return CPU_COUNT(&set);
}

static int all_cpus;

static void prepare_write(void)
{
	snprintf(old_value, sizeof(old_value), "%s", value());
	if (args[2])
		all_cpus = count_cpus();
}

static int run_write(void)
{
	return write_text(args[0], args[1]);
}

static void write_failed(void)
{
	if (!has_old_value())
		fail("%s has the value '%s'", args[0], value());
	if (args[2] && count_cpus() != all_cpus)
		fail("the task may run on %d CPUs", count_cpus());
}

static void write_done(void)
{
	wait_for(has_new_value, "the new value");
	if (args[2] && count_cpus() != 1)
		fail("the task may run on %d CPUs", count_cpus());
}

static void undo_write(void)
{
	must_write(args[0], *old_value ? old_value : "\n");
	wait_for(has_old_value, "the old value");
	write_failed();
}

/* ---- load */

static int module_fd;

static void prepare_load(void)
{
	module_fd = open(args[0], O_RDONLY | O_CLOEXEC);
	if (module_fd < 0)
		fail("%s: %s", args[0], strerror(errno));
}

static int run_load(void)
{
	return syscall(SYS_finit_module, module_fd, "", 0) ? errno : 0;
}

static void must_be_loaded(bool loaded)
{
	char folder[PATH_MAX];
	int hierarchy, count;

	snprintf(folder, sizeof(folder), "/sys/module/%s", args[1]);
	if (exists(folder) != loaded)
		fail("%s is%s there", folder, loaded ? " not" : "");
	if (find_subsystem("forks", &hierarchy, &count) != loaded)
		fail("the controller is%s in /proc/rcfs", loaded ? " not" : "");
}

static void load_failed(void)
{
	must_be_loaded(false);
}

static void load_done(void)
{
	must_be_loaded(true);
}

static void undo_load(void)
{
	if (syscall(SYS_delete_module, args[1], O_NONBLOCK))
		fail("delete_module: %s", strerror(errno));
	load_failed();
}

/* ---- fork and clone */

static long tasks, nsproxies;
static unsigned long clone_flags;
static pid_t child;

static void prepare_fork(void)
{
	move(0, args[0], "tasks");
}

static void prepare_clone(void)
{
	prepare_fork();
	clone_flags = CLONED;
}

static void setup_fork(void)
{
	tasks = number_in(args[0], "pids.current");
	nsproxies = number_in(args[0], "debug.nsproxies");
}

static int run_fork(void)
{
	child = syscall(SYS_clone, clone_flags | SIGCHLD, 0, 0, 0, 0);
	if (!child) {
		wait_go();
		_exit(0);
	}
	return child < 0 ? errno : 0;
}

static void fork_failed(void)
{
	must_be(args[0], "pids.current", tasks);
	must_be(args[0], "debug.nsproxies", nsproxies);
	must_be_in(getpid(), args[0], NULL);
}

static void fork_done(void)
{
	must_be(args[0], "pids.current", tasks + 1);
	must_be(args[0], "debug.nsproxies", nsproxies + !!clone_flags);
	must_be_in(child, args[0], NULL);
}

static void undo_fork(void)
{
	say_go();
	reap(child);
	fork_failed();
}

/* ---- launch */

static int launch_dir;

/* With namespaces of its own, the parent cannot find an existing nsproxy. */
static void prepare_launch(void)
{
	if (unshare(CLONED))
		fail("unshare: %s", strerror(errno));
	launch_dir = open(args[0], O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (launch_dir < 0)
		fail("%s: %s", args[0], strerror(errno));
}

static int run_launch(void)
{
	child = clone_into(launch_dir, 0, NULL);
	if (!child) {
		wait_go();
		_exit(0);
	}
	return child < 0 ? errno : 0;
}

static void launch_failed(void)
{
	must_be(args[0], "pids.current", tasks);
	must_be(args[0], "debug.nsproxies", nsproxies);
	must_be(args[0], "empty", 1);
}

static void launch_done(void)
{
	must_be(args[0], "pids.current", tasks + 1);
	must_be(args[0], "debug.nsproxies", nsproxies + 1);
	must_be_in(child, args[0], NULL);
}

static void undo_launch(void)
{
	say_go();
	reap(child);
	launch_failed();
}

/* ---- unshare and setns */

static int home_ns[2], other_ns[2];
static char home_name[64];

static void ns_name(char *buf)
{
	ssize_t len = readlink("/proc/thread-self/ns/uts", buf, 63);

	if (len < 0)
		fail("/proc/thread-self/ns/uts: %s", strerror(errno));
	buf[len] = 0;
}

static void open_ns(int ns[2])
{
	ns[0] = open("/proc/thread-self/ns/uts", O_RDONLY | O_CLOEXEC);
	ns[1] = open("/proc/thread-self/ns/ipc", O_RDONLY | O_CLOEXEC);
	if (ns[0] < 0 || ns[1] < 0)
		fail("/proc/thread-self/ns: %s", strerror(errno));
}

static void enter_ns(int ns[2])
{
	if (setns(ns[0], 0) || setns(ns[1], 0))
		fail("setns: %s", strerror(errno));
}

/* A task that returns from other namespaces has an nsproxy of its own. */
static void prepare_unshare(void)
{
	prepare_fork();
	ns_name(home_name);
	open_ns(home_ns);
	if (unshare(CLONED))
		fail("unshare: %s", strerror(errno));
	open_ns(other_ns);
	enter_ns(home_ns);
	setup_fork();
}

static int run_unshare(void)
{
	return unshare(CLONED) ? errno : 0;
}

static int run_setns(void)
{
	return setns(other_ns[0], CLONE_NEWUTS) ? errno : 0;
}

static void must_be_home(bool home)
{
	char name[64];

	ns_name(name);
	if (!strcmp(name, home_name) != home)
		fail("the namespace is %s, and that of home %s", name, home_name);
	fork_failed();
}

static void unshare_failed(void)
{
	must_be_home(true);
}

static void unshare_done(void)
{
	must_be_home(false);
}

static void undo_unshare(void)
{
	enter_ns(home_ns);
	must_be_home(true);
}

/* ---- */

static const struct operation {
	const char *name;
	int min_args, max_args;
	void (*prepare)(void);	/* once, at the beginning */
	void (*setup)(void);	/* each time */
	int (*run)(void);	/* 0 or an errno; allocations of this fail */
	void (*failed)(void);	/* check that nothing has changed */
	void (*done)(void);	/* check that all has been done */
	void (*undo)(void);
	void (*finish)(void);	/* once, at the end */
	int also;		/* an errno beside ENOMEM */
} operations[] = {
	{ "mount", 2, 2, NULL, NULL, run_mount, mount_failed, mount_done, undo_mount, NULL, 0 },
	{ "mkdir", 1, 1, prepare_mkdir, setup_mkdir, run_mkdir, mkdir_failed, mkdir_done,
	  undo_mkdir, finish_dir, 0 },
	{ "rmdir", 1, 1, prepare_mkdir, setup_rmdir, run_rmdir, mkdir_done, rmdir_done,
	  NULL, finish_dir, 0 },
	{ "attach", 2, 2, prepare_attach, setup_attach, run_attach, attach_failed, attach_done,
	  undo_attach, NULL, 0 },
	{ "self", 2, 2, prepare_self, setup_attach, run_attach, attach_failed, attach_done,
	  undo_attach, NULL, 0 },
	{ "process", 2, 2, prepare_process, setup_attach, run_attach, attach_failed,
	  attach_done, undo_attach, NULL, 0 },
	{ "read", 1, 1, prepare_read, NULL, run_read, NULL, read_done, NULL, NULL, 0 },
	{ "write", 2, 3, prepare_write, NULL, run_write, write_failed, write_done, undo_write,
	  NULL, 0 },
	{ "load", 2, 2, prepare_load, NULL, run_load, load_failed, load_done, undo_load,
	  NULL, 0 },
	{ "fork", 1, 1, prepare_fork, setup_fork, run_fork, fork_failed, fork_done, undo_fork,
	  NULL, EAGAIN },
	{ "clone", 1, 1, prepare_clone, setup_fork, run_fork, fork_failed, fork_done,
	  undo_fork, NULL, EAGAIN },
	{ "launch", 1, 1, prepare_launch, setup_fork, run_launch, launch_failed, launch_done,
	  undo_launch, NULL, EAGAIN },
	{ "unshare", 1, 1, prepare_unshare, setup_fork, run_unshare, unshare_failed,
	  unshare_done, undo_unshare, NULL, 0 },
	{ "setns", 1, 1, prepare_unshare, setup_fork, run_setns, unshare_failed,
	  unshare_done, undo_unshare, NULL, 0 },
	{ .name = NULL }
};

static unsigned int points, failures;

static void do_it(const struct operation *op, int fault, unsigned int n, bool *fired, int *err)
{
	nth = n;
	alarm(HANG_SECONDS);
	if (op->setup)
		op->setup();
	if (n)
		arm(fault, n);
	*err = op->run();
	*fired = n && !armed(fault);
	if (n)
		arm(fault, 0);

	if (*err && !*fired)
		fail("%s%s", strerror(*err), n ? ", and no allocation has failed" :
		     " in the next attempt");
	if (*err && *err != ENOMEM && *err != op->also)
		fail("%s", strerror(*err));
	if (*err) {
		if (op->failed)
			op->failed();
		return;
	}
	op->done();
	if (op->undo)
		op->undo();
}

static void fail_each(const struct operation *op)
{
	int fault = open_fault(), err;
	bool fired = true, unused;

	if (op->prepare)
		op->prepare();
	for (unsigned int n = 1; fired; n++) {
		if (n > MAX_POINTS)
			fail("the allocations do not end");
		do_it(op, fault, n, &fired, &err);
		if (!fired)
			break;
		points++;
		if (err) {
			failures++;
			do_it(op, fault, 0, &unused, &err);
		}
	}
	nth = 0;
	if (op->finish)
		op->finish();
	if (!points)
		fail("no allocation could be made to fail");
}

/* ---- exit: the allocations of another task fail, which cannot report it */

static void leave(unsigned int n)
{
	int fault = open_fault();

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	must_write(path(args[0], "tasks"), "0");
	if (args[1])
		must_write(path(args[1], "tasks"), "0");
	say_ready();
	wait_go();
	arm(fault, n);
	syscall(SYS_exit_group, 0);
}

/* The state of the zombie has been read. */
static unsigned int left_by(pid_t pid)
{
	char file[64];
	int fd;
	unsigned int left;

	snprintf(file, sizeof(file), "/proc/%d/fail-nth", pid);
	fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fail("%s: %s", file, strerror(errno));
	left = armed(fd);
	close(fd);
	return left;
}

static void must_be_left(void)
{
	must_be(args[0], "pids.current", tasks);
	must_be(args[0], "debug.nsproxies", nsproxies);
	must_be(args[0], "empty", 1);
	if (args[1]) {
		must_be(args[1], "test0.tasks", 0);
		must_be(args[1], "test0.zombies", 0);
	}
}

static void fail_exits(void)
{
	siginfo_t info;
	unsigned int left;

	fflush(stdout);
	setup_fork();
	for (unsigned int n = 1;; n++) {
		nth = n;
		alarm(HANG_SECONDS);
		child = fork();
		if (child < 0)
			fail("fork: %s", strerror(errno));
		if (!child)
			leave(n);
		wait_ready(1);
		must_be(args[0], "pids.current", tasks + 1);
		say_go();
		if (waitid(P_PID, child, &info, WEXITED | WNOWAIT))
			fail("waitid: %s", strerror(errno));
		left = left_by(child);

		/* An exit must not depend on an allocation. */
		must_be(args[0], "pids.current", tasks + 1);
		if (args[1]) {
			must_be(args[1], "test0.tasks", 0);
			must_be(args[1], "test0.zombies", 1);
		}
		must_be(args[0], "empty", 1);
		reap(child);
		must_be_left();
		if (left)
			break;
		points++;
	}
}

/* ---- empty: a failing attach may delay that a container becomes empty */

#define ROUNDS 20
/* Later in each round, so that one exit races with the attach */
#define STEP_NS 250000

/* With one CPU, there is no race. */
static void run_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void exit_in_there(int round)
{
	struct timespec begin, now;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	run_on(1);
	must_write(path(args[1], "tasks"), "0");
	say_ready();
	wait_go();
	clock_gettime(CLOCK_MONOTONIC, &begin);
	do {
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while ((now.tv_sec - begin.tv_sec) * 1000000000L + now.tv_nsec - begin.tv_nsec <
		 round * STEP_NS);
	_exit(0);
}

/* Returns a descriptor for poll(2), after reading that the container is not empty. */
static int watch_empty(void)
{
	int fd = open(path(args[1], "empty"), O_RDONLY | O_CLOEXEC);
	char byte = 0;

	if (fd < 0 || read(fd, &byte, 1) != 1)
		fail("%s/empty: %s", args[1], strerror(errno));
	if (byte != '0')
		fail("%s is empty too soon", args[1]);
	return fd;
}

/* The error of the attach, while the last task exits; and whether an allocation has failed */
static int attach_in_vain(int fault, unsigned int n, int round, bool *fired)
{
	struct pollfd wait = { .events = POLLPRI };
	char id[16];
	int err;

	child = fork();
	if (child < 0)
		fail("fork: %s", strerror(errno));
	if (!child)
		exit_in_there(round);
	wait_ready(1);
	wait.fd = watch_empty();
	snprintf(id, sizeof(id), "%d", victim);
	say_go();
	arm(fault, n);
	err = write_text(path(args[1], "tasks"), id);
	*fired = !armed(fault);
	arm(fault, 0);
	reap(child);
	if (err && poll(&wait, 1, 60000) != 1)
		fail("no notification after the last task has left");
	close(wait.fd);
	return err;
}

static void fail_attaches(void)
{
	int fault = open_fault();
	bool fired = true;

	fflush(stdout);
	start_victim(1);
	run_on(0);
	for (unsigned int n = 1; fired; n++) {
		bool failed = false;

		nth = n;
		for (int i = 0, err = ENOMEM; err && i < ROUNDS; i++) {
			alarm(HANG_SECONDS);
			err = attach_in_vain(fault, n, i, &fired);
			if (err && err != ENOMEM)
				fail("%s", strerror(err));
			failed |= err;
			if (err) {
				must_be_in(victim, args[0], args[1]);
				continue;
			}
			/* The kernel can do without this allocation, or needs no more. */
			must_be_in(victim, args[1], args[0]);
			move(victim, args[0], "tasks");
		}
		points += failed || fired;
		failures += failed;
	}
	must_be_in(victim, args[0], args[1]);
	if (!failures)
		fail("no attach has failed");
}

int main(int argc, char **argv)
{
	const struct operation *op = operations;
	int nr_args;

	if (argc > 1 && !strcmp(argv[1], "-a")) {
		any = true;
		argc--;
		argv++;
	}
	what = argc > 1 ? argv[1] : "";
	nr_args = argc - 2;
	for (int i = 0; i < nr_args && i < 3; i++)
		args[i] = argv[2 + i];
	alarm(HANG_SECONDS);
	if (pipe(ready_pipe) || pipe(go_pipe))
		fail("pipe: %s", strerror(errno));
	/* Page faults need memory as well: take them before. */
	mlockall(MCL_CURRENT | MCL_FUTURE);

	if (!strcmp(what, "exit") && (nr_args == 1 || nr_args == 2)) {
		fail_exits();
	} else if (!strcmp(what, "empty") && nr_args == 2) {
		fail_attaches();
	} else {
		while (op->name && strcmp(what, op->name))
			op++;
		if (!op->name || nr_args < op->min_args || nr_args > op->max_args) {
			fputs("usage: nomem [-a] OPERATION ARGUMENT...\n", stderr);
			return 2;
		}
		fail_each(op);
	}
	if (victim && victim != getpid()) {
		kill(victim, SIGKILL);
		waitpid(victim, NULL, 0);
	}
	printf("%s %u %u\n", what, points, failures);
	return 0;
}
