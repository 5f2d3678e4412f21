// SPDX-License-Identifier: GPL-2.0

//! The boundary to C: functions that C calls, and calls of subsystems, which may be written in C.
//!
//! This is the only file of the core with `unsafe` code.

use crate::{
    container::Container,
    hierarchy::Hierarchy,
    launch,
    mount::{
        self,
        Rcfs, //
    },
    options::{
        self,
        Options, //
    },
    proc,
    registry::{
        Guard,
        Registry, //
    },
};
use core::ptr;
use kernel::{
    bindings,
    error::{
        code::*,
        from_result,
        to_result, //
    },
    fs::context::{
        Log,
        Parameter, //
    },
    kernfs::{
        mount::{
            FileSystem,
            FileSystemType, //
        },
        ActiveFile,
        FileOperations,
        Mode,
        NodeRef,
        Owner,
        PieceOperations,
        RootHandle, //
    },
    new_condvar, new_mutex,
    nsproxy::NsProxy,
    prelude::*,
    rcfs::{
        context::Process,
        get_module,
        members::Members,
        put_module, //
    },
    seq_file::SeqFile,
    str::{
        CStr,
        CString, //
    },
    sync::{
        aref::ARef,
        deferred::Deferred,
        global_lock,
        rcu,
        Arc,
        CondVar,
        Mutex, //
    },
    task::Task,
    types::Opaque,
    ModuleMetadata,
};

global_lock! {
    // SAFETY: `rcfs_init()` initialises the lock before anything else uses it.
    pub(crate) unsafe(uninit) static REGISTRY: Mutex<Registry> = Registry::EMPTY;
}

/// The token of process context. All functions of the core run there; hooks are written in C.
pub(crate) fn context() -> Process {
    // SAFETY: Only functions of the core call this, and those run in process context.
    unsafe { Process::new() }
}

/// The metadata of this crate, which `module!` would make. The crate is always built in.
pub(crate) struct LocalModule;

impl ModuleMetadata for LocalModule {
    const NAME: &'static CStr = c"rcfs";
    const THIS_MODULE: ThisModule = {
        // SAFETY: `THIS_MODULE` is NULL for built-in code.
        unsafe { ThisModule::from_ptr(ptr::null_mut()) }
    };
}

/// A registered subsystem.
///
/// # Invariants
///
/// `ss` is valid, and its functions may be called, while the registry is locked and has the
/// subsystem, while the subsystem is bound to a hierarchy, and while a container has a state of it.
/// `rc_unregister_subsys()` does not return before that has ended. A container whose hierarchy is
/// gone still refers to the subsystem. It calls [`destroy`](Self::destroy) alone, for its state.
#[pin_data]
pub(crate) struct Subsys {
    ss: *mut bindings::rc_subsys,
    name: CString,
    id: usize,
    /// The number of states, without the root state.
    #[pin]
    states: Mutex<usize>,
    #[pin]
    no_states: CondVar,
}

// SAFETY: The functions of a subsystem may be called on any thread.
unsafe impl Send for Subsys {}

// SAFETY: As above. Functions that must not run at the same time are called with the mutex held.
unsafe impl Sync for Subsys {}

impl Subsys {
    /// The index of the states in an nsproxy.
    pub(crate) fn id(&self) -> usize {
        self.id
    }

    /// The name.
    pub(crate) fn name(&self) -> &CStr {
        &self.name
    }

    /// Lets the subsystem add its files to a new directory. The subsystem must be bound.
    pub(crate) fn populate(&self, members: &Members, dir: NodeRef<'_, Rcfs>) -> Result {
        let ns = members.as_nsproxy_ptr();

        // SAFETY: By the type invariant: a directory is populated with the registry locked, while
        // its hierarchy is active, so that the subsystem is bound.
        match unsafe { (*self.ss).populate } {
            // SAFETY: As above; the container, its nsproxy and `dir` are valid.
            Some(populate) => to_result(unsafe { populate(self.ss, ns, dir.as_ptr()) }),
            None => Ok(()),
        }
    }

    /// Whether the subsystem has a function `can_attach`. The subsystem must be bound.
    pub(crate) fn has_can_attach(&self) -> bool {
        // SAFETY: By the type invariant: the container that `launch::find_child_nsproxy` has found
        // is in use by the nsproxy for the child, or is a root that is mounted. Either keeps the
        // hierarchy, so that the subsystem is bound.
        unsafe { (*self.ss).can_attach }.is_some()
    }

