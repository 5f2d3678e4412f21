// SPDX-License-Identifier: GPL-2.0-only
/*
 * The part of rcfs in nsproxies: the containers of a task, and how a task gets them
 *
 * kernel/nsproxy.c calls these functions where a task gets namespaces, switches to
 * others, and gives them up. See Documentation/core-api/rcfs.rst.
 */

#include <linux/cgroup.h>
#include <linux/export.h>
#include <linux/hash.h>
#include <linux/ipc_namespace.h>
#include <linux/kernfs.h>
#include <linux/mnt_namespace.h>
#include <linux/nsfs.h>
#include <linux/nsproxy.h>
#include <linux/nstree.h>
#include <linux/pid_namespace.h>
#include <linux/rcfs.h>
#include <linux/rculist_nulls.h>
#include <linux/rhashtable.h>
#include <linux/sched/rcfs.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/time_namespace.h>
#include <linux/utsname.h>
#include <net/net_namespace.h>

#include "nsproxy.h"

/*
 * The nsproxies that find_nsproxy() has made, and that several tasks may share. Tasks
 * may share those of own_nsproxy() as well, which are not in this table. The key is the
 * combination of namespaces and containers. The key does not change while an nsproxy is
 * in the table.
 */
static struct rhashtable nsproxy_hash;

/*
 * What find_nsproxy() looks for: an nsproxy with the namespaces and containers of
 * @base, except that the container in @hierarchy is @cont.
 */
struct nsproxy_key {
	const struct nsproxy *base;
	const struct rcfs_container *cont;	/* NULL for the root of @hierarchy */
	int hierarchy;				/* -1: all containers are those of @base */
};

/*
 * The pointers to namespaces are adjacent in struct nsproxy and are treated as an
 * array. Only the count is in front of them, and only fields of rcfs are behind
 * them. A namespace that is added anywhere therefore fails the assertion.
 */
#define NSPROXY_NAMESPACES						\
	((offsetofend(struct nsproxy, cgroup_ns) -			\
	  offsetof(struct nsproxy, uts_ns)) / sizeof(void *))
static_assert(NSPROXY_NAMESPACES == 8 &&
	      offsetof(struct nsproxy, uts_ns) == sizeof(void *) &&
	      offsetof(struct nsproxy, rcfs_container) ==
	      offsetofend(struct nsproxy, cgroup_ns) &&
	      sizeof(struct nsproxy) ==
	      ALIGN(offsetofend(struct nsproxy, rcfs_replaced), sizeof(void *)),
	      "a new namespace belongs beside the others, and into clone_nsproxy() and borrow_namespaces()");

static const void *const *namespaces_of(const struct nsproxy *ns)
{
	return (const void *const *)&ns->uts_ns;
}

static bool have_same_namespaces(const struct nsproxy *a, const struct nsproxy *b)
{
	for (int i = 0; i < NSPROXY_NAMESPACES; i++)
		if (namespaces_of(a)[i] != namespaces_of(b)[i])
			return false;
	return true;
}

static const struct rcfs_container *
key_container(const struct nsproxy_key *key, int hierarchy)
{
	return hierarchy == key->hierarchy ? key->cont : key->base->rcfs_container[hierarchy];
}

/*
 * If a task has the initial namespaces, and is in one container at most: the nsproxy
 * that the directory of the container owns, or init_nsproxy. NULL for all other tasks.
 */
static struct nsproxy *own_nsproxy(const struct nsproxy_key *key)
{
	const struct rcfs_container *only = NULL;
	struct nsproxy *ns;

	for (int i = 0; i < CONFIG_MAX_RC_HIERARCHIES; i++) {
		const struct rcfs_container *cont = key_container(key, i);

		if (cont && only)
			return NULL;
		only = cont ?: only;
	}
	ns = only ? only->nsproxy : &init_nsproxy;
	return have_same_namespaces(ns, key->base) ? ns : NULL;
}

/*
 * This is called for attaches that own_nsproxy() does not cover, and has to be fast.
 * It need not resist attacks: user space does not choose the pointers. The upper half
 * of each product depends on all lower bits of the factor.
 */
static unsigned long mix_pointer(unsigned long hash, const void *ptr)
{
	return hash_long(hash ^ (unsigned long)ptr, BITS_PER_LONG);
}

static u32 nsproxy_key_hash(const void *data, u32 len, u32 seed)
{
	const struct nsproxy_key *key = data;
	const void *const *namespaces = namespaces_of(key->base);
	unsigned long hash = seed;

	for (int i = 0; i < NSPROXY_NAMESPACES; i++)
		hash = mix_pointer(hash, namespaces[i]);
	for (int i = 0; i < CONFIG_MAX_RC_HIERARCHIES; i++)
		hash = mix_pointer(hash, key_container(key, i));
	return hash_long(hash, 32);
}

static u32 nsproxy_obj_hash(const void *data, u32 len, u32 seed)
{
	const struct nsproxy_key key = { .base = data, .hierarchy = -1 };

	return nsproxy_key_hash(&key, len, seed);
}

