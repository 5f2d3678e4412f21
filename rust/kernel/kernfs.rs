// SPDX-License-Identifier: GPL-2.0

//! kernfs: file systems whose directories and files are made by the kernel.
//!
//! sysfs, cgroup and resctrl are based on kernfs. It handles lookup, ownership and permissions, and
//! drains open files when a directory is removed.
//!
//! A file system in Rust consists of
//!
//! - a [`Tree`], which defines the data of a directory, and the operations `mkdir(2)` and
//!   `rmdir(2)`;
//! - types that implement [`FileOperations`], or [`ListOperations`] for files that list many items;
//! - a [`Root`], which owns the tree, and a [`Directory`] for each directory below it;
//! - a [`mount::FileSystem`], by which user space mounts trees.
//!
//! kernfs calls an operation with an *active reference* on its node. To remove a node waits for all
//! active references. Suppose that nodes are removed with a lock held. An operation that takes the
//! same lock must give up its active reference first, by
//! [`ActiveDirectory::break_active_protection`] or [`ActiveFile::break_active_protection`].
//!
//! This module does not support:
//!
//! - symbolic links, namespaces and renaming;
//! - `mmap`, `llseek`, raw reads, and a `poll` function of a file's own.
//!
//! C header: [`include/linux/kernfs.h`](srctree/include/linux/kernfs.h)

use crate::{
    bindings,
    cred::Credential,
    error::{
        code::*,
        from_err_ptr,
        from_result,
        Result, //
    },
    fs::LocalFile,
    prelude::*,
    seq_file::SeqFile,
    str::CStr,
    sync::{
        Arc,
        ArcBorrow, //
    },
    types::ForeignOwnable,
};
use core::{
    marker::PhantomData,
    ptr::{
        self,
        NonNull, //
    },
};

pub mod mount;

