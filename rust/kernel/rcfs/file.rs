// SPDX-License-Identifier: GPL-2.0

//! The files of controllers in containers.

use super::{
    context::Process,
    trim,
    Controller,
    Event,
    Parse,
    Show,
    StateRef, //
};
use crate::{
    bindings,
    cred::Credential,
    error::{
        from_err_ptr,
        from_result, //
    },
    fs::file::LocalFile,
    prelude::*,
    seq_file::SeqFile,
    str::CStr, //
};
use core::{
    mem,
    ops::Deref,
    ptr::{
        self,
        NonNull, //
    },
};

/// An access to a file of a container, which is passed to the functions of a [`File`].
///
/// It dereferences to the [`StateRef`] of the container, and thereby to the state. The container
/// stays during the access.
///
/// # Invariants
///
/// `of` is the open file, which is valid for `'a`.
pub struct Access<'a, C: Controller> {
    state: StateRef<'a, C>,
    cx: Process,
    of: NonNull<bindings::kernfs_open_file>,
}

impl<'a, C: Controller> Access<'a, C> {
    /// The state of the container, for the duration of the access.
    pub fn state(&self) -> StateRef<'a, C> {
        self.state
    }

    /// The token of process context, in which the functions of a file run.
    pub fn context(&mut self) -> &mut Process {
        &mut self.cx
    }

    /// The credentials with which the file was opened. Check permissions against these and not
    /// against those of the current task, which may have been given the descriptor.
    pub fn opener(&self) -> &'a Credential {
        // SAFETY: By the type invariant, `of` and its file are valid. If the system call has
        // skipped the lock of the file position, then no other task uses the file.
        unsafe { LocalFile::from_raw_file((*self.of.as_ptr()).file) }.cred()
    }

    /// Checks that the file was opened with a capability in the initial user namespace.
    ///
    /// # Errors
    ///
    /// `EPERM` if it was not.
    pub fn check_opener(&self, capability: Capability) -> Result {
        // SAFETY: By the type invariant, `of` and its file are valid. The namespace is static.
        let capable = unsafe {
            bindings::file_ns_capable(
                (*self.of.as_ptr()).file,
                &raw mut bindings::init_user_ns,
                capability as c_int,
            )
        };

        capable.then_some(()).ok_or(EPERM)
    }
}

impl<'a, C: Controller> Deref for Access<'a, C> {
    type Target = StateRef<'a, C>;

    fn deref(&self) -> &StateRef<'a, C> {
        &self.state
    }
}

/// A capability: see capabilities(7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Capability {
    /// `CAP_SYS_ADMIN`.
    SysAdmin = bindings::CAP_SYS_ADMIN,
}

/// The result of a function that may fail, or of one that cannot.
pub trait IntoResult {
    /// Converts it to a [`Result`].
    fn into_result(self) -> Result;
}

impl IntoResult for () {
    fn into_result(self) -> Result {
        Ok(())
    }
}

impl IntoResult for Result {
    fn into_result(self) -> Result {
        self
    }
}

/// The functions of a file, as the core calls them.
type ShowFn = unsafe extern "C" fn(
    *mut bindings::nsproxy,
    *const bindings::rc_cftype,
    *mut bindings::seq_file,
) -> c_int;
type ShowFromFn = unsafe extern "C" fn(
    *mut bindings::nsproxy,
    *const bindings::rc_cftype,
    *mut bindings::seq_file,
    *mut bindings::loff_t,
) -> c_int;
type WriteFn = unsafe extern "C" fn(
    *mut bindings::nsproxy,
    *const bindings::rc_cftype,
    *mut bindings::kernfs_open_file,
    *mut c_char,
    usize,
) -> isize;

