// An open file of the server: an opened fid, and the host descriptor that came with it where the server gives these.

import { O_RDWR } from "../../abi/fcntl.ts";
import { closeHandle } from "../../host.ts";
import { RefCounted } from "../../lib/ref-counted.ts";
import { P9Client } from "../../p9/client.ts";

@final
export class Handle extends RefCounted {
  /** Takes over the fid and the descriptor. The client outlives the handle: its holders hold the file system. */
  constructor(
    private readonly client: P9Client,
    readonly fid: u32,
    /** A host handle, or -1. */
    readonly descriptor: i32,
    /** O_RDONLY, O_WRONLY or O_RDWR. */
    readonly access: u32,
    /** Whether reading leaves the access time alone (O_NOATIME). */
    readonly isQuiet: bool,
    /** Whether the node had been changed through this kernel when it was opened (GoferNode.isChanged). */
    public knowsChange: bool = true,
  ) {
    super();
  }

  /** Never sleeps. */
  destroy(): void {
    if (this.descriptor >= 0) closeHandle(this.descriptor);
    this.client.exchange.clunk(this.fid);
  }

  /** Whether a file that was opened with this access mode, and with or without O_NOATIME, can work through the handle. */
  serves(access: u32, isQuiet: bool): bool {
    return (this.access == <u32>O_RDWR || this.access == access) && this.isQuiet == isQuiet;
  }
}
