// What setAttributes() changes (Linux: struct iattr) and what statfs() fills (struct kstatfs).

export const ATTR_MODE: u32 = 1;
export const ATTR_UID: u32 = 2;
export const ATTR_GID: u32 = 4;
export const ATTR_SIZE: u32 = 8;
/** Set atime to `atime`, or to the file system's now with ATTR_ATIME alone. */
export const ATTR_ATIME: u32 = 16;
export const ATTR_MTIME: u32 = 32;
export const ATTR_ATIME_SET: u32 = 128;
export const ATTR_MTIME_SET: u32 = 256;
/** With ATTR_SIZE, that the file is being opened with O_TRUNC: mtime and ctime move also when the size stays. */
export const ATTR_OPEN: u32 = 32768;
/** The change is chown(2)'s, whichever ids it leaves alone: set-id bits go. */
export const ATTR_CHOWN: u32 = 512;
/** security.capability goes too. The VFS removes it; file systems do not look at this bit. */
export const ATTR_KILL_PRIV: u32 = 16384;

@final
export class Attributes {
  /** Which of the fields below count: ATTR_* bits. */
  valid: u32 = 0;
  /** Permission bits (07777). */
  mode: u32 = 0;
  uid: u32 = 0;
  gid: u32 = 0;
  size: i64 = 0;
  /** Nanoseconds since the epoch. */
  atime: i64 = 0;
  mtime: i64 = 0;
}

@final
export class StatFs {
  type: u64 = 0;
  blockSize: u64 = 4096;
  blocks: u64 = 0;
  free: u64 = 0;
  available: u64 = 0;
  files: u64 = 0;
  filesFree: u64 = 0;
  nameMax: u64 = 255;
}
