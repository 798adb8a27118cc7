// What the overlay's tests share: trees that are worked on by path, as system calls do it, two or more of them the layers of
// an overlay, and the leak count around it all.

import { initPages, pagesUsed } from "mm/page";
import { objectsUsed } from "mm/slab";
import { O_CREAT, O_DIRECTORY, O_RDONLY, O_TRUNC, O_WRONLY } from "../../../assembly/abi/fcntl.ts";
import { PATH_MAX } from "../../../assembly/abi/limits.ts";
import { S_IFCHR } from "../../../assembly/abi/stat.ts";
import { Credentials } from "../../../assembly/auth/credentials.ts";
import { mountOverlay, mountOverlayFile } from "../../../assembly/fs/overlay/overlay.ts";
import { mountTmpfs } from "../../../assembly/fs/tmpfs/tmpfs.ts";
import { equal } from "../../../assembly/lib/bytes.ts";
import { free } from "../../../assembly/lib/ref-counted.ts";
import { isError } from "../../../assembly/lib/result.ts";
import { IovIter } from "../../../assembly/mm/iov-iter.ts";
import {
  ATTR_ATIME,
  ATTR_ATIME_SET,
  ATTR_MODE,
  ATTR_MTIME,
  ATTR_MTIME_SET,
  ATTR_SIZE,
  Attributes,
} from "../../../assembly/vfs/attributes.ts";
import { changeAttributes, readlinkAt } from "../../../assembly/vfs/change.ts";
import { linkAt, mkdirAt, mknodAt, symlinkAt } from "../../../assembly/vfs/create.ts";
import { initDcache } from "../../../assembly/vfs/dcache.ts";
import { Dentry, Inode } from "../../../assembly/vfs/dentry.ts";
import { DirectorySink } from "../../../assembly/vfs/directory-sink.ts";
import { FileDescription } from "../../../assembly/vfs/file-description.ts";
import { Mount } from "../../../assembly/vfs/mount.ts";
import { openAt } from "../../../assembly/vfs/open.ts";
import { PathWalk, WALK_FOLLOW } from "../../../assembly/vfs/path-walk.ts";
import { rmdirAt, unlinkAt } from "../../../assembly/vfs/remove.ts";
import { renameAt } from "../../../assembly/vfs/rename.ts";

/** As assert(), which a release build leaves out. */
export function check(condition: bool, message: string): void {
  if (!condition) abort(message);
}

/** Puts the ASCII characters of `text` at `to`; returns their number. Allocates nothing. */
export function putText(to: usize, text: string): u32 {
  for (let i = 0; i < text.length; i++) store<u8>(to + i, <u8>text.charCodeAt(i));
  return <u32>text.length;
}

/** Counts the entries of a directory and remembers the one that was asked for. */
@final
class Finder extends DirectorySink {
  count: u32 = 0;
  ino: u64 = 0;
  type: u32 = 0;
  times: u32 = 0;
  /** Room for entries until the sink is full; each refill is one call of iterate(). */
  room: u32 = 0;
  next: u64 = 0;
  took: u32 = 0;

  constructor(
    private readonly name: usize,
    private readonly nameLength: u32,
    private readonly batch: u32,
  ) {
    super();
    this.room = batch;
  }

  refill(): void {
    this.room = this.batch;
    this.took = 0;
  }

  emit(name: usize, length: u32, ino: u64, type: u32, next: u64): bool {
    if (this.room == 0) return false;
    this.room--;
    this.took++;
    this.count++;
    this.next = next;
    if (length == this.nameLength && equal(name, this.name, length)) {
      this.times++;
      this.ino = ino;
      this.type = type;
    }
    return true;
  }

  destroy(): void {
    free(this);
  }
}

/** A mounted tree, worked on by path. All methods return 0 or more, or -errno. */
@final
export class Tree {
  private readonly walk: PathWalk = new PathWalk();
  private readonly other: PathWalk = new PathWalk();
  private readonly cred: Credentials = new Credentials(0, 0, u64.MAX_VALUE);
  private readonly bytes: usize = heap.alloc(PATH_MAX);

  /** Takes over the reference on `mount`. */
  constructor(readonly mount: Mount) {}

  destroy(): void {
    this.walk.destroy();
    free(this.walk);
    this.other.destroy();
    free(this.other);
    this.cred.decRef();
    heap.free(this.bytes);
    this.mount.decRef();
    free(this);
  }

  get root(): Dentry {
    return this.mount.root;
  }

