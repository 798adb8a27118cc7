// fs.promises: the synchronous forms, answered by promises; and what they have of their own.

import type * as NodeFs from "node:fs";
import { codedError } from "../argument-error.ts";
import { constants } from "../constants.ts";
import type { SyncFs } from "../sync/sync.ts";
import { checkFlags, checkMode, checkPath } from "../validators.ts";
import type { Loose } from "./callbacks.ts";
import { settled, throwIfAborted } from "./completion.ts";
import { checkCopy, copy } from "./cp.ts";
import { openDirectory } from "./dir.ts";
import { FileHandle, type HandleOwner } from "./file-handle.ts";
import { remove } from "./remove.ts";
import type { WatchPromise } from "./watch.ts";
import { type FileOptions, readWholeFile, writeWholeFile } from "./whole-files.ts";

/** Functions whose promise is what their synchronous form gives. */
const SETTLED = [
  "access",
  "copyFile",
  "rename",
  "truncate",
  "rmdir",
  "mkdir",
  "readdir",
  "readlink",
  "symlink",
  "lstat",
  "stat",
  "statfs",
  "link",
  "unlink",
  "chmod",
  "lchown",
  "chown",
  "utimes",
  "lutimes",
  "mkdtemp",
] as const;

const NEW_FILE_MODE = 0o666;

/** stat() and lstat() of promises have an error for what is not there, whatever their options say. */
function withoutQuiet(options: unknown): unknown {
  if (options === null || typeof options !== "object") return options;
  return { bigint: (options as { bigint?: unknown }).bigint };
}

function promiseForm(name: string, sync: Loose): Loose {
  const isStat = name === "stat" || name === "lstat";
  const form = (...args: unknown[]): Promise<unknown> => {
    if (isStat && args.length > 1) args[1] = withoutQuiet(args[1]);
    return settled(() => sync(...args));
  };
  Object.defineProperty(form, "name", { value: name });
  return form;
}

export interface PromiseParts {
  readonly owner: HandleOwner;
  readonly watch: WatchPromise;
}

export function makePromises(sync: SyncFs, { owner, watch }: PromiseParts): typeof NodeFs.promises {
  const forms: Record<string, Loose> = {};
  for (const name of SETTLED) forms[name] = promiseForm(name, Reflect.get(sync, `${name}Sync`) as Loose);
  const own = {
    async open(path: unknown, flags?: unknown, mode?: unknown): Promise<FileHandle> {
      const checked = checkPath(path);
      const number = checkFlags(flags);
      const bits = checkMode(mode, "mode", NEW_FILE_MODE);
      const fd = await settled(() => sync.openSync(checked as string, number, bits));
      return new FileHandle(owner, fd);
    },
    opendir: (path: unknown, options?: unknown) => settled(() => openDirectory(sync, path, options)),
    async cp(src: unknown, dest: unknown, options?: unknown): Promise<void> {
      const checked = checkCopy(src, dest, options);
      await settled(() => undefined);
      await copy(sync, checked.paths, checked.options);
    },
    rm: async (path: unknown, options?: unknown): Promise<void> => remove(sync, path, options),
    realpath: (path: unknown, options?: unknown) =>
      settled(() => sync.realpathSync.native(path as string, options as never)),
    async lchmod(): Promise<never> {
      throw codedError(Error, "ERR_METHOD_NOT_IMPLEMENTED", "The lchmod() method is not implemented");
    },
    async readFile(path: unknown, options?: unknown): Promise<unknown> {
      if (path instanceof FileHandle) return path.readFile(options);
      return readWholeFile(sync, pathOnly(path, options), options as FileOptions);
    },
    writeFile: async (path: unknown, data: unknown, options?: unknown): Promise<void> =>
      write(path, data, options, "w"),
    appendFile: async (path: unknown, data: unknown, options?: unknown): Promise<void> =>
      write(path, data, options, "a"),
    watch,
    constants,
  };

  async function write(path: unknown, data: unknown, options: unknown, flag: string): Promise<void> {
    if (path instanceof FileHandle) return path.writeFile(data, options);
    return writeWholeFile(
      sync,
      typeof path === "number" ? checkPath(path) : path,
      data,
      options as FileOptions,
      {
        flag,
      },
    );
  }

  return { ...forms, ...own } as unknown as typeof NodeFs.promises;
}

/** A path and not a descriptor, which promises have no use for. An aborted signal comes first, as in Node. */
function pathOnly(path: unknown, options: unknown): unknown {
  if (typeof path !== "number") return path;
  throwIfAborted((options as FileOptions | undefined)?.signal);
  return checkPath(path);
}
