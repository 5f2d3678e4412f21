// SPDX-License-Identifier: GPL-2.0

#include <linux/atomic.h>
#include <linux/cpumask.h>
#include <linux/overflow.h>
#include <linux/percpu.h>
#include <linux/percpu_counts.h>
#include <linux/smp.h>

__rust_helper atomic64_t __percpu *rust_helper_alloc_percpu_atomic64s(size_t nr)
{
	return (atomic64_t __percpu *)__alloc_percpu(size_mul(nr, sizeof(atomic64_t)),
						     __alignof__(atomic64_t));
}

__rust_helper void rust_helper_this_cpu_counts_add(const struct percpu_counts *pc,
						   unsigned int index, s64 n)
{
	/* If the caller is migrated in between, either CPU will do. */
	percpu_counts_add(pc, index, raw_smp_processor_id(), n);
}

__rust_helper void rust_helper_percpu_counts_add(const struct percpu_counts *pc,
						 unsigned int index, int cpu, s64 n)
{
	percpu_counts_add(pc, index, cpu, n);
}

__rust_helper s64 rust_helper_per_cpu_atomic64_read(atomic64_t __percpu *counts,
						    int cpu)
{
	return atomic64_read(per_cpu_ptr(counts, cpu));
}

__rust_helper s64 rust_helper_sum_percpu_atomic64(atomic64_t __percpu *counts)
{
	s64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += atomic64_read(per_cpu_ptr(counts, cpu));
	return sum;
}

__rust_helper void rust_helper_reset_percpu_atomic64(atomic64_t __percpu *counts)
{
	int cpu;

	for_each_possible_cpu(cpu)
		atomic64_set(per_cpu_ptr(counts, cpu), 0);
}

__rust_helper bool rust_helper_cpu_possible(unsigned int cpu)
{
	return cpu_possible(cpu);
}

__rust_helper unsigned int rust_helper_next_possible_cpu(int cpu)
{
	return cpumask_next(cpu, cpu_possible_mask);
}
