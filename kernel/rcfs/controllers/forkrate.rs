// SPDX-License-Identifier: GPL-2.0

//! The rate of forks: how many tasks may a container make a second?
//!
//! Each container has a bucket of tokens. A fork, or the creation of a thread, takes one out of the
//! bucket of the container and of those above, and fails with `EAGAIN` if one of them is empty.
//! `forkrate.max` is how many tokens come a second, and how many the bucket holds: `RATE BURST`. A
//! container that has been quiet can fork `BURST` times at once. `RATE` alone means a burst of that
//! many, but of 1 at least; `0` means no forks at all once the bucket is empty; `max` is no limit.
//! To write the file fills the bucket.
//!
//! `forkrate.events` says how often a fork was refused because of the limit of the container or of
//! one below. `forkrate.available` is 1 if a fork would succeed now. poll(2) and inotify(7) tell of
//! a refusal, and, once after that, of the moment at which a bucket that was empty has a token
//! again: a program that waits reads `forkrate.available`, and tries anew when that is 1.
//!
//! There are no such files in the root.

use kernel::{
    prelude::*,
    rcfs::prelude::*,
    seq_file::{
        seq_print,
        SeqFile, //
    },
    sync::atomic::{
        ordering::Relaxed,
        Atomic, //
    },
    time::{
        Instant,
        Monotonic,
        Msecs,
        NSEC_PER_MSEC,
        NSEC_PER_SEC, //
    },
};

struct ForkRate;

/// What `forkrate.max` says.
enum Rate {
    Max,
    Limit { per_second: u32, burst: u32 },
}

/// Of both numbers: there is a nanosecond between two tokens then, and no time overflows.
const HIGHEST: u64 = 1_000_000_000;
/// In place of a rate.
const NO_LIMIT: u32 = u32::MAX;

impl Show for Rate {
    fn show(&self, m: &SeqFile) {
        match self {
            Rate::Max => seq_print!(m, "max\n"),
            Rate::Limit { per_second, burst } => seq_print!(m, "{per_second} {burst}\n"),
        }
    }
}

impl Parse for Rate {
    fn parse(text: &[u8]) -> Result<Self> {
        if text == b"max" {
            return Ok(Rate::Max);
        }
        let mut numbers = text
            .split(u8::is_ascii_whitespace)
            .filter(|word| !word.is_empty())
            .map(|word| match u64::parse(word)? {
                number if number > HIGHEST => Err(ERANGE),
                number => Ok(number as u32),
            });
        let per_second = numbers.next().ok_or(EINVAL)??;
        let burst = numbers.next().transpose()?.unwrap_or(per_second.max(1));

        match (numbers.next(), burst) {
            (Some(_), _) => Err(EINVAL),
            (None, 0) => Err(ERANGE),
            (None, burst) => Ok(Rate::Limit { per_second, burst }),
        }
    }
}

/// The bucket of a container. Nothing fills it but time: `full_at` is when it will be full, in
/// nanoseconds since `made`. A fork puts that off by the time that one token takes.
struct Bucket {
    made: Instant<Monotonic>,
    per_second: Atomic<u32>,
    burst: Atomic<u32>,
    full_at: Atomic<i64>,
    refused: Atomic<u64>,
    changed: Event,
}

impl Bucket {
    /// For `RATE` 0, time stands still.
    fn now(&self) -> i64 {
        match self.per_second.load(Relaxed) {
            0 => 0,
            _ => self.made.elapsed().as_nanos(),
        }
    }

    fn rate(&self) -> Rate {
        match self.per_second.load(Relaxed) {
            NO_LIMIT => Rate::Max,
            per_second => Rate::Limit {
                per_second,
                burst: self.burst.load(Relaxed),
            },
        }
    }

    fn set_rate(&self, rate: Rate) {
        self.fill();
        match rate {
            Rate::Max => self.per_second.store(NO_LIMIT, Relaxed),
            Rate::Limit { per_second, burst } => {
                self.burst.store(burst, Relaxed);
                self.per_second.store(per_second, Relaxed);
            }
        }
        self.fill();
    }

    /// Any time that is past will do. It is another one each time, which `take` notices.
    fn fill(&self) {
        self.full_at.store(-self.made.elapsed().as_nanos(), Relaxed);
    }

