// All names of a path in one round trip.
//
// The names that the cache knows come first and are only asked about (where others change the tree; else none are sent); the
// others get a fid each. What comes back is put into the cache, from the front, for as long as it is beyond doubt:
//
//   known, the same file      its attributes are followed, and the name is true for this system call
//   known, another file       the name leaves the cache; the walk, when it comes there, asks in the ordinary way
//   unknown                   a new dentry, as by lookup(). Not while somebody holds the directory's lock, or when anything was
//                             changed here since the request went out: the answer may be older than the change
//   the first missing one     a negative dentry
//
// Whatever is not put into the cache is looked up by the walk itself, so that nothing here is an error.

import { memoryIsCritical } from "mm/page";
import { ENOENT } from "../../abi/errno.ts";
import { P9_MAXWELEM } from "../../abi/p9.ts";
import { S_IFMT } from "../../abi/stat.ts";
import { countNames } from "../../p9/path-names.ts";
import { currentThread } from "../../sched/thread.ts";
import { findDentry, hashDentry, hashName, makeDentry, unhashDentry } from "../../vfs/dcache.ts";
import { Dentry } from "../../vfs/dentry.ts";
import { GoferFilesystem } from "./filesystem.ts";
import { GoferNode, isShortage } from "./node.ts";

export function lookupPath(directory: Dentry, path: usize, end: usize): void {
  const node = changetype<GoferNode>(directory.file);
  const fs = node.gofer;
  const client = fs.client;
  if (!client.isExtended || memoryIsCritical() || client.paths.begin() < 0) return;
  const known = noteKnown(fs, directory, path, end);
  const count = fs.pathEnds ? known : countNames(fs.names, path, end);
  if (count < 2) {
    client.paths.end();
    return;
  }
  const before = fs.changes;
  const result = client.paths.walk(node.fid, path, end, known, count);
  if (isShortage(result)) fs.reclaim();
  if (result < 0) return;
  takePath(fs, directory, path, end, known, before);
  client.paths.dropFids();
}

/**
 * How many names at the front the cache knows, with what their inodes have gone through so far. `pathEnds`: the server has
 * nothing to say about those behind them.
 */
function noteKnown(fs: GoferFilesystem, directory: Dentry, path: usize, end: usize): u32 {
  const names = fs.names;
  let parent = directory;
  let known: u32 = 0;
  fs.pathEnds = false;
  names.reset(path, end);
  while (known < <u32>P9_MAXWELEM && names.next()) {
    const child = findDentry(parent, names.name, names.length, hashName(parent, names.name, names.length));
    if (child === null) return known;
    if (child.mounts || (!child.isNegative && child.file.fs !== fs)) {
      fs.pathEnds = true;
      return known;
    }
    fs.changesBefore[known++] = child.isNegative ? 0 : changetype<GoferNode>(child.file).changes;
    if (!child.isDirectory) {
      fs.pathEnds = true;
      return known;
    }
    parent = child;
  }
  return known;
}

/** Puts what walkPath() found into the cache. Does not sleep. */
function takePath(
  fs: GoferFilesystem,
  directory: Dentry,
  path: usize,
  end: usize,
  known: u32,
  changes: u64,
): void {
  const client = fs.client;
  const names = fs.names;
  const call = currentThread().callNumber();
  let parent = directory;
  parent.incRef();
  names.reset(path, end);
  for (let i: u32 = 0; i < client.paths.walked && parent.isDirectory; i++) {
    names.next();
    if (!client.paths.nextAttributes()) break;
    const hash = hashName(parent, names.name, names.length);
    let child = findDentry(parent, names.name, names.length, hash);
    if (i < known) {
      if (child === null || !confirm(child, fs.changesBefore[i])) break;
      child.incRef();
    } else {
      if (child !== null || !isCertain(fs, parent, changes)) break;
      child = makeDentry(parent, names.name, names.length, hash);
      if (changetype<GoferNode>(parent.file).adopt(child, client.paths.takeFid()) < 0) {
        child.decRef();
        break;
      }
      hashDentry(child);
    }
    child.trueIn = call;
    parent.decRef();
    parent = child;
    if (i + 1 == client.paths.walked && client.paths.walkStatus == -ENOENT && child.isDirectory) {
      names.next();
      takeMissing(fs, child, changes, call);
    }
  }
  if (client.paths.walked == 0 && client.paths.walkStatus == -ENOENT) {
    names.next();
    takeMissing(fs, directory, changes, call);
  }
  parent.decRef();
}

/** Whether a name still is the file that the client's attributes describe. If not, it leaves the cache. */
function confirm(child: Dentry, changesBefore: u32): bool {
  const inode = changetype<GoferNode | null>(child.inode);
  if (inode === null) {
    dropName(child);
    return false;
  }
  const a = inode.client.exchange.attributes;
  if (inode.ino == a.qidPath && inode.type == (a.mode & <u32>S_IFMT))
    return inode.follow(a, changesBefore) == 0;
  dropName(child);
  return false;
}

/** The server has no file of the name that `fs.names` stands at. */
function takeMissing(fs: GoferFilesystem, directory: Dentry, changes: u64, call: u64): void {
  if (!isCertain(fs, directory, changes)) return;
  const names = fs.names;
  const hash = hashName(directory, names.name, names.length);
  const known = findDentry(directory, names.name, names.length, hash);
  if (known !== null && known.isNegative) {
    known.trueIn = call;
    return;
  }
  if (known !== null) {
    if (known.mounts) return;
    unhashDentry(known);
  }
  const negative = makeDentry(directory, names.name, names.length, hash);
  hashDentry(negative);
  negative.trueIn = call;
  negative.decRef();
}

/** Whether an answer about names of `directory` is younger than every change that was made here. */
function isCertain(fs: GoferFilesystem, directory: Dentry, changes: u64): bool {
  const inode = directory.file;
  return fs.changes == changes && !inode.dead && !inode.lock.isHeld;
}

function dropName(child: Dentry): void {
  // What a mount covers stays, and a directory's lock means that somebody works on its names.
  const parent = child.parent;
  if (!child.mounts && parent !== null && !parent.file.lock.isHeld) unhashDentry(child);
}
