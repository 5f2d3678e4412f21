/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A model of how rcfs attaches tasks, for SPIN (https://spinroot.com): attach
 * against fork, exit, unshare(2) and setns(2), rmdir(2), readers, and the
 * deferred free. tools/check/model.sh runs it; what it says in words is in
 * Documentation/core-api/rcfs.rst, "Attaching" to "Hazards".
 *
 * Each step of a process that others can see, or be in the way of, is a step of
 * the model: a load, a store, an atomic operation, taking a lock. SPIN tries all
 * orders of the steps of all processes. The processes are
 *
 *	Parent		a task that forks or switches its namespaces, and exits
 *	Child		the task or thread that it forks; exits
 *	Attacher	writes to "tasks" or "procs" of a container
 *	Remover		rmdir(2) of any of the two containers, again and again
 *	Scheduler	another CPU, which charges a task that runs, maybe on its
 *			way out, again and again
 *	Janitor		when no task is left: removes both containers, and looks
 *			whether everything has been given back
 *
 * Three scenarios, of which one has to be defined:
 *
 *	FORK	 one thread is attached while it forks: a child that shares its
 *		 nsproxy, or has namespaces of its own, or fails
 *	PROCESS	 a process is attached while its thread makes another one
 *	SWITCH	 one thread is attached, and then again, while it unshares, or
 *		 fails to, or joins other namespaces
 *
 * In each the parent begins in container A, either with the nsproxy that A owns
 * or with another one, which has namespaces of its own and can be found. It is
 * attached to B, and all tasks exit when they have done their part.
 *
 * What is left out, and why that proves no less:
 *
 *  - One hierarchy. The containers of the others go with an nsproxy as its
 *    namespaces do: find_nsproxy() copies both from the base, and a switch carries
 *    all containers over in one function, to an nsproxy that nobody else sees.
 *  - Namespaces are sets, numbered; one of them is never looked at without the
 *    others. Their memory is counted once per nsproxy (nsref), and their users
 *    are (ns_active), as in the code.
 *  - ctlr_data[] is always what the container has: both are written together
 *    before anybody else sees the nsproxy. So reading the state of a task is
 *    reading its container, and looking whether the states of that are there.
 *  - Memory is never used again: a slot is only ever allocated once. An access
 *    after the free is an error on its own, whatever is there by then. And the
 *    one comparison of pointers (rcfs_replace_nsproxy()) is with one that there
 *    is a reference on.
 *  - A grace period ends the moment it may: when all that were reading at its
 *    beginning are done. It does nothing but free memory that nobody is allowed
 *    to look at any more, so that if something goes wrong with a later end, it
 *    does with this one. For the same reason a reader begins with its first load
 *    and ends with its last: what is between those and rcu_read_lock() would
 *    only make grace periods longer. RCU-tasks, which waits for all tasks that
 *    run, whatever they do, here waits only for those between reading
 *    current->nsproxy and following it.
 *  - tasklist_lock: fork holds it with the siglock, but nobody here needs it.
 *  - The caller that attaches itself (no A6): it does not fork meanwhile.
 *  - Subsystems: their hooks are told in the steps that are modelled, and change
 *    nothing of this.
 *  - Unregistration of a subsystem, and with it rcfs_unpin_zombies(). It gives
 *    a task that has exited a pin of other containers, and has one of the old
 *    nsproxy for as long as that takes.
 *  - clone3() into a container. What the child gets is found as in an attach of
 *    its parent, with a reference that lasts until the child is visible.
 *  - Weak memory. What is written before a count goes up, or before a pointer is
 *    published, is ordered by a release or a lock in each case; the places are
 *    in Documentation/core-api/rcfs.rst.
 *
 * To see that the model can fail, each protection has a switch that takes
 * it away, as tools/check/hazards/ does in the code:
 *
 *	NO_H1		free_nsproxy_later() waits for RCU alone
 *	NO_H2		a child refers to what dup_task_struct() copied
 *	NO_H3_FOLLOW	a child keeps what copy_namespaces() saw
 *	NO_H3_WAIT	rcfs_replace_nsproxy() does not wait for a fork
 *	NO_H3_THREADS	attach_process() does not look for new threads
 *	NO_H4		a switch installs the containers that were there when the
 *			nsproxy was built
 *	NO_H4_AGAIN	rcfs_replace_nsproxy() installs what was found, even if the
 *			task has switched its namespaces since
 *	NO_H5		find_nsproxy() counts the namespaces again if it finds one
 *	NO_H6		find_nsproxy() takes one whose count is zero
 *	NO_H7		the scheduler does not expect NULL
 *	NO_H7_ATTACH	rcfs_replace_nsproxy() does not, either
 *	NO_H8		a container is freed at once
 *	NO_PIN		rcfs_pin_nsproxy() takes no count
 *	NO_PIN_FIRST	rcfs_pin_nsproxy() is called when the task has no nsproxy
 *	NO_PIN_LAST	the pin is given up when the task is reaped, even if it runs
 *	NO_ORDER	rcfs_retire_container() looks at its counts in the other order
 */

#if defined(FORK) + defined(PROCESS) + defined(SWITCH) != 1
#error "define one of FORK, PROCESS and SWITCH"
#endif

/*
 * What goes wrong. They are never set, but stand in the assertions, so that
 * these say it in words. "hidden" keeps them out of the states.
 */
hidden byte a_freed_nsproxy_is_followed;
hidden byte a_freed_container_is_followed;
hidden byte freed_states_are_used;
hidden byte null_is_followed;
hidden byte a_count_goes_up_from_zero;
hidden byte a_count_goes_below_zero;
hidden byte a_fork_meets_a_count_of_zero;
hidden byte an_attach_changes_namespaces;
hidden byte an_attach_is_lost;
hidden byte an_attach_misses_a_thread;
hidden byte a_child_is_in_a_third_place;
hidden byte a_container_goes_under_a_task;
hidden byte a_container_without_tasks_is_busy;
hidden byte a_namespace_goes_under_a_task;
hidden byte a_reference_is_left;
hidden byte an_active_count_is_left;
hidden byte a_charge_is_lost;
hidden byte the_model_is_too_small;

/* Whose bit is in masks of readers, and which index a task has */
#define PARENT		0
#define CHILD		1
#define ATTACHER	2
#define REMOVER		3
#define SCHEDULER	4
#define JANITOR		5
#define NR_TASKS	2
#define BIT(i)		(1 << (i))

/* ---- struct nsproxy; 0 is NULL */

#define INIT	1		/* init_nsproxy */
#define OWN_A	2		/* what the containers own */
#define OWN_B	3
#define FIRST	4		/* all others, as they are allocated */
#ifdef SWITCH
#define NR_NS	9
#else
#define NR_NS	8
#endif

/* Where the memory is: in use, waiting for a grace period, or gone */
mtype = { LIVE, WAITS_RCU_TASKS, WAITS_RCU, FREED };

byte count[NR_NS];
byte cont[NR_NS];		/* rcfs_container */
byte set[NR_NS];		/* the namespaces */
bool hashed[NR_NS];
bool replaced[NR_NS];
byte pins[NR_NS];		/* rcfs_pins */
mtype mem[NR_NS];
byte wait[NR_NS];		/* readers that have to be done first */
byte next = FIRST;

/* ---- struct rcfs_container, and its Container; 0 is the root, which stays */

#define ROOT	0
#define A	1
#define B	2
#define NR_CONT	3
#define OWN(c)	((c) + 1)

/*
 * In use; retired, and needed by tasks that have exited; Deferred waits; waits for
 * those who still refer to it; states destroyed, kfree_rcu() waits; gone
 */
mtype = { USED, RETIRED, DEFERRED, DROPPED, DESTROYED, GONE };

byte nr_nsproxies[NR_CONT];
byte nr_pins[NR_CONT];
byte refs[NR_CONT];		/* of the Arc */
mtype stage[NR_CONT];
byte cwait[NR_CONT];

#define STATES_THERE(c)	(stage[c] == USED || stage[c] == RETIRED || \
			 stage[c] == DEFERRED || stage[c] == DROPPED)

