/* SPDX-License-Identifier: GPL-2.0 */
/* Functions for all programs of these tests */
#ifndef _SELFTESTS_RCFS_HELPERS_H
#define _SELFTESTS_RCFS_HELPERS_H

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>

/* Ends the program with a diagnostic line of KTAP. */
static inline void fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("# ", stdout);
	vprintf(format, args);
	putchar('\n');
	va_end(args);
	exit(1);
}

static inline unsigned long clock_ns(clockid_t clock)
{
	struct timespec now;

	if (clock_gettime(clock, &now))
		fail("clock_gettime: %s", strerror(errno));
	return now.tv_sec * 1000000000UL + now.tv_nsec;
}

static inline unsigned long now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

/* A wait takes moments. After this time, it has failed. */
#define LIMIT_SECONDS 300

static inline bool in_vain(unsigned long since)
{
	return now_ns() - since > LIMIT_SECONDS * 1000000000UL;
}

/* Reaps a child, which must have succeeded. */
static inline void reap(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		fail("waitpid: %s", strerror(errno));
	if (status)
		fail("task %d ended with status %#x", pid, status);
}

#endif
