// What the host and the guest may call. Each export enters the kernel, delegates, and leaves.
//
// The first part is wasi_snapshot_preview1, under its own names: a guest imports these functions directly. The second part
// is the control side: it runs on any instance that is not in a guest, under a control thread of its own.

import { EINVAL } from "./abi/errno.ts";
import * as abi from "./abi/wasi.ts";
import * as boot from "./boot/boot.ts";
import { maskPath, protectPath } from "./boot/covered-paths.ts";
import { makeOverlay } from "./boot/overlay.ts";
import { quietNamespace, reattachNamespace } from "./boot/quiet.ts";
import { mountinfoOf, pathOfDescriptor } from "./boot/tracing.ts";
import { checkAfterCall } from "./debug/task.ts";
import { limitTmpfs } from "./fs/tmpfs/limits.ts";
import { enter, exitTask, finishTask, leave } from "./kernel/entry.ts";
import { makePids, PidNamespace } from "./kernel/pid-namespace.ts";
import { Task } from "./kernel/task.ts";
import { firstUts, makeUts, UtsNamespace } from "./kernel/uts.ts";
import { free } from "./lib/ref-counted.ts";
import { lockKernel, panicKernel, unlockKernel } from "./sched/kernel-lock.ts";
import { makeRefusalRecord } from "./sched/refusal.ts";
import { claimForKiller, markDead, markGone, setCurrentThread, stateOf, Thread } from "./sched/thread.ts";
import { listNames } from "./syscalls/name-list.ts";
import { dispatch } from "./syscalls/table.ts";
import { Dentry } from "./vfs/dentry.ts";
import { FileDescription } from "./vfs/file-description.ts";
import { Mount } from "./vfs/mount.ts";
import { MountNamespace } from "./vfs/mount-namespace.ts";
import { openAt } from "./vfs/open.ts";
import * as clock from "./wasi/clock.ts";
import * as environment from "./wasi/environment.ts";
import * as fds from "./wasi/fd.ts";
import * as paths from "./wasi/path.ts";
import { pollOneoff } from "./wasi/poll-oneoff.ts";
import { fdReaddir } from "./wasi/readdir.ts";

// ---- wasi_snapshot_preview1

export function args_get(argv: u32, buffer: u32): u32 {
  const task = enter();
  const errno = environment.stringsGet(task.args, task.argsBytes, task.argsCount, argv, buffer);
  leave(task);
  return errno;
}

export function args_sizes_get(count: u32, bytes: u32): u32 {
  const task = enter();
  const errno = environment.sizesGet(task.argsCount, task.argsBytes, count, bytes);
  leave(task);
  return errno;
}

export function environ_get(environ: u32, buffer: u32): u32 {
  const task = enter();
  const errno = environment.stringsGet(task.env, task.envBytes, task.envCount, environ, buffer);
  leave(task);
  return errno;
}

export function environ_sizes_get(count: u32, bytes: u32): u32 {
  const task = enter();
  const errno = environment.sizesGet(task.envCount, task.envBytes, count, bytes);
  leave(task);
  return errno;
}

export function clock_res_get(id: u32, out: u32): u32 {
  const task = enter();
  const errno: u32 = clock.clockResGet(task, id, out);
  leave(task);
  return errno;
}

export function clock_time_get(id: u32, _precision: u64, out: u32): u32 {
  const task = enter();
  const errno: u32 = clock.clockTimeGet(task, id, out);
  leave(task);
  return errno;
}

export function fd_advise(fd: u32, offset: i64, length: i64, advice: u32): u32 {
  const task = enter();
  const errno: u32 = fds.fdAdvise(task, fd, offset, length, advice);
  leave(task);
  return errno;
}

export function fd_allocate(fd: u32, offset: i64, length: i64): u32 {
  const task = enter();
  const errno: u32 = fds.fdAllocate(task, fd, offset, length);
  leave(task);
  return errno;
}

