// Whether reads through a mount or a description may move the access time at all. When they do is up to the server's host (node.ts),
// which is told of a read that may not with the open.

import { O_DSYNC, O_NOATIME, O_SYNC } from "../../abi/fcntl.ts";
import { Inode } from "../../vfs/dentry.ts";
import { MNT_NOATIME, MNT_NODIRATIME, Mount } from "../../vfs/mount.ts";

/** Whether reads leave the access time alone. `flags` are those of open(2). Linux: file_accessed(), atime_needs_update(). */
export function isQuiet(mount: Mount, inode: Inode, flags: u32): bool {
  if (flags & <u32>O_NOATIME || mount.isReadonly || mount.flags & MNT_NOATIME) return true;
  return (mount.flags & MNT_NODIRATIME) != 0 && inode.isDirectory;
}

/** What the server's open is told besides the access mode. */
export function serverFlags(mount: Mount, inode: Inode, flags: u32): u32 {
  return (flags & <u32>(O_SYNC | O_DSYNC)) | (isQuiet(mount, inode, flags) ? <u32>O_NOATIME : 0);
}
