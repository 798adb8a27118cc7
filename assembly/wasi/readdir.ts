// fd_readdir: entries straight into the guest's buffer; the last one may be cut off, which tells the guest to ask again.

import { NAME_MAX } from "../abi/limits.ts";
import * as abi from "../abi/wasi.ts";
import { TASK_PAGE, Task } from "../kernel/task.ts";
import { free } from "../lib/ref-counted.ts";
import { accessOk, copyOutUnchecked, putU32 } from "../mm/usercopy.ts";
import { fileAccessed } from "../vfs/atime.ts";
import { DirectorySink } from "../vfs/directory-sink.ts";
import { notifyAccess } from "../vfs/fsnotify.ts";
import { iterateDirectory } from "../vfs/iterate-directory.ts";
import { wasiErrno } from "./errno-map.ts";
import { checkRights, fileTypeOfEntry } from "./rights.ts";

/** The longest entry: a header and a name of NAME_MAX bytes. */
const ENTRY_MAX: u32 = abi.SIZEOF_DIRENT + <u32>NAME_MAX;

/** Entries are put together in kernel memory and copied out by the page: an access to guest memory can be a call. */
@final
class GuestDirectoryBuffer extends DirectorySink {
  /** Bytes of the guest's buffer that are taken, those not copied yet included. */
  used: u32 = 0;
  private staged: u32 = 0;

  /** [buffer, buffer + capacity) was checked. `page` is kernel memory of TASK_PAGE bytes. */
  constructor(
    private readonly page: usize,
    private readonly buffer: u32,
    private readonly capacity: u32,
  ) {
    super();
  }

  emit(name: usize, length: u32, ino: u64, type: u32, next: u64): bool {
    if (this.used == this.capacity) return false;
    if (this.staged + ENTRY_MAX > TASK_PAGE) this.flush();
    const header = this.page + this.staged;
    store<u64>(header, next);
    store<u64>(header, ino, 8);
    store<u32>(header, length, 16);
    store<u32>(header, fileTypeOfEntry(type), 20);
    memory.copy(header + abi.SIZEOF_DIRENT, name, length);
    const fits = min(abi.SIZEOF_DIRENT + length, this.capacity - this.used);
    this.staged += fits;
    this.used += fits;
    return this.used < this.capacity;
  }

  flush(): void {
    copyOutUnchecked(this.buffer + this.used - this.staged, this.page, this.staged);
    this.staged = 0;
  }
}

export function fdReaddir(task: Task, fd: u32, buffer: u32, capacity: u32, cookie: u64, out: u32): u32 {
  const entry = task.fdget(fd);
  const wrong = checkRights(entry, abi.RIGHT_FD_READDIR);
  if (wrong) return entry !== null && !entry.description.inode.isDirectory ? <u32>abi.WASI_ENOTDIR : wrong;
  if (!accessOk(buffer, capacity) || !accessOk(out, 4)) return abi.WASI_EFAULT;
  const file = entry!.description;
  const sink = new GuestDirectoryBuffer(task.page, buffer, capacity);
  const result = capacity ? iterateDirectory(file, sink, cookie) : 0;
  if (capacity && result >= 0) notifyAccess(file.dentry);
  sink.flush();
  fileAccessed(file);
  const used = sink.used;
  free(sink);
  if (result < 0) return wasiErrno(result);
  return wasiErrno(putU32(out, used));
}