export function fd_close(fd: u32): u32 {
  const task = enter();
  const errno: u32 = fds.fdClose(task, fd);
  leave(task);
  return errno;
}

export function fd_datasync(fd: u32): u32 {
  const task = enter();
  const errno: u32 = fds.fdSync(task, fd, true);
  leave(task);
  return errno;
}

export function fd_fdstat_get(fd: u32, out: u32): u32 {
  const task = enter();
  const errno: u32 = fds.fdFdstatGet(task, fd, out);
  leave(task);
  return errno;
}

export function fd_fdstat_set_flags(fd: u32, fdflags: u32): u32 {
  const task = enter();
  const errno: u32 = fds.fdFdstatSetFlags(task, fd, fdflags);
  leave(task);
  return errno;
}

export function fd_fdstat_set_rights(fd: u32, rights: u64, inheriting: u64): u32 {
  const task = enter();
  const errno: u32 = fds.fdFdstatSetRights(task, fd, rights, inheriting);
  leave(task);
  return errno;
}

export function fd_filestat_get(fd: u32, out: u32): u32 {
  const task = enter();
  const errno: u32 = fds.fdFilestatGet(task, fd, out);
  leave(task);
  return errno;
}

export function fd_filestat_set_size(fd: u32, size: i64): u32 {
  const task = enter();
  const errno: u32 = fds.fdFilestatSetSize(task, fd, size);
  leave(task);
  return errno;
}

export function fd_filestat_set_times(fd: u32, atime: i64, mtime: i64, flags: u32): u32 {
  const task = enter();
  const errno: u32 = fds.fdFilestatSetTimes(task, fd, atime, mtime, flags);
  leave(task);
  return errno;
}

export function fd_pread(fd: u32, iovs: u32, count: u32, offset: i64, out: u32): u32 {
  const task = enter();
  const errno: u32 = offset < 0 ? <u32>abi.WASI_EINVAL : fds.fdRead(task, fd, iovs, count, offset, out);
  leave(task);
  return errno;
}

export function fd_prestat_get(fd: u32, out: u32): u32 {
  const task = enter();
  const errno: u32 = fds.fdPrestatGet(task, fd, out);
  leave(task);
  return errno;
}

export function fd_prestat_dir_name(fd: u32, path: u32, length: u32): u32 {
  const task = enter();
  const errno: u32 = fds.fdPrestatDirName(task, fd, path, length);
  leave(task);
  return errno;
}

export function fd_pwrite(fd: u32, iovs: u32, count: u32, offset: i64, out: u32): u32 {
  const task = enter();
  const errno: u32 = offset < 0 ? <u32>abi.WASI_EINVAL : fds.fdWrite(task, fd, iovs, count, offset, out);
  leave(task);
  return errno;
}

export function fd_read(fd: u32, iovs: u32, count: u32, out: u32): u32 {
  const task = enter();
  const errno: u32 = fds.fdRead(task, fd, iovs, count, -1, out);
  leave(task);
  return errno;
}

export function fd_readdir(fd: u32, buffer: u32, length: u32, cookie: u64, out: u32): u32 {
  const task = enter();
  const errno: u32 = fdReaddir(task, fd, buffer, length, cookie, out);
  leave(task);
  return errno;
}

export function fd_renumber(from: u32, to: u32): u32 {
  const task = enter();
  const errno: u32 = fds.fdRenumber(task, from, to);
  leave(task);
  return errno;
}

export function fd_seek(fd: u32, offset: i64, whence: u32, out: u32): u32 {
  const task = enter();
  const errno: u32 = fds.fdSeek(task, fd, offset, whence, out);
  leave(task);
  return errno;
}

export function fd_sync(fd: u32): u32 {
  const task = enter();
  const errno: u32 = fds.fdSync(task, fd, false);
  leave(task);
  return errno;
}

