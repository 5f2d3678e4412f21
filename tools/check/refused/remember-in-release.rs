// SPDX-License-Identifier: GPL-2.0
// error: nothing may sleep in the context `UnderRcu`

    fn release(cx: &UnderRcu, state: StateRef<'_, Self>, task: &Task) {
        let _ = state.data().set(cx, task, 1);
    }
