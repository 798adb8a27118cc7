import { readdirSync, readlinkSync } from "node:fs";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import {
  dropGofer,
  type GoferProcess,
  goferProgram,
  startGofer,
  startGoferAhead,
} from "../../../src/host/sandbox/gofer-process.ts";
import { loadNative, type Native } from "../../../src/native/index.ts";
import { failure, put, scratchDirectory } from "../scratch.ts";

// The gofer of these tests answers on the sockets of its mounts with what it found itself in.
const PROGRAM = `
  const fs = require("node:fs");
  const fd = Number(process.argv.find((arg) => arg.startsWith("--config-fd=")).slice("--config-fd=".length));
  const text = fs.readFileSync(fd, "utf8");
  const config = JSON.parse(text);
  const inherited = [];
  for (let at = 3; at < fd + 8; at++) {
    try {
      if (fs.readlinkSync("/proc/self/fd/" + at).startsWith("socket:")) inherited.push(at);
    } catch {}
  }
  const session = fs.readFileSync("/proc/self/stat", "utf8").split(") ")[1].split(" ")[3];
  const found = { config, length: text.length, inherited, fd, env: process.env, cwd: process.cwd(), ppid: process.ppid,
    pid: process.pid, session: Number(session), stdin: fs.readlinkSync("/proc/self/fd/0") };
  for (const mount of config.mounts.slice(1)) fs.writeSync(mount.fd, JSON.stringify({ mine: mount.fd }) + "\\n");
  fs.writeSync(3, JSON.stringify(found) + "\\n");
  for (;;) if (fs.readSync(3, Buffer.alloc(1)) === 0) break;
`;

const scratch = scratchDirectory();
const program = put(scratch, "gofer.cjs", PROGRAM);
const BUFFER_SLOT = 14;
const buffer = new Uint8Array(64 << 10);
let native: Native;
let started: GoferProcess | undefined;

beforeAll(() => {
  const helper = loadNative();
  if (helper === undefined) throw new Error("the native helper is not built: npm run build:native");
  native = helper;
  native.registerMemory(BUFFER_SLOT, buffer);
});

afterEach(() => {
  for (const socket of started?.sockets ?? []) native.close(socket);
  started = undefined;
});

const mount = (source: string) => ({ source, readonly: true, donate: false });

function start(...sources: string[]): GoferProcess {
  started = startGofer(native, sources.map(mount), { program, confinement: "native" });
  return started;
}

/** Blocks, as the kernel does: the event loop of this process stands still. */
function readLine(socket: number): Record<string, unknown> {
  let text = "";
  while (!text.endsWith("\n")) {
    const length = native.read(socket, BUFFER_SLOT, 0, buffer.length);
    if (length <= 0) throw new Error(`read gave ${length} after ${JSON.stringify(text)}`);
    text += new TextDecoder().decode(buffer.subarray(0, length));
  }
  return JSON.parse(text);
}

function openSockets(): number {
  const links = readdirSync("/proc/self/fd").map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return "";
    }
  });
  return links.filter((link) => link.startsWith("socket:")).length;
}

