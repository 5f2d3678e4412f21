// SPDX-License-Identifier: GPL-2.0
/*
 * Make one system call, and print "OK" or the name of the error. Commands of a shell show
 * neither the exact error nor the exact reads.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef FD_NSFS_ROOT
#define FD_NSFS_ROOT -10003
#endif

#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL
#endif

static const char usage[] =
	"usage: try [-u UID] [-n] ACTION\n"
	"  -u UID                    as this user and group\n"
	"  -n                        as root of new user and mount namespaces\n"
	"actions:\n"
	"  read FILE                 open, and read to the end\n"
	"  write FILE TEXT           open, and write all of it at once\n"
	"  fdread FD                 read an inherited descriptor to the end\n"
	"  fdwrite FD TEXT           write to an inherited descriptor\n"
	"  handon UID FILE TEXT      open as this user, write as the caller\n"
	"  pidfd ID FILE             write \"pidfd N\", of a descriptor of the process\n"
	"  pidfd-thread ID FILE      the same, of the thread\n"
	"  pidfd-reaped FILE         the same, of a process that has been reaped\n"
	"  timeread FILE             how many us it takes to read all of it\n"
	"  poll FILE                 read it, wait for POLLPRI, and for a 1 in it\n"
	"  watch FILE                the same with inotify\n"
	"  pread FILE OFFSET         read at this offset, and print the result\n"
	"  mkdir DIR [MODE]\n"
	"  rmdir DIR\n"
	"  mount OPTIONS DIR         of type rcfs\n"
	"  mount-as TYPE DIR         of this type, without options\n"
	"  remount OPTIONS DIR\n"
	"  forkin FILE               write 0 there, then fork and wait\n"
	"  nssave FILE NSFILE        keep a handle of that namespace in FILE\n"
	"  nsopen FILE               open the namespace by that handle\n"
	"  run COMMAND...            execute it\n";

static void die(const char *what)
{
	fprintf(stderr, "try: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void end(bool ok)
{
	puts(ok ? "OK" : strerrorname_np(errno));
	exit(0);
}

static int open_or_end(const char *file, int flags)
{
	int fd = open(file, flags);

	if (fd < 0)
		end(false);
	return fd;
}

static void read_all(int fd)
{
	char buf[4096];
	ssize_t n;

	do {
		n = read(fd, buf, sizeof(buf));
	} while (n > 0);
	end(n == 0);
}

static int read_number(int fd)
{
	char buf[32] = "";

	if (pread(fd, buf, sizeof(buf) - 1, 0) < 0)
		end(false);
	return atoi(buf);
}

/* Prints "waiting", and then "OK" if the file has a 1 when it wakes up. */
static void wait_for_one(const char *file, bool watch)
{
	int fd = open_or_end(file, O_RDONLY);
	struct pollfd wait = { .fd = fd, .events = POLLPRI };

	if (watch) {
		wait.fd = inotify_init();
		wait.events = POLLIN;
		if (wait.fd < 0 || inotify_add_watch(wait.fd, file, IN_MODIFY) < 0)
			die("inotify");
	}
	puts(read_number(fd) ? "nothing to wait for" : "waiting");
	fflush(stdout);
	if (poll(&wait, 1, 60000) != 1)
		puts("nothing happened in 60 s");
	else
		puts(read_number(fd) ? "OK" : "too early");
	exit(0);
}

static void time_read(int fd)
{
	struct timespec begin, end;
	char buf[4096];
	ssize_t n;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	do {
		n = read(fd, buf, sizeof(buf));
	} while (n > 0);
	clock_gettime(CLOCK_MONOTONIC, &end);
	if (n < 0)
		die("read");
	printf("%ld\n", (end.tv_sec - begin.tv_sec) * 1000000 +
	       (end.tv_nsec - begin.tv_nsec) / 1000);
	exit(0);
}

static void write_all(int fd, const char *text)
{
	ssize_t n = write(fd, text, strlen(text));

	if (n >= 0 && (size_t)n != strlen(text)) {
		printf("only %zd of %zu bytes\n", n, strlen(text));
		exit(0);
	}
	end(n >= 0);
}

static int open_pidfd(pid_t pid, unsigned int flags)
{
	int fd = syscall(SYS_pidfd_open, pid, flags);

	if (fd < 0)
		die("pidfd_open");
	return fd;
}

static void write_pidfd(int pidfd, const char *file)
{
	char text[32];

	snprintf(text, sizeof(text), "pidfd %d", pidfd);
	write_all(open_or_end(file, O_WRONLY), text);
}

static void write_reaped(const char *file)
{
	pid_t pid = fork();
	int fd;

	if (!pid)
		_exit(0);
	if (pid < 0)
		die("fork");
	fd = open_pidfd(pid, 0);
	if (waitpid(pid, NULL, 0) != pid)
		die("waitpid");
	write_pidfd(fd, file);
}

static void print_at(int fd, off_t offset)
{
	char buf[4096];
	ssize_t n = pread(fd, buf, sizeof(buf), offset);

	if (n < 0)
		end(false);
	fwrite(buf, 1, n, stdout);
	exit(0);
}

