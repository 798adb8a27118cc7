// Numbers of namespaces, which /proc/PID/ns shows: those of the first of each kind are fixed, the others count on (Linux: ns_alloc_inum()).

import { ROOT_LAST_NAMESPACE } from "../abi/kernel-layout.ts";

/** Linux: PROC_DYNAMIC_FIRST. */
const FIRST: u64 = 0xf0000000;

export function nextNamespaceNumber(): u64 {
  const made = load<u32>(ROOT_LAST_NAMESPACE);
  store<u32>(ROOT_LAST_NAMESPACE, made + 1);
  return FIRST + made;
}