/// The directories of a kernfs hierarchy.
#[vtable]
pub trait Tree: Sized + 'static {
    /// The data of a directory. The directory has a reference on it.
    type Directory: Send + Sync + 'static;

    /// Makes the directory `name` in `parent`, for `mkdir(2)`.
    fn mkdir(parent: ActiveDirectory<'_, Self>, name: &CStr, mode: Mode) -> Result;

    /// Removes `dir`, for `rmdir(2)`. kernfs does not check whether it is empty.
    fn rmdir(dir: ActiveDirectory<'_, Self>) -> Result;

    /// Prints the mount options for `/proc/mounts`, each after a comma. `root` is the data of the
    /// root directory.
    fn show_options(root: &Self::Directory, m: &SeqFile) -> Result;
}

/// Permission bits of a node.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Mode(bindings::umode_t);

impl Mode {
    /// The permission bits of `bits`; others are ignored.
    pub const fn new(bits: u16) -> Self {
        Self(bits & 0o7777)
    }
}

/// The owner and the group of a node.
#[derive(Clone, Copy)]
pub struct Owner {
    uid: bindings::kuid_t,
    gid: bindings::kgid_t,
}

impl Owner {
    /// The global root user and group.
    pub fn root() -> Self {
        Self {
            uid: bindings::kuid_t { val: 0 },
            gid: bindings::kgid_t { val: 0 },
        }
    }

    /// The owner and group of files that the current task creates.
    pub fn current_fs() -> Self {
        // SAFETY: The current task can always read its file system ids.
        unsafe {
            Self {
                uid: bindings::current_fsuid(),
                gid: bindings::current_fsgid(),
            }
        }
    }
}

/// The functions of a [`Tree`] for kernfs.
struct TreeVTable<T: Tree>(PhantomData<T>);

impl<T: Tree> TreeVTable<T> {
    const OPS: bindings::kernfs_syscall_ops = bindings::kernfs_syscall_ops {
        show_options: Some(Self::show_options),
        mkdir: Some(Self::mkdir),
        rmdir: Some(Self::rmdir),
        ..pin_init::zeroed()
    };

    /// # Safety
    ///
    /// Only kernfs may call this, for a root that a [`Root<T>`] owns.
    unsafe extern "C" fn mkdir(
        parent: *mut bindings::kernfs_node,
        name: *const c_char,
        mode: bindings::umode_t,
    ) -> c_int {
        // SAFETY: kernfs holds an active reference on the directory `parent` during the call.
        let parent = unsafe { ActiveDirectory::from_raw(parent) };
        // SAFETY: kernfs passes a string that ends with a NUL.
        let name = unsafe { CStr::from_char_ptr(name) };

        from_result(|| T::mkdir(parent, name, Mode::new(mode)).map(|()| 0))
    }

    /// # Safety
    ///
    /// Only kernfs may call this, for a root that a [`Root<T>`] owns.
    unsafe extern "C" fn rmdir(kn: *mut bindings::kernfs_node) -> c_int {
        // SAFETY: kernfs holds an active reference on the directory `kn` during the call.
        let dir = unsafe { ActiveDirectory::from_raw(kn) };

        from_result(|| T::rmdir(dir).map(|()| 0))
    }

    /// # Safety
    ///
    /// Only kernfs may call this, for a root that a [`Root<T>`] owns.
    unsafe extern "C" fn show_options(
        m: *mut bindings::seq_file,
        root: *mut bindings::kernfs_root,
    ) -> c_int {
        // SAFETY: Only this call uses the seq file.
        let m = unsafe { SeqFile::from_raw(m) };
        // SAFETY: The root is mounted, and thereby valid.
        let kn = unsafe { bindings::kernfs_root_to_node(root) };
        // SAFETY: `Root::new` has set `priv` to a foreign reference. It is dropped after the root
        // has been destroyed, which does not happen while the root is mounted.
        let dir = unsafe { Arc::<T::Directory>::borrow((*kn).priv_) };

        from_result(|| T::show_options(&dir, m).map(|()| 0))
    }
}

/// A kernfs hierarchy.
///
/// On drop, all of its nodes are removed. It must not be mounted any more.
///
/// # Invariants
///
/// `root` comes from `kernfs_create_root()` and is owned by this object. `priv` of the root
/// directory, and of every directory below, is a foreign [`Arc<T::Directory>`].
pub struct Root<T: Tree> {
    root: NonNull<bindings::kernfs_root>,
    _p: PhantomData<Arc<T::Directory>>,
}

// SAFETY: A kernfs hierarchy can be used and destroyed on any thread.
unsafe impl<T: Tree> Send for Root<T> {}

// SAFETY: kernfs does its own locking.
unsafe impl<T: Tree> Sync for Root<T> {}

impl<T: Tree> Root<T> {
    /// Makes a hierarchy with a root directory, whose data is `data`.
    ///
    /// A node is invisible until it, or a directory above it, is [activated](NodeRef::activate).
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub fn new(data: Arc<T::Directory>) -> Result<Self> {
        let flags = bindings::kernfs_root_flag_KERNFS_ROOT_CREATE_DEACTIVATED
            | bindings::kernfs_root_flag_KERNFS_ROOT_INVARIANT_PARENT;
        let ops: &'static bindings::kernfs_syscall_ops = &TreeVTable::<T>::OPS;
        let data = data.into_foreign();

        let root = from_err_ptr(
            // SAFETY: kernfs does not write to the operations, which are static, and does not use
            // `data` itself.
            unsafe { bindings::kernfs_create_root(ptr::from_ref(ops).cast_mut(), flags, data) },
        )
        .inspect_err(|_| {
            // SAFETY: `data` comes from `into_foreign` above, and has no other user.
            drop(unsafe { Arc::<T::Directory>::from_foreign(data) });
        })?;

        // INVARIANT: The root is new, and `priv` is `data`.
        Ok(Self {
            root: NonNull::new(root).ok_or(ENOMEM)?,
            _p: PhantomData,
        })
    }

    /// The root directory.
    pub fn directory(&self) -> NodeRef<'_, T> {
        NodeRef {
            // SAFETY: By the type invariant, the root is valid, and so is its node.
            kn: unsafe { NonNull::new_unchecked(bindings::kernfs_root_to_node(self.as_ptr())) },
            _p: PhantomData,
        }
    }

    /// The handle for mounting the hierarchy.
    pub fn handle(&self) -> RootHandle<T> {
        RootHandle {
            root: self.root,
            _p: PhantomData,
        }
    }

    fn as_ptr(&self) -> *mut bindings::kernfs_root {
        self.root.as_ptr()
    }
}

/// Refers to a hierarchy, without keeping it alive.
pub struct RootHandle<T: Tree> {
    root: NonNull<bindings::kernfs_root>,
    _p: PhantomData<T>,
}

impl<T: Tree> RootHandle<T> {
    fn as_ptr(&self) -> *mut bindings::kernfs_root {
        self.root.as_ptr()
    }
}

impl<T: Tree> Drop for Root<T> {
    fn drop(&mut self) {
        // SAFETY: By the type invariant, the root is valid.
        let data = unsafe { (*bindings::kernfs_root_to_node(self.as_ptr())).priv_ };
        // SAFETY: By the type invariant, this object owns the root. When this returns, all
        // operations have ended.
        unsafe { bindings::kernfs_destroy_root(self.as_ptr()) };
        // SAFETY: By the type invariant, this is a foreign reference. The root, which led to it, is
        // gone.
        drop(unsafe { Arc::<T::Directory>::from_foreign(data) });
    }
}

