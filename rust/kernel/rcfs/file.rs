// SPDX-License-Identifier: GPL-2.0

//! The files that controllers have in containers.

use super::{
    trim,
    Controller,
    Event,
    Parse,
    Show,
    StateRef, //
};
use crate::{
    bindings,
    error::{
        from_err_ptr,
        from_result, //
    },
    prelude::*,
    seq_file::SeqFile,
    str::{
        as_char_ptr_in_const_context,
        CStr, //
    },
    types::Opaque, //
};
use core::{
    mem,
    ptr::{
        self,
        NonNull, //
    },
};

/// A file of a controller.
///
/// What it does is said by closures that capture nothing, or functions.
///
/// # Examples
///
/// ```ignore
/// static FILES: [File<Pids>; 3] = [
///     File::<Pids>::new(c"pids.current", |pids| pids.current()).not_in_root(),
///     File::<Pids>::new(c"pids.max", |pids| pids.max())
///         .writable(|pids, max: Limit| pids.set_max(max))
///         .not_in_root(),
///     File::<Pids>::seq(c"pids.events", |pids, m| pids.show_events(m))
///         .notified_by(|pids| &pids.refusal),
/// ];
/// ```
///
/// # Invariants
///
/// `cft` is the first field, and its callbacks are those of this type; closures that they call
/// exist.
#[repr(C)]
pub struct File<C: Controller> {
    cft: Opaque<bindings::rc_cftype>,
    in_root: bool,
    event: Option<fn(&C::State) -> &Event>,
}

// SAFETY: Only the core of rcfs writes to `cft`: once, with its mutex held, before anybody else
// reads what it writes.
unsafe impl<C: Controller> Sync for File<C> {}

