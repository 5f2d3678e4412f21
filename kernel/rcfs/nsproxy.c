// SPDX-License-Identifier: GPL-2.0-only
/*
 * rcfs in nsproxies: which containers tasks are in, and how they get there
 *
 * kernel/nsproxy.c calls this where namespaces begin, are switched and end. See
 * Documentation/core-api/rcfs.rst.
 */

#include <linux/cgroup.h>
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
 * The nsproxies that a task may be given by somebody else: those that
 * find_nsproxy() made, those that the directories of rcfs own, and
 * init_nsproxy. The key is the combination of namespaces and containers;
 * it does not change while an nsproxy is in the table.
 */
static struct rhashtable nsproxy_hash;

/*
 * What find_nsproxy() looks for: the namespaces and the containers of @base,
 * but for one hierarchy the container @cont.
 */
struct nsproxy_key {
	const struct nsproxy *base;
	const struct rcfs_container *cont;	/* NULL for a root, and for none */
	int hierarchy;				/* of @cont; -1 for none */
};

/*
 * The namespaces stand side by side, which makes them an array. struct nsproxy has
 * nothing else but the count in front of them and what rcfs keeps behind them, so
 * that a namespace fails the assertion wherever it is added.
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

static const struct rcfs_container *
key_container(const struct nsproxy_key *key, int hierarchy)
{
	return hierarchy == key->hierarchy ? key->cont : key->base->rcfs_container[hierarchy];
}

/*
 * Every attach does this. Nobody outside of the kernel has a say in what the
 * pointers are, so that mixing them is enough: the upper half of each product
 * depends on all lower bits of what was multiplied.
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

	for (int i = 0; i < NSPROXY_NAMESPACES; i++)
		if (namespaces_of(ns)[i] != namespaces_of(key->base)[i])
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
 * An nsproxy outside of the table is as good as one in it, it is just not
 * shared: nothing depends on whether there was memory for the table.
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

/**
 * rcfs_is_empty_below - whether a container and all below it have no tasks
 * @top: the container, not the root of a hierarchy
 *
 * Context: Under RCU, or with the mutex of rcfs held.
 * Return: what was true some time during the call, if no task came or went.
 */
bool rcfs_is_empty_below(const struct rcfs_container *top)
{
	const struct rcfs_container *cont;

	for (cont = top; cont; cont = rcfs_next_below(top, cont))
		if (!rcfs_container_is_empty(cont))
			return false;
	return true;
}

/*
 * A container has lost a task. Tell the readers of the file "empty", of the
 * container and of those above it, whether that was the last one that they care
 * about. A task may have come by the time that they look. Each reader who has
 * looked is told once of what happens later.
 *
 * Call this after a count has dropped, under RCU or with the mutex of rcfs held,
 * since before it dropped: the container may be retired once it has.
 */
static void rcfs_notify_empty(struct rcfs_container *cont)
{
	/* If two tasks drop different counts, one of them at least sees both. */
	smp_mb();
	for (; cont && !rcfs_container_is_root(cont); cont = cont->parent)
		if (READ_ONCE(cont->watched) && rcfs_is_empty_below(cont) &&
		    !rcfs_container_is_retired(cont) && xchg(&cont->watched, false))
			kernfs_notify(cont->empty);
}

/*
 * Every count of an nsproxy is given up here: whoever makes it the last but one
 * may be the one who has to tell.
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
 * rcfs_unpin_container - give up a pin of a container
 * @cont: the container, or NULL
 *
 * Each nsproxy has one while its tasks need the states, be it because they have not
 * been reaped. So has each handle on a state.
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
 * Let readers find the tasks of an nsproxy by one of its containers, which counts
 * the nsproxy already.
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

/* For an nsproxy that is in no container of that hierarchy, and has no tasks yet */
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
 * The last user is gone. The counts drop here, at once, so that rmdir is exact.
 * Readers that came before, and tasks that exit, may still need the states and
 * the nsproxy: see unpin_nsproxy().
 */
void rcfs_leave_containers(struct nsproxy *ns)
{
	rcfs_unhash_nsproxy(ns);
	for (int i = 0; i < CONFIG_MAX_RC_HIERARCHIES; i++)
		rcfs_leave_container(ns, i);
}

