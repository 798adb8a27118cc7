// cp and cpSync: a file, a link or a tree, with Node's rules about what may be copied over what. The rules are written once, as a
// generator: what a filter answers is yielded, and the synchronous form refuses promises there.

import type { BigIntStats, Stats } from "node:fs";
import path from "node:path";
import { EEXIST, EINVAL, EISDIR, ENOTDIR } from "../../../assembly/abi/errno.ts";
import { codedError, received } from "../argument-error.ts";
import { nodeSystemError } from "../node-system-error.ts";
import type { SyncFs } from "../sync/sync.ts";
import { checkBoolean, checkFunction, checkInteger, checkObject, checkPath } from "../validators.ts";

const { dirname, isAbsolute, join, parse, resolve } = path.posix;

export interface CopyOptions {
  readonly dereference: boolean;
  readonly errorOnExist: boolean;
  readonly filter: ((source: string, destination: string) => unknown) | undefined;
  readonly force: boolean;
  readonly mode: number;
  readonly preserveTimestamps: boolean;
  readonly recursive: boolean;
  readonly verbatimSymlinks: boolean;
}

const DEFAULTS: CopyOptions = {
  dereference: false,
  errorOnExist: false,
  filter: undefined,
  force: true,
  mode: 0,
  preserveTimestamps: false,
  recursive: false,
  verbatimSymlinks: false,
};

/** COPYFILE_EXCL, COPYFILE_FICLONE and COPYFILE_FICLONE_FORCE together. */
const COPY_FLAGS_MAX = 7;

const SWITCHES = [
  "dereference",
  "errorOnExist",
  "force",
  "preserveTimestamps",
  "recursive",
  "verbatimSymlinks",
] as const;

export function checkCopyOptions(given: unknown): CopyOptions {
  if (given === undefined) return DEFAULTS;
  checkObject(given);
  const options = { ...DEFAULTS, ...(given as object) };
  for (const name of SWITCHES) checkBoolean(options[name], `options.${name}`);
  const mode = checkInteger(options.mode ?? 0, "mode", 0, COPY_FLAGS_MAX);
  if (options.dereference && options.verbatimSymlinks) {
    const message = 'Option "dereference" cannot be used in combination with option "verbatimSymlinks"';
    throw codedError(TypeError, "ERR_INCOMPATIBLE_OPTION_PAIR", message);
  }
  if (options.filter !== undefined) checkFunction(options.filter, "options.filter");
  return { ...options, mode };
}

/** What each of cp's own errors says before its details. */
const PREFIXES = {
  ERR_FS_CP_EINVAL: "Invalid src or dest",
  ERR_FS_CP_DIR_TO_NON_DIR: "Cannot overwrite non-directory with directory",
  ERR_FS_CP_NON_DIR_TO_DIR: "Cannot overwrite directory with non-directory",
  ERR_FS_CP_EEXIST: "Target already exists",
  ERR_FS_CP_SOCKET: "Cannot copy a socket file",
  ERR_FS_CP_FIFO_PIPE: "Cannot copy a FIFO pipe",
  ERR_FS_CP_UNKNOWN: "Cannot copy an unknown file type",
  ERR_FS_CP_SYMLINK_TO_SUBDIRECTORY: "Cannot overwrite symlink in subdirectory of self",
  ERR_FS_EISDIR: "Path is a directory",
} as const;

const NAMES: ReadonlyMap<number, string> = new Map([
  [EEXIST, "EEXIST"],
  [EINVAL, "EINVAL"],
  [EISDIR, "EISDIR"],
  [ENOTDIR, "ENOTDIR"],
]);

function copyError(code: keyof typeof PREFIXES, errno: number, path: string, message: string): Error {
  const info = { code: NAMES.get(errno)!, message, path, syscall: "cp", errno };
  return nodeSystemError(code, PREFIXES[code], info);
}

type Status = Stats | BigIntStats;

function isSame(one: Status, other: Status): boolean {
  return one.ino === other.ino && one.dev === other.dev;
}

/** By the text of the paths alone. */
function isBelow(source: string, destination: string): boolean {
  const parts = (name: string): string[] => resolve(name).split("/").filter(Boolean);
  const below = parts(destination);
  return parts(source).every((part, index) => below[index] === part);
}

/** Steps of a copy; what is yielded is what the filter answered, and what comes back is whether to copy. */
type Steps = Generator<unknown, void, boolean>;

