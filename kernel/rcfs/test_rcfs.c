// SPDX-License-Identifier: GPL-2.0
/*
 * Subsystems for the tests of rcfs
 *
 * This module registers "count" subsystems, test0, test1 and so on. They count what the
 * core tells them about each container, refuse requests as the parameters of the module
 * say, and warn about calls that do not conform to struct rc_subsys. Each subsystem adds
 * five files to a container:
 *
 *	testN.tasks	tasks in this container, counted by the hooks alone
 *	testN.zombies	tasks that exited here or in a descendant and have not been reaped
 *	testN.charged	CPU time of this container alone, in ns
 *	testN.note	the last text that was written to it, up to 31 bytes
 *	testN.linger	a read uses the nsproxy of the reader, as the rest of the kernel
 *			does all the time, but after a delay of "linger" us
 *
 * For tests only: see tools/testing/selftests/rcfs/.
 */

#include <linux/delay.h>
#include <linux/init.h>
#include <linux/kernfs.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/nsproxy.h>
#include <linux/pid.h>
#include <linux/rcfs.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/utsname.h>

static unsigned int count = 2;
module_param(count, uint, 0444);
MODULE_PARM_DESC(count, "how many subsystems to register; 0 for as many as there is room for");

static unsigned int refuser = UINT_MAX;
module_param(refuser, uint, 0644);
MODULE_PARM_DESC(refuser, "which one refuses; the last one by default");

static int refuse_create;
module_param(refuse_create, int, 0644);
MODULE_PARM_DESC(refuse_create, "a negative errno for create");

static int refuse_populate;
module_param(refuse_populate, int, 0644);
MODULE_PARM_DESC(refuse_populate, "a negative errno for populate, behind a file that was made");

static int refuse_attach;
module_param(refuse_attach, int, 0644);
MODULE_PARM_DESC(refuse_attach, "a negative errno for can_attach, but to the root");

static int refuse_fork;
module_param(refuse_fork, int, 0644);
MODULE_PARM_DESC(refuse_fork, "a negative errno for can_fork, but in the root");

static unsigned int linger;
module_param(linger, uint, 0644);
MODULE_PARM_DESC(linger, "how many us testN.linger, and some charges of CPU time, take");

/* One charge in this number lingers. */
#define LINGER_EVERY	4

static atomic_t states = ATOMIC_INIT(0);
static atomic_t charges = ATOMIC_INIT(0);

static int states_get(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "%d\n", atomic_read(&states));
}

static const struct kernel_param_ops states_ops = { .get = states_get };
module_param_cb(states, &states_ops, NULL, 0444);
MODULE_PARM_DESC(states, "how many states there are");

/* A task with a reference that is kept after the task has been reaped */
static struct task_struct *held;

static void release_held(void)
{
	if (held)
		put_task_struct(held);
	held = NULL;
}

static int hold_set(const char *val, const struct kernel_param *kp)
{
	pid_t pid;
	int err = kstrtoint(val, 0, &pid);

	if (err)
		return err;
	release_held();
	if (!pid)
		return 0;
	scoped_guard(rcu) {
		held = pid_task(find_vpid(pid), PIDTYPE_PID);
		if (held)
			get_task_struct(held);
	}
	return held ? 0 : -ESRCH;
}

static const struct kernel_param_ops hold_ops = { .set = hold_set };
module_param_cb(hold, &hold_ops, NULL, 0200);
MODULE_PARM_DESC(hold, "the id of a task to keep a reference on; 0 for none");

static int renice_set(const char *val, const struct kernel_param *kp)
{
	int nice, err = kstrtoint(val, 0, &nice);

	if (err)
		return err;
	if (!held)
		return -ESRCH;
	/* A task group is freed by a chain of callbacks. */
	for (int i = 0; i < 4; i++)
		rcu_barrier();
	/* Change the scheduling class and restore it, as sched_setattr(2) does. */
	sched_set_fifo(held);
	sched_set_normal(held, nice);
	return 0;
}

static const struct kernel_param_ops renice_ops = { .set = renice_set };
module_param_cb(renice, &renice_ops, NULL, 0200);
MODULE_PARM_DESC(renice, "the nice value that the task of hold is to get, after it was a real-time task");

#define ALIVE	0x5afe57a7
#define DEAD	0xdead57a7

struct test_state {
	u32 life;
	bool root;
	struct test_state *parent;
	atomic_t tasks;
	atomic_t zombies;
	atomic64_t charged;
	spinlock_t lock;	/* protects note */
	char note[32];
};

struct test_subsys {
	struct rc_subsys ss;
	struct rc_cftype files[5];
	char file_names[5][RC_MAX_CFTYPE_NAME];
	char name[16];
	unsigned int index;
};

static struct test_subsys *subsystems;

static struct test_subsys *to_test(struct rc_subsys *ss)
{
	return container_of(ss, struct test_subsys, ss);
}