export function fd_tell(fd: u32, out: u32): u32 {
  const task = enter();
  const errno: u32 = fds.fdSeek(task, fd, 0, abi.WHENCE_CUR, out);
  leave(task);
  return errno;
}

export function fd_write(fd: u32, iovs: u32, count: u32, out: u32): u32 {
  const task = enter();
  const errno: u32 = fds.fdWrite(task, fd, iovs, count, -1, out);
  leave(task);
  return errno;
}

export function path_create_directory(fd: u32, path: u32, length: u32): u32 {
  const task = enter();
  const errno: u32 = paths.pathCreateDirectory(task, fd, path, length);
  leave(task);
  return errno;
}

export function path_filestat_get(fd: u32, flags: u32, path: u32, length: u32, out: u32): u32 {
  const task = enter();
  const errno: u32 = paths.pathFilestatGet(task, fd, flags, path, length, out);
  leave(task);
  return errno;
}

export function path_filestat_set_times(
  fd: u32,
  flags: u32,
  path: u32,
  length: u32,
  atime: i64,
  mtime: i64,
  times: u32,
): u32 {
  const task = enter();
  const errno: u32 = paths.pathFilestatSetTimes(task, fd, flags, path, length, atime, mtime, times);
  leave(task);
  return errno;
}

export function path_link(
  oldFd: u32,
  flags: u32,
  oldPath: u32,
  oldLength: u32,
  newFd: u32,
  newPath: u32,
  newLength: u32,
): u32 {
  const task = enter();
  const errno: u32 = paths.pathLink(task, oldFd, flags, oldPath, oldLength, newFd, newPath, newLength);
  leave(task);
  return errno;
}

export function path_open(
  fd: u32,
  lookupflags: u32,
  path: u32,
  length: u32,
  oflags: u32,
  rights: u64,
  inheriting: u64,
  fdflags: u32,
  out: u32,
): u32 {
  const task = enter();
  const errno: u32 = paths.pathOpen(
    task,
    fd,
    lookupflags,
    path,
    length,
    oflags,
    rights,
    inheriting,
    fdflags,
    out,
  );
  leave(task);
  return errno;
}

export function path_readlink(fd: u32, path: u32, length: u32, buffer: u32, capacity: u32, out: u32): u32 {
  const task = enter();
  const errno: u32 = paths.pathReadlink(task, fd, path, length, buffer, capacity, out);
  leave(task);
  return errno;
}

export function path_remove_directory(fd: u32, path: u32, length: u32): u32 {
  const task = enter();
  const errno: u32 = paths.pathRemoveDirectory(task, fd, path, length);
  leave(task);
  return errno;
}

export function path_rename(
  oldFd: u32,
  oldPath: u32,
  oldLength: u32,
  newFd: u32,
  newPath: u32,
  newLength: u32,
): u32 {
  const task = enter();
  const errno: u32 = paths.pathRename(task, oldFd, oldPath, oldLength, newFd, newPath, newLength);
  leave(task);
  return errno;
}

export function path_symlink(target: u32, targetLength: u32, fd: u32, path: u32, length: u32): u32 {
  const task = enter();
  const errno: u32 = paths.pathSymlink(task, target, targetLength, fd, path, length);
  leave(task);
  return errno;
}

export function path_unlink_file(fd: u32, path: u32, length: u32): u32 {
  const task = enter();
  const errno: u32 = paths.pathUnlinkFile(task, fd, path, length);
  leave(task);
  return errno;
}

export function poll_oneoff(subscriptions: u32, events: u32, count: u32, out: u32): u32 {
  const task = enter();
  const errno: u32 = pollOneoff(task, subscriptions, events, count, out);
  leave(task);
  return errno;
}

export function proc_raise(_signal: u32): u32 {
  const task = enter();
  const errno: u32 = <u32>abi.WASI_ENOTSUP;
  leave(task);
  return errno;
}

