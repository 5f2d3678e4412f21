// SPDX-License-Identifier: GPL-2.0
// error: the name of a file begins with the name of its controller and a period

    const FILES: &'static [File<Self>] =
        &[File::<Self>::new(c"test", |state| state.counter.usage())];
