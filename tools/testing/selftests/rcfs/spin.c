// SPDX-License-Identifier: GPL-2.0
/*
 * Use CPU time in one of several ways, until killed, and record the CPUs.
 *
 * The record is a file that all tasks have mapped. The first character is a digit, the
 * current generation. Then there is a row of 64 characters for each of the generations 0
 * to 9, one for each CPU, which becomes 1 when a task has run on this CPU. Each task reads
 * the generation first, and then its CPU. So the row of a generation only has events after
 * the generation became the current one.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROW 64
#define GENERATIONS 10
#define RECORD_SIZE (1 + GENERATIONS * ROW)
#define THREADS 3
/* Children that a brood has at the same time */
#define BROOD 8
/* Closing them takes some ms of CPU time. */
#define FILES 5000

static const char usage[] =
	"usage: spin [OPTION...] KIND\n"
	"options, which are done in their order:\n"
	"  -c LIST        ask for these CPUs\n"
	"  -C LIST        the same, but go on if that is refused\n"
	"  -a CONTAINER   attach itself\n"
	"  -r FILE        keep the record there, which has the right size\n"
	"kinds:\n"
	"  busy           compute\n"
	"  threads        compute in 3 threads\n"
	"  naps           compute a little, sleep a little\n"
	"  dozes          sleep nearly all the time\n"
	"  asks           ask for CPU 0 alone and for CPU 1 alone, in turn\n"
	"  broods         have 8 children that compute, and replace the oldest all\n"
	"                 the time\n"
	"  forks          have children that compute a little\n"
	"  clones         have children in namespaces of their own\n"
	"  creates        have threads that compute a little\n"
	"  execs          have vfork children that execute this program\n"
	"  vforks         have vfork children that end at once\n"
	"  storm          forks, clones, creates, execs and vforks at once\n"
	"  step           compute a little, and end\n"
	"  leaves         open 5000 files, and end without closing them\n"
	"  allowed        print the CPUs that it is allowed to use\n";

static const char *record_file;
static char *record;

static void die(const char *what)
{
	fprintf(stderr, "spin: %s: %s\n", what, strerror(errno));
	_exit(1);
}

static void step(void)
{
	if (record) {
		int generation = __atomic_load_n(record, __ATOMIC_SEQ_CST) - '0';
		int cpu = sched_getcpu();

		if (generation >= 0 && generation < GENERATIONS && cpu >= 0)
			__atomic_store_n(&record[1 + generation * ROW + cpu % ROW],
					 '1', __ATOMIC_SEQ_CST);
	}
	for (int i = 0; i < 3000; i++)
		asm volatile("");
}

/* ---- options */

static void ask(const char *list, bool must)
{
	cpu_set_t set;
	const char *at = list;

	CPU_ZERO(&set);
	do {
		char *end;
		long first = strtol(at, &end, 10), last = first;

		if (*end == '-')
			last = strtol(end + 1, &end, 10);
		while (first <= last)
			CPU_SET(first++, &set);
		at = end + 1;
		if (*end != ',' && *end)
			errno = EINVAL, die(list);
	} while (at[-1]);
	if (sched_setaffinity(0, sizeof(set), &set) && must)
		die("sched_setaffinity");
}

static void attach(const char *container)
{
	char file[4096];
	int fd;

	snprintf(file, sizeof(file), "%s/tasks", container);
	fd = open(file, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "0", 1) != 1)
		die(file);
	close(fd);
}