static int nsproxy_obj_cmp(struct rhashtable_compare_arg *arg, const void *obj)
{
	const struct nsproxy_key *key = arg->key;
	const struct nsproxy *ns = obj;

	if (!have_same_namespaces(ns, key->base))
		return 1;
	for (int i = 0; i < CONFIG_MAX_RC_HIERARCHIES; i++)
		if (ns->rcfs_container[i] != key_container(key, i))
			return 1;
	return 0;
}

static const struct rhashtable_params nsproxy_hash_params = {
	.head_offset		= offsetof(struct nsproxy, rcfs_node),
	.hashfn			= nsproxy_key_hash,
	.obj_hashfn		= nsproxy_obj_hash,
	.obj_cmpfn		= nsproxy_obj_cmp,
	.automatic_shrinking	= true,
};

/*
 * If there is no memory for the table, the nsproxy is not shared. Nothing else
 * depends on whether an nsproxy is in the table.
 */
static void rcfs_hash_nsproxy(struct nsproxy *ns)
{
	ns->rcfs_hashed = !rhashtable_insert_fast(&nsproxy_hash, &ns->rcfs_node,
						  nsproxy_hash_params);
}

static void rcfs_unhash_nsproxy(struct nsproxy *ns)
{
	if (ns->rcfs_hashed)
		rhashtable_remove_fast(&nsproxy_hash, &ns->rcfs_node,
				       nsproxy_hash_params);
	ns->rcfs_hashed = false;
}

/* Begin to read the counts of a container. The result is for rcfs_end_look(). */
static int rcfs_begin_look(const struct rcfs_container *cont)
{
	/* The counts include all tasks that have arrived: pairs with rcfs_arrive(). */
	return atomic_read_acquire(&cont->arrivals);
}

/*
 * Whether no task has arrived in a container, or in one below, since rcfs_begin_look().
 * A task that gets another nsproxy may leave a count that has not been read yet, for a
 * count that has been read. The reader misses the task then, but sees that a task has
 * arrived.
 */
static bool rcfs_end_look(const struct rcfs_container *cont, int arrivals)
{
	/* A task arrives before it leaves the old count: pairs with the release there. */
	smp_rmb();
	return atomic_read(&cont->arrivals) == arrivals;
}

/**
 * rcfs_container_is_empty - whether no task is in a container itself
 * @cont: the container, not the root of a hierarchy
 *
 * Context: Any.
 * Return: true if no task was there during the call; false if a task was there
 *	   during all of the call. Otherwise either.
 */
bool rcfs_container_is_empty(const struct rcfs_container *cont)
{
	int arrivals = rcfs_begin_look(cont);

	if (refcount_read(&cont->nsproxy->count) > 1)
		return false;
	rcfs_delay(RCFS_DELAY_EMPTY);
	return atomic_read(&cont->nr_nsproxies) <= 1 && rcfs_end_look(cont, arrivals);
}

/**
 * rcfs_is_empty_below - whether a container and all its descendants have no tasks
 * @top: the container, not the root of a hierarchy
 *
 * Context: Under RCU, or with the mutex of rcfs held.
 * Return: true if no task was there during the call; false if a task was there
 *	   during all of the call, even if it moved from one container below @top to
 *	   another. Otherwise either.
 */
bool rcfs_is_empty_below(const struct rcfs_container *top)
{
	int arrivals = rcfs_begin_look(top);
	const struct rcfs_container *cont;

	for (cont = top; cont; cont = rcfs_next_below(top, cont)) {
		if (!rcfs_container_is_empty(cont))
			return false;
		rcfs_delay(RCFS_DELAY_EMPTY);
	}
	return rcfs_end_look(top, arrivals);
}

/*
 * Note that a task is counted in a container by a count that did not count the task
 * before. Call this before the count drops that counted the task so far, because both
 * may be counts of the same container, or of containers below one.
 */
static void rcfs_arrive_in(struct rcfs_container *cont)
{
	for (; cont && !rcfs_container_is_root(cont); cont = cont->parent)
		atomic_inc(&cont->arrivals);
}

/* As above, for all containers of an nsproxy that a task gets */
static void rcfs_arrive(const struct nsproxy *ns)
{
	if (!ns->rcfs_listed)
		return;
	/* A reader that sees the arrival sees the new count: pairs with rcfs_begin_look(). */
	smp_mb__before_atomic();
	for (int i = 0; i < CONFIG_MAX_RC_HIERARCHIES; i++)
		rcfs_arrive_in(ns->rcfs_container[i]);
}

/*
 * A container has lost a task. If the container, or an ancestor, has become empty,
 * notify the readers of its file "empty". A task may have entered by the time that
 * a reader looks. After each read, a reader is notified once.
 *
 * The caller must be under RCU, or hold the mutex of rcfs, from before the count
 * dropped: the container may be retired as soon as it has.
 */
static void rcfs_notify_empty(struct rcfs_container *cont)
{
	/* If two tasks drop different counts, at least one of them sees both changes. */
	smp_mb();
	for (; cont && !rcfs_container_is_root(cont); cont = cont->parent) {
		if (!READ_ONCE(cont->watched))
			continue;
		/*
		 * Then those above are not empty either. Whoever holds the count that this
		 * has seen looks at all of them when dropping it.
		 */
		if (!rcfs_is_empty_below(cont))
			return;
		if (!rcfs_container_is_retired(cont) && xchg(&cont->watched, false))
			kernfs_notify(cont->empty);
	}
}