/* ---- namespaces: all of one nsproxy are a set */

#define INITIAL	0		/* those of init_nsproxy */
#define OTHER	1		/* those that the parent may begin with */
#define NEW	2		/* those that clone(2) or unshare(2) makes */
#define NR_SETS	3

byte nsref[NR_SETS];		/* references, which keep the memory */
byte ns_active[NR_SETS];		/* nsproxies in use: see nsproxy_ns_active_get() */

/* ---- tasks */

byte tsk_nsproxy[NR_TASKS];
byte tsk_pin[NR_TASKS];		/* rcfs_pin */
bool runs[NR_TASKS];		/* it has not left the CPU for the last time */
bool in_list[NR_TASKS];		/* others can find the task */
bool task_lock[NR_TASKS];
bool siglock;			/* of the parent; of the child if that is its thread */
bool registry;			/* the mutex of rcfs */

byte rcu;			/* who is in a read-side critical section */
byte following;			/* who runs between a load of current->nsproxy and its use */
byte running;			/* processes that Janitor waits for */

/* ---- what should be: for the assertions alone */

byte place[NR_TASKS];		/* where the task was last put */
byte before[NR_TASKS];		/* and where it was before */
bool moving[NR_TASKS];		/* an attach that has put it there has not returned */
byte has_set[NR_TASKS];		/* the namespaces that it chose for itself */

hidden byte i;			/* for loops within one step */

inline lock(l)
{
	atomic { !l -> l = true }
}

inline unlock(l)
{
	l = false
}

/* ---- memory and grace periods */

