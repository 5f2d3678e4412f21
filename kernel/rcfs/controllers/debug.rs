// SPDX-License-Identifier: GPL-2.0

//! What rcfs keeps, for tests and for those who work on it.
//!
//! `debug.nsproxies` is how many nsproxies name a container, its own included, and `debug.users`
//! how many references there are on its own, apart from the container's; both are what rmdir(2)
//! looks at. `debug.states` is how many states this controller has: one for each container, as long
//! as it is not freed. `debug.self` is about the nsproxy of the reader.
//!
//! Nothing here is an interface to rely on.

use kernel::{
    error::code::*,
    prelude::*,
    rcfs::{
        Controller,
        File,
        StateRef, //
    },
    seq_file::seq_print,
};

struct Debug;

#[vtable]
impl Controller for Debug {
    const NAME: &'static CStr = c"debug";
    type State = ();

    fn create(_parent: Option<StateRef<'_, Self>>) -> impl PinInit<(), Error> {
        Ok(())
    }

    fn files() -> &'static [File<Self>] {
        static FILES: [File<Debug>; 4] = [
            File::<Debug>::seq(c"debug.nsproxies", |state, m| {
                seq_print!(m, "{}\n", state.count_nsproxies().ok_or(ENODEV)?);
                Ok(())
            })
            .not_in_root(),
            File::<Debug>::seq(c"debug.users", |state, m| {
                seq_print!(m, "{}\n", state.count_users().ok_or(ENODEV)?);
                Ok(())
            })
            .not_in_root(),
            File::<Debug>::new(c"debug.states", |state| state.count_all() as u64),
            File::<Debug>::seq(c"debug.self", |_, m| {
                let ns = kernel::current!().nsproxy().ok_or(ESRCH)?;

                // One of the references is ours.
                seq_print!(m, "references {}\n", ns.count_references() - 1);
                seq_print!(m, "shared {}\n", u8::from(ns.can_be_shared()));
                seq_print!(m, "replaced {}\n", u8::from(ns.was_replaced()));
                Ok(())
            }),
        ];

        &FILES
    }
}

kernel::module_rcfs_controller! {
    type: Debug,
    name: "rcfs_debug",
    authors: ["The rcfs maintainers"],
    description: "Controller for rcfs that shows what rcfs keeps",
    license: "GPL",
}
