// The file system types that the kernel knows, by the names that mount(2) takes.

export const FS_TMPFS: u32 = 1;
export const FS_9P: u32 = 2;
export const FS_OVERLAY: u32 = 3;
export const FS_DEVTMPFS: u32 = 4;
export const FS_PROC: u32 = 5;
export const FS_SYSFS: u32 = 6;
export const FS_DEVPTS: u32 = 7;
export const FS_MQUEUE: u32 = 8;
export const FS_CGROUP: u32 = 9;
export const FS_CGROUP2: u32 = 10;

/** The name of a type, as /proc/mounts shows it. */
export function filesystemName(id: u32): string {
  switch (id) {
    case FS_TMPFS:
      return "tmpfs";
    case FS_9P:
      return "9p";
    case FS_OVERLAY:
      return "overlay";
    case FS_DEVTMPFS:
      return "devtmpfs";
    case FS_PROC:
      return "proc";
    case FS_SYSFS:
      return "sysfs";
    case FS_DEVPTS:
      return "devpts";
    case FS_MQUEUE:
      return "mqueue";
    case FS_CGROUP:
      return "cgroup";
    case FS_CGROUP2:
      return "cgroup2";
    default:
      return "none";
  }
}

/** The number of the type with that name, or 0. */
export function findFilesystemType(name: usize, length: u32): u32 {
  for (let id: u32 = 1; id <= FS_CGROUP2; id++) {
    const known = filesystemName(id);
    if (<u32>known.length != length) continue;
    let same = true;
    for (let i: u32 = 0; i < length && same; i++) same = known.charCodeAt(i) == <i32>load<u8>(name + i);
    if (same) return id;
  }
  return 0;
}
