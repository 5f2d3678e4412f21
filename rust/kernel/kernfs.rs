// SPDX-License-Identifier: GPL-2.0

//! kernfs: file systems whose directories and files the kernel makes.
//!
//! sysfs, cgroup and resctrl stand on kernfs; it brings lookup, ownership and permissions, and the
//! draining of open files when a directory is removed.
//!
//! A file system in Rust consists of
//!
//! - a [`Tree`]: what a directory stands for, and what `mkdir(2)` and `rmdir(2)` do;
//! - types that implement [`FileOperations`], or [`ListOperations`] for files that list many
//!   items: what reading and writing a file does;
//! - a [`Root`], which owns the tree, and a [`Directory`] for each directory that was made;
//! - a [`mount::FileSystem`], by which user space mounts trees.
//!
//! kernfs calls an operation with an *active reference* on its node, and removing a node waits for
//! those. An operation that takes a lock which is held elsewhere while nodes are removed has to
//! give the reference up before: [`ActiveDirectory::break_active_protection`] and [`ActiveFile::break_active_protection`].
//!
//! This module does not support:
//!
//! - symbolic links, namespaces and renaming;
//! - `mmap`, `poll`, `llseek` and raw reads of files.
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

/// What the directories of a kernfs hierarchy stand for.
#[vtable]
pub trait Tree: Sized + 'static {
    /// What a directory stands for. The directory holds a reference.
    type Directory: Send + Sync + 'static;

    /// `mkdir(2)` of `name` in `parent`, with the permissions `mode`.
    fn mkdir(parent: ActiveDirectory<'_, Self>, name: &CStr, mode: Mode) -> Result;

    /// `rmdir(2)` of `dir`. kernfs does not look whether it is empty.
    fn rmdir(dir: ActiveDirectory<'_, Self>) -> Result;

    /// Prints the mount options of the tree with the root directory `root` for `/proc/mounts`,
    /// each with a comma in front.
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

/// Owner and group of a node.
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

    /// Whom the current task creates files for.
    pub fn current_fs() -> Self {
        // SAFETY: The file system ids of the current task can always be read.
        unsafe {
            Self {
                uid: bindings::current_fsuid(),
                gid: bindings::current_fsgid(),
            }
        }
    }
}

/// The C side of a [`Tree`].
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
    /// Only for kernfs, for a root that a [`Root<T>`] owns.
    unsafe extern "C" fn mkdir(
        parent: *mut bindings::kernfs_node,
        name: *const c_char,
        mode: bindings::umode_t,
    ) -> c_int {
        // SAFETY: kernfs holds an active reference on the directory `parent` during the call.
        let parent = unsafe { ActiveDirectory::from_raw(parent) };
        // SAFETY: kernfs passes a NUL-terminated name.
        let name = unsafe { CStr::from_char_ptr(name) };

        from_result(|| T::mkdir(parent, name, Mode::new(mode)).map(|()| 0))
    }

    /// # Safety
    ///
    /// Only for kernfs, for a root that a [`Root<T>`] owns.
    unsafe extern "C" fn rmdir(kn: *mut bindings::kernfs_node) -> c_int {
        // SAFETY: kernfs holds an active reference on the directory `kn` during the call.
        let dir = unsafe { ActiveDirectory::from_raw(kn) };

        from_result(|| T::rmdir(dir).map(|()| 0))
    }

    /// # Safety
    ///
    /// Only for kernfs, for a root that a [`Root<T>`] owns.
    unsafe extern "C" fn show_options(
        m: *mut bindings::seq_file,
        root: *mut bindings::kernfs_root,
    ) -> c_int {
        // SAFETY: kernfs passes a seq file that only this call uses.
        let m = unsafe { SeqFile::from_raw(m) };
        // SAFETY: The root is mounted and thus valid.
        let kn = unsafe { bindings::kernfs_root_to_node(root) };
        // SAFETY: `Root::new` set `priv` to a reference that is given back only when the root is
        // destroyed, which does not happen while it is mounted.
        let dir = unsafe { Arc::<T::Directory>::borrow((*kn).priv_) };

        from_result(|| T::show_options(&dir, m).map(|()| 0))
    }
}

