import { Dentry } from "../../../assembly/vfs/dentry.ts";
import { lookupOne } from "../../../assembly/vfs/lookup.ts";
import { beginVfs, end } from "../support/leak-check.ts";
import { putText } from "../support/text.ts";
import { Tree } from "../support/tree.ts";

/** Deeper than any thread's stack has frames. */
const DEPTH: u32 = 100000;

/** Makes directories, each in the one before, and leaves the tree's working directory in the last; the caller lets it go. */
function makeDown(tree: Tree, depth: u32): Dentry {
  const name = heap.alloc(16);
  const length = putText(name, "d");
  let at = tree.cwd;
  at.incRef();
  for (let i: u32 = 0; i < depth; i++) {
    tree.cwd = at;
    assert(tree.mkdir("d") == 0, "the directory is made");
    const below = changetype<Dentry>(lookupOne(at, name, length));
    at.decRef();
    at = below;
  }
  tree.cwd = tree.namespace.root.root;
  heap.free(name);
  return at;
}

export function aTreeDeeperThanAnyStackIsTakenApart(): void {
  beginVfs();
  const tree = Tree.tmpfs();
  makeDown(tree, DEPTH).decRef();
  tree.destroy();
  end();
}

export function aDirectoryThatIsStillOpenOutlivesTheTreeAroundIt(): void {
  beginVfs();
  const tree = Tree.tmpfs();
  const deepest = makeDown(tree, 40);
  const inode = deepest.file;
  inode.incRef();
  deepest.decRef();
  tree.destroy();
  assert(inode.refs == 1 && inode.isDirectory, "it is there for its holder");
  inode.decRef();
  end();
}