/*
 * Drop the count that an nsproxy has in a container. All such counts are dropped
 * here: if only the container's own nsproxy remains, its readers may be waiting.
 */
static void rcfs_put_container(struct rcfs_container *cont)
{
	if (!cont)
		return;
	rcu_read_lock();
	if (atomic_dec_return(&cont->nr_nsproxies) == 1)
		rcfs_notify_empty(cont);
	rcu_read_unlock();
}

/**
 * rcfs_unpin_container - drop a pin of a container
 * @cont: the container, or NULL
 *
 * An nsproxy has a pin for as long as its tasks need the states of the container:
 * until the last of them has been reaped. A handle on a state has a pin, too.
 *
 * Context: Any.
 */
void rcfs_unpin_container(struct rcfs_container *cont)
{
	if (cont && refcount_dec_and_test(&cont->nr_pins))
		queue_rcu_work(system_dfl_wq, cont->free_work);
}
EXPORT_SYMBOL_GPL(rcfs_unpin_container);

/*
 * Add an nsproxy to the list of a container, so that its tasks are found there. The
 * container counts the nsproxy already.
 */
static void rcfs_enter_container(struct nsproxy *ns, int hierarchy,
				 struct rcfs_container *cont)
{
	ns->rcfs_container[hierarchy] = cont;
	if (!cont)
		return;
	ns->rcfs_listed = true;
	guard(raw_spinlock_irqsave)(&cont->lock);
	hlist_add_head_rcu(&ns->rcfs_links[hierarchy], &cont->nsproxies);
}

/* @ns must have no tasks yet, and no container in that hierarchy. */
static void rcfs_set_container(struct nsproxy *ns, int hierarchy,
			       struct rcfs_container *cont)
{
	if (cont) {
		atomic_inc(&cont->nr_nsproxies);
		refcount_inc(&cont->nr_pins);
	}
	rcfs_enter_container(ns, hierarchy, cont);
}

static void rcfs_leave_container(struct nsproxy *ns, int hierarchy)
{
	struct rcfs_container *cont = ns->rcfs_container[hierarchy];

	if (!cont)
		return;
	scoped_guard(raw_spinlock_irqsave, &cont->lock)
		hlist_del_rcu(&ns->rcfs_links[hierarchy]);
	rcfs_put_container(cont);
}

/*
 * The last user of an nsproxy is gone. Drop the counts at once, so that rmdir is
 * exact. RCU readers and exiting tasks may still need the states and the nsproxy:
 * see rcfs_unpin_nsproxy().
 */
void rcfs_leave_containers(struct nsproxy *ns)
{
	rcfs_unhash_nsproxy(ns);
	for (int i = 0; i < CONFIG_MAX_RC_HIERARCHIES; i++)
		rcfs_leave_container(ns, i);
}

/**
 * nsproxy_begin_put - drop a reference without sleeping
 * @ns: the nsproxy, or NULL
 *
 * Call this with the lock held under which a task has been given another nsproxy.
 * An attach of the task that follows then finds that the task no longer counts in
 * the container that it was in.
 *
 * Context: Any but interrupts, under RCU, which a spinlock implies.
 * Return: the argument for nsproxy_finish_put(), which must be called without the
 *	   lock, or NULL.
 */
struct nsproxy *nsproxy_begin_put(struct nsproxy *ns)
{
	struct rcfs_container *owner;
	int old;

	if (!ns)
		return NULL;

	/* Once this reference is dropped, another task may drop the last one. RCU keeps @ns. */
	RCU_LOCKDEP_WARN(!rcu_read_lock_any_held(), "an nsproxy is put without a lock");
	owner = ns->rcfs_owner;
	if (!__refcount_dec_and_test(&ns->count, &old)) {
		if (old == 2 && owner)
			rcfs_notify_empty(owner);
		return NULL;
	}
	rcfs_delay(RCFS_DELAY_PUT);
	rcfs_leave_containers(ns);
	return ns;
}

/*
 * Put @ns, which nobody else can see, into the containers of @from. Call this when a
 * task gets @ns, not when @ns is made: an nsproxy without tasks must not keep a
 * container from being removed.
 *
 * The caller keeps @from, and thereby its containers, alive.
 */
void rcfs_follow_containers(struct nsproxy *ns, const struct nsproxy *from)
{
	if (!memcmp(ns->rcfs_container, from->rcfs_container,
		    sizeof(ns->rcfs_container)))
		return;
	for (int i = 0; i < CONFIG_MAX_RC_HIERARCHIES; i++)
		rcfs_set_container(ns, i, from->rcfs_container[i]);
	rcfs_arrive(ns);
	memcpy(ns->ctlr_data, from->ctlr_data, sizeof(ns->ctlr_data));
}

static bool keeps_container(const struct nsproxy *old, const struct nsproxy *new,
			    int hierarchy)
{
	return old->rcfs_container[hierarchy] &&
	       old->rcfs_container[hierarchy] == new->rcfs_container[hierarchy];
}

/*
 * Tasks move from the list of @old to that of @new, and stay in some containers. A
 * reader of the lists of such a container may miss a task in both lists, and has to
 * know: see rcfs_walk_is_complete().
 */
