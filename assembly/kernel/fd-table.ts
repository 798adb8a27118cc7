// File descriptor tables: small numbers to open file descriptions (Linux: struct files_struct).
//
// The table is the owner of its process's record locks (Linux: files_struct is the owner of POSIX locks): they go when any
// descriptor of the file is closed.
//
// An entry also keeps what an ABI layer remembers for each descriptor and Linux does not: the rights of WASI, and the name
// of a preopened directory.

import { memoryIsCritical } from "mm/page";
import { EBADF, EMFILE, ENFILE } from "../abi/errno.ts";
import { FD_CLOEXEC, O_PATH } from "../abi/fcntl.ts";
import { FD_MAX } from "../abi/limits.ts";
import { REFUSED_KERNEL_MEMORY, REFUSED_OPEN_FILES } from "../abi/refusal.ts";
import { duplicate } from "../lib/bytes.ts";
import { refuse } from "../sched/refusal.ts";
import { FileDescription } from "../vfs/file-description.ts";
import { releaseRecordLocks } from "../vfs/file-locks.ts";
import { releaseElsewhere } from "../vfs/shared-locks.ts";

export const PREOPENED_DIRECTORY: u32 = 1;
export const PREOPENED_STREAM: u32 = 2;

@unmanaged
@final
export class FdEntry {
  /** 0: the descriptor is free. */
  file: usize;
  preopenName: usize;
  preopenLength: u32;
  /** PREOPENED_*: what it is to a program that looks for what was open at its start. */
  preopened: u32;
  /** FD_* flags: FD_CLOEXEC. */
  flags: u32;
  rights: u64;
  inheriting: u64;

  get description(): FileDescription {
    return changetype<FileDescription>(this.file);
  }
}

const ENTRY: usize = 40;
const FIRST_CAPACITY: u32 = 32;

@final
export class FdTable {
  private entries: usize = heap.alloc(<usize>FIRST_CAPACITY * ENTRY);
  private capacity: u32 = FIRST_CAPACITY;
  /** No descriptor is made at or above it: RLIMIT_NOFILE. */
  limit: u32 = FD_MAX;
  /** Tasks that have it. */
  users: u32 = 1;
  /** No free descriptor is below this one. */
  private lowest: u32 = 0;

  /** How many descriptors there is room for. */
  get size(): u32 {
    return this.capacity;
  }

  /**
   * The entry of an open descriptor, or null. Valid until the next install() and the next sleep: whoever may sleep takes the
   * descriptor by Task.fdget().
   */
  peek(fd: u32): FdEntry | null {
    if (fd >= this.capacity) return null;
    const entry = this.at(fd);
    return entry.file ? entry : null;
  }

  /** Whether install() at or above `least` would find a descriptor. */
  hasRoom(least: u32): bool {
    let fd = max(this.lowest, least);
    while (fd < this.capacity && this.at(fd).file) fd++;
    return fd < this.limit;
  }

  /**
   * Whether a new file may be opened: 0 or an errno. EMFILE; ENFILE when the kernel's memory is nearly gone, for a guest may open many.
   */
  checkRoom(): i32 {
    if (!this.hasRoom(0)) return refuse(EMFILE, REFUSED_OPEN_FILES, this.limit);
    return memoryIsCritical() ? refuse(ENFILE, REFUSED_KERNEL_MEMORY) : 0;
  }

  /** Puts `file` into the lowest free descriptor at or above `least`; takes over the reference. EMFILE drops it. */
  install(file: FileDescription, least: u32, closeOnExec: bool = false): i32 {
    let fd = max(this.lowest, least);
    while (fd < this.capacity && this.at(fd).file) fd++;
    if (fd >= this.limit) {
      file.decRef();
      return -EMFILE;
    }
    if (fd >= this.capacity) this.grow(fd + 1);
    if (fd == this.lowest) this.lowest = fd + 1;
    this.fill(fd, file, closeOnExec);
    return fd;
  }

  /** Puts `file` into exactly `fd`, which is closed first; takes over the reference. */
  installAt(fd: u32, file: FileDescription, closeOnExec: bool = false): i32 {
    if (fd >= this.limit) {
      file.decRef();
      return -EBADF;
    }
    if (fd >= this.capacity) this.grow(fd + 1);
    this.close(fd);
    this.fill(fd, file, closeOnExec);
    if (fd == this.lowest) this.lowest = fd + 1;
    return 0;
  }

  /** An entry of every right: whoever knows rights takes away. */
  private fill(fd: u32, file: FileDescription, closeOnExec: bool): void {
    const entry = this.at(fd);
    entry.file = changetype<usize>(file);
    entry.flags = closeOnExec ? <u32>FD_CLOEXEC : 0;
    entry.rights = u64.MAX_VALUE;
    entry.inheriting = u64.MAX_VALUE;
  }

  setPreopen(fd: u32, name: usize, length: u32): void {
    const entry = this.at(fd);
    entry.preopened = PREOPENED_DIRECTORY;
    entry.preopenName = duplicate(name, length);
    entry.preopenLength = length;
  }

  /** Of a descriptor that was handed to the program, beside its standard streams. */
  setHanded(fd: u32): void {
    this.at(fd).preopened = PREOPENED_STREAM;
  }

  /** Makes `to`, which is open, what `from` is, and closes `from` (fd_renumber). */
  renumber(from: u32, to: u32): void {
    if (from == to) return;
    this.close(to);
    memory.copy(changetype<usize>(this.at(to)), changetype<usize>(this.at(from)), ENTRY);
    memory.fill(changetype<usize>(this.at(from)), 0, ENTRY);
    this.lowest = min(this.lowest, from);
  }

  close(fd: u32): i32 {
    const entry = this.peek(fd);
    if (entry === null) return -EBADF;
    const file = entry.description;
    if (entry.preopenName) heap.free(entry.preopenName);
    memory.fill(changetype<usize>(entry), 0, ENTRY);
    this.lowest = min(this.lowest, fd);
    if (!(file.flags & <u32>O_PATH)) {
      releaseElsewhere(file, changetype<usize>(this));
      releaseRecordLocks(file.inode, changetype<usize>(this));
    }
    file.decRef();
    return 0;
  }

  /** Closes every descriptor of first..last, or marks it close-on-exec (close_range(2)). */
  closeRange(first: u32, last: u32, closeOnExec: bool): void {
    for (let fd = first; fd < this.capacity && fd <= last; fd++) {
      if (!closeOnExec) this.close(fd);
      else if (this.at(fd).file) this.at(fd).flags |= <u32>FD_CLOEXEC;
    }
  }

  closeAll(): void {
    for (let fd: u32 = 0; fd < this.capacity; fd++) this.close(fd);
  }

  /** Ends the table itself; every descriptor was closed. */
  destroy(): void {
    heap.free(this.entries);
  }

  private at(fd: u32): FdEntry {
    return changetype<FdEntry>(this.entries + <usize>fd * ENTRY);
  }

  private grow(least: u32): void {
    let capacity = this.capacity;
    while (capacity < least) capacity <<= 1;
    const entries = heap.alloc(<usize>capacity * ENTRY);
    memory.copy(entries, this.entries, <usize>this.capacity * ENTRY);
    heap.free(this.entries);
    this.entries = entries;
    this.capacity = capacity;
  }
}
