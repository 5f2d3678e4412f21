// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests for the registration of subsystems from C
 */

#include <kunit/test.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/mount.h>
#include <linux/rcfs.h>
#include <linux/string.h>

/* A state must not be NULL. Nothing uses the contents of this one. */
static int unit_state;

static int unit_create(struct rc_subsys *ss, struct nsproxy *ns,
		       struct nsproxy *parent)
{
	ns->ctlr_data[ss->subsys_id] = &unit_state;
	return 0;
}

static void unit_destroy(struct rc_subsys *ss, struct nsproxy *ns)
{
	ns->ctlr_data[ss->subsys_id] = NULL;
}

static int unit_create_fails(struct rc_subsys *ss, struct nsproxy *ns,
			     struct nsproxy *parent)
{
	return -EDOM;
}

static int unit_create_stores_nothing(struct rc_subsys *ss, struct nsproxy *ns,
				      struct nsproxy *parent)
{
	return 0;
}

static struct rc_subsys unit_subsys(const char *name)
{
	return (struct rc_subsys) {
		.name = name,
		.create = unit_create,
		.destroy = unit_destroy,
	};
}

static void bad_names_are_einval(struct kunit *test)
{
	static const char * const names[] = {
		NULL, "", "a,b", "a/b", "a b", "a\tb", "a\n", " a", "all",
		"source", "ro", "sync", "123456789012345678901234567890123",
	};

	for (int i = 0; i < ARRAY_SIZE(names); i++) {
		struct rc_subsys ss = unit_subsys(names[i]);

		KUNIT_EXPECT_EQ_MSG(test, rc_register_subsys(&ss), -EINVAL,
				    "name '%s'", names[i]);
	}
}

static void longest_name_is_fine(struct kunit *test)
{
	struct rc_subsys ss = unit_subsys("12345678901234567890123456789012");

	KUNIT_ASSERT_EQ(test, strlen(ss.name), MAX_CONTAINER_TYPE_NAMELEN);
	KUNIT_ASSERT_EQ(test, rc_register_subsys(&ss), 0);
	KUNIT_EXPECT_EQ(test, rc_unregister_subsys(&ss), 0);
}

static void create_and_destroy_are_needed(struct kunit *test)
{
	struct rc_subsys ss = unit_subsys("unit");

	ss.create = NULL;
	KUNIT_EXPECT_EQ(test, rc_register_subsys(&ss), -EINVAL);
	ss.create = unit_create;
	ss.destroy = NULL;
	KUNIT_EXPECT_EQ(test, rc_register_subsys(&ss), -EINVAL);
}

static void failing_create_fails_registration(struct kunit *test)
{
	struct rc_subsys ss = unit_subsys("unit");

	ss.create = unit_create_fails;
	KUNIT_EXPECT_EQ(test, rc_register_subsys(&ss), -EDOM);
	ss.create = unit_create_stores_nothing;
	KUNIT_EXPECT_EQ(test, rc_register_subsys(&ss), -EINVAL);
	KUNIT_EXPECT_EQ(test, ss.subsys_id, -1);
	KUNIT_EXPECT_EQ(test, rc_unregister_subsys(&ss), -ENOENT);
}

static void names_are_unique(struct kunit *test)
{
	struct rc_subsys first = unit_subsys("unit"), second = unit_subsys("unit");

	KUNIT_ASSERT_EQ(test, rc_register_subsys(&first), 0);
	KUNIT_EXPECT_EQ(test, rc_register_subsys(&second), -EEXIST);
	KUNIT_EXPECT_EQ(test, rc_register_subsys(&first), -EEXIST);
	KUNIT_EXPECT_EQ(test, rc_unregister_subsys(&first), 0);
	KUNIT_EXPECT_EQ(test, rc_unregister_subsys(&first), -ENOENT);
	KUNIT_ASSERT_EQ(test, rc_register_subsys(&second), 0);
	KUNIT_EXPECT_EQ(test, rc_unregister_subsys(&second), 0);
}

/* Use up all ids: the highest id must be given out, and no other. */
static void ids_run_out(struct kunit *test)
{
	const int max = CONFIG_MAX_RC_SUBSYS;
	struct rc_subsys *ss;
	char (*names)[16];
	int n, err = 0;

	ss = kunit_kcalloc(test, max + 1, sizeof(*ss), GFP_KERNEL);
	names = kunit_kcalloc(test, max + 1, sizeof(*names), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ss);
	KUNIT_ASSERT_NOT_NULL(test, names);

	for (n = 0; n <= max; n++) {
		scnprintf(names[n], sizeof(names[n]), "unit%d", n);
		ss[n] = unit_subsys(names[n]);
		err = rc_register_subsys(&ss[n]);
		if (err)
			break;
		KUNIT_EXPECT_LT(test, ss[n].subsys_id, max);
	}
	KUNIT_EXPECT_EQ(test, err, -ENOSPC);
	if (n)
		KUNIT_EXPECT_EQ(test, ss[n - 1].subsys_id, max - 1);
	while (n--)
		KUNIT_EXPECT_EQ(test, rc_unregister_subsys(&ss[n]), 0);
}

static void bound_subsystem_is_ebusy(struct kunit *test)
{
	struct file_system_type *type = get_fs_type("rcfs");
	struct rc_subsys ss = unit_subsys("unit");
	char options[] = "unit";
	struct vfsmount *mnt;

	KUNIT_ASSERT_NOT_NULL(test, type);
	KUNIT_ASSERT_EQ(test, rc_register_subsys(&ss), 0);
	KUNIT_EXPECT_EQ(test, ss.active, 0);
	mnt = vfs_kern_mount(type, SB_KERNMOUNT, "none", options);
	if (!IS_ERR(mnt)) {
		KUNIT_EXPECT_EQ(test, ss.active, 1);
		KUNIT_EXPECT_EQ(test, rc_unregister_subsys(&ss), -EBUSY);
		kern_unmount(mnt);
		KUNIT_EXPECT_EQ(test, ss.active, 0);
	}
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(mnt), 0);
	KUNIT_EXPECT_EQ(test, rc_unregister_subsys(&ss), 0);
}

static struct kunit_case interface_cases[] = {
	KUNIT_CASE(bad_names_are_einval),
	KUNIT_CASE(longest_name_is_fine),
	KUNIT_CASE(create_and_destroy_are_needed),
	KUNIT_CASE(failing_create_fails_registration),
	KUNIT_CASE(names_are_unique),
	KUNIT_CASE(ids_run_out),
	KUNIT_CASE(bound_subsystem_is_ebusy),
	{ }
};

/* Other subsystems may have all ids already. */
static int interface_init(struct kunit *test)
{
	struct rc_subsys ss = unit_subsys("unit");
	int err = rc_register_subsys(&ss);

	if (err == -ENOSPC)
		kunit_skip(test, "there is no room for one more subsystem");
	KUNIT_ASSERT_EQ(test, err, 0);
	KUNIT_ASSERT_EQ(test, rc_unregister_subsys(&ss), 0);
	return 0;
}

static struct kunit_suite interface_suite = {
	.name = "rcfs_interface",
	.init = interface_init,
	.test_cases = interface_cases,
};

kunit_test_suite(interface_suite);

MODULE_DESCRIPTION("KUnit tests for the registration of rcfs subsystems");
MODULE_LICENSE("GPL");
