// SPDX-License-Identifier: GPL-2.0

//! Devices: which device nodes the tasks of a container may open or make.
//!
//! `devices.allow` and `devices.deny` take a line `TYPE MAJOR:MINOR ACCESS`. TYPE is `b` for block
//! devices or `c` for character devices. `*` in place of a number stands for all numbers. ACCESS is
//! one or more of `r` (open for reading), `w` (open for writing) and `m` (make a node). A line `a`
//! stands for all devices, and replaces all earlier lines. `devices.list` shows what is allowed, as
//! in cgroup v1. While everything is allowed but what has been denied, it is `a *:* rwm`, and does
//! not show what has been denied.
//!
//! A new container has a copy of its parent's list. All ancestors are asked as well, so that a
//! container cannot allow what an ancestor denies. To allow what the parent denies fails with
//! `EPERM`. Writing needs the capability CAP_SYS_ADMIN.
//!
//! Devices that are open stay open. The root allows all devices.

use kernel::{
    new_mutex, new_spinlock,
    prelude::*,
    rcfs::{
        self,
        prelude::*,
        trim, //
    },
    seq_file::{
        seq_print,
        SeqFile, //
    },
    sync::{
        Arc,
        SpinLock, //
    },
};

struct Devices;

const LETTERS: [(u8, char); 3] = [
    (DeviceAccess::READ, 'r'),
    (DeviceAccess::WRITE, 'w'),
    (DeviceAccess::MKNOD, 'm'),
];

/// A set of devices, and of ways to access them.
#[derive(Clone, Copy)]
struct Rule {
    block: bool,
    /// Major and minor number; `None` for all numbers.
    numbers: [Option<u32>; 2],
    access: u8,
}

impl Rule {
    /// Parses a line. `None` stands for all devices.
    fn parse(text: &[u8]) -> Result<Option<Self>> {
        let text = core::str::from_utf8(trim(text)).or(Err(EINVAL))?;
        let mut words = text.split_ascii_whitespace();
        let block = match words.next() {
            Some("a") => return Ok(None),
            Some("b") => true,
            Some("c") => false,
            _ => return Err(EINVAL),
        };
        let (Some(numbers), Some(ways), None) = (words.next(), words.next(), words.next()) else {
            return Err(EINVAL);
        };
        let number = |text: &str| match text {
            "*" => Ok(None),
            text => u32::try_from(u64::parse(text.as_bytes())?)
                .map(Some)
                .or(Err(ERANGE)),
        };
        let (major, minor) = numbers.split_once(':').ok_or(EINVAL)?;
        let mut access = 0;

        for way in ways.chars() {
            access |= LETTERS
                .iter()
                .find(|(_, letter)| *letter == way)
                .ok_or(EINVAL)?
                .0;
        }
        Ok(Some(Self {
            block,
            numbers: [number(major)?, number(minor)?],
            access,
        }))
    }

    /// Whether both rules have the same type, and `same` is true for both numbers.
    fn compare(&self, other: &Self, same: fn(Option<u32>, Option<u32>) -> bool) -> bool {
        let mut numbers = self.numbers.into_iter().zip(other.numbers);

        self.block == other.block && numbers.all(|(own, others)| same(own, others))
    }
}

/// The devices that a container allows: all but the exceptions, or only the exceptions.
struct Policy {
    allow: bool,
    exceptions: KVec<Rule>,
}

impl Policy {
    fn new(allow: bool) -> Self {
        Self {
            allow,
            exceptions: KVec::new(),
        }
    }

    fn allows(&self, wanted: &Rule) -> bool {
        let mut rules = self.exceptions.iter();

        if self.allow {
            // `wanted` is refused if it overlaps with an exception.
            let meet = |a: Option<u32>, b: Option<u32>| a.is_none() || b.is_none() || a == b;
            !rules.any(|rule| rule.access & wanted.access != 0 && rule.compare(wanted, meet))
        } else {
            // `wanted` must be covered by one exception.
            let cover = |a: Option<u32>, b| a.is_none() || a == b;
            rules.any(|rule| wanted.access & !rule.access == 0 && rule.compare(wanted, cover))
        }
    }

