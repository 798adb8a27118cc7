// What a merged directory shows, collected when a listing of it begins: names of all its layers, each once.
//
//   chunk    a page: +0 next chunk   +4 bytes used   +8 index of its first record   +16 records
//   record   +0 ino   +8 hash   +12 name length (u16)   +14 type (u8)   +15 flags (u8)   +16 name, padded to 8 bytes
//
// Guests choose how many there are, so all of it is data pages, and running out of them is ENOMEM. The hash table that finds
// names met before is there only while layers are added.

import { allocDataPages, freePages, PAGE_SIZE } from "mm/page";
import { ENOMEM, ENOTEMPTY } from "../../abi/errno.ts";
import { O_DIRECTORY, O_LARGEFILE, O_NOATIME, O_RDONLY } from "../../abi/fcntl.ts";
import { DT_CHR, DT_DIR, DT_REG, DT_UNKNOWN } from "../../abi/stat.ts";
import { equal, hashBytes } from "../../lib/bytes.ts";
import { free } from "../../lib/ref-counted.ts";
import { isError } from "../../lib/result.ts";
import { pause } from "../../sched/pause.ts";
import { Dentry } from "../../vfs/dentry.ts";
import { DirectorySink } from "../../vfs/directory-sink.ts";
import { FileDescription } from "../../vfs/file-description.ts";
import { lookupOne } from "../../vfs/lookup.ts";
import { EntryBuffer } from "./entry-buffer.ts";
import { findInLayer } from "./layer.ts";
import { OverlayNode } from "./node.ts";
import { isOciName, OCI_PREFIX_LENGTH } from "./oci.ts";
import { isImpure, OPAQUE, OPAQUE_XWHITEOUTS, opaqueOf, whiteoutKind } from "./own-xattrs.ts";
import { isWorkName } from "./work.ts";

const CHUNK_HEADER: u32 = 16;
const RECORD_HEADER: u32 = 16;
/** 2^10 pages hold a table of 2^20 slots. */
const TABLE_ORDER_MAX: u32 = 10;

/** The record hides a name. */
const HIDDEN: u8 = 1;
/** A directory of the upper layer which the next layer's directory of that name would merge with. */
const MERGES: u8 = 2;

/** Cookies: 0 and 1 are "." and "..", then the records in order. */
const FIRST_COOKIE: u64 = 2;
const DOTS: usize = memory.data<u8>([0x2e, 0x2e]);

/** Whether what a layer's entry is can only be told by looking at it; `xwhiteouts`: the directory may have whiteouts by attribute. */
export function mayBeWhiteout(type: u32, xwhiteouts: bool): bool {
  return type == <u32>DT_CHR || type == <u32>DT_UNKNOWN || (xwhiteouts && type == <u32>DT_REG);
}

/** Whether a layer's name is a whiteout, or gone: 1 or 0, or -errno. */
export function isHiddenName(dir: Dentry, name: usize, length: u32): i32 {
  const found = findInLayer(dir, name, length);
  if (isError(found)) return <i32>found;
  if (!found) return 1;
  const dentry = changetype<Dentry>(found);
  const hidden = whiteoutKind(dentry.file);
  dentry.decRef();
  return hidden;
}

/**
 * The number that a name of an overlay's directory has there, which a copy's origin or a merged directory decides; `otherwise` when
 * the name is gone since.
 */
export function shownIno(node: OverlayNode, name: usize, length: u32, otherwise: u64): u64 {
  const found = lookupOne(node.name, name, length);
  if (isError(found)) return otherwise;
  const dentry = changetype<Dentry>(found);
  const ino = dentry.isNegative ? otherwise : dentry.file.ino;
  dentry.decRef();
  return ino;
}

/** Whether the upper directory of a name hides what is below it: 1 or 0, or -errno. */
function isOpaqueName(node: OverlayNode, name: usize, length: u32): i32 {
  const upper = node.upper;
  const found: usize = upper === null ? <usize>0 : findInLayer(upper, name, length);
  if (isError(found)) return <i32>found;
  if (!found) return 1;
  const dentry = changetype<Dentry>(found);
  const opaque = opaqueOf(dentry.file);
  dentry.decRef();
  return opaque < 0 ? opaque : opaque == OPAQUE ? 1 : 0;
}

@final
export class Listing {
  /** How many names are shown. */
  shown: u32 = 0;
  private count: u32 = 0;
  private head: usize = 0;
  private tail: usize = 0;
  private table: usize = 0;
  private tableOrder: u32 = 0;
  // Of the layer that is being added: it may have whiteouts by attribute, copies, and OCI whiteouts were met.
  private xwhiteouts: bool = false;
  private impure: bool = false;
  private ociWhiteouts: bool = false;
  // Where the last emitted record was: the next run goes on from here.
  private hintChunk: usize = 0;

