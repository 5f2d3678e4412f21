/* SPDX-License-Identifier: GPL-2.0-only */
/* What kernel/nsproxy.c and kernel/rcfs/nsproxy.c want from each other */
#ifndef _KERNEL_RCFS_NSPROXY_H
#define _KERNEL_RCFS_NSPROXY_H

#include <linux/nsproxy.h>
#include <linux/rcfs.h>
#include <linux/rculist_nulls.h>
#include <linux/sched.h>

void rcfs_unpin_nsproxy(struct nsproxy *ns);

#ifdef CONFIG_RCFS
/* In kernel/nsproxy.c; to be freed with kfree() */
struct nsproxy *rcfs_create_nsproxy(void);

void rcfs_leave_containers(struct nsproxy *ns);
void rcfs_follow_containers(struct nsproxy *ns, const struct nsproxy *from);
void rcfs_begin_switch(const struct nsproxy *old, const struct nsproxy *new);
void rcfs_end_switch(const struct nsproxy *old, const struct nsproxy *new);

/* One that is in no container */
static inline void rcfs_init_nsproxy(struct nsproxy *ns)
{
	refcount_set(&ns->rcfs_pins, 1);
	raw_spin_lock_init(&ns->rcfs_lock);
	/* A reader who has been led into another list notices at the end. */
	INIT_HLIST_NULLS_HEAD(&ns->rcfs_members, rcfs_list_id(ns));
}

/*
 * With the task_lock held. Not everybody who reads it takes that: the task
 * itself, if somebody else does this, and the scheduler on another CPU.
 */
static inline void set_task_nsproxy(struct task_struct *tsk, struct nsproxy *ns)
{
	/* What is in it comes first, for those who follow the pointer. */
	smp_store_release(&tsk->nsproxy, ns);
}

/*
 * The tasks of an nsproxy that is in a container are in its list. The lock is taken
 * within the tasklist_lock, which interrupts take as well.
 */
static inline void rcfs_add_member(struct task_struct *tsk, struct nsproxy *ns)
{
	if (!ns->rcfs_listed)
		return;
	guard(raw_spinlock_irqsave)(&ns->rcfs_lock);
	hlist_nulls_add_head_rcu(&tsk->rcfs_member, &ns->rcfs_members);
}

/* A child that never became visible is in no list. */
static inline void rcfs_remove_member(struct task_struct *tsk, struct nsproxy *ns)
{
	if (!ns->rcfs_listed)
		return;
	guard(raw_spinlock_irqsave)(&ns->rcfs_lock);
	hlist_nulls_del_init_rcu(&tsk->rcfs_member);
}

/*
 * Whom create_new_namespaces() and copy_namespaces() find the namespaces at
 * that @tsk, which is current or its child, is to have. The pointer that
 * dup_task_struct() copied to the child has no reference, and what it points
 * to may be gone once the parent has been attached elsewhere.
 */
static inline struct task_struct *nsproxy_parent(struct task_struct *tsk)
{
	return current;
}

/* What dup_task_struct() has copied is the place of the parent in its list. */
static inline void rcfs_init_member(struct task_struct *child)
{
	child->rcfs_member.pprev = NULL;
}

/*
 * A child that shares the nsproxy of its parent gets it in
 * rcfs_fork_visible(): a reference from here on would be one on a container
 * that its parent may have left by then.
 */
static inline void share_nsproxy(struct task_struct *child, struct nsproxy *ns)
{
	rcfs_delay(RCFS_DELAY_COPY);
	child->nsproxy = NULL;
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
static inline void rcfs_init_member(struct task_struct *child) { }

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