void rcfs_begin_switch(const struct nsproxy *old, const struct nsproxy *new)
{
	for (int i = 0; i < CONFIG_MAX_RC_HIERARCHIES; i++)
		if (keeps_container(old, new, i))
			atomic_inc(&new->rcfs_container[i]->switches_begun);
	/* A reader who finds a list without the task sees the increments above. */
	smp_wmb();
}

void rcfs_end_switch(const struct nsproxy *old, const struct nsproxy *new)
{
	/* A reader who sees the increments below finds the task in its new list. */
	smp_wmb();
	for (int i = 0; i < CONFIG_MAX_RC_HIERARCHIES; i++)
		if (keeps_container(old, new, i))
			atomic_inc(&new->rcfs_container[i]->switches_done);
}

/* Whether two nsproxies are in the same containers, except in one hierarchy */
static bool same_other_containers(const struct nsproxy *a, const struct nsproxy *b,
				  int hierarchy)
{
	for (int i = 0; i < CONFIG_MAX_RC_HIERARCHIES; i++)
		if (i != hierarchy && a->rcfs_container[i] != b->rcfs_container[i])
			return false;
	return true;
}

/**
 * rcfs_fork_visible - put a child into its containers
 * @child: the task that is about to enter the task list
 * @args: the arguments of the fork
 * @done: is set to the argument for nsproxy_put_done(), which must be called once the
 *	  locks are released
 *
 * The child has been in no container so far. It gets the containers of its parent,
 * except for the one that rcfs_clone_begin() has found. If the parent is attached
 * after this function has read current->nsproxy, the attach finds the child in the
 * task list after taking the siglock: see rcfs_replace_nsproxy().
 *
 * Context: Called by the parent, with its siglock and the tasklist_lock held for
 *	    writing, after everything else that can fail and before the child can be
 *	    found.
 * Return: 0; the error of a subsystem that refuses the child; or -EAGAIN if the fork
 *	   has to be repeated, which rcfs_clone_end() reports.
 */
int rcfs_fork_visible(struct task_struct *child, struct kernel_clone_args *args,
		      struct nsproxy **done)
{
	struct nsproxy *ns;
	int err;

	lockdep_assert_held(&current->sighand->siglock);
	*done = NULL;

	/* A spinlock is held, which implies an RCU read-side critical section. */
	ns = READ_ONCE(current->nsproxy);
	if (args->rcfs_ns) {
		/* The parent may have been moved in another hierarchy in the meantime. */
		args->rcfs_outdated = !same_other_containers(ns, args->rcfs_ns,
							     args->rcfs_hierarchy);
		if (args->rcfs_outdated)
			return -EAGAIN;
		ns = args->rcfs_ns;
	}
	err = rcfs_can_fork(ns, child);
	if (err)
		return err;
	/*
	 * If the parent has been given another nsproxy since, the attach still holds a
	 * reference on @ns, and keeps it until it gets the siglock.
	 */
	get_nsproxy(ns);
	/* Without CLONE_INTO_CGROUP, the count of the parent counts the child as well. */
	if (args->rcfs_ns)
		rcfs_arrive(ns);
	rcfs_delay(RCFS_DELAY_VISIBLE);

	if (!child->nsproxy) {
		set_task_nsproxy(child, ns);
		return 0;
	}
	/* The child has namespaces of its own, in an nsproxy that nobody has seen. */
	rcfs_follow_containers(child->nsproxy, ns);
	*done = nsproxy_begin_put(ns);
	return 0;
}

/**
 * rcfs_add_child - add a child to the list of its nsproxy
 * @child: the task, which has its ids and has been through rcfs_fork_visible()
 *
 * Context: Called with the tasklist_lock held for writing, before the child can be
 *	    found in any other way, so that it cannot be moved yet.
 */
void rcfs_add_child(struct task_struct *child)
{
	rcfs_add_member(child, child->nsproxy);
}

/**
 * nsproxy_finish_put - free an nsproxy whose last user is gone
 * @ns: what nsproxy_begin_put() returned
 *
 * Context: Process context, may sleep.
 */
void nsproxy_finish_put(struct nsproxy *ns)
{
	nsproxy_ns_active_put(ns);
	nsproxy_free(ns);
}

static void free_nsproxy_rcu(struct rcu_head *rcu)
{
	kfree(container_of(rcu, struct nsproxy, rcu));
}

static void free_nsproxy_rcu_tasks(struct rcu_head *rcu)
{
	call_rcu(rcu, free_nsproxy_rcu);
}

/*
 * The scheduler reads the nsproxy of other tasks under RCU. An nsproxy that has been
 * replaced from outside may be in use by the task itself as well, which reads
 * current->nsproxy without any protection, but does not sleep while it uses the
 * pointer. RCU-tasks waits for that.
 */
static void free_nsproxy_later(struct nsproxy *ns)
{
	if (ns->rcfs_replaced)
		call_rcu_tasks(&ns->rcu, free_nsproxy_rcu_tasks);
	else
		call_rcu(&ns->rcu, free_nsproxy_rcu);
}

/**
 * rcfs_unpin_nsproxy - drop a pin of an nsproxy
 * @ns: the nsproxy
 *
 * All users of the namespaces have one pin together. Each exiting task has another.
 *
 * Context: Any.
 */
