// All that is below a directory, however deep: no file is open but those on the way down.

import { S_IFDIR, S_IFMT } from "../../../assembly/abi/stat.ts";
import type { Attributes } from "../../p9/messages.ts";
import type { TreeFile } from "./tree-file.ts";
import { joinPath } from "./tree-path.ts";

export interface WalkedFile {
  /** From the directory. */
  readonly path: Buffer;
  readonly attributes: Attributes;
}

interface Level {
  readonly directory: TreeFile;
  readonly path: Buffer;
  readonly children: Buffer[];
}

/** A directory comes before what is in it. Errors: ErrnoError. */
export function* walkTree(parent: TreeFile, name: Buffer): Generator<WalkedFile> {
  const levels: Level[] = [];
  let entered: Level | undefined = { directory: parent.walk(name), path: Buffer.alloc(0), children: [] };
  try {
    for (;;) {
      if (entered !== undefined) {
        levels.push(entered);
        yield* readLevel(entered);
      }
      const top = levels.at(-1);
      if (top === undefined) return;
      const child = top.children.pop();
      if (child === undefined) levels.pop()!.directory.close();
      entered = child && {
        directory: top.directory.walk(child),
        path: joinPath(top.path, child),
        children: [],
      };
    }
  } finally {
    for (const { directory } of levels) directory.close();
  }
}

function* readLevel({ directory, path, children }: Level): Generator<WalkedFile> {
  for (const { name, attributes } of directory.lookUp(directory.names())) {
    // Gone since it was listed.
    if (attributes === undefined) continue;
    yield { path: joinPath(path, name), attributes };
    if ((attributes.mode & S_IFMT) === S_IFDIR) children.push(name);
  }
}
