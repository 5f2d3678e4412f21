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
 * Whether a task that shall freeze runs its program no more. It is frozen; or it
 * waits where it could be frozen, but began to wait after it was told to freeze. It
 * looks before it returns to its program then, because TIF_SIGPENDING stays for as
 * long as it shall freeze: see recalc_sigpending(). Those who never return there
 * need no such sign.
 */
__rust_helper bool rust_helper_task_is_at_rest(struct task_struct *tsk)
{
	unsigned int state = READ_ONCE(tsk->__state);
	unsigned int flags;

	if (state & TASK_FROZEN)
		return true;
	if (!(state & (TASK_FREEZABLE | __TASK_STOPPED | __TASK_TRACED)))
		return false;
	/* The task itself may be setting others just now, without any lock. */
	flags = data_race(READ_ONCE(tsk->flags));
	return test_tsk_thread_flag(tsk, TIF_SIGPENDING) ||
	       flags & (PF_KTHREAD | PF_EXITING | PF_POSTCOREDUMP | PF_DUMPCORE);
}
#endif
