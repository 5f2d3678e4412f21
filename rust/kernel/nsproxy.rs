// SPDX-License-Identifier: GPL-2.0

//! Namespace proxies: the namespaces and the containers of tasks.
//!
//! C header: [`include/linux/nsproxy.h`](srctree/include/linux/nsproxy.h)

use crate::{
    bindings,
    rcfs::{
        context::MaySleep,
        members::nsproxy_of, //
    },
    sync::aref::{
        ARef,
        AlwaysRefCounted, //
    },
    task::Task,
    types::Opaque,
};
use core::ptr::{
    self,
    NonNull, //
};

/// Wraps the kernel's `struct nsproxy`.
///
/// Putting the last reference may sleep.
///
/// # Invariants
///
/// Instances of this type are always reference-counted.
#[repr(transparent)]
pub struct NsProxy(Opaque<bindings::nsproxy>);

// SAFETY: `NsProxy::dec_ref` can be called from any thread.
unsafe impl Send for NsProxy {}

// SAFETY: The namespaces and the containers do not change once a second thread can see the
// nsproxy. The count is atomic. Flags are read by volatile reads.
unsafe impl Sync for NsProxy {}

impl NsProxy {
    /// The pointer for C code.
    #[inline]
    pub fn as_ptr(&self) -> *mut bindings::nsproxy {
        self.0.get()
    }
}

// SAFETY: The type invariants guarantee that `NsProxy` is always reference-counted.
unsafe impl AlwaysRefCounted for NsProxy {
    #[inline]
    fn inc_ref(&self) {
        // SAFETY: The existence of a shared reference means that the count is not zero.
        unsafe { bindings::get_nsproxy(self.as_ptr()) };
    }

    #[inline]
    unsafe fn dec_ref(obj: NonNull<Self>) {
        // SAFETY: The safety requirements guarantee that the count is not zero.
        unsafe { bindings::put_nsproxy(obj.cast().as_ptr()) };
    }
}

impl Task {
    /// The current nsproxy of the task, or [`None`] if the task is exiting and has given it up.
    /// Takes the `task_lock`. To drop the result may sleep.
    pub fn nsproxy(&self, _cx: &impl MaySleep) -> Option<ARef<NsProxy>> {
        nsproxy_of(self)
    }

    /// Whether the current nsproxy of the task is `ns`.
    pub fn has_nsproxy(&self, ns: &NsProxy) -> bool {
        // SAFETY: By the type invariant, the task is valid. The pointer is only compared.
        let now = unsafe { bindings::task_nsproxy_rcu(self.as_ptr()) };

        ptr::eq(now, ns.as_ptr())
    }
}
