/* SPDX-License-Identifier: GPL-2.0 */
/*
 * rcfs: the resource control file system
 *
 * Tasks are grouped through task->nsproxy; the groups are directories of
 * mountable hierarchies; subsystems account or limit a resource for each.
 * See kernel/rcfs/rcfs.rs.
 */
#ifndef _LINUX_RCFS_H
#define _LINUX_RCFS_H

#ifdef CONFIG_RCFS

#include <linux/jump_label.h>
#include <linux/list.h>
#include <linux/nsproxy.h>
#include <linux/rcupdate.h>
#include <linux/rculist.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/types.h>

struct cpumask;
struct kernfs_node;
struct kernfs_open_file;
struct module;
struct pid;
struct pid_namespace;
struct rcu_work;
struct seq_file;
struct task_group;
struct task_struct;

#define RC_MAX_CFTYPE_NAME		64
#define MAX_CONTAINER_TYPE_NAMELEN	32

/*
 * How many containers there can be above each other, the root of the hierarchy not
 * counted. Hooks walk from a container to the root with the lock of a run queue or
 * the tasklist_lock held: this is the bound of that.
 */
#define RCFS_MAX_DEPTH			32

/* Where a list ends: see rc_cftype.seq_show_from */
#define RCFS_LIST_END			0x7fffffffffffffff

/**
 * struct rc_cftype - one control file that a subsystem has in every container
 * @name: file name, shorter than RC_MAX_CFTYPE_NAME; by convention the name of
 *	  the subsystem, a period, and what the file is about
 * @private: for the subsystem
 * @mode: permissions; 0 for those that follow from the functions
 * @ss: the subsystem; NULL until the first rcfs_add_file() sets it
 * @seq_show: prints the file. @ns is the nsproxy of the container:
 *	      rcfs_nsproxy_state() has the state. Called in process context
 *	      without locks of rcfs; the container cannot go away. Returns 0 or
 *	      a negative errno. Optional: without it the file cannot be read.
 * @seq_show_from: in place of @seq_show, for a list that may not fit into memory.
 *		   Prints what comes at the position @pos, 0 to begin with, and
 *		   sets @pos to the next position, or to %RCFS_LIST_END. Is called
 *		   again with the same @pos if there was too little room.
 *		   Returns 0 or a negative errno. Optional.
 * @write: takes one write. @buf holds @nbytes bytes and a NUL behind them;
 *	   longer writes than a page fail with -E2BIG without a call. Context
 *	   as for @seq_show. Returns the number of bytes taken or a negative
 *	   errno. Optional: without it the file cannot be written.
 *
 * Has to stay valid and unchanged for as long as its subsystem is registered. It
 * belongs to that subsystem alone.
 */
struct rc_cftype {
	const char *name;
	int private;
	umode_t mode;
	struct rc_subsys *ss;
	int (*seq_show)(struct nsproxy *ns, const struct rc_cftype *cft,
			struct seq_file *sf);
	int (*seq_show_from)(struct nsproxy *ns, const struct rc_cftype *cft,
			     struct seq_file *sf, loff_t *pos);
	ssize_t (*write)(struct nsproxy *ns, const struct rc_cftype *cft,
			 struct kernfs_open_file *of, char *buf, size_t nbytes);
};

/* What the rest of the kernel tells subsystems: see kernel/rcfs/hooks.c */
enum rc_hook {
	RC_HOOK_CHARGE,
	RC_HOOK_ACCOUNT,
	RC_HOOK_TRANSFER,
	RC_HOOK_CAN_FORK,
	RC_HOOK_FORK,
	RC_HOOK_EXIT,
	RC_HOOK_RELEASE,
	RC_HOOK_PIN,		/* no function: what is asked about exiting tasks */
	RC_HOOK_FREEZING,
	RC_HOOK_LIMIT_CPUS,
	RC_HOOK_TASK_GROUP,
	RC_HOOK_CPUS_CHANGED,
	RC_HOOK_LIMIT_NICE,
	RC_HOOK_DEVICE,
	RC_NR_HOOKS
};

