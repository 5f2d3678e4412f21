// SPDX-License-Identifier: GPL-2.0
// error: readers cannot be notified in the context `UnderRunQueueLock`

    fn charge(cx: &UnderRunQueueLock, state: StateRef<'_, Self>, _cpu: PossibleCpu, _ns: u64) {
        state.event.notify(cx);
    }