/// A reference to a directory in which nodes can be made.
///
/// # Invariants
///
/// `kn` is a directory in a hierarchy of `T` and valid for `'a`.
pub struct NodeRef<'a, T: Tree> {
    kn: NonNull<bindings::kernfs_node>,
    _p: PhantomData<(&'a (), T)>,
}

impl<T: Tree> Clone for NodeRef<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Tree> Copy for NodeRef<'_, T> {}

impl<T: Tree> NodeRef<'_, T> {
    /// Makes a reference from a pointer of C code.
    ///
    /// # Safety
    ///
    /// `kn` must be a directory in a hierarchy of `T`, and valid for `'a`.
    pub unsafe fn from_raw(kn: *mut bindings::kernfs_node) -> Self {
        // INVARIANT: By the safety requirements.
        Self {
            // SAFETY: A valid directory is not NULL.
            kn: unsafe { NonNull::new_unchecked(kn) },
            _p: PhantomData,
        }
    }

    /// The pointer for C code.
    pub fn as_ptr(self) -> *mut bindings::kernfs_node {
        self.kn.as_ptr()
    }

    /// The data of the directory, or [`None`] if the directory is being removed or has been
    /// removed.
    pub fn data(self) -> Option<Arc<T::Directory>> {
        // SAFETY: By the type invariant, `kn` is valid.
        if unsafe { bindings::kernfs_get_active(self.as_ptr()) }.is_null() {
            return None;
        }
        // SAFETY: By the type invariant, `kn` is a directory in a hierarchy of `T`. The active
        // reference was taken above.
        let data = unsafe { ActiveDirectory::<T>::from_raw(self.as_ptr()) }
            .data()
            .into();

        // SAFETY: This drops the active reference that was taken above. Nothing uses it any more.
        unsafe { bindings::kernfs_put_active(self.as_ptr()) };
        Some(data)
    }

    /// Makes a directory with the data `data`.
    ///
    /// # Errors
    ///
    /// `EEXIST` if there is a node of that name, `ENOENT` if a directory above is being removed,
    /// `ENOMEM`.
    pub fn create_directory(
        self,
        name: &CStr,
        mode: Mode,
        owner: Owner,
        data: Arc<T::Directory>,
    ) -> Result<Directory<T>> {
        let data = data.into_foreign();

        from_err_ptr(
            // SAFETY: By the type invariant, `kn` is a valid directory. kernfs copies the name.
            unsafe {
                bindings::kernfs_create_dir_ns(
                    self.as_ptr(),
                    name.as_char_ptr(),
                    mode.0,
                    owner.uid,
                    owner.gid,
                    data,
                    ptr::null(),
                )
            },
        )
        .and_then(|_| self.find(name))
        // INVARIANT: This is the new directory, because it can only be removed with its parent. It
        // is in the same hierarchy as its parent, `priv` is `data`, and `find` has taken a
        // reference.
        .map(|kn| Directory {
            kn,
            _p: PhantomData,
        })
        .inspect_err(|_| {
            // SAFETY: `data` comes from `into_foreign` above. If the directory was made, it has
            // been removed with its parent, and all users of `data` have ended before that.
            drop(unsafe { Arc::<T::Directory>::from_foreign(data) });
        })
    }

    /// Finds the node with that name in the directory, and takes a reference.
    ///
    /// The pointer to a new node cannot be used instead. A directory above may be dropped at any
    /// time, which removes and frees the node.
    fn find(self, name: &CStr) -> Result<NonNull<bindings::kernfs_node>> {
        // SAFETY: By the type invariant, `kn` is a valid directory.
        let kn = unsafe {
            bindings::kernfs_find_and_get_ns(self.as_ptr(), name.as_char_ptr(), ptr::null())
        };

        NonNull::new(kn).ok_or(ENOENT)
    }

    /// Makes a file with the operations `F` and the data `data`. It is removed with its directory.
    ///
    /// # Errors
    ///
    /// As [`create_directory`](Self::create_directory).
    pub fn create_file<F: FileOperations<Tree = T>>(
        self,
        name: &CStr,
        mode: Mode,
        owner: Owner,
        data: &'static F::Data,
    ) -> Result<FileRef<T>> {
        // SAFETY: The data is static.
        unsafe { self.create(name, mode, owner, &FileVTable::<F>::OPS, data) }?;

        // INVARIANT: This is the new file, because it can only be removed with its directory.
        // `find` has taken a reference.
        Ok(FileRef {
            kn: self.find(name)?,
            _p: PhantomData,
        })
    }

    /// As [`create_file`](Self::create_file), for data that is not static.
    ///
    /// Returns a pointer to the file for C code, which is valid until the file has been removed.
    ///
    /// # Safety
    ///
    /// `data` must be valid until the file has been removed.
    pub unsafe fn create_file_on<F: FileOperations<Tree = T>>(
        self,
        name: &CStr,
        mode: Mode,
        owner: Owner,
        data: *const F::Data,
    ) -> Result<NonNull<bindings::kernfs_node>> {
        // SAFETY: By the safety requirements.
        unsafe { self.create(name, mode, owner, &FileVTable::<F>::OPS, data) }
    }

    /// Makes a file that lists items, with the operations `F` and the data `data`.
    ///
    /// # Errors
    ///
    /// As [`create_directory`](Self::create_directory).
    pub fn create_list<F: ListOperations<Tree = T>>(
        self,
        name: &CStr,
        mode: Mode,
        owner: Owner,
        data: &'static F::Data,
    ) -> Result {
        // SAFETY: The data is static.
        unsafe { self.create(name, mode, owner, &FileVTable::<F>::LIST_OPS, data) }.map(|_| ())
    }

    /// As [`create_file_on`](Self::create_file_on), for a file that is printed in pieces.
    ///
    /// # Safety
    ///
    /// `data` must be valid until the file has been removed.
    pub unsafe fn create_pieces_on<F: PieceOperations<Tree = T>>(
        self,
        name: &CStr,
        mode: Mode,
        owner: Owner,
        data: *const F::Data,
    ) -> Result<NonNull<bindings::kernfs_node>> {
        // SAFETY: By the safety requirements.
        unsafe { self.create(name, mode, owner, &FileVTable::<F>::PIECE_OPS, data) }
    }

    /// # Safety
    ///
    /// `ops` must be operations on a `D`. `data` must be valid until the file has been removed.
    unsafe fn create<D>(
        self,
        name: &CStr,
        mode: Mode,
        owner: Owner,
        ops: &'static bindings::kernfs_ops,
        data: *const D,
    ) -> Result<NonNull<bindings::kernfs_node>> {
        // SAFETY: By the type invariant, `kn` is a valid directory. kernfs copies the name. By the
        // safety requirements, the data has the type that the operations expect.
        let kn = from_err_ptr(unsafe {
            bindings::__kernfs_create_file(
                self.as_ptr(),
                name.as_char_ptr(),
                mode.0,
                owner.uid,
                owner.gid,
                0,
                ops,
                data.cast_mut().cast(),
                ptr::null(),
                crate::static_lock_class!().as_ptr(),
            )
        })?;

        NonNull::new(kn).ok_or(ENOMEM)
    }

    /// Makes the node and all nodes below it visible.
    pub fn activate(self) {
        // SAFETY: By the type invariant, `kn` is valid.
        unsafe { bindings::kernfs_activate(self.as_ptr()) };
    }
}

