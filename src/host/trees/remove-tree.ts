// Removes all that is below a directory, however deep: no path is longer than a name, and no link is followed.

import { ENOENT } from "../../../assembly/abi/errno.ts";
import { S_IFDIR, S_IFMT } from "../../../assembly/abi/stat.ts";
import { ErrnoError } from "../../common/errors.ts";
import type { TreeFile } from "./tree-file.ts";

const OWNER_ALL = 0o700;

interface Level {
  readonly directory: TreeFile;
  readonly name: Buffer;
  readonly children: Buffer[];
}

/** Whatever the name is; nothing happens when it is not there. Errors: ErrnoError; some of it may be gone then. */
export function removeTree(parent: TreeFile, name: Buffer): void {
  const levels: Level[] = [];
  let entered = enter(parent, name);
  try {
    for (;;) {
      if (entered !== undefined) levels.push(entered);
      const top = levels.at(-1);
      if (top === undefined) return;
      const child = top.children.pop();
      if (child === undefined) {
        levels.pop();
        top.directory.close();
        (levels.at(-1)?.directory ?? parent).unlink(top.name, true);
        entered = undefined;
      } else entered = enter(top.directory, child);
    }
  } finally {
    for (const { directory } of levels) directory.close();
  }
}

/** Removes a file; of a directory what is to be removed first. */
function enter(parent: TreeFile, name: Buffer): Level | undefined {
  const file = parent.find(name);
  if (file === undefined) return undefined;
  if ((file.attributes.mode & S_IFMT) !== S_IFDIR) {
    file.close();
    unlinkIfThere(parent, name);
    return undefined;
  }
  try {
    // Programs may take their owner's rights away.
    if ((file.attributes.mode & OWNER_ALL) !== OWNER_ALL) file.setattr({ mode: OWNER_ALL });
    return { directory: file, name, children: file.names() };
  } catch (error) {
    file.close();
    throw error;
  }
}

function unlinkIfThere(parent: TreeFile, name: Buffer): void {
  try {
    parent.unlink(name);
  } catch (error) {
    if (!(error instanceof ErrnoError && error.value === ENOENT)) throw error;
  }
}
