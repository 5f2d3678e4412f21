// SPDX-License-Identifier: GPL-2.0
/*
 * The hooks of rcfs in the rest of the kernel
 *
 * A hook is a jump that is patched out until a subsystem that defines the hook is
 * bound to a hierarchy. The hook then calls those bound subsystems that define it.
 */

#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/init.h>
#include <linux/irq_work.h>
#include <linux/kernel_stat.h>
#include <linux/minmax.h>
#include <linux/rcfs.h>
#include <linux/rculist.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/srcu.h>
#include <linux/workqueue.h>

DEFINE_STATIC_KEY_ARRAY_FALSE(rcfs_hook_keys, RC_NR_HOOKS);

static struct list_head hook_lists[RC_NR_HOOKS] = {
	LIST_HEAD_INIT(hook_lists[RC_HOOK_CHARGE]),
	LIST_HEAD_INIT(hook_lists[RC_HOOK_ACCOUNT]),
	LIST_HEAD_INIT(hook_lists[RC_HOOK_TRANSFER]),
	LIST_HEAD_INIT(hook_lists[RC_HOOK_CAN_FORK]),
	LIST_HEAD_INIT(hook_lists[RC_HOOK_FORK]),
	LIST_HEAD_INIT(hook_lists[RC_HOOK_EXIT]),
	LIST_HEAD_INIT(hook_lists[RC_HOOK_RELEASE]),
	LIST_HEAD_INIT(hook_lists[RC_HOOK_PIN]),
	LIST_HEAD_INIT(hook_lists[RC_HOOK_FREEZING]),
	LIST_HEAD_INIT(hook_lists[RC_HOOK_LIMIT_CPUS]),
	LIST_HEAD_INIT(hook_lists[RC_HOOK_TASK_GROUP]),
	LIST_HEAD_INIT(hook_lists[RC_HOOK_CPUS_CHANGED]),
	LIST_HEAD_INIT(hook_lists[RC_HOOK_LIMIT_NICE]),
	LIST_HEAD_INIT(hook_lists[RC_HOOK_DEVICE]),
	LIST_HEAD_INIT(hook_lists[RC_HOOK_MEM_CGROUP]),
};

static_assert(RC_NR_HOOKS == 15, "every hook needs a list that is initialised");

/*
 * The active subsystem of the list, or NULL if there are none or several. A hook that
 * is called very often calls that subsystem directly, as its last action (a tail call).
 * A static_call() would save one instruction, and need a grace period for each change:
 * the function and its first argument have to change together.
 */
static struct rc_subsys *only_active[RC_NR_HOOKS] __read_mostly;

/* For hooks that may sleep, and are called without the mutex of rcfs */
DEFINE_STATIC_SRCU(hook_srcu);

static bool defines_hook(const struct rc_subsys *ss, enum rc_hook hook)
{
	switch (hook) {
	case RC_HOOK_CHARGE:
		return ss->charge;
	case RC_HOOK_ACCOUNT:
		return ss->account;
	case RC_HOOK_TRANSFER:
		return ss->transfer;
	case RC_HOOK_CAN_FORK:
		return ss->can_fork;
	case RC_HOOK_FORK:
		return ss->fork;
	case RC_HOOK_EXIT:
		return ss->exit;
	case RC_HOOK_RELEASE:
		return ss->release;
	case RC_HOOK_PIN:
		/* Each of these hooks is called for tasks without an nsproxy as well. */
		return ss->release || ss->charge || ss->account || ss->task_group;
	case RC_HOOK_FREEZING:
		return ss->freezing;
	case RC_HOOK_LIMIT_CPUS:
		return ss->limit_cpus;
	case RC_HOOK_TASK_GROUP:
		return ss->task_group;
	case RC_HOOK_CPUS_CHANGED:
		return ss->cpus_changed;
	case RC_HOOK_LIMIT_NICE:
		return ss->limit_nice;
	case RC_HOOK_DEVICE:
		return ss->device;
	case RC_HOOK_MEM_CGROUP:
		return ss->mem_cgroup;
	default:
		return false;
	}
}

