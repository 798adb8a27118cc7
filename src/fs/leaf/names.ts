// Names: mkdir, rmdir, unlink, rename, links, and what a symbolic link says.

import { EINVAL } from "../../../assembly/abi/errno.ts";
import { AT_FDCWD, AT_REMOVEDIR } from "../../../assembly/abi/fcntl.ts";
import { PATH_MAX } from "../../../assembly/abi/limits.ts";
import {
  SYS_chdir,
  SYS_getcwd,
  SYS_linkat,
  SYS_mkdirat,
  SYS_readlinkat,
  SYS_renameat2,
  SYS_symlinkat,
  SYS_unlinkat,
} from "../../../assembly/abi/syscall.ts";
import type { CheckedPath } from "../validators.ts";
import { Inotify } from "./inotify.ts";

export class Names extends Inotify {
  mkdir(path: CheckedPath, mode: number): void {
    this.check(this.tryMkdir(path, mode), "mkdir", path);
  }

  /** 0 or -errno. */
  protected tryMkdir(path: CheckedPath, mode: number): number {
    return this.call(SYS_mkdirat, AT_FDCWD, this.placePath(path), mode);
  }

  rmdir(path: CheckedPath): void {
    this.check(this.call(SYS_unlinkat, AT_FDCWD, this.placePath(path), AT_REMOVEDIR), "rmdir", path);
  }

  unlink(path: CheckedPath): void {
    this.check(this.call(SYS_unlinkat, AT_FDCWD, this.placePath(path), 0), "unlink", path);
  }

  rename(from: CheckedPath, to: CheckedPath): void {
    const old = this.placePath(from);
    const fresh = this.placeOther(to);
    this.check(this.call(SYS_renameat2, AT_FDCWD, old, AT_FDCWD, fresh, 0), "rename", from, to);
  }

  link(existing: CheckedPath, path: CheckedPath): void {
    const old = this.placePath(existing);
    const fresh = this.placeOther(path);
    this.check(this.call(SYS_linkat, AT_FDCWD, old, AT_FDCWD, fresh, 0), "link", existing, path);
  }

  symlink(target: CheckedPath, path: CheckedPath): void {
    const text = this.placePath(target);
    const at = this.placeOther(path);
    this.check(this.call(SYS_symlinkat, text, AT_FDCWD, at), "symlink", target, path);
  }

  /** The bytes of a link's text. */
  readlink(path: CheckedPath): Uint8Array {
    const length = this.check(this.#tryReadlink(path), "readlink", path);
    return this.bytes.slice(this.data, this.data + length);
  }

  /** Undefined for what is no symbolic link. Other errors are those of `syscall`. */
  protected readlinkIfLink(path: CheckedPath, syscall: string, named: CheckedPath): Uint8Array | undefined {
    const length = this.#tryReadlink(path);
    if (length === -EINVAL) return undefined;
    this.check(length, syscall, named);
    return this.bytes.slice(this.data, this.data + length);
  }

  #tryReadlink(path: CheckedPath): number {
    return this.call(SYS_readlinkat, AT_FDCWD, this.placePath(path), this.data, PATH_MAX);
  }

  chdir(path: CheckedPath): void {
    this.check(this.call(SYS_chdir, this.placePath(path)), "chdir", path);
  }

  cwd(): string {
    const length = this.check(this.call(SYS_getcwd, this.data, PATH_MAX), "getcwd");
    return new TextDecoder().decode(this.bytes.slice(this.data, this.data + length - 1));
  }
}
