// New files, directories, symlinks and nodes, and whose they are.
//
// The client has checked permissions with its own users, so that what is made belongs to the user who attached and to
// the group that the message names. Only a gofer with CAP_CHOWN can do this; any other makes everything its own.

import { EEXIST, EINVAL, EMFILE, ENOENT } from "../../../assembly/abi/errno.ts";
import {
  O_ACCMODE,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_PATH,
  O_RDWR,
  O_TMPFILE,
} from "../../../assembly/abi/fcntl.ts";
import { S_IFDIR, S_IFLNK, S_ISGID, S_ISUID } from "../../../assembly/abi/stat.ts";
import { NAME_A } from "../../p9/server/memory.ts";
import type { Owner } from "../../p9/server/tree.ts";
import { SLOT } from "../arena.ts";
import type { DescriptorBudget } from "./budget.ts";
import { CHILD_RESOLVE, type HostFs } from "./host-fs.ts";
import type { HostNode } from "./host-node.ts";
import { hostFlags, openNode, SAFE_FLAGS } from "./open.ts";

/** A user or group that the message leaves open. */
const NOBODY_NAMED = 0xffffffff;
/** fchown's "leave as it is". */
const KEEP = -1;
/** How often a name may appear and vanish between two looks before the client is told that it is there. */
const RACE_RETRIES = 3;
const PERMISSIONS = 0o7777;
const RWX = 0o777;
const DOT = 0x2e;

export interface OpenedFile {
  readonly node: HostNode;
  readonly handle: number;
}

/**
 * Makes the regular file whose name of `length` bytes is at `name`, opens it, and fills `host.stat`. Without O_EXCL in
 * `clientFlags` an existing regular file is opened instead.
 *
 * Ownership: returns a node with one reference and its open descriptor, or -errno.
 */
export function createFile(
  host: HostFs,
  dir: HostNode,
  name: number,
  length: number,
  clientFlags: number,
  mode: number,
  owner: Owner,
  budget: DescriptorBudget,
): OpenedFile | number {
  if ((clientFlags & O_ACCMODE) === O_ACCMODE || (clientFlags & O_DIRECTORY) !== 0) return -EINVAL;
  if (!budget.allowsOpen(2)) return -EMFILE;
  // Always O_EXCL here, so that whatever opens is new: never what a symlink names, never a FIFO.
  const flags = hostFlags(clientFlags) | O_CREAT | O_EXCL | O_NOFOLLOW;
  for (let attempt = 0; attempt < RACE_RETRIES; attempt++) {
    const fd = host.native.openat2(dir.fd, SLOT, name, flags, mode & PERMISSIONS, CHILD_RESOLVE);
    if (fd >= 0) return finishFile(host, dir, name, length, fd, mode, owner, budget);
    if (fd !== -EEXIST || (clientFlags & O_EXCL) !== 0) return fd;
    const existing = openExisting(host, dir, name, length, clientFlags, budget);
    if (existing !== -ENOENT) return existing;
  }
  return -EEXIST;
}

function openExisting(
  host: HostFs,
  dir: HostNode,
  name: number,
  length: number,
  clientFlags: number,
  budget: DescriptorBudget,
): OpenedFile | number {
  const node = host.openChild(dir, name, length, budget);
  if (typeof node === "number") return node;
  // A directory would open for reading. Linux: O_CREAT on one is EISDIR; here EEXIST, which clients of Tlcreate expect.
  const fd = node.type === S_IFDIR ? -EEXIST : openNode(host, node, clientFlags);
  // Opening may have cut it.
  const status = fd < 0 ? fd : host.statFd(fd);
  if (status === 0) return { node, handle: fd };
  if (fd >= 0) host.native.close(fd);
  node.decRef();
  return status;
}

