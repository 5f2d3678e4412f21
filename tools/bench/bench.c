// SPDX-License-Identifier: GPL-2.0
/*
 * The same work on rcfs, on cgroup v1, on cgroup v2, and on nothing: the guest's
 * side of ./qemu-run.sh --bench, which tools/bench/README.md describes.
 *
 * "bench count CONTAINERS" counts instructions, in a guest with one processor and QEMU's
 * -icount shift=0, where the time stamp counter grows by one with each of them.
 * "bench time" measures microseconds, with two processors. "bench native" does that
 * where the guest is User Mode Linux, and waiting is not hidden by emulation. "bench
 * loop WHAT" does the same for ever, for a profile.
 *
 * What was measured goes to stdout, for report.py, one measurement a line:
 *
 *	OPERATION SYSTEM CONTROLLERS UNIT VALUE...
 *
 * with a value for each batch, and "complete PART" at the end. Everything that is done
 * is looked at, outside of what is measured; if it is not what it should be, that
 * is the end.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <math.h>
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
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#define BATCHES		9	/* and one before, which does not count */
#define FORK_BATCHES	21	/* the same of forks, where less is looked for */
#define FORKS		100
#define ATTACHES	600
#define FRESH		40
#define PROCS		20
#define ROUND_TRIPS	500
#define DIRECTORIES	60
#define READS		10
#define CROWD		1000
#define FAR		10000	/* tasks that are elsewhere */
#define FREEZES		20
#define MEMORY		10000
#define MEMORY_GROUPS	1000	/* with a controller that needs more for each */
#define PAGES		1024
#define TIMERS		500
#define LARGE		(100 << 20)	/* bytes of a process that forks */
#define LARGE_FORKS	10
#define LATENCIES	20
#define FORK_ROUNDS	7
#define SIDE_BY_SIDE	300
#define RATE_ROUNDS	200
#define RATE_FORKS	60
#define CYCLES		20
#define KILLS_OF_ONE	20
#define KILLS_OF_MANY	3
#define MANY		100	/* processes that are killed at once */
#define QUIET_LAUNCHES	5
#define LAUNCH_ROUNDS	7
#define LAUNCH_VALUES	20	/* in each round */
#define LAUNCHES	100	/* for each value */
#define NATIVE_ROUNDS	7
#define NATIVE_TRIES	15	/* in each round */
#define NATIVE_ATTACHES	2000	/* one directly after the other */

#define ALL		"cpuacct,pids,cpu"
#define TWO		"cpuacct,pids"
#define WITH_FREEZER	"cpuacct,pids,cpu,freezer"
#define MEMORY_ALONE	"memory"
#define WITH_MEMORY	"cpuacct,pids,memory"
#define LIMITED		"pids,cpu,memory"

/* Something that groups tasks, or nothing */
struct grouping {
	const char *name;
	const char *type;	/* of file system; NULL for nothing */
	const char *dir;
	const char *tasks;	/* write here to move a thread */
	const char *procs;	/* write here to move a process */
	const char *threads;	/* read here who is in */
	const char *listing;	/* what is read when listings are measured */
	const char *proc;	/* /proc/PID/... that says where it is */
};

static const struct grouping none = { .name = "none" };
/* As little, but mounted, with a directory made in it, like the others */
static const struct grouping ramfs = {
	.name = "none", .type = "ramfs", .dir = "/tmp/ramfs"
};
static const struct grouping rcfs = {
	"rcfs", "rcfs", "/tmp/rcfs", "tasks", "procs", "tasks", "tasks", "rcfs"
};
static const struct grouping v1 = {
	"v1", "cgroup", "/tmp/v1", "tasks", "cgroup.procs", "tasks", "tasks", "cgroup"
};
/* Single threads move within a threaded subtree alone; a process of one thread is the same. */
static const struct grouping v2 = {
	"v2", "cgroup2", "/tmp/v2", "cgroup.procs", "cgroup.procs", "cgroup.threads",
	"cgroup.procs", "cgroup"
};
static const struct grouping v2_dynamic = {
	"v2-favordynmods", "cgroup2", "/tmp/v2", "cgroup.procs", "cgroup.procs",
	"cgroup.threads", "cgroup.procs", "cgroup"
};
static const struct grouping *const systems[] = { &rcfs, &v1, &v2 };

