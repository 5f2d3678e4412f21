// SPDX-License-Identifier: GPL-2.0

#include <linux/cred.h>
#include <linux/kthread.h>
#include <linux/pid_namespace.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

__rust_helper kuid_t rust_helper_task_suid(struct task_struct *tsk)
{
	return task_cred_xxx(tsk, suid);
}

/*
 * kthreadd and kernel threads that are bound to CPUs must not be moved, nor those that may
 * be bound next, as they have not begun: see cgroup_procs_write_start().
 */
__rust_helper bool rust_helper_task_is_pinned_kthread(const struct task_struct *tsk)
{
	unsigned int flags;

#if defined(CONFIG_CGROUPS) || defined(CONFIG_RCFS)
	/* The thread clears this when it begins. It is bound to CPUs before that. */
	if (data_race((bool)tsk->no_cgroup_migration))
		return true;
#endif
	/* The task itself may be setting other flags at this time, without a lock. */
	flags = data_race(READ_ONCE(tsk->flags));
	return tsk == kthreadd_task || (flags & PF_NO_SETAFFINITY);
}

__rust_helper bool rust_helper_task_is_exiting(const struct task_struct *tsk)
{
	/* See rust_helper_task_is_pinned_kthread(). */
	return data_race(READ_ONCE(tsk->flags)) & PF_EXITING;
}

__rust_helper int rust_helper_task_nr_threads(struct task_struct *tsk)
{
	/* The result is a guess for the size of an array. */
	return data_race(get_nr_threads(tsk));
}

/* Take references on the first @max threads of a process; returns their number. */
__rust_helper unsigned int rust_helper_get_threads(struct task_struct *tsk,
						   struct task_struct **threads,
						   unsigned int max)
{
	struct task_struct *thread;
	unsigned int nr = 0;

	guard(rcu)();
	for_each_thread(tsk, thread) {
		if (nr == max)
			break;
		threads[nr++] = get_task_struct(thread);
	}
	return nr;
}

/* The caller must be under RCU until the end of the walk. */
__rust_helper struct task_struct *rust_helper_first_thread(struct task_struct *tsk)
{
	return list_first_or_null_rcu(&tsk->signal->thread_head,
				      struct task_struct, thread_node);
}

__rust_helper struct task_struct *
rust_helper_next_thread_or_null(struct task_struct *tsk)
{
	return __next_thread(tsk);
}

/* The caller must be under RCU until the end of the walk. */
__rust_helper struct task_struct *
rust_helper_next_process_or_null(struct task_struct *tsk)
{
	tsk = next_task(tsk);
	return tsk == &init_task ? NULL : tsk;
}

__rust_helper struct task_struct *rust_helper_first_process(void)
{
	return rust_helper_next_process_or_null(&init_task);
}

/*
 * Find the first thread whose id is at least @next, and set @next to the id to continue
 * with. Returns NULL at the end. The caller must be under RCU.
 */
__rust_helper struct task_struct *rust_helper_next_thread_by_id(pid_t *next)
{
	struct task_struct *tsk = NULL;
	struct pid *pid;

	/* The id may be that of a process group or session, or not be in use yet. */
	while (!tsk) {
		pid = find_ge_pid(*next, &init_pid_ns);
		if (!pid)
			return NULL;
		*next = pid_nr(pid) + 1;
		tsk = pid_task(pid, PIDTYPE_PID);
	}
	return tsk;
}

__rust_helper void rust_helper_cond_resched(void)
{
	cond_resched();
}

__rust_helper void rust_helper_wait_for_forks(void)
{
	/* A fork makes its child visible with the lock held for writing. */
	read_lock(&tasklist_lock);
	read_unlock(&tasklist_lock);
}
