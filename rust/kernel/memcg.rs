// SPDX-License-Identifier: GPL-2.0

//! Memory cgroups that belong to no control group.
//!
//! C header: [`include/linux/memcontrol.h`](srctree/include/linux/memcontrol.h)

use crate::bindings;
#[cfg(CONFIG_MEMCG_DETACHED)]
use crate::{
    error::{
        from_err_ptr,
        to_result, //
    },
    page::PAGE_SIZE,
    prelude::*,
    rcfs::{
        context::MaySleep,
        Parse,
        Show, //
    },
    seq_file::{
        seq_print,
        SeqFile, //
    },
    str::CString,
    sync::{
        atomic::{
            ordering::Full,
            AtomicFlag, //
        },
        rcu, //
    },
};
#[cfg(CONFIG_MEMCG_DETACHED)]
use core::ptr::{
    self,
    NonNull, //
};

/// A group of tasks whose memory is accounted and limited as one.
///
/// What a task allocates, or touches first, is charged to its group and to those above: anonymous
/// memory, page cache, tmpfs, memory of the kernel on behalf of the task, and swap. It stays
/// charged there when the task goes elsewhere. When the group goes, it is charged to the group
/// above.
///
/// A task is in a group if [`rcfs::Controller::mem_cgroup`] says so.
///
/// Dropping it may sleep. The memory of the group goes later, when nothing is charged any more.
///
/// [`rcfs::Controller::mem_cgroup`]: crate::rcfs::Controller::mem_cgroup
///
/// # Examples
///
/// ```
/// use kernel::{
///     memcg::{
///         MemCgroup,
///         Pages, //
///     },
///     rcfs::{
///         context::Process,
///         Parse, //
///     },
/// };
///
/// // SAFETY: This is process context. A hook or a file gets a token.
/// let cx = unsafe { &mut Process::new() };
/// let above = MemCgroup::root()?;
/// let group = MemCgroup::new(cx, &above)?;
/// assert_eq!(group.max(), Pages::MAX);
/// group.set_max(cx, Pages::parse(b"4M")?);
/// assert_eq!(group.max().bytes(), 4 << 20);
/// assert_eq!(group.usage().bytes(), 0);
/// # Ok::<(), Error>(())
/// ```
///
/// # Invariants
///
/// The pointer is the root of all, or a group that `mem_cgroup_create_detached()` has returned for
/// this object, with the reference that comes with it.
#[cfg(CONFIG_MEMCG_DETACHED)]
pub struct MemCgroup {
    memcg: NonNull<bindings::mem_cgroup>,
    killed: AtomicFlag,
}

#[cfg(CONFIG_MEMCG_DETACHED)]
// SAFETY: A memory cgroup can be used and given up on any thread.
unsafe impl Send for MemCgroup {}

#[cfg(CONFIG_MEMCG_DETACHED)]
// SAFETY: All functions that take a memory cgroup do their own locking.
unsafe impl Sync for MemCgroup {}

/// What has happened to the memory of a [`MemCgroup`], or of one below.
#[cfg(CONFIG_MEMCG_DETACHED)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum MemoryEvent {
    /// A task was slowed down because of [`MemCgroup::high`].
    High = bindings::memcg_memory_event_MEMCG_HIGH,
    /// The usage was about to go over [`MemCgroup::max`].
    Max = bindings::memcg_memory_event_MEMCG_MAX,
    /// It was, and could not be lowered.
    Oom = bindings::memcg_memory_event_MEMCG_OOM,
    /// A process was killed for that.
    OomKill = bindings::memcg_memory_event_MEMCG_OOM_KILL,
    /// All processes of the group were.
    OomGroupKill = bindings::memcg_memory_event_MEMCG_OOM_GROUP_KILL,
}

#[cfg(CONFIG_MEMCG_DETACHED)]
impl MemCgroup {
    /// The root of all groups, which has no limit.
    ///
    /// # Errors
    ///
    /// `EOPNOTSUPP` if memory cgroups are disabled (`cgroup_disable=memory`).
    pub fn root() -> Result<Self> {
        // SAFETY: A pure question.
        if unsafe { bindings::mem_cgroup_disabled() } {
            return Err(EOPNOTSUPP);
        }
        // INVARIANT: This is the root.
        Ok(Self {
            // SAFETY: The kernel wrote it once, before there were any users.
            memcg: NonNull::new(unsafe { bindings::root_mem_cgroup }).ok_or(EOPNOTSUPP)?,
            killed: AtomicFlag::new(true),
        })
    }

    /// Makes a group below another one.
    ///
    /// # Errors
    ///
    /// `EBUSY` if memory is mounted as a hierarchy of cgroup v1; `ENOSPC` if there are as many
    /// groups as there can be, 65535; `ENOMEM`.
    pub fn new(_cx: &mut impl MaySleep, parent: &MemCgroup) -> Result<Self> {
        parent.create_below()
    }