/// A file of a controller, for [`Controller::FILES`].
///
/// Closures that capture nothing, or functions, show and store the contents. They are called in
/// process context and may sleep. The name consists of the name of the controller, a period, and
/// the name of a property. It contains no slash. Other names do not compile.
///
/// # Examples
///
/// ```ignore
/// const FILES: &'static [File<Self>] = &[
///     File::<Self>::new(c"pids.current", |pids| pids.usage()).not_in_root(),
///     File::<Self>::new(c"pids.max", |pids| pids.limit())
///         .writable(|pids, max: Limit| pids.set_limit(max))
///         .not_in_root(),
///     File::<Self>::seq(c"pids.events", |pids, m| seq_print!(m, "max {}\n", pids.failcnt()))
///         .notified_by(|pids| pids.failed()),
/// ];
/// ```
///
/// # Invariants
///
/// The functions are those of this type, for a closure of which there is a value.
pub struct File<C: Controller> {
    name: &'static CStr,
    mode: u16,
    show: Option<ShowFn>,
    show_from: Option<ShowFromFn>,
    write: Option<WriteFn>,
    in_root: bool,
    event: Option<fn(&C::State) -> &Event>,
}

impl<C: Controller> File<C> {
    /// A file that shows a value.
    pub const fn new<V, F>(name: &'static CStr, show: F) -> Self
    where
        V: Show,
        F: Fn(Access<'_, C>) -> V + Copy + Send + Sync + 'static,
    {
        // INVARIANT: The function is that of this type. `show` is a value of its closure.
        let _ = show;
        let mut file = Self::with(name);

        file.show = Some(Self::show_value::<V, F>);
        file
    }

    /// A file whose text is printed by `show`, which returns nothing or a [`Result`].
    pub const fn seq<R, F>(name: &'static CStr, show: F) -> Self
    where
        R: IntoResult,
        F: Fn(Access<'_, C>, &SeqFile) -> R + Copy + Send + Sync + 'static,
    {
        // INVARIANT: As above.
        let _ = show;
        let mut file = Self::with(name);

        file.show = Some(Self::show_seq::<R, F>);
        file
    }

    /// A file that is printed in pieces, for a list that may not fit into memory.
    ///
    /// `show` prints the piece at a position, which is 0 at first. It returns the position of the
    /// next piece, which must be larger, or [`None`] after the last piece. The list may change
    /// between two pieces, so the position must be one at which the list can be found again. A
    /// piece should be a few lines: if it does not fit into the buffer, it is printed again.
    pub const fn pieces<F>(name: &'static CStr, show: F) -> Self
    where
        F: Fn(Access<'_, C>, usize, &SeqFile) -> Result<Option<usize>>
            + Copy
            + Send
            + Sync
            + 'static,
    {
        // INVARIANT: As above.
        let _ = show;
        let mut file = Self::with(name);

        file.show_from = Some(Self::show_piece::<F>);
        file
    }

    /// A file that can only be written to: see [`writable`](Self::writable).
    pub const fn write_only<V, R, F>(name: &'static CStr, store: F) -> Self
    where
        V: Parse,
        R: IntoResult,
        F: Fn(Access<'_, C>, V) -> R + Copy + Send + Sync + 'static,
    {
        Self::with(name).writable(store)
    }

    /// A file to which text can be written, as for [`text`](Self::text), and which cannot be read.
    pub const fn write_only_text<R, F>(name: &'static CStr, store: F) -> Self
    where
        R: IntoResult,
        F: Fn(Access<'_, C>, &[u8]) -> R + Copy + Send + Sync + 'static,
    {
        Self::with(name).text(store)
    }

    /// Makes the file writable. `store` is called for each value that can be parsed.
    ///
    /// `store` returns nothing or a [`Result`]. It should change nothing if it fails.
    pub const fn writable<V, R, F>(mut self, store: F) -> Self
    where
        V: Parse,
        R: IntoResult,
        F: Fn(Access<'_, C>, V) -> R + Copy + Send + Sync + 'static,
    {
        // INVARIANT: As above.
        let _ = store;
        self.write = Some(Self::write_value::<V, R, F>);
        self
    }

    /// Makes the file writable for text. `store` is called with the unmodified contents of one
    /// write(2), which are a page at most.
    pub const fn text<R, F>(mut self, store: F) -> Self
    where
        R: IntoResult,
        F: Fn(Access<'_, C>, &[u8]) -> R + Copy + Send + Sync + 'static,
    {
        // INVARIANT: As above.
        let _ = store;
        self.write = Some(Self::write_text::<R, F>);
        self
    }

    /// Sets the permissions. The default is 0444, 0644 or 0200, depending on the functions.
    pub const fn mode(mut self, mode: u16) -> Self {
        assert!(
            mode != 0 && mode & !0o777 == 0,
            "the mode of a file is read, write and execute permissions, and not 0"
        );
        self.mode = mode;
        self
    }

    /// Omits the file in the root of a hierarchy, where a limit would be one for the whole system.
    pub const fn not_in_root(mut self) -> Self {
        self.in_root = false;
        self
    }

    /// Lets readers of the file wait for an event of the state. At most two files can share an
    /// event.
    pub const fn notified_by(mut self, event: fn(&C::State) -> &Event) -> Self {
        self.event = Some(event);
        self
    }

    const fn with(name: &'static CStr) -> Self {
        Self {
            name,
            mode: 0,
            show: None,
            show_from: None,
            write: None,
            in_root: true,
            event: None,
        }
    }

    /// Checks the files of the controller at compile time.
    pub(super) const fn check_all() {
        let mut i = 0;

        // Iterators cannot be used in constants.
        while i < C::FILES.len() {
            let mut other = 0;

            check_name(C::NAME.to_bytes(), C::FILES[i].name.to_bytes());
            // At each piece, kernfs overwrites the number of notifications that the reader has
            // seen.
            assert!(
                C::FILES[i].show_from.is_none() || C::FILES[i].event.is_none(),
                "a file that is printed piece by piece has no event"
            );
            while other < i {
                assert!(
                    !are_equal(C::FILES[i].name.to_bytes(), C::FILES[other].name.to_bytes()),
                    "two files of the controller have the same name"
                );
                other += 1;
            }
            i += 1;
        }
    }

    /// The description of the file for the core, with `index` as private data.
    pub(super) fn to_cftype(&self, index: usize) -> bindings::rc_cftype {
        bindings::rc_cftype {
            name: self.name.as_char_ptr(),
            private: index as c_int,
            mode: self.mode,
            ss: ptr::null_mut(),
            seq_show: self.show,
            seq_show_from: self.show_from,
            write: self.write,
        }
    }

    /// Makes the file in a new directory.
    ///
    /// # Safety
    ///
    /// `dir` and `ss` must be the arguments of `populate`, and `state` the state of the container.
    /// `cft` must have been returned by [`to_cftype`](Self::to_cftype), and must stay as long as
    /// `ss` is registered.
    pub(super) unsafe fn add(
        &self,
        dir: *mut bindings::kernfs_node,
        ss: *mut bindings::rc_subsys,
        cft: *mut bindings::rc_cftype,
        state: StateRef<'_, C>,
    ) -> Result {
        if state.is_root() && !self.in_root {
            return Ok(());
        }
        // SAFETY: By the safety requirements. The name has been checked at compile time.
        let node = from_err_ptr(unsafe { bindings::rcfs_create_file(dir, ss, cft) })?;
        // There is no event in the root: its state outlives its files.
        if let (Some(event), Some(node), false) = (self.event, NonNull::new(node), state.is_root())
        {
            // SAFETY: The file is new. It is not removed while its container is being made.
            unsafe { event(&state).add_file(node)? };
        }
        Ok(())
    }

    /// Makes the access for a call of a function.
    ///
    /// # Safety
    ///
    /// `cft` must come from [`to_cftype`](Self::to_cftype), `ns` must be that of a container which
    /// has a state of `C`, and `of` must be valid. All of them must stay for `'a`. The caller must
    /// be a function of a file.
    unsafe fn access<'a>(
        ns: *mut bindings::nsproxy,
        cft: *const bindings::rc_cftype,
        of: *mut bindings::kernfs_open_file,
    ) -> Access<'a, C> {
        // INVARIANT: By the safety requirements.
        //
        // SAFETY: By the safety requirements. The core calls functions of files in process context.
        unsafe {
            Access {
                state: StateRef::from_ptr(bindings::rcfs_nsproxy_state(ns, (*cft).ss)),
                cx: Process::new(),
                of: NonNull::new_unchecked(of),
            }
        }
    }

    /// Makes the access for a reader, and notes that the reader watches the event of the file.
    ///
    /// # Safety
    ///
    /// As for [`access`](Self::access). `m` must be the seq file of an open file.
    unsafe fn read<'a>(
        ns: *mut bindings::nsproxy,
        cft: *const bindings::rc_cftype,
        m: *mut bindings::seq_file,
    ) -> Access<'a, C> {
        // SAFETY: By the safety requirements. kernfs sets `private` to the open file.
        let (access, index) = unsafe {
            (
                Self::access(ns, cft, (*m).private.cast()),
                (*cft).private as usize,
            )
        };

        if let Some(event) = C::FILES.get(index).and_then(|file| file.event) {
            event(access.state.get()).watch();
        }
        access
    }

    /// Calls `store` with what was written.
    ///
    /// # Safety
    ///
    /// As for [`access`](Self::access). `buf` must have `bytes` bytes.
    unsafe fn write(
        ns: *mut bindings::nsproxy,
        cft: *const bindings::rc_cftype,
        of: *mut bindings::kernfs_open_file,
        buf: *mut c_char,
        bytes: usize,
        store: impl FnOnce(Access<'_, C>, &[u8]) -> Result,
    ) -> isize {
        // SAFETY: By the safety requirements.
        let text = unsafe { core::slice::from_raw_parts(buf.cast_const().cast::<u8>(), bytes) };

        from_result(|| {
            // SAFETY: By the safety requirements.
            store(unsafe { Self::access(ns, cft, of) }, text)?;
            Ok(bytes as isize)
        })
    }

    /// # Safety
    ///
    /// Only the core of rcfs may call this, for a file that [`new`](Self::new) has made with `F`.
    unsafe extern "C" fn show_value<V, F>(
        ns: *mut bindings::nsproxy,
        cft: *const bindings::rc_cftype,
        m: *mut bindings::seq_file,
    ) -> c_int
    where
        V: Show,
        F: Fn(Access<'_, C>) -> V + Copy + Send + Sync + 'static,
    {
        // SAFETY: By the type invariant, there is a value of `F`.
        let show = unsafe { closure::<F>() };

        // SAFETY: The core calls this as `read` requires. Only this call uses the seq file.
        unsafe { show(Self::read(ns, cft, m)).show(SeqFile::from_raw(m)) };
        0
    }

    /// # Safety
    ///
    /// Only the core of rcfs may call this, for a file that [`seq`](Self::seq) has made with `F`.
    unsafe extern "C" fn show_seq<R, F>(
        ns: *mut bindings::nsproxy,
        cft: *const bindings::rc_cftype,
        m: *mut bindings::seq_file,
    ) -> c_int
    where
        R: IntoResult,
        F: Fn(Access<'_, C>, &SeqFile) -> R + Copy + Send + Sync + 'static,
    {
        // SAFETY: By the type invariant, there is a value of `F`.
        let show = unsafe { closure::<F>() };

        from_result(|| {
            // SAFETY: The core calls this as `read` requires. Only this call uses the seq file.
            unsafe { show(Self::read(ns, cft, m), SeqFile::from_raw(m)) }
                .into_result()
                .map(|()| 0)
        })
    }

    /// # Safety
    ///
    /// Only the core of rcfs may call this, for a file that [`pieces`](Self::pieces) has made with
    /// `F`.
    unsafe extern "C" fn show_piece<F>(
        ns: *mut bindings::nsproxy,
        cft: *const bindings::rc_cftype,
        m: *mut bindings::seq_file,
        pos: *mut bindings::loff_t,
    ) -> c_int
    where
        F: Fn(Access<'_, C>, usize, &SeqFile) -> Result<Option<usize>>
            + Copy
            + Send
            + Sync
            + 'static,
    {
        // SAFETY: By the type invariant, there is a value of `F`.
        let show = unsafe { closure::<F>() };

        from_result(|| {
            // SAFETY: The core passes a valid position, which only this call uses.
            let from = usize::try_from(unsafe { *pos })?;
            // SAFETY: The core calls this as `read` requires. Only this call uses the seq file.
            let next = unsafe { show(Self::read(ns, cft, m), from, SeqFile::from_raw(m)) }?;
            let next = match next {
                // Reading would never come to an end.
                Some(next) if next <= from => return Err(EINVAL),
                Some(next) => bindings::loff_t::try_from(next)?,
                None => bindings::RCFS_LIST_END as bindings::loff_t,
            };

            // SAFETY: As above.
            unsafe { *pos = next };
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// Only the core of rcfs may call this, for a file for which [`writable`](Self::writable) was
    /// called with `F`.
    unsafe extern "C" fn write_value<V, R, F>(
        ns: *mut bindings::nsproxy,
        cft: *const bindings::rc_cftype,
        of: *mut bindings::kernfs_open_file,
        buf: *mut c_char,
        bytes: usize,
    ) -> isize
    where
        V: Parse,
        R: IntoResult,
        F: Fn(Access<'_, C>, V) -> R + Copy + Send + Sync + 'static,
    {
        // SAFETY: By the type invariant, there is a value of `F`.
        let store = unsafe { closure::<F>() };

        // SAFETY: The core calls this as `write` requires.
        unsafe {
            Self::write(ns, cft, of, buf, bytes, |access, text| {
                store(access, V::parse(trim(text))?).into_result()
            })
        }
    }

    /// # Safety
    ///
    /// Only the core of rcfs may call this, for a file for which [`text`](Self::text) was called
    /// with `F`.
    unsafe extern "C" fn write_text<R, F>(
        ns: *mut bindings::nsproxy,
        cft: *const bindings::rc_cftype,
        of: *mut bindings::kernfs_open_file,
        buf: *mut c_char,
        bytes: usize,
    ) -> isize
    where
        R: IntoResult,
        F: Fn(Access<'_, C>, &[u8]) -> R + Copy + Send + Sync + 'static,
    {
        // SAFETY: By the type invariant, there is a value of `F`.
        let store = unsafe { closure::<F>() };

        // SAFETY: The core calls this as `write` requires.
        unsafe {
            Self::write(ns, cft, of, buf, bytes, |access, text| {
                store(access, text).into_result()
            })
        }
    }
}

const fn are_equal(a: &[u8], b: &[u8]) -> bool {
    let mut i = 0;

    if a.len() != b.len() {
        return false;
    }
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}

const fn check_name(controller: &[u8], name: &[u8]) {
    let mut i = 0;

    assert!(
        name.len() < bindings::RC_MAX_CFTYPE_NAME as usize,
        "the name of a file has 63 characters at most"
    );
    while i < controller.len() {
        assert!(
            i < name.len() && name[i] == controller[i],
            "the name of a file begins with the name of its controller and a period"
        );
        i += 1;
    }
    assert!(
        i < name.len() && name[i] == b'.',
        "the name of a file begins with the name of its controller and a period"
    );
    assert!(
        i + 1 < name.len(),
        "the name of a file says after the period what the file is about"
    );
    while i < name.len() {
        assert!(name[i] != b'/', "the name of a file has no slash");
        i += 1;
    }
}

/// Returns the value of a zero-sized type that may be used on any thread.
///
/// # Safety
///
/// A value of the type must have existed.
pub(super) unsafe fn closure<F: Send + Sync + 'static>() -> &'static F {
    const {
        assert!(
            mem::size_of::<F>() == 0,
            "a closure of a controller must not capture anything"
        )
    };
    // SAFETY: `F` is zero-sized, so that nothing is read. By the safety requirements, a value of
    // the type has existed.
    unsafe { NonNull::<F>::dangling().as_ref() }
}
