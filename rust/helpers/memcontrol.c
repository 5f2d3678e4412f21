// SPDX-License-Identifier: GPL-2.0

#include <linux/memcontrol.h>
#include <linux/page_counter.h>

#ifdef CONFIG_MEMCG_DETACHED
__rust_helper bool rust_helper_mem_cgroup_disabled(void)
{
	return mem_cgroup_disabled();
}

__rust_helper void rust_helper_mem_cgroup_put(struct mem_cgroup *memcg)
{
	mem_cgroup_put(memcg);
}

__rust_helper unsigned long rust_helper_mem_cgroup_usage(struct mem_cgroup *memcg)
{
	return page_counter_read(&memcg->memory);
}

__rust_helper unsigned long rust_helper_mem_cgroup_peak(struct mem_cgroup *memcg)
{
	return READ_ONCE(memcg->memory.watermark);
}

__rust_helper void rust_helper_mem_cgroup_reset_peak(struct mem_cgroup *memcg)
{
	page_counter_reset_watermark(&memcg->memory);
}

__rust_helper unsigned long rust_helper_mem_cgroup_max(struct mem_cgroup *memcg)
{
	return READ_ONCE(memcg->memory.max);
}

__rust_helper unsigned long rust_helper_mem_cgroup_high(struct mem_cgroup *memcg)
{
	return READ_ONCE(memcg->memory.high);
}

__rust_helper unsigned long rust_helper_mem_cgroup_swap_max(struct mem_cgroup *memcg)
{
	return READ_ONCE(memcg->swap.max);
}

__rust_helper void
rust_helper_mem_cgroup_set_swap_max(struct mem_cgroup *memcg, unsigned long max)
{
	xchg(&memcg->swap.max, max);
}

__rust_helper bool rust_helper_mem_cgroup_oom_group(struct mem_cgroup *memcg)
{
	return READ_ONCE(memcg->oom_group);
}

__rust_helper void
rust_helper_mem_cgroup_set_oom_group(struct mem_cgroup *memcg, bool oom_group)
{
	WRITE_ONCE(memcg->oom_group, oom_group);
}

__rust_helper unsigned long
rust_helper_mem_cgroup_events(struct mem_cgroup *memcg, enum memcg_memory_event event)
{
	return atomic_long_read(&memcg->memory_events[event]);
}

/* Events that a limit of the group itself has caused */
__rust_helper unsigned long
rust_helper_mem_cgroup_events_local(struct mem_cgroup *memcg,
				    enum memcg_memory_event event)
{
	return atomic_long_read(&memcg->memory_events_local[event]);
}
#endif