/**
 * struct rc_subsys - a resource control subsystem
 * @create: makes the state of a container and stores it in
 *	    ``ns->ctlr_data[subsys_id]``, where it must not be NULL. @parent is
 *	    the nsproxy of the parent container, and NULL for the root state,
 *	    which is made at registration in &init_nsproxy. Returns 0 or a
 *	    negative errno, which fails the registration or the mkdir.
 * @offline: the container of @ns has been removed: no task is in it, no directory
 *	     has files of it, and no other container is below it. Zombies may
 *	     still refer to its state. Not called if a mkdir fails. Optional.
 * @destroy: frees that state. Nobody is in the container and an RCU grace
 *	     period has passed since the last reader could find it.
 * @can_attach: may refuse, with a negative errno, that @tsk moves to the
 *		container of @ns, or that a child of it begins there, which nobody
 *		can see yet: @tsk is current then. It is no promise that the task
 *		does: another subsystem may refuse, or the task exit. When a whole process
 *		moves, all of its threads are asked for before the first one
 *		moves; those that it creates meanwhile follow without a
 *		question. Optional.
 * @cancel_attach: @tsk, which @can_attach has agreed to, does not move. Called
 *		   once for each agreement that no @attach follows. Optional.
 * @transfer: @tsk goes from the container with the state @old to the one with
 *	      the state @new. Called in the moment at which it moves, under the
 *	      task_lock: no sleeping. What has to be right at any time, like a
 *	      count of tasks, is kept here and not in @attach. Optional.
 * @attach: @tsk has moved; @new and @old are its nsproxies, with references
 *	    held. It may have exited meanwhile. Optional.
 * @populate: adds the files of the subsystem to the directory @dir of a new
 *	      container, with rcfs_add_file(). @ns is the nsproxy with the
 *	      state, &init_nsproxy for the root of a hierarchy. Optional.
 * @can_fork: may refuse, with a negative errno, that @child comes into being
 *	      in the container with the state @state. If no other subsystem
 *	      refuses, it is there the next moment. Called by the parent under
 *	      the tasklist_lock and the siglock: no sleeping. Do not keep @child:
 *	      a fork that fails frees it, whoever has a reference. Optional.
 * @cancel_fork: takes back what a successful @can_fork did, under the same
 *		 locks. Optional.
 * @fork: @child has come into being; others see it, but it has not run yet.
 *	  Called by the parent in process context without locks, of rcfs or
 *	  others; may sleep. The child may be moved meanwhile. Optional.
 * @exit: @tsk leaves the container with the state @state, because it exits. It
 *	  is in no container in the next moment, although it still runs for a
 *	  while and is a zombie after that. Called under the task_lock: no
 *	  sleeping. Optional.
 * @release: @tsk, which was in the container with the state @state when it
 *	     exited, is being reaped. The container may have been removed. Not
 *	     called for the root, nor once the subsystem has been unbound.
 *	     No sleeping, no locks. Optional.
 * @charge: @delta_exec ns of CPU time were consumed on @cpu by a task in the
 *	    container with the state @state, or by one that was there when it
 *	    exited. Called for every task under the lock of its runqueue, perhaps
 *	    on another CPU: no sleeping, no locks. Optional.
 * @account: a task as for @charge was found to be running in user mode, or in
 *	     the kernel if @system; @delta ns are put down to that. Called by
 *	     the tick on the CPU of the task: no sleeping, no locks. Optional.
 * @freezing: whether tasks in the container with the state @state shall freeze:
 *	      see freezing(). Any context: no sleeping, no locks. Optional.
 * @limit_cpus: takes from @mask the CPUs on which tasks in the container with
 *		the state @state must not run. Under the runqueue lock: no
 *		sleeping, no locks. Optional.
 * @task_group: the group that the scheduler shall have tasks in that are in the
 *		container with the state @state, or NULL for the one that they
 *		have without rcfs. Under the runqueue lock: no sleeping, no
 *		locks. Optional.
 * @cpus_changed: CPUs have come or gone, or a task has been left without one, or
 *		  the subsystem has just been bound: cpu_active_mask and
 *		  cpu_online_mask are what they are now. CPUs stay for the
 *		  duration of the call. Optional.
 * @limit_nice: the nice value that a task in the container with the state @state
 *		gets that was to have @nice. Under the runqueue lock: no sleeping,
 *		no locks. Optional.
 * @device: may refuse, with a negative errno, that a task in the container with
 *	    the state @state opens or makes a device node: see
 *	    devcgroup_check_permission(). Process context under RCU: no
 *	    sleeping. Optional.
 * @subsys_id: index into ctlr_data; set by rc_register_subsys()
 * @active: whether the subsystem is bound to a hierarchy; set by the core
 * @root_state: what @create stored in &init_nsproxy; set by rc_register_subsys()
 * @name: unique name, for mount options and file names
 * @owner: the module that must not go away while the subsystem is bound
 *
 * The hooks, which are @transfer and all from @can_fork to @device, are
 * called while the subsystem is bound to a hierarchy, and under RCU unless they
 * may sleep. Every task is in the root then, and was there before without any of
 * them being called: only what they tell of other containers is complete.
 *
 * All others, and @cpus_changed, are called in process context, may sleep, and
 * are called with the mutex of rcfs held, except for @destroy: they must not
 * call into rcfs but for rcfs_add_file() in @populate.
 */
