// SPDX-License-Identifier: GPL-2.0
/*
 * Run all operations of rcfs at random and at the same time, and regularly check that all
 * counts can be explained.
 *
 *	storm [-s SEED] [-r ROUNDS | -t SECONDS] [-d DECISIONS] [-m MODULE]
 *	      ROOT CONTAINER FOLDER
 *
 *	-s	the seed of all decisions. The same seed gives the same decisions, but
 *		their effects depend on timing.
 *	-r	how many rounds there are
 *	-t	begin rounds for so long
 *	-d	how many decisions each worker makes in a round
 *	-m	the file of the module rust_rcfs_forks, to be loaded and unloaded
 *
 * ROOT is a mount of the hierarchy that has pids and debug, CONTAINER an empty
 * container in it, FOLDER an empty folder for other mounts. If there is a
 * subsystem test0 in no hierarchy, it is mounted as well.
 *
 * In a round each worker makes a number of decisions. Then all of them wait at a
 * barrier, and what they have started is stopped:
 *
 * - Every task is in exactly one container of each hierarchy, as /proc shows.
 * - Counts of tasks equal the number of tasks and zombies.
 * - No task may run on a CPU that its container does not have, nor have a lower nice value
 *   than its container allows.
 *
 * Then all tasks end or leave:
 *
 * - Every count is zero, and every container can be removed at once.
 * - Other hierarchies end with their last mount, and the module can be unloaded.
 *
 * At the end, there are as many states and nsproxies as at the beginning. Exits
 * with 0, or with 1 and a reason.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "clone3.h"
#include "random.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define MODULE "rust_rcfs_forks"
#define MAX_WORKERS 8
/* Children that a worker keeps */
#define BROOD 5
/* A child repeats its operation so often, and then sleeps. */
#define CHILD_ROUNDS 20
/* A child takes so much in each of its rounds, and keeps it in every second: 10 MB at last. */
#define HOG_BYTES (1024 * 1024)
/* Workers that end no operation for so long have failed. With a quota, they may take seconds. */
#define LIMIT_SECONDS 120
/* The exit status of a worker that wants to be replaced */
#define AGAIN 77
#define MAX_TASKS 4096
#define MAX_CONTAINERS 64

enum op {
	OP_START, OP_KILL, OP_FORK, OP_THREAD, OP_EXEC_CHILD, OP_UNSHARE, OP_HOME,
	OP_ATTACH_SELF, OP_ATTACH, OP_ATTACH_PROCESS, OP_MKDIR, OP_RMDIR, OP_MOUNT,
	OP_UMOUNT, OP_READ, OP_RUBBISH, OP_FREEZE, OP_THAW, OP_CPUSET, OP_PIDS, OP_CPU,
	OP_LOAD, OP_UNLOAD, OP_EXEC, OP_EXIT, OP_LAUNCH, OP_KILL_ALL, OP_NICE,
	OP_SET_NICE, OP_FORKRATE, OP_DEVICES, OP_USE_DEVICE, OP_MEMORY,
	NR_OPS
};

static const struct {
	const char *name;
	int weight;
} ops[NR_OPS] = {
	[OP_START] = { "start", 8 },
	[OP_KILL] = { "kill", 3 },
	[OP_FORK] = { "fork", 6 },
	[OP_THREAD] = { "thread", 4 },
	[OP_EXEC_CHILD] = { "exec in a child", 2 },
	[OP_UNSHARE] = { "unshare", 4 },
	[OP_HOME] = { "setns", 3 },
	[OP_ATTACH_SELF] = { "attach oneself", 8 },
	[OP_ATTACH] = { "attach", 10 },
	[OP_ATTACH_PROCESS] = { "attach a process", 8 },
	[OP_MKDIR] = { "mkdir", 5 },
	[OP_RMDIR] = { "rmdir", 6 },
	[OP_MOUNT] = { "mount", 3 },
	[OP_UMOUNT] = { "umount", 2 },
	[OP_READ] = { "read", 4 },
	[OP_RUBBISH] = { "write rubbish", 2 },
	[OP_FREEZE] = { "freeze", 2 },
	[OP_THAW] = { "thaw", 2 },
	[OP_CPUSET] = { "change cpuset", 3 },
	[OP_PIDS] = { "change pids", 3 },
	[OP_CPU] = { "change cpu", 2 },
	[OP_LOAD] = { "load", 1 },
	[OP_UNLOAD] = { "unload", 1 },
	[OP_EXEC] = { "exec", 1 },
	[OP_EXIT] = { "exit", 1 },
	[OP_LAUNCH] = { "launch", 6 },
	[OP_KILL_ALL] = { "kill all", 1 },
	[OP_NICE] = { "change nice", 3 },
	[OP_SET_NICE] = { "setpriority", 3 },
	[OP_FORKRATE] = { "change forkrate", 2 },
	[OP_DEVICES] = { "change devices", 3 },
	[OP_USE_DEVICE] = { "use a device", 3 },
	[OP_MEMORY] = { "change memory", 4 },
};

enum kind {
	SLEEPER, THREADS, DEAD_LEADER, FORKER, THREADER, SWITCHER, EXECER, ZOMBIES, HOG,
	NR_KINDS
};

struct worker {
	unsigned long long rng;
	unsigned long long digest;	/* of its decisions */
	pid_t pid;
	pid_t brood[BROOD];
	int round;		/* current or completed */
	int left;		/* decisions left in this round */
	int arrived;		/* round whose barrier it has reached */
	int cleaned;		/* round after which it has left everything */
	int present;		/* roll call that it has answered */
	enum op op;
	unsigned long count[NR_OPS], refused[NR_OPS];
};

/* Inherited by exec as well, at this descriptor */
#define SHARED_FD 100
/* Those of the main task */
#define HOME_FD 101
static const char * const home_names[] = { "uts", "ipc", "time_for_children" };
#define NR_HOMES 3

static struct shared {
	char root[PATH_MAX / 2], container[PATH_MAX / 2], folder[PATH_MAX / 2];
	char module[PATH_MAX / 2];
	bool test0;
	int nr_workers;
	int decisions;
	int round, clean;
	int roll_call;
	int stop;
	int failed;
	struct worker workers[MAX_WORKERS];
} *shared;

static struct worker *me;	/* NULL in the main task */

static void fail(const char *format, ...)
{
	va_list args;

	if (me)
		printf("# round %d, worker %d, %s: ", me->round, (int)(me - shared->workers),
		       ops[me->op].name);
	else
		printf("# round %d: ", shared->round);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
	__atomic_store_n(&shared->failed, 1, __ATOMIC_SEQ_CST);
	_exit(1);
}

