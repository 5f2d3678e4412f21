// SPDX-License-Identifier: GPL-2.0
/*
 * Delays that widen races in rcfs, for the tests
 *
 * /sys/kernel/debug/rcfs/NAME is a number of microseconds, zero by default.
 */

#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/init.h>
#include <linux/minmax.h>
#include <linux/rcfs.h>

static const char * const names[RCFS_NR_DELAYS] = {
	[RCFS_DELAY_COPY]	= "delay_copy",
	[RCFS_DELAY_VISIBLE]	= "delay_visible",
	[RCFS_DELAY_SWITCH]	= "delay_switch",
	[RCFS_DELAY_PUT]	= "delay_put",
};

static u32 delays[RCFS_NR_DELAYS];

/**
 * rcfs_delay - wait, if that has been asked for
 * @where: what the task is about to do
 *
 * Waits without sleeping, for 2 ms at most.
 *
 * Context: Any, with any locks.
 */
void rcfs_delay(enum rcfs_delay where)
{
	u32 us = READ_ONCE(delays[where]);

	if (us)
		udelay(min(us, 2000U));
}

static int __init rcfs_delay_init(void)
{
	struct dentry *dir = debugfs_create_dir("rcfs", NULL);

	for (int i = 0; i < RCFS_NR_DELAYS; i++)
		debugfs_create_u32(names[i], 0600, dir, &delays[i]);
	return 0;
}
late_initcall(rcfs_delay_init);
