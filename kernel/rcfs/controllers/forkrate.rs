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
//! failed fork, and once after a failed fork or a 0 in `forkrate.available` the moment at which the
//! empty bucket has a token again. A program that waits reads `forkrate.available`, and tries again
//! when it is 1.
//!
//! There are no such files in the root.

use kernel::{
    new_mutex,
    prelude::*,
    rcfs::{
        self,
        prelude::*, //
    },
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

/// The highest rate and burst. Tokens are at least 1 ns apart, and no time overflows.
const HIGHEST: u64 = 1_000_000_000;

/// The contents of `forkrate.max`, in one word, so that a fork sees all of a write or nothing: the
/// rate, the burst, and a version. The burst is 0 if there is no limit. A limit that is written
/// again gets another version.
#[derive(Clone, Copy)]
struct Rate(u64);

impl Rate {
    const MAX: Self = Self(0);
    const VERSIONS: u64 = 4;

    /// `HIGHEST` has 30 bits.
    fn new(per_second: u64, burst: u64) -> Self {
        Self(per_second << 32 | burst << 2)
    }

    fn per_second(self) -> u64 {
        self.0 >> 32
    }

    fn burst(self) -> u32 {
        self.0 as u32 >> 2
    }

    fn version(self) -> u64 {
        self.0 % Self::VERSIONS
    }

    /// The time between two tokens, and the time that it takes to fill the bucket.
    fn times(self) -> Option<(i64, i64)> {
        let each = NSEC_PER_SEC
            .checked_div(self.per_second() as i64)
            .unwrap_or(1);

        match self.burst() {
            0 => None,
            burst => Some((each, each * i64::from(burst))),
        }
    }
}

impl Show for Rate {
    fn show(&self, m: &SeqFile) {
        match self.burst() {
            0 => seq_print!(m, "max\n"),
            burst => seq_print!(m, "{} {burst}\n", self.per_second()),
        }
    }
}

impl Parse for Rate {
    fn parse(text: &[u8]) -> Result<Self> {
        if text == b"max" {
            return Ok(Rate::MAX);
        }
        let mut numbers = text
            .split(u8::is_ascii_whitespace)
            .filter(|word| !word.is_empty())
            .map(|word| match u64::parse(word)? {
                number if number > HIGHEST => Err(ERANGE),
                number => Ok(number),
            });
        let per_second = numbers.next().ok_or(EINVAL)??;
        let burst = numbers.next().transpose()?.unwrap_or(per_second.max(1));

        match (numbers.next(), burst) {
            (Some(_), _) => Err(EINVAL),
            (None, 0) => Err(ERANGE),
            (None, burst) => Ok(Rate::new(per_second, burst)),
        }
    }
}

/// The bucket of a container. It is stored as the time at which it will be full: `full_at`, in
/// nanoseconds since `made`. A fork adds the time between two tokens.
///
/// A write changes `limit` alone. The next fork finds that `applied` is another limit, and fills
/// the bucket. Forks are serialised, and only they change `applied` and `full_at`. So no fork sees
/// a new limit and the time of an old one.
#[pin_data]
struct Bucket {
    /// Serialises writes.
    #[pin]
    change: rcfs::Mutex<()>,
    made: Instant<Monotonic>,
    limit: Atomic<u64>,
    /// The limit that `full_at` is for.
    applied: Atomic<u64>,
    full_at: Atomic<i64>,
    refused: Atomic<u64>,
    changed: Event,
}

impl Bucket {
    fn limit(&self) -> Rate {
        Rate(self.limit.load(Relaxed))
    }

    /// The current time. It is constant if the rate is 0.
    fn now(&self, limit: Rate) -> i64 {
        match limit.per_second() {
            0 => 0,
            _ => self.made.elapsed().as_nanos(),
        }
    }

    fn set_rate(&self, cx: &impl MaySleep, rate: Rate) {
        let _change = self.change.lock(cx);
        let applied = Rate(self.applied.load(Relaxed));
        // A fork may still apply the limit that is replaced. With a version of its own, the new
        // limit differs from the one that the next fork finds applied.
        let used = [self.limit(), applied].map(Rate::version);
        let version = (0..Rate::VERSIONS).find(|version| !used.contains(version));

        self.limit
            .store(rate.0 | version.unwrap_or_default(), Relaxed);
    }

    /// The time until the next token, at most 0 if there is one.
    fn wait_ns(&self) -> i64 {
        let limit = self.limit();

        match limit.times() {
            // Pairs with the store in `take`: the time is that of this limit.
            Some((each, all)) if self.applied.load(Acquire) == limit.0 => {
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
        let limit = self.limit();
        let Some((each, all)) = limit.times() else {
            return true;
        };
        let now = self.now(limit);

        if self.applied.load(Relaxed) != limit.0 {
            self.full_at.store(now, Relaxed);
            self.applied.store(limit.0, Release);
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
        if let Some((each, _)) = Rate(self.applied.load(Relaxed)).times() {
            // A bucket that has been full for some time holds no more.
            self.full_at
                .store((self.full_at.load(Relaxed) - each).max(0), Relaxed);
        }
    }

    /// The number of milliseconds until the next token. With a rate of 0 there is none.
    fn wait(&self) -> Option<Msecs> {
        // Tokens are a second apart at most. A new limit may come between two loads.
        let wait = (self.wait_ns() / NSEC_PER_MSEC + 1).clamp(1, 1_001);

        (self.limit().per_second() != 0).then_some(wait as Msecs)
    }
}

/// The first bucket that has no token, of a container and those above.
fn find_empty(state: StateRef<'_, ForkRate>) -> Option<StateRef<'_, ForkRate>> {
    state.below_root().find(|bucket| !bucket.has_token())
}

#[vtable]
impl Controller for ForkRate {
    const NAME: &'static CStr = c"forkrate";
    type State = Bucket;

    fn create(
        _cx: &mut UnderMutex,
        _parent: Option<StateRef<'_, Self>>,
    ) -> impl PinInit<Bucket, Error> {
        try_pin_init!(Bucket {
            change <- rcfs::Mutex::new(new_mutex!(())),
            made: Instant::now(),
            limit: Atomic::new(0),
            applied: Atomic::new(0),
            full_at: Atomic::new(0),
            refused: Atomic::new(0),
            changed: Event::new(),
        }? Error)
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
        if let Some(wait) = empty.wait() {
            empty.set_timer(cx, wait);
        }
        Err(EAGAIN)
    }

    // If the timer was early, or another fork has taken the token, set the timer again.
    fn timer(cx: &mut Process, bucket: StateRef<'_, Self>) -> Option<Msecs> {
        let Some(empty) = find_empty(bucket) else {
            bucket.changed.notify(cx);
            return None;
        };

        empty.wait()
    }

    const FILES: &'static [File<Self>] = &[
        File::<Self>::new(c"forkrate.max", |bucket| bucket.limit())
            .writable(|mut access, rate| {
                let state = access.state();

                state.get().set_rate(access.context(), rate);
                // Without a rate, there was no timer for those below.
                state.notify_below(access.context(), |bucket| &bucket.changed);
            })
            .not_in_root(),
        File::<Self>::seq(c"forkrate.events", |bucket, m| {
            seq_print!(m, "max {}\n", bucket.refused.load(Relaxed))
        })
        .notified_by(|bucket| &bucket.changed)
        .not_in_root(),
        File::<Self>::new(c"forkrate.available", |mut access| {
            let empty = find_empty(access.state());

            // Another fork may have taken the token that the last event was about.
            if let Some(wait) = empty.and_then(|bucket| bucket.wait()) {
                access.state().set_timer(access.context(), wait);
            }
            empty.is_none()
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
