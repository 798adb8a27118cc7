// What the conformance programs share. Each runs a list of named checks and prints one line for each:
//
//   ok NAME
//   FAIL NAME: WHAT expected X got Y; ...
//
//   PROGRAM SCRATCH [ARGUMENT...] [--skip=NAME...]
//
// SCRATCH is an empty directory below a preopen. Each check starts in a fresh directory of its own there,
// `dir`, with none of its descriptors left over from another check's success; a name given by --skip is left
// out (some hosts never return from a call).

import { OFLAGS_CREAT, OFLAGS_DIRECTORY, WASI_ESUCCESS } from "../../../../assembly/abi/wasi.ts";
import { errnoName } from "../../lib/errno-name.ts";
import {
  args,
  close,
  locate,
  mkdirAt,
  must,
  openAt,
  print,
  RIGHTS_DIRECTORY,
  RIGHTS_READ_ONLY,
  readBytes,
  textOf,
  writeAll,
} from "../../lib/wasi.ts";

const SKIP = "--skip=";

/** The directory of the check that runs. */
export let dir: i32 = -1;
/** SCRATCH, open for the whole run. */
export let scratch: i32 = -1;
/** The preopened directory that SCRATCH lies below. */
export let preopen: i32 = -1;
/** The arguments without the --skip ones. */
export const parameters: string[] = [];

const skipped: string[] = [];
let failures: string = "";
let checks: i32 = 0;

export function openDirectory(at: i32, path: string): i32 {
  return must(openAt(at, path, OFLAGS_DIRECTORY, RIGHTS_DIRECTORY), `opening the directory ${path}`);
}

export function begin(): void {
  const given = args();
  for (let i = 0; i < given.length; i++) {
    if (given[i].startsWith(SKIP)) skipped.push(given[i].substring(SKIP.length));
    else parameters.push(given[i]);
  }
  const located = locate(parameters[1]);
  preopen = located.fd;
  scratch = openDirectory(located.fd, located.path);
}

function report(name: string): void {
  print(failures == "" ? `ok ${name}\n` : `FAIL ${name}: ${failures}\n`);
  failures = "";
}

/** A check with a directory of its own. */
export function test(name: string, body: () => void): void {
  if (skipped.includes(name)) return;
  const own = `check-${checks++}`;
  const errno = mkdirAt(scratch, own);
  if (errno != WASI_ESUCCESS) {
    failures = `making its directory: ${errnoName(errno)}`;
  } else {
    dir = openDirectory(scratch, own);
    body();
    close(dir);
  }
  report(name);
}

function addFailure(text: string): void {
  if (failures != "") failures += "; ";
  // One line for each check, whatever a file held.
  failures += text.replaceAll("\n", "\\n");
}

/** The errno is one of those given. */
export function errno(what: string, actual: i32, first: i32, second: i32 = -1, third: i32 = -1): void {
  if (actual == first || actual == second || actual == third) return;
  let expected = errnoName(first);
  if (second >= 0) expected += ` or ${errnoName(second)}`;
  if (third >= 0) expected += ` or ${errnoName(third)}`;
  addFailure(`${what} expected ${expected} got ${errnoName(actual)}`);
}

export function ok(what: string, actual: i32): void {
  errno(what, actual, WASI_ESUCCESS);
}

/** The same for calls that give a descriptor or a count, or -errno. An unexpected descriptor is closed. */
export function refused(what: string, value: i32, first: i32, second: i32 = -1, third: i32 = -1): void {
  if (value >= 0) {
    close(value);
    errno(what, WASI_ESUCCESS, first, second, third);
  } else {
    errno(what, -value, first, second, third);
  }
}

/** A count, told by name of the error when it is one. */
export function count(what: string, actual: i32, expected: i32): void {
  if (actual == expected) return;
  const got = actual < 0 ? errnoName(-actual) : actual.toString();
  addFailure(`${what} expected ${expected} got ${got}`);
}

export function equal(what: string, actual: u64, expected: u64): void {
  if (actual != expected) addFailure(`${what} expected ${expected} got ${actual}`);
}

export function same(what: string, actual: string, expected: string): void {
  if (actual != expected) addFailure(`${what} expected "${expected}" got "${actual}"`);
}

export function isTrue(what: string, condition: bool): void {
  if (!condition) addFailure(`${what} expected true got false`);
}

// What most checks begin with. The program ends when it cannot be made: nothing after it would mean anything.

export function makeFile(at: i32, path: string, content: string = "data"): void {
  const fd = must(openAt(at, path, OFLAGS_CREAT), `creating ${path}`);
  const written = writeAll(fd, content);
  must(written, `writing ${path}`);
  close(fd);
}

export function makeDirectory(at: i32, path: string): void {
  must(-mkdirAt(at, path), `making the directory ${path}`);
}

/** The first 256 bytes of a file, or the error's name. */
export function contentOf(at: i32, path: string): string {
  const fd = openAt(at, path, 0, RIGHTS_READ_ONLY);
  if (fd < 0) return `<${errnoName(-fd)}>`;
  const content = contentFrom(fd);
  close(fd);
  return content;
}

export function contentFrom(fd: i32): string {
  const buffer = heap.alloc(256);
  const length = readBytes(fd, buffer, 256);
  return length < 0 ? `<${errnoName(-length)}>` : textOf(buffer, length);
}