export function random_get(buffer: u32, length: u32): u32 {
  const task = enter();
  const errno: u32 = clock.randomGet(task, buffer, length);
  leave(task);
  return errno;
}

export function sched_yield(): u32 {
  const task = enter();
  const errno: u32 = 0;
  leave(task);
  return errno;
}

export function sock_accept(fd: u32, _flags: u32, _out: u32): u32 {
  const task = enter();
  const errno: u32 = fds.notASocket(task, fd);
  leave(task);
  return errno;
}

export function sock_recv(fd: u32, _iovs: u32, _count: u32, _flags: u32, _out: u32, _flagsOut: u32): u32 {
  const task = enter();
  const errno: u32 = fds.notASocket(task, fd);
  leave(task);
  return errno;
}

export function sock_send(fd: u32, _iovs: u32, _count: u32, _flags: u32, _out: u32): u32 {
  const task = enter();
  const errno: u32 = fds.notASocket(task, fd);
  leave(task);
  return errno;
}

export function sock_shutdown(fd: u32, _how: u32): u32 {
  const task = enter();
  const errno: u32 = fds.notASocket(task, fd);
  leave(task);
  return errno;
}

/** Never returns. */
export function proc_exit(code: u32): void {
  exitTask(enter(), code);
}

// ---- tracing

/**
 * Has the task's refusals noted from now on (abi/refusal.ts): the address of the record, which is the task's. The caller has the task,
 * and it does not run.
 */
export function trace_begin(task: usize): usize {
  lockKernel();
  const traced = changetype<Task>(task);
  if (!traced.refusal) traced.refusal = makeRefusalRecord();
  unlockKernel();
  return traced.refusal;
}

/**
 * The path of a descriptor of the task that this instance runs, which is traced: its length; the bytes are in the record. Errors:
 * EBADF, ENAMETOOLONG.
 */
export function trace_fd_path(fd: u32): i32 {
  const task = enter();
  const length = pathOfDescriptor(task, fd);
  leave(task);
  return length;
}

/** The task's mounts as /proc/PID/mountinfo has them, as many bytes as fit in `capacity`; returns how many there are. */
export function task_mountinfo(task: usize, buffer: usize, capacity: u32): i32 {
  lockKernel();
  const result = mountinfoOf(changetype<Task>(task), buffer, capacity);
  unlockKernel();
  return result;
}

// ---- Linux

/**
 * A Linux system call by its x86-64 number, of the task that this instance runs. Arguments are whole numbers; pointers are
 * addresses in kernel memory. Returns what the call returns, or -errno; -ENOSYS for a number that is not in the table.
 */
export function syscall(number: i32, a: f64, b: f64, c: f64, d: f64, e: f64, f: f64): f64 {
  const task = enter();
  const result = dispatch(task, number, <i64>a, <i64>b, <i64>c, <i64>d, <i64>e, <i64>f);
  if (!ASC_NO_ASSERT) checkAfterCall(task);
  leave(task);
  return <f64>result;
}

/** The names of an open directory of that task: see listNames(). */
export function list_names(fd: i32, buffer: usize, capacity: u32): i32 {
  const task = enter();
  const result = listNames(task, fd, buffer, capacity);
  leave(task);
  return result;
}

// ---- control side

/** Makes the kernel in a fresh memory. -EEXIST when it is there already. */
export function boot_kernel(maxBytes: u32): i32 {
  return boot.bootKernel(maxBytes);
}

/** Gives this instance a control thread; returns its address. Every instance does so once, before anything else. */
export function attach(): usize {
  lockKernel();
  const thread = new Thread();
  setCurrentThread(thread);
  unlockKernel();
  return changetype<usize>(thread);
}

/**
 * Ends what a thread of attach()'s waits for in the kernel, and all that it would wait for from now on: -EINTR. The host then cancels
 * its native wait.
 */
