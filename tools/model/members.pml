/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A model of how the tasks of a container are listed, for SPIN (https://spinroot.com):
 * a walk of rcfs_walk_next() along the lists, without a lock, against tasks that
 * change lists. tools/check/model.sh runs it. How tasks come to change their nsproxy
 * is the business of the other model, attach.pml.
 *
 * Each store and load of a list is a step. The processes are
 *
 *	Switcher	a task of the container that goes to another nsproxy of it, and
 *			back: unshare(2), setns(2), an attach in another hierarchy
 *	Mover		a task that moves to another container, back, and exits
 *	Reader		lists the container
 *
 * A third task stays where it is, in front of the others or behind them.
 *
 * What is left out, and why that proves no less:
 *
 *  - Freed memory. Tasks and nsproxies are freed a grace period after they have left
 *    the lists, and the walk is one read-side critical section.
 *  - The lists of the nsproxies that refer to a container. An nsproxy enters each once
 *    and leaves it once, so that RCU is enough for them. What is in the model is
 *    that it may enter behind the back of the reader.
 *  - Weak memory: see the barriers in rcfs_begin_switch() and rcfs_end_switch().
 *
 * To see that the model can fail, each protection has a switch that takes it away:
 *
 *	NO_END		the end of a list is not looked at: it may be that of another
 *	NO_BEGUN	whether a switch has begun meanwhile is not looked at
 *	NO_DONE		whether one was under way at the beginning is not, either
 *	NO_HAD		a task is taken for one of the container because it was met
 *			in the list of one of its nsproxies
 */

hidden byte a_task_is_missed;
hidden byte a_task_of_another_container_is_listed;

/* Tasks */
#define STAYER		0
#define SWITCHER	1
#define MOVER		2
#define NR_TASKS	3
#define BIT(i)		(1 << (i))

/* nsproxies: the container's own, another one in it, and that of another container */
#define OWN		0
#define OTHER		1
#define ELSEWHERE	2
#define NONE		3		/* of a task that has exited */
#define NR_NS		3

/* What stands at the end of a list: rcfs_list_id() */
#define END(n)		(NR_TASKS + (n))

byte first[NR_NS];
byte after[NR_TASKS];
byte nsproxy[NR_TASKS];
bool locked[NR_NS];
bool linked;			/* OTHER is in the list of the container */
byte begun, done;		/* switches_begun, switches_done */

/* How often a walk begins anew with an nsproxy */
#define RESTARTS	2

inline lock(n)
{
	atomic { !locked[n] -> locked[n] = true }
}

inline unlock(n)
{
	locked[n] = false
}

/* rcfs_add_member(): the task leads on before it is led to. */
inline add(t, n)
{
	lock(n);
	after[t] = first[n];
	first[n] = t;
	unlock(n)
}

/* rcfs_remove_member(): one store. The task still leads on. */
inline remove(t, n)
{
	lock(n);
	d_step {
		if
		:: first[n] == t -> first[n] = after[t]
		:: else ->
			p = first[n];
			do
			:: after[p] == t -> after[p] = after[t]; break
			:: else -> p = after[p]
			od;
			p = 0
		fi
	};
	unlock(n)
}

inline go(t, from, to)
{
	remove(t, from);
	nsproxy[t] = to;
	add(t, to)
}

proctype Switcher()
{
	byte p;

	linked = true;			/* rcfs_follow_containers() */
	begun++;
	go(SWITCHER, OWN, OTHER);
	done++;

	begun++;
	go(SWITCHER, OTHER, OWN);
	done++;
	linked = false			/* rcfs_leave_containers() */
}

proctype Mover()
{
	byte p;

	go(MOVER, OWN, ELSEWHERE);
	go(MOVER, ELSEWHERE, OWN);
	remove(MOVER, OWN);
	nsproxy[MOVER] = NONE
}

proctype Reader()
{
	byte was_done, was_begun, n, at, t, restarts, found;
	bool complete, again;

	was_done = done;
	was_begun = begun;
#ifdef NO_DONE
	complete = true;
#else
	complete = (was_done == was_begun);
#endif
	n = OWN;
	at = first[n];
	do
	:: at < NR_TASKS ->
		t = at;
		at = after[t];
		atomic {
			if
#ifndef NO_HAD
			/* rcfs_container_has_task() */
			:: nsproxy[t] != OWN && nsproxy[t] != OTHER
#endif
			:: else ->
				assert(nsproxy[t] == OWN || nsproxy[t] == OTHER ||
				       a_task_of_another_container_is_listed);
				found = found | BIT(t)
			fi;
			t = 0
		}
	:: at >= NR_TASKS ->
#ifdef NO_END
		again = false;
#else
		again = (at != END(n));
#endif
		if
		:: again ->
			restarts++;
			again = false;
			if
			:: restarts > RESTARTS ->
				complete = false;
				break
			:: else -> at = first[n]
			fi
		:: else ->
			if
			:: n == OWN && linked -> n = OTHER; at = first[n]
			:: else -> break
			fi
		fi
	od;
#ifndef NO_BEGUN
	complete = complete && begun == was_begun;
#endif
	assert(!complete || (found & BIT(STAYER)) || a_task_is_missed);
	assert(!complete || (found & BIT(SWITCHER)) || a_task_is_missed)
}

init
{
	atomic {
		first[OTHER] = END(OTHER);
		first[ELSEWHERE] = END(ELSEWHERE);
		if
		:: true ->
			first[OWN] = STAYER;
			after[STAYER] = SWITCHER;
			after[SWITCHER] = MOVER;
			after[MOVER] = END(OWN)
		:: true ->
			first[OWN] = MOVER;
			after[MOVER] = SWITCHER;
			after[SWITCHER] = STAYER;
			after[STAYER] = END(OWN)
		:: true ->
			first[OWN] = SWITCHER;
			after[SWITCHER] = MOVER;
			after[MOVER] = STAYER;
			after[STAYER] = END(OWN)
		fi;
		run Switcher();
		run Mover();
		run Reader()
	}
}
