// SPDX-License-Identifier: GPL-2.0
/*
 * Spawn a command into the group of a directory, by posix_spawn(3) of glibc 2.39 and
 * later. Prints how it ended, or why it did not begin.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

extern char **environ;

int main(int argc, char **argv)
{
	posix_spawnattr_t attr;
	int dir, err, status;
	pid_t pid;

	if (argc < 3) {
		fputs("usage: spawn DIR COMMAND...\n", stderr);
		return 2;
	}
	dir = open(argv[1], O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0) {
		perror(argv[1]);
		return 2;
	}
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETCGROUP);
	posix_spawnattr_setcgroup_np(&attr, dir);
	err = posix_spawnp(&pid, argv[2], NULL, &attr, argv + 2, environ);
	if (err) {
		puts(strerrorname_np(err));
		return 0;
	}
	if (waitpid(pid, &status, 0) != pid) {
		perror("waitpid");
		return 2;
	}
	printf("exited %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	return 0;
}