static int get(int *word)
{
	return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

static void set(int *word, int value)
{
	__atomic_store_n(word, value, __ATOMIC_SEQ_CST);
}

/* ---- files */

static const char *path(const char *dir, const char *name)
{
	static char buf[8][PATH_MAX];
	static int turn;

	turn = (turn + 1) % 8;
	snprintf(buf[turn], sizeof(buf[turn]), "%s/%s", dir, name);
	return buf[turn];
}

/* 0 or an errno */
static int write_bytes(const char *file, const void *bytes, size_t len)
{
	int fd = open(file, O_WRONLY | O_CLOEXEC);
	int err = 0;

	if (fd < 0)
		return errno;
	if (write(fd, bytes, len) < 0)
		err = errno;
	close(fd);
	return err;
}

static int write_text(const char *file, const char *text)
{
	return write_bytes(file, text, strlen(text));
}

static int write_id(const char *dir, const char *name, pid_t id)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", id);
	return write_text(path(dir, name), text);
}

static char text[1 << 18];

/* 0 or an errno; the result is in text[]. */
static int read_text(const char *file)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	int err = 0;
	ssize_t n;

	text[0] = 0;
	if (fd < 0)
		return errno;
	do {
		n = read(fd, text + len, sizeof(text) - 1 - len);
		if (n > 0)
			len += n;
	} while (n > 0);
	if (n < 0)
		err = errno;
	text[len] = 0;
	close(fd);
	return err;
}

static const char *must_read(const char *file)
{
	int err = read_text(file);

	if (err)
		fail("reading %s: %s", file, strerror(err));
	return text;
}

static long number_in(const char *dir, const char *name)
{
	return strtol(must_read(path(dir, name)), NULL, 10);
}

static void must_be(const char *dir, const char *name, long expected)
{
	long value = number_in(dir, name);

	if (value != expected)
		fail("%s/%s is %ld, expected %ld", dir, name, value, expected);
}

static bool has(const char *dir, const char *name)
{
	return !access(path(dir, name), F_OK);
}

/* ---- where to do it */

static const char * const places[] = {
	"", "a", "b", "c", "a/x", "a/y", "b/x", "b/y", "a/x/1",
};

#define NR_PLACES ARRAY_SIZE(places)

/* In the main hierarchy, or in one that the worker has mounted */
static const char *some_container(unsigned int draw)
{
	const char *own = path(shared->folder, "worker");
	static char buf[PATH_MAX];
	static char mounted[PATH_MAX];
	const char *place = places[draw % NR_PLACES];

	snprintf(mounted, sizeof(mounted), "%s%d", own, (int)(me - shared->workers));
	if (draw / NR_PLACES % 4 == 0 && has(mounted, "tasks"))
		snprintf(buf, sizeof(buf), "%s/%s", mounted, place);
	else if (draw / NR_PLACES % 8 == 1)
		snprintf(buf, sizeof(buf), "%s", shared->root);
	else
		snprintf(buf, sizeof(buf), "%s/%s", shared->container, place);
	return buf;
}

static const char *own_mount(void)
{
	static char buf[PATH_MAX];

	snprintf(buf, sizeof(buf), "%s%d", path(shared->folder, "worker"),
		 (int)(me - shared->workers));
	return buf;
}

/* 0 if there is none */
static pid_t some_process(unsigned int draw)
{
	struct worker *of = &shared->workers[draw % shared->nr_workers];
	unsigned int slot = draw / shared->nr_workers % (BROOD + 1);

	return slot < BROOD ? get(&of->brood[slot]) : get(&of->pid);
}

/* One of its threads; the process if it has gone */
static pid_t some_thread(pid_t pid, unsigned int draw)
{
	char dir[64];
	struct dirent *entry;
	pid_t tids[16];
	unsigned int nr = 0;
	DIR *threads;

	snprintf(dir, sizeof(dir), "/proc/%d/task", pid);
	threads = opendir(dir);
	if (!threads)
		return pid;
	while (nr < 16 && (entry = readdir(threads)))
		if (*entry->d_name != '.')
			tids[nr++] = atoi(entry->d_name);
	closedir(threads);
	return nr ? tids[draw % nr] : pid;
}

/* ---- what a worker starts */

static void *sleep_on(void *unused)
{
	for (;;)
		pause();
	return unused;
}

static void *nothing(void *unused)
{
	return unused;
}

static void *unshare_and_exit(void *unused)
{
	unshare(CLONE_NEWUTS);
	return unused;
}

static bool start_thread(pthread_t *thread, void *(*run)(void *))
{
	pthread_attr_t attr;
	int err;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, PTHREAD_STACK_MIN + 16384);
	err = pthread_create(thread, &attr, run, NULL);
	pthread_attr_destroy(&attr);
	/* EINVAL if children are to be in another time namespace */
	if (err && err != EAGAIN && err != EINVAL)
		fail("pthread_create: %s", strerror(err));
	return !err;
}

/* Returns 0 or an errno. The child has exited then. */
static int fork_and_wait(unsigned long flags)
{
	pid_t pid = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);

	if (!pid)
		_exit(0);
	if (pid < 0)
		return errno;
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return 0;
}

static int exec_and_wait(void)
{
	pid_t pid = vfork();

	if (!pid) {
		execl("/proc/self/exe", "storm", "-N", NULL);
		_exit(1);
	}
	if (pid < 0)
		return errno;
	waitpid(pid, NULL, 0);
	return 0;
}

static void go_home(void)
{
	for (int i = 0; i < NR_HOMES; i++)
		setns(HOME_FD + i, 0);
}

/* Take memory for this process, shared memory, and a pipe that is full. */
static void take_memory(int round)
{
	int flags = MAP_ANONYMOUS | MAP_POPULATE | (round % 2 ? MAP_SHARED : MAP_PRIVATE);
	void *memory = mmap(NULL, HOG_BYTES, PROT_READ | PROT_WRITE, flags, -1, 0);
	int ends[2];

	if (memory != MAP_FAILED && round % 4 < 2)
		munmap(memory, HOG_BYTES);
	if (!pipe(ends) && fcntl(ends[1], F_SETFL, O_NONBLOCK) >= 0)
		while (write(ends[1], text, sizeof(text)) > 0)
			;
}