    /// Asks whether tasks may move into a container. If one may not, cancels for the others.
    pub(crate) fn can_attach<'a>(
        &self,
        guard: &Guard,
        container: &Container,
        tasks: impl Iterator<Item = &'a Task> + Clone,
    ) -> Result {
        // SAFETY: By the type invariant: tasks are only moved with the registry locked, to a
        // container that has not been removed, so that its hierarchy is active and the subsystem is
        // bound.
        let Some(can_attach) = (unsafe { (*self.ss).can_attach }) else {
            return Ok(());
        };
        let ns = container.members().as_nsproxy_ptr();

        for (asked, task) in tasks.clone().enumerate() {
            // SAFETY: As above. The nsproxy of the container and the task are valid.
            to_result(unsafe { can_attach(self.ss, ns, task.as_ptr()) })
                .inspect_err(|_| self.cancel_attach(guard, container, tasks.clone().take(asked)))?;
        }
        Ok(())
    }

    /// Tells that tasks do not move, although [`can_attach`](Self::can_attach) has succeeded.
    pub(crate) fn cancel_attach<'a>(
        &self,
        _guard: &Guard,
        container: &Container,
        tasks: impl Iterator<Item = &'a Task>,
    ) {
        // SAFETY: As in `can_attach`, under the same lock.
        let (asked, cancel) = unsafe { ((*self.ss).can_attach, (*self.ss).cancel_attach) };
        let (Some(_), Some(cancel)) = (asked, cancel) else {
            return;
        };
        let ns = container.members().as_nsproxy_ptr();

        for task in tasks {
            // SAFETY: As above. The nsproxy of the container and the task are valid.
            unsafe { cancel(self.ss, ns, task.as_ptr()) };
        }
    }

    /// Tells that tasks have moved.
    pub(crate) fn attach<'a>(
        &self,
        _guard: &Guard,
        new: &NsProxy,
        old: &NsProxy,
        tasks: impl Iterator<Item = &'a Task>,
    ) {
        // SAFETY: As in `can_attach`, under the same lock.
        if let Some(attach) = unsafe { (*self.ss).attach } {
            for task in tasks {
                // SAFETY: As above. There are references on the nsproxies and the task.
                unsafe { attach(self.ss, new.as_ptr(), old.as_ptr(), task.as_ptr()) };
            }
        }
    }

    /// Tells which CPUs there are. The subsystem must be bound, and the mutex be held.
    fn cpus_changed(&self) {
        // SAFETY: By the type invariant: both callers make sure that the subsystem is bound.
        unsafe { bindings::rcfs_call_cpus_changed(self.ss) };
    }

    /// Makes the state of a container.
    fn create(&self, members: &Members, parent: &Members) -> Result {
        let ns = members.as_nsproxy_ptr();

        // SAFETY: By the type invariant: the parent has not been removed and the registry is
        // locked, so that the subsystem is bound. Both nsproxies are valid, and nothing else uses
        // that of the new container.
        to_result(unsafe {
            match (*self.ss).create {
                Some(create) => create(self.ss, ns, parent.as_nsproxy_ptr()),
                None => EINVAL.to_errno(),
            }
        })?;
        *self.states.lock() += 1;
        Ok(())
    }

    /// Tells that a container has been removed. The registry must be locked.
    fn offline(&self, members: &Members) {
        // SAFETY: By the type invariant: the container has a state. Its nsproxy is valid.
        unsafe {
            if let Some(offline) = (*self.ss).offline {
                offline(self.ss, members.as_nsproxy_ptr());
            }
        }
    }

    /// Frees the state that [`create`](Self::create) made.
    fn destroy(&self, members: &Members) {
        // SAFETY: By the type invariant: the container has a state. Nothing uses that state any
        // more: either the container was not published, or `States` is dropped when a grace period
        // has passed since the last use, see `States::new`.
        unsafe {
            if let Some(destroy) = (*self.ss).destroy {
                destroy(self.ss, members.as_nsproxy_ptr());
            }
        }
        let mut states = self.states.lock();
        *states -= 1;
        if *states == 0 {
            // Do this with the lock held: once the lock is released, the subsystem may be gone.
            self.no_states.notify_all();
        }
    }

    /// Waits until only the root state is left. The registry must be locked, and the subsystem not
    /// be bound.
    fn wait_for_states(&self) {
        // Zombies may never be reaped, and must not hold up unregistration.
        //
        // SAFETY: The id is that of a subsystem which is not bound, and the registry is locked.
        unsafe { bindings::rcfs_unpin_zombies(self.id as c_int) };

        let mut states = self.states.lock();

        while *states != 0 {
            self.no_states.wait(&mut states);
        }
    }
}

