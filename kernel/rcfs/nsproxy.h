/* SPDX-License-Identifier: GPL-2.0-only */
/* Shared by kernel/nsproxy.c and kernel/rcfs/nsproxy.c */
#ifndef _KERNEL_RCFS_NSPROXY_H
#define _KERNEL_RCFS_NSPROXY_H

#include <linux/nsproxy.h>
#include <linux/rcfs.h>
#include <linux/rculist_nulls.h>
#include <linux/sched.h>

void rcfs_unpin_nsproxy(struct nsproxy *ns);

#ifdef CONFIG_RCFS
/* In kernel/nsproxy.c. Free the result with kfree(). */
struct nsproxy *rcfs_create_nsproxy(void);

void rcfs_leave_containers(struct nsproxy *ns);
void rcfs_follow_containers(struct nsproxy *ns, const struct nsproxy *from);
void rcfs_begin_switch(const struct nsproxy *old, const struct nsproxy *new);
void rcfs_end_switch(const struct nsproxy *old, const struct nsproxy *new);

/* Initialise an nsproxy that is in no container. */
static inline void rcfs_init_nsproxy(struct nsproxy *ns)
{
	refcount_set(&ns->rcfs_pins, 1);
	raw_spin_lock_init(&ns->rcfs_lock);
	/* The end of the list tells a reader whether a task has led it to another list. */
	INIT_HLIST_NULLS_HEAD(&ns->rcfs_members, rcfs_list_id(ns));
}

/*
 * Call this with the task_lock held. Two kinds of readers do not take that lock: the
 * task itself, and the scheduler on another CPU.
 */
static inline void set_task_nsproxy(struct task_struct *tsk, struct nsproxy *ns)
{
	/* Readers that follow the pointer must see an initialised nsproxy. */
	smp_store_release(&tsk->nsproxy, ns);
}

/*
 * Add a task to the list of its nsproxy, which has a list if it is in a container.
 * The lock is taken within the tasklist_lock. Interrupts take that as well, hence
 * irqsave.
 */
static inline void rcfs_add_member(struct task_struct *tsk, struct nsproxy *ns)
{
	if (!ns->rcfs_listed)
		return;
	guard(raw_spinlock_irqsave)(&ns->rcfs_lock);
	hlist_nulls_add_head_rcu(&tsk->rcfs_member, &ns->rcfs_members);
}

/* A child that never became visible is in no list, which this allows. */
static inline void rcfs_remove_member(struct task_struct *tsk, struct nsproxy *ns)
{
	if (!ns->rcfs_listed)
		return;
	guard(raw_spinlock_irqsave)(&ns->rcfs_lock);
	hlist_nulls_del_init_rcu(&tsk->rcfs_member);
}

/*
 * The task whose nsproxy has the namespaces that @tsk is to have. @tsk is current or
 * its child, which has no nsproxy yet: see rcfs_init_child().
 */
static inline struct task_struct *nsproxy_parent(struct task_struct *tsk)
{
	return current;
}

/*
 * A child that shares the nsproxy of its parent gets it in rcfs_fork_visible(). If the
 * child had a reference from here on, and the parent were moved in the meantime, the
 * child would count in a container that its parent has left.
 */
static inline void share_nsproxy(struct task_struct *child, struct nsproxy *ns)
{
	rcfs_delay(RCFS_DELAY_COPY);
}
#else
static inline void rcfs_init_nsproxy(struct nsproxy *ns) { }
static inline void rcfs_leave_containers(struct nsproxy *ns) { }
static inline void rcfs_follow_containers(struct nsproxy *ns,
					  const struct nsproxy *from) { }
static inline void set_task_nsproxy(struct task_struct *tsk, struct nsproxy *ns)
{
	tsk->nsproxy = ns;
}

static inline void rcfs_begin_switch(const struct nsproxy *old,
				     const struct nsproxy *new) { }
static inline void rcfs_end_switch(const struct nsproxy *old,
				   const struct nsproxy *new) { }
static inline void rcfs_add_member(struct task_struct *tsk, struct nsproxy *ns) { }
static inline void rcfs_remove_member(struct task_struct *tsk, struct nsproxy *ns) { }

static inline struct task_struct *nsproxy_parent(struct task_struct *tsk)
{
	return tsk;
}

static inline void share_nsproxy(struct task_struct *child, struct nsproxy *ns)
{
	get_nsproxy(ns);
}

static inline struct nsproxy *nsproxy_begin_put(struct nsproxy *ns)
{
	return ns;
}

static inline void nsproxy_finish_put(struct nsproxy *ns)
{
	put_nsproxy(ns);
}
#endif /* CONFIG_RCFS */

#endif /* _KERNEL_RCFS_NSPROXY_H */
