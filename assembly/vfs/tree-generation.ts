// One number for the whole kernel that moves on whenever a path to a directory may lead elsewhere, or be forbidden: what
// path-cache.ts remembers is true for one generation.

import { ROOT_TREE_GENERATION } from "../abi/kernel-layout.ts";

export function treeGeneration(): u64 {
  return load<u64>(ROOT_TREE_GENERATION);
}

export function moveTreeGeneration(): void {
  store<u64>(ROOT_TREE_GENERATION, treeGeneration() + 1);
}
