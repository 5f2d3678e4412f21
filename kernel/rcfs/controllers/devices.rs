// SPDX-License-Identifier: GPL-2.0

//! Devices: which device nodes may the tasks of a container open or make?
//!
//! A line that is written to `devices.allow` or `devices.deny` is `TYPE MAJOR:MINOR ACCESS`. TYPE
//! is `b` for block devices or `c` for character devices, a number may be `*` for all, and ACCESS
//! is one or more of `r`, `w` and `m`: to open the device for reading, for writing, and to make the
//! node. `a` alone is all devices, and begins anew: nothing else is remembered. `devices.list`
//! shows what is allowed, as in cgroup v1: `a *:* rwm` while everything is that has not been
//! denied.
//!
//! A container begins with what the container above allows. What a container denies is denied in
//! those below as well, whatever these say: all of them are asked. To allow what the container
//! above denies is `EPERM`. To write, one needs the capability CAP_SYS_ADMIN.
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

/// Some devices, and some ways to use them.
#[derive(Clone, Copy)]
struct Rule {
    block: bool,
    /// Major and minor; `None` for all.
    numbers: [Option<u32>; 2],
    access: u8,
}

impl Rule {
    /// `None` is all devices.
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

    /// Whether `same` is true for both numbers, of devices of the same type.
    fn compare(&self, other: &Self, same: fn(Option<u32>, Option<u32>) -> bool) -> bool {
        let mut numbers = self.numbers.into_iter().zip(other.numbers);

        self.block == other.block && numbers.all(|(own, others)| same(own, others))
    }
}

/// What a container says of devices: all but the exceptions are allowed, or none but those.
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
            // None of them means any of the devices.
            let meet = |a: Option<u32>, b: Option<u32>| a.is_none() || b.is_none() || a == b;
            !rules.any(|rule| rule.access & wanted.access != 0 && rule.compare(wanted, meet))
        } else {
            // One of them means all of the devices.
            let cover = |a: Option<u32>, b| a.is_none() || a == b;
            rules.any(|rule| wanted.access & !rule.access == 0 && rule.compare(wanted, cover))
        }
    }

    /// The same policy, but for what a new rule says.
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
    /// A policy never changes: there is another one in its place then.
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
    // The old one is dropped without the lock.
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
