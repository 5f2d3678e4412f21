// SPDX-License-Identifier: GPL-2.0
// error: cannot borrow `*cx` as mutable because previous closure requires unique access

    fn online(cx: &mut UnderMutex, state: StateRef<'_, Self>) {
        state.for_each_below(cx, |below| below.for_each_task(cx, |_, _| {}));
    }
