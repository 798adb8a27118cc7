// /proc/sys: settings of the system (Linux: fs/proc/proc_sysctl.c, kernel/sysctl.c). Few can be changed here; the others tell
// what is so. Unlike elsewhere in /proc, root too may do no more than the mode says.

import { CAP_SYS_ADMIN } from "../../abi/capability.ts";
import { EACCES, EPERM } from "../../abi/errno.ts";
import { O_ACCMODE, O_RDONLY } from "../../abi/fcntl.ts";
import { ROOT_TERMINALS } from "../../abi/kernel-layout.ts";
import { random } from "../../host.ts";
import { currentTask } from "../../kernel/current-task.ts";
import { nextTask } from "../../kernel/pid-namespace.ts";
import { Task } from "../../kernel/task.ts";
import { firstUts, UTS_DOMAINNAME, UTS_LENGTH, UTS_NODENAME, UtsNamespace } from "../../kernel/uts.ts";
import { Dentry } from "../../vfs/dentry.ts";
import { Text } from "../../vfs/text.ts";
import { KernfsDirectory } from "../kernfs/directory.ts";
import { KernfsFile, ShowFile } from "../kernfs/file.ts";
import { KernfsFilesystem } from "../kernfs/inode.ts";

const LINE_END: u32 = 0x0a;
/** Descriptions that may be open: as many as the memory has room for. */
const FILE_MAX: string = "9223372036854775807";

@final
class SysDirectory extends KernfsDirectory {
  override unlink(_child: Dentry): i32 {
    return -EACCES;
  }
  override rmdir(_child: Dentry): i32 {
    return -EACCES;
  }
}

/** A setting that cannot be changed, also where the mode says that it can: on Linux. */
@final
class FixedSetting extends KernfsFile {
  constructor(
    fs: KernfsFilesystem,
    permissions: u32,
    private readonly value: string,
  ) {
    super(fs, permissions);
  }

  override mayOpen(flags: u32): i32 {
    if (this.mode & 0o200) return 0;
    return (flags & <u32>O_ACCMODE) == <u32>O_RDONLY ? 0 : -EACCES;
  }

  override store(_text: usize, _length: u32, _offset: i64): i64 {
    return -EPERM;
  }

  show(out: Text): i32 {
    out.text(this.value).byte(LINE_END);
    return 0;
  }
}

/** Of who asks (Linux: get_uts()). */
function currentUts(): UtsNamespace {
  const self = currentTask();
  return self === null ? firstUts() : self.uts;
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
    const uts = currentUts();
    out.bytes(uts.name(this.which), uts.lengthOf(this.which)).byte(LINE_END);
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
    currentUts().set(this.which, text, end);
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
  directory.add(name, new FixedSetting(directory.kernfs, 0o444, value));
}

/** One that root may change on Linux. */
function addSetting(directory: KernfsDirectory, name: string, value: string): void {
  directory.add(name, new FixedSetting(directory.kernfs, 0o644, value));
}

