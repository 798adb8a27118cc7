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
const NO_DESCRIPTOR = -1;

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
  return ask(native, arena, cage, 1 + path.length);
}

/** Tells the launcher that no more will be asked: it takes /proc away, and only waits for the gofer's end then. 0 or -errno. */
export function leaveLauncher(native: Native, arena: Arena, cage: Cage): number {
  putHead(arena, MESSAGE_NO_PROC, 0);
  const status = native.p9Send(cage.rootsFd, SLOT, REPLY, HEAD, NO_DESCRIPTOR);
  native.close(cage.rootsFd);
  return status;
}

function putHead(arena: Arena, type: number, length: number): void {
  arena.view.setUint32(REPLY, HEAD + length, true);
  arena.bytes[REPLY + 4] = type;
  arena.view.setUint16(REPLY + 5, 0, true);
}

/** Sends the message of a root, whose body of `length` bytes is in place. The descriptor that came, or -errno. */
function ask(native: Native, arena: Arena, cage: Cage, length: number): number {
  putHead(arena, MESSAGE_ROOT, length);
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
  return fd < 0 ? -EIO : fd;
}