/**
 * nsproxy_begin_put - give up a reference, without sleeping
 * @ns: what it is a reference on, or NULL
 *
 * For use under the lock under which a task got another nsproxy, so that whoever
 * attaches the task afterwards finds nothing left of it in the container that it
 * was in.
 *
 * Context: Any but interrupts.
 * Return: what to call nsproxy_finish_put() with without the lock, or NULL.
 */
struct nsproxy *nsproxy_begin_put(struct nsproxy *ns)
{
	struct rcfs_container *owner;
	int old;

	if (!ns)
		return NULL;

	rcu_read_lock();
	owner = ns->rcfs_owner;
	if (!__refcount_dec_and_test(&ns->count, &old)) {
		if (old == 2 && owner)
			rcfs_notify_empty(owner);
		ns = NULL;
	}
	rcu_read_unlock();
	if (!ns)
		return NULL;
	rcfs_delay(RCFS_DELAY_PUT);
	rcfs_leave_containers(ns);
	return ns;
}

/*
 * Put an nsproxy that nobody else can see into the containers of another. That
 * is done at the moment at which a task gets it, and not when it is made: until
 * then it is in no container, and keeps none from being removed.
 *
 * The caller makes sure that @from stays alive, and with it its containers.
 */
void rcfs_follow_containers(struct nsproxy *ns, const struct nsproxy *from)
{
	if (!memcmp(ns->rcfs_container, from->rcfs_container,
		    sizeof(ns->rcfs_container)))
		return;
	for (int i = 0; i < CONFIG_MAX_RC_HIERARCHIES; i++)
		rcfs_set_container(ns, i, from->rcfs_container[i]);
	memcpy(ns->ctlr_data, from->ctlr_data, sizeof(ns->ctlr_data));
}

static bool keeps_container(const struct nsproxy *old, const struct nsproxy *new,
			    int hierarchy)
{
	return old->rcfs_container[hierarchy] &&
	       old->rcfs_container[hierarchy] == new->rcfs_container[hierarchy];
}

/*
 * Tasks go to the list of another nsproxy, and stay in some containers. Who reads
 * the lists of one of these may miss them in both, and has to know: see
 * rcfs_walk_is_complete().
 */
void rcfs_begin_switch(const struct nsproxy *old, const struct nsproxy *new)
{
	for (int i = 0; i < CONFIG_MAX_RC_HIERARCHIES; i++)
		if (keeps_container(old, new, i))
			atomic_inc(&new->rcfs_container[i]->switches_begun);
	/* Whoever sees a list without the task sees that. */
	smp_wmb();
}

void rcfs_end_switch(const struct nsproxy *old, const struct nsproxy *new)
{
	/* Whoever sees that it has ended sees the lists as they are now. */
	smp_wmb();
	for (int i = 0; i < CONFIG_MAX_RC_HIERARCHIES; i++)
		if (keeps_container(old, new, i))
			atomic_inc(&new->rcfs_container[i]->switches_done);
}

/* Whether two nsproxies are in the same containers but for one hierarchy */
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
 * @args: how it is being made
 * @done: what to call nsproxy_put_done() with once the locks are released
 *
 * The child is in no container before. It gets those of its parent, but for the
 * one that rcfs_clone_begin() has found. Whoever attaches the parent later than
 * this reads where the parent is finds the child in the task list after taking the
 * siglock: see rcfs_replace_nsproxy().
 *
 * Context: Called by the parent, with its siglock and the tasklist_lock held
 *	    for writing, when nothing else can fail any more and before the
 *	    child can be found.
 * Return: 0, or what a subsystem refuses the child with; -EAGAIN if the fork has
 *	   to begin anew, as rcfs_clone_end() tells.
 */
int rcfs_fork_visible(struct task_struct *child, struct kernel_clone_args *args,
		      struct nsproxy **done)
{
	struct nsproxy *ns;
	int err;

	lockdep_assert_held(&current->sighand->siglock);
	*done = NULL;

