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
/// The packed form of no limit.
const NO_LIMIT: u64 = u64::MAX;

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

impl Rate {
    /// Both numbers in one word, so that they are read together. The burst of a limit is not 0.
    fn pack(&self) -> u64 {
        match *self {
            Rate::Max => NO_LIMIT,
            Rate::Limit { per_second, burst } => u64::from(per_second) << 32 | u64::from(burst),
        }
    }

    fn unpack(packed: u64) -> Self {
        match packed {
            NO_LIMIT => Rate::Max,
            _ => Rate::Limit {
                per_second: (packed >> 32) as u32,
                burst: packed as u32,
            },
        }
    }
}

/// The bucket of a container. It is stored as the time at which it will be full: `full_at`, in
/// nanoseconds since `made`. A fork adds the time between two tokens.
///
/// A write changes `limit` and then `fill`. Forks, which are serialised, do the rest: only they
/// change `applied` and `full_at`. So no fork sees a new limit and the time of an old one.
struct Bucket {
    made: Instant<Monotonic>,
    limit: Atomic<u64>,
    /// Whether the next fork finds a full bucket.
    fill: Atomic<bool>,
    /// The limit that `full_at` is for.
    applied: Atomic<u64>,
    full_at: Atomic<i64>,
    refused: Atomic<u64>,
    changed: Event,
}

/// The time between two tokens, and the time that it takes to fill the bucket.
fn times(limit: u64) -> Option<(i64, i64)> {
    match Rate::unpack(limit) {
        Rate::Max => None,
        Rate::Limit { per_second, burst } => {
            let each = NSEC_PER_SEC.checked_div(per_second.into()).unwrap_or(1);

            Some((each, each * i64::from(burst)))
        }
    }
}

impl Bucket {
    /// The current time. It is constant if the rate is 0.
    fn now(&self, limit: u64) -> i64 {
        match limit >> 32 {
            0 => 0,
            _ => self.made.elapsed().as_nanos(),
        }
    }

    fn rate(&self) -> Rate {
        Rate::unpack(self.limit.load(Relaxed))
    }

    fn set_rate(&self, rate: Rate) {
        self.limit.store(rate.pack(), Relaxed);
        // Pairs with the load in `take`: a fork that finds this finds the limit.
        self.fill.store(true, Release);
    }

    /// The time until the next token, at most 0 if there is one.
    fn wait_ns(&self) -> i64 {
        let limit = self.limit.load(Relaxed);

        match times(limit) {
            Some((each, all))
                if !self.fill.load(Relaxed) && self.applied.load(Relaxed) == limit =>
            {
                self.full_at.load(Relaxed) - (self.now(limit) + all - each)
            }
            _ => 0,
        }
    }

    fn has_token(&self) -> bool {
        self.wait_ns() <= 0
    }

    /// Takes a token. Calls do not overlap, as forks are serialised.
    fn take(&self) -> bool {
        let fill = self.fill.load(Acquire);
        let limit = self.limit.load(Relaxed);
        let Some((each, all)) = times(limit) else {
            return true;
        };
        let now = self.now(limit);

        // A new limit applies at once, even if the write has not come to `fill` yet.
        if fill || self.applied.load(Relaxed) != limit {
            self.fill.store(false, Relaxed);
            self.applied.store(limit, Relaxed);
            self.full_at.store(now, Relaxed);
        }
        let after = self.full_at.load(Relaxed).max(now) + each;
        let has_token = after - now <= all;

        if has_token {
            self.full_at.store(after, Relaxed);
        }
        has_token
    }

    /// Undoes [`Bucket::take`] before the next fork. If there was no limit, the write of the next
    /// limit fills the bucket anyway.
    fn give_back(&self) {
        if let Some((each, _)) = times(self.applied.load(Relaxed)) {
            self.full_at
                .store(self.full_at.load(Relaxed) - each, Relaxed);
        }
    }

    /// The number of milliseconds until the next token.
    fn wait(&self) -> Msecs {
        (self.wait_ns() / NSEC_PER_MSEC + 1).clamp(1, 3_600_000) as Msecs
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
            limit: Atomic::new(NO_LIMIT),
            fill: Atomic::new(false),
            applied: Atomic::new(NO_LIMIT),
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
        if !matches!(empty.rate(), Rate::Limit { per_second: 0, .. }) {
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
