// SPDX-License-Identifier: GPL-2.0
// error: no lock of a task may be taken in the context `UnderTaskLock`

    fn transfer(
        cx: &UnderTaskLock,
        _to: StateRef<'_, Self>,
        _from: StateRef<'_, Self>,
        task: &Task,
    ) {
        let _ns = task.nsproxy(cx);
    }
