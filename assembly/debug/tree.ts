// Dentries, inodes, mounts, descriptions and tasks: what leads to what is alive, is of the right class, and is counted.

import { ROOT_VFS } from "../abi/kernel-layout.ts";
import { FD_MAX } from "../abi/limits.ts";
import { TmpfsLimits } from "../fs/tmpfs/limits.ts";
import { TmpfsRegularFile } from "../fs/tmpfs/regular-file.ts";
import { TmpfsSymlink } from "../fs/tmpfs/symlink.ts";
import { nextTask } from "../kernel/pid-namespace.ts";
import { Task } from "../kernel/task.ts";
import { hashName } from "../vfs/dcache.ts";
import {
  DENTRY_HAS_FOREIGN,
  DENTRY_HASHED,
  DENTRY_ON_LRU,
  Dentry,
  Filesystem,
  Inode,
} from "../vfs/dentry.ts";
import { FileDescription } from "../vfs/file-description.ts";
import { FS_TMPFS } from "../vfs/filesystem-type.ts";
import { Mount } from "../vfs/mount.ts";
import { MountNamespace } from "../vfs/mount-namespace.ts";
import { blockAround, nextObject } from "./memory.ts";
import { ReferenceCounts } from "./reference-counts.ts";
import {
  BAD_DENTRY,
  BAD_DENTRY_COUNT,
  BAD_LRU,
  BAD_MOUNT,
  BAD_OBJECT,
  BAD_TMPFS_PAGES,
  Violation,
} from "./violation.ts";

const BUCKETS: u32 = 65536;
const OBJECT_HEADER: usize = 8;

/** Whether `object` is an object of T that was not freed: a freed block's first word, the class, is a link or 0. */
// biome-ignore lint/correctness/noUnusedVariables: instanceof takes the type
export function isAlive<T>(object: usize): bool {
  const block = blockAround(object);
  return block != 0 && block + OBJECT_HEADER == object && changetype<Object>(object) instanceof T;
}

/** Pages of long symbolic links. */
function linkPages(limits: TmpfsLimits): u64 {
  const size = <u32>offsetof<TmpfsSymlink>();
  let pages: u64 = 0;
  let at = nextObject(0, idof<TmpfsSymlink>(), size);
  while (at) {
    const link = changetype<TmpfsSymlink>(at);
    if (link.limits === limits) pages += link.blocks >> 3;
    at = nextObject(at, idof<TmpfsSymlink>(), size);
  }
  return pages;
}

/** A walk over all that the tasks and the dentry cache lead to. */
@final
export class TreeCheck {
  readonly counts: ReferenceCounts = new ReferenceCounts();

  constructor(private readonly violation: Violation) {}

  destroy(): void {
    this.counts.destroy();
  }

  run(): bool {
    return (
      this.dentries() &&
      this.lruLists() &&
      this.tasks() &&
      this.counts.check(this.violation) &&
      this.tmpfsPages()
    );
  }

  private fail(code: u32, object: usize): bool {
    return this.violation.at(code, object);
  }

  /** Every dentry, hashed or not. */
  private dentries(): bool {
    const size = <u32>offsetof<Dentry>();
    let at = nextObject(0, idof<Dentry>(), size);
    while (at) {
      if (!this.dentry(changetype<Dentry>(at))) return false;
      at = nextObject(at, idof<Dentry>(), size);
    }
    return this.buckets();
  }