class Copy {
  readonly #fs: SyncFs;
  readonly #options: CopyOptions;
  /** The two forms of Node differ in places. */
  readonly #isSync: boolean;

  constructor(fs: SyncFs, options: CopyOptions, isSync: boolean) {
    this.#fs = fs;
    this.#options = options;
    this.#isSync = isSync;
  }

  *run(source: string, destination: string): Steps {
    if (!(yield* this.#wanted(source, destination))) return;
    const { from, to } = this.#check(source, destination);
    this.#checkParents(source, from, destination);
    const parent = dirname(destination);
    if (this.#fs.statSync(parent, { throwIfNoEntry: false }) === undefined) {
      this.#fs.mkdirSync(parent, { recursive: true });
    }
    yield* this.#copy(source, destination, to !== undefined);
  }

  *#wanted(source: string, destination: string): Generator<unknown, boolean, boolean> {
    const { filter } = this.#options;
    return filter === undefined ? true : yield filter(source, destination);
  }

  #stat(name: string): Stats {
    return this.#options.dereference ? this.#fs.statSync(name) : this.#fs.lstatSync(name);
  }

  #statIfThere(name: string): Stats | undefined {
    const options = { throwIfNoEntry: false } as const;
    return this.#options.dereference ? this.#fs.statSync(name, options) : this.#fs.lstatSync(name, options);
  }

  #check(source: string, destination: string): { from: Stats; to: Stats | undefined } {
    const from = this.#stat(source);
    const to = this.#statIfThere(destination);
    if (to !== undefined) {
      if (isSame(from, to)) {
        throw copyError("ERR_FS_CP_EINVAL", EINVAL, destination, "src and dest cannot be the same");
      }
      if (from.isDirectory() && !to.isDirectory()) {
        const details = `cannot overwrite non-directory ${destination} with directory ${source}`;
        throw copyError("ERR_FS_CP_DIR_TO_NON_DIR", EISDIR, destination, details);
      }
      if (!from.isDirectory() && to.isDirectory()) {
        const details = `cannot overwrite directory ${destination} with non-directory ${source}`;
        throw copyError("ERR_FS_CP_NON_DIR_TO_DIR", ENOTDIR, destination, details);
      }
    }
    if (from.isDirectory() && isBelow(source, destination)) throw this.#intoItself(source, destination);
    return { from, to };
  }

  #intoItself(source: string, destination: string): Error {
    const details = `cannot copy ${source} to a subdirectory of self ${destination}`;
    return copyError("ERR_FS_CP_EINVAL", EINVAL, destination, details);
  }

  /** The destination may be below the source through links: what counts is which directories are the same. */
  #checkParents(source: string, from: Stats, destination: string): void {
    const sourceParent = resolve(dirname(source));
    let parent = resolve(dirname(destination));
    while (parent !== sourceParent && parent !== parse(parent).root) {
      const status = this.#fs.statSync(parent, { throwIfNoEntry: false });
      if (status === undefined) return;
      if (isSame(from, status)) throw this.#intoItself(source, destination);
      parent = dirname(parent);
    }
  }

  *#copy(source: string, destination: string, isThere: boolean): Steps {
    const from = this.#stat(source);
    if (from.isDirectory()) {
      if (!this.#options.recursive) {
        throw this.#notRecursive(source);
      }
      yield* this.#copyDirectory(from.mode, source, destination, isThere);
    } else if (from.isFile() || from.isCharacterDevice() || from.isBlockDevice()) {
      this.#copyFile(from.mode, source, destination, isThere);
    } else if (from.isSymbolicLink()) this.#copyLink(source, destination, isThere);
    else throw this.#notCopied(from, destination);
  }

  #notRecursive(path: string): Error {
    const message = `${path} is a directory (not copied)`;
    const errno = this.#isSync ? EINVAL : EISDIR;
    const info = { code: "EISDIR", message, path, syscall: "cp", errno };
    return nodeSystemError("ERR_FS_EISDIR", PREFIXES.ERR_FS_EISDIR, info);
  }

  #notCopied(from: Stats, destination: string): Error {
    if (from.isSocket()) {
      return copyError("ERR_FS_CP_SOCKET", EINVAL, destination, `cannot copy a socket file: ${destination}`);
    }
    if (from.isFIFO()) {
      return copyError("ERR_FS_CP_FIFO_PIPE", EINVAL, destination, `cannot copy a FIFO pipe: ${destination}`);
    }
    const details = `cannot copy an unknown file type: ${destination}`;
    return copyError("ERR_FS_CP_UNKNOWN", EINVAL, destination, details);
  }

  *#copyDirectory(mode: number, source: string, destination: string, isThere: boolean): Steps {
    if (!isThere) this.#fs.mkdirSync(destination);
    for (const name of this.#fs.readdirSync(source)) {
      const from = join(source, name);
      const to = join(destination, name);
      if (!(yield* this.#wanted(from, to))) continue;
      const checked = this.#check(from, to);
      yield* this.#copy(from, to, checked.to !== undefined);
    }
    if (!isThere) this.#fs.chmodSync(destination, mode);
  }

  #copyFile(mode: number, source: string, destination: string, isThere: boolean): void {
    if (isThere) {
      if (this.#options.force) this.#fs.unlinkSync(destination);
      else if (this.#options.errorOnExist) {
        throw copyError("ERR_FS_CP_EEXIST", EEXIST, destination, `${destination} already exists`);
      } else return;
    }
    this.#fs.copyFileSync(source, destination, this.#options.mode);
    if (this.#options.preserveTimestamps) {
      // Reading has changed the access time meanwhile.
      const { atime, mtime } = this.#fs.statSync(source);
      this.#fs.utimesSync(destination, atime, mtime);
    }
    this.#fs.chmodSync(destination, mode);
  }

  #copyLink(source: string, destination: string, isThere: boolean): void {
    let target = this.#fs.readlinkSync(source);
    if (!this.#options.verbatimSymlinks && !isAbsolute(target)) target = resolve(dirname(source), target);
    if (isThere && this.#replacesLink(source, target, destination)) this.#fs.unlinkSync(destination);
    this.#fs.symlinkSync(target, destination);
  }

  /** Whether the destination is a link that may go. What is no link stays, and symlink() fails on it. */
  #replacesLink(source: string, target: string, destination: string): boolean {
    let old: string;
    try {
      old = this.#fs.readlinkSync(destination);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EINVAL") return false;
      throw error;
    }
    if (!isAbsolute(old)) old = resolve(dirname(destination), old);
    if (isBelow(target, old)) {
      const details = `cannot copy ${target} to a subdirectory of self ${old}`;
      throw copyError("ERR_FS_CP_EINVAL", EINVAL, destination, details);
    }
    const seen = this.#fs.statSync(this.#isSync ? destination : source);
    if (seen.isDirectory() && isBelow(old, target)) {
      const details = `cannot overwrite ${old} with ${target}`;
      throw copyError("ERR_FS_CP_SYMLINK_TO_SUBDIRECTORY", EINVAL, destination, details);
    }
    return true;
  }
}