/** Gives the new file to its owner and makes its node. Takes `fd`; on failure the file is gone again. */
function finishFile(
  host: HostFs,
  dir: HostNode,
  name: number,
  length: number,
  fd: number,
  mode: number,
  owner: Owner,
  budget: DescriptorBudget,
): OpenedFile | number {
  const { native } = host;
  const pathFd = native.reopen(host.procSelfFd, fd, O_PATH);
  const node = pathFd < 0 ? pathFd : host.adopt(pathFd, dir, name, length, budget);
  let status = typeof node === "number" ? node : giveTo(host, node, mode, owner);
  if (typeof node !== "number") {
    if (status === 0) return { node, handle: fd };
    node.decRef();
  }
  native.close(fd);
  const undone = native.unlinkat(dir.fd, SLOT, name, 0);
  if (undone < 0 && undone !== -ENOENT) status = undone;
  return status;
}

/**
 * Makes a regular file without a name in the file system of `dir`, and fills `host.stat`. The node's name is none that any
 * entry has.
 *
 * Ownership: returns a node with one reference, or -errno.
 */
export function createUnnamed(
  host: HostFs,
  dir: HostNode,
  mode: number,
  owner: Owner,
  budget: DescriptorBudget,
): HostNode | number {
  const { native } = host;
  if (!budget.allows(1)) return -EMFILE;
  // The directory itself, by the one name that needs no lookup.
  host.arena.bytes.set([DOT, 0], NAME_A);
  const flags = O_TMPFILE | O_RDWR | SAFE_FLAGS;
  const fd = native.openat2(dir.fd, SLOT, NAME_A, flags, mode & PERMISSIONS, CHILD_RESOLVE);
  if (fd < 0) return fd;
  const pathFd = native.reopen(host.procSelfFd, fd, O_PATH);
  const node = pathFd < 0 ? pathFd : host.adopt(pathFd, dir, NAME_A, 0, budget);
  native.close(fd);
  if (typeof node === "number") return node;
  const status = giveTo(host, node, mode, owner);
  if (status === 0) return node;
  node.decRef();
  return status;
}

/**
 * Opens the entry that was just made at `name`, gives it to its owner, and fills `host.stat`. Returns 0 or -errno.
 *
 * Somebody else may have put another file there meanwhile. One that cannot be ours (another type, another user's, with
 * a second name) is left alone: a chown of it could give away a file that its maker may only link to.
 */
export function settle(
  host: HostFs,
  dir: HostNode,
  name: number,
  length: number,
  type: number,
  mode: number,
  owner: Owner,
  budget: DescriptorBudget,
): number {
  const node = host.openChild(dir, name, length, budget);
  if (typeof node === "number") return node;
  const { stat } = host;
  const isOurs =
    stat.type === type && stat.uid === host.identity.uid && (type === S_IFDIR || stat.linkCount === 1);
  const status = isOurs ? giveTo(host, node, mode, owner) : 0;
  node.decRef();
  return status;
}

/** Changes the owner of the node that `host.stat` describes, where that is asked for and possible; `host.stat` still does then. */
function giveTo(host: HostFs, node: HostNode, mode: number, owner: Owner): number {
  const { native, stat, identity, procSelfFd } = host;
  if (!identity.canChown) return 0;
  const uid = owner.uid === NOBODY_NAMED || owner.uid === stat.uid ? KEEP : owner.uid;
  const gid = owner.gid === NOBODY_NAMED || owner.gid === stat.gid ? KEEP : owner.gid;
  if (uid === KEEP && gid === KEEP) return 0;
  // The permissions are what the directory's default list has left of those that the client has asked for.
  const permissions = stat.mode & RWX;
  let status = native.fchown(node.fd, uid, gid);
  // A change of owner takes the set-id bits away, which the client has asked for.
  const hasSetId = (mode & (S_ISUID | S_ISGID)) !== 0 && node.type !== S_IFDIR && node.type !== S_IFLNK;
  if (status === 0 && hasSetId) {
    status = native.fchmod(procSelfFd, node.fd, (mode & PERMISSIONS & ~RWX) | permissions);
  }
  return status < 0 ? status : host.statNode(node);
}
