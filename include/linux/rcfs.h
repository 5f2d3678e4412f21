/* SPDX-License-Identifier: GPL-2.0 */
/*
 * rcfs: the resource control file system
 *
 * Tasks are grouped through task->nsproxy; the groups are directories of
 * mountable hierarchies; subsystems account or limit a resource for each.
 * See kernel/rcfs.rs.
 */
#ifndef _LINUX_RCFS_H
#define _LINUX_RCFS_H

#ifdef CONFIG_RCFS

#include <linux/jump_label.h>
#include <linux/list.h>
#include <linux/nsproxy.h>
#include <linux/types.h>

struct kernfs_node;
struct kernfs_open_file;
struct module;
struct seq_file;
struct task_struct;

#define RC_MAX_CFTYPE_NAME		64
#define MAX_CONTAINER_TYPE_NAMELEN	32

/**
 * struct rc_cftype - one control file that a subsystem has in every container
 * @name: file name; by convention the name of the subsystem, a period, and
 *	  what the file is about
 * @private: for the subsystem
 * @ss: the subsystem; set by rcfs_add_file()
 * @seq_show: prints the file. @ns is the nsproxy of the container:
 *	      rcfs_nsproxy_state() has the state. Called in process context
 *	      without locks of rcfs; the container cannot go away. Returns 0 or
 *	      a negative errno. Optional: without it the file cannot be read.
 * @write: takes one write. @buf holds @nbytes bytes and a NUL behind them;
 *	   longer writes than a page fail with -E2BIG without a call. Context
 *	   as for @seq_show. Returns the number of bytes taken or a negative
 *	   errno. Optional: without it the file cannot be written.
 *
 * Has to stay valid and unchanged for as long as its subsystem is registered.
 */
struct rc_cftype {
	char name[RC_MAX_CFTYPE_NAME];
	int private;
	struct rc_subsys *ss;
	int (*seq_show)(struct nsproxy *ns, const struct rc_cftype *cft,
			struct seq_file *sf);
	ssize_t (*write)(struct nsproxy *ns, const struct rc_cftype *cft,
			 struct kernfs_open_file *of, char *buf, size_t nbytes);
};

/**
 * struct rc_subsys - a resource control subsystem
 * @create: makes the state of a container and stores it in
 *	    ``ns->ctlr_data[subsys_id]``, where it must not be NULL. @parent is
 *	    the nsproxy of the parent container, and NULL for the root state,
 *	    which is made at registration in &init_nsproxy. Returns 0 or a
 *	    negative errno, which fails the registration or the mkdir.
 * @destroy: frees that state. Nobody is in the container and an RCU grace
 *	     period has passed since the last reader could find it.
 * @can_attach: may refuse, with a negative errno, that @tsk moves to the
 *		container of @ns. Optional.
 * @attach: @tsk has moved; @new and @old are its nsproxies, with references
 *	    held. Optional.
 * @populate: adds the files of the subsystem to a new container's directory
 *	      with rcfs_add_file(). Optional.
 * @charge: @delta_exec ns of CPU time were consumed by a task in the container
 *	    with the state @state. Called for every task under the runqueue
 *	    lock, perhaps on another CPU than the task's: no sleeping, no
 *	    locks. Optional.
 * @subsys_id: index into ctlr_data; set by rc_register_subsys()
 * @active: whether the subsystem is bound to a hierarchy; set by the core
 * @name: unique name, for mount options and file names
 * @owner: the module that must not go away while the subsystem is bound
 *
 * All but @charge are called in process context, may sleep, and are called
 * with the mutex of rcfs held, except for @destroy: they must not call into
 * rcfs but for rcfs_add_file() in @populate.
 */
struct rc_subsys {
	int (*create)(struct rc_subsys *ss, struct nsproxy *ns,
		      struct nsproxy *parent);
	void (*destroy)(struct rc_subsys *ss, struct nsproxy *ns);
	int (*can_attach)(struct rc_subsys *ss, struct nsproxy *ns,
			  struct task_struct *tsk);
	void (*attach)(struct rc_subsys *ss, struct nsproxy *new,
		       struct nsproxy *old, struct task_struct *tsk);
	int (*populate)(struct rc_subsys *ss, struct kernfs_node *dir);
	void (*charge)(struct rc_subsys *ss, void *state, u64 delta_exec);
	int subsys_id;
	int active;
	const char *name;
	struct module *owner;

	/* private: */
	struct list_head charge_node;
};