static void live(enum kind kind)
{
	pthread_t thread;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	switch (kind) {
	case THREADS:
	case DEAD_LEADER:
		for (int i = 0; i < 3; i++)
			start_thread(&thread, sleep_on);
		if (kind == DEAD_LEADER)
			pthread_exit(NULL);
		break;
	case FORKER:
		for (int i = 0; i < CHILD_ROUNDS; i++)
			fork_and_wait(i % 4 ? 0 : CLONE_NEWUTS);
		break;
	case THREADER:
		for (int i = 0; i < CHILD_ROUNDS; i++)
			if (start_thread(&thread, i % 4 ? nothing : unshare_and_exit))
				pthread_join(thread, NULL);
		break;
	case SWITCHER:
		for (int i = 0; i < CHILD_ROUNDS; i++) {
			unshare(i % 2 ? CLONE_NEWUTS : CLONE_NEWUTS | CLONE_NEWTIME);
			go_home();
		}
		break;
	case EXECER:
		execl("/proc/self/exe", "storm", "-S", NULL);
		break;
	case ZOMBIES:
		for (int i = 0; i < 3; i++)
			if (!syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0))
				_exit(0);
		break;
	case HOG:
		for (int i = 0; i < CHILD_ROUNDS; i++)
			take_memory(i);
		break;
	default:
		break;
	}
	sleep_on(NULL);
}

/* Whoever has forked it may have been another incarnation of this worker. */
static void end_child(int *slot)
{
	pid_t pid = get(slot);

	if (!pid)
		return;
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	set(slot, 0);
}

/* ---- decisions */

/* At least one in four takes memory. With fewer, limits are hardly ever met. */
static enum kind some_kind(unsigned int draw)
{
	return draw % 4 ? draw / 4 % NR_KINDS : HOG;
}

static unsigned long long draw(struct worker *worker)
{
	return draw_number(&worker->rng);
}

static enum op choose(unsigned int number)
{
	int sum = 0, left;

	for (int i = 0; i < NR_OPS; i++)
		sum += ops[i].weight;
	left = number % sum;
	for (int i = 0; i < NR_OPS; i++) {
		left -= ops[i].weight;
		if (left < 0)
			return i;
	}
	return OP_FORK;
}

/* The result has to be success, or one of these errors. */
static void expect(int err, ...)
{
	va_list allowed;
	int one;

	me->count[me->op]++;
	if (!err)
		return;
	me->refused[me->op]++;
	/*
	 * The kernel charges memory to containers. Where charges are left from tasks that
	 * have moved, there may be nobody to kill.
	 */
	if (err == ENOMEM && has(shared->container, "memory.limit_in_bytes"))
		return;
	va_start(allowed, err);
	do {
		one = va_arg(allowed, int);
	} while (one && one != err);
	va_end(allowed);
	if (!one)
		fail("%s", strerror(err));
}

/* For files of containers that may not exist yet or any more */
#define GONE ENOENT, ENODEV, ENOTDIR

static void start_child(unsigned int slot, enum kind kind)
{
	pid_t pid;

	end_child(&me->brood[slot]);
	pid = fork();
	if (!pid)
		live(kind);
	if (pid > 0)
		set(&me->brood[slot], pid);
	expect(pid < 0 ? errno : 0, EAGAIN, 0);
}

/* As start_child(), but the child begins elsewhere, and perhaps frozen. */
static void launch_child(const char *dir, unsigned int slot, enum kind kind, uint64_t flags)
{
	int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	pid_t pid;

	if (fd < 0) {
		expect(errno, GONE, 0);
		return;
	}
	end_child(&me->brood[slot]);
	pid = clone_into(fd, flags, NULL);
	if (!pid)
		live(kind);
	if (pid > 0)
		set(&me->brood[slot], pid);
	/* EBADF: there is no rcfs mounted there. */
	expect(pid < 0 ? errno : 0, EAGAIN, ENOSPC, EBADF, ENODEV, 0);
	close(fd);
}

static void read_all(const char *dir)
{
	struct dirent *entry;
	DIR *files = opendir(dir);

	if (!files) {
		expect(errno, GONE, 0);
		return;
	}
	while ((entry = readdir(files))) {
		struct stat stat;

		/* Some files are write-only. */
		if (entry->d_type == DT_REG &&
		    !fstatat(dirfd(files), entry->d_name, &stat, 0) &&
		    stat.st_mode & 0444)
			expect(read_text(path(dir, entry->d_name)), GONE, 0);
	}
	closedir(files);
}

static void write_rubbish(const char *dir, unsigned int draw)
{
	static const struct {
		const char *bytes;
		size_t len;
	} rubbish[] = {
		{ "rubbish", 7 }, { "", 0 }, { "\n", 1 }, { "-7", 2 }, { "0x7", 3 },
		{ "1 1", 3 }, { "\0\0\0\0", 4 }, { "\xff\xfe", 2 }, { "4194305", 7 },
		{ "18446744073709551617", 20 }, { "7-1", 3 }, { "max max", 7 },
		{ "FREEZING", 8 }, { "%s%n", 4 }, { text, 5000 },
	};
	const int nr = ARRAY_SIZE(rubbish);
	struct dirent *entry;
	DIR *files = opendir(dir);

	if (!files) {
		expect(errno, GONE, 0);
		return;
	}
	memset(text, '7', 5000);
	while ((entry = readdir(files))) {
		if (entry->d_type != DT_REG)
			continue;
		expect(write_bytes(path(dir, entry->d_name), rubbish[draw % nr].bytes,
				   rubbish[draw % nr].len), EINVAL, ERANGE, E2BIG, ESRCH, GONE, 0);
		draw++;
	}
	closedir(files);
}

static void set_value(const char *dir, const char *name, const char *value)
{
	/* Not in a root, nor in a hierarchy without the controller; not all CPUs */
	expect(write_text(path(dir, name), value), ERANGE, GONE, 0);
}

/* To open it, or to make a node of it */
static void use_device(bool make)
{
	const char *node = path(shared->folder, "node");
	int err = 0, fd;

	if (make) {
		if (mknod(node, S_IFCHR | 0600, makedev(1, 5)))
			err = errno;
		/* Others use the same name. */
		unlink(node);
	} else {
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (fd < 0)
			err = errno;
		else
			close(fd);
	}
	expect(err, EPERM, EEXIST, 0);
}

static void mount_some(unsigned int draw)
{
	static const char * const options[] = { "test0", "forks", "test0,forks" };

	if (!shared->test0 || (mkdir(own_mount(), 0755) && errno != EEXIST))
		return;
	expect(mount("none", own_mount(), "rcfs", 0, options[draw % 3]) ? errno : 0,
	       EBUSY, ENOENT, ENOSPC, 0);
}

