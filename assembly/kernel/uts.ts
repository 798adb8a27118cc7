// The names of the system (Linux: struct new_utsname): what uname(2) and /proc/sys/kernel show.
//
// The release and the version are gVisor's, so that programs that look at them see what they see there.

import { EINVAL } from "../abi/errno.ts";
import { ROOT_UTS } from "../abi/kernel-layout.ts";
import { RefCounted } from "../lib/ref-counted.ts";
import { nextNamespaceNumber } from "./namespace-number.ts";

/** Bytes of a name, NUL included, less one (Linux: __NEW_UTS_LEN). */
export const UTS_LENGTH: u32 = 64;
export const UTS_SYSNAME: string = "Linux";
export const UTS_RELEASE: string = "4.4.0";
export const UTS_VERSION: string = "#1 SMP Sun Jan 10 15:06:54 PST 2016";

/** Which name: an index into a namespace's block, whose entries are a byte of length and UTS_LENGTH bytes. */
export const UTS_NODENAME: u32 = 0;
export const UTS_DOMAINNAME: u32 = 1;
const ENTRY: u32 = 1 + UTS_LENGTH;
/** The first one's number (Linux: PROC_UTS_INIT_INO). */
const FIRST_NUMBER: u64 = 0xeffffffe;

/** The names that some tasks see (Linux: struct uts_namespace). */
@final
export class UtsNamespace extends RefCounted {
  private readonly names: usize = heap.alloc(2 * ENTRY);

  /** `number` is the namespace's own, in /proc/PID/ns. */
  constructor(readonly number: u64) {
    super();
    this.setText(UTS_NODENAME, "localhost");
    this.setText(UTS_DOMAINNAME, "(none)");
  }

  destroy(): void {
    heap.free(this.names);
  }

  private entry(which: u32): usize {
    return this.names + which * ENTRY;
  }

  private setText(which: u32, name: string): void {
    store<u8>(this.entry(which), <u8>name.length);
    String.UTF8.encodeUnsafe(changetype<usize>(name), name.length, this.entry(which) + 1);
  }

  /** Where the name begins; it has lengthOf() bytes. */
  name(which: u32): usize {
    return this.entry(which) + 1;
  }

  lengthOf(which: u32): u32 {
    return load<u8>(this.entry(which));
  }

  /** sethostname(2) and setdomainname(2) behind their permission check. Errors: EINVAL for more than UTS_LENGTH bytes. */
  set(which: u32, name: usize, length: u32): i32 {
    if (length > UTS_LENGTH) return -EINVAL;
    store<u8>(this.entry(which), <u8>length);
    memory.copy(this.entry(which) + 1, name, length);
    return 0;
  }
}

/** Called once, at boot. */
export function initUts(): void {
  store<u32>(ROOT_UTS, <u32>changetype<usize>(new UtsNamespace(FIRST_NUMBER)));
}

/** Borrowed. */
export function firstUts(): UtsNamespace {
  return changetype<UtsNamespace>(<usize>load<u32>(ROOT_UTS));
}

/** A namespace with names of its own. */
export function makeUts(): UtsNamespace {
  return new UtsNamespace(nextNamespaceNumber());
}
