// Each function of preview1 as a line: what its arguments and results look like, and what hostile ones do.

import { describe, expect, test } from "vitest";
import * as wasi from "../../../assembly/abi/wasi.ts";
import { PREVIEW1_FUNCTIONS } from "../../../src/host/guest/runner.ts";
import { callTable } from "../../../src/host/trace/calls.ts";
import { callLine, endLine } from "../../../src/trace/line.ts";
import { escapeText } from "../../../src/trace/value.ts";
import { READ, ROOT_FD, TracedDriver, WRITE } from "../../support/traced-driver.ts";
import { makeMachine } from "../../support/wvisor.ts";

const NOWHERE = 0xfffffff0;
const ALL =
  "RIGHTS_ALL&~(FD_DATASYNC|FD_READ|FD_SEEK|FD_TELL|FD_WRITE|FD_ALLOCATE|FD_FILESTAT_SET_SIZE|SOCK_SHUTDOWN|SOCK_ACCEPT)";

function traced(argv?: readonly string[]): TracedDriver {
  const machine = makeMachine();
  const namespace = machine.namespace(machine.tmpfs("mode=755"), false, "root");
  return new TracedDriver(machine, namespace, argv === undefined ? {} : { argv });
}

/** Addresses and inode numbers, which are nobody's business, as letters. */
function general(line: string): string {
  return line
    .replace(/0x[0-9a-f]+/g, "ADDRESS")
    .replace(/(dev|ino|nlink)=\d+/g, "$1=N")
    .replace(/(.tim)=\d{10,}/g, "$1=T");
}

test("every function has its parameters, as many as the snapshot says", async () => {
  const table = callTable({ args: 0, env: 0 });
  expect([...table.keys()].sort()).toEqual([...PREVIEW1_FUNCTIONS].sort());
  const { kernel } = traced().driver;
  for (const [name, parameters] of table) {
    const words = parameters.reduce((sum, parameter) => sum + parameter.words, 0);
    expect((kernel[name] as () => number).length, name).toBe(words);
  }
});

