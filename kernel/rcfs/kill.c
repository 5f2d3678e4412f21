// SPDX-License-Identifier: GPL-2.0
/*
 * Killing all that is in a container and below it
 */

#include <linux/freezer.h>
#include <linux/rcfs.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

static void kill_task(struct task_struct *tsk)
{
	struct task_struct *thread;

	/* The task itself may be setting other flags just now, without any lock. */
	if (data_race(READ_ONCE(tsk->flags)) & PF_KTHREAD)
		return;
	/*
	 * A frozen task does not notice signals. To rcfs, it need not be frozen now,
	 * and other threads of the process may be so in another container.
	 */
	if (!__fatal_signal_pending(tsk)) {
		send_sig(SIGKILL, tsk, 0);
		for_each_thread(tsk, thread)
			__thaw_task(thread);
	}
	__thaw_task(tsk);
}

/* Returns whether that was everybody. */
static bool kill_listed(const struct rcfs_container *top)
{
	const struct rcfs_container *cont;
	struct task_struct *tsk;
	struct rcfs_walk walk;
	bool complete = true;

	for (cont = top; cont; cont = rcfs_next_below(top, cont)) {
		rcfs_walk_begin(&walk, cont);
		while ((tsk = rcfs_walk_next(&walk)))
			kill_task(tsk);
		complete &= rcfs_walk_is_complete(&walk);
	}
	return complete;
}

static bool is_below(const struct rcfs_container *top, const struct task_struct *tsk)
{
	const struct nsproxy *ns = READ_ONCE(tsk->nsproxy);
	const struct rcfs_container *cont;

	cont = ns ? ns->rcfs_container[top->hierarchy] : NULL;
	while (cont && cont != top)
		cont = cont->parent;
	return cont;
}

/**
 * rcfs_kill - kill all processes that have a thread in a container or below it
 * @top: the container, not the root of a hierarchy
 *
 * Nobody is left when the processes have exited, and nobody has to look again: with
 * the tasklist_lock held no child becomes visible, and a parent that gets it later
 * finds that it has been killed itself. The mutex keeps everybody from moving tasks
 * in or out. Kernel threads stay.
 *
 * Context: Process context, with the mutex of rcfs held.
 */
void rcfs_kill(const struct rcfs_container *top)
{
	struct task_struct *process, *tsk;

	guard(read_lock)(&tasklist_lock);
	guard(rcu)();
	for (int i = 0; i < RCFS_WALK_ATTEMPTS; i++)
		if (kill_listed(top))
			return;
	for_each_process_thread(process, tsk)
		if (is_below(top, tsk))
			kill_task(tsk);
}
