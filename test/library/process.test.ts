// Programs as processes: streams, events, kills, limits.

import { once } from "node:events";
import { openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  createSandbox,
  type ExitResult,
  type Sandbox,
  type SandboxOptions,
} from "../../src/library/index.ts";
import { scratchDirectory } from "../host/scratch.ts";
import { within } from "../support/threads.ts";
import { guests } from "./guests.ts";

const scratch = scratchDirectory();
let guest: (name: string) => URL;
let box: Sandbox;
beforeAll(async () => {
  guest = await guests();
  box = await createSandbox();
});
afterAll(() => box.close());

/** On a machine that is ten times loaded. */
const PROMPT_MS = 5000;

describe("streams", () => {
  test("carry what goes in and out, and lines come one by one", async () => {
    const copy = box.spawn(guest("stdin-copy"));
    copy.stdin!.end("one\ntwo\r\nthree ä");
    const lines: string[] = [];
    for await (const line of copy.lines()) lines.push(line);
    expect(lines).toEqual(["one", "two", "three ä"]);
    expect(await copy.exited).toMatchObject({ exitCode: 0, signal: null, limit: null, message: null });
  });

  test("hold back a writer whom nobody reads, and then give all", async () => {
    const copy = box.spawn(guest("stdin-copy"));
    const chunk = Buffer.alloc(65536, 7);
    let accepted = 0;
    while (copy.stdin!.write(chunk)) accepted += chunk.length;
    // The pipes' buffers and the streams' own: far less than what follows.
    const total = 64 << 20;
    let sent = accepted + chunk.length;
    let got = 0;
    const source = Readable.from(
      (function* () {
        for (; sent < total; sent += chunk.length) yield chunk;
      })(),
    );
    const writing = pipeline(source, copy.stdin!);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(sent).toBeLessThan(8 << 20);
    for await (const part of copy.stdout!) got += (part as Buffer).length;
    await writing;
    expect(got).toBe(sent);
    expect((await copy.exited).exitCode).toBe(0);
  });

  test("may be ignored, or descriptors of this process", async () => {
    const file = join(scratch, "out");
    const out = openSync(file, "w");
    const process = box.spawn(guest("hello"), [], { stdio: ["ignore", out, "inherit"] });
    expect([process.stdin, process.stdout, process.stderr]).toEqual([null, null, null]);
    await process.exited;
    expect(readFileSync(file, "utf8")).toBe("hello from wasm\n");
    expect((await box.exec(guest("stdin-copy"))).stdout).toBe("");
    expect((await box.exec(guest("stdin-copy"), [], { input: "in" })).stdout).toBe("in");
  });
});

describe("events", () => {
  test("come in child_process's order", async () => {
    const process = box.spawn(guest("exit-code"), ["3"]);
    const events: unknown[] = [];
    process.on("spawn", () => events.push(["spawn", typeof process.pid]));
    process.on("exit", (...of) => events.push(["exit", ...of]));
    process.on("close", (...of) => events.push(["close", ...of]));
    await once(process, "close");
    expect(events).toEqual([
      ["spawn", "number"],
      ["exit", 3, null],
      ["close", 3, null],
    ]);
    expect(process).toMatchObject({ exitCode: 3, signalCode: null, killed: false });
    expect(process.kill()).toBe(false);
  });

  test("tell a program that cannot start to who listens, and else by what is awaited", async () => {
    const heard = box.spawn("nothing");
    const [error] = await once(heard, "error").catch((reason) => [reason]);
    expect(error).toMatchObject({ code: "ERR_WVISOR_PROGRAM_NOT_FOUND" });
    await expect(box.spawn("nothing").exited).rejects.toMatchObject({ code: "ERR_WVISOR_PROGRAM_NOT_FOUND" });
  });
});

describe("kill", () => {
  test.each([
    ["spin", [], "SIGTERM", 143],
    ["block", ["sleep"], "SIGKILL", 137],
    ["block", ["read"], "SIGINT", 130],
  ] as const)("ends %s %j by %s at once", async (name, args, signal, code) => {
    const process = box.spawn(guest(name), args);
    await once(process, "spawn");
    expect(process.kill(0)).toBe(true);
    expect(process.kill("SIGCHLD")).toBe(true);
    expect(process.kill(signal)).toBe(true);
    const end = await within(PROMPT_MS, "kill", process.exited);
    expect(end).toMatchObject({ exitCode: code, signal, limit: null });
    expect(process).toMatchObject({ exitCode: null, signalCode: signal, killed: true });
  });

  test("before the program has started is its end, too", async () => {
    const process = box.spawn(guest("spin"));
    process.kill("SIGKILL");
    expect(await within(PROMPT_MS, "kill", process.exited)).toMatchObject({ signal: "SIGKILL" });
  });

  test("by an AbortSignal is an error, as child_process's", async () => {
    const controller = new AbortController();
    const process = box.spawn(guest("spin"), [], { signal: controller.signal });
    await once(process, "spawn");
    setImmediate(() => controller.abort("enough"));
    const [error] = (await once(process, "error").catch((reason) => [reason])) as [Error];
    expect(error).toMatchObject({ name: "AbortError", code: "ABORT_ERR", cause: "enough" });
    expect(await process.exited).toMatchObject({ signal: "SIGTERM" });
    const aborted = box.exec(guest("spin"), [], { signal: AbortSignal.timeout(50), killSignal: "SIGKILL" });
    await expect(aborted).rejects.toMatchObject({ name: "AbortError" });
    const before = box.exec(guest("hello"), [], { signal: AbortSignal.abort() });
    await expect(before).rejects.toMatchObject({ name: "AbortError" });
  });
});