/**
 * rcfs_add_hooks - add the hooks of a subsystem
 * @ss: a subsystem that is being registered, with its root state in place
 *
 * The hooks are not called before rcfs_activate_hooks().
 *
 * Context: Process context, with the mutex of rcfs held.
 */
void rcfs_add_hooks(struct rc_subsys *ss)
{
	for (enum rc_hook hook = 0; hook < RC_NR_HOOKS; hook++)
		if (defines_hook(ss, hook))
			list_add_tail_rcu(&ss->hook_nodes[hook], &hook_lists[hook]);
}

/**
 * rcfs_remove_hooks - remove the hooks of a subsystem
 * @ss: a subsystem that is not active
 *
 * Waits until all calls have returned.
 *
 * Context: Process context, with the mutex of rcfs held.
 */
void rcfs_remove_hooks(struct rc_subsys *ss)
{
	for (enum rc_hook hook = 0; hook < RC_NR_HOOKS; hook++)
		if (defines_hook(ss, hook))
			list_del_rcu(&ss->hook_nodes[hook]);
	synchronize_rcu();
	synchronize_srcu(&hook_srcu);
}

static struct rc_subsys *find_only_active(enum rc_hook hook)
{
	struct rc_subsys *ss, *only = NULL;

	/* The mutex of rcfs protects the list. */
	list_for_each_entry(ss, &hook_lists[hook], hook_nodes[hook]) {
		if (!ss->active)
			continue;
		if (only)
			return NULL;
		only = ss;
	}
	return only;
}

/**
 * rcfs_activate_hooks - start or stop calling the hooks of a subsystem
 * @ss: a registered subsystem
 * @active: whether to call its hooks
 *
 * Context: Process context, with the mutex of rcfs held.
 */
void rcfs_activate_hooks(struct rc_subsys *ss, bool active)
{
	enum rc_hook hook;

	/* The jumps must be patched in before the subsystem is active, and out after. */
	for (hook = 0; active && hook < RC_NR_HOOKS; hook++)
		if (defines_hook(ss, hook))
			static_branch_inc(&rcfs_hook_keys[hook]);

	/*
	 * A fork holds the lock: cancel_fork must be called for the subsystems whose
	 * can_fork was called. In other hooks, a CPU that still reads an old value behaves
	 * as if the subsystem had become active, or had ceased to be, a moment later.
	 */
	read_lock(&tasklist_lock);
	WRITE_ONCE(ss->active, active);
	for (hook = 0; hook < RC_NR_HOOKS; hook++)
		WRITE_ONCE(only_active[hook], find_only_active(hook));
	read_unlock(&tasklist_lock);

	for (hook = 0; !active && hook < RC_NR_HOOKS; hook++)
		if (defines_hook(ss, hook))
			static_branch_dec(&rcfs_hook_keys[hook]);
}

/*
 * The nsproxy of a task, or, after exit, the one that the task has pinned. The CPU time
 * that a task uses on exit counts in the containers where it was. NULL if it was in no
 * container.
 */
static const struct nsproxy *last_nsproxy(const struct task_struct *tsk)
{
	/* Pairs with the release in set_task_nsproxy(): a NULL comes after the pin. */
	const struct nsproxy *ns = smp_load_acquire(&tsk->nsproxy);

	return likely(ns) ? ns : rcfs_pinned_nsproxy(tsk);
}

static noinline void charge_all(struct task_struct *tsk, u64 delta_exec)
{
	const struct nsproxy *ns = last_nsproxy(tsk);
	int cpu = task_cpu(tsk);
	struct rc_subsys *ss;

	list_for_each_entry_rcu(ss, &hook_lists[RC_HOOK_CHARGE], hook_nodes[RC_HOOK_CHARGE])
		if (READ_ONCE(ss->active))
			ss->charge(ss, rcfs_nsproxy_state(ns, ss), cpu, delta_exec);
}