	/* To hold a spinlock is to be under RCU. */
	ns = READ_ONCE(current->nsproxy);
	if (args->rcfs_ns) {
		/* The parent may have been moved in another hierarchy since. */
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
	 * The parent may have been given another one by now. Whoever did that has
	 * a reference on this one until it gets the siglock.
	 */
	get_nsproxy(ns);
	rcfs_delay(RCFS_DELAY_VISIBLE);

	if (!child->nsproxy) {
		child->nsproxy = ns;
		return 0;
	}
	/* It has namespaces of its own, in an nsproxy that nobody has seen. */
	rcfs_follow_containers(child->nsproxy, ns);
	*done = nsproxy_begin_put(ns);
	return 0;
}

/**
 * rcfs_add_child - let a child be found by its containers
 * @child: the task, which has its ids and has been through rcfs_fork_visible()
 *
 * Context: Called with the tasklist_lock held for writing, before the child can be
 *	    found otherwise: nobody moves it before.
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
 * The scheduler reads the nsproxy of other tasks under RCU. If it was taken
 * from a task from outside, that task itself may be anywhere between reading
 * current->nsproxy and following it, without any protection but that it does
 * not sleep in between: RCU-tasks waits for that.
 */
static void free_nsproxy_later(struct nsproxy *ns)
{
	if (ns->rcfs_replaced)
		call_rcu_tasks(&ns->rcu, free_nsproxy_rcu_tasks);
	else
		call_rcu(&ns->rcu, free_nsproxy_rcu);
}

/**
 * rcfs_unpin_nsproxy - give up a pin of an nsproxy
 * @ns: the nsproxy
 *
 * There is one pin for all users of the namespaces, and one for each task that
 * exits.
 *
 * Context: Any.
 */
void rcfs_unpin_nsproxy(struct nsproxy *ns)
{
	if (!refcount_dec_and_test(&ns->rcfs_pins))
		return;
	/* A container frees the one that its directory owns. */
	if (ns->rcfs_owner) {
		rcfs_unpin_container(ns->rcfs_owner);
		return;
	}
	for (int i = 0; i < CONFIG_MAX_RC_HIERARCHIES; i++)
		rcfs_unpin_container(ns->rcfs_container[i]);
	free_nsproxy_later(ns);
}

/**
 * rcfs_pin_nsproxy - keep the containers of a task that gives up its nsproxy
 * @tsk: the task, which exits
 * @ns: its nsproxy
 *
 * The states of the containers stay until the task has been reaped and has left
 * the CPU for the last time. The containers can be removed before that.
 *
 * Context: Called with the task_lock held, before task->nsproxy is cleared.
 */
void rcfs_pin_nsproxy(struct task_struct *tsk, struct nsproxy *ns)
{
	/* In no container, there is nothing to keep. */
	if (!ns->rcfs_listed)
		return;
	refcount_inc(&ns->rcfs_pins);
	WRITE_ONCE(tsk->rcfs_pin, (unsigned long)ns);
}

/**
 * rcfs_unpin_task - one of the two reasons is gone why a task has a pin
 * @tsk: a task that has been reaped, or that has left the CPU for the last time
 *
 * With the second reason, the pin goes. References on the task have no part in it:
 * whoever holds one may do so for ever.
 *
 * Context: Any. Called once for each reason.
 */
void rcfs_unpin_task(struct task_struct *tsk)
{
	unsigned long left, pin = READ_ONCE(tsk->rcfs_pin);

	do {
		/* rcfs_unpin_zombies() may have been here before. */
		if (!pin)
			return;
		left = pin & RCFS_PIN_HALF ? 0 : pin | RCFS_PIN_HALF;
	} while (!try_cmpxchg(&tsk->rcfs_pin, &pin, left));
	if (left)
		return;
	/* References on the task may last longer than what its container has. */
	sched_rcfs_task_dead(tsk);
	rcfs_unpin_nsproxy((struct nsproxy *)(pin & ~RCFS_PIN_HALF));
}

/* Whether @tsk had a pin of @old, and thus got one of @new, or none for NULL */
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

/* In which hierarchy the containers of an nsproxy have states of a subsystem, or -1 */
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
 * Make an nsproxy that has nothing but pins: the containers of another one but for
 * one hierarchy, where it is in the root. The caller has a pin of @from.
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

/* What zombies had, and what they get instead */
struct other_pin {
	const struct nsproxy *from;
	struct nsproxy *to;	/* with a pin of our own; NULL for none */
	struct nsproxy *spare;	/* to be used for the next one */
};

/* The caller has a pin of @ns. Returns false if that takes memory. */
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

