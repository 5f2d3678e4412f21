// SPDX-License-Identifier: GPL-2.0

//! System calls that the standard library lacks.
//!
//! All unsafe code of the command is in this file. The command has one thread: no module starts
//! another one.

#![allow(unsafe_code)]

use std::{
    ffi::{
        c_char,
        c_int,
        c_long,
        c_short,
        c_uint,
        c_ulong,
        c_void,
        CString,
        OsString, //
    },
    io,
    mem::size_of,
    os::{
        fd::{
            AsFd,
            AsRawFd,
            BorrowedFd,
            FromRawFd,
            OwnedFd, //
        },
        unix::ffi::OsStrExt,
    },
    path::Path,
    ptr,
    time::Duration,
};

// Numbers of system calls that are the same on all architectures
const SYS_PIDFD_SEND_SIGNAL: c_long = 424;
const SYS_PIDFD_OPEN: c_long = 434;
const SYS_CLONE3: c_long = 435;
const SYS_CLOSE_RANGE: c_long = 436;

const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;
const PIDFD_THREAD: c_uint = 0o200;

const AT_FDCWD: c_int = -100;
const AT_EACCESS: c_int = 0x200;
const STATX_ATTR_MOUNT_ROOT: u64 = 0x2000;
const W_OK: c_int = 2;
const X_OK: c_int = 1;

const F_GETFD: c_int = 1;
const O_RDWR: c_int = 2;
const O_CLOEXEC: c_int = 0o2000000;

const SIG_BLOCK: c_int = 0;
const SIG_SETMASK: c_int = 2;
const SFD_NONBLOCK: c_int = 0o4000;
const SFD_CLOEXEC: c_int = O_CLOEXEC;

const WNOHANG: c_int = 1;
const WUNTRACED: c_int = 2;

const SC_CLK_TCK: c_int = 2;
const TIOCGWINSZ: c_ulong = 0x5413;
const TCSADRAIN: c_int = 1;

/// The same on all architectures that rcfs supports
pub(crate) const O_PATH: i32 = 0o10000000;

/// There is something to read.
pub(crate) const POLLIN: i16 = 1;
/// The value of a file has changed.
pub(crate) const POLLPRI: i16 = 2;
const POLLERR: i16 = 8;
const POLLHUP: i16 = 16;

pub(crate) const SIGHUP: i32 = 1;
pub(crate) const SIGINT: i32 = 2;
pub(crate) const SIGQUIT: i32 = 3;
pub(crate) const SIGKILL: i32 = 9;
pub(crate) const SIGUSR1: i32 = 10;
pub(crate) const SIGUSR2: i32 = 12;
pub(crate) const SIGPIPE: i32 = 13;
pub(crate) const SIGTERM: i32 = 15;
pub(crate) const SIGCHLD: i32 = 17;
pub(crate) const SIGCONT: i32 = 18;
pub(crate) const SIGTSTP: i32 = 20;
pub(crate) const SIGTTIN: i32 = 21;
pub(crate) const SIGTTOU: i32 = 22;
pub(crate) const SIGWINCH: i32 = 28;

pub(crate) const EPERM: i32 = 1;
pub(crate) const ENOENT: i32 = 2;
pub(crate) const ESRCH: i32 = 3;
pub(crate) const EINTR: i32 = 4;
pub(crate) const E2BIG: i32 = 7;
pub(crate) const EBADF: i32 = 9;
pub(crate) const EAGAIN: i32 = 11;
pub(crate) const ENOMEM: i32 = 12;
pub(crate) const EACCES: i32 = 13;
pub(crate) const EBUSY: i32 = 16;
pub(crate) const EEXIST: i32 = 17;
pub(crate) const ENODEV: i32 = 19;
pub(crate) const EINVAL: i32 = 22;
pub(crate) const EROFS: i32 = 30;
pub(crate) const EMLINK: i32 = 31;
pub(crate) const ERANGE: i32 = 34;
pub(crate) const ENAMETOOLONG: i32 = 36;
pub(crate) const ENOSYS: i32 = 38;

/// `sigset_t` of the C library, 1024 bits
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct SignalSet([c_ulong; 128 / size_of::<c_ulong>()]);

/// `struct sigaction` of the C library; the same for x86-64 and arm64
#[repr(C)]
struct SignalAction {
    handler: usize,
    mask: SignalSet,
    flags: c_int,
    restorer: usize,
}

#[repr(C)]
#[derive(Default)]
struct CloneArgs {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
    set_tid: u64,
    set_tid_size: u64,
    cgroup: u64,
}