static struct test_state *state_of(struct nsproxy *ns, struct rc_subsys *ss)
{
	struct test_state *state = rcfs_nsproxy_state(ns, ss);

	WARN_ON_ONCE(READ_ONCE(state->life) != ALIVE);
	return state;
}

static bool refuses(struct rc_subsys *ss)
{
	return to_test(ss)->index == min(READ_ONCE(refuser), count - 1);
}

static int test_create(struct rc_subsys *ss, struct nsproxy *ns,
		       struct nsproxy *parent)
{
	int err = READ_ONCE(refuse_create);
	struct test_state *state;

	might_sleep();
	if (err && parent && refuses(ss))
		return err;
	state = kzalloc_obj(*state);
	if (!state)
		return -ENOMEM;
	state->life = ALIVE;
	state->root = !parent;
	/* The parent outlives this state: see struct rc_subsys. */
	state->parent = parent ? state_of(parent, ss) : NULL;
	spin_lock_init(&state->lock);
	ns->ctlr_data[ss->subsys_id] = state;
	atomic_inc(&states);
	return 0;
}

static void test_destroy(struct rc_subsys *ss, struct nsproxy *ns)
{
	struct test_state *state = state_of(ns, ss);

	might_sleep();
	/* The count of the root is not complete. */
	WARN_ON_ONCE(!state->root && atomic_read(&state->tasks));
	WRITE_ONCE(state->life, DEAD);
	ns->ctlr_data[ss->subsys_id] = NULL;
	kfree(state);
	atomic_dec(&states);
}

static int test_can_attach(struct rc_subsys *ss, struct nsproxy *ns,
			   struct task_struct *tsk)
{
	int err = READ_ONCE(refuse_attach);

	might_sleep();
	return err && !state_of(ns, ss)->root && refuses(ss) ? err : 0;
}

static void test_attach(struct rc_subsys *ss, struct nsproxy *new,
			struct nsproxy *old, struct task_struct *tsk)
{
	might_sleep();
	WARN_ON_ONCE(state_of(new, ss) == state_of(old, ss));
}

static void join(struct test_state *state)
{
	WARN_ON_ONCE(READ_ONCE(state->life) != ALIVE);
	atomic_inc(&state->tasks);
}

static void leave(struct test_state *state)
{
	WARN_ON_ONCE(READ_ONCE(state->life) != ALIVE);
	WARN_ON_ONCE(atomic_dec_return(&state->tasks) < 0 && !state->root);
}

static void test_transfer(struct rc_subsys *ss, void *new, void *old,
			  struct task_struct *tsk)
{
	lockdep_assert_held(&tsk->alloc_lock);
	WARN_ON_ONCE(new == old);
	join(new);
	leave(old);
}

/* The tasklist_lock disables interrupts when it is held for writing, unless PREEMPT_RT. */
static void check_irqs_disabled(void)
{
	WARN_ON_ONCE(!IS_ENABLED(CONFIG_PREEMPT_RT) && !irqs_disabled());
}

static int test_can_fork(struct rc_subsys *ss, void *state,
			 struct task_struct *child)
{
	int err = READ_ONCE(refuse_fork);

	check_irqs_disabled();
	if (err && !((struct test_state *)state)->root && refuses(ss))
		return err;
	join(state);
	return 0;
}

static void test_cancel_fork(struct rc_subsys *ss, void *state,
			     struct task_struct *child)
{
	check_irqs_disabled();
	leave(state);
}

static void test_exit(struct rc_subsys *ss, void *state, struct task_struct *tsk)
{
	struct test_state *here = state;

	WARN_ON_ONCE(tsk != current || !tsk->nsproxy);
	leave(here);
	for (; !here->root; here = here->parent)
		atomic_inc(&here->zombies);
}

static void test_release(struct rc_subsys *ss, void *state, struct task_struct *tsk)
{
	struct test_state *here = state;

	WARN_ON_ONCE(here->root || READ_ONCE(here->life) != ALIVE);
	for (; !here->root; here = here->parent)
		WARN_ON_ONCE(atomic_dec_return(&here->zombies) < 0);
}

static void test_fork(struct rc_subsys *ss, struct task_struct *child)
{
	might_sleep();
	WARN_ON_ONCE(READ_ONCE(child->__state) != TASK_NEW);
}

static void test_charge(struct rc_subsys *ss, void *data, int cpu, u64 delta_exec)
{
	struct test_state *state = data;

	WARN_ON_ONCE(!irqs_disabled());
	/*
	 * This is long enough for another task to remove the container. It is rare enough
	 * for the task to make progress if every tick charges.
	 */
	if (linger && !state->root && !(atomic_inc_return(&charges) % LINGER_EVERY))
		mdelay(min(linger / USEC_PER_MSEC, 10U));
	WARN_ON_ONCE(READ_ONCE(state->life) != ALIVE);
	atomic64_add(delta_exec, &state->charged);
}

static int tasks_show(struct nsproxy *ns, const struct rc_cftype *cft,
		      struct seq_file *sf)
{
	seq_printf(sf, "%d\n", atomic_read(&state_of(ns, cft->ss)->tasks));
	return 0;
}

