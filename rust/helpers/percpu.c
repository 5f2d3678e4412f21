// SPDX-License-Identifier: GPL-2.0

#include <linux/cpumask.h>
#include <linux/percpu.h>
#include <asm/local64.h>

__rust_helper local64_t __percpu *rust_helper_alloc_percpu_local64(void)
{
	return alloc_percpu(local64_t);
}

__rust_helper void rust_helper_this_cpu_local64_add(s64 n,
						    local64_t __percpu *counts)
{
	local64_add(n, get_cpu_ptr(counts));
	put_cpu_ptr(counts);
}

__rust_helper s64 rust_helper_per_cpu_local64_read(local64_t __percpu *counts,
						   int cpu)
{
	return local64_read(per_cpu_ptr(counts, cpu));
}

__rust_helper s64 rust_helper_sum_percpu_local64(local64_t __percpu *counts)
{
	s64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += local64_read(per_cpu_ptr(counts, cpu));
	return sum;
}

__rust_helper unsigned int rust_helper_next_possible_cpu(int cpu)
{
	return cpumask_next(cpu, cpu_possible_mask);
}
