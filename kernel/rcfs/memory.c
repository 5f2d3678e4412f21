// SPDX-License-Identifier: GPL-2.0
/*
 * Containers as owners of memory cgroups
 */

#include <linux/kernfs.h>
#include <linux/memcontrol.h>
#include <linux/nmi.h>
#include <linux/oom.h>
#include <linux/printk.h>
#include <linux/rcfs.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

/*
 * Whether a search for processes takes this thread for its process. An mm has one owner,
 * even if processes share it: each mm is found once.
 *
 * A victim of the OOM killer has no mm any more while its memory is being freed. The OOM
 * killer must see such a victim, so that it does not kill another process. As long as a
 * thread of the victim still owns the mm, and is in a container that is searched, that
 * thread is found instead.
 */
static bool stands_for_process(struct task_struct *tsk)
{
	struct task_struct *owner;

	guard(task_lock)(tsk);
	if (tsk->mm)
		return rcu_access_pointer(tsk->mm->owner) == tsk;
	if (!tsk_is_oom_victim(tsk))
		return false;
	owner = rcu_dereference(tsk->signal->oom_mm->owner);
	return !owner || owner == tsk || !same_thread_group(owner, tsk);
}

/* A search for tasks whose memory is charged to @memcg */
struct scan {
	struct mem_cgroup *memcg;
	int (*fn)(struct task_struct *tsk, void *arg);
	void *arg;
	unsigned int seen;
};

static int scan_task(struct scan *scan, struct task_struct *tsk)
{
	/* The OOM killer does the same when it searches all processes. */
	if (!(++scan->seen % 1024))
		touch_softlockup_watchdog();
	/* A control group with the memory controller takes precedence. */
	if (stands_for_process(tsk) && mem_cgroup_from_task(tsk) == scan->memcg)
		return scan->fn(tsk, scan->arg);
	return 0;
}

static int scan_tasks(void *owner, struct mem_cgroup *memcg,
		      int (*fn)(struct task_struct *, void *), void *arg)
{
	struct scan scan = { .memcg = memcg, .fn = fn, .arg = arg };
	struct task_struct *process, *tsk;
	struct rcfs_walk walk;
	int ret = 0;

	rcfs_walk_begin(&walk, owner);
	while (!ret && (tsk = rcfs_walk_next(&walk)))
		ret = scan_task(&scan, tsk);
	if (ret || rcfs_walk_is_complete(&walk))
		return ret;
	/* A task that keeps changing its nsproxy must not evade the search. */
	for_each_process_thread(process, tsk) {
		ret = scan_task(&scan, tsk);
		if (ret)
			return ret;
	}
	return 0;
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
 * @memcg: the group
 * @cont: the container, not the root of a hierarchy
 *
 * mem_cgroup_kill_detached() ends this. The container must stay for an RCU grace
 * period after that.
 *
 * Context: Process context, with the mutex of rcfs held.
 * Return: whether @cont is the owner. The group of a cgroup, and a group that has or
 *	   had an owner, do not get one.
 */
bool rcfs_own_mem_cgroup(struct mem_cgroup *memcg, struct rcfs_container *cont)
{
	if (!css_is_detached(&memcg->css) || memcg->owner)
		return false;
	mem_cgroup_set_owner(memcg, &owner_ops, cont);
	return true;
}

/**
 * rcfs_retire_mem_cgroup - say that the memory cgroup of a container is going
 * @cont: a container that has been retired
 *
 * A write to a file may reclaim memory for a long time. rmdir(2) waits for the write
 * with the mutex of rcfs held.
 *
 * Context: Process context, with the mutex of rcfs held.
 */
void rcfs_retire_mem_cgroup(const struct rcfs_container *cont)
{
	struct mem_cgroup *memcg = rcfs_container_mem_cgroup(cont);

	if (memcg && memcg->owner == cont)
		mem_cgroup_retire_detached(memcg);
}
