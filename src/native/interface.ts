// What the native helper offers: Linux system calls that Node cannot make, behind one calling convention.
//
// Convention
//   Integers in, one integer out: `>= 0` is the result, `< 0` is `-errno`. No call throws or builds an object.
//   An argument that is no integer or does not fit gives -EBADF for descriptors, -EFAULT for offsets and
//   lengths, else -EINVAL.
//
//   Bulk data lives in memories that were registered once, named by a small slot number; every (slot, offset,
//   length) is checked against the registered length, and a span outside gives -EFAULT. Slots belong to the
//   JavaScript thread (the Node-API environment) that registered them. A memory that grew is registered again:
//   until then a shared one has its old length, and the detached view of an unshared one has length 0.
//
//   Names and paths are bytes at (slot, offset), NUL-terminated inside the memory, at most 4,095 bytes
//   (-ENAMETOOLONG). 64-bit offsets and sizes are numbers where these are exact, and a BigInt beyond (Wide).
//
//   Descriptors are plain numbers here; every new one is O_CLOEXEC. Whoever takes numbers from less trusted
//   code checks them first.
//
// Sleep
//   Calls marked (blocks) may sleep in the kernel. Those that take a `cancelFd` (an eventfd, or -1) return
//   -EINTR when that descriptor is readable before what they wait for is there: as Linux, they look at the
//   condition first. EINTR from signals is retried inside.

import type { Wide } from "../common/wide.ts";

export const BACKGROUND_FSYNC = 0;
export const BACKGROUND_FDATASYNC = 1;
export const BACKGROUND_FALLOCATE = 2;

export interface Native {
  // ---- memories
  /**
   * Names `view` as `slot` (0..15). The view must cover the memory from its first byte. Returns 0. A second
   * call replaces.
   */
  registerMemory(slot: number, view: Uint8Array): number;

  // ---- descriptors and process
  close(fd: number): number;
  /** dup(2) with O_CLOEXEC. */
  dup(fd: number): number;
  /** A new, empty file in memory, without a name. */
  memfd(): number;
  /** F_GETFL. */
  fcntlGetFlags(fd: number): number;
  /** F_SETFL. */
  fcntlSetFlags(fd: number, flags: number): number;
  isatty(fd: number): number;
  /**
   * A pseudoterminal of an instance of devpts of its own: writes two i32 to (slot, out), its master and its slave. The slave does not
   * block, and is nobody's controlling terminal yet. With `nested` 1 what is written there is shown by another terminal, which
   * makes lines of newlines. Needs CAP_SYS_ADMIN.
   */
  openTerminal(slot: number, out: number, nested: number): number;
  /** TIOCSWINSZ, of either end. -EINVAL for what is not in 0..65535. */
  setWindowSize(fd: number, rows: number, columns: number): number;
  eventfd(initial: number): number;
  /** Adds one to an eventfd. */
  eventfdSignal(fd: number): number;
  /**
   * A descriptor that becomes readable when one of the signals whose bits (1 << (signal - 1)) are set in
   * `maskLow` (signals 1..31, not SIGKILL or SIGSTOP) reaches the process, in whichever thread. From then on
   * they have no other effect. A later call for the same signal takes it over.
   */
  signalfd(maskLow: number): number;
  /** (blocks) Next signal number from a signalfd; timeoutMs -1 waits for ever; 0 = none in time. */
  signalfdRead(fd: number, timeoutMs: number): number;
  /**
   * (blocks until the exec) Starts a process in a session of its own, in "/", with an empty environment, default signal
   * dispositions and none blocked. `argv`: NUL-terminated strings, `argvLength` bytes in all; the first is the path of the
   * program. `fds`: `count` i32 descriptors; number i of the child is fds[i], or /dev/null for -1. Returns the pid; -ENOENT, -EACCES ... when it cannot
   * be executed. The caller reaps it by waitpid().
   */
  spawn(slot: number, argv: number, argvLength: number, fds: number, count: number): number;
  /**
   * Becomes another program, in "/", with an empty environment: returns only when it could not. `keep`: `count` i32 descriptors
   * which stay open, with their numbers; standard input and output are /dev/null unless they are among them, standard error stays,
   * and whatever else is open closes. After a failure standard input and output may be /dev/null already.
   */
  exec(slot: number, argv: number, argvLength: number, keep: number, count: number): number;
  /** waitpid(2) on a child of ours: its exit code, or 128 + its signal; -EAGAIN while it runs, unless `wait` is 1 (blocks). */
  waitpid(pid: number, wait: number): number;
  /** A descriptor of a process; -ESRCH when there is none. It becomes readable when the process ends. */
  pidfdOpen(pid: number): number;
  /** -ESRCH when the process has ended. */
  pidfdSendSignal(pidfd: number, signal: number): number;
  /** _exit(2): ends the whole process now, from any thread, without atexit handlers. */
  exit(code: number): number;
  /** PR_SET_CHILD_SUBREAPER: what our children leave behind becomes our child. */
  adoptOrphans(): number;
  umask(mask: number): number;
  /** A negative limit is RLIM_INFINITY. */
  setrlimit(resource: number, soft: number, hard: number): number;
  /** PR_GET_PDEATHSIG of the calling thread: 0 for none. */
  getParentDeathSignal(): number;
  /** For the calling thread and what it starts; wv-launch does it for a whole process. */
  setNoNewPrivs(): number;
  /**
   * Starts one native thread that ends the process with `exitCode` after `timeoutMs` by _exit(2), writing the
   * bytes at (slot, offset, length), at most 4,096, to stderr first if that takes them at once. A second call
   * replaces the deadline; timeoutMs 0 cancels it.
   */
  deadline(timeoutMs: number, exitCode: number, slot: number, offset: number, length: number): number;
  /**
   * What the deadline writes to `fd` before its message, if that takes the bytes at (slot, offset, length) at once: at most 4,096, and
   * 0 for nothing. `index`, 0 to 3, is whose words they are; they replace that one's before.
   */
  lastWords(index: number, fd: number, slot: number, offset: number, length: number): number;
  /** clock_gettime(2): writes i64 nanoseconds (little endian) to (slot, offset). */
  clockGettime(clockId: number, slot: number, offset: number): number;
  /** clock_getres(2), same form. */
  clockGetres(clockId: number, slot: number, offset: number): number;
  /** getrandom(2), all of it. */
  getrandom(slot: number, offset: number, length: number): number;
  /**
   * The paths of the libraries that this process has loaded, its loader and this helper included, each with its NUL. Returns
   * their length; -ERANGE when they do not fit.
   */
  loadedLibraries(slot: number, out: number, capacity: number): number;

