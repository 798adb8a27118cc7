// The host's files, as far as the gofer touches them: what every operation needs, and the steps that most share.
//
// Safety
//   A path never reaches the host. Each component is opened from its parent's O_PATH descriptor with O_NOFOLLOW and
//   RESOLVE_BENEATH, a symlink is a file like any other, and ".." is answered from HostNode.parent. So neither a
//   planted symlink nor one swapped in between two calls leads anywhere.

import { EMFILE, ENOENT, EXDEV } from "../../../assembly/abi/errno.ts";
import {
  AT_EMPTY_PATH,
  AT_SYMLINK_NOFOLLOW,
  RESOLVE_BENEATH,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
} from "../../../assembly/abi/fcntl.ts";
import { STATX_BASIC_STATS, STATX_BTIME } from "../../../assembly/abi/stat.ts";
import type { Native } from "../../native/interface.ts";
import { type Arena, SLOT, STAT_A, STAT_B } from "../arena.ts";
import type { Background } from "../background.ts";
import type { DescriptorBudget } from "./budget.ts";
import { HostNode } from "./host-node.ts";
import { QidPaths } from "./qid-paths.ts";
import { StatBuffer } from "./stat-buffer.ts";

/** The offset that stands for "": the descriptor itself. */
const SELF = -1;
const STATX_MASK = STATX_BASIC_STATS | STATX_BTIME;
/** For what is opened for more than its attributes. */
export const CHILD_RESOLVE = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;

export interface Identity {
  readonly uid: number;
  /** Whether files can be given to other users (CAP_CHOWN). */
  readonly canChown: boolean;
}

export class HostFs {
  readonly native: Native;
  readonly arena: Arena;
  /** An O_PATH descriptor of /proc/self/fd: the way from an O_PATH descriptor to one that reads. */
  readonly procSelfFd: number;
  readonly identity: Identity;
  readonly qids = new QidPaths();
  /** Where a slow call would keep others waiting. */
  background: Background | undefined = undefined;
  /** The devices whose file systems have no access control lists. */
  readonly withoutAcls = new Set<number>();
  /** The result of the last statNode(), openChild() or statFd(). */
  readonly stat: StatBuffer;
  /** The result of the last statName(). */
  readonly nameStat: StatBuffer;

  constructor(native: Native, arena: Arena, procSelfFd: number, identity: Identity) {
    this.native = native;
    this.arena = arena;
    this.procSelfFd = procSelfFd;
    this.identity = identity;
    this.stat = new StatBuffer(arena, STAT_A);
    this.nameStat = new StatBuffer(arena, STAT_B);
  }

  /** Fills `stat` from a descriptor of any kind. */
  statFd(fd: number): number {
    return this.native.statx(fd, SLOT, SELF, AT_EMPTY_PATH, STATX_MASK, STAT_A);
  }

  statNode(node: HostNode): number {
    return this.statFd(node.fd);
  }

  /** Fills `nameStat` from the entry whose NUL-terminated name is at `name`; never follows it. */
  statName(dirFd: number, name: number): number {
    return this.native.statx(dirFd, SLOT, name, AT_SYMLINK_NOFOLLOW, STATX_MASK, STAT_B);
  }

  /**
   * Opens the entry of `dir` whose name of `length` bytes is at `name`, and fills `stat`.
   *
   * Ownership: returns a node with one reference, or -errno.
   */
  openChild(dir: HostNode, name: number, length: number, budget: DescriptorBudget): HostNode | number {
    if (budget.exhausted) return -EMFILE;
    const fd = this.native.openChild(dir.fd, SLOT, name, STATX_MASK, STAT_A);
    // A single name leads nowhere else: the file was moved away between the lookup and the check that it is below.
    if (fd === -EXDEV) return -ENOENT;
    return fd < 0 ? fd : this.makeNode(fd, dir, name, length, budget);
  }

  /** Makes a node of an O_PATH descriptor, which it takes; fills `stat`. */
  adopt(
    fd: number,
    dir: HostNode,
    name: number,
    length: number,
    budget: DescriptorBudget,
  ): HostNode | number {
    const status = this.statFd(fd);
    if (status < 0) {
      this.native.close(fd);
      return status;
    }
    return this.makeNode(fd, dir, name, length, budget);
  }

  private makeNode(
    fd: number,
    dir: HostNode,
    name: number,
    length: number,
    budget: DescriptorBudget,
  ): HostNode {
    return new HostNode(this.native, fd, dir, this.arena.bytes.slice(name, name + length), this.stat, budget);
  }

  /** Whether the entry at `name`, which is the node's name in its parent, still is this file. */
  isStillAt(node: HostNode, name: number): boolean {
    const parent = node.parent as HostNode | null;
    return parent !== null && this.statName(parent.fd, name) === 0 && node.isDescribedBy(this.nameStat);
  }

  /** Writes a descriptor's name under /proc/self/fd at PATH. */
  putFdName(fd: number): void {
    this.arena.putPath(String(fd));
  }
}