/// A counted reference on a file.
///
/// It keeps the memory of the file. It does not keep the file from being removed.
///
/// # Invariants
///
/// `kn` is a file in a hierarchy of `T`, on which this object holds a reference.
pub struct FileRef<T: Tree> {
    kn: NonNull<bindings::kernfs_node>,
    _p: PhantomData<T>,
}

impl<T: Tree> FileRef<T> {
    /// The pointer for C code.
    pub fn as_ptr(&self) -> *mut bindings::kernfs_node {
        self.kn.as_ptr()
    }
}

impl<T: Tree> Drop for FileRef<T> {
    fn drop(&mut self) {
        // SAFETY: By the type invariant, we hold a reference, which is dropped here.
        unsafe { bindings::kernfs_put(self.as_ptr()) };
    }
}

/// A directory below the root.
///
/// On drop, the directory and everything in it is removed. This waits until all operations on them
/// have ended, and drops the reference on the data.
///
/// # Invariants
///
/// `kn` is a directory in a hierarchy of `T`, on which this object has a reference. The directory
/// is removed by this object, or with a directory above it. Its `priv` is a foreign
/// [`Arc<T::Directory>`] that belongs to this object.
pub struct Directory<T: Tree> {
    kn: NonNull<bindings::kernfs_node>,
    _p: PhantomData<Arc<T::Directory>>,
}

// SAFETY: A kernfs node can be used and removed on any thread.
unsafe impl<T: Tree> Send for Directory<T> {}

// SAFETY: kernfs does its own locking.
unsafe impl<T: Tree> Sync for Directory<T> {}

impl<T: Tree> Directory<T> {
    /// The directory, for making nodes in it.
    pub fn node(&self) -> NodeRef<'_, T> {
        // SAFETY: By the type invariant, `kn` is a valid directory in a hierarchy of `T`.
        unsafe { NodeRef::from_raw(self.kn.as_ptr()) }
    }
}