inline follow_nsproxy(n)
{
	assert(n != 0 || null_is_followed);
	assert(mem[n] != FREED || a_freed_nsproxy_is_followed)
}

inline follow_container(c)
{
	assert(stage[c] != GONE || a_freed_container_is_followed)
}

/*
 * free_nsproxy_later(). A grace period has to wait for those who are reading now.
 * Within one step, as all up to settle().
 */
inline free_nsproxy(n)
{
#ifdef NO_H1
	mem[n] = WAITS_RCU;
	wait[n] = rcu;
#else
	if
	:: replaced[n] -> mem[n] = WAITS_RCU_TASKS; wait[n] = following
	:: else -> mem[n] = WAITS_RCU; wait[n] = rcu
	fi;
#endif
}

/* rcfs_unpin_container(), with queue_rcu_work() */
inline unpin_container(c)
{
	if
#ifdef NO_H8
	:: nr_pins[c] == 1 && stage[c] == RETIRED -> stage[c] = DEFERRED; cwait[c] = 0
#else
	:: nr_pins[c] == 1 && stage[c] == RETIRED -> stage[c] = DEFERRED; cwait[c] = rcu
#endif
	:: else
	fi;
	nr_pins[c]--;
	/* Below zero is more than zero, and found by Janitor. */
	assert(nr_pins[c] > 0 || stage[c] == DEFERRED || a_container_goes_under_a_task)
}

/* unpin_nsproxy(). Within one step: nobody looks at a count of pins before the last. */
inline unpin_nsproxy(n)
{
	assert(pins[n] > 0 || a_count_goes_below_zero);
	pins[n]--;
	if
	:: pins[n] == 0 && (n == OWN_A || n == OWN_B) -> unpin_container(n - 1)
	:: pins[n] == 0 && n != OWN_A && n != OWN_B ->
		if
		:: cont[n] != ROOT -> unpin_container(cont[n])
		:: else
		fi;
		free_nsproxy(n)
	:: else
	fi
}

/* nsproxy_ns_active_put() and what nsproxy_free() does for the namespaces */
inline put_namespaces(n)
{
	assert(ns_active[set[n]] > 0 || a_count_goes_below_zero);
	assert(nsref[set[n]] > 0 || a_count_goes_below_zero);
	ns_active[set[n]]--;
	nsref[set[n]]--
}

inline free_active(n)
{
	put_namespaces(n);
	unpin_nsproxy(n)
}

/* The last reference on a Container goes: rcfs_free_container() */
inline put_container(c)
{
	assert(refs[c] > 0 || a_count_goes_below_zero);
	refs[c]--;
	if
	:: refs[c] == 0 ->
		put_namespaces(OWN(c));
		free_nsproxy(OWN(c));
		stage[c] = DESTROYED;
		cwait[c] = rcu
	:: else
	fi
}

/* Whatever waits for nobody any more goes on. */
inline settle()
{
	i = A;
	do
	:: i < NR_CONT ->
		if
		:: stage[i] == DEFERRED && cwait[i] == 0 ->
			stage[i] = DROPPED;
			put_container(i)
		:: else
		fi;
		if
		:: stage[i] == DESTROYED && cwait[i] == 0 -> stage[i] = GONE
		:: else
		fi;
		i++
	:: else -> break
	od;
	i = OWN_A;
	do
	:: i < next ->
		if
		:: mem[i] == WAITS_RCU_TASKS && wait[i] == 0 ->
			mem[i] = WAITS_RCU;
			wait[i] = rcu
		:: else
		fi;
		if
		:: mem[i] == WAITS_RCU && wait[i] == 0 ->
			/* What is in freed memory is no part of the state. */
			mem[i] = FREED;
			count[i] = 0; pins[i] = 0; cont[i] = 0; set[i] = 0; replaced[i] = false
		:: else
		fi;
		i++
	:: else -> break
	od;
	i = 0
}

inline rcu_read_lock(me)
{
	rcu = rcu | BIT(me)
}

inline rcu_read_unlock(me)
{
	d_step {
		rcu = rcu & ~BIT(me);
		i = A;
		do
		:: i < NR_CONT -> cwait[i] = cwait[i] & ~BIT(me); i++
		:: else -> break
		od;
		i = OWN_A;
		do
		:: i < next ->
			if
			:: mem[i] == WAITS_RCU -> wait[i] = wait[i] & ~BIT(me)
			:: else
			fi;
			i++
		:: else -> break
		od;
		settle()
	}
}

/* A voluntary sleep, or as good: not between load and use of current->nsproxy */
inline quiescent_state_of_rcu_tasks(me)
{
	d_step {
		following = following & ~BIT(me);
		i = OWN_A;
		do
		:: i < next ->
			if
			:: mem[i] == WAITS_RCU_TASKS -> wait[i] = wait[i] & ~BIT(me)
			:: else
			fi;
			i++
		:: else -> break
		od;
		settle()
	}
}

/* ---- references */

