// What one connection is to its handlers: the tree that it serves, what was negotiated, its fids.

import { EBADF, EINVAL, ENFILE } from "../../../assembly/abi/errno.ts";
import { P9_MSIZE, P9_NOFID } from "../../../assembly/abi/p9.ts";
import type { Decoder } from "./decoder.ts";
import type { Encoder } from "./encoder.ts";
import { FidTable } from "./fid-table.ts";
import type { Tree } from "./tree.ts";

export class Session {
  readonly tree: Tree;
  readonly fids: FidTable;
  /** What Tattach may call the tree besides "" and "/". */
  readonly treeName: string;

  // Set by Tversion.
  /** False until a version is agreed on; nothing else is answered before. */
  established = false;
  /** The largest message in either direction. */
  messageSize = P9_MSIZE;
  /** wVisor's extension is on: its messages, and donated descriptors where the tree allows them. */
  extended = false;

  /** The descriptor that goes with the reply under construction, or -1. It stays the fid's. */
  donation = -1;

  constructor(tree: Tree, treeName = "/") {
    this.tree = tree;
    this.treeName = treeName;
    this.fids = new FidTable(tree);
  }

  /** The run of the handler is given up: it changes nothing, and runs again later. */
  get isSuspended(): boolean {
    return this.tree.calls?.current.pending !== undefined;
  }

  /** Frees what the client held. */
  close(): void {
    this.fids.clear();
    this.tree.disconnect();
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
