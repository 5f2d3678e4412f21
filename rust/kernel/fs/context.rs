// SPDX-License-Identifier: GPL-2.0

//! Mount options, and messages to user space about them.
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
    /// No value: `-o key`.
    Flag,
    /// A string: `-o key=value`.
    String(&'a CStr),
    /// A blob, a path or a file descriptor, which only `fsconfig(2)` can pass.
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
    /// The parameter that C code passes.
    ///
    /// # Safety
    ///
    /// `param` must be valid, and not change, for `'a`.
    pub unsafe fn from_raw(param: *const bindings::fs_parameter) -> Self {
        // INVARIANT: By the safety requirements.
        Self {
            param,
            _p: PhantomData,
        }
    }

    /// The name of the option.
    pub fn key(&self) -> &'a CStr {
        // SAFETY: By the type invariant. The VFS passes keys that end with a NUL.
        unsafe { CStr::from_char_ptr((*self.param).key) }
    }

    /// The value of the option.
    pub fn value(&self) -> Value<'a> {
        // SAFETY: By the type invariant, `param` is valid.
        let param = unsafe { &*self.param };

        match param.type_() {
            bindings::fs_value_type_fs_value_is_flag => Value::Flag,
            bindings::fs_value_type_fs_value_is_string => {
                // SAFETY: A parameter of this type has a string.
                Value::String(unsafe { CStr::from_char_ptr(param.__bindgen_anon_1.string) })
            }
            _ => Value::Other,
        }
    }
}

/// The log of a mount, for explanations of errors. User space reads it from the descriptor of
/// `fsopen(2)`, or in the kernel log after `mount(2)`.
///
/// # Invariants
///
/// `fc` is valid for `'a`.
pub struct Log<'a> {
    fc: *mut bindings::fs_context,
    _p: PhantomData<&'a ()>,
}

impl<'a> Log<'a> {
    /// The log of a context that C code passes.
    ///
    /// # Safety
    ///
    /// `fc` must be valid for `'a`.
    pub unsafe fn from_raw(fc: *mut bindings::fs_context) -> Self {
        // INVARIANT: By the safety requirements.
        Self {
            fc,
            _p: PhantomData,
        }
    }

    /// Explains an error. The message is prefixed with the name of the file system and a colon.
    pub fn error(&self, args: fmt::Arguments<'_>) {
        // SAFETY: By the type invariant, `fc` is valid. `%pA` takes a pointer to `Arguments`.
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