void __rcfs_charge(struct task_struct *tsk, u64 delta_exec)
{
	struct rc_subsys *ss = READ_ONCE(only_active[RC_HOOK_CHARGE]);

	/* With preemption disabled, this CPU passes no quiescent state of RCU. */
	lockdep_assert_preemption_disabled();
	if (unlikely(!ss))
		charge_all(tsk, delta_exec);
	else
		ss->charge(ss, rcfs_nsproxy_state(last_nsproxy(tsk), ss), task_cpu(tsk),
			   delta_exec);
}

void __rcfs_account(struct task_struct *tsk, int index, u64 delta)
{
	const struct nsproxy *ns;
	struct rc_subsys *ss;
	bool system;

	switch (index) {
	case CPUTIME_USER:
	case CPUTIME_NICE:
		system = false;
		break;
	case CPUTIME_SYSTEM:
	case CPUTIME_IRQ:
	case CPUTIME_SOFTIRQ:
		system = true;
		break;
	default:
		return;
	}
	rcu_read_lock();
	ns = last_nsproxy(tsk);
	list_for_each_entry_rcu(ss, &hook_lists[RC_HOOK_ACCOUNT], hook_nodes[RC_HOOK_ACCOUNT])
		if (READ_ONCE(ss->active))
			ss->account(ss, rcfs_nsproxy_state(ns, ss), system, delta);
	rcu_read_unlock();
}

static void transfer_in(struct rc_subsys *ss, struct task_struct *tsk,
			const struct nsproxy *new, const struct nsproxy *old)
{
	void *to = rcfs_nsproxy_state(new, ss);
	void *from = rcfs_nsproxy_state(old, ss);

	if (to != from)
		ss->transfer(ss, to, from, tsk);
}

static noinline void transfer_in_all(struct task_struct *tsk, const struct nsproxy *new,
				     const struct nsproxy *old)
{
	struct rc_subsys *ss;

	/* A spinlock is held, which implies an RCU read-side critical section. */
	list_for_each_entry_rcu(ss, &hook_lists[RC_HOOK_TRANSFER], hook_nodes[RC_HOOK_TRANSFER],
				lockdep_is_held(&tsk->alloc_lock))
		if (READ_ONCE(ss->active))
			transfer_in(ss, tsk, new, old);
}

void __rcfs_transfer(struct task_struct *tsk, const struct nsproxy *new,
		     const struct nsproxy *old)
{
	struct rc_subsys *ss = READ_ONCE(only_active[RC_HOOK_TRANSFER]);

	lockdep_assert_held(&tsk->alloc_lock);
	if (likely(ss))
		transfer_in(ss, tsk, new, old);
	else
		transfer_in_all(tsk, new, old);
}

/* Undo can_fork of all subsystems in front of @end. */
static void cancel_fork(const struct nsproxy *ns, struct task_struct *child,
			const struct rc_subsys *end)
{
	struct rc_subsys *ss;

	list_for_each_entry_rcu(ss, &hook_lists[RC_HOOK_CAN_FORK], hook_nodes[RC_HOOK_CAN_FORK]) {
		if (ss == end)
			break;
		if (READ_ONCE(ss->active) && ss->cancel_fork)
			ss->cancel_fork(ss, rcfs_nsproxy_state(ns, ss), child);
	}
}

static noinline int can_fork_in_all(const struct nsproxy *ns, struct task_struct *child)
{
	struct rc_subsys *ss;
	int err;

	list_for_each_entry_rcu(ss, &hook_lists[RC_HOOK_CAN_FORK], hook_nodes[RC_HOOK_CAN_FORK]) {
		if (!READ_ONCE(ss->active))
			continue;
		err = ss->can_fork(ss, rcfs_nsproxy_state(ns, ss), child);
		if (err) {
			cancel_fork(ns, child, ss);
			return err;
		}
	}
	return 0;
}

