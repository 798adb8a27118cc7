import { spawn } from "node:child_process";
import { describe, expect, test } from "vitest";
import * as errno from "../../assembly/abi/errno.ts";
import { ADDON, Memory, native, outcome, owned, scratch, spawnNode } from "./support.ts";

const SIGHUP = 1;
const SIGUSR2 = 12;
const SIGTERM = 15;
const RLIMIT_CORE = 4;
const RLIMIT_NOFILE = 7;
const CLOCK_REALTIME = 0;
const CLOCK_MONOTONIC = 1;

const bit = (signal: number) => 1 << (signal - 1);

describe("the machine", () => {
  test("clocks agree with JavaScript's", () => {
    const memory = new Memory(1);
    const read = (clock: number) => {
      expect(native.clockGettime(clock, 0, 8)).toBe(0);
      return memory.view.getBigInt64(8, true);
    };
    expect(Math.abs(Number(read(CLOCK_REALTIME) / 1_000_000n) - Date.now())).toBeLessThan(1000);
    const first = process.hrtime.bigint();
    const between = read(CLOCK_MONOTONIC);
    expect(between).toBeGreaterThanOrEqual(first);
    expect(between).toBeLessThanOrEqual(process.hrtime.bigint());
    expect(native.clockGetres(CLOCK_MONOTONIC, 0, 16)).toBe(0);
    expect(memory.view.getBigInt64(16, true)).toBeGreaterThan(0n);
    expect(native.clockGettime(1000, 0, 8)).toBe(-errno.EINVAL);
    expect(native.clockGetres(1000, 0, 8)).toBe(-errno.EINVAL);
    expect(native.clockGettime(CLOCK_REALTIME, 0, memory.size - 7)).toBe(-errno.EFAULT);
  });

  test("getrandom fills the span and nothing else", () => {
    const memory = new Memory(1);
    expect(native.getrandom(0, 100, 1000)).toBe(1000);
    expect(memory.bytes.slice(0, 100).every((byte) => byte === 0)).toBe(true);
    expect(memory.bytes.slice(1100).every((byte) => byte === 0)).toBe(true);
    expect(new Set(memory.bytes.slice(100, 1100)).size).toBeGreaterThan(200);
  });

  test("umask returns the old one", () => {
    const before = native.umask(0o077);
    expect(native.umask(before)).toBe(0o077);
    expect(native.umask(before)).toBe(before);
  });
});

describe("the process", () => {
  test("setrlimit sets both limits and refuses a soft one above the hard one", async () => {
    const child = spawnNode(
      `console.log(n.setrlimit(${RLIMIT_CORE}, 0, 0), n.setrlimit(${RLIMIT_NOFILE}, 100, 200),
        n.setrlimit(${RLIMIT_NOFILE}, 300, 200), n.setrlimit(99, 0, 0));
       console.log(require("fs").readFileSync("/proc/self/limits", "utf8").match(/Max (core|open).*\\d/g).join("\\n"));`,
    );
    const { stdout } = await outcome(child);
    expect(stdout.replaceAll(/ +/g, " ")).toBe(
      `0 0 ${-errno.EINVAL} ${-errno.EINVAL}\nMax core file size 0 0\nMax open files 100 200\n`,
    );
  });

  test("exit ends the process from any thread without exit handlers", async () => {
    const child = spawnNode(
      `process.on("exit", () => console.log("never"));
       new (require("worker_threads").Worker)("require(" + ${JSON.stringify(JSON.stringify(ADDON))} + ").exit(7)", { eval: true });
       setInterval(() => {}, 1000);`,
    );
    expect(await outcome(child)).toMatchObject({ code: 7, stdout: "", stderr: "" });
  });

  test("setNoNewPrivs shows in /proc for the thread that called", async () => {
    const child = spawnNode(
      `console.log(n.setNoNewPrivs(), /NoNewPrivs:\\s+(\\d)/.exec(require("fs").readFileSync("/proc/thread-self/status", "utf8"))[1]);`,
    );
    expect((await outcome(child)).stdout).toBe("0 1\n");
  });

  test("SIGPIPE does not kill even when a listener left the default disposition", async () => {
    const child = spawnNode(
      `const f = () => {}; process.on("SIGPIPE", f); process.off("SIGPIPE", f);
       console.log(/SigIgn:\\s+(\\w+)/.exec(require("fs").readFileSync("/proc/self/status", "utf8"))[1]);
       n.socketpair(0, 0);
       n.close(m.readInt32LE(4));
       const fd = m.readInt32LE(0);
       m.writeUInt32LE(0, 16); m.writeUInt32LE(7, 20);
       console.log(n.write(fd, 0, 0, 1), n.writev(fd, 0, 16, 1, 0, -1, -1), n.writev(fd, 0, 16, 1, 0, -1, n.eventfd(0)),
         n.p9Send(fd, 0, 0, 7, -1));
       console.log(/ShdPnd:\\s+(\\w+)/.exec(require("fs").readFileSync("/proc/self/status", "utf8"))[1]);`,
    );
    const { code, signal, stdout } = await outcome(child);
    expect({ code, signal }).toEqual({ code: 0, signal: null });
    const [ignored, results, pending] = stdout.trim().split("\n");
    expect(Number.parseInt(ignored!, 16) & bit(13)).toBe(0);
    expect(results).toBe(`${-errno.EPIPE} ${-errno.EPIPE} ${-errno.EPIPE} ${-errno.ECONNRESET}`);
    expect(Number.parseInt(pending!, 16)).toBe(0);
  });
});