static void load_module(void)
{
	int fd = open(shared->module, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		fail("%s: %s", shared->module, strerror(errno));
	/* EINTR: it waits for another one who loads the same file, and is frozen meanwhile. */
	expect(syscall(SYS_finit_module, fd, "", 0) ? errno : 0, EEXIST, EBUSY, ENOSPC, EINTR, 0);
	close(fd);
}

static int unload_module(void)
{
	return syscall(SYS_delete_module, MODULE, O_NONBLOCK) ? errno : 0;
}

static void act(enum op op, unsigned int a, unsigned int b, unsigned int c)
{
	static const char * const cpus[] = { "0", "1", "0-1", "\n", "7", "0-63" };
	static const char * const limits[] = { "0", "3", "20", "max", "max", "max" };
	static const char * const quotas[] = { "-1", "20000", "50000" };
	static const char * const bounds[] = { "-20", "-20", "-1", "0", "3", "10" };
	static const char * const rates[] = { "max", "max", "1000", "10 20", "0 5" };
	static const char * const sizes[] = { "4M", "8M", "16M", "max", "max" };
	static const char * const rules[] = { "a", "c 1:3 rw", "c 1:* r", "c *:* m", "b *:* rwm" };
	static const unsigned long namespaces[] = {
		CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUTS | CLONE_NEWIPC, CLONE_NEWTIME,
	};
	const char *where = some_container(a);
	char number[16];
	pthread_t thread;
	pid_t pid;

	switch (op) {
	case OP_START:
		start_child(b % BROOD, some_kind(c));
		break;
	case OP_KILL:
		/* Whoever needs the place waits for it: a zombie until then */
		pid = get(&me->brood[b % BROOD]);
		if (pid)
			kill(pid, SIGKILL);
		expect(0, 0);
		break;
	case OP_FORK:
		expect(fork_and_wait(b % 4 == 0 ? CLONE_NEWUTS :
				     b % 4 == 1 ? CLONE_NEWIPC | CLONE_NEWPID : 0),
		       EAGAIN, ENOSPC, 0);
		break;
	case OP_THREAD:
		if (start_thread(&thread, b % 2 ? nothing : unshare_and_exit)) {
			pthread_join(thread, NULL);
			expect(0, 0);
		} else {
			expect(EAGAIN, EAGAIN, 0);
		}
		break;
	case OP_EXEC_CHILD:
		expect(exec_and_wait(), EAGAIN, 0);
		break;
	case OP_UNSHARE:
		/* Those that have ended go a little later, and there is a limit. */
		expect(unshare(namespaces[b % 4]) ? errno : 0, ENOSPC, 0);
		break;
	case OP_HOME:
		go_home();
		expect(0, 0);
		break;
	case OP_ATTACH_SELF:
		expect(write_id(where, b % 2 ? "tasks" : "procs", 0), GONE, 0);
		break;
	case OP_ATTACH:
		pid = some_process(b);
		if (pid)
			expect(write_id(where, "tasks", some_thread(pid, c)), ESRCH, GONE, 0);
		break;
	case OP_ATTACH_PROCESS:
		pid = some_process(b);
		if (pid)
			expect(write_id(where, "procs", some_thread(pid, c)), ESRCH, GONE, 0);
		break;
	case OP_MKDIR:
		if (strcmp(where, shared->root))
			expect(mkdir(where, 0755) ? errno : 0, EEXIST, GONE, 0);
		break;
	case OP_RMDIR:
		/* That of the test stays, and a root cannot be removed. */
		if (strcmp(where, shared->root) && where[strlen(where) - 1] != '/')
			expect(rmdir(where) ? errno : 0, EBUSY, GONE, 0);
		break;
	case OP_MOUNT:
		mount_some(b);
		break;
	case OP_UMOUNT:
		expect(umount2(own_mount(), b % 4 ? 0 : MNT_DETACH) ? errno : 0,
		       EINVAL, ENOENT, EBUSY, 0);
		break;
	case OP_READ:
		if (b % 4) {
			read_all(where);
			break;
		}
		expect(read_text("/proc/rcfs"), 0);
		pid = some_process(c);
		if (pid) {
			snprintf(text, sizeof(text), "/proc/%d", pid);
			expect(read_text(path(text, "rcfs")), ENOENT, ESRCH, 0);
		}
		break;
	case OP_RUBBISH:
		write_rubbish(where, b);
		break;
	case OP_FREEZE:
	case OP_THAW:
		set_value(where, "freezer.state", op == OP_FREEZE ? "FROZEN" : "THAWED");
		break;
	case OP_CPUSET:
		set_value(where, "cpuset.cpus", cpus[b % 6]);
		break;
	case OP_PIDS:
		set_value(where, "pids.max", limits[b % 6]);
		break;
	case OP_CPU:
		snprintf(number, sizeof(number), "%u", 2 + c % 4096);
		if (b % 2)
			set_value(where, "cpu.shares", number);
		else
			/* Not more than what is above */
			expect(write_text(path(where, "cpu.cfs_quota_us"), quotas[c % 3]),
			       EINVAL, GONE, 0);
		break;
	case OP_NICE:
		set_value(where, "nice.min", bounds[b % 6]);
		break;
	case OP_SET_NICE:
		pid = some_process(b);
		if (pid)
			expect(setpriority(PRIO_PROCESS, some_thread(pid, c),
					   (int)(c / 16 % 7) - 3) ? errno : 0, ESRCH, 0);
		break;
	case OP_FORKRATE:
		set_value(where, "forkrate.max", rates[b % 5]);
		break;
	case OP_DEVICES:
		/* Not what is denied above */
		expect(write_text(path(where, b % 2 ? "devices.allow" : "devices.deny"),
				  rules[b / 2 % 5]), EPERM, GONE, 0);
		break;
	case OP_USE_DEVICE:
		use_device(b % 2);
		break;
	case OP_MEMORY:
		/* Perhaps the worker itself is killed. */
		if (b / 5 % 4)
			set_value(where, "memory.limit_in_bytes", sizes[b % 5]);
		else
			set_value(where, "memory.oom.group", b % 2 ? "1" : "0");
		break;
	case OP_LOAD:
		if (*shared->module)
			load_module();
		break;
	case OP_UNLOAD:
		if (*shared->module)
			expect(unload_module(), ENOENT, EAGAIN, EBUSY, 0);
		break;
	case OP_LAUNCH:
		launch_child(where, b % BROOD, some_kind(c),
			     b / BROOD % 4 ? 0 : namespaces[c / NR_KINDS % 3]);
		break;
	case OP_KILL_ALL:
		/* Perhaps the worker itself. There is no such file in a root. */
		expect(write_text(path(where, "kill"), "1"), GONE, 0);
		break;
	case OP_EXEC:
		snprintf(number, sizeof(number), "%d", (int)(me - shared->workers));
		me->count[op]++;
		execl("/proc/self/exe", "storm", "-W", number, NULL);
		expect(errno, 0);
		break;
	case OP_EXIT:
		me->count[op]++;
		exit(AGAIN);
	default:
		break;
	}
}

/* ---- a worker */

static void wait_for_round(int *what, int round)
{
	while (get(what) < round && !get(&shared->stop)) {
		set(&me->present, get(&shared->roll_call));
		usleep(1000);
	}
}

static void leave_everything(void)
{
	int err;

	for (int i = 0; i < BROOD; i++)
		end_child(&me->brood[i]);
	/* And those that were replaced */
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
	go_home();
	while (!umount2(own_mount(), 0))
		;
	err = write_id(shared->root, "procs", 0);
	if (err)
		fail("going back to %s: %s", shared->root, strerror(err));
}

static void work(int number)
{
	me = &shared->workers[number];
	set(&me->pid, getpid());
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (!get(&shared->stop)) {
		if (me->round < get(&shared->round)) {
			me->round++;
			me->left = shared->decisions;
		}
		while (me->left) {
			unsigned long long x = draw(me);

			me->left--;
			me->digest = me->digest * 31 + x;
			me->op = choose(x & 0xffff);
			act(me->op, x >> 16 & 0xffff, x >> 32 & 0xffff, x >> 48);
		}
		if (get(&me->arrived) < me->round)
			set(&me->arrived, me->round);
		wait_for_round(&shared->clean, me->round);
		if (get(&me->cleaned) < me->round && !get(&shared->stop)) {
			leave_everything();
			set(&me->cleaned, me->round);
		}
		wait_for_round(&shared->round, me->round + 1);
	}
	exit(0);
}

/* ---- the main task: waiting */

static time_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

static time_t begin, last_progress;

static unsigned long count_all(bool refused)
{
	unsigned long sum = 0;

	for (int i = 0; i < shared->nr_workers; i++)
		for (int op = 0; op < NR_OPS; op++)
			sum += refused ? shared->workers[i].refused[op] :
					 shared->workers[i].count[op];
	return sum;
}

static void progress(void)
{
	if (now() < last_progress + 5)
		return;
	last_progress = now();
	printf("# %ld s: round %d, %lu operations\n", (long)(now() - begin), shared->round,
	       count_all(false));
	fflush(stdout);
}

static void start_worker(int number)
{
	pid_t pid = fork();

	if (pid < 0)
		fail("fork: %s", strerror(errno));
	if (!pid)
		work(number);
	set(&shared->workers[number].pid, pid);
}

/* No orphan is left behind. */
static void reap_some(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (int i = 0; i < shared->nr_workers; i++) {
			struct worker *worker = &shared->workers[i];

			for (int slot = 0; slot < BROOD; slot++)
				if (get(&worker->brood[slot]) == pid)
					set(&worker->brood[slot], 0);
			if (get(&worker->pid) != pid)
				continue;
			if (get(&shared->failed))
				exit(1);
			/* A worker may have been in a container that was killed. */
			if (!(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) &&
			    (!WIFEXITED(status) || (WEXITSTATUS(status) != AGAIN &&
						    !get(&shared->stop))))
				fail("worker %d ended with status %#x, when it did '%s'", i,
				     status, ops[worker->op].name);
			if (!get(&shared->stop))
				start_worker(i);
			else
				set(&worker->pid, 0);
		}
	}
	if (get(&shared->failed))
		exit(1);
}

