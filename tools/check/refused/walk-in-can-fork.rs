// SPDX-License-Identifier: GPL-2.0
// error: mismatched types

    fn can_fork<'a>(
        cx: &UnderTasklistLock,
        state: StateRef<'a, Self>,
    ) -> Result<Charge<'a, Self>> {
        let mut tasks = 0;

        state.for_each_task(cx, |_, _| tasks += 1);
        Ok(state.try_charge(cx, tasks, |state| &state.counter)?)
    }