  // ---- confinement of this process, from here on and for ever
  /**
   * Begins to confine all threads: no new privileges; of the capabilities those whose bits are set in `capabilities`, as far as
   * they are there, in the bounding set too; and the Landlock domain of `rulesetFd`, unless it is -1. The caller's own thread
   * comes last, in finishConfiningThreads(), and until then the descriptor stays open. Needs /proc.
   */
  beginConfiningThreads(capabilities: number, rulesetFd: number): number;
  /** (blocks until the others are) Returns 0 when all threads are confined; after a failure some are and others are not. */
  finishConfiningThreads(): number;
  /**
   * (blocks) Until Node's own threads have put what they wait for into their rings of io_uring, if they have any: under a filter
   * they cannot any more. 0, or -ETIMEDOUT. Needs /proc. The main thread's ring is its caller's matter.
   */
  awaitRings(): number;
  /**
   * A Landlock ruleset that allows to open, make and remove no file, and, where the system knows these, to bind and connect no
   * TCP socket, and to reach nobody outside by a signal or an abstract socket. With `files` 0 it leaves files alone. -ENOSYS or
   * -EOPNOTSUPP where there is none that can be used.
   */
  landlockCreate(files: number): number;
  /** Allows everything but execution and devices below `fd`; only reading with `readonly` 1. */
  landlockAllow(rulesetFd: number, fd: number, readonly: number): number;
  /**
   * A filter of system calls on all threads: whatever is not on the list of `policy` (0 gofer, 1 sentry) kills the process.
   * `flags`: 1 no memory becomes executable; 2 a call that would kill is reported on stderr and gives -EPERM; 4 unix sockets may be
   * made and connected (gofer only). After it /proc/self/task and all other paths are out of reach.
   */
  seccomp(policy: number, flags: number): number;
  /**
   * Makes the directory /proc/self/fd the current one: truncate(), and on kernels before 6.13 the calls on extended attributes,
   * need no /proc from then on.
   */
  enterDescriptorDirectory(procSelfFd: number): number;

