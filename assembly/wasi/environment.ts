// args_*, environ_*: strings that the task was started with, exactly as given.

import * as abi from "../abi/wasi.ts";
import { st32 } from "../mm/guest.ts";
import { accessOk, copyOutUnchecked, putU32 } from "../mm/usercopy.ts";

/** args_sizes_get and environ_sizes_get. */
export function sizesGet(count: u32, bytes: u32, countOut: u32, bytesOut: u32): u32 {
  if (putU32(countOut, count) < 0 || putU32(bytesOut, bytes) < 0) return abi.WASI_EFAULT;
  return 0;
}

/** args_get and environ_get: `count` pointers to `pointers`, the NUL-terminated strings of `blob` to `buffer`. */
export function stringsGet(blob: usize, bytes: u32, count: u32, pointers: u32, buffer: u32): u32 {
  if (!accessOk(pointers, count << 2) || !accessOk(buffer, bytes)) return abi.WASI_EFAULT;
  copyOutUnchecked(buffer, blob, bytes);
  let at: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    st32(pointers + (i << 2), buffer + at);
    while (at < bytes && load<u8>(blob + at)) at++;
    at++;
  }
  return 0;
}
