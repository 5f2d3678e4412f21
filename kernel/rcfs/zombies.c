// SPDX-License-Identifier: GPL-2.0
/*
 * Where zombies come from
 *
 * A task leaves its containers early in do_exit(), with its nsproxy. It still
 * runs for a while, and goes on having an id until it is reaped: a limit on
 * tasks that forgot it there would be none. What has to last longer is here:
 * from rcfs_exit() to rcfs_release(), and only if a subsystem wants to know, a
 * task has a record for each container that it was in. There is none for the
 * root of a hierarchy.
 *
 * A record keeps no container from being removed. It then passes to the
 * container above, which goes on counting what the one below had.
 */

#include <linux/hash.h>
#include <linux/list_bl.h>
#include <linux/rcfs.h>
#include <linux/rculist_bl.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>

struct zombie {
	struct hlist_bl_node node;
	struct task_struct *tsk;
	struct rcfs_container *cont;	/* written under the lock of the bucket */
	struct rcu_head rcu;
};

#define ZOMBIE_BITS	10

static struct hlist_bl_head zombies[1 << ZOMBIE_BITS];

static struct hlist_bl_head *bucket_of(const struct task_struct *tsk)
{
	return &zombies[hash_ptr(tsk, ZOMBIE_BITS)];
}

/**
 * rcfs_remember_zombie - remember where a task is that exits
 * @tsk: the task, current
 * @ns: its nsproxy, which it is about to give up
 *
 * Context: Called with the task_lock held, and a reference on @ns.
 * Return: false if there was no memory: call rcfs_release_forgotten() once the
 *	   subsystems have been told that the task exits.
 */
bool rcfs_remember_zombie(struct task_struct *tsk, const struct nsproxy *ns)
{
	struct hlist_bl_head *bucket = bucket_of(tsk);
	bool complete = true;

	for (int i = 0; i < CONFIG_MAX_RC_HIERARCHIES; i++) {
		struct rcfs_container *cont = ns->rcfs_container[i];
		struct zombie *zombie;

		if (!cont)
			continue;
		zombie = kmalloc_obj(*zombie, GFP_NOWAIT);
		if (!zombie) {
			complete = false;
			continue;
		}
		zombie->tsk = tsk;
		zombie->cont = cont;
		atomic_inc(&cont->nr_zombies);
		hlist_bl_lock(bucket);
		hlist_bl_add_head_rcu(&zombie->node, bucket);
		hlist_bl_unlock(bucket);
	}
	return complete;
}

static bool is_remembered(const struct task_struct *tsk, const struct rcfs_container *cont)
{
	const struct hlist_bl_node *node;
	const struct zombie *zombie;

	hlist_bl_for_each_entry_rcu(zombie, node, bucket_of(tsk), node)
		if (zombie->tsk == tsk && READ_ONCE(zombie->cont) == cont)
			return true;
	return false;
}

/**
 * rcfs_release_forgotten - give up where there was no memory to remember a task
 * @tsk: the task
 * @ns: its nsproxy
 *
 * Context: As for rcfs_remember_zombie().
 */
void rcfs_release_forgotten(struct task_struct *tsk, const struct nsproxy *ns)
{
	rcu_read_lock();
	for (int i = 0; i < CONFIG_MAX_RC_HIERARCHIES; i++) {
		const struct rcfs_container *cont = ns->rcfs_container[i];

		if (cont && !is_remembered(tsk, cont))
			rcfs_release_in(cont, tsk);
	}
	rcu_read_unlock();
}

static void forget(struct zombie *zombie)
{
	atomic_dec(&zombie->cont->nr_zombies);
	hlist_bl_del_rcu(&zombie->node);
	kfree_rcu(zombie, rcu);
}

void __rcfs_release(struct task_struct *tsk)
{
	struct hlist_bl_head *bucket = bucket_of(tsk);
	struct hlist_bl_node *node, *next;
	struct zombie *zombie;

	/* Nobody adds a record for this task any more. */
	if (hlist_bl_empty(bucket))
		return;

	rcu_read_lock();
	hlist_bl_lock(bucket);
	hlist_bl_for_each_entry_safe(zombie, node, next, bucket, node) {
		if (zombie->tsk != tsk)
			continue;
		rcfs_release_in(zombie->cont, tsk);
		forget(zombie);
	}
	hlist_bl_unlock(bucket);
	rcu_read_unlock();
}

/**
 * rcfs_move_zombies_up - let the container above have the zombies of one
 * @cont: a container that has been retired: no more are added
 *
 * Context: Process context, with the mutex of rcfs held, so that the container
 *	    above is not retired meanwhile.
 */
void rcfs_move_zombies_up(struct rcfs_container *cont)
{
	struct hlist_bl_node *node, *next;
	struct zombie *zombie;

	for (int i = 0; atomic_read(&cont->nr_zombies) && i < ARRAY_SIZE(zombies); i++) {
		hlist_bl_lock(&zombies[i]);
		hlist_bl_for_each_entry_safe(zombie, node, next, &zombies[i], node) {
			if (zombie->cont != cont)
				continue;
			if (rcfs_container_is_root(cont->parent)) {
				forget(zombie);
				continue;
			}
			atomic_dec(&cont->nr_zombies);
			atomic_inc(&cont->parent->nr_zombies);
			WRITE_ONCE(zombie->cont, cont->parent);
		}
		hlist_bl_unlock(&zombies[i]);
	}
}

/**
 * rcfs_zombie_state - the state of a subsystem for a task without an nsproxy
 * @tsk: the task, which is exiting
 * @ss: a subsystem that is bound to a hierarchy
 *
 * Context: Under RCU or with preemption disabled, which keeps the state valid.
 * Return: the state of the container in which the task is remembered, or the
 *	   root state.
 */
void *rcfs_zombie_state(const struct task_struct *tsk, const struct rc_subsys *ss)
{
	const struct hlist_bl_node *node;
	void *state = ss->root_state;
	const struct zombie *zombie;

	/* The scheduler has disabled preemption only, which lists do not know. */
	rcu_read_lock();
	hlist_bl_for_each_entry_rcu(zombie, node, bucket_of(tsk), node) {
		const struct rcfs_container *cont = READ_ONCE(zombie->cont);

		if (zombie->tsk == tsk && test_bit(ss->subsys_id, cont->subsystems)) {
			state = rcfs_nsproxy_state(cont->nsproxy, ss);
			break;
		}
	}
	rcu_read_unlock();
	return state;
}
