// SPDX-License-Identifier: GPL-2.0
/*
 * The scheduler's part of rcfs: CPUs of tasks, and task groups for containers
 *
 * This file is included by kernel/sched/core.c, because it calls static functions of
 * that file.
 */

#include <linux/sched/rcfs.h>
#include <linux/security.h>

/* ---- CPUs of tasks */

/**
 * sched_rcfs_update_cpus - apply a change of the CPUs that a container allows
 * @p: a task whose result of rcfs_limit_cpus() may have changed
 *
 * The task may run on those CPUs that its cpuset, its own sched_setaffinity(2) and its
 * containers in rcfs allow, as set_cpus_allowed_ptr() ensures.
 *
 * Context: Process context, may sleep.
 */
void sched_rcfs_update_cpus(struct task_struct *p)
{
	/* Look at PF_NO_SETAFFINITY again: see __set_cpus_allowed_ptr_locked(). */
	struct affinity_context ac = { .flags = SCA_CPUSET | SCA_CHECK };
	cpumask_var_t allowed, now;
	bool settled, locked = false;

	/* Such a task stays on its CPUs. It may be setting other flags at this time. */
	if (data_race(READ_ONCE(p->flags)) & PF_NO_SETAFFINITY)
		return;
	/* The masks are small, and a caller could not repeat a failed update later. */
	if (!alloc_cpumask_var(&allowed, GFP_KERNEL | __GFP_NOFAIL))
		return;
	if (!alloc_cpumask_var(&now, GFP_KERNEL | __GFP_NOFAIL))
		goto out;
	/*
	 * Control groups may change the cpuset after it has been read, and update @p
	 * before this function does, which would then set an outdated mask. So read the
	 * cpuset again. If it has changed, repeat the update under the lock that keeps
	 * it from changing. Everything else is read under the lock of the run queue.
	 */
	for (;;) {
		cpuset_cpus_allowed(p, allowed);
		rcfs_delay(RCFS_DELAY_CPUS);
		ac.new_mask = allowed;
		__set_cpus_allowed_ptr(p, &ac);
		cpuset_cpus_allowed(p, now);
		settled = cpumask_equal(allowed, now);
		if (locked || settled)
			break;
		cpuset_lock();
		locked = true;
	}
	if (locked)
		cpuset_unlock();
	free_cpumask_var(now);
out:
	free_cpumask_var(allowed);
}
EXPORT_SYMBOL_GPL(sched_rcfs_update_cpus);

/**
 * sched_rcfs_set_cpus - set the CPUs of a task within those of its containers
 * @p: the task
 * @mask: the CPUs that have been asked for, some of which may have gone
 *
 * set_cpus_allowed_ptr() is for the cpuset: it lets @p run on @mask if no CPU of @mask
 * is in the containers. This function fails in that case.
 *
 * Context: Process context, may sleep.
 * Return: 0, or -EINVAL if there is no such CPU. @p keeps its CPUs in that case.
 */
int sched_rcfs_set_cpus(struct task_struct *p, const struct cpumask *mask)
{
	struct affinity_context ac = { .new_mask = mask, .flags = SCA_WITHIN };

	return __set_cpus_allowed_ptr(p, &ac);
}

/*
 * Whether @child, a child of current, may keep the mask of CPUs that dup_task_struct()
 * has copied. That copy was made without a lock: the mask and sched_rcfs_limited may be
 * from different times.
 *
 * The copy is right if the mask of current is not limited by rcfs, the child has the
 * same mask, and the containers of the child take nothing from it. Later changes are
 * applied by their authors, who find the child, because it is visible, and take the
 * locks. If current has been moved and not been updated yet, sched_rcfs_limited is still
 * set.
 */
