// SPDX-License-Identifier: GPL-2.0
/*
 * A process of N threads, which sleep until the process is killed. With -d the first
 * thread exits, and the others live on.
 */
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *sleeper(void *unused)
{
	for (;;)
		pause();
	return unused;
}

int main(int argc, char **argv)
{
	pthread_attr_t attr;
	pthread_t thread;
	bool dead_leader = argc == 3 && !strcmp(argv[1], "-d");
	int ret;

	if (argc != 2 + dead_leader || atoi(argv[argc - 1]) < 1) {
		fputs("usage: threads [-d] N\n", stderr);
		return 2;
	}
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, PTHREAD_STACK_MIN + 16384);
	for (int n = atoi(argv[argc - 1]); n > 1; n--) {
		ret = pthread_create(&thread, &attr, sleeper, NULL);
		if (ret) {
			fprintf(stderr, "threads: %s\n", strerror(ret));
			return 1;
		}
	}
	if (dead_leader)
		pthread_exit(NULL);
	sleeper(NULL);
}