  private begin(walk: PathWalk, path: string): u32 {
    const mount = this.mount;
    walk.begin(mount, mount.root, mount, mount.root, this.cred);
    return putText(walk.path, path);
  }

  mkdir(path: string): i32 {
    const result = mkdirAt(this.walk, this.begin(this.walk, path), 0o755, 0);
    this.walk.release();
    return result;
  }

  mknod(path: string, mode: u32, rdev: u32): i32 {
    const result = mknodAt(this.walk, this.begin(this.walk, path), mode, rdev, 0);
    this.walk.release();
    return result;
  }

  whiteout(path: string): i32 {
    return this.mknod(path, <u32>S_IFCHR, 0);
  }

  unlink(path: string): i32 {
    const result = unlinkAt(this.walk, this.begin(this.walk, path), 0);
    this.walk.release();
    return result;
  }

  rmdir(path: string): i32 {
    const result = rmdirAt(this.walk, this.begin(this.walk, path), 0);
    this.walk.release();
    return result;
  }

  rename(from: string, to: string, flags: u32 = 0): i32 {
    const fromLength = this.begin(this.walk, from);
    const toLength = this.begin(this.other, to);
    const result = renameAt(this.walk, fromLength, this.other, toLength, flags, 0, 0);
    this.walk.release();
    this.other.release();
    return result;
  }

  link(from: string, to: string): i32 {
    let result = this.walk.run(this.begin(this.walk, from), 0);
    if (result == 0) result = linkAt(this.walk, this.other, this.begin(this.other, to), 0);
    this.walk.release();
    this.other.release();
    return result;
  }

  symlink(target: string, path: string): i32 {
    const length = putText(this.bytes, target);
    const result = symlinkAt(this.walk, this.begin(this.walk, path), this.bytes, length, 0);
    this.walk.release();
    return result;
  }

  linkIs(path: string, target: string): bool {
    const length = readlinkAt(this.walk, this.begin(this.walk, path), this.bytes, 0);
    this.walk.release();
    return length == target.length && this.bytesAre(target, length);
  }

  private bytesAre(text: string, length: i32): bool {
    if (length != text.length) return false;
    for (let i = 0; i < length; i++) {
      if (<i32>load<u8>(this.bytes + i) != text.charCodeAt(i)) return false;
    }
    return true;
  }

  open(path: string, flags: u32): usize {
    const opened = openAt(this.walk, this.begin(this.walk, path), flags, 0o644, 0);
    this.walk.release();
    return opened;
  }

  /** Writes `text` at `offset` of an open file. */
  writeTo(file: FileDescription, text: string, offset: i64): i64 {
    const iter = this.span(putText(this.bytes, text));
    const result = file.write(iter, offset);
    this.endSpan(iter);
    return result;
  }

  /** Whether an open file's bytes from `offset` on, up to `text`'s length, are `text`. */
  readsFrom(file: FileDescription, text: string, offset: i64): bool {
    const iter = this.span(<u32>text.length);
    const result = file.read(iter, offset);
    this.endSpan(iter);
    return result == text.length && this.bytesAre(text, <i32>result);
  }

  private span(length: u32): IovIter {
    const vector = heap.alloc(8);
    store<u32>(vector, <u32>this.bytes);
    store<u32>(vector, length, 4);
    const iter = new IovIter();
    iter.init(vector, 1, length, true);
    return iter;
  }

  private endSpan(iter: IovIter): void {
    heap.free(iter.vector);
    free(iter);
  }

  /** Makes the file say `text` and nothing else. */
  write(path: string, text: string): i32 {
    const opened = this.open(path, <u32>O_WRONLY | <u32>O_CREAT | <u32>O_TRUNC);
    if (isError(opened)) return <i32>opened;
    const file = changetype<FileDescription>(opened);
    const result = <i32>this.writeTo(file, text, 0);
    file.decRef();
    return result < 0 ? result : 0;
  }

  reads(path: string, text: string): bool {
    const opened = this.open(path, <u32>O_RDONLY);
    if (isError(opened)) return false;
    const file = changetype<FileDescription>(opened);
    const result =
      file.inode.getAttributes() == 0 && file.inode.size == text.length && this.readsFrom(file, text, 0);
    file.decRef();
    return result;
  }

  /** 0, or why the file cannot be reached. */
  exists(path: string): i32 {
    const result = this.walk.run(this.begin(this.walk, path), 0);
    this.walk.release();
    return result;
  }