inline get_nsproxy(n)
{
	follow_nsproxy(n);
	assert(count[n] > 0 || a_count_goes_up_from_zero);
	count[n]++
}

/*
 * nsproxy_begin_put(), with rcfs_leave_containers(). Makes n 0 if that was not
 * the last reference. What is looked at after a count has dropped is for
 * rcfs_notify_empty(): the memory has to be there. Uses left and c.
 */
inline begin_put(me, n)
{
	atomic {
		rcu_read_lock(me);
		follow_nsproxy(n);
		assert(count[n] > 0 || a_count_goes_below_zero);
		count[n]--;
		left = count[n];
		if
		:: left == 0 -> rcu_read_unlock(me)
		:: left == 1 && (n == OWN_A || n == OWN_B)	/* rcfs_owner */
		:: else -> left = 2; n = 0; rcu_read_unlock(me)
		fi
	};
	if
	:: left == 2
	:: left == 1 -> atomic { follow_container(n - 1); n = 0; rcu_read_unlock(me) }
	:: left == 0 ->
		atomic {
			/* The last one on what a container owns is its own. */
			assert(n >= FIRST || a_count_goes_below_zero);
			hashed[n] = false
		};
		atomic {
			rcu_read_lock(me);
			c = cont[n];
			if
			:: c != ROOT ->
				follow_container(c);
				assert(nr_nsproxies[c] > 1 || a_count_goes_below_zero);
				nr_nsproxies[c]--
			:: else
			fi
		};
		atomic {
			if
			:: c != ROOT -> follow_container(c)
			:: else
			fi;
			rcu_read_unlock(me);
			c = 0
		}
	fi;
	left = 0
}

/* nsproxy_finish_put(), with what nsproxy_begin_put() left to do, if anything */
inline finish_put(n)
{
	if
	:: n != 0 -> d_step { free_active(n); settle(); n = 0 }
	:: n == 0
	fi
}

/* ---- what a task does */

/* current->nsproxy->mnt_ns and the like: no lock, and preempted in between */
inline follow_current(me)
{
	atomic { ptr = tsk_nsproxy[me]; following = following | BIT(me) };
	atomic {
		follow_nsproxy(ptr);
		assert(set[ptr] == has_set[me] || an_attach_changes_namespaces);
		assert((nsref[set[ptr]] > 0 && ns_active[set[ptr]] > 0) ||
		       a_namespace_goes_under_a_task);
		ptr = 0;
		quiescent_state_of_rcu_tasks(me)
	}
}

/* rcfs_follow_containers(): new is this task's alone, from is kept by the caller */
inline follow_containers(new, from)
{
	atomic {
		follow_nsproxy(from);
		if
		:: cont[from] != cont[new] ->
			follow_container(cont[from]);
			if
			:: cont[from] != ROOT ->
				nr_nsproxies[cont[from]]++;
				nr_pins[cont[from]]++
			:: else
			fi;
			if
			:: cont[new] != ROOT ->
				nr_nsproxies[cont[new]]--;
				unpin_container(cont[new])
			:: else
			fi;
			cont[new] = cont[from]
		:: else
		fi
	}
}

/*
 * create_new_namespaces(): the namespaces s, and no container. It may sleep
 * before and after it reads what the task has.
 */
inline create_new_namespaces(me, s, new)
{
	follow_current(me);
	d_step {
		assert(next < NR_NS || the_model_is_too_small);
		new = next;
		next++;
		count[new] = 1;
		pins[new] = 1;
		set[new] = s;
		nsref[s]++
	}
#ifdef NO_H4
	;
	/* No harm comes from anything but the moment: hence the lock. */
	atomic { !task_lock[me] -> follow_containers(new, tsk_nsproxy[me]) }
#endif
}

/* The task has been given an nsproxy: is it right? */
inline check_task(t)
{
	assert(cont[tsk_nsproxy[t]] == ROOT || stage[cont[tsk_nsproxy[t]]] == USED ||
	       a_container_goes_under_a_task);
	assert(cont[tsk_nsproxy[t]] == place[t] || an_attach_is_lost)
}

/* switch_task_namespaces(), for unshare(2), setns(2) and exec(2) */
inline switch_task_namespaces(me, new)
{
	ns_active[set[new]]++;		/* nsproxy_ns_active_get() */
	lock(task_lock[me]);
	ptr = tsk_nsproxy[me];		/* It cannot change now. */
#ifndef NO_H4
	follow_containers(new, ptr);
#endif
	d_step {
		tsk_nsproxy[me] = new;
		has_set[me] = set[new];
		check_task(me);
		new = 0
	};
	begin_put(me, ptr);
	unlock(task_lock[me]);
	finish_put(ptr)
}

/* rcfs_pin_nsproxy(), with the task_lock */
inline pin_nsproxy(me, n)
{
	if
	:: cont[n] != ROOT ->
#ifndef NO_PIN
		pins[n]++;
#endif
		tsk_pin[me] = n
	:: cont[n] == ROOT
	fi
}

