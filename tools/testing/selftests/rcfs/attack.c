// SPDX-License-Identifier: GPL-2.0
/*
 * Attacks that take more than one system call:
 *
 *	attack as RUID EUID SUID	be a task with these ids, and sleep
 *	attack mixed UID		be a process of UID with one thread of
 *					root's, whose id is printed, and sleep
 *	attack signal UID PID		may this user signal that task? "OK", or
 *					the name of the error
 *	attack dodge A B		be a process that forks in the containers A and
 *					B in turn until it may not, and moves all of
 *					its children to B, several times; print how
 *					many there are, and sleep
 *	attack reads FILE...		read at all edges of offset and size
 *	attack writes FILE...		write rubbish of all sizes
 *	attack mounts SEED N		try N mounts of random options
 *
 * The last three print the number of attempts. They exit with 0, or with 1 and a
 * line that describes the failure.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/mount.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "helpers.h"
#include "random.h"

static unsigned long attempts;

static void sleep_for_good(void)
{
	for (;;)
		pause();
}

/* ---- tasks of several users */

/* Functions of libc would change all threads. */
static void become(uid_t real, uid_t effective, uid_t saved)
{
	if (syscall(SYS_setresuid, real, effective, saved))
		fail("setresuid: %s", strerror(errno));
}

static pthread_barrier_t started;
static long id_of_root;

static void *sleep_as_root(void *unused)
{
	id_of_root = syscall(SYS_gettid);
	pthread_barrier_wait(&started);
	sleep_for_good();
	return unused;
}

static void be_mixed(uid_t uid)
{
	pthread_t thread;

	if (pthread_barrier_init(&started, NULL, 2) ||
	    pthread_create(&thread, NULL, sleep_as_root, NULL))
		fail("no thread");
	pthread_barrier_wait(&started);
	become(uid, uid, uid);
	printf("%ld\n", id_of_root);
	fflush(stdout);
	sleep_for_good();
}

/* ---- moves */

static void write_id(const char *container, const char *file, long id)
{
	char path[PATH_MAX], text[24];
	int fd, size = snprintf(text, sizeof(text), "%ld", id);

	snprintf(path, sizeof(path), "%s/%s", container, file);
	fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, text, size) != size)
		fail("%s: %s: %s", path, text, strerror(errno));
	close(fd);
}

/* Children end with their parent. */
static void sleep_along(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (getppid() == parent)
		pause();
	_exit(0);
}

static void dodge(const char *a, const char *b)
{
	enum { ROUNDS = 12, ENOUGH = 1000 };
	pid_t children[ENOUGH], parent = getpid(), pid;
	int count = 0;

	for (int round = 0; round < ROUNDS; round++) {
		write_id(round % 2 ? b : a, "procs", 0);
		while (count < ENOUGH) {
			pid = fork();
			if (!pid)
				sleep_along(parent);
			if (pid < 0)
				break;
			children[count++] = pid;
		}
		if (count < ENOUGH && errno != EAGAIN)
			fail("fork: %s", strerror(errno));
		for (int i = 0; i < count; i++)
			write_id(b, "procs", children[i]);
	}
	printf("%d\n", count);
	fflush(stdout);
	sleep_for_good();
}

/* ---- reads */

#define MOST 65536

struct content {
	char bytes[MOST];
	size_t size;
};

static void read_whole(int fd, const char *file, struct content *content)
{
	ssize_t n;

	content->size = 0;
	do {
		n = pread(fd, content->bytes + content->size,
			  MOST - content->size, content->size);
		if (n < 0)
			fail("%s: read: %s", file, strerror(errno));
		content->size += n;
	} while (n > 0);
}

/*
 * The result must be the contents of the file at this offset, nothing at the end of
 * the file. No byte may be written behind the result.
 */
static void read_at(int fd, const char *file, const struct content *whole,
		    off_t offset, size_t size)
{
	static char buf[2 * MOST];
	size_t there = 0;
	ssize_t n;

	if (offset >= 0 && (size_t)offset < whole->size)
		there = whole->size - offset;
	memset(buf, '#', sizeof(buf));
	errno = 0;
	n = pread(fd, buf, size, offset);
	attempts++;
	if (n < 0 && (offset < 0 || there == 0))
		return;
	if (n < 0)
		fail("%s: %zu bytes at %lld: %s", file, size, (long long)offset,
		     strerror(errno));
	if ((size_t)n > there || (size_t)n > size || (!n && there && size))
		fail("%s: %zu bytes at %lld: %zd returned, expected %zu", file,
		     size, (long long)offset, n, there);
	if (memcmp(buf, whole->bytes + offset * !!n, n))
		fail("%s: %zu bytes at %lld differ from the contents", file, size,
		     (long long)offset);
	for (size_t i = n; i < sizeof(buf); i++)
		if (buf[i] != '#')
			fail("%s: %zu bytes at %lld: byte %zu was written as well",
			     file, size, (long long)offset, i);
}