/**
 * struct rcfs_container - what kernel/nsproxy.c knows of a container
 * @nr_nsproxies: how many nsproxies refer to it, its own included; 0 once it
 *		  is out of use. Not kept for the root of a hierarchy.
 * @hierarchy: number of its hierarchy: index into nsproxy->rcfs_container
 * @nsproxy: the nsproxy that the directory owns, with the states in ctlr_data.
 *	     &init_nsproxy in the root of a hierarchy.
 * @subsystems: the subsystems of its hierarchy
 */
struct rcfs_container {
	atomic_t nr_nsproxies;
	int hierarchy;
	struct nsproxy *nsproxy;

	/* private: */
	struct rcu_head rcu;

	/* public: */
	DECLARE_BITMAP(subsystems, CONFIG_MAX_RC_SUBSYS);
};

static inline bool rcfs_container_is_root(const struct rcfs_container *cont)
{
	return cont->nsproxy == &init_nsproxy;
}

static inline bool rcfs_container_is_retired(const struct rcfs_container *cont)
{
	return !atomic_read(&cont->nr_nsproxies);
}

/* Whether no task is in there; not for the root of a hierarchy */
static inline bool rcfs_container_is_empty(const struct rcfs_container *cont)
{
	return refcount_read(&cont->nsproxy->count) <= 1 &&
	       atomic_read(&cont->nr_nsproxies) <= 1;
}

/* The caller keeps @ns alive. */
static inline bool rcfs_container_has_nsproxy(const struct rcfs_container *cont,
					      const struct nsproxy *ns)
{
	const struct rcfs_container *has = ns->rcfs_container[cont->hierarchy];

	return has ? has == cont : rcfs_container_is_root(cont);
}

/* Call it under RCU. A task without an nsproxy is on its way out. */
static inline bool rcfs_container_has_task(const struct rcfs_container *cont,
					   const struct task_struct *tsk)
{
	const struct nsproxy *ns = READ_ONCE(tsk->nsproxy);

	return ns && rcfs_container_has_nsproxy(cont, ns);
}

/**
 * rcfs_nsproxy_state - the state of a subsystem for the tasks of an nsproxy
 * @ns: the nsproxy, or NULL, which an exiting task has: the root state
 * @ss: a registered subsystem
 *
 * Context: Whatever keeps @ns alive keeps the state alive: a reference, the
 *	    task_lock, or an RCU read-side critical section.
 * Return: what @ss put into ``ctlr_data`` when it created the container.
 */
static inline void *rcfs_nsproxy_state(const struct nsproxy *ns,
				       const struct rc_subsys *ss)
{
	void *state = ns ? READ_ONCE(ns->ctlr_data[ss->subsys_id]) : NULL;

	return state ?: READ_ONCE(init_nsproxy.ctlr_data[ss->subsys_id]);
}

int rc_register_subsys(struct rc_subsys *ss);
int rc_unregister_subsys(struct rc_subsys *ss);
int rcfs_add_file(struct kernfs_node *dir, struct rc_subsys *ss,
		  struct rc_cftype *cft);
int rcfs_init(void);

/* In Rust: for kernel/rcfs/interface.c only */
int __rc_register_subsys(struct rc_subsys *ss);
int __rc_unregister_subsys(struct rc_subsys *ss);
int __rcfs_add_file(struct kernfs_node *dir, struct rc_subsys *ss,
		    struct rc_cftype *cft);

/* For the core, which tells kernel/rcfs/hooks.c */
void rcfs_add_hooks(struct rc_subsys *ss);
void rcfs_remove_hooks(struct rc_subsys *ss);
void rcfs_activate_hooks(struct rc_subsys *ss, bool active);

DECLARE_STATIC_KEY_FALSE(rcfs_charge_key);
void __rcfs_charge(struct task_struct *tsk, u64 delta_exec);

/**
 * rcfs_charge - account CPU time to the containers of a task
 * @tsk: the task that ran
 * @delta_exec: for how long, in ns
 *
 * Context: Called with the runqueue lock of @tsk held.
 */
static inline void rcfs_charge(struct task_struct *tsk, u64 delta_exec)
{
	if (static_branch_unlikely(&rcfs_charge_key))
		__rcfs_charge(tsk, delta_exec);
}

#else /* !CONFIG_RCFS */

struct task_struct;

static inline int rcfs_init(void) { return 0; }
static inline void rcfs_charge(struct task_struct *tsk, u64 delta_exec) { }

#endif /* CONFIG_RCFS */

#endif /* _LINUX_RCFS_H */