static bool copied_cpus_are_right(const struct task_struct *child)
{
	CLASS(task_rq_lock, rq_guard)(current);
	struct cpumask *scratch = rq_guard.rq->scratch_mask;

	/* If the mask of the child is being set at this time, the result is right. */
	if (data_race(child->sched_rcfs_limited ||
		      !cpumask_equal(&child->cpus_mask, &current->cpus_mask)) ||
	    current->sched_rcfs_limited)
		return false;
	cpumask_copy(scratch, &current->cpus_mask);
	rcfs_limit_cpus(child, scratch);
	return cpumask_equal(scratch, &current->cpus_mask);
}

/**
 * sched_rcfs_fork_cpus - set the CPUs of a new child within those of its containers
 * @child: a child of current in a fork, which is visible already
 *
 * A child that is not limited keeps its mask, even if the mask was set without regard
 * to the cpuset.
 *
 * Context: Process context, may sleep.
 */
void sched_rcfs_fork_cpus(struct task_struct *child)
{
	if (!copied_cpus_are_right(child))
		sched_rcfs_update_cpus(child);
}
EXPORT_SYMBOL_GPL(sched_rcfs_fork_cpus);

/**
 * sched_rcfs_check_set_affinity - check whether current may set the CPUs of a task
 * @p: the task
 *
 * The checks are those of the cpuset of control groups for a task that moves.
 *
 * Return: 0; -EINVAL for a task that has to stay on its CPUs; or the error of a
 *	   security module: -EPERM if @p has capabilities that current lacks, and
 *	   current lacks CAP_SYS_NICE.
 */
int sched_rcfs_check_set_affinity(struct task_struct *p)
{
	return task_can_attach(p) ?: security_task_setscheduler(p);
}
EXPORT_SYMBOL_GPL(sched_rcfs_check_set_affinity);

/**
 * sched_rcfs_may_run_on - ask deadline admission whether a task may be limited
 * @p: the task
 * @cpus: the CPUs that it would be limited to
 *
 * The check is that of sched_setaffinity(2). No bandwidth has to be moved, as it has
 * between cpusets: @p stays in its root domain. A concurrent sched_setattr(2) may make
 * the answer wrong, as for sched_setaffinity(2).
 *
 * Return: 0, or -EBUSY if @p has the policy SCHED_DEADLINE and was admitted to CPUs that
 *	   are not in @cpus.
 */
int sched_rcfs_may_run_on(struct task_struct *p, const struct cpumask *cpus)
{
	return dl_task_check_affinity(p, cpus);
}
EXPORT_SYMBOL_GPL(sched_rcfs_may_run_on);

/**
 * sched_rcfs_is_limited - whether rcfs keeps a task from some CPUs
 * @p: the task
 *
 * Return: the answer at the time of the call.
 */
bool sched_rcfs_is_limited(struct task_struct *p)
{
	guard(raw_spinlock_irqsave)(&p->pi_lock);
	return p->sched_rcfs_limited;
}
EXPORT_SYMBOL_GPL(sched_rcfs_is_limited);

/* ---- task groups */

#ifdef CONFIG_RCFS_TASK_GROUP
static void put_rcfs_group(struct task_group *tg);

/* RCU readers that found the group before its release are done with it. */
static void unregister_rcfs_group(struct rcu_head *rcu)
{
	struct task_group *tg = container_of(rcu, struct task_group, rcu);
	struct task_group *parent = tg->parent;

#ifdef CONFIG_RT_GROUP_SCHED
	/* These belong to root_task_group: see sched_rcfs_create_group(). */
	tg->rt_se = NULL;
	tg->rt_rq = NULL;
#endif
	sched_unregister_group(tg);
	/* The entities of the group were on the run queues of the parent. */
	if (task_group_is_rcfs(parent))
		put_rcfs_group(parent);
}

static void release_rcfs_group(struct rcu_head *rcu)
{
	struct task_group *tg = container_of(rcu, struct task_group, rcu);

	sched_release_group(tg);
	call_rcu(&tg->rcu, unregister_rcfs_group);
}

