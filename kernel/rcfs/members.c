// SPDX-License-Identifier: GPL-2.0
/*
 * Who is in a container
 *
 * There is no list of that: who wants to know looks at all who might be. These are
 * the loops of that, which do little for each task, but for many.
 */

#include <linux/pid_namespace.h>
#include <linux/radix-tree.h>
#include <linux/rcfs.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

/**
 * rcfs_find_members - find tasks in a container, in the order of their ids
 * @cont: the container
 * @ns: whose ids, and who can be seen
 * @from: the id to begin with; then the one to go on with, or 0 if there are no
 *	  more
 * @members: room for @max tasks with their ids
 * @max: how many ids that are in use to look at; at least one
 *
 * A task that has given up its nsproxy on its way out is in no container.
 *
 * Context: Under RCU, which keeps the tasks.
 * Return: how many there are in @members
 */
unsigned int rcfs_find_members(const struct rcfs_container *cont,
			       struct pid_namespace *ns, pid_t *from,
			       struct rcfs_member *members, unsigned int max)
{
	const unsigned int base = ns->idr.idr_base;
	struct radix_tree_iter iter;
	unsigned int found = 0;
	void __rcu **slot;

	/* As idr_for_each(), which always begins with the lowest id */
	radix_tree_for_each_slot(slot, &ns->idr.idr_rt, &iter, *from - base) {
		struct pid *pid = radix_tree_deref_slot(slot);
		struct task_struct *tsk;

		if (radix_tree_deref_retry(pid)) {
			slot = radix_tree_iter_retry(&iter);
			continue;
		}
		/* It may be the id of a group or session, or of nobody as yet. */
		tsk = pid ? pid_task(pid, PIDTYPE_PID) : NULL;
		if (tsk && rcfs_container_has_task(cont, tsk)) {
			members[found].tsk = tsk;
			members[found].id = base + iter.index;
			found++;
		}
		if (!--max) {
			*from = base + iter.index + 1;
			return found;
		}
	}
	*from = 0;
	return found;
}

/**
 * rcfs_find_elsewhere - find a thread that is in another container
 * @cont: the container
 * @tsk: a thread of the process in question
 *
 * Threads that come into being or exit meanwhile may be found or not; one that
 * was there before, and is after, is, if no other one is found.
 *
 * Context: Any.
 * Return: the first thread that is in another container of the hierarchy, with a
 *	   reference for the caller, or NULL.
 */
struct task_struct *rcfs_find_elsewhere(const struct rcfs_container *cont,
					struct task_struct *tsk)
{
	struct task_struct *thread;

	guard(rcu)();
	for_each_thread(tsk, thread)
		if (rcfs_container_lacks_task(cont, thread))
			return get_task_struct(thread);
	return NULL;
}
