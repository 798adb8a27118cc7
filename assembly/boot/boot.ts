// Boot: the kernel's first moments, and how file systems, mounts and tasks come to be. The only place where concrete file
// system types meet.
//
// All of it is called by the control side with the kernel lock held, before a task runs or while it does.

import { initPages, pagesUsed } from "mm/page";
import { objectsUsed } from "mm/slab";
import { EACCES, EEXIST, EINVAL, ENODEV } from "../abi/errno.ts";
import { O_DIRECTORY } from "../abi/fcntl.ts";
import { ROOT_BOOTED, ROOT_MEMFD } from "../abi/kernel-layout.ts";
import { Credentials } from "../auth/credentials.ts";
import { registerTtyDevices } from "../fs/devpts/devpts.ts";
import { registerMemDevices } from "../fs/devtmpfs/mem.ts";
import { mountGofer } from "../fs/gofer/gofer.ts";
import { OverlayFilesystem } from "../fs/overlay/filesystem.ts";
import { mountTmpfs } from "../fs/tmpfs/tmpfs.ts";
import { initAnonymous } from "../kernel/anonymous.ts";
import { initUptime, uptime } from "../kernel/clock.ts";
import { makeHostStream } from "../kernel/host-stream.ts";
import { addTask, firstPids, initPids, PidNamespace } from "../kernel/pid-namespace.ts";
import { Task } from "../kernel/task.ts";
import { firstUts, initUts, UtsNamespace } from "../kernel/uts.ts";
import { duplicate } from "../lib/bytes.ts";
import { free } from "../lib/ref-counted.ts";
import { isError } from "../lib/result.ts";
import { IovIter } from "../mm/iov-iter.ts";
import { mkdirAll } from "../vfs/create.ts";
import { dropDentries, initDcache } from "../vfs/dcache.ts";
import { Dentry, Filesystem } from "../vfs/dentry.ts";
import { DirectorySink } from "../vfs/directory-sink.ts";
import { FileDescription } from "../vfs/file-description.ts";
import {
  findFilesystemType,
  MountOptions,
  makeFilesystem,
  numberFilesystem,
} from "../vfs/filesystem-type.ts";
import { iterateDirectory } from "../vfs/iterate-directory.ts";
import { MNT_NOEXEC, Mount } from "../vfs/mount.ts";
import { MountNamespace } from "../vfs/mount-namespace.ts";
import { openAt } from "../vfs/open.ts";
import { PathWalk, WALK_FOLLOW } from "../vfs/path-walk.ts";
import { checkPermission, MAY_EXEC } from "../vfs/permission.ts";
import { RIGHTS_DIRECTORY, RIGHTS_INHERITING, rightsFor } from "../wasi/rights.ts";
import { registerFilesystemTypes } from "./filesystem-types.ts";
import { makeMountPoint } from "./mount-point.ts";

/** Makes the heap and the tables. `maxBytes` bounds the kernel's own memory. Once per memory. */
export function bootKernel(maxBytes: u32): i32 {
  if (load<u32>(ROOT_BOOTED)) return -EEXIST;
  initPages(maxBytes);
  initDcache();
  initPids();
  initUts();
  initUptime();
  registerMemDevices();
  registerTtyDevices();
  registerFilesystemTypes();
  initAnonymous();
  initMemfd();
  store<u32>(ROOT_BOOTED, 1);
  return 0;
}

/** The tmpfs that memfd_create(2) makes its files in; no tree shows it, and each read moves access times. */
function initMemfd(): void {
  const mount = new Mount(numberFilesystem(mountTmpfs(0, 0o777, 0, 0)), 0);
  store<u32>(ROOT_MEMFD, <u32>changetype<usize>(mount));
}

/** Root's power over everything, for the kernel's own doings. */
export function rootCredentials(): Credentials {
  return new Credentials(0, 0, u64.MAX_VALUE);
}

/**
 * Mounts the tree of `mount` (takes over the reference) at a path of the namespace; its mount point is made when it is missing.
 */
