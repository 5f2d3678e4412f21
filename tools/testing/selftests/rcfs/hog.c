// SPDX-License-Identifier: GPL-2.0
/*
 * Tasks that have memory of all kinds.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "helpers.h"

static const char usage[] =
	"usage: hog [-a FILE] KIND MEGABYTES [FILE]\n"
	"       write 0 to the first FILE, take that much memory, print ready, and wait.\n"
	"       SIGUSR1: take that much more. SIGUSR2: give all of it up. KIND is one of\n"
	"         anon       anonymous memory\n"
	"         locked     the same, with mlock(2)\n"
	"         huge       the same, in huge pages\n"
	"         shared     memory that is shared with nobody\n"
	"         file       write so much to FILE\n"
	"         read       read so much of FILE\n"
	"         pipes      pipes that are full\n"
	"         sockets    sockets that nobody reads\n"
	"         dontneed   anonymous memory, which is given up by madvise(2)\n"
	"         vfork      the child of a vfork(2) takes anonymous memory\n"
	"         exec       anonymous memory, which an execve(2) gives up\n"
	"         bomb       children without end, each of which takes so much\n"
	"         fork       anonymous memory, which a child shares after SIGUSR1\n"
	"       hog cycles N DIR FILE\n"
	"       N times: make a container in DIR, be in there, charge a page of FILE to it,\n"
	"       go back to DIR, and remove the container. FILE has up to 1000 pages. Remove\n"
	"       FILE at the end.\n";

#define MEGABYTE (1024 * 1024UL)
#define HUGE_PAGE (2 * MEGABYTE)
/* What a pipe holds */
#define PIPE_BYTES (16 * 4096)

static void die(const char *what)
{
	fail("%s: %s", what, strerror(errno));
}

static void *map(size_t bytes, int flags)
{
	char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		die("mmap");
	return memory;
}

static void *touch(char *memory, size_t bytes)
{
	for (size_t i = 0; i < bytes; i += 4096)
		memory[i] = 1;
	return memory;
}

static void take_huge(size_t bytes)
{
	char *memory = map(bytes + HUGE_PAGE, MAP_PRIVATE);

	memory += HUGE_PAGE - (unsigned long)memory % HUGE_PAGE;
	/* A kernel without huge pages has small ones. */
	madvise(memory, bytes, MADV_HUGEPAGE);
	touch(memory, bytes);
}

static void use_file(const char *name, size_t bytes, bool write_it)
{
	static char buf[1 << 16];
	int fd = open(name, write_it ? O_WRONLY | O_CREAT : O_RDONLY, 0600);

	if (fd < 0)
		die(name);
	for (size_t i = 0; i < bytes; i += sizeof(buf)) {
		ssize_t n = write_it ? write(fd, buf, sizeof(buf)) : read(fd, buf, sizeof(buf));

		if (n != sizeof(buf))
			die(name);
	}
	/* Clean pages can be reclaimed without anybody's help. */
	if (write_it)
		fsync(fd);
	/* It stays open: the cache of a disk is dropped when the last user closes it. */
}

static void fill(int in, int out)
{
	static char buf[4096];

	(void)in;
	if (fcntl(out, F_SETFL, O_NONBLOCK))
		die("fcntl");
	while (write(out, buf, sizeof(buf)) > 0)
		;
}

static void take_pipes(size_t bytes)
{
	int fds[2];

	for (size_t i = 0; i < bytes; i += PIPE_BYTES) {
		if (pipe(fds))
			die("pipe");
		fill(fds[0], fds[1]);
	}
}

static void take_sockets(size_t bytes)
{
	size_t taken = 0;

	while (taken < bytes) {
		int fds[2], size;
		socklen_t len = sizeof(size);

		if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) ||
		    getsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &size, &len))
			die("socketpair");
		fill(fds[0], fds[1]);
		taken += size;
	}
}

static void close_all(void)
{
	for (int fd = 3; fd < 1024; fd++)
		close(fd);
}

static void take_in_child(size_t bytes)
{
	pid_t pid = vfork();

	if (pid < 0)
		die("vfork");
	if (!pid) {
		touch(map(bytes, MAP_PRIVATE), bytes);
		_exit(0);
	}
	reap(pid);
}

