// A mount namespace that is worked on by path, as system calls do it: for tests of vfs/ and fs/.
//
// Methods return 0 or more, or -errno. What they leave behind is what the kernel leaves behind: destroy() gives it back.

import { O_CREAT, O_EXCL, O_RDONLY, O_RDWR, O_WRONLY } from "../../../assembly/abi/fcntl.ts";
import { PATH_MAX } from "../../../assembly/abi/limits.ts";
import { Credentials } from "../../../assembly/auth/credentials.ts";
import { mountTmpfs } from "../../../assembly/fs/tmpfs/tmpfs.ts";
import { free } from "../../../assembly/lib/ref-counted.ts";
import { isError } from "../../../assembly/lib/result.ts";
import { IovIter } from "../../../assembly/mm/iov-iter.ts";
import { Attributes } from "../../../assembly/vfs/attributes.ts";
import { changeAttributes, readlinkAt } from "../../../assembly/vfs/change.ts";
import { linkAt, mkdirAt, symlinkAt } from "../../../assembly/vfs/create.ts";
import { Dentry, Inode } from "../../../assembly/vfs/dentry.ts";
import { FileDescription } from "../../../assembly/vfs/file-description.ts";
import { MNT_RELATIME, Mount } from "../../../assembly/vfs/mount.ts";
import { MountNamespace } from "../../../assembly/vfs/mount-namespace.ts";
import { openAt } from "../../../assembly/vfs/open.ts";
import { PathWalk, WALK_FOLLOW } from "../../../assembly/vfs/path-walk.ts";
import { rmdirAt, unlinkAt } from "../../../assembly/vfs/remove.ts";
import { renameAt } from "../../../assembly/vfs/rename.ts";
import { isText, putText } from "./text.ts";

@final
export class Tree {
  readonly walk: PathWalk = new PathWalk();
  private readonly other: PathWalk = new PathWalk();
  private readonly text: usize = heap.alloc(PATH_MAX);
  private readonly vector: usize = heap.alloc(8);
  private readonly iov: IovIter = new IovIter();
  /** Who the operations are done by. */
  cred: Credentials = new Credentials(0, 0, u64.MAX_VALUE);
  readonly namespace: MountNamespace;
  /** Where relative paths begin; borrowed. */
  cwdMount: Mount;
  cwd: Dentry;

  /** Takes over the reference on `root`. */
  constructor(root: Dentry) {
    const namespace = new MountNamespace(new Mount(root, MNT_RELATIME));
    this.namespace = namespace;
    this.cwdMount = namespace.root;
    this.cwd = namespace.root.root;
  }

  static tmpfs(): Tree {
    return new Tree(mountTmpfs(64 << 20, 0o755, 0, 0));
  }

  destroy(): void {
    this.walk.destroy();
    free(this.walk);
    this.other.destroy();
    free(this.other);
    heap.free(this.text);
    heap.free(this.vector);
    free(this.iov);
    this.cred.decRef();
    this.namespace.decRef();
    free(this);
  }

  /** From now on the operations are done by `uid`, with the group of the same number and `capabilities`. */
  become(uid: u32, capabilities: u64): void {
    this.cred.decRef();
    this.cred = new Credentials(uid, uid, capabilities);
  }

  private at(walk: PathWalk, path: string): u32 {
    const root = this.namespace.root;
    walk.begin(root, root.root, this.cwdMount, this.cwd, this.cred);
    return putText(walk.path, path);
  }

  begin(path: string): u32 {
    return this.at(this.walk, path);
  }

  /** Resolves; the walk stays where it arrived, until the next operation. */
  resolve(path: string, flags: u32): i32 {
    return this.walk.run(this.begin(path), flags);
  }

  /** The inode at a path, links followed, borrowed. */
  inode(path: string): Inode {
    assert(this.resolve(path, WALK_FOLLOW) == 0, "the file is there");
    const inode = this.walk.result.file;
    this.walk.release();
    return inode;
  }

  private done(result: i32): i32 {
    this.walk.release();
    this.other.release();
    return result;
  }

  exists(path: string): bool {
    return this.done(this.resolve(path, 0)) == 0;
  }

  mkdir(path: string): i32 {
    return this.done(mkdirAt(this.walk, this.begin(path), 0o755, 0));
  }

