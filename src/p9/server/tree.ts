// What a server serves: one tree of files for one connection, behind the calls that the messages come down to.
//
// Convention
//   Integers in, one integer out: `>= 0` is the result, `< 0` is `-errno`. No call throws.
//   Names and data lie in `memory`: a `name` is the offset of 1 to 255 bytes that are no slash, not "." and not "..", with a
//   NUL behind them. Offsets and sizes have 64 bits (Wide), offsets and lengths of files 63: the handlers see to that. Protocol, fids, read-only trees and whatever a message alone can tell is checked by the handlers.
//   A call marked (fills) leaves a file's attributes in the tree, for putQid() and putAttributes(), until the next such call.
//
// Ownership
//   A node that is returned has a reference for the caller. A handle is a number that stands for an open file until close().

import type { Wide } from "../../common/wide.ts";
import type { Calls } from "./call.ts";
import type { Encoder } from "./encoder.ts";
import type { Memory } from "./memory.ts";
import type { TreeNode } from "./tree-node.ts";

/**
 * Some calls may say this (EIOCBQUEUED of linux/errno.h): the call goes on elsewhere, and whoever asked answers nothing else until it is
 * told how it ended.
 */
export const UNDER_WAY = -529;

/** Whose a new file is to be; P9_NONUNAME for either leaves it open. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

export interface CreatedFile {
  readonly node: TreeNode;
  readonly handle: number;
}

/** An open directory, and the cookie where its handle stands, as two halves: cookies use all 64 bits. */
export interface DirectoryStream {
  readonly node: TreeNode;
  readonly handle: number;
  cookieLow: number;
  cookieHigh: number;
}

/** Where Tsetattr's changes go: the file, and its handle when the fid is open (else -1). */
export interface ChangedFile {
  readonly node: TreeNode;
  readonly handle: number;
  /** The access mode of the handle. */
  readonly access: number;
}

/** Tsetattr's fields; `valid` says which count (P9_SETATTR_*). */
export interface Changes {
  readonly valid: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: Wide;
  readonly atimeSeconds: number;
  readonly atimeNanoseconds: number;
  readonly mtimeSeconds: number;
  readonly mtimeNanoseconds: number;
}

export interface Tree {
  readonly memory: Memory;
  /** A directory, or one regular file. Preconditions: somebody has attached. */
  readonly root: TreeNode;
  /** Nothing that changes the tree is let through. */
  readonly readonly: boolean;
  /** Handles of regular files are descriptors that may go to the client. */
  readonly donates: boolean;

  /** Where files may answer later: the requests under way. Such a tree's calls can be given up for a while (call.ts). */
  readonly calls?: Calls;

  /** (fills) The root. */
  attach(): TreeNode | number;
  /** The connection has ended, and its fids are gone. */
  disconnect(): void;

  // ---- what a file is
  /** (fills) */
  getattr(node: TreeNode): number;
  /** Writes qid[13]. */
  putQid(reply: Encoder): void;
  /** Writes Rgetattr's body, P9_ATTR_SIZE bytes. */
  putAttributes(reply: Encoder): void;
  /**
   * Appends the access control lists of a file whose attributes were put just now (P9_GETATTR_ACLS), up to `limit` of the memory.
   * -EOPNOTSUPP where there is no such thing, -EMSGSIZE when they do not fit.
   */
  putAcls(node: TreeNode, reply: Encoder, limit: number): number;
  /** Writes Rstatfs' body. */
  statfs(node: TreeNode, reply: Encoder): number;
  /** The length of a symlink's target, which is written to `to`; cut to `capacity`. */
  readlink(node: TreeNode, to: number, capacity: number): number;
  /** (fills) */
  lookup(dir: TreeNode, name: number, length: number): TreeNode | number;
  /** Whether the entry at `name`, which is the node's name in its parent, still is this file. */
  isStillAt(node: TreeNode, name: number): boolean;

