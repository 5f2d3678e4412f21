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
        Limit,
        Parse,
        Show, //
    },
    seq_file::SeqFile,
    task::Task, //
};
#[cfg(CONFIG_MEMCG_DETACHED)]
use core::ptr::{
    self,
    NonNull, //
};

/// A memory cgroup that belongs to no control group.
///
/// Memory is charged to the group of the process that allocates or first touches it, and to all
/// groups above: anonymous memory, page cache, tmpfs, kernel memory on behalf of a task, and swap.
/// The group of a process is that of the owner of its `mm`, usually the main thread. The charge
/// stays when the process moves. When the group is dropped, its charges go to the group above.
///
/// [`rcfs::Controller::mem_cgroup`] assigns tasks to groups.
///
/// Dropping a group may sleep.
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
/// group.set_max(cx, Pages::parse(b"4M")?)?;
/// assert_eq!(group.max().bytes(), 4 << 20);
/// assert_eq!(group.usage().bytes(), 0);
/// // The root cannot be limited.
/// assert_eq!(above.set_max(cx, Pages::MAX), Err(EINVAL));
/// assert_eq!(above.set_high(cx, Pages::MAX), Err(EINVAL));
/// assert_eq!(above.set_swap_max(Pages::MAX), Err(EINVAL));
/// assert_eq!(above.set_oom_group(false), Err(EINVAL));
/// # Ok::<(), Error>(())
/// ```
///
/// # Invariants
///
/// The pointer is the root of all, or a group that `mem_cgroup_create_detached()` has returned for
/// this object, with the reference that comes with it.
#[cfg(CONFIG_MEMCG_DETACHED)]
pub struct MemCgroup(NonNull<bindings::mem_cgroup>);

#[cfg(CONFIG_MEMCG_DETACHED)]
// SAFETY: A memory cgroup can be used and given up on any thread.
unsafe impl Send for MemCgroup {}

#[cfg(CONFIG_MEMCG_DETACHED)]
// SAFETY: All functions that take a memory cgroup do their own locking.
unsafe impl Sync for MemCgroup {}

/// Events that are counted for a [`MemCgroup`] and those above.
#[cfg(CONFIG_MEMCG_DETACHED)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum MemoryEvent {
    /// A task was slowed down for exceeding [`MemCgroup::high`].
    High = bindings::memcg_memory_event_MEMCG_HIGH,
    /// The usage was about to go over [`MemCgroup::max`].
    Max = bindings::memcg_memory_event_MEMCG_MAX,
    /// Reclaim has failed at [`MemCgroup::max`].
    Oom = bindings::memcg_memory_event_MEMCG_OOM,
    /// The OOM killer has killed a process.
    OomKill = bindings::memcg_memory_event_MEMCG_OOM_KILL,
    /// The OOM killer has killed all processes of the group.
    OomGroupKill = bindings::memcg_memory_event_MEMCG_OOM_GROUP_KILL,
}

#[cfg(CONFIG_MEMCG_DETACHED)]
impl MemCgroup {
    /// The root of all groups, which cannot have a limit.
    ///
    /// # Errors
    ///
    /// `EOPNOTSUPP` if memory cgroups are disabled (`cgroup_disable=memory`).
    pub fn root() -> Result<Self> {
        // SAFETY: This only reads a static key.
        if unsafe { bindings::mem_cgroup_disabled() } {
            return Err(EOPNOTSUPP);
        }
        // INVARIANT: This is the root.
        //
        // SAFETY: The kernel wrote it once, before there were any users.
        NonNull::new(unsafe { bindings::root_mem_cgroup })
            .map(Self)
            .ok_or(EOPNOTSUPP)
    }

    /// Makes a group below another one.
    ///
    /// # Errors
    ///
    /// `EBUSY` if memory is mounted as a hierarchy of cgroup v1, or if there are as many groups as
    /// there can be, 65535; `ENODEV` if `parent` is not in use any more; `ENOMEM`.
    pub fn new(_cx: &mut impl MaySleep, parent: &MemCgroup) -> Result<Self> {
        parent.create_below()
    }

    // Generic functions are compiled into the calling module, and mm does not export the functions
    // that are called here. Therefore these functions are not generic.
    fn create_below(&self) -> Result<Self> {
        // SAFETY: By the type invariant, the group is valid.
        let memcg = from_err_ptr(unsafe { bindings::mem_cgroup_create_detached(self.as_ptr()) })?;

        // INVARIANT: The group is new.
        NonNull::new(memcg).map(Self).ok_or(ENOMEM)
    }

    fn do_set_max(&self, max: Pages) -> Result {
        let group = self.below_root()?;

        // SAFETY: By the type invariant, the group is valid.
        unsafe { bindings::mem_cgroup_set_max(group, max.0) };
        Ok(())
    }

    fn do_set_high(&self, high: Pages) -> Result {
        let group = self.below_root()?;

        // SAFETY: By the type invariant, the group is valid.
        unsafe { bindings::mem_cgroup_set_high(group, high.0) };
        Ok(())
    }

