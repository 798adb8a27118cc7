// Files without a place in any tree (Linux: anon_inodefs and pipefs): event counters, inotify instances, pipes.
//
// Both file systems are made at boot and stay. A file has a dentry of its own, unhashed and without a parent, which ends with
// its last description; its name is what /proc/self/fd shows.

import { ENXIO, EOPNOTSUPP } from "../abi/errno.ts";
import { ROOT_ANONYMOUS, ROOT_LAST_DEVICE, ROOT_PIPEFS } from "../abi/kernel-layout.ts";
import { S_IFDIR, S_IFIFO } from "../abi/stat.ts";
import { Credentials } from "../auth/credentials.ts";
import { errorOf } from "../lib/result.ts";
import {
  ATTR_ATIME,
  ATTR_ATIME_SET,
  ATTR_GID,
  ATTR_MODE,
  ATTR_MTIME,
  ATTR_MTIME_SET,
  ATTR_UID,
  Attributes,
  StatFs,
} from "../vfs/attributes.ts";
import { realTime } from "../vfs/clock.ts";
import { makeRootDentry } from "../vfs/dcache.ts";
import { Dentry, Filesystem, Inode } from "../vfs/dentry.ts";
import { FS_ANONYMOUS } from "../vfs/filesystem-type.ts";
import { Mount } from "../vfs/mount.ts";

export const ANONYMOUS_MAGIC: u64 = 0x09041934;
export const PIPEFS_MAGIC: u64 = 0x50495045;

@final
export class AnonymousFilesystem extends Filesystem {
  private lastIno: u64 = 0;

  constructor(private readonly magic: u64) {
    super();
  }

  typeId(): u32 {
    return FS_ANONYMOUS;
  }

  statfs(out: StatFs): i32 {
    out.type = this.magic;
    return 0;
  }

  override describe(dentry: Dentry, out: usize): u32 {
    memory.copy(out, dentry.name, dentry.nameLength);
    return dentry.nameLength;
  }

  nextIno(): u64 {
    return ++this.lastIno;
  }
}

@final
class AnonymousInode extends Inode {
  /** Linux: simple_setattr() for pipes, anon_inode_setattr() for the rest. */
  setAttributes(a: Attributes): i32 {
    if (this.type != <u32>S_IFIFO) return -EOPNOTSUPP;
    const now = realTime();
    if (a.valid & ATTR_MODE) this.mode = this.type | (a.mode & 0o7777);
    if (a.valid & ATTR_UID) this.uid = a.uid;
    if (a.valid & ATTR_GID) this.gid = a.gid;
    if (a.valid & ATTR_ATIME) this.atime = a.valid & ATTR_ATIME_SET ? a.atime : now;
    if (a.valid & ATTR_MTIME) this.mtime = a.valid & ATTR_MTIME_SET ? a.mtime : now;
    this.ctime = now;
    return 0;
  }

  /** A pipe is opened anew through /proc by the VFS, as a FIFO is; the rest cannot be. */
  open(_mount: usize, _dentry: Dentry, _flags: u32): usize {
    return errorOf(-ENXIO);
  }
}

/** Makes both file systems. Once, at boot. */
export function initAnonymous(): void {
  store<u32>(ROOT_ANONYMOUS, <u32>changetype<usize>(makeMount(ANONYMOUS_MAGIC)));
  store<u32>(ROOT_PIPEFS, <u32>changetype<usize>(makeMount(PIPEFS_MAGIC)));
}

function makeMount(magic: u64): Mount {
  const fs = new AnonymousFilesystem(magic);
  fs.device = load<u32>(ROOT_LAST_DEVICE) + 1;
  store<u32>(ROOT_LAST_DEVICE, fs.device);
  const inode = new AnonymousInode(fs);
  inode.ino = fs.nextIno();
  inode.mode = <u32>S_IFDIR | 0o600;
  const mount = new Mount(makeRootDentry(fs, inode), 0);
  fs.decRef();
  return mount;
}

export function anonymousMount(): Mount {
  return changetype<Mount>(<usize>load<u32>(ROOT_ANONYMOUS));
}

export function pipeMount(): Mount {
  return changetype<Mount>(<usize>load<u32>(ROOT_PIPEFS));
}

/** A new file on one of the mounts, named by the bytes at `name`; one reference. */
export function makeAnonymous(mount: Mount, mode: u32, cred: Credentials, name: usize, length: u32): Dentry {
  const fs = changetype<AnonymousFilesystem>(mount.root.fs);
  const inode = new AnonymousInode(fs);
  inode.ino = fs.nextIno();
  inode.mode = mode;
  inode.uid = cred.fsuid;
  inode.gid = cred.fsgid;
  const now = realTime();
  inode.atime = now;
  inode.mtime = now;
  inode.ctime = now;
  const dentry = new Dentry(fs, null, name, length, 0);
  dentry.instantiate(inode);
  return dentry;
}

/** makeAnonymous() on anon_inodefs, under the name that Linux shows for such files. */
export function makeAnonymousNamed(cred: Credentials, name: string): Dentry {
  const text = heap.alloc(name.length);
  String.UTF8.encodeUnsafe(changetype<usize>(name), name.length, text);
  const dentry = makeAnonymous(anonymousMount(), 0o600, cred, text, name.length);
  heap.free(text);
  return dentry;
}
