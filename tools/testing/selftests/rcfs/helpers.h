/* SPDX-License-Identifier: GPL-2.0 */
/* What the programs of these tests share. */
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

/* What is waited for takes moments. Who waits this long waits in vain. */
#define LIMIT_SECONDS 300

static inline bool in_vain(unsigned long since)
{
	return now_ns() - since > LIMIT_SECONDS * 1000000000UL;
}

/* Waits for a child that has to end well. */
static inline void reap(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		fail("waitpid: %s", strerror(errno));
	if (status)
		fail("task %d ended with status %#x", pid, status);
}

#endif