static void thaw(const char *dir)
{
	struct dirent *entry;
	DIR *files = opendir(dir);

	if (!files)
		return;
	write_text(path(dir, "freezer.state"), "THAWED");
	/* Rubbish may be a size. Whoever is above memory.high sleeps for seconds. */
	write_text(path(dir, "memory.high"), "max");
	while ((entry = readdir(files))) {
		char below[PATH_MAX];

		if (entry->d_type != DT_DIR || *entry->d_name == '.')
			continue;
		snprintf(below, sizeof(below), "%s/%s", dir, entry->d_name);
		thaw(below);
	}
	closedir(files);
}

static int awaited;	/* how many workers are still missing */

static bool all_arrived(void)
{
	awaited = 0;
	for (int i = 0; i < shared->nr_workers; i++)
		awaited += get(&shared->workers[i].arrived) < shared->round;
	return !awaited;
}

/* A worker that has been killed does not answer. It is replaced. */
static bool all_present(void)
{
	awaited = 0;
	for (int i = 0; i < shared->nr_workers; i++)
		awaited += get(&shared->workers[i].present) < shared->roll_call;
	return !awaited;
}

static bool all_cleaned(void)
{
	awaited = 0;
	for (int i = 0; i < shared->nr_workers; i++)
		awaited += get(&shared->workers[i].cleaned) < shared->round;
	return !awaited;
}

static bool all_ended(void)
{
	awaited = 0;
	for (int i = 0; i < shared->nr_workers; i++)
		awaited += !!get(&shared->workers[i].pid);
	return !awaited;
}

static char task_state(const char *dir)
{
	char *end;

	if (read_text(path(dir, "stat")))
		return 0;
	end = strrchr(text, ')');
	return end ? end[2] : 0;
}

/* ---- the main task: existing tasks */

struct task {
	pid_t tid;
	pid_t pid;
	bool zombie;
	int places;	/* number of containers that list it */
};

static struct task tasks[MAX_TASKS];
static int nr_tasks, nr_zombies;

static bool is_worker(pid_t pid)
{
	for (int i = 0; i < shared->nr_workers; i++)
		if (get(&shared->workers[i].pid) == pid)
			return true;
	return false;
}

static pid_t parent_of(pid_t pid)
{
	char file[64];
	char *end;

	snprintf(file, sizeof(file), "/proc/%d/stat", pid);
	if (read_text(file))
		return 0;
	end = strrchr(text, ')');
	return end ? atoi(end + 4) : 0;
}

static bool is_ours(pid_t pid)
{
	while (pid > 1 && pid != getpid())
		pid = parent_of(pid);
	return pid == getpid();
}

/* Tasks below the main one, with all of their threads */
static void find_tasks(void)
{
	DIR *procs = opendir("/proc"), *threads;
	struct dirent *proc, *thread;
	char dir[64], buf[PATH_MAX];

	nr_tasks = 0;
	nr_zombies = 0;
	if (!procs)
		fail("/proc: %s", strerror(errno));
	while ((proc = readdir(procs))) {
		pid_t pid = atoi(proc->d_name);

		if (!pid || !is_ours(pid))
			continue;
		snprintf(dir, sizeof(dir), "/proc/%d/task", pid);
		threads = opendir(dir);
		if (!threads)
			continue;
		while ((thread = readdir(threads))) {
			char state;

			if (*thread->d_name == '.')
				continue;
			snprintf(buf, sizeof(buf), "%s/%s", dir, thread->d_name);
			state = task_state(buf);
			if (!state || nr_tasks == MAX_TASKS)
				continue;
			tasks[nr_tasks] = (struct task){
				.tid = atoi(thread->d_name), .pid = pid,
				.zombie = state == 'Z' || state == 'X',
			};
			nr_zombies += tasks[nr_tasks++].zombie;
		}
		closedir(threads);
	}
	closedir(procs);
}