int __rcfs_can_fork(const struct nsproxy *ns, struct task_struct *child)
{
	struct rc_subsys *ss = READ_ONCE(only_active[RC_HOOK_CAN_FORK]);

	lockdep_assert_held_write(&tasklist_lock);
	if (likely(ss))
		return ss->can_fork(ss, rcfs_nsproxy_state(ns, ss), child);
	return can_fork_in_all(ns, child);
}

void __rcfs_fork(struct task_struct *child)
{
	struct rc_subsys *ss;
	int idx;

	might_sleep();
	idx = srcu_read_lock(&hook_srcu);
	list_for_each_entry_srcu(ss, &hook_lists[RC_HOOK_FORK], hook_nodes[RC_HOOK_FORK],
				 srcu_read_lock_held(&hook_srcu))
		if (READ_ONCE(ss->active))
			ss->fork(ss, child);
	srcu_read_unlock(&hook_srcu, idx);
}

void __rcfs_exit(struct task_struct *tsk, const struct nsproxy *ns)
{
	struct rc_subsys *ss;

	rcu_read_lock();
	list_for_each_entry_rcu(ss, &hook_lists[RC_HOOK_EXIT], hook_nodes[RC_HOOK_EXIT])
		if (READ_ONCE(ss->active))
			ss->exit(ss, rcfs_nsproxy_state(ns, ss), tsk);
	rcu_read_unlock();
}

static void release_from(struct rc_subsys *ss, const struct nsproxy *ns,
			 struct task_struct *tsk)
{
	/* NULL for the root, whose tasks are not released to subsystems */
	void *state = READ_ONCE(ns->ctlr_data[ss->subsys_id]);

	if (state)
		ss->release(ss, state, tsk);
}

static noinline void release_from_all(const struct nsproxy *ns, struct task_struct *tsk)
{
	struct rc_subsys *ss;

	list_for_each_entry_rcu(ss, &hook_lists[RC_HOOK_RELEASE], hook_nodes[RC_HOOK_RELEASE])
		if (READ_ONCE(ss->active))
			release_from(ss, ns, tsk);
}

void __rcfs_release(struct task_struct *tsk)
{
	const struct nsproxy *ns;
	struct rc_subsys *ss;

	rcu_read_lock();
	ss = READ_ONCE(only_active[RC_HOOK_RELEASE]);
	ns = rcfs_pinned_nsproxy(tsk);
	if (ns && likely(ss))
		release_from(ss, ns, tsk);
	else if (ns)
		release_from_all(ns, tsk);
	rcu_read_unlock();
}

bool __rcfs_freezing(struct task_struct *tsk)
{
	const struct nsproxy *ns;
	struct rc_subsys *ss;
	bool freezing = false;

	/* A task that is being killed must exit, as others may wait for what it holds. */
	if (__fatal_signal_pending(tsk))
		return false;
	/*
	 * All tasks that exit have this flag. One that waits for the end of a core dump has
	 * taken its signal before. A task sets its other flags without a lock.
	 */
	if (data_race(READ_ONCE(tsk->flags)) & PF_POSTCOREDUMP)
		return false;

	rcu_read_lock();
	ns = READ_ONCE(tsk->nsproxy);
	list_for_each_entry_rcu(ss, &hook_lists[RC_HOOK_FREEZING], hook_nodes[RC_HOOK_FREEZING])
		if (ns && READ_ONCE(ss->active))
			freezing |= ss->freezing(ss, rcfs_nsproxy_state(ns, ss));
	rcu_read_unlock();
	return freezing;
}