/*
 * exit_nsproxy_namespaces(), which is the same with NULL. The task runs on, and can
 * be reaped. When it has been, and has left the CPU, it gives up its pin. That is
 * a grace period later in the code, of which nothing here depends.
 */
inline exit_task(me)
{
	lock(task_lock[me]);
	ptr = tsk_nsproxy[me];
#ifndef NO_PIN_FIRST
	pin_nsproxy(me, ptr);
#endif
	tsk_nsproxy[me] = 0;
#ifdef NO_PIN_FIRST
	pin_nsproxy(me, ptr);
#endif
	begin_put(me, ptr);
	unlock(task_lock[me]);
	finish_put(ptr);
#ifndef NO_PIN_LAST
	runs[me] = false;
#endif
	d_step {
		ptr = tsk_pin[me];
		tsk_pin[me] = 0;
#ifndef NO_PIN
		if
		:: ptr != 0 -> unpin_nsproxy(ptr); settle()
		:: else
		fi;
#endif
		ptr = 0
	};
	runs[me] = false;
	running--
}

/*
 * rcfs_fork_visible(), and the child enters the lists. With the siglock. The
 * child begins with child_ns, or shares if that is 0. The code takes a reference
 * without looking whether the count is zero. It is not, as the assertion shows:
 * whoever takes the nsproxy away keeps a reference until it has got the siglock, in
 * A6. Without A6 it may be, and the model passes over that.
 */
inline fork_visible(me, child)
{
	do
	:: atomic { rcu_read_lock(me); ptr = tsk_nsproxy[me] };
	   atomic {
		follow_nsproxy(ptr);
#ifndef NO_H3_WAIT
		assert(count[ptr] > 0 || a_fork_meets_a_count_of_zero);
#endif
		if
		:: count[ptr] > 0 -> count[ptr]++; rcu_read_unlock(me); break
#ifdef NO_H3_WAIT
		:: else -> rcu_read_unlock(me)
#endif
		fi
	   }
	od;
	if
	:: child_ns == 0 -> atomic { child_ns = ptr; ptr = 0 }
#ifndef PROCESS
	:: child_ns != 0 ->
#ifdef NO_H3_FOLLOW
		if
		:: count[child_ns] > 1
		:: else -> follow_containers(child_ns, ptr)
		fi;
#else
		follow_containers(child_ns, ptr);
#endif
		begin_put(me, ptr)
#endif
	fi;
	d_step {
		tsk_nsproxy[child] = child_ns;
		in_list[child] = true;
		runs[child] = true;
		has_set[child] = set[child_ns];
		/*
		 * Where the parent is, or where it was until a moment ago: as if
		 * forked earlier, if who attaches the parent can still find the
		 * child afterwards.
		 */
		place[child] = cont[child_ns];
		assert(place[child] == place[me] || (moving[me] && place[child] == before[me]) ||
		       a_child_is_in_a_third_place);
		check_task(child);
		child_ns = 0
	}
}

/* copy_process(), of a child that shares all namespaces, or has new ones */
inline fork(me, child)
{
#ifdef NO_H2
	copy = tsk_nsproxy[me];		/* dup_task_struct() */
#endif
	follow_current(me);
	if
	:: true ->
		/* share_nsproxy() */
#ifdef NO_H2
		get_nsproxy(copy);
		begin_put(me, copy);
		finish_put(copy);
#endif
#ifdef NO_H3_FOLLOW
		atomic { !task_lock[me] -> child_ns = tsk_nsproxy[me]; get_nsproxy(child_ns) };
#else
		child_ns = 0;
#endif
		forks = true
#ifdef FORK
	:: true ->
		create_new_namespaces(me, NEW, child_ns);
		ns_active[NEW]++;
		if
		:: forks = true
		:: true ->
			/* It fails: exit_nsproxy_namespaces(), of the child */
			begin_put(me, child_ns);
			finish_put(child_ns)
		fi
#endif
	fi;
	if
	:: forks ->
		follow_current(me);	/* child_pid_ns() */
		lock(siglock);
		fork_visible(me, child);
		unlock(siglock)
#ifdef FORK
		;
		finish_put(ptr)
	:: !forks -> running--		/* There will be no child. */
#endif
	fi
}

/* unshare(2), setns(2), or an unshare(2) that fails after it has made them */
inline unshare(me)
{
	follow_current(me);
	if
	:: create_new_namespaces(me, NEW, new); switch_task_namespaces(me, new)
	:: create_new_namespaces(me, INITIAL, new); switch_task_namespaces(me, new)
	:: create_new_namespaces(me, NEW, new);
	   /* nsproxy_free(): they never were in use */
	   d_step {
#ifdef NO_H4
		if
		:: cont[new] != ROOT -> nr_nsproxies[cont[new]]--
		:: else
		fi;
#endif
		nsref[NEW]--;
		unpin_nsproxy(new);
		settle();
		new = 0
	   }
	fi;
	follow_current(me)
}

