// SPDX-License-Identifier: GPL-2.0

#include <linux/freezer.h>

#ifdef CONFIG_FREEZER
__rust_helper void rust_helper_freezer_active_inc(void)
{
	static_branch_inc(&freezer_active);
}

__rust_helper void rust_helper_freezer_active_dec(void)
{
	static_branch_dec(&freezer_active);
}

__rust_helper bool rust_helper_freezing(struct task_struct *tsk)
{
	return freezing(tsk);
}

/*
 * Whether a task that has to freeze no longer runs its program. Either the task is
 * frozen, or it sleeps in a freezable state, has been told to freeze, and will check for
 * that before it returns to its program. TIF_SIGPENDING shows that it has been told:
 * recalc_sigpending() keeps the flag for as long as the task has to freeze. Kernel
 * threads and exiting tasks never return to a program, and need not have the flag.
 */
__rust_helper bool rust_helper_task_is_at_rest(struct task_struct *tsk)
{
	unsigned int state = READ_ONCE(tsk->__state);
	unsigned int flags;

	if (state & TASK_FROZEN)
		return true;
	if (!(state & (TASK_FREEZABLE | __TASK_STOPPED | __TASK_TRACED)))
		return false;
	/* The task itself may be setting other flags at this time, without a lock. */
	flags = data_race(READ_ONCE(tsk->flags));
	return test_tsk_thread_flag(tsk, TIF_SIGPENDING) ||
	       flags & (PF_KTHREAD | PF_EXITING | PF_POSTCOREDUMP | PF_DUMPCORE);
}
#endif
