// sysfs: the devices and settings of the machine (Linux: fs/sysfs). The machine is one processor; there is nothing to be set.

import { EACCES, EINVAL, EIO } from "../../abi/errno.ts";
import { O_ACCMODE, O_RDONLY } from "../../abi/fcntl.ts";
import { errorOf } from "../../lib/result.ts";
import { StatFs } from "../../vfs/attributes.ts";
import { makeRootDentry } from "../../vfs/dcache.ts";
import { FS_SYSFS, MountOptions } from "../../vfs/filesystem-type.ts";
import { Text } from "../../vfs/text.ts";
import { KernfsDirectory } from "../kernfs/directory.ts";
import { KernfsFile } from "../kernfs/file.ts";
import { KernfsFilesystem } from "../kernfs/inode.ts";

const SYSFS_MAGIC: u64 = 0x62656572;
/** What stat(2) says of every attribute (Linux: PAGE_SIZE). */
const ATTRIBUTE_SIZE: i64 = 4096;

@final
class SysfsFilesystem extends KernfsFilesystem {
  constructor() {
    super();
    this.writeError = -EIO;
  }

  typeId(): u32 {
    return FS_SYSFS;
  }

  statfs(out: StatFs): i32 {
    out.type = SYSFS_MAGIC;
    return 0;
  }
}

/** One value, which cannot be changed. */
@final
class Attribute extends KernfsFile {
  constructor(
    fs: KernfsFilesystem,
    private readonly value: string,
  ) {
    super(fs, 0o444);
    this.size = ATTRIBUTE_SIZE;
  }

  /** Root, too, may do no more than the file can (Linux: KERNFS_ROOT_EXTRA_OPEN_PERM_CHECK). */
  override mayOpen(flags: u32): i32 {
    return (flags & <u32>O_ACCMODE) == <u32>O_RDONLY ? 0 : -EACCES;
  }

  show(out: Text): i32 {
    out.text(this.value).byte(0x0a);
    return 0;
  }
}

function directory(parent: KernfsDirectory, name: string, mode: u32 = 0o755): KernfsDirectory {
  const made = new KernfsDirectory(parent.kernfs, mode);
  parent.add(name, made);
  return made;
}

function attribute(parent: KernfsDirectory, name: string, value: string): void {
  parent.add(name, new Attribute(parent.kernfs, value));
}

function addProcessors(system: KernfsDirectory): void {
  const cpu = directory(system, "cpu");
  attribute(cpu, "kernel_max", "0");
  attribute(cpu, "offline", "");
  attribute(cpu, "online", "0");
  attribute(cpu, "possible", "0");
  attribute(cpu, "present", "0");
  const topology = directory(directory(cpu, "cpu0"), "topology");
  attribute(topology, "core_cpus", "1");
  attribute(topology, "core_cpus_list", "0");
  attribute(topology, "core_id", "0");
  attribute(topology, "core_siblings", "1");
  attribute(topology, "core_siblings_list", "0");
  attribute(topology, "physical_package_id", "0");
  attribute(topology, "thread_siblings", "1");
  attribute(topology, "thread_siblings_list", "0");
}

/** A new instance: its root dentry with one reference, or an error: EINVAL for any option. */
export function mountSysfs(options: MountOptions): usize {
  if (options.dataLength) return errorOf(-EINVAL);
  const fs = new SysfsFilesystem();
  const top = new KernfsDirectory(fs, 0o555);
  directory(top, "block");
  directory(top, "bus");
  const classes = directory(top, "class");
  directory(classes, "block");
  directory(classes, "net");
  directory(classes, "power_supply");
  directory(classes, "tty");
  const dev = directory(top, "dev");
  directory(dev, "block");
  directory(dev, "char");
  const devices = directory(top, "devices");
  const system = directory(devices, "system");
  addProcessors(system);
  attribute(directory(directory(system, "node"), "node0"), "cpulist", "0");
  directory(devices, "virtual");
  directory(top, "firmware");
  directory(directory(top, "fs"), "cgroup", 0o555);
  directory(directory(directory(top, "kernel"), "mm"), "transparent_hugepage");
  directory(top, "module");
  directory(top, "power");
  const root = makeRootDentry(fs, top);
  fs.decRef();
  return changetype<usize>(root);
}