static void open_record(const char *file)
{
	int fd = open(file, O_RDWR | O_CLOEXEC);
	void *map;

	if (fd < 0 || lseek(fd, 0, SEEK_END) < RECORD_SIZE) {
		errno = fd < 0 ? errno : EFBIG;
		die(file);
	}
	map = mmap(NULL, RECORD_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		die(file);
	close(fd);
	record = map;
	record_file = file;
}

/* ---- kinds: one round each, repeated for ever */

static void naps(void)
{
	struct timespec moment = { .tv_nsec = 1000000 };

	for (int i = 0; i < 50; i++)
		step();
	nanosleep(&moment, NULL);
}

static void dozes(void)
{
	struct timespec moment = { .tv_nsec = 20000000 };

	nanosleep(&moment, NULL);
	step();
}

static void asks(void)
{
	static int turn;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(turn, &set);
	turn = !turn;
	sched_setaffinity(0, sizeof(set), &set);
	step();
}

static void reap(pid_t pid)
{
	if (pid > 0 && waitpid(pid, NULL, 0) != pid)
		die("waitpid");
}

static void repeat(void (*round)(void))
{
	for (;;)
		round();
}

/* A child made at the wrong moment lives long enough to be seen. */
static void broods(void)
{
	static pid_t brood[BROOD];
	static int oldest;

	if (brood[oldest] > 0) {
		kill(brood[oldest], SIGKILL);
		reap(brood[oldest]);
	}
	brood[oldest] = fork();
	if (!brood[oldest])
		repeat(step);
	oldest = (oldest + 1) % BROOD;
	step();
}

static void forks(void)
{
	pid_t pid = fork();

	if (!pid) {
		step();
		pid = fork();
		if (pid <= 0)
			step();
		else
			waitpid(pid, NULL, 0);
		_exit(0);
	}
	step();
	reap(pid);
}

static pid_t clone_with(unsigned long flags)
{
	return syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
}

/* A kernel may lack some of the namespaces. */
static void clones(void)
{
	static const unsigned long flags[] = {
		CLONE_NEWUTS, CLONE_NEWIPC | CLONE_NEWPID, CLONE_NEWNS, 0
	};

	for (const unsigned long *next = flags; *next; next++) {
		pid_t pid = clone_with(*next);

		if (pid < 0 && errno == EINVAL)
			pid = clone_with(0);
		if (!pid) {
			step();
			_exit(0);
		}
		step();
		reap(pid);
	}
}

static void *run_step(void *unused)
{
	step();
	return unused;
}

static void creates(void)
{
	pthread_t threads[THREADS];
	int n = 0;

	while (n < THREADS && !pthread_create(&threads[n], NULL, run_step, NULL))
		n++;
	step();
	while (n)
		pthread_join(threads[--n], NULL);
}

static void vforks(void)
{
	pid_t pid;

	step();
	pid = vfork();
	if (!pid)
		_exit(0);
	reap(pid);
}

static void execs(void)
{
	pid_t pid;

	step();
	pid = vfork();
	if (!pid) {
		if (record_file)
			execl("/proc/self/exe", "spin", "-r", record_file, "step", NULL);
		else
			execl("/proc/self/exe", "spin", "step", NULL);
		_exit(1);
	}
	reap(pid);
}

static const struct {
	const char *name;
	void (*round)(void);
} kinds[] = {
	{ "busy", step }, { "naps", naps }, { "dozes", dozes }, { "asks", asks },
	{ "broods", broods },
	/* The kinds of a storm begin here. */
	{ "forks", forks }, { "clones", clones }, { "creates", creates },
	{ "execs", execs },
	{ "vforks", vforks },
	{ NULL, NULL }
};

#define STORM 5

static void *repeat_step(void *unused)
{
	repeat(step);
	return unused;
}

static void threads(void)
{
	pthread_t thread;

	for (int n = 1; n < THREADS; n++) {
		errno = pthread_create(&thread, NULL, repeat_step, NULL);
		if (errno)
			die("pthread_create");
	}
	repeat(step);
}

static void storm(void)
{
	for (int i = STORM; kinds[i].name; i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (!pid) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			repeat(kinds[i].round);
		}
	}
	for (;;)
		pause();
}

/*
 * The exiting task closes them after it has left its containers.
 */
static void open_files(void)
{
	struct rlimit limit = { .rlim_cur = FILES + 16, .rlim_max = FILES + 16 };

	if (setrlimit(RLIMIT_NOFILE, &limit))
		die("setrlimit");
	for (int i = 0; i < FILES; i++)
		if (open("/dev/null", O_RDONLY) < 0)
			die("/dev/null");
}

static void print_allowed(void)
{
	const char *separator = "";
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set))
		die("sched_getaffinity");
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, &set)) {
			printf("%s%d", separator, cpu);
			separator = " ";
		}
	}
	putchar('\n');
}

int main(int argc, char **argv)
{
	const char *kind;
	int opt;

	while ((opt = getopt(argc, argv, "+c:C:a:r:")) != -1) {
		if (opt == 'c' || opt == 'C')
			ask(optarg, opt == 'c');
		else if (opt == 'a')
			attach(optarg);
		else if (opt == 'r')
			open_record(optarg);
		else
			goto wrong;
	}
	if (optind != argc - 1)
		goto wrong;
	kind = argv[optind];
	if (!strcmp(kind, "step")) {
		step();
		return 0;
	}
	if (!strcmp(kind, "leaves")) {
		open_files();
		return 0;
	}
	if (!strcmp(kind, "allowed")) {
		print_allowed();
		return 0;
	}
	if (!strcmp(kind, "threads"))
		threads();
	if (!strcmp(kind, "storm"))
		storm();
	for (int i = 0; kinds[i].name; i++)
		if (!strcmp(kind, kinds[i].name))
			repeat(kinds[i].round);
wrong:
	fputs(usage, stderr);
	return 2;
}
