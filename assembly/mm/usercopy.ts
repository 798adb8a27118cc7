// Checked access to guest memory: every pointer that a guest gives passes through here before it is touched.

import { EFAULT, EINVAL } from "../abi/errno.ts";
import { IOV_MAX, MAX_RW_COUNT } from "../abi/limits.ts";
import { copyin, copyout, ld8, ld32, ld64, size, st8, st32, st64, st64x8 } from "./guest.ts";

/** Bytes of guest memory, as last seen: it only grows, so what lay inside then lies inside now. A kernel instance has one guest. */
let seenSize: u64 = 0;

/** Bytes of guest memory. */
export function guestMemorySize(): u64 {
  seenSize = (<u64>size()) << 16;
  return seenSize;
}

/** Bytes of guest memory that some call has touched or asked for. */
export function seenGuestMemory(): u64 {
  return seenSize;
}

/** Whether [address, address + length) lies in guest memory. */
export function accessOk(address: u32, length: u32): bool {
  const end = <u64>address + <u64>length;
  if (end <= seenSize) return true;
  seenSize = (<u64>size()) << 16;
  return end <= seenSize;
}

/**
 * Copies for which accessOk() has said yes. Short ones go by words, which needs no JavaScript on any provider; what is left at the
 * end by a word that overlaps the one before, since each access is a call.
 */
export function copyInUnchecked(kernel: usize, guest: u32, length: u32): void {
  if (length > 64) {
    copyin(kernel, guest, length);
    return;
  }
  let i: u32 = 0;
  while (i + 8 <= length) {
    store<u64>(kernel + i, ld64(guest + i));
    i += 8;
  }
  if (i > 0) {
    if (i < length) store<u64>(kernel + length - 8, ld64(guest + length - 8));
    return;
  }
  if (i + 4 <= length) {
    store<u32>(kernel + i, ld32(guest + i));
    i += 4;
  }
  while (i < length) {
    store<u8>(kernel + i, ld8(guest + i));
    i++;
  }
}

export function copyOutUnchecked(guest: u32, kernel: usize, length: u32): void {
  if (length >= 64) {
    if (length == 64) copyOut64(guest, kernel);
    else copyout(guest, kernel, length);
    return;
  }
  let i: u32 = 0;
  while (i + 8 <= length) {
    st64(guest + i, load<u64>(kernel + i));
    i += 8;
  }
  if (i > 0) {
    if (i < length) st64(guest + length - 8, load<u64>(kernel + length - 8));
    return;
  }
  if (i + 4 <= length) {
    st32(guest + i, load<u32>(kernel + i));
    i += 4;
  }
  while (i < length) {
    st8(guest + i, load<u8>(kernel + i));
    i++;
  }
}

function copyOut64(guest: u32, kernel: usize): void {
  st64x8(
    guest,
    load<u64>(kernel),
    load<u64>(kernel, 8),
    load<u64>(kernel, 16),
    load<u64>(kernel, 24),
    load<u64>(kernel, 32),
    load<u64>(kernel, 40),
    load<u64>(kernel, 48),
    load<u64>(kernel, 56),
  );
}

export function copyIn(kernel: usize, guest: u32, length: u32): i32 {
  if (!accessOk(guest, length)) return -EFAULT;
  copyInUnchecked(kernel, guest, length);
  return 0;
}

export function copyOut(guest: u32, kernel: usize, length: u32): i32 {
  if (!accessOk(guest, length)) return -EFAULT;
  copyOutUnchecked(guest, kernel, length);
  return 0;
}

export function putU32(guest: u32, value: u32): i32 {
  if (!accessOk(guest, 4)) return -EFAULT;
  st32(guest, value);
  return 0;
}

export function putU64(guest: u32, value: u64): i32 {
  if (!accessOk(guest, 8)) return -EFAULT;
  st64(guest, value);
  return 0;
}

/**
 * Copies an iovec array (u32 address, u32 length pairs) to `kernel`, which has room for IOV_MAX pairs, and checks every
 * span. Returns the number of bytes, cut to MAX_RW_COUNT as Linux does (the array is cut with it); -EINVAL for too
 * many; -EFAULT.
 */
export function importIovecs(kernel: usize, guest: u32, count: u32): i64 {
  if (count > <u32>IOV_MAX) return -EINVAL;
  if (!accessOk(guest, count << 3)) return -EFAULT;
  copyInUnchecked(kernel, guest, count << 3);
  let total: u64 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const at = kernel + ((<usize>i) << 3);
    const length = load<u32>(at, 4);
    if (!accessOk(load<u32>(at), length)) return -EFAULT;
    if (total + length > <u64>MAX_RW_COUNT) store<u32>(at, <u32>(<u64>MAX_RW_COUNT - total), 4);
    total += load<u32>(at, 4);
  }
  return <i64>total;
}