/// A kernfs hierarchy.
///
/// Dropping it removes all of its nodes; it must not be mounted any more.
///
/// # Invariants
///
/// `root` is a root from `kernfs_create_root()` that this object owns; `priv` of its node, and of
/// every directory below, is an [`Arc<T::Directory>`] turned foreign.
pub struct Root<T: Tree> {
    root: NonNull<bindings::kernfs_root>,
    _p: PhantomData<Arc<T::Directory>>,
}

// SAFETY: A kernfs hierarchy can be used and destroyed on any thread.
unsafe impl<T: Tree> Send for Root<T> {}

// SAFETY: kernfs synchronises itself.
unsafe impl<T: Tree> Sync for Root<T> {}

impl<T: Tree> Root<T> {
    /// Makes a hierarchy that consists of a root directory, which stands for `data`.
    ///
    /// Nodes are invisible until they, or a directory above, are [activated](Directory::activate).
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
            // SAFETY: kernfs does not write to the operations, which are valid for ever. `data` is
            // for the callbacks only.
            unsafe { bindings::kernfs_create_root(ptr::from_ref(ops).cast_mut(), flags, data) },
        )
        .inspect_err(|_| {
            // SAFETY: `data` comes from `into_foreign` above and nobody else got it.
            drop(unsafe { Arc::<T::Directory>::from_foreign(data) });
        })?;

        // INVARIANT: The root is new and has the foreign `data`.
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

    /// For mounting the hierarchy.
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

/// Says which hierarchy it is about, without keeping it alive.
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
        // SAFETY: By the type invariant, we own the root. No operation runs once this returns.
        unsafe { bindings::kernfs_destroy_root(self.as_ptr()) };
        // SAFETY: By the type invariant, this is a foreign reference, and nobody can get at it
        // through the root any more.
        drop(unsafe { Arc::<T::Directory>::from_foreign(data) });
    }
}

