// SPDX-License-Identifier: GPL-2.0

#include <linux/cpumask.h>
#include <linux/list.h>
#include <linux/math64.h>
#include <linux/rcfs.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/rcfs.h>
#include <linux/sched/rt.h>
#include <linux/seq_file.h>
#include <linux/workqueue.h>

#ifdef CONFIG_RCFS_TASK_GROUP
__rust_helper bool rust_helper_sched_rcfs_is_overruled(struct task_struct *p)
{
	return sched_rcfs_is_overruled(p);
}
#endif

#ifdef CONFIG_RCFS
__rust_helper bool
rust_helper_rcfs_container_is_root(const struct rcfs_container *cont)
{
	return rcfs_container_is_root(cont);
}

__rust_helper bool
rust_helper_rcfs_container_is_retired(const struct rcfs_container *cont)
{
	return rcfs_container_is_retired(cont);
}

__rust_helper bool
rust_helper_rcfs_container_watch_empty(struct rcfs_container *cont)
{
	return rcfs_container_watch_empty(cont);
}

__rust_helper bool
rust_helper_rcfs_container_has_nsproxy(const struct rcfs_container *cont,
				       const struct nsproxy *ns)
{
	return rcfs_container_has_nsproxy(cont, ns);
}

__rust_helper void *rust_helper_rcfs_nsproxy_state(const struct nsproxy *ns,
						   const struct rc_subsys *ss)
{
	return rcfs_nsproxy_state(ns, ss);
}

__rust_helper bool rust_helper_rcfs_pin_container(struct rcfs_container *cont)
{
	return rcfs_pin_container(cont);
}

/* All works have the same lock class. They are the timers of states. */
__rust_helper void rust_helper_rcfs_init_delayed_work(struct delayed_work *work,
						      work_func_t func)
{
	INIT_DELAYED_WORK(work, func);
}

/* This is a macro without CONFIG_TASKS_RCU. */
__rust_helper void rust_helper_rcfs_synchronize_rcu_tasks(void)
{
	synchronize_rcu_tasks();
}

__rust_helper bool
rust_helper_mod_delayed_work(struct workqueue_struct *wq,
			     struct delayed_work *dwork, unsigned long delay)
{
	return mod_delayed_work(wq, dwork, delay);
}

__rust_helper bool rust_helper_task_resets_on_fork(struct task_struct *p)
{
	return p->sched_reset_on_fork;
}

__rust_helper bool rust_helper_rt_or_dl_task_policy(struct task_struct *p)
{
	return rt_or_dl_task_policy(p);
}

__rust_helper int rust_helper_task_nice(struct task_struct *p)
{
	return task_nice(p);
}

/* @ns is that of a container. Returns -1 for a root. */
__rust_helper int rust_helper_rcfs_count_nsproxies(const struct nsproxy *ns)
{
	return ns->rcfs_owner ? atomic_read(&ns->rcfs_owner->nr_nsproxies) : -1;
}

__rust_helper int rust_helper_rcfs_count_users(const struct nsproxy *ns)
{
	return ns->rcfs_owner ? (int)refcount_read(&ns->count) - 1 : -1;
}

__rust_helper unsigned int
rust_helper_nsproxy_count_references(const struct nsproxy *ns)
{
	return refcount_read(&ns->count);
}

__rust_helper void rust_helper_list_del(struct list_head *entry)
{
	list_del(entry);
}

__rust_helper void rust_helper_seq_print_cpulist(struct seq_file *m,
						 const struct cpumask *mask)
{
	seq_printf(m, "%*pbl\n", cpumask_pr_args(mask));
}

/* Returns -ERANGE for CPUs that are not possible. */
__rust_helper int rust_helper_possible_cpulist_parse(const char *buf,
						     struct cpumask *mask)
{
	int err = cpulist_parse(buf, mask);

	if (!err && !cpumask_subset(mask, cpu_possible_mask))
		err = -ERANGE;
	return err;
}

__rust_helper u64 rust_helper_mul_u64_u64_div_u64(u64 a, u64 b, u64 d)
{
	return mul_u64_u64_div_u64(a, b, d);
}
#endif
