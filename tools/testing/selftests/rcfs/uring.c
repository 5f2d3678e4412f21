// SPDX-License-Identifier: GPL-2.0
/*
 * Threads that io_uring makes for a process, and their CPUs.
 *
 * A ring has one entry. It is used once.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "helpers.h"

#define LIMIT_NS 100000000000UL

static const char usage[] =
	"usage: uring poll CONTAINER CPU\n"
	"           attach itself, make a thread that polls, requested on this CPU, and\n"
	"           print the CPUs that the thread is allowed to use\n"
	"       uring work CONTAINER CPU THEN FIFO\n"
	"           attach itself, request workers on this CPU, attach itself to the\n"
	"           container THEN, let a worker open the FIFO, and print the CPUs that\n"
	"           the worker is allowed to use\n"
	"       uring keep\n"
	"           make a thread that polls, until killed\n"
	"If io_uring refuses a CPU, it prints EINVAL.\n";

struct ring {
	int fd;
	struct io_uring_sqe *entry;
	unsigned int *tail, *completed;
};

/* Returns 0, or the error if the kernel refuses the ring. */
static int open_ring(struct ring *ring, struct io_uring_params params)
{
	char *queue;

	ring->fd = syscall(SYS_io_uring_setup, 1, &params);
	if (ring->fd < 0)
		return errno;
	if (!(params.features & IORING_FEAT_SINGLE_MMAP))
		fail("this io_uring is too old");
	queue = mmap(NULL, params.cq_off.cqes + params.cq_entries * sizeof(struct io_uring_cqe),
		     PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring->fd,
		     IORING_OFF_SQ_RING);
	ring->entry = mmap(NULL, sizeof(*ring->entry), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_POPULATE, ring->fd, IORING_OFF_SQES);
	if (queue == MAP_FAILED || ring->entry == MAP_FAILED)
		fail("mmap of a ring: %s", strerror(errno));
	*(unsigned int *)(queue + params.sq_off.array) = 0;
	ring->tail = (unsigned int *)(queue + params.sq_off.tail);
	ring->completed = (unsigned int *)(queue + params.cq_off.tail);
	return 0;
}

static void submit(struct ring *ring, struct io_uring_sqe entry, unsigned int wait)
{
	*ring->entry = entry;
	__atomic_store_n(ring->tail, 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, ring->fd, 1, wait,
		    wait ? IORING_ENTER_GETEVENTS | IORING_ENTER_SQ_WAKEUP : 0, NULL, 0) < 0)
		fail("io_uring_enter: %s", strerror(errno));
	if (wait && !__atomic_load_n(ring->completed, __ATOMIC_ACQUIRE))
		fail("io_uring_enter has not waited");
}

/* Whether a thread of this process has this name prefix, and is in this state, or in any */
static bool is_thread(const char *id, const char *prefix, char state)
{
	char file[300], name[32] = "", now = 0;
	FILE *stat;

	snprintf(file, sizeof(file), "/proc/self/task/%s/stat", id);
	stat = fopen(file, "re");
	if (!stat)
		return false;
	if (fscanf(stat, "%*d (%31[^)]) %c", name, &now) != 2)
		now = 0;
	fclose(stat);
	return now && !strncmp(name, prefix, strlen(prefix)) && (!state || state == now);
}

/* The id of such a thread, or 0 */
static pid_t find_thread(const char *prefix, char state)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *entry;
	pid_t found = 0;

	if (!dir)
		fail("/proc/self/task: %s", strerror(errno));
	for (entry = readdir(dir); entry && !found; entry = readdir(dir))
		if (is_thread(entry->d_name, prefix, state))
			found = atoi(entry->d_name);
	closedir(dir);
	return found;
}

static void print_cpus(const char *prefix, char state)
{
	unsigned long since = now_ns();
	const char *separator = "";
	pid_t thread;
	cpu_set_t set;

	while (!(thread = find_thread(prefix, state))) {
		if (now_ns() - since > LIMIT_NS)
			fail("no thread %s* in the state %c", prefix, state ?: '*');
		sched_yield();
	}
	if (sched_getaffinity(thread, sizeof(set), &set))
		fail("sched_getaffinity: %s", strerror(errno));
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, &set)) {
			printf("%s%d", separator, cpu);
			separator = " ";
		}
	}
	puts("");
}

static void attach(const char *container)
{
	char file[4096];
	int fd;

	snprintf(file, sizeof(file), "%s/procs", container);
	fd = open(file, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "0", 1) != 1)
		fail("%s: %s", file, strerror(errno));
	close(fd);
}

/* Ends the program if it is an error. */
static void report(int err)
{
	if (!err)
		return;
	if (err != EINVAL)
		fail("io_uring: %s", strerror(err));
	puts("EINVAL");
	exit(0);
}

static void poll_on(const char *container, unsigned int cpu)
{
	struct io_uring_params params = {
		.flags = IORING_SETUP_SQPOLL | IORING_SETUP_SQ_AFF,
		.sq_thread_cpu = cpu,
		.sq_thread_idle = 1000,
	};
	struct ring ring;

	attach(container);
	report(open_ring(&ring, params));
	/* A worker that has completed a request has set its CPUs before. */
	submit(&ring, (struct io_uring_sqe) { .opcode = IORING_OP_NOP }, 1);
	print_cpus("iou-sqp-", 0);
}

static void work_on(const char *container, unsigned int cpu, const char *then, const char *fifo)
{
	struct ring ring;
	cpu_set_t set;

	attach(container);
	report(open_ring(&ring, (struct io_uring_params) { }));
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_IOWQ_AFF, &set, sizeof(set)))
		report(errno);
	attach(then);
	/* The other end is not opened, so the worker waits and can be examined. */
	submit(&ring, (struct io_uring_sqe) {
		.opcode = IORING_OP_OPENAT,
		.flags = IOSQE_ASYNC,
		.fd = AT_FDCWD,
		.addr = (uintptr_t)fifo,
		.open_flags = O_RDONLY,
	}, 0);
	print_cpus("iou-wrk-", 'S');
}

static void keep(void)
{
	struct ring ring;

	report(open_ring(&ring, (struct io_uring_params) { .flags = IORING_SETUP_SQPOLL }));
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	const char *action = argc > 1 ? argv[1] : "";

	if (!strcmp(action, "poll") && argc == 4) {
		poll_on(argv[2], atoi(argv[3]));
	} else if (!strcmp(action, "work") && argc == 6) {
		work_on(argv[2], atoi(argv[3]), argv[4], argv[5]);
	} else if (!strcmp(action, "keep") && argc == 2) {
		keep();
	} else {
		fputs(usage, stderr);
		return 2;
	}
	return 0;
}