/// A directory that may be populated.
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
    /// A directory as C code passes it on.
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

    /// For passing it on to C code.
    pub fn as_ptr(self) -> *mut bindings::kernfs_node {
        self.kn.as_ptr()
    }

    /// What the directory stands for, or [`None`] if the directory is being removed, or has been.
    pub fn data(self) -> Option<Arc<T::Directory>> {
        // SAFETY: By the type invariant, `kn` is valid.
        if unsafe { bindings::kernfs_get_active(self.as_ptr()) }.is_null() {
            return None;
        }
        // SAFETY: By the type invariant, `kn` is a directory in a hierarchy of `T`. The active
        // reference is the one from above.
        let data = unsafe { ActiveDirectory::<T>::from_raw(self.as_ptr()) }
            .data()
            .into();

        // SAFETY: This gives back the active reference from above, which nobody uses any more.
        unsafe { bindings::kernfs_put_active(self.as_ptr()) };
        Some(data)
    }

    /// Makes a directory that stands for `data`.
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
        // INVARIANT: This is the new directory, because nobody removes that alone. It is in the
        // same hierarchy as its parent, has the foreign `data`, and we hold a reference.
        .map(|kn| Directory {
            kn,
            _p: PhantomData,
        })
        .inspect_err(|_| {
            // SAFETY: `data` comes from `into_foreign` above. Nobody else got it, or who has
            // removed the directory has waited for those who did.
            drop(unsafe { Arc::<T::Directory>::from_foreign(data) });
        })
    }

    /// A reference on the node of that name in the directory.
    ///
    /// A pointer to a node that was just made is not good enough: who drops a directory above this
    /// one, which nobody keeps from that, removes and frees it.
    fn find(self, name: &CStr) -> Result<NonNull<bindings::kernfs_node>> {
        // SAFETY: By the type invariant, `kn` is a valid directory.
        let kn = unsafe {
            bindings::kernfs_find_and_get_ns(self.as_ptr(), name.as_char_ptr(), ptr::null())
        };

        NonNull::new(kn).ok_or(ENOENT)
    }

    /// Makes a file with the operations `F` on `data`. It goes with its directory.
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
        // SAFETY: The data is valid for ever.
        unsafe { self.create(name, mode, owner, &FileVTable::<F>::OPS, data) }?;

        // INVARIANT: This is the new file, because nobody removes that alone, and we hold a
        // reference.
        Ok(FileRef {
            kn: self.find(name)?,
            _p: PhantomData,
        })
    }

    /// As [`create_file`](Self::create_file), on data that does not live for ever.
    ///
    /// Returns the file for passing it on to C code. It is valid until it has been removed.
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

    /// Makes a file that lists items, with the operations `F` on `data`.
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
        // SAFETY: The data is valid for ever.
        unsafe { self.create(name, mode, owner, &FileVTable::<F>::LIST_OPS, data) }.map(|_| ())
    }

    /// Makes a file that is printed piece by piece, on data that does not live for ever. See
    /// [`create_file_on`](Self::create_file_on).
    ///
    /// # Safety
    ///
    /// As there.
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
    /// `ops` must be operations on a `D`, and `data` valid until the file has been removed.
    unsafe fn create<D>(
        self,
        name: &CStr,
        mode: Mode,
        owner: Owner,
        ops: &'static bindings::kernfs_ops,
        data: *const D,
    ) -> Result<NonNull<bindings::kernfs_node>> {
        // SAFETY: By the type invariant, `kn` is a valid directory. kernfs copies the name. By the
        // safety requirements, the data is as the operations want it.
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

    /// Makes the node, and all nodes below, visible.
    pub fn activate(self) {
        // SAFETY: By the type invariant, `kn` is valid.
        unsafe { bindings::kernfs_activate(self.as_ptr()) };
    }
}

/// A reference on a file.
///
/// It keeps the memory of the file, and not the file from being removed.
///
/// # Invariants
///
/// `kn` is a file in a hierarchy of `T`, on which this object holds a reference.
pub struct FileRef<T: Tree> {
    kn: NonNull<bindings::kernfs_node>,
    _p: PhantomData<T>,
}

impl<T: Tree> FileRef<T> {
    /// For passing it on to C code.
    pub fn as_ptr(&self) -> *mut bindings::kernfs_node {
        self.kn.as_ptr()
    }
}

impl<T: Tree> Drop for FileRef<T> {
    fn drop(&mut self) {
        // SAFETY: By the type invariant, we hold a reference, which we give up here.
        unsafe { bindings::kernfs_put(self.as_ptr()) };
    }
}

/// A directory below the root.
///
/// Dropping it removes the directory and all that is in it, waits until no operation runs on them,
/// and gives up the reference on what the directory stands for.
///
/// # Invariants
///
/// `kn` is a directory in a hierarchy of `T`, on which this object holds a reference, and which is
/// removed by this object or with one above, up to the root. Its `priv` is a foreign
/// [`Arc<T::Directory>`] of this object.
pub struct Directory<T: Tree> {
    kn: NonNull<bindings::kernfs_node>,
    _p: PhantomData<Arc<T::Directory>>,
}

// SAFETY: A kernfs node can be used and removed on any thread.
unsafe impl<T: Tree> Send for Directory<T> {}

// SAFETY: kernfs synchronises itself.
unsafe impl<T: Tree> Sync for Directory<T> {}

impl<T: Tree> Directory<T> {
    /// The directory, for populating it.
    pub fn node(&self) -> NodeRef<'_, T> {
        // SAFETY: By the type invariant.
        unsafe { NodeRef::from_raw(self.kn.as_ptr()) }
    }
}