  // ---- read and write
  /** (blocks) */
  read(fd: number, slot: number, offset: number, length: number): number;
  /** (blocks) SIGPIPE never kills: -EPIPE. */
  write(fd: number, slot: number, offset: number, length: number): number;
  pread(fd: number, slot: number, offset: number, length: number, position: Wide): number;
  pwrite(fd: number, slot: number, offset: number, length: number, position: Wide): number;
  /**
   * pread(2) and pwrite(2) between a guest's memory (slot 1) and a descriptor whose byte in the table of handles (slot 3) is 2, at
   * half the cost of the call. `request` is the address, in the kernel's memory (slot 0), of: i64 position, i32 descriptor,
   * u32 address, u32 length. Whether slot 1 was detached is not looked at: whoever calls has seen just now that it was not.
   */
  preadGuest(request: number): number;
  pwriteGuest(request: number): number;
  /**
   * Copy `length` bytes between address `kernel` of slot 0, which is shared, and address `guest` of slot 1: 0 or -EFAULT. Whether
   * slot 1 was detached is not looked at either. Twice as fast as TypedArray.prototype.set(), which copies shared memory by words.
   */
  copyFromGuest(kernel: number, guest: number, length: number): number;
  copyToGuest(kernel: number, guest: number, length: number): number;
  /**
   * (blocks) readv/preadv/writev/pwritev over a vector of (u32 offset, u32 length) pairs, little endian, at
   * (vecSlot, vecOffset), `count` pairs (at most 1024, else -EINVAL), whose spans lie in `dataSlot`. position
   * -1 uses the descriptor's own offset. With cancelFd >= 0 and position -1 the call sleeps only in poll(2),
   * on the descriptor and the eventfd, so that a kill gets through and descriptors that somebody made
   * O_NONBLOCK work too. writev then still writes everything, as a blocking write does; when it is cancelled
   * or fails after a part, it returns the length of that part.
   */
  readv(
    fd: number,
    vecSlot: number,
    vecOffset: number,
    count: number,
    dataSlot: number,
    position: Wide,
    cancelFd: number,
  ): number;
  writev(
    fd: number,
    vecSlot: number,
    vecOffset: number,
    count: number,
    dataSlot: number,
    position: Wide,
    cancelFd: number,
  ): number;
  /** lseek(2); the new offset, or -errno. */
  lseek(fd: number, position: Wide, whence: number): Wide;
  /**
   * (blocks) poll(2) on `count` struct pollfd (fd i32, events i16, revents i16) at (slot, offset), plus
   * cancelFd. timeoutNs: double, -1 = for ever. Returns the number of ready descriptors (cancelFd not
   * counted) or -EINTR.
   */
  poll(slot: number, offset: number, count: number, timeoutNs: number, cancelFd: number): number;