#[repr(C)]
struct PollFd {
    fd: c_int,
    events: c_short,
    revents: c_short,
}

/// `struct termios` of the C library; the same for x86-64 and arm64
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub(crate) struct Termios {
    iflag: c_uint,
    oflag: c_uint,
    cflag: c_uint,
    lflag: c_uint,
    line: u8,
    cc: [u8; 32],
    ispeed: c_uint,
    ospeed: c_uint,
}

#[repr(C)]
#[derive(Default)]
struct WindowSize {
    rows: u16,
    columns: u16,
    xpixel: u16,
    ypixel: u16,
}

// SAFETY: The declarations are those of the C library. Functions declared `safe` take no pointers,
// and have no effect on memory that Rust knows of.
unsafe extern "C" {
    fn syscall(number: c_long, ...) -> c_long;
    fn fork() -> c_int;
    safe fn setsid() -> c_int;
    #[link_name = "kill"]
    safe fn c_kill(pid: c_int, signal: c_int) -> c_int;
    safe fn geteuid() -> c_uint;
    safe fn sysconf(name: c_int) -> c_long;
    safe fn _exit(status: c_int) -> !;
    safe fn dup2(old: c_int, new: c_int) -> c_int;
    fn fcntl(fd: c_int, command: c_int, ...) -> c_int;
    fn open(path: *const c_char, flags: c_int, ...) -> c_int;
    fn write(fd: c_int, buf: *const c_void, count: usize) -> isize;
    fn read(fd: c_int, buf: *mut c_void, count: usize) -> isize;
    fn execvp(file: *const c_char, argv: *const *const c_char) -> c_int;
    fn waitpid(pid: c_int, status: *mut c_int, options: c_int) -> c_int;
    fn faccessat(dir: c_int, path: *const c_char, mode: c_int, flags: c_int) -> c_int;
    fn statx(
        dir: c_int,
        path: *const c_char,
        flags: c_int,
        mask: c_uint,
        found: *mut Statx,
    ) -> c_int;
    fn poll(fds: *mut PollFd, count: c_ulong, timeout: c_int) -> c_int;
    fn sigemptyset(set: *mut SignalSet) -> c_int;
    fn sigaddset(set: *mut SignalSet, signal: c_int) -> c_int;
    fn sigprocmask(how: c_int, set: *const SignalSet, old: *mut SignalSet) -> c_int;
    fn signalfd(fd: c_int, set: *const SignalSet, flags: c_int) -> c_int;
    fn signal(signal: c_int, handler: usize) -> usize;
    fn sigaction(signal: c_int, new: *const SignalAction, old: *mut SignalAction) -> c_int;
    fn tcgetattr(fd: c_int, settings: *mut Termios) -> c_int;
    fn tcsetattr(fd: c_int, when: c_int, settings: *const Termios) -> c_int;
    fn cfmakeraw(settings: *mut Termios);
    fn ioctl(fd: c_int, request: c_ulong, ...) -> c_int;
}

/// The program starts here. The main function of the standard library would change the action of
/// `SIGPIPE`, also for the commands that are run.
///
/// # Safety
///
/// `argv` has to point to `argc` strings, which do not change.
#[cfg(not(test))]
#[no_mangle]
unsafe extern "C" fn main(argc: c_int, argv: *const *const c_char) -> c_int {
    use std::{
        ffi::CStr,
        os::unix::ffi::OsStringExt, //
    };

    open_standard_streams();
    let arguments = (1..usize::try_from(argc).unwrap_or(0))
        .map(|i| {
            // SAFETY: `i` is less than `argc`: there is a pointer to a string at `argv + i`.
            let argument = unsafe { CStr::from_ptr(*argv.add(i)) };

            OsString::from_vec(argument.to_bytes().to_vec())
        })
        .collect();

    crate::start(arguments)
}

/// If one of the first three descriptors is closed, a file of a container could get its number, and
/// messages would be written to this file. A command that is run has it closed again.
#[cfg_attr(test, allow(dead_code))]
fn open_standard_streams() {
    for fd in 0..3 {
        // SAFETY: The command reads flags, and has no further argument.
        if unsafe { fcntl(fd, F_GETFD) } < 0 {
            // SAFETY: The path is a C string. The lowest free descriptor is `fd`.
            unsafe { open(c"/dev/null".as_ptr(), O_RDWR | O_CLOEXEC) };
        }
    }
}