/** Descriptors that are open, a zero, and how many may be (Linux: proc_nr_files()). */
function showFileNr(out: Text): i32 {
  let count: u64 = 0;
  let thread = nextTask(0);
  while (thread !== null) {
    const table = changetype<Task>(thread).fds;
    for (let fd: u32 = 0; fd < table.size; fd++) if (table.peek(fd) !== null) count++;
    thread = nextTask(thread.id + 1);
  }
  out.decimal(count).text("\t0\t").text(FILE_MAX).byte(LINE_END);
  return 0;
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
  addSetting(fs, "aio-max-nr", "65536");
  addFixed(fs, "aio-nr", "0");
  addFixed(fs, "dentry-state", "0\t0\t45\t0\t0\t0");
  addSetting(fs, "dir-notify-enable", "1");
  addSetting(fs, "file-max", FILE_MAX);
  fs.add("file-nr", new ShowFile(fs.kernfs, 0o444, showFileNr));
  addFixed(fs, "inode-nr", "0\t0");
  addFixed(fs, "inode-state", "0\t0\t0\t0\t0\t0\t0");
  addSetting(fs, "lease-break-time", "45");
  addSetting(fs, "leases-enable", "0");
  addSetting(fs, "mount-max", "100000");
  addSetting(fs, "nr_open", "65536");
  addSetting(fs, "overflowgid", "65534");
  addSetting(fs, "overflowuid", "65534");
  addSetting(fs, "pipe-max-size", "1048576");
  addSetting(fs, "pipe-user-pages-hard", "0");
  addSetting(fs, "pipe-user-pages-soft", "16384");
  addSetting(fs, "protected_fifos", "0");
  addSetting(fs, "protected_hardlinks", "0");
  addSetting(fs, "protected_regular", "0");
  addSetting(fs, "protected_symlinks", "0");
  addSetting(fs, "suid_dumpable", "0");
  const inotify = addDirectory(fs, "inotify");
  addSetting(inotify, "max_queued_events", "16384");
  addSetting(inotify, "max_user_instances", "128");
  addSetting(inotify, "max_user_watches", "8192");
  const mqueue = addDirectory(fs, "mqueue");
  addSetting(mqueue, "msg_default", "10");
  addSetting(mqueue, "msg_max", "10");
  addSetting(mqueue, "msgsize_default", "8192");
  addSetting(mqueue, "msgsize_max", "8192");
  addSetting(mqueue, "queues_max", "256");
}

/** TERMINALS_MAX of fs/devpts. */
function addPty(kernel: KernfsDirectory): void {
  const pty = addDirectory(kernel, "pty");
  addSetting(pty, "max", "1024");
  pty.add("nr", new ShowFile(kernel.kernfs, 0o444, showTerminals));
  addSetting(pty, "reserve", "0");
}

function showTerminals(out: Text): i32 {
  out.decimal(load<u32>(ROOT_TERMINALS)).byte(LINE_END);
  return 0;
}

function addKernel(kernel: KernfsDirectory): void {
  const fs = kernel.kernfs;
  addFixed(kernel, "cap_last_cap", "40");
  kernel.add("domainname", new UtsSetting(fs, UTS_DOMAINNAME));
  kernel.add("hostname", new UtsSetting(fs, UTS_NODENAME));
  const keys = addDirectory(kernel, "keys");
  addSetting(keys, "maxbytes", "20000");
  addSetting(keys, "maxkeys", "200");
  addSetting(keys, "root_maxbytes", "25000000");
  addSetting(keys, "root_maxkeys", "1000000");
  addSetting(kernel, "msgmax", "8192");
  addSetting(kernel, "msgmnb", "16384");
  addSetting(kernel, "msgmni", "32000");
  addFixed(kernel, "ngroups_max", "65536");
  addFixed(kernel, "osrelease", "4.4.0");
  addFixed(kernel, "ostype", "Linux");
  addSetting(kernel, "overflowgid", "65534");
  addSetting(kernel, "overflowuid", "65534");
  addSetting(kernel, "pid_max", "4194304");
  addPty(kernel);
  const random = addDirectory(kernel, "random");
  random.add("boot_id", new UuidFile(fs, false));
  random.add("uuid", new UuidFile(fs, true));
  addSetting(kernel, "randomize_va_space", "2");
  addSetting(kernel, "sem", "32000\t1024000000\t500\t32000");
  addSetting(kernel, "shmall", "18446744073692774399");
  addSetting(kernel, "shmmax", "18446744073692774399");
  addSetting(kernel, "shmmni", "4096");
  addSetting(kernel, "tainted", "0");
  addSetting(kernel, "threads-max", "32768");
  addFixed(kernel, "version", "#1 SMP Sun Jan 10 15:06:54 PST 2016");
  addSetting(addDirectory(kernel, "yama"), "ptrace_scope", "1");
}

function addNet(net: KernfsDirectory): void {
  addSetting(addDirectory(net, "core"), "somaxconn", "4096");
}

function addVm(vm: KernfsDirectory): void {
  addSetting(vm, "max_map_count", "2147483647");
  addSetting(vm, "mmap_min_addr", "65536");
  addSetting(vm, "overcommit_memory", "0");
  addSetting(vm, "swappiness", "60");
}
