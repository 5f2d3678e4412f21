/* SPDX-License-Identifier: GPL-2.0 */
/*
 * rcfs: the resource control file system
 *
 * Tasks are grouped by task->nsproxy. The groups are directories of mountable
 * hierarchies. Subsystems account or limit a resource for each group. See
 * kernel/rcfs/rcfs.rs.
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
struct mem_cgroup;
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
 * The highest depth of a container; a child of the root has a depth of 1. Hooks walk
 * from a container to the root under the lock of a run queue or the tasklist_lock, and
 * this limits how long that takes.
 */
#define RCFS_MAX_DEPTH			32

/* The position at the end of a list: see rc_cftype.seq_show_from */
#define RCFS_LIST_END			0x7fffffffffffffff

/**
 * struct rc_cftype - a control file that a subsystem has in every container
 * @name: file name, shorter than RC_MAX_CFTYPE_NAME; by convention the name of the
 *	  subsystem, a period, and the name of a property
 * @private: for use by the subsystem
 * @mode: permissions; 0 for the permissions that match the functions
 * @ss: the subsystem; NULL until the first rcfs_add_file() sets it
 * @seq_show: prints the file. @ns is the nsproxy of the container, from which
 *	      rcfs_nsproxy_state() gets the state. Called in process context without
 *	      locks of rcfs; the container stays during the call. Returns 0 or a
 *	      negative errno. Optional: without it the file cannot be read.
 * @seq_show_from: used instead of @seq_show for a list that may not fit into memory.
 *		   Prints a part of the list from the position @pos on, which is 0 at
 *		   first, and sets @pos to the next position, or to %RCFS_LIST_END. If
 *		   the buffer was too small, the call is repeated with the same @pos.
 *		   Returns 0 or a negative errno. Optional.
 * @write: handles one write. @buf holds @nbytes bytes, followed by a NUL. A write of
 *	   more than a page fails with -E2BIG without a call. Context as for @seq_show.
 *	   Returns a negative errno, or any other number if all of the write has been
 *	   used. Optional: without it the file cannot be written to.
 *
 * A control file must stay valid and unchanged for as long as its subsystem is
 * registered. It cannot be shared by subsystems.
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

/* The hooks, which kernel/rcfs/hooks.c calls */
enum rc_hook {
	RC_HOOK_CHARGE,
	RC_HOOK_ACCOUNT,
	RC_HOOK_TRANSFER,
	RC_HOOK_CAN_FORK,
	RC_HOOK_FORK,
	RC_HOOK_EXIT,
	RC_HOOK_RELEASE,
	RC_HOOK_PIN,		/* no function: a hook for exiting tasks is defined */
	RC_HOOK_FREEZING,
	RC_HOOK_LIMIT_CPUS,
	RC_HOOK_TASK_GROUP,
	RC_HOOK_CPUS_CHANGED,
	RC_HOOK_LIMIT_NICE,
	RC_HOOK_DEVICE,
	RC_HOOK_MEM_CGROUP,
	RC_NR_HOOKS
};