export function thread_interrupt(thread: usize): void {
  lockKernel();
  markDead(changetype<Thread>(thread));
  unlockKernel();
}

/** It may wait again. Preconditions: it is in no call. */
export function thread_resume(thread: usize): void {
  lockKernel();
  changetype<Thread>(thread).dead = 0;
  unlockKernel();
}

/** Nobody else is inside the kernel until unlock_kernel(): its memory is whole, to be copied. Waits as a call does. */
export function lock_kernel(): void {
  lockKernel();
}

export function unlock_kernel(): void {
  unlockKernel();
}

/** What all tmpfs may take from now on, together: pages of 4 KiB, and inodes; 0: no limit. */
export function limit_tmpfs(pages: f64, inodes: f64): void {
  lockKernel();
  limitTmpfs(<u64>pages, <u64>inodes);
  unlockKernel();
}

/** Kernel memory for arguments. */
export function buffer_alloc(bytes: u32): usize {
  lockKernel();
  const buffer = heap.alloc(bytes);
  unlockKernel();
  return buffer;
}

export function buffer_free(buffer: usize): void {
  lockKernel();
  heap.free(buffer);
  unlockKernel();
}

/** A file system of the kernel's own by its name and options, as mount(2) takes them; or -ENODEV, -EINVAL. `pids`: of pids_make(), or 0. */
export function fs_kernel(name: usize, length: u32, data: usize, dataLength: u32, pids: usize): usize {
  lockKernel();
  const root = boot.makeKernelFilesystem(name, length, data, dataLength, pids);
  unlockKernel();
  return root;
}

/**
 * An overlay over root dentries, which it takes over: `count` lower ones at `lowers`, top first; upper 0: read-only. The options are
 * those of mount(2) that name no layer.
 */
export function fs_overlay(upper: usize, lowers: usize, count: u32, options: usize, length: u32): usize {
  lockKernel();
  const root = makeOverlay(upper, lowers, count, options, length);
  unlockKernel();
  return root;
}

/**
 * The tree behind a 9P connection, or an error; its server knows it by a name of `nameLength` bytes ("aname"), mostly none. `uid` owns what is made in it. `dcache` bounds the names, open handles and with
 * them the server's fids that are kept unused; 0: the default.
 */
export function fs_gofer(
  connection: i32,
  readonly: u32,
  shared: u32,
  donate: u32,
  uid: u32,
  dcache: u32,
  name: usize,
  nameLength: u32,
): usize {
  lockKernel();
  const root = boot.makeGofer(
    connection,
    readonly != 0,
    shared != 0,
    donate != 0,
    uid,
    dcache,
    name,
    nameLength,
  );
  unlockKernel();
  return root;
}

/** A mount of a root dentry, which it takes over. */
function makeMount(root: usize, flags: u32, source: usize, sourceLength: u32): Mount {
  const mount = new Mount(changetype<Dentry>(root), flags);
  mount.setSource(source, sourceLength);
  return mount;
}

/** A mount namespace on a root dentry, which it takes over; `flags` are MNT_*, the source is what listings show. */
export function namespace_make(root: usize, flags: u32, source: usize, sourceLength: u32): usize {
  lockKernel();
  const namespace = new MountNamespace(makeMount(root, flags, source, sourceLength));
  unlockKernel();
  return changetype<usize>(namespace);
}

/** Mounts a root dentry, which it takes over, at a path; makes the mount point when it is missing. As namespace_make() otherwise. */
export function namespace_mount(
  namespace: usize,
  root: usize,
  path: usize,
  length: u32,
  flags: u32,
  source: usize,
  sourceLength: u32,
): i32 {
  lockKernel();
  const mount = makeMount(root, flags, source, sourceLength);
  const result = boot.mountAt(changetype<MountNamespace>(namespace), mount, path, length);
  unlockKernel();
  return result;
}

