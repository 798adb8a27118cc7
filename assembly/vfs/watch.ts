// Watches: who wants to be told of what happens to a file (Linux: struct fsnotify_mark). vfs/fsnotify.ts says what happened,
// kernel/inotify.ts is told.
//
// A watch is on the list of its inode (Inode.watches) and on one of the whole kernel's, for unmounts. It ends by end(), which it
// may do itself while it is told of something; others stay.

import { ROOT_WATCHES } from "../abi/kernel-layout.ts";

export abstract class Watch {
  nextOnInode: Watch | null = null;
  next: Watch | null = null;
  previous: Watch | null = null;
  /** The file system that the watched file is of. */
  fs: usize = 0;

  /**
   * Told of an event (IN_* bits, and IN_ISDIR) of the file, or of what has the name of `length` bytes in this directory. `gone`: it was
   * used by who has it open, and the name by which it was opened is removed.
   */
  abstract event(mask: u32, cookie: u32, name: usize, length: u32, gone: bool): void;
  /** The file is no more, or out of reach: the watch is told of `mask` and ends. */
  abstract lost(mask: u32): void;
}

/** Puts a watch on the kernel's list. */
export function listWatch(watch: Watch): void {
  const head = changetype<Watch | null>(<usize>load<u32>(ROOT_WATCHES));
  watch.next = head;
  if (head !== null) head.previous = watch;
  store<u32>(ROOT_WATCHES, <u32>changetype<usize>(watch));
}

export function unlistWatch(watch: Watch): void {
  const next = watch.next;
  const previous = watch.previous;
  if (previous === null) store<u32>(ROOT_WATCHES, <u32>changetype<usize>(next));
  else previous.next = next;
  if (next !== null) next.previous = previous;
}

/** Tells all watches from `first` on, of one inode. */
export function tellWatches(
  first: usize,
  mask: u32,
  cookie: u32,
  name: usize,
  length: u32,
  gone: bool,
): void {
  let at = changetype<Watch | null>(first);
  while (at !== null) {
    const next = at.nextOnInode;
    at.event(mask, cookie, name, length, gone);
    at = next;
  }
}

/** Ends all watches from `first` on, of one inode. */
export function loseWatches(first: usize, mask: u32): void {
  let at = changetype<Watch | null>(first);
  while (at !== null) {
    const next = at.nextOnInode;
    at.lost(mask);
    at = next;
  }
}

/** Ends all watches of a file system that is no longer mounted. */
export function loseFilesystem(fs: usize, mask: u32): void {
  let at = changetype<Watch | null>(<usize>load<u32>(ROOT_WATCHES));
  while (at !== null) {
    const next = at.next;
    if (at.fs == fs) at.lost(mask);
    at = next;
  }
}