/// The result of a system call, or its error
fn check(result: c_long) -> io::Result<c_long> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}

/// The effective user id
pub(crate) fn effective_uid() -> u32 {
    geteuid()
}

/// The number of ticks a second in `/proc/PID/stat` and `cpuacct.stat`
pub(crate) fn ticks_per_second() -> u64 {
    u64::try_from(sysconf(SC_CLK_TCK)).unwrap_or(100).max(1)
}

/// Whether the caller may make and remove entries of a directory.
pub(crate) fn may_change(dir: &Path) -> bool {
    let Ok(path) = CString::new(dir.as_os_str().as_bytes()) else {
        return false;
    };

    // SAFETY: `path` is a C string that outlives the call.
    unsafe { faccessat(AT_FDCWD, path.as_ptr(), W_OK | X_OK, AT_EACCESS) == 0 }
}

/// struct statx of include/uapi/linux/stat.h
#[derive(Default)]
#[repr(C)]
struct Statx {
    _mask: u32,
    _blksize: u32,
    attributes: u64,
    _others: [u64; 30],
}

/// Whether a path leads to the root of a mount.
pub(crate) fn is_mount_point(dir: &Path) -> bool {
    let mut found = Statx::default();
    let Ok(path) = CString::new(dir.as_os_str().as_bytes()) else {
        return false;
    };

    // SAFETY: `path` is a C string and `found` has room for the result. Both outlive the call.
    let result = unsafe { statx(AT_FDCWD, path.as_ptr(), 0, 0, &raw mut found) };

    result == 0 && found.attributes & STATX_ATTR_MOUNT_ROOT != 0
}

/// The process after a fork: the parent or the child
pub(crate) enum Forked {
    Parent(i32),
    Child,
}

/// Forks this process.
pub(crate) fn fork_process() -> io::Result<Forked> {
    // SAFETY: There is one thread. So the child has a copy of all memory, and no lock in it is held
    // by a thread that the child lacks.
    let pid = check(unsafe { fork() }.into())?;

    Ok(if pid == 0 {
        Forked::Child
    } else {
        Forked::Parent(pid as i32)
    })
}

/// Forks this process, with the child in the container with the directory `dir`.
///
/// The child may only call functions of this module that are for children, and end.
pub(crate) fn fork_into(dir: BorrowedFd<'_>) -> io::Result<Forked> {
    let args = CloneArgs {
        flags: CLONE_INTO_CGROUP,
        exit_signal: SIGCHLD as u64,
        cgroup: dir.as_raw_fd() as u64,
        ..CloneArgs::default()
    };

    // SAFETY: `args` has the given size, and without CLONE_VM the child has a copy of
    // the memory. As with fork_process(), no other thread can have held a lock. The C library does
    // not know of the child: it calls no handlers of pthread_atfork(), of which there are none,
    // and has the parent's id noted for locks and raise(), which the child does not use.
    let pid = check(unsafe { syscall(SYS_CLONE3, &raw const args, size_of::<CloneArgs>()) })?;

    Ok(if pid == 0 {
        Forked::Child
    } else {
        Forked::Parent(pid as i32)
    })
}

/// Exits at once, without flushing buffers of the parent. For children.
pub(crate) fn exit_now(status: i32) -> ! {
    _exit(status)
}

/// The words of a command, ready to be executed
pub(crate) struct Command {
    words: Vec<CString>,
}

impl Command {
    /// None if a word has a NUL inside, or there is no word.
    pub(crate) fn new(words: &[OsString]) -> Option<Self> {
        let words: Vec<_> = words
            .iter()
            .map(|word| CString::new(word.as_bytes()).ok())
            .collect::<Option<_>>()?;

        (!words.is_empty()).then_some(Self { words })
    }

    /// Executes the command. Returns only if there is an error. For children.
    pub(crate) fn execute(&self) -> i32 {
        let mut argv: Vec<_> = self.words.iter().map(|word| word.as_ptr()).collect();

        argv.push(ptr::null());
        // SAFETY: `argv` ends with a null pointer. The other pointers are valid as long as `self`.
        unsafe { execvp(argv[0], argv.as_ptr()) };
        io::Error::last_os_error().raw_os_error().unwrap_or(0)
    }
}

/// Writes a few bytes to a descriptor. For children.
pub(crate) fn write_fd(fd: BorrowedFd<'_>, bytes: &[u8]) -> Result<(), i32> {
    // SAFETY: The length is that of the buffer.
    let written = unsafe { write(fd.as_raw_fd(), bytes.as_ptr().cast(), bytes.len()) };

    if written < 0 {
        Err(io::Error::last_os_error().raw_os_error().unwrap_or(0))
    } else {
        Ok(())
    }
}

