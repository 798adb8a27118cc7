// Whether an address that the kernel was given as one of its own is one.

/** Below this lie the root structure and what every instance has for itself. */
export const FIRST_ADDRESS: usize = 4096;

/** Whether [address, address + length) is memory at all. */
export function isKernelMemory(address: usize, length: u64): bool {
  return address >= FIRST_ADDRESS && <u64>address + length <= (<u64>memory.size()) << 16;
}