  private dentry(dentry: Dentry): bool {
    const object = changetype<usize>(dentry);
    const parent = dentry.parent;
    const inode = dentry.inode;
    if (!isAlive<Filesystem>(changetype<usize>(dentry.fs))) return this.fail(BAD_OBJECT, object);
    if (parent !== null) {
      if (!isAlive<Dentry>(changetype<usize>(parent)) || parent.fs !== dentry.fs)
        return this.fail(BAD_DENTRY, object);
      if (!parent.isDirectory) return this.fail(BAD_DENTRY, object);
      const previous = dentry.previousSibling;
      const listed = previous === null ? parent.children : previous.nextSibling;
      if (listed !== dentry) return this.fail(BAD_DENTRY, object);
      this.counts.add(changetype<usize>(parent));
    }
    if (inode !== null) {
      if (!isAlive<Inode>(changetype<usize>(inode)) || !this.belongs(dentry, inode))
        return this.fail(BAD_DENTRY, object);
      this.counts.add(changetype<usize>(inode));
    }
    // Without references it is known to the cache, or it would have ended.
    if (dentry.refs < 0) return this.fail(BAD_DENTRY, object);
    if (dentry.refs == 0 && (!dentry.isHashed || !(dentry.flags & DENTRY_ON_LRU)))
      return this.fail(BAD_DENTRY, object);
    return !(dentry.isHashed && dentry.isDead) || this.fail(BAD_DENTRY, object);
  }

  /** Whether the file is of the dentry's file system, or is a mount point of the kernel's there (boot/mount-point.ts), or below one. */
  private belongs(dentry: Dentry, inode: Inode): bool {
    if (inode.fs === dentry.fs) return true;
    const parent = dentry.parent;
    if (parent === null || inode.fs.typeId() != FS_TMPFS) return false;
    if (parent.file.fs === inode.fs) return true;
    return parent.file.fs === dentry.fs && (parent.flags & DENTRY_HAS_FOREIGN) != 0;
  }

  /** The hash table: each entry in its bucket, under its parent and name. */
  private buckets(): bool {
    for (let i: u32 = 0; i < BUCKETS; i++) {
      let at = changetype<Dentry | null>(<usize>load<u32>(<usize>load<u32>(ROOT_VFS) + ((<usize>i) << 2)));
      while (at !== null) {
        const object = changetype<usize>(at);
        if (!isAlive<Dentry>(object) || !(at.flags & DENTRY_HASHED)) return this.fail(BAD_DENTRY, object);
        const parent = at.parent;
        if (parent === null || (at.hash & (BUCKETS - 1)) != i) return this.fail(BAD_DENTRY, object);
        if (hashName(parent, at.name, at.nameLength) != at.hash) return this.fail(BAD_DENTRY, object);
        at = at.nextInBucket;
      }
    }
    return true;
  }

  /** For each file system that has dentries: its LRU list, and how many dentries it counts. */
  private lruLists(): bool {
    const size = <u32>offsetof<Dentry>();
    let at = nextObject(0, idof<Dentry>(), size);
    while (at) {
      const fs = changetype<Dentry>(at).fs;
      if (this.counts.add(changetype<usize>(fs)) && !this.lruList(fs)) return false;
      at = nextObject(at, idof<Dentry>(), size);
    }
    return true;
  }

  private lruList(fs: Filesystem): bool {
    let listed: u32 = 0;
    let previous: Dentry | null = null;
    let at = fs.lruHead;
    while (at !== null) {
      if (!isAlive<Dentry>(changetype<usize>(at)) || at.fs !== fs)
        return this.fail(BAD_LRU, changetype<usize>(at));
      if (!(at.flags & DENTRY_ON_LRU) || at.previousOnLru !== previous)
        return this.fail(BAD_LRU, changetype<usize>(at));
      if (++listed > fs.dentryCount) return this.fail(BAD_LRU, changetype<usize>(fs));
      previous = at;
      at = at.nextOnLru;
    }
    if (fs.lruTail !== previous) return this.fail(BAD_LRU, changetype<usize>(fs));
    return this.dentryCount(fs, listed);
  }

