// SPDX-License-Identifier: GPL-2.0
/*
 * Make and remove trees of containers, as deep and as wide as they can be:
 *
 *	trees depth DIR			make containers in each other below DIR until mkdir(2)
 *					fails, print how many there are below DIR and the
 *					error, and remove them
 *	trees chain DIR ROUNDS [N]	the same ROUNDS times, at most N deep, while tasks that
 *					get little CPU time write to the deepest one: one of
 *					them may hold the last reference on the whole chain
 *	trees storm DIR ROUNDS SEED	several processes make trees below DIR and remove them,
 *					each ROUNDS times and in another order each time, while
 *					others read all files and attach tasks
 *
 * The exit status is 0 if there was no failure.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "helpers.h"
#include "random.h"

/* More than the kernel allows, so that a missing limit is detected. */
#define TOO_DEEP 5000

#define WRITERS 8
#define MAKERS 4
#define CONTAINERS 70

static pid_t start(void)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		fail("fork: %s", strerror(errno));
	if (!pid)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

/* Ends tasks that run until then: one that has ended earlier has failed. */
static void end(const pid_t *pids, int count)
{
	for (int i = 0; i < count; i++) {
		if (waitpid(pids[i], NULL, WNOHANG))
			fail("a task that writes, reads or attaches has ended");
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
}

/* ---- nested containers */

/* Leaves the deepest one as the working directory. Returns how many it has made. */
static int make_chain(int most)
{
	int depth = 0;

	while (depth < most) {
		if (mkdir("d", 0755))
			break;
		if (chdir("d"))
			fail("chdir: %s", strerror(errno));
		depth++;
	}
	return depth;
}

static void remove_chain(int depth)
{
	while (depth--) {
		if (chdir(".."))
			fail("chdir: %s", strerror(errno));
		if (rmdir("d"))
			fail("rmdir at depth %d: %s", depth + 1, strerror(errno));
	}
}

static int depth(void)
{
	int made = make_chain(TOO_DEEP);
	int err = made < TOO_DEEP ? errno : 0;

	printf("%d %s\n", made, err ? strerrorname_np(err) : "OK");
	remove_chain(made);
	return 0;
}

/*
 * A write to "tasks" drops its active reference on the file before it takes the mutex of
 * rcfs, and holds a reference on the container instead. A task that is preempted in
 * between holds this reference for a long time, which is frequent with many tasks that
 * get little CPU time. kthreadd cannot be attached, so the container stays empty.
 */
static void write_in_vain(int tasks)
{
	if (nice(19) != 19)
		fail("nice: %s", strerror(errno));
	for (;;)
		if (write(tasks, "2", 1) == 1)
			fail("kthreadd was attached");
}

static int chain(int rounds, int most)
{
	while (rounds--) {
		int made = make_chain(most), err = errno;
		int tasks = open("tasks", O_WRONLY);
		pid_t pids[WRITERS];

		/* As deep as it may be, or there is nothing to see. */
		if (!made || (made < most && err != EMLINK))
			fail("mkdir at depth %d: %s", made + 1, strerror(err));
		if (tasks < 0)
			fail("open: %s", strerror(errno));
		for (int i = 0; i < WRITERS; i++) {
			pids[i] = start();
			if (!pids[i])
				write_in_vain(tasks);
		}
		remove_chain(made);
		close(tasks);
		end(pids, WRITERS);
	}
	return 0;
}

/* ---- trees of any form */

struct container {
	int parent;	/* -1: the folder of the process */
	int children;
	int depth;
	char path[200];
};

static struct container containers[CONTAINERS];
static int count;

static void remember(const char *path, int parent, int depth)
{
	struct container *made = &containers[count++];

	made->parent = parent;
	made->children = 0;
	made->depth = depth;
	snprintf(made->path, sizeof(made->path), "%s", path);
	if (parent >= 0)
		containers[parent].children++;
}

/* Deep trees grow below the last container, wide ones below a few, others below any. */
static int choose_parent(int form, unsigned long long *seed)
{
	if (!count)
		return -1;
	switch (form % 3) {
	case 0:
		return count - 1;
	case 1:
		return draw_number(seed) % (count < 3 ? count : 3);
	default:
		return draw_number(seed) % count;
	}
}

static void make_tree(int form, unsigned long long *seed)
{
	count = 0;
	for (int i = 0; i < CONTAINERS; i++) {
		int parent = choose_parent(form, seed);
		char path[200];

		snprintf(path, sizeof(path), "%s%s%x",
			 parent < 0 ? "" : containers[parent].path,
			 parent < 0 ? "" : "/", i);
		if (!mkdir(path, 0755)) {
			remember(path, parent, parent < 0 ? 1 : containers[parent].depth + 1);
			continue;
		}
		/* As deep as can be: go on elsewhere. */
		if (errno != EMLINK || parent < 0)
			fail("mkdir %s: %s", path, strerror(errno));
		form = 2;
	}
}

/* The next container to remove, of those without children, in random order */
static int choose_leaf(int order, unsigned long long *seed)
{
	int first = draw_number(seed) % count;
	int best = -1;

	for (int i = 0; i < count; i++) {
		int candidate = (first + i) % count;
		const struct container *c = &containers[candidate];

		if (c->children || !*c->path)
			continue;
		if (order % 3 == 2)
			return candidate;
		if (best < 0 || (order % 3 ? c->depth < containers[best].depth :
				 c->depth > containers[best].depth))
			best = candidate;
	}
	return best;
}

/* A task may be in the container for a short time. */
static void remove_container(const char *path)
{
	unsigned long since = now_ns();

	while (rmdir(path)) {
		if (errno != EBUSY)
			fail("rmdir %s: %s", path, strerror(errno));
		if (in_vain(since))
			fail("%s has been busy for %d s", path, LIMIT_SECONDS);
		sched_yield();
	}
}

static void remove_tree(int order, unsigned long long *seed)
{
	for (int left = count; left; left--) {
		struct container *leaf = &containers[choose_leaf(order, seed)];

		remove_container(leaf->path);
		if (leaf->parent >= 0)
			containers[leaf->parent].children--;
		*leaf->path = 0;
	}
}

static void make_and_remove(int rounds, int number, unsigned long long seed)
{
	char name[20];

	snprintf(name, sizeof(name), "maker%d", number);
	if (mkdir(name, 0755) || chdir(name))
		fail("%s: %s", name, strerror(errno));
	for (int round = 0; round < rounds; round++) {
		make_tree(round + number, &seed);
		remove_tree(round / 3 + number, &seed);
	}
	if (chdir(".."))
		fail("chdir: %s", strerror(errno));
	remove_container(name);
	exit(0);
}

/* A container in the container, or -1: all of them may have been removed. */
static int open_some_child(int dir, unsigned long long *seed)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY);
	DIR *list = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;
	char name[256] = "";
	int seen = 0;

	/* A container that has been removed cannot be read. */
	if (!list)
		return -1;
	while ((entry = readdir(list)))
		if (entry->d_type == DT_DIR && *entry->d_name != '.' &&
		    !(draw_number(seed) % ++seen))
			snprintf(name, sizeof(name), "%s", entry->d_name);
	closedir(list);
	return *name ? openat(dir, name, O_RDONLY | O_DIRECTORY) : -1;
}

