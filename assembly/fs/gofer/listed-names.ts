// Names that a listing has told, looked up many at a time.
//
// Who reads a directory and then asks about its entries one by one (`ls -l`, find, du, tar) goes through them in the listing's
// order. Where a lookup is for the entry that this makes the next one, those behind it are asked for as well, in one round trip:
// 16 at first, then 32, then 64. What the cache has already is not asked for.
//
// Only where nobody else changes the tree: else each name is asked for again anyway. The directory's lock is held all the while, so
// that no name in it comes or goes.

import { memoryIsShort } from "mm/page";
import { EIO, ENOENT } from "../../abi/errno.ts";
import { P9_NAMES_MAX } from "../../abi/p9.ts";
import { equal } from "../../lib/bytes.ts";
import { NAME_COST } from "../../p9/paths.ts";
import { findDentry, hashDentry, hashName, makeDentry } from "../../vfs/dcache.ts";
import { Dentry } from "../../vfs/dentry.ts";
import { GoferFilesystem } from "./filesystem.ts";
import { Listing } from "./listing.ts";
import { GoferNode, isShortage } from "./node.ts";

/** The name is not one of these: it is to be looked up in the ordinary way. */
export const NOT_LISTED: i32 = 1;

/** Of the names in one request, so that a small cache is not filled with what nobody may want. */
const CACHE_SHARE: u32 = 8;

/** Looks up `child` in its directory, and what follows it there: 0, -errno, or NOT_LISTED. */
export function lookupListed(directory: GoferNode, child: Dentry): i32 {
  const fs = directory.gofer;
  const slot = directory.slot;
  if (slot === null || slot.value === null || fs.isShared || !fs.client.isExtended) return NOT_LISTED;
  const listing = changetype<Listing>(changetype<usize>(slot.value));
  const limit = min(min(listing.batch, <u32>P9_NAMES_MAX), fs.dentryMax / CACHE_SHARE);
  if (limit < 2 || memoryIsShort() || !isExpected(listing, child)) return NOT_LISTED;
  if (fs.client.paths.begin() < 0) return NOT_LISTED;
  const count = collect(fs, listing, child, limit);
  if (count < 2) {
    fs.client.paths.end();
    return NOT_LISTED;
  }
  listing.batch <<= 1;
  listing.incRef();
  const result = ask(directory, listing, child, count);
  listing.decRef();
  return result;
}

/** Whether `child` is the next entry, those that the cache has passed over. */
function isExpected(listing: Listing, child: Dentry): bool {
  const parent = changetype<Dentry>(changetype<usize>(child.parent));
  while (listing.expected < listing.length) {
    const at = listing.expected;
    const name = listing.nameAt(at);
    const length = listing.nameLengthAt(at);
    if (length == child.nameLength && equal(name, child.name, length)) return true;
    if (findDentry(parent, name, length, hashName(parent, name, length)) === null) return false;
    listing.expected = listing.after(at);
  }
  return false;
}

/** Notes the places of up to `limit` entries that the cache does not have, `child` first, in `fs.listed`. Returns how many. */
function collect(fs: GoferFilesystem, listing: Listing, child: Dentry, limit: u32): u32 {
  const parent = changetype<Dentry>(changetype<usize>(child.parent));
  let room = <i32>fs.client.paths.namesRoom;
  let count: u32 = 0;
  let at = listing.expected;
  while (count < limit && at < listing.length) {
    const name = listing.nameAt(at);
    const length = listing.nameLengthAt(at);
    room -= length + NAME_COST;
    if (room < 0) break;
    if (count == 0 || findDentry(parent, name, length, hashName(parent, name, length)) === null)
      fs.listed[count++] = at;
    at = listing.after(at);
  }
  return count;
}

function ask(directory: GoferNode, listing: Listing, child: Dentry, count: u32): i32 {
  const fs = directory.gofer;
  const client = fs.client;
  if (client.paths.startNames(directory.fid, count) < 0) return NOT_LISTED;
  for (let i: u32 = 0; i < count; i++) {
    const at = fs.listed[i];
    client.paths.putName(listing.nameAt(at), listing.nameLengthAt(at));
  }
  const answered = client.paths.finishNames(count);
  if (answered < 0) return isShortage(answered) ? NOT_LISTED : answered;
  const result = take(directory, listing, child, answered);
  client.paths.dropFids();
  return client.isBroken ? -EIO : result;
}

/** Puts what came into the cache. Does not sleep. */
function take(directory: GoferNode, listing: Listing, child: Dentry, answered: u32): i32 {
  const fs = directory.gofer;
  const client = fs.client;
  const parent = changetype<Dentry>(changetype<usize>(child.parent));
  let result = 0;
  for (let i: u32 = 0; i < answered; i++) {
    const at = fs.listed[i];
    listing.expected = listing.after(at);
    const status = client.paths.nextAnswer(i + 1 == answered);
    if (client.isBroken) return -EIO;
    if (status < 0) {
      client.paths.forgetFid();
      // A name that has gone is negative; one that cannot be told now is asked for again.
      if (i == 0 && status != -ENOENT) result = isShortage(status) ? NOT_LISTED : status;
    } else if (i == 0) {
      result = directory.adopt(child, client.paths.takeFid());
    } else {
      addName(directory, parent, listing, at);
    }
  }
  return result;
}

function addName(directory: GoferNode, parent: Dentry, listing: Listing, at: u32): void {
  const name = listing.nameAt(at);
  const length = listing.nameLengthAt(at);
  const dentry = makeDentry(parent, name, length, hashName(parent, name, length));
  if (directory.adopt(dentry, directory.client.paths.takeFid()) == 0) hashDentry(dentry);
  dentry.decRef();
}