struct rc_subsys {
	int (*create)(struct rc_subsys *ss, struct nsproxy *ns,
		      struct nsproxy *parent);
	void (*offline)(struct rc_subsys *ss, struct nsproxy *ns);
	void (*destroy)(struct rc_subsys *ss, struct nsproxy *ns);
	int (*can_attach)(struct rc_subsys *ss, struct nsproxy *ns,
			  struct task_struct *tsk);
	void (*cancel_attach)(struct rc_subsys *ss, struct nsproxy *ns,
			      struct task_struct *tsk);
	void (*transfer)(struct rc_subsys *ss, void *new, void *old,
			 struct task_struct *tsk);
	void (*attach)(struct rc_subsys *ss, struct nsproxy *new,
		       struct nsproxy *old, struct task_struct *tsk);
	int (*populate)(struct rc_subsys *ss, struct nsproxy *ns,
			struct kernfs_node *dir);
	int (*can_fork)(struct rc_subsys *ss, void *state,
			struct task_struct *child);
	void (*cancel_fork)(struct rc_subsys *ss, void *state,
			    struct task_struct *child);
	void (*fork)(struct rc_subsys *ss, struct task_struct *child);
	void (*exit)(struct rc_subsys *ss, void *state, struct task_struct *tsk);
	void (*release)(struct rc_subsys *ss, void *state,
			struct task_struct *tsk);
	void (*charge)(struct rc_subsys *ss, void *state, int cpu,
		       u64 delta_exec);
	void (*account)(struct rc_subsys *ss, void *state, bool system,
			u64 delta);
	bool (*freezing)(struct rc_subsys *ss, void *state);
	void (*limit_cpus)(struct rc_subsys *ss, void *state,
			   struct cpumask *mask);
	struct task_group *(*task_group)(struct rc_subsys *ss, void *state);
	void (*cpus_changed)(struct rc_subsys *ss);
	int (*limit_nice)(struct rc_subsys *ss, void *state, int nice);
	int (*device)(struct rc_subsys *ss, void *state, short type, u32 major,
		      u32 minor, short access);
	int subsys_id;
	int active;
	void *root_state;
	const char *name;
	struct module *owner;

	/* private: */
	struct list_head hook_nodes[RC_NR_HOOKS];
};

/**
 * struct rcfs_container - what kernel/rcfs/nsproxy.c knows of a container
 * @nr_nsproxies: how many nsproxies refer to it, its own included; 0 while it is
 *		  out of use, which is before it is published and after it is
 *		  retired. Not kept for the root of a hierarchy.
 * @nr_pins: how many nsproxies need its states, its own included. Those of tasks
 *	     that exit do, when @nr_nsproxies does not count them any more. A
 *	     handle on a state counts as well.
 * @free_work: what runs when @nr_pins is zero; set when the container is retired
 * @nsproxies: those that refer to it, without its own, by their rcfs_links
 * @lock: for changes of @nsproxies. The lists of tasks have locks of their own.
 * @switches_begun: how often tasks went to another nsproxy of the container
 * @switches_done: how often they have arrived there
 * @parent: the one above; NULL in the root of a hierarchy
 * @children: those directly below, by their @sibling, for readers under RCU
 * @sibling: in the list of @parent while the container is in use
 * @hierarchy: number of its hierarchy: index into nsproxy->rcfs_container
 * @nsproxy: the nsproxy that the directory owns, with the states in ctlr_data.
 *	     &init_nsproxy in the root of a hierarchy.
 * @directory: the directory, with a reference. NULL in the root of a hierarchy, and
 *	       before the container is published.
 * @empty: the file of that name in it, with a reference, for poll and inotify.
 *	   NULL where @directory is.
 * @watched: whether somebody has read that, and nobody has been told since
 * @subsystems: the subsystems of its hierarchy
 */