proctype Parent()
{
	byte ptr, left, c;
#ifdef SWITCH
	byte new;

	unshare(PARENT);
#else
	byte child_ns;
	bool forks;
#ifdef NO_H2
	byte copy;
#endif

	fork(PARENT, CHILD);
	follow_current(PARENT);
#endif
	exit_task(PARENT)
}

#ifndef SWITCH
proctype Child()
{
	byte ptr, left, c;

end_unborn:
	in_list[CHILD];
	follow_current(CHILD);
	exit_task(CHILD)
}
#endif

/* ---- attaching */

/*
 * find_nsproxy(): a reference on an nsproxy with the namespaces of base and the
 * container where, or 0 if where has been retired. One that could be found need
 * not be: there may have been no memory to put it into the table. The count of
 * where rises for a moment before it does so for the new one. That is one step
 * here: who lowers it meanwhile sees a count of 2 or more in any case.
 */
inline find_nsproxy(me, base, where, found)
{
	atomic {
		rcu_read_lock(me);
		follow_nsproxy(base);
		found = 0;
		c = INIT;
		do
		:: c < next && hashed[c] && set[c] == set[base] && cont[c] == where ->
			found = c;
			break
		:: c < next -> c++
		:: c == next -> break
		od;
		c = 0
	};
	atomic {
		if
		:: found != 0 ->
			follow_nsproxy(found);
#ifdef NO_H6
			get_nsproxy(found)
#else
			if
			:: count[found] > 0 -> count[found]++
			:: else -> found = 0
			fi
#endif
		:: else
		fi;
		rcu_read_unlock(me)
	};
	if
	:: found != 0 ->
#ifdef NO_H5
		ns_active[set[found]]++;
#endif
		/* Whoever counts as in use is there. */
		assert(ns_active[set[found]] <= nsref[set[found]] || an_active_count_is_left)
	:: found == 0 ->
		d_step {
			if
			:: where == ROOT || nr_nsproxies[where] > 0 ->
				follow_nsproxy(base);
				assert(next < NR_NS || the_model_is_too_small);
				found = next;
				next++;
				count[found] = 1;
				pins[found] = 1;
				set[found] = set[base];
				cont[found] = where;
				nsref[set[base]]++;
				ns_active[set[base]]++;
				if
				:: where != ROOT ->
					follow_container(where);
					nr_nsproxies[where]++;
					nr_pins[where]++
				:: else
				fi
			:: else
			fi
		};
		if
		:: found != 0 -> hashed[found] = true
		:: found == 0
		fi
	fi
}

inline put_nsproxy(me, n)
{
	begin_put(me, n);
	finish_put(n)
}

/*
 * Members::prepare(), A1 and A2: leaves 0 in new if there is nothing to do, and
 * in old if that is because the task has exited. What is under the task_lock is
 * one step, since nobody looks at the count of old for more than zero.
 */
inline prepare(t)
{
	atomic {
		!task_lock[t] ->
		old[t] = tsk_nsproxy[t];
		if
		:: old[t] != 0 -> get_nsproxy(old[t])
		:: else
		fi
	};
	if
	:: old[t] == 0
	:: old[t] != 0 && cont[old[t]] == where -> put_nsproxy(ATTACHER, old[t])
	:: old[t] != 0 && cont[old[t]] != where ->
		find_nsproxy(ATTACHER, old[t], where, new[t]);
		/* ENODEV: not with the mutex held, and check_alive() said yes. */
		assert(new[t] != 0 || a_container_goes_under_a_task)
	fi
}

/* The references of a Migration go at its end. */
inline end_move(t)
{
	if
	:: moving[t] ->
		moving[t] = false;
		put_nsproxy(ATTACHER, new[t]);
		put_nsproxy(ATTACHER, old[t])
	:: !moving[t]
	fi
}

/* A6, for those that have come through A4 */
inline wait_for_forks()
{
	if
	:: moving[PARENT] || moving[CHILD] ->
#ifndef NO_H3_WAIT
		lock(siglock);
		unlock(siglock);
#endif
		end_move(PARENT);
		end_move(CHILD)
	:: else
	fi
}

/*
 * complete(), with rcfs_replace_nsproxy(): A4 and A5, again if the task has
 * switched its namespaces. It takes one more reference on new, for the task.
 */
