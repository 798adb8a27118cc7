// Mount namespaces: a tree of mounts that tasks see (Linux: struct mnt_namespace, copy_mnt_ns()).
//
// Linux has a file system below the root of every namespace, which nobody sees. Here the root mount has no parent; pivot_root(2)
// may change it all the same. When it is unmounted (MNT_DETACH) the namespace has no mounts any more and keeps the root for those
// who begin in it.

import { EBUSY, EINVAL, ENOSPC } from "../abi/errno.ts";
import { errorOf, isError } from "../lib/result.ts";
import { Dentry } from "./dentry.ts";
import { MOUNTS_MAX, Mount, MountList } from "./mount.ts";
import { attachTree, COPY_UNBINDABLE, copyTree, dropTree, nextInTree, umountTree } from "./mount-tree.ts";

@final
export class MountNamespace extends MountList {
  /** The root is not mounted any more. */
  private rootLeft: bool = false;

  /** Takes over the caller's reference on `root`. */
  constructor(public root: Mount) {
    super();
    let at: Mount | null = root;
    while (at !== null) {
      this.add(at);
      at = nextInTree(at, root);
    }
  }

  /**
   * Mounts `mount` on `dentry` in `parent`, both borrowed; takes over the caller's reference on `mount`, also on failure.
   * Errors: ENOENT, ENOTDIR when one is a directory and the other not, ENOSPC, ENOMEM.
   */
  attach(mount: Mount, parent: Mount, dentry: Dentry): i32 {
    const result = attachTree(mount, parent, dentry);
    if (result < 0) dropTree(mount);
    return result;
  }

  /** Unmounts what nobody uses. Errors: EBUSY when something is mounted below or the mount is in use; EINVAL for the root. */
  detach(mount: Mount): i32 {
    if (mount === this.root) return -EINVAL;
    if (mount.refs > 1) return -EBUSY;
    umountTree(mount, true, false);
    return 0;
  }

  /** The root is about to be unmounted: it stays as what it is to new tasks, with a reference of its own. */
  leaveRoot(): void {
    this.root.incRef();
    this.rootLeft = true;
  }

  /** Unmounts everything; what is in use lives on until it is left. */
  destroy(): void {
    if (this.rootLeft) this.root.decRef();
    else umountTree(this.root, false, false);
  }
}

/**
 * A namespace with a copy of all mounts of `old`. Each copy is a peer of what it is a copy of when that is shared. Afterwards `copy`
 * of each old mount is its copy, for the caller to move its root and working directory over. Errors: ENOSPC, ENOMEM.
 */
export function copyNamespace(old: MountNamespace): usize {
  if (old.count > MOUNTS_MAX) return errorOf(-ENOSPC);
  const root = copyTree(old.root, old.root.root, COPY_UNBINDABLE);
  return isError(root) ? root : changetype<usize>(new MountNamespace(changetype<Mount>(root)));
}