    /// The group, valid for as long as `self`. The root has no settings: mm has no OOM victims for
    /// a limit of the root (`mem_cgroup_scan_tasks()`).
    ///
    /// # Errors
    ///
    /// `EINVAL` for the root, as from a write to a file of the root of cgroup v1.
    fn below_root(&self) -> Result<*mut bindings::mem_cgroup> {
        if self.is_root() {
            return Err(EINVAL);
        }
        Ok(self.as_ptr())
    }

    /// Makes a container the owner of the group. Returns whether it is: the root, and a group that
    /// has or had an owner, do not get one.
    ///
    /// # Safety
    ///
    /// This is process context, with the mutex of rcfs held. `container` is valid, and stays for an
    /// RCU grace period after [`kill`](Self::kill).
    pub(crate) unsafe fn set_owner(&self, container: *mut bindings::rcfs_container) -> bool {
        // SAFETY: By the type invariant, the group is valid. The rest is as the caller says.
        unsafe { bindings::rcfs_own_mem_cgroup(self.as_ptr(), container) }
    }

    /// Takes a group out of use. Returns whether this is the first call for the group. After an RCU
    /// grace period, nobody refers to its owner any more.
    ///
    /// # Safety
    ///
    /// This is process context. `group` is valid, but not the root. No task is charged to it any
    /// more. Calls for one group do not run at the same time.
    pub(crate) unsafe fn kill(group: NonNull<bindings::mem_cgroup>) -> bool {
        // SAFETY: As the caller says.
        unsafe { bindings::mem_cgroup_kill_detached(group.as_ptr()) }
    }

    fn do_print_stat(&self, m: &SeqFile) -> Result {
        // SAFETY: By the type invariant, the group is valid. `SeqFile` is transparent.
        to_result(unsafe {
            bindings::mem_cgroup_seq_show_stat(self.as_ptr(), ptr::from_ref(m).cast_mut().cast())
        })
    }

    /// The group, valid for as long as `self`.
    pub(crate) fn as_ptr(&self) -> *mut bindings::mem_cgroup {
        self.0.as_ptr()
    }

    /// As [`as_ptr`](Self::as_ptr).
    pub(crate) fn as_non_null(&self) -> NonNull<bindings::mem_cgroup> {
        self.0
    }

    fn is_root(&self) -> bool {
        // SAFETY: The kernel wrote it once, before there were any users.
        ptr::eq(self.as_ptr(), unsafe { bindings::root_mem_cgroup })
    }

    /// The memory that is charged to the group and to those below.
    pub fn usage(&self) -> Pages {
        // SAFETY: By the type invariant, the group is valid.
        Pages(unsafe { bindings::mem_cgroup_usage(self.as_ptr()) })
    }

    /// The highest usage since the group was made, or since [`reset_peak`](Self::reset_peak).
    pub fn peak(&self) -> Pages {
        // SAFETY: By the type invariant, the group is valid.
        Pages(unsafe { bindings::mem_cgroup_peak(self.as_ptr()) })
    }

    /// Sets the peak to the present usage.
    pub fn reset_peak(&self) {
        // SAFETY: By the type invariant, the group is valid.
        unsafe { bindings::mem_cgroup_reset_peak(self.as_ptr()) };
    }

    /// The hard limit.
    pub fn max(&self) -> Pages {
        // SAFETY: By the type invariant, the group is valid.
        Pages(unsafe { bindings::mem_cgroup_max(self.as_ptr()) })
    }

    /// Sets the hard limit. Reclaims memory above it, and kills processes if that is not enough.
    ///
    /// # Errors
    ///
    /// `EINVAL` for the root.
    pub fn set_max(&self, _cx: &mut impl MaySleep, max: Pages) -> Result {
        self.do_set_max(max)
    }

    /// The usage above which tasks are slowed down and memory is reclaimed.
    pub fn high(&self) -> Pages {
        // SAFETY: By the type invariant, the group is valid.
        Pages(unsafe { bindings::mem_cgroup_high(self.as_ptr()) })
    }

    /// Sets [`high`](Self::high), and reclaims memory above it.
    ///
    /// # Errors
    ///
    /// `EINVAL` for the root.
    pub fn set_high(&self, _cx: &mut impl MaySleep, high: Pages) -> Result {
        self.do_set_high(high)
    }

    /// The limit for memory in swap.
    pub fn swap_max(&self) -> Pages {
        // SAFETY: By the type invariant, the group is valid.
        Pages(unsafe { bindings::mem_cgroup_swap_max(self.as_ptr()) })
    }

    /// Sets the limit for memory in swap. Memory that is in swap already stays there.
    ///
    /// # Errors
    ///
    /// `EINVAL` for the root.
    pub fn set_swap_max(&self, max: Pages) -> Result {
        let group = self.below_root()?;

        // SAFETY: By the type invariant, the group is valid.
        unsafe { bindings::mem_cgroup_set_swap_max(group, max.0) };
        Ok(())
    }

    /// Whether the OOM killer kills all processes of the group.
    pub fn oom_group(&self) -> bool {
        // SAFETY: By the type invariant, the group is valid.
        unsafe { bindings::mem_cgroup_oom_group(self.as_ptr()) }
    }