impl<T: Tree> Drop for Directory<T> {
    fn drop(&mut self) {
        let kn = self.kn.as_ptr();

        // SAFETY: By the type invariant, we hold a reference.
        let data = unsafe { (*kn).priv_ };
        // SAFETY: By the type invariant, we hold a reference. When this returns, no operation on
        // the node, or on a node below it, has an active reference.
        unsafe { bindings::kernfs_remove(kn) };
        // SAFETY: By the type invariant, the reference belongs to this object. An operation that
        // has given up its active reference has a reference of its own on the data.
        drop(unsafe { Arc::<T::Directory>::from_foreign(data) });
        // SAFETY: By the type invariant, we hold a reference, which is dropped here.
        unsafe { bindings::kernfs_put(kn) };
    }
}

/// A directory on which a system call operates.
///
/// # Invariants
///
/// `kn` is a directory in a hierarchy of `T` with an active reference for `'a`.
pub struct ActiveDirectory<'a, T: Tree> {
    kn: NonNull<bindings::kernfs_node>,
    _p: PhantomData<(&'a (), T)>,
}

impl<'a, T: Tree> ActiveDirectory<'a, T> {
    /// # Safety
    ///
    /// `kn` must be a directory in a hierarchy of `T` with an active reference for `'a`.
    unsafe fn from_raw(kn: *mut bindings::kernfs_node) -> Self {
        // INVARIANT: By the safety requirements.
        Self {
            // SAFETY: A valid directory is not NULL.
            kn: unsafe { NonNull::new_unchecked(kn) },
            _p: PhantomData,
        }
    }

    /// The data of the directory.
    pub fn data(&self) -> ArcBorrow<'_, T::Directory> {
        // SAFETY: `priv` of every directory in a hierarchy of `T` is a foreign `Arc`. It is dropped
        // after all active references have been dropped.
        unsafe { Arc::<T::Directory>::borrow((*self.kn.as_ptr()).priv_) }
    }

    /// Calls `f` with the data of the directory, and without the active reference.
    ///
    /// The directory, and all directories above it, may be removed before `f` is called. `f` has to
    /// take the lock with which directories are removed, and to check that the directory is still
    /// there.
    pub fn break_active_protection<R>(self, f: impl FnOnce(&Arc<T::Directory>) -> R) -> R {
        let data = self.data().into();

        // SAFETY: By the type invariant, there is an active reference for `'a`, which outlives this
        // call. `self` is consumed, so that it cannot be used without the active reference.
        unsafe { without_active_reference(self.kn, data, f) }
    }
}

/// Calls `f` with `data`, and without the active reference of an operation on `kn`.
///
/// The node, and all directories above it, may be removed before `f` is called.
///
/// # Safety
///
/// There must be an active reference on `kn`, which kernfs drops after this has returned.
unsafe fn without_active_reference<D, R>(
    kn: NonNull<bindings::kernfs_node>,
    data: Arc<D>,
    f: impl FnOnce(&Arc<D>) -> R,
) -> R {
    let kn = kn.as_ptr();

    // SAFETY: By the safety requirements, the node is valid and has an active reference. The
    // counted reference keeps the node during the call of `f`.
    unsafe {
        bindings::kernfs_get(kn);
        bindings::kernfs_break_active_protection(kn);
    }
    let result = f(&data);
    drop(data);
    // SAFETY: Both have been done above, and nothing returns in between.
    unsafe {
        bindings::kernfs_unbreak_active_protection(kn);
        bindings::kernfs_put(kn);
    }
    result
}

/// The operations of a file.
#[vtable]
pub trait FileOperations: Sized + 'static {
    /// The tree of the files.
    type Tree: Tree;

    /// The data of a file, besides that of its directory.
    type Data: Sync + 'static;

    /// The highest length of a write. Longer writes fail with `E2BIG`.
    const MAX_WRITE: usize = crate::page::PAGE_SIZE;

    /// Prints the file. Not used for files made by [`NodeRef::create_list`].
    fn show(_file: &ActiveFile<'_, Self>, _m: &SeqFile) -> Result {
        build_error!(crate::error::VTABLE_DEFAULT_ERROR)
    }

    /// Handles one write. `buf` is a copy of everything that was written, for this call.
    fn write(_file: ActiveFile<'_, Self>, _buf: &mut [u8]) -> Result {
        build_error!(crate::error::VTABLE_DEFAULT_ERROR)
    }
}

/// The number of items that are printed by one call.
///
/// To print a number takes less time than `seq_file` and kernfs need for a call, hence more than
/// one. All items of a call should fit into a page, which is the initial buffer.
pub const ITEMS_AT_ONCE: usize = 64;

/// The operations of a file that lists many items.
///
/// All items are collected when a reader is at the beginning of the file. They are kept for the
/// reader, who reads one consistent list, whatever the size of the reads.
pub trait ListOperations: FileOperations {
    /// An item.
    type Item: Send;

