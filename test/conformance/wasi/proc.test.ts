// What a WebAssembly program reads of itself in /proc. That the files have Linux's form is shown with the other synthetic ones; here
// they have something to tell.

import { beforeAll, describe, expect, test } from "vitest";
import { buildGuests } from "../../support/guests.ts";
import { memoryNamespace, providers, runInProcess } from "../../support/wvisor.ts";

const PAGE = 65536;
const KILOBYTES = 1024;

let cat: Uint8Array<ArrayBuffer>;

beforeAll(async () => {
  cat = (await buildGuests(["cat"])).get("cat") as Uint8Array<ArrayBuffer>;
}, 60_000);

describe.each(providers())("a program with %s memory", (provider) => {
  function read(...files: string[]): string {
    const result = runInProcess(cat, {
      args: ["cat", ...files.map((name) => `/proc/self/${name}`)],
      provider,
      debug: provider !== "merged",
      uid: 7,
      gid: 8,
      mounts: (machine) => {
        const namespace = memoryNamespace(machine);
        machine.mount(namespace, machine.kernelFilesystem("proc"), "/proc", false, "proc");
        return namespace;
      },
    });
    expect(result).toMatchObject({ code: 0, stderr: "" });
    return result.stdout;
  }

  test("finds its linear memory in maps, from 0 up", () => {
    const [, end = ""] =
      /^00000000-([0-9a-f]{8}) rw-p 00000000 00:00 0 {34}\[anon:linear memory\]\n$/.exec(read("maps")) ?? [];
    const bytes = Number.parseInt(end, 16);
    expect(bytes).toBeGreaterThan(0);
    expect(bytes % PAGE).toBe(0);
  });

  test("finds the same size everywhere", () => {
    const text = read("statm", "stat", "status", "smaps", "smaps_rollup");
    const pages = Number(text.split(" ")[0]);
    expect(pages).toBeGreaterThan(0);
    expect(text.startsWith(`${pages} ${pages} 0 0 0 ${pages} 0\n`)).toBe(true);
    const stat = text.split("\n")[1]!;
    expect(
      stat
        .slice(stat.lastIndexOf(")") + 2)
        .split(" ")
        .slice(20, 22),
    ).toEqual([String(pages * PAGE), String(pages)]);
    const size = String((pages * PAGE) / KILOBYTES);
    for (const name of ["VmPeak", "VmSize", "VmHWM", "VmRSS", "RssAnon", "VmData"]) {
      expect(text).toMatch(new RegExp(`^${name}:\\t *${size} kB$`, "m"));
    }
    for (const name of ["Size", "Rss", "Private_Dirty", "Anonymous"]) {
      expect(text).toMatch(new RegExp(`^${name}: *${size} kB$`, "m"));
    }
    expect(text.match(/^Rss:/gm)).toHaveLength(2);
  });

  test("finds its processor time, which the host counts", () => {
    const stat = read("stat");
    const [user, system] = stat
      .slice(stat.lastIndexOf(")") + 2)
      .split(" ")
      .slice(11, 13)
      .map(Number);
    // This thread's, which has run the tests before.
    expect(user).toBeGreaterThan(0);
    expect(system).toBe(0);
  });

  test("finds what it has read and written", () => {
    const counts = read("comm", "io", "io").split("\n").slice(1);
    const value = (line: number) => Number(counts[line]?.split(": ")[1]);
    const first = `${counts.slice(0, 7).join("\n")}\n`.length;
    // Its name is "cat"; each file is read to its end.
    expect(counts.slice(0, 4)).toEqual(["rchar: 4", "wchar: 4", "syscr: 2", "syscw: 1"]);
    expect([value(7), value(8), value(9), value(10)]).toEqual([4 + first, 4 + first, 4, 2]);
  });

  test("finds in auxv the pages that libc for WASI has, and whose it is", () => {
    const words = new BigUint64Array(Uint8Array.from(Buffer.from(read("auxv"), "utf8")).buffer);
    expect([...words]).toEqual([6n, 65536n, 17n, 100n, 11n, 7n, 12n, 7n, 13n, 8n, 14n, 8n, 23n, 0n, 0n, 0n]);
  });
});
