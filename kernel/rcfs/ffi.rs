// SPDX-License-Identifier: GPL-2.0

//! The boundary to C: the functions that C calls, and the calls of subsystems, which may be C.
//!
//! The only file of the core with `unsafe` code.

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
        Arc,
        CondVar,
        Mutex, //
    },
    task::Task,
    types::Opaque,
    ModuleMetadata,
};

global_lock! {
    // SAFETY: `rcfs_init()` initialises it before anybody can use it.
    pub(crate) unsafe(uninit) static REGISTRY: Mutex<Registry> = Registry::EMPTY;
}

/// The token of process context: functions of the core run there, as hooks are C.
pub(crate) fn context() -> Process {
    // SAFETY: Whoever calls this is a function of the core.
    unsafe { Process::new() }
}

/// The metadata of this crate, as `module!` would make it: always built in.
pub(crate) struct LocalModule;

impl ModuleMetadata for LocalModule {
    const NAME: &'static CStr = c"rcfs";
    const THIS_MODULE: ThisModule = {
        // SAFETY: `THIS_MODULE` is NULL for what is built in.
        unsafe { ThisModule::from_ptr(ptr::null_mut()) }
    };
}

/// A registered subsystem.
///
/// # Invariants
///
/// `ss` is valid, and its functions may be called, until `rc_unregister_subsys()` returns: as long
/// as the subsystem is in the registry, which is locked, or bound, or has a state of a container.
/// Containers of a hierarchy that is gone still know the subsystem, and call no function of it but
/// [`destroy`](Self::destroy), for a state that they have.
#[pin_data]
pub(crate) struct Subsys {
    ss: *mut bindings::rc_subsys,
    name: CString,
    id: usize,
    /// How many states there are, but for the root's.
    #[pin]
    states: Mutex<usize>,
    #[pin]
    no_states: CondVar,
}

// SAFETY: The functions of a subsystem may be called on any thread.
unsafe impl Send for Subsys {}

// SAFETY: As above. What they have to be protected against, the mutex does.
unsafe impl Sync for Subsys {}

impl Subsys {
    /// The index of its states in an nsproxy.
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

        // SAFETY: A directory is populated while its hierarchy is mounted or has containers, with
        // the registry locked: the subsystem is bound.
        match unsafe { (*self.ss).populate } {
            // SAFETY: As above; the container, its nsproxy and `dir` are valid.
            Some(populate) => to_result(unsafe { populate(self.ss, ns, dir.as_ptr()) }),
            None => Ok(()),
        }
    }

    /// Whether [`can_attach`](Self::can_attach) asks anybody. The subsystem must be bound.
    pub(crate) fn has_can_attach(&self) -> bool {
        // SAFETY: `launch::find_child_nsproxy` has found a container that a task is about to be in,
        // which keeps it, or a root that is mounted: the subsystem is bound.
        unsafe { (*self.ss).can_attach }.is_some()
    }

    /// Asks whether tasks may move into a container. All of them, or nothing is left of it.
    pub(crate) fn can_attach<'a>(
        &self,
        guard: &Guard,
        container: &Container,
        tasks: impl Iterator<Item = &'a Task> + Clone,
    ) -> Result {
        // SAFETY: Tasks move to containers that have not been removed, with the registry locked.
        // The hierarchy of such a container is there, and the subsystem is bound to it.
        let Some(can_attach) = (unsafe { (*self.ss).can_attach }) else {
            return Ok(());
        };
        let ns = container.members().as_nsproxy_ptr();

        for (asked, task) in tasks.clone().enumerate() {
            // SAFETY: As above; the container, its nsproxy and the task are valid.
            to_result(unsafe { can_attach(self.ss, ns, task.as_ptr()) })
                .inspect_err(|_| self.cancel_attach(guard, container, tasks.clone().take(asked)))?;
        }
        Ok(())
    }

    /// Tells that tasks for which [`can_attach`](Self::can_attach) has agreed do not move.
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
            // SAFETY: As above; all three are valid.
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
                // SAFETY: As above; all three are valid.
                unsafe { attach(self.ss, new.as_ptr(), old.as_ptr(), task.as_ptr()) };
            }
        }
    }

    /// Tells which CPUs there are. With the mutex held; the subsystem must be bound.
    fn cpus_changed(&self) {
        // SAFETY: By the type invariant, and both callers look that it is bound.
        unsafe { bindings::rcfs_call_cpus_changed(self.ss) };
    }

    /// Makes the state of a container.
    fn create(&self, members: &Members, parent: &Members) -> Result {
        let ns = members.as_nsproxy_ptr();

        // SAFETY: The parent has not been removed and the registry is locked, so that the subsystem
        // is bound. Nobody else uses the nsproxy of the new container, and that of its parent is
        // valid. Registration made sure that there is the function.
        to_result(unsafe {
            match (*self.ss).create {
                Some(create) => create(self.ss, ns, parent.as_nsproxy_ptr()),
                None => EINVAL.to_errno(),
            }
        })?;
        *self.states.lock() += 1;
        Ok(())
    }

    /// Tells that a container has been removed, with the registry locked.
    fn offline(&self, members: &Members) {
        // SAFETY: The container was in the hierarchy until now, and the registry is locked: the
        // subsystem is bound. The nsproxy is valid, and there is a state.
        unsafe {
            if let Some(offline) = (*self.ss).offline {
                offline(self.ss, members.as_nsproxy_ptr());
            }
        }
    }

    /// Frees the state that [`create`](Self::create) made.
    fn destroy(&self, members: &Members) {
        // SAFETY: By the type invariant: there is a state, for which unregistration waits. Nobody
        // uses it any more: the container has not been published, or see `States::new`.
        unsafe {
            if let Some(destroy) = (*self.ss).destroy {
                destroy(self.ss, members.as_nsproxy_ptr());
            }
        }
        let mut states = self.states.lock();
        *states -= 1;
        if *states == 0 {
            // With the lock held: the subsystem may be gone as soon as it is released.
            self.no_states.notify_all();
        }
    }

    /// Waits until there is no state but the root's, with the registry locked. The subsystem must
    /// not be bound.
    fn wait_for_states(&self) {
        // Zombies may never be reaped.
        //
        // SAFETY: The id is that of a subsystem, and the registry is locked.
        unsafe { bindings::rcfs_unpin_zombies(self.id as c_int) };

        let mut states = self.states.lock();

        while *states != 0 {
            self.no_states.wait(&mut states);
        }
    }
}

