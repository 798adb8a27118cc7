// Asks a launcher for a directory or file of the host: the messages of src/native/launch/roots.c.

import { EIO } from "../../assembly/abi/errno.ts";
import type { Native } from "./interface.ts";

/** size[4] type[1] tag[2] */
export const HEAD = 7;
const REPLY_SIZE = HEAD + 4;
const MESSAGE_ROOT = 1;
const ROOT_READONLY = 1;
const NO_CANCEL = -1;

// Where things are in the piece of memory that a request uses.
const MESSAGE = 0;
const PATH_SIZE = 4096;
const DESCRIPTOR = MESSAGE + HEAD + 1 + PATH_SIZE;
export const ROOT_REQUEST_SIZE = DESCRIPTOR + 4;

/** A piece of a memory that the helper knows as `slot`. */
export interface Piece {
  readonly slot: number;
  readonly memory: Uint8Array;
  readonly base: number;
}

export function putHead({ memory, base }: Piece, type: number, length: number): void {
  const view = new DataView(memory.buffer, base);
  view.setUint32(0, HEAD + length, true);
  view.setUint8(4, type);
  view.setUint16(5, 0, true);
}

/**
 * (blocks) A descriptor of a mount of `source` of its own, or -errno. Preconditions: `source` is shorter than PATH_MAX, and the piece
 * holds ROOT_REQUEST_SIZE.
 */
export function askForRoot(
  native: Native,
  socket: number,
  piece: Piece,
  source: string,
  readonly: boolean,
): number {
  const { slot, memory, base } = piece;
  const path = new TextEncoder().encode(source);
  putHead(piece, MESSAGE_ROOT, 1 + path.length);
  memory[base + HEAD] = readonly ? ROOT_READONLY : 0;
  memory.set(path, base + HEAD + 1);
  const length = HEAD + 1 + path.length;
  const descriptor = base + DESCRIPTOR;
  const received = native.p9Rpc(socket, slot, base, length, base, REPLY_SIZE, slot, descriptor, NO_CANCEL);
  if (received < 0) return received;
  const view = new DataView(memory.buffer);
  const error = view.getUint32(base + HEAD, true);
  const fd = view.getInt32(descriptor, true);
  if (error !== 0) return -error;
  return fd < 0 ? -EIO : fd;
}