static void must_fault(const char *file, ssize_t n, const char *what)
{
	attempts++;
	if (n >= 0 || errno != EFAULT)
		fail("%s: %s: %zd, %s", file, what, n,
		     n < 0 ? strerror(errno) : "no error");
}

/* Hide the value from the compiler. */
static void *at(unsigned long address)
{
	asm("" : "+r" (address));
	return (void *)address;
}

/* A mapped page, followed by an unmapped one */
static char *last_page(void)
{
	size_t page = sysconf(_SC_PAGESIZE);
	char *map = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (map == MAP_FAILED || munmap(map + page, page))
		fail("mmap: %s", strerror(errno));
	return map + page;
}

static void attack_reads(const char *file)
{
	static struct content whole;
	const off_t offsets[] = {
		0, 1, 2, 3, 4095, 4096, 4097, MOST, INT_MAX, UINT_MAX,
		UINT_MAX + 1L, LONG_MAX - 4096, LONG_MAX - 1, LONG_MAX, -1, -2,
		INT_MIN, LONG_MIN, LONG_MIN + 1
	};
	const size_t sizes[] = { 0, 1, 2, 7, 4095, 4096, 4097, MOST, 2 * MOST };
	int fd = open(file, O_RDONLY);
	struct iovec parts[3];
	char a, b;

	if (fd < 0)
		fail("%s: open: %s", file, strerror(errno));
	read_whole(fd, file, &whole);
	for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++) {
		for (size_t o = 0; o < sizeof(offsets) / sizeof(*offsets); o++)
			read_at(fd, file, &whole, offsets[o], sizes[s]);
		for (off_t near = -2; near <= 2; near++)
			read_at(fd, file, &whole, (off_t)whole.size + near, sizes[s]);
	}
	if (!whole.size) {
		close(fd);
		return;
	}
	must_fault(file, pread(fd, at(8), 16, 0), "read to the first page");
	must_fault(file, pread(fd, last_page(), 16, 0), "read to where nothing is");
	must_fault(file, pread(fd, at(LONG_MIN), 16, 0), "read to the kernel");
	parts[0] = (struct iovec){ &a, 1 };
	parts[1] = (struct iovec){ NULL, 0 };
	parts[2] = (struct iovec){ &b, whole.size > 1 };
	if (preadv(fd, parts, 3, 0) < 1 || a != whole.bytes[0])
		fail("%s: preadv", file);
	attempts++;
	close(fd);
}

/* ---- writes */

static void must_refuse(int fd, const char *file, const struct content *before,
			const char *what, const char *text, size_t size)
{
	static struct content after;
	ssize_t n = write(fd, text, size);

	attempts++;
	if (n > 0)
		fail("%s: took %zd of %zu bytes: %s", file, n, size, what);
	read_whole(fd, file, &after);
	if (after.size != before->size ||
	    memcmp(after.bytes, before->bytes, after.size))
		fail("%s: refused %zu bytes, and is not as before: %s", file, size,
		     what);
}

static void attack_writes(const char *file)
{
	static struct content before;
	static char text[2 * MOST];
	const size_t sizes[] = { 1, 2, 3, 8, 21, 63, 64, 65, 4094, 4095, 4096, 4097,
				 MOST, 2 * MOST };
	const struct {
		const char *what;
		char byte;
	} rubbish[] = {
		{ "zero bytes", '\0' }, { "bytes of 0xff", '\xff' },
		{ "minus signs", '-' }, { "format directives", '%' },
		{ "letters", 'A' }, { "dots", '.' }, { "bytes of 0x80", '\x80' },
		{ "escape characters", '\033' },
	};
	int fd = open(file, O_RDWR);

	if (fd < 0)
		fail("%s: open: %s", file, strerror(errno));
	read_whole(fd, file, &before);
	for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++) {
		for (size_t r = 0; r < sizeof(rubbish) / sizeof(*rubbish); r++) {
			memset(text, rubbish[r].byte, sizes[s]);
			/* Zeros alone are an empty string, which may be a value. */
			if (!rubbish[r].byte)
				text[sizes[s] - 1] = 'A';
			must_refuse(fd, file, &before, rubbish[r].what, text,
				    sizes[s]);
		}
		/* A number, followed by other characters */
		memset(text, '1', sizes[s]);
		text[sizes[s] - 1] = ';';
		must_refuse(fd, file, &before, "a number with an end", text, sizes[s]);
		/* At the end, it would terminate a string. */
		text[sizes[s] - 1] = '1';
		text[sizes[s] / 2] = '\0';
		if (sizes[s] > 2)
			must_refuse(fd, file, &before, "a number with a zero byte", text,
				    sizes[s]);
		/* Far too large, or only partly mapped */
		memset(text, '9', sizes[s]);
		if (sizes[s] > 20)
			must_refuse(fd, file, &before, "digits", text, sizes[s]);
	}
	must_fault(file, write(fd, at(8), 16), "write from the first page");
	must_fault(file, write(fd, last_page(), 16), "write from where nothing is");
	must_fault(file, write(fd, at(LONG_MIN), 16), "write from the kernel");
	must_refuse(fd, file, &before, "nothing", NULL, 0);
	close(fd);
}

