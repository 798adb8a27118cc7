// Removes everything below a directory.

import {
  FILETYPE_DIRECTORY,
  OFLAGS_DIRECTORY,
  SIZEOF_DIRENT,
  WASI_ESUCCESS,
} from "../../../assembly/abi/wasi.ts";
import {
  check,
  close,
  DIRENT_NAME_LENGTH,
  DIRENT_TYPE,
  must,
  openAt,
  RIGHTS_DIRECTORY,
  rmdirAt,
  textOf,
  unlinkAt,
} from "./wasi.ts";
import * as wasi from "./wasi_snapshot_preview1.ts";

const BUFFER_SIZE: u32 = 4096;

/** Removes the directory's first entries; false when it was empty. */
function removeSome(dir: i32): bool {
  const buffer = heap.alloc(BUFFER_SIZE + 8);
  check(wasi.fd_readdir(dir, buffer, BUFFER_SIZE, 0, buffer + BUFFER_SIZE), "fd_readdir");
  const used = load<u32>(buffer + BUFFER_SIZE);
  let removed = false;
  let at: u32 = 0;
  while (at + SIZEOF_DIRENT <= used) {
    const length = load<u32>(buffer + at, DIRENT_NAME_LENGTH);
    if (at + SIZEOF_DIRENT + length > used) break;
    const name = textOf(buffer + at + SIZEOF_DIRENT, length);
    if (name != "." && name != "..") {
      removeEntry(dir, name, load<u8>(buffer + at, DIRENT_TYPE) == FILETYPE_DIRECTORY);
      removed = true;
    }
    at += SIZEOF_DIRENT + length;
  }
  return removed;
}

function removeEntry(dir: i32, name: string, isDirectory: bool): void {
  if (!isDirectory) {
    check(unlinkAt(dir, name), `unlink ${name}`);
    return;
  }
  const below = must(openAt(dir, name, OFLAGS_DIRECTORY, RIGHTS_DIRECTORY, 0, 0), `open ${name}`);
  removeTree(below);
  check(close(below), "fd_close");
  check(rmdirAt(dir, name), `rmdir ${name}`, WASI_ESUCCESS);
}

/** Ends the program when something cannot be removed. */
export function removeTree(dir: i32): void {
  while (removeSome(dir)) {}
}
