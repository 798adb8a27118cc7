// What the gofer asks of the launcher that started it in namespaces: the roots of its mounts, which it cannot see, and that /proc
// goes. The messages are those of src/native/launch/roots.c.

import type { Native } from "../../native/interface.ts";
import * as request from "../../native/root-request.ts";
import { REPLY } from "../../p9/server/memory.ts";
import { type Arena, SLOT } from "../arena.ts";

/** Descriptors that the launcher gave besides the configured ones. */
export interface Cage {
  readonly rootsFd: number;
  /** /proc/self/fd, and nothing above it. */
  readonly procFd: number;
}

const MESSAGE_NO_PROC = 2;
const NO_DESCRIPTOR = -1;

/** A descriptor of a mount of `source` of its own, or -errno. */
export function askForRoot(
  native: Native,
  arena: Arena,
  cage: Cage,
  source: string,
  readonly: boolean,
): number {
  return request.askForRoot(native, cage.rootsFd, pieceOf(arena), source, readonly);
}

/** Tells the launcher that no more will be asked: it takes /proc away, and the gofer asks for nothing any more. 0 or -errno. */
export function leaveLauncher(native: Native, arena: Arena, cage: Cage): number {
  request.putHead(pieceOf(arena), MESSAGE_NO_PROC, 0);
  const status = native.p9Send(cage.rootsFd, SLOT, REPLY, request.HEAD, NO_DESCRIPTOR);
  native.close(cage.rootsFd);
  return status;
}

function pieceOf(arena: Arena): request.Piece {
  return { slot: SLOT, memory: arena.bytes, base: REPLY };
}
