// SPDX-License-Identifier: GPL-2.0
// error: mismatched types

    fn can_fork<'a>(
        cx: &UnderTasklistLock,
        state: StateRef<'a, Self>,
    ) -> Result<Charge<'a, Self>> {
        state.try_charge(cx, 1, |state| &state.counter)?.keep();
        Ok(())
    }