	/* Pairs with the release in set_task_nsproxy(): it is a pin then. */
	if (smp_load_acquire(&tsk->nsproxy))
		return true;
	ns = rcfs_pinned_nsproxy(tsk);
	/* The pin of the task itself may be given up just now. */
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

/* Returns false if there has to be a spare nsproxy to go on. */
static bool unpin_listed(int subsys_id, struct other_pin *other)
{
	struct task_struct *process, *tsk;

	guard(rcu)();
	for_each_process_thread(process, tsk)
		if (!unpin_zombie(tsk, subsys_id, other))
			return false;
	/* Under RCU, nobody else gets an nsproxy at the same place. */
	other->from = NULL;
	return true;
}

/**
 * rcfs_unpin_zombies - free the states of a subsystem from tasks that have exited
 * @subsys_id: a subsystem that is in no hierarchy any more
 *
 * Zombies may never be reaped. What is accounted for them from here on is that in
 * other hierarchies. A task that is in no list any more has been reaped, and gives
 * up its pin when it leaves the CPU, which it is about to do.
 *
 * Context: Process context, may sleep, with the mutex of rcfs held. Nobody gets
 *	    another pin of such states: all their containers have been removed.
 */
void rcfs_unpin_zombies(int subsys_id)
{
	struct other_pin other = {};

	while (!unpin_listed(subsys_id, &other)) {
		/* Unregistration cannot fail, and somebody frees memory some time. */
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
	/* Without flags these only take references and cannot fail. */
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
 * find_nsproxy - the nsproxy of a task that moves into a container
 * @base: what the task has now; the caller holds a reference
 * @cont: the container it moves to
 *
 * Finds or makes the nsproxy with the namespaces of @base, the containers of
 * @base in all other hierarchies, and @cont in its own. Tasks that agree in
 * all of these share one. An nsproxy whose last user is gone is never found.
 *
 * Context: Process context, may sleep. The memory of @cont has to stay.
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
		/* The tasks in the container may have gone. */
		rcfs_put_container(to);
		rcfs_unpin_container(to);
		return ERR_PTR(-ENOMEM);
	}
	/* The new nsproxy takes over both counts from above. */
	rcfs_enter_container(ns, cont->hierarchy, to);
	for (i = 0; i < CONFIG_MAX_RC_HIERARCHIES; i++)
		if (i != cont->hierarchy)
			rcfs_set_container(ns, i, base->rcfs_container[i]);
	/* The root states in init_nsproxy go when their subsystems do. */
	if (base != &init_nsproxy)
		memcpy(ns->ctlr_data, base->ctlr_data, sizeof(ns->ctlr_data));
	for_each_set_bit(i, cont->subsystems, CONFIG_MAX_RC_SUBSYS)
		ns->ctlr_data[i] = to ? states->ctlr_data[i] : NULL;
	rcfs_hash_nsproxy(ns);
	return ns;
}

/* Whether @tsk had @old, and thus got @new */
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
 * A fork that has read the old nsproxy of one of these threads, and that in
 * rcfs_fork_visible() alone, has its child in the task list when this returns.
 * Threads of one process share the lock, so that one of them is enough; those
 * that do not have it any more are gone.
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
 * rcfs_replace_nsproxy - give threads an nsproxy from outside
 * @threads: threads of one process, not necessarily current's. Those that have
 *	     got the nsproxy come first afterwards.
 * @nr: how many, at least one
 * @old: what they had when @new was found; the caller holds a reference
 * @new: what they get: the same namespaces, other containers; the caller holds
 *	 a reference
 *
 * Children that the threads fork from now on are where they are. Those forked
 * before, which stay where they were, are in the task list.
 *
 * Context: Process context, may sleep.
 * Return: how many have got it. The others have none any more, because they
 *	   exit, or switched namespaces in between.
 */
unsigned int rcfs_replace_nsproxy(struct task_struct **threads, unsigned int nr,
				  struct nsproxy *old, struct nsproxy *new)
{
	unsigned int replaced = 0;

