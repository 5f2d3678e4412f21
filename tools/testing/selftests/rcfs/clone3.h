/* SPDX-License-Identifier: GPL-2.0 */
/* Children that begin in a container. The C library has no function for this. */
#ifndef _SELFTESTS_RCFS_CLONE3_H
#define _SELFTESTS_RCFS_CLONE3_H

#include <linux/sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * As fork(2), but the child begins in the container whose directory @dir refers to.
 * @flags are more flags of clone(2). @pidfd, unless NULL, gets a descriptor of the child.
 */
static inline pid_t clone_into(int dir, uint64_t flags, int *pidfd)
{
	struct clone_args args = {
		.flags = CLONE_INTO_CGROUP | flags | (pidfd ? CLONE_PIDFD : 0),
		.pidfd = (uintptr_t)pidfd,
		.exit_signal = SIGCHLD,
		.cgroup = dir,
	};

	return syscall(SYS_clone3, &args, sizeof(args));
}

#endif
