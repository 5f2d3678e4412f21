// SPDX-License-Identifier: GPL-2.0
/*
 * The tasks of a container
 *
 * A container has a list of nsproxies that refer to it, and an nsproxy has a list of
 * its tasks. A task that is in the root of every hierarchy is in no list: to find
 * it, one has to look at all tasks. These loops run for many tasks, and are therefore
 * in C.
 */

#include <linux/export.h>
#include <linux/pid_namespace.h>
#include <linux/radix-tree.h>
#include <linux/rcfs.h>
#include <linux/rculist_nulls.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

/**
 * rcfs_find_members - find tasks in a container, in the order of their ids
 * @cont: the container
 * @ns: the pid namespace of the ids; tasks that it cannot see are not found
 * @from: the lowest id to look at; is set to the id to continue with, or to 0 at the
 *	  end
 * @members: array of at least @max tasks
 * @max: how many ids in use to look at, at least one
 *
 * A task that has given up its nsproxy on exit is in no container.
 *
 * Context: Under RCU, which keeps the tasks.
 * Return: the number of tasks in @members
 */
unsigned int rcfs_find_members(const struct rcfs_container *cont,
			       struct pid_namespace *ns, pid_t *from,
			       struct task_struct **members, unsigned int max)
{
	const unsigned int base = ns->idr.idr_base;
	struct radix_tree_iter iter;
	unsigned int found = 0;
	void __rcu **slot;

	/* Like idr_for_each(), which cannot begin with another id than the lowest one */
	radix_tree_for_each_slot(slot, &ns->idr.idr_rt, &iter, *from - base) {
		struct pid *pid = radix_tree_deref_slot(slot);
		struct task_struct *tsk;

		if (radix_tree_deref_retry(pid)) {
			slot = radix_tree_iter_retry(&iter);
			continue;
		}
		/* The id may be that of a process group or session, or not be in use yet. */
		tsk = pid ? pid_task(pid, PIDTYPE_PID) : NULL;
		if (tsk && rcfs_container_has_task(cont, tsk))
			members[found++] = tsk;
		if (!--max) {
			*from = base + iter.index + 1;
			return found;
		}
	}
	*from = 0;
	return found;
}

static void walk_nsproxy(struct rcfs_walk *walk, struct nsproxy *ns)
{
	walk->ns = ns;
	if (ns)
		walk->pos = rcu_dereference(hlist_nulls_first_rcu(&ns->rcfs_members));
}

static struct nsproxy *first_nsproxy(const struct rcfs_container *cont)
{
	return hlist_entry_safe(rcu_dereference(hlist_first_rcu(&cont->nsproxies)),
				struct nsproxy, rcfs_links[cont->hierarchy]);
}

/* The container's own nsproxy comes first. It is not in the list. */
static struct nsproxy *next_nsproxy(const struct rcfs_container *cont, struct nsproxy *ns)
{
	if (ns == cont->nsproxy)
		return first_nsproxy(cont);
	return hlist_entry_safe(rcu_dereference(hlist_next_rcu(&ns->rcfs_links[cont->hierarchy])),
				struct nsproxy, rcfs_links[cont->hierarchy]);
}

/**
 * rcfs_walk_begin - begin a walk along the tasks of a container
 * @walk: the walk, to be initialised
 * @cont: the container, not the root of a hierarchy
 *
 * A walk takes time in proportion to the number of tasks in the container.
 *
 * Context: Under RCU, until the end of the walk.
 */
void rcfs_walk_begin(struct rcfs_walk *walk, const struct rcfs_container *cont)
{
	/* In this order: if both counts are equal, no task is between two lists. */
	int done = atomic_read_acquire(&cont->switches_done);

	walk->cont = cont;
	walk->begun = atomic_read_acquire(&cont->switches_begun);
	walk->complete = walk->begun == done;
	walk->restarts = 10;
	walk_nsproxy(walk, cont->nsproxy);
}
EXPORT_SYMBOL_GPL(rcfs_walk_begin);

/*
 * The walk is at the end of a list. If the list is that of another nsproxy, a task has
 * moved there and has led the walk along. Read the original list again in that case.
 */