static void switch_user(uid_t uid)
{
	if (setresgid(uid, uid, uid) || setresuid(uid, uid, uid))
		die("cannot become another user");
	/* Make its files in /proc its own again, for -n. */
	prctl(PR_SET_DUMPABLE, 1);
}

static void fork_in(const char *tasks)
{
	int fd = open(tasks, O_WRONLY);
	pid_t pid;

	if (fd < 0 || write(fd, "0", 1) != 1)
		die(tasks);
	pid = fork();
	if (!pid)
		_exit(0);
	if (pid > 0 && waitpid(pid, NULL, 0) != pid)
		die("waitpid");
	end(pid > 0);
}

/* A namespace that is not used by a task or a file cannot be opened with the handle. */
union ns_handle {
	struct file_handle handle;
	char room[sizeof(struct file_handle) + 128];
};

static void save_ns(const char *file, const char *nsfile)
{
	union ns_handle ns = { .handle.handle_bytes = 128 };
	int mount_id, fd;

	if (name_to_handle_at(AT_FDCWD, nsfile, &ns.handle, &mount_id,
			      AT_SYMLINK_FOLLOW))
		end(false);
	fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || write(fd, &ns, sizeof(ns)) != sizeof(ns))
		die(file);
	end(true);
}

static void open_ns(const char *file)
{
	union ns_handle ns;
	int fd = open(file, O_RDONLY);

	if (fd < 0 || read(fd, &ns, sizeof(ns)) != sizeof(ns))
		die(file);
	end(open_by_handle_at(FD_NSFS_ROOT, &ns.handle, O_RDONLY) >= 0);
}

static void put(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) < 0 || close(fd))
		die(file);
}

static void map_to_root(void)
{
	char map[64];
	uid_t uid = getuid();
	gid_t gid = getgid();

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
		die("no new user namespace");
	put("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "0 %u 1", uid);
	put("/proc/self/uid_map", map);
	snprintf(map, sizeof(map), "0 %u 1", gid);
	put("/proc/self/gid_map", map);
}

int main(int argc, char **argv)
{
	int opt, args;
	const char *action;

	while ((opt = getopt(argc, argv, "+u:n")) != -1) {
		if (opt == 'u')
			switch_user(atoi(optarg));
		else if (opt == 'n')
			map_to_root();
		else
			optind = argc;
	}
	argv += optind;
	args = argc - optind - 1;
	action = args >= 0 ? argv[0] : "";

	if (!strcmp(action, "read") && args == 1)
		read_all(open_or_end(argv[1], O_RDONLY));
	if (!strcmp(action, "write") && args == 2)
		write_all(open_or_end(argv[1], O_WRONLY), argv[2]);
	if (!strcmp(action, "poll") && args == 1)
		wait_for_one(argv[1], false);
	if (!strcmp(action, "watch") && args == 1)
		wait_for_one(argv[1], true);
	if (!strcmp(action, "timeread") && args == 1)
		time_read(open_or_end(argv[1], O_RDONLY));
	if (!strcmp(action, "fdread") && args == 1)
		read_all(atoi(argv[1]));
	if (!strcmp(action, "fdwrite") && args == 2)
		write_all(atoi(argv[1]), argv[2]);
	if (!strcmp(action, "handon") && args == 3) {
		int fd;

		if (seteuid(atoi(argv[1])))
			die("cannot become another user");
		fd = open_or_end(argv[2], O_WRONLY);
		if (seteuid(0))
			die("cannot become root again");
		write_all(fd, argv[3]);
	}
	if (!strcmp(action, "pidfd") && args == 2)
		write_pidfd(open_pidfd(atoi(argv[1]), 0), argv[2]);
	if (!strcmp(action, "pidfd-thread") && args == 2)
		write_pidfd(open_pidfd(atoi(argv[1]), PIDFD_THREAD), argv[2]);
	if (!strcmp(action, "pidfd-reaped") && args == 1)
		write_reaped(argv[1]);
	if (!strcmp(action, "pread") && args == 2)
		print_at(open_or_end(argv[1], O_RDONLY), strtoll(argv[2], NULL, 0));
	if (!strcmp(action, "mkdir") && (args == 1 || args == 2))
		end(!mkdir(argv[1], args == 2 ? strtoul(argv[2], NULL, 8) : 0777));
	if (!strcmp(action, "rmdir") && args == 1)
		end(!rmdir(argv[1]));
	if (!strcmp(action, "mount") && args == 2)
		end(!mount("none", argv[2], "rcfs", 0, argv[1]));
	if (!strcmp(action, "mount-as") && args == 2)
		end(!mount("none", argv[2], argv[1], 0, NULL));
	if (!strcmp(action, "remount") && args == 2)
		end(!mount("none", argv[2], "rcfs", MS_REMOUNT, argv[1]));
	if (!strcmp(action, "forkin") && args == 1)
		fork_in(argv[1]);
	if (!strcmp(action, "nssave") && args == 2)
		save_ns(argv[1], argv[2]);
	if (!strcmp(action, "nsopen") && args == 1)
		open_ns(argv[1]);
	if (!strcmp(action, "run") && args >= 1) {
		execvp(argv[1], argv + 1);
		die(argv[1]);
	}
	fputs(usage, stderr);
	return 2;
}
