// What the gofer asks of the launcher that started it in namespaces: the roots of its mounts, which it cannot see, and that /proc
// goes. The messages are those of src/native/launch/roots.c.

import { EIO } from "../../../assembly/abi/errno.ts";
import type { Native } from "../../native/interface.ts";
import { REPLY } from "../../p9/server/memory.ts";
import { type Arena, LOCK, SLOT } from "../arena.ts";

/** Descriptors that the launcher gave besides the configured ones. */
export interface Cage {
  readonly rootsFd: number;
  /** /proc/self/fd, and nothing above it. */
  readonly procFd: number;
}

const HEAD = 7;
const REPLY_SIZE = HEAD + 4;
const MESSAGE_ROOT = 1;
const MESSAGE_NO_PROC = 2;
const ROOT_READONLY = 1;
const NO_CANCEL = -1;

/** A descriptor of a mount of `source` of its own, or -errno. */
export function askForRoot(
  native: Native,
  arena: Arena,
  cage: Cage,
  source: string,
  readonly: boolean,
): number {
  const path = new TextEncoder().encode(source);
  arena.bytes[REPLY + HEAD] = readonly ? ROOT_READONLY : 0;
  arena.bytes.set(path, REPLY + HEAD + 1);
  return ask(native, arena, cage, MESSAGE_ROOT, 1 + path.length);
}

/** /proc is no longer there; returns 0 or -errno. */
export function askForNoProc(native: Native, arena: Arena, cage: Cage): number {
  const result = ask(native, arena, cage, MESSAGE_NO_PROC, 0);
  // No descriptor comes with it.
  return result === -1 ? 0 : result;
}

/** The launcher only waits for the gofer's end from now on. */
export function leaveLauncher(native: Native, cage: Cage): void {
  native.close(cage.rootsFd);
}

/** Sends the message whose body of `length` bytes is in place. The descriptor that came, -1 without one, or -errno. */
function ask(native: Native, arena: Arena, cage: Cage, type: number, length: number): number {
  arena.view.setUint32(REPLY, HEAD + length, true);
  arena.bytes[REPLY + 4] = type;
  arena.view.setUint16(REPLY + 5, 0, true);
  const received = native.p9Rpc(
    cage.rootsFd,
    SLOT,
    REPLY,
    HEAD + length,
    REPLY,
    REPLY_SIZE,
    SLOT,
    LOCK,
    NO_CANCEL,
  );
  if (received < 0) return received;
  const error = arena.view.getUint32(REPLY + HEAD, true);
  const fd = arena.view.getInt32(LOCK, true);
  if (error !== 0) return -error;
  return type === MESSAGE_ROOT && fd < 0 ? -EIO : fd;
}