/* ---- mounts */

static unsigned long long state;

static unsigned int draw(unsigned int end)
{
	return draw_number(&state) % end;
}

static const char *random_text(char *buf, size_t room)
{
	static const char *const known[] = {
		"all", "cpuacct", "pids", "cpu", "cpuset", "freezer", "debug", "none",
		"source", "ro", "rw", "subsystems", "", ",", "=", "cpuacct,pids",
		"cpuacct,cpuacct", "all,all", "cpuacct ", "../pids", "CPUACCT",
	};
	size_t size;

	if (draw(2))
		return known[draw(sizeof(known) / sizeof(*known))];
	size = draw(draw(8) ? 8 : room - 1);
	for (size_t i = 0; i < size; i++)
		buf[i] = 1 + draw(255);
	buf[size] = '\0';
	return buf;
}

static void set_something(int fs, int fd)
{
	static char key_buf[512], value_buf[8192];
	const char *key = random_text(key_buf, sizeof(key_buf));
	const char *value = random_text(value_buf, sizeof(value_buf));

	switch (draw(6)) {
	case 0:
		syscall(SYS_fsconfig, fs, FSCONFIG_SET_FLAG, key, NULL, 0);
		break;
	case 1:
		syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, key, value, 0);
		break;
	case 2:
		syscall(SYS_fsconfig, fs, FSCONFIG_SET_BINARY, key, value,
			draw(sizeof(value_buf)) % (strlen(value) + 1));
		break;
	case 3:
		syscall(SYS_fsconfig, fs, FSCONFIG_SET_FD, key, NULL, fd);
		break;
	case 4:
		syscall(SYS_fsconfig, fs, FSCONFIG_SET_PATH, key, value, AT_FDCWD);
		break;
	default:
		syscall(SYS_fsconfig, fs, draw(16), draw(2) ? key : NULL,
			draw(2) ? value : NULL, (int)draw(4) - 1);
	}
	attempts++;
}

/* Unmounts them before it returns, whether they succeed or not. */
static void attack_mounts(unsigned long long seed, unsigned long count)
{
	int fd = open("/proc/self/exe", O_RDONLY);
	unsigned long made = 0;
	char log[4096];

	state = seed;
	for (unsigned long i = 0; i < count; i++) {
		int fs = syscall(SYS_fsopen, "rcfs", FSOPEN_CLOEXEC);

		if (fs < 0)
			fail("fsopen: %s", strerror(errno));
		for (unsigned int n = draw(5); n; n--)
			set_something(fs, fd);
		made += !syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
		while (read(fs, log, sizeof(log)) > 0)
			;
		close(fs);
	}
	printf("# seed %llu: %lu options, %lu trees\n", seed, attempts, made);
}

static const char usage[] =
	"usage: attack as RUID EUID SUID | mixed UID | signal UID PID | dodge A B |\n"
	"              reads FILE... | writes FILE... | mounts SEED N\n";

int main(int argc, char **argv)
{
	const char *action = argc > 1 ? argv[1] : "";

	if (!strcmp(action, "as") && argc == 5) {
		become(atoi(argv[2]), atoi(argv[3]), atoi(argv[4]));
		sleep_for_good();
	}
	if (!strcmp(action, "mixed") && argc == 3)
		be_mixed(atoi(argv[2]));
	if (!strcmp(action, "signal") && argc == 4) {
		uid_t uid = atoi(argv[2]);

		become(uid, uid, uid);
		if (!kill(atoi(argv[3]), 0))
			puts("OK");
		else
			puts(errno == EPERM ? "EPERM" : strerror(errno));
		return 0;
	}
	if (!strcmp(action, "dodge") && argc == 4)
		dodge(argv[2], argv[3]);
	if (!strcmp(action, "mounts") && argc == 4) {
		attack_mounts(strtoull(argv[2], NULL, 0), strtoul(argv[3], NULL, 0));
		return 0;
	}
	if ((!strcmp(action, "reads") || !strcmp(action, "writes")) && argc > 2) {
		for (int i = 2; i < argc; i++) {
			if (action[0] == 'r')
				attack_reads(argv[i]);
			else
				attack_writes(argv[i]);
		}
		printf("# %lu attempts\n", attempts);
		return 0;
	}
	fputs(usage, stderr);
	return 2;
}
