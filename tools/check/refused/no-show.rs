// SPDX-License-Identifier: GPL-2.0
// error: a file cannot show a value of the type `(u64, u64)`

    const FILES: &'static [File<Self>] =
        &[File::<Self>::new(c"test.usage", |state| (state.counter.usage(), 1u64))];
