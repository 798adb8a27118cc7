// Open directories of a gofer tree, and how listings are made.
//
// Cookies
//   with a listing   0 ".", 1 "..", then 2 + the entry's position in the listing. A guest may come with any number.
//   read through     the server's own, for very large directories. "." and ".." then come where the host has them.
// When others change the tree too, each read from the start makes a listing of its own.
// Which of the two it is, is decided when a read begins at 0, and stays.

import { O_DIRECTORY, O_NOATIME, O_RDONLY } from "../../abi/fcntl.ts";
import { DT_DIR } from "../../abi/stat.ts";
import { ByteReader } from "../../lib/byte-reader.ts";
import { free } from "../../lib/ref-counted.ts";
import { errorOf, isError } from "../../lib/result.ts";
import { isDots, P9DirectoryEntry } from "../../p9/messages.ts";
import { DirectorySink } from "../../vfs/directory-sink.ts";
import { DirectoryDescription } from "../../vfs/file-description.ts";
import { isQuiet } from "./access.ts";
import { Handle } from "./handle.ts";
import { Listing, typeOf } from "./listing.ts";
import { GoferNode } from "./node.ts";

const COOKIE_DOTDOT: u64 = 1;
const COOKIE_FIRST: u64 = 2;
/** What one Treaddir of a read-through asks for. More would be thrown away by a guest's small buffer. */
const THROUGH_BYTES: u32 = 16384;
/** What a Treaddir asks for that is about the access alone: an entry of the longest name. */
const ACCESS_BYTES: u32 = 512;
const DOTS = memory.data<u8>([0x2e, 0x2e]);

@final
export class GoferDirectory extends DirectoryDescription {
  private handle: Handle | null = null;
  private listing: Listing | null = null;
  private decided: bool = false;
  /** The last cookie that was given out: known to be the start of an entry. */
  private lastCookie: u64 = 0;

  override destroy(): void {
    const handle = this.handle;
    if (handle !== null) handle.decRef();
    this.dropListing();
    super.destroy();
  }

  private get node(): GoferNode {
    return changetype<GoferNode>(this.inode);
  }

  override iterate(sink: DirectorySink, cookie: u64): i32 {
    if (cookie == 0 || !this.decided) {
      const found = findListing(this.node, isQuiet(this.mount, this.inode, this.flags));
      if (isError(found)) return <i32>found;
      this.dropListing();
      this.listing = changetype<Listing | null>(found);
      this.decided = true;
      this.lastCookie = 0;
    }
    const listing = this.listing;
    return listing === null ? this.readThrough(sink, cookie) : this.emitListing(listing, sink, cookie);
  }

  override sync(dataOnly: bool): i32 {
    const found = this.acquireHandle();
    if (isError(found)) return <i32>found;
    const handle = changetype<Handle>(found);
    const result = this.node.client.files.fsync(handle.fid, dataOnly);
    handle.decRef();
    return result;
  }

  private emitListing(listing: Listing, sink: DirectorySink, cookie: u64): i32 {
    if (cookie == 0 && !this.emitDots(sink, 1, COOKIE_DOTDOT)) return 0;
    if (cookie <= COOKIE_DOTDOT && !this.emitDots(sink, 2, COOKIE_FIRST)) return 0;
    let at: u32 = 0;
    if (cookie > COOKIE_FIRST) {
      const position = cookie - COOKIE_FIRST;
      at = cookie == this.lastCookie ? <u32>position : listing.entryFrom(position);
    }
    while (at < listing.length) {
      const next = COOKIE_FIRST + listing.after(at);
      if (
        !sink.emit(listing.nameAt(at), listing.nameLengthAt(at), listing.inoAt(at), listing.typeAt(at), next)
      )
        return 0;
      this.lastCookie = next;
      at = listing.after(at);
    }
    return 0;
  }

  /** "." for length 1, ".." for 2. */
  private emitDots(sink: DirectorySink, length: u32, next: u64): bool {
    return sink.emit(DOTS, length, this.inoOfDots(length), DT_DIR, next);
  }

  private inoOfDots(length: u32): u64 {
    const parent = this.dentry.parent;
    return length == 2 && parent !== null ? parent.file.ino : this.inode.ino;
  }

  private readThrough(sink: DirectorySink, cookie: u64): i32 {
    const found = this.acquireHandle();
    if (isError(found)) return <i32>found;
    const handle = changetype<Handle>(found);
    let result = 0;
    const reader = new ByteReader();
    const entry = new P9DirectoryEntry();
    let at = cookie;
    let more = true;
    while (more) {
      result = this.node.client.files.readdir(handle.fid, at, THROUGH_BYTES);
      if (result <= 0) break;
      reader.reset(this.node.client.exchange.data, result);
      result = 0;
      while (more && reader.remaining) {
        if (!entry.decode(reader)) {
          result = this.node.client.distrust();
          more = false;
        } else {
          more = this.emitEntry(sink, entry);
          at = entry.next;
        }
      }
    }
    if (!handle.isQuiet) this.node.noteAccess();
    handle.decRef();
    free(reader);
    free(entry);
    return result;
  }

