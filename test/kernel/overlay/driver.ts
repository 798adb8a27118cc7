// The overlay and its layers, as calls with numbers and bytes: what the conformance test drives beside Linux's overlayfs.
//
// Paths and texts lie where input() says, one behind the other; answers where output() says. Trees: 0 the overlay, 1 the upper
// layer, 2 and 3 the lower ones. All return 0 or more, or -errno.

import { initPages } from "mm/page";
import { EINVAL, EISDIR } from "../../../assembly/abi/errno.ts";
import { O_APPEND, O_CREAT, O_DIRECTORY, O_RDONLY, O_TRUNC, O_WRONLY } from "../../../assembly/abi/fcntl.ts";
import { Credentials } from "../../../assembly/auth/credentials.ts";
import { mountOverlay } from "../../../assembly/fs/overlay/overlay.ts";
import { makeDirectory } from "../../../assembly/fs/overlay/work-directory.ts";
import { mountTmpfs } from "../../../assembly/fs/tmpfs/tmpfs.ts";
import { free } from "../../../assembly/lib/ref-counted.ts";
import { isError } from "../../../assembly/lib/result.ts";
import { IovIter } from "../../../assembly/mm/iov-iter.ts";
import { ATTR_MODE, ATTR_SIZE, Attributes } from "../../../assembly/vfs/attributes.ts";
import { changeAttributes, readlinkAt } from "../../../assembly/vfs/change.ts";
import { linkAt, mkdirAt, mknodAt, symlinkAt } from "../../../assembly/vfs/create.ts";
import { initDcache } from "../../../assembly/vfs/dcache.ts";
import { Dentry } from "../../../assembly/vfs/dentry.ts";
import { DirectorySink } from "../../../assembly/vfs/directory-sink.ts";
import { FileDescription } from "../../../assembly/vfs/file-description.ts";
import { Mount } from "../../../assembly/vfs/mount.ts";
import { openAt } from "../../../assembly/vfs/open.ts";
import { PathWalk, WALK_FOLLOW } from "../../../assembly/vfs/path-walk.ts";
import { rmdirAt, unlinkAt } from "../../../assembly/vfs/remove.ts";
import { renameAt } from "../../../assembly/vfs/rename.ts";

const BUFFER: usize = 65536;

@final
class Driver {
  readonly mounts: usize = heap.alloc(16);
  flags: u32 = 0;
  workdir: Dentry | null = null;
  readonly input: usize = heap.alloc(BUFFER);
  readonly output: usize = heap.alloc(BUFFER);
  readonly walk: PathWalk = new PathWalk();
  readonly other: PathWalk = new PathWalk();
  readonly cred: Credentials = new Credentials(0, 0, u64.MAX_VALUE);

  mount(tree: u32): Mount {
    return changetype<Mount>(<usize>load<u32>(this.mounts + ((<usize>tree) << 2)));
  }

  set(tree: u32, mount: Mount): void {
    store<u32>(this.mounts + ((<usize>tree) << 2), <u32>changetype<usize>(mount));
  }

  begin(walk: PathWalk, tree: u32, path: usize, length: u32): void {
    const mount = this.mount(tree);
    walk.begin(mount, mount.root, mount, mount.root, this.cred);
    memory.copy(walk.path, path, length);
  }
}

let current: usize = 0;

function driver(): Driver {
  return changetype<Driver>(current);
}

function putText(to: usize, text: string): u32 {
  for (let i = 0; i < text.length; i++) store<u8>(to + i, <u8>text.charCodeAt(i));
  return <u32>text.length;
}

function tmpfs(): Mount {
  return new Mount(mountTmpfs(0, 0o755, 0, 0), 0);
}

/** `flags` are the overlay's OVL_*. */
export function setUp(flags: u32): void {
  initPages(1 << 30);
  initDcache();
  const d = new Driver();
  current = changetype<usize>(d);
  d.flags = flags;
  for (let tree: u32 = 2; tree <= 3; tree++) d.set(tree, tmpfs());
  const store = mountTmpfs(0, 0o755, 0, 0);
  const upper = makeDirectory(store, d.input, putText(d.input, "upper"), 0o755, 0, 0);
  d.set(1, new Mount(changetype<Dentry>(upper), 0));
  const workdir = makeDirectory(store, d.input, putText(d.input, "work"), 0o755, 0, 0);
  d.workdir = changetype<Dentry>(workdir);
}

export function input(): usize {
  return driver().input;
}

export function output(): usize {
  return driver().output;
}

export function mount(): i32 {
  const d = driver();
  const lowers = heap.alloc(8);
  store<u32>(lowers, <u32>changetype<usize>(d.mount(2).root));
  store<u32>(lowers, <u32>changetype<usize>(d.mount(3).root), 4);
  const root = mountOverlay(d.mount(1).root, d.workdir, lowers, 2, d.flags);
  heap.free(lowers);
  if (isError(root)) return <i32>root;
  d.set(0, new Mount(changetype<Dentry>(root), 0));
  return 0;
}

export function unmount(): void {
  driver().mount(0).decRef();
}

export function mkdir(tree: u32, length: u32, mode: u32): i32 {
  const d = driver();
  d.begin(d.walk, tree, d.input, length);
  const result = mkdirAt(d.walk, length, mode, 0);
  d.walk.release();
  return result;
}

export function mknod(tree: u32, length: u32, mode: u32, rdev: u32): i32 {
  const d = driver();
  d.begin(d.walk, tree, d.input, length);
  const result = mknodAt(d.walk, length, mode, rdev, 0);
  d.walk.release();
  return result;
}

export function unlink(tree: u32, length: u32): i32 {
  const d = driver();
  d.begin(d.walk, tree, d.input, length);
  const result = unlinkAt(d.walk, length, 0);
  d.walk.release();
  return result;
}