  // ---- files, from directory descriptors. `name` offset -1 means "" (use AT_EMPTY_PATH).
  openat(dirFd: number, slot: number, name: number, flags: number, mode: number): number;
  openat2(dirFd: number, slot: number, name: number, flags: number, mode: number, resolve: number): number;
  /**
   * openat2(2) for an O_PATH descriptor of whatever the entry is, a symlink too, and statx(2) on it, to (slot, out): the same as
   * the two calls, with RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS and RESOLVE_NO_MAGICLINKS, in one. An error leaves nothing open.
   */
  openChild(dirFd: number, slot: number, name: number, mask: number, out: number): number;
  /**
   * Reopens an O_PATH descriptor with new flags through a kept /proc/self/fd directory descriptor. O_CLOEXEC
   * is added.
   */
  reopen(procSelfFd: number, fd: number, flags: number): number;
  /**
   * A descriptor of a new mount of the file or directory at `path`, of this process's own mounts, above which there is nothing:
   * nosuid, nodev, noexec, and with `readonly` 1 without changes. Links are followed. -EPERM without CAP_SYS_ADMIN.
   */
  openRootMount(slot: number, path: number, readonly: number): number;
  /** statx(2): writes struct statx (256 bytes, linux/stat.h) to (slot, out). */
  statx(dirFd: number, slot: number, name: number, flags: number, mask: number, out: number): number;
  /** Writes 8 little-endian u64: type, bsize, blocks, bfree, bavail, files, ffree, namelen. */
  fstatfs(fd: number, slot: number, out: number): number;
  /**
   * Writes the entries of a directory, from where the descriptor stands, as Rreaddir has them (qid[13] offset[8] type[1]
   * name[s]; offsets are the host's d_off) to (slot, out, capacity): all that fit, or nearly. Returns their length; 0 at the end; -EINVAL when not even
   * one fits. The record at (slot, listing), little endian:
   *
   *    0 i64  in, out: where the descriptor stands: behind the last entry
   *    8 u64  the inode number of ".." if
   *   16 u32  this is not 0: the directory is a root
   *   20 u32  in: the upper 16 bits of inode numbers that the pattern is for. out: those of the next entry, where it stopped
   *           (after `0..` bytes) because it has others
   *   24 u32  pattern: the path's upper 32 bits, exclusive or bits 32 to 47 of the inode number
   */
  listDirectory(fd: number, slot: number, out: number, capacity: number, listing: number): number;
  readlinkat(dirFd: number, slot: number, name: number, out: number, capacity: number): number;
  mkdirat(dirFd: number, slot: number, name: number, mode: number): number;
  mknodat(dirFd: number, slot: number, name: number, mode: number, major: number, minor: number): number;
  symlinkat(slot: number, target: number, dirFd: number, name: number): number;
  linkat(
    oldDirFd: number,
    slot: number,
    oldName: number,
    newDirFd: number,
    newName: number,
    flags: number,
  ): number;
  unlinkat(dirFd: number, slot: number, name: number, flags: number): number;
  renameat2(
    oldDirFd: number,
    slot: number,
    oldName: number,
    newDirFd: number,
    newName: number,
    flags: number,
  ): number;
  /**
   * fchmodat2(AT_EMPTY_PATH) where the kernel has it, else through procSelfFd. Works on O_PATH descriptors.
   */
  fchmod(procSelfFd: number, fd: number, mode: number): number;
  /** fchownat(AT_EMPTY_PATH|AT_SYMLINK_NOFOLLOW); -1 keeps. */
  fchown(fd: number, uid: number, gid: number): number;
  /**
   * utimensat(AT_EMPTY_PATH|AT_SYMLINK_NOFOLLOW), on O_PATH descriptors too; nsec may be UTIME_NOW or
   * UTIME_OMIT.
   */
  futimens(fd: number, atimeSec: number, atimeNsec: number, mtimeSec: number, mtimeNsec: number): number;
  ftruncate(fd: number, size: Wide): number;
  /** truncate(2) of the file that `fd`, which may be an O_PATH one, refers to. Needs /proc, see enterDescriptorDirectory(). */
  truncate(fd: number, size: Wide): number;
  fallocate(fd: number, mode: number, position: Wide, length: Wide): number;
  /** copy_file_range(2) between two positions; the number of bytes, which may be fewer. Linux copies less than 2^31 at a time. */
  copyFileRange(fromFd: number, fromPosition: Wide, toFd: number, toPosition: Wide, length: Wide): number;
  fsync(fd: number, dataOnly: number): number;

  // ---- calls by threads of the helper, which the caller does not wait for
  /** Makes the threads, once per process. `capacity`: calls at a time; `bellFd`: an eventfd that is written to when one is done. */
  backgroundStart(threads: number, capacity: number, bellFd: number): number;
  /**
   * Asks for a call, BACKGROUND_*, under an id below 2^30. `fd` is to stay open until it is taken back. -EAGAIN when there are
   * as many as there can be. `mode`, `position` and `length` are of fallocate(2).
   */
  backgroundAsk(id: number, kind: number, fd: number, mode: number, position: Wide, length: Wide): number;
  /** One that is done, as id * 4096 + errno (0: it succeeded), or -EAGAIN. */
  backgroundTake(): number;

  // ---- extended attributes of what a descriptor is, O_PATH ones and symbolic links included
  /** The value's length, which is written to (slot, out) unless capacity is 0. */
  getxattr(procSelfFd: number, fd: number, slot: number, name: number, out: number, capacity: number): number;
  /** `flags`: XATTR_CREATE, XATTR_REPLACE or 0. */
  setxattr(
    procSelfFd: number,
    fd: number,
    slot: number,
    name: number,
    value: number,
    length: number,
    flags: number,
  ): number;
  /** All names, each with its NUL; capacity as for getxattr(). */
  listxattr(procSelfFd: number, fd: number, slot: number, out: number, capacity: number): number;
  removexattr(procSelfFd: number, fd: number, slot: number, name: number): number;