    /// Collects the items.
    fn list(file: &ActiveFile<'_, Self>) -> Result<KVVec<Self::Item>>;

    /// Prints between 1 and [`ITEMS_AT_ONCE`] adjacent items.
    fn show_items(items: &[Self::Item], m: &SeqFile) -> Result;
}

/// The operations of a file that is printed in pieces, as it may not fit into memory.
pub trait PieceOperations: FileOperations {
    /// Prints the piece at the position `from`, which is 0 at first. Returns the position of the
    /// next piece, or [`None`] if this was the last one.
    ///
    /// If the buffer was too small, this is called again with the same position. The contents may
    /// change between two calls.
    fn show_piece(file: &ActiveFile<'_, Self>, from: usize, m: &SeqFile) -> Result<Option<usize>>;
}

/// An open file on which a system call operates.
///
/// # Invariants
///
/// `of` is an open file with the operations `F`, whose node has an active reference for `'a`.
pub struct ActiveFile<'a, F: FileOperations> {
    of: NonNull<bindings::kernfs_open_file>,
    _p: PhantomData<(&'a (), F)>,
}

impl<'a, F: FileOperations> ActiveFile<'a, F> {
    /// # Safety
    ///
    /// `of` must be an open file with the operations `F`, whose node has an active reference for
    /// `'a`.
    unsafe fn from_raw(of: *mut bindings::kernfs_open_file) -> Self {
        // INVARIANT: By the safety requirements.
        Self {
            // SAFETY: A valid open file is not NULL.
            of: unsafe { NonNull::new_unchecked(of) },
            _p: PhantomData,
        }
    }

    fn node(&self) -> NonNull<bindings::kernfs_node> {
        // SAFETY: By the type invariant, `of` is valid, and an open file has a node.
        unsafe { NonNull::new_unchecked((*self.of.as_ptr()).kn) }
    }

    /// The pointer for C code.
    pub fn as_ptr(&self) -> *mut bindings::kernfs_open_file {
        self.of.as_ptr()
    }

    /// The data of the file, as passed to [`NodeRef::create_file`].
    pub fn data(&self) -> &F::Data {
        // SAFETY: `priv` of a node with the operations `F` is an `F::Data`. It is valid until the
        // node is removed, which waits for the active reference.
        unsafe { &*(*self.node().as_ptr()).priv_.cast() }
    }

    /// The data of the directory of the file.
    pub fn directory(&self) -> ArcBorrow<'_, <F::Tree as Tree>::Directory> {
        // SAFETY: Nodes do not move (`KERNFS_ROOT_INVARIANT_PARENT`). The active reference keeps
        // the directory, whose `priv` is a foreign `Arc`.
        unsafe {
            let parent = (*self.node().as_ptr()).__parent;
            Arc::<<F::Tree as Tree>::Directory>::borrow((*parent).priv_)
        }
    }

    /// The credentials with which the file was opened. Check permissions against these and not
    /// against those of the current task, which may have been given the descriptor.
    pub fn cred(&self) -> &Credential {
        // SAFETY: By the type invariant, `of` and its file are valid. If the system call has
        // skipped the lock of the file position, then no other task uses the file.
        unsafe { LocalFile::from_raw_file((*self.as_ptr()).file) }.cred()
    }

    /// Calls `f` with the data of the directory of the file, and without the active reference.
    ///
    /// The file, and all directories above it, may be removed before `f` is called: see
    /// [`ActiveDirectory::break_active_protection`].
    pub fn break_active_protection<R>(
        self,
        f: impl FnOnce(&Arc<<F::Tree as Tree>::Directory>) -> R,
    ) -> R {
        let data = self.directory().into();

        // SAFETY: By the type invariant, there is an active reference for `'a`, which outlives this
        // call. `self` is consumed, so that it cannot be used without the active reference.
        unsafe { without_active_reference(self.node(), data, f) }
    }
}

/// The functions of a file for kernfs.
struct FileVTable<F: FileOperations>(PhantomData<F>);

impl<F: FileOperations> FileVTable<F> {
    const OPS: bindings::kernfs_ops = bindings::kernfs_ops {
        seq_show: if F::HAS_SHOW { Some(Self::show) } else { None },
        write: if F::HAS_WRITE {
            Some(Self::write)
        } else {
            None
        },
        atomic_write_len: F::MAX_WRITE,
        ..pin_init::zeroed()
    };

