// A file of the tree that is served, as fids refer to it: what it is for life, and the way back up.
//
// Ownership
//   A reference is held by each fid on it, by each child node, and by the tree on its root. With the last one the node lets
//   go of what it stands for and drops its parent's reference.
//
// `parent` and `name` say how the file was reached, for "..", Tremove and Trename. Others may have moved it since: whoever
// removes or renames by them checks first that this name still is this file (Tree.isStillAt). The root's parent is null, so
// that ".." never leaves the tree.

export abstract class TreeNode {
  // Immutable.
  /** The S_IF* type, which a file keeps for life. */
  readonly type: number;

  // Changed only by a rename.
  parent: TreeNode | null;
  /** Without a NUL; never changed in place. Empty for the root, and for a file that was made without a name. */
  name: Uint8Array;

  private references = 1;

  /** Ownership: borrows `parent`, and references it. */
  constructor(type: number, parent: TreeNode | null, name: Uint8Array) {
    this.type = type;
    this.parent = parent;
    this.name = name;
    if (parent !== null) parent.incRef();
  }

  /** A text that is the same for two nodes of one file, and for no others. */
  abstract get identity(): string;

  /** Whether both nodes are one file: there can be one for each way in. */
  abstract isSameFile(other: TreeNode): boolean;

  /** Lets go of what the node stands for: nobody refers to it any more. */
  protected abstract dispose(): void;

  /** Whether this node is `ancestor`, or was reached through it. */
  isBelow(ancestor: TreeNode): boolean {
    for (let at: TreeNode | null = this; at !== null; at = at.parent) if (at === ancestor) return true;
    return false;
  }

  incRef(): void {
    this.references++;
  }

  decRef(): void {
    // A loop: a client can make a chain of parents deeper than any stack.
    for (let node: TreeNode | null = this; node !== null && --node.references === 0; node = node.parent) {
      node.dispose();
    }
  }

  /** Records that the file is now `name` in `parent`. */
  moveTo(parent: TreeNode, name: Uint8Array): void {
    const previous = this.parent;
    parent.incRef();
    this.parent = parent;
    this.name = name;
    previous?.decRef();
  }
}