export function mountAt(namespace: MountNamespace, mount: Mount, path: usize, length: u32): i32 {
  const walk = new PathWalk();
  const cred = rootCredentials();
  const top = namespace.root;
  const copy = duplicate(path, length);
  const made = makeMountPoint(walk, top, copy, length, mount.root.file.isDirectory, cred);
  let result = isError(made) ? <i32>made : 0;
  if (result == 0) {
    walk.begin(top, top.root, top, top.root, cred);
    memory.copy(walk.path, copy, length);
    result = walk.run(length, WALK_FOLLOW);
  }
  heap.free(copy);
  if (result == 0) result = namespace.attach(mount, walk.resultMount, walk.result);
  else mount.decRef();
  if (made && !isError(made)) changetype<Dentry>(made).decRef();
  walk.destroy();
  free(walk);
  cred.decRef();
  return result;
}

/** Makes the directories of a path that are missing, for everybody to search. Errors: those of mkdir(2), but for EEXIST of a directory. */
export function makeDirectories(namespace: MountNamespace, path: usize, length: u32): i32 {
  const walk = new PathWalk();
  const cred = rootCredentials();
  memory.copy(walk.path, path, length);
  const result = mkdirAll(walk, namespace.root, length, 0o755, cred);
  walk.destroy();
  free(walk);
  cred.decRef();
  return result;
}

/** A task in namespaces (references are taken; null: the first one), not yet running. */
export function makeTask(
  namespace: MountNamespace,
  pids: PidNamespace | null,
  uts: UtsNamespace | null,
  uid: u32,
  gid: u32,
  capabilities: u64,
): Task {
  const ownPids = pids === null ? firstPids() : pids;
  const ownUts = uts === null ? firstUts() : uts;
  namespace.incRef();
  ownPids.incRef();
  ownUts.incRef();
  const task = new Task(namespace, ownPids, ownUts, new Credentials(uid, gid, capabilities));
  addTask(task, ownPids);
  task.startTime = uptime();
  return task;
}

/** Gives the task a copy of `count` NUL-terminated strings, `bytes` in all: its arguments (0) or environment (1). */
export function setStrings(task: Task, which: u32, strings: usize, bytes: u32, count: u32): i32 {
  if (bytes && load<u8>(strings + bytes - 1) != 0) return -EINVAL;
  const copy = duplicate(strings, bytes);
  if (which == 0) {
    nameAfterProgram(task, copy, bytes);
    task.args = copy;
    task.argsBytes = bytes;
    task.argsCount = count;
  } else {
    task.env = copy;
    task.envBytes = bytes;
    task.envCount = count;
  }
  return 0;
}

/** A task is called like the last part of its first argument, until its program is known. */
function nameAfterProgram(task: Task, strings: usize, bytes: u32): void {
  let start: u32 = 0;
  let end: u32 = 0;
  for (; end < bytes && load<u8>(strings + end); end++) {
    if (load<u8>(strings + end) == 0x2f) start = end + 1;
  }
  task.setComm(strings + start, end - start);
}

/** The last of the streams that every program has. */
const STANDARD_ERROR: u32 = 2;

/** Installs the host descriptor `handle` as `fd`. */
export function setStream(task: Task, fd: u32, handle: i32, mode: u32, flags: u32): i32 {
  const stream = makeHostStream(handle, mode, flags);
  // The program may open its streams anew, by /dev/stdout, whoever owns them on the host.
  stream.inode.uid = task.cred.fsuid;
  stream.inode.gid = task.cred.fsgid;
  const result = task.fds.installAt(fd, stream);
  if (result < 0) return result;
  if (fd > STANDARD_ERROR) task.fds.setHanded(fd);
  const entry = task.fds.peek(fd);
  if (entry !== null) {
    entry.rights = rightsFor(mode, false);
    entry.inheriting = 0;
  }
  return 0;
}

