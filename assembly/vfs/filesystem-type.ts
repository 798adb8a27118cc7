// The file system types that the kernel knows, by the names that mount(2) takes (Linux: fs/filesystems.c).
//
// A type registers itself at boot and stays. What is not registered cannot be mounted: ENODEV.

import { ROOT_FILESYSTEM_TYPES, ROOT_LAST_DEVICE } from "../abi/kernel-layout.ts";
import { Credentials } from "../auth/credentials.ts";
import { errorOf, isError } from "../lib/result.ts";
import { Dentry } from "./dentry.ts";

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
export const FS_ANONYMOUS: u32 = 11;

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
    case FS_ANONYMOUS:
      return "anon_inodefs";
    default:
      return "none";
  }
}

/** Programs may mount it by mount(2); else only the sandbox does. */
export const TYPE_USER_MOUNT: u32 = 1;
/** It needs no block device: "nodev" in /proc/filesystems. */
export const TYPE_NODEV: u32 = 2;

/** What a file system is made from. Borrowed by make(). */
@final
export class MountOptions {
  /** The options' text, without its NUL. */
  data: usize = 0;
  dataLength: u32 = 0;
  /** What is to be mounted, as mount(2) names it. */
  source: usize = 0;
  sourceLength: u32 = 0;
  /** Whoever mounts; null: the sandbox itself. */
  cred: Credentials | null = null;
  /** The Task that mounts (kernel/task.ts), or 0: for what shows something of it, or walks its paths. */
  task: usize = 0;
  /** The PidNamespace whose processes it shows (kernel/mounter.ts), or 0: the Task's, or the first. */
  pids: usize = 0;
}

/** Makes a file system: its root dentry with one reference, or an error. May sleep. Errors: EINVAL for options that it does not know. */
type MakeFilesystem = (options: MountOptions) => usize;

@final
export class FilesystemType {
  next: FilesystemType | null = null;

  /** `name` is ASCII; `flags` are TYPE_*. */
  constructor(
    readonly name: string,
    readonly flags: u32,
    readonly make: MakeFilesystem,
  ) {}

  isNamed(name: usize, length: u32): bool {
    const own = this.name;
    if (<u32>own.length != length) return false;
    for (let i: u32 = 0; i < length; i++) {
      if (<u32>own.charCodeAt(<i32>i) != load<u8>(name + i)) return false;
    }
    return true;
  }
}

/** Registers for the life of the kernel. */
export function registerFilesystemType(type: FilesystemType): void {
  type.next = changetype<FilesystemType | null>(<usize>load<u32>(ROOT_FILESYSTEM_TYPES));
  store<u32>(ROOT_FILESYSTEM_TYPES, <u32>changetype<usize>(type));
}

/** The type after `at` (the first for null), newest first; for /proc/filesystems. */
export function nextFilesystemType(at: FilesystemType | null): FilesystemType | null {
  return at === null ? changetype<FilesystemType | null>(<usize>load<u32>(ROOT_FILESYSTEM_TYPES)) : at.next;
}

/** The type of that name, or null. */
export function findFilesystemType(name: usize, length: u32): FilesystemType | null {
  let at = nextFilesystemType(null);
  while (at !== null && !at.isNamed(name, length)) at = at.next;
  return at;
}

/** Makes a file system: its root dentry with one reference, or an error. May sleep. */
export function makeFilesystem(type: FilesystemType, options: MountOptions): usize {
  const made = type.make(options);
  return isError(made) ? errorOf(<i32>made) : changetype<usize>(numberFilesystem(changetype<Dentry>(made)));
}

/** Gives a new file system its st_dev, unless it has one. */
export function numberFilesystem(root: Dentry): Dentry {
  if (root.fs.device) return root;
  const device = load<u32>(ROOT_LAST_DEVICE) + 1;
  store<u32>(ROOT_LAST_DEVICE, device);
  root.fs.device = device;
  return root;
}
