// Who holds locks, on which open file description of the host: see handlers/lock.ts.

import type { HostNode } from "../../gofer/host-fs/host-node.ts";

export class LockOwner {
  readonly key: string;
  readonly fd: number;
  /** The fids through which it asked for locks. */
  users = 0;

  constructor(key: string, fd: number) {
    this.key = key;
    this.fd = fd;
  }

  /** One owner on one file. */
  static key(node: HostNode, process: number, client: string): string {
    const file = `${node.deviceMajor}:${node.deviceMinor}:${node.inodeHigh}:${node.inodeLow}`;
    return `${file}:${process}:${client}`;
  }
}
