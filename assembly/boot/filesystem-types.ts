// The file system types that mount(2) takes, and /proc/filesystems lists. Trees of the host are none of them: only the sandbox
// mounts those.

import { mountCgroup } from "../fs/cgroupfs/cgroup1.ts";
import { mountCgroup2 } from "../fs/cgroupfs/cgroup2.ts";
import { mountDevpts } from "../fs/devpts/devpts.ts";
import { mountMqueue } from "../fs/mqueue/mqueue.ts";
import { mountProc } from "../fs/proc/proc.ts";
import { mountSysfs } from "../fs/sysfs/sysfs.ts";
import { TmpfsOptions } from "../fs/tmpfs/options.ts";
import { mountTmpfsWith } from "../fs/tmpfs/tmpfs.ts";
import { free } from "../lib/ref-counted.ts";
import { errorOf } from "../lib/result.ts";
import {
  FilesystemType,
  MountOptions,
  registerFilesystemType,
  TYPE_NODEV,
  TYPE_USER_MOUNT,
} from "../vfs/filesystem-type.ts";
import { makeDevtmpfs } from "./devices.ts";
import { makeTaskOverlay } from "./overlay-type.ts";

/** A new, empty file system, which belongs to whoever mounts it. Errors: EINVAL. */
function makeTmpfs(options: MountOptions): usize {
  const cred = options.cred;
  const asked = new TmpfsOptions();
  if (cred !== null) {
    asked.uid = cred.fsuid;
    asked.gid = cred.fsgid;
  }
  const wrong = asked.parse(options.data, options.dataLength);
  const root = wrong < 0 ? errorOf(wrong) : changetype<usize>(mountTmpfsWith(asked));
  free(asked);
  return root;
}

/** Once, at boot. */
export function registerFilesystemTypes(): void {
  const flags = TYPE_USER_MOUNT | TYPE_NODEV;
  registerFilesystemType(new FilesystemType("tmpfs", flags, makeTmpfs));
  registerFilesystemType(new FilesystemType("overlay", flags, makeTaskOverlay));
  registerFilesystemType(new FilesystemType("sysfs", flags, mountSysfs));
  registerFilesystemType(new FilesystemType("mqueue", flags, mountMqueue));
  registerFilesystemType(new FilesystemType("cgroup", flags, mountCgroup));
  registerFilesystemType(new FilesystemType("cgroup2", flags, mountCgroup2));
  registerFilesystemType(new FilesystemType("proc", flags, mountProc));
  // Each mount is a file system of its own: a container's devices are nobody else's.
  registerFilesystemType(new FilesystemType("devtmpfs", flags, makeDevtmpfs));
  registerFilesystemType(new FilesystemType("devpts", flags, mountDevpts));
}
