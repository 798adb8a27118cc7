// A host file that fids refer to: an O_PATH descriptor.
//
// Ownership
//   A node owns its descriptor, which counts against the connection's budget when it has one.

import type { Native } from "../../native/interface.ts";
import type { ChangedFile, DirectoryStream } from "../../p9/server/tree.ts";
import { TreeNode } from "../../p9/server/tree-node.ts";
import type { DescriptorBudget } from "./budget.ts";
import type { StatBuffer } from "./stat-buffer.ts";

export class HostNode extends TreeNode {
  // Immutable.
  readonly fd: number;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  readonly inodeLow: number;
  readonly inodeHigh: number;
  private readonly native: Native;
  private readonly budget: DescriptorBudget | null;

  /** Ownership: takes `fd`, borrows `parent` (and references it), counts against `budget` when there is one. */
  constructor(
    native: Native,
    fd: number,
    parent: HostNode | null,
    name: Uint8Array,
    stat: StatBuffer,
    budget: DescriptorBudget | null,
  ) {
    super(stat.type, parent, name);
    this.native = native;
    this.fd = fd;
    this.deviceMajor = stat.deviceMajor;
    this.deviceMinor = stat.deviceMinor;
    this.inodeLow = stat.inodeLow;
    this.inodeHigh = stat.inodeHigh;
    this.budget = budget;
    budget?.take();
  }

  get identity(): string {
    return `${this.deviceMajor}:${this.deviceMinor}:${this.inodeHigh}:${this.inodeLow}`;
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

  protected dispose(): void {
    this.native.close(this.fd);
    this.budget?.release();
  }
}

/** What the tree's calls are given, which are all files of the host here. */
export interface HostStream extends DirectoryStream {
  readonly node: HostNode;
}

export interface HostFile extends ChangedFile {
  readonly node: HostNode;
}
