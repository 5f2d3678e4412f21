// SPDX-License-Identifier: GPL-2.0
/*
 * Print and compare the CPU time of groups. A group is either a file with a number of
 * ns, whose name has a slash, or a list of process ids, separated by commas.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAX_GROUPS 16
/* After this time, it will not happen. */
#define HANG_SECONDS 100

static const char usage[] =
	"usage: cputime of GROUP...        print each one's, in ns\n"
	"       cputime parts MS GROUP...  wait until they have used so much more\n"
	"                                  together, print each one's part in 1/1000\n"
	"       cputime rate MS GROUP...   wait so long, print the CPU time that each\n"
	"                                  has used, in 1/1000 of the time elapsed\n";

static char **groups;
static int nr_groups;

static void die(const char *what, const char *why)
{
	fprintf(stderr, "cputime: %s: %s\n", what, why);
	exit(1);
}

static long long read_clock(clockid_t clock, const char *name)
{
	struct timespec now;

	if (clock_gettime(clock, &now))
		die(name, strerror(errno));
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static long long of_file(const char *name)
{
	FILE *file = fopen(name, "re");
	long long ns;

	if (!file)
		die(name, strerror(errno));
	if (fscanf(file, "%lld", &ns) != 1)
		die(name, "has no number");
	fclose(file);
	return ns;
}

static long long of_processes(const char *ids)
{
	long long sum = 0;
	char *end;

	for (const char *at = ids; *at; at = end + (*end == ',')) {
		clockid_t clock;
		int err;

		err = clock_getcpuclockid(strtol(at, &end, 10), &clock);
		if (end == at || (*end && *end != ','))
			die(ids, "is no list of ids");
		if (err)
			die(ids, strerror(err));
		sum += read_clock(clock, ids);
	}
	return sum;
}

/* Returns the sum */
static long long read_all(long long *ns)
{
	long long sum = 0;

	for (int i = 0; i < nr_groups; i++) {
		ns[i] = strchr(groups[i], '/') ? of_file(groups[i]) : of_processes(groups[i]);
		sum += ns[i];
	}
	return sum;
}

static void print_all(const long long *ns, const long long *before, long long whole)
{
	for (int i = 0; i < nr_groups; i++)
		printf("%lld%c", ((ns[i] - before[i]) * 1000 + whole / 2) / whole,
		       i + 1 < nr_groups ? ' ' : '\n');
}

int main(int argc, char **argv)
{
	static long long before[MAX_GROUPS], after[MAX_GROUPS];
	struct timespec pause = { .tv_nsec = 10000000 };
	const char *action = argc > 1 ? argv[1] : "";
	int of = !strcmp(action, "of"), parts = !strcmp(action, "parts");
	long long amount, begin, elapsed;

	groups = argv + 3 - of;
	nr_groups = argc - 3 + of;
	if (nr_groups < 1 || nr_groups > MAX_GROUPS ||
	    !(of || parts || !strcmp(action, "rate"))) {
		fputs(usage, stderr);
		return 2;
	}
	begin = read_all(before);
	if (of) {
		for (int i = 0; i < nr_groups; i++)
			printf("%lld\n", before[i]);
		return 0;
	}
	alarm(HANG_SECONDS);
	amount = strtoll(argv[2], NULL, 10) * 1000000;
	if (parts) {
		while (read_all(after) - begin < amount)
			nanosleep(&pause, NULL);
		amount = read_all(after) - begin;
		print_all(after, before, amount);
		return 0;
	}
	begin = read_clock(CLOCK_MONOTONIC, "clock");
	read_all(before);
	do {
		nanosleep(&pause, NULL);
		elapsed = read_clock(CLOCK_MONOTONIC, "clock") - begin;
	} while (elapsed < amount);
	read_all(after);
	print_all(after, before, elapsed);
	return 0;
}
