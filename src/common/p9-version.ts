// The protocol versions that a gofer and its clients name in Tversion. assembly/abi/p9.ts says what the extension adds;
// the kernel's client writes the same bytes.

export const VERSION_9P2000L = "9P2000.L";
export const VERSION_WVISOR = "9P2000.L.wvisor.1";