/* All tasks but the workers and the main task are stopped or dead. */
static bool all_stopped(void)
{
	int running = 0;

	find_tasks();
	for (int i = 0; i < nr_tasks; i++) {
		char dir[64];
		char state;

		if (tasks[i].zombie || tasks[i].pid == getpid() || is_worker(tasks[i].pid))
			continue;
		snprintf(dir, sizeof(dir), "/proc/%d/task/%d", tasks[i].pid, tasks[i].tid);
		state = task_state(dir);
		if (state == 'Z' || state == 'X') {
			tasks[i].zombie = true;
			nr_zombies++;
		} else if (state != 'T') {
			kill(tasks[i].pid, SIGSTOP);
			running++;
		}
	}
	return !running;
}

/* Workers reap their children, and the main task reaps orphans. */
static bool all_killed(void)
{
	int alive = 0;

	find_tasks();
	for (int i = 0; i < nr_tasks; i++) {
		if (tasks[i].pid == getpid() || is_worker(tasks[i].pid))
			continue;
		kill(tasks[i].pid, SIGKILL);
		alive++;
	}
	return !alive;
}

static struct task *find_task(pid_t tid)
{
	for (int i = 0; i < nr_tasks; i++)
		if (tasks[i].tid == tid)
			return &tasks[i];
	return NULL;
}

/* ---- the main task: hierarchies */

struct tree {
	int hierarchy;
	char options[256];
	char root[PATH_MAX];
};

static struct tree trees[8];
static int nr_trees;

static bool find_subsystem(const char *name, int *hierarchy, int *containers)
{
	const char *line = must_read("/proc/rcfs");
	size_t len = strlen(name);

	for (; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, name, len) && line[len] == '\t')
			return sscanf(line + len, "%d %d", hierarchy, containers) == 2;
	}
	return false;
}

/* All but the main hierarchy. This mounts them all. */
static void find_trees(void)
{
	static const char * const names[] = { "test0", "forks" };
	int containers, hierarchy, i;

	nr_trees = 0;
	for (int n = 0; n < 2; n++) {
		if (!find_subsystem(names[n], &hierarchy, &containers) || !hierarchy)
			continue;
		for (i = 0; i < nr_trees && trees[i].hierarchy != hierarchy; i++)
			;
		if (i == nr_trees) {
			trees[nr_trees].hierarchy = hierarchy;
			snprintf(trees[nr_trees].options, sizeof(trees[0].options), "%s", names[n]);
			snprintf(trees[nr_trees].root, sizeof(trees[0].root), "%s/tree%d",
				 shared->folder, nr_trees);
			nr_trees++;
		} else {
			snprintf(trees[i].options, sizeof(trees[0].options), "%s,%s", names[0],
				 names[1]);
		}
	}
	for (i = 0; i < nr_trees; i++) {
		if (mkdir(trees[i].root, 0755) && errno != EEXIST)
			fail("%s: %s", trees[i].root, strerror(errno));
		if (mount("none", trees[i].root, "rcfs", 0, trees[i].options))
			fail("mounting %s: %s", trees[i].options, strerror(errno));
	}
}

static void umount_trees(void)
{
	for (int i = 0; i < nr_trees; i++)
		if (umount2(trees[i].root, 0))
			fail("unmounting %s: %s", trees[i].options, strerror(errno));
}

/* ---- the main task: checks */

static char dirs[MAX_CONTAINERS][PATH_MAX];
static int nr_dirs;

/* Parents first */
static void find_dirs(const char *dir)
{
	struct dirent *entry;
	DIR *files;

	if (nr_dirs == MAX_CONTAINERS)
		fail("too many containers");
	snprintf(dirs[nr_dirs++], PATH_MAX, "%s", dir);
	files = opendir(dir);
	if (!files)
		fail("%s: %s", dir, strerror(errno));
	while ((entry = readdir(files))) {
		char below[PATH_MAX];

		if (entry->d_type != DT_DIR || *entry->d_name == '.')
			continue;
		snprintf(below, sizeof(below), "%s/%s", dir, entry->d_name);
		find_dirs(below);
	}
	closedir(files);
}

/* Print the lines of a file, or nothing. */
static void tell(const char *dir, const char *name)
{
	char *save, *line;

	if (read_text(path(dir, name)))
		return;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		printf("# %s/%s: %s\n", dir, name, line);
}

/* Where each worker is, and what may keep it from running */
static void tell_what_workers_do(void)
{
	static const char * const of_task[] = { "rcfs", "wchan", "stat" };
	static const char * const of_container[] = {
		"tasks", "cpu.shares", "cpu.cfs_quota_us", "cpu.stat", "memory.high",
		"memory.limit_in_bytes", "memory.usage_in_bytes",
	};

	for (int i = 0; i < shared->nr_workers; i++) {
		struct worker *worker = &shared->workers[i];
		char dir[64];

		snprintf(dir, sizeof(dir), "/proc/%d", worker->pid);
		printf("# worker %d: %d decisions left, %s, state %c\n", i,
		       worker->left, ops[worker->op].name, task_state(dir) ?: '-');
		for (size_t n = 0; n < ARRAY_SIZE(of_task); n++)
			tell(dir, of_task[n]);
	}
	nr_dirs = 0;
	find_dirs(shared->container);
	for (int d = 0; d < nr_dirs; d++)
		for (size_t n = 0; n < ARRAY_SIZE(of_container); n++)
			tell(dirs[d], of_container[n]);
}

/*
 * Wait until a condition is true. In the meantime, thaw workers, let them have memory,
 * replace workers that have ended, and reap children: otherwise workers could wait for ever.
 */
static void wait_until(bool (*condition)(void), const char *name)
{
	unsigned long last = count_all(false);
	time_t end = now() + LIMIT_SECONDS;

	while (!condition()) {
		unsigned long done = count_all(false);

		if (done != last)
			end = now() + LIMIT_SECONDS;
		last = done;
		reap_some();
		thaw(shared->container);
		progress();
		usleep(10000);
		if (now() <= end)
			continue;
		/* What follows may block on what the workers wait for. */
		printf("# waited %d s in vain until %s\n", LIMIT_SECONDS, name);
		fflush(stdout);
		tell_what_workers_do();
		fail("waited %d s in vain until %s", LIMIT_SECONDS, name);
	}
}

static bool is_below(const char *dir, const char *above)
{
	size_t len = strlen(above);

	return !strncmp(dir, above, len) && (dir[len] == '/' || !dir[len]);
}

