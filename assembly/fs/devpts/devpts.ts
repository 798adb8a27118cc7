// devpts: the pseudoterminals of one mount (Linux: fs/devpts/inode.c). Each mount is an instance of its own, with its own numbers.

import { EINVAL, ENODEV, ENXIO } from "../../abi/errno.ts";
import { S_IFCHR } from "../../abi/stat.ts";
import { currentTask } from "../../kernel/current-task.ts";
import { writeDecimal } from "../../lib/decimal.ts";
import { OptionList } from "../../lib/option-list.ts";
import { free } from "../../lib/ref-counted.ts";
import { errorOf, isError } from "../../lib/result.ts";
import { makeRootDentry } from "../../vfs/dcache.ts";
import { Dentry, Inode } from "../../vfs/dentry.ts";
import { DeviceDriver, registerDevice } from "../../vfs/device.ts";
import { DirectorySink } from "../../vfs/directory-sink.ts";
import { MountOptions } from "../../vfs/filesystem-type.ts";
import { lookupOne } from "../../vfs/lookup.ts";
import { findMount, Mount } from "../../vfs/mount.ts";
import { DYNAMIC_COOKIE, KernfsDirectory } from "../kernfs/directory.ts";
import { KernfsInode } from "../kernfs/inode.ts";
import { parseNumber } from "../kernfs/numbers.ts";
import { DevptsFilesystem, TERMINALS_MAX, TerminalInode } from "./instance.ts";
import { MasterDescription } from "./master.ts";
import { Terminal } from "./terminal.ts";

const TTYAUX_MAJOR: u32 = 5;
const TTY_MINOR: u32 = 0;
const PTMX_MINOR: u32 = 2;
const ROOT_INO: u64 = 1;
const PTMX_INO: u64 = 2;

export const TTY_DEVICE: u32 = (TTYAUX_MAJOR << 8) | TTY_MINOR;
export const PTMX_DEVICE: u32 = (TTYAUX_MAJOR << 8) | PTMX_MINOR;
/** The bytes "pts". */
const PTS: usize = memory.data<u8>([0x70, 0x74, 0x73]);

/** /dev/pts/ptmx: each open makes a terminal. */
@final
class PtmxInode extends KernfsInode {
  constructor(fs: DevptsFilesystem) {
    super(fs, <u32>S_IFCHR | fs.ptmxMode);
    this.ino = PTMX_INO;
    this.rdev = PTMX_DEVICE;
    this.opensItself = true;
  }

  open(mount: usize, dentry: Dentry, flags: u32): usize {
    return openMaster(changetype<DevptsFilesystem>(this.fs), changetype<Mount>(mount), dentry, flags);
  }
}

/** A new terminal's master in `fs`. Errors: ENOSPC. */
export function openMaster(fs: DevptsFilesystem, mount: Mount, dentry: Dentry, flags: u32): usize {
  const task = currentTask();
  const uid: u32 = task === null ? 0 : task.cred.fsuid;
  const gid: u32 = task === null ? 0 : task.cred.fsgid;
  const made = fs.addTerminal(uid, gid);
  if (isError(made)) return made;
  return changetype<usize>(new MasterDescription(mount, dentry, flags, fs, changetype<Terminal>(made)));
}

@final
class DevptsRoot extends KernfsDirectory {
  private get devpts(): DevptsFilesystem {
    return changetype<DevptsFilesystem>(this.fs);
  }

  override find(name: usize, length: u32): Inode | null {
    const index = parseNumber(name, length);
    if (index < 0) return null;
    const node = this.devpts.findNode(<u64>index);
    if (node !== null) node.incRef();
    return node;
  }

  /** A terminal's name is good as long as it is the same terminal's. */
  override revalidate(child: Dentry): i32 {
    const inode = child.inode;
    if (inode === null) return 0;
    if (!(inode instanceof TerminalInode)) return 1;
    const node = changetype<TerminalInode>(inode);
    return this.devpts.findNode(node.terminal.index) === node ? 1 : 0;
  }

  override iterateMore(sink: DirectorySink, cookie: u64): bool {
    const name = heap.alloc(16);
    let taken = true;
    let node = this.devpts.nextNode(cookie - DYNAMIC_COOKIE);
    while (node !== null && taken) {
      const index = node.terminal.index;
      const length = writeDecimal(name, index);
      taken = sink.emit(name, length, node.ino, 2, DYNAMIC_COOKIE + index + 1);
      node = this.devpts.nextNode(<u64>index + 1);
    }
    heap.free(name);
    return taken;
  }
}

/** Takes one option: 0, or EINVAL for what devpts does not know. */
function takeOption(fs: DevptsFilesystem, options: OptionList): i32 {
  if (options.is("newinstance")) return 0;
  if (options.is("mode") || options.is("ptmxmode")) {
    const value = options.number(8);
    if (value < 0) return -EINVAL;
    if (options.is("mode")) fs.mode = <u32>value & 0o7777;
    else fs.ptmxMode = <u32>value & 0o7777;
    return 0;
  }
  const value = options.number(10);
  if (value < 0) return -EINVAL;
  if (options.is("uid")) fs.uid = <u32>value;
  else if (options.is("gid")) fs.gid = <u32>value;
  else if (options.is("max")) fs.max = <u32>min<i64>(value, TERMINALS_MAX);
  else return -EINVAL;
  return 0;
}

/** A new instance: its root dentry with one reference, or an error: EINVAL for an option. */
export function mountDevpts(asked: MountOptions): usize {
  const fs = new DevptsFilesystem();
  const options = new OptionList(asked.data, asked.dataLength);
  let result = 0;
  while (result == 0 && options.next()) result = takeOption(fs, options);
  free(options);
  if (result < 0) {
    fs.decRef();
    return errorOf(result);
  }
  const top = new DevptsRoot(fs, 0o755);
  top.ino = ROOT_INO;
  top.add("ptmx", new PtmxInode(fs));
  const root = makeRootDentry(fs, top);
  fs.decRef();
  return changetype<usize>(root);
}

/** A ptmx that is no file of devpts: makes its terminals in what is mounted on "pts" beside it (Linux: devpts_mntget()). */
@final
class PtmxDriver extends DeviceDriver {
  /** Errors: ENODEV when there is no devpts; what the lookup says; ENOSPC. */
  open(mount: Mount, dentry: Dentry, flags: u32): usize {
    const parent = dentry.parent;
    if (parent === null) return errorOf(-ENODEV);
    const found = lookupOne(parent, PTS, 3);
    if (isError(found)) return found;
    const pts = changetype<Dentry>(found);
    const over = findMount(mount, pts);
    pts.decRef();
    if (over === null || !(over.root.fs instanceof DevptsFilesystem)) return errorOf(-ENODEV);
    return openMaster(changetype<DevptsFilesystem>(over.root.fs), mount, dentry, flags);
  }
}

/** /dev/tty: the terminal that controls the task's session. There is none. */
@final
class TtyDriver extends DeviceDriver {
  open(_mount: Mount, _dentry: Dentry, _flags: u32): usize {
    return errorOf(-ENXIO);
  }
}

export function registerTtyDevices(): void {
  registerDevice(PTMX_DEVICE, new PtmxDriver());
  registerDevice(TTY_DEVICE, new TtyDriver());
}
