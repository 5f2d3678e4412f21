// SPDX-License-Identifier: GPL-2.0

//! Mounting kernfs hierarchies.
//!
//! C headers: [`include/linux/fs_context.h`](srctree/include/linux/fs_context.h),
//! [`include/linux/kernfs.h`](srctree/include/linux/kernfs.h)

use super::{
    RootHandle,
    Tree, //
};
use crate::{
    bindings,
    error::{
        from_result,
        to_result,
        Result, //
    },
    fs::context::{
        Log,
        Parameter, //
    },
    prelude::*,
    str::CStr,
    sync::Arc,
    types::{
        ForeignOwnable,
        Opaque, //
    },
};
use core::marker::PhantomData;

/// A file system whose superblocks are kernfs hierarchies.
///
/// All mounts of a hierarchy share a superblock. A new superblock for a hierarchy may be made while
/// an old one is being destroyed.
///
/// # Safety
///
/// - The [`Root`](super::Root) of a handle that [`get_root`](Self::get_root) has returned must live
///   until [`put_root`](Self::put_root) has been called as often as `get_root`.
/// - The implementation must be built in, because [`FileSystemType::register`] cannot be undone.
pub unsafe trait FileSystem: Sized + 'static {
    /// Name of the file system type.
    const NAME: &'static CStr;

    /// The value of `f_type` for `statfs(2)`.
    const MAGIC: usize;

    /// The trees that are mounted.
    type Tree: Tree;

    /// The mount options that have been parsed so far.
    type Options: Default + Send;

    /// Handles one mount option.
    ///
    /// # Errors
    ///
    /// `ENOPARAM` for an option that is left to the VFS, such as `source`. Other errors should be
    /// explained in `log`.
    fn parse_option(options: &mut Self::Options, option: &Parameter<'_>, log: &Log<'_>) -> Result;

    /// Finds or makes the hierarchy to mount.
    fn get_root(options: &Self::Options, log: &Log<'_>) -> Result<RootHandle<Self::Tree>>;

    /// Undoes a call of `get_root`: a mount has failed, or a superblock is gone.
    ///
    /// `root` is the data of the root directory.
    fn put_root(root: &<Self::Tree as Tree>::Directory);

    /// Changes the options of a mounted hierarchy.
    fn reconfigure(
        root: &<Self::Tree as Tree>::Directory,
        options: &Self::Options,
        log: &Log<'_>,
    ) -> Result;
}

/// A file system type. It has to be static, as it has the lock classes of all superblocks.
pub struct FileSystemType<F: FileSystem> {
    inner: Opaque<bindings::file_system_type>,
    _p: PhantomData<F>,
}

// SAFETY: It can only be registered. The VFS does the locking for that.
unsafe impl<F: FileSystem> Sync for FileSystemType<F> {}

impl<F: FileSystem> FileSystemType<F> {
    /// Makes the type for a built-in file system.
    #[expect(clippy::new_without_default, reason = "not for use outside of statics")]
    pub const fn new() -> Self {
        Self {
            inner: Opaque::new(bindings::file_system_type {
                name: crate::str::as_char_ptr_in_const_context(F::NAME),
                init_fs_context: Some(Context::<F>::init),
                kill_sb: Some(Context::<F>::kill_sb),
                ..pin_init::zeroed()
            }),
            _p: PhantomData,
        }
    }

    /// Registers the file system for good.
    ///
    /// # Errors
    ///
    /// `EBUSY` if there is a file system of that name.
    pub fn register(&'static self) -> Result {
        // SAFETY: The type is initialised and static. Its functions are built in, as `F` is. Only
        // the VFS writes to it.
        to_result(unsafe { bindings::register_filesystem(self.inner.get()) })
    }
}

/// The private data of an `fs_context` (`fs_private`).
#[repr(C)]
struct Context<F: FileSystem> {
    /// The first field, because `kernfs_get_tree()` expects it at `fs_private`.
    kernfs: bindings::kernfs_fs_context,
    options: F::Options,
}

impl<F: FileSystem> Context<F> {
    const OPS: bindings::fs_context_operations = bindings::fs_context_operations {
        free: Some(Self::free),
        parse_param: Some(Self::parse_param),
        get_tree: Some(Self::get_tree),
        reconfigure: Some(Self::reconfigure),
        ..pin_init::zeroed()
    };

    /// # Safety
    ///
    /// `fc` must be a context of the file system `F`, and exclusive to the caller for `'a`.
    unsafe fn from_raw<'a>(fc: *mut bindings::fs_context) -> &'a mut Self {
        // SAFETY: By the safety requirements. `init` has set `fs_private`.
        unsafe { &mut *(*fc).fs_private.cast() }
    }