static void bomb(size_t bytes)
{
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		pid_t pid = fork();

		/* Each process takes so much, those that a child forks as well. */
		while (!pid) {
			touch(map(bytes, MAP_PRIVATE), bytes);
			if (fork() < 0)
				pause();
		}
		if (pid < 0)
			usleep(1000);
	}
}

static void take(const char *kind, size_t bytes, const char *file, char **argv)
{
	if (!strcmp(kind, "anon") && !bytes) {
		return;
	} else if (!strcmp(kind, "anon") || !strcmp(kind, "fork")) {
		touch(map(bytes, MAP_PRIVATE), bytes);
	} else if (!strcmp(kind, "locked")) {
		if (mlock(map(bytes, MAP_PRIVATE), bytes))
			die("mlock");
	} else if (!strcmp(kind, "huge")) {
		take_huge(bytes);
	} else if (!strcmp(kind, "shared")) {
		touch(map(bytes, MAP_SHARED), bytes);
	} else if (!strcmp(kind, "file") && file) {
		use_file(file, bytes, true);
	} else if (!strcmp(kind, "read") && file) {
		use_file(file, bytes, false);
	} else if (!strcmp(kind, "pipes")) {
		take_pipes(bytes);
	} else if (!strcmp(kind, "sockets")) {
		take_sockets(bytes);
	} else if (!strcmp(kind, "dontneed")) {
		if (madvise(touch(map(bytes, MAP_PRIVATE), bytes), bytes, MADV_DONTNEED))
			die("madvise");
	} else if (!strcmp(kind, "vfork")) {
		take_in_child(bytes);
	} else if (!strcmp(kind, "exec")) {
		touch(map(bytes, MAP_PRIVATE), bytes);
		execl("/proc/self/exe", argv[0], "anon", "0", NULL);
		die("execl");
	} else if (!strcmp(kind, "bomb")) {
		bomb(bytes);
	} else {
		fputs(usage, stderr);
		exit(2);
	}
}

static void write_to(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die(name);
	close(fd);
}

static void cycles(unsigned long count, const char *dir, const char *file)
{
	char container[256], tasks[300], above[300];
	int fd = open(file, O_WRONLY | O_CREAT, 0600);

	if (fd < 0)
		die(file);
	snprintf(container, sizeof(container), "%s/cycle", dir);
	snprintf(tasks, sizeof(tasks), "%s/tasks", container);
	snprintf(above, sizeof(above), "%s/tasks", dir);
	for (unsigned long i = 0; i < count; i++) {
		if (mkdir(container, 0755))
			die(container);
		write_to(tasks, "0");
		if (i % 1000 == 0 && ftruncate(fd, 0))
			die(file);
		if (pwrite(fd, "x", 1, i % 1000 * 4096) != 1)
			die(file);
		write_to(above, "0");
		if (rmdir(container))
			die(container);
	}
	close(fd);
	unlink(file);
}

int main(int argc, char **argv)
{
	sigset_t signals;
	size_t bytes;
	int arg = 1;
	int sig;

	if (argc == 5 && !strcmp(argv[1], "cycles")) {
		cycles(strtoul(argv[2], NULL, 10), argv[3], argv[4]);
		return 0;
	}
	if (argc > 2 && !strcmp(argv[1], "-a")) {
		write_to(argv[2], "0");
		arg = 3;
	}
	if (argc - arg < 2 || argc - arg > 3) {
		fputs(usage, stderr);
		return 2;
	}
	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR1);
	sigaddset(&signals, SIGUSR2);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	bytes = strtoul(argv[arg + 1], NULL, 10) * MEGABYTE;
	take(argv[arg], bytes, argv[arg + 2], argv);
	for (;;) {
		puts("ready");
		fflush(stdout);
		while (sigwait(&signals, &sig))
			;
		if (sig == SIGUSR1 && !strcmp(argv[arg], "fork")) {
			if (!fork())
				pause();
		} else if (sig == SIGUSR1) {
			take(argv[arg], bytes, argv[arg + 2], argv);
		} else {
			close_all();
			execl("/proc/self/exe", argv[0], "anon", "0", NULL);
			die("execl");
		}
	}
}
