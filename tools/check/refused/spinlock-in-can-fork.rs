// SPDX-License-Identifier: GPL-2.0
// error: no spinlock may be taken in the context `UnderTasklistLock`

    fn can_fork<'a>(
        cx: &UnderTasklistLock,
        state: StateRef<'a, Self>,
    ) -> Result<Charge<'a, Self>> {
        match state.data().get(cx, kernel::current!()) {
            Some(_) => Err(EAGAIN),
            None => Ok(Charge::nothing(state)),
        }
    }