    /// A copy of the policy with a new rule.
    fn with(&self, allow: bool, rule: Rule) -> Result<Self> {
        let mut exceptions = KVec::with_capacity(self.exceptions.len() + 1, GFP_KERNEL)?;

        exceptions.extend_from_slice(&self.exceptions, GFP_KERNEL)?;
        let same = exceptions
            .iter_mut()
            .find(|own| own.compare(&rule, |a, b| a == b));
        match (same, allow == self.allow) {
            (Some(own), true) => own.access &= !rule.access,
            (Some(own), false) => own.access |= rule.access,
            (None, true) => {}
            (None, false) => exceptions.push(rule, GFP_KERNEL)?,
        }
        exceptions.retain(|rule| rule.access != 0);
        Ok(Self {
            allow: self.allow,
            exceptions,
        })
    }
}

#[pin_data]
struct State {
    /// A policy does not change. It is replaced by another one.
    #[pin]
    policy: SpinLock<Arc<Policy>>,
    #[pin]
    change: rcfs::Mutex<()>,
}

impl State {
    fn policy(&self) -> Arc<Policy> {
        self.policy.lock().clone()
    }
}

fn write(mut access: Access<'_, Devices>, allow: bool, text: &[u8]) -> Result {
    access.check_opener(Capability::SysAdmin)?;
    let rule = Rule::parse(text)?;
    let state = access.state();
    let above = state.parent().ok_or(EPERM)?.policy();
    let _change = state.change.lock(access.context());

    let policy = match rule {
        Some(rule) if allow && !above.allows(&rule) => return Err(EPERM),
        Some(rule) => Arc::new(state.policy().with(allow, rule)?, GFP_KERNEL)?,
        None if allow && !above.allow => return Err(EPERM),
        None if allow => above,
        None => Arc::new(Policy::new(false), GFP_KERNEL)?,
    };
    // Drop the old policy after releasing the lock.
    let old = core::mem::replace(&mut *state.policy.lock(), policy);
    drop(old);
    Ok(())
}

fn show_list(access: Access<'_, Devices>, m: &SeqFile) {
    let policy = access.policy();

    if policy.allow {
        seq_print!(m, "a *:* rwm\n");
        return;
    }
    for rule in &policy.exceptions {
        seq_print!(m, "{}", if rule.block { 'b' } else { 'c' });
        for (number, before) in rule.numbers.iter().zip([' ', ':']) {
            match number {
                Some(number) => seq_print!(m, "{before}{number}"),
                None => seq_print!(m, "{before}*"),
            }
        }
        seq_print!(m, " ");
        for (_, letter) in LETTERS.iter().filter(|(way, _)| rule.access & way != 0) {
            seq_print!(m, "{letter}");
        }
        seq_print!(m, "\n");
    }
}

#[vtable]
impl Controller for Devices {
    const NAME: &'static CStr = c"devices";
    type State = State;

    fn create(
        _cx: &mut UnderMutex,
        parent: Option<StateRef<'_, Self>>,
    ) -> impl PinInit<State, Error> {
        let policy = match parent {
            Some(above) => Ok(above.policy()),
            None => Arc::new(Policy::new(true), GFP_KERNEL),
        };

        try_pin_init!(State {
            policy <- new_spinlock!(policy?),
            change <- rcfs::Mutex::new(new_mutex!(())),
        }? Error)
    }

    fn device(_cx: &UnderRcu, state: StateRef<'_, Self>, device: DeviceAccess) -> Result {
        let wanted = Rule {
            block: device.block,
            numbers: [Some(device.major), Some(device.minor)],
            access: device.access,
        };

        let refused = |state: StateRef<'_, Self>| !state.policy.lock().allows(&wanted);

        if state.below_root().any(refused) {
            return Err(EPERM);
        }
        Ok(())
    }

    const FILES: &'static [File<Self>] = &[
        File::<Self>::write_only_text(c"devices.allow", |access, text| write(access, true, text))
            .not_in_root(),
        File::<Self>::write_only_text(c"devices.deny", |access, text| write(access, false, text))
            .not_in_root(),
        File::<Self>::seq(c"devices.list", show_list),
    ];
}

kernel::module_rcfs_controller! {
    type: Devices,
    name: "rcfs_devices",
    authors: ["The rcfs maintainers"],
    description: "Controller for rcfs that limits which devices may be used",
    license: "GPL",
}