/// The states of a container, one for each subsystem of its hierarchy, and its members.
pub(crate) struct States {
    members: Members,
    hierarchy: Arc<Hierarchy>,
    /// How many have been made, those of the first subsystems. None of those of a root, which
    /// registration made.
    made: usize,
}

impl States {
    /// The states of the root of a hierarchy.
    pub(crate) fn root(hierarchy: Arc<Hierarchy>) -> Result<Self> {
        Ok(Self {
            // SAFETY: Tasks move to the root with the registry locked, and while a file of it is
            // open: the hierarchy is in the registry, with its number and subsystems to itself.
            members: unsafe { Members::root(hierarchy.id, hierarchy.set.words()) }?,
            hierarchy,
            made: 0,
        })
    }

    /// Makes the states of a new container. If one cannot be made, those that were are freed.
    pub(crate) fn new(parent: &Self) -> Result<Self> {
        let hierarchy = &parent.hierarchy;
        let mut states = Self {
            // SAFETY: A container refers to the one above, whose states these are, and is in the
            // same hierarchy. `Container::remove` retires it with the registry locked, and lets it
            // be dropped after a grace period.
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

    /// Who is in the container.
    pub(crate) fn members(&self) -> &Members {
        &self.members
    }

    /// Tells the subsystems that the container has been removed. The container has just been taken
    /// out of its hierarchy, and is no root.
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

/// Drops the reference of the directory on a container when nobody needs its states any more.
///
/// The container must have been retired. Call this once.
pub(crate) fn drop_when_unused(deferred: Deferred<Arc<Container>>, container: Arc<Container>) {
    let last = container.clone();

    // SAFETY: `Container::remove` calls this, which takes the `Deferred`, after it has retired the
    // container. rcfs is built in. Unregistration waits for the states of a module.
    unsafe { container.members().drop_when_unused(deferred, last) };
}

/// Kills all processes that have a thread in a container or below it.
pub(crate) fn kill(_guard: &Guard, container: &Container) {
    // SAFETY: Tasks move, and containers come and go, with the registry locked.
    unsafe { container.members().kill() };
}

/// A subsystem's being bound to a hierarchy: its hooks are called and its module stays.
pub(crate) struct Binding(Arc<Subsys>);

impl Binding {
    /// Binds a subsystem.
    ///
    /// # Errors
    ///
    /// `ENOENT` if its module is on its way out.
    pub(crate) fn new(ss: Arc<Subsys>) -> Result<Self> {
        // SAFETY: By the invariant of `Subsys`, which comes from the registry, which is locked.
        if !unsafe { get_module((*ss.ss).owner) } {
            return Err(ENOENT);
        }
        // SAFETY: As above.
        unsafe { bindings::rcfs_activate_hooks(ss.ss, true) };
        // Nobody has told it before.
        ss.cpus_changed();
        Ok(Self(ss))
    }
}

impl Drop for Binding {
    fn drop(&mut self) {
        // SAFETY: By the invariant of `Subsys`, which is bound until this returns. `new` took the
        // reference on the module.
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
/// The file is as `rcfs_add_file()` takes it, with its subsystem in `ss`. It does not change for as
/// long as there are nodes with it.
#[repr(transparent)]
struct ControlFile(Opaque<bindings::rc_cftype>);

// SAFETY: Control files do not change.
unsafe impl Sync for ControlFile {}

/// The operations of control files.
struct Control;

impl Control {
    /// The nsproxy with the states of the container that a file is in.
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

        // SAFETY: By the invariant of `ControlFile`; the container, and with it its nsproxy, stays
        // while the file is active. `SeqFile` is transparent.
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

        // SAFETY: As above. The buffer is ours, and may be written to.
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
/// `dir` and `ss` must be what `populate` was called with, and `cft` as `include/linux/rcfs.h`
/// says.
#[export]
pub(crate) unsafe extern "C" fn __rcfs_create_file(
    dir: *mut bindings::kernfs_node,
    ss: *mut bindings::rc_subsys,
    cft: *mut bindings::rc_cftype,
) -> *mut bindings::kernfs_node {
    // SAFETY: By the safety requirements. `populate` is called with the mutex held, and there is no
    // node yet whose operations read what is written here for the first time.
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
    // INVARIANT: By the safety requirements, and for `ss` see above.
    let data = cft.cast::<ControlFile>();

    // SAFETY: By the safety requirements, the file is valid for as long as the subsystem is
    // registered. Nodes of the subsystem are removed while it is bound.
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

/// `rc_register_subsys()`: see `kernel/rcfs/interface.c`.
///
/// # Safety
///
/// `ss` must be valid, and its functions as `include/linux/rcfs.h` says, until it is unregistered.
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
        // SAFETY: By the safety requirements. Nobody uses this id, so that nobody but the subsystem
        // accesses its place in `init_nsproxy`.
        unsafe {
            (*ss).subsys_id = id as c_int;
            (*ss).active = 0;
            to_result(create(ss, init_ns, ptr::null_mut())).inspect_err(|_| {
                (*ss).subsys_id = -1;
            })?;
            if (*init_ns).ctlr_data[id].is_null() {
                pr_err!("{name}: create() succeeded without a state\n");
                destroy(ss, init_ns);
                (*ss).subsys_id = -1;
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
        // Containers that have been removed may still have states, and are freed without the
        // mutex. The id stays taken by the root state in the meantime: `free_id` must not see it.
        subsys.wait_for_states();

        // SAFETY: The subsystem is registered until this returns, is not bound, and there is no
        // state but the root's, which nobody reads after the hooks are gone.
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
// rcfs is built in.
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

/// For `kernel/rcfs/clone.c`: see [`launch::find_child_nsproxy`]. Writes the id of the hierarchy.
///
/// # Safety
///
/// `dir` must be a directory of rcfs, which somebody keeps mounted, and `hierarchy` be valid.
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
/// Only for `fs/proc/base.c`, as it calls such functions.
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

/// Tells subsystems that CPUs have come or gone.
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
    // SAFETY: The initial namespaces are there by now.
    to_result(unsafe { bindings::namespaces_init() })?;
    // SAFETY: sysfs is there by now.
    to_result(unsafe {
        bindings::sysfs_create_mount_point(bindings::fs_kobj, c"rcfs".as_char_ptr())
    })?;
    // SAFETY: procfs is there by now. It copies the name, and the function stays.
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

/// `rcfs_init()`: makes rcfs known to the system. Called from `start_kernel()`.
///
/// # Safety
///
/// Must be called once, after the initial mount and before initcalls.
#[export]
pub(crate) unsafe extern "C" fn rcfs_init() -> c_int {
    // SAFETY: This is called once, before anything else uses the lock.
    unsafe { REGISTRY.init() };

    match init() {
        Ok(()) => 0,
        Err(e) => {
            pr_err!("cannot register the file system: {e:?}\n");
            e.to_errno()
        }
    }
}