    /// Sets whether the OOM killer kills all processes of the group.
    ///
    /// # Errors
    ///
    /// `EINVAL` for the root.
    pub fn set_oom_group(&self, all: bool) -> Result {
        let group = self.below_root()?;

        // SAFETY: By the type invariant, the group is valid.
        unsafe { bindings::mem_cgroup_set_oom_group(group, all) };
        Ok(())
    }

    /// The count of an event in the group and below.
    pub fn events(&self, event: MemoryEvent) -> usize {
        // SAFETY: By the type invariant, the group is valid.
        unsafe { bindings::mem_cgroup_events(self.as_ptr(), event as u32) }
    }

    /// The count of an event that a limit of the group itself has caused.
    pub fn own_events(&self, event: MemoryEvent) -> usize {
        // SAFETY: By the type invariant, the group is valid.
        unsafe { bindings::mem_cgroup_events_local(self.as_ptr(), event as u32) }
    }

    /// Prints the contents of `memory.stat` of control groups.
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
        if self.is_root() {
            return;
        }
        // Only a group without an owner is still in use.
        //
        // SAFETY: By the type invariant, the group is valid. It is being dropped, so that no task
        // is charged to it any more.
        unsafe { Self::kill(self.0) };
        // SAFETY: By the type invariant, there is a reference. mm gets such a group from
        // `rcfs::Controller::mem_cgroup` only, for the life time of a state. mm uses such a group
        // under RCU or takes a reference, and a state is freed after a grace period.
        unsafe { bindings::mem_cgroup_put(self.as_ptr()) };
    }
}

#[cfg(CONFIG_MEMCG_DETACHED)]
impl Task {
    /// Tells mm that the task has another memory cgroup.
    ///
    /// # Safety
    ///
    /// The lock of the task must be held.
    pub(crate) unsafe fn update_mem_cgroup(&self) {
        // SAFETY: By the type invariants, the task is valid. The rest is as the caller says.
        unsafe { bindings::mem_cgroup_task_moved(self.as_ptr()) };
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

    /// No container has such a group.
    pub(crate) unsafe fn kill(_group: core::ptr::NonNull<bindings::mem_cgroup>) -> bool {
        false
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
/// assert_eq!(Pages::parse(b"18446744073709551615"), Ok(Pages::MAX));
/// assert_eq!(Pages::parse(b"17179869184G"), Err(ERANGE));
/// assert_eq!(Pages::parse(b"18446744073709551616"), Err(ERANGE));
/// assert_eq!(Pages::parse(b"0x10"), Err(EINVAL));
/// assert_eq!(Pages::parse(b""), Err(EINVAL));
/// assert_eq!(Pages::parse(b"2X"), Err(EINVAL));
/// assert_eq!(Pages::parse(b"-2"), Err(EINVAL));
/// ```
#[cfg(CONFIG_MEMCG_DETACHED)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pages(usize);

#[cfg(CONFIG_MEMCG_DETACHED)]
impl Pages {
    /// No limit: `PAGE_COUNTER_MAX`, as `include/linux/page_counter.h` has it.
    pub const MAX: Self = Self(if cfg!(CONFIG_64BIT) {
        isize::MAX as usize / PAGE_SIZE
    } else {
        isize::MAX as usize
    });

    /// The amount in bytes.
    pub fn bytes(self) -> u64 {
        (self.0 as u64).saturating_mul(PAGE_SIZE as u64)
    }

    fn from_bytes(bytes: u64) -> Self {
        usize::try_from(bytes / PAGE_SIZE as u64)
            .map_or(Self::MAX, |pages| Self(pages.min(Self::MAX.0)))
    }
}

/// A number of bytes, as cgroup v1 shows it. cgroup v2 shows a [`Limit`].
#[cfg(CONFIG_MEMCG_DETACHED)]
impl Show for Pages {
    fn show(&self, m: &SeqFile) {
        self.bytes().show(m);
    }
}

#[cfg(CONFIG_MEMCG_DETACHED)]
impl Parse for Pages {
    fn parse(text: &[u8]) -> Result<Self> {
        if text == b"-1" || text == b"max" {
            return Ok(Self::MAX);
        }
        let (number, shift) = match text {
            [number @ .., b'k' | b'K'] => (number, 10),
            [number @ .., b'm' | b'M'] => (number, 20),
            [number @ .., b'g' | b'G'] => (number, 30),
            [number @ .., b't' | b'T'] => (number, 40),
            number => (number, 0),
        };

        // memparse() would begin with 0 again where the number is too large.
        let bytes = u64::parse(number)?.checked_mul(1 << shift).ok_or(ERANGE)?;

        Ok(Self::from_bytes(bytes))
    }
}

#[cfg(CONFIG_MEMCG_DETACHED)]
impl From<Pages> for Limit {
    fn from(pages: Pages) -> Self {
        match pages {
            Pages::MAX => Self::Max,
            pages => Self::Number(pages.bytes()),
        }
    }
}
