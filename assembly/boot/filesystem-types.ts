// The synthetic file systems as types that mount(2) takes.

import { EINVAL } from "../abi/errno.ts";
import { mountCgroup } from "../fs/cgroupfs/cgroup1.ts";
import { mountCgroup2 } from "../fs/cgroupfs/cgroup2.ts";
import { mountDevpts } from "../fs/devpts/devpts.ts";
import { mountMqueue } from "../fs/mqueue/mqueue.ts";
import { mountProc } from "../fs/proc/proc.ts";
import { mountSysfs } from "../fs/sysfs/sysfs.ts";
import {
  FilesystemType,
  MountOptions,
  registerFilesystemType,
  TYPE_NODEV,
  TYPE_USER_MOUNT,
} from "../vfs/filesystem-type.ts";
import { makeDevtmpfs } from "./devices.ts";

@final
class ProcType extends FilesystemType {
  make(options: MountOptions): usize {
    return mountProc(options.data, options.dataLength);
  }
}

/** Each mount is a file system of its own: a container's devices are nobody else's. */
@final
class DevtmpfsType extends FilesystemType {
  make(options: MountOptions): usize {
    return makeDevtmpfs(options.data, options.dataLength);
  }
}

@final
class DevptsType extends FilesystemType {
  make(options: MountOptions): usize {
    return mountDevpts(options.data, options.dataLength);
  }
}

@final
class SysfsType extends FilesystemType {
  make(options: MountOptions): usize {
    return options.dataLength ? <usize>-EINVAL : changetype<usize>(mountSysfs());
  }
}

@final
class MqueueType extends FilesystemType {
  make(options: MountOptions): usize {
    return options.dataLength ? <usize>-EINVAL : changetype<usize>(mountMqueue());
  }
}

@final
class CgroupType extends FilesystemType {
  make(options: MountOptions): usize {
    return mountCgroup(options.data, options.dataLength);
  }
}

@final
class Cgroup2Type extends FilesystemType {
  make(options: MountOptions): usize {
    return mountCgroup2(options.data, options.dataLength);
  }
}

/** Once, at boot. */
export function registerSyntheticTypes(): void {
  const flags = TYPE_USER_MOUNT | TYPE_NODEV;
  registerFilesystemType(new SysfsType("sysfs", flags));
  registerFilesystemType(new MqueueType("mqueue", flags));
  registerFilesystemType(new CgroupType("cgroup", flags));
  registerFilesystemType(new Cgroup2Type("cgroup2", flags));
  registerFilesystemType(new ProcType("proc", flags));
  registerFilesystemType(new DevtmpfsType("devtmpfs", flags));
  registerFilesystemType(new DevptsType("devpts", flags));
}