  private emitEntry(sink: DirectorySink, entry: P9DirectoryEntry): bool {
    // Where the server's tree ends is not where ours does.
    const dots = isDots(entry.name, entry.nameLength);
    const ino = dots ? this.inoOfDots(entry.nameLength) : entry.qidPath;
    return sink.emit(entry.name, entry.nameLength, ino, typeOf(entry), entry.next);
  }

  /** A handle that moves the access time, or does not, as the description's flags say now, with a reference; or an error. */
  private acquireHandle(): usize {
    const isQuieted = isQuiet(this.mount, this.inode, this.flags);
    let handle = this.handle;
    if (handle === null || handle.isQuiet != isQuieted) {
      const opened = openDirectory(this.node, isQuieted);
      if (isError(opened)) return opened;
      // Another thread with the same description may have been faster.
      const before = this.handle;
      if (before !== null) before.decRef();
      handle = changetype<Handle>(opened);
      this.handle = handle;
    }
    handle.incRef();
    return changetype<usize>(handle);
  }

  private dropListing(): void {
    const listing = this.listing;
    if (listing !== null) listing.decRef();
    this.listing = null;
  }
}

/** `isQuiet`: reading leaves the access time alone. */
function openDirectory(node: GoferNode, isQuiet: bool): usize {
  const result = node.openFid(<u32>(O_RDONLY | O_DIRECTORY) | (isQuiet ? <u32>O_NOATIME : 0));
  if (result < 0) return errorOf(result);
  const client = node.client;
  return changetype<usize>(
    new Handle(client, client.exchange.openFid, client.exchange.descriptor, O_RDONLY, isQuiet),
  );
}

/** A read of a directory whose entries are known here moves the access time at the server's host. Where that fails it stays. */
export function accessDirectory(node: GoferNode): void {
  const opened = openDirectory(node, false);
  if (isError(opened)) return;
  const handle = changetype<Handle>(opened);
  node.client.files.readdir(handle.fid, 0, ACCESS_BYTES);
  node.noteAccess();
  handle.decRef();
}

/** The directory's listing with a reference, kept or new; 0 when it is to be read through; or an error. */
function findListing(node: GoferNode, isQuiet: bool): usize {
  const keeps = !node.gofer.isShared;
  const slot = node.slot;
  if (keeps && slot !== null && slot.value !== null) {
    const kept = changetype<Listing>(changetype<usize>(slot.value));
    node.gofer.listings.touch(slot);
    kept.incRef();
    return changetype<usize>(kept);
  }
  const before = node.changes;
  const opened = openDirectory(node, isQuiet);
  if (isError(opened)) return opened;
  const handle = changetype<Handle>(opened);
  const listing = new Listing(node.gofer.listingBudget);
  const result = fill(node, handle.fid, listing);
  handle.decRef();
  const isTrue = node.changes == before;
  if (!isQuiet) node.noteAccess();
  if (result <= 0) {
    listing.decRef();
    return errorOf(result);
  }
  // What changed meanwhile may be missing: good enough for whoever began to read before, not for the next.
  if (keeps && isTrue) node.gofer.listings.put(node.needSlot(), listing, listing.cost);
  return changetype<usize>(listing);
}

/** Reads the whole directory: 1, or 0 when it is too large for a listing, or -errno. */
function fill(node: GoferNode, fid: u32, listing: Listing): i32 {
  const reader = new ByteReader();
  const entry = new P9DirectoryEntry();
  const client = node.client;
  let cookie: u64 = 0;
  let result = 0;
  while (true) {
    result = client.files.readdir(fid, cookie, u32.MAX_VALUE);
    if (result <= 0) {
      if (result == 0) result = 1;
      break;
    }
    reader.reset(client.exchange.data, result);
    result = take(reader, entry, listing);
    if (result < 0) result = client.distrust();
    if (result <= 0) break;
    cookie = entry.next;
  }
  free(reader);
  free(entry);
  return result;
}

/** The entries of one answer: 1, or 0 when the listing is full, or -1 when they are malformed. */
function take(reader: ByteReader, entry: P9DirectoryEntry, listing: Listing): i32 {
  while (reader.remaining) {
    if (!entry.decode(reader)) return -1;
    if (!isDots(entry.name, entry.nameLength) && !listing.add(entry)) return 0;
  }
  return 1;
}
