// SPDX-License-Identifier: GPL-2.0

//! A controller that compiles. tools/check/refused.sh puts a mistake in place of the line HERE.

#![allow(unused_imports)]

use kernel::{
    new_mutex,
    percpu::PossibleCpu,
    prelude::*,
    rcfs::{
        self,
        prelude::*, //
    },
    task::Task,
};

struct Test;

#[pin_data]
struct State {
    counter: ResCounter,
    event: Event,
    #[pin]
    mutex: rcfs::Mutex<u32>,
}

#[vtable]
impl Controller for Test {
    const NAME: &'static CStr = c"test";
    type State = State;

    fn create(
        _cx: &mut UnderMutex,
        _parent: Option<StateRef<'_, Self>>,
    ) -> impl PinInit<State, Error> {
        try_pin_init!(State {
            counter: ResCounter::new(),
            event: Event::new(),
            mutex <- rcfs::Mutex::new(new_mutex!(0)),
        }? Error)
    }

    // HERE
}

kernel::module_rcfs_controller! {
    type: Test,
    data: PerTask<u32> => PerTask::new(),
    name: "test",
    authors: ["The rcfs maintainers"],
    description: "What must not compile",
    license: "GPL",
}