void __rcfs_limit_cpus(const struct task_struct *tsk, struct cpumask *mask)
{
	const struct nsproxy *ns;
	struct rc_subsys *ss;

	rcu_read_lock();
	ns = READ_ONCE(tsk->nsproxy);
	list_for_each_entry_rcu(ss, &hook_lists[RC_HOOK_LIMIT_CPUS], hook_nodes[RC_HOOK_LIMIT_CPUS])
		if (ns && READ_ONCE(ss->active))
			ss->limit_cpus(ss, rcfs_nsproxy_state(ns, ss), mask);
	rcu_read_unlock();
}

/* An exiting task stays in its group until it has left the CPU for the last time. */
struct task_group *__rcfs_task_group(const struct task_struct *tsk)
{
	struct task_group *tg = NULL;
	const struct nsproxy *ns;
	struct rc_subsys *ss;

	/* A spinlock is held, which implies an RCU read-side critical section. */
	lockdep_assert_held(&tsk->pi_lock);
	ns = last_nsproxy(tsk);
	list_for_each_entry_rcu(ss, &hook_lists[RC_HOOK_TASK_GROUP], hook_nodes[RC_HOOK_TASK_GROUP],
				lockdep_is_held(&tsk->pi_lock))
		if (ns && READ_ONCE(ss->active))
			tg = tg ?: ss->task_group(ss, rcfs_nsproxy_state(ns, ss));
	return tg;
}

int __rcfs_limit_nice(const struct task_struct *tsk, int nice)
{
	const struct nsproxy *ns;
	struct rc_subsys *ss;

	rcu_read_lock();
	ns = READ_ONCE(tsk->nsproxy);
	list_for_each_entry_rcu(ss, &hook_lists[RC_HOOK_LIMIT_NICE], hook_nodes[RC_HOOK_LIMIT_NICE])
		if (ns && READ_ONCE(ss->active))
			nice = ss->limit_nice(ss, rcfs_nsproxy_state(ns, ss), nice);
	rcu_read_unlock();
	return nice;
}

int __rcfs_device(short type, u32 major, u32 minor, short access)
{
	const struct nsproxy *ns;
	struct rc_subsys *ss;
	int err = 0;

	rcu_read_lock();
	/* A task that has left its containers on exit opens no devices for itself. */
	ns = READ_ONCE(current->nsproxy);
	list_for_each_entry_rcu(ss, &hook_lists[RC_HOOK_DEVICE], hook_nodes[RC_HOOK_DEVICE])
		if (ns && !err && READ_ONCE(ss->active))
			err = ss->device(ss, rcfs_nsproxy_state(ns, ss), type, major, minor,
					 access);
	rcu_read_unlock();
	return err;
}

/* NULL for the root, which has no group of its own */
static struct mem_cgroup *mem_cgroup_of(struct rc_subsys *ss, const struct nsproxy *ns)
{
	void *state = READ_ONCE(ns->ctlr_data[ss->subsys_id]);

	return state ? ss->mem_cgroup(ss, state) : NULL;
}

/**
 * rcfs_container_mem_cgroup - the memory cgroup of a container
 * @cont: the container, not the root of a hierarchy
 *
 * Context: Process context, with the mutex of rcfs held.
 * Return: the group, or NULL if no subsystem of the container has one.
 */
struct mem_cgroup *rcfs_container_mem_cgroup(const struct rcfs_container *cont)
{
	struct mem_cgroup *memcg = NULL;
	struct rc_subsys *ss;

	list_for_each_entry(ss, &hook_lists[RC_HOOK_MEM_CGROUP], hook_nodes[RC_HOOK_MEM_CGROUP])
		if (test_bit(ss->subsys_id, cont->subsystems))
			memcg = memcg ?: mem_cgroup_of(ss, cont->nsproxy);
	return memcg;
}

/**
 * rcfs_mem_cgroup - the group that the container of a task charges memory to
 * @tsk: the task
 *
 * A task that exits has given up its memory by the time that it leaves its
 * containers.
 *
 * Context: Any, under RCU, which keeps the group.
 * Return: NULL if the task is in no container that has a group.
 */