  // ---- open files
  /** (fills) Opens the file itself, wherever its names have gone. Errors: EINVAL, ELOOP, ENXIO, EISDIR, ENOTDIR. */
  open(node: TreeNode, flags: number): number;
  /** A connection to the host's process behind a socket, of a type that connect(2) names. Its descriptor goes to the client. */
  connect(node: TreeNode, type: number): number;
  close(handle: number): void;
  /** Reads up to `count` bytes to `to`. */
  read(handle: number, to: number, count: number, offset: Wide): number;
  write(handle: number, from: number, count: number, offset: Wide): number;
  /** Or UNDER_WAY. */
  fsync(handle: number, dataOnly: boolean): number;
  /**
   * Appends the entries behind a cookie (0: all) as Rreaddir has them, up to `limit` of the memory; "." and ".." are among
   * them. Returns 0, or why it stopped before the end: -EINVAL when the next one does not fit.
   */
  readdir(
    stream: DirectoryStream,
    cookieLow: number,
    cookieHigh: number,
    reply: Encoder,
    limit: number,
  ): number;
  /** Or UNDER_WAY. */
  allocate(handle: number, mode: number, offset: Wide, length: Wide): number;
  /** lseek(2) with SEEK_DATA or SEEK_HOLE. */
  seek(handle: number, offset: Wide, whence: number): Wide;
  copyRange(from: number, fromOffset: Wide, to: number, toOffset: Wide, length: Wide): number;

  // ---- changes
  setattr(file: ChangedFile, changes: Changes): number;
  /** (fills) Makes and opens a regular file; without O_EXCL one that exists is opened. */
  create(
    dir: TreeNode,
    name: number,
    length: number,
    flags: number,
    mode: number,
    owner: Owner,
  ): CreatedFile | number;
  /** (fills) A regular file without a name. EOPNOTSUPP where there is no such thing. */
  createUnnamed(dir: TreeNode, mode: number, owner: Owner): TreeNode | number;
  /** (fills) */
  mkdir(dir: TreeNode, name: number, length: number, mode: number, owner: Owner): number;
  /** (fills) The target, of `targetLength` bytes, is at PATH. */
  symlink(dir: TreeNode, name: number, length: number, targetLength: number, owner: Owner): number;
  /** (fills) A regular file, FIFO, socket, or the character device 0:0 of a whiteout. */
  mknod(dir: TreeNode, name: number, length: number, mode: number, owner: Owner): number;
  /** A second name for the file of `node`. */
  link(node: TreeNode, dir: TreeNode, name: number, length: number): number;
  /** renameat2(2). Nodes are told by the caller. */
  rename(
    from: TreeNode,
    name: number,
    length: number,
    to: TreeNode,
    newName: number,
    newLength: number,
    flags: number,
  ): number;
  /** `flags`: AT_REMOVEDIR or 0. */
  unlink(dir: TreeNode, name: number, length: number, flags: number): number;

  // ---- extended attributes. The name, of `length` bytes, is at NAME_A; a value is at XATTR.
  /** 0 when there can be an attribute of this name, else what is wrong with it. */
  checkXattrName(length: number): number;
  getxattr(node: TreeNode, length: number): number;
  /** All names, each with its NUL. */
  listxattr(node: TreeNode): number;
  /** `flags`: XATTR_CREATE, XATTR_REPLACE or 0. */
  setxattr(node: TreeNode, length: number, size: number, flags: number): number;
  removexattr(node: TreeNode, length: number): number;

  // ---- locks of byte ranges. Length 0 reaches to the end of any file.
  /** A handle that stands for one owner of locks on one file. `access` is that of the fid which asks. */
  openLock(node: TreeNode, access: number): number;
  /** -EAGAIN when another's lock is in the way. */
  setLock(handle: number, type: number, start: Wide, length: Wide): number;
  /** Writes type[1] start[8] length[8] of the first lock in the way of the handle's owner; else of P9_LOCK_TYPE_UNLCK. */
  getLock(handle: number, type: number, start: Wide, length: Wide, reply: Encoder): number;
}