inline complete(t)
{
	do
	:: new[t] == 0 -> break
	:: new[t] != 0 ->
		atomic {
			!task_lock[t] ->
			now = tsk_nsproxy[t];
#ifdef NO_H4_AGAIN
			old[t] = (now -> now : old[t]);
#endif
			if
#ifdef NO_H7_ATTACH
			:: now == 0 || now == old[t] ->
				follow_nsproxy(now);
#else
			:: now != 0 && now == old[t] ->
#endif
				get_nsproxy(new[t]);
				replaced[now] = true;
				tsk_nsproxy[t] = new[t];
				assert(set[new[t]] == has_set[t] || an_attach_changes_namespaces);
				before[t] = place[t];
				place[t] = where;
				moving[t] = true;
				check_task(t)
			:: else
			fi
		};
		if
		:: now == 0 ->			/* ESRCH */
			now = 0;
			put_nsproxy(ATTACHER, new[t]);
			put_nsproxy(ATTACHER, old[t]);
			break
		:: now != 0 && now == old[t] ->
			put_nsproxy(ATTACHER, now);
			assert(count[old[t]] > 0 || a_count_goes_below_zero);
			break
		:: now != 0 && now != old[t] ->		/* EAGAIN */
			now = 0;
			put_nsproxy(ATTACHER, new[t]);
			put_nsproxy(ATTACHER, old[t]);
			prepare(t)
		fi
	od
}

#define ELSEWHERE(t)	(tsk_nsproxy[t] != 0 && cont[tsk_nsproxy[t]] != where)

inline nobody_in(c, answer)
{
	answer = !(tsk_nsproxy[PARENT] != 0 && cont[tsk_nsproxy[PARENT]] == c) &&
		 !(tsk_nsproxy[CHILD] != 0 && cont[tsk_nsproxy[CHILD]] == c)
}

/* Container::remove(), with the mutex held: rcfs_retire_container(), Deferred */
inline remove(c, removed)
{
#ifndef NO_ORDER
	atomic {
		removed = (count[OWN(c)] == 1);
		if
		:: removed -> count[OWN(c)] = 0
		:: else
		fi
	};
#else
	atomic {
		removed = (nr_nsproxies[c] == 1);
		if
		:: removed -> nr_nsproxies[c] = 0
		:: else
		fi
	};
#endif
	if
	:: removed ->
		d_step {
#ifndef NO_ORDER
			removed = (nr_nsproxies[c] == 1);
#else
			removed = (count[OWN(c)] == 1);
#endif
			if
			:: removed ->
				nr_nsproxies[c] = 0;
				count[OWN(c)] = 0;
				nobody_in(c, removed);
				assert(removed || a_container_goes_under_a_task);
				hashed[OWN(c)] = false;
				/* rcfs_abandon_container() */
				stage[c] = RETIRED;
				unpin_nsproxy(OWN(c));
				settle()
			:: else ->
#ifndef NO_ORDER
				count[OWN(c)] = 1
#else
				nr_nsproxies[c] = 1
#endif
			fi
		}
	:: !removed
	fi
}

proctype Attacher()
{
	byte old[NR_TASKS], new[NR_TASKS];
	byte now, where, left, c;
	bool ok;

	where = B;
	do
	:: true ->
		lock(registry);
		/* Container::check_alive() */
		if
		:: stage[where] == USED ->
			prepare(PARENT);
#ifdef PROCESS
			/* Those that are in the list now are asked, and move together. */
			if
			:: in_list[CHILD] -> prepare(CHILD)
			:: !in_list[CHILD]
			fi;
#endif
			complete(PARENT);
#ifdef PROCESS
			/* Once for all that have moved by now */
			complete(CHILD);
#endif
			wait_for_forks();
#ifdef PROCESS
#ifndef NO_H3_THREADS
			/* Members::find_thread_outside(): the child is the last in the list. */
			do
			:: in_list[CHILD] && ELSEWHERE(CHILD) ->
				prepare(CHILD);
				complete(CHILD);
				wait_for_forks()
			:: !(in_list[CHILD] && ELSEWHERE(CHILD)) -> break
			od;
#endif
			assert(!ELSEWHERE(CHILD) || an_attach_misses_a_thread);
#endif
			assert(!ELSEWHERE(PARENT) || an_attach_is_lost);

			/*
			 * Whom it has moved is no reason for EBUSY any more. A child
			 * that it has not moved still is while it gives up its
			 * nsproxy, under its task_lock.
			 */
			atomic {
				nobody_in(A, ok);
				ok = ok && where == B && stage[A] == USED && !task_lock[CHILD]
			};
			if
			:: true -> ok = false
			:: ok ->
				remove(A, ok);
				assert(ok || a_container_without_tasks_is_busy);
				ok = false
			fi
		:: stage[where] != USED	/* ENODEV */
		fi;
		unlock(registry);
		if
		:: where != ROOT -> d_step { put_container(where); settle() }
		:: where == ROOT
		fi;
#ifdef SWITCH
		if
		:: where == B -> where = A
		:: where == B -> where = ROOT; d_step { put_container(A); settle() }
		:: where != B -> break
		fi
#else
		break
#endif
	od;
	running--
}

proctype Remover()
{
	bool ok;

end:
	do
	:: true ->
		lock(registry);
		if
		:: stage[A] == USED -> remove(A, ok)
		:: stage[B] == USED -> remove(B, ok)
		:: stage[A] != USED || stage[B] != USED	/* ENODEV */
		fi;
		ok = false;
		unlock(registry)
	od
}