    /// # Safety
    ///
    /// Only kernfs may call this, for files with the operations `F`.
    unsafe extern "C" fn show(m: *mut bindings::seq_file, _v: *mut c_void) -> c_int {
        // SAFETY: kernfs sets `private` to the open file, and holds an active reference on its
        // node.
        let file = unsafe { ActiveFile::<F>::from_raw((*m).private.cast()) };
        // SAFETY: Only this call uses the seq file.
        let m = unsafe { SeqFile::from_raw(m) };

        from_result(|| F::show(&file, m).map(|()| 0))
    }

    /// # Safety
    ///
    /// Only kernfs may call this, for files with the operations `F`.
    unsafe extern "C" fn write(
        of: *mut bindings::kernfs_open_file,
        buf: *mut c_char,
        bytes: usize,
        _off: bindings::loff_t,
    ) -> isize {
        // SAFETY: kernfs holds an active reference on the node of `of`.
        let file = unsafe { ActiveFile::<F>::from_raw(of) };
        // SAFETY: kernfs passes a buffer of `bytes` bytes, which only this call uses.
        let buf = unsafe { core::slice::from_raw_parts_mut(buf.cast(), bytes) };

        from_result(|| F::write(file, buf).map(|()| bytes as isize))
    }
}

/// The items of a reader. `priv` of an open list points to these, or is NULL.
type Items<F> = KBox<KVVec<<F as ListOperations>::Item>>;

impl<F: ListOperations> FileVTable<F> {
    const LIST_OPS: bindings::kernfs_ops = bindings::kernfs_ops {
        seq_show: Some(Self::list_show),
        seq_start: Some(Self::list_start),
        seq_next: Some(Self::list_next),
        seq_stop: Some(Self::list_stop),
        release: Some(Self::list_release),
        ..Self::OPS
    };

    /// The items with the number `index` of a call, or [`None`] at the end.
    ///
    /// # Safety
    ///
    /// `of` must be an open list with the operations `F`, with `of->mutex` held for `'a`.
    unsafe fn items<'a>(
        of: *mut bindings::kernfs_open_file,
        index: usize,
    ) -> Option<&'a [F::Item]> {
        // SAFETY: By the safety requirements, no other call accesses `priv`.
        let items = unsafe { (*of).priv_ };
        if items.is_null() {
            return None;
        }
        // SAFETY: `priv` of an open list is NULL or a foreign `Items<F>`.
        let items: &KVVec<F::Item> = unsafe { <Items<F> as ForeignOwnable>::borrow(items) };
        let rest = items.get(index.checked_mul(ITEMS_AT_ONCE)?..)?;

        (!rest.is_empty()).then(|| &rest[..rest.len().min(ITEMS_AT_ONCE)])
    }

    /// The pointer that stands for a position in `seq_file`: the index plus 1, or NULL at the end.
    ///
    /// # Safety
    ///
    /// `of` must be an open list with the operations `F`, with `of->mutex` held.
    unsafe fn token(of: *mut bindings::kernfs_open_file, pos: bindings::loff_t) -> *mut c_void {
        let index = usize::try_from(pos).unwrap_or(usize::MAX);

        // SAFETY: By the safety requirements.
        match unsafe { Self::items(of, index) } {
            Some(_) => ptr::without_provenance_mut(index + 1),
            None => ptr::null_mut(),
        }
    }

    /// # Safety
    ///
    /// Only kernfs may call this, for lists with the operations `F`.
    unsafe extern "C" fn list_start(
        m: *mut bindings::seq_file,
        pos: *mut bindings::loff_t,
    ) -> *mut c_void {
        // SAFETY: kernfs sets `private` to the open file.
        let of: *mut bindings::kernfs_open_file = unsafe { (*m).private.cast() };
        // SAFETY: `pos` is valid for the call.
        let pos = unsafe { *pos };

        if pos == 0 {
            // SAFETY: kernfs holds an active reference on the node of `of`.
            let file = unsafe { ActiveFile::<F>::from_raw(of) };
            let items = match F::list(&file).and_then(|items| Ok(KBox::new(items, GFP_KERNEL)?)) {
                Ok(items) => items,
                // kernfs uses ENODEV to say that the file is gone.
                Err(e) if e == ENODEV => return EIO.to_ptr(),
                Err(e) => return e.to_ptr(),
            };
            // SAFETY: kernfs holds `of->mutex`, so that no other call accesses `priv`.
            let old = unsafe { core::mem::replace(&mut (*of).priv_, items.into_foreign()) };
            // SAFETY: `priv` of an open list is NULL or a foreign `Items<F>`. This one has no other
            // user.
            drop(unsafe { <Items<F> as ForeignOwnable>::try_from_foreign(old) });
        }
        // SAFETY: kernfs holds `of->mutex`.
        unsafe { Self::token(of, pos) }
    }

    /// # Safety
    ///
    /// Only kernfs may call this, for lists with the operations `F`.
    unsafe extern "C" fn list_next(
        m: *mut bindings::seq_file,
        _v: *mut c_void,
        pos: *mut bindings::loff_t,
    ) -> *mut c_void {
        // SAFETY: `pos` is valid for the call. kernfs sets `private` to the open file and holds its
        // mutex.
        unsafe {
            *pos += 1;
            Self::token((*m).private.cast(), *pos)
        }
    }

    /// # Safety
    ///
    /// Only kernfs may call this.
    unsafe extern "C" fn list_stop(_m: *mut bindings::seq_file, _v: *mut c_void) {}

    /// # Safety
    ///
    /// Only kernfs may call this, for lists with the operations `F`.
    unsafe extern "C" fn list_show(m: *mut bindings::seq_file, v: *mut c_void) -> c_int {
        // SAFETY: kernfs sets `private` to the open file, and holds its mutex.
        let items = unsafe { Self::items((*m).private.cast(), v.addr().wrapping_sub(1)) };
        // SAFETY: Only this call uses the seq file.
        let m = unsafe { SeqFile::from_raw(m) };

        from_result(|| F::show_items(items.unwrap_or(&[]), m).map(|()| 0))
    }

    /// # Safety
    ///
    /// Only kernfs may call this, for lists with the operations `F`.
    unsafe extern "C" fn list_release(of: *mut bindings::kernfs_open_file) {
        // SAFETY: kernfs calls this once, when no operation on `of` has an active reference, now or
        // later. A write that has given up its active reference does not access `priv`.
        let items = unsafe { core::mem::replace(&mut (*of).priv_, ptr::null_mut()) };
        // SAFETY: `priv` of an open list is NULL or a foreign `Items<F>`.
        drop(unsafe { <Items<F> as ForeignOwnable>::try_from_foreign(items) });
    }
}