/* The container of a task in /proc, as a path below that of the root */
static const char *proc_path(const struct task *task, int hierarchy)
{
	static char found[PATH_MAX];
	char file[64];
	char *line, *end;

	snprintf(file, sizeof(file), "/proc/%d/task/%d/rcfs", task->pid, task->tid);
	must_read(file);
	for (line = text; *line; line = end + 1) {
		end = strchr(line, '\n');
		if (!end)
			break;
		*end = 0;
		if (atoi(line) != hierarchy)
			continue;
		line = strchr(strchr(line, ':') + 1, ':') + 1;
		snprintf(found, sizeof(found), "%s", strcmp(line, "/") ? line : "");
		return found;
	}
	return NULL;
}

/* A mask of the CPUs in a list like 0-3,5 */
static unsigned long long cpus_in(const char *list)
{
	unsigned long long mask = 0;

	while (*list >= '0' && *list <= '9') {
		char *end;
		long first = strtol(list, &end, 10), last = first;

		if (*end == '-')
			last = strtol(end + 1, &end, 10);
		for (; first <= last && first < 64; first++)
			mask |= 1ULL << first;
		list = *end == ',' ? end + 1 : end;
	}
	return mask;
}

static unsigned long long cpus_of(pid_t tid)
{
	unsigned long long mask = 0;
	cpu_set_t set;

	if (sched_getaffinity(tid, sizeof(set), &set))
		fail("sched_getaffinity of %d: %s", tid, strerror(errno));
	for (int cpu = 0; cpu < 64; cpu++)
		if (CPU_ISSET(cpu, &set))
			mask |= 1ULL << cpu;
	return mask;
}

static int nice_of(pid_t tid)
{
	int value;

	errno = 0;
	value = getpriority(PRIO_PROCESS, tid);
	if (errno)
		fail("getpriority of %d: %s", tid, strerror(errno));
	return value;
}

/* Each task is in one container of the tree, and counted there. */
static void look_at(const char *root, int hierarchy)
{
	static char listing[sizeof(text)];
	long listed[MAX_CONTAINERS] = {};

	for (int i = 0; i < nr_tasks; i++)
		tasks[i].places = 0;
	nr_dirs = 0;
	find_dirs(root);
	for (int d = 0; d < nr_dirs; d++) {
		char *line = listing, *end;
		unsigned long long cpus = ~0ULL;
		int bound = PRIO_MIN;

		if (d && has(dirs[d], "nice.effective"))
			bound = number_in(dirs[d], "nice.effective");
		if (d && has(dirs[d], "cpuset.effective_cpus"))
			cpus = cpus_in(must_read(path(dirs[d], "cpuset.effective_cpus")));
		must_read(path(dirs[d], "tasks"));
		memcpy(listing, text, sizeof(text));
		for (; *line; line = end + 1) {
			pid_t tid = strtol(line, &end, 10);
			struct task *task = find_task(tid);
			const char *said;

			if (*end != '\n')
				fail("%s/tasks has a line '%s'", dirs[d], line);
			listed[d]++;
			if (!task) {
				if (!d || !is_below(dirs[d], shared->container))
					continue;
				fail("task %d in %s is not there", tid, dirs[d]);
			}
			if (task->zombie)
				fail("task %d in %s is dead", tid, dirs[d]);
			if (task->places++)
				fail("task %d is in %s and in another container", tid, dirs[d]);
			said = proc_path(task, hierarchy);
			if (!said || strcmp(said, dirs[d] + strlen(root)))
				fail("task %d is in %s, and /proc says '%s'", tid, dirs[d],
				     said ?: "nothing");
			if (cpus_of(tid) & ~cpus)
				fail("task %d in %s may run on CPUs %#llx, which has %#llx", tid,
				     dirs[d], cpus_of(tid),
				     cpus);
			if (nice_of(tid) < bound)
				fail("task %d in %s has the nice value %d, below the bound %d",
				     tid, dirs[d], nice_of(tid), bound);
		}
	}
	for (int i = 0; i < nr_tasks; i++)
		if (!tasks[i].zombie && !tasks[i].places)
			fail("task %d is in no container of %s", tasks[i].tid, root);
	for (int d = 1; d < nr_dirs; d++) {
		long below = 0, counted;

		for (int other = d; other < nr_dirs; other++)
			if (is_below(dirs[other], dirs[d]))
				below += listed[other];
		if (has(dirs[d], "pids.current")) {
			counted = number_in(dirs[d], "pids.current");
			if (counted < below || counted > below + nr_zombies)
				fail("%s has %ld tasks, there are %d zombies, and pids says %ld",
				     dirs[d], below, nr_zombies, counted);
		}
		if (has(dirs[d], "test0.tasks"))
			must_be(dirs[d], "test0.tasks", listed[d]);
		if (has(dirs[d], "empty"))
			must_be(dirs[d], "empty", !below);
	}
}

static int main_hierarchy(void)
{
	int hierarchy, containers;

	if (!find_subsystem("pids", &hierarchy, &containers))
		fail("there is no controller pids");
	return hierarchy;
}

static void look(void)
{
	wait_until(all_stopped, "all tasks have stopped");
	/*
	 * The last operation of a worker, and the OOM killer for the last task that ran, may
	 * have killed workers, and tasks that had been found stopped. The children of a worker
	 * die with it. From now on nobody kills.
	 */
	set(&shared->roll_call, shared->roll_call + 1);
	wait_until(all_present, "all workers have answered");
	wait_until(all_stopped, "all tasks that were killed are dead");
	find_trees();
	look_at(shared->root, main_hierarchy());
	for (int i = 0; i < nr_trees; i++)
		look_at(trees[i].root, trees[i].hierarchy);
	umount_trees();
}

/* No task is in the tree, and all containers can be removed. */
static void must_be_empty(const char *dir)
{
	if (*must_read(path(dir, "tasks")))
		fail("%s is not empty", dir);
	must_be(dir, "empty", 1);
	if (has(dir, "pids.current"))
		must_be(dir, "pids.current", 0);
	if (has(dir, "debug.nsproxies"))
		must_be(dir, "debug.nsproxies", 1);
	if (has(dir, "debug.users"))
		must_be(dir, "debug.users", 0);
	if (has(dir, "test0.tasks")) {
		must_be(dir, "test0.tasks", 0);
		must_be(dir, "test0.zombies", 0);
	}
}

static void remove_all(const char *root, int keep)
{
	nr_dirs = 0;
	find_dirs(root);
	for (int d = nr_dirs - 1; d >= 0; d--) {
		/* Counts of removed containers are in the containers above. */
		if (d >= keep || is_below(dirs[d], shared->container))
			must_be_empty(dirs[d]);
		if (d >= keep && rmdir(dirs[d]))
			fail("removing %s: %s", dirs[d], strerror(errno));
	}
}

