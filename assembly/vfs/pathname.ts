// From a place back to its path (Linux: fs/d_path.c).

import { ENAMETOOLONG } from "../abi/errno.ts";
import { free } from "../lib/ref-counted.ts";
import { Dentry } from "./dentry.ts";
import { Mount } from "./mount.ts";

const SLASH: u32 = 0x2f;
/** The bytes " (deleted)". */
const DELETED: usize = memory.data<u8>([0x20, 0x28, 0x64, 0x65, 0x6c, 0x65, 0x74, 0x65, 0x64, 0x29]);
const DELETED_LENGTH: u32 = 10;

/** A place on the way up. */
@final
class Upwards {
  constructor(
    public mount: Mount,
    public dentry: Dentry,
  ) {}

  /** Goes from a mount's root to where it is mounted. False at the given root, and at the top of all. */
  leaveMounts(rootMount: Mount, rootDentry: Dentry): bool {
    while (this.dentry === this.mount.root) {
      if (this.mount === rootMount && this.dentry === rootDentry) return false;
      const above = this.mount.parent;
      const point = this.mount.mountPoint;
      if (above === null || point === null) return false;
      this.mount = above;
      this.dentry = point;
    }
    return !(this.mount === rootMount && this.dentry === rootDentry) && this.dentry.parent !== null;
  }
}

/**
 * Writes the path of (mount, dentry) below (rootMount, rootDentry) to `out` without a NUL and returns its length. A place that is
 * not below that root gets its path from the top of all that it hangs from, a removed one " (deleted)" behind it. All borrowed.
 * Errors: ENAMETOOLONG. Linux: d_path().
 */
export function pathOf(
  mount: Mount,
  dentry: Dentry,
  rootMount: Mount,
  rootDentry: Dentry,
  out: usize,
  capacity: u32,
): i32 {
  const described = dentry.fs.describe(dentry, out);
  if (described) return <i32>described;
  let at = capacity;
  if (dentry.isDead) {
    if (at < DELETED_LENGTH) return -ENAMETOOLONG;
    at -= DELETED_LENGTH;
    memory.copy(out + at, DELETED, DELETED_LENGTH);
  }
  const up = new Upwards(mount, dentry);
  let empty = true;
  while (up.leaveMounts(rootMount, rootDentry)) {
    const name = up.dentry;
    if (at < name.nameLength + 1) {
      free(up);
      return -ENAMETOOLONG;
    }
    at -= name.nameLength;
    memory.copy(out + at, name.name, name.nameLength);
    store<u8>(out + --at, SLASH);
    empty = false;
    up.dentry = changetype<Dentry>(changetype<usize>(name.parent));
  }
  free(up);
  if (empty) {
    if (at == 0) return -ENAMETOOLONG;
    store<u8>(out + --at, SLASH);
  }
  memory.copy(out, out + at, capacity - at);
  return <i32>(capacity - at);
}

/** Whether (mount, dentry) is (rootMount, rootDentry) or lies below it. */
export function isReachable(mount: Mount, dentry: Dentry, rootMount: Mount, rootDentry: Dentry): bool {
  const up = new Upwards(mount, dentry);
  while (up.leaveMounts(rootMount, rootDentry)) {
    up.dentry = changetype<Dentry>(changetype<usize>(up.dentry.parent));
  }
  const reached = up.mount === rootMount && up.dentry === rootDentry;
  free(up);
  return reached;
}

/** Writes the path of a dentry in its own file system, whatever is mounted where, to `out`. Errors: ENAMETOOLONG. */
export function pathInFilesystem(dentry: Dentry, out: usize, capacity: u32): i32 {
  let at = capacity;
  let above = dentry;
  while (above.parent !== null) {
    if (at < above.nameLength + 1) return -ENAMETOOLONG;
    at -= above.nameLength;
    memory.copy(out + at, above.name, above.nameLength);
    store<u8>(out + --at, SLASH);
    above = changetype<Dentry>(changetype<usize>(above.parent));
  }
  if (at == capacity) store<u8>(out + --at, SLASH);
  memory.copy(out, out + at, capacity - at);
  return <i32>(capacity - at);
}
