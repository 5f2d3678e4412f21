// SPDX-License-Identifier: GPL-2.0
// error: the name of a file has no slash

    const FILES: &'static [File<Self>] =
        &[File::<Self>::new(c"test.a/b", |state| state.counter.usage())];