/* ---- readers */

/*
 * __rcfs_charge(), with last_nsproxy(): of a task that runs, on another CPU, under
 * RCU. A task that nobody has moved meanwhile is charged where it is or was.
 */
proctype Scheduler()
{
	byte ptr, c, who;
	bool exited;

end:
	do
	:: true ->
		if
		:: atomic {
			runs[PARENT] ->
			rcu_read_lock(SCHEDULER);
			ptr = tsk_nsproxy[PARENT]
		   }
#ifndef SWITCH
		:: atomic {
			runs[CHILD] ->
			rcu_read_lock(SCHEDULER);
			who = CHILD;
			ptr = tsk_nsproxy[CHILD]
		   }
#endif
		fi;
#ifndef NO_H7
		if
		:: ptr == 0 ->
			atomic {
				/* It is still on the CPU if this is in time. */
				if
				:: runs[who] ->
					exited = true;
					ptr = tsk_pin[who];
					assert(ptr != 0 || place[who] == ROOT || a_charge_is_lost)
				:: else
				fi
			}
		:: ptr != 0
		fi;
		if
		:: ptr == 0 -> rcu_read_unlock(SCHEDULER)
		:: ptr != 0 ->
#else
		if
		:: true ->
#endif
			atomic {
				follow_nsproxy(ptr);
				c = cont[ptr];
				assert(!exited || c == place[who] || a_charge_is_lost);
				ptr = 0
			};
			atomic {
				assert(c == ROOT || STATES_THERE(c) || freed_states_are_used);
				c = 0;
				rcu_read_unlock(SCHEDULER)
			}
		fi;
		d_step { who = PARENT; exited = false }
	od
}

/* ---- the beginning, and the end */

inline add_nsproxy(n, s, where, users)
{
	count[n] = users;
	pins[n] = 1;
	set[n] = s;
	cont[n] = where;
	nsref[s]++;
	ns_active[s]++;
	hashed[n] = true;
	if
	:: where != ROOT -> nr_nsproxies[where]++; nr_pins[where]++
	:: else
	fi
}

/* When no task is left, there is no reason not to remove a container. */
proctype Janitor()
{
	bool ok;

	running == 0;
	lock(registry);
	if
	:: stage[A] == USED ->
		remove(A, ok);
		assert(ok || a_container_without_tasks_is_busy)
	:: stage[A] != USED
	fi;
	if
	:: stage[B] == USED ->
		remove(B, ok);
		assert(ok || a_container_without_tasks_is_busy)
	:: stage[B] != USED
	fi;
	/* And when nobody reads any more, nothing is left but what init has. */
	d_step {
		rcu == 0 ->
		i = OWN_A;
		do
		:: i < next -> assert(mem[i] == FREED || a_reference_is_left); i++
		:: else -> break
		od;
		assert((stage[A] == GONE && stage[B] == GONE) || a_reference_is_left);
		assert((nr_nsproxies[A] == 0 && nr_nsproxies[B] == 0) || a_reference_is_left);
		assert((nr_pins[A] == 0 && nr_pins[B] == 0) || a_reference_is_left);
		assert((count[INIT] == 1 && nsref[INITIAL] == 1) || a_reference_is_left);
		assert((nsref[OTHER] == 0 && nsref[NEW] == 0) || a_reference_is_left);
		assert((ns_active[INITIAL] == 1 && ns_active[OTHER] == 0 && ns_active[NEW] == 0) ||
		       an_active_count_is_left)
	};
	unlock(registry)
}

init
{
	atomic {
		add_nsproxy(INIT, INITIAL, ROOT, 1);
		add_nsproxy(OWN_A, INITIAL, A, 1);
		add_nsproxy(OWN_B, INITIAL, B, 1);
		refs[A] = 1;
		refs[B] = 2;		/* Attacher has opened a file there. */
		i = INIT;
		do
		:: i < NR_NS -> mem[i] = LIVE; i++
		:: else -> break
		od;
		i = ROOT;
		do
		:: i < NR_CONT -> stage[i] = USED; i++
		:: else -> break
		od;
		i = 0;
		if
		:: true ->
			tsk_nsproxy[PARENT] = OWN_A;
			count[OWN_A] = 2;
			has_set[PARENT] = INITIAL
		:: true ->
			tsk_nsproxy[PARENT] = FIRST;
			add_nsproxy(FIRST, OTHER, A, 1);
			next++;
			has_set[PARENT] = OTHER
		fi;
		place[PARENT] = A;
		in_list[PARENT] = true;
		runs[PARENT] = true;
		running = 2;
		run Parent();
#ifdef SWITCH
		refs[A] = 2;
#else
		running++;
		run Child();
#endif
		run Attacher();
		run Remover();
		run Scheduler();
		run Janitor()
	}
}