/* A container somewhere below @top */
static int open_some_container(int top, unsigned long long *seed)
{
	int dir = dup(top);

	while (draw_number(seed) % 8) {
		int below = open_some_child(dir, seed);

		if (below < 0)
			break;
		close(dir);
		dir = below;
	}
	return dir;
}

static void read_all_files(unsigned long long seed)
{
	int top = open(".", O_RDONLY | O_DIRECTORY);

	for (;;) {
		int dir = open_some_container(top, &seed);
		struct dirent *entry;
		char text[4096];
		DIR *list;

		list = fdopendir(dir);
		if (!list)
			fail("fdopendir: %s", strerror(errno));
		/* The copies share the position. */
		rewinddir(list);
		while ((entry = readdir(list))) {
			int file;

			if (entry->d_type != DT_REG)
				continue;
			file = openat(dir, entry->d_name, O_RDONLY);
			if (file < 0)
				continue;
			while (read(file, text, sizeof(text)) > 0)
				;
			close(file);
		}
		closedir(list);
	}
}

/* Attach and leave again, so that a container is not busy for long. */
static void attach_itself(unsigned long long seed)
{
	int top = open(".", O_RDONLY | O_DIRECTORY);
	int home = open("tasks", O_WRONLY);

	if (top < 0 || home < 0)
		fail("tasks: %s", strerror(errno));
	for (;;) {
		int dir = open_some_container(top, &seed);
		int tasks = openat(dir, "tasks", O_WRONLY);

		if (tasks >= 0) {
			if (write(tasks, "0", 1) < 0 && errno != ENODEV)
				fail("attach: %s", strerror(errno));
			close(tasks);
			if (write(home, "0", 1) != 1)
				fail("attach to the top: %s", strerror(errno));
		}
		close(dir);
	}
}

static int storm(int rounds, unsigned long long seed)
{
	pid_t makers[MAKERS], others[4];

	for (int i = 0; i < MAKERS; i++) {
		makers[i] = start();
		if (!makers[i])
			make_and_remove(rounds, i, seed + i);
	}
	for (int i = 0; i < 4; i++) {
		others[i] = start();
		if (!others[i] && i % 2)
			attach_itself(seed + 100 + i);
		if (!others[i])
			read_all_files(seed + 100 + i);
	}
	for (int i = 0; i < MAKERS; i++)
		reap(makers[i]);
	end(others, 4);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc >= 3 && chdir(argv[2]))
		fail("%s: %s", argv[2], strerror(errno));
	if (argc == 3 && !strcmp(argv[1], "depth"))
		return depth();
	if (argc >= 4 && argc <= 5 && !strcmp(argv[1], "chain"))
		return chain(atoi(argv[3]), argc == 5 ? atoi(argv[4]) : TOO_DEEP);
	if (argc == 5 && !strcmp(argv[1], "storm"))
		return storm(atoi(argv[3]), strtoull(argv[4], NULL, 10));
	fputs("usage: trees depth DIR\n"
	      "       trees chain DIR ROUNDS [N]\n"
	      "       trees storm DIR ROUNDS SEED\n", stderr);
	return 2;
}