impl<T: Tree> Drop for Directory<T> {
    fn drop(&mut self) {
        let kn = self.kn.as_ptr();

        // SAFETY: By the type invariant, we hold a reference.
        let data = unsafe { (*kn).priv_ };
        // SAFETY: By the type invariant, we hold a reference. No operation on the node or below
        // runs with an active reference once this returns.
        unsafe { bindings::kernfs_remove(kn) };
        // SAFETY: By the type invariant, the data is ours; operations that have given up their
        // active reference hold a reference of their own.
        drop(unsafe { Arc::<T::Directory>::from_foreign(data) });
        // SAFETY: By the type invariant, we hold a reference, which we give up here.
        unsafe { bindings::kernfs_put(kn) };
    }
}

/// A directory that a system call is operating on.
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

    /// What the directory stands for.
    pub fn data(&self) -> ArcBorrow<'_, T::Directory> {
        // SAFETY: Every directory of a hierarchy of `T` has a foreign `Arc` in `priv`, which is
        // taken back only after active references are gone.
        unsafe { Arc::<T::Directory>::borrow((*self.kn.as_ptr()).priv_) }
    }

    /// Calls `f` without the active reference, with what the directory stands for.
    ///
    /// The directory, and all above, may be removed meanwhile: look, under the lock that removing
    /// them takes, whether they still are what the operation is about.
    pub fn break_active_protection<R>(self, f: impl FnOnce(&Arc<T::Directory>) -> R) -> R {
        let data = self.data().into();

        // SAFETY: By the type invariant, there is an active reference for `'a`, which is longer
        // than this call. Nobody can use it through `self` any more.
        unsafe { without_active_reference(self.kn, data, f) }
    }
}

/// Calls `f` without the active reference that an operation on `kn` has, and with `data` instead.
///
/// The node, its directory, and all above may be removed meanwhile.
///
/// # Safety
///
/// There must be an active reference on `kn`, which kernfs gives up after this returns.
unsafe fn without_active_reference<D, R>(
    kn: NonNull<bindings::kernfs_node>,
    data: Arc<D>,
    f: impl FnOnce(&Arc<D>) -> R,
) -> R {
    let kn = kn.as_ptr();

    // SAFETY: By the safety requirements, the node is valid, and there is an active reference. The
    // reference that is taken first keeps the node until the end.
    unsafe {
        bindings::kernfs_get(kn);
        bindings::kernfs_break_active_protection(kn);
    }
    let result = f(&data);
    drop(data);
    // SAFETY: Both are as they were left above, and nothing returns in between.
    unsafe {
        bindings::kernfs_unbreak_active_protection(kn);
        bindings::kernfs_put(kn);
    }
    result
}

/// What reading and writing a file does.
#[vtable]
pub trait FileOperations: Sized + 'static {
    /// The tree that the files are in.
    type Tree: Tree;

    /// What a file is about, besides its directory.
    type Data: Sync + 'static;

    /// The longest write. Longer ones fail with `E2BIG`.
    const MAX_WRITE: usize = crate::page::PAGE_SIZE;

    /// Prints the file. Not for files made by [`NodeRef::create_list`].
    fn show(_file: &ActiveFile<'_, Self>, _m: &SeqFile) -> Result {
        build_error!(crate::error::VTABLE_DEFAULT_ERROR)
    }

    /// Takes one write. `buf` is all of what was written, a copy for this call.
    fn write(_file: ActiveFile<'_, Self>, _buf: &mut [u8]) -> Result {
        build_error!(crate::error::VTABLE_DEFAULT_ERROR)
    }
}

/// How many items of a list are printed with one call.
///
/// More than one, because what `seq_file` and kernfs do for each call takes longer than to print a
/// number. What they print together should fit into a page, which is the buffer to begin with.
pub const ITEMS_AT_ONCE: usize = 64;

/// What reading a file that lists many items does.
///
/// All items are collected when a reader is at the beginning of the file, and shown from then on,
/// however small the reader's buffer: what it reads is one listing.
pub trait ListOperations: FileOperations {
    /// One item.
    type Item: Send;