/**
 * struct rc_subsys - a resource control subsystem
 * @create: makes the state of a container and stores it in
 *	    ``ns->ctlr_data[subsys_id]``, where it must not be NULL. @parent is the
 *	    nsproxy of the parent container. @parent is NULL for the root state, which
 *	    is made at registration in &init_nsproxy. Returns 0 or a negative errno,
 *	    which fails the registration or the mkdir.
 * @offline: the container of @ns has been removed. It has no tasks, no files and no
 *	     children. Zombies may still refer to its state. Not called if a mkdir fails.
 *	     Optional.
 * @destroy: frees the state. The container has no tasks, and an RCU grace period has
 *	     passed since a reader could last find the state.
 * @can_attach: may refuse, with a negative errno, that @tsk moves to the container of
 *		@ns. Also called before a child is launched in that container, with
 *		current as @tsk, because the child is not visible yet. The move may
 *		still fail: another subsystem may refuse, or the task may exit. When a
 *		whole process moves, this is called for all of its threads before the
 *		first one moves. It is not called for threads that the process creates
 *		in the meantime, which move as well. Optional.
 * @cancel_attach: @tsk does not move, although @can_attach has returned 0. For each
 *		   @can_attach that has returned 0, either this or @attach is called.
 *		   Optional.
 * @transfer: @tsk moves from the container with the state @old to the container with
 *	      the state @new. Called under the task_lock, at the same time as the move:
 *	      no sleeping. Use this and not @attach for what must be exact at any time,
 *	      such as a count of tasks. Optional.
 * @attach: @tsk has moved from @old to @new. The caller holds references on both. The
 *	    task may have exited in the meantime. Optional.
 * @populate: adds the files of the subsystem to the directory @dir of a new container,
 *	      by rcfs_add_file(). @ns is the nsproxy with the state, which is
 *	      &init_nsproxy for the root of a hierarchy. Optional.
 * @can_fork: may refuse, with a negative errno, that @child is created in the container
 *	      with the state @state. Unless another subsystem refuses, @child becomes
 *	      visible next. Called by the parent under the tasklist_lock and the siglock:
 *	      no sleeping. Do not keep @child: a fork that fails frees it in spite of
 *	      references. Optional.
 * @cancel_fork: undoes a successful @can_fork, under the same locks. Optional.
 * @fork: @child has been created. It is visible, and has not run yet. Called by the
 *	  parent in process context without locks of rcfs or others; may sleep. The child
 *	  may be moved at any time. Optional.
 * @exit: @tsk leaves the container with the state @state, because it exits. After this
 *	  call it is in no container, although it still runs for a while and becomes a
 *	  zombie. Called under the task_lock: no sleeping. Optional.
 * @release: @tsk is being reaped. It was in the container with the state @state when it
 *	     exited. The container may have been removed. Not called for tasks of the
 *	     root, nor after the subsystem has been unbound. Called without locks of
 *	     others: no sleeping. Optional.
 * @charge: a task has used @delta_exec ns of CPU time on @cpu. The task is in the
 *	    container with the state @state, or was there when it exited. Called under
 *	    the lock of the task's runqueue, perhaps on another CPU: no sleeping, no
 *	    locks. Optional.
 * @account: the tick has found a task running, in the kernel if @system, else in user
 *	     mode, and accounts @delta ns. The task is in the container with the state
 *	     @state, or was there when it exited. Called on the CPU of the task: no
 *	     sleeping, no locks. Optional.
 * @freezing: whether tasks in the container with the state @state have to freeze: see
 *	      freezing(). Any context: no sleeping, no locks. Optional.
 * @limit_cpus: removes those CPUs from @mask on which tasks in the container with the
 *		state @state must not run. Any context, perhaps under the runqueue lock:
 *		no sleeping, no locks. Optional.
 * @task_group: returns the scheduler's group for tasks in the container with the state
 *		@state, or NULL for the group that they have without rcfs. Under the
 *		pi_lock of the task: no sleeping, no locks. Optional.
 * @cpus_changed: a CPU has come or gone, or the scheduler has run a task on CPUs that
 *		  its container lacks, or the subsystem has just been bound.
 *		  cpu_active_mask and cpu_online_mask do not change during the call.
 *		  Optional.
 * @limit_nice: returns the nice value for a task in the container with the state @state
 *		that is to be given @nice. Under the runqueue lock: no sleeping, no
 *		locks. Optional.
 * @device: may refuse, with a negative errno, that a task in the container with the
 *	    state @state opens or makes a device node: see
 *	    devcgroup_check_permission(). Process context under RCU: no sleeping.
 *	    Optional.
 * @mem_cgroup: returns the memory cgroup to which memory of tasks in the container with
 *		the state @state is charged. The group must not change, and must be
 *		valid for as long as the state. Any context under RCU: no sleeping, no
 *		locks. Optional.
 * @memory_event: memory_events of that group have changed. Any context but under the
 *		  lock of a runqueue. Optional.
 * @subsys_id: index into ctlr_data; set by rc_register_subsys()
 * @active: whether the subsystem is bound to a hierarchy; set by the core
 * @root_state: what @create stored in &init_nsproxy; set by rc_register_subsys()
 * @name: unique name, for mount options and file names
 * @owner: the module of the subsystem, which stays while the subsystem is bound
 *
 * The hooks are @transfer and the functions from @can_fork to @mem_cgroup. They are
 * called while the subsystem is bound to a hierarchy, and under RCU unless they may sleep.
 * When the subsystem is bound, all tasks are in the root, without any hook having been
 * called for them. Hooks therefore give a complete picture of all containers except for
 * the root.
 *
 * The functions that are no hooks, except for @memory_event, and the hook @cpus_changed
 * are called in process context and may sleep. They are called with the mutex of rcfs
 * held, except for @destroy, and must not call functions of rcfs other than
 * rcfs_add_file() in @populate.
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
	struct mem_cgroup *(*mem_cgroup)(struct rc_subsys *ss, void *state);
	void (*memory_event)(struct rc_subsys *ss, void *state);
	int subsys_id;
	int active;
	void *root_state;
	const char *name;
	struct module *owner;

	/* private: */
	struct list_head hook_nodes[RC_NR_HOOKS];
};

