/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _LINUX_PERCPU_COUNTS_H
#define _LINUX_PERCPU_COUNTS_H

#include <linux/atomic.h>
#include <linux/percpu.h>

/**
 * struct percpu_counts - numbers that are cheap to add to, in a tree
 * @counts: an array of numbers for each CPU
 * @parent: to whose numbers everything is added as well, or NULL
 */
struct percpu_counts {
	atomic64_t __percpu *counts;
	const struct percpu_counts *parent;
};

/**
 * percpu_counts_add - add to a number, and to that of each ancestor
 * @pc: the numbers
 * @index: which one
 * @cpu: on which CPU
 * @n: how much
 *
 * Context: Any.
 */
static inline void percpu_counts_add(const struct percpu_counts *pc,
				     unsigned int index, int cpu, s64 n)
{
	do {
		atomic64_add(n, per_cpu_ptr(pc->counts, cpu) + index);
		pc = pc->parent;
	} while (pc);
}

#endif /* _LINUX_PERCPU_COUNTS_H */
