// SPDX-License-Identifier: GPL-2.0
/*
 * The hooks of rcfs in the rest of the kernel
 *
 * A hook costs a patched-out jump until a subsystem that defines it is bound
 * to a hierarchy; then it calls the bound subsystems that define it, and only
 * those.
 */

#include <linux/rcfs.h>
#include <linux/rculist.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/task.h>

DEFINE_STATIC_KEY_ARRAY_FALSE(rcfs_hook_keys, RC_NR_HOOKS);

static struct list_head hook_lists[RC_NR_HOOKS] = {
	LIST_HEAD_INIT(hook_lists[RC_HOOK_CHARGE]),
	LIST_HEAD_INIT(hook_lists[RC_HOOK_TRANSFER]),
	LIST_HEAD_INIT(hook_lists[RC_HOOK_FORK]),
	LIST_HEAD_INIT(hook_lists[RC_HOOK_EXIT]),
};

static bool defines_hook(const struct rc_subsys *ss, enum rc_hook hook)
{
	switch (hook) {
	case RC_HOOK_CHARGE:
		return ss->charge;
	case RC_HOOK_TRANSFER:
		return ss->transfer;
	case RC_HOOK_FORK:
		return ss->can_fork;
	case RC_HOOK_EXIT:
		return ss->exit;
	default:
		return false;
	}
}

/**
 * rcfs_add_hooks - make the hooks of a subsystem known
 * @ss: a subsystem that is being registered, with its root state in place
 *
 * They are called from rcfs_activate_hooks() on.
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
 * rcfs_remove_hooks - forget the hooks of a subsystem
 * @ss: a subsystem that is not active
 *
 * Calls that are under way have ended when this returns.
 *
 * Context: Process context, with the mutex of rcfs held.
 */
void rcfs_remove_hooks(struct rc_subsys *ss)
{
	for (enum rc_hook hook = 0; hook < RC_NR_HOOKS; hook++)
		if (defines_hook(ss, hook))
			list_del_rcu(&ss->hook_nodes[hook]);
	synchronize_rcu();
}

/**
 * rcfs_activate_hooks - start or stop calling the hooks of a subsystem
 * @ss: a registered subsystem
 * @active: whether to call them
 *
 * Context: Process context, with the mutex of rcfs held.
 */
void rcfs_activate_hooks(struct rc_subsys *ss, bool active)
{
	enum rc_hook hook;

	/* While it is active, the jumps are patched in. */
	for (hook = 0; active && hook < RC_NR_HOOKS; hook++)
		if (defines_hook(ss, hook))
			static_branch_inc(&rcfs_hook_keys[hook]);

	/* A fork takes back with the same subsystems what it asked them for. */
	read_lock(&tasklist_lock);
	WRITE_ONCE(ss->active, active);
	read_unlock(&tasklist_lock);

	for (hook = 0; !active && hook < RC_NR_HOOKS; hook++)
		if (defines_hook(ss, hook))
			static_branch_dec(&rcfs_hook_keys[hook]);
}

void __rcfs_charge(struct task_struct *tsk, u64 delta_exec)
{
	const struct nsproxy *ns;
	struct rc_subsys *ss;

	/* The runqueue lock keeps this CPU from passing a quiescent state. */
	lockdep_assert_preemption_disabled();
	ns = READ_ONCE(tsk->nsproxy);
	list_for_each_entry_rcu(ss, &hook_lists[RC_HOOK_CHARGE], hook_nodes[RC_HOOK_CHARGE])
		if (READ_ONCE(ss->active))
			ss->charge(ss, rcfs_nsproxy_state(ns, ss), delta_exec);
}

void __rcfs_transfer(struct task_struct *tsk, const struct nsproxy *new,
		     const struct nsproxy *old)
{
	struct rc_subsys *ss;

	rcu_read_lock();
	list_for_each_entry_rcu(ss, &hook_lists[RC_HOOK_TRANSFER], hook_nodes[RC_HOOK_TRANSFER]) {
		void *to = rcfs_nsproxy_state(new, ss);
		void *from = rcfs_nsproxy_state(old, ss);

		if (READ_ONCE(ss->active) && to != from)
			ss->transfer(ss, to, from, tsk);
	}
	rcu_read_unlock();
}

/* Take back what those before @end, or all if it is NULL, have done. */
static void cancel_fork(const struct nsproxy *ns, struct task_struct *child,
			const struct rc_subsys *end)
{
	struct rc_subsys *ss;

	list_for_each_entry_rcu(ss, &hook_lists[RC_HOOK_FORK], hook_nodes[RC_HOOK_FORK]) {
		if (ss == end)
			break;
		if (READ_ONCE(ss->active) && ss->cancel_fork)
			ss->cancel_fork(ss, rcfs_nsproxy_state(ns, ss), child);
	}
}

int __rcfs_can_fork(const struct nsproxy *ns, struct task_struct *child)
{
	struct rc_subsys *ss;
	int err;

	lockdep_assert_held_write(&tasklist_lock);
	list_for_each_entry_rcu(ss, &hook_lists[RC_HOOK_FORK], hook_nodes[RC_HOOK_FORK]) {
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

void __rcfs_cancel_fork(const struct nsproxy *ns, struct task_struct *child)
{
	lockdep_assert_held_write(&tasklist_lock);
	cancel_fork(ns, child, NULL);
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
