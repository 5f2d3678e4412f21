// SPDX-License-Identifier: GPL-2.0

#include <linux/cpumask.h>
#include <linux/cpuset.h>
#include <linux/list.h>
#include <linux/math64.h>
#include <linux/rcfs.h>
#include <linux/sched.h>
#include <linux/sched/isolation.h>
#include <linux/seq_file.h>

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
rust_helper_rcfs_container_is_empty(const struct rcfs_container *cont)
{
	return rcfs_container_is_empty(cont);
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

/* @ns: that of a container; negative for a root */
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

/* CPUs that there cannot be are out of range. */
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

/*
 * What the cpuset allows is where it begins; set_cpus_allowed_ptr() itself looks
 * at what the task has asked for, and at rcfs. Isolated CPUs are only for those
 * who ask for them, or whose containers do.
 */
__rust_helper void rust_helper_task_update_cpus(struct task_struct *tsk)
{
	const struct cpumask *busy = housekeeping_cpumask(HK_TYPE_DOMAIN);
	cpumask_var_t allowed, limited;

	/* As in rust_helper_task_is_pinned_kthread() */
	if (data_race(READ_ONCE(tsk->flags)) & PF_NO_SETAFFINITY)
		return;
	/* Small, and there is nobody who could do it again later. */
	if (!alloc_cpumask_var(&allowed, GFP_KERNEL | __GFP_NOFAIL))
		return;
	if (!alloc_cpumask_var(&limited, GFP_KERNEL | __GFP_NOFAIL))
		goto out;
	cpuset_cpus_allowed(tsk, allowed);
	cpumask_copy(limited, allowed);
	rcfs_limit_cpus(tsk, limited);
	if (!READ_ONCE(tsk->user_cpus_ptr) && cpumask_equal(limited, allowed) &&
	    cpumask_intersects(allowed, busy))
		cpumask_and(allowed, allowed, busy);
	set_cpus_allowed_ptr(tsk, allowed);
	free_cpumask_var(limited);
out:
	free_cpumask_var(allowed);
}
#endif
