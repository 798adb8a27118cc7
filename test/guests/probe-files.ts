// probe-files OP:PATH...: does one thing after the other with files, and says on one line each what came of it.
//   read     the first bytes of a file      write    "written", in a file that is made or cut off
//   list     a directory's names, sorted    mkdir    a directory
//   kind     what it is
// test/support/oci/probe-files.c does and says the same on Linux.

import {
  OFLAGS_CREAT,
  OFLAGS_DIRECTORY,
  OFLAGS_TRUNC,
  RIGHT_FD_READ,
  RIGHT_FD_READDIR,
  RIGHT_FD_WRITE,
} from "../../assembly/abi/wasi.ts";
import { errnoName } from "./lib/errno-name.ts";
import {
  args,
  close,
  DIRENT_NAME_LENGTH,
  FILESTAT_FILETYPE,
  locate,
  mkdirAt,
  openPath,
  print,
  readBytes,
  statAt,
  textOf,
  writeAll,
} from "./lib/wasi.ts";
import * as wasi from "./lib/wasi_snapshot_preview1.ts";

const READ_MAX: u32 = 64;
const LIST_BYTES: u32 = 65536;
const DIRENT_SIZE: u32 = 24;
const DIRECTORY: u8 = 3;
const REGULAR: u8 = 4;
const buffer: usize = memory.data(65536, 8);
const used: usize = memory.data(8, 8);

function outcome(result: i32): string {
  return result < 0 ? errnoName(-result) : "ok";
}

function read(path: string): string {
  const fd = openPath(path, 0, RIGHT_FD_READ);
  if (fd < 0) return outcome(fd);
  const count = readBytes(fd, buffer, READ_MAX);
  close(fd);
  return count < 0 ? outcome(count) : `"${textOf(buffer, count)}"`;
}

function write(path: string): string {
  const fd = openPath(path, OFLAGS_CREAT | OFLAGS_TRUNC, RIGHT_FD_WRITE);
  if (fd < 0) return outcome(fd);
  const result = writeAll(fd, "written");
  close(fd);
  return outcome(result);
}

function list(path: string): string {
  const fd = openPath(path, OFLAGS_DIRECTORY, RIGHT_FD_READDIR);
  if (fd < 0) return outcome(fd);
  const errno = wasi.fd_readdir(fd, buffer, LIST_BYTES, 0, used);
  close(fd);
  if (errno != 0) return outcome(-errno);
  const names: string[] = [];
  for (let at: u32 = 0; at < load<u32>(used); ) {
    const length = load<u32>(buffer + at, DIRENT_NAME_LENGTH);
    const name = textOf(buffer + at + DIRENT_SIZE, length);
    if (name != "." && name != "..") names.push(name);
    at += DIRENT_SIZE + length;
  }
  return names.sort().join(" ");
}

function mkdir(path: string): string {
  const located = locate(path);
  return outcome(-mkdirAt(located.fd, located.path));
}

function kind(path: string): string {
  const located = locate(path);
  const errno = statAt(located.fd, located.path, buffer);
  if (errno != 0) return outcome(-errno);
  const type = load<u8>(buffer, FILESTAT_FILETYPE);
  return type == DIRECTORY ? "directory" : type == REGULAR ? "file" : "other";
}

export function _start(): void {
  const words = args();
  for (let i = 1; i < words.length; i++) {
    const colon = words[i].indexOf(":");
    const op = words[i].substring(0, colon);
    const path = words[i].substring(colon + 1);
    let answer = "?";
    if (op == "read") answer = read(path);
    else if (op == "write") answer = write(path);
    else if (op == "list") answer = list(path);
    else if (op == "mkdir") answer = mkdir(path);
    else if (op == "kind") answer = kind(path);
    print(`${words[i]} ${answer}\n`);
  }
}