    // Generic functions are compiled into the module that calls them, and mm exports none of the
    // functions that these here call.
    fn create_below(&self) -> Result<Self> {
        // SAFETY: By the type invariant, the group is valid.
        let memcg = from_err_ptr(unsafe { bindings::mem_cgroup_create_detached(self.as_ptr()) })?;

        // INVARIANT: The group is new.
        Ok(Self {
            memcg: NonNull::new(memcg).ok_or(ENOMEM)?,
            killed: AtomicFlag::new(false),
        })
    }

    fn do_set_max(&self, max: Pages) {
        // SAFETY: By the type invariant, the group is valid.
        unsafe { bindings::mem_cgroup_set_max(self.as_ptr(), max.0, true) };
    }

    fn do_set_high(&self, high: Pages) {
        // SAFETY: By the type invariant, the group is valid.
        unsafe { bindings::mem_cgroup_set_high(self.as_ptr(), high.0, true) };
    }

    fn do_print_stat(&self, m: &SeqFile) -> Result {
        // SAFETY: By the type invariant, the group is valid. `SeqFile` is transparent.
        to_result(unsafe {
            bindings::mem_cgroup_seq_show_stat(self.as_ptr(), ptr::from_ref(m).cast_mut().cast())
        })
    }

    /// The group, valid for as long as `self`.
    pub(crate) fn as_ptr(&self) -> *mut bindings::mem_cgroup {
        self.memcg.as_ptr()
    }

    /// Gives the group up. No task may be charged to it any more.
    ///
    /// Returns whether that is news.
    pub(crate) fn kill(&self) -> bool {
        let news = !self.killed.xchg(true, Full);

        if news {
            // SAFETY: By the type invariant, as the flag of the root is set from the beginning.
            unsafe { bindings::mem_cgroup_kill_detached(self.as_ptr()) };
        }
        news
    }

    fn is_root(&self) -> bool {
        // SAFETY: The kernel wrote it once, before there were any users.
        ptr::eq(self.as_ptr(), unsafe { bindings::root_mem_cgroup })
    }

    /// How much is charged to the group and to those below.
    pub fn usage(&self) -> Pages {
        // SAFETY: By the type invariant, the group is valid.
        Pages(unsafe { bindings::mem_cgroup_usage(self.as_ptr()) })
    }

    /// The most that there ever was, or since [`reset_peak`](Self::reset_peak).
    pub fn peak(&self) -> Pages {
        // SAFETY: By the type invariant, the group is valid.
        Pages(unsafe { bindings::mem_cgroup_peak(self.as_ptr()) })
    }

    /// Makes the present usage the peak.
    pub fn reset_peak(&self) {
        // SAFETY: By the type invariant, the group is valid.
        unsafe { bindings::mem_cgroup_reset_peak(self.as_ptr()) };
    }

    /// How much the group may have at most.
    pub fn max(&self) -> Pages {
        // SAFETY: By the type invariant, the group is valid.
        Pages(unsafe { bindings::mem_cgroup_max(self.as_ptr()) })
    }

    /// Sets that. Reclaims what is above, and kills processes if that is not enough.
    pub fn set_max(&self, _cx: &mut impl MaySleep, max: Pages) {
        self.do_set_max(max);
    }

    /// From where on tasks are slowed down, and their memory is reclaimed.
    pub fn high(&self) -> Pages {
        // SAFETY: By the type invariant, the group is valid.
        Pages(unsafe { bindings::mem_cgroup_high(self.as_ptr()) })
    }

    /// Sets that, and reclaims what is above.
    pub fn set_high(&self, _cx: &mut impl MaySleep, high: Pages) {
        self.do_set_high(high);
    }

    /// How much of the group may be in swap.
    pub fn swap_max(&self) -> Pages {
        // SAFETY: By the type invariant, the group is valid.
        Pages(unsafe { bindings::mem_cgroup_swap_max(self.as_ptr()) })
    }

    /// Sets that. What is in swap already stays there.
    pub fn set_swap_max(&self, max: Pages) {
        // SAFETY: By the type invariant, the group is valid.
        unsafe { bindings::mem_cgroup_set_swap_max(self.as_ptr(), max.0) };
    }

    /// Whether all processes of the group are killed where one would be.
    pub fn oom_group(&self) -> bool {
        // SAFETY: By the type invariant, the group is valid.
        unsafe { bindings::mem_cgroup_oom_group(self.as_ptr()) }
    }

    /// Sets that.
    pub fn set_oom_group(&self, all: bool) {
        // SAFETY: By the type invariant, the group is valid.
        unsafe { bindings::mem_cgroup_set_oom_group(self.as_ptr(), all) };
    }

    /// How often something has happened in the group or below.
    pub fn events(&self, event: MemoryEvent) -> usize {
        // SAFETY: By the type invariant, the group is valid.
        unsafe { bindings::mem_cgroup_events(self.as_ptr(), event as u32) }
    }

