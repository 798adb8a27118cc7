// Names, synchronously: links, rename, unlink, mkdir, rmdir, mkdtemp.

import type * as NodeFs from "node:fs";
import { codedError } from "../argument-error.ts";
import type { Leaf } from "../leaf/leaf.ts";
import { encoded } from "../text.ts";
import { checkBoolean, checkMode, checkOptions, checkPath } from "../validators.ts";

export type SyncNames = Pick<
  typeof NodeFs,
  "renameSync" | "linkSync" | "symlinkSync" | "readlinkSync" | "unlinkSync" | "mkdirSync" | "mkdtempSync"
>;

const NEW_DIRECTORY_MODE = 0o777;
const LINK_TYPES: readonly unknown[] = ["dir", "file", "junction"];

/** What kind of link Windows would make; looked at and forgotten. */
export function checkLinkType(type: unknown): void {
  if (typeof type !== "string" || LINK_TYPES.includes(type)) return;
  const message = `Symlink type must be one of "dir", "file", or "junction". Received ${JSON.stringify(type)}`;
  throw codedError(Error, "ERR_FS_INVALID_SYMLINK_TYPE", message);
}

export interface MkdirOptions {
  readonly recursive: boolean;
  readonly mode: number;
}

/** A mode, or an object with it. */
export function checkMkdirOptions(options: unknown): MkdirOptions {
  if (typeof options === "number" || typeof options === "string")
    return { recursive: false, mode: checkMode(options, "mode") };
  const given = (options ?? {}) as { recursive?: unknown; mode?: unknown };
  const recursive = given.recursive === undefined ? false : given.recursive;
  return {
    recursive: checkBoolean(recursive, "options.recursive"),
    mode: given.mode === undefined ? NEW_DIRECTORY_MODE : checkMode(given.mode ?? undefined, "mode"),
  };
}

export function syncNames(leaf: Leaf): SyncNames {
  const made = {
    renameSync(oldPath: unknown, newPath: unknown): void {
      leaf.rename(checkPath(oldPath, "oldPath"), checkPath(newPath, "newPath"));
    },
    linkSync(existingPath: unknown, newPath: unknown): void {
      leaf.link(checkPath(existingPath, "existingPath"), checkPath(newPath, "newPath"));
    },
    symlinkSync(target: unknown, path: unknown, type?: unknown): void {
      checkLinkType(type);
      leaf.symlink(checkPath(target, "target"), checkPath(path));
    },
    readlinkSync(path: unknown, options?: unknown): string | Buffer {
      const { encoding } = checkOptions(options, {});
      return encoded(leaf.readlink(checkPath(path, "oldPath")), encoding);
    },
    unlinkSync(path: unknown): void {
      leaf.unlink(checkPath(path));
    },
    mkdirSync(path: unknown, options?: unknown): string | undefined {
      const { recursive, mode } = checkMkdirOptions(options);
      const checked = checkPath(path);
      if (recursive) {
        const text = typeof checked === "string" ? checked : new TextDecoder().decode(checked);
        return leaf.mkdirs(text, mode);
      }
      leaf.mkdir(checked, mode);
      return undefined;
    },
    mkdtempSync(prefix: unknown, options?: unknown): string | Buffer {
      const { encoding } = checkOptions(options, {});
      return encoded(leaf.mkdtemp(checkPath(prefix, "prefix")), encoding);
    },
  };
  return made as unknown as SyncNames;
}