struct mem_cgroup *rcfs_mem_cgroup(const struct task_struct *tsk)
{
	const struct nsproxy *ns = READ_ONCE(tsk->nsproxy);
	struct mem_cgroup *memcg = NULL;
	struct rc_subsys *ss;

	if (!ns)
		return NULL;
	ss = READ_ONCE(only_active[RC_HOOK_MEM_CGROUP]);
	if (likely(ss))
		return mem_cgroup_of(ss, ns);
	list_for_each_entry_rcu(ss, &hook_lists[RC_HOOK_MEM_CGROUP], hook_nodes[RC_HOOK_MEM_CGROUP])
		if (READ_ONCE(ss->active))
			memcg = memcg ?: mem_cgroup_of(ss, ns);
	return memcg;
}

/**
 * rcfs_notify_memory_event - tell subsystems of an event in the memory of a container
 * @owner: the container, not the root of a hierarchy
 *
 * Context: Any, under RCU.
 */
void rcfs_notify_memory_event(void *owner)
{
	const struct rcfs_container *cont = owner;
	struct rc_subsys *ss;

	list_for_each_entry_rcu(ss, &hook_lists[RC_HOOK_MEM_CGROUP], hook_nodes[RC_HOOK_MEM_CGROUP])
		if (READ_ONCE(ss->active) && ss->memory_event &&
		    test_bit(ss->subsys_id, cont->subsystems))
			ss->memory_event(ss, rcfs_nsproxy_state(cont->nsproxy, ss));
}

/**
 * rcfs_call_cpus_changed - tell a subsystem which CPUs there are
 * @ss: a subsystem that is bound to a hierarchy
 *
 * Context: Process context, with the mutex of rcfs held. The lock against CPU hotplug
 *	    is taken within the mutex, as in rcfs_activate_hooks().
 */
void rcfs_call_cpus_changed(struct rc_subsys *ss)
{
	if (!ss->cpus_changed)
		return;
	cpus_read_lock();
	ss->cpus_changed(ss);
	cpus_read_unlock();
}

static void cpus_changed_workfn(struct work_struct *work)
{
	rcfs_notify_cpus_changed();
}

static DECLARE_WORK(cpus_changed_work, cpus_changed_workfn);

static void queue_cpus_changed(struct irq_work *work)
{
	schedule_work(&cpus_changed_work);
}

/*
 * The caller holds locks of the scheduler, which waking a worker takes: hence an
 * irq_work. It is HARD because PREEMPT_RT runs other irq_work in a thread, which is
 * parked when the CPU goes offline, until the CPU comes back.
 */
static struct irq_work cpus_overridden_work = IRQ_WORK_INIT_HARD(queue_cpus_changed);

/*
 * The task may have lost its CPUs for a moment only: hot-unplug can fail after the
 * scheduler has moved the task away, and before rcfs_cpu_changed() is called.
 */
void __rcfs_cpus_overridden(void)
{
	irq_work_queue(&cpus_overridden_work);
}

/*
 * Notify the subsystems later, without the locks of CPU hotplug. The scheduler has
 * moved all tasks away from the CPU by then.
 */
static int rcfs_cpu_changed(unsigned int cpu)
{
	if (static_branch_unlikely(&rcfs_hook_keys[RC_HOOK_CPUS_CHANGED]))
		schedule_work(&cpus_changed_work);
	return 0;
}

static int __init rcfs_hooks_init(void)
{
	int ret = cpuhp_setup_state_nocalls(CPUHP_AP_ONLINE_DYN, "rcfs:online",
					    rcfs_cpu_changed, rcfs_cpu_changed);

	return min(ret, 0);
}
late_initcall(rcfs_hooks_init);

/* sysfs and procfs are there. Modules that are built in come later. */
fs_initcall(rcfs_init);
