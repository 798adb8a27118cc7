// The memory devices (Linux: drivers/char/mem.c): null, zero, full, random, urandom.

import { ENOSPC } from "../../abi/errno.ts";
import { random } from "../../host.ts";
import { IovIter } from "../../mm/iov-iter.ts";
import { PAUSE_BYTES, pause } from "../../sched/pause.ts";
import { Dentry } from "../../vfs/dentry.ts";
import { DeviceDriver, makeDevice, registerDevice } from "../../vfs/device.ts";
import { FileDescription } from "../../vfs/file-description.ts";
import { Mount } from "../../vfs/mount.ts";

export const MEM_NULL: u32 = 3;
export const MEM_ZERO: u32 = 5;
export const MEM_FULL: u32 = 7;
export const MEM_RANDOM: u32 = 8;
export const MEM_URANDOM: u32 = 9;

const MEM_MAJOR: u32 = 1;
const CHUNK: u32 = 4096;

/** The device number of a memory device. */
export function memDevice(minor: u32): u32 {
  return makeDevice(MEM_MAJOR, minor);
}

@final
class MemDriver extends DeviceDriver {
  constructor(private readonly minor: u32) {
    super();
  }
  open(mount: Mount, dentry: Dentry, flags: u32): usize {
    return changetype<usize>(new MemFile(mount, dentry, flags, this.minor));
  }
}

@final
class MemFile extends FileDescription {
  constructor(
    mount: Mount,
    dentry: Dentry,
    flags: u32,
    private readonly minor: u32,
  ) {
    super(mount, dentry, flags);
  }

  override get canNotWait(): bool {
    return this.minor != MEM_FULL;
  }

  override read(to: IovIter, _offset: i64): i64 {
    if (this.minor == MEM_NULL) return 0;
    const total = to.remaining;
    const chunk = heap.alloc(CHUNK);
    let sincePause: u32 = 0;
    while (to.remaining) {
      const length = min(to.remaining, CHUNK);
      if (this.minor >= MEM_RANDOM) random(chunk, length);
      to.put(chunk, length);
      sincePause += length;
      if (sincePause < PAUSE_BYTES) continue;
      sincePause = 0;
      // Who is to end gets what there is so far, and never sees it.
      if (pause() < 0) break;
    }
    heap.free(chunk);
    return total - to.remaining;
  }

  override write(from: IovIter, _offset: i64): i64 {
    return this.minor == MEM_FULL ? -ENOSPC : <i64>from.remaining;
  }

  /** Any seek succeeds and stays at 0, as on Linux. */
  override seek(_offset: i64, _whence: i32): i64 {
    this.offset = 0;
    return 0;
  }
}

export function registerMemDevices(): void {
  registerDevice(memDevice(MEM_NULL), new MemDriver(MEM_NULL));
  registerDevice(memDevice(MEM_ZERO), new MemDriver(MEM_ZERO));
  registerDevice(memDevice(MEM_FULL), new MemDriver(MEM_FULL));
  registerDevice(memDevice(MEM_RANDOM), new MemDriver(MEM_RANDOM));
  registerDevice(memDevice(MEM_URANDOM), new MemDriver(MEM_URANDOM));
}