    fn has_token(&self) -> bool {
        match self.times() {
            Some((each, all)) => {
                let now = self.now();

                self.full_at.load(Relaxed).max(now) + each - now <= all
            }
            None => true,
        }
    }

    /// The time between two tokens, and that for a bucket full of them.
    fn times(&self) -> Option<(i64, i64)> {
        match self.rate() {
            Rate::Max => None,
            Rate::Limit { per_second, burst } => {
                let each = NSEC_PER_SEC.checked_div(per_second.into()).unwrap_or(1);

                Some((each, each * i64::from(burst)))
            }
        }
    }

    /// Takes a token. Forks are asked about one after the other: nobody else takes one meanwhile.
    /// But a new rate fills the bucket, which the exchange notices.
    fn take(&self) -> bool {
        let Some((each, all)) = self.times() else {
            return true;
        };
        let before = self.full_at.load(Relaxed);
        let now = self.now();
        let after = before.max(now) + each;

        if after - now > all {
            return false;
        }
        let _ = self.full_at.cmpxchg(before, after, Relaxed);
        true
    }

    fn give_back(&self) {
        if let Some((each, _)) = self.times() {
            let before = self.full_at.load(Relaxed);
            let _ = self.full_at.cmpxchg(before, before - each, Relaxed);
        }
    }

    /// In how many milliseconds there is a token again.
    fn wait(&self) -> Msecs {
        let (each, all) = self.times().unwrap_or((0, 0));
        let wait = self.full_at.load(Relaxed) - (self.now() + all - each);

        (wait / NSEC_PER_MSEC + 1).clamp(1, 3_600_000) as Msecs
    }
}

#[vtable]
impl Controller for ForkRate {
    const NAME: &'static CStr = c"forkrate";
    type State = Bucket;

    fn create(
        _cx: &mut UnderMutex,
        _parent: Option<StateRef<'_, Self>>,
    ) -> impl PinInit<Bucket, Error> {
        Ok(Bucket {
            made: Instant::now(),
            per_second: Atomic::new(NO_LIMIT),
            burst: Atomic::new(0),
            full_at: Atomic::new(0),
            refused: Atomic::new(0),
            changed: Event::new(),
        })
    }

    fn can_fork<'a>(cx: &UnderTasklistLock, state: StateRef<'a, Self>) -> Result<Charge<'a, Self>> {
        let Some(empty) = state.below_root().find(|bucket| !bucket.take()) else {
            return Ok(Charge::with(state, 1, |state, _| {
                state.below_root().for_each(|bucket| bucket.give_back());
            }));
        };

        state.below(empty).for_each(|bucket| bucket.give_back());
        for bucket in empty.below_root() {
            bucket.refused.add(1u64, Relaxed);
            bucket.changed.notify(cx);
        }
        if empty.per_second.load(Relaxed) != 0 {
            empty.set_timer(cx, empty.wait());
        }
        Err(EAGAIN)
    }

    // There is a token again, unless the timer was early, or somebody else has taken it.
    fn timer(cx: &mut Process, bucket: StateRef<'_, Self>) -> Option<Msecs> {
        bucket.changed.notify(cx);
        (!bucket.has_token()).then(|| bucket.wait())
    }

    const FILES: &'static [File<Self>] = &[
        File::<Self>::new(c"forkrate.max", |bucket| bucket.rate())
            .writable(|mut access, rate| {
                access.set_rate(rate);
                access.state().get().changed.notify(access.context());
            })
            .not_in_root(),
        File::<Self>::seq(c"forkrate.events", |bucket, m| {
            seq_print!(m, "max {}\n", bucket.refused.load(Relaxed))
        })
        .notified_by(|bucket| &bucket.changed)
        .not_in_root(),
        File::<Self>::new(c"forkrate.available", |bucket| {
            bucket.below_root().all(|bucket| bucket.has_token())
        })
        .notified_by(|bucket| &bucket.changed)
        .not_in_root(),
    ];
}

kernel::module_rcfs_controller! {
    type: ForkRate,
    name: "rcfs_forkrate",
    authors: ["The rcfs maintainers"],
    description: "Controller for rcfs that limits how fast tasks are made",
    license: "GPL",
}
