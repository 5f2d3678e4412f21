// SPDX-License-Identifier: GPL-2.0
/*
 * clone3(2) into a container
 *
 * With CLONE_INTO_CGROUP and the descriptor of a directory, a child begins in the
 * container of that directory. The effect is that of the parent writing the id of the
 * child to "procs" there, except that the child is never seen elsewhere, and that the
 * container of the parent is never charged. In all other hierarchies the child begins
 * in the container of its parent.
 *
 * No lock is held from here on until the child becomes visible. rcfs_fork_visible()
 * then checks that the nsproxy found here is still right.
 */

#include <linux/dcache.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kernfs.h>
#include <linux/magic.h>
#include <linux/mnt_idmapping.h>
#include <linux/mount.h>
#include <linux/nsproxy.h>
#include <linux/rcfs.h>
#include <linux/sched/task.h>

/*
 * Whether current may write to the file "procs" of a directory. The file is not
 * opened, so check here what open(2) would check, as control groups do.
 */
static int may_write_procs(const struct path *path, struct kernfs_node *dir)
{
	struct kernfs_node *procs;
	struct inode *inode;
	int err;

	if (__mnt_is_readonly(path->mnt))
		return -EROFS;
	procs = kernfs_find_and_get(dir, "procs");
	if (!procs)
		return -ENODEV;
	inode = kernfs_get_inode(path->dentry->d_sb, procs);
	kernfs_put(procs);
	if (!inode)
		return -ENOMEM;
	err = inode_permission(&nop_mnt_idmap, inode, MAY_WRITE);
	iput(inode);
	return err;
}

/* See rcfs_clone_begin(). */
int __rcfs_clone_begin(struct kernel_clone_args *args)
{
	CLASS(fd_raw, f)(args->cgroup);
	struct kernfs_node *dir;
	const struct path *path;
	struct nsproxy *ns;
	int err;

	if (fd_empty(f))
		return 0;
	path = &fd_file(f)->f_path;
	if (path->dentry->d_sb->s_magic != RCFS_SUPER_MAGIC)
		return 0;
	if (!d_is_dir(path->dentry))
		return -EBADF;
	dir = kernfs_node_from_dentry(path->dentry);
	err = may_write_procs(path, dir);
	if (err)
		return err;
	/* The descriptor keeps the hierarchy mounted during the call. */
	ns = rcfs_find_child_nsproxy(dir, &args->rcfs_hierarchy);
	if (IS_ERR(ns))
		return PTR_ERR(ns);
	/* A root has no counts. The open file keeps the hierarchy until the fork ends. */
	if (!ns->rcfs_container[args->rcfs_hierarchy])
		args->rcfs_root = get_file(fd_file(f));
	args->rcfs_ns = ns;
	args->flags &= ~CLONE_INTO_CGROUP;
	return 0;
}

/* See rcfs_clone_end(). */
bool __rcfs_clone_end(struct kernel_clone_args *args)
{
	put_nsproxy(args->rcfs_ns);
	args->rcfs_ns = NULL;
	if (args->rcfs_root)
		fput(args->rcfs_root);
	args->rcfs_root = NULL;
	if (!args->rcfs_outdated)
		return false;
	args->rcfs_outdated = false;
	args->flags |= CLONE_INTO_CGROUP;
	return true;
}
