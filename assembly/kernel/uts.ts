// The names of the system (Linux: struct new_utsname): what uname(2) and /proc/sys/kernel show.
//
// The release and the version are gVisor's, so that programs that look at them see what they see there.

import { EINVAL } from "../abi/errno.ts";
import { ROOT_UTS } from "../abi/kernel-layout.ts";

/** Bytes of a name, NUL included, less one (Linux: __NEW_UTS_LEN). */
export const UTS_LENGTH: u32 = 64;
export const UTS_SYSNAME: string = "Linux";
export const UTS_RELEASE: string = "4.4.0";
export const UTS_VERSION: string = "#1 SMP Sun Jan 10 15:06:54 PST 2016";

/** Which name: an index into the block at ROOT_UTS, whose entries are a byte of length and UTS_LENGTH bytes. */
export const UTS_NODENAME: u32 = 0;
export const UTS_DOMAINNAME: u32 = 1;
const ENTRY: u32 = 1 + UTS_LENGTH;

/** Called once, at boot. */
export function initUts(): void {
  store<u32>(ROOT_UTS, <u32>heap.alloc(2 * ENTRY));
  setFromString(UTS_NODENAME, "localhost");
  setFromString(UTS_DOMAINNAME, "(none)");
}

function entry(which: u32): usize {
  return <usize>load<u32>(ROOT_UTS) + which * ENTRY;
}

function setFromString(which: u32, name: string): void {
  store<u8>(entry(which), <u8>name.length);
  String.UTF8.encodeUnsafe(changetype<usize>(name), name.length, entry(which) + 1);
}

/** Where the name begins; it has utsLength() bytes. */
export function utsName(which: u32): usize {
  return entry(which) + 1;
}

export function utsLength(which: u32): u32 {
  return load<u8>(entry(which));
}

/** sethostname(2) and setdomainname(2) behind their permission check. Errors: EINVAL for more than UTS_LENGTH bytes. */
export function setUtsName(which: u32, name: usize, length: u32): i32 {
  if (length > UTS_LENGTH) return -EINVAL;
  store<u8>(entry(which), <u8>length);
  memory.copy(entry(which) + 1, name, length);
  return 0;
}