/**
 * struct rcfs_container - the part of a container that C code uses
 * @nr_nsproxies: how many nsproxies refer to the container, its own included. 0 before
 *		  the container is published and after it has been retired. Unused in the
 *		  root of a hierarchy.
 * @nr_pins: how many nsproxies need the states, the container's own included, plus the
 *	     number of handles on states. An nsproxy of exiting tasks counts here after
 *	     it has ceased to count in @nr_nsproxies.
 * @free_work: runs when @nr_pins is zero; set when the container is retired
 * @nsproxies: list of the nsproxies that refer to the container, by their rcfs_links,
 *	       without its own
 * @lock: protects @nsproxies. The lists of tasks have locks of their own.
 * @switches_begun: how often tasks began to move from one nsproxy of the container to
 *		    another
 * @switches_done: how often such a move ended
 * @arrivals: how often a task of the container, or of one below, has been counted by a
 *	      count that did not count it before
 * @parent: the parent; NULL in the root of a hierarchy
 * @children: list of the children, by their @sibling, for readers under RCU
 * @sibling: entry in the list of @parent while the container is in use
 * @hierarchy: number of its hierarchy: index into nsproxy->rcfs_container
 * @nsproxy: the nsproxy that the container owns, with the states in ctlr_data;
 *	     &init_nsproxy in the root of a hierarchy
 * @directory: the directory, with a reference; NULL in the root of a hierarchy, and
 *	       before the container is published
 * @empty: the file "empty" in @directory, with a reference, for poll and inotify; NULL
 *	   where @directory is NULL
 * @watched: whether @empty has been read since its readers were last notified
 * @subsystems: the subsystems of its hierarchy
 */