static void put_rcfs_group(struct task_group *tg)
{
	if (refcount_dec_and_test(&tg->rcfs_users))
		call_rcu(&tg->rcu, release_rcfs_group);
}

/**
 * sched_rcfs_create_group - make a task group for a container
 * @parent: the group of the parent container, or NULL for &root_task_group
 *
 * Context: Process context, may sleep.
 * Return: the group, or an ERR_PTR().
 */
struct task_group *sched_rcfs_create_group(struct task_group *parent)
{
	static atomic64_t last_id;
	struct task_group *tg;

	parent = parent ?: &root_task_group;
	tg = sched_create_group(parent);
	if (IS_ERR(tg))
		return tg;

	tg->rcfs_id = atomic64_inc_return(&last_id);
	refcount_set(&tg->rcfs_users, 1);
	if (task_group_is_rcfs(parent))
		refcount_inc(&parent->rcfs_users);
#ifdef CONFIG_RT_GROUP_SCHED
	/* As in autogroup_create(): RT tasks are in the root task group. */
	free_rt_sched_group(tg);
	tg->rt_se = root_task_group.rt_se;
	tg->rt_rq = root_task_group.rt_rq;
#endif
	sched_online_group(tg, parent);
	return tg;
}

/**
 * sched_rcfs_free_group - free the task group of a container
 * @tg: what sched_rcfs_create_group() returned
 *
 * The caller makes sure that an RCU grace period has passed since rcfs_task_group() last
 * returned @tg, and that no task is in the group: every task either has been through
 * sched_rcfs_update_task() since, or has been reaped and has left the CPU for the last
 * time. Groups below @tg keep @tg.
 *
 * Context: Process context, may sleep.
 */
void sched_rcfs_free_group(struct task_group *tg)
{
	/* Drop the group from the count behind cfs_bandwidth_used(). */
	if (tg->cfs_bandwidth.quota != RUNTIME_INF)
		tg_set_bandwidth(tg, default_bw_period_us(), RUNTIME_INF, 0);
	put_rcfs_group(tg);
}

/*
 * The group of a task that has never run. Until cgroup_post_fork(), the task seems to be
 * in the root cgroup. Its real group has been set by sched_cgroup_fork(), or by a
 * migration since.
 */
static struct task_group *new_task_group(struct task_struct *p)
{
	struct task_group *tg = task_group(p);

	if (task_group_is_autogroup(tg) || task_group_is_rcfs(tg))
		tg = &root_task_group;
	return effective_task_group(p, tg);
}

/* wake_up_new_task() takes the pi_lock as well, and does everything else. */
static bool sched_rcfs_update_new_task(struct task_struct *p)
{
	/* A task never returns to TASK_NEW. */
	if (READ_ONCE(p->__state) != TASK_NEW)
		return false;

	guard(raw_spinlock_irqsave)(&p->pi_lock);

	if (READ_ONCE(p->__state) != TASK_NEW)
		return false;

	p->sched_task_group = new_task_group(p);
	/* Do this even if the group is the same: sched_change_group() may not have. */
	set_task_rq(p, task_cpu(p));
	return true;
}

/**
 * sched_rcfs_update_task - put a task into its task group
 * @p: a task that has entered or left a container
 *
 * Context: Any, without a pi_lock and without the lock of a run queue.
 */
void sched_rcfs_update_task(struct task_struct *p)
{
	if (!sched_rcfs_update_new_task(p))
		sched_move_task(p, true);
}

/**
 * sched_rcfs_join_group - put a new task into the task group of its container
 * @p: a task that is about to run for the first time
 *
 * A child is in no container until it becomes visible, which is after
 * sched_cgroup_fork(). The caller calls set_task_rq() next.
 *
 * Context: With the pi_lock held. If @p is attached at the same time,
 *	    sched_rcfs_update_task() waits for the lock.
 */
void sched_rcfs_join_group(struct task_struct *p)
{
	lockdep_assert_held(&p->pi_lock);
	p->sched_task_group = new_task_group(p);
}

