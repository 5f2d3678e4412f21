// SPDX-License-Identifier: GPL-2.0
/*
 * The interface of rcfs for subsystems
 *
 * The work is done in Rust (kernel/rcfs/ffi.rs), which cannot export symbols
 * to modules from here.
 */

#include <linux/err.h>
#include <linux/export.h>
#include <linux/rcfs.h>
#include <linux/string.h>

/**
 * rc_register_subsys - register a resource control subsystem
 * @ss: the subsystem; must stay valid until it is unregistered
 *
 * Makes the root state, which all tasks have in the subsystem until it is
 * bound to a hierarchy and they are attached to a container. The subsystem can
 * be mounted as soon as this returns, on a running system as well as at boot.
 *
 * Context: Process context, may sleep; not from a function of a subsystem.
 * Return:
 * * %0		- success; @ss->subsys_id is set
 * * %-EINVAL	- there is no create or no destroy, or create did not store a
 *		  state; or the name is missing, empty, longer than
 *		  %MAX_CONTAINER_TYPE_NAMELEN, contains a comma, a slash, white
 *		  space or control characters, or means something else as a
 *		  mount option ("all", "source", "ro" and the like)
 * * %-EEXIST	- there is a subsystem of that name
 * * %-ENOSPC	- there are %CONFIG_MAX_RC_SUBSYS subsystems
 * * %-ENOMEM	- no memory
 * * other	- what @ss->create returned
 */
int rc_register_subsys(struct rc_subsys *ss)
{
	return __rc_register_subsys(ss);
}
EXPORT_SYMBOL_GPL(rc_register_subsys);

/**
 * rc_unregister_subsys - unregister a resource control subsystem
 * @ss: a registered subsystem
 *
 * Waits until all states of containers that have been removed are destroyed,
 * then destroys the root state. None of the functions of @ss is called any
 * more once this returns 0.
 *
 * Context: Process context, may sleep; not from a function of a subsystem.
 * Return:
 * * %0		- success
 * * %-EBUSY	- the subsystem is bound to a hierarchy
 * * %-ENOENT	- the subsystem is not registered
 */
int rc_unregister_subsys(struct rc_subsys *ss)
{
	return __rc_unregister_subsys(ss);
}
EXPORT_SYMBOL_GPL(rc_unregister_subsys);

/**
 * rcfs_add_file - add a control file to the directory of a new container
 * @dir: the directory that populate was called with
 * @ss: the subsystem that populate was called with
 * @cft: the file
 *
 * The file belongs to whoever makes the container, and can be read and written
 * by its owner, and read by all, as far as @cft has the functions for it. It
 * goes with the directory.
 *
 * Context: Only from the populate function of a subsystem.
 * Return:
 * * %0		- success
 * * %-EINVAL	- the name is empty, too long, or contains a slash, or @cft is a
 *		  file of another subsystem
 * * %-EEXIST	- there is a file or a container of that name
 * * %-ENOMEM	- no memory
 */
int rcfs_add_file(struct kernfs_node *dir, struct rc_subsys *ss,
		  struct rc_cftype *cft)
{
	if (!cft->name || !cft->name[0] || strchr(cft->name, '/') ||
	    strlen(cft->name) >= RC_MAX_CFTYPE_NAME)
		return -EINVAL;
	return PTR_ERR_OR_ZERO(rcfs_create_file(dir, ss, cft));
}
EXPORT_SYMBOL_GPL(rcfs_add_file);

/**
 * rcfs_create_file - add a control file that is known to have a good name
 * @dir: as for rcfs_add_file()
 * @ss: as for rcfs_add_file()
 * @cft: the file; its name is shorter than %RC_MAX_CFTYPE_NAME, but not empty,
 *	 and without a slash
 *
 * Context: As for rcfs_add_file().
 * Return: the file, or an ERR_PTR() of what rcfs_add_file() returns.
 */
struct kernfs_node *rcfs_create_file(struct kernfs_node *dir,
				     struct rc_subsys *ss,
				     struct rc_cftype *cft)
{
	return __rcfs_create_file(dir, ss, cft);
}
EXPORT_SYMBOL_GPL(rcfs_create_file);
