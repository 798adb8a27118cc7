// Access times: what a read, a listing or a followed link does to atime (Linux: fs/inode.c touch_atime(), atime_needs_update()).

import { O_NOATIME } from "../abi/fcntl.ts";
import { realTime } from "./clock.ts";
import { Inode } from "./dentry.ts";
import { FileDescription } from "./file-description.ts";
import { MNT_NOATIME, MNT_NODIRATIME, MNT_RELATIME, Mount } from "./mount.ts";

/** `inode` was used through `mount`. */
export function touchAtime(mount: Mount, inode: Inode): void {
  const flags = mount.flags;
  if (flags & MNT_NOATIME || mount.isReadonly) return;
  if (flags & MNT_NODIRATIME && inode.isDirectory) return;
  const now = realTime();
  if (flags & MNT_RELATIME && !inode.accessIsDue(now)) return;
  inode.touchAccessed(now);
}

/** The same through an open file, which may have been opened with O_NOATIME. Linux: file_accessed(). */
export function fileAccessed(file: FileDescription): void {
  if (!(file.flags & <u32>O_NOATIME)) touchAtime(file.mount, file.inode);
}