/**
 * sched_rcfs_task_dead - remove a task from its group for good
 * @p: a task that has been reaped, and has left the CPU for the last time
 *
 * A reference on @p can still be used to set its priority or policy, for which the
 * scheduler looks at the group with the pi_lock held. @p is on no run queue, so that no
 * CPU looks at the group with the lock of a run queue alone. task_dead_fair() has removed
 * the load of @p from the group already, so that there is no load to move.
 *
 * Context: Any, without a pi_lock and without the lock of a run queue.
 */
void sched_rcfs_task_dead(struct task_struct *p)
{
	/* The caller drops the pin of the group after this. No other CPU moves the task. */
	if (!task_group_is_rcfs(task_group(p)))
		return;

	guard(raw_spinlock_irqsave)(&p->pi_lock);
	p->se.avg.last_update_time = 0;
	p->sched_task_group = &root_task_group;
	set_task_rq(p, task_cpu(p));
}

/**
 * sched_rcfs_set_shares - set the weight of a task group
 * @tg: a group of rcfs
 * @shares: 1024 is the weight of a task with nice level 0
 *
 * Context: Process context, may sleep.
 * Return: 0, or -ERANGE.
 */
int sched_rcfs_set_shares(struct task_group *tg, u64 shares)
{
	if (shares < MIN_SHARES || shares > MAX_SHARES)
		return -ERANGE;
	return sched_group_set_shares(tg, scale_load(shares));
}

/**
 * sched_rcfs_shares - get the weight of a task group
 * @tg: a group of rcfs
 *
 * Return: the weight, which is 1024 in a new group.
 */
u64 sched_rcfs_shares(struct task_group *tg)
{
	return scale_load_down(READ_ONCE(tg->shares));
}

/**
 * sched_rcfs_set_bandwidth - limit the CPU time of a task group
 * @tg: a group of rcfs
 * @period_us: length of a period
 * @quota_us: the time that the group may use in a period, on all CPUs together;
 *	      negative for no limit
 *
 * Context: Process context, may sleep.
 * Return: 0, or -EINVAL if a value is out of range, if the group would get more than a
 *	   group above it, or if it would get less than a group below it.
 */
int sched_rcfs_set_bandwidth(struct task_group *tg, u64 period_us, s64 quota_us)
{
	return tg_set_bandwidth(tg, period_us,
				quota_us < 0 ? RUNTIME_INF : quota_us, 0);
}

/**
 * sched_rcfs_period_us - get the length of a period
 * @tg: a group of rcfs
 *
 * Return: the period. It may be longer than sched_rcfs_set_bandwidth() has set it: if a
 *	   period is too short for the machine, the scheduler extends it, and the quota
 *	   in proportion.
 */
u64 sched_rcfs_period_us(struct task_group *tg)
{
	return tg_get_cfs_period(tg);
}

/**
 * sched_rcfs_quota_us - get the CPU time that a group may use in a period
 * @tg: a group of rcfs
 *
 * Return: the time, or -1 if there is no limit.
 */
s64 sched_rcfs_quota_us(struct task_group *tg)
{
	return tg_get_cfs_quota(tg);	/* (s64)RUNTIME_INF is -1 */
}

/**
 * sched_rcfs_read_stat - get statistics of a limit
 * @tg: a group of rcfs
 * @stat: is filled in
 */
void sched_rcfs_read_stat(struct task_group *tg, struct sched_rcfs_stat *stat)
{
	struct cfs_bandwidth *cfs_b = &tg->cfs_bandwidth;

	guard(raw_spinlock_irqsave)(&cfs_b->lock);
	/* These are counted in an int, which wraps around. */
	stat->nr_periods = (unsigned int)cfs_b->nr_periods;
	stat->nr_throttled = (unsigned int)cfs_b->nr_throttled;
	stat->throttled_ns = cfs_b->throttled_time;
}
#endif /* CONFIG_RCFS_TASK_GROUP */