/** Makes the directories of a path that are missing. Errors: those of mkdir(2), but for EEXIST of a directory. */
export function namespace_mkdir(namespace: usize, path: usize, length: u32): i32 {
  lockKernel();
  const result = boot.makeDirectories(changetype<MountNamespace>(namespace), path, length);
  unlockKernel();
  return result;
}

/** Hides what is at a path, if something is: see boot/covered-paths.ts. */
export function namespace_mask(namespace: usize, path: usize, length: u32): i32 {
  lockKernel();
  const cred = boot.rootCredentials();
  const result = maskPath(changetype<MountNamespace>(namespace), path, length, cred);
  cred.decRef();
  unlockKernel();
  return result;
}

/** Makes what is at a path read-only, if something is. */
export function namespace_protect(namespace: usize, path: usize, length: u32): i32 {
  lockKernel();
  const cred = boot.rootCredentials();
  const result = protectPath(changetype<MountNamespace>(namespace), path, length, cred);
  cred.decRef();
  unlockKernel();
  return result;
}

/**
 * Keeps a file system, whose root dentry it takes over, to be mounted in several namespaces (gVisor: a shared mount's master, which is
 * mounted and connected to nothing); returns what volume_root() takes. It stays as long as the kernel.
 */
export function volume_make(root: usize): usize {
  lockKernel();
  const volume = new Mount(changetype<Dentry>(root), 0);
  unlockKernel();
  return changetype<usize>(volume);
}

/** The root dentry of a kept file system with a reference, to be mounted. */
export function volume_root(volume: usize): usize {
  lockKernel();
  const root = changetype<Mount>(volume).root;
  root.incRef();
  unlockKernel();
  return changetype<usize>(root);
}

export function namespace_release(namespace: usize): void {
  lockKernel();
  changetype<MountNamespace>(namespace).decRef();
  unlockKernel();
}

/** A pid namespace without tasks. The first one, 0 to all who take one, is the kernel's. */
export function pids_make(): usize {
  lockKernel();
  const pids = makePids();
  unlockKernel();
  return changetype<usize>(pids);
}

/** One reference more. */
export function pids_hold(pids: usize): void {
  lockKernel();
  changetype<PidNamespace>(pids).incRef();
  unlockKernel();
}

export function pids_release(pids: usize): void {
  lockKernel();
  changetype<PidNamespace>(pids).decRef();
  unlockKernel();
}

/** A namespace of the system's names. */
export function uts_make(): usize {
  lockKernel();
  const uts = makeUts();
  unlockKernel();
  return changetype<usize>(uts);
}

/** One reference more. */
export function uts_hold(uts: usize): void {
  lockKernel();
  changetype<UtsNamespace>(uts).incRef();
  unlockKernel();
}

export function uts_release(uts: usize): void {
  lockKernel();
  changetype<UtsNamespace>(uts).decRef();
  unlockKernel();
}

/** Names the system: which is UTS_NODENAME or UTS_DOMAINNAME; `uts` 0: the first one's. Errors: EINVAL for more than UTS_LENGTH bytes. */
export function uts_set_name(which: u32, name: usize, length: u32, uts: usize): i32 {
  lockKernel();
  const named = uts ? changetype<UtsNamespace>(uts) : firstUts();
  const result = named.set(which, name, length);
  unlockKernel();
  return result;
}

/** A task, not yet running. Capabilities come as two words; `pids` and `uts` are of pids_make() and uts_make(), or 0. */
export function task_make(
  namespace: usize,
  uid: u32,
  gid: u32,
  umask: u32,
  capsLow: u32,
  capsHigh: u32,
  pids: usize,
  uts: usize,
): usize {
  lockKernel();
  const capabilities = <u64>capsLow | ((<u64>capsHigh) << 32);
  const task = boot.makeTask(
    changetype<MountNamespace>(namespace),
    changetype<PidNamespace | null>(pids),
    changetype<UtsNamespace | null>(uts),
    uid,
    gid,
    capabilities,
  );
  task.umask = umask;
  unlockKernel();
  return changetype<usize>(task);
}

