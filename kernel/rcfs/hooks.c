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

DEFINE_STATIC_KEY_FALSE(rcfs_charge_key);
static LIST_HEAD(charge_list);

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
	if (ss->charge)
		list_add_tail_rcu(&ss->charge_node, &charge_list);
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
	if (ss->charge)
		list_del_rcu(&ss->charge_node);
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
	WRITE_ONCE(ss->active, active);
	if (!ss->charge)
		return;
	if (active)
		static_branch_inc(&rcfs_charge_key);
	else
		static_branch_dec(&rcfs_charge_key);
}

void __rcfs_charge(struct task_struct *tsk, u64 delta_exec)
{
	const struct nsproxy *ns;
	struct rc_subsys *ss;

	/* The runqueue lock keeps this CPU from passing a quiescent state. */
	lockdep_assert_preemption_disabled();
	ns = READ_ONCE(tsk->nsproxy);
	list_for_each_entry_rcu(ss, &charge_list, charge_node)
		if (READ_ONCE(ss->active))
			ss->charge(ss, rcfs_nsproxy_state(ns, ss), delta_exec);
}
