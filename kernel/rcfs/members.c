// SPDX-License-Identifier: GPL-2.0
/*
 * Who is in a container
 *
 * A container leads to the nsproxies that refer to it, and an nsproxy to its tasks.
 * Tasks that are in no container but in roots are in no list: who wants to know
 * looks at all who might be. These are the loops of that, which do little for each
 * task, but for many.
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
 * @ns: whose ids, and who can be seen
 * @from: the id to begin with; then the one to go on with, or 0 if there are no
 *	  more
 * @members: room for @max tasks
 * @max: how many ids that are in use to look at; at least one
 *
 * A task that has given up its nsproxy on its way out is in no container.
 *
 * Context: Under RCU, which keeps the tasks.
 * Return: how many there are in @members
 */
unsigned int rcfs_find_members(const struct rcfs_container *cont,
			       struct pid_namespace *ns, pid_t *from,
			       struct task_struct **members, unsigned int max)
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

/* The own one of the container comes first, and is not in the list. */
static struct nsproxy *next_nsproxy(const struct rcfs_container *cont, struct nsproxy *ns)
{
	if (ns == cont->nsproxy)
		return first_nsproxy(cont);
	return hlist_entry_safe(rcu_dereference(hlist_next_rcu(&ns->rcfs_links[cont->hierarchy])),
				struct nsproxy, rcfs_links[cont->hierarchy]);
}

/**
 * rcfs_walk_begin - begin to walk along the tasks of a container
 * @walk: where to keep how far it is
 * @cont: the container, which is not the root of a hierarchy
 *
 * Takes time in proportion to the number of its tasks, wherever others are.
 *
 * Context: Under RCU, until the end of the walk.
 */
void rcfs_walk_begin(struct rcfs_walk *walk, const struct rcfs_container *cont)
{
	/* First this, so that nobody is on the way if both are the same. */
	int done = atomic_read_acquire(&cont->switches_done);

	walk->cont = cont;
	walk->begun = atomic_read_acquire(&cont->switches_begun);
	walk->complete = walk->begun == done;
	walk->restarts = 10;
	walk_nsproxy(walk, cont->nsproxy);
}
EXPORT_SYMBOL_GPL(rcfs_walk_begin);

/*
 * The list of an nsproxy is at its end, or has been left: a task on the way has gone
 * to another list, and leads into that. Then read the list again.
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
 * rcfs_walk_next - find another task
 * @walk: what rcfs_walk_begin() has begun
 *
 * The same task may be found again if tasks move or exit meanwhile.
 *
 * Context: Under RCU, which keeps the task.
 * Return: a task that is in the container, or NULL if there are no more.
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
		 * This saves the way to the end of the other list, which may be long.
		 * A task that has come back in between is noticed there.
		 */
		if (now && now != walk->ns) {
			walk_on(walk, true);
			continue;
		}
		walk->pos = next;
		/* Without an nsproxy, the task is on its way out. */
		if (now)
			return tsk;
	}
	return NULL;
}
EXPORT_SYMBOL_GPL(rcfs_walk_next);

/**
 * rcfs_walk_ids - the ids of the tasks that come next
 * @walk: what rcfs_walk_begin() has begun
 * @ns: whose ids; 0 is the id of who has none there
 * @type: PIDTYPE_PID for those of the tasks, PIDTYPE_TGID for those of their processes
 * @ids: room for @max ids; may be NULL
 * @max: how many fit
 *
 * Context: Under RCU.
 * Return: how many tasks there were, which may be more than @max; the walk is at its
 *	   end.
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
 * rcfs_walk_is_complete - whether a walk has found all
 * @walk: a walk that is at its end
 *
 * It has if no task went from one nsproxy of the container to another meanwhile,
 * which may have been missed in both lists.
 *
 * Context: Under RCU, since the walk began.
 * Return: whether all tasks were found that were in the container all the time.
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
 * rcfs_find_thread_outside - find a thread that is in another container
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
