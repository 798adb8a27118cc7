// Guest memory: the only door. The file's name makes the import module "guest".
//
// Three providers implement these functions: the kernel's second memory, merged into the module (Node 22 and later), a
// small Wasm module and the native helper beside it (Node 20), and JavaScript. None checks anything: usercopy.ts does, in 64 bits, first.

export declare function ld8(address: u32): u32;
export declare function ld32(address: u32): u32;
export declare function ld64(address: u32): u64;
export declare function st8(address: u32, value: u32): void;
export declare function st32(address: u32, value: u32): void;
export declare function st64(address: u32, value: u64): void;
/** Eight words behind each other: where each access is a call, one for what most structures are. */
export declare function st64x8(
  address: u32,
  a: u64,
  b: u64,
  c: u64,
  d: u64,
  e: u64,
  f: u64,
  g: u64,
  h: u64,
): void;
/** Copies guest -> kernel. */
export declare function copyin(kernel: usize, guest: u32, length: u32): void;
/** Copies kernel -> guest. */
export declare function copyout(guest: u32, kernel: usize, length: u32): void;
/** Its size in pages of 64 KiB. */
export declare function size(): u32;
