// A kernel whose memory is to be copied, and one that was copied: what they have at servers of 9P.
//
// Only the fid of a tree's root is in a copy. So before a copy everything else is given back, and a kernel that goes on from a copy
// begins its conversations again.

import { EBUSY } from "../abi/errno.ts";
import { GoferFilesystem } from "../fs/gofer/filesystem.ts";
import { OverlayFilesystem } from "../fs/overlay/filesystem.ts";
import { dropDentries } from "../vfs/dcache.ts";
import { Filesystem } from "../vfs/dentry.ts";
import { MountNamespace } from "../vfs/mount-namespace.ts";

/** Gives back what is only kept. Errors: EBUSY when a tree has files that are in use, besides its root; EIO. */
export function quietNamespace(namespace: MountNamespace): i32 {
  let mount = namespace.next(null);
  while (mount !== null) {
    const result = quietFilesystem(mount.root.fs);
    if (result < 0) return result;
    mount = namespace.next(mount);
  }
  return 0;
}

/** An overlay's layers come second: its dentries hold theirs. */
function quietFilesystem(fs: Filesystem): i32 {
  dropDentries(fs);
  if (fs instanceof GoferFilesystem) return quietGofer(fs as GoferFilesystem);
  if (!(fs instanceof OverlayFilesystem)) return 0;
  const overlay = fs as OverlayFilesystem;
  let layer = overlay.layerFilesystem(0);
  for (let i: u32 = 1; layer !== null; i++) {
    const result = quietFilesystem(layer);
    if (result < 0) return result;
    layer = overlay.layerFilesystem(i);
  }
  return 0;
}

/** Handles and listings that the root keeps go, too. Each request takes Tclunks with it, and with the next come their answers. */
function quietGofer(fs: GoferFilesystem): i32 {
  fs.handles.shrink(0);
  fs.listings.shrink(0);
  const fids = fs.client.exchange.connection.fids;
  let used = fids.used;
  for (let idle = 0; used > 1 && idle < 2; ) {
    const result = fs.client.getattr(fs.rootFid);
    if (result < 0) return result;
    idle = fids.used < used ? 0 : idle + 1;
    used = fids.used;
  }
  return used > 1 ? -EBUSY : 0;
}

/** Begins the conversation with each server again. Errors: EIO; then the trees of that server are gone. */
export function reattachNamespace(namespace: MountNamespace): i32 {
  let mount = namespace.next(null);
  while (mount !== null) {
    const result = reattachFilesystem(mount.root.fs);
    if (result < 0) return result;
    mount = namespace.next(mount);
  }
  return 0;
}

function reattachFilesystem(fs: Filesystem): i32 {
  if (fs instanceof GoferFilesystem) {
    const gofer = fs as GoferFilesystem;
    return gofer.client.reattach(gofer.rootFid);
  }
  if (!(fs instanceof OverlayFilesystem)) return 0;
  const overlay = fs as OverlayFilesystem;
  let layer = overlay.layerFilesystem(0);
  for (let i: u32 = 1; layer !== null; i++) {
    const result = reattachFilesystem(layer);
    if (result < 0) return result;
    layer = overlay.layerFilesystem(i);
  }
  return 0;
}