describe("signalfd", () => {
  test("delivers signals to the process as numbers, in order", () => {
    const fd = owned(native.signalfd(bit(SIGHUP) | bit(SIGUSR2)));
    expect(native.signalfdRead(fd, 0)).toBe(0);
    process.kill(process.pid, SIGUSR2);
    process.kill(process.pid, SIGHUP);
    const got = [native.signalfdRead(fd, 1000), native.signalfdRead(fd, 1000)];
    expect(got.sort((a, b) => a - b)).toEqual([SIGHUP, SIGUSR2]);
    expect(native.signalfdRead(fd, 5)).toBe(0);
  });

  test("wakes a process that sleeps for ever, whichever thread the kernel picks", async () => {
    const child = spawnNode(
      `const fd = n.signalfd(${bit(SIGTERM)}); console.log("up"); n.exit(n.signalfdRead(fd, -1));`,
    );
    const ended = outcome(child);
    await new Promise((resolve) => child.stdout?.once("data", resolve));
    child.kill("SIGTERM");
    expect((await ended).code).toBe(SIGTERM);
  });

  test("the descriptor that asked last gets the signal", () => {
    const first = owned(native.signalfd(bit(SIGUSR2)));
    const second = owned(native.signalfd(bit(SIGUSR2)));
    process.kill(process.pid, SIGUSR2);
    expect(native.signalfdRead(second, 1000)).toBe(SIGUSR2);
    expect(native.signalfdRead(first, 0)).toBe(0);
  });

  test("signals that cannot be caught, and none, are refused", () => {
    expect(native.signalfd(0)).toBe(-errno.EINVAL);
    expect(native.signalfd(bit(9))).toBe(-errno.EINVAL);
    expect(native.signalfd(bit(SIGTERM) | bit(19))).toBe(-errno.EINVAL);
    expect(native.signalfdRead(99999, 0)).toBe(-errno.EBADF);
  });
});

describe("deadline", () => {
  const ARM = `m.write("time is up\\n"); const armed = n.deadline(60, 124, 0, 0, 11);`;
  const BLOCK = "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);";

  test.each([
    ["sleeps", BLOCK],
    ["spins", "for (;;);"],
    ["waits in the kernel", "n.poll(0, 0, 0, -1, -1);"],
  ])("ends a process that %s", async (_, forever) => {
    const ended = await outcome(spawnNode(`${ARM} if (armed === 0) { ${forever} }`));
    expect(ended).toMatchObject({ code: 124, stderr: "time is up\n" });
  });

  test("a later call replaces it and 0 cancels it", async () => {
    const replaced = spawnNode(`${ARM} m.write("second\\n"); n.deadline(1, 7, 0, 0, 7); ${BLOCK}`);
    expect(await outcome(replaced)).toMatchObject({ code: 7, stderr: "second\n" });
    const cancelled = spawnNode(`${ARM} n.deadline(0, 0, 0, 0, 0); setTimeout(() => {}, 120);`);
    expect(await outcome(cancelled)).toMatchObject({ code: 0, stderr: "" });
  });

  test("holds when the worker that set it has ended", async () => {
    const worker = `const n = require(${JSON.stringify(ADDON)}); n.deadline(150, 9, 0, 0, 0);`;
    // The main thread must not hold the library: only the worker loads it.
    const source = `new (require("worker_threads").Worker)(${JSON.stringify(worker)}, { eval: true })
      .on("exit", () => { console.log("ended"); setInterval(() => {}, 1000); });`;
    const ended = await outcome(spawn(process.execPath, ["-e", source], { env: {}, cwd: scratch() }));
    expect(ended).toMatchObject({ code: 9, stdout: "ended\n", stderr: "" });
  });

  test("does not wait for a reader of stderr", async () => {
    const child = spawnNode(
      `const out = require("child_process").spawnSync("mkfifo", ["fifo"]);
       const fs = require("fs");
       const reader = fs.openSync("fifo", fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
       fs.closeSync(2);
       const writer = fs.openSync("fifo", fs.constants.O_WRONLY | fs.constants.O_NONBLOCK);
       if (writer !== 2) n.exit(1);
       try { for (;;) fs.writeSync(2, "x".repeat(4096)); } catch {}
       n.fcntlSetFlags(2, 0);
       ${ARM} ${BLOCK}`,
      { cwd: scratch(), stdio: ["ignore", "pipe", "ignore"], env: { PATH: process.env.PATH } },
    );
    expect((await outcome(child)).code).toBe(124);
  });

  test("lengths and spans are checked", () => {
    const memory = new Memory(1);
    expect(native.deadline(-1, 0, 0, 0, 0)).toBe(-errno.EINVAL);
    expect(native.deadline(60_000, 0, 0, 0, 4097)).toBe(-errno.EINVAL);
    expect(native.deadline(60_000, 0, 0, memory.size - 3, 4)).toBe(-errno.EFAULT);
    expect(native.deadline(60_000, 0, 12, 0, 4)).toBe(-errno.EFAULT);
  });
});