    /// How often something has happened because of a limit of the group itself.
    pub fn own_events(&self, event: MemoryEvent) -> usize {
        // SAFETY: By the type invariant, the group is valid.
        unsafe { bindings::mem_cgroup_events_local(self.as_ptr(), event as u32) }
    }

    /// Prints what `memory.stat` of a control group has.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub fn print_stat(&self, _cx: &mut impl MaySleep, m: &SeqFile) -> Result {
        self.do_print_stat(m)
    }
}

#[cfg(CONFIG_MEMCG_DETACHED)]
impl Drop for MemCgroup {
    fn drop(&mut self) {
        if self.kill() {
            // A container that never was has no grace period, and what belongs to it goes now.
            rcu::synchronize_rcu();
        }
        if !self.is_root() {
            // SAFETY: By the type invariant, there is a reference. Only what lives as long as a
            // state of rcfs can be handed to mm: see `rcfs::Controller::mem_cgroup`. Whoever found
            // the group by a task is done with that, or has a reference.
            unsafe { bindings::mem_cgroup_put(self.as_ptr()) };
        }
    }
}

/// There are no such groups without `CONFIG_MEMCG`.
#[cfg(not(CONFIG_MEMCG_DETACHED))]
pub enum MemCgroup {}

#[cfg(not(CONFIG_MEMCG_DETACHED))]
impl MemCgroup {
    pub(crate) fn as_ptr(&self) -> *mut bindings::mem_cgroup {
        match *self {}
    }

    pub(crate) fn kill(&self) -> bool {
        match *self {}
    }
}

/// An amount of memory: a number of pages, shown and written in bytes.
///
/// `-1` and `max` stand for no limit, and K, M, G, T for powers of 1024. What is no multiple of a
/// page is rounded down.
///
/// # Examples
///
/// ```
/// use kernel::{
///     memcg::Pages,
///     rcfs::Parse, //
/// };
///
/// assert_eq!(Pages::parse(b"2M").map(Pages::bytes), Ok(2 << 20));
/// assert_eq!(Pages::parse(b"2m").map(Pages::bytes), Ok(2 << 20));
/// assert_eq!(Pages::parse(b"-1"), Ok(Pages::MAX));
/// assert_eq!(Pages::parse(b"max"), Ok(Pages::MAX));
/// assert_eq!(Pages::parse(b"99999999999G"), Ok(Pages::MAX));
/// assert_eq!(Pages::parse(b""), Err(EINVAL));
/// assert_eq!(Pages::parse(b"2X"), Err(EINVAL));
/// assert_eq!(Pages::parse(b"-2"), Err(EINVAL));
/// ```
#[cfg(CONFIG_MEMCG_DETACHED)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pages(usize);

#[cfg(CONFIG_MEMCG_DETACHED)]
impl Pages {
    /// No limit: `PAGE_COUNTER_MAX`, which in bytes is the highest number that is positive.
    pub const MAX: Self = Self(isize::MAX as usize / PAGE_SIZE);

    /// How many bytes that is.
    pub fn bytes(self) -> usize {
        self.0 * PAGE_SIZE
    }
}

/// A number of bytes, as cgroup v1 shows it. See [`OrMax`] for what cgroup v2 does.
#[cfg(CONFIG_MEMCG_DETACHED)]
impl Show for Pages {
    fn show(&self, m: &SeqFile) {
        seq_print!(m, "{}\n", self.bytes());
    }
}

#[cfg(CONFIG_MEMCG_DETACHED)]
impl Parse for Pages {
    fn parse(text: &[u8]) -> Result<Self> {
        let mut pages = 0;

        if text == b"-1" || text == b"max" {
            return Ok(Self::MAX);
        }
        // No number at all is 0 to memparse().
        if !text.first().is_some_and(u8::is_ascii_digit) {
            return Err(EINVAL);
        }
        let text = core::str::from_utf8(text).map_err(|_| EINVAL)?;
        // A NUL inside, which would be the end, is EINVAL.
        let text = CString::try_from_fmt(fmt!("{text}"))?;

        // SAFETY: Both strings are valid, and `pages` is valid for writes.
        to_result(unsafe {
            bindings::page_counter_memparse(
                text.as_char_ptr(),
                c"max".as_char_ptr(),
                &raw mut pages,
            )
        })?;
        Ok(Self(pages))
    }
}

/// [`Pages`] of which none that are too many are shown as `max`.
#[cfg(CONFIG_MEMCG_DETACHED)]
pub struct OrMax(pub Pages);

#[cfg(CONFIG_MEMCG_DETACHED)]
impl Show for OrMax {
    fn show(&self, m: &SeqFile) {
        if self.0 == Pages::MAX {
            seq_print!(m, "max\n");
        } else {
            self.0.show(m);
        }
    }
}
