// All leaf calls of the face: what node:fs calls its binding. Arguments were validated; errors are those of node:fs, thrown.
//
// Synchronous functions, callbacks and promises are all made of these.

import { EEXIST, EISDIR, ENOENT, ENOTDIR, EOPNOTSUPP } from "../../../assembly/abi/errno.ts";
import { AT_FDCWD, O_CREAT, O_EXCL, O_RDONLY, O_WRONLY } from "../../../assembly/abi/fcntl.ts";
import { S_IFDIR, S_IFMT } from "../../../assembly/abi/stat.ts";
import { SYS_close, SYS_unlinkat } from "../../../assembly/abi/syscall.ts";
import { type SystemError, systemError } from "../system-error.ts";
import type { CheckedPath } from "../validators.ts";
import { Listings } from "./listings.ts";

/** COPYFILE_EXCL and COPYFILE_FICLONE_FORCE of fs.constants. */
const COPYFILE_EXCL = 1;
const COPYFILE_FICLONE_FORCE = 4;

const TEMPORARY_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const TEMPORARY_LENGTH = 6;
const TEMPORARY_TRIES = 100;

const MODE_BITS = 0o7777;
const SLASH = 0x2f;

export class Leaf extends Listings {
  /** Makes the directories of a path that are missing; returns the first that it made. Errors name the whole path. */
  mkdirs(path: string, mode: number): string | undefined {
    const missing: string[] = [path];
    let first: string | undefined;
    for (let at = missing.pop(); at !== undefined; at = missing.pop()) {
      const result = this.tryMkdir(at, mode);
      const above = parentOf(at);
      if (result === 0) first ??= at;
      else if (result === -ENOENT && above !== at && above !== "") missing.push(at, above);
      else if (result !== -EEXIST) throw systemError(-result, "mkdir", path);
      else this.#beDirectory(at, path, missing.length > 0);
    }
    return first;
  }

  /** What stands where a directory should: it is one, or leads to one. */
  #beDirectory(path: string, named: string, hasMore: boolean): void {
    const stats = this.statIfThere(path, true);
    if (stats === undefined) throw systemError(ENOENT, "mkdir", named);
    if ((stats.mode & S_IFMT) !== S_IFDIR) throw systemError(hasMore ? ENOTDIR : EEXIST, "mkdir", named);
  }

  /** Makes a directory whose name begins with `prefix`; returns its path. Errors name the template. */
  mkdtemp(prefix: CheckedPath): Uint8Array {
    const head = typeof prefix === "string" ? new TextEncoder().encode(prefix) : prefix;
    const path = new Uint8Array(head.length + TEMPORARY_LENGTH).fill("X".charCodeAt(0));
    path.set(head);
    const template = path.slice();
    let result = -EEXIST;
    for (let i = 0; i < TEMPORARY_TRIES && result === -EEXIST; i++) {
      const random = crypto.getRandomValues(new Uint32Array(TEMPORARY_LENGTH));
      for (const [at, value] of random.entries())
        path[head.length + at] = TEMPORARY_LETTERS.charCodeAt(value % TEMPORARY_LETTERS.length);
      result = this.tryMkdir(path, 0o700);
    }
    this.check(result, "mkdtemp", template);
    return path;
  }

  /** uv_fs_copyfile(): contents and permission bits. Errors: also those of a file that is no regular one. */
  copyFile(from: CheckedPath, to: CheckedPath, flags: number): void {
    const fail = (result: number): number => this.check(result, "copyfile", from, to);
    if (flags & COPYFILE_FICLONE_FORCE) fail(-EOPNOTSUPP);
    const source = fail(this.tryOpen(from, O_RDONLY, 0));
    try {
      const { dev, ino, mode } = this.fstat(source);
      const excl = flags & COPYFILE_EXCL ? O_EXCL : 0;
      const target = fail(this.tryOpen(to, O_WRONLY | O_CREAT | excl, mode & MODE_BITS));
      try {
        const there = this.fstat(target);
        if (there.dev === dev && there.ino === ino) return;
        if ((mode & S_IFMT) === S_IFDIR) fail(-EISDIR);
        this.ftruncate(target, 0);
        this.fchmod(target, mode & MODE_BITS);
        fail(this.copyAll(source, target));
      } catch (error) {
        // As libuv: half a copy is none.
        this.call(SYS_unlinkat, AT_FDCWD, this.placePath(to), 0);
        throw error;
      } finally {
        this.call(SYS_close, target);
      }
    } finally {
      this.call(SYS_close, source);
    }
  }

  /** realpath(3). */
  realpath(path: CheckedPath): string {
    const text = typeof path === "string" ? path : new TextDecoder().decode(path);
    if (text === "") throw systemError(ENOENT, "realpath", path);
    try {
      return this.#resolve(text.startsWith("/") ? text : `${this.cwd()}/${text}`, path);
    } catch (error) {
      const { errno } = error as SystemError;
      throw errno === undefined ? error : systemError(-errno, "realpath", path);
    }
  }

  /** Follows one link after the other, and ".." to where it really leads. */
  #resolve(path: string, named: CheckedPath): string {
    // What loops, is too deep or not to be searched is so for a walk of the kernel's, too.
    this.access(path, 0);
    const rest = path.split("/").reverse();
    let done = "";
    for (let name = rest.pop(); name !== undefined; name = rest.pop()) {
      if (name === "" || name === ".") continue;
      if (name === "..") {
        done = done.slice(0, Math.max(done.lastIndexOf("/"), 0));
        continue;
      }
      const link = this.readlinkIfLink(`${done}/${name}`, "realpath", named);
      if (link === undefined) done += `/${name}`;
      else {
        const target = new TextDecoder().decode(link);
        if (target.startsWith("/")) done = "";
        rest.push(...target.split("/").reverse());
      }
    }
    return done === "" ? "/" : done;
  }
}

/** "a" for "a/b", "" for "a", "/" for "/a". */
function parentOf(path: string): string {
  let end = path.length;
  while (end > 1 && path.charCodeAt(end - 1) === SLASH) end--;
  const slash = path.lastIndexOf("/", end - 1);
  return slash === 0 ? "/" : path.slice(0, Math.max(slash, 0));
}
