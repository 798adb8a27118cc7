// Arguments, environment, randomness, sockets that there are none of, and the scheduler.
//
//   misc SCRATCH "two words" "" "naïve 🙂" 'quote"s' "line
//   break"
//
// with the environment PLAIN=value, EMPTY=, QUOTES=a"b'c, LINES=one<newline>two, EQUALS=a=b.

import { OFLAGS_CREAT, WASI_EBADF, WASI_EFAULT, WASI_ENOTSOCK } from "../../../assembly/abi/wasi.ts";
import { close, environ, must, openAt } from "../lib/wasi.ts";
import * as wasi from "../lib/wasi_snapshot_preview1.ts";
import { begin, dir, equal, errno, isTrue, ok, parameters, same, test } from "./lib/checks.ts";

const LARGE: u32 = 200000;
const NO_FD: i32 = 9999;

const buffer: usize = memory.data(200000, 8);
const cell: usize = memory.data(8, 8);
const iovec: usize = memory.data(8, 8);

function memoryEnd(): usize {
  return <usize>memory.size() * 65536;
}

/** Every call on sockets, on a descriptor that is none. */
function everySocketCall(what: string, fd: i32, expected: i32): void {
  store<u32>(iovec, <u32>buffer);
  store<u32>(iovec, 8, 4);
  errno(`sock_accept of ${what}`, wasi.sock_accept(fd, 0, cell), expected);
  errno(`sock_recv of ${what}`, wasi.sock_recv(fd, iovec, 1, 0, cell, cell + 4), expected);
  errno(`sock_send of ${what}`, wasi.sock_send(fd, iovec, 1, 0, cell), expected);
  errno(`sock_shutdown of ${what}`, wasi.sock_shutdown(fd, 3), expected);
}

function hasZeroRun(at: usize, length: u32): bool {
  let run = 0;
  for (let i: u32 = 0; i < length; i++) {
    run = load<u8>(at + i) == 0 ? run + 1 : 0;
    if (run == 8) return true;
  }
  return false;
}

export function _start(): void {
  begin();

  test("the arguments are exactly what was given", (): void => {
    equal("how many", parameters.length, 7);
    if (parameters.length != 7) return;
    same("words", parameters[2], "two words");
    same("empty", parameters[3], "");
    same("beyond ASCII", parameters[4], "naïve 🙂");
    same("quote", parameters[5], 'quote"s');
    same("lines", parameters[6], "line\nbreak");
  });

  test("the environment is exactly what was given", (): void => {
    const variables = environ();
    equal("how many", variables.length, 5);
    isTrue("PLAIN", variables.includes("PLAIN=value"));
    isTrue("EMPTY", variables.includes("EMPTY="));
    isTrue("QUOTES", variables.includes("QUOTES=a\"b'c"));
    isTrue("LINES", variables.includes("LINES=one\ntwo"));
    isTrue("EQUALS", variables.includes("EQUALS=a=b"));
  });

  test("the sizes of arguments and environment count the ending zeroes", (): void => {
    ok("environ_sizes_get", wasi.environ_sizes_get(cell, cell + 4));
    equal("environment", load<u32>(cell, 4), 12 + 7 + 13 + 14 + 11);
    const end = memoryEnd();
    errno("arguments beyond memory", wasi.args_get(end - 4, buffer), WASI_EFAULT);
    errno("environment beyond memory", wasi.environ_get(buffer, end - 4), WASI_EFAULT);
  });

  test("random_get fills what is larger than 65,536 bytes", (): void => {
    memory.fill(buffer, 0, LARGE);
    ok("random_get", wasi.random_get(buffer, LARGE - 1));
    isTrue("all of it", !hasZeroRun(buffer, LARGE - 1));
    equal("and nothing more", load<u8>(buffer + LARGE - 1), 0);
    const first = load<u64>(buffer);
    ok("again", wasi.random_get(buffer, 8));
    isTrue("something else", load<u64>(buffer) != first);
    ok("nothing", wasi.random_get(buffer, 0));
  });

  test("calls on sockets refuse what is none", (): void => {
    const fd = must(openAt(dir, "file", OFLAGS_CREAT), "open");
    everySocketCall("a file", fd, WASI_ENOTSOCK);
    everySocketCall("a directory", dir, WASI_ENOTSOCK);
    close(fd);
    everySocketCall("a closed descriptor", fd, WASI_EBADF);
    everySocketCall("no descriptor", NO_FD, WASI_EBADF);
  });

  test("sched_yield succeeds", (): void => {
    ok("sched_yield", wasi.sched_yield());
  });
}