  /** The inode of a path, its attributes brought up to date; borrowed from the dentry cache. */
  inode(path: string): Inode {
    const result = this.walk.run(this.begin(this.walk, path), 0);
    check(result == 0, path);
    const inode = this.walk.result.file;
    check(inode.getAttributes() == 0, "the attributes can be read");
    this.walk.release();
    return inode;
  }

  chmod(path: string, mode: u32): i32 {
    const a = new Attributes();
    a.valid = ATTR_MODE;
    a.mode = mode;
    return this.change(path, a);
  }

  truncate(path: string, size: i64): i32 {
    const a = new Attributes();
    a.valid = ATTR_SIZE;
    a.size = size;
    return this.change(path, a);
  }

  setTimes(path: string, atime: i64, mtime: i64): i32 {
    const a = new Attributes();
    a.valid = ATTR_ATIME | ATTR_ATIME_SET | ATTR_MTIME | ATTR_MTIME_SET;
    a.atime = atime;
    a.mtime = mtime;
    return this.change(path, a);
  }

  private change(path: string, a: Attributes): i32 {
    let result = this.walk.run(this.begin(this.walk, path), WALK_FOLLOW);
    if (result == 0) result = changeAttributes(this.walk.result, a, this.cred);
    this.walk.release();
    free(a);
    return result;
  }

  /** How many entries a directory lists, "." and ".." included, `batch` at a time; -1 when `name` is there twice. */
  count(path: string, name: string = "", batch: u32 = 3): i32 {
    const finder = this.list(path, name, batch);
    const result = finder.times > 1 ? -1 : <i32>finder.count;
    finder.destroy();
    return result;
  }

  /** The d_ino of a name in a directory; 0 when it is not listed. */
  listedIno(path: string, name: string): u64 {
    const finder = this.list(path, name, 100);
    const ino = finder.ino;
    finder.destroy();
    return ino;
  }

  private list(path: string, name: string, batch: u32): Finder {
    const length = putText(this.bytes, name);
    const finder = new Finder(this.bytes, length, batch);
    const opened = this.open(path, <u32>O_RDONLY | <u32>O_DIRECTORY);
    check(!isError(opened), path);
    const directory = changetype<FileDescription>(opened);
    do {
      finder.refill();
      check(directory.iterate(finder, finder.next) >= 0, "the directory can be listed");
    } while (finder.took > 0);
    directory.decRef();
    return finder;
  }
}

/** An upper tmpfs and two lower ones, the overlay of them, and what was in use before. */
@final
export class World {
  readonly upper: Tree;
  readonly lower: Tree;
  /** The lowest layer. */
  readonly base: Tree;
  private overlay: Tree | null = null;

  constructor(
    private readonly objects: u32,
    private readonly pages: u32,
  ) {
    this.upper = makeTmpfs();
    this.lower = makeTmpfs();
    this.base = makeTmpfs();
  }

  /** The overlay. Mounted at the first use, so that a test fills the layers before. */
  get top(): Tree {
    let overlay = this.overlay;
    if (overlay === null) {
      overlay = this.mount(this.upper.root);
      this.overlay = overlay;
    }
    return overlay;
  }

  mount(upper: Dentry | null): Tree {
    const lowers = heap.alloc(8);
    store<u32>(lowers, <u32>changetype<usize>(this.lower.root));
    store<u32>(lowers, <u32>changetype<usize>(this.base.root), 4);
    const root = mountOverlay(upper, null, lowers, 2, 0);
    heap.free(lowers);
    check(!isError(root), "the overlay can be mounted");
    return new Tree(new Mount(changetype<Dentry>(root), 0));
  }

  /** An overlay of one file. */
  mountFile(upper: Dentry, lower: Dentry): Tree {
    const root = mountOverlayFile(upper, lower);
    check(!isError(root), "the overlay can be mounted");
    return new Tree(new Mount(changetype<Dentry>(root), 0));
  }

  unmount(): void {
    const overlay = this.overlay;
    if (overlay !== null) overlay.destroy();
    this.overlay = null;
  }

  end(): void {
    this.unmount();
    this.upper.destroy();
    this.lower.destroy();
    this.base.destroy();
    const objects = this.objects;
    const pages = this.pages;
    free(this);
    check(objectsUsed() == objects, "all objects were given back");
    // An empty slab of each size may stay behind.
    check(pagesUsed() <= pages + 16 * 4, "all pages were given back");
  }
}

export function makeWorld(): World {
  initPages(1 << 30);
  initDcache();
  return new World(objectsUsed(), pagesUsed());
}

function makeTmpfs(): Tree {
  return new Tree(new Mount(mountTmpfs(0, 0o755, 0, 0), 0));
}