  /**
   * Writes the values of system.posix_acl_access and, of a directory, system.posix_acl_default, each as length[2] value[length]; a
   * length of 0 where there is none. Returns the number of bytes; -EOPNOTSUPP where the file system has no such lists, -ERANGE when
   * they do not fit.
   */
  posixAcls(
    procSelfFd: number,
    fd: number,
    slot: number,
    out: number,
    capacity: number,
    isDirectory: number,
  ): number;

  // ---- locks of an open file description
  /** F_OFD_SETLK: -EAGAIN when another's lock is in the way. `type`: F_RDLCK 0, F_WRLCK 1, F_UNLCK 2; length 0: to the end. */
  ofdSetLock(fd: number, type: number, start: Wide, length: Wide): number;
  /**
   * F_OFD_GETLK on the record at (slot, record): i32 type, i32 pid, i64 start, i64 length. It becomes the first lock in the
   * way, of pid -1 when a description holds that too; or its type becomes F_UNLCK.
   */
  ofdGetLock(fd: number, slot: number, record: number): number;
  /** (blocks) flock(2); `operation`: LOCK_SH 1, LOCK_EX 2, LOCK_UN 8, with LOCK_NB 4: -EAGAIN instead of waiting. */
  flock(fd: number, operation: number): number;

  // ---- sockets and the 9P channel
  /** AF_UNIX SOCK_STREAM pair, both ends blocking and O_CLOEXEC; writes two i32 to (slot, out). */
  socketpair(slot: number, out: number): number;
  /**
   * (blocks) Client side: sends the `requestLength` bytes at (slot, request) and receives one message
   * (size[4] first) to (slot, response, capacity). Returns its length; -ECONNRESET when the peer is gone;
   * -EPROTO for a frame shorter than 7 or longer than capacity; -EINTR when cancelled (after the request was
   * sent: the caller must expect the reply later); -ECANCELED when cancelled before any of the request was
   * sent. A cancel inside a frame gives it 40 ms more, then the socket is shut down: -ECONNRESET. A
   * descriptor that came with the message (SCM_RIGHTS, at most one; more or truncated is -EPROTO and all are
   * closed) is stored as i32 at (fdSlot, fdOut), else -1. With requestLength 0 it only receives.
   */
  p9Rpc(
    fd: number,
    slot: number,
    request: number,
    requestLength: number,
    response: number,
    capacity: number,
    fdSlot: number,
    fdOut: number,
    cancelFd: number,
  ): number;
  /**
   * (blocks) Server side: receives one whole message as above (no descriptors accepted: any are closed). 0 =
   * end of stream.
   */
  p9Receive(fd: number, slot: number, offset: number, capacity: number): number;
  /**
   * (blocks) Sends a whole message; donates `passFd` with its first byte when >= 0 (and does not close it).
   */
  p9Send(fd: number, slot: number, offset: number, length: number, passFd: number): number;
  // ---- windows: 9P connections through shared memory, beside their sockets (src/native/src/window.h)
  /** A sealed memfd of `count` windows, at most 64. */
  windowsCreate(count: number): number;
  /**
   * Maps what windowsCreate() made, in this process or another one; `bellFd` is an eventfd that both have. Returns a number;
   * -EINVAL for any other file; -ENFILE when 64 are mapped. Both descriptors may be closed then.
   */
  windowsMap(fd: number, bellFd: number): number;
  /** Nobody may be inside a call on one of its windows. */
  windowsUnmap(map: number): number;
  /**
   * The window `index` of a mapping for the connection `socketFd`, for its server (`serves` 1) or its client (0). Returns a number
   * that all threads may use; -EBUSY when it is open. What an earlier connection left in the window is dropped, if its server has
   * closed its side before.
   */
  windowOpen(map: number, index: number, socketFd: number, serves: number): number;
  /** The socket stays open. */
  windowClose(window: number): number;
  /**
   * (blocks) As p9Rpc(), but for a cancel inside a request, of which there is none; -EMSGSIZE when the requests are larger than
   * 262,144 bytes. A dead peer and a cancel are noticed within 20 ms.
   */
  windowRpc(
    window: number,
    slot: number,
    request: number,
    requestLength: number,
    response: number,
    capacity: number,
    fdSlot: number,
    fdOut: number,
    cancelFd: number,
  ): number;
  /** Server side: takes bytes of requests as they are there. -EAGAIN without any, -EPROTO from a client that lies. */
  windowReceive(window: number, slot: number, offset: number, capacity: number): number;
  /**
   * Sends a whole message; with `passFd` by the socket. -EAGAIN without room, see windowRoom(). `more` 1: another reply follows at
   * once, so that the client need not be woken yet.
   */
  windowSend(
    window: number,
    slot: number,
    offset: number,
    length: number,
    passFd: number,
    more: number,
  ): number;
  /**
   * 1 when the client has room for `bytes` of replies. Else 0, and the window is ready, see below, when it has, not when there are
   * requests.
   */
  windowRoom(window: number, bytes: number): number;
  /**
   * A window for which the server can do something, each in its turn, or -EAGAIN; if `sleeps`, that says that from now on, until the
   * next call, clients ring the bell.
   */
  windowsNext(map: number, sleeps: number): number;

