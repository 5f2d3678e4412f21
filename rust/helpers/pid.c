// SPDX-License-Identifier: GPL-2.0

#include <linux/cred.h>
#include <linux/kthread.h>
#include <linux/sched.h>

__rust_helper kuid_t rust_helper_task_suid(struct task_struct *tsk)
{
	return task_cred_xxx(tsk, suid);
}

/* Kernel threads that were made for one CPU, or make others, stay put. */
__rust_helper bool rust_helper_task_is_pinned_kthread(const struct task_struct *tsk)
{
	return tsk == kthreadd_task || (tsk->flags & PF_NO_SETAFFINITY);
}

__rust_helper bool rust_helper_task_is_exiting(const struct task_struct *tsk)
{
	return READ_ONCE(tsk->flags) & PF_EXITING;
}