void rcfs_unpin_nsproxy(struct nsproxy *ns)
{
	if (!refcount_dec_and_test(&ns->rcfs_pins))
		return;
	/* An nsproxy that is owned by a directory is freed with its container. */
	if (ns->rcfs_owner) {
		rcfs_unpin_container(ns->rcfs_owner);
		return;
	}
	for (int i = 0; i < CONFIG_MAX_RC_HIERARCHIES; i++)
		rcfs_unpin_container(ns->rcfs_container[i]);
	free_nsproxy_later(ns);
}

/**
 * rcfs_pin_nsproxy - keep the states of a task that gives up its nsproxy
 * @tsk: the exiting task
 * @ns: its nsproxy
 *
 * The states of the containers stay until the task has been reaped and has left the
 * CPU for the last time. The containers can be removed before that.
 *
 * Context: Called with the task_lock held, before task->nsproxy is cleared.
 */
void rcfs_pin_nsproxy(struct task_struct *tsk, struct nsproxy *ns)
{
	/* A task that is in no container has no states to keep. */
	if (!ns->rcfs_listed)
		return;
	refcount_inc(&ns->rcfs_pins);
	WRITE_ONCE(tsk->rcfs_pin, (unsigned long)ns);
}

/**
 * rcfs_unpin_task - drop one of the two reasons for the pin of a task
 * @tsk: a task that has been reaped, or that has left the CPU for the last time
 *
 * The pin is dropped with the second reason. References on the task do not count:
 * they may be held for ever.
 *
 * Context: Any. Called once for each reason.
 */
void rcfs_unpin_task(struct task_struct *tsk)
{
	unsigned long left, pin = READ_ONCE(tsk->rcfs_pin);

	do {
		/* rcfs_unpin_zombies() may have dropped the pin already. */
		if (!pin)
			return;
		left = pin & RCFS_PIN_HALF ? 0 : pin | RCFS_PIN_HALF;
	} while (!try_cmpxchg(&tsk->rcfs_pin, &pin, left));
	if (left)
		return;
	/* References on the task may outlive the task group of its container. */
	sched_rcfs_task_dead(tsk);
	rcfs_unpin_nsproxy((struct nsproxy *)(pin & ~RCFS_PIN_HALF));
}

/* Returns whether @tsk had a pin of @old. It now has one of @new, or none for NULL. */
static bool replace_pin(struct task_struct *tsk, const struct nsproxy *old,
			const struct nsproxy *new)
{
	unsigned long next, pin = READ_ONCE(tsk->rcfs_pin);

	do {
		if ((pin & ~RCFS_PIN_HALF) != (unsigned long)old)
			return false;
		next = new ? (unsigned long)new | (pin & RCFS_PIN_HALF) : 0;
	} while (!try_cmpxchg(&tsk->rcfs_pin, &pin, next));
	return true;
}

/* The hierarchy in which a container of @ns has a state of the subsystem, or -1 */
static int find_hierarchy(const struct nsproxy *ns, int subsys_id)
{
	for (int i = 0; i < CONFIG_MAX_RC_HIERARCHIES; i++)
		if (ns->rcfs_container[i] &&
		    test_bit(subsys_id, ns->rcfs_container[i]->subsystems))
			return i;
	return -1;
}

static bool has_other_containers(const struct nsproxy *ns, int hierarchy)
{
	for (int i = 0; i < CONFIG_MAX_RC_HIERARCHIES; i++)
		if (i != hierarchy && ns->rcfs_container[i])
			return true;
	return false;
}

/*
 * Fill an nsproxy that exists for pins alone. It gets the containers of @from, except
 * in @hierarchy, where it is in the root. The caller has a pin of @from.
 */
static void pin_other_containers(struct nsproxy *ns, const struct nsproxy *from, int hierarchy)
{
	struct rcfs_container *gone = from->rcfs_container[hierarchy];
	int i;

	for (i = 0; i < CONFIG_MAX_RC_HIERARCHIES; i++) {
		if (i == hierarchy || !from->rcfs_container[i])
			continue;
		ns->rcfs_container[i] = from->rcfs_container[i];
		refcount_inc(&ns->rcfs_container[i]->nr_pins);
	}
	memcpy(ns->ctlr_data, from->ctlr_data, sizeof(ns->ctlr_data));
	for_each_set_bit(i, gone->subsystems, CONFIG_MAX_RC_SUBSYS)
		ns->ctlr_data[i] = NULL;
}

/* The nsproxy that zombies have pinned, and the one that they get instead */
struct other_pin {
	const struct nsproxy *from;
	struct nsproxy *to;	/* with a pin of its own; NULL for none */
	struct nsproxy *spare;	/* the next @to */
};

/* The caller has a pin of @ns. Returns false if there is no spare nsproxy. */
static bool find_other_pin(struct other_pin *other, const struct nsproxy *ns,
			   int hierarchy)
{
	struct nsproxy *to = NULL;

	if (other->from == ns)
		return true;
	if (has_other_containers(ns, hierarchy)) {
		if (!other->spare)
			return false;
		swap(to, other->spare);
		pin_other_containers(to, ns, hierarchy);
	}
	if (other->to)
		rcfs_unpin_nsproxy(other->to);
	other->from = ns;
	other->to = to;
	return true;
}