  // ---- sockets that listen
  /**
   * A unix stream socket that listens at a path; it does not block, and accepts at most a moment's worth of clients ahead. One
   * that nobody listens on any more is replaced. -ENAMETOOLONG above 107 bytes.
   */
  listenUnix(slot: number, path: number): number;
  /** The same for TCP; `host` is a number in text, of IPv4 or IPv6 (else -EINVAL); port 0 takes a free one. No delays. */
  listenTcp(slot: number, host: number, port: number): number;
  /** The port of a TCP socket. -EAFNOSUPPORT for another one. */
  localPort(fd: number): number;
  /**
   * 0 for one end of a connection of unix stream sockets; -ENOTSOCK, -EAFNOSUPPORT (another family), -EPROTOTYPE (no stream),
   * -ENOTCONN (one that listens, too).
   */
  checkUnixStream(fd: number): number;
  /**
   * A new unix socket of `type` (SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET), which does not block, connected to the one whose file the
   * O_PATH descriptor `fd` is. -EAGAIN when as many wait there as may. Needs /proc, see enterDescriptorDirectory().
   */
  connectUnix(fd: number, type: number): number;
  /** A new, blocking connection; -EAGAIN when nobody waits. */
  accept(fd: number): number;
  /** A read of this socket that has found nothing for so long, more than 0 ms, gives -EAGAIN. */
  receiveTimeout(fd: number, milliseconds: number): number;
  epollCreate(): number;
  /** EPOLLIN | EPOLLRDHUP interest, level-triggered; the fd itself is the data. */
  epollAdd(epollFd: number, fd: number): number;
  /** What is waited for instead, POLLIN or POLLOUT or both, with EPOLLET edge-triggered. */
  epollInterest(epollFd: number, fd: number, events: number): number;
  epollRemove(epollFd: number, fd: number): number;
  /** (blocks) Writes up to `max` pairs (i32 fd, u32 events) to (slot, out); returns their number. */
  epollWait(epollFd: number, slot: number, out: number, max: number, timeoutMs: number): number;
  /** The bytes that can be received, which stay; 0 at end of stream, -EAGAIN when there are none. */
  peek(fd: number, slot: number, offset: number, capacity: number): number;
  /**
   * Receives up to `length` bytes of a unix stream, and the descriptors that were sent with them: at (slot, list) their number as
   * u32, then i32 each, `most` (at most 253) of them. More than `most` is -EMSGSIZE, and all are closed. Fewer bytes than there are
   * come where descriptors were sent with the next ones. 0 at end of stream, -EAGAIN when there are none.
   */
  receiveRights(fd: number, slot: number, offset: number, length: number, list: number, most: number): number;
  /**
   * Sends as many of the bytes as there is room for, with the descriptors at (slot, list), as receiveRights() writes them; they stay
   * the caller's. -EAGAIN when there is no room.
   */
  sendRights(fd: number, slot: number, offset: number, length: number, list: number): number;
  /** The user id of the process that connected a unix socket, or made the pair (SO_PEERCRED). */
  peerUser(fd: number): number;
  /** 1 when at least one byte can be received without blocking, 0 when not, -ECONNRESET at end of stream. */
  readable(fd: number): number;
}