/// Makes a session without a terminal.
pub(crate) fn new_session() -> io::Result<()> {
    check(setsid().into()).map(drop)
}

/// Replaces `fd` by a copy of `file`.
pub(crate) fn replace_descriptor(fd: i32, file: BorrowedFd<'_>) -> io::Result<()> {
    // Only standard streams: no object of this process owns one of these numbers.
    assert!((0..3).contains(&fd));
    check(dup2(file.as_raw_fd(), fd).into()).map(drop)
}

/// Closes all descriptors except for the first three and the given ones. The process must neither
/// use nor drop the owners of the others afterwards.
pub(crate) fn close_inherited(keep: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut keep: Vec<_> = keep.iter().map(|fd| fd.as_raw_fd() as c_uint).collect();
    let mut first: c_uint = 3;

    keep.sort_unstable();
    for fd in keep.into_iter().chain([c_uint::MAX]) {
        if first < fd {
            // SAFETY: This process does not use the descriptors in between: see above.
            check(unsafe { syscall(SYS_CLOSE_RANGE, first, fd - 1, 0 as c_uint) })?;
        }
        first = first.max(fd.saturating_add(1));
    }
    Ok(())
}

/// A change of a child
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Exited(i32),
    Killed(i32),
    Stopped(i32),
}

impl Change {
    /// From the status of wait(2)
    pub(crate) fn from_wait_status(status: i32) -> Self {
        if status & 0xff == 0x7f {
            Self::Stopped((status >> 8) & 0xff)
        } else if status & 0x7f == 0 {
            Self::Exited((status >> 8) & 0xff)
        } else {
            Self::Killed(status & 0x7f)
        }
    }
}

/// Whether a child has ended or has been stopped since the last call.
pub(crate) fn changed(pid: i32) -> io::Result<Option<Change>> {
    let mut status = 0;

    // SAFETY: `status` may be written.
    let found = check(unsafe { waitpid(pid, &mut status, WNOHANG | WUNTRACED) }.into())?;

    Ok((found != 0).then(|| Change::from_wait_status(status)))
}

/// Wait for the end of a child.
pub(crate) fn reap(pid: i32) -> io::Result<Change> {
    loop {
        let mut status = 0;

        // SAFETY: `status` may be written.
        match check(unsafe { waitpid(pid, &mut status, 0) }.into()) {
            Err(error) if error.raw_os_error() == Some(EINTR) => {}
            result => return result.map(|_| Change::from_wait_status(status)),
        }
    }
}

/// Sends a signal to a child that has not been reaped, or to this process.
pub(crate) fn kill(pid: i32, signal: i32) -> io::Result<()> {
    check(c_kill(pid, signal).into()).map(drop)
}

/// A descriptor of a process; it is readable once the process has exited.
pub(crate) fn pidfd_open(pid: i32) -> io::Result<OwnedFd> {
    open_pidfd(pid, 0)
}

/// A descriptor of a thread
pub(crate) fn pidfd_open_thread(tid: i32) -> io::Result<OwnedFd> {
    open_pidfd(tid, PIDFD_THREAD)
}

fn open_pidfd(id: i32, flags: c_uint) -> io::Result<OwnedFd> {
    // SAFETY: The call takes two numbers.
    let fd = check(unsafe { syscall(SYS_PIDFD_OPEN, id, flags) })?;

    // SAFETY: The call has succeeded: the descriptor is new, and has no other owner.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as c_int) })
}

/// Send a signal to the process of a descriptor.
pub(crate) fn pidfd_send_signal(pidfd: BorrowedFd<'_>, signal: i32) -> io::Result<()> {
    // SAFETY: Without details of the signal, the kernel fills them in itself.
    check(unsafe {
        syscall(
            SYS_PIDFD_SEND_SIGNAL,
            pidfd.as_raw_fd(),
            signal,
            ptr::null::<c_void>(),
            0 as c_uint,
        )
    })
    .map(drop)
}