    /// # Safety
    ///
    /// Only the VFS may call this, for a `file_system_type` of `F`.
    unsafe extern "C" fn init(fc: *mut bindings::fs_context) -> c_int {
        let ops: &'static bindings::fs_context_operations = &Self::OPS;

        from_result(|| {
            let context = KBox::new(
                Self {
                    kernfs: bindings::kernfs_fs_context {
                        magic: F::MAGIC,
                        ..pin_init::zeroed()
                    },
                    options: F::Options::default(),
                },
                GFP_KERNEL,
            )?;

            // SAFETY: The VFS passes a new context, which nothing else uses. The superblock belongs
            // to the initial user namespace, even if another one mounts it.
            unsafe {
                (*fc).fs_private = KBox::into_raw(context).cast();
                (*fc).ops = ops;
                (*fc).set_global(true);
            }
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// Only the VFS may call this, for a context of `F`.
    unsafe extern "C" fn free(fc: *mut bindings::fs_context) {
        // SAFETY: The VFS passes a valid context, to which `kernfs_get_tree()` may have added.
        unsafe { bindings::kernfs_free_fs_context(fc) };
        // SAFETY: `init` has set `fs_private` to a box. Nothing uses it any more.
        drop(unsafe { KBox::from_raw((*fc).fs_private.cast::<Self>()) });
    }

    /// # Safety
    ///
    /// Only the VFS may call this, for a context of `F`.
    unsafe extern "C" fn parse_param(
        fc: *mut bindings::fs_context,
        param: *mut bindings::fs_parameter,
    ) -> c_int {
        // SAFETY: The VFS calls this with the mutex of the context held.
        let context = unsafe { Self::from_raw(fc) };
        // SAFETY: The VFS passes a valid parameter and context.
        let (param, log) = unsafe { (Parameter::from_raw(param), Log::from_raw(fc)) };

        from_result(|| F::parse_option(&mut context.options, &param, &log).map(|()| 0))
    }

    /// # Safety
    ///
    /// Only the VFS may call this, for a context of `F`.
    unsafe extern "C" fn get_tree(fc: *mut bindings::fs_context) -> c_int {
        // SAFETY: The VFS calls this with the mutex of the context held.
        let context = unsafe { Self::from_raw(fc) };
        // SAFETY: The VFS passes a valid context.
        let log = unsafe { Log::from_raw(fc) };

        from_result(|| {
            let root = F::get_root(&context.options, &log)?;
            context.kernfs.root = root.as_ptr();
            context.kernfs.new_sb_created = false;

            // SAFETY: `fc` has a kernfs context with a valid root in `fs_private`.
            let ret = to_result(unsafe { bindings::kernfs_get_tree(fc) });
            // A new superblock takes over the use of the root from `get_root`, even if the
            // superblock has failed already. A superblock that existed before has a use of its own.
            //
            // SAFETY: As above. Nothing else uses the context.
            if !unsafe { Self::from_raw(fc) }.kernfs.new_sb_created {
                // SAFETY: The root is valid until `put_root` is called.
                let dir: Arc<_> = unsafe { Self::root_directory(root.as_ptr()) };
                F::put_root(&dir);
            }
            ret.map(|()| 0)
        })
    }

    /// # Safety
    ///
    /// Only the VFS may call this, for a context of `F`.
    unsafe extern "C" fn reconfigure(fc: *mut bindings::fs_context) -> c_int {
        // SAFETY: The VFS calls this with the mutex of the context held.
        let context = unsafe { Self::from_raw(fc) };
        // SAFETY: The VFS passes a valid context.
        let log = unsafe { Log::from_raw(fc) };
        // SAFETY: A context for a remount has the root of a superblock of `F`, which is a kernfs
        // superblock.
        let dir =
            unsafe { Self::root_directory(bindings::kernfs_root_from_sb((*(*fc).root).d_sb)) };

        from_result(|| F::reconfigure(&dir, &context.options, &log).map(|()| 0))
    }

    /// # Safety
    ///
    /// `root` must be a valid hierarchy of `F::Tree`.
    unsafe fn root_directory(
        root: *mut bindings::kernfs_root,
    ) -> Arc<<F::Tree as Tree>::Directory> {
        // SAFETY: By the safety requirements.
        let kn = unsafe { bindings::kernfs_root_to_node(root) };
        // SAFETY: `priv` of a directory of `F::Tree` is a foreign `Arc`.
        unsafe { Arc::<<F::Tree as Tree>::Directory>::borrow((*kn).priv_) }.into()
    }

    /// # Safety
    ///
    /// Only the VFS may call this, for a `file_system_type` of `F`.
    unsafe extern "C" fn kill_sb(sb: *mut bindings::super_block) {
        // SAFETY: Superblocks of `F` are made by `kernfs_get_tree()` alone, for a root that stays
        // until `put_root` below.
        let dir = unsafe { Self::root_directory(bindings::kernfs_root_from_sb(sb)) };

        // SAFETY: The superblock is valid, and the VFS does not use it any more.
        unsafe { bindings::kernfs_kill_sb(sb) };
        F::put_root(&dir);
    }
}
