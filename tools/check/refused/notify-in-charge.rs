// SPDX-License-Identifier: GPL-2.0
// error: nobody can be notified in the context `UnderRunQueueLock`

    fn charge(cx: &UnderRunQueueLock, state: StateRef<'_, Self>, _cpu: PossibleCpu, _ns: u64) {
        state.event.notify(cx);
    }