/** A limit of a task; u64 each, in two words. Errors: EINVAL. */
export function task_set_limit(
  task: usize,
  resource: u32,
  softLow: u32,
  softHigh: u32,
  hardLow: u32,
  hardHigh: u32,
): i32 {
  lockKernel();
  const soft = <u64>softLow | ((<u64>softHigh) << 32);
  const hard = <u64>hardLow | ((<u64>hardHigh) << 32);
  const result = changetype<Task>(task).setLimit(resource, soft, hard);
  unlockKernel();
  return result;
}

export function task_add_group(task: usize, gid: u32): i32 {
  lockKernel();
  const added = changetype<Task>(task).cred.addGroup(gid);
  unlockKernel();
  return added ? 0 : -EINVAL;
}

/** Arguments (which 0) or environment (1): `count` NUL-terminated strings, `bytes` in all. */
export function task_set_strings(task: usize, which: u32, strings: usize, bytes: u32, count: u32): i32 {
  lockKernel();
  const result = boot.setStrings(changetype<Task>(task), which, strings, bytes, count);
  unlockKernel();
  return result;
}

export function task_chdir(task: usize, path: usize, length: u32): i32 {
  lockKernel();
  const t = changetype<Task>(task);
  memory.copy(t.walk.path, path, length);
  const result = t.changeDirectory(length);
  unlockKernel();
  return result;
}

/** Installs host descriptor `handle` as `fd`; `mode` is its type and permission on the host. */
export function task_set_stream(task: usize, fd: u32, handle: i32, mode: u32, flags: u32): i32 {
  lockKernel();
  const result = boot.setStream(changetype<Task>(task), fd, handle, mode, flags);
  unlockKernel();
  return result;
}

/** Preopens the directory at a path under a name; returns the descriptor. */
export function task_preopen(task: usize, path: usize, pathLength: u32, name: usize, nameLength: u32): i32 {
  lockKernel();
  const result = boot.addPreopen(changetype<Task>(task), path, pathLength, name, nameLength);
  unlockKernel();
  return result;
}

/** Opens a path as the task sees it, with its credentials: a FileDescription, or an error. */
export function file_open(task: usize, path: usize, length: u32, flags: u32, mode: u32): usize {
  lockKernel();
  const t = changetype<Task>(task);
  const walk = t.beginAtCwd();
  memory.copy(walk.path, path, length);
  walk.umask = t.umask;
  const file = openAt(walk, length, flags, mode, 0);
  walk.release();
  unlockKernel();
  return file;
}

/** Reads `length` bytes at `offset` into kernel memory. */
export function file_pread(file: usize, buffer: usize, length: u32, offset: f64): i32 {
  lockKernel();
  const result = boot.readInto(changetype<FileDescription>(file), buffer, length, <i64>offset);
  unlockKernel();
  return result;
}

/**
 * Lists an open directory into `buffer`: for each entry its type (u8, DT_*), the length of its name (u8) and
 * its name. Returns the bytes used; as many entries as fit.
 */
export function file_list(file: usize, buffer: usize, capacity: u32): i32 {
  lockKernel();
  const result = boot.listInto(changetype<FileDescription>(file), buffer, capacity);
  unlockKernel();
  return result;
}

/** Brings attributes up to date; returns st_mode. file_size() then tells the size. */
export function file_mode(file: usize): i32 {
  lockKernel();
  const inode = changetype<FileDescription>(file).inode;
  const result = inode.getAttributes();
  const mode = result < 0 ? result : <i32>inode.mode;
  unlockKernel();
  return mode;
}

export function file_size(file: usize): f64 {
  return <f64>changetype<FileDescription>(file).inode.size;
}