static int zombies_show(struct nsproxy *ns, const struct rc_cftype *cft,
			struct seq_file *sf)
{
	seq_printf(sf, "%d\n", atomic_read(&state_of(ns, cft->ss)->zombies));
	return 0;
}

static int charged_show(struct nsproxy *ns, const struct rc_cftype *cft,
			struct seq_file *sf)
{
	seq_printf(sf, "%lld\n", atomic64_read(&state_of(ns, cft->ss)->charged));
	return 0;
}

static int note_show(struct nsproxy *ns, const struct rc_cftype *cft,
		     struct seq_file *sf)
{
	struct test_state *state = state_of(ns, cft->ss);

	spin_lock(&state->lock);
	seq_printf(sf, "%s\n", state->note);
	spin_unlock(&state->lock);
	return 0;
}

static ssize_t note_write(struct nsproxy *ns, const struct rc_cftype *cft,
			  struct kernfs_open_file *of, char *buf, size_t nbytes)
{
	struct test_state *state = state_of(ns, cft->ss);

	if (buf[nbytes] || nbytes >= sizeof(state->note))
		return -EINVAL;
	spin_lock(&state->lock);
	strscpy(state->note, strim(buf));
	spin_unlock(&state->lock);
	return nbytes;
}

static int linger_show(struct nsproxy *ns, const struct rc_cftype *cft,
		       struct seq_file *sf)
{
	const struct nsproxy *mine = current->nsproxy;
	ktime_t end = ktime_add_us(ktime_get(), READ_ONCE(linger));

	/* The reader may be preempted, but does not sleep. Nothing else protects @mine. */
	while (ktime_before(ktime_get(), end) && !fatal_signal_pending(current))
		cpu_relax();
	seq_printf(sf, "%s\n", READ_ONCE(mine->uts_ns)->name.nodename);
	return 0;
}

static const struct rc_cftype test_files[] = {
	{ .name = "tasks", .seq_show = tasks_show },
	{ .name = "zombies", .seq_show = zombies_show },
	{ .name = "charged", .seq_show = charged_show },
	{ .name = "note", .seq_show = note_show, .write = note_write },
	{ .name = "linger", .seq_show = linger_show },
};

static int test_populate(struct rc_subsys *ss, struct nsproxy *ns,
			 struct kernfs_node *dir)
{
	struct test_subsys *test = to_test(ss);
	int err;

	state_of(ns, ss);
	for (int i = 0; i < ARRAY_SIZE(test_files); i++) {
		err = rcfs_add_file(dir, ss, &test->files[i]);
		if (err)
			return err;
		err = READ_ONCE(refuse_populate);
		if (err && refuses(ss))
			return err;
	}
	return 0;
}

static int register_one(unsigned int i)
{
	struct test_subsys *test = &subsystems[i];

	test->index = i;
	scnprintf(test->name, sizeof(test->name), "test%u", i);
	for (int f = 0; f < ARRAY_SIZE(test_files); f++) {
		test->files[f] = test_files[f];
		scnprintf(test->file_names[f], sizeof(test->file_names[f]),
			  "%s.%s", test->name, test_files[f].name);
		test->files[f].name = test->file_names[f];
	}
	test->ss = (struct rc_subsys) {
		.name		= test->name,
		.owner		= THIS_MODULE,
		.create		= test_create,
		.destroy	= test_destroy,
		.can_attach	= test_can_attach,
		.transfer	= test_transfer,
		.attach		= test_attach,
		.populate	= test_populate,
		.can_fork	= test_can_fork,
		.cancel_fork	= test_cancel_fork,
		.fork		= test_fork,
		.exit		= test_exit,
		.release	= test_release,
		.charge		= test_charge,
	};
	return rc_register_subsys(&test->ss);
}

static void unregister_first(unsigned int n)
{
	while (n--)
		WARN_ON(rc_unregister_subsys(&subsystems[n].ss));
	WARN_ON(atomic_read(&states));
	kvfree(subsystems);
}

static int __init test_rcfs_init(void)
{
	unsigned int wanted = count ?: CONFIG_MAX_RC_SUBSYS;
	unsigned int i;
	int err = 0;

	subsystems = kvzalloc_objs(*subsystems, wanted);
	if (!subsystems)
		return -ENOMEM;
	for (i = 0; i < wanted && !err; i++)
		err = register_one(i);
	if (err == -ENOSPC && !count && i > 1) {
		count = i - 1;
		err = 0;
	} else if (err) {
		unregister_first(i - 1);
	} else {
		count = wanted;
	}
	return err;
}

static void __exit test_rcfs_exit(void)
{
	unregister_first(count);
	release_held();
}

module_init(test_rcfs_init);
module_exit(test_rcfs_exit);
MODULE_DESCRIPTION("Subsystems for the tests of rcfs");
MODULE_LICENSE("GPL");