    /// Collects the items.
    fn list(file: &ActiveFile<'_, Self>) -> Result<KVVec<Self::Item>>;

    /// Prints items that follow on each other: one to [`ITEMS_AT_ONCE`] of them.
    fn show_items(items: &[Self::Item], m: &SeqFile) -> Result;
}

/// What reading a file does that is printed piece by piece, as it may not fit into memory.
pub trait PieceOperations: FileOperations {
    /// Prints what comes at the position `from`, which is 0 to begin with. Returns the position of
    /// the next piece, or [`None`] if this was the last one.
    ///
    /// Called again with the same position if there was too little room. What is between two calls
    /// may change meanwhile.
    fn show_piece(file: &ActiveFile<'_, Self>, from: usize, m: &SeqFile) -> Result<Option<usize>>;
}

/// An open file that a system call is operating on.
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

    /// For passing it on to C code.
    pub fn as_ptr(&self) -> *mut bindings::kernfs_open_file {
        self.of.as_ptr()
    }

    /// What the file is about, as given to [`NodeRef::create_file`].
    pub fn data(&self) -> &F::Data {
        // SAFETY: Nodes with the operations `F` are made with an `F::Data` in `priv` only, which is
        // valid until the node is removed. That waits for the active reference.
        unsafe { &*(*self.node().as_ptr()).priv_.cast() }
    }

    /// What the directory of the file stands for.
    pub fn directory(&self) -> ArcBorrow<'_, <F::Tree as Tree>::Directory> {
        // SAFETY: Nodes are never moved (`KERNFS_ROOT_INVARIANT_PARENT`), and the directory is not
        // gone while there is an active reference on a node in it. Its `priv` is a foreign `Arc`.
        unsafe {
            let parent = (*self.node().as_ptr()).__parent;
            Arc::<<F::Tree as Tree>::Directory>::borrow((*parent).priv_)
        }
    }

    /// The credentials of whoever opened the file, to judge permissions by: the descriptor may
    /// have been handed on.
    pub fn cred(&self) -> &Credential {
        // SAFETY: By the type invariant, `of` is valid, and so is its file. If the system call has
        // the position of the file without its lock, then nobody else has the file.
        unsafe { LocalFile::from_raw_file((*self.as_ptr()).file) }.cred()
    }

    /// Calls `f` without the active reference, with what the directory of the file stands for.
    ///
    /// The file, its directory, and all above may be removed meanwhile, as in
    /// [`ActiveDirectory::break_active_protection`].
    pub fn break_active_protection<R>(
        self,
        f: impl FnOnce(&Arc<<F::Tree as Tree>::Directory>) -> R,
    ) -> R {
        let data = self.directory().into();

        // SAFETY: By the type invariant, there is an active reference for `'a`, which is longer
        // than this call. Nobody can use it through `self` any more.
        unsafe { without_active_reference(self.node(), data, f) }
    }
}

/// The C side of [`FileOperations`] and [`ListOperations`].
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
    /// Only for kernfs, for files with the operations `F`.
    unsafe extern "C" fn show(m: *mut bindings::seq_file, _v: *mut c_void) -> c_int {
        // SAFETY: kernfs puts the open file there, and holds an active reference on its node.
        let file = unsafe { ActiveFile::<F>::from_raw((*m).private.cast()) };
        // SAFETY: kernfs passes a seq file that only this call uses.
        let m = unsafe { SeqFile::from_raw(m) };

        from_result(|| F::show(&file, m).map(|()| 0))
    }

    /// # Safety
    ///
    /// Only for kernfs, for files with the operations `F`.
    unsafe extern "C" fn write(
        of: *mut bindings::kernfs_open_file,
        buf: *mut c_char,
        bytes: usize,
        _off: bindings::loff_t,
    ) -> isize {
        // SAFETY: kernfs holds an active reference on the node of `of`.
        let file = unsafe { ActiveFile::<F>::from_raw(of) };
        // SAFETY: kernfs passes a buffer with `bytes` bytes in it, which only this call uses.
        let buf = unsafe { core::slice::from_raw_parts_mut(buf.cast(), bytes) };

        from_result(|| F::write(file, buf).map(|()| bytes as isize))
    }
}

