// Where the directory part of a path led: a small cache of each task's walks, so that a warm path costs one comparison and the
// lookup of its last name, however deep it is (Linux has none; its walk of five names costs what five names cost).
//
// An entry says: from that mount and dentry, this text leads to that directory. It is true for as long as nothing of what the
// walk looked at has changed, and one number tells that for the whole kernel: the tree generation. Everything that could lead
// a walk elsewhere, or forbid it, moves it on: a directory dentry that leaves the dentry cache, moves or ends, a mount that
// comes or goes, a directory's owner, mode or access list, other credentials. Files and other names do not, so that programs
// which make and remove files keep their entries.
//
// Not kept: walks through symbolic links or "..", whose meaning is a matter of flags and of access times, and through file
// systems whose names are asked for again each time.
//
// Entries hold no references: a dentry or mount that ends moves the generation on before its memory can be another's.

import { Credentials } from "../auth/credentials.ts";
import { copyBytes, equal } from "../lib/bytes.ts";
import { Dentry } from "./dentry.ts";
import { Mount } from "./mount.ts";
import { treeGeneration } from "./tree-generation.ts";

const ENTRIES_SHIFT: u64 = 6;
const ENTRIES: u32 = 64;
/** Longer texts are walked. */
const TEXT_MAX: u32 = 88;

/** One entry; its text follows. */
@unmanaged
@final
class Entry {
  /** 0: never used. */
  generation: u64;
  startMount: usize;
  startDentry: usize;
  mount: usize;
  dentry: usize;
  length: u32;
  unused: u32;
}

const TEXT: usize = 32;
const ENTRY: usize = 120;

@final
export class PathCache {
  private readonly entries: usize = heap.alloc(ENTRY * ENTRIES);
  /** Whom the entries are true for, with a reference. */
  private cred: Credentials | null = null;
  /** Where the last find() looked. */
  private entry: Entry = changetype<Entry>(0);

  constructor() {
    memory.fill(this.entries, 0, ENTRY * ENTRIES);
  }

  destroy(): void {
    heap.free(this.entries);
    const cred = this.cred;
    if (cred !== null) cred.decRef();
  }

  /** Entries are for one set of credentials: with others they go. */
  useFor(cred: Credentials): void {
    const before = this.cred;
    if (before === cred) return;
    cred.incRef();
    this.cred = cred;
    memory.fill(this.entries, 0, ENTRY * ENTRIES);
    if (before !== null) before.decRef();
  }

  /** The entry of a text whose end is known, as an address for mountOf() and dentryOf(); or 0. */
  find(startMount: Mount, startDentry: Dentry, text: usize, length: u32): usize {
    if (length > TEXT_MAX) return 0;
    const entry = this.entryFor(startDentry, text, length);
    this.entry = entry;
    if (entry.generation != treeGeneration() || entry.length != length) return 0;
    if (entry.startDentry != changetype<usize>(startDentry)) return 0;
    if (entry.startMount != changetype<usize>(startMount)) return 0;
    return equal(changetype<usize>(entry) + TEXT, text, length) ? changetype<usize>(entry) : 0;
  }

  /** Remembers where the walk that the last find() did not know led; it began in `generation`. */
  keep(
    startMount: Mount,
    startDentry: Dentry,
    text: usize,
    length: u32,
    mount: Mount,
    dentry: Dentry,
    generation: u64,
  ): void {
    if (length > TEXT_MAX || generation != treeGeneration()) return;
    const entry = this.entry;
    entry.generation = generation;
    entry.startMount = changetype<usize>(startMount);
    entry.startDentry = changetype<usize>(startDentry);
    entry.mount = changetype<usize>(mount);
    entry.dentry = changetype<usize>(dentry);
    entry.length = length;
    copyBytes(changetype<usize>(entry) + TEXT, text, length);
  }

  /** The hash need not be good: a collision costs a walk, of whoever chose the names. */
  private entryFor(startDentry: Dentry, text: usize, length: u32): Entry {
    let h: u64 = changetype<usize>(startDentry) + length;
    if (length >= 8) {
      const last = length - 8;
      for (let i: u32 = 0; i < last; i += 8) h = rotl<u64>(h, 7) ^ load<u64>(text + i);
      h = rotl<u64>(h, 7) ^ load<u64>(text + last);
    } else {
      for (let i: u32 = 0; i < length; i++) h = (h << 8) ^ load<u8>(text + i);
    }
    const index = (h * 0x9e3779b97f4a7c15) >> (64 - ENTRIES_SHIFT);
    return changetype<Entry>(this.entries + <usize>index * ENTRY);
  }
}

/** Both borrowed. */
export function mountOf(entry: usize): Mount {
  return changetype<Mount>(changetype<Entry>(entry).mount);
}

export function dentryOf(entry: usize): Dentry {
  return changetype<Dentry>(changetype<Entry>(entry).dentry);
}
