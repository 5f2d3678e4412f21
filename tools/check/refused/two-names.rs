// SPDX-License-Identifier: GPL-2.0
// error: two files of the controller have the same name

    const FILES: &'static [File<Self>] = &[
        File::<Self>::new(c"test.usage", |state| state.counter.usage()),
        File::<Self>::new(c"test.usage", |state| state.counter.peak()),
    ];
