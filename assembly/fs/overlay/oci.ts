// Whiteouts as OCI image layers have them (image-spec, layer.md), in lower layers only: a file ".wh.NAME" hides NAME of the layers
// below, and a file ".wh..wh..opq" all that they have in its directory.
//
// Linux's overlay knows nothing of them: there a layer is unpacked by somebody who makes devices 0:0. Here a layer may be a tree
// as tar left it. Names with the prefix are never shown from a lower layer, and no guest makes one (EPERM, as aufs has it): a
// later layer made of the upper one would read it as a whiteout. One that is in the upper layer already is an ordinary file.

import { NAME_MAX } from "../../abi/limits.ts";
import { isError } from "../../lib/result.ts";
import { Dentry } from "../../vfs/dentry.ts";
import { findInLayer } from "./layer.ts";

/** ".wh." */
const PREFIX: u32 = 0x2e68772e;
export const OCI_PREFIX_LENGTH: u32 = 4;
/** ".wh..wh..opq" */
const OPAQUE_NAME: usize = memory.data<u8>([
  0x2e, 0x77, 0x68, 0x2e, 0x2e, 0x77, 0x68, 0x2e, 0x2e, 0x6f, 0x70, 0x71,
]);
const OPAQUE_NAME_LENGTH: u32 = 12;

/** Whether a name begins with ".wh.". */
export function isOciName(name: usize, length: u32): bool {
  return length >= OCI_PREFIX_LENGTH && load<u32>(name) == PREFIX;
}

/** Whether a lower directory hides a name of the layers below: 1 or 0, or -errno. */
export function hasOciWhiteout(dir: Dentry, name: usize, length: u32): i32 {
  if (length + OCI_PREFIX_LENGTH > <u32>NAME_MAX) return 0;
  const whiteout = heap.alloc(OCI_PREFIX_LENGTH + length);
  store<u32>(whiteout, PREFIX);
  memory.copy(whiteout + OCI_PREFIX_LENGTH, name, length);
  const result = exists(dir, whiteout, OCI_PREFIX_LENGTH + length);
  heap.free(whiteout);
  return result;
}

/** Whether a lower directory hides all that the layers below have in it: 1 or 0, or -errno. */
export function isOciOpaque(dir: Dentry): i32 {
  return exists(dir, OPAQUE_NAME, OPAQUE_NAME_LENGTH);
}

function exists(dir: Dentry, name: usize, length: u32): i32 {
  const found = findInLayer(dir, name, length);
  if (isError(found)) return <i32>found;
  if (!found) return 0;
  changetype<Dentry>(found).decRef();
  return 1;
}