static bool unpin_zombie(struct task_struct *tsk, int subsys_id, struct other_pin *other)
{
	struct nsproxy *ns;
	int hierarchy;
	bool done;

	/*
	 * Pairs with the release in set_task_nsproxy(). Without an nsproxy, the task is in
	 * no list, and the word that a list would use is the pin.
	 */
	if (smp_load_acquire(&tsk->nsproxy))
		return true;
	ns = rcfs_pinned_nsproxy(tsk);
	/* The task may be dropping its own pin at this moment. */
	if (!ns || !refcount_inc_not_zero(&ns->rcfs_pins))
		return true;
	hierarchy = find_hierarchy(ns, subsys_id);
	done = hierarchy < 0 || find_other_pin(other, ns, hierarchy);
	if (hierarchy >= 0 && done) {
		if (other->to)
			refcount_inc(&other->to->rcfs_pins);
		if (replace_pin(tsk, ns, other->to))
			rcfs_unpin_nsproxy(ns);
		else if (other->to)
			rcfs_unpin_nsproxy(other->to);
		sched_rcfs_update_task(tsk);
	}
	rcfs_unpin_nsproxy(ns);
	return done;
}

/* Returns false if a spare nsproxy is needed. */
static bool unpin_listed(int subsys_id, struct other_pin *other)
{
	struct task_struct *process, *tsk;

	guard(rcu)();
	for_each_process_thread(process, tsk)
		if (!unpin_zombie(tsk, subsys_id, other))
			return false;
	/* Only under RCU is the address of @from not reused for another nsproxy. */
	other->from = NULL;
	return true;
}

/**
 * rcfs_unpin_zombies - free the states that exited tasks keep of a subsystem
 * @subsys_id: a subsystem that is bound to no hierarchy
 *
 * Zombies may never be reaped, so unregistration must not wait for them. From here on
 * they are accounted in the other hierarchies only. A task that is no longer in the
 * task list has been reaped. It drops its pin when it leaves the CPU, which is about
 * to happen.
 *
 * Context: Process context, may sleep, with the mutex of rcfs held. All containers
 *	    with such states have been removed, so that no new pins appear.
 */
void rcfs_unpin_zombies(int subsys_id)
{
	struct other_pin other = {};

	while (!unpin_listed(subsys_id, &other)) {
		/* Unregistration cannot fail. Memory is going to be freed at some time. */
		other.spare = rcfs_create_nsproxy();
		if (!other.spare)
			schedule_timeout_uninterruptible(1);
		other.from = NULL;
	}
	if (other.to)
		rcfs_unpin_nsproxy(other.to);
	if (other.spare)
		rcfs_unpin_nsproxy(other.spare);
}

/* A new nsproxy with references on the namespaces of another */
static struct nsproxy *clone_nsproxy(const struct nsproxy *base)
{
	struct nsproxy *ns = rcfs_create_nsproxy();

	if (!ns)
		return NULL;
	/* Without flags, these functions only take references, and cannot fail. */
	ns->mnt_ns = copy_mnt_ns(0, base->mnt_ns, NULL, NULL);
	ns->uts_ns = copy_utsname(0, NULL, base->uts_ns);
	ns->ipc_ns = copy_ipcs(0, NULL, base->ipc_ns);
	ns->pid_ns_for_children = copy_pid_ns(0, NULL, base->pid_ns_for_children);
	ns->cgroup_ns = copy_cgroup_ns(0, NULL, base->cgroup_ns);
	ns->net_ns = copy_net_ns(0, NULL, base->net_ns);
	ns->time_ns = get_time_ns(base->time_ns);
	ns->time_ns_for_children = get_time_ns(base->time_ns_for_children);
	nsproxy_ns_active_get(ns);
	return ns;
}

/**
 * find_nsproxy - find or make the nsproxy for a task that moves into a container
 * @base: the nsproxy of the task, with a reference of the caller
 * @cont: the container that the task moves to
 *
 * The result has the namespaces of @base, the containers of @base in all other
 * hierarchies, and @cont in the hierarchy of @cont. Tasks for which all of these are
 * the same share one nsproxy. An nsproxy without users is never found.
 *
 * Context: Process context, may sleep. The caller keeps the memory of @cont.
 * Return: the nsproxy, with a reference for the caller; ERR_PTR(-ENOMEM); or
 *	   ERR_PTR(-ENODEV) if @cont has been retired.
 */
struct nsproxy *find_nsproxy(struct nsproxy *base, struct rcfs_container *cont)
{
	struct rcfs_container *to = rcfs_container_is_root(cont) ? NULL : cont;
	const struct nsproxy_key key = {
		.base = base,
		.cont = to,
		.hierarchy = cont->hierarchy,
	};
	const struct nsproxy *states = cont->nsproxy;
	struct nsproxy *ns;
	int i;

	ns = own_nsproxy(&key);
	/* The count is zero while the container is out of use. */
	if (ns && refcount_inc_not_zero(&ns->count))
		return ns;

