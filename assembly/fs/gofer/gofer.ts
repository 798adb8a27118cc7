// The gofer file system: a tree of the host, reached by 9P (pkg/sentry/fsimpl/gofer in gVisor).
//
//   gofer.ts         mounts it
//   filesystem.ts    one mounted tree
//   inode.ts         names and files; node.ts: what they share with open files
//   regular-file.ts, directory.ts   open files
//   handle.ts        open fids; keep-list.ts: those that are kept for the next open

import { ENOTDIR } from "../../abi/errno.ts";
import { errorOf } from "../../lib/result.ts";
import { makeRootDentry } from "../../vfs/dcache.ts";
import { GoferFilesystem } from "./filesystem.ts";
import { GoferInode } from "./inode.ts";

/**
 * Mounts the tree that connection `connection` serves: its root dentry with one reference, or an error. The root is a
 * directory or one regular file.
 *
 * `name`: what the server calls the tree. `cacheShared`: others change the tree too. `donate`: the server may send descriptors. `uid`: whose new files are.
 * `dcache`: how many names, and open handles, are kept at the most; 0: the default. Sleeps; the caller is a thread. Errors: EIO when the server is gone or does not speak 9P2000.L, and what it answers.
 */
export function mountGofer(
  connection: i32,
  readonly: bool,
  cacheShared: bool,
  donate: bool,
  uid: u32,
  dcache: u32,
  name: usize,
  nameLength: u32,
): usize {
  const fs = new GoferFilesystem(connection, readonly, cacheShared, donate, dcache);
  const client = fs.client;
  let result = client.version();
  if (result == 0) result = client.attach(uid, name, nameLength);
  if (result < 0) {
    fs.decRef();
    return errorOf(result);
  }
  fs.rootFid = client.exchange.fid;
  const inode = new GoferInode(fs, client.exchange.fid, client.exchange.attributes);
  fs.inodes.insert(inode);
  result = inode.takeAcls(client.exchange.attributes);
  // The inode and the dentry hold the file system from here on.
  fs.decRef();
  if (result < 0) {
    inode.decRef();
    return errorOf(result);
  }
  if (!inode.isDirectory && !inode.isRegular) {
    inode.decRef();
    return errorOf(-ENOTDIR);
  }
  return changetype<usize>(makeRootDentry(fs, inode));
}
