// SPDX-License-Identifier: GPL-2.0
/*
 * A process of N threads, all of which sleep until it is killed.
 */
#include <limits.h>
#include <pthread.h>
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
	int ret;

	if (argc != 2 || atoi(argv[1]) < 1) {
		fputs("usage: threads N\n", stderr);
		return 2;
	}
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, PTHREAD_STACK_MIN + 16384);
	for (int n = atoi(argv[1]); n > 1; n--) {
		ret = pthread_create(&thread, &attr, sleeper, NULL);
		if (ret) {
			fprintf(stderr, "threads: %s\n", strerror(ret));
			return 1;
		}
	}
	sleeper(NULL);
}
