// The largest things that a tmpfs is asked to hold: right results, in bounded time and memory. Figures are printed.

import { afterEach, beforeEach, expect, test } from "vitest";
import { EEXIST, ELOOP, EMFILE, ENAMETOOLONG, ENOENT } from "../../assembly/abi/errno.ts";
import {
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_RDONLY,
  O_RDWR,
  SEEK_DATA,
  SEEK_END,
  SEEK_HOLE,
} from "../../assembly/abi/fcntl.ts";
import { FD_MAX } from "../../assembly/abi/limits.ts";
import * as nr from "../../assembly/abi/syscall.ts";
import type { Machine } from "../../src/host/boot/machine.ts";
import { scaled } from "../support/scale.ts";
import { Calls } from "../support/sys/calls.ts";
import { kernelTarget } from "../support/sys/kernel.ts";
import type { Target } from "../support/sys/target.ts";
import { makeMachine } from "../support/wvisor.ts";

const TIB = 2 ** 40;
const DIRENTS = 65536;

let machine: Machine;
let target: Target;
let sys: Calls;

beforeEach(() => {
  machine = makeMachine();
  target = kernelTarget(machine, machine.namespace(machine.tmpfs("mode=777"), false), "tmpfs");
  sys = new Calls(target.process());
  expect(sys.mkdir("big")).toBe(0);
  const options = "size=1g,nr_inodes=1200000";
  expect(sys.process.syscall(nr.SYS_mount, "none", "big", "tmpfs", 0, options)).toBe(0);
});

afterEach(() => target.end());

/** Runs `step` `count` times, tells how long one took in each quarter, and what the kernel's memory has grown to. */
function measure(what: string, count: number, step: (index: number) => void): void {
  const quarter = Math.max(1, Math.floor(count / 4));
  const times: string[] = [];
  for (let from = 0; from < count; from += quarter) {
    const to = Math.min(from + quarter, count);
    const start = performance.now();
    for (let index = from; index < to; index++) step(index);
    times.push((((performance.now() - start) * 1000) / (to - from)).toFixed(2));
  }
  const megabytes = machine.memory.buffer.byteLength / 2 ** 20;
  console.log(`${count} x ${what}: ${times.join(", ")} us each by quarters; kernel memory ${megabytes} MiB`);
}

/** The number of entries of a directory, by getdents64. */
function entries(path: string): number {
  const fd = sys.open(path, O_RDONLY | O_DIRECTORY);
  const bytes = Buffer.alloc(DIRENTS);
  let count = 0;
  for (;;) {
    const used = sys.process.syscall(nr.SYS_getdents64, fd, bytes, DIRENTS);
    if (used <= 0) {
      sys.close(fd);
      return used < 0 ? used : count;
    }
    for (let at = 0; at < used; at += bytes.readUInt16LE(at + 16)) count++;
  }
}

test("a million files in one directory", () => {
  const count = scaled(1_000_000);
  measure("create", count, (index) => {
    const fd = sys.open(`big/file-${index}`, O_CREAT | O_EXCL | O_RDWR);
    if (fd < 0 || sys.close(fd) !== 0) expect([index, fd]).toEqual([index, 0]);
  });
  expect(entries("big")).toBe(count + 2);
  measure("stat", count, (index) => {
    const stat = sys.stat(`big/file-${(index * 7919) % count}`);
    if (typeof stat === "number") expect([index, stat]).toEqual([index, 0]);
  });
  expect(sys.stat(`big/file-${count}`)).toBe(-ENOENT);
  expect(sys.open("big/file-0", O_CREAT | O_EXCL | O_RDWR)).toBe(-EEXIST);
  measure("unlink", count, (index) => {
    const result = sys.unlink(`big/file-${index}`);
    if (result !== 0) expect([index, result]).toEqual([index, 0]);
  });
  expect(entries("big")).toBe(2);
  expect(sys.process.syscall(nr.SYS_umount2, "big", 0)).toBe(0);
}, 240_000);

