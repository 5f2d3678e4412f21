// SPDX-License-Identifier: GPL-2.0
// error: the mode of a file is read, write and execute permissions, and not 0

    const FILES: &'static [File<Self>] =
        &[File::<Self>::new(c"test.usage", |state| state.counter.usage()).mode(0)];