/// The states of a container, one for each subsystem of its hierarchy, and its tasks.
pub(crate) struct States {
    members: Members,
    hierarchy: Arc<Hierarchy>,
    /// How many states have been made, for that many of the first subsystems. 0 in a root, whose
    /// states are made by registration.
    made: usize,
}

impl States {
    /// The states of the root of a hierarchy, which exist already.
    pub(crate) fn root(hierarchy: Arc<Hierarchy>) -> Result<Self> {
        Ok(Self {
            // SAFETY: Tasks move to the root with the registry locked, while a file of the root is
            // open. That keeps the hierarchy active. An active hierarchy has its number and its
            // subsystems to itself.
            members: unsafe { Members::root(hierarchy.id, hierarchy.set.words()) }?,
            hierarchy,
            made: 0,
        })
    }

    /// Makes the states of a new container. If one cannot be made, the others are freed.
    pub(crate) fn new(parent: &Self) -> Result<Self> {
        let hierarchy = &parent.hierarchy;
        let mut states = Self {
            // SAFETY: A container has a reference on its parent, which owns `parent`, and is in the
            // same hierarchy. `Container::remove` retires the container with the registry locked,
            // and lets it be dropped after a grace period.
            members: unsafe { Members::new(hierarchy.id, hierarchy.set.words(), &parent.members) }?,
            hierarchy: hierarchy.clone(),
            made: 0,
        };

        for ss in &hierarchy.subsystems {
            ss.create(&states.members, &parent.members)?;
            states.made += 1;
        }
        Ok(states)
    }

    /// The hierarchy that the container belongs to.
    pub(crate) fn hierarchy(&self) -> &Arc<Hierarchy> {
        &self.hierarchy
    }

    /// The tasks in the container.
    pub(crate) fn members(&self) -> &Members {
        &self.members
    }

    /// Tells the subsystems that the container, which is not a root, has just been removed.
    pub(crate) fn offline(&self, _guard: &Guard) {
        for ss in self.hierarchy.subsystems[..self.made].iter().rev() {
            ss.offline(&self.members);
        }
    }
}

impl Drop for States {
    fn drop(&mut self) {
        for ss in self.hierarchy.subsystems[..self.made].iter().rev() {
            ss.destroy(&self.members);
        }
    }
}

/// Drops the reference of a directory on its container when the states are no longer needed.
///
/// The container must have been retired. This must be called once only.
pub(crate) fn drop_when_unused(deferred: Deferred<Arc<Container>>, container: Arc<Container>) {
    let last = container.clone();

    // SAFETY: The only caller is `Container::remove`. It has retired the container, and calls this
    // once, because it takes the `Deferred` out of the container. The code that drops a container
    // is built in. Code of a module that drops a state stays, since unregistration waits for the
    // state.
    unsafe { container.members().drop_when_unused(deferred, last) };
}

/// Kills all processes with a thread in a container or in its descendants.
pub(crate) fn kill(_guard: &Guard, container: &Container) {
    // SAFETY: The registry is locked, so that no task moves and no container comes or goes.
    unsafe { container.members().kill() };
}

/// Binds a subsystem to a hierarchy: while it exists, hooks are called and the module stays.
pub(crate) struct Binding(Arc<Subsys>);

impl Binding {
    /// Binds a subsystem.
    ///
    /// # Errors
    ///
    /// `ENOENT` if the module of the subsystem is being unloaded.
    pub(crate) fn new(ss: Arc<Subsys>) -> Result<Self> {
        // SAFETY: By the invariant of `Subsys`: the registry is locked and has the subsystem.
        if !unsafe { get_module((*ss.ss).owner) } {
            return Err(ENOENT);
        }
        // SAFETY: As above.
        unsafe { bindings::rcfs_activate_hooks(ss.ss, true) };
        // The subsystem was not told of CPUs while it was not bound.
        ss.cpus_changed();
        Ok(Self(ss))
    }
}

impl Drop for Binding {
    fn drop(&mut self) {
        // SAFETY: By the invariant of `Subsys`: the subsystem is bound until this returns. `new`
        // has taken the reference on the module.
        unsafe {
            bindings::rcfs_activate_hooks(self.0.ss, false);
            put_module((*self.0.ss).owner);
        }
    }
}