describe("a call as a line", () => {
  test("opening, reading, writing, closing", () => {
    const task = traced();
    const { driver } = task;
    const cell = driver.room(8);
    const both = BigInt(READ | WRITE);
    const open = (...path: [number, number]) =>
      task.line("path_open", ROOT_FD, 1, ...path, wasi.OFLAGS_CREAT | wasi.OFLAGS_EXCL, both, 0n, 1, cell);
    expect(open(...task.path("f"))).toBe(
      'path_open(3</>, LOOKUP_SYMLINK_FOLLOW, "f", OFLAGS_CREAT|OFLAGS_EXCL, ' +
        "FD_READ|FD_SEEK|FD_WRITE|FD_ALLOCATE|FD_FILESTAT_GET|FD_FILESTAT_SET_SIZE, 0, FDFLAGS_APPEND, [0</f>]) = 0",
    );
    expect(general(open(...task.path("f")))).toContain("FDFLAGS_APPEND, ADDRESS) = EEXIST");
    const data = task.path("hello\n\x1b[31mred\x07 and more than is shown");
    expect(task.line("fd_write", 0, ...driver.iovec(...data), cell)).toBe(
      'fd_write(0</f>, [{buf="hello\\n\\33[31mred\\7 and more than is"..., buf_len=38}], 1, [38]) = 0',
    );
    expect(task.line("fd_pread", 0, ...driver.iovec(driver.room(64), 64), 36n, cell)).toBe(
      'fd_pread(0</f>, [{buf="wn", buf_len=64}], 1, 36, [2]) = 0',
    );
    expect(task.line("fd_seek", 0, -4n, wasi.WHENCE_END, cell)).toBe(
      "fd_seek(0</f>, -4, WHENCE_END, [34]) = 0",
    );
    expect(task.line("fd_tell", 0, cell)).toBe(
      "fd_tell(0</f>, 0x400) = EBADF (the descriptor lacks FD_TELL)",
    );
    expect(general(task.line("fd_filestat_get", 0, driver.room(64)))).toBe(
      "fd_filestat_get(0</f>, {dev=N, ino=N, filetype=FILETYPE_REGULAR_FILE, nlink=N, size=38, atim=T, mtim=T, ctim=T}) = 0",
    );
    expect(task.line("fd_renumber", 0, 5)).toBe("fd_renumber(0</f>, 5) = EBADF");
    expect(task.line("fd_close", 0)).toBe("fd_close(0</f>) = 0");
    expect(task.line("fd_close", 0)).toBe("fd_close(0) = EBADF");
  });

  test("names", () => {
    const task = traced();
    const { driver } = task;
    const cell = driver.room(4);
    expect(task.line("path_create_directory", ROOT_FD, ...task.path("d"))).toBe(
      'path_create_directory(3</>, "d") = 0',
    );
    expect(task.line("path_symlink", ...task.path("a b"), ROOT_FD, ...task.path("d/l"))).toBe(
      'path_symlink("a b", 3</>, "d/l") = 0',
    );
    const room = driver.room(16);
    expect(task.line("path_readlink", ROOT_FD, ...task.path("d/l"), room, 16, cell)).toBe(
      'path_readlink(3</>, "d/l", "a b", 16, [3]) = 0',
    );
    expect(task.line("path_link", ROOT_FD, 0, ...task.path("d/l"), ROOT_FD, ...task.path("m"))).toBe(
      'path_link(3</>, 0, "d/l", 3</>, "m") = 0',
    );
    expect(task.line("path_rename", ROOT_FD, ...task.path("m"), ROOT_FD, ...task.path("n"))).toBe(
      'path_rename(3</>, "m", 3</>, "n") = 0',
    );
    expect(task.line("path_unlink_file", ROOT_FD, ...task.path("n"))).toBe('path_unlink_file(3</>, "n") = 0');
    expect(task.line("path_remove_directory", ROOT_FD, ...task.path("d"))).toBe(
      'path_remove_directory(3</>, "d") = ENOTEMPTY',
    );
    const times = task.line("path_filestat_set_times", ROOT_FD, 0, ...task.path("d"), 1n, -1n, 13);
    expect(times).toBe(
      'path_filestat_set_times(3</>, 0, "d", 1, -1, FSTFLAGS_ATIM|FSTFLAGS_MTIM|FSTFLAGS_MTIM_NOW) = EINVAL',
    );
    const listed = task.line("fd_readdir", ROOT_FD, driver.room(512), 512, 0n, cell);
    expect(listed.replace(/(d_next|d_ino)=\d+/g, "$1=N")).toMatch(
      /^fd_readdir\(3<\/>, \[\{d_next=N, d_ino=N, d_type=FILETYPE_DIRECTORY, d_name="\."\}, .*d_name="d"\}\], 512, 0, \[\d+\]\) = 0$/,
    );
  });

  test("what is open at the start, clocks, waiting, the end", () => {
    const task = traced(["guest", "one", "two\n"]);
    const { driver } = task;
    const cell = driver.room(8);
    expect(general(task.line("args_get", driver.room(32), driver.room(64)))).toBe(
      'args_get(["guest", "one", "two\\n"], ADDRESS) = 0',
    );
    expect(task.line("args_sizes_get", cell, cell + 4)).toBe("args_sizes_get([3], [15]) = 0");
    expect(task.line("fd_prestat_get", ROOT_FD, cell)).toBe(
      "fd_prestat_get(3</>, {tag=PREOPENTYPE_DIR, pr_name_len=1}) = 0",
    );
    expect(task.line("fd_prestat_dir_name", ROOT_FD, cell, 1)).toBe('fd_prestat_dir_name(3</>, "/", 1) = 0');
    expect(task.line("fd_fdstat_get", ROOT_FD, driver.room(24))).toBe(
      `fd_fdstat_get(3</>, {fs_filetype=FILETYPE_DIRECTORY, fs_flags=0, fs_rights_base=${ALL}, fs_rights_inheriting=RIGHTS_ALL}) = 0`,
    );
    expect(task.line("clock_time_get", wasi.CLOCK_MONOTONIC, 1n, cell)).toMatch(
      /^clock_time_get\(CLOCK_MONOTONIC, 1, \[\d+\]\) = 0$/,
    );
    const [subscription] = driver.put(new Uint8Array(wasi.SIZEOF_SUBSCRIPTION));
    new DataView(driver.memory.buffer).setBigUint64(subscription, 7n, true);
    expect(task.line("poll_oneoff", subscription, driver.room(32), 1, cell)).toBe(
      "poll_oneoff([{userdata=7, type=EVENTTYPE_CLOCK, id=CLOCK_REALTIME, timeout=0, flags=0}], " +
        "[{userdata=7, error=ESUCCESS, type=EVENTTYPE_CLOCK}], 1, [1]) = 0",
    );
    expect(task.line("proc_raise", 9)).toBe("proc_raise(9) = ENOTSUP");
    expect(task.line("fd_advise", ROOT_FD, 0n, 0n, 3)).toBe("fd_advise(3</>, 0, 0, ADVICE_WILLNEED) = EBADF");
    expect(() => task.call("proc_exit", 3)).toThrow(WebAssembly.RuntimeError);
    const last = task.records.at(-1)!;
    expect(last.type === "call" && callLine(last)).toBe("[pid 1] proc_exit(3) = ?");
    expect(endLine({ type: "end", pid: 1, t: 0, code: 3 })).toBe("[pid 1] +++ exited with 3 +++");
  });
});

