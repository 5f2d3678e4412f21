// SPDX-License-Identifier: GPL-2.0
// error: nothing may sleep in the context `UnderTaskLock`

    fn exit(cx: &UnderTaskLock, state: StateRef<'_, Self>, _task: &Task) {
        *state.mutex.lock(cx) += 1;
    }
