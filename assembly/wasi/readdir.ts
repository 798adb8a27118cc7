// fd_readdir: entries straight into the guest's buffer; the last one may be cut off, which tells the guest to ask again.

import * as abi from "../abi/wasi.ts";
import { Task } from "../kernel/task.ts";
import { free } from "../lib/ref-counted.ts";
import { accessOk, copyOutUnchecked, putU32 } from "../mm/usercopy.ts";
import { DirectorySink } from "../vfs/directory-sink.ts";
import { wasiErrno } from "./errno-map.ts";
import { checkRights, fileTypeOfEntry } from "./rights.ts";

@final
class GuestDirectoryBuffer extends DirectorySink {
  used: u32 = 0;

  /** [buffer, buffer + capacity) was checked. `scratch` is kernel memory for one header. */
  constructor(
    private readonly scratch: usize,
    private readonly buffer: u32,
    private readonly capacity: u32,
  ) {
    super();
  }

  emit(name: usize, length: u32, ino: u64, type: u32, next: u64): bool {
    if (this.used == this.capacity) return false;
    const header = this.scratch;
    store<u64>(header, next);
    store<u64>(header, ino, 8);
    store<u32>(header, length, 16);
    store<u32>(header, fileTypeOfEntry(type), 20);
    this.put(header, abi.SIZEOF_DIRENT);
    this.put(name, length);
    return this.used < this.capacity;
  }

  private put(source: usize, length: u32): void {
    const fits = min(length, this.capacity - this.used);
    copyOutUnchecked(this.buffer + this.used, source, fits);
    this.used += fits;
  }
}

export function fdReaddir(task: Task, fd: u32, buffer: u32, capacity: u32, cookie: u64, out: u32): u32 {
  const entry = task.fds.get(fd);
  const wrong = checkRights(entry, abi.RIGHT_FD_READDIR);
  if (wrong) return entry !== null && !entry.description.inode.isDirectory ? <u32>abi.WASI_ENOTDIR : wrong;
  if (!accessOk(buffer, capacity) || !accessOk(out, 4)) return abi.WASI_EFAULT;
  const file = entry!.description;
  file.incRef();
  const sink = new GuestDirectoryBuffer(task.page, buffer, capacity);
  const result = capacity ? file.iterate(sink, cookie) : 0;
  file.decRef();
  const used = sink.used;
  free(sink);
  if (result < 0) return wasiErrno(result);
  return wasiErrno(putU32(out, used));
}
