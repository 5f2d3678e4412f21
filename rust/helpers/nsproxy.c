// SPDX-License-Identifier: GPL-2.0

#include <linux/nsproxy.h>
#include <linux/sched/task.h>

__rust_helper void rust_helper_get_nsproxy(struct nsproxy *ns)
{
	get_nsproxy(ns);
}

__rust_helper void rust_helper_put_nsproxy(struct nsproxy *ns)
{
	put_nsproxy(ns);
}

__rust_helper struct nsproxy *
rust_helper_get_task_nsproxy(struct task_struct *tsk)
{
	struct nsproxy *ns;

	task_lock(tsk);
	ns = tsk->nsproxy;
	if (ns)
		get_nsproxy(ns);
	task_unlock(tsk);
	return ns;
}

/* A caller that dereferences the result must be under RCU. */
__rust_helper const struct nsproxy *
rust_helper_task_nsproxy_rcu(const struct task_struct *tsk)
{
	return READ_ONCE(tsk->nsproxy);
}
