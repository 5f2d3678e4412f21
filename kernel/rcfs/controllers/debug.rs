// SPDX-License-Identifier: GPL-2.0

//! What rcfs keeps, for tests and for those who work on it.
//!
//! `debug.nsproxies` is how many nsproxies name a container, its own included, and `debug.users`
//! how many references there are on its own, apart from the container's; both are what rmdir(2)
//! looks at. `debug.states` is how many states this controller has: one for each container, as long
//! as it is not freed. `debug.self` is about the nsproxy of the reader.
//!
//! Nothing here is an interface to rely on.

use kernel::{error::code::*, prelude::*, rcfs::prelude::*, seq_file::seq_print};

struct Debug;

#[vtable]
impl Controller for Debug {
    const NAME: &'static CStr = c"debug";
    type State = ();

    fn create(
        _cx: &mut UnderMutex,
        _parent: Option<StateRef<'_, Self>>,
    ) -> impl PinInit<(), Error> {
        Ok(())
    }

    const FILES: &'static [File<Self>] = &[
        File::<Self>::seq(c"debug.nsproxies", |state, m| {
            seq_print!(m, "{}\n", state.count_nsproxies().ok_or(ENODEV)?);
            Ok(())
        })
        .not_in_root(),
        File::<Self>::seq(c"debug.users", |state, m| {
            seq_print!(m, "{}\n", state.count_users().ok_or(ENODEV)?);
            Ok(())
        })
        .not_in_root(),
        File::<Self>::new(c"debug.states", |mut access| {
            access.state().count_all(access.context()) as u64
        }),
        File::<Self>::seq(c"debug.self", |mut access, m| {
            let ns = kernel::current!().nsproxy(access.context()).ok_or(ESRCH)?;

            // One of the references is ours.
            seq_print!(m, "references {}\n", ns.count_references() - 1);
            seq_print!(m, "shared {}\n", u8::from(ns.can_be_shared()));
            seq_print!(m, "replaced {}\n", u8::from(ns.was_replaced()));
            Ok(())
        }),
    ];
}

kernel::module_rcfs_controller! {
    type: Debug,
    name: "rcfs_debug",
    authors: ["The rcfs maintainers"],
    description: "Controller for rcfs that shows what rcfs keeps",
    license: "GPL",
}