/** Notes what the task runs, for /proc/PID/exe. */
export function task_set_executable(task: usize, file: usize): void {
  lockKernel();
  const description = changetype<FileDescription>(file);
  changetype<Task>(task).setExecutable(description.mount, description.dentry);
  unlockKernel();
}

/** Whether the task may execute the open file: 0 or -EACCES, also for what is no regular file. */
export function file_may_execute(task: usize, file: usize): i32 {
  lockKernel();
  const result = boot.mayExecute(changetype<Task>(task), changetype<FileDescription>(file));
  unlockKernel();
  return result;
}

export function file_close(file: usize): void {
  lockKernel();
  changetype<FileDescription>(file).decRef();
  unlockKernel();
}

/** This instance runs `task` from now on: its guest may call. */
export function task_enter(task: usize): void {
  setCurrentThread(changetype<Task>(task));
}

/** The guest returned or trapped: ends the task from inside its own instance. 0 when the killer has it: see finishTask(). */
export function task_finish(task: usize, code: i32): i32 {
  return finishTask(changetype<Task>(task), code) ? 1 : 0;
}

/** Where the task's thread is: a state of sched/thread.ts. */
export function task_state(task: usize): i32 {
  return stateOf(changetype<Task>(task));
}

/** A thread failed inside the kernel: nobody waits for the kernel lock any more. */
export function kernel_panic(): void {
  panicKernel();
}

/** The killer's first step: the task is to end with `code`. -ESRCH when it has. The host then cancels its native wait. */
export function task_kill(task: usize, code: i32): i32 {
  lockKernel();
  const t = changetype<Task>(task);
  const result = markDead(t);
  if (result == 0) t.exitCode = code;
  unlockKernel();
  return result;
}

/** The killer's second step: see claimForKiller() in sched/thread.ts. */
export function task_claim(task: usize): i32 {
  return claimForKiller(changetype<Task>(task));
}

/** Gives back what a claimed task owned, once its thread has been terminated. */
export function task_reap(task: usize): void {
  lockKernel();
  const t = changetype<Task>(task);
  t.release();
  unlockKernel();
  markGone(t);
}

/** Its process number, in its own pid namespace. */
export function task_id(task: usize): u32 {
  return changetype<Task>(task).pid;
}

/**
 * What a task has used, to `out`, f64 each: nanoseconds of processor time up to its last sleep or its own end, bytes of its guest's
 * memory when its last call ended, bytes read and written.
 */
export function task_usage(task: usize, out: usize): void {
  const t = changetype<Task>(task);
  store<f64>(out, <f64>t.cpuTime);
  store<f64>(out, <f64>t.memoryBytes, 8);
  store<f64>(out, <f64>t.bytesRead, 16);
  store<f64>(out, <f64>t.bytesWritten, 24);
}

/** Frees a task that has ended or never ran; returns its exit code. */
export function task_free(task: usize): i32 {
  lockKernel();
  const t = changetype<Task>(task);
  const code = t.exitCode;
  t.release();
  free(t);
  unlockKernel();
  return code;
}

export function heap_objects(): u32 {
  return boot.heapObjects();
}

export function heap_pages(): u32 {
  return boot.heapPages();
}

/** Before the memory is copied, with no task in a call: see boot/quiet.ts. Errors: EBUSY, EIO. */
export function namespace_quiet(namespace: usize): i32 {
  lockKernel();
  const result = quietNamespace(changetype<MountNamespace>(namespace));
  unlockKernel();
  return result;
}

/** In a memory that was copied. Errors: EIO. */
export function namespace_reattach(namespace: usize): i32 {
  lockKernel();
  const result = reattachNamespace(changetype<MountNamespace>(namespace));
  unlockKernel();
  return result;
}

/** Drops every unreferenced dentry of the namespace's file systems: so that leak counts compare. */
export function namespace_shrink(namespace: usize): void {
  lockKernel();
  boot.shrinkNamespace(changetype<MountNamespace>(namespace));
  unlockKernel();
}