struct rcfs_container {
	atomic_t nr_nsproxies;
	refcount_t nr_pins;
	struct hlist_head nsproxies;
	atomic_t switches_begun;
	atomic_t switches_done;
	struct rcfs_container *parent;
	struct hlist_head children;
	struct hlist_node sibling;
	struct nsproxy *nsproxy;
	struct kernfs_node *directory;
	struct kernfs_node *empty;
	int hierarchy;
	bool watched;
	raw_spinlock_t lock;
	DECLARE_BITMAP(subsystems, CONFIG_MAX_RC_SUBSYS);
	union {
		struct rcu_work *free_work;
		/* private: for the end, when that has run */
		struct rcu_head rcu;
	};
};

static inline bool rcfs_container_is_root(const struct rcfs_container *cont)
{
	return cont->nsproxy == &init_nsproxy;
}

static inline bool rcfs_container_is_retired(const struct rcfs_container *cont)
{
	return !atomic_read(&cont->nr_nsproxies);
}

/* Whether no task is in the container itself; not for the root of a hierarchy */
static inline bool rcfs_container_is_empty(const struct rcfs_container *cont)
{
	return refcount_read(&cont->nsproxy->count) <= 1 &&
	       atomic_read(&cont->nr_nsproxies) <= 1;
}

/*
 * Keep the states of a container, which may have been removed. Returns false if
 * nobody keeps them any more. Call it under RCU, or with the container kept. What is
 * kept is given up with rcfs_unpin_container().
 */
static inline bool rcfs_pin_container(struct rcfs_container *cont)
{
	return refcount_inc_not_zero(&cont->nr_pins);
}

void rcfs_unpin_container(struct rcfs_container *cont);

/**
 * rcfs_next_below - go on in a walk through a container and those below it
 * @top: where the walk began
 * @pos: where it is
 *
 * Each container comes after the one above it.
 *
 * Context: Under RCU for all of the walk, or with the mutex of rcfs held. Under
 *	    RCU, containers that are made or removed meanwhile are found or not.
 * Return: the next container, or NULL behind the last one.
 */
static inline struct rcfs_container *
rcfs_next_below(const struct rcfs_container *top, const struct rcfs_container *pos)
{
	struct hlist_node *next = rcu_dereference_raw(hlist_first_rcu(&pos->children));

	for (; !next && pos != top; pos = pos->parent)
		next = rcu_dereference_raw(hlist_next_rcu(&pos->sibling));
	return next ? hlist_entry(next, struct rcfs_container, sibling) : NULL;
}

bool rcfs_is_empty_below(const struct rcfs_container *top);

/*
 * Whether no task is in a container nor below it, for a reader of the file "empty"
 * that wants to be told when it becomes so. kernfs has noted which notifications
 * the reader knows of before this.
 */
