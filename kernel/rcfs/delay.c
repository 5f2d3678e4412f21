// SPDX-License-Identifier: GPL-2.0
/*
 * Delays that widen race windows in rcfs, for tests
 *
 * /sys/kernel/debug/rcfs/NAME is a delay in microseconds, 0 by default. As long as no
 * delay has been set, the kernel is as fast as one without CONFIG_RCFS_DELAYS. Delays are
 * 2 ms at most, but for delay_copy, which sleeps longer than that.
 */

#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/init.h>
#include <linux/jump_label.h>
#include <linux/minmax.h>
#include <linux/rcfs.h>

static const char * const names[RCFS_NR_DELAYS] = {
	[RCFS_DELAY_COPY]	= "delay_copy",
	[RCFS_DELAY_VISIBLE]	= "delay_visible",
	[RCFS_DELAY_SWITCH]	= "delay_switch",
	[RCFS_DELAY_PUT]	= "delay_put",
	[RCFS_DELAY_FIND]	= "delay_find",
	[RCFS_DELAY_CPUS]	= "delay_cpus",
	[RCFS_DELAY_LIST]	= "delay_list",
	[RCFS_DELAY_WALK]	= "delay_walk",
	[RCFS_DELAY_EMPTY]	= "delay_empty",
};

static u32 delays[RCFS_NR_DELAYS];
DEFINE_STATIC_KEY_FALSE(rcfs_delays_wanted);

void __rcfs_delay(enum rcfs_delay where)
{
	u32 us = READ_ONCE(delays[where]);

	if (us > 2000 && where == RCFS_DELAY_COPY)
		fsleep(us);
	else if (us)
		udelay(min(us, 2000U));
}

static int delay_get(void *data, u64 *us)
{
	*us = READ_ONCE(*(u32 *)data);
	return 0;
}

static int delay_set(void *data, u64 us)
{
	if (us > U32_MAX)
		return -ERANGE;
	WRITE_ONCE(*(u32 *)data, us);
	/* The key is never disabled again: only tests set delays. */
	if (us)
		static_branch_enable(&rcfs_delays_wanted);
	return 0;
}

DEFINE_DEBUGFS_ATTRIBUTE(delay_fops, delay_get, delay_set, "%llu\n");

static int __init rcfs_delay_init(void)
{
	struct dentry *dir = debugfs_create_dir("rcfs", NULL);

	for (int i = 0; i < RCFS_NR_DELAYS; i++)
		debugfs_create_file_unsafe(names[i], 0600, dir, &delays[i],
					   &delay_fops);
	return 0;
}
late_initcall(rcfs_delay_init);
