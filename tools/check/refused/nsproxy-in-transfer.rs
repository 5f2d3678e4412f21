// SPDX-License-Identifier: GPL-2.0
// error: nothing may sleep in the context `UnderTaskLock`

    fn transfer(
        cx: &UnderTaskLock,
        _to: StateRef<'_, Self>,
        _from: StateRef<'_, Self>,
        task: &Task,
    ) {
        let _ns = task.nsproxy(cx);
    }