  private dentryCount(fs: Filesystem, listed: u32): bool {
    const size = <u32>offsetof<Dentry>();
    let all: u32 = 0;
    let marked: u32 = 0;
    let at = nextObject(0, idof<Dentry>(), size);
    while (at) {
      const dentry = changetype<Dentry>(at);
      if (dentry.fs === fs) {
        all++;
        if (dentry.flags & DENTRY_ON_LRU) marked++;
      }
      at = nextObject(at, idof<Dentry>(), size);
    }
    if (marked != listed) return this.fail(BAD_LRU, changetype<usize>(fs));
    return all == fs.dentryCount || this.fail(BAD_DENTRY_COUNT, changetype<usize>(fs));
  }

  private tasks(): bool {
    let thread = nextTask(0);
    while (thread !== null) {
      if (!this.task(changetype<Task>(thread))) return false;
      thread = nextTask(thread.id + 1);
    }
    return true;
  }

  private task(task: Task): bool {
    if (!this.place(task.rootMount, task.rootDentry) || !this.place(task.cwdMount, task.cwdDentry))
      return false;
    this.counts.add(changetype<usize>(task.cred));
    if (this.counts.add(changetype<usize>(task.namespace)) && !this.mounts(task.namespace)) return false;
    for (let fd: u32 = 0; fd < <u32>FD_MAX; fd++) {
      const entry = task.fds.peek(fd);
      if (entry === null) continue;
      if (!isAlive<FileDescription>(entry.file)) return this.fail(BAD_OBJECT, entry.file);
      if (this.counts.add(entry.file) && !this.description(entry.description)) return false;
    }
    return true;
  }

  private description(file: FileDescription): bool {
    return (
      this.place(file.mount, file.dentry) &&
      (!file.dentry.isNegative || this.fail(BAD_OBJECT, changetype<usize>(file)))
    );
  }

  /** A mount and a dentry that somebody holds. */
  private place(mount: Mount, dentry: Dentry): bool {
    if (!isAlive<Mount>(changetype<usize>(mount))) return this.fail(BAD_OBJECT, changetype<usize>(mount));
    if (!isAlive<Dentry>(changetype<usize>(dentry))) return this.fail(BAD_OBJECT, changetype<usize>(dentry));
    this.counts.add(changetype<usize>(mount));
    this.counts.add(changetype<usize>(dentry));
    return mount.root.fs === dentry.fs || this.fail(BAD_MOUNT, changetype<usize>(mount));
  }

  private mounts(namespace: MountNamespace): bool {
    let mount = namespace.next(null);
    while (mount !== null) {
      const object = changetype<usize>(mount);
      const mountPoint = mount.mountPoint;
      if (!isAlive<Mount>(object)) return this.fail(BAD_OBJECT, object);
      if (!this.place(mount, mount.root)) return false;
      if (mountPoint !== null) {
        const parent = mount.parent;
        if (parent === null || mountPoint.mounts == 0) return this.fail(BAD_MOUNT, object);
        if (!this.place(parent, mountPoint)) return false;
      }
      mount = namespace.next(mount);
    }
    return true;
  }

  /** A tmpfs has as many pages in use as its files, named or not, have. */
  private tmpfsPages(): bool {
    const size = <u32>offsetof<TmpfsRegularFile>();
    let at = nextObject(0, idof<TmpfsRegularFile>(), size);
    while (at) {
      const limits = changetype<TmpfsRegularFile>(at).limits;
      let pages: u64 = 0;
      let other = nextObject(0, idof<TmpfsRegularFile>(), size);
      const isFirst = this.counts.add(changetype<usize>(limits));
      while (isFirst && other) {
        const file = changetype<TmpfsRegularFile>(other);
        if (file.limits === limits) pages += file.data.pages;
        other = nextObject(other, idof<TmpfsRegularFile>(), size);
      }
      if (isFirst) pages += linkPages(limits);
      if (isFirst && pages != limits.pagesUsed) return this.fail(BAD_TMPFS_PAGES, changetype<usize>(limits));
      at = nextObject(at, idof<TmpfsRegularFile>(), size);
    }
    return true;
  }
}
