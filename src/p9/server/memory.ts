// The memory in which messages are answered: the reply under construction, and the names and values of the request.
//
//   REPLY     the answer under construction (P9_MSIZE)
//   NAMES     the names of a walk, P9_MAXWELEM of NAME_STRIDE bytes, NUL-terminated
//   NAME_A/B  the name or the two names of any other message, NUL-terminated
//   PATH      a symlink's target, NUL-terminated
//   XATTR     an extended attribute's value, or the list of names
//   END       what the tree that is served has for itself begins here, or the request
//
// Messages are answered one after another, so nothing in it outlives its message, and several connections share one memory.

import { NAME_MAX, PATH_MAX } from "../../../assembly/abi/limits.ts";
import { P9_MAXWELEM, P9_MSIZE } from "../../../assembly/abi/p9.ts";
import { XATTR_SIZE_MAX } from "../../../assembly/abi/xattr.ts";

/** A name, its NUL, and room up to the next multiple of eight. */
export const NAME_STRIDE = (NAME_MAX + 1 + 7) & ~7;

export const REPLY = 0;
export const NAMES = REPLY + P9_MSIZE;
export const NAME_A = NAMES + P9_MAXWELEM * NAME_STRIDE;
export const NAME_B = NAME_A + NAME_STRIDE;
export const PATH = NAME_B + NAME_STRIDE;
export const XATTR = PATH + PATH_MAX;
export const END = XATTR + XATTR_SIZE_MAX;

export class Memory {
  readonly bytes: Uint8Array;
  readonly view: DataView;

  /** Preconditions: `buffer` holds END bytes and at least one request. */
  constructor(buffer: ArrayBufferLike) {
    this.bytes = new Uint8Array(buffer);
    this.view = new DataView(buffer);
  }
}