	rcu_read_lock();
	ns = rhashtable_lookup(&nsproxy_hash, &key, nsproxy_hash_params);
	if (ns && !refcount_inc_not_zero(&ns->count))
		ns = NULL;
	rcu_read_unlock();
	if (ns)
		return ns;

	/* From here on the container cannot be retired. */
	if (to && !atomic_inc_not_zero(&cont->nr_nsproxies))
		return ERR_PTR(-ENODEV);
	if (to)
		refcount_inc(&to->nr_pins);
	rcfs_delay(RCFS_DELAY_FIND);

	ns = clone_nsproxy(base);
	if (!ns) {
		/* All tasks may have left the container in the meantime. */
		rcfs_put_container(to);
		rcfs_unpin_container(to);
		return ERR_PTR(-ENOMEM);
	}
	/* The new nsproxy takes over the count and the pin. */
	rcfs_enter_container(ns, cont->hierarchy, to);
	for (i = 0; i < CONFIG_MAX_RC_HIERARCHIES; i++)
		if (i != cont->hierarchy)
			rcfs_set_container(ns, i, base->rcfs_container[i]);
	/* The root states in init_nsproxy are not copied: their subsystems free them. */
	if (base != &init_nsproxy)
		memcpy(ns->ctlr_data, base->ctlr_data, sizeof(ns->ctlr_data));
	for_each_set_bit(i, cont->subsystems, CONFIG_MAX_RC_SUBSYS)
		ns->ctlr_data[i] = to ? states->ctlr_data[i] : NULL;
	rcfs_hash_nsproxy(ns);
	return ns;
}

/* Returns whether @tsk had @old. It has @new in that case. */
static bool replace_nsproxy(struct task_struct *tsk, struct nsproxy *old,
			    struct nsproxy *new)
{
	bool replaced;

	task_lock(tsk);
	replaced = tsk->nsproxy == old;
	if (replaced) {
		rcfs_remove_member(tsk, old);
		rcfs_delay(RCFS_DELAY_LIST);
		set_task_nsproxy(tsk, new);
		rcfs_add_member(tsk, new);
		rcfs_transfer(tsk, new, old);
	}
	task_unlock(tsk);
	return replaced;
}

/*
 * When this returns, the child of every fork that read the old nsproxy in
 * rcfs_fork_visible() is in the task list. One thread is enough, as threads of a
 * process share the siglock. Threads without it have exited.
 */
static void wait_for_forks_of(struct task_struct **threads, unsigned int nr)
{
	unsigned long flags;

	if (nr == 1 && threads[0] == current)
		return;
	for (unsigned int i = 0; i < nr; i++) {
		if (lock_task_sighand(threads[i], &flags)) {
			unlock_task_sighand(threads[i], &flags);
			return;
		}
	}
}

/**
 * rcfs_replace_nsproxy - replace the nsproxy of threads from outside
 * @threads: threads of one process, not necessarily that of current. On return, those
 *	     that have been given @new come first.
 * @nr: the number of threads, at least one
 * @old: the nsproxy that they had when @new was found; the caller holds a reference
 * @new: an nsproxy with the same namespaces and other containers; the caller holds a
 *	 reference
 *
 * Children that the threads fork from now on begin with @new. Children that they
 * forked earlier keep @old, and are in the task list.
 *
 * Context: Process context, may sleep.
 * Return: the number of threads that have been given @new. The others no longer had
 *	   @old, because they exit or have switched namespaces.
 */
unsigned int rcfs_replace_nsproxy(struct task_struct **threads, unsigned int nr,
				  struct nsproxy *old, struct nsproxy *new)
{
	unsigned int replaced = 0;

	might_sleep();

	/* This must be visible before the last reference is dropped: see free_nsproxy_later(). */
	WRITE_ONCE(old->rcfs_replaced, true);
	/* Take all references with one atomic operation. */
	refcount_add(nr, &new->count);
	/* Before a reference on @old is put here, or by the caller */
	rcfs_arrive(new);
	rcfs_begin_switch(old, new);
	for (unsigned int i = 0; i < nr; i++) {
		if (replace_nsproxy(threads[i], old, new)) {
			if (i != replaced)
				swap(threads[i], threads[replaced]);
			replaced++;
		}
	}
	rcfs_end_switch(old, new);

	/* The caller has a reference on each of the two, so that neither count drops to 0. */
	if (replaced < nr)
		WARN_ON_ONCE(refcount_sub_and_test(nr - replaced, &new->count));
	if (replaced) {
		WARN_ON_ONCE(refcount_sub_and_test(replaced, &old->count));
		wait_for_forks_of(threads, replaced);
	}
	return replaced;
}

/*
 * Use the initial namespaces without references. init_nsproxy has references, and is
 * never freed.
 */
static void borrow_namespaces(struct nsproxy *ns)
{
	ns->mnt_ns = init_nsproxy.mnt_ns;
	ns->uts_ns = init_nsproxy.uts_ns;
	ns->ipc_ns = init_nsproxy.ipc_ns;
	ns->pid_ns_for_children = init_nsproxy.pid_ns_for_children;
	ns->cgroup_ns = init_nsproxy.cgroup_ns;
	ns->net_ns = init_nsproxy.net_ns;
	ns->time_ns = init_nsproxy.time_ns;
	ns->time_ns_for_children = init_nsproxy.time_ns_for_children;
}