/** Opens the directory at a path as a preopened descriptor of that name; returns the descriptor. */
export function addPreopen(task: Task, path: usize, pathLength: u32, name: usize, nameLength: u32): i32 {
  const walk = task.beginAtCwd();
  memory.copy(walk.path, path, pathLength);
  const opened = openAt(walk, pathLength, O_DIRECTORY, 0, 0);
  walk.release();
  if (isError(opened)) return <i32>opened;
  const fd = task.fds.install(changetype<FileDescription>(opened), 3);
  if (fd < 0) return fd;
  task.fds.setPreopen(fd, name, nameLength);
  const entry = task.fds.peek(fd);
  if (entry !== null) {
    entry.rights = RIGHTS_DIRECTORY;
    entry.inheriting = RIGHTS_INHERITING;
  }
  return fd;
}

/** What is in use: for leak counts. */
export function heapObjects(): u32 {
  return objectsUsed();
}

export function heapPages(): u32 {
  return pagesUsed();
}

/** Reads a file into kernel memory. */
export function readInto(file: FileDescription, buffer: usize, length: u32, offset: i64): i32 {
  const vector = heap.alloc(8);
  store<u32>(vector, <u32>buffer);
  store<u32>(vector, length, 4);
  const iov = new IovIter();
  iov.init(vector, 1, length, true);
  const result = <i32>file.read(iov, offset);
  free(iov);
  heap.free(vector);
  return result;
}

/** Linux: do_open_execat(): a regular file with execute permission, on a mount that allows it. */
export function mayExecute(task: Task, file: FileDescription): i32 {
  if (!file.inode.isRegular || file.mount.flags & MNT_NOEXEC) return -EACCES;
  return checkPermission(file.inode, task.cred, MAY_EXEC);
}

/** Evicts what nobody refers to from every file system of the namespace. */
export function shrinkNamespace(namespace: MountNamespace): void {
  let mount = namespace.next(null);
  while (mount !== null) {
    shrinkFilesystem(mount.root.fs);
    mount = namespace.next(mount);
  }
}

/** An overlay's layers come second: its dentries hold theirs. */
function shrinkFilesystem(fs: Filesystem): void {
  dropDentries(fs);
  if (!(fs instanceof OverlayFilesystem)) return;
  const overlay = fs as OverlayFilesystem;
  let layer = overlay.layerFilesystem(0);
  for (let i: u32 = 1; layer !== null; i++) {
    shrinkFilesystem(layer);
    layer = overlay.layerFilesystem(i);
  }
}

@final
class KernelDirectoryBuffer extends DirectorySink {
  used: u32 = 0;

  constructor(
    private readonly buffer: usize,
    private readonly capacity: u32,
  ) {
    super();
  }

  emit(name: usize, length: u32, _ino: u64, type: u32, _next: u64): bool {
    if (this.used + 2 + length > this.capacity) return false;
    const at = this.buffer + this.used;
    store<u8>(at, <u8>type);
    store<u8>(at, <u8>length, 1);
    memory.copy(at + 2, name, length);
    this.used += 2 + length;
    return true;
  }
}

/** Entries of a directory for the control side: see file_list(). */
export function listInto(file: FileDescription, buffer: usize, capacity: u32): i32 {
  const sink = new KernelDirectoryBuffer(buffer, capacity);
  const result = iterateDirectory(file, sink, 0);
  const used = sink.used;
  free(sink);
  return result < 0 ? result : used;
}

/**
 * A file system of the kernel's own by its name and mount options, or an error: ENODEV; EINVAL. `pids`: a PidNamespace, whose processes
 * it shows, or 0: the first.
 */
export function makeKernelFilesystem(
  name: usize,
  length: u32,
  data: usize,
  dataLength: u32,
  pids: usize,
): usize {
  const type = findFilesystemType(name, length);
  if (type === null) return -ENODEV;
  const options = new MountOptions();
  options.data = data;
  options.dataLength = dataLength;
  options.pids = pids;
  const root = makeFilesystem(type, options);
  free(options);
  return root;
}

/** The tree behind a 9P connection, or an error. May sleep. */
export function makeGofer(
  connection: i32,
  readonly: bool,
  shared: bool,
  donate: bool,
  uid: u32,
  dcache: u32,
  name: usize,
  nameLength: u32,
): usize {
  const root = mountGofer(connection, readonly, shared, donate, uid, dcache, name, nameLength);
  return isError(root) ? root : changetype<usize>(numberFilesystem(changetype<Dentry>(root)));
}