  /** Collects the names of `node`; `emptyOnly` stops at the first. May sleep. */
  build(node: OverlayNode, emptyOnly: bool): i32 {
    const upper = node.upper;
    this.table = allocDataPages(0);
    if (!this.table) return -ENOMEM;
    memory.fill(this.table, 0, PAGE_SIZE);
    const buffer = new EntryBuffer();
    let result = 0;
    if (upper !== null) result = this.addLayer(node, upper, 0, buffer, emptyOnly);
    for (let i: u32 = 0; i < node.lowerCount && result == 0 && !(emptyOnly && this.shown); i++) {
      result = this.addLayer(node, node.lower(i), node.layerOfLower(i), buffer, emptyOnly);
    }
    buffer.destroy();
    freePages(this.table);
    this.table = 0;
    return result;
  }

  destroy(): void {
    let chunk = this.head;
    while (chunk) {
      const next = <usize>load<u32>(chunk);
      freePages(chunk);
      chunk = next;
    }
    free(this);
  }

  private addLayer(node: OverlayNode, dir: Dentry, layer: u32, buffer: EntryBuffer, emptyOnly: bool): i32 {
    const marks = layer ? opaqueOf(dir.file) : isImpure(dir.file);
    if (marks < 0) return marks;
    this.xwhiteouts = layer != 0 && marks == OPAQUE_XWHITEOUTS;
    // Only a listing that is shown needs numbers.
    this.impure = layer == 0 && marks != 0 && !emptyOnly;
    this.ociWhiteouts = false;
    let result = this.readLayer(node, dir, layer, buffer, emptyOnly, false);
    // What the layer has itself was to come first.
    if (result == 0 && this.ociWhiteouts) result = this.readLayer(node, dir, layer, buffer, emptyOnly, true);
    return result;
  }

  /** Adds the layer's names, or with `hidden` those that its OCI whiteouts hide. */
  private readLayer(
    node: OverlayNode,
    dir: Dentry,
    layer: u32,
    buffer: EntryBuffer,
    emptyOnly: bool,
    hidden: bool,
  ): i32 {
    const mount = node.overlayFs.mountOf(layer);
    const flags = <u32>O_RDONLY | <u32>O_DIRECTORY | <u32>O_LARGEFILE | <u32>O_NOATIME;
    const opened = dir.file.open(changetype<usize>(mount), dir, flags);
    if (isError(opened)) return <i32>opened;
    const description = changetype<FileDescription>(opened);
    let cookie: u64 = 0;
    let result = buffer.fill(description, cookie);
    while (result == 0 && !buffer.isEmpty && !(emptyOnly && this.shown)) {
      while (result == 0 && buffer.next()) {
        cookie = buffer.cookie;
        if (buffer.isDots) continue;
        const oci = layer != 0 && isOciName(buffer.name, buffer.nameLength);
        if (oci) this.ociWhiteouts = true;
        if (hidden && oci) result = this.addHidden(buffer);
        else if (!hidden && !oci) result = this.addEntry(node, dir, layer, buffer);
      }
      // Names that collide in the table are looked for one by one.
      if (result == 0) result = pause();
      if (result == 0) result = buffer.fill(description, cookie);
    }
    description.decRef();
    return result;
  }

  private addEntry(node: OverlayNode, dir: Dentry, layer: u32, entry: EntryBuffer): i32 {
    const isUpper = layer == 0;
    const type = entry.type;
    if (isUpper && node.overlayFs.work === null && isWorkName(entry.name, entry.nameLength)) return 0;
    let ino = node.overlayFs.inoOf(layer, entry.ino);
    const hash = hashBytes(entry.name, entry.nameLength, 0);
    const met = this.find(entry.name, entry.nameLength, hash);
    if (met) {
      const flags = load<u8>(met, 15);
      if (!(flags & MERGES)) return 0;
      store<u8>(met, flags & ~MERGES, 15);
      const hides = type == <u32>DT_DIR ? isOpaqueName(node, entry.name, entry.nameLength) : 1;
      if (hides == 0) store<u64>(met, ino);
      return min(hides, 0);
    }
    let flags: u8 = 0;
    if (mayBeWhiteout(type, this.xwhiteouts)) {
      const hidden = isHiddenName(dir, entry.name, entry.nameLength);
      if (hidden < 0) return hidden;
      if (hidden) flags = HIDDEN;
    }
    if (isUpper && !flags) {
      if (this.impure) ino = shownIno(node, entry.name, entry.nameLength, ino);
      else if (type == <u32>DT_DIR) flags = MERGES;
    }
    return this.add(entry.name, entry.nameLength, type, hash, ino, flags);
  }

  /** What an OCI whiteout hides of the layers below, unless a layer down to its own has it. */
  private addHidden(entry: EntryBuffer): i32 {
    const name = entry.name + OCI_PREFIX_LENGTH;
    const length = entry.nameLength - OCI_PREFIX_LENGTH;
    const hash = hashBytes(name, length, 0);
    if (length == 0 || this.find(name, length, hash)) return 0;
    return this.add(name, length, <u32>DT_UNKNOWN, hash, 0, HIDDEN);
  }