/// A control file of a subsystem.
///
/// # Invariants
///
/// The file is valid as `rcfs_add_file()` requires, and its subsystem is in `ss`. The file does not
/// change while a node refers to it.
#[repr(transparent)]
struct ControlFile(Opaque<bindings::rc_cftype>);

// SAFETY: Control files do not change.
unsafe impl Sync for ControlFile {}

/// The operations of control files.
struct Control;

impl Control {
    /// The nsproxy of the container of a file, which has the states.
    fn nsproxy(file: &ActiveFile<'_, Self>) -> *mut bindings::nsproxy {
        file.directory().members().as_nsproxy_ptr()
    }
}

#[vtable]
impl FileOperations for Control {
    type Tree = Rcfs;
    type Data = ControlFile;

    fn show(file: &ActiveFile<'_, Self>, m: &SeqFile) -> Result {
        let cft = file.data().0.get();

        // SAFETY: By the type invariant of `ControlFile`. The active reference keeps the container,
        // and thereby its nsproxy. `SeqFile` is a transparent wrapper.
        to_result(unsafe {
            match (*cft).seq_show {
                Some(show) => show(Self::nsproxy(file), cft, ptr::from_ref(m).cast_mut().cast()),
                None => EINVAL.to_errno(),
            }
        })
    }

    fn write(file: ActiveFile<'_, Self>, buf: &mut [u8]) -> Result {
        let cft = file.data().0.get();
        let data = buf.as_mut_ptr().cast();

        // SAFETY: As above. `buf` is exclusive to this call, and may be written to.
        let ret = unsafe {
            match (*cft).write {
                Some(write) => write(Self::nsproxy(&file), cft, file.as_ptr(), data, buf.len()),
                None => EINVAL.to_errno() as isize,
            }
        };
        if ret < 0 {
            return Err(Error::from_errno(ret as c_int));
        }
        Ok(())
    }
}

impl PieceOperations for Control {
    fn show_piece(file: &ActiveFile<'_, Self>, from: usize, m: &SeqFile) -> Result<Option<usize>> {
        let cft = file.data().0.get();
        let mut pos = bindings::loff_t::try_from(from)?;

        // SAFETY: As in `show`.
        to_result(unsafe {
            match (*cft).seq_show_from {
                Some(show) => show(
                    Self::nsproxy(file),
                    cft,
                    ptr::from_ref(m).cast_mut().cast(),
                    &mut pos,
                ),
                None => EINVAL.to_errno(),
            }
        })?;
        Ok((pos != bindings::RCFS_LIST_END as bindings::loff_t)
            .then(|| usize::try_from(pos))
            .transpose()?)
    }
}

/// `rcfs_create_file()`: see `kernel/rcfs/interface.c`.
///
/// # Safety
///
/// `dir` and `ss` must be the arguments of `populate`, and `cft` must be as `include/linux/rcfs.h`
/// requires.
#[export]
pub(crate) unsafe extern "C" fn __rcfs_create_file(
    dir: *mut bindings::kernfs_node,
    ss: *mut bindings::rc_subsys,
    cft: *mut bindings::rc_cftype,
) -> *mut bindings::kernfs_node {
    // SAFETY: By the safety requirements, `cft` is valid. `populate` is called with the mutex held,
    // so that nothing else writes to `cft`. No node exists yet that could read it.
    let (name, default, is_list) = unsafe {
        if (*cft).ss.is_null() {
            (*cft).ss = ss;
        } else if (*cft).ss != ss {
            return EINVAL.to_ptr();
        }
        let is_list = (*cft).seq_show_from.is_some();
        let readable = is_list || (*cft).seq_show.is_some();
        let writable = (*cft).write.is_some();
        let default = if readable { 0o444 } else { 0 } | if writable { 0o200 } else { 0 };

        (CStr::from_char_ptr((*cft).name), default, is_list)
    };
    // SAFETY: As above.
    let mode = Mode::new(match unsafe { (*cft).mode } {
        0 => default,
        mode => mode,
    });
    // SAFETY: By the safety requirements.
    let dir = unsafe { NodeRef::<Rcfs>::from_raw(dir) };
    // INVARIANT: By the safety requirements. `ss` has been set or checked above.
    let data = cft.cast::<ControlFile>();

    // SAFETY: By the safety requirements, the file is valid as long as the subsystem is
    // registered. A subsystem can only be unregistered when its nodes have been removed.
    let file = unsafe {
        if is_list {
            dir.create_pieces_on::<Control>(name, mode, Owner::current_fs(), data)
        } else {
            dir.create_file_on::<Control>(name, mode, Owner::current_fs(), data)
        }
    };
    match file {
        Ok(file) => file.as_ptr(),
        Err(e) => e.to_ptr(),
    }
}