static void clean(void)
{
	int hierarchy, containers, err;

	set(&shared->clean, shared->round);
	/* The only container that stays for the next round */
	write_text(path(shared->container, "memory.limit_in_bytes"), "max");
	all_killed();
	wait_until(all_cleaned, "all workers have left");
	wait_until(all_killed, "all tasks are dead");
	remove_all(shared->container, 1);
	find_trees();
	for (int i = 0; i < nr_trees; i++) {
		for (int w = 0; w < shared->nr_workers; w++) {
			err = write_id(trees[i].root, "procs", shared->workers[w].pid);
			if (err)
				fail("moving a worker to %s: %s", trees[i].root, strerror(err));
		}
		remove_all(trees[i].root, 1);
	}
	umount_trees();
	if (find_subsystem("test0", &hierarchy, &containers) && hierarchy)
		fail("test0 is still in hierarchy %d", hierarchy);
	if (!find_subsystem("forks", &hierarchy, &containers))
		return;
	if (hierarchy)
		fail("forks is still in hierarchy %d", hierarchy);
	err = unload_module();
	if (err)
		fail("unloading " MODULE ": %s", strerror(err));
}

/* ---- the main task: from the beginning to the end */

/* Without free objects in caches. Returns -1 if the number is not known. */
static long nr_nsproxies(void)
{
	long active = -1;
	char *line;

	write_text("/sys/kernel/slab/nsproxy/shrink", "1");
	if (read_text("/proc/slabinfo"))
		return -1;
	line = strstr(text, "\nnsproxy ");
	if (line)
		sscanf(line + 9, "%ld", &active);
	return active;
}

static long first_nsproxies, last_nsproxies, first_states;

static bool nsproxies_are_back(void)
{
	last_nsproxies = nr_nsproxies();
	return last_nsproxies <= first_nsproxies;
}

static bool states_are_back(void)
{
	return number_in(shared->root, "debug.states") == first_states;
}

static void report(unsigned long long seed)
{
	unsigned long long digest = 0;

	for (int op = 0; op < NR_OPS; op++) {
		unsigned long count = 0, refused = 0;

		for (int i = 0; i < shared->nr_workers; i++) {
			count += shared->workers[i].count[op];
			refused += shared->workers[i].refused[op];
		}
		printf("# %s: %lu, of which %lu were refused\n", ops[op].name, count, refused);
	}
	for (int i = 0; i < shared->nr_workers; i++)
		digest = digest * 31 + shared->workers[i].digest;
	printf("# decisions of seed %llu: %016llx\n", seed,
	       digest);
	printf("# %lu operations by %d workers in %d rounds and %ld s\n", count_all(false),
	       shared->nr_workers, shared->round, (long)(now() - begin));
}

static void share(bool first)
{
	int fd = SHARED_FD;

	if (first) {
		fd = memfd_create("storm", 0);
		if (fd < 0 || ftruncate(fd, sizeof(*shared)) || dup2(fd, SHARED_FD) < 0) {
			perror("memfd");
			exit(1);
		}
		close(fd);
	}
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, SHARED_FD, 0);
	if (shared == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
}

static void open_home(void)
{
	for (int i = 0; i < NR_HOMES; i++) {
		int fd = open(path("/proc/self/ns", home_names[i]), O_RDONLY);

		if (fd >= 0 && dup2(fd, HOME_FD + i) >= 0)
			close(fd);
	}
}

static void run(unsigned long long seed, long rounds, long seconds)
{
	int hierarchy, containers;

	begin = now();
	last_progress = begin;
	shared->nr_workers = sysconf(_SC_NPROCESSORS_ONLN) * 2;
	if (shared->nr_workers > MAX_WORKERS)
		shared->nr_workers = MAX_WORKERS;
	shared->test0 = find_subsystem("test0", &hierarchy, &containers) && !hierarchy;
	for (int i = 0; i < shared->nr_workers; i++)
		shared->workers[i].rng = (seed + 1) * 0x9e3779b97f4a7c15 * (i + 1);
	open_home();
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	setvbuf(stdout, NULL, _IONBF, 0);
	first_states = number_in(shared->root, "debug.states");
	first_nsproxies = nr_nsproxies();
	for (int i = 0; i < shared->nr_workers; i++)
		start_worker(i);

	while (seconds ? now() < begin + seconds : shared->round < rounds) {
		for (unsigned int i = 1; i < NR_PLACES; i++)
			if (mkdir(path(shared->container, places[i]), 0755))
				fail("mkdir: %s", strerror(errno));
		set(&shared->round, shared->round + 1);
		wait_until(all_arrived, "all workers have made their decisions");
		look();
		clean();
		progress();
	}
	set(&shared->stop, 1);
	wait_until(all_ended, "all workers have ended");
	wait_until(states_are_back, "the states of removed containers have gone");
	if (first_nsproxies >= 0)
		wait_until(nsproxies_are_back, "the nsproxies have gone");
	report(seed);
	if (first_nsproxies >= 0)
		printf("# nsproxies: %ld before, %ld afterwards\n", first_nsproxies,
		       last_nsproxies);
}

static const char usage[] =
	"usage: storm [-s SEED] [-r ROUNDS | -t SECONDS] [-d DECISIONS] [-m MODULE]\n"
	"             ROOT CONTAINER FOLDER\n";

int main(int argc, char **argv)
{
	const char *module = "";
	unsigned long long seed = 1;
	long rounds = 1, seconds = 0;
	int decisions = 150;
	int opt;

	if (argc == 3 && !strcmp(argv[1], "-W")) {
		share(false);
		work(atoi(argv[2]));
	}
	while ((opt = getopt(argc, argv, "NSs:r:t:d:m:")) != -1) {
		switch (opt) {
		case 'N':
			return 0;
		case 'S':
			sleep_on(NULL);
			break;
		case 's':
			seed = strtoull(optarg, NULL, 10);
			break;
		case 'r':
			rounds = atol(optarg);
			break;
		case 't':
			seconds = atol(optarg);
			break;
		case 'd':
			decisions = atoi(optarg);
			break;
		case 'm':
			module = optarg;
			break;
		default:
			argc = 0;
		}
	}
	if (argc - optind != 3) {
		fputs(usage, stderr);
		return 2;
	}
	share(true);
	snprintf(shared->root, sizeof(shared->root), "%s", argv[optind]);
	snprintf(shared->container, sizeof(shared->container), "%s", argv[optind + 1]);
	snprintf(shared->folder, sizeof(shared->folder), "%s", argv[optind + 2]);
	snprintf(shared->module, sizeof(shared->module), "%s", module);
	shared->decisions = decisions;
	run(seed, rounds, seconds);
	return 0;
}
