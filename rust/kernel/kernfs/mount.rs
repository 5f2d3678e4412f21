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
/// A hierarchy can have any number of mounts, all of which share a superblock; while an old one is
/// on its way out, a new one may come to life for the same hierarchy.
///
/// # Safety
///
/// - The [`Root`](super::Root) whose handle [`get_root`](Self::get_root) returns must live until as
///   many calls of [`put_root`](Self::put_root) have been made for it as of `get_root`.
/// - The implementation must be built in: [`FileSystemType::register`] is for good.
pub unsafe trait FileSystem: Sized + 'static {
    /// Name of the file system type.
    const NAME: &'static CStr;

    /// What `statfs(2)` returns in `f_type`.
    const MAGIC: usize;

    /// The trees that are mounted.
    type Tree: Tree;

    /// What is known from the mount options so far.
    type Options: Default + Send;

    /// Takes one mount option.
    ///
    /// # Errors
    ///
    /// `ENOPARAM` for options that the file system leaves to the VFS (`source`, for one).
    /// Explain others in `log`.
    fn parse_option(options: &mut Self::Options, option: &Parameter<'_>, log: &Log<'_>) -> Result;

    /// Finds or makes the hierarchy to mount.
    fn get_root(options: &Self::Options, log: &Log<'_>) -> Result<RootHandle<Self::Tree>>;

    /// Gives back what `get_root` returned: a mount was not made, or a superblock is gone.
    ///
    /// `root` is what the root directory stands for.
    fn put_root(root: &<Self::Tree as Tree>::Directory);

    /// Changes the options of a mounted hierarchy.
    fn reconfigure(
        root: &<Self::Tree as Tree>::Directory,
        options: &Self::Options,
        log: &Log<'_>,
    ) -> Result;
}

/// A file system type. Has to be a `static`, because the lock classes of all superblocks are in it.
pub struct FileSystemType<F: FileSystem> {
    inner: Opaque<bindings::file_system_type>,
    _p: PhantomData<F>,
}

// SAFETY: There is nothing to do with it but registering it, and the VFS synchronises that.
unsafe impl<F: FileSystem> Sync for FileSystemType<F> {}

impl<F: FileSystem> FileSystemType<F> {
    /// The type for a file system that is built in.
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

    /// Makes the file system known, for good.
    ///
    /// # Errors
    ///
    /// `EBUSY` if there is a file system of that name.
    pub fn register(&'static self) -> Result {
        // SAFETY: The type is complete and valid for ever, as are its functions, because `F` is
        // built in. Only the VFS writes to it.
        to_result(unsafe { bindings::register_filesystem(self.inner.get()) })
    }
}

/// The C side of a [`FileSystem`]: what `fs_private` of an `fs_context` points to.
#[repr(C)]
struct Context<F: FileSystem> {
    /// First, because `kernfs_get_tree()` takes `fs_private` for it.
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
    /// `fc` must be a context of the file system `F` that the caller has exclusively for `'a`.
    unsafe fn from_raw<'a>(fc: *mut bindings::fs_context) -> &'a mut Self {
        // SAFETY: By the safety requirements; `init` put a context there.
        unsafe { &mut *(*fc).fs_private.cast() }
    }

    /// # Safety
    ///
    /// Only for the VFS, in a `file_system_type` of `F`.
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

            // SAFETY: The VFS passes a context that only it and we know of. The superblock belongs
            // to the initial user namespace, whoever mounts it.
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
    /// Only for the VFS, in a context of `F`.
    unsafe extern "C" fn free(fc: *mut bindings::fs_context) {
        // SAFETY: The VFS passes a context that `kernfs_get_tree()` may have added to.
        unsafe { bindings::kernfs_free_fs_context(fc) };
        // SAFETY: `init` put a box there, which nobody uses any more.
        drop(unsafe { KBox::from_raw((*fc).fs_private.cast::<Self>()) });
    }

    /// # Safety
    ///
    /// Only for the VFS, in a context of `F`.
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
    /// Only for the VFS, in a context of `F`.
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
            // A new superblock has our use of the root, even if it is dead already; one that was
            // there has its own.
            //
            // SAFETY: As above; nobody else knows of the context.
            if !unsafe { Self::from_raw(fc) }.kernfs.new_sb_created {
                // SAFETY: The root is valid until `put_root`, and so is its directory, which has
                // a foreign `Arc`.
                let dir: Arc<_> = unsafe { Self::root_directory(root.as_ptr()) };
                F::put_root(&dir);
            }
            ret.map(|()| 0)
        })
    }

    /// # Safety
    ///
    /// Only for the VFS, in a context of `F`.
    unsafe extern "C" fn reconfigure(fc: *mut bindings::fs_context) -> c_int {
        // SAFETY: The VFS calls this with the mutex of the context held.
        let context = unsafe { Self::from_raw(fc) };
        // SAFETY: The VFS passes a valid context.
        let log = unsafe { Log::from_raw(fc) };
        // SAFETY: A context for reconfiguration has the root of a superblock of `F`, which is a
        // kernfs superblock.
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
        // SAFETY: Directories of `F::Tree` have a foreign `Arc` in `priv`.
        unsafe { Arc::<<F::Tree as Tree>::Directory>::borrow((*kn).priv_) }.into()
    }

    /// # Safety
    ///
    /// Only for the VFS, in a `file_system_type` of `F`.
    unsafe extern "C" fn kill_sb(sb: *mut bindings::super_block) {
        // SAFETY: Superblocks of `F` are made by `kernfs_get_tree()` only, for a root that lives
        // until `put_root` below.
        let dir = unsafe { Self::root_directory(bindings::kernfs_root_from_sb(sb)) };

        // SAFETY: As above, and the VFS is done with it.
        unsafe { bindings::kernfs_kill_sb(sb) };
        F::put_root(&dir);
    }
}
