// SPDX-License-Identifier: GPL-2.0

//! The rate of forks: how many tasks a container may create in a second.
//!
//! Each container has a token bucket. A fork, or the creation of a thread, takes a token from the
//! bucket of the container and from those of its ancestors. It fails with `EAGAIN` if one of them
//! is empty. `forkrate.max` is `RATE BURST`: how many tokens are added in a second, and how many
//! the bucket holds. A container that has been idle can fork `BURST` times at once. The default for
//! `BURST` is `RATE`, or 1 if `RATE` is 0. With a `RATE` of 0 all forks fail once the bucket is
//! empty. `max` is no limit. Writing the file fills the bucket.
//!
//! `forkrate.events` shows how often a fork failed because of the limit of the container or of a
//! descendant. `forkrate.available` is 1 if a fork would succeed. poll(2) and inotify(7) report a
//! failed fork, and once after that the moment at which the empty bucket has a token again. A
//! program that waits reads `forkrate.available`, and tries again when it is 1.
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
        ordering::{
            Acquire,
            Relaxed,
            Release, //
        },
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

/// The contents of `forkrate.max`.
enum Rate {
    Max,
    Limit { per_second: u32, burst: u32 },
}

/// The highest rate and burst. Tokens are at least 1 ns apart, and no time overflows.
const HIGHEST: u64 = 1_000_000_000;
/// The value of `per_second` if there is no limit.
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

/// The bucket of a container. It is stored as the time at which it will be full: `full_at`, in
/// nanoseconds since `made`. A fork adds the time between two tokens.
struct Bucket {
    made: Instant<Monotonic>,
    per_second: Atomic<u32>,
    burst: Atomic<u32>,
    full_at: Atomic<i64>,
    refused: Atomic<u64>,
    changed: Event,
}

impl Bucket {
    /// The current time. It is constant if the rate is 0.
    fn now(&self) -> i64 {
        match self.per_second.load(Acquire) {
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
            // Pairs with the load in `now`: with the new rate, the bucket is seen to be filled.
            Rate::Max => self.per_second.store(NO_LIMIT, Release),
            Rate::Limit { per_second, burst } => {
                self.burst.store(burst, Relaxed);
                self.per_second.store(per_second, Release);
            }
        }
        self.fill();
    }

    /// Sets a time in the past. It is a different one each time, so that `take` notices.
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

    /// The time between two tokens, and the time that it takes to fill the bucket.
    fn times(&self) -> Option<(i64, i64)> {
        match self.rate() {
            Rate::Max => None,
            Rate::Limit { per_second, burst } => {
                let each = NSEC_PER_SEC.checked_div(per_second.into()).unwrap_or(1);

                Some((each, each * i64::from(burst)))
            }
        }
    }

    /// Takes a token. Calls do not overlap, as forks are serialised. A new rate may fill the bucket
    /// at the same time. The compare-and-exchange notices that, and fails.
    fn take(&self) -> bool {
        loop {
            let Some((each, all)) = self.times() else {
                return true;
            };
            let before = self.full_at.load(Relaxed);
            let now = self.now();
            let after = before.max(now) + each;

            if after - now <= all {
                let _ = self.full_at.cmpxchg(before, after, Relaxed);
                return true;
            }
            // The times may belong to different rates: a new rate fills the bucket first.
            if self.full_at.load(Relaxed) == before {
                return false;
            }
        }
    }

    fn give_back(&self) {
        if let Some((each, _)) = self.times() {
            let before = self.full_at.load(Relaxed);
            let _ = self.full_at.cmpxchg(before, before - each, Relaxed);
        }
    }

    /// The number of milliseconds until the next token.
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

    // If the timer was early, or another fork has taken the token, set the timer again.
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
