// SPDX-License-Identifier: GPL-2.0
// error: no lock of a task may be taken in the context `UnderRunQueueLock`

    fn limit_nice(cx: &UnderRunQueueLock, _state: StateRef<'_, Self>, nice: i32) -> i32 {
        kernel::current!().set_nice(cx, nice);
        nice
    }