test("200 levels of directories", () => {
  let path = "big";
  for (let level = 0; level < 200; level++) {
    path += "/d";
    expect(sys.mkdir(path)).toBe(0);
  }
  measure("stat at the bottom", 10_000, () => expect(typeof sys.stat(path)).toBe("object"));
  expect(sys.rename("big/d", "big/e")).toBe(0);
  expect(sys.stat(path)).toBe(-ENOENT);
  for (let bottom = path.replace("big/d", "big/e"); bottom !== "big"; bottom = bottom.slice(0, -2)) {
    expect(sys.rmdir(bottom)).toBe(0);
  }
});

test("10,000 open descriptors, and one more than there may be", () => {
  const most = Math.min(FD_MAX, 10_000);
  for (let fd = 0; fd < most; fd++) expect(sys.open(`big/${fd}`, O_CREAT | O_RDWR)).toBe(fd);
  for (let fd = 0; fd < most; fd += 997) expect(sys.pwrite(fd, `${fd}`, 0)).toBe(`${fd}`.length);
  for (let fd = 0; fd < most; fd += 997) expect(sys.pread(fd, 10, 0)).toEqual(Buffer.from(`${fd}`));
  for (let fd = most; fd < FD_MAX; fd++) expect(sys.process.syscall(nr.SYS_dup, 0)).toBe(fd);
  expect(sys.open("big/0")).toBe(-EMFILE);
  expect(sys.process.syscall(nr.SYS_dup, 0)).toBe(-EMFILE);
  expect(sys.close(4711)).toBe(0);
  expect(sys.open("big/0")).toBe(4711);
});

test("a sparse file of 1 TiB", () => {
  const fd = sys.open("big/sparse", O_CREAT | O_RDWR);
  expect(sys.pwrite(fd, "end", TIB - 3)).toBe(3);
  expect(sys.pwrite(fd, "middle", TIB / 2)).toBe(6);
  expect(sys.fstat(fd)).toMatchObject({ size: TIB, blocks: 16 });
  expect(sys.pread(fd, 10, TIB - 5)).toEqual(Buffer.from("\0\0end"));
  expect(sys.pread(fd, 10, TIB / 4)).toEqual(Buffer.alloc(10));
  const seek = (position: number, whence: number) => sys.process.syscall(nr.SYS_lseek, fd, position, whence);
  expect(seek(0, SEEK_DATA)).toBe(TIB / 2);
  expect(seek(TIB / 2, SEEK_HOLE)).toBe(TIB / 2 + 4096);
  expect(seek(TIB / 2 + 4096, SEEK_DATA)).toBe(TIB - 4096);
  expect(seek(0, SEEK_END)).toBe(TIB);
  expect(sys.process.syscall(nr.SYS_ftruncate, fd, 1)).toBe(0);
  expect(sys.fstat(fd)).toMatchObject({ size: 1, blocks: 0 });
});

test("a path of 4,095 bytes, and one of 4,096", () => {
  const step = `/${"n".repeat(200)}`;
  let made = "big";
  while (4095 - made.length - 1 > 255) {
    made += step;
    expect(sys.mkdir(made)).toBe(0);
  }
  const longest = `${made}/${"f".repeat(4095 - made.length - 1)}`;
  expect(longest.length).toBe(4095);
  const fd = sys.open(longest, O_CREAT | O_RDWR);
  expect(fd).toBeGreaterThanOrEqual(0);
  expect(typeof sys.stat(longest)).toBe("object");
  expect(sys.stat(`${longest}f`)).toBe(-ENAMETOOLONG);
  expect(sys.open(`${longest}f`, O_CREAT | O_RDWR)).toBe(-ENAMETOOLONG);
});

test("chains of 40 and of 41 links", () => {
  sys.close(sys.open("big/l0", O_CREAT | O_RDWR));
  for (let index = 1; index <= 41; index++) expect(sys.symlink(`l${index - 1}`, `big/l${index}`)).toBe(0);
  expect(typeof sys.stat("big/l40")).toBe("object");
  expect(sys.stat("big/l41")).toBe(-ELOOP);
  expect(sys.open("big/l40")).toBeGreaterThanOrEqual(0);
  expect(sys.open("big/l41")).toBe(-ELOOP);
});