interface Paths {
  readonly source: string;
  readonly destination: string;
}

function checkPaths(src: unknown, dest: unknown): Paths {
  return { source: checkPath(src, "src") as string, destination: checkPath(dest, "dest") as string };
}

/** cpSync(). */
export function copySync(fs: SyncFs, src: unknown, dest: unknown, given: unknown): void {
  const options = checkCopyOptions(given);
  const { source, destination } = checkPaths(src, dest);
  const steps = new Copy(fs, options, true).run(source, destination);
  for (let step = steps.next(); !step.done; ) {
    if (step.value instanceof Promise) {
      const message = `Expected boolean to be returned from the "filter" function but got ${received(step.value)}.`;
      throw codedError(TypeError, "ERR_INVALID_RETURN_VALUE", message);
    }
    step = steps.next(Boolean(step.value));
  }
}

/** promises.cp(), after the arguments were checked. */
export async function copy(fs: SyncFs, { source, destination }: Paths, options: CopyOptions): Promise<void> {
  const steps = new Copy(fs, options, false).run(source, destination);
  for (let step = steps.next(); !step.done; ) step = steps.next(Boolean(await step.value));
}

/** The arguments of cp() and promises.cp(). */
export function checkCopy(
  src: unknown,
  dest: unknown,
  given: unknown,
): { readonly paths: Paths; readonly options: CopyOptions } {
  const options = checkCopyOptions(given);
  return { paths: checkPaths(src, dest), options };
}