static void walk_on(struct rcfs_walk *walk, bool left)
{
	struct nsproxy *ns = walk->ns;

	if (left && walk->restarts) {
		walk->restarts--;
	} else {
		walk->complete &= !left;
		ns = next_nsproxy(walk->cont, ns);
	}
	walk_nsproxy(walk, ns);
}

/**
 * rcfs_walk_next - find the next task
 * @walk: what rcfs_walk_begin() has initialised
 *
 * A task that moves or exits during the walk may be found more than once.
 *
 * Context: Under RCU, which keeps the task.
 * Return: a task that is in the container, or NULL at the end.
 */
struct task_struct *rcfs_walk_next(struct rcfs_walk *walk)
{
	while (walk->ns) {
		struct hlist_nulls_node *next;
		struct task_struct *tsk;
		struct nsproxy *now;

		if (is_a_nulls(walk->pos)) {
			walk_on(walk, get_nulls_value(walk->pos) != rcfs_list_id(walk->ns));
			continue;
		}
		rcfs_delay(RCFS_DELAY_WALK);
		tsk = hlist_nulls_entry(walk->pos, struct task_struct, rcfs_member);
		next = rcu_dereference(hlist_nulls_next_rcu(walk->pos));
		now = READ_ONCE(tsk->nsproxy);
		/*
		 * The task has another nsproxy. Do not follow it to the end of that list,
		 * which may be long. If the task has moved back in between, the end of the
		 * list tells.
		 */
		if (now && now != walk->ns) {
			walk_on(walk, true);
			continue;
		}
		walk->pos = next;
		/* A task without an nsproxy is exiting. */
		if (now)
			return tsk;
	}
	return NULL;
}
EXPORT_SYMBOL_GPL(rcfs_walk_next);

/**
 * rcfs_walk_ids - collect the ids of the remaining tasks of a walk
 * @walk: what rcfs_walk_begin() has initialised
 * @ns: the pid namespace of the ids; 0 stands for a task that has no id there
 * @type: PIDTYPE_PID for ids of tasks, PIDTYPE_TGID for ids of their processes
 * @ids: array of at least @max ids; may be NULL if @max is 0
 * @max: how many ids to store
 *
 * Context: Under RCU.
 * Return: the number of tasks, which may be more than @max. The walk is at its end.
 */
unsigned int rcfs_walk_ids(struct rcfs_walk *walk, struct pid_namespace *ns,
			   enum pid_type type, pid_t *ids, unsigned int max)
{
	struct task_struct *tsk;
	unsigned int count = 0;

	while ((tsk = rcfs_walk_next(walk))) {
		if (count < max)
			ids[count] = pid_nr_ns(type == PIDTYPE_PID ? task_pid(tsk) :
					       task_tgid(tsk), ns);
		count++;
	}
	return count;
}

/**
 * rcfs_walk_is_complete - whether a walk has found all tasks
 * @walk: a walk that is at its end
 *
 * A task that moves from one nsproxy of the container to another during the walk may
 * be missed in both lists. The walk is not complete in that case.
 *
 * Context: Under RCU, since the walk began.
 * Return: whether the walk has found every task that was in the container during all
 *	   of the walk.
 */
bool rcfs_walk_is_complete(const struct rcfs_walk *walk)
{
	/* Pairs with the barrier in rcfs_begin_switch(). */
	smp_rmb();
	return walk->complete &&
	       atomic_read(&walk->cont->switches_begun) == walk->begun;
}
EXPORT_SYMBOL_GPL(rcfs_walk_is_complete);

/**
 * rcfs_find_thread_outside - find a thread of a process outside of a container
 * @cont: the container
 * @tsk: a thread of the process
 *
 * A thread that is outside before and after the call is found, unless another one is
 * found first. A thread that is created or exits during the call may be missed.
 *
 * Context: Any.
 * Return: the first thread that is in another container of the hierarchy, with a
 *	   reference for the caller, or NULL.
 */
struct task_struct *rcfs_find_thread_outside(const struct rcfs_container *cont,
					     struct task_struct *tsk)
{
	struct task_struct *thread;

	guard(rcu)();
	for_each_thread(tsk, thread)
		if (rcfs_container_lacks_task(cont, thread))
			return get_task_struct(thread);
	return NULL;
}