  mkdirMode(path: string, mode: u32): i32 {
    return this.done(mkdirAt(this.walk, this.begin(path), mode, 0));
  }

  symlink(target: string, path: string): i32 {
    return this.done(symlinkAt(this.walk, this.begin(path), this.text, putText(this.text, target), 0));
  }

  link(from: string, to: string): i32 {
    const found = this.walk.run(this.begin(from), 0);
    if (found < 0) return this.done(found);
    return this.done(linkAt(this.walk, this.other, this.at(this.other, to), 0));
  }

  unlink(path: string): i32 {
    return this.done(unlinkAt(this.walk, this.begin(path), 0));
  }

  rmdir(path: string): i32 {
    return this.done(rmdirAt(this.walk, this.begin(path), 0));
  }

  rename(from: string, to: string, flags: u32 = 0): i32 {
    const length = this.begin(from);
    return this.done(renameAt(this.walk, length, this.other, this.at(this.other, to), flags, 0, 0));
  }

  /** Whether the link's text is `text`. */
  linkIs(path: string, text: string): bool {
    const length = this.done(readlinkAt(this.walk, this.begin(path), this.text, 0));
    return length >= 0 && isText(this.text, length, text);
  }

  /** A FileDescription with one reference, or an error. */
  open(path: string, flags: u32, mode: u32 = 0o644): usize {
    const file = openAt(this.walk, this.begin(path), flags, mode, 0);
    this.walk.release();
    return file;
  }

  /** open(2) and close(2): 0 or -errno. */
  tryOpen(path: string, flags: u32): i32 {
    const file = this.open(path, flags);
    if (isError(file)) return <i32>file;
    changetype<FileDescription>(file).decRef();
    return 0;
  }

  /** Makes an empty file. */
  make(path: string, mode: u32 = 0o644): i32 {
    const file = this.open(path, <u32>(O_CREAT | O_EXCL | O_WRONLY), mode);
    if (isError(file)) return <i32>file;
    changetype<FileDescription>(file).decRef();
    return 0;
  }

  change(path: string, attributes: Attributes): i32 {
    assert(this.resolve(path, WALK_FOLLOW) == 0, "the file is there");
    return this.done(changeAttributes(this.walk.result, attributes, this.cred));
  }

  truncate(path: string, size: i64): i32 {
    const file = this.open(path, O_RDWR);
    if (isError(file)) return <i32>file;
    const result = changetype<FileDescription>(file).truncate(size);
    changetype<FileDescription>(file).decRef();
    return result;
  }

  /** Writes `length` bytes of kernel memory to an open file. */
  writeTo(file: FileDescription, source: usize, length: u32, offset: i64): i64 {
    return file.write(this.span(source, length), offset);
  }

  readFrom(file: FileDescription, target: usize, length: u32, offset: i64): i64 {
    return file.read(this.span(target, length), offset);
  }

  /** Opens, writes, closes. */
  write(path: string, source: usize, length: u32, offset: i64): i64 {
    const file = this.open(path, <u32>(O_CREAT | O_WRONLY));
    if (isError(file)) return <i32>file;
    const result = this.writeTo(changetype<FileDescription>(file), source, length, offset);
    changetype<FileDescription>(file).decRef();
    return result;
  }

  read(path: string, target: usize, length: u32, offset: i64): i64 {
    const file = this.open(path, O_RDONLY);
    if (isError(file)) return <i32>file;
    const result = this.readFrom(changetype<FileDescription>(file), target, length, offset);
    changetype<FileDescription>(file).decRef();
    return result;
  }

  private span(address: usize, length: u32): IovIter {
    store<u32>(this.vector, <u32>address);
    store<u32>(this.vector, length, 4);
    this.iov.init(this.vector, 1, length, true);
    return this.iov;
  }

  /** Mounts a tree (takes over the reference) on the directory at `path`. */
  mount(root: Dentry, path: string, flags: u32 = 0): i32 {
    const found = this.resolve(path, WALK_FOLLOW);
    const mount = new Mount(root, flags);
    if (found < 0) {
      mount.decRef();
      return this.done(found);
    }
    return this.done(this.namespace.attach(mount, this.walk.resultMount, this.walk.result));
  }
}