struct rcfs_container {
	atomic_t nr_nsproxies;
	refcount_t nr_pins;
	struct hlist_head nsproxies;
	atomic_t switches_begun;
	atomic_t switches_done;
	atomic_t arrivals;
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
		/* private: used when @free_work has run */
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

/*
 * Keep the states of a container, which may have been removed, until
 * rcfs_unpin_container(). Returns false if the states are about to be freed. The caller
 * is under RCU, or keeps the container.
 */
static inline bool rcfs_pin_container(struct rcfs_container *cont)
{
	return refcount_inc_not_zero(&cont->nr_pins);
}

void rcfs_unpin_container(struct rcfs_container *cont);

/**
 * rcfs_init_child - forget what dup_task_struct() has copied from the parent
 * @child: the child
 *
 * The copied pointer has no reference, and the nsproxy may be freed after an attach of
 * the parent. mm->owner leads other tasks to the child before copy_namespaces().
 *
 * Context: Process context, before anybody else can find @child.
 */
static inline void rcfs_init_child(struct task_struct *child)
{
	child->nsproxy = NULL;
	child->rcfs_member.pprev = NULL;
}

/**
 * rcfs_next_below - find the next container in a walk through a subtree
 * @top: the container at which the walk began
 * @pos: the current container
 *
 * Each container comes after its parent.
 *
 * Context: Under RCU during all of the walk, or with the mutex of rcfs held. Under RCU,
 *	    containers that are made or removed during the walk may be missed.
 * Return: the next container, or NULL at the end.
 */
static inline struct rcfs_container *
rcfs_next_below(const struct rcfs_container *top, const struct rcfs_container *pos)
{
	struct hlist_node *next = rcu_dereference_raw(hlist_first_rcu(&pos->children));

	for (; !next && pos != top; pos = pos->parent)
		next = rcu_dereference_raw(hlist_next_rcu(&pos->sibling));
	return next ? hlist_entry(next, struct rcfs_container, sibling) : NULL;
}

bool rcfs_container_is_empty(const struct rcfs_container *cont);
bool rcfs_is_empty_below(const struct rcfs_container *top);

/*
 * Whether a container and its descendants have no tasks, for a reader of the file
 * "empty" that is to be notified of a change. kernfs has noted before this call which
 * notifications the reader has seen.
 */
static inline bool rcfs_container_watch_empty(struct rcfs_container *cont)
{
	/*
	 * A full barrier, which pairs with the two in rcfs_notify_empty(). A task that
	 * drops a count after the check below sees that the container is watched. If
	 * another task has just cleared the flag, its notification came before kernfs
	 * noted what the reader has seen, or comes later.
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

/* Call this under RCU. A task without an nsproxy is exiting, and is in no container. */
static inline bool rcfs_container_has_task(const struct rcfs_container *cont,
					   const struct task_struct *tsk)
{
	const struct nsproxy *ns = READ_ONCE(tsk->nsproxy);

	return ns && rcfs_container_has_nsproxy(cont, ns);
}

/*
 * Unlike rcfs_container_has_task(): whether the task is in another container of the
 * hierarchy. If so, the caller sees everything that the task did before it moved there,
 * such as adding a thread to the list of threads.
 */
static inline bool rcfs_container_lacks_task(const struct rcfs_container *cont,
					     const struct task_struct *tsk)
{
	/* Pairs with the release in set_task_nsproxy(). */
	const struct nsproxy *ns = smp_load_acquire(&tsk->nsproxy);

	return ns && !rcfs_container_has_nsproxy(cont, ns);
}

/* A bit of task->rcfs_pin: one reason for the pin is gone, see rcfs_unpin_task() */
#define RCFS_PIN_HALF	1UL

/* The nsproxy that an exiting task has pinned. RCU keeps it. */
static inline struct nsproxy *rcfs_pinned_nsproxy(const struct task_struct *tsk)
{
	return (struct nsproxy *)(READ_ONCE(tsk->rcfs_pin) & ~RCFS_PIN_HALF);
}

/**
 * rcfs_nsproxy_state - get the state of a subsystem for the tasks of an nsproxy
 * @ns: the nsproxy, or NULL for the root state
 * @ss: a registered subsystem
 *
 * Context: Whatever keeps @ns alive keeps the state alive: a reference, the
 *	    task_lock, or an RCU read-side critical section.
 * Return: what @ss->create stored in ``ctlr_data``.
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

/* In kernel/rcfs/hooks.c, for the core */
void rcfs_add_hooks(struct rc_subsys *ss);
void rcfs_remove_hooks(struct rc_subsys *ss);
void rcfs_activate_hooks(struct rc_subsys *ss, bool active);
void rcfs_call_cpus_changed(struct rc_subsys *ss);

/* For rust/kernel/memcg.rs */
bool rcfs_own_mem_cgroup(struct mem_cgroup *memcg, struct rcfs_container *cont);

/* For kernel/rcfs/nsproxy.c */
#ifdef CONFIG_RCFS_MEM_CGROUP
void rcfs_retire_mem_cgroup(const struct rcfs_container *cont);
#else
static inline void rcfs_retire_mem_cgroup(const struct rcfs_container *cont) { }
#endif

/* For kernel/rcfs/memory.c */
struct mem_cgroup *rcfs_container_mem_cgroup(const struct rcfs_container *cont);
void rcfs_notify_memory_event(void *owner);

/* In Rust: for kernel/rcfs/clone.c */
struct nsproxy *rcfs_find_child_nsproxy(struct kernfs_node *dir, int *hierarchy);

int __rcfs_clone_begin(struct kernel_clone_args *args);
bool __rcfs_clone_end(struct kernel_clone_args *args);

/**
 * rcfs_clone_begin - find the container that a child is to begin in
 * @args: the arguments of the fork
 *
 * rcfs handles CLONE_INTO_CGROUP if the descriptor is that of a directory of rcfs. The
 * flag is then cleared, so that control groups ignore it. Control groups handle all
 * other descriptors.
 *
 * Context: Process context, may sleep. Call rcfs_clone_end() when the child has been
 *	    made, or cannot be.
 * Return: 0, or a negative errno: -EBADF if the descriptor is not that of a
 *	   directory, -ENODEV if the container has been removed, -EACCES and -EROFS
 *	   if the caller must not write to its "procs", -ENOMEM, or the error of a
 *	   subsystem that refuses the child.
 */
static inline int rcfs_clone_begin(struct kernel_clone_args *args)
{
	if (unlikely(args->flags & CLONE_INTO_CGROUP))
		return __rcfs_clone_begin(args);
	return 0;
}

/**
 * rcfs_clone_end - drop what rcfs_clone_begin() has found
 * @args: the arguments of the fork
 *
 * Context: Process context, may sleep.
 * Return: whether the fork has to be repeated, because the parent was moved in another
 *	   hierarchy before the child became visible.
 */
static inline bool rcfs_clone_end(struct kernel_clone_args *args)
{
	if (unlikely(args->rcfs_ns))
		return __rcfs_clone_end(args);
	return false;
}

/* In Rust: called by fs/proc/base.c */
int proc_rcfs_show(struct seq_file *m, struct pid_namespace *ns,
		   struct pid *pid, struct task_struct *tsk);

/* In Rust: /proc/rcfs */
int rcfs_show_subsystems(struct seq_file *m, void *v);

/* In Rust: calls the hook cpus_changed with the mutex of rcfs held */
void rcfs_notify_cpus_changed(void);

/*
 * How often to walk along the lists of a container that tasks leave for other lists of
 * the same container, before falling back to a look at all tasks
 */
#define RCFS_WALK_ATTEMPTS		3

/**
 * struct rcfs_walk - a walk along the tasks of a container
 * @cont: the container
 * @ns: the nsproxy whose tasks come next
 * @pos: the next task in the list of @ns
 * @begun: @cont->switches_begun at the beginning of the walk
 * @restarts: how often the list of an nsproxy may still be read again
 * @complete: whether the walk has missed no task so far
 */
struct rcfs_walk {
	const struct rcfs_container *cont;
	struct nsproxy *ns;
	struct hlist_nulls_node *pos;
	int begun;
	int restarts;
	bool complete;
};

/* In kernel/rcfs/members.c, for rust/kernel/rcfs/members.rs */
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

/* In kernel/rcfs/kill.c */
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
struct mem_cgroup *rcfs_mem_cgroup(const struct task_struct *tsk);

/**
 * rcfs_charge - charge CPU time to the container of a task
 * @tsk: the task that ran
 * @delta_exec: CPU time in ns
 *
 * Context: Called with the runqueue lock of @tsk held.
 */
static inline void rcfs_charge(struct task_struct *tsk, u64 delta_exec)
{
	if (static_branch_unlikely(&rcfs_hook_keys[RC_HOOK_CHARGE]))
		__rcfs_charge(tsk, delta_exec);
}

/**
 * rcfs_account - account user and system time to the container of a task
 * @tsk: the task that the tick has found running
 * @index: the kind of time, an enum cpu_usage_stat
 * @delta: the time in ns
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
 * @new: its new nsproxy
 * @old: its old nsproxy
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
 * rcfs_can_fork - ask subsystems whether a child may be created
 * @ns: the nsproxy that the child is to get
 * @child: the child, which is not visible yet
 *
 * Context: Called with the tasklist_lock held for writing, under RCU.
 * Return: 0, or the error of the subsystem that refuses. No subsystem counts the child
 *	   in the latter case.
 */
static inline int rcfs_can_fork(const struct nsproxy *ns,
				struct task_struct *child)
{
	if (static_branch_unlikely(&rcfs_hook_keys[RC_HOOK_CAN_FORK]))
		return __rcfs_can_fork(ns, child);
	return 0;
}

/**
 * rcfs_fork - tell subsystems that a child has been created
 * @child: the child, which has not run yet; the caller keeps it
 *
 * Context: Process context, without locks.
 */
static inline void rcfs_fork(struct task_struct *child)
{
	if (static_branch_unlikely(&rcfs_hook_keys[RC_HOOK_FORK]))
		__rcfs_fork(child);
}

/**
 * rcfs_exit - tell subsystems that an exiting task leaves its containers
 * @tsk: the task, current
 * @ns: its nsproxy
 *
 * Context: Called with the task_lock held, and a reference on @ns.
 */
static inline void rcfs_exit(struct task_struct *tsk, const struct nsproxy *ns)
{
	if (static_branch_unlikely(&rcfs_hook_keys[RC_HOOK_EXIT]))
		__rcfs_exit(tsk, ns);
}

/**
 * rcfs_pin - keep the states that subsystems need to account an exiting task
 * @tsk: the task, current, which has left the list of its nsproxy
 * @ns: its nsproxy
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
 * rcfs_task_dead - note that a task has left the CPU for the last time
 * @tsk: the task
 *
 * Context: On that CPU, without its runqueue lock, with preemption disabled.
 */
static inline void rcfs_task_dead(struct task_struct *tsk)
{
	/*
	 * A task that oopses in do_exit() may die with its nsproxy. rcfs_pin is a part of
	 * its entry in the list then, and no pin.
	 */
	if (READ_ONCE(tsk->rcfs_pin) && !tsk->nsproxy)
		rcfs_unpin_task(tsk);
}

/* Whether a subsystem with task_group is bound */
static inline bool rcfs_groups_tasks(void)
{
	return static_branch_unlikely(&rcfs_hook_keys[RC_HOOK_TASK_GROUP]);
}

/**
 * rcfs_freezing - whether a task is in a container that is frozen
 * @tsk: the task
 *
 * Context: Any.
 * Return: whether a subsystem says so.
 */
static inline bool rcfs_freezing(struct task_struct *tsk)
{
	if (static_branch_unlikely(&rcfs_hook_keys[RC_HOOK_FREEZING]))
		return __rcfs_freezing(tsk);
	return false;
}

/* Whether a subsystem with limit_cpus is bound */
static inline bool rcfs_limits_cpus(void)
{
	return static_branch_unlikely(&rcfs_hook_keys[RC_HOOK_LIMIT_CPUS]);
}

/**
 * rcfs_limit_cpus - remove the CPUs that the container of a task does not allow
 * @tsk: the task
 * @mask: CPUs
 *
 * Context: Any. Without the lock of the runqueue of @tsk, the result may be outdated.
 */
static inline void rcfs_limit_cpus(const struct task_struct *tsk,
				   struct cpumask *mask)
{
	if (rcfs_limits_cpus())
		__rcfs_limit_cpus(tsk, mask);
}

/*
 * Tell subsystems that the scheduler had to let a task run on CPUs that its container
 * does not allow. Any context.
 */
static inline void rcfs_cpus_overridden(void)
{
	if (static_branch_unlikely(&rcfs_hook_keys[RC_HOOK_CPUS_CHANGED]))
		__rcfs_cpus_overridden();
}

/**
 * rcfs_task_group - get the scheduler's group for the container of a task
 * @tsk: the task
 *
 * Context: With the pi_lock of @tsk held, for as long as the result is used.
 * Return: the group, or NULL if the container has none.
 */
static inline struct task_group *rcfs_task_group(const struct task_struct *tsk)
{
	if (rcfs_groups_tasks())
		return __rcfs_task_group(tsk);
	return NULL;
}

/**
 * rcfs_limit_nice - get the nice value for a task
 * @tsk: the task
 * @nice: the nice value that is to be set
 *
 * Context: Under the runqueue lock of @tsk.
 * Return: @nice, or the value that the container of @tsk requires instead.
 */
static inline int rcfs_limit_nice(const struct task_struct *tsk, int nice)
{
	if (static_branch_unlikely(&rcfs_hook_keys[RC_HOOK_LIMIT_NICE]))
		return __rcfs_limit_nice(tsk, nice);
	return nice;
}

/* Whether rcfs_limit_nice() may return another value than it is passed */
static inline bool rcfs_limits_nice(void)
{
	return static_branch_unlikely(&rcfs_hook_keys[RC_HOOK_LIMIT_NICE]);
}

/**
 * rcfs_device - whether current may open or make a device node
 * @type: %DEVCG_DEV_BLOCK or %DEVCG_DEV_CHAR
 * @major: major number
 * @minor: minor number
 * @access: combination of %DEVCG_ACC_MKNOD, %DEVCG_ACC_READ and %DEVCG_ACC_WRITE
 *
 * Context: Process context.
 * Return: 0, or the error of the subsystem that refuses.
 */
static inline int rcfs_device(short type, u32 major, u32 minor, short access)
{
	if (static_branch_unlikely(&rcfs_hook_keys[RC_HOOK_DEVICE]))
		return __rcfs_device(type, major, minor, access);
	return 0;
}

/* Whether rcfs_mem_cgroup() may find a group */
static inline bool rcfs_groups_memory(void)
{
	return static_branch_unlikely(&rcfs_hook_keys[RC_HOOK_MEM_CGROUP]);
}

#else /* !CONFIG_RCFS */

struct cpumask;
struct kernel_clone_args;
struct mem_cgroup;
struct nsproxy;
struct task_group;
struct task_struct;

static inline void rcfs_init_child(struct task_struct *child) { }
static inline int rcfs_clone_begin(struct kernel_clone_args *args) { return 0; }
static inline bool rcfs_clone_end(struct kernel_clone_args *args) { return false; }
static inline void rcfs_charge(struct task_struct *tsk, u64 delta_exec) { }
static inline void rcfs_account(struct task_struct *tsk, int index, u64 delta) { }
static inline void rcfs_fork(struct task_struct *child) { }
static inline void rcfs_exit(struct task_struct *tsk, const struct nsproxy *ns) { }
static inline void rcfs_pin(struct task_struct *tsk, struct nsproxy *ns) { }
static inline void rcfs_release(struct task_struct *tsk) { }
static inline void rcfs_task_dead(struct task_struct *tsk) { }
static inline bool rcfs_groups_tasks(void) { return false; }
static inline bool rcfs_freezing(struct task_struct *tsk) { return false; }
static inline bool rcfs_limits_cpus(void) { return false; }
static inline void rcfs_limit_cpus(const struct task_struct *tsk,
				   struct cpumask *mask) { }
static inline void rcfs_cpus_overridden(void) { }
static inline struct task_group *rcfs_task_group(const struct task_struct *tsk)
{
	return NULL;
}

static inline bool rcfs_limits_nice(void) { return false; }
static inline int rcfs_limit_nice(const struct task_struct *tsk, int nice)
{
	return nice;
}

static inline int rcfs_device(short type, u32 major, u32 minor, short access)
{
	return 0;
}

static inline bool rcfs_groups_memory(void) { return false; }
static inline struct mem_cgroup *rcfs_mem_cgroup(const struct task_struct *tsk)
{
	return NULL;
}

#endif /* CONFIG_RCFS */

/* Where kernel/rcfs/delay.c can delay a task, to widen a race window */
enum rcfs_delay {
	RCFS_DELAY_COPY,	/* fork, of a child that shares all namespaces */
	RCFS_DELAY_VISIBLE,	/* fork, before the child becomes visible */
	RCFS_DELAY_SWITCH,	/* with new namespaces that are not in use yet */
	RCFS_DELAY_PUT,		/* after the last reference, before the counts drop */
	RCFS_DELAY_FIND,	/* attach, before allocating an nsproxy */
	RCFS_DELAY_CPUS,	/* before setting the CPUs that the cpuset allowed */
	RCFS_DELAY_LIST,	/* attach, between removal from a list and adding */
	RCFS_DELAY_WALK,	/* walk along a list, at each task */
	RCFS_DELAY_EMPTY,	/* between the counts that say whether a container is empty */
	RCFS_NR_DELAYS
};

#ifdef CONFIG_RCFS_DELAYS
DECLARE_STATIC_KEY_FALSE(rcfs_delays_wanted);
void __rcfs_delay(enum rcfs_delay where);

/**
 * rcfs_delay - delay the caller if a delay has been set
 * @where: the place in the code
 *
 * Busy-waits for at most 2 ms. A longer RCFS_DELAY_COPY sleeps.
 *
 * Context: Any, with any locks. RCFS_DELAY_COPY: process context, may sleep.
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
