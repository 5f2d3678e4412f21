// SPDX-License-Identifier: GPL-2.0

//! The files that controllers have in containers.

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

/// An access to a file of a container: what the functions of a [`File`] get.
///
/// It is used like the [`StateRef`] of the container, and hence like a reference to the state. The
/// container stays meanwhile.
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
    /// The state of the container, for as long as the access lasts.
    pub fn state(&self) -> StateRef<'a, C> {
        self.state
    }

    /// The context: the functions of a file run in process context, and may sleep.
    pub fn context(&mut self) -> &mut Process {
        &mut self.cx
    }

    /// The credentials of whoever opened the file, to judge permissions by: the descriptor may
    /// have been handed on.
    pub fn opener(&self) -> &'a Credential {
        // SAFETY: By the type invariant, `of` is valid, and so is its file. If the system call has
        // the position of the file without its lock, then nobody else has the file.
        unsafe { LocalFile::from_raw_file((*self.of.as_ptr()).file) }.cred()
    }

    /// Whether whoever opened the file has a capability in the initial user namespace.
    ///
    /// # Errors
    ///
    /// `EPERM` if not.
    pub fn check_opener(&self, capability: Capability) -> Result {
        // SAFETY: By the type invariant, `of` is valid, and so is its file. The namespace is there
        // for ever.
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
    /// `CAP_SYS_NICE`.
    SysNice = bindings::CAP_SYS_NICE,
    /// `CAP_SYS_RESOURCE`.
    SysResource = bindings::CAP_SYS_RESOURCE,
}

/// What a function returns that may fail, or cannot.
pub trait IntoResult {
    /// The same as a result.
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

/// A function of a file, as the core calls it.
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
/// What it does is said by closures that capture nothing, or functions. They are called in process
/// context and may sleep. The name is that of the controller, a period, and what the file is about,
/// without a slash; others do not compile.
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
/// The functions are those of this type; the closures that they call exist.
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
        // INVARIANT: The function is ours, and the closure is there.
        let _ = show;
        let mut file = Self::with(name);

