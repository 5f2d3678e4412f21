// SPDX-License-Identifier: GPL-2.0
/*
 * Configure a mount of rcfs with fsopen(2) and fsconfig(2), in ways that mount(8) does
 * not offer. Prints the result of each step, and the messages of the kernel:
 *
 *	fsconfig STEP...
 *	flag:KEY  string:KEY=VALUE  binary:KEY=VALUE  fd:KEY  path:KEY=PATH  create
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int config(int fs, unsigned int cmd, const char *key, const void *value,
		  int aux)
{
	return syscall(SYS_fsconfig, fs, cmd, key, value, aux);
}

static int step(int fs, char *step)
{
	char *key = strchr(step, ':'), *value = NULL;

	if (!strcmp(step, "create"))
		return config(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
	if (!key) {
		errno = EINVAL;
		return -2;
	}
	*key++ = '\0';
	value = strchr(key, '=');
	if (value)
		*value++ = '\0';

	if (!strcmp(step, "flag"))
		return config(fs, FSCONFIG_SET_FLAG, key, NULL, 0);
	if (!strcmp(step, "string") && value)
		return config(fs, FSCONFIG_SET_STRING, key, value, 0);
	if (!strcmp(step, "binary") && value)
		return config(fs, FSCONFIG_SET_BINARY, key, value, strlen(value));
	if (!strcmp(step, "path") && value)
		return config(fs, FSCONFIG_SET_PATH, key, value, AT_FDCWD);
	if (!strcmp(step, "fd"))
		return config(fs, FSCONFIG_SET_FD, key, NULL, STDOUT_FILENO);
	return -2;
}

int main(int argc, char **argv)
{
	int fs = syscall(SYS_fsopen, "rcfs", 0);

	if (fs < 0) {
		perror("fsconfig: fsopen");
		return 2;
	}
	for (int i = 1; i < argc; i++) {
		char message[512];
		ssize_t n;
		int ret = step(fs, argv[i]);

		if (ret == -2) {
			fprintf(stderr, "fsconfig: no such step: %s\n", argv[i]);
			return 2;
		}
		if (!ret)
			puts("OK");
		else if (errno == EINVAL)
			puts("EINVAL");
		else if (errno == ENOENT)
			puts("ENOENT");
		else
			puts(strerror(errno));
		while ((n = read(fs, message, sizeof(message))) > 0)
			printf("%.*s", (int)n, message);
	}
	return 0;
}