/// Takes back the id of a subsystem that could not be registered.
///
/// Waits for RCU readers that use the id, so that they do not find the state of the next subsystem
/// with this id.
///
/// # Safety
///
/// The registry must be locked, and `ss` be valid.
unsafe fn take_back_id(ss: *mut bindings::rc_subsys) {
    // SAFETY: By the safety requirements.
    unsafe { (*ss).subsys_id = -1 };
    rcu::synchronize_rcu();
}

/// `rc_register_subsys()`: see `kernel/rcfs/interface.c`.
///
/// # Safety
///
/// Until it is unregistered, `ss` must be valid, and its functions as `include/linux/rcfs.h`
/// requires.
#[export]
pub(crate) unsafe extern "C" fn __rc_register_subsys(ss: *mut bindings::rc_subsys) -> c_int {
    from_result(|| {
        // SAFETY: By the safety requirements.
        let (name, create, destroy) = unsafe { ((*ss).name, (*ss).create, (*ss).destroy) };

        let (Some(create), Some(destroy), false) = (create, destroy, name.is_null()) else {
            return Err(EINVAL);
        };
        // SAFETY: By the safety requirements.
        let name = unsafe { CStr::from_char_ptr(name) };
        options::check_name(name)?;
        let own_name = CString::try_from(name)?;

        let mut guard = REGISTRY.lock();
        let id = guard.free_id(name)?;
        let subsys = Arc::pin_init(
            pin_init!(Subsys {
                ss,
                name: own_name,
                id,
                states <- new_mutex!(0),
                no_states <- new_condvar!(),
            }),
            GFP_KERNEL,
        )?;

        let init_ns = &raw mut bindings::init_nsproxy;
        // SAFETY: By the safety requirements, `ss` is valid. The id is unused, so that nothing but
        // the subsystem accesses its entry in `init_nsproxy`.
        unsafe {
            (*ss).subsys_id = id as c_int;
            (*ss).active = 0;
            to_result(create(ss, init_ns, ptr::null_mut())).inspect_err(|_| take_back_id(ss))?;
            if (*init_ns).ctlr_data[id].is_null() {
                pr_err!("{name}: create() succeeded without a state\n");
                destroy(ss, init_ns);
                take_back_id(ss);
                return Err(EINVAL);
            }
            (*ss).root_state = (*init_ns).ctlr_data[id];
            bindings::rcfs_add_hooks(ss);
        }
        guard.subsystems[id] = Some(subsys);
        Ok(0)
    })
}

/// `rc_unregister_subsys()`: see `kernel/rcfs/interface.c`.
///
/// # Safety
///
/// `ss` must be registered.
#[export]
pub(crate) unsafe extern "C" fn __rc_unregister_subsys(ss: *mut bindings::rc_subsys) -> c_int {
    from_result(|| {
        let mut guard = REGISTRY.lock();
        let id = guard
            .subsystems()
            .find(|subsys| subsys.ss == ss)
            .map(|subsys| subsys.id)
            .ok_or(ENOENT)?;
        if guard.hierarchy_of(id).is_some() {
            return Err(EBUSY);
        }
        let subsys = guard.subsystems[id].take().ok_or(ENOENT)?;
        // Containers that have been removed may still have states. These are freed without the
        // mutex.
        subsys.wait_for_states();

        // SAFETY: The subsystem is registered until this function returns, and is not bound. Only
        // the root state is left. Nothing reads it after the hooks have been removed.
        unsafe {
            bindings::rcfs_remove_hooks(ss);
            let init_ns = &raw mut bindings::init_nsproxy;
            if let Some(destroy) = (*ss).destroy {
                destroy(ss, init_ns);
            }
            (*init_ns).ctlr_data[id] = ptr::null_mut();
            (*ss).root_state = ptr::null_mut();
            (*ss).subsys_id = -1;
        }
        Ok(0)
    })
}

// SAFETY: `hierarchy::get` counts mounts, and `hierarchy::put` drops the tree with the last one.
// rcfs is always built in.
unsafe impl FileSystem for Rcfs {
    const NAME: &'static CStr = c"rcfs";
    const MAGIC: usize = bindings::RCFS_SUPER_MAGIC as usize;

    type Tree = Rcfs;
    type Options = Options;

