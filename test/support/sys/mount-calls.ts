// Mount calls by name, and what /proc/self/mountinfo says of the result.

import { AT_FDCWD } from "../../../assembly/abi/fcntl.ts";
import * as ms from "../../../assembly/abi/mount.ts";
import * as nr from "../../../assembly/abi/syscall.ts";
import { Calls } from "./calls.ts";

/** One line of mountinfo, without numbers that differ from run to run. */
export interface MountLine {
  /** The mount point of what it is mounted in; "" for what is not shown. */
  readonly on: string;
  readonly at: string;
  readonly root: string;
  readonly options: string;
  /** Peer groups are numbered in the order in which they appear: "shared:1 master:2". */
  readonly propagation: string;
  readonly type: string;
  readonly source: string;
  /** The file system's own: "rw,size=64k". */
  readonly fsOptions: string;
}

export interface MountAttributes {
  readonly set?: number;
  readonly clear?: number;
  readonly propagation?: number;
  readonly userns?: number;
}

export class MountCalls extends Calls {
  mount(source: string | null, path: string, type: string | null, flags = 0, data: string | null = null) {
    return this.process.syscall(nr.SYS_mount, source, path, type, flags, data);
  }
  /** A new tmpfs. */
  tmpfs(path: string, flags = 0): number {
    return this.mount("tmpfs", path, "tmpfs", flags);
  }
  bind(from: string, path: string, flags = 0): number {
    return this.mount(from, path, null, ms.MS_BIND | flags);
  }
  move(from: string, path: string): number {
    return this.mount(from, path, null, ms.MS_MOVE);
  }
  /** MS_SHARED, MS_SLAVE, MS_PRIVATE or MS_UNBINDABLE. */
  change(path: string, flags: number): number {
    return this.mount(null, path, null, flags);
  }
  remount(path: string, flags: number): number {
    return this.mount(null, path, null, ms.MS_REMOUNT | flags);
  }
  umount(path: string, flags = 0): number {
    return this.process.syscall(nr.SYS_umount2, path, flags);
  }
  pivotRoot(top: string, put: string): number {
    return this.process.syscall(nr.SYS_pivot_root, top, put);
  }
  unshare(flags: number): number {
    return this.process.syscall(nr.SYS_unshare, flags);
  }
  chdir(path: string): number {
    return this.process.syscall(nr.SYS_chdir, path);
  }
  chroot(path: string): number {
    return this.process.syscall(nr.SYS_chroot, path);
  }
  setattr(path: string, flags: number, attributes: MountAttributes, size = 32, dirFd = AT_FDCWD): number {
    const { set = 0, clear = 0, propagation = 0, userns = 0 } = attributes;
    const bytes = Buffer.alloc(Math.max(size, 32));
    bytes.writeBigUInt64LE(BigInt(set), 0);
    bytes.writeBigUInt64LE(BigInt(clear), 8);
    bytes.writeBigUInt64LE(BigInt(propagation), 16);
    bytes.writeBigUInt64LE(BigInt(userns), 24);
    return this.process.syscall(nr.SYS_mount_setattr, dirFd, path, flags, bytes, size);
  }
  /** f_flags of statfs(2), or -errno. */
  statfsFlags(path: string): number {
    const bytes = Buffer.alloc(120);
    const result = this.process.syscall(nr.SYS_statfs, path, bytes);
    return result < 0 ? result : Number(bytes.readBigInt64LE(80));
  }
  /** stx_mnt_id of statx(2), or -errno. */
  mountId(path: string): number {
    const bytes = Buffer.alloc(256);
    const result = this.process.syscall(nr.SYS_statx, AT_FDCWD, path, 0, 0x1000, bytes);
    return result < 0 ? result : Number(bytes.readBigUInt64LE(144));
  }
  /** What the process sees, /proc itself left out; proc must be mounted there. */
  mountinfo(): MountLine[] {
    const fd = this.open("/proc/self/mountinfo");
    let text = "";
    for (;;) {
      const part = this.read(fd, 65536);
      if (typeof part === "number") throw new Error(`mountinfo: ${part}`);
      if (part.length === 0) break;
      text += part.toString();
    }
    this.close(fd);
    return parse(text);
  }
}

function parse(text: string): MountLine[] {
  const lines = text
    .trimEnd()
    .split("\n")
    .map((line) => line.split(" "));
  const places = new Map(lines.map((fields) => [fields[0], fields[4]!]));
  const groups = new Map<string, number>();
  const numbered = (field: string): string => {
    const [name, id] = field.split(":");
    if (id === undefined) return field;
    if (!groups.has(id)) groups.set(id, groups.size + 1);
    return `${name}:${groups.get(id)}`;
  };
  return lines
    .filter((fields) => fields[4] !== "/proc")
    .map((fields) => {
      const dash = fields.indexOf("-");
      return {
        on: fields[1] === fields[0] ? "" : (places.get(fields[1]!) ?? ""),
        at: fields[4]!,
        root: fields[3]!,
        options: fields[5]!,
        propagation: fields.slice(6, dash).map(numbered).join(" "),
        type: fields[dash + 1]!,
        source: fields[dash + 2]!,
        fsOptions: fields[dash + 3]!,
      };
    });
}