impl<C: Controller> File<C> {
    /// A file that shows a value. `name` is the name of the controller, a period, and what the file
    /// is about, without a slash; others do not compile.
    ///
    /// `show` is called in process context and may sleep; the container stays meanwhile.
    pub const fn new<V, F>(name: &'static CStr, show: F) -> Self
    where
        V: Show,
        F: Fn(StateRef<'_, C>) -> V + Copy + Send + Sync + 'static,
    {
        // INVARIANT: The callback is ours, and the closure is there.
        let _ = show;
        Self::with(name, Self::show_value::<V, F>)
    }

    /// A file whose text `show` prints. See [`new`](Self::new).
    pub const fn seq<F>(name: &'static CStr, show: F) -> Self
    where
        F: Fn(StateRef<'_, C>, &SeqFile) -> Result + Copy + Send + Sync + 'static,
    {
        // INVARIANT: As above.
        let _ = show;
        Self::with(name, Self::show_seq::<F>)
    }

    /// Lets a value be written to the file, too.
    ///
    /// `store` is called, in process context, for values that could be understood. An error of it
    /// should leave everything as it was.
    pub const fn writable<V, F>(self, store: F) -> Self
    where
        V: Parse,
        F: Fn(StateRef<'_, C>, V) -> Result + Copy + Send + Sync + 'static,
    {
        // INVARIANT: As above.
        let _ = store;
        let this = self;
        // SAFETY: The file is ours.
        unsafe { (*this.cft.get()).write = Some(Self::write_value::<V, F>) };
        this
    }

    /// Makes no such file in the root of a hierarchy: a limit there would be one for the system.
    pub const fn not_in_root(self) -> Self {
        let mut this = self;

        this.in_root = false;
        this
    }

    /// Lets those who have read the file wait for an event of its state.
    pub const fn notified_by(self, event: fn(&C::State) -> &Event) -> Self {
        let mut this = self;

        this.event = Some(event);
        this
    }

    const fn with(
        name: &'static CStr,
        show: unsafe extern "C" fn(
            *mut bindings::nsproxy,
            *const bindings::rc_cftype,
            *mut bindings::seq_file,
        ) -> c_int,
    ) -> Self {
        Self::check_name(name.to_bytes());
        Self {
            cft: Opaque::new(bindings::rc_cftype {
                name: as_char_ptr_in_const_context(name),
                private: 0,
                ss: ptr::null_mut(),
                seq_show: Some(show),
                write: None,
            }),
            in_root: true,
            event: None,
        }
    }

    /// Files are made in constants, so that a name that cannot be does not compile.
    const fn check_name(name: &[u8]) {
        let controller = C::NAME.to_bytes();
        let mut i = 0;

        assert!(name.len() < bindings::RC_MAX_CFTYPE_NAME as usize);
        assert!(name.len() > controller.len() + 1);
        assert!(name[controller.len()] == b'.');
        // Iterators do not work in constants.
        while i < controller.len() {
            assert!(name[i] == controller[i]);
            i += 1;
        }
        while i < name.len() {
            assert!(name[i] != b'/');
            i += 1;
        }
    }

    /// Makes the file in a new directory.
    ///
    /// # Safety
    ///
    /// `dir` and `ss` must be what `populate` was called with, and `state` that of the container.
    pub(super) unsafe fn add(
        &'static self,
        dir: *mut bindings::kernfs_node,
        ss: *mut bindings::rc_subsys,
        state: StateRef<'_, C>,
    ) -> Result {
        if state.is_root() && !self.in_root {
            return Ok(());
        }
        // SAFETY: By the safety requirements, and the file is valid for ever. Its name has been
        // looked at when it was compiled.
        let node = from_err_ptr(unsafe { bindings::rcfs_create_file(dir, ss, self.cft.get()) })?;
        // The root's state lives longer than the files of it.
        if let (Some(event), Some(node), false) = (self.event, NonNull::new(node), state.is_root())
        {
            // SAFETY: The file is new, and nobody removes it while its container is being made.
            unsafe { event(&state).tie(node) };
        }
        Ok(())
    }

    /// The file and the state that a callback is about.
    ///
    /// # Safety
    ///
    /// Only for callbacks: `cft` is in a `File<C>`, and `ns` that of a container which has a state
    /// of `C` and stays for `'a`.
    unsafe fn called<'a>(
        ns: *mut bindings::nsproxy,
        cft: *const bindings::rc_cftype,
    ) -> (&'static Self, StateRef<'a, C>) {
        // SAFETY: By the type invariant, `cft` is the first field of a file, which is never
        // written to but for `cft`. By the safety requirements, the state is one of `C`.
        unsafe {
            (
                &*cft.cast::<Self>(),
                StateRef::from_ptr(bindings::rcfs_nsproxy_state(ns, (*cft).ss)),
            )
        }
    }

    /// As [`called`](Self::called), for a reader.
    ///
    /// # Safety
    ///
    /// As there.
    unsafe fn read<'a>(
        ns: *mut bindings::nsproxy,
        cft: *const bindings::rc_cftype,
    ) -> StateRef<'a, C> {
        // SAFETY: By the safety requirements.
        let (file, state) = unsafe { Self::called(ns, cft) };

        if let Some(event) = file.event {
            event(state.get()).watch();
        }
        state
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
        F: Fn(StateRef<'_, C>) -> V + Copy + Send + Sync + 'static,
    {
        // SAFETY: By the type invariant, there is such a closure.
        let show = unsafe { closure::<F>() };

        // SAFETY: The core passes a seq file that only this call uses, and what `read` wants.
        unsafe { show(Self::read(ns, cft)).show(SeqFile::from_raw(m)) };
        0
    }

    /// # Safety
    ///
    /// Only for the core of rcfs, for files that [`seq`](Self::seq) has made with `F`.
    unsafe extern "C" fn show_seq<F>(
        ns: *mut bindings::nsproxy,
        cft: *const bindings::rc_cftype,
        m: *mut bindings::seq_file,
    ) -> c_int
    where
        F: Fn(StateRef<'_, C>, &SeqFile) -> Result + Copy + Send + Sync + 'static,
    {
        // SAFETY: By the type invariant, there is such a closure.
        let show = unsafe { closure::<F>() };

        // SAFETY: The core passes a seq file that only this call uses, and what `read` wants.
        from_result(|| unsafe { show(Self::read(ns, cft), SeqFile::from_raw(m)) }.map(|()| 0))
    }

    /// # Safety
    ///
    /// Only for the core of rcfs, for files that [`writable`](Self::writable) was called for with
    /// `F`.
    unsafe extern "C" fn write_value<V, F>(
        ns: *mut bindings::nsproxy,
        cft: *const bindings::rc_cftype,
        _of: *mut bindings::kernfs_open_file,
        buf: *mut c_char,
        bytes: usize,
    ) -> isize
    where
        V: Parse,
        F: Fn(StateRef<'_, C>, V) -> Result + Copy + Send + Sync + 'static,
    {
        // SAFETY: The core passes what `called` wants.
        let (_, state) = unsafe { Self::called(ns, cft) };
        // SAFETY: The core passes a buffer with `bytes` bytes in it.
        let text = unsafe { core::slice::from_raw_parts(buf.cast_const().cast::<u8>(), bytes) };
        // SAFETY: By the type invariant, there is such a closure.
        let store = unsafe { closure::<F>() };

        from_result(|| {
            store(state, V::parse(trim(text))?)?;
            Ok(bytes as isize)
        })
    }
}

/// The one value of a type without contents, which may be used on any thread.
///
/// # Safety
///
/// There must have been one.
unsafe fn closure<F: Send + Sync + 'static>() -> &'static F {
    const { assert!(mem::size_of::<F>() == 0) };
    // SAFETY: Nothing is read from a reference to nothing; by the safety requirements, the type
    // has a value.
    unsafe { NonNull::<F>::dangling().as_ref() }
}
