// Trees as plain objects, as memfs has them: file contents by path; null is an empty directory.

import path from "node:path";
import { DT_DIR, DT_REG, S_IFDIR, S_IFMT } from "../../assembly/abi/stat.ts";
import type { Leaf } from "./leaf/leaf.ts";
import { removeTree } from "./remove.ts";
import type { SyncContents } from "./sync/contents.ts";
import { encoded } from "./text.ts";
import { checkPath } from "./validators.ts";

/** What a path of a tree holds: a file's text or bytes, a directory of entries, or null for one without. */
export type TreeValue = string | Uint8Array | null | Tree;
export interface Tree {
  readonly [path: string]: TreeValue;
}

/** What toJSON() gives. */
export interface FlatTree {
  [path: string]: string | Buffer | null;
}

export type TreePath = string | URL | Uint8Array;

export interface Volume {
  /** Adds what `json` has, and the directories above it. Relative paths begin at `cwd`, else at the working directory. */
  fromJSON(json: Tree, cwd?: string): void;
  /** The same: memfs has another name for trees in trees. */
  fromNestedJSON(json: Tree, cwd?: string): void;
  /**
   * The regular files below `paths` (default: the root) by their paths, and empty directories as null, added to `json`. `isRelative`: paths
   * as seen from the working directory. `asBuffer`: bytes, not text.
   */
  toJSON(
    paths?: TreePath | readonly TreePath[],
    json?: FlatTree,
    isRelative?: boolean,
    asBuffer?: boolean,
  ): FlatTree;
  /** Removes everything. */
  reset(): void;
}

const DIRECTORY_MODE = 0o777;

function isTree(value: TreeValue): value is Tree {
  return value !== null && typeof value === "object" && !ArrayBuffer.isView(value);
}

export function volume(leaf: Leaf, contents: SyncContents): Volume {
  const absolute = (name: string, cwd?: string): string => path.posix.resolve(leaf.cwd(), cwd ?? "", name);

  function add(name: string, value: TreeValue): void {
    if (value === null || isTree(value)) {
      leaf.mkdirs(name, DIRECTORY_MODE);
      for (const [below, each] of Object.entries(value ?? {})) add(absolute(below, name), each);
      return;
    }
    leaf.mkdirs(path.posix.dirname(name), DIRECTORY_MODE);
    contents.writeFileSync(name, value);
  }

  function fromJSON(json: Tree, cwd?: string): void {
    for (const [name, value] of Object.entries(json)) add(absolute(name, cwd), value);
  }

  function collect(
    directory: string,
    json: FlatTree,
    place: (name: string, bytes: Buffer | null) => void,
  ): void {
    const entries = leaf.readdir(directory);
    if (entries.length === 0) place(directory, null);
    for (const { name, type } of entries) {
      const below = path.posix.join(directory, encoded(name, "utf8") as string);
      if (type === DT_DIR) collect(below, json, place);
      else if (type === DT_REG) place(below, contents.readFileSync(below));
    }
  }

  return {
    fromJSON,
    fromNestedJSON: fromJSON,
    toJSON(paths = "/", json = {}, isRelative = false, asBuffer = false) {
      const cwd = leaf.cwd();
      const place = (name: string, bytes: Buffer | null): void => {
        const shown = isRelative ? path.posix.relative(cwd, name) : name;
        json[shown] = bytes === null || asBuffer ? bytes : bytes.toString("utf8");
      };
      for (const given of Array.isArray(paths) ? (paths as TreePath[]) : [paths as TreePath]) {
        const checked = checkPath(given);
        const name = absolute(typeof checked === "string" ? checked : (encoded(checked, "utf8") as string));
        const stats = leaf.statIfThere(name, true);
        if (stats === undefined) continue;
        if ((stats.mode & S_IFMT) === S_IFDIR) collect(name, json, place);
        else place(name, contents.readFileSync(name));
      }
      return json;
    },
    reset() {
      for (const { name } of leaf.readdir("/")) removeTree(leaf, `/${encoded(name, "utf8")}`);
    },
  };
}