describe("limits", () => {
  const limited = async (options: SandboxOptions, use: (box: Sandbox) => Promise<void>): Promise<void> => {
    const limitedBox = await createSandbox(options);
    try {
      await use(limitedBox);
    } finally {
      await limitedBox.close();
    }
  };
  const named = (end: ExitResult): unknown => [end.limit, end.signal, end.message];

  test("time stops a program, and no other", () =>
    limited({ limits: { time: 300 } }, async (timed) => {
      const events: unknown[] = [];
      timed.on("limit", ({ limit, message }) => events.push([limit, message]));
      expect(named(await timed.exec(guest("spin")))).toEqual([
        "time",
        "SIGTERM",
        "stopped by its limit on time (300 ms)",
      ]);
      expect(events).toEqual([["time", "stopped by its limit on time (300 ms)"]]);
      const shorter = await timed.exec(guest("block"), ["sleep"], {
        timeout: "100ms",
        killSignal: "SIGKILL",
      });
      expect(named(shorter)).toEqual(["time", "SIGKILL", "stopped by its limit on time (100 ms)"]);
      expect((await timed.exec(guest("hello"))).exitCode).toBe(0);
    }));

  test("output stops a program, and what it wrote before is there", () =>
    limited({ limits: { output: "64k" } }, async (quiet) => {
      const flood = await quiet.exec(guest("stdin-copy"), [], { input: "x".repeat(200_000) });
      expect(named(flood)).toEqual(["output", "SIGKILL", "stopped by its limit on output (65536 bytes)"]);
      expect(flood.stdout.length).toBeLessThanOrEqual(65536);
      const buffered = await quiet.exec(guest("hello"), [], { maxBuffer: 8 });
      expect(named(buffered)).toEqual(["output", "SIGKILL", "stopped by its limit on output (8 bytes)"]);
      expect((await quiet.exec(guest("hello"))).stdout).toBe("hello from wasm\n");
    }));

  test("memory grows no further, and a module that needs more does not start", () =>
    limited({ limits: { memory: "1M" } }, async (small) => {
      const { stdout, stats } = await small.exec(guest("limits"), ["memory"]);
      expect(stdout).toMatch(/^memory \d+ /);
      expect(stats.memoryBytes).toBeLessThanOrEqual(1 << 20);
      const greedy = small.exec("python3", ["-c", "pass"]);
      await expect(greedy).rejects.toMatchObject({
        code: "ERR_WVISOR_MEMORY",
        message: expect.stringContaining("memory limit"),
      });
    }));

  test("disk and inodes are of all file systems in memory together: ENOSPC", () =>
    limited(
      { limits: { disk: "1M", inodes: 20 }, mounts: [{ type: "tmpfs", dst: "/more" }] },
      async (full) => {
        full.fs.writeFileSync("/tmp/half", Buffer.alloc(600 << 10));
        expect((await full.exec(guest("limits"), ["write", "/more/rest"])).stdout).toMatch(
          /^write 4\d{5} NOSPC/,
        );
        full.fs.rmSync("/more/rest");
        const make = (): void => {
          for (let i = 0; i < 30; i++) full.fs.writeFileSync(`/more/${i}`, "");
        };
        expect(make).toThrow(/ENOSPC/);
        expect(full.fs.readdirSync("/more").length).toBeLessThanOrEqual(20);
        expect((await full.exec(guest("hello"))).exitCode).toBe(0);
      },
    ));

  test("open files and processes are counted", () =>
    limited({ limits: { openFiles: 20, processes: 1 } }, async (few) => {
      few.fs.writeFileSync("/file", "");
      expect((await few.exec(guest("limits"), ["open", "/file"])).stdout).toMatch(/^open 1\d MFILE/);
      const spinning = few.spawn(guest("spin"));
      await once(spinning, "spawn");
      await expect(few.exec(guest("hello"))).rejects.toMatchObject({ code: "ERR_WVISOR_LIMIT", errno: -11 });
      spinning.kill();
      await spinning.exited;
      expect((await few.exec(guest("hello"))).exitCode).toBe(0);
    }));
});