/**
 * rcfs_alloc_container - make a container without states
 * @hierarchy: number of its hierarchy
 * @subsystems: the subsystems of that hierarchy
 * @parent: the parent, which must outlive the container; NULL for the root of the
 *	    hierarchy
 *
 * The container owns an nsproxy with the initial namespaces, which is in the root of
 * all other hierarchies. Tasks cannot move into the container before
 * rcfs_publish_container(). The nsproxy of a root is &init_nsproxy, which holds all
 * root states. A root can always be moved to.
 *
 * Return: the container, or NULL if there is no memory.
 */
struct rcfs_container *rcfs_alloc_container(int hierarchy,
					    const unsigned long *subsystems,
					    struct rcfs_container *parent)
{
	struct rcfs_container *cont = kzalloc_obj(*cont);

	if (!cont)
		return NULL;
	raw_spin_lock_init(&cont->lock);
	cont->hierarchy = hierarchy;
	cont->parent = parent;
	bitmap_copy(cont->subsystems, subsystems, CONFIG_MAX_RC_SUBSYS);
	if (!parent) {
		cont->nsproxy = &init_nsproxy;
		return cont;
	}
	cont->nsproxy = rcfs_create_nsproxy();
	if (!cont->nsproxy) {
		kfree(cont);
		return NULL;
	}
	borrow_namespaces(cont->nsproxy);
	/* rcfs_publish_container() sets the counts for this nsproxy. */
	refcount_set(&cont->nsproxy->count, 0);
	cont->nsproxy->rcfs_container[hierarchy] = cont;
	cont->nsproxy->rcfs_owner = cont;
	cont->nsproxy->rcfs_listed = true;
	return cont;
}

/**
 * rcfs_publish_container - let tasks move into a container
 * @cont: the container, with all its states; not the root of a hierarchy
 * @directory: its directory, for the path of the container
 * @empty: the file "empty" in that directory
 *
 * The container takes a reference on each node. A second call has no effect.
 *
 * Context: Process context, with the mutex of rcfs held.
 */
void rcfs_publish_container(struct rcfs_container *cont,
			    struct kernfs_node *directory,
			    struct kernfs_node *empty)
{
	if (cmpxchg(&cont->directory, NULL, directory))
		return;
	kernfs_get(directory);
	cont->empty = empty;
	kernfs_get(empty);
	/* The pin of the container's own nsproxy */
	refcount_set(&cont->nr_pins, 1);
	hlist_add_head_rcu(&cont->sibling, &cont->parent->children);
	refcount_set(&cont->nsproxy->count, 1);
	/* All fields above are set before find_nsproxy() can see the count. */
	atomic_set_release(&cont->nr_nsproxies, 1);
}

/**
 * rcfs_retire_container - make an empty container unavailable for good
 * @cont: a published container
 *
 * A container is empty if its own nsproxy is the only one that refers to it, and no
 * task has that nsproxy. The order of the checks matters. First the count of the own
 * nsproxy is set to zero, so that no task has it or finds it. A task may have had it
 * before, and may have unshared namespaces: its new nsproxy is then seen in
 * @cont->nr_nsproxies.
 *
 * Context: Process context, with the mutex of rcfs held. Safe against
 *	    find_nsproxy(), which fails afterwards.
 * Return: whether the container was empty and has been retired. RCU readers may
 *	   still use its states until a grace period has passed.
 */
bool rcfs_retire_container(struct rcfs_container *cont)
{
	struct nsproxy *ns = cont->nsproxy;

	if (!refcount_dec_if_one(&ns->count))
		return false;
	if (atomic_cmpxchg(&cont->nr_nsproxies, 1, 0) != 1) {
		refcount_set(&ns->count, 1);
		return false;
	}
	/* A walk that has reached this container still finds the next sibling. */
	hlist_del_rcu(&cont->sibling);
	if (rcfs_groups_memory())
		rcfs_retire_mem_cgroup(cont);
	return true;
}

/**
 * rcfs_abandon_container - free a retired container when no task needs its states
 * @cont: a container that has been retired
 * @free_work: the work that frees it, which runs a grace period after that
 *
 * Context: Any. @cont must not be used afterwards.
 */
void rcfs_abandon_container(struct rcfs_container *cont, struct rcu_work *free_work)
{
	cont->free_work = free_work;
	rcfs_unpin_nsproxy(cont->nsproxy);
}

/**
 * rcfs_free_container - free a container
 * @cont: a container that has been retired or was never published, or the root of a
 *	  hierarchy that is gone
 */
void rcfs_free_container(struct rcfs_container *cont)
{
	/* borrow_namespaces() took no references. */
	if (!rcfs_container_is_root(cont))
		free_nsproxy_later(cont->nsproxy);
	kernfs_put(cont->empty);
	kernfs_put(cont->directory);
	kfree_rcu(cont, rcu);
}

/**
 * namespaces_init - prepare find_nsproxy()
 *
 * Context: Process context. rcfs_init() calls this before the first attach.
 * Return: 0, or -ENOMEM.
 */
int namespaces_init(void)
{
	return rhashtable_init(&nsproxy_hash, &nsproxy_hash_params);
}