/// The position after the last piece.
const END: usize = usize::MAX;

impl<F: PieceOperations> FileVTable<F> {
    const PIECE_OPS: bindings::kernfs_ops = bindings::kernfs_ops {
        seq_show: Some(Self::piece_show),
        seq_start: Some(Self::piece_start),
        seq_next: Some(Self::piece_next),
        seq_stop: Some(Self::piece_stop),
        ..Self::OPS
    };

    /// The pointer that stands for a position in `seq_file`, NULL at the end.
    fn position(pos: usize) -> *mut c_void {
        ptr::without_provenance_mut(pos.wrapping_add(1))
    }

    /// # Safety
    ///
    /// Only kernfs may call this, for files with the operations `F`.
    unsafe extern "C" fn piece_start(
        _m: *mut bindings::seq_file,
        pos: *mut bindings::loff_t,
    ) -> *mut c_void {
        // SAFETY: `pos` is valid for the call.
        let pos = unsafe { *pos };

        // The highest position stands for the end. There are no negative ones.
        Self::position(match usize::try_from(pos) {
            Ok(from) if pos != bindings::loff_t::MAX => from,
            _ => END,
        })
    }

    /// # Safety
    ///
    /// Only kernfs may call this, for files with the operations `F`.
    unsafe extern "C" fn piece_next(
        m: *mut bindings::seq_file,
        _v: *mut c_void,
        pos: *mut bindings::loff_t,
    ) -> *mut c_void {
        // SAFETY: kernfs sets `private` to the open file and holds its mutex. `piece_show` has
        // written to `priv`.
        let next = unsafe { (*(*m).private.cast::<bindings::kernfs_open_file>()).priv_ }.addr();

        // SAFETY: `pos` is valid for the call.
        unsafe { *pos = next.try_into().unwrap_or(bindings::loff_t::MAX) };
        Self::position(next)
    }

    /// # Safety
    ///
    /// Only kernfs may call this.
    unsafe extern "C" fn piece_stop(_m: *mut bindings::seq_file, _v: *mut c_void) {}

    /// # Safety
    ///
    /// Only kernfs may call this, for files with the operations `F`.
    unsafe extern "C" fn piece_show(m: *mut bindings::seq_file, v: *mut c_void) -> c_int {
        // SAFETY: kernfs sets `private` to the open file.
        let of: *mut bindings::kernfs_open_file = unsafe { (*m).private.cast() };
        // SAFETY: kernfs holds an active reference on the node of `of`.
        let file = unsafe { ActiveFile::<F>::from_raw(of) };
        // SAFETY: Only this call uses the seq file.
        let m = unsafe { SeqFile::from_raw(m) };

        from_result(|| {
            let next = F::show_piece(&file, v.addr().wrapping_sub(1), m)?;

            // SAFETY: kernfs holds `of->mutex`, so that no other call accesses `priv`.
            unsafe { (*of).priv_ = ptr::without_provenance_mut(next.unwrap_or(END)) };
            Ok(0)
        })
    }
}