describe("what a hostile guest gives", () => {
  test("addresses outside of its memory are shown as such", () => {
    const task = traced();
    expect(task.line("fd_write", ROOT_FD, NOWHERE, 1, 0)).toBe(
      "fd_write(3</>, 0xfffffff0, 1, NULL) = EBADF (the descriptor lacks FD_WRITE)",
    );
    expect(task.line("path_unlink_file", ROOT_FD, NOWHERE, 0xffffffff)).toBe(
      "path_unlink_file(3</>, 0xfffffff0) = EFAULT",
    );
    expect(task.line("poll_oneoff", NOWHERE, NOWHERE, 0xffffffff, NOWHERE)).toBe(
      "poll_oneoff(0xfffffff0, 0xfffffff0, 4294967295, 0xfffffff0) = EINVAL",
    );
  });

  test("counts and lengths are bounded, flags that there are not are numbers", () => {
    const task = traced();
    const [at] = task.driver.put(new Uint8Array(8 * 1000));
    const many = task.call("fd_write", ROOT_FD, at, 1000, 0);
    expect(many.args.iovs).toMatchObject({ more: true });
    expect((many.args.iovs as { list: unknown[] }).list).toHaveLength(16);
    const long = "x".repeat(5000);
    const line = task.line("path_create_directory", ROOT_FD, ...task.path(long));
    expect(line).toBe(`path_create_directory(3</>, "${long.slice(0, 4096)}"...) = ENAMETOOLONG`);
    const wrong = task.line("path_open", ROOT_FD, -1, ...task.path("x"), -1, -1n, 1n << 40n, -1, 0);
    expect(wrong).toContain("LOOKUP_SYMLINK_FOLLOW|0xfffffffe");
    expect(wrong).toContain("0x10000000000, ");
    expect(task.line("fd_seek", -1, 0n, 77, 0)).toBe("fd_seek(4294967295, 0, 77, NULL) = EBADF");
  });

  test("what a terminal would obey is escaped, in names that it makes too", () => {
    const task = traced();
    const name = '\x1b]0;title\x07\x9b31m<3>"\\\r\u202e';
    const fd = task.mustOpen(name, { oflags: wasi.OFLAGS_CREAT, rights: WRITE });
    const line = task.line("fd_close", fd);
    expect(line).toBe('fd_close(0</\\33]0;title\\7\\302\\23331m\\0743\\76\\"\\\\\\r\\342\\200\\256>) = 0');
    expect(line).toMatch(/^[\x20-\x7e]*$/);
    expect(escapeText({ latin1: "\xff\x00" + "7" })).toBe("\\377\\0007");
    const bytes = task.line("path_create_directory", ROOT_FD, ...task.path(Uint8Array.of(0xff, 0x41)));
    expect(bytes).toBe('path_create_directory(3</>, "\\377A") = EILSEQ');
  });
});
