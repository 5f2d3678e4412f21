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
 *
 * Every exit makes a record and every release frees it. That is why they do not
 * wait for RCU: it would be half of what they cost. The scheduler takes the lock
 * of a bucket instead, if a task has no nsproxy any more.
 */

#include <linux/hash.h>
#include <linux/init.h>
#include <linux/irqflags.h>
#include <linux/list_bl.h>
#include <linux/llist.h>
#include <linux/lockdep.h>
#include <linux/rcfs.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>

struct zombie {
	union {
		struct hlist_bl_node node;	/* in a bucket, under its lock */
		struct llist_node gone;		/* with others that are to go */
	};
	struct task_struct *tsk;
	struct rcfs_container *cont;
};

#define ZOMBIE_BITS	10

static struct hlist_bl_head zombies[1 << ZOMBIE_BITS];

/* Of its own, because kfree() would have to find it each time */
static struct kmem_cache *zombie_cache __ro_after_init;

static struct hlist_bl_head *bucket_of(const struct task_struct *tsk)
{
	return &zombies[hash_ptr(tsk, ZOMBIE_BITS)];
}

/*
 * Inside of the lock of a run queue, and taken by the tick as well: see
 * zombie_state(). All others are in process context. Nothing is called with it held.
 */
static void lock_bucket(struct hlist_bl_head *bucket)
{
	lockdep_assert_irqs_enabled();
	local_irq_disable();
	hlist_bl_lock(bucket);
}

static void unlock_bucket(struct hlist_bl_head *bucket)
{
	hlist_bl_unlock(bucket);
	local_irq_enable();
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
		zombie = kmem_cache_alloc(zombie_cache, GFP_NOWAIT);
		if (!zombie) {
			complete = false;
			continue;
		}
		zombie->tsk = tsk;
		zombie->cont = cont;
		atomic_inc(&cont->nr_zombies);
		lock_bucket(bucket);
		hlist_bl_add_head(&zombie->node, bucket);
		unlock_bucket(bucket);
	}
	return complete;
}

static bool is_remembered(const struct task_struct *tsk, const struct rcfs_container *cont)
{
	struct hlist_bl_head *bucket = bucket_of(tsk);
	const struct hlist_bl_node *node;
	const struct zombie *zombie;
	bool found = false;

	lock_bucket(bucket);
	hlist_bl_for_each_entry(zombie, node, bucket, node)
		found |= zombie->tsk == tsk && zombie->cont == cont;
	unlock_bucket(bucket);
	return found;
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

/* Take a record out of its bucket, which is locked. */
static void forget(struct zombie *zombie, struct llist_head *gone)
{
	hlist_bl_del(&zombie->node);
	__llist_add(&zombie->gone, gone);
}

static void free_zombies(struct llist_head *gone)
{
	struct zombie *zombie, *next;

	llist_for_each_entry_safe(zombie, next, __llist_del_all(gone), gone) {
		atomic_dec(&zombie->cont->nr_zombies);
		kmem_cache_free(zombie_cache, zombie);
	}
}

void __rcfs_release(struct task_struct *tsk)
{
	struct hlist_bl_head *bucket = bucket_of(tsk);
	struct hlist_bl_node *node, *next;
	struct zombie *zombie;
	LLIST_HEAD(gone);

	/* Nobody adds a record for this task any more. */
	if (hlist_bl_empty(bucket))
		return;

	/* It keeps the containers: see rcfs_free_container(). */
	rcu_read_lock();
	lock_bucket(bucket);
	hlist_bl_for_each_entry_safe(zombie, node, next, bucket, node)
		if (zombie->tsk == tsk)
			forget(zombie, &gone);
	unlock_bucket(bucket);

	/* If it is removed meanwhile, it is as if that was later. */
	llist_for_each_entry(zombie, gone.first, gone)
		rcfs_release_in(zombie->cont, tsk);
	free_zombies(&gone);
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
	LLIST_HEAD(gone);

	for (int i = 0; atomic_read(&cont->nr_zombies) && i < ARRAY_SIZE(zombies); i++) {
		lock_bucket(&zombies[i]);
		hlist_bl_for_each_entry_safe(zombie, node, next, &zombies[i], node) {
			if (zombie->cont != cont)
				continue;
			if (rcfs_container_is_root(cont->parent)) {
				forget(zombie, &gone);
				continue;
			}
			atomic_dec(&cont->nr_zombies);
			atomic_inc(&cont->parent->nr_zombies);
			zombie->cont = cont->parent;
		}
		unlock_bucket(&zombies[i]);
		free_zombies(&gone);
	}
}

static __always_inline void *zombie_state(const struct task_struct *tsk,
					  const struct rc_subsys *ss)
{
	struct hlist_bl_head *bucket = bucket_of(tsk);
	const struct hlist_bl_node *node;
	const struct zombie *zombie;
	void *state = NULL;

	lockdep_assert_irqs_disabled();
	/* Its record came before it gave up its nsproxy. */
	if (hlist_bl_empty(bucket))
		return ss->root_state;

	hlist_bl_lock(bucket);
	hlist_bl_for_each_entry(zombie, node, bucket, node) {
		if (zombie->tsk != tsk)
			continue;
		state = rcfs_container_state(zombie->cont, ss);
		if (state)
			break;
	}
	hlist_bl_unlock(bucket);
	return state ?: ss->root_state;
}

/**
 * rcfs_zombie_state - the state of a subsystem for a task without an nsproxy
 * @tsk: the task, which is exiting
 * @ss: a subsystem that is bound to a hierarchy
 *
 * Context: With interrupts disabled, inside of any lock of the scheduler. The
 *	    state is valid for as long as they are, or under RCU.
 * Return: the state of the container in which the task is remembered, or the
 *	   root state.
 */
void *rcfs_zombie_state(const struct task_struct *tsk, const struct rc_subsys *ss)
{
	return zombie_state(tsk, ss);
}

/**
 * rcfs_charge_zombie - charge CPU time to a task without an nsproxy
 * @ss: a subsystem that is bound to a hierarchy, and defines charge()
 * @tsk: the task, which is exiting
 * @delta_exec: how much, in ns
 *
 * Every exit does this once or twice: its end is a jump.
 *
 * Context: As for rcfs_charge().
 */
void rcfs_charge_zombie(struct rc_subsys *ss, struct task_struct *tsk, u64 delta_exec)
{
	ss->charge(ss, zombie_state(tsk, ss), task_cpu(tsk), delta_exec);
}

static int __init rcfs_zombies_init(void)
{
	zombie_cache = kmem_cache_create("rcfs_zombie", sizeof(struct zombie),
					 __alignof__(struct zombie), SLAB_PANIC, NULL);
	return 0;
}
core_initcall(rcfs_zombies_init);