#define for_each_system(g) \
	for (unsigned int g##_i = 0; g##_i < 3 && ((g) = systems[g##_i], true); g##_i++)

static bool counting;
static int many;	/* how many containers there are at most */
static double *shared;	/* with the children that measure */
#define SHARED		1024	/* how many there are */
static uint64_t clock_cost;

static __attribute__((noreturn, format(printf, 1, 2))) void die(const char *format, ...)
{
	int error = errno;
	va_list args;

	fflush(stdout);
	fputs("bench: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, " (errno %d: %s)\n", error, strerror(error));
	exit(1);
}

static __attribute__((format(printf, 1, 2))) void progress(const char *format, ...)
{
	va_list args;

	fputs("bench: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

/* ---- the clock, and what becomes of its values */

/* Instructions, or nanoseconds. One instruction reads the counter, without a call. */
static inline uint64_t ticks(void)
{
	struct timespec t;

	if (counting)
		return __rdtsc();
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static inline uint64_t since(uint64_t start)
{
	uint64_t elapsed = ticks() - start;

	return elapsed > clock_cost ? elapsed - clock_cost : 0;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, int n)
{
	qsort(values, n, sizeof(*values), compare);
	return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static void calibrate(void)
{
	double cost[101];
	uint64_t start, n = 500000;
	int i;

	for (i = 0; i < 101; i++) {
		start = ticks();
		cost[i] = ticks() - start;
	}
	clock_cost = median(cost, 101);
	if (!counting)
		return;
	/* A million instructions, known by what they are, and a tick or two of the kernel */
	start = ticks();
	asm volatile("1: dec %0\n\tjnz 1b" : "+r"(n));
	start = since(start);
	errno = 0;
	if (start < 1000000 || start > 1100000)
		die("a million instructions are counted as %llu: this is no guest with -icount shift=0",
		    (unsigned long long)start);
}

static void report(const char *operation, const struct grouping *g, const char *set,
		   const char *unit, const double *values, int n)
{
	int i;

	printf("%s %s %s %s", operation, g->name, *set ? set : "-", unit);
	for (i = 0; i < n; i++)
		printf(" %.3f", values[i]);
	putchar('\n');
	fflush(stdout);
}

static void report_batches(const char *operation, const struct grouping *g, const char *set,
			   const double *values)
{
	report(operation, g, set, "instructions", values, BATCHES);
}

/* Let what was put off be done: it belongs to nobody who is measured next. */
static void settle(void)
{
	usleep(100000);
}

/* ---- files and groups */

/* A few of them can be in use at a time. */
static const char *path(const struct grouping *g, const char *group, const char *file)
{
	static char buffers[4][128];
	static int next;
	char *buffer = buffers[next++ % 4];

	snprintf(buffer, sizeof(buffers[0]), "%s/%s%s%s", g->dir, group, *group ? "/" : "", file);
	return buffer;
}

static const char *numbered(char letter, int number)
{
	static char buffers[4][16];
	static int next;
	char *buffer = buffers[next++ % 4];

	snprintf(buffer, sizeof(buffers[0]), "%c%d", letter, number);
	return buffer;
}

static int open_file(const char *name, int flags)
{
	int fd = open(name, flags | O_CLOEXEC);

	if (fd < 0)
		die("cannot open %s", name);
	return fd;
}

static int read_file(const char *name, char *buffer, int size)
{
	int fd = open_file(name, O_RDONLY), n, length = 0;

	while ((n = read(fd, buffer + length, size - 1 - length)) > 0)
		length += n;
	if (n < 0)
		die("cannot read %s", name);
	close(fd);
	buffer[length] = 0;
	return length;
}

/* The write that is measured */
static inline void put(int fd, const char *text, int length)
{
	if (pwrite(fd, text, length, 0) != length)
		die("cannot write %s", text);
}

static void write_file(const char *name, const char *text)
{
	int fd = open_file(name, O_WRONLY);

	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		die("cannot write '%s' to %s", text, name);
	close(fd);
}

static void move(const struct grouping *g, const char *group, pid_t pid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", pid);
	write_file(path(g, group, g->procs), text);
}

/* The process is in the group, which is not the root. */
static void check_is_in(const struct grouping *g, const char *group, pid_t pid)
{
	char name[64], text[4096], *line, *save, end[32];
	size_t length;

	snprintf(name, sizeof(name), "/proc/%d/%s", pid ? pid : getpid(), g->proc);
	snprintf(end, sizeof(end), ":/%s", group);
	read_file(name, text, sizeof(text));
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		length = strlen(line);
		if (length >= strlen(end) && !strcmp(line + length - strlen(end), end))
			return;
	}
	errno = 0;
	die("%s: process %d is not in '%s' after an attach", g->name, pid, group);
}

static int lines_in(const char *name)
{
	static char text[1 << 16];
	int i, lines = 0, length = read_file(name, text, sizeof(text));

	for (i = 0; i < length; i++)
		lines += text[i] == '\n';
	return lines;
}

static void make(const struct grouping *g, const char *group)
{
	if (mkdir(path(g, group, ""), 0755))
		die("cannot make %s", path(g, group, ""));
}

/* Tasks that have been waited for may be in there for some moments more. */
static void unmake(const struct grouping *g, const char *group)
{
	int tries;

	for (tries = 0; rmdir(path(g, group, "")); tries++) {
		if (errno != EBUSY || tries == 1000)
			die("cannot remove %s", path(g, group, ""));
		usleep(10000);
	}
}

/* What v2 has of a set: it accounts CPU time, and freezes, without a controller. */
static void v2_controllers(const char *set, char sign, char *text)
{
	char words[64], *word, *save;

	*text = 0;
	snprintf(words, sizeof(words), "%s", set);
	for (word = strtok_r(words, ",", &save); word; word = strtok_r(NULL, ",", &save))
		if (strcmp(word, "cpuacct") && strcmp(word, "debug") && strcmp(word, "freezer"))
			text += sprintf(text, "%c%s ", sign, word);
}

static void v2_control(const struct grouping *g, const char *set, char sign)
{
	char text[64];
	const char *name = path(g, "", "cgroup.subtree_control");
	int tries, fd;

	v2_controllers(set, sign, text);
	if (!*text)
		return;
	fd = open_file(name, O_WRONLY);
	/* A hierarchy of v1 gives its controllers back in its own time. */
	for (tries = 0; write(fd, text, strlen(text)) < 0; tries++) {
		if ((errno != ENOENT && errno != EBUSY) || tries == 1000)
			die("cannot write '%s' to %s", text, name);
		usleep(10000);
	}
	close(fd);
}

static bool is_v2(const struct grouping *g)
{
	return g == &v2 || g == &v2_dynamic;
}

static void begin(const struct grouping *g, const char *set)
{
	const char *options = set;
	int tries;

	if (!g->type)
		return;
	if (g == &v1 && !strcmp(set, "debug"))
		options = "none,name=bench";
	if (is_v2(g))
		options = g == &v2_dynamic ? "favordynmods" : NULL;
	if (g == &ramfs)
		options = NULL;
	if (mkdir(g->dir, 0755) && errno != EEXIST)
		die("cannot make %s", g->dir);
	for (tries = 0; mount("none", g->dir, g->type, 0, options); tries++) {
		if (errno != EBUSY || tries == 1000)
			die("cannot mount %s with %s", g->name, options);
		usleep(10000);
	}
	if (is_v2(g))
		v2_control(g, set, '+');
}

/* Is the first controller of the set in a hierarchy of its own? */
static bool is_taken(const char *name, const char *set)
{
	char text[4096], word[32], *line;

	snprintf(word, sizeof(word), "\n%.*s\t", (int)strcspn(set, ","), set);
	read_file(name, text, sizeof(text));
	line = strstr(text, word);
	if (!line)
		die("%s does not have %s", name, set);
	return atoi(line + strlen(word));
}

static void end(const struct grouping *g, const char *set)
{
	int tries;

	if (!g->type)
		return;
	if (is_v2(g))
		v2_control(g, set, '-');
	for (tries = 0;; tries++) {
		int wait;

		settle();
		if (umount(g->dir))
			die("cannot unmount %s", g->name);
		if (g != &v1 || !strcmp(set, "debug"))
			break;
		/*
		 * It goes in its own time, or not at all: if a group had not gone yet, the
		 * hierarchy is kept for the next mount, which is this one.
		 */
		for (wait = 0; wait < 20 && is_taken("/proc/cgroups", set); wait++)
			settle();
		if (wait < 20)
			break;
		if (tries == 20)
			die("the hierarchy of v1 does not go");
		if (mount("none", g->dir, g->type, 0, set))
			die("cannot mount v1 again");
	}
	settle();
}

/* ---- processes */

/* In a process of its own, so that each begins from the same memory and leaves its groups. */
static void in_child(void (*run)(const struct grouping *, const char *, const char *),
		     const struct grouping *g, const char *set, const char *group)
{
	pid_t pid;
	int status;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		die("cannot fork");
	if (!pid) {
		run(g, set, group);
		exit(0);
	}
	if (waitpid(pid, &status, 0) != pid)
		die("cannot wait");
	if (status)
		exit(1);
}

/* Sleeping processes, as small as they can be: they share our memory. */
static pid_t crowd[FAR];
static int crowded;

static int sleep_for_ever(void *unused)
{
	(void)unused;
	for (;;)
		syscall(SYS_pause);
}

static void gather(int n)
{
	const int size = 4096;
	char *stacks = mmap(NULL, (size_t)n * size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (stacks == MAP_FAILED)
		die("no memory for %d stacks", n);
	for (crowded = 0; crowded < n; crowded++) {
		crowd[crowded] = clone(sleep_for_ever, stacks + (crowded + 1) * size,
				       CLONE_VM | SIGCHLD, NULL);
		if (crowd[crowded] < 0)
			die("cannot clone process %d", crowded);
	}
	settle();
}

static void disperse(void)
{
	int i;

	for (i = 0; i < crowded; i++)
		kill(crowd[i], SIGKILL);
	for (i = 0; i < crowded; i++)
		if (waitpid(crowd[i], NULL, 0) != crowd[i])
			die("cannot wait");
	crowded = 0;
}

/* ---- launch: begin in a group, and end */

/* How a child gets into the group: neither means not at all. */
struct launcher {
	const struct grouping *g;
	const char *group;
	int into;	/* CLONE_INTO_CGROUP: the directory */
	int tasks;	/* without that: the child writes to this file itself */
};

static const struct launcher no_launcher = { .into = -1, .tasks = -1 };

static struct launcher open_launcher(const struct grouping *g, const char *group)
{
	struct launcher l = { g, group, -1, -1 };

	if (g == &v1)
		l.tasks = open_file(path(g, group, g->tasks), O_WRONLY);
	else
		l.into = open_file(path(g, group, ""), O_RDONLY | O_DIRECTORY);
	return l;
}

static void close_launcher(const struct launcher *l)
{
	close(l->into >= 0 ? l->into : l->tasks);
}

/*
 * As a vfork: the child has our memory, our stack as well, and we go on when it has
 * ended. It must not return from the function that this is called in, hence inline,
 * and no function of the C library, which has none for clone3().
 */
static inline __attribute__((always_inline)) pid_t clone_like_vfork(int into)
{
	struct clone_args args = {
		.flags = CLONE_VM | CLONE_VFORK,
		.exit_signal = SIGCHLD,
	};
	long pid;

	if (into >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = into;
	}
	asm volatile("syscall" : "=a"(pid) : "0"(SYS_clone3), "D"(&args), "S"(sizeof(args))
		     : "rcx", "r11", "memory");
	return pid;
}

static inline __attribute__((always_inline)) double launch(const struct launcher *l, bool check)
{
	uint64_t start = ticks();
	int status;
	pid_t pid = clone_like_vfork(l->into);

	if (!pid) {
		if (l->tasks >= 0 && pwrite(l->tasks, "0", 1, 0) != 1)
			_exit(1);
		if (check)
			check_is_in(l->g, l->group, 0);
		_exit(0);
	}
	if (pid < 0) {
		errno = -pid;
		die("%s: cannot launch into '%s'", l->g ? l->g->name : "none", l->group);
	}
	if (waitpid(pid, &status, 0) != pid || status)
		die("what was launched has failed");
	return since(start);
}

static __attribute__((noinline)) double single_launch(const struct launcher *l)
{
	return launch(l, false);
}

/* The child looks where it is. */
static __attribute__((noinline)) void check_launch(const struct launcher *l)
{
	launch(l, true);
}

/* ---- fork and exit */

enum { FORK, VFORK, LAUNCH, WAYS };

static const char *const ways[WAYS] = { "fork", "vfork", "launch" };

static double single_fork(int way)
{
	uint64_t start = ticks();
	pid_t pid = way == FORK ? fork() : vfork();

	if (!pid)
		_exit(0);
	if (pid < 0 || waitpid(pid, NULL, 0) != pid)
		die("cannot fork");
	return since(start);
}

static void go_into(const struct grouping *g, const char *group)
{
	if (!*group)
		return;
	move(g, group, 0);
	check_is_in(g, group, 0);
}

/*
 * What rcfs adds is a small part of a fork, and forks differ by more, depending on
 * which lists of free pages and objects they find empty, and where there is room for
 * the child's per-CPU memory. A vfork does all of what rcfs has a part in, and copies
 * no memory: it tells what is added.
 *
 * A tick, with what RCU has to do then, comes into every seventh fork. The mean of
 * those that were not disturbed is what repeats; the mean of all is there to see
 * that nothing was put off to where the other does not show it.
 */
static void forks(int way, const struct launcher *l, double *undisturbed, double *all)
{
	double single[FORKS];
	int i, n = 0;

	*undisturbed = *all = 0;
	for (i = 0; i < FORKS; i++) {
		single[i] = way == LAUNCH ? single_launch(l) : single_fork(way);
		*all += single[i] / FORKS;
	}
	qsort(single, FORKS, sizeof(*single), compare);
	for (i = 0; i < FORKS && single[i] <= 1.05 * single[FORKS / 2]; i++) {
		*undisturbed += single[i];
		n++;
	}
	*undisturbed /= n;
}

struct fork_values {
	double undisturbed[FORK_BATCHES], all[FORK_BATCHES];
};

struct fork_case {
	const struct grouping *g;
	const char *set;
	struct fork_values root[WAYS], group[WAYS];
};

#define CASE(system, controllers) { .g = &(system), .set = (controllers) }

/*
 * One process forks for all cases: what a fork costs depends on what memory the
 * parent has.
 */
struct forker {
	pid_t pid;
	int wanted, done;	/* pipes to and from it */
};

struct fork_order {
	const struct grouping *g;
	bool in_group;
};

/* From the root it launches into the group; in the group, what it launches stays there. */
static __attribute__((noreturn)) void run_forker(int wanted, int done)
{
	struct fork_order order;
	int way;

	while (read(wanted, &order, sizeof(order)) == sizeof(order)) {
		struct launcher l = no_launcher;

		if (order.in_group) {
			go_into(order.g, "a");
		} else if (order.g != &ramfs) {
			l = open_launcher(order.g, "a");
			check_launch(&l);
		}
		for (way = 0; way < WAYS; way++)
			forks(way, &l, &shared[2 * way], &shared[2 * way + 1]);
		if (order.in_group)
			move(order.g, "", 0);
		else if (order.g != &ramfs)
			close_launcher(&l);
		if (write(done, "", 1) != 1)
			die("nobody wants to know");
	}
	exit(0);
}

static void start_forker(struct forker *f)
{
	int wanted[2], done[2];

	if (pipe(wanted) || pipe(done))
		die("cannot make a pipe");
	fflush(stdout);
	f->pid = fork();
	if (f->pid < 0)
		die("cannot fork");
	if (!f->pid) {
		close(wanted[1]);
		close(done[0]);
		run_forker(wanted[0], done[1]);
	}
	close(wanted[0]);
	close(done[1]);
	f->wanted = wanted[1];
	f->done = done[0];
}

static void let_fork(struct forker *f, const struct grouping *g, bool in_group,
		     struct fork_values *values, int batch)
{
	struct fork_order order = { g, in_group };
	int way;
	char c;

	if (write(f->wanted, &order, sizeof(order)) != sizeof(order) ||
	    read(f->done, &c, 1) != 1)
		die("the process that forks has ended");
	for (way = 0; way < WAYS; way++) {
		values[way].undisturbed[batch] = shared[2 * way];
		values[way].all[batch] = shared[2 * way + 1];
	}
}

static void end_forker(struct forker *f)
{
	int status;

	close(f->wanted);
	if (waitpid(f->pid, &status, 0) != f->pid || status)
		die("the process that forks has failed");
	close(f->done);
}

static void fork_case(struct fork_case *this, struct forker *f, int batch)
{
	begin(this->g, this->set);
	make(this->g, "a");
	let_fork(f, this->g, false, this->root, batch);
	if (this->g != &ramfs)
		let_fork(f, this->g, true, this->group, batch);
	unmake(this->g, "a");
	end(this->g, this->set);
}

static void report_forks(const struct fork_case *this, const char *where,
			 const struct fork_values *values)
{
	char operation[32];
	int way;

	for (way = 0; way < WAYS; way++) {
		if (way == LAUNCH && !strcmp(where, "root") && this->g != &ramfs)
			where = "into";
		snprintf(operation, sizeof(operation), "%s.%s", ways[way], where);
		report(operation, this->g, this->set, "instructions", values[way].undisturbed,
		       FORK_BATCHES);
		snprintf(operation, sizeof(operation), "%s-mean.%s", ways[way], where);
		report(operation, this->g, this->set, "instructions", values[way].all,
		       FORK_BATCHES);
	}
}

/* All cases take turns. */
static void fork_cases(struct fork_case *cases, int n)
{
	struct forker f;
	int batch, i;

	start_forker(&f);
	/* The first turn does not count, and gets overwritten. */
	for (batch = -1; batch < FORK_BATCHES; batch++)
		for (i = 0; i < n; i++)
			fork_case(&cases[i], &f, batch < 0 ? 0 : batch);
	end_forker(&f);
	for (i = 0; i < n; i++) {
		report_forks(&cases[i], "root", cases[i].root);
		if (cases[i].g != &ramfs)
			report_forks(&cases[i], "group", cases[i].group);
	}
}

static void fork_series(void)
{
	/* "again" is the same as the first: what they differ by is chance. */
	static struct fork_case cases[] = {
		CASE(ramfs, "-"),
		CASE(rcfs, "debug"), CASE(rcfs, "cpuacct"), CASE(rcfs, TWO), CASE(rcfs, ALL),
		CASE(ramfs, "again"),
		CASE(v1, "debug"), CASE(v1, "cpuacct"), CASE(v1, TWO), CASE(v1, ALL),
		CASE(v2, "debug"), CASE(v2, "cpuacct"), CASE(v2, TWO), CASE(v2, ALL),
	};

	progress("fork+exit+wait");
	fork_cases(cases, sizeof(cases) / sizeof(*cases));
}

/* ---- context switch */

static void ping_pong(const struct grouping *g, const char *set, const char *group)
{
	double values[BATCHES];
	int there[2], back[2], batch, i, status;
	uint64_t start;
	pid_t pid;
	char c = 0;

	go_into(g, group);
	if (pipe(there) || pipe(back))
		die("cannot make a pipe");
	pid = fork();
	if (!pid) {
		close(there[1]);
		while (read(there[0], &c, 1) == 1)
			if (write(back[1], &c, 1) != 1)
				_exit(1);
		_exit(0);
	}
	if (pid < 0)
		die("cannot fork");
	close(there[0]);
	for (batch = -1; batch < BATCHES; batch++) {
		start = ticks();
		for (i = 0; i < ROUND_TRIPS; i++)
			if (write(there[1], &c, 1) != 1 || read(back[0], &c, 1) != 1)
				die("a byte got lost");
		if (batch >= 0)
			values[batch] = (double)since(start) / ROUND_TRIPS / 2;
		else
			since(start);
	}
	close(there[1]);
	if (waitpid(pid, &status, 0) != pid || status)
		die("the other end has failed");
	report_batches(*group ? "switch.group" : "switch.root", g, set, values);
}

static void switch_series(void)
{
	const struct grouping *g;

	progress("context switch");
	in_child(ping_pong, &none, "-", "");
	for_each_system(g) {
		begin(g, "cpuacct");
		make(g, "a");
		in_child(ping_pong, g, "cpuacct", "");
		in_child(ping_pong, g, "cpuacct", "a");
		unmake(g, "a");
		end(g, "cpuacct");
	}
}

/* ---- attach */

/* Between "a" and "b", for ever so often */
static void alternate(const char *operation, const struct grouping *g, const char *set,
		      const char *file, pid_t pid, int n)
{
	double values[BATCHES];
	int fd[2], batch, i, length;
	uint64_t start;
	char text[16];

	length = snprintf(text, sizeof(text), "%d", pid);
	fd[0] = open_file(path(g, "a", file), O_WRONLY);
	fd[1] = open_file(path(g, "b", file), O_WRONLY);
	for (batch = -1; batch < BATCHES; batch++) {
		start = ticks();
		for (i = 0; i < n; i++)
			put(fd[i & 1], text, length);
		start = since(start);
		if (batch >= 0)
			values[batch] = (double)start / n;
		check_is_in(g, "b", pid);
		put(fd[0], text, length);
		check_is_in(g, "a", pid);
		put(fd[1], text, length);
	}
	close(fd[0]);
	close(fd[1]);
	report_batches(operation, g, set, values);
}

static void attach_self(const struct grouping *g, const char *set, const char *operation)
{
	alternate(operation, g, set, g->tasks, 0, ATTACHES);
}

static void attach_other(const struct grouping *g, const char *set, const char *operation)
{
	gather(1);
	alternate(operation, g, set, g->tasks, crowd[0], ATTACHES);
	disperse();
}

static void attach_first(const struct grouping *g, const char *set, const char *operation)
{
	double values[BATCHES];
	int fd[FRESH], home, batch, i;
	uint64_t start, sum;

	home = open_file(path(g, "", g->tasks), O_WRONLY);
	for (batch = -1; batch < BATCHES; batch++) {
		for (i = 0; i < FRESH; i++) {
			make(g, numbered('f', i));
			fd[i] = open_file(path(g, numbered('f', i), g->tasks), O_WRONLY);
		}
		settle();
		for (i = 0, sum = 0; i < FRESH; i++) {
			start = ticks();
			put(fd[i], "0", 1);
			sum += since(start);
			check_is_in(g, numbered('f', i), 0);
			put(home, "0", 1);
		}
		if (batch >= 0)
			values[batch] = (double)sum / FRESH;
		for (i = 0; i < FRESH; i++) {
			close(fd[i]);
			unmake(g, numbered('f', i));
		}
		settle();
	}
	close(home);
	report_batches(operation, g, set, values);
}

static void *thread(void *unused)
{
	return sleep_for_ever(unused), NULL;
}

/* A process with @n threads, which sleep */
static pid_t threads(int n)
{
	int ready[2], i;
	pthread_attr_t attr;
	pthread_t id;
	pid_t pid;
	char c = 0;

	if (pipe(ready))
		die("cannot make a pipe");
	pid = fork();
	if (pid < 0)
		die("cannot fork");
	if (!pid) {
		pthread_attr_init(&attr);
		pthread_attr_setstacksize(&attr, 1 << 16);
		for (i = 1; i < n; i++) {
			errno = pthread_create(&id, &attr, thread, NULL);
			if (errno)
				die("cannot make thread %d", i);
		}
		if (write(ready[1], &c, 1) != 1)
			die("cannot write to a pipe");
		thread(NULL);
	}
	close(ready[1]);
	if (read(ready[0], &c, 1) != 1)
		die("the process with %d threads is not there", n);
	close(ready[0]);
	settle();
	return pid;
}

static void attach_threads(const struct grouping *g, const char *set, int n, const char *operation)
{
	pid_t pid = threads(n);

	alternate(operation, g, set, g->procs, pid, n == 1 ? ATTACHES : PROCS);
	errno = 0;
	if (lines_in(path(g, "b", g->threads)) != n)
		die("%s: not all of %d threads have moved", g->name, n);
	kill(pid, SIGKILL);
	if (waitpid(pid, NULL, 0) != pid)
		die("cannot wait");
}

static void attach_procs_1(const struct grouping *g, const char *set, const char *operation)
{
	attach_threads(g, set, 1, operation);
}

static void attach_procs_100(const struct grouping *g, const char *set, const char *operation)
{
	attach_threads(g, set, 100, operation);
}

/* What a kernfs file costs that does nothing: it says, and takes, one number. */
static const char nothing[] = "/sys/kernel/rcu_expedited";

static void write_nothing(const struct grouping *g, const char *set, const char *operation)
{
	double values[BATCHES];
	int fd = open_file(nothing, O_WRONLY), batch, i;
	uint64_t start;

	for (batch = -1; batch < BATCHES; batch++) {
		start = ticks();
		for (i = 0; i < ATTACHES; i++)
			put(fd, "0", 1);
		start = since(start);
		if (batch >= 0)
			values[batch] = (double)start / ATTACHES;
	}
	close(fd);
	report_batches(operation, g, set, values);
}

static void attach_series(void)
{
	static const char *const sets[] = { TWO, ALL };
	const struct grouping *g;
	int i;

	progress("a write that does nothing");
	in_child(write_nothing, &none, "-", "attach");
	for_each_system(g) {
		for (i = 0; i < 2; i++) {
			progress("attach: %s with %s", g->name, sets[i]);
			begin(g, sets[i]);
			make(g, "a");
			make(g, "b");
			in_child(attach_self, g, sets[i], "attach.self");
			in_child(attach_other, g, sets[i], "attach.other");
			in_child(attach_first, g, sets[i], "attach.first");
			in_child(attach_procs_1, g, sets[i], "procs.1");
			in_child(attach_procs_100, g, sets[i], "procs.100");
			unmake(g, "a");
			unmake(g, "b");
			end(g, sets[i]);
		}
	}
}

/* ---- attach with others around, each with a process in it */

static void around(const struct grouping *g, const char *set, const char *count)
{
	int i, n = atoi(count);
	char operation[32];

	gather(n);
	for (i = 0; i < n; i++) {
		make(g, numbered('c', i));
		move(g, numbered('c', i), crowd[i]);
		check_is_in(g, numbered('c', i), crowd[i]);
	}
	settle();
	snprintf(operation, sizeof(operation), "around.%d", n);
	attach_self(g, set, operation);
	disperse();
	for (i = 0; i < n; i++)
		unmake(g, numbered('c', i));
}

static void around_series(void)
{
	const struct grouping *g;

	for_each_system(g) {
		progress("attach with 10 and 1,000 groups around: %s", g->name);
		begin(g, TWO);
		make(g, "a");
		make(g, "b");
		in_child(around, g, TWO, "10");
		in_child(around, g, TWO, "1000");
		unmake(g, "a");
		unmake(g, "b");
		end(g, TWO);
	}
}

/* ---- mkdir and rmdir */

static void directories(const struct grouping *g, const char *set, const char *unused)
{
	static char names[DIRECTORIES][64];
	double made[BATCHES], removed[BATCHES];
	uint64_t start, up, down;
	int batch, i;

	(void)unused;
	for (i = 0; i < DIRECTORIES; i++)
		strcpy(names[i], path(g, numbered('d', i), ""));
	for (batch = -1; batch < BATCHES; batch++) {
		start = ticks();
		for (i = 0; i < DIRECTORIES; i++)
			if (mkdir(names[i], 0755))
				die("cannot make %s", names[i]);
		up = since(start);
		settle();
		start = ticks();
		for (i = 0; i < DIRECTORIES; i++)
			if (rmdir(names[i]))
				die("cannot remove %s", names[i]);
		down = since(start);
		settle();
		if (batch < 0)
			continue;
		made[batch] = (double)up / DIRECTORIES;
		removed[batch] = (double)down / DIRECTORIES;
	}
	report_batches("mkdir", g, set, made);
	report_batches("rmdir", g, set, removed);
}

static void directory_series(void)
{
	static const char *const sets[] = { TWO, ALL };
	const struct grouping *g;
	int i;

	progress("mkdir and rmdir");
	begin(&ramfs, "-");
	in_child(directories, &ramfs, "-", "");
	end(&ramfs, "-");
	for_each_system(g) {
		for (i = 0; i < 2; i++) {
			begin(g, sets[i]);
			in_child(directories, g, sets[i], "");
			end(g, sets[i]);
		}
	}
}

/* ---- listings */

/*
 * Reading to the end, with a file that has just been opened: v1 keeps a listing
 * for as long as the file is open, and would say what was true before.
 */
static void listing(const char *operation, const struct grouping *g, const char *set,
		    const char *name, int lines)
{
	static char text[1 << 16];
	double values[BATCHES];
	uint64_t start, sum;
	int batch, i, k, fd, n, length, found;

	for (batch = -1; batch < BATCHES; batch++) {
		for (i = 0, sum = 0; i < READS; i++) {
			fd = open_file(name, O_RDONLY);
			length = 0;
			start = ticks();
			while ((n = read(fd, text + length, sizeof(text) - length)) > 0)
				length += n;
			sum += since(start);
			if (n < 0)
				die("cannot read %s", name);
			for (found = k = 0; k < length; k++)
				found += text[k] == '\n';
			errno = 0;
			if (found != lines)
				die("%s has %d lines instead of %d", name, found, lines);
			close(fd);
			/* v1 also keeps one for a second after that. */
			if (g == &v1)
				usleep(1500000);
		}
		if (batch >= 0)
			values[batch] = (double)sum / READS;
	}
	report_batches(operation, g, set, values);
}

static void listings(const struct grouping *g, const char *set, const char *unused)
{
	int i;

	(void)unused;
	gather(CROWD);
	for (i = 0; i < CROWD; i++)
		move(g, "a", crowd[i]);
	listing("read.full", g, set, path(g, "a", g->listing), CROWD);
	listing("read.empty", g, set, path(g, "b", g->listing), 0);
	move(g, "b", crowd[CROWD / 2]);
	listing("read.one", g, set, path(g, "b", g->listing), 1);
	disperse();
}

static void far_listing(const struct grouping *g, const char *set, const char *unused)
{
	(void)unused;
	gather(FAR);
	move(g, "b", crowd[FAR / 2]);
	listing("read.far", g, set, path(g, "b", g->listing), 1);
	disperse();
}

/* ---- freezing a group of one task */

static void write_state(int fd, const char *text)
{
	if (pwrite(fd, text, strlen(text), 0) != (ssize_t)strlen(text))
		die("cannot write '%s'", text);
}

/* Where that is read, and what it says when the task is frozen */
static bool is_frozen(const struct grouping *g, int fd)
{
	char text[128];
	int n = pread(fd, text, sizeof(text) - 1, 0);

	if (n < 0)
		die("cannot read whether it is frozen");
	text[n] = 0;
	return strstr(text, is_v2(g) ? "frozen 1" : "FROZEN");
}

/* Until it is frozen, and then thawed: what the task does for that itself is included. */
static void freeze(const struct grouping *g, const char *set, const char *operation)
{
	const char *name = is_v2(g) ? "cgroup.freeze" : "freezer.state";
	int state = open_file(path(g, "b", name), O_RDWR);
	int events = is_v2(g) ? open_file(path(g, "b", "cgroup.events"), O_RDONLY) : state;
	double values[BATCHES];
	uint64_t start;
	int batch, i;

	for (batch = -1; batch < BATCHES; batch++) {
		start = ticks();
		for (i = 0; i < FREEZES; i++) {
			write_state(state, is_v2(g) ? "1" : "FROZEN");
			while (!is_frozen(g, events))
				sched_yield();
			write_state(state, is_v2(g) ? "0" : "THAWED");
			/* Or it would not have gone on before it is frozen again. */
			sched_yield();
		}
		start = since(start);
		if (batch >= 0)
			values[batch] = (double)start / FREEZES;
	}
	close(state);
	if (events != state)
		close(events);
	report_batches(operation, g, set, values);
}

static void freeze_one(const struct grouping *g, const char *set, const char *elsewhere)
{
	gather(atoi(elsewhere) + 1);
	move(g, "b", crowd[0]);
	freeze(g, set, atoi(elsewhere) ? "freeze.far" : "freeze.alone");
	move(g, "", crowd[0]);
	disperse();
}

static void freeze_series(void)
{
	char elsewhere[16];
	const struct grouping *g;

	snprintf(elsewhere, sizeof(elsewhere), "%d", FAR - 1);
	for_each_system(g) {
		progress("freezing: %s", g->name);
		begin(g, "freezer");
		make(g, "b");
		in_child(freeze_one, g, "freezer", "0");
		in_child(freeze_one, g, "freezer", elsewhere);
		unmake(g, "b");
		end(g, "freezer");
	}
}

static void listing_series(void)
{
	const struct grouping *g;

	progress("a read of one number");
	listing("read", &none, "-", nothing, 1);
	for_each_system(g) {
		progress("listings: %s", g->name);
		begin(g, ALL);
		make(g, "a");
		make(g, "b");
		in_child(listings, g, ALL, "");
		in_child(far_listing, g, ALL, "");
		unmake(g, "a");
		unmake(g, "b");
		end(g, ALL);
	}
}

/* ---- what a launcher of sandboxes does, from the group to its end */

struct limit {
	const char *file, *value;
};

/* So much that nobody ever gets there. Returns how many there are. */
static int limits_of(const struct grouping *g, const char *set, struct limit limits[3])
{
	limits[0] = (struct limit){ "pids.max", "100" };
	limits[1] = is_v2(g) ? (struct limit){ "cpu.max", "50000 100000" }
			     : (struct limit){ "cpu.cfs_quota_us", "50000" };
	limits[2] = (struct limit){ is_v2(g) ? "memory.max" : "memory.limit_in_bytes", "64M" };
	return strstr(set, "memory") ? 3 : 2;
}

/*
 * mkdir, limits, launch, exit, wait, rmdir. A task that has been waited for may be
 * in there for a moment more, so rmdir is tried until it is done: that is part of it.
 */
static double cycle(const struct grouping *g, const char *set)
{
	char dir[64], names[3][64];
	struct limit limits[3];
	struct launcher l;
	uint64_t start;
	int i, n, tries;

	n = limits_of(g, set, limits);
	strcpy(dir, path(g, "j", ""));
	for (i = 0; i < n; i++)
		strcpy(names[i], path(g, "j", limits[i].file));
	start = ticks();
	if (mkdir(dir, 0755))
		die("cannot make %s", dir);
	for (i = 0; i < n; i++)
		write_file(names[i], limits[i].value);
	l = open_launcher(g, "j");
	single_launch(&l);
	close_launcher(&l);
	for (tries = 0; rmdir(dir); tries++) {
		if (errno != EBUSY || tries == 100000)
			die("cannot remove %s", dir);
		sched_yield();
	}
	return since(start);
}

/*
 * The first limit of CPU time switches a static key of the scheduler on, and the last
 * one off. Where sandboxes are made all the time there is another one that has a limit.
 */
static void hold_a_limit(const struct grouping *g, const char *group)
{
	struct limit limits[3];

	limits_of(g, "", limits);
	write_file(path(g, group, limits[1].file), limits[1].value);
}

static void cycles(const struct grouping *g, const char *set, const char *operation)
{
	double values[BATCHES], sum;
	int batch, i;

	hold_a_limit(g, "a");
	for (batch = -1; batch < BATCHES; batch++) {
		for (i = 0, sum = 0; i < CYCLES; i++)
			sum += cycle(g, set);
		if (batch >= 0)
			values[batch] = sum / CYCLES;
		settle();
	}
	report_batches(operation, g, set, values);
}

/* A launch after 200 ms in which nothing is done: each batch has the median of some. */
static void quiet_launches(const struct grouping *g, const char *set, const char *operation)
{
	double values[BATCHES], single[QUIET_LAUNCHES];
	struct launcher l = g->type ? open_launcher(g, "a") : no_launcher;
	int batch, i;

	for (batch = -1; batch < BATCHES; batch++) {
		for (i = 0; i < QUIET_LAUNCHES; i++) {
			usleep(200000);
			single[i] = single_launch(&l);
		}
		if (batch >= 0)
			values[batch] = median(single, QUIET_LAUNCHES);
	}
	report_batches(operation, g, set, values);
	if (g->type) {
		check_launch(&l);
		close_launcher(&l);
	}
}

/*
 * v1 has no file for it: freeze all, so that none forks away, signal each that is
 * listed, thaw.
 */
static void kill_v1(int state, int tasks)
{
	char text[1 << 12], *line, *save;
	int n, length = 0;

	write_state(state, "FROZEN");
	while (!is_frozen(&v1, state))
		sched_yield();
	while ((n = pread(tasks, text + length, sizeof(text) - 1 - length, length)) > 0)
		length += n;
	if (n < 0)
		die("cannot read who is to be killed");
	text[length] = 0;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (kill(atoi(line), SIGKILL))
			die("cannot kill %s", line);
	write_state(state, "THAWED");
}

/* From the write until all have been waited for */
static double kill_all(const struct grouping *g, int n)
{
	const char *name = g == &v1 ? "freezer.state" : is_v2(g) ? "cgroup.kill" : "kill";
	int file = open_file(path(g, "b", name), g == &v1 ? O_RDWR : O_WRONLY), tasks = -1;
	uint64_t start, elapsed;
	int i, status;

	gather(n);
	for (i = 0; i < n; i++)
		move(g, "b", crowd[i]);
	if (g == &v1)
		tasks = open_file(path(g, "b", g->tasks), O_RDONLY);
	settle();
	start = ticks();
	if (g == &v1)
		kill_v1(file, tasks);
	else
		put(file, "1", 1);
	for (i = 0; i < n; i++)
		if (waitpid(crowd[i], &status, 0) != crowd[i] || !WIFSIGNALED(status))
			die("%s: process %d of %d was not killed", g->name, i, n);
	elapsed = since(start);
	crowded = 0;
	close(file);
	if (g == &v1) {
		close(tasks);
		/* It keeps a listing for a second. */
		usleep(1500000);
	}
	return elapsed;
}

static void kills(const struct grouping *g, const char *set, const char *count)
{
	int n = atoi(count), times = n == 1 ? KILLS_OF_ONE : KILLS_OF_MANY, batch, i;
	double values[BATCHES], sum;
	char operation[32];

	for (batch = -1; batch < BATCHES; batch++) {
		for (i = 0, sum = 0; i < times; i++)
			sum += kill_all(g, n);
		if (batch >= 0)
			values[batch] = sum / times;
	}
	snprintf(operation, sizeof(operation), "kill.%d", n);
	report_batches(operation, g, set, values);
}

static void launch_series(void)
{
	const struct grouping *g;
	char many[16];

	snprintf(many, sizeof(many), "%d", MANY);
	progress("launch after some quiet, without groups");
	in_child(quiet_launches, &none, "-", "launch.quiet");
	for_each_system(g) {
		progress("launch after some quiet, and from mkdir to rmdir: %s", g->name);
		begin(g, ALL);
		make(g, "a");
		in_child(quiet_launches, g, ALL, "launch.quiet");
		in_child(cycles, g, ALL, "cycle");
		unmake(g, "a");
		end(g, ALL);
		progress("kill: %s", g->name);
		begin(g, WITH_FREEZER);
		make(g, "b");
		in_child(kills, g, WITH_FREEZER, "1");
		in_child(kills, g, WITH_FREEZER, many);
		unmake(g, "b");
		end(g, WITH_FREEZER);
	}
}

/* ---- memory, and attach with many empty groups around */

/* The free pages, those that processors keep for themselves included: megabytes */
static double free_memory(void)
{
	static char text[1 << 16];
	char *at;
	double free;

	read_file("/proc/meminfo", text, sizeof(text));
	at = strstr(text, "MemFree:");
	if (!at)
		die("/proc/meminfo has no MemFree");
	free = strtod(at + 8, NULL) * 1024;
	read_file("/proc/zoneinfo", text, sizeof(text));
	at = strstr(text, " count:");
	if (!at)
		die("/proc/zoneinfo has no count");
	for (; at; at = strstr(at + 1, " count:"))
		free += strtod(at + 7, NULL) * sysconf(_SC_PAGESIZE);
	return free;
}

/*
 * Without caches, and without what is still to be freed: much of that waits for
 * a grace period, and then for others that do, for some seconds.
 */
static double free_memory_in_the_end(void)
{
	double before, now = 0;

	do {
		before = now;
		sleep(5);
		write_file("/proc/sys/vm/drop_caches", "3");
		settle();
		now = free_memory();
	} while (now > before + 128 * 1024);
	return now;
}

static void memory_of_groups(const struct grouping *g, const char *set, int count)
{
	double before, value;
	int n;

	before = free_memory_in_the_end();
	for (n = 0; n < count; n++)
		make(g, numbered('m', n));
	settle();
	value = (before - free_memory()) / n;
	report("memory.at-once", g, set, "bytes", &value, 1);
	value = (before - free_memory_in_the_end()) / n;
	report("memory", g, set, "bytes", &value, 1);
}

static void memory(const struct grouping *g, const char *set, const char *unused)
{
	char operation[32];
	int n = MEMORY;

	(void)unused;
	memory_of_groups(g, set, n);
	attach_self(g, set, "around.10000");
	if (g == &rcfs && many > n) {
		progress("%d containers", many);
		while (n < many)
			make(g, numbered('m', n++));
		settle();
		snprintf(operation, sizeof(operation), "around.%d", many);
		attach_self(g, set, operation);
	}
	while (n--)
		unmake(g, numbered('m', n));
}

static void memory_series(void)
{
	const struct grouping *g;

	for_each_system(g) {
		progress("10,000 groups: %s", g->name);
		begin(g, TWO);
		make(g, "a");
		make(g, "b");
		in_child(memory, g, TWO, "");
		unmake(g, "a");
		unmake(g, "b");
		end(g, TWO);
	}
}

/* ---- what memory costs where it is limited */

/* Anonymous pages, small ones, each touched for the first time */
static double touch_pages(void)
{
	char *pages = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);
	uint64_t start;
	double ticks_used;

	if (pages == MAP_FAILED)
		die("no memory");
	madvise(pages, PAGES * 4096, MADV_NOHUGEPAGE);
	start = ticks();
	for (int i = 0; i < PAGES; i++)
		pages[i * 4096] = 1;
	ticks_used = (double)since(start) / PAGES;
	munmap(pages, PAGES * 4096);
	return ticks_used;
}

/* Pages of a disk that are in no cache; the disk is memory. */
static double read_pages(void)
{
	static char text[PAGES * 4096];
	int fd = open_file("/dev/ram0", O_RDONLY);
	uint64_t start;

	/* What has been charged elsewhere must be gone. */
	errno = posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	if (errno)
		die("the cache of /dev/ram0 stays");
	start = ticks();
	if (read(fd, text, sizeof(text)) != sizeof(text))
		die("cannot read /dev/ram0");
	start = since(start);
	/* Nor must what is charged to a group that goes stay behind. */
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	close(fd);
	return (double)start / PAGES;
}

/* A timer is an object of a cache with SLAB_ACCOUNT. */
static double make_timers(void)
{
	static timer_t timers[TIMERS];
	struct sigevent event = { .sigev_notify = SIGEV_NONE };
	uint64_t start = ticks();
	int i;

	for (i = 0; i < TIMERS; i++)
		if (timer_create(CLOCK_MONOTONIC, &event, &timers[i]))
			die("no timer");
	start = since(start);
	for (i = 0; i < TIMERS; i++)
		timer_delete(timers[i]);
	return (double)start / TIMERS;
}

static double fork_large(void)
{
	static char *memory;
	double sum = 0;

	if (!memory) {
		memory = mmap(NULL, LARGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (memory == MAP_FAILED)
			die("no memory");
		madvise(memory, LARGE, MADV_NOHUGEPAGE);
		memset(memory, 1, LARGE);
	}
	for (int i = 0; i < LARGE_FORKS; i++)
		sum += single_fork(FORK);
	return sum / LARGE_FORKS;
}

static void allocations(const struct grouping *g, const char *set, const char *unused)
{
	static const struct {
		const char *operation;
		double (*run)(void);
	} kinds[] = {
		{ "fault", touch_pages },
		{ "cache", read_pages },
		{ "slab", make_timers },
		{ "large-fork", fork_large },
	};
	double values[BATCHES];

	(void)unused;
	if (g->type)
		go_into(g, "a");
	for (unsigned int kind = 0; kind < 4; kind++) {
		for (int batch = -1; batch < BATCHES; batch++) {
			double value = kinds[kind].run();

			if (batch >= 0)
				values[batch] = value;
			settle();
		}
		report_batches(kinds[kind].operation, g, set, values);
	}
}

static void groups_of_memory(const struct grouping *g, const char *set, const char *unused)
{
	(void)unused;
	directories(g, set, "");
	memory_of_groups(g, set, MEMORY_GROUPS);
	for (int n = 0; n < MEMORY_GROUPS; n++)
		unmake(g, numbered('m', n));
}

static void limited_series(void)
{
	const struct grouping *g;

	progress("allocations: nothing mounted");
	in_child(allocations, &none, "-", "");
	for_each_system(g) {
		progress("allocations, and groups with memory: %s", g->name);
		begin(g, MEMORY_ALONE);
		make(g, "a");
		in_child(allocations, g, MEMORY_ALONE, "");
		in_child(groups_of_memory, g, MEMORY_ALONE, "");
		unmake(g, "a");
		end(g, MEMORY_ALONE);

		begin(g, WITH_MEMORY);
		make(g, "a");
		make(g, "b");
		in_child(attach_self, g, WITH_MEMORY, "attach.self");
		in_child(attach_other, g, WITH_MEMORY, "attach.other");
		unmake(g, "a");
		unmake(g, "b");
		end(g, WITH_MEMORY);

		begin(g, LIMITED);
		make(g, "a");
		in_child(cycles, g, LIMITED, "cycle");
		unmake(g, "a");
		end(g, LIMITED);
	}
}

/*
 * What favordynmods costs. It cannot be undone in a kernel that has seen it, so
 * this is the last.
 */
static void favordynmods_series(void)
{
	static struct fork_case dynamic = CASE(v2_dynamic, ALL);

	progress("fork+exit+wait and attach: v2 with favordynmods");
	fork_cases(&dynamic, 1);
	begin(&v2_dynamic, ALL);
	make(&v2_dynamic, "a");
	make(&v2_dynamic, "b");
	in_child(attach_self, &v2_dynamic, ALL, "attach.self");
	in_child(attach_other, &v2_dynamic, ALL, "attach.other");
	unmake(&v2_dynamic, "a");
	unmake(&v2_dynamic, "b");
	end(&v2_dynamic, ALL);
}

/* ---- time: an attach after some quiet */

/* In microseconds */
static double write_after_quiet(int fd, const char *text, int length)
{
	uint64_t start;

	usleep(200000);
	start = ticks();
	put(fd, text, length);
	return since(start) / 1000.0;
}

/* What is no cost of a group: a processor that wakes up, and has forgotten all. */
static void latency_of_nothing(const struct grouping *g, const char *set, const char *operation)
{
	double values[LATENCIES];
	int fd = open_file(nothing, O_WRONLY), i;

	put(fd, "0", 1);
	for (i = 0; i < LATENCIES; i++)
		values[i] = write_after_quiet(fd, "0", 1);
	report(operation, g, set, "microseconds", values, LATENCIES);
	close(fd);
}

static void latency(const struct grouping *g, const char *set, const char *file)
{
	double values[LATENCIES];
	int fd[2], i, length;
	char text[16];

	gather(1);
	length = snprintf(text, sizeof(text), "%d", crowd[0]);
	fd[0] = open_file(path(g, "a", file), O_WRONLY);
	fd[1] = open_file(path(g, "b", file), O_WRONLY);
	/* The first one makes code of what QEMU has not seen yet. */
	put(fd[0], text, length);
	put(fd[1], text, length);
	for (i = 0; i < LATENCIES; i++) {
		values[i] = write_after_quiet(fd[i & 1], text, length);
		check_is_in(g, i & 1 ? "b" : "a", crowd[0]);
	}
	report(!strcmp(file, g->procs) ? "latency.procs" : "latency.tasks", g, set,
	       "microseconds", values, LATENCIES);
	close(fd[0]);
	close(fd[1]);
	disperse();
}

/* ---- time: fork, side by side and beside somebody who attaches */

static void pin(int cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus))
		die("there is no processor %d", cpu);
}

static double fork_time(int n)
{
	uint64_t start = ticks();
	int i;

	for (i = 0; i < n; i++)
		single_fork(FORK);
	return since(start) / 1000.0 / n;
}

/* What a round measures: its values are in @shared, one kind behind the other. */
struct kind {
	const char *operation, *unit;
	int n;
};

#define KINDS		8
#define MOST_SYSTEMS	4

/*
 * The systems take turns, so that all have what else the machine does. A round has a
 * process of its own, with two groups if there are groups, and leaves NAN where it has
 * nothing to say. The first round does not count.
 */
static void side_by_side(const struct grouping *const *which, int systems, int rounds,
			 void (*run)(const struct grouping *, const char *, const char *),
			 const struct kind *kinds, const char *suffix)
{
	double *values[MOST_SYSTEMS][KINDS] = { }, *from;
	char operation[64];
	int round, i, k, n;

	for (round = -1; round < rounds; round++) {
		for (i = 0; i < systems; i++) {
			const struct grouping *g = which[i];

			begin(g, ALL);
			if (g->type) {
				make(g, "a");
				make(g, "b");
			}
			for (k = 0; k < SHARED; k++)
				shared[k] = NAN;
			in_child(run, g, ALL, g->type ? "a" : "");
			if (g->type) {
				unmake(g, "a");
				unmake(g, "b");
			}
			end(g, ALL);
			from = shared;
			for (k = 0; kinds[k].operation; from += kinds[k++].n) {
				n = kinds[k].n;
				if (round < 0)
					values[i][k] = calloc(rounds * n, sizeof(double));
				else
					memcpy(values[i][k] + round * n, from, n * sizeof(double));
			}
		}
	}
	for (i = 0; i < systems; i++) {
		for (k = 0; kinds[k].operation; k++) {
			snprintf(operation, sizeof(operation), "%s%s", kinds[k].operation, suffix);
			if (!isnan(values[i][k][0]))
				report(operation, which[i], which[i]->type ? ALL : "-",
				       kinds[k].unit, values[i][k], rounds * kinds[k].n);
			free(values[i][k]);
		}
	}
}

static const struct kind fork_kinds[] = { { "fork", "microseconds", 1 }, { } };

static void fork_round(const struct grouping *g, const char *set, const char *group)
{
	(void)set;
	go_into(g, group);
	pin(0);
	*shared = fork_time(SIDE_BY_SIDE);
}

enum { SPIN, ATTACH, LEAVE };
struct neighbour {
	int task;
	unsigned long attaches;
};

static void be_a_neighbour(const struct grouping *g, volatile struct neighbour *us)
{
	int fd[2];

	pin(1);
	fd[0] = open_file(path(g, "a", g->tasks), O_WRONLY);
	fd[1] = open_file(path(g, "b", g->tasks), O_WRONLY);
	while (us->task != LEAVE)
		if (us->task == ATTACH)
			put(fd[++us->attaches & 1], "0", 1);
	_exit(0);
}

static void fork_rates(const struct grouping *g, const char *set, const char *group)
{
	volatile struct neighbour *us = (void *)(shared + 1);
	double values[2][RATE_ROUNDS], attaches[RATE_ROUNDS];
	int round, task, status, rare = 0;
	pid_t pid;

	us->task = SPIN;
	us->attaches = 0;
	pid = fork();
	if (pid < 0)
		die("cannot fork");
	if (!pid)
		be_a_neighbour(g, us);
	go_into(g, group);
	pin(0);
	for (round = -1; round < RATE_ROUNDS; round++) {
		for (task = SPIN; task <= ATTACH; task++) {
			unsigned long before = us->attaches;
			double each;

			us->task = task;
			usleep(5000);
			each = fork_time(RATE_FORKS);
			/* A busy host does not always let both CPUs run. */
			if (task == ATTACH && us->attaches - before < 5) {
				errno = 0;
				if (++rare > RATE_ROUNDS)
					die("%s: the neighbour attaches too rarely", g->name);
				task--;
				continue;
			}
			if (round < 0)
				continue;
			values[task][round] = 1000000 / each;
			if (task == ATTACH)
				attaches[round] = (us->attaches - before) / (double)RATE_FORKS;
		}
	}
	us->task = LEAVE;
	if (waitpid(pid, &status, 0) != pid || status)
		die("the neighbour has failed");
	report("rate.spin", g, set, "forks/s", values[SPIN], RATE_ROUNDS);
	report("rate.attach", g, set, "forks/s", values[ATTACH], RATE_ROUNDS);
	report("rate.attaches", g, set, "attaches/fork", attaches, RATE_ROUNDS);
}

/* ---- time: two that fork at once, on two CPUs, in one group or in the root */

/* At the end of what the children share, away from what they measure */
#define PLACE		(shared + SHARED - 4)

/* Both begin when both are ready. */
static void start_together(void)
{
	volatile int *ready = (void *)PLACE;

	__atomic_fetch_add(ready, 1, __ATOMIC_SEQ_CST);
	while (*ready < 2)
		;
}

/* What two do in a second, each on a CPU of its own: @each says what one takes. */
static double together(double (*each)(const struct grouping *, const char *),
		       const struct grouping *g, const char *first, const char *second)
{
	volatile int *ready = (void *)PLACE;
	volatile double *times = PLACE + 1;
	pid_t pids[2];
	int i, status;

	*ready = 0;
	fflush(stdout);
	for (i = 0; i < 2; i++) {
		pids[i] = fork();
		if (pids[i] < 0)
			die("cannot fork");
		if (pids[i])
			continue;
		pin(i);
		times[i] = each(g, i ? second : first);
		_exit(0);
	}
	for (i = 0; i < 2; i++)
		if (waitpid(pids[i], &status, 0) != pids[i] || status)
			die("one of two has failed");
	return 1000000 / times[0] + 1000000 / times[1];
}

static double fork_in(const struct grouping *g, const char *group)
{
	if (*group)
		go_into(g, group);
	start_together();
	return fork_time(RATE_FORKS);
}

/* One after the other in each round, so that both have what else the machine does. */
static void fork_together(const struct grouping *g, const char *set, const char *group)
{
	double root[RATE_ROUNDS], in_group[RATE_ROUNDS];
	int round;

	for (round = 0; round < RATE_ROUNDS; round++) {
		root[round] = together(fork_in, g, "", "");
		in_group[round] = together(fork_in, g, group, group);
	}
	report("two.root", g, set, "forks/s", root, RATE_ROUNDS);
	report("two.group", g, set, "forks/s", in_group, RATE_ROUNDS);
}

/* ---- time: launches a second, by one, and by two at once into different groups */

static double launch_time(const struct launcher *l)
{
	uint64_t start = ticks();
	int i;

	for (i = 0; i < LAUNCHES; i++)
		single_launch(l);
	return since(start) / 1000.0 / LAUNCHES;
}

static double launch_into(const struct grouping *g, const char *group)
{
	struct launcher l = *group ? open_launcher(g, group) : no_launcher;

	start_together();
	return launch_time(&l);
}

static const struct kind launch_kinds[] = {
	{ "launches.one", "launches/s", LAUNCH_VALUES },
	{ "launches.two", "launches/s", LAUNCH_VALUES },
	{ }
};

static void launch_round(const struct grouping *g, const char *set, const char *group)
{
	struct launcher l = *group ? open_launcher(g, group) : no_launcher;
	int i;

	(void)set;
	if (*group)
		check_launch(&l);
	/* In turns, so that both have what else the machine does */
	for (i = 0; i < LAUNCH_VALUES; i++) {
		shared[LAUNCH_VALUES + i] = together(launch_into, g, group, *group ? "b" : "");
		pin(0);
		shared[i] = 1000000 / launch_time(&l);
	}
}

static void time_series(const struct grouping *g)
{
	begin(g, ALL);
	make(g, "a");
	make(g, "b");
	make(g, "c");
	progress("latency of an attach: %s", g->name);
	in_child(latency, g, ALL, g->procs);
	if (strcmp(g->tasks, g->procs))
		in_child(latency, g, ALL, g->tasks);
	progress("fork while another CPU attaches: %s", g->name);
	in_child(fork_rates, g, ALL, "c");
	progress("forks on two CPUs at once: %s", g->name);
	in_child(fork_together, g, ALL, "c");
	unmake(g, "a");
	unmake(g, "b");
	unmake(g, "c");
	end(g, ALL);
}

static const struct grouping *const four[] = { &none, &rcfs, &v1, &v2 };
static const struct grouping *const two[] = { &none, &v2_dynamic };

static void time_all(void)
{
	const struct grouping *g;

	progress("latency of a write that does nothing");
	in_child(latency_of_nothing, &none, "-", "latency");
	for_each_system(g)
		time_series(g);
	progress("fork+exit+wait, side by side");
	side_by_side(four, 4, FORK_ROUNDS, fork_round, fork_kinds, "");
	progress("launches a second, side by side");
	side_by_side(four, 4, LAUNCH_ROUNDS, launch_round, launch_kinds, "");
	time_series(&v2_dynamic);
	progress("fork+exit+wait, after favordynmods");
	side_by_side(two, 2, FORK_ROUNDS, fork_round, fork_kinds, "-favordynmods");
}

/* ---- native: time where nothing is emulated */

enum { BY_WRITE, BY_TASKS, BY_PROCS, BY_LAUNCH, NATIVE };

static const struct kind native_kinds[] = {
	[BY_WRITE] = { "native.write", "microseconds", NATIVE_TRIES },
	[BY_TASKS] = { "native.tasks", "microseconds", NATIVE_TRIES },
	[BY_PROCS] = { "native.procs", "microseconds", NATIVE_TRIES },
	[BY_LAUNCH] = { "native.launch", "microseconds", NATIVE_TRIES },
	/* The same, one directly after the other */
	[NATIVE + BY_WRITE] = { "native.write-close", "microseconds", 1 },
	[NATIVE + BY_TASKS] = { "native.tasks-close", "microseconds", 1 },
	[NATIVE + BY_PROCS] = { "native.procs-close", "microseconds", 1 },
	{ }
};

static double *native_values(int kind)
{
	return kind < NATIVE ? shared + kind * NATIVE_TRIES
			     : shared + NATIVE * NATIVE_TRIES + kind - NATIVE;
}

/* Between two files: after some quiet each time, and then without */
static void native_writes(int kind, const char *first, const char *second, const char *text,
			  void (*check)(const struct grouping *, const char *, pid_t),
			  const struct grouping *g)
{
	int fd[2] = { open_file(first, O_WRONLY), open_file(second, O_WRONLY) };
	int length = strlen(text), i;
	uint64_t start;

	put(fd[0], text, length);
	put(fd[1], text, length);
	for (i = 0; i < NATIVE_TRIES; i++) {
		native_values(kind)[i] = write_after_quiet(fd[i & 1], text, length);
		if (check)
			check(g, i & 1 ? "b" : "a", atoi(text));
	}
	start = ticks();
	for (i = 0; i < NATIVE_ATTACHES; i++)
		put(fd[i & 1], text, length);
	*native_values(NATIVE + kind) = since(start) / 1000.0 / NATIVE_ATTACHES;
	if (check)
		check(g, "b", atoi(text));
	close(fd[0]);
	close(fd[1]);
}

static void native_attaches(const struct grouping *g, const char *file, int kind)
{
	char first[64], text[16];

	strcpy(first, path(g, "a", file));
	gather(1);
	snprintf(text, sizeof(text), "%d", crowd[0]);
	native_writes(kind, first, path(g, "b", file), text, check_is_in, g);
	disperse();
}

static void native_round(const struct grouping *g, const char *set, const char *group)
{
	struct launcher l = *group ? open_launcher(g, group) : no_launcher;
	int i;

	(void)set;
	if (*group) {
		native_attaches(g, g->procs, BY_PROCS);
		if (strcmp(g->tasks, g->procs))
			native_attaches(g, g->tasks, BY_TASKS);
		check_launch(&l);
	} else {
		native_writes(BY_WRITE, nothing, nothing, "0", NULL, NULL);
	}
	/* To wake another processor of the guest is a matter of the host. */
	pin(0);
	for (i = 0; i < NATIVE_TRIES; i++) {
		usleep(200000);
		native_values(BY_LAUNCH)[i] = single_launch(&l) / 1000.0;
	}
}

static void native_all(void)
{
	static const struct grouping *const three[] = { &none, &rcfs, &v2_dynamic };

	progress("after some quiet, side by side");
	side_by_side(four, 4, NATIVE_ROUNDS, native_round, native_kinds, "");
	progress("launches a second, side by side");
	side_by_side(four, 4, LAUNCH_ROUNDS, launch_round, launch_kinds, ".native");
	/* The kernel does not forget this, so all are measured again. */
	progress("after some quiet, side by side with favordynmods");
	side_by_side(three, 3, NATIVE_ROUNDS, native_round, native_kinds, "-favordynmods");
	progress("launches a second, side by side with favordynmods");
	side_by_side(three, 3, LAUNCH_ROUNDS, launch_round, launch_kinds,
		     ".native-favordynmods");
}

/* ---- for ever, for a profile */

static __attribute__((noreturn)) void switch_between(void)
{
	char c = 0;
	int to[2], from[2];
	pid_t pid;

	if (pipe(to) || pipe(from))
		die("cannot make a pipe");
	pid = fork();
	if (pid < 0)
		die("cannot fork");
	for (;;)
		if (write(pid ? to[1] : from[1], &c, 1) != 1 ||
		    read(pid ? from[0] : to[0], &c, 1) != 1)
			die("a byte got lost");
}

static const struct grouping *find_system(const char *name)
{
	const struct grouping *g;

	for_each_system(g)
		if (!strcmp(g->name, name))
			return g;
	errno = EINVAL;
	die("there is no system %s", name);
}

static void loop(const char *what, const char *set, const char *system)
{
	const struct grouping *g = find_system(system);
	const char *name;
	char text[1 << 16];
	int fd[2], procs[2] = { }, length = 0, state = -1;
	struct launcher l;

	begin(g, set);
	make(g, "a");
	make(g, "b");
	fd[0] = open_file(path(g, "a", g->tasks), O_RDWR);
	fd[1] = open_file(path(g, "b", g->tasks), O_WRONLY);
	if (!strcmp(what, "launch"))
		l = open_launcher(g, "a");
	else
		put(fd[0], "0", 1);
	if (!strcmp(what, "listing"))
		gather(CROWD);
	if (!strcmp(what, "freeze")) {
		gather(1);
		move(g, "b", crowd[0]);
		state = open_file(path(g, "b", "freezer.state"), O_RDWR);
	}
	if (!strcmp(what, "threads")) {
		length = snprintf(text, sizeof(text), "%d", threads(100));
		procs[0] = open_file(path(g, "a", g->procs), O_WRONLY);
		procs[1] = open_file(path(g, "b", g->procs), O_WRONLY);
	}
	name = path(g, "c", "");
	puts("looping");
	fflush(stdout);
	for (;;) {
		if (!strcmp(what, "groups")) {
			put(fd[0], "0", 1);
			put(fd[1], "0", 1);
			if (mkdir(name, 0755) || rmdir(name))
				die("cannot make and remove %s", name);
		} else if (!strcmp(what, "listing")) {
			if (pread(fd[0], text, sizeof(text), 0) <= 0)
				die("cannot read who is in a");
		} else if (!strcmp(what, "threads")) {
			put(procs[0], text, length);
			put(procs[1], text, length);
		} else if (!strcmp(what, "fork")) {
			single_fork(FORK);
		} else if (!strcmp(what, "vfork")) {
			single_fork(VFORK);
		} else if (!strcmp(what, "launch")) {
			single_launch(&l);
		} else if (!strcmp(what, "freeze")) {
			write_state(state, "FROZEN");
			while (!is_frozen(g, state))
				sched_yield();
			write_state(state, "THAWED");
			sched_yield();
		} else if (!strcmp(what, "switch")) {
			switch_between();
		} else {
			errno = EINVAL;
			die("there is no such loop");
		}
	}
}

/*
 * Until the kernel has seen enough entropy, which it has seconds after boot, each
 * random number is made from scratch, in 10,000 instructions. The scheduler wants
 * one for each new task group.
 */
static void wait_for_entropy(void)
{
	char byte;

	if (getrandom(&byte, sizeof(byte), 0) != sizeof(byte))
		die("no random number");
}

int main(int argc, char **argv)
{
	static const char usage[] =
		"usage: bench count CONTAINERS [SERIES] | time | native | "
		"loop groups|threads|listing|fork|vfork|launch|freeze|switch "
		"[CONTROLLERS [rcfs|v1|v2]]\n";
	static const struct {
		const char *name;
		void (*run)(void);
	} series[] = {
		{ "attach", attach_series }, { "directory", directory_series },
		{ "switch", switch_series }, { "fork", fork_series },
		{ "listing", listing_series }, { "freeze", freeze_series },
		{ "launch", launch_series }, { "limited", limited_series },
		{ "around", around_series },
		{ "memory", memory_series }, { "favordynmods", favordynmods_series },
	};
	bool native = argc == 2 && !strcmp(argv[1], "native");
	unsigned int i;

	counting = argc >= 3 && argc <= 4 && !strcmp(argv[1], "count");
	if (argc < 2 || !(counting || native || !strcmp(argv[1], "time") ||
			  !strcmp(argv[1], "loop"))) {
		fputs(usage, stderr);
		return 2;
	}
	/* Not in our way: it has all controllers. */
	if (umount("/sys/fs/rcfs") && errno != EINVAL)
		die("cannot unmount rcfs");
	wait_for_entropy();
	if (!strcmp(argv[1], "loop")) {
		loop(argc > 2 ? argv[2] : "", argc > 3 ? argv[3] : TWO,
		     argc > 4 ? argv[4] : "rcfs");
		return 0;
	}
	shared = mmap(NULL, SHARED * sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		die("no memory");
	settle();
	calibrate();
	if (counting) {
		many = atoi(argv[2]);
		for (i = 0; i < sizeof(series) / sizeof(*series); i++)
			if (argc == 3 || !strcmp(argv[3], series[i].name))
				series[i].run();
	} else if (native) {
		native_all();
	} else {
		time_all();
	}
	printf("complete %s\n", argv[1]);
	return 0;
}