static inline bool rcfs_container_watch_empty(struct rcfs_container *cont)
{
	/*
	 * A full barrier on both sides, which pairs with those in
	 * rcfs_notify_empty(). Whoever drops a count after the look below sees
	 * that the container is watched. Whoever took the mark away that was
	 * there before has notified before kernfs noted, or notifies later.
	 */
	xchg(&cont->watched, true);
	guard(rcu)();
	return rcfs_is_empty_below(cont);
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

/*
 * As above: whether it is in another one of the hierarchy. What the task did
 * before it left, like adding a thread to the list, is seen by who sees this.
 */
static inline bool rcfs_container_lacks_task(const struct rcfs_container *cont,
					     const struct task_struct *tsk)
{
	/* Pairs with the release in set_task_nsproxy(). */
	const struct nsproxy *ns = smp_load_acquire(&tsk->nsproxy);

	return ns && !rcfs_container_has_nsproxy(cont, ns);
}

/* In task->rcfs_pin: one of the reasons for the pin is gone, see rcfs_unpin_task() */
#define RCFS_PIN_HALF	1UL

/* The nsproxy that a task which exits has pinned. It stays under RCU. */
static inline struct nsproxy *rcfs_pinned_nsproxy(const struct task_struct *tsk)
{
	return (struct nsproxy *)(READ_ONCE(tsk->rcfs_pin) & ~RCFS_PIN_HALF);
}

/**
 * rcfs_nsproxy_state - the state of a subsystem for the tasks of an nsproxy
 * @ns: the nsproxy, or NULL for the root state
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

	return state ?: ss->root_state;
}

int rc_register_subsys(struct rc_subsys *ss);
int rc_unregister_subsys(struct rc_subsys *ss);
int rcfs_add_file(struct kernfs_node *dir, struct rc_subsys *ss,
		  struct rc_cftype *cft);
struct kernfs_node *rcfs_create_file(struct kernfs_node *dir,
				     struct rc_subsys *ss,
				     struct rc_cftype *cft);
int rcfs_init(void);

/* In Rust: for kernel/rcfs/interface.c only */
int __rc_register_subsys(struct rc_subsys *ss);
int __rc_unregister_subsys(struct rc_subsys *ss);
struct kernfs_node *__rcfs_create_file(struct kernfs_node *dir,
				       struct rc_subsys *ss,
				       struct rc_cftype *cft);

/* For the core, which tells kernel/rcfs/hooks.c */
void rcfs_add_hooks(struct rc_subsys *ss);
void rcfs_remove_hooks(struct rc_subsys *ss);
void rcfs_activate_hooks(struct rc_subsys *ss, bool active);
void rcfs_call_cpus_changed(struct rc_subsys *ss);

/* In Rust: for kernel/rcfs/clone.c */
struct nsproxy *rcfs_find_child_nsproxy(struct kernfs_node *dir, int *hierarchy);

int __rcfs_clone_begin(struct kernel_clone_args *args);
bool __rcfs_clone_end(struct kernel_clone_args *args);

/**
 * rcfs_clone_begin - find the container that a child is to begin in
 * @args: how the child is to be made
 *
 * CLONE_INTO_CGROUP with the descriptor of a directory of rcfs is for rcfs, which
 * takes the flag away before control groups look. Any other descriptor is theirs.
 *
 * Context: Process context, may sleep. Call rcfs_clone_end() when the child has been
 *	    made, or cannot be.
 * Return: 0, or a negative errno: -EBADF if the descriptor is not that of a
 *	   directory, -ENODEV if the container has been removed, -EACCES and -EROFS
 *	   if the caller must not write to its "procs", -ENOMEM, and what a
 *	   subsystem refuses with.
 */
static inline int rcfs_clone_begin(struct kernel_clone_args *args)
{
	if (unlikely(args->flags & CLONE_INTO_CGROUP))
		return __rcfs_clone_begin(args);
	return 0;
}

/**
 * rcfs_clone_end - give up what rcfs_clone_begin() has found
 * @args: how the child was to be made
 *
 * Context: Process context, may sleep.
 * Return: whether the fork has to begin anew, because somebody has moved the parent
 *	   in another hierarchy before the child became visible.
 */
static inline bool rcfs_clone_end(struct kernel_clone_args *args)
{
	if (unlikely(args->rcfs_ns))
		return __rcfs_clone_end(args);
	return false;
}

/* In Rust: what fs/proc/base.c calls */
int proc_rcfs_show(struct seq_file *m, struct pid_namespace *ns,
		   struct pid *pid, struct task_struct *tsk);

/* In Rust: /proc/rcfs */
int rcfs_show_subsystems(struct seq_file *m, void *v);

/* In Rust: calls the hooks that are called with the mutex of rcfs held */
void rcfs_notify_cpus_changed(void);

/*
 * How often the lists of a container are read that tasks leave for another one of it,
 * before somebody looks at all tasks.
 */
#define RCFS_WALK_ATTEMPTS		3

/**
 * struct rcfs_walk - a walk along the tasks of a container
 * @cont: the container
 * @ns: the nsproxy whose tasks are next
 * @pos: the next one
 * @begun: what the container's switches_begun was
 * @restarts: how often the list of an nsproxy may still be read again
 * @complete: whether nothing has kept the walk from finding all
 */
struct rcfs_walk {
	const struct rcfs_container *cont;
	struct nsproxy *ns;
	struct hlist_nulls_node *pos;
	int begun;
	int restarts;
	bool complete;
};

/* What kernel/rcfs/members.c does for rust/kernel/rcfs/members.rs */
void rcfs_walk_begin(struct rcfs_walk *walk, const struct rcfs_container *cont);
struct task_struct *rcfs_walk_next(struct rcfs_walk *walk);
unsigned int rcfs_walk_ids(struct rcfs_walk *walk, struct pid_namespace *ns,
			   enum pid_type type, pid_t *ids, unsigned int max);
bool rcfs_walk_is_complete(const struct rcfs_walk *walk);
unsigned int rcfs_find_members(const struct rcfs_container *cont,
			       struct pid_namespace *ns, pid_t *from,
			       struct task_struct **members, unsigned int max);
struct task_struct *rcfs_find_thread_outside(const struct rcfs_container *cont,
					     struct task_struct *tsk);
void rcfs_kill(const struct rcfs_container *top);

extern struct static_key_false rcfs_hook_keys[RC_NR_HOOKS];
void __rcfs_charge(struct task_struct *tsk, u64 delta_exec);
void __rcfs_account(struct task_struct *tsk, int index, u64 delta);
void __rcfs_transfer(struct task_struct *tsk, const struct nsproxy *new,
		     const struct nsproxy *old);
int __rcfs_can_fork(const struct nsproxy *ns, struct task_struct *child);
void __rcfs_fork(struct task_struct *child);
void __rcfs_exit(struct task_struct *tsk, const struct nsproxy *ns);
void __rcfs_release(struct task_struct *tsk);
bool __rcfs_freezing(struct task_struct *tsk);
void __rcfs_limit_cpus(const struct task_struct *tsk, struct cpumask *mask);
void __rcfs_cpus_overridden(void);
struct task_group *__rcfs_task_group(const struct task_struct *tsk);
int __rcfs_limit_nice(const struct task_struct *tsk, int nice);
int __rcfs_device(short type, u32 major, u32 minor, short access);

/**
 * rcfs_charge - account CPU time to the containers of a task
 * @tsk: the task that ran
 * @delta_exec: for how long, in ns
 *
 * Context: Called with the runqueue lock of @tsk held.
 */
static inline void rcfs_charge(struct task_struct *tsk, u64 delta_exec)
{
	if (static_branch_unlikely(&rcfs_hook_keys[RC_HOOK_CHARGE]))
		__rcfs_charge(tsk, delta_exec);
}

/**
 * rcfs_account - account user and system time to the containers of a task
 * @tsk: the task that was found running
 * @index: in what kind of time: an enum cpu_usage_stat
 * @delta: how much is put down to that, in ns
 *
 * Context: Called on the CPU of @tsk, with interrupts disabled.
 */
static inline void rcfs_account(struct task_struct *tsk, int index, u64 delta)
{
	if (static_branch_unlikely(&rcfs_hook_keys[RC_HOOK_ACCOUNT]))
		__rcfs_account(tsk, index, delta);
}

/**
 * rcfs_transfer - tell subsystems that a task moves
 * @tsk: the task
 * @new: what it just got
 * @old: what it had
 *
 * Context: Called with the task_lock of @tsk held, and references on both.
 */
static inline void rcfs_transfer(struct task_struct *tsk,
				 const struct nsproxy *new,
				 const struct nsproxy *old)
{
	if (static_branch_unlikely(&rcfs_hook_keys[RC_HOOK_TRANSFER]))
		__rcfs_transfer(tsk, new, old);
}

/**
 * rcfs_can_fork - ask subsystems whether there may be another task
 * @ns: what the child is to get
 * @child: the child, which nobody can find yet
 *
 * Context: Called with the tasklist_lock held for writing, under RCU.
 * Return: 0, or what a subsystem refused with; then none of them remembers.
 */
static inline int rcfs_can_fork(const struct nsproxy *ns,
				struct task_struct *child)
{
	if (static_branch_unlikely(&rcfs_hook_keys[RC_HOOK_CAN_FORK]))
		return __rcfs_can_fork(ns, child);
	return 0;
}

/**
 * rcfs_fork - tell subsystems that there is another task
 * @child: the task, which has not run yet; the caller makes sure that it stays
 *
 * Context: Process context, without locks.
 */
static inline void rcfs_fork(struct task_struct *child)
{
	if (static_branch_unlikely(&rcfs_hook_keys[RC_HOOK_FORK]))
		__rcfs_fork(child);
}

/**
 * rcfs_exit - tell subsystems that a task leaves its containers for good
 * @tsk: the task, current
 * @ns: what it had
 *
 * Context: Called with the task_lock held, and a reference on @ns.
 */
static inline void rcfs_exit(struct task_struct *tsk, const struct nsproxy *ns)
{
	if (static_branch_unlikely(&rcfs_hook_keys[RC_HOOK_EXIT]))
		__rcfs_exit(tsk, ns);
}

/**
 * rcfs_pin - keep what subsystems need to account for a task that exits
 * @tsk: the task, current, which is in no list any more
 * @ns: what it had
 *
 * Context: Called with the task_lock held, and a reference on @ns, before
 *	    task->nsproxy is cleared.
 */
static inline void rcfs_pin(struct task_struct *tsk, struct nsproxy *ns)
{
	if (static_branch_unlikely(&rcfs_hook_keys[RC_HOOK_PIN]))
		rcfs_pin_nsproxy(tsk, ns);
}

/**
 * rcfs_release - tell subsystems that a task has been reaped
 * @tsk: the task
 *
 * Context: Process context. Called once for every task that was ever visible.
 */
static inline void rcfs_release(struct task_struct *tsk)
{
	if (static_branch_unlikely(&rcfs_hook_keys[RC_HOOK_RELEASE]))
		__rcfs_release(tsk);
	if (READ_ONCE(tsk->rcfs_pin))
		rcfs_unpin_task(tsk);
}

/**
 * rcfs_task_dead - a task has left the CPU for the last time
 * @tsk: the task
 *
 * Context: On that CPU, without its runqueue lock, with preemption disabled.
 */
static inline void rcfs_task_dead(struct task_struct *tsk)
{
	/* A task that the kernel has given up on dies with all that it has. */
	if (READ_ONCE(tsk->rcfs_pin) && !tsk->nsproxy)
		rcfs_unpin_task(tsk);
}

/**
 * rcfs_freezing - whether a task is in a container that is to freeze
 * @tsk: the task
 *
 * Context: Any.
 * Return: whether some subsystem says so.
 */
static inline bool rcfs_freezing(struct task_struct *tsk)
{
	if (static_branch_unlikely(&rcfs_hook_keys[RC_HOOK_FREEZING]))
		return __rcfs_freezing(tsk);
	return false;
}

/* Whether rcfs_limit_cpus() may do something */
static inline bool rcfs_limits_cpus(void)
{
	return static_branch_unlikely(&rcfs_hook_keys[RC_HOOK_LIMIT_CPUS]);
}

/**
 * rcfs_limit_cpus - take away the CPUs that the containers of a task lack
 * @tsk: the task
 * @mask: CPUs
 *
 * Context: Any, under a lock that orders this with other users of the result.
 */
static inline void rcfs_limit_cpus(const struct task_struct *tsk,
				   struct cpumask *mask)
{
	if (rcfs_limits_cpus())
		__rcfs_limit_cpus(tsk, mask);
}

/*
 * Tell subsystems that the scheduler had to let a task run on CPUs that its
 * containers lack. In any context.
 */
static inline void rcfs_cpus_overridden(void)
{
	if (static_branch_unlikely(&rcfs_hook_keys[RC_HOOK_CPUS_CHANGED]))
		__rcfs_cpus_overridden();
}

/**
 * rcfs_task_group - the group of the scheduler that a container puts a task into
 * @tsk: the task
 *
 * Context: Any, under a lock that orders this with other users of the result,
 *	    and with preemption disabled for as long as that is used.
 * Return: NULL if the task is in no container that has one.
 */
static inline struct task_group *rcfs_task_group(const struct task_struct *tsk)
{
	if (static_branch_unlikely(&rcfs_hook_keys[RC_HOOK_TASK_GROUP]))
		return __rcfs_task_group(tsk);
	return NULL;
}

/**
 * rcfs_limit_nice - the nice value that a task gets
 * @tsk: the task
 * @nice: what it was to have
 *
 * Context: Under the runqueue lock of @tsk.
 * Return: @nice, or what its containers have in place of that.
 */
static inline int rcfs_limit_nice(const struct task_struct *tsk, int nice)
{
	if (static_branch_unlikely(&rcfs_hook_keys[RC_HOOK_LIMIT_NICE]))
		return __rcfs_limit_nice(tsk, nice);
	return nice;
}

/**
 * rcfs_device - whether current may open or make a device node
 * @type: %DEVCG_DEV_BLOCK or %DEVCG_DEV_CHAR
 * @major: major number
 * @minor: minor number
 * @access: combination of %DEVCG_ACC_MKNOD, %DEVCG_ACC_READ and %DEVCG_ACC_WRITE
 *
 * Context: Process context.
 * Return: 0, or what a subsystem refuses with.
 */
static inline int rcfs_device(short type, u32 major, u32 minor, short access)
{
	if (static_branch_unlikely(&rcfs_hook_keys[RC_HOOK_DEVICE]))
		return __rcfs_device(type, major, minor, access);
	return 0;
}

#else /* !CONFIG_RCFS */

struct cpumask;
struct kernel_clone_args;
struct nsproxy;
struct task_group;
struct task_struct;

static inline int rcfs_init(void) { return 0; }
static inline int rcfs_clone_begin(struct kernel_clone_args *args) { return 0; }
static inline bool rcfs_clone_end(struct kernel_clone_args *args) { return false; }
static inline void rcfs_charge(struct task_struct *tsk, u64 delta_exec) { }
static inline void rcfs_account(struct task_struct *tsk, int index, u64 delta) { }
static inline void rcfs_fork(struct task_struct *child) { }
static inline void rcfs_exit(struct task_struct *tsk, const struct nsproxy *ns) { }
static inline void rcfs_pin(struct task_struct *tsk, struct nsproxy *ns) { }
static inline void rcfs_release(struct task_struct *tsk) { }
static inline void rcfs_task_dead(struct task_struct *tsk) { }
static inline bool rcfs_freezing(struct task_struct *tsk) { return false; }
static inline bool rcfs_limits_cpus(void) { return false; }
static inline void rcfs_limit_cpus(const struct task_struct *tsk,
				   struct cpumask *mask) { }
static inline void rcfs_cpus_overridden(void) { }
static inline struct task_group *rcfs_task_group(const struct task_struct *tsk)
{
	return NULL;
}

static inline int rcfs_limit_nice(const struct task_struct *tsk, int nice)
{
	return nice;
}

static inline int rcfs_device(short type, u32 major, u32 minor, short access)
{
	return 0;
}

#endif /* CONFIG_RCFS */

/* Where kernel/rcfs/delay.c can make a task wait, to widen a race */
enum rcfs_delay {
	RCFS_DELAY_COPY,	/* forking, around the parent's nsproxy */
	RCFS_DELAY_VISIBLE,	/* forking, the moment before it can be seen */
	RCFS_DELAY_SWITCH,	/* with new namespaces that are not in use yet */
	RCFS_DELAY_PUT,		/* the last user is gone, the rest has to follow */
	RCFS_DELAY_FIND,	/* attaching, before memory for a new nsproxy */
	RCFS_DELAY_CPUS,	/* about to set the CPUs that its cpuset allowed */
	RCFS_DELAY_LIST,	/* out of one list of tasks, and not in the other */
	RCFS_DELAY_WALK,	/* on the way along a list, at a task */
	RCFS_NR_DELAYS
};

#ifdef CONFIG_RCFS_DELAYS
DECLARE_STATIC_KEY_FALSE(rcfs_delays_wanted);
void __rcfs_delay(enum rcfs_delay where);

/**
 * rcfs_delay - wait, if that has been asked for
 * @where: what the task is about to do
 *
 * Waits without sleeping, for 2 ms at most.
 *
 * Context: Any, with any locks.
 */
static inline void rcfs_delay(enum rcfs_delay where)
{
	if (static_branch_unlikely(&rcfs_delays_wanted))
		__rcfs_delay(where);
}
#else
static inline void rcfs_delay(enum rcfs_delay where) { }
#endif

#endif /* _LINUX_RCFS_H */