    fn parse_option(options: &mut Options, option: &Parameter<'_>, log: &Log<'_>) -> Result {
        mount::parse_option(options, option, log)
    }

    fn get_root(options: &Options, log: &Log<'_>) -> Result<RootHandle<Rcfs>> {
        mount::get_tree(options, log)
    }

    fn put_root(root: &Container) {
        mount::put_tree(root);
    }

    fn reconfigure(root: &Container, options: &Options, log: &Log<'_>) -> Result {
        mount::reconfigure(root, options, log)
    }
}

/// For `kernel/rcfs/clone.c`: see [`launch::find_child_nsproxy`]. Sets `*hierarchy` to the id of
/// the hierarchy.
///
/// # Safety
///
/// `dir` must be a directory of rcfs that stays mounted during the call, and `hierarchy` must be
/// valid.
#[export]
pub(crate) unsafe extern "C" fn rcfs_find_child_nsproxy(
    dir: *mut bindings::kernfs_node,
    hierarchy: *mut c_int,
) -> *mut bindings::nsproxy {
    // SAFETY: By the safety requirements.
    match launch::find_child_nsproxy(unsafe { NodeRef::<Rcfs>::from_raw(dir) }) {
        Ok((ns, id)) => {
            // SAFETY: By the safety requirements.
            unsafe { *hierarchy = id as c_int };
            ARef::into_raw(ns).as_ptr().cast()
        }
        Err(e) => e.to_ptr(),
    }
}

/// `/proc/PID/rcfs`: see [`proc::show_task`].
///
/// # Safety
///
/// Only for `fs/proc/base.c`.
#[export]
pub(crate) unsafe extern "C" fn proc_rcfs_show(
    m: *mut bindings::seq_file,
    _ns: *mut bindings::pid_namespace,
    _pid: *mut bindings::pid,
    tsk: *mut bindings::task_struct,
) -> c_int {
    // SAFETY: The caller passes a seq file that only this call uses.
    let m = unsafe { SeqFile::from_raw(m) };
    // SAFETY: The caller holds a reference on the task; the layouts are the same.
    let task = unsafe { &*tsk.cast::<Task>() };

    from_result(|| proc::show_task(task, m).map(|()| 0))
}

/// `/proc/rcfs`: see [`proc::show_subsystems`].
///
/// # Safety
///
/// Only for `single_open()`.
#[export]
pub(crate) unsafe extern "C" fn rcfs_show_subsystems(
    m: *mut bindings::seq_file,
    _v: *mut c_void,
) -> c_int {
    // SAFETY: The caller passes a seq file that only this call uses.
    proc::show_subsystems(unsafe { SeqFile::from_raw(m) });
    0
}

/// Calls `cpus_changed` of all bound subsystems.
///
/// # Safety
///
/// Only for `kernel/rcfs/hooks.c`, in process context.
#[export]
pub(crate) unsafe extern "C" fn rcfs_notify_cpus_changed() {
    let guard = REGISTRY.lock();

    for ss in guard.subsystems() {
        if guard.hierarchy_of(ss.id()).is_some() {
            ss.cpus_changed();
        }
    }
}

fn init() -> Result {
    // SAFETY: The initial namespaces exist by now.
    to_result(unsafe { bindings::namespaces_init() })?;
    // SAFETY: sysfs has been initialised by now.
    to_result(unsafe {
        bindings::sysfs_create_mount_point(bindings::fs_kobj, c"rcfs".as_char_ptr())
    })?;
    // SAFETY: procfs has been initialised by now. It copies the name. The function is built in.
    let file = unsafe {
        bindings::proc_create_single_data(
            c"rcfs".as_char_ptr(),
            0o444,
            ptr::null_mut(),
            Some(rcfs_show_subsystems),
            ptr::null_mut(),
        )
    };
    if file.is_null() {
        return Err(ENOMEM);
    }
    static TYPE: FileSystemType<Rcfs> = FileSystemType::new();
    TYPE.register()
}

/// `rcfs_init()`: registers the file system. An `fs_initcall()`.
///
/// # Safety
///
/// This must be called once, after the initial mount, and before anything registers a subsystem.
#[export]
pub(crate) unsafe extern "C" fn rcfs_init() -> c_int {
    // SAFETY: This is called once, before anything uses the lock.
    unsafe { REGISTRY.init() };

    match init() {
        Ok(()) => 0,
        Err(e) => {
            pr_err!("cannot register the file system: {e:?}\n");
            e.to_errno()
        }
    }
}