/// The items that a reader is being shown: what `priv` of an open list points to.
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

    /// The items that are printed together as number `index`, or [`None`] behind the last ones.
    ///
    /// # Safety
    ///
    /// `of` must be an open list with the operations `F`, with `of->mutex` held for `'a`.
    unsafe fn items<'a>(
        of: *mut bindings::kernfs_open_file,
        index: usize,
    ) -> Option<&'a [F::Item]> {
        // SAFETY: By the safety requirements, nobody else accesses `priv`.
        let items = unsafe { (*of).priv_ };
        if items.is_null() {
            return None;
        }
        // SAFETY: `priv` of an open list is NULL or foreign `Items<F>`.
        let items: &KVVec<F::Item> = unsafe { <Items<F> as ForeignOwnable>::borrow(items) };
        let rest = items.get(index.checked_mul(ITEMS_AT_ONCE)?..)?;

        (!rest.is_empty()).then(|| &rest[..rest.len().min(ITEMS_AT_ONCE)])
    }

    /// What stands for the items at a position where `seq_file` wants a pointer: their index, but
    /// not 0. NULL behind the last ones.
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
    /// Only for kernfs, for lists with the operations `F`.
    unsafe extern "C" fn list_start(
        m: *mut bindings::seq_file,
        pos: *mut bindings::loff_t,
    ) -> *mut c_void {
        // SAFETY: kernfs puts the open file there.
        let of: *mut bindings::kernfs_open_file = unsafe { (*m).private.cast() };
        // SAFETY: `pos` is valid for the call.
        let pos = unsafe { *pos };

        if pos == 0 {
            // SAFETY: kernfs holds an active reference on the node of `of`.
            let file = unsafe { ActiveFile::<F>::from_raw(of) };
            let items = match F::list(&file).and_then(|items| Ok(KBox::new(items, GFP_KERNEL)?)) {
                Ok(items) => items,
                // kernfs takes ENODEV for its own answer that the file is gone.
                Err(e) if e == ENODEV => return EIO.to_ptr(),
                Err(e) => return e.to_ptr(),
            };
            // SAFETY: kernfs holds `of->mutex`, so that nobody else accesses `priv`.
            let old = unsafe { core::mem::replace(&mut (*of).priv_, items.into_foreign()) };
            // SAFETY: `priv` of an open list is NULL or foreign `Items<F>`, and nobody has it any
            // more.
            drop(unsafe { <Items<F> as ForeignOwnable>::try_from_foreign(old) });
        }
        // SAFETY: kernfs holds `of->mutex`.
        unsafe { Self::token(of, pos) }
    }

    /// # Safety
    ///
    /// Only for kernfs, for lists with the operations `F`.
    unsafe extern "C" fn list_next(
        m: *mut bindings::seq_file,
        _v: *mut c_void,
        pos: *mut bindings::loff_t,
    ) -> *mut c_void {
        // SAFETY: `pos` is valid for the call; kernfs puts the open file into `private` and holds
        // its mutex.
        unsafe {
            *pos += 1;
            Self::token((*m).private.cast(), *pos)
        }
    }

    /// # Safety
    ///
    /// Only for kernfs.
    unsafe extern "C" fn list_stop(_m: *mut bindings::seq_file, _v: *mut c_void) {}

    /// # Safety
    ///
    /// Only for kernfs, for lists with the operations `F`.
    unsafe extern "C" fn list_show(m: *mut bindings::seq_file, v: *mut c_void) -> c_int {
        // SAFETY: kernfs puts the open file there, and holds its mutex.
        let items = unsafe { Self::items((*m).private.cast(), v.addr().wrapping_sub(1)) };
        // SAFETY: kernfs passes a seq file that only this call uses.
        let m = unsafe { SeqFile::from_raw(m) };

        from_result(|| F::show_items(items.unwrap_or(&[]), m).map(|()| 0))
    }

    /// # Safety
    ///
    /// Only for kernfs, for lists with the operations `F`.
    unsafe extern "C" fn list_release(of: *mut bindings::kernfs_open_file) {
        // SAFETY: kernfs calls this once, when no operation on `of` has an active reference, or
        // will have one. A write that has given its own up does not look at `priv`.
        let items = unsafe { core::mem::replace(&mut (*of).priv_, ptr::null_mut()) };
        // SAFETY: `priv` of an open list is NULL or foreign `Items<F>`.
        drop(unsafe { <Items<F> as ForeignOwnable>::try_from_foreign(items) });
    }
}

