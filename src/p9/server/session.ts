// What one connection is to its handlers: the mount that it serves, what was negotiated, its fids.

import { EBADF, EINVAL, ENFILE } from "../../../assembly/abi/errno.ts";
import { P9_MSIZE, P9_NOFID } from "../../../assembly/abi/p9.ts";
import { DescriptorBudget } from "../../gofer/host-fs/budget.ts";
import type { HostFs } from "../../gofer/host-fs/host-fs.ts";
import type { HostNode } from "../../gofer/host-fs/host-node.ts";
import type { Decoder } from "./decoder.ts";
import type { Encoder } from "./encoder.ts";
import { FidTable } from "./fid-table.ts";

export interface Mount {
  /** The attach root: a directory, or one regular file. */
  readonly root: HostNode;
  readonly readonly: boolean;
  readonly donate: boolean;
}

export class Session {
  readonly host: HostFs;
  readonly mount: Mount;
  readonly budget: DescriptorBudget;
  readonly fids: FidTable;

  // Set by Tversion.
  /** False until a version is agreed on; nothing else is answered before. */
  established = false;
  /** The largest message in either direction. */
  messageSize = P9_MSIZE;
  /** wVisor's extension is on: its messages, and donated descriptors where the mount allows them. */
  extended = false;

  /** The descriptor that goes with the reply under construction, or -1. It stays the fid's. */
  donation = -1;

  constructor(host: HostFs, mount: Mount, descriptorLimit: number) {
    this.host = host;
    this.mount = mount;
    this.budget = new DescriptorBudget(descriptorLimit);
    this.fids = new FidTable(host.native, this.budget);
  }

  /** 0 when `number` can name a new fid, one of `count`, else what is wrong with it. */
  checkNewFid(number: number, count = 1): number {
    if (number === P9_NOFID) return -EBADF;
    if (this.fids.get(number) !== undefined) return -EINVAL;
    return this.fids.allows(count) ? 0 : -ENFILE;
  }
}

/** Answers one message: reads its fields, writes the reply's fields, returns 0 or -errno. */
export type Handler = (session: Session, request: Decoder, reply: Encoder) => number;
