// Copies the bytes of one file to another, in a layer or between two.

import { allocDataPages, freePages } from "mm/page";
import { EIO, ENOMEM, ENXIO } from "../../abi/errno.ts";
import { SEEK_DATA } from "../../abi/fcntl.ts";
import { free } from "../../lib/ref-counted.ts";
import { IovIter } from "../../mm/iov-iter.ts";
import { pause } from "../../sched/pause.ts";
import { FileDescription } from "../../vfs/file-description.ts";

const CHUNK_ORDER: u32 = 4;
const CHUNK: u32 = 65536;

/**
 * Copies `length` bytes, or fewer when `from` ends before: how many, or an error when it is none. May sleep, as copyData() does.
 * Errors: as copyData().
 */
export function copyBytes(
  from: FileDescription,
  offset: i64,
  to: FileDescription,
  target: i64,
  length: i64,
): i64 {
  const chunk = allocDataPages(CHUNK_ORDER);
  if (!chunk) return -ENOMEM;
  const vector = heap.alloc(8);
  const iter = new IovIter();
  let done: i64 = 0;
  let result: i64 = 0;
  while (result == 0 && done < length) {
    const size = <u32>min<i64>(CHUNK, length - done);
    const got = readAt(from, iter, vector, chunk, size, offset + done);
    if (got <= 0) {
      result = got;
      break;
    }
    result = writeAll(to, iter, vector, chunk, <u32>got, target + done);
    if (result < 0) break;
    done += got;
    result = pause();
  }
  free(iter);
  heap.free(vector);
  freePages(chunk);
  return done ? done : result;
}

/**
 * What is a hole stays one, where the file system tells. Copies the first `length` bytes, or fewer when `from` ends before. May sleep, and lets others into the kernel between
 * chunks. Errors: EINTR when the thread is to end, ENOMEM, and what reading and writing give.
 */
export function copyData(from: FileDescription, to: FileDescription, length: i64): i32 {
  const chunk = allocDataPages(CHUNK_ORDER);
  if (!chunk) return -ENOMEM;
  const vector = heap.alloc(8);
  const iter = new IovIter();
  let offset: i64 = 0;
  let written: i64 = 0;
  let result = 0;
  while (offset < length) {
    const data = from.seek(offset, SEEK_DATA);
    if (data == -ENXIO) break;
    if (data > offset) offset = min(data, length);
    const size = <u32>min<i64>(CHUNK, length - offset);
    if (size == 0) break;
    const got = readAt(from, iter, vector, chunk, size, offset);
    if (got <= 0) {
      result = <i32>got;
      length = offset;
      break;
    }
    result = writeAll(to, iter, vector, chunk, <u32>got, offset);
    if (result < 0) break;
    offset += got;
    written = offset;
    result = pause();
    if (result < 0) break;
  }
  free(iter);
  heap.free(vector);
  freePages(chunk);
  // The file ends with a hole.
  if (result == 0 && written < length) result = to.truncate(length);
  return result;
}

function span(iter: IovIter, vector: usize, at: usize, length: u32): void {
  store<u32>(vector, <u32>at);
  store<u32>(vector, length, 4);
  iter.init(vector, 1, length, true);
}

function readAt(
  from: FileDescription,
  iter: IovIter,
  vector: usize,
  at: usize,
  length: u32,
  offset: i64,
): i64 {
  span(iter, vector, at, length);
  return from.read(iter, offset);
}

function writeAll(
  to: FileDescription,
  iter: IovIter,
  vector: usize,
  at: usize,
  length: u32,
  offset: i64,
): i32 {
  let done: u32 = 0;
  while (done < length) {
    span(iter, vector, at + done, length - done);
    const put = to.write(iter, offset + done);
    if (put < 0) return <i32>put;
    if (put == 0) return -EIO;
    done += <u32>put;
  }
  return 0;
}