/// The position behind the last piece.
const END: usize = usize::MAX;

impl<F: PieceOperations> FileVTable<F> {
    const PIECE_OPS: bindings::kernfs_ops = bindings::kernfs_ops {
        seq_show: Some(Self::piece_show),
        seq_start: Some(Self::piece_start),
        seq_next: Some(Self::piece_next),
        seq_stop: Some(Self::piece_stop),
        ..Self::OPS
    };

    /// What stands for a position where `seq_file` wants a pointer, NULL at the end.
    fn position(pos: usize) -> *mut c_void {
        ptr::without_provenance_mut(pos.wrapping_add(1))
    }

    /// # Safety
    ///
    /// Only for kernfs, for files with the operations `F`.
    unsafe extern "C" fn piece_start(
        _m: *mut bindings::seq_file,
        pos: *mut bindings::loff_t,
    ) -> *mut c_void {
        // SAFETY: `pos` is valid for the call.
        let pos = unsafe { *pos };

        // A negative one, which there is not, and the last one are the end.
        Self::position(match usize::try_from(pos) {
            Ok(from) if pos != bindings::loff_t::MAX => from,
            _ => END,
        })
    }

    /// # Safety
    ///
    /// Only for kernfs, for files with the operations `F`.
    unsafe extern "C" fn piece_next(
        m: *mut bindings::seq_file,
        _v: *mut c_void,
        pos: *mut bindings::loff_t,
    ) -> *mut c_void {
        // SAFETY: kernfs puts the open file into `private` and holds its mutex: `piece_show` has
        // written this.
        let next = unsafe { (*(*m).private.cast::<bindings::kernfs_open_file>()).priv_ }.addr();

        // SAFETY: `pos` is valid for the call.
        unsafe { *pos = next.try_into().unwrap_or(bindings::loff_t::MAX) };
        Self::position(next)
    }

    /// # Safety
    ///
    /// Only for kernfs.
    unsafe extern "C" fn piece_stop(_m: *mut bindings::seq_file, _v: *mut c_void) {}

    /// # Safety
    ///
    /// Only for kernfs, for files with the operations `F`.
    unsafe extern "C" fn piece_show(m: *mut bindings::seq_file, v: *mut c_void) -> c_int {
        // SAFETY: kernfs puts the open file there.
        let of: *mut bindings::kernfs_open_file = unsafe { (*m).private.cast() };
        // SAFETY: kernfs holds an active reference on the node of `of`.
        let file = unsafe { ActiveFile::<F>::from_raw(of) };
        // SAFETY: kernfs passes a seq file that only this call uses.
        let m = unsafe { SeqFile::from_raw(m) };

        from_result(|| {
            let next = F::show_piece(&file, v.addr().wrapping_sub(1), m)?;

            // SAFETY: kernfs holds `of->mutex`, so that nobody else accesses `priv`.
            unsafe { (*of).priv_ = ptr::without_provenance_mut(next.unwrap_or(END)) };
            Ok(0)
        })
    }
}
