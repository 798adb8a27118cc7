// Overlays that the sandbox itself mounts: their layers are trees of the host or of the kernel's memory, not paths of a task.

import { EPERM } from "../abi/errno.ts";
import { XATTR_REPLACE } from "../abi/xattr.ts";
import { GoferFilesystem } from "../fs/gofer/filesystem.ts";
import { OVL_USERXATTR } from "../fs/overlay/filesystem.ts";
import { withOptions, withUserNames } from "../fs/overlay/flags.ts";
import { mountOverlay, mountOverlayFile, mountOverlayInMemory, OVL_DEFAULT } from "../fs/overlay/overlay.ts";
import { TmpfsFilesystem } from "../fs/tmpfs/tmpfs.ts";
import { errorOf, isError } from "../lib/result.ts";
import { Dentry } from "../vfs/dentry.ts";
import { numberFilesystem } from "../vfs/filesystem-type.ts";

/** "trusted.overlay.probe" */
const PROBE: usize = memory.data<u8>([
  0x74, 0x72, 0x75, 0x73, 0x74, 0x65, 0x64, 0x2e, 0x6f, 0x76, 0x65, 0x72, 0x6c, 0x61, 0x79, 0x2e, 0x70, 0x72,
  0x6f, 0x62, 0x65,
]);
const PROBE_LENGTH: u32 = 21;

/** Whether trusted attributes are not for the server to set: told by the replacement of one that there is not. */
function refusesTrusted(upper: Dentry): bool {
  if (!(upper.fs instanceof GoferFilesystem) || upper.fs.readonly) return false;
  return upper.file.setXattr(PROBE, PROBE_LENGTH, PROBE, 1, XATTR_REPLACE) == -EPERM;
}

function useUserNames(upper: Dentry | null, lowers: usize, count: u32): void {
  if (upper !== null && upper.fs instanceof GoferFilesystem)
    (upper.fs as GoferFilesystem).usesUserNames = true;
  for (let i: u32 = 0; i < count; i++) {
    const fs = changetype<Dentry>(<usize>load<u32>(lowers + ((<usize>i) << 2))).fs;
    if (fs instanceof GoferFilesystem) (fs as GoferFilesystem).usesUserNames = true;
  }
}

/**
 * An overlay of root dentries, which it takes over, or an error. An upper layer in memory is given a directory each for the layer
 * and its work; a tree of the host is the layer itself, with work files beside their places and no index. The options are those
 * that name no layer, on top of redirect_dir=on and index=on, and with userxattr where the host gives nothing else. Errors: EINVAL for an option; mountOverlay()'s.
 */
export function makeOverlay(upper: usize, lowers: usize, count: u32, options: usize, length: u32): usize {
  const top = changetype<Dentry>(<usize>load<u32>(lowers));
  const upperRoot = changetype<Dentry | null>(upper);
  let flags = withOptions(OVL_DEFAULT, options, length);
  // Whoever asks for a user's names and says after it what of redirects gets both: the layer is nobody else's then.
  const asked = flags >= 0 && (flags & <i32>OVL_USERXATTR) != 0;
  if (flags >= 0 && !asked && upperRoot !== null && refusesTrusted(upperRoot))
    flags = <i32>withUserNames(<u32>flags);
  if (flags >= 0 && flags & <i32>OVL_USERXATTR) useUserNames(upperRoot, lowers, count);
  let result: usize;
  if (flags < 0) result = errorOf(flags);
  else if (upperRoot === null) result = mountOverlay(null, null, lowers, count, <u32>flags);
  else if (!top.file.isDirectory) result = mountOverlayFile(upperRoot, top);
  else if (upperRoot.fs instanceof TmpfsFilesystem)
    result = mountOverlayInMemory(upperRoot, lowers, count, <u32>flags);
  else result = mountOverlay(upperRoot, null, lowers, count, <u32>flags);
  // The overlay has references of its own on its layers.
  if (upperRoot !== null) upperRoot.decRef();
  for (let i: u32 = 0; i < count; i++)
    changetype<Dentry>(<usize>load<u32>(lowers + ((<usize>i) << 2))).decRef();
  return isError(result) ? result : changetype<usize>(numberFilesystem(changetype<Dentry>(result)));
}
