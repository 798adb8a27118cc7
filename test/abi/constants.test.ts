// The numbers in assembly/abi against this system's own headers, read by its C compiler.
//
// The kernel's headers are asked alone, since libc's have their own truth: glibc's O_LARGEFILE is 0, and with glibc
// around, linux/stat.h defines no file types. libc is asked for what only it shows to programs.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as capability from "../../assembly/abi/capability.ts";
import * as data from "../../assembly/abi/data.ts";
import * as errno from "../../assembly/abi/errno.ts";
import * as fcntl from "../../assembly/abi/fcntl.ts";
import * as inotify from "../../assembly/abi/inotify.ts";
import * as limits from "../../assembly/abi/limits.ts";
import * as mount from "../../assembly/abi/mount.ts";
import * as poll from "../../assembly/abi/poll.ts";
import * as stat from "../../assembly/abi/stat.ts";

const compiler = process.env.CC || "cc";
const ready = process.platform === "linux" && spawnSync(compiler, ["--version"]).status === 0;

const KERNEL = [
  "linux/capability.h",
  "asm/errno.h",
  "linux/fadvise.h",
  "linux/falloc.h",
  "linux/fcntl.h",
  "linux/openat2.h",
  "linux/fs.h",
  "linux/inotify.h",
  "linux/limits.h",
  "linux/mount.h",
  "linux/sched.h",
  "linux/memfd.h",
  "asm/poll.h",
  "linux/stat.h",
];
const LIBC = ["dirent.h", "limits.h", "sys/mount.h", "sys/stat.h", "sys/statvfs.h"];

/** What libc has and the kernel's headers for programs have not. */
const FROM_LIBC = /^(DT_|ST_|MNT_|UMOUNT_|UTIME_|IOV_MAX$)/;

/** What has its value inside the kernel, under another name, or is our own. */
const ELSEWHERE = new Map([
  ["S_IXUGO", "(S_IXUSR | S_IXGRP | S_IXOTH)"],
  ["MAX_RW_COUNT", "(0x7fffffff & ~4095)"],
  ["MAXSYMLINKS", undefined],
  ["MS_NOUSER", undefined],
  ["ST_VALID", undefined],
  ["ST_NOSYMFOLLOW", undefined],
  ["FD_MAX", undefined],
  // Newer than the headers of this system may be.
  ["RWF_NOAPPEND", undefined],
  ["FALLOC_FL_WRITE_ZEROES", undefined],
  // Linux 6.3: newer than the headers of some systems that tests run on.
  ["F_SEAL_EXEC", undefined],
  ["MFD_EXEC", undefined],
  ["MFD_NOEXEC_SEAL", undefined],
]);

const MODULES: Record<string, Record<string, number>> = {
  capability,
  data,
  errno,
  fcntl,
  inotify,
  limits,
  mount,
  poll,
  stat,
};

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(path.join(tmpdir(), "wv-constants-"));
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** A line of C that prints the value; the quotes of the name keep it from being expanded. */
const printed = (name: string) => `printf("${name} %lld\\n", (long long)(${ELSEWHERE.get(name) ?? name}));`;

function valuesOf(headers: string[], names: string[]): Map<string, number> {
  const program = path.join(directory, "constants");
  const source = [
    ...headers.map((header) => `#include <${header}>`),
    "int printf(const char *, ...);",
    `int main(void) { ${names.map(printed).join("\n")} return 0; }`,
  ].join("\n");
  const built = spawnSync(compiler, ["-D_GNU_SOURCE", "-x", "c", "-", "-o", program], {
    input: source,
    encoding: "utf8",
  });
  expect(built.stderr).toBe("");
  const lines = spawnSync(program, { encoding: "utf8" }).stdout.trim().split("\n");
  return new Map(lines.map((line) => [line.split(" ")[0]!, Number(line.split(" ")[1])]));
}

describe.runIf(ready)("assembly/abi", () => {
  test.each(Object.keys(MODULES))("%s has the values of the headers", (module) => {
    const numbers = MODULES[module]!;
    const names = Object.keys(numbers).filter((name) => !ELSEWHERE.has(name) || ELSEWHERE.get(name));
    const fromLibc = names.filter((name) => FROM_LIBC.test(name));
    const fromKernel = names.filter((name) => !FROM_LIBC.test(name));
    const expected = new Map([
      ...valuesOf(KERNEL, fromKernel),
      ...(fromLibc.length > 0 ? valuesOf(LIBC, fromLibc) : []),
    ]);
    expect(expected.size).toBe(names.length);
    expect(names.length).toBeGreaterThan(3);
    for (const name of names) expect(`${name} ${numbers[name]}`).toBe(`${name} ${expected.get(name)}`);
  });
});

test.runIf(process.platform === "linux")("a path follows MAXSYMLINKS links and not one more", () => {
  writeFileSync(path.join(directory, "link0"), "end");
  for (let index = 1; index <= limits.MAXSYMLINKS + 1; index++) {
    symlinkSync(`link${index - 1}`, path.join(directory, `link${index}`));
  }
  expect(readFileSync(path.join(directory, `link${limits.MAXSYMLINKS}`), "utf8")).toBe("end");
  expect(() => readFileSync(path.join(directory, `link${limits.MAXSYMLINKS + 1}`))).toThrow("ELOOP");
});
