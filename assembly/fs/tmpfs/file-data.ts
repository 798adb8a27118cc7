// The bytes of one file in kernel memory: sparse, in pages of 4 KiB, which is what Linux's tmpfs counts in.
//
// A page that is not there reads as zeros. Bytes of a page behind the file's end are zero. A page that fallocate(2) made and
// nothing has written yet is marked: it takes space, but reads as zeros and counts as a hole, and what it holds is not defined.

import { allocDataPages, freePages } from "mm/page";
import { RadixTree } from "../../lib/radix-tree.ts";
import { free } from "../../lib/ref-counted.ts";
import { IovIter } from "../../mm/iov-iter.ts";
import { TmpfsLimits } from "./limits.ts";

const PAGE_SHIFT: u64 = 12;
const PAGE_SIZE: u32 = 4096;
const WITHIN: u64 = 4095;
/** An offset that no file reaches, where a page begins. */
const BEHIND_ALL: u64 = 0x8000000000000000;
/** In the address of a page: nothing has written it. */
const UNWRITTEN: usize = 1;
/** A page of zeros. */
const ZEROS: usize = memory.data(4096);

@final
export class FileData {
  private readonly tree: RadixTree = new RadixTree();
  /** In use, written or not. */
  pages: u64 = 0;

  constructor(private readonly limits: TmpfsLimits) {}

  /**
   * Copies [offset, offset + length) to `to`; the range lies within the file. Pages that lie behind each other in memory too, as those
   * of a file that was written in one go do, are one copy: to guest memory that may be a call of JavaScript.
   */
  read(to: IovIter, offset: i64, length: u32): void {
    let index = <u64>offset >> PAGE_SHIFT;
    let within = <u32>(<u64>offset & WITHIN);
    let left = length;
    while (left) {
      const page = this.tree.get(index++);
      let chunk = min(left, PAGE_SIZE - within);
      if (page && !(page & UNWRITTEN)) {
        while (chunk < left && this.tree.get(index) == page + within + chunk) {
          chunk = min(left, chunk + PAGE_SIZE);
          index++;
        }
        to.put(page + within, chunk);
      } else {
        to.put(ZEROS, chunk);
      }
      within = 0;
      left -= chunk;
    }
  }

  /** Takes `length` bytes from `from` to `offset`. Returns how many were stored: fewer when space runs out, or -ENOSPC for none. */
  write(from: IovIter, offset: i64, length: u32): i64 {
    let index = <u64>offset >> PAGE_SHIFT;
    let within = <u32>(<u64>offset & WITHIN);
    let done: u32 = 0;
    while (done < length) {
      const left = length - done;
      let chunk = min(left, PAGE_SIZE - within);
      const page = this.ensure(index++, within, chunk);
      if (!page) return done ? <i64>done : this.limits.refusePage();
      // As in read(). A page that is made here and lies elsewhere is the next turn's.
      while (chunk < left && this.ensure(index, 0, min(left - chunk, PAGE_SIZE)) == page + within + chunk) {
        chunk = min(left, chunk + PAGE_SIZE);
        index++;
      }
      from.take(page + within, chunk);
      within = 0;
      done += chunk;
    }
    return done;
  }

  /** Drops what lies at and behind `size`. */
  truncate(size: i64): void {
    this.punch(<u64>size, BEHIND_ALL);
  }

  /** Makes [start, end) a hole: drops its pages, and zeroes what it has of those at its ends. */
  punch(start: u64, end: u64): void {
    const first = start >> PAGE_SHIFT;
    const last = end >> PAGE_SHIFT;
    const head = <u32>(start & WITHIN);
    const tail = <u32>(end & WITHIN);
    if (first == last) {
      this.zero(first, head, tail);
      return;
    }
    if (head) this.zero(first, head, PAGE_SIZE);
    if (tail) this.zero(last, 0, tail);
    let index = this.tree.next(head ? first + 1 : first);
    while (index < last) {
      this.release(index);
      index = this.tree.next(index + 1);
    }
  }

  /**
   * Gives pages to all of [start, end). One that an earlier call gave is written now, with zeros, so that it stays when this one fails.
   * -ENOSPC when they do not fit: then none is added (Linux: shmem_fallocate(), and SGP_FALLOC in shmem_get_folio_gfp()).
   */
  allocate(start: i64, end: i64): i32 {
    const first = <u64>start >> PAGE_SHIFT;
    const last = (<u64>end + WITHIN) >> PAGE_SHIFT;
    for (let index = first; index < last; index++) {
      const there = this.tree.get(index);
      if (there) {
        if (there & UNWRITTEN) this.tree.set(index, zeroed(there & ~UNWRITTEN));
        continue;
      }
      const page = this.take();
      if (!page) {
        this.dropUnwritten(first, index);
        return this.limits.refusePage();
      }
      this.tree.set(index, page | UNWRITTEN);
    }
    return 0;
  }

  private dropUnwritten(first: u64, last: u64): void {
    for (let index = this.tree.next(first); index < last; index = this.tree.next(index + 1)) {
      if (this.tree.get(index) & UNWRITTEN) this.release(index);
    }
  }

  /** The offset of the first written byte at or behind `offset`, at most `end`. */
  nextData(offset: i64, end: i64): i64 {
    const first = <u64>offset >> PAGE_SHIFT;
    let index = this.tree.next(first);
    while (index != u64.MAX_VALUE && this.tree.get(index) & UNWRITTEN) index = this.tree.next(index + 1);
    if (index == first) return offset;
    return index > <u64>end >> PAGE_SHIFT ? end : min<i64>(<i64>(index << PAGE_SHIFT), end);
  }

  /** The offset of the first byte of a hole at or behind `offset`, at most `end`; negative when the very last page has data. */
  nextHole(offset: i64, end: i64): i64 {
    let index = <u64>offset >> PAGE_SHIFT;
    let at = offset;
    while (at >= 0 && at < end) {
      const page = this.tree.get(index);
      if (!page || page & UNWRITTEN) return at;
      index++;
      at = <i64>(index << PAGE_SHIFT);
    }
    return min(at, end);
  }

  destroy(): void {
    this.truncate(0);
    this.tree.destroy();
    free(this);
  }

  private zero(index: u64, from: u32, to: u32): void {
    const page = this.tree.get(index) & ~UNWRITTEN;
    if (page) memory.fill(page + from, 0, to - from);
  }

  /** The page of `index`, made when it is missing; what the coming write does not cover is zeroed. 0 when space is out. */
  private ensure(index: u64, within: u32, chunk: u32): usize {
    const there = this.tree.get(index);
    if (there && !(there & UNWRITTEN)) return there;
    const page = there ? there & ~UNWRITTEN : this.take();
    if (!page) return 0;
    if (chunk < PAGE_SIZE) {
      memory.fill(page, 0, within);
      memory.fill(page + within + chunk, 0, PAGE_SIZE - within - chunk);
    }
    this.tree.set(index, page);
    return page;
  }

  /** A page with what was in it, or 0. */
  private take(): usize {
    if (!this.limits.takePages(1)) return 0;
    const page = allocDataPages(0);
    if (page) this.pages++;
    else this.limits.givePages(1);
    return page;
  }

  private release(index: u64): void {
    freePages(this.tree.get(index) & ~UNWRITTEN);
    this.tree.set(index, 0);
    this.pages--;
    this.limits.givePages(1);
  }
}

function zeroed(page: usize): usize {
  memory.fill(page, 0, PAGE_SIZE);
  return page;
}
