// /proc/sys: settings of the system (Linux: fs/proc/proc_sysctl.c, kernel/sysctl.c). Few can be changed here; the others tell
// what is so. Unlike elsewhere in /proc, root too may do no more than the mode says.

import { CAP_SYS_ADMIN } from "../../abi/capability.ts";
import { EACCES, EPERM } from "../../abi/errno.ts";
import { O_ACCMODE, O_RDONLY } from "../../abi/fcntl.ts";
import { random } from "../../host.ts";
import { currentTask } from "../../kernel/current-task.ts";
import {
  setUtsName,
  UTS_DOMAINNAME,
  UTS_LENGTH,
  UTS_NODENAME,
  utsLength,
  utsName,
} from "../../kernel/uts.ts";
import { Dentry } from "../../vfs/dentry.ts";
import { Text } from "../../vfs/text.ts";
import { KernfsDirectory } from "../kernfs/directory.ts";
import { KernfsFile } from "../kernfs/file.ts";
import { KernfsFilesystem } from "../kernfs/inode.ts";

const LINE_END: u32 = 0x0a;

@final
class SysDirectory extends KernfsDirectory {
  override unlink(_child: Dentry): i32 {
    return -EACCES;
  }
  override rmdir(_child: Dentry): i32 {
    return -EACCES;
  }
}

/** A setting that cannot be changed. */
@final
class FixedSetting extends KernfsFile {
  constructor(
    fs: KernfsFilesystem,
    private readonly value: string,
  ) {
    super(fs, 0o444);
  }

  override mayOpen(flags: u32): i32 {
    return (flags & <u32>O_ACCMODE) == <u32>O_RDONLY ? 0 : -EACCES;
  }

  show(out: Text): i32 {
    out.text(this.value).byte(LINE_END);
    return 0;
  }
}

/** kernel/hostname and kernel/domainname. */
@final
class UtsSetting extends KernfsFile {
  constructor(
    fs: KernfsFilesystem,
    private readonly which: u32,
  ) {
    super(fs, 0o644);
  }

  show(out: Text): i32 {
    out.bytes(utsName(this.which), utsLength(this.which)).byte(LINE_END);
    return 0;
  }

  /** Up to the line's end; what is too long is cut. Errors: EPERM without CAP_SYS_ADMIN. Linux: proc_do_uts_string(). */
  override store(text: usize, length: u32, offset: i64): i64 {
    const self = currentTask();
    if (self !== null && !self.cred.hasCapability(CAP_SYS_ADMIN)) return -EPERM;
    // A write that does not begin at the start changes nothing.
    if (offset != 0) return length;
    let end: u32 = 0;
    while (end < length && end < UTS_LENGTH && load<u8>(text + end) != LINE_END && load<u8>(text + end))
      end++;
    setUtsName(this.which, text, end);
    return length;
  }
}

/** kernel/random/uuid: another one at each read; boot_id: the same as long as the file system is there. */
@final
class UuidFile extends KernfsFile {
  private readonly id: usize = heap.alloc(16);

  constructor(
    fs: KernfsFilesystem,
    private readonly fresh: bool,
  ) {
    super(fs, 0o444);
    random(this.id, 16);
  }

  override destroy(): void {
    heap.free(this.id);
    super.destroy();
  }

  /** RFC 9562, version 4. */
  show(out: Text): i32 {
    const id = this.id;
    if (this.fresh) random(id, 16);
    store<u8>(id, (load<u8>(id, 6) & 0x0f) | 0x40, 6);
    store<u8>(id, (load<u8>(id, 8) & 0x3f) | 0x80, 8);
    for (let i: u32 = 0; i < 16; i++) {
      if (i == 4 || i == 6 || i == 8 || i == 10) out.byte(0x2d);
      out.hex(load<u8>(id + i), 2);
    }
    out.byte(LINE_END);
    return 0;
  }
}

function addFixed(directory: KernfsDirectory, name: string, value: string): void {
  directory.add(name, new FixedSetting(directory.kernfs, value));
}

function addDirectory(parent: KernfsDirectory, name: string): KernfsDirectory {
  const directory = new SysDirectory(parent.kernfs, 0o555);
  parent.add(name, directory);
  return directory;
}

export function makeSysDirectory(fs: KernfsFilesystem): KernfsDirectory {
  const sys = new SysDirectory(fs, 0o555);
  addFs(addDirectory(sys, "fs"));
  addKernel(addDirectory(sys, "kernel"));
  addNet(addDirectory(sys, "net"));
  addVm(addDirectory(sys, "vm"));
  return sys;
}

/** nr_open is FD_MAX (abi/limits.ts). */
function addFs(fs: KernfsDirectory): void {
  addFixed(fs, "file-max", "9223372036854775807");
  addFixed(fs, "nr_open", "65536");
  addFixed(fs, "overflowgid", "65534");
  addFixed(fs, "overflowuid", "65534");
  addFixed(fs, "pipe-max-size", "1048576");
  addFixed(fs, "protected_hardlinks", "0");
  addFixed(fs, "protected_symlinks", "0");
  addFixed(addDirectory(fs, "inotify"), "max_user_watches", "8192");
}

function addKernel(kernel: KernfsDirectory): void {
  const fs = kernel.kernfs;
  addFixed(kernel, "cap_last_cap", "40");
  kernel.add("domainname", new UtsSetting(fs, UTS_DOMAINNAME));
  kernel.add("hostname", new UtsSetting(fs, UTS_NODENAME));
  addFixed(kernel, "msgmax", "8192");
  addFixed(kernel, "msgmnb", "16384");
  addFixed(kernel, "msgmni", "32000");
  addFixed(kernel, "ngroups_max", "65536");
  addFixed(kernel, "osrelease", "4.4.0");
  addFixed(kernel, "ostype", "Linux");
  addFixed(kernel, "overflowgid", "65534");
  addFixed(kernel, "overflowuid", "65534");
  addFixed(kernel, "pid_max", "4194304");
  const random = addDirectory(kernel, "random");
  random.add("boot_id", new UuidFile(fs, false));
  random.add("uuid", new UuidFile(fs, true));
  addFixed(kernel, "randomize_va_space", "2");
  addFixed(kernel, "sem", "32000\t1024000000\t500\t32000");
  addFixed(kernel, "shmall", "18446744073692774399");
  addFixed(kernel, "shmmax", "18446744073692774399");
  addFixed(kernel, "shmmni", "4096");
  addFixed(kernel, "version", "#1 SMP Sun Jan 10 15:06:54 PST 2016");
  addFixed(addDirectory(kernel, "yama"), "ptrace_scope", "1");
}

function addNet(net: KernfsDirectory): void {
  addFixed(addDirectory(net, "core"), "somaxconn", "4096");
}

function addVm(vm: KernfsDirectory): void {
  addFixed(vm, "max_map_count", "2147483647");
  addFixed(vm, "mmap_min_addr", "65536");
  addFixed(vm, "overcommit_memory", "0");
}
