// One instance of devpts: its options, and the terminals that it has now.

import { memoryIsShort } from "mm/page";
import { EIO, ENOSPC } from "../../abi/errno.ts";
import { ROOT_TERMINALS } from "../../abi/kernel-layout.ts";
import { S_IFCHR } from "../../abi/stat.ts";
import { RadixTree } from "../../lib/radix-tree.ts";
import { errorOf } from "../../lib/result.ts";
import { StatFs } from "../../vfs/attributes.ts";
import { Dentry } from "../../vfs/dentry.ts";
import { makeDevice } from "../../vfs/device.ts";
import { FS_DEVPTS } from "../../vfs/filesystem-type.ts";
import { Mount } from "../../vfs/mount.ts";
import { Text } from "../../vfs/text.ts";
import { KernfsFilesystem, KernfsInode } from "../kernfs/inode.ts";
import { ReplicaDescription } from "./replica.ts";
import { Terminal } from "./terminal.ts";

const DEVPTS_SUPER_MAGIC: u64 = 0x1cd1;
const PTS_MAJOR: u32 = 136;
/** Terminal N has inode number N + 3. */
const FIRST_INO: u64 = 3;
/** Each takes 25 KiB of kernel memory. Linux: sysctl kernel.pty.max, 4,096. */
export const TERMINALS_MAX: u32 = 1024;
const NO_ID: u32 = u32.MAX_VALUE;

/** How many terminals there are, of all instances. */
export function terminalCount(): u32 {
  return load<u32>(ROOT_TERMINALS);
}

@final
export class DevptsFilesystem extends KernfsFilesystem {
  /** By index: the inodes of the terminals, with a reference each. */
  private readonly nodes: RadixTree = new RadixTree();
  // Mount options.
  mode: u32 = 0o600;
  ptmxMode: u32 = 0;
  uid: u32 = NO_ID;
  gid: u32 = NO_ID;
  max: u32 = TERMINALS_MAX;

  constructor() {
    super();
    this.revalidates = true;
    this.writeError = -EIO;
  }

  override destroy(): void {
    // Each master holds the file system: there is no terminal left.
    this.nodes.destroy();
    super.destroy();
  }

  typeId(): u32 {
    return FS_DEVPTS;
  }

  statfs(out: StatFs): i32 {
    out.type = DEVPTS_SUPER_MAGIC;
    return 0;
  }

  /** Linux: devpts_show_options(). */
  override showOptions(out: Text): void {
    if (this.uid != NO_ID) out.text(",uid=").decimal(this.uid);
    if (this.gid != NO_ID) out.text(",gid=").decimal(this.gid);
    out.text(",mode=").octal(this.mode, 3).text(",ptmxmode=").octal(this.ptmxMode, 3);
    if (this.max < TERMINALS_MAX) out.text(",max=").decimal(this.max);
  }

  /** The node of a terminal, borrowed, or null. */
  findNode(index: u64): TerminalInode | null {
    return changetype<TerminalInode | null>(this.nodes.get(index));
  }

  /** The node with the smallest index that is not below `from`, borrowed, or null. */
  nextNode(from: u64): TerminalInode | null {
    const index = this.nodes.next(from);
    return index == u64.MAX_VALUE ? null : this.findNode(index);
  }

  /** A new terminal, whose node has the lowest free number, with a reference; or an error: ENOSPC. */
  addTerminal(uid: u32, gid: u32): usize {
    let index: u32 = 0;
    while (index < this.max && this.nodes.get(index)) index++;
    if (index >= this.max || memoryIsShort()) return errorOf(-ENOSPC);
    const terminal = new Terminal(index);
    const node = new TerminalInode(this, terminal);
    node.uid = this.uid == NO_ID ? uid : this.uid;
    node.gid = this.gid == NO_ID ? gid : this.gid;
    this.nodes.set(index, changetype<usize>(node));
    store<u32>(ROOT_TERMINALS, terminalCount() + 1);
    return changetype<usize>(terminal);
  }

  /** The master has gone, and the name with it. */
  removeTerminal(terminal: Terminal): void {
    const node = this.findNode(terminal.index);
    if (node === null) return;
    this.nodes.set(terminal.index, 0);
    store<u32>(ROOT_TERMINALS, terminalCount() - 1);
    node.nlink = 0;
    node.decRef();
  }
}

/** /dev/pts/N. */
@final
export class TerminalInode extends KernfsInode {
  /** Takes a reference on the terminal. */
  constructor(
    fs: DevptsFilesystem,
    readonly terminal: Terminal,
  ) {
    super(fs, <u32>S_IFCHR | fs.mode);
    terminal.incRef();
    const index = terminal.index;
    this.ino = FIRST_INO + index;
    this.rdev = makeDevice(PTS_MAJOR + (index >> 8), index & 0xff);
    this.opensItself = true;
  }

  override destroy(): void {
    this.terminal.decRef();
    super.destroy();
  }

  /** Errors: EIO while the terminal is locked, and once it is hung up. */
  open(mount: usize, dentry: Dentry, flags: u32): usize {
    const terminal = this.terminal;
    if (terminal.locked || terminal.hungUp) return errorOf(-EIO);
    return changetype<usize>(new ReplicaDescription(changetype<Mount>(mount), dentry, flags, terminal));
  }
}
