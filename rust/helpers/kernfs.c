// SPDX-License-Identifier: GPL-2.0

#include <linux/cred.h>

__rust_helper kuid_t rust_helper_current_fsuid(void)
{
	return current_fsuid();
}

__rust_helper kgid_t rust_helper_current_fsgid(void)
{
	return current_fsgid();
}