describe("the gofer", () => {
  test("gets one socket per mount, its configuration, and nothing else of ours", () => {
    process.env.WVISOR_TEST_SECRET = "s";
    const { sockets, pid } = start("/a", "/b", "/c");
    delete process.env.WVISOR_TEST_SECRET;
    expect(sockets).toHaveLength(3);
    const found = readLine(sockets[0]!);
    expect(found).toMatchObject({
      config: {
        mounts: [
          { fd: 3, source: "/a", readonly: true, donate: false },
          { fd: 4, source: "/b", readonly: true, donate: false },
          { fd: 5, source: "/c", readonly: true, donate: false },
        ],
      },
      fd: 6,
      inherited: [3, 4, 5, 6],
      env: {},
      cwd: "/",
      ppid: process.pid,
      pid,
      stdin: "/dev/null",
    });
    expect(readLine(sockets[1]!).mine).toBe(4);
    expect(readLine(sockets[2]!).mine).toBe(5);
  });

  test("is in a session of its own, where a Ctrl-C does not reach it", () => {
    const { sockets, pid } = start("/a");
    expect(readLine(sockets[0]!).session).toBe(pid);
  });

  test("may have more mounts than a socket's buffer holds of configuration", () => {
    const sources = Array.from({ length: 100 }, (_, index) => `/${"x".repeat(3900)}/${index}`);
    const { sockets } = start(...sources);
    const found = readLine(sockets[0]!) as { length: number; config: { mounts: { source: string }[] } };
    expect(found.length).toBeGreaterThan(390_000);
    expect(found.config.mounts.map((served) => served.source)).toEqual(sources);
  });

  test("is at end of stream when it dies, without the event loop's help", () => {
    const { sockets, pid } = start("/a");
    readLine(sockets[0]!);
    process.kill(pid, "SIGKILL");
    expect(native.read(sockets[0]!, BUFFER_SLOT, 0, 1)).toBe(0);
  });

  test("ends when its sockets are closed, and leaves nothing open here", () => {
    const before = openSockets();
    const { sockets, pid } = start("/a");
    readLine(sockets[0]!);
    expect(openSockets()).toBe(before + 1);
    native.close(sockets[0]!);
    started = undefined;
    expect(native.waitpid(pid, 1)).toBe(0);
    expect(openSockets()).toBe(before);
  });

  test("that was started ahead serves what it is told later, with one socket per mount", () => {
    const before = openSockets();
    const options = { program, confinement: "native" } as const;
    const ahead = startGoferAhead(native, options)!;
    started = startGofer(native, ["/a", "/b"].map(mount), { ...options, ahead });
    expect(started.pid).toBe(ahead.pid);
    const found = readLine(started.sockets[0]!);
    expect(found.config).toEqual({
      confine: { level: "native", report: false },
      mounts: [
        { fd: 3, ...mount("/a") },
        { fd: 4, ...mount("/b") },
      ],
    });
    expect(readLine(started.sockets[1]!).mine).toBe(4);
    expect(openSockets()).toBe(before + 2);
  });

  test("that was started ahead with too few connections makes way for another", () => {
    const before = openSockets();
    const ahead = startGoferAhead(native)!;
    started = startGofer(
      native,
      Array.from({ length: 17 }, () => mount("/a")),
      { program, ahead },
    );
    expect(started.pid).not.toBe(ahead.pid);
    expect(native.waitpid(ahead.pid, 1)).toBe(0);
    for (const socket of started.sockets) readLine(socket);
    expect(started.sockets).toHaveLength(17);
    expect(openSockets()).toBe(before + 17);
  });

  test("that was started ahead to be held otherwise makes way for another", () => {
    const ahead = startGoferAhead(native)!;
    started = startGofer(native, [mount("/a")], { program, confinement: "native", ahead });
    expect(started.pid).not.toBe(ahead.pid);
    expect(native.waitpid(ahead.pid, 1)).toBe(0);
    expect(readLine(started.sockets[0]!).pid).toBe(started.pid);
  });

  test("that was started ahead for nothing ends without a word", () => {
    const before = openSockets();
    const ahead = startGoferAhead(native)!;
    dropGofer(native, ahead);
    expect(native.waitpid(ahead.pid, 1)).toBe(0);
    expect(openSockets()).toBe(before);
    expect(startGoferAhead(native, { launcher: "/no/launcher" })).toBeUndefined();
    expect(openSockets()).toBe(before);
  });

  test("that cannot be started is an error, and leaves nothing open", () => {
    const before = openSockets();
    expect(failure(() => startGofer(native, [mount("/a")], { launcher: "/no/launcher" }))).toBe(
      "starting the gofer: ENOENT: executing /no/launcher",
    );
    expect(openSockets()).toBe(before);
  });

  test("is built beside the bundle that starts it", () => {
    expect(goferProgram()).toBe(new URL("../../../build/gofer.js", import.meta.url).pathname);
  });
});
