// SPDX-License-Identifier: GPL-2.0
/*
 * The interface of rcfs for subsystems
 *
 * Built-in Rust code of a crate outside of rust/ cannot export symbols to modules. The
 * functions here do that for kernel/rcfs/ffi.rs.
 */

#include <linux/err.h>
#include <linux/export.h>
#include <linux/rcfs.h>
#include <linux/string.h>

/**
 * rc_register_subsys - register a resource control subsystem
 * @ss: the subsystem; must stay valid until it is unregistered
 *
 * Makes the root state, which is that of all tasks until the subsystem is bound to a
 * hierarchy and a task is attached to a container. The subsystem can be mounted as
 * soon as this returns.
 *
 * Context: Process context, may sleep; not from a function of a subsystem, and at boot
 *	    not before device_initcall().
 * Return:
 * * %0		- success; @ss->subsys_id is set
 * * %-EINVAL	- @ss has no create or no destroy; or create did not store a
 *		  state; or the name is missing, empty, longer than
 *		  %MAX_CONTAINER_TYPE_NAMELEN, contains other characters than
 *		  ASCII letters, digits, "_", "-" and ".", or has another meaning
 *		  as a mount option ("all", "source", "ro" and the like)
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
 * Waits until the states of all removed containers have been destroyed, and then
 * destroys the root state. No function of @ss is called after this has returned 0.
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
 * The file belongs to the user who makes the container. The owner can read and write
 * the file, and everybody else can read it, as far as @cft has functions for that,
 * unless @cft->mode says otherwise. The file is removed with the directory.
 *
 * Context: Only in the populate function of a subsystem.
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
 * rcfs_create_file - add a control file whose name has been checked
 * @dir: as for rcfs_add_file()
 * @ss: as for rcfs_add_file()
 * @cft: the file; its name is not empty, is shorter than %RC_MAX_CFTYPE_NAME, and
 *	 contains no slash
 *
 * Context: As for rcfs_add_file().
 * Return: the file, or an ERR_PTR() with an error of rcfs_add_file().
 */
struct kernfs_node *rcfs_create_file(struct kernfs_node *dir,
				     struct rc_subsys *ss,
				     struct rc_cftype *cft)
{
	return __rcfs_create_file(dir, ss, cft);
}
EXPORT_SYMBOL_GPL(rcfs_create_file);
