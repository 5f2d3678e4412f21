// SPDX-License-Identifier: GPL-2.0
// error: cannot borrow `*cx` as

    fn online(cx: &mut UnderMutex, state: StateRef<'_, Self>) {
        state.for_each_task(cx, |_, _| *state.mutex.lock(cx) += 1);
    }
