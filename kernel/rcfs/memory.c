// SPDX-License-Identifier: GPL-2.0
/*
 * Containers as owners of memory cgroups
 */

#include <linux/kernfs.h>
#include <linux/memcontrol.h>
#include <linux/oom.h>
#include <linux/printk.h>
#include <linux/rcfs.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/task.h>

/* An mm has one owner, even if processes share it: each mm is found once. */
static bool owns_mm(struct task_struct *tsk)
{
	guard(task_lock)(tsk);
	return tsk->mm && rcu_access_pointer(tsk->mm->owner) == tsk;
}

/* Tasks that move in the meantime may be missed, as in control groups. */
static int scan_tasks(void *owner, struct mem_cgroup *memcg,
		      int (*fn)(struct task_struct *, void *), void *arg)
{
	struct task_struct *tsk;
	struct rcfs_walk walk;
	int ret = 0;

	rcfs_walk_begin(&walk, owner);
	while (!ret && (tsk = rcfs_walk_next(&walk)))
		/*
		 * A victim of the OOM killer that is freeing its memory has no mm any more.
		 * The OOM killer waits for that victim, and kills no other one for now.
		 *
		 * A control group with the memory controller takes precedence.
		 */
		if ((owns_mm(tsk) || tsk_is_oom_victim(tsk)) &&
		    mem_cgroup_from_task(tsk) == memcg)
			ret = fn(tsk, arg);
	return ret;
}

static void pr_cont_path(void *owner)
{
	const struct rcfs_container *cont = owner;

	pr_cont("rcfs:");
	/* A new container has no directory yet. */
	if (READ_ONCE(cont->directory))
		pr_cont_kernfs_path(cont->directory);
}

static const struct mem_cgroup_owner_ops owner_ops = {
	.scan_tasks = scan_tasks,
	.event = rcfs_notify_memory_event,
	.pr_cont_path = pr_cont_path,
};

/**
 * rcfs_own_mem_cgroup - make a container the owner of a memory cgroup
 * @memcg: a detached group that has no owner yet
 * @ns: the nsproxy of the container; &init_nsproxy for a root, which owns none
 *
 * mem_cgroup_kill_detached() ends this. The container has to stay for an RCU grace
 * period after that.
 *
 * Context: Process context, with the mutex of rcfs held.
 */
void rcfs_own_mem_cgroup(struct mem_cgroup *memcg, struct nsproxy *ns)
{
	if (ns->rcfs_owner)
		mem_cgroup_set_owner(memcg, &owner_ops, ns->rcfs_owner);
}