        file.show = Some(Self::show_value::<V, F>);
        file
    }

    /// A file whose text `show` prints. It returns nothing, or a [`Result`].
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

    /// A file that is printed piece by piece: for a list that may not fit into memory.
    ///
    /// `show` prints what comes at a position, which is 0 to begin with. It returns the position
    /// of the next piece, which is a larger one, or [`None`] after the last piece. Two pieces of
    /// one reader may come from different moments. A piece is printed again if there was too little
    /// room for it, so that it should be a few lines, and the list be found again by the position.
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

    /// As [`write_only`](Self::write_only), for text: see [`text`](Self::text).
    pub const fn write_only_text<R, F>(name: &'static CStr, store: F) -> Self
    where
        R: IntoResult,
        F: Fn(Access<'_, C>, &[u8]) -> R + Copy + Send + Sync + 'static,
    {
        Self::with(name).text(store)
    }

    /// Lets a value be written to the file, too.
    ///
    /// `store` is called for values that could be understood. It returns nothing, or a [`Result`];
    /// an error of it should leave everything as it was.
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

    /// Lets text be written to the file: `store` gets what one write(2) has written, up to a page,
    /// as it was written.
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

    /// Sets the permissions. Without this, they are 0444, 0644 or 0200: what the file can do.
    pub const fn mode(mut self, mode: u16) -> Self {
        assert!(
            mode != 0 && mode & !0o777 == 0,
            "the mode of a file is read, write and execute permissions, and not 0"
        );
        self.mode = mode;
        self
    }

    /// Makes no such file in the root of a hierarchy: a limit there would be one for the system.
    pub const fn not_in_root(mut self) -> Self {
        self.in_root = false;
        self
    }

    /// Lets those who have read the file wait for an event of its state. Two files can have one
    /// event in common.
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

    /// Makes sure, when it is compiled, that the files of the controller can be made.
    pub(super) const fn check_all() {
        let mut i = 0;

        // Iterators do not work in constants.
        while i < C::FILES.len() {
            let mut other = 0;

            check_name(C::NAME.to_bytes(), C::FILES[i].name.to_bytes());
            // kernfs forgets with each piece what the reader knew before.
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

    /// What the core wants to know of file number `index`.
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
    /// `dir` and `ss` must be what `populate` was called with, `state` that of the container, and
    /// `cft` what [`to_cftype`](Self::to_cftype) returned, for as long as `ss` is registered.
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
        // SAFETY: By the safety requirements. The name has been looked at when it was compiled.
        let node = from_err_ptr(unsafe { bindings::rcfs_create_file(dir, ss, cft) })?;
        // The root's state lives longer than the files of it.
        if let (Some(event), Some(node), false) = (self.event, NonNull::new(node), state.is_root())
        {
            // SAFETY: The file is new, and nobody removes it while its container is being made.
            unsafe { event(&state).add_file(node)? };
        }
        Ok(())
    }

    /// The access that a function is called for.
    ///
    /// # Safety
    ///
    /// Only for functions of files: `cft` is one of [`to_cftype`](Self::to_cftype), `ns` that of a
    /// container which has a state of `C`, `of` valid, and all of them stay for `'a`.
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

    /// As [`access`](Self::access), for a reader.
    ///
    /// # Safety
    ///
    /// As there; `m` must be the seq file of an open file.
    unsafe fn read<'a>(
        ns: *mut bindings::nsproxy,
        cft: *const bindings::rc_cftype,
        m: *mut bindings::seq_file,
    ) -> Access<'a, C> {
        // SAFETY: By the safety requirements; kernfs puts the open file there.
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

    /// Lets `store` take what was written.
    ///
    /// # Safety
    ///
    /// As [`access`](Self::access); `buf` must have `bytes` bytes in it.
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
    /// Only for the core of rcfs, for files that [`new`](Self::new) has made with `F`.
    unsafe extern "C" fn show_value<V, F>(
        ns: *mut bindings::nsproxy,
        cft: *const bindings::rc_cftype,
        m: *mut bindings::seq_file,
    ) -> c_int
    where
        V: Show,
        F: Fn(Access<'_, C>) -> V + Copy + Send + Sync + 'static,
    {
        // SAFETY: By the type invariant, there is such a closure.
        let show = unsafe { closure::<F>() };

        // SAFETY: The core passes a seq file that only this call uses, and what `read` wants.
        unsafe { show(Self::read(ns, cft, m)).show(SeqFile::from_raw(m)) };
        0
    }

    /// # Safety
    ///
    /// Only for the core of rcfs, for files that [`seq`](Self::seq) has made with `F`.
    unsafe extern "C" fn show_seq<R, F>(
        ns: *mut bindings::nsproxy,
        cft: *const bindings::rc_cftype,
        m: *mut bindings::seq_file,
    ) -> c_int
    where
        R: IntoResult,
        F: Fn(Access<'_, C>, &SeqFile) -> R + Copy + Send + Sync + 'static,
    {
        // SAFETY: By the type invariant, there is such a closure.
        let show = unsafe { closure::<F>() };

        from_result(|| {
            // SAFETY: The core passes a seq file that only this call uses, and what `read` wants.
            unsafe { show(Self::read(ns, cft, m), SeqFile::from_raw(m)) }
                .into_result()
                .map(|()| 0)
        })
    }

    /// # Safety
    ///
    /// Only for the core of rcfs, for files that [`pieces`](Self::pieces) has made with `F`.
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
        // SAFETY: By the type invariant, there is such a closure.
        let show = unsafe { closure::<F>() };

        from_result(|| {
            // SAFETY: The core passes a position that only this call uses.
            let from = usize::try_from(unsafe { *pos })?;
            // SAFETY: The core passes a seq file that only this call uses, and what `read` wants.
            let next = unsafe { show(Self::read(ns, cft, m), from, SeqFile::from_raw(m)) }?;
            let next = match next {
                // It would never end.
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
    /// Only for the core of rcfs, for files that [`writable`](Self::writable) was called for with
    /// `F`.
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
        // SAFETY: By the type invariant, there is such a closure.
        let store = unsafe { closure::<F>() };

        // SAFETY: The core passes what `write` wants.
        unsafe {
            Self::write(ns, cft, of, buf, bytes, |access, text| {
                store(access, V::parse(trim(text))?).into_result()
            })
        }
    }

    /// # Safety
    ///
    /// Only for the core of rcfs, for files that [`text`](Self::text) was called for with `F`.
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
        // SAFETY: By the type invariant, there is such a closure.
        let store = unsafe { closure::<F>() };

        // SAFETY: The core passes what `write` wants.
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

/// The one value of a type without contents, which may be used on any thread.
///
/// # Safety
///
/// There must have been one.
pub(super) unsafe fn closure<F: Send + Sync + 'static>() -> &'static F {
    const {
        assert!(
            mem::size_of::<F>() == 0,
            "a closure of a controller must not capture anything"
        )
    };
    // SAFETY: Nothing is read from a reference to nothing; by the safety requirements, the type
    // has a value.
    unsafe { NonNull::<F>::dangling().as_ref() }
}
