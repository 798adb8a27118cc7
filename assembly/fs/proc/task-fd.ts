// /proc/PID/fd and fdinfo (Linux: fs/proc/fd.c). A name of fd is a magic link: it jumps to the open file's place, and an open of
// it opens that file anew.

import { EACCES, ENOENT } from "../../abi/errno.ts";
import { O_PATH } from "../../abi/fcntl.ts";
import { S_IFIFO, S_IFLNK, S_IFSOCK } from "../../abi/stat.ts";
import { FdEntry } from "../../kernel/fd-table.ts";
import { Task } from "../../kernel/task.ts";
import { writeDecimal } from "../../lib/decimal.ts";
import { Dentry, Inode, LinkTarget } from "../../vfs/dentry.ts";
import { DirectorySink } from "../../vfs/directory-sink.ts";
import { FileDescription } from "../../vfs/file-description.ts";
import { Text } from "../../vfs/text.ts";
import { DYNAMIC_COOKIE, KernfsDirectory } from "../kernfs/directory.ts";
import { KernfsFile } from "../kernfs/file.ts";
import { KernfsFilesystem } from "../kernfs/inode.ts";
import { parseNumber } from "../kernfs/numbers.ts";
import { KernfsSymlink } from "../kernfs/symlink.ts";
import { showDescriptionLocks } from "./locks.ts";
import { mayInspect, ownedBy, taskOf } from "./task.ts";
import { showPlace } from "./task-links.ts";

/** What x86-64 adds to the flags of every open(2). */
const O_LARGEFILE: u32 = 0o100000;

function entryOf(pid: u32, fd: u32): FdEntry | null {
  const task = taskOf(pid);
  return task === null ? null : task.fds.peek(fd);
}

@final
export class FdDirectory extends KernfsDirectory {
  constructor(
    fs: KernfsFilesystem,
    private readonly pid: u32,
    private readonly info: bool,
  ) {
    super(fs, info ? 0o555 : 0o500);
  }

  override find(name: usize, length: u32): Inode | null {
    const fd = parseNumber(name, length);
    if (fd < 0) return null;
    const entry = entryOf(this.pid, <u32>fd);
    const task = taskOf(this.pid);
    if (entry === null || task === null) return null;
    let inode: Inode;
    if (this.info) inode = new FdInfoFile(this.kernfs, this.pid, <u32>fd);
    else inode = new FdLink(this.kernfs, this.pid, <u32>fd);
    ownedBy(inode, task);
    return inode;
  }

  override revalidate(child: Dentry): i32 {
    const inode = child.inode;
    const task = taskOf(this.pid);
    if (inode === null || task === null) return 0;
    ownedBy(inode, task);
    if (inode instanceof FdLink) return changetype<FdLink>(inode).refresh() ? 1 : 0;
    return changetype<FdInfoFile>(inode).isOpen ? 1 : 0;
  }

  override iterateMore(sink: DirectorySink, cookie: u64): bool {
    const task = taskOf(this.pid);
    if (task === null) return true;
    const name = heap.alloc(16);
    let taken = true;
    for (let fd = <u32>(cookie - DYNAMIC_COOKIE); fd < task.fds.size && taken; fd++) {
      if (task.fds.peek(fd) === null) continue;
      const length = writeDecimal(name, fd);
      taken = sink.emit(name, length, <u64>fd + 1, this.info ? 8 : 10, DYNAMIC_COOKIE + fd + 1);
    }
    heap.free(name);
    return taken;
  }

  /** fd's size is how many descriptors are open. */
  override getAttributes(): i32 {
    const task = taskOf(this.pid);
    if (task === null) return -ENOENT;
    ownedBy(this, task);
    if (!this.info) this.size = openDescriptors(task);
    return 0;
  }
}

function openDescriptors(task: Task): i64 {
  let count: i64 = 0;
  for (let fd: u32 = 0; fd < task.fds.size; fd++) {
    if (task.fds.peek(fd) !== null) count++;
  }
  return count;
}

@final
class FdLink extends KernfsSymlink {
  constructor(
    fs: KernfsFilesystem,
    private readonly pid: u32,
    private readonly fd: u32,
  ) {
    super(fs, 0);
    this.size = 64;
    this.refresh();
  }

  /** The mode says what the descriptor may do. False when it is closed. */
  refresh(): bool {
    const entry = entryOf(this.pid, this.fd);
    if (entry === null) return false;
    const file = entry.description;
    let mode: u32 = 0;
    if (file.canRead) mode |= 0o500;
    if (file.canWrite) mode |= 0o300;
    this.mode = <u32>S_IFLNK | mode;
    return true;
  }

  /** The open file, borrowed, or an error: ENOENT, EACCES. */
  private find(): usize {
    const task = taskOf(this.pid);
    if (task === null) return <usize>-ENOENT;
    if (mayInspect(task) < 0) return <usize>-EACCES;
    const entry = task.fds.peek(this.fd);
    return entry === null ? <usize>-ENOENT : entry.file;
  }

  override jump(to: LinkTarget): i32 {
    const found = this.find();
    if (<i32>found < 0) return <i32>found;
    const file = changetype<FileDescription>(found);
    file.mount.incRef();
    file.dentry.incRef();
    to.mount = changetype<usize>(file.mount);
    to.dentry = file.dentry;
    return 1;
  }

  target(out: Text): i32 {
    const found = this.find();
    if (<i32>found < 0) return <i32>found;
    const file = changetype<FileDescription>(found);
    return showPlace(file.mount, file.dentry, out);
  }
}

@final
class FdInfoFile extends KernfsFile {
  constructor(
    fs: KernfsFilesystem,
    private readonly pid: u32,
    private readonly fd: u32,
  ) {
    super(fs, 0o444);
  }

  get isOpen(): bool {
    return entryOf(this.pid, this.fd) !== null;
  }

  override mayOpen(_flags: u32): i32 {
    const task = taskOf(this.pid);
    if (task === null) return -ENOENT;
    return mayInspect(task);
  }

  show(out: Text): i32 {
    const entry = entryOf(this.pid, this.fd);
    if (entry === null) return -ENOENT;
    const file = entry.description;
    const type = file.inode.type;
    let flags = file.flags;
    const hasNoName = type == <u32>S_IFIFO || type == <u32>S_IFSOCK;
    if (!(flags & <u32>O_PATH) && !hasNoName) flags |= O_LARGEFILE;
    out.text("pos:\t").signed(file.offset).text("\nflags:\t0").octal(flags, 1);
    out.text("\nmnt_id:\t").decimal(file.mount.id).text("\nino:\t").decimal(file.inode.ino).byte(0x0a);
    const task = taskOf(this.pid);
    if (task !== null) showDescriptionLocks(file, changetype<usize>(task.fds), out);
    file.showInfo(out);
    return 0;
  }
}
