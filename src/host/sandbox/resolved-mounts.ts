// Reads what the gofer of a container says of its mounts (G23-09): where each one is, with the links in the root followed.
//
// The gofer has read the root's files, which are hostile, to find that out. So it may say where a mount is, and on what kind of file
// system its files lie, and nothing else: whatever differs otherwise from the bundle's own list is an error.

import { POLLIN } from "../../../assembly/abi/poll.ts";
import { errnoName, WvisorError } from "../../common/errors.ts";
import { type ListedMount, MOUNT_LIST_BYTES_MAX, OVERLAYFS_STALE_READ } from "../../common/mount-list.ts";
import type { Native } from "../../native/index.ts";
import { cleanPath } from "../config/sandbox-path.ts";
import { servedMounts } from "../spec/gofer-mounts.ts";
import type { SpecMount } from "../spec/runtime-spec.ts";

export interface ResolvedMount extends ListedMount {
  /** Its files lie on an overlayfs: a descriptor that reads one shows no later change. The option itself is gone again. */
  readonly overlayfsStaleRead: boolean;
}

/** The helper's slot for a moment; nothing stays in it: a struct pollfd, and a piece of the list. */
const SCRATCH_SLOT = 15;
const POLLFD_BYTES = 8;
const CHUNK = 65536;
const NS_PER_MS = 1e6;
const NO_CANCEL = -1;

/**
 * (blocks) The list from `fd`, to the end of the stream; `mounts` are the bundle's. The descriptor stays the caller's.
 *
 * Errors: WvisorError; a gofer that has not closed its end after `timeoutMs` is one.
 */
export function readResolvedMounts(
  native: Native,
  fd: number,
  mounts: readonly SpecMount[],
  timeoutMs: number,
): ResolvedMount[] {
  return parseResolvedMounts(readText(native, fd, timeoutMs), mounts);
}

/** Errors: WvisorError. */
export function parseResolvedMounts(text: string, mounts: readonly SpecMount[]): ResolvedMount[] {
  // A gofer that cannot start has said why, and closes all that it has.
  if (text === "") throw invalid("the gofer ended without one");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw invalid(`not JSON: ${(error as SyntaxError).message}`);
  }
  if (!Array.isArray(value)) throw invalid("not a list");
  if (value.length !== mounts.length) throw invalid(`${value.length} mounts instead of ${mounts.length}`);
  const served = new Set(servedMounts(mounts, "/").map(({ index }) => index));
  return mounts.map((mount, index) => compare(value[index], mount, served.has(index), `mounts[${index}]`));
}

/** `answer` is `mount` but for what the gofer may say of it. */
function compare(answer: unknown, mount: SpecMount, isServed: boolean, where: string): ResolvedMount {
  if (typeof answer !== "object" || answer === null) throw invalid(`${where} is not an object`);
  const { destination, type, source, options } = answer as Record<string, unknown>;
  if (type !== mount.type || source !== mount.source) throw invalid(`${where} has another type or source`);
  if (!Array.isArray(options)) throw invalid(`${where}: options are not a list`);
  const added = options.slice(mount.options.length);
  if (mount.options.some((option, index) => options[index] !== option)) {
    throw invalid(`${where} has other options`);
  }
  const overlayfsStaleRead = added.length === 1 && added[0] === OVERLAYFS_STALE_READ;
  if (added.length > 0 && !(overlayfsStaleRead && isServed)) throw invalid(`${where} has more options`);
  const place = isServed ? checkPlace(destination, where) : mount.destination;
  if (destination !== place) throw invalid(`${where} has another destination`);
  return {
    destination: place,
    type: mount.type,
    source: mount.source,
    options: mount.options,
    overlayfsStaleRead,
  };
}

/** An absolute path below the root without anything to resolve. */
function checkPlace(destination: unknown, where: string): string {
  // Half a surrogate pair is no UTF-8 either.
  const isText = typeof destination === "string" && Buffer.from(destination).toString() === destination;
  if (isText && destination !== "/" && cleanPath(destination) === destination) return destination;
  throw invalid(`${where}: destination is not a resolved path`);
}

function readText(native: Native, fd: number, timeoutMs: number): string {
  const scratch = new Uint8Array(POLLFD_BYTES + CHUNK);
  const fields = new DataView(scratch.buffer);
  const deadline = performance.now() + timeoutMs;
  const parts: Buffer[] = [];
  native.registerMemory(SCRATCH_SLOT, scratch);
  for (let length = 0; ; ) {
    fields.setInt32(0, fd, true);
    fields.setUint32(4, POLLIN, true);
    const left = Math.max(0, deadline - performance.now()) * NS_PER_MS;
    const ready = native.poll(SCRATCH_SLOT, 0, 1, left, NO_CANCEL);
    if (ready === 0) throw invalid(`the gofer has not sent it within ${timeoutMs} ms`);
    const count = ready < 0 ? ready : native.read(fd, SCRATCH_SLOT, POLLFD_BYTES, CHUNK);
    if (count < 0) throw invalid(errnoName(-count));
    if (count === 0) return decode(Buffer.concat(parts));
    length += count;
    if (length > MOUNT_LIST_BYTES_MAX) throw invalid(`longer than ${MOUNT_LIST_BYTES_MAX} bytes`);
    parts.push(Buffer.from(scratch.subarray(POLLFD_BYTES, POLLFD_BYTES + count)));
  }
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw invalid("not UTF-8");
  }
}

function invalid(problem: string): WvisorError {
  return new WvisorError("ERR_WVISOR_GOFER", `the gofer's list of mounts: ${problem}`);
}
