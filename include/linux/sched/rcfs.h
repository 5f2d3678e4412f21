/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The scheduler's part of rcfs: CPUs of tasks, and task groups for containers
 *
 * These functions are for the safe abstractions in rust/kernel/rcfs/cpus.rs and
 * rust/kernel/sched.rs. In the other direction, the scheduler calls rcfs_limit_cpus()
 * and rcfs_task_group().
 */
#ifndef _LINUX_SCHED_RCFS_H
#define _LINUX_SCHED_RCFS_H

#include <linux/cgroup.h>
#include <linux/sched.h>
#include <linux/types.h>

struct cpumask;
struct task_group;
struct task_struct;

#ifdef CONFIG_RCFS
void sched_rcfs_update_cpus(struct task_struct *p);
int sched_rcfs_set_cpus(struct task_struct *p, const struct cpumask *mask);
void sched_rcfs_fork_cpus(struct task_struct *child);
int sched_rcfs_check_set_affinity(struct task_struct *p);
int sched_rcfs_may_run_on(struct task_struct *p, const struct cpumask *cpus);
bool sched_rcfs_is_limited(struct task_struct *p);
#else
static inline void sched_rcfs_update_cpus(struct task_struct *p) { }
static inline int sched_rcfs_set_cpus(struct task_struct *p,
				      const struct cpumask *mask)
{
	return set_cpus_allowed_ptr(p, mask);
}
#endif

#ifdef CONFIG_RCFS_TASK_GROUP

/**
 * struct sched_rcfs_stat - statistics of a limit of CPU time
 * @nr_periods: periods in which the group ran
 * @nr_throttled: periods in which the group was throttled
 * @throttled_ns: for how long the group was throttled, the sum over all CPUs
 */
struct sched_rcfs_stat {
	u64 nr_periods;
	u64 nr_throttled;
	u64 throttled_ns;
};

struct task_group *sched_rcfs_create_group(struct task_group *parent);
void sched_rcfs_free_group(struct task_group *tg);
void sched_rcfs_update_task(struct task_struct *p);
void sched_rcfs_join_group(struct task_struct *p);
void sched_rcfs_task_dead(struct task_struct *p);

int sched_rcfs_set_shares(struct task_group *tg, u64 shares);
u64 sched_rcfs_shares(struct task_group *tg);
int sched_rcfs_set_bandwidth(struct task_group *tg, u64 period_us, s64 quota_us);
u64 sched_rcfs_period_us(struct task_group *tg);
s64 sched_rcfs_quota_us(struct task_group *tg);
void sched_rcfs_read_stat(struct task_group *tg, struct sched_rcfs_stat *stat);

/**
 * sched_rcfs_is_overruled - whether a task is in the task group of its cgroup
 * @p: the task
 *
 * If the cgroup of @p has a task group other than the root task group, @p is in that
 * group, and rcfs_task_group() is not asked. A cgroup without the cpu controller has
 * the task group of its nearest ancestor with the controller.
 *
 * Context: Any, under RCU.
 * Return: the answer at the time of the call. Until cgroup_post_fork(), a new child
 *	   seems to be in the root cgroup.
 */
static inline bool sched_rcfs_is_overruled(struct task_struct *p)
{
	return !task_css_is_root(p, cpu_cgrp_id);
}

#else /* !CONFIG_RCFS_TASK_GROUP */
static inline void sched_rcfs_update_task(struct task_struct *p) { }
static inline void sched_rcfs_join_group(struct task_struct *p) { }
static inline void sched_rcfs_task_dead(struct task_struct *p) { }
#endif

#endif /* _LINUX_SCHED_RCFS_H */
