// SPDX-License-Identifier: GPL-2.0
/*
 * Killing all processes in a container and in its descendants
 */

#include <linux/freezer.h>
#include <linux/rcfs.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

/*
 * Thaw a task if only rcfs has kept it frozen. What keeps a task frozen in spite of a
 * signal, such as the freezer of cgroup v1, is not for rcfs to end.
 */
static void thaw(struct task_struct *tsk)
{
	/*
	 * Another reason may end at this time. Either this sees its end, or __thaw_task(),
	 * which has the other barrier, sees the signal.
	 */
	smp_mb();
	if (!freezing(tsk))
		__thaw_task(tsk);
}

static void kill_task(struct task_struct *tsk)
{
	struct task_struct *thread;
	bool signalled = false;
	unsigned long flags;

	/* The task itself may be setting other flags at the same time, without a lock. */
	if (data_race(READ_ONCE(tsk->flags)) & PF_KTHREAD)
		return;
	/*
	 * A frozen task does not handle signals. __rcfs_freezing() says no for a task that
	 * is being killed, so thaw it, and all threads of the process: they may be frozen
	 * in other containers. rcfs keeps none of them frozen when the next one is found
	 * here, so that this happens once for a process. The signal kills nobody if a pid
	 * namespace sends it to its init, if the process is ending, or if @tsk is exiting
	 * alone: then it has almost left the container. A task that runs takes the signal
	 * with the siglock held, and is not seen to be killed after that.
	 */
	if (!__fatal_signal_pending(tsk) && lock_task_sighand(tsk, &flags)) {
		send_signal_locked(SIGKILL, SEND_SIG_NOINFO, tsk, PIDTYPE_PID);
		signalled = __fatal_signal_pending(tsk);
		unlock_task_sighand(tsk, &flags);
	}
	if (signalled || (frozen(tsk) && !freezing(tsk)))
		for_each_thread(tsk, thread)
			thaw(thread);
	thaw(tsk);
}

/* Returns whether all tasks have been found. */
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
 * rcfs_kill - kill all processes with a thread in a container or in its descendants
 * @top: the container, not the root of a hierarchy
 *
 * Each task has to be found once. No child becomes visible while the tasklist_lock is
 * held, and a parent that takes the lock later finds that it has been killed itself. The
 * mutex keeps tasks from moving in or out. A walk along the lists is repeated if it may
 * have missed a task that got other namespaces. Kernel threads are not killed.
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
