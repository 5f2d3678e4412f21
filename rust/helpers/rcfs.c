// SPDX-License-Identifier: GPL-2.0

#include <linux/rcfs.h>

#ifdef CONFIG_RCFS
__rust_helper bool
rust_helper_rcfs_container_is_root(const struct rcfs_container *cont)
{
	return rcfs_container_is_root(cont);
}

__rust_helper bool
rust_helper_rcfs_container_is_retired(const struct rcfs_container *cont)
{
	return rcfs_container_is_retired(cont);
}

__rust_helper bool
rust_helper_rcfs_container_is_empty(const struct rcfs_container *cont)
{
	return rcfs_container_is_empty(cont);
}

__rust_helper bool
rust_helper_rcfs_container_watch_empty(struct rcfs_container *cont)
{
	return rcfs_container_watch_empty(cont);
}

__rust_helper bool
rust_helper_rcfs_container_has_nsproxy(const struct rcfs_container *cont,
				       const struct nsproxy *ns)
{
	return rcfs_container_has_nsproxy(cont, ns);
}

__rust_helper bool
rust_helper_rcfs_container_has_task(const struct rcfs_container *cont,
				    const struct task_struct *tsk)
{
	return rcfs_container_has_task(cont, tsk);
}

__rust_helper bool
rust_helper_rcfs_container_lacks_task(const struct rcfs_container *cont,
				      const struct task_struct *tsk)
{
	return rcfs_container_lacks_task(cont, tsk);
}

__rust_helper void *rust_helper_rcfs_nsproxy_state(const struct nsproxy *ns,
						   const struct rc_subsys *ss)
{
	return rcfs_nsproxy_state(ns, ss);
}
#endif
