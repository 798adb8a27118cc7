// Directories and trees, synchronously: readdir, rmdir, rm, realpath.

import type * as NodeFs from "node:fs";
import { DT_DIR, DT_LNK } from "../../../assembly/abi/stat.ts";
import { Dirent, direntType } from "../dirent.ts";
import type { Leaf } from "../leaf/leaf.ts";
import type { Entry } from "../leaf/listings.ts";
import { realpathByLinks } from "../realpath.ts";
import { checkRmdirOptions, checkRmOptions, removeTree } from "../remove.ts";
import { encoded } from "../text.ts";
import { type CheckedPath, checkBoolean, checkOptions, checkPath } from "../validators.ts";

export type SyncDirectories = Pick<typeof NodeFs, "readdirSync" | "rmdirSync" | "rmSync" | "realpathSync">;

function joined(directory: CheckedPath, name: Uint8Array): CheckedPath {
  if (typeof directory === "string") {
    const text = encoded(name, "utf8") as string;
    if (directory === "" || directory === ".") return text;
    return directory.endsWith("/") ? directory + text : `${directory}/${text}`;
  }
  return Buffer.concat([directory, Buffer.from("/"), name]);
}

/** As path.join() of Node: how readdir() names what is below. */
export function checkReaddirOptions(options: unknown): {
  encoding: unknown;
  withFileTypes: boolean;
  recursive: boolean;
} {
  const all = checkOptions(options, {});
  if (all.recursive !== undefined && all.recursive !== null) checkBoolean(all.recursive, "options.recursive");
  return {
    encoding: all.encoding,
    withFileTypes: Boolean(all.withFileTypes),
    recursive: Boolean(all.recursive),
  };
}

/** A link to nothing, or one that loops, leads to none. */
function leadsToDirectory(leaf: Leaf, path: CheckedPath): boolean {
  try {
    return leaf.stat(path).isDirectory();
  } catch {
    return false;
  }
}

/** Everything below a directory, level by level, as Node lists it (where it does not tell types, it follows links): `visit` gets each directory, the way to it from the top, and its entries. */
function walk(
  leaf: Leaf,
  top: CheckedPath,
  followLinks: boolean,
  visit: (directory: CheckedPath, way: CheckedPath, entries: readonly Entry[]) => void,
): void {
  const isDirectory = ({ name, type }: Entry, directory: CheckedPath): boolean =>
    type === DT_DIR || (type === DT_LNK && followLinks && leadsToDirectory(leaf, joined(directory, name)));
  const queue: [CheckedPath, CheckedPath][] = [[top, ""]];
  for (const [directory, way] of queue) {
    const entries = leaf.readdir(directory);
    visit(directory, way, entries);
    for (const entry of entries) {
      if (!isDirectory(entry, directory)) continue;
      queue.push([joined(directory, entry.name), joined(way, entry.name)]);
    }
  }
}

export function syncDirectories(leaf: Leaf): SyncDirectories {
  function realpathSync(path: unknown, options?: unknown): string | Buffer {
    const { encoding } = checkOptions(options, {});
    const checked = checkPath(isPathLike(path) ? path : String(path));
    const text = typeof checked === "string" ? checked : (encoded(checked, "utf8") as string);
    return encoded(new TextEncoder().encode(realpathByLinks(leaf, text)), encoding);
  }
  function native(path: unknown, options?: unknown): string | Buffer {
    const { encoding } = checkOptions(options, {});
    return encoded(new TextEncoder().encode(leaf.realpath(checkPath(path))), encoding);
  }

  const made = {
    readdirSync(path: unknown, options?: unknown): (string | Buffer | Dirent)[] {
      const { encoding, withFileTypes, recursive } = checkReaddirOptions(options);
      const checked = checkPath(path);
      if (!recursive && !withFileTypes && isUtf8(encoding)) return leaf.readdirNames(checked);
      const found: (string | Buffer | Dirent)[] = [];
      const take = (directory: CheckedPath, way: CheckedPath, entries: readonly Entry[]): void => {
        for (const { name, type } of entries) {
          if (withFileTypes) found.push(new Dirent(encoded(name, encoding), direntType(type), directory));
          else found.push(encoded(way === "" ? name : bytesOfPath(joined(way, name)), encoding));
        }
      };
      if (recursive) walk(leaf, checked, !withFileTypes, take);
      else take(checked, "", leaf.readdir(checked));
      return found;
    },
    rmdirSync(path: unknown, options?: unknown): void {
      const checked = checkPath(path);
      if (checkRmdirOptions(options)) {
        if (!leaf.lstat(checked).isDirectory()) leaf.rmdir(checked);
        removeTree(leaf, checked);
      } else {
        leaf.rmdir(checked);
      }
    },
    rmSync(path: unknown, options?: unknown): void {
      const checked = checkPath(path);
      const { exists } = checkRmOptions(leaf, checked, options, false);
      if (exists) removeTree(leaf, checked);
    },
    realpathSync: Object.assign(realpathSync, { native }),
  };
  return made as unknown as SyncDirectories;
}

function isUtf8(encoding: unknown): boolean {
  return !encoding || encoding === "utf8" || encoding === "utf-8";
}

/** realpath() alone takes anything else by its text. */
function isPathLike(path: unknown): boolean {
  return path instanceof Uint8Array || path instanceof URL;
}

function bytesOfPath(path: CheckedPath): Uint8Array {
  return typeof path === "string" ? new TextEncoder().encode(path) : path;
}
