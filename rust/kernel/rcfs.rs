// SPDX-License-Identifier: GPL-2.0

//! Resource controllers for rcfs, the resource control file system.
//!
//! A controller accounts or limits one resource. It consists of a type that implements
//! [`Controller`], the [state](Controller::State) that it keeps for each container, and a table of
//! [`File`]s. The core of rcfs makes and frees the states, and finds the right one for a task; a
//! controller sees neither locks nor references.
//!
//! This module does not support yet:
//!
//! - hooks other than [`Controller::charge`];
//! - files other than those that show a number.
//!
//! C header: [`include/linux/rcfs.h`](srctree/include/linux/rcfs.h)
//!
//! # Examples
//!
//! A controller that counts how often the scheduler accounted CPU time to a container:
//!
//! ```
//! use kernel::{percpu::Counter, prelude::*, rcfs};
//!
//! struct Ticks;
//!
//! #[vtable]
//! impl rcfs::Controller for Ticks {
//!     const NAME: &'static CStr = c"ticks";
//!     type State = Counter;
//!
//!     fn create(_parent: Option<rcfs::StateRef<'_, Self>>) -> impl PinInit<Counter, Error> {
//!         Counter::new().map_err(Error::from)
//!     }
//!
//!     fn charge(state: rcfs::StateRef<'_, Self>, _ns: u64) {
//!         for state in state.lineage() {
//!             state.add(1);
//!         }
//!     }
//!
//!     fn files() -> &'static [rcfs::File<Self>] {
//!         static FILES: [rcfs::File<Ticks>; 1] = [rcfs::File::u64(c"count", |ticks| ticks.sum())];
//!
//!         &FILES
//!     }
//! }
//! ```

use crate::{
    bindings,
    error::{
        from_result,
        to_result, //
    },
    prelude::*,
    seq_file::{
        seq_print,
        SeqFile, //
    },
    str::CStr,
    sync::Arc,
    types::{
        ForeignOwnable,
        Opaque, //
    },
};
use core::{
    marker::PhantomData,
    ops::Deref,
    pin::Pin,
    ptr, //
};

pub mod members;

/// A resource controller.
///
/// Functions without a note are called in process context with the mutex of rcfs held. They may
/// sleep, and must not use rcfs itself.
#[vtable]
pub trait Controller: Sized + 'static {
    /// The name in mount options and in front of the names of files. At most 32 characters,
    /// without commas, slashes and white space.
    const NAME: &'static CStr;

    /// What the controller keeps for a container.
    type State: Send + Sync;

    /// Makes the state of a new container.
    ///
    /// `parent` is [`None`] for the root state, which is made when the controller is registered,
    /// serves all hierarchies that the controller is ever bound to, and all tasks while it is
    /// bound to none.
    ///
    /// An error fails the registration or the `mkdir(2)`.
    fn create(parent: Option<StateRef<'_, Self>>) -> impl PinInit<Self::State, Error>;

    /// A task of the container with `state` has used `ns` nanoseconds of CPU time.
    ///
    /// Called for the container that the task is in, and not for those above: see
    /// [`StateRef::lineage`].
    ///
    /// # Context
    ///
    /// The scheduler's: the lock of a run queue is held and interrupts are off. No sleeping, no
    /// locks. Not necessarily on the CPU of the task.
    fn charge(_state: StateRef<'_, Self>, _ns: u64) {
        build_error!(crate::error::VTABLE_DEFAULT_ERROR)
    }

    /// The files that every container gets.
    fn files() -> &'static [File<Self>] {
        &[]
    }
}

/// What the core keeps for a container: the state and the way to the root.
#[pin_data]
struct Node<C: Controller> {
    parent: Option<Arc<Node<C>>>,
    #[pin]
    state: C::State,
}

/// The state of a container, and through it those of the containers above.
pub struct StateRef<'a, C: Controller>(&'a Node<C>);

impl<C: Controller> Clone for StateRef<'_, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C: Controller> Copy for StateRef<'_, C> {}

impl<C: Controller> Deref for StateRef<'_, C> {
    type Target = C::State;

    fn deref(&self) -> &C::State {
        &self.0.state
    }
}

impl<'a, C: Controller> StateRef<'a, C> {
    /// The state of the container above, or [`None`] in the root.
    pub fn parent(self) -> Option<StateRef<'a, C>> {
        self.0.parent.as_deref().map(StateRef)
    }

    /// The states of the container itself, and of those above it up to the root.
    pub fn lineage(self) -> impl Iterator<Item = StateRef<'a, C>> {
        core::iter::successors(Some(self), |state| state.parent())
    }
}

