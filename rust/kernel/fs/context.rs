// SPDX-License-Identifier: GPL-2.0

//! Mount options, and telling user space what is wrong with them.
//!
//! C header: [`include/linux/fs_context.h`](srctree/include/linux/fs_context.h)

use crate::{
    bindings,
    fmt,
    prelude::*,
    str::CStr, //
};
use core::marker::PhantomData;

/// The value of a mount option.
pub enum Value<'a> {
    /// None: `-o key`.
    Flag,
    /// A string: `-o key=value`.
    String(&'a CStr),
    /// Something only `fsconfig(2)` can pass: a blob, a path, a file descriptor.
    Other,
}

/// A mount option.
///
/// # Invariants
///
/// `param` is valid for `'a`.
pub struct Parameter<'a> {
    param: *const bindings::fs_parameter,
    _p: PhantomData<&'a ()>,
}

impl<'a> Parameter<'a> {
    /// # Safety
    ///
    /// `param` must be valid, and not change, for `'a`.
    pub(crate) unsafe fn from_raw(param: *const bindings::fs_parameter) -> Self {
        // INVARIANT: By the safety requirements.
        Self {
            param,
            _p: PhantomData,
        }
    }

    /// The name of the option.
    pub fn key(&self) -> &'a CStr {
        // SAFETY: By the type invariant; the VFS passes only keys that end in NUL.
        unsafe { CStr::from_char_ptr((*self.param).key) }
    }

    /// The value of the option.
    pub fn value(&self) -> Value<'a> {
        // SAFETY: By the type invariant.
        let param = unsafe { &*self.param };

        match param.type_() {
            bindings::fs_value_type_fs_value_is_flag => Value::Flag,
            bindings::fs_value_type_fs_value_is_string => {
                // SAFETY: This type says that the string is there.
                Value::String(unsafe { CStr::from_char_ptr(param.__bindgen_anon_1.string) })
            }
            _ => Value::Other,
        }
    }
}

/// Where the errors of a mount are explained: what `read(2)` of the descriptor from `fsopen(2)`
/// returns, and the kernel log for `mount(2)`.
///
/// # Invariants
///
/// `fc` is valid for `'a`.
pub struct Log<'a> {
    fc: *mut bindings::fs_context,
    _p: PhantomData<&'a ()>,
}

impl<'a> Log<'a> {
    /// # Safety
    ///
    /// `fc` must be valid for `'a`.
    pub(crate) unsafe fn from_raw(fc: *mut bindings::fs_context) -> Self {
        // INVARIANT: By the safety requirements.
        Self {
            fc,
            _p: PhantomData,
        }
    }

    /// Explains an error. The name of the file system and a colon are put in front.
    pub fn error(&self, args: fmt::Arguments<'_>) {
        // SAFETY: By the type invariant. Passing a void pointer to `Arguments` is valid for `%pA`.
        unsafe {
            bindings::logfc(
                (*self.fc).log.log,
                (*(*self.fc).fs_type).name,
                b'e' as c_char,
                c"%pA".as_char_ptr(),
                core::ptr::from_ref(&args).cast::<c_void>(),
            );
        }
    }
}
