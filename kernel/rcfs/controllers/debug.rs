// SPDX-License-Identifier: GPL-2.0

//! Internal numbers of rcfs, for tests and for development.
//!
//! `debug.nsproxies` is the number of nsproxies that refer to a container, its own included.
//! `debug.users` is the number of references on its own nsproxy, without that of the container.
//! rmdir(2) looks at both numbers. `debug.states` is the number of states of this controller: one
//! for each container that has not been freed. `debug.self` shows the nsproxy of the reader.
//!
//! None of these files is a stable interface.

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

            // Do not count the reference that is held here.
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
