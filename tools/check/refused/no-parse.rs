// SPDX-License-Identifier: GPL-2.0
// error: a value of the type `&str` cannot be written to a file

    const FILES: &'static [File<Self>] = &[
        File::<Self>::write_only(c"test.name", |_state, _name: &str| {}),
    ];