export function rmdir(tree: u32, length: u32): i32 {
  const d = driver();
  d.begin(d.walk, tree, d.input, length);
  const result = rmdirAt(d.walk, length, 0);
  d.walk.release();
  return result;
}

export function rename(tree: u32, fromLength: u32, toLength: u32): i32 {
  const d = driver();
  d.begin(d.walk, tree, d.input, fromLength);
  d.begin(d.other, tree, d.input + fromLength, toLength);
  const result = renameAt(d.walk, fromLength, d.other, toLength, 0, 0, 0);
  d.walk.release();
  d.other.release();
  return result;
}

export function link(tree: u32, fromLength: u32, toLength: u32): i32 {
  const d = driver();
  d.begin(d.walk, tree, d.input, fromLength);
  d.begin(d.other, tree, d.input + fromLength, toLength);
  let result = d.walk.run(fromLength, 0);
  if (result == 0) result = linkAt(d.walk, d.other, toLength, 0);
  d.walk.release();
  d.other.release();
  return result;
}

export function symlink(tree: u32, length: u32, targetLength: u32): i32 {
  const d = driver();
  d.begin(d.walk, tree, d.input, length);
  const result = symlinkAt(d.walk, length, d.input + length, targetLength, 0);
  d.walk.release();
  return result;
}

/** The text goes to `output`. */
export function readlink(tree: u32, length: u32): i32 {
  const d = driver();
  d.begin(d.walk, tree, d.input, length);
  const result = readlinkAt(d.walk, length, d.output, 0);
  d.walk.release();
  return result;
}

function change(tree: u32, length: u32, a: Attributes): i32 {
  const d = driver();
  d.begin(d.walk, tree, d.input, length);
  let result = d.walk.run(length, WALK_FOLLOW);
  // What truncate(2) looks at before it comes to the file system.
  if (result == 0 && a.valid & ATTR_SIZE && !d.walk.result.file.isRegular) {
    result = d.walk.result.file.isDirectory ? -EISDIR : -EINVAL;
  }
  if (result == 0) result = changeAttributes(d.walk.result, a, d.cred);
  d.walk.release();
  free(a);
  return result;
}

export function chmod(tree: u32, length: u32, mode: u32): i32 {
  const a = new Attributes();
  a.valid = ATTR_MODE;
  a.mode = mode;
  return change(tree, length, a);
}

export function truncate(tree: u32, length: u32, size: u32): i32 {
  const a = new Attributes();
  a.valid = ATTR_SIZE;
  a.size = size;
  return change(tree, length, a);
}

function open(tree: u32, length: u32, flags: u32): usize {
  const d = driver();
  d.begin(d.walk, tree, d.input, length);
  const opened = openAt(d.walk, length, flags, 0o644, 0);
  d.walk.release();
  return opened;
}

function transfer(file: FileDescription, at: usize, length: u32, writes: bool): i32 {
  const vector = heap.alloc(8);
  store<u32>(vector, <u32>at);
  store<u32>(vector, length, 4);
  const iter = new IovIter();
  iter.init(vector, 1, length, true);
  const result = <i32>(writes ? file.write(iter, 0) : file.read(iter, 0));
  heap.free(vector);
  free(iter);
  return result;
}

/** Writes the text behind the path; `appends`: behind what is there. */
export function write(tree: u32, length: u32, textLength: u32, appends: bool): i32 {
  const extra = appends ? <u32>O_APPEND : <u32>O_TRUNC;
  const opened = open(tree, length, <u32>O_WRONLY | <u32>O_CREAT | extra);
  if (isError(opened)) return <i32>opened;
  const file = changetype<FileDescription>(opened);
  const result = transfer(file, driver().input + length, textLength, true);
  file.decRef();
  return result;
}

export function read(tree: u32, length: u32): i32 {
  const opened = open(tree, length, <u32>O_RDONLY);
  if (isError(opened)) return <i32>opened;
  const file = changetype<FileDescription>(opened);
  const result = transfer(file, driver().output, <u32>BUFFER, false);
  file.decRef();
  return result;
}

/** Writes mode, nlink, rdev and size to `output` as u32, and then the number as u64. */
export function stat(tree: u32, length: u32): i32 {
  const d = driver();
  d.begin(d.walk, tree, d.input, length);
  let result = d.walk.run(length, 0);
  if (result == 0) {
    const inode = d.walk.result.file;
    result = inode.getAttributes();
    store<u32>(d.output, inode.mode);
    store<u32>(d.output, inode.nlink, 4);
    store<u32>(d.output, inode.rdev, 8);
    store<u32>(d.output, <u32>inode.size, 12);
    store<u64>(d.output, inode.ino, 16);
  }
  d.walk.release();
  return result;
}

@final
class Writer extends DirectorySink {
  used: u32 = 0;
  next: u64 = 0;
  constructor(private readonly at: usize) {
    super();
  }
  emit(name: usize, length: u32, ino: u64, _type: u32, next: u64): bool {
    store<u64>(this.at + this.used, ino);
    store<u32>(this.at + this.used, length, 8);
    memory.copy(this.at + this.used + 12, name, length);
    this.used += 12 + length;
    this.next = next;
    return true;
  }
}

/** Writes (u64 number, u32 length, name) for each entry to `output`; returns the bytes written. */
export function list(tree: u32, length: u32): i32 {
  const opened = open(tree, length, <u32>O_RDONLY | <u32>O_DIRECTORY);
  if (isError(opened)) return <i32>opened;
  const file = changetype<FileDescription>(opened);
  const writer = new Writer(driver().output);
  const result = file.iterate(writer, 0);
  const used = <i32>writer.used;
  free(writer);
  file.decRef();
  return result < 0 ? result : used;
}
