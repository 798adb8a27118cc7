// The container's mounts with their destinations resolved, as the sandbox is to make them (G23-08, G23-09, G23-31).

import { EAGAIN, EBUSY, EFBIG, EILSEQ, ELOOP } from "../../../assembly/abi/errno.ts";
import { POLLOUT } from "../../../assembly/abi/poll.ts";
import { errnoName, WvisorError } from "../../common/errors.ts";
import { type ListedMount, MOUNT_LIST_BYTES_MAX, OVERLAYFS_STALE_READ } from "../../common/mount-list.ts";
import type { Native } from "../../native/interface.ts";
import { REPLY } from "../../p9/server/memory.ts";
import { type Arena, POLL, SLOT, STATFS } from "../arena.ts";
import { EXIT_FAILED } from "../checked-json.ts";
import type { DescriptorBudget } from "../host-fs/budget.ts";
import type { HostFs } from "../host-fs/host-fs.ts";
import type { HostNode } from "../host-fs/host-node.ts";
import { DestinationWalk } from "./destination.ts";
import type { ConfiguredMount } from "./list-config.ts";

/** linux/magic.h */
const OVERLAYFS_SUPER_MAGIC = 0x794c7630;
const CHUNK = 32768;
const FOREVER = -1;
const NO_CANCEL = -1;

/**
 * `served`: the roots of what the configuration serves, that of the container first. `budget`: of the descriptors that may be held meanwhile.
 * Throws a WvisorError for a destination that cannot be.
 */
export function resolveMounts(
  host: HostFs,
  mounts: readonly ConfiguredMount[],
  served: readonly HostNode[],
  budget: DescriptorBudget,
): ListedMount[] {
  const walk = new DestinationWalk(host, served[0]!, budget);
  return mounts.map(({ destination, type, source, options, served: index }) => {
    const node = index === undefined ? undefined : served[index]!;
    const path = walk.resolve(destination);
    if (node === undefined) {
      // Not the gofer's to resolve; but whatever is below it is hidden from the mounts that follow.
      if (typeof path === "string") walk.mount(path, null);
      return { destination, type, source, options };
    }
    if (typeof path === "number") throw problem(path, destination);
    walk.mount(path, node);
    const added = isOnOverlayfs(host, node) && !options.includes(OVERLAYFS_STALE_READ);
    return { destination: path, type, source, options: added ? [...options, OVERLAYFS_STALE_READ] : options };
  });
}

function problem(error: number, destination: string): WvisorError {
  const quoted = JSON.stringify(destination);
  if (error === -ELOOP) return failure(`too many symlinks to follow, path: ${quoted}`);
  const reason = REASONS.get(error);
  const what = `resolving symlinks in mount destination ${quoted}: ${errnoName(-error)}`;
  return failure(reason === undefined ? what : `${what}: ${reason}`);
}

const REASONS = new Map([
  [-EBUSY, "it is the root"],
  [-EILSEQ, "it leads to a name that is not UTF-8"],
]);

function isOnOverlayfs({ native, arena }: HostFs, node: HostNode): boolean {
  return (
    native.fstatfs(node.fd, SLOT, STATFS) === 0 &&
    arena.view.getUint32(STATFS, true) === OVERLAYFS_SUPER_MAGIC
  );
}

/** (blocks) Writes the list to its end and closes `fd`. Returns 0 or -errno. */
export function sendMounts(native: Native, arena: Arena, fd: number, mounts: readonly ListedMount[]): number {
  const bytes = new TextEncoder().encode(JSON.stringify(mounts));
  const status = bytes.length > MOUNT_LIST_BYTES_MAX ? -EFBIG : writeAll(native, arena, fd, bytes);
  native.close(fd);
  return status;
}

/** (blocks) Returns 0 or -errno. */
export function writeAll(native: Native, arena: Arena, fd: number, bytes: Uint8Array): number {
  for (let at = 0; at < bytes.length; ) {
    const part = bytes.subarray(at, at + CHUNK);
    arena.bytes.set(part, REPLY);
    const written = native.write(fd, SLOT, REPLY, part.length);
    if (written === -EAGAIN) awaitRoom(native, arena, fd);
    else if (written < 0) return written;
    else at += written;
  }
  return 0;
}

/** Somebody made the descriptor non-blocking. */
function awaitRoom(native: Native, { view }: Arena, fd: number): void {
  view.setInt32(POLL, fd, true);
  view.setUint32(POLL + 4, POLLOUT, true);
  native.poll(SLOT, POLL, 1, FOREVER, NO_CANCEL);
}

function failure(message: string): WvisorError {
  return new WvisorError("ERR_WVISOR_GOFER", message, EXIT_FAILED);
}