/// What a file shows.
enum Show<C: Controller> {
    U64(fn(StateRef<'_, C>) -> u64),
}

/// A file of a controller.
///
/// # Invariants
///
/// `cft` is the first field, and its callbacks are those of this type.
#[repr(C)]
pub struct File<C: Controller> {
    cft: Opaque<bindings::rc_cftype>,
    show: Show<C>,
}

// SAFETY: Only the core of rcfs writes to `cft`, and what it writes is always the same.
unsafe impl<C: Controller> Sync for File<C> {}

impl<C: Controller> File<C> {
    /// A file that shows a number. `name` goes behind the name of the controller and a period.
    pub const fn u64(name: &CStr, show: fn(StateRef<'_, C>) -> u64) -> Self {
        // INVARIANT: `seq_show` is ours.
        Self {
            cft: Opaque::new(bindings::rc_cftype {
                name: Self::full_name(name.to_bytes()),
                private: 0,
                ss: ptr::null_mut(),
                seq_show: Some(Self::seq_show),
                write: None,
            }),
            show: Show::U64(show),
        }
    }

    const fn full_name(name: &[u8]) -> [c_char; bindings::RC_MAX_CFTYPE_NAME as usize] {
        let mut full = [0; bindings::RC_MAX_CFTYPE_NAME as usize];
        let controller = C::NAME.to_bytes();
        let mut i = 0;

        // Iterators do not work in constants. A name that is too long does not compile.
        while i < controller.len() {
            full[i] = controller[i] as c_char;
            i += 1;
        }
        full[i] = b'.' as c_char;
        i += 1;
        while i < controller.len() + 1 + name.len() {
            full[i] = name[i - controller.len() - 1] as c_char;
            i += 1;
        }
        assert!(i < full.len());
        full
    }

    /// # Safety
    ///
    /// Only for the core of rcfs: `cft` is in a `File<C>`, and `ns` that of a container which has
    /// a state of `C`.
    unsafe extern "C" fn seq_show(
        ns: *mut bindings::nsproxy,
        cft: *const bindings::rc_cftype,
        m: *mut bindings::seq_file,
    ) -> c_int {
        // SAFETY: By the type invariant, `cft` is the first field of a file, which is never
        // written to but for `cft`.
        let show = unsafe { &(*cft.cast::<Self>()).show };
        // SAFETY: By the safety requirements; the container stays for the duration of the call.
        let state = unsafe { state::<C>(bindings::rcfs_nsproxy_state(ns, (*cft).ss)) };
        // SAFETY: The core passes a seq file that only this call uses.
        let m = unsafe { SeqFile::from_raw(m) };

        match show {
            Show::U64(show) => seq_print!(m, "{}\n", show(state)),
        }
        0
    }
}

/// # Safety
///
/// `ptr` must be what [`Vtable::create`] of the same controller stored for a container that stays
/// for `'a`.
unsafe fn state<'a, C: Controller>(ptr: *mut c_void) -> StateRef<'a, C> {
    // SAFETY: `create` stored a foreign `Arc<Node<C>>`, which `destroy` takes back once the
    // container is gone. Dereferencing the borrow gives the node for as long as that.
    StateRef(unsafe { &*ptr::from_ref(&*Arc::<Node<C>>::borrow(ptr)) })
}

/// The C side of a [`Controller`].
struct Vtable<C: Controller>(PhantomData<C>);

impl<C: Controller> Vtable<C> {
    /// # Safety
    ///
    /// Only for the core of rcfs, in an `rc_subsys` of `C`.
    unsafe extern "C" fn create(
        ss: *mut bindings::rc_subsys,
        ns: *mut bindings::nsproxy,
        parent: *mut bindings::nsproxy,
    ) -> c_int {
        from_result(|| {
            // SAFETY: The core passes the nsproxy of a container that has a state and stays for
            // the duration of the call, or NULL.
            let parent: Option<Arc<Node<C>>> = (!parent.is_null()).then(|| unsafe {
                Arc::<Node<C>>::borrow(bindings::rcfs_nsproxy_state(parent, ss)).into()
            });
            let above = parent.clone();
            let init = C::create(above.as_deref().map(StateRef));
            let node = Arc::pin_init(
                try_pin_init!(Node {
                    parent,
                    state <- init,
                }? Error),
                GFP_KERNEL,
            )?;

            // SAFETY: The core passes an nsproxy that only this call writes to, and set the id.
            unsafe { (*ns).ctlr_data[(*ss).subsys_id as usize] = node.into_foreign() };
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// Only for the core of rcfs, in an `rc_subsys` of `C`, once for each successful `create`.
    unsafe extern "C" fn destroy(ss: *mut bindings::rc_subsys, ns: *mut bindings::nsproxy) {
        // SAFETY: The core passes what it passed to `create`, and nobody reads it any more.
        let node = unsafe {
            core::mem::replace(
                &mut (*ns).ctlr_data[(*ss).subsys_id as usize],
                ptr::null_mut(),
            )
        };
        // SAFETY: `create` stored a foreign `Arc<Node<C>>`.
        drop(unsafe { Arc::<Node<C>>::from_foreign(node) });
    }

    /// # Safety
    ///
    /// Only for the core of rcfs, in an `rc_subsys` of `C`.
    unsafe extern "C" fn populate(
        ss: *mut bindings::rc_subsys,
        dir: *mut bindings::kernfs_node,
    ) -> c_int {
        from_result(|| {
            for file in C::files() {
                // SAFETY: The core passes a directory, and the file is valid for ever.
                to_result(unsafe { bindings::rcfs_add_file(dir, ss, file.cft.get()) })?;
            }
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// Only for the core of rcfs, in an `rc_subsys` of `C`.
    unsafe extern "C" fn charge(_ss: *mut bindings::rc_subsys, ptr: *mut c_void, ns: u64) {
        // SAFETY: The core passes what `create` stored, and keeps it for the duration of the call.
        C::charge(unsafe { state(ptr) }, ns);
    }
}

/// The registration of a controller, which ends when this is dropped.
///
/// Unloading the module in the argument of [`new`](Self::new) is impossible while the controller
/// is bound to a hierarchy.
#[pin_data(PinnedDrop)]
pub struct Registration<C: Controller> {
    #[pin]
    ss: Opaque<bindings::rc_subsys>,
    _p: PhantomData<C>,
}

// SAFETY: There is nothing to do with a registration but dropping it, which any thread may do.
unsafe impl<C: Controller> Send for Registration<C> {}

// SAFETY: There is nothing to do with a shared reference.
unsafe impl<C: Controller> Sync for Registration<C> {}

impl<C: Controller> Registration<C> {
    /// Registers the controller.
    ///
    /// # Errors
    ///
    /// `EINVAL` for a name that cannot be, `EEXIST` if there is a controller of that name,
    /// `ENOSPC` if there are `CONFIG_MAX_RC_SUBSYS`, and the error of [`Controller::create`].
    pub fn new(module: &'static ThisModule) -> impl PinInit<Self, Error> {
        let ss = bindings::rc_subsys {
            create: Some(Vtable::<C>::create),
            destroy: Some(Vtable::<C>::destroy),
            populate: Some(Vtable::<C>::populate),
            charge: if C::HAS_CHARGE {
                Some(Vtable::<C>::charge)
            } else {
                None
            },
            name: C::NAME.as_char_ptr(),
            owner: module.as_ptr(),
            ..pin_init::zeroed()
        };

        try_pin_init!(Self {
            ss <- Opaque::ffi_init(move |slot| {
                // SAFETY: `slot` is valid for writes.
                unsafe { ptr::write(slot, ss) };
            }),
            _p: PhantomData,
        })
        .pin_chain(|this| {
            // SAFETY: The subsystem is complete and pinned, and is unregistered before it goes.
            to_result(unsafe { bindings::rc_register_subsys(this.ss.get()) })
        })
    }
}

#[pinned_drop]
impl<C: Controller> PinnedDrop for Registration<C> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: `new` registered the subsystem. It is not bound: a binding keeps the module, and
        // with it this object, in place.
        let ret = unsafe { bindings::rc_unregister_subsys(self.ss.get()) };

        crate::warn_on!(ret != 0);
    }
}

/// Declares a module that consists of a controller.
///
/// # Examples
///
/// ```ignore
/// kernel::module_rcfs_controller! {
///     type: Ticks,
///     name: "rcfs_ticks",
///     authors: ["Author name"],
///     description: "Counts scheduler ticks of containers",
///     license: "GPL",
/// }
/// ```
#[macro_export]
macro_rules! module_rcfs_controller {
    (type: $controller:ty, $($f:tt)*) => {
        #[$crate::prelude::pin_data]
        struct ControllerModule {
            #[pin]
            _registration: $crate::rcfs::Registration<$controller>,
        }

        impl $crate::InPlaceModule for ControllerModule {
            fn init(
                module: &'static $crate::ThisModule,
            ) -> impl ::pin_init::PinInit<Self, $crate::error::Error> {
                $crate::try_pin_init!(Self {
                    _registration <- $crate::rcfs::Registration::new(module),
                })
            }
        }

        $crate::prelude::module! {
            type: ControllerModule,
            $($f)*
        }
    }
}
