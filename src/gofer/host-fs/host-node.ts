// A host file that fids refer to: an O_PATH descriptor, and the way back up.
//
// Ownership
//   A node owns its descriptor and a reference on its parent. A reference is held by each fid on it, by each child
//   node, and by the mount on its root. With the last one the descriptor is closed and the parent's reference dropped.
//
// `parent` and `name` say how the file was reached, for "..", Tremove and Trename. The host may have moved it since:
// whoever removes or renames by them checks first that this name still is this file. "." and ".." never leave the
// tree, because the root's parent is null and no system call ever sees "..".

import type { Native } from "../../native/interface.ts";
import type { DescriptorBudget } from "./budget.ts";
import type { StatBuffer } from "./stat-buffer.ts";

export class HostNode {
  // Immutable.
  readonly fd: number;
  /** The S_IF* type, which an inode keeps for life. */
  readonly type: number;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  readonly inodeLow: number;
  readonly inodeHigh: number;
  private readonly budget: DescriptorBudget | null;

  // Changed only by a rename.
  parent: HostNode | null;
  name: Uint8Array;

  private references = 1;

  /** Ownership: takes `fd`, borrows `parent` (and references it), counts against `budget` when there is one. */
  constructor(
    fd: number,
    parent: HostNode | null,
    name: Uint8Array,
    stat: StatBuffer,
    budget: DescriptorBudget | null,
  ) {
    this.fd = fd;
    this.parent = parent;
    this.name = name;
    this.type = stat.type;
    this.deviceMajor = stat.deviceMajor;
    this.deviceMinor = stat.deviceMinor;
    this.inodeLow = stat.inodeLow;
    this.inodeHigh = stat.inodeHigh;
    this.budget = budget;
    if (budget !== null) budget.used++;
    if (parent !== null) parent.incRef();
  }

  incRef(): void {
    this.references++;
  }

  decRef(native: Native): void {
    // A loop: a client can make a chain of parents deeper than any stack.
    for (let node: HostNode | null = this; node !== null && --node.references === 0; node = node.parent) {
      native.close(node.fd);
      if (node.budget !== null) node.budget.used--;
    }
  }

  /** Records that the file is now `name` in `parent`. */
  moveTo(parent: HostNode, name: Uint8Array, native: Native): void {
    const previous = this.parent;
    parent.incRef();
    this.parent = parent;
    this.name = name;
    previous?.decRef(native);
  }

  isSameFile(other: HostNode): boolean {
    return (
      other.inodeLow === this.inodeLow &&
      other.inodeHigh === this.inodeHigh &&
      other.deviceMinor === this.deviceMinor &&
      other.deviceMajor === this.deviceMajor
    );
  }

  /** True when `stat` describes this file. */
  isDescribedBy(stat: StatBuffer): boolean {
    return (
      stat.inodeLow === this.inodeLow &&
      stat.inodeHigh === this.inodeHigh &&
      stat.deviceMinor === this.deviceMinor &&
      stat.deviceMajor === this.deviceMajor
    );
  }
}
