// A guest that takes all of the kernel's memory, on all file systems that it can reach: what it meets is an errno.
//
// Takes some 2 GiB, which is what a kernel's memory can have.

import { beforeAll, expect, test } from "vitest";
import { loadPrograms, Threads, within } from "../support/threads.ts";

const LONGEST_MS = 120_000;
/** What ends a way of taking things, or does not: SUCCESS is a way's own bound. */
const ENDS = ["SUCCESS", "NOSPC", "NOMEM", "MLINK", "MFILE", "NOENT"];

beforeAll(() => loadPrograms("filler", "hello"));

test(
  "a guest that fills everything meets errors, and others run on",
  async () => {
    const threads = new Threads({
      work: (machine) => machine.overlay(machine.tmpfs("mode=777"), [machine.tmpfs("mode=777")]),
    });
    const filler = threads.run("filler", "/", "/tmp", "/dev", "/work");
    const end = await within(LONGEST_MS, "filling", filler);
    expect(end).toMatchObject({ code: 0, message: undefined, stderr: "" });
    const lines = end.stdout.trim().split("\n");
    const ends = lines.filter((line) => !line.startsWith("in ")).map((line) => line.split(" ")[2]!);
    expect(ends.filter((errno) => !ENDS.includes(errno))).toEqual([]);
    expect(ends).toContain("NOSPC");
    expect(lines.at(-2)).toMatch(/^descriptors \d+ MFILE$/);
    expect(lines.at(-1)).toBe("again 1 SUCCESS");
    expect((await threads.run("hello")).stdout).toBe("hello from wasm\n");
    threads.machine.kernel.namespace_release(threads.namespace);
    expect(threads.machine.kernel.heap_objects()).toBeLessThan(100);
    threads.close();
  },
  2 * LONGEST_MS,
);
