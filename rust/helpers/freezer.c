// SPDX-License-Identifier: GPL-2.0

#include <linux/freezer.h>

#ifdef CONFIG_FREEZER
__rust_helper void rust_helper_freezer_active_inc(void)
{
	static_branch_inc(&freezer_active);
}

__rust_helper void rust_helper_freezer_active_dec(void)
{
	static_branch_dec(&freezer_active);
}

__rust_helper bool rust_helper_freezing(struct task_struct *tsk)
{
	return freezing(tsk);
}
#endif