/// Waits until an event of one of the descriptors, or the end of the time. The result tells for
/// each descriptor whether its event has happened.
pub(crate) fn wait_for<const N: usize>(
    wanted: [Option<(BorrowedFd<'_>, i16)>; N],
    timeout: Option<Duration>,
) -> io::Result<[bool; N]> {
    // The kernel ignores negative descriptors.
    let mut fds = wanted.map(|fd| PollFd {
        fd: fd.map_or(-1, |(fd, _)| fd.as_raw_fd()),
        events: fd.map_or(0, |(_, events)| events),
        revents: 0,
    });
    // Round up to a millisecond, instead of polling again at once.
    let timeout = timeout.map_or(-1, |time| {
        c_int::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(c_int::MAX)
    });

    // SAFETY: The length is that of `fds`.
    let found = check(unsafe { poll(fds.as_mut_ptr(), N as c_ulong, timeout) }.into());

    match found {
        Err(error) if error.raw_os_error() == Some(EINTR) => Ok([false; N]),
        Err(error) => Err(error),
        Ok(_) => Ok(fds.map(|fd| fd.revents & (fd.events | POLLERR | POLLHUP) != 0)),
    }
}

/// Block signals, and return which ones were blocked before.
pub(crate) fn block_signals(signals: &[i32]) -> io::Result<SignalSet> {
    let set = signal_set(signals);
    let mut old = signal_set(&[]);

    // SAFETY: Both sets are initialised.
    check(unsafe { sigprocmask(SIG_BLOCK, &set, &mut old) }.into())?;
    Ok(old)
}

/// Blocks exactly these signals. For children as well.
pub(crate) fn set_signal_mask(mask: &SignalSet) {
    // SAFETY: The set is initialised, and the old set is not requested.
    unsafe { sigprocmask(SIG_SETMASK, mask, ptr::null_mut()) };
}

/// Unblocks a signal that is pending.
pub(crate) fn deliver(signal: i32) {
    let Ok(before) = block_signals(&[]) else {
        return;
    };
    let mut open = before;
    // Signals are numbered from 1.
    let bit = (signal - 1) as usize;
    let bits = c_ulong::BITS as usize;

    open.0[bit / bits] &= !(1 << (bit % bits));
    set_signal_mask(&open);
    set_signal_mask(&before);
}

fn signal_set(signals: &[i32]) -> SignalSet {
    let mut set = SignalSet([0; 128 / size_of::<c_ulong>()]);

    // SAFETY: The set may be written.
    unsafe { sigemptyset(&mut set) };
    for signal in signals {
        // SAFETY: The set may be written. A number that is not a signal is refused.
        unsafe { sigaddset(&mut set, *signal) };
    }
    set
}

/// A descriptor to read signals from, which have to be blocked
pub(crate) fn signal_descriptor(signals: &[i32]) -> io::Result<OwnedFd> {
    let set = signal_set(signals);

    // SAFETY: The set is initialised.
    let fd = check(unsafe { signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC) }.into())?;

    // SAFETY: The call has succeeded: the descriptor is new, and has no other owner.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as c_int) })
}

/// A signal that has arrived
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Arrived {
    pub(crate) signal: i32,
    /// The origin, `si_code`: more than 0 for the kernel
    pub(crate) code: i32,
}

/// The next signal, if there is one.
pub(crate) fn next_signal(fd: BorrowedFd<'_>) -> io::Result<Option<Arrived>> {
    // struct signalfd_siginfo: 128 bytes, which begin with signal, errno and code
    let mut info = [0i32; 32];

    // SAFETY: The length is that of the buffer.
    let length = unsafe { read(fd.as_raw_fd(), info.as_mut_ptr().cast(), 128) };

    if length == 128 {
        return Ok(Some(Arrived {
            signal: info[0],
            code: info[2],
        }));
    }
    let error = io::Error::last_os_error();

    match error.raw_os_error() {
        Some(EAGAIN | EINTR) => Ok(None),
        _ => Err(error),
    }
}

/// The action of a signal: the default, ignoring it, or a function
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Disposition(usize);

/// Whether a signal is ignored when it is not blocked.
pub(crate) fn is_ignored(number: i32) -> bool {
    let mut action = SignalAction {
        handler: 0,
        mask: signal_set(&[]),
        flags: 0,
        restorer: 0,
    };

    // SAFETY: `action` may be written, and no new action is given.
    let result = unsafe { sigaction(number, ptr::null(), &mut action) };

    // SIG_IGN is 1.
    result == 0 && action.handler == 1
}

/// Sets the default action of a signal, and returns the previous action. For children as well.
pub(crate) fn default_signal(number: i32) -> Disposition {
    // SAFETY: SIG_DFL, which is 0, calls no function.
    Disposition(unsafe { signal(number, 0) })
}

/// Ignores a signal, and returns the previous action.
pub(crate) fn ignore_signal(number: i32) -> Disposition {
    // SAFETY: SIG_IGN, which is 1, calls no function.
    Disposition(unsafe { signal(number, 1) })
}

/// Restores the action of a signal. For children as well.
pub(crate) fn restore_signal(number: i32, was: Disposition) {
    // SAFETY: The command installs no handler. This is the default action or ignoring the signal,
    // from the start of the program.
    unsafe { signal(number, was.0) };
}

/// The settings of a terminal
pub(crate) fn terminal_settings(terminal: BorrowedFd<'_>) -> io::Result<Termios> {
    let mut settings = Termios::default();

    // SAFETY: The settings may be written.
    check(unsafe { tcgetattr(terminal.as_raw_fd(), &mut settings) }.into())?;
    Ok(settings)
}

/// Change the settings of a terminal.
pub(crate) fn set_terminal(terminal: BorrowedFd<'_>, settings: &Termios) -> io::Result<()> {
    // SAFETY: The settings are initialised.
    check(unsafe { tcsetattr(terminal.as_raw_fd(), TCSADRAIN, settings) }.into()).map(drop)
}

/// Settings with which every key is read at once and not shown. Keys for signals still work.
pub(crate) fn single_keys(settings: &Termios) -> Termios {
    const ISIG: c_uint = 1;
    const OPOST: c_uint = 1;
    let mut raw = *settings;

    // SAFETY: The settings may be written.
    unsafe { cfmakeraw(&mut raw) };
    raw.lflag |= ISIG;
    raw.oflag |= OPOST;
    raw
}

/// The rows and columns of a terminal, if it reports them
pub(crate) fn terminal_size(terminal: BorrowedFd<'_>) -> Option<(usize, usize)> {
    let mut size = WindowSize::default();

    // SAFETY: This request writes a `struct winsize`.
    let result = unsafe { ioctl(terminal.as_raw_fd(), TIOCGWINSZ, &raw mut size) };

    (result == 0 && size.rows > 0 && size.columns > 0)
        .then(|| (size.rows.into(), size.columns.into()))
}

/// Reads the available bytes, up to the length of the buffer.
pub(crate) fn read_some(fd: impl AsFd, buf: &mut [u8]) -> io::Result<usize> {
    // SAFETY: The length is that of the buffer.
    let length = unsafe { read(fd.as_fd().as_raw_fd(), buf.as_mut_ptr().cast(), buf.len()) };

    check(length as c_long).map(|length| length as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wait_statuses() {
        assert_eq!(Change::from_wait_status(0), Change::Exited(0));
        assert_eq!(Change::from_wait_status(3 << 8), Change::Exited(3));
        assert_eq!(Change::from_wait_status(9), Change::Killed(9));
        // With a core dump
        assert_eq!(Change::from_wait_status(11 | 0x80), Change::Killed(11));
        assert_eq!(Change::from_wait_status(0x137f), Change::Stopped(19));
    }

    #[test]
    fn sets_of_signals() {
        let set = signal_set(&[SIGHUP, SIGCHLD]);

        assert_eq!(set.0[0], 1 | (1 << 16));
        assert_eq!(size_of::<SignalSet>(), 128);
    }

    #[test]
    fn sizes_that_the_kernel_expects() {
        assert_eq!(size_of::<CloneArgs>(), 88);
        assert_eq!(size_of::<Termios>(), 60);
        assert_eq!(size_of::<PollFd>(), 8);
        assert_eq!(size_of::<SignalAction>(), 152);
        assert_eq!(size_of::<Statx>(), 256);
    }

    #[test]
    fn mount_points() {
        assert!(is_mount_point(Path::new("/proc")));
        assert!(!is_mount_point(Path::new("/proc/self")));
        assert!(!is_mount_point(Path::new("/nonexistent")));
    }

    #[test]
    fn a_command_has_words_without_nul() {
        assert!(Command::new(&[]).is_none());
        assert!(Command::new(&["a\0b".into()]).is_none());
        assert!(Command::new(&["a".into(), "b".into()]).is_some());
    }

    #[test]
    fn what_cannot_be_executed() {
        let command = Command::new(&["/nonexistent/program".into()]).unwrap();

        assert_eq!(command.execute(), ENOENT);
    }

    #[test]
    fn poll_passes_over_what_is_not_there() {
        assert_eq!(
            wait_for([None, None], Some(Duration::ZERO)).unwrap(),
            [false, false]
        );
    }
}
