// SPDX-License-Identifier: GPL-2.0
// error: nothing may sleep in the context `UnderRunQueueLock`

    fn account(cx: &UnderRunQueueLock, state: StateRef<'_, Self>, _mode: CpuMode, _ns: u64) {
        *state.mutex.lock(cx) += 1;
    }