  private add(name: usize, length: u32, type: u32, hash: u32, ino: u64, flags: u8): i32 {
    if (this.count + (this.count >> 1) >= this.slots && !this.growTable()) return -ENOMEM;
    const size = (RECORD_HEADER + length + 7) & ~7;
    let chunk = this.tail;
    if (!chunk || load<u32>(chunk, 4) + size > PAGE_SIZE) {
      chunk = allocDataPages(0);
      if (!chunk) return -ENOMEM;
      store<u32>(chunk, 0);
      store<u32>(chunk, CHUNK_HEADER, 4);
      store<u32>(chunk, this.count, 8);
      if (this.tail) store<u32>(this.tail, <u32>chunk);
      else this.head = chunk;
      this.tail = chunk;
    }
    const used = load<u32>(chunk, 4);
    const record = chunk + used;
    store<u64>(record, ino);
    store<u32>(record, hash, 8);
    store<u16>(record, <u16>length, 12);
    store<u8>(record, <u8>type, 14);
    store<u8>(record, flags, 15);
    memory.copy(record + RECORD_HEADER, name, length);
    store<u32>(chunk, used + size, 4);
    this.insert(record, hash);
    this.count++;
    if (!(flags & HIDDEN)) this.shown++;
    return 0;
  }

  private get slots(): u32 {
    return 1024 << this.tableOrder;
  }

  private slot(index: u32): usize {
    return this.table + ((<usize>(index & (this.slots - 1))) << 2);
  }

  private find(name: usize, length: u32, hash: u32): usize {
    let i = hash;
    let record = <usize>load<u32>(this.slot(i));
    while (record) {
      const same = load<u32>(record, 8) == hash && load<u16>(record, 12) == length;
      if (same && equal(record + RECORD_HEADER, name, length)) return record;
      record = <usize>load<u32>(this.slot(++i));
    }
    return 0;
  }

  private insert(record: usize, hash: u32): void {
    let i = hash;
    while (load<u32>(this.slot(i))) i++;
    store<u32>(this.slot(i), <u32>record);
  }

  private growTable(): bool {
    const before = this.table;
    const slots = this.slots;
    if (this.tableOrder == TABLE_ORDER_MAX) return false;
    const larger = allocDataPages(this.tableOrder + 1);
    if (!larger) return false;
    this.tableOrder++;
    memory.fill(larger, 0, (<usize>this.slots) << 2);
    this.table = larger;
    for (let i: u32 = 0; i < slots; i++) {
      const record = <usize>load<u32>(before + ((<usize>i) << 2));
      if (record) this.insert(record, load<u32>(record, 8));
    }
    freePages(before);
    return true;
  }

  /** Gives the entries from `cookie` on to `sink`; `ino` and `parentIno` are those of "." and "..". */
  emit(sink: DirectorySink, cookie: u64, ino: u64, parentIno: u64): void {
    if (cookie == 0 && !sink.emit(DOTS, 1, ino, <u32>DT_DIR, 1)) return;
    if (cookie <= 1 && !sink.emit(DOTS, 2, parentIno, <u32>DT_DIR, FIRST_COOKIE)) return;
    const first = cookie > FIRST_COOKIE ? cookie - FIRST_COOKIE : 0;
    if (first >= <u64>this.count) return;
    let chunk = this.chunkOf(<u32>first);
    let index = load<u32>(chunk, 8);
    while (chunk) {
      this.hintChunk = chunk;
      const end = chunk + load<u32>(chunk, 4);
      let record = chunk + CHUNK_HEADER;
      while (record < end) {
        const length = <u32>load<u16>(record, 12);
        if (index >= <u32>first && !(load<u8>(record, 15) & HIDDEN)) {
          const name = record + RECORD_HEADER;
          if (!sink.emit(name, length, load<u64>(record), load<u8>(record, 14), FIRST_COOKIE + index + 1))
            return;
        }
        index++;
        record += (RECORD_HEADER + length + 7) & ~7;
      }
      chunk = <usize>load<u32>(chunk);
    }
  }

  /** The chunk that holds record `index`, which there is. */
  private chunkOf(index: u32): usize {
    let chunk = this.hintChunk;
    if (!chunk || load<u32>(chunk, 8) > index) chunk = this.head;
    while (true) {
      const next = <usize>load<u32>(chunk);
      if (!next || load<u32>(next, 8) > index) return chunk;
      chunk = next;
    }
  }
}

/** Whether a directory shows nothing: 0, -ENOTEMPTY, or what its layers give. */
export function checkEmpty(node: OverlayNode): i32 {
  const listing = new Listing();
  let result = listing.build(node, true);
  if (result == 0 && listing.shown) result = -ENOTEMPTY;
  listing.destroy();
  return result;
}
