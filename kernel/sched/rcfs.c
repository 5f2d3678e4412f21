// SPDX-License-Identifier: GPL-2.0
/*
 * What the scheduler does for rcfs: CPUs of tasks, and task groups for containers
 *
 * A part of kernel/sched/core.c, whose static functions this calls: without
 * CONFIG_RCFS, they stay static.
 */

#include <linux/sched/rcfs.h>
#include <linux/security.h>

/* ---- on which CPUs tasks run */

/**
 * sched_rcfs_update_cpus - let a task run where its containers let it
 * @p: a task for which rcfs_limit_cpus() has come to do something else, or which
 *     has to be looked at again
 *
 * It may run on all CPUs that its cpuset, the task itself by sched_setaffinity(2)
 * and its containers in rcfs agree on, as set_cpus_allowed_ptr() sees to.
 *
 * Context: Process context, may sleep.
 */
void sched_rcfs_update_cpus(struct task_struct *p)
{
	struct affinity_context ac = { .flags = SCA_CPUSET };
	cpumask_var_t allowed, now;
	bool settled, locked = false;

	/* Such a task is where it has to be. It may be setting other flags. */
	if (data_race(READ_ONCE(p->flags)) & PF_NO_SETAFFINITY)
		return;
	/* Small, and there is nobody who could do it again later. */
	if (!alloc_cpumask_var(&allowed, GFP_KERNEL | __GFP_NOFAIL))
		return;
	if (!alloc_cpumask_var(&now, GFP_KERNEL | __GFP_NOFAIL))
		goto out;
	/*
	 * Control groups may change what the cpuset allows and have told @p by
	 * the time that we do: this would be what was allowed before. So look
	 * again. The second time, the lock keeps them from changing it: there is
	 * no third. All else is looked at under the lock of the run queue.
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
 * sched_rcfs_set_cpus - let a task run on some CPUs, if its containers have them
 * @p: the task
 * @mask: CPUs that somebody has asked for, for whom they may be gone by now
 *
 * Like set_cpus_allowed_ptr(), which speaks for the cpuset, and lets @p run on @mask
 * where the containers have none of that.
 *
 * Context: Process context, may sleep.
 * Return: 0, or -EINVAL if there is no such CPU. @p keeps those that it has, then.
 */
int sched_rcfs_set_cpus(struct task_struct *p, const struct cpumask *mask)
{
	struct affinity_context ac = { .new_mask = mask, .flags = SCA_WITHIN };

	return __set_cpus_allowed_ptr(p, &ac);
}

/*
 * Whether @child, made by current, may keep the CPUs that dup_task_struct() has
 * copied, without a lock: the mask and the bit may be from different times.
 *
 * If the mask of current is not less than it would be without rcfs, and the child
 * has the same one, that mask is right, unless the containers of the child take
 * something from it. What has changed since is the business of those who change
 * it: they find the child, which is visible, and take the locks. Whoever moved
 * current and has not told it yet has left the bit.
 */
static bool copied_cpus_are_right(const struct task_struct *child)
{
	CLASS(task_rq_lock, rq_guard)(current);
	struct cpumask *scratch = rq_guard.rq->scratch_mask;

	/* If somebody sets those of the child just now, they will be right. */
	if (data_race(child->sched_rcfs_limited ||
		      !cpumask_equal(&child->cpus_mask, &current->cpus_mask)) ||
	    current->sched_rcfs_limited)
		return false;
	cpumask_copy(scratch, &current->cpus_mask);
	rcfs_limit_cpus(child, scratch);
	return cpumask_equal(scratch, &current->cpus_mask);
}

/**
 * sched_rcfs_fork_cpus - let a child run where its containers let it
 * @child: a child of current in a fork, which others see
 *
 * A child that nothing limits is left as it is, with what somebody has set who did
 * not ask the cpuset.
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
 * sched_rcfs_check_set_affinity - ask whether current may say where a task runs
 * @p: the task
 *
 * The questions of the cpuset of control groups for a task that moves.
 *
 * Return: 0, -EINVAL for a task that has to stay on its CPUs, or what a security
 *	   module says: -EPERM if @p has capabilities that current has not, and
 *	   current has not CAP_SYS_NICE.
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
 * The question of sched_setaffinity(2). Bandwidth does not have to be moved, as it
 * has between cpusets: @p stays in its root domain. As there, the answer may be
 * overtaken by a sched_setattr(2).
 *
 * Return: 0, or -EBUSY if @p has the policy SCHED_DEADLINE, and admission has
 *	   counted on CPUs that are not in @cpus.
 */
int sched_rcfs_may_run_on(struct task_struct *p, const struct cpumask *cpus)
{
	return dl_task_check_affinity(p, cpus);
}
EXPORT_SYMBOL_GPL(sched_rcfs_may_run_on);

/**
 * sched_rcfs_is_limited - whether a task lacks CPUs because of rcfs
 * @p: the task
 *
 * Return: what is true at the moment.
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

/* Whoever found it before it was released is done with it. */
static void unregister_rcfs_group(struct rcu_head *rcu)
{
	struct task_group *tg = container_of(rcu, struct task_group, rcu);
	struct task_group *parent = tg->parent;

#ifdef CONFIG_RT_GROUP_SCHED
	/* Not ours: see sched_rcfs_create_group(). */
	tg->rt_se = NULL;
	tg->rt_rq = NULL;
#endif
	sched_unregister_group(tg);
	/* Its entities were on the runqueues of the parent, which have to stay. */
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
 * @parent: the group of the container above, or NULL for &root_task_group
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
 * sched_rcfs_free_group - free a task group that no container has any more
 * @tg: what sched_rcfs_create_group() returned
 *
 * An RCU grace period must have passed since rcfs_task_group() returned it. For the
 * tasks for which it did, sched_rcfs_update_task() must have been called since it
 * does not any more, unless they have been reaped and have left the CPU for the
 * last time. Groups below it keep it.
 *
 * Context: Process context, may sleep.
 */
void sched_rcfs_free_group(struct task_group *tg)
{
	/* cfs_bandwidth_used() is about groups that there are. */
	if (tg->cfs_bandwidth.quota != RUNTIME_INF)
		tg_set_bandwidth(tg, default_bw_period_us(), RUNTIME_INF, 0);
	put_rcfs_group(tg);
}

/* wake_up_new_task() takes the pi_lock as well. The rest is its business. */
static bool sched_rcfs_update_new_task(struct task_struct *p)
{
	struct task_group *tg;

	/* Once it is something else, it never is that again. */
	if (READ_ONCE(p->__state) != TASK_NEW)
		return false;

	guard(raw_spinlock_irqsave)(&p->pi_lock);

	if (READ_ONCE(p->__state) != TASK_NEW)
		return false;

	/*
	 * Until cgroup_post_fork() it seems to be in the root cgroup. What
	 * sched_cgroup_fork() found, or a migration since, is the truth.
	 */
	tg = task_group(p);
	if (task_group_is_autogroup(tg) || task_group_is_rcfs(tg))
		tg = &root_task_group;
	p->sched_task_group = effective_task_group(p, tg);
	/* Also if it is the same: sched_change_group() may have left this. */
	set_task_rq(p, task_cpu(p));
	return true;
}

/**
 * sched_rcfs_update_task - put a task into the group that it belongs to
 * @p: a task that has come into a container, or left one
 *
 * Context: Any but one with a pi_lock or the lock of a run queue held.
 */
void sched_rcfs_update_task(struct task_struct *p)
{
	if (!sched_rcfs_update_new_task(p))
		sched_move_task(p, true);
}

/**
 * sched_rcfs_fork - put a child into the group that it belongs to
 * @p: a child in a fork
 *
 * It is in no container, and in no group of one, until it is about to become
 * visible. Call it then.
 *
 * Context: As sched_rcfs_update_task().
 */
void sched_rcfs_fork(struct task_struct *p)
{
	/* If it was in one and is no more, who has moved it has seen to it. */
	if (rcfs_task_group(p))
		sched_rcfs_update_task(p);
}

/**
 * sched_rcfs_task_dead - take a task out of its group for good
 * @p: a task that has been reaped, and has left the CPU for the last time
 *
 * Whoever has a reference on @p may still set its priority or policy, for which
 * the scheduler looks at the group. Its load has been taken out of the group
 * already (task_dead_fair()): there is nothing to move.
 *
 * Context: Any but one with a pi_lock or the lock of a run queue held.
 */
void sched_rcfs_task_dead(struct task_struct *p)
{
	/* What keeps the group is given up after this. Nobody else moves the task. */
	if (!task_group_is_rcfs(task_group(p)))
		return;

	guard(task_rq_lock)(p);
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
 * Return: what sched_rcfs_set_shares() has set, 1024 in the beginning.
 */
u64 sched_rcfs_shares(struct task_group *tg)
{
	return scale_load_down(READ_ONCE(tg->shares));
}

/**
 * sched_rcfs_set_bandwidth - limit the CPU time of a task group
 * @tg: a group of rcfs
 * @period_us: length of a period
 * @quota_us: how much of that the group may use, on all CPUs together; less
 *	      than 0 for no limit
 *
 * Context: Process context, may sleep.
 * Return: 0, or -EINVAL for what is out of range, or more than a group above
 *	   has or less than one below.
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
 * Return: not always what sched_rcfs_set_bandwidth() has set: a period that is
 *	   too short for the machine is made longer, and the quota with it.
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
 * sched_rcfs_read_stat - get what has come of a limit
 * @tg: a group of rcfs
 * @stat: is filled in
 */
void sched_rcfs_read_stat(struct task_group *tg, struct sched_rcfs_stat *stat)
{
	struct cfs_bandwidth *cfs_b = &tg->cfs_bandwidth;

	guard(raw_spinlock_irqsave)(&cfs_b->lock);
	stat->nr_periods = cfs_b->nr_periods;
	stat->nr_throttled = cfs_b->nr_throttled;
	stat->throttled_ns = cfs_b->throttled_time;
}
#endif /* CONFIG_RCFS_TASK_GROUP */