	might_sleep();

	/* Before the put that may be the last: see free_nsproxy_later(). */
	WRITE_ONCE(old->rcfs_replaced, true);
	/* One for each is quicker than each for one. */
	refcount_add(nr, &new->count);
	rcfs_begin_switch(old, new);
	for (unsigned int i = 0; i < nr; i++) {
		if (replace_nsproxy(threads[i], old, new)) {
			if (i != replaced)
				swap(threads[i], threads[replaced]);
			replaced++;
		}
	}
	rcfs_end_switch(old, new);

	/* In both, what the caller has remains. */
	if (replaced < nr)
		WARN_ON_ONCE(refcount_sub_and_test(nr - replaced, &new->count));
	if (replaced) {
		WARN_ON_ONCE(refcount_sub_and_test(replaced, &old->count));
		wait_for_forks_of(threads, replaced);
	}
	return replaced;
}

/*
 * The initial namespaces, without references: init_nsproxy, which is never freed,
 * has them.
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
 * @hierarchy: number of the hierarchy that it belongs to
 * @subsystems: the subsystems of that hierarchy
 * @parent: the one above, which stays for longer; NULL for the root of the
 *	    hierarchy
 *
 * The nsproxy that it owns holds the initial namespaces and is in the root
 * of all other hierarchies. Until rcfs_publish_container() the container is
 * out of use, as one that has been retired. The root of a hierarchy has
 * &init_nsproxy, which holds all root states, and is always in use.
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
	/* It counts from rcfs_publish_container() on. */
	cont->nsproxy->rcfs_container[hierarchy] = cont;
	cont->nsproxy->rcfs_owner = cont;
	cont->nsproxy->rcfs_listed = true;
	return cont;
}

/**
 * rcfs_publish_container - let tasks move into a container
 * @cont: the container, with all of its states in place; not the root of a
 *	  hierarchy
 * @directory: its directory; its path says where the container is
 * @empty: the file of that name in it
 *
 * The container keeps references on both nodes. To call this again has no
 * effect.
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
	/* That of the nsproxy of the directory */
	refcount_set(&cont->nr_pins, 1);
	hlist_add_head_rcu(&cont->sibling, &cont->parent->children);
	/* What has been written above comes first for those who find it in use. */
	atomic_set_release(&cont->nr_nsproxies, 1);
	rcfs_hash_nsproxy(cont->nsproxy);
}

/**
 * rcfs_retire_container - take a container out of use if nobody is in it
 * @cont: a published container
 *
 * Nobody is in it when no nsproxy refers to it but its own, and no task to
 * that. The order matters: first the own one is frozen at zero, so that no
 * task has it or finds it; a task that had it and made itself another, with
 * other namespaces, is then seen in the count of nsproxies.
 *
 * Context: Process context, with the mutex of rcfs held. Safe against
 *	    find_nsproxy(), which fails afterwards.
 * Return: whether the container is out of use, and for good. Its states may
 *	   still be read until an RCU grace period has passed.
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
	/* A walk that stands here still gets to the next one. */
	hlist_del_rcu(&cont->sibling);
	rcfs_unhash_nsproxy(ns);
	return true;
}

/**
 * rcfs_abandon_container - let a container go when no exiting task needs it
 * @cont: a container that has been retired
 * @free_work: work that is to run then, after a grace period
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
 * @cont: a container that is out of use, or the root of a hierarchy that is gone
 */
void rcfs_free_container(struct rcfs_container *cont)
{
	/* What its own nsproxy has borrowed is not given back. */
	if (!rcfs_container_is_root(cont)) {
		rcfs_unhash_nsproxy(cont->nsproxy);
		free_nsproxy_later(cont->nsproxy);
	}
	kernfs_put(cont->empty);
	kernfs_put(cont->directory);
	kfree_rcu(cont, rcu);
}

/*
 * Not before the first mount: the namespaces of init_nsproxy have to be the
 * ones that it keeps, because they are part of its key.
 */
int namespaces_init(void)
{
	int err = rhashtable_init(&nsproxy_hash, &nsproxy_hash_params);

	if (!err)
		rcfs_hash_nsproxy(&init_nsproxy);
	return err;
}
