// diod's tools against our server, and our client against diod's server.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { O_CREAT, O_RDWR } from "../../assembly/abi/fcntl.ts";
import { P9Client } from "../../src/p9/index.ts";
import { CLI } from "../support/cli.ts";
import { exercise, names, read, refusal } from "../support/p9-exercise.ts";
import { install } from "./debian.ts";

const missing = install("diod", "diod");
if (missing !== undefined) console.log(`The tests with diod do not run: ${missing}`);

let folder: string;
let children: ChildProcess[] = [];

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "wvisor-diod-"));
});

afterEach(() => {
  for (const child of children) child.kill("SIGKILL");
  children = [];
  rmSync(folder, { recursive: true });
});

/** The port of `wvisor gofer --listen`, on the folder. */
async function startOurs(...flags: string[]): Promise<number> {
  const args = [CLI, "gofer", "--listen", "tcp:127.0.0.1:0", "--root", folder, ...flags];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  const line = await new Promise<string>((resolve) => {
    child.stdout.setEncoding("utf8").once("data", resolve);
  });
  return Number(/:(\d+)\n$/.exec(line)![1]);
}

/** One of diod's tools, on our server. */
function tool(name: string, port: number, ...args: string[]): string {
  const result = spawnSync(name, ["-s", `127.0.0.1:${port}`, ...args], {
    timeout: 60_000,
    maxBuffer: 1 << 26,
  });
  expect([result.status, result.stderr.toString()]).toEqual([0, ""]);
  return result.stdout.toString("latin1");
}

/** A port that is free now. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A client of diod's server on the folder. */
async function startDiod(): Promise<P9Client> {
  const port = await freePort();
  const log = path.join(tmpdir(), `wvisor-diod-${port}.log`);
  const args = ["-f", "-n", "-e", folder, "-l", `127.0.0.1:${port}`, "-L", log];
  children.push(spawn("diod", args, { stdio: "ignore" }));
  for (let tries = 0; ; tries++) {
    try {
      return await P9Client.connect(`tcp:127.0.0.1:${port}`);
    } catch (error) {
      if (tries === 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    } finally {
      rmSync(log, { force: true });
    }
  }
}

describe.skipIf(missing !== undefined)("diod's tools", () => {
  test("diodls lists what is there", async () => {
    mkdirSync(path.join(folder, "directory"));
    symlinkSync("file", path.join(folder, "link"));
    for (let i = 0; i < 500; i++) writeFileSync(path.join(folder, `file-${i}`), "x".repeat(i));
    const port = await startOurs();
    const listed = tool("diodls", port, "-a", "/").trim().split("\n");
    expect(listed).toHaveLength(502);
    expect(new Set(listed)).toContain("file-499");
    const long = tool("diodls", port, "-a", folder, "-l").split("\n");
    expect(long.find((line) => line.endsWith(" directory"))).toMatch(/^drwxr-xr-x/);
    // It knows directories, and calls all else a file.
    expect(long.find((line) => / link\b/.test(line))).toMatch(/^-rwxrwxrwx/);
    expect(long.find((line) => line.endsWith(" file-499"))).toMatch(/^-rw-r--r--.* 499 /);
  });

  test("diodcat reads every byte", async () => {
    const bytes = randomBytes(3_000_000);
    writeFileSync(path.join(folder, "large"), bytes);
    mkdirSync(path.join(folder, "a"));
    writeFileSync(path.join(folder, "a", "small"), "small");
    const port = await startOurs("--readonly");
    expect(tool("diodcat", port, "-a", "/", "large")).toBe(bytes.toString("latin1"));
    expect(tool("diodcat", port, "-a", "/", "-m", "8192", "large")).toBe(bytes.toString("latin1"));
    expect(tool("diodcat", port, "-a", "/", "a/small")).toBe("small");
    const result = spawnSync("diodcat", ["-s", `127.0.0.1:${port}`, "-a", "/", "none"]);
    expect(result.stderr.toString()).toContain("No such file or directory");
  });

  test("diodload reads, writes and asks with many connections", async () => {
    writeFileSync(path.join(folder, "zero"), Buffer.alloc(1 << 20));
    writeFileSync(path.join(folder, "null"), "");
    const port = await startOurs("--name", "ctl");
    for (const flags of [[], ["-g"]]) {
      const result = spawnSync("diodload", ["-s", `127.0.0.1:${port}`, "-r", "2", "-n", "8", ...flags]);
      // It reports on stderr.
      const { operations } = /^diodload: (?<operations>\d+) ops\/s/m.exec(result.stderr.toString())!.groups!;
      expect(Number(operations)).toBeGreaterThan(10);
    }
  });

  test("a tree that is not there is refused", async () => {
    const port = await startOurs();
    const result = spawnSync("diodls", ["-s", `127.0.0.1:${port}`, "-a", "/etc"]);
    expect(result.stderr.toString()).toContain("No such file or directory");
  });
});

describe.skipIf(missing !== undefined)("diod's server", () => {
  test("does with our client what our own does", async () => {
    const client = await startDiod();
    expect(client.extended).toBe(false);
    const root = await client.attach({ tree: folder, user: "root", uid: 0 });
    await exercise(root, { extended: false, dotDot: false, safeOpens: false, rangeLocks: false });
    client.close();
  });

  test("takes and gives large files in parts", async () => {
    const client = await startDiod();
    const root = await client.attach({ tree: folder, user: "root", uid: 0 });
    const bytes = randomBytes(1_000_000);
    const file = await (await root.walk()).create("large", O_RDWR | O_CREAT, 0o644);
    for (let at = 0; at < bytes.length; ) at += await file.write(at, bytes.subarray(at));
    expect(readFileSync(path.join(folder, "large")).equals(bytes)).toBe(true);
    const parts: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += parts.at(-1)!.length)
      parts.push(await file.read(at, bytes.length));
    expect(Buffer.concat(parts).equals(bytes)).toBe(true);
    client.close();
  });

  test("lists large directories, and answers many requests at once", async () => {
    for (let i = 0; i < 1000; i++) writeFileSync(path.join(folder, `file-${i}`), String(i));
    const client = await startDiod();
    const root = await client.attach({ tree: folder, user: "root", uid: 0 });
    expect(await names(root)).toHaveLength(1002);
    const texts = await Promise.all(Array.from({ length: 200 }, (_, i) => read(root, `file-${i}`)));
    expect(texts).toEqual(Array.from({ length: 200 }, (_, i) => String(i)));
    client.close();
  });

  test("refuses a tree that it does not export", async () => {
    const client = await startDiod();
    expect(await refusal(client.attach({ tree: "/etc", user: "root", uid: 0 }))).not.toBe("");
    client.close();
  });
});
