// Files without a place in any tree (Linux: anon_inodefs and pipefs): event counters, inotify instances, pipes.
//
// Both file systems are made at boot and stay. A file has a dentry of its own, unhashed and without a parent, which ends with
// its last description; its name is what /proc/self/fd shows. A pipe has an inode too; all others share one (Linux:
// anon_inode_inode).

import { ENXIO } from "../abi/errno.ts";
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
  /** The inode of all files that have none of their own. */
  shared: Inode | null = null;

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
  /** Of pipes; the VFS changes nothing of what has no type. */
  setAttributes(a: Attributes): i32 {
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
  const mount = makeMount(ANONYMOUS_MAGIC);
  const fs = changetype<AnonymousFilesystem>(mount.root.fs);
  fs.shared = makeInode(fs, 0o600, 0, 0);
  store<u32>(ROOT_ANONYMOUS, <u32>changetype<usize>(mount));
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

function makeInode(fs: AnonymousFilesystem, mode: u32, uid: u32, gid: u32): Inode {
  const inode = new AnonymousInode(fs);
  inode.ino = fs.nextIno();
  inode.mode = mode;
  inode.uid = uid;
  inode.gid = gid;
  const now = realTime();
  inode.atime = now;
  inode.mtime = now;
  inode.ctime = now;
  return inode;
}

/** A new pipe's dentry, without a name, and inode; one reference. */
export function makePipeDentry(cred: Credentials): Dentry {
  const fs = changetype<AnonymousFilesystem>(pipeMount().root.fs);
  const dentry = new Dentry(fs, null, 0, 0, 0);
  dentry.instantiate(makeInode(fs, <u32>S_IFIFO | 0o600, cred.fsuid, cred.fsgid));
  return dentry;
}

/** The dentry of a new file on anon_inodefs, under the name that Linux shows for such files; one reference. */
export function makeAnonymous(name: string): Dentry {
  const fs = changetype<AnonymousFilesystem>(anonymousMount().root.fs);
  const shared = changetype<Inode>(changetype<usize>(fs.shared));
  const text = heap.alloc(name.length);
  String.UTF8.encodeUnsafe(changetype<usize>(name), name.length, text);
  const dentry = new Dentry(fs, null, text, name.length, 0);
  shared.incRef();
  dentry.instantiate(shared);
  heap.free(text);
  return dentry;
}

/** A number that no other file of anon_inodefs has. */
export function nextAnonymousId(): u64 {
  return changetype<AnonymousFilesystem>(anonymousMount().root.fs).nextIno();
}
