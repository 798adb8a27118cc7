// What a sandbox leaves behind when it ends, however it ends: nothing.

import { mkdirSync, readdirSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { type Finished, put, RunningWvisor, scratchDirectory, wvisor } from "../support/cli.ts";
import { buildGuests, guestFile } from "../support/guests.ts";
import { childrenOf, commandLine, isRunning, socketsOf, unixSockets } from "../support/processes.ts";

/** How long the traces of a killed sandbox may stay. */
const GONE_MS = 1000;

const top = scratchDirectory();
const shared = path.join(top, "shared");
const temporary = path.join(top, "tmp");
put(shared, "file", "content");
mkdirSync(temporary);

/** Every place where a program would leave a temporary file. */
const ENVIRONMENT = { ...process.env, TMPDIR: temporary, XDG_RUNTIME_DIR: temporary, HOME: temporary };

let running: Sandbox | undefined;

beforeAll(async () => {
  await buildGuests(["spin", "stdin-copy"]);
});

afterEach(() => {
  running?.kill("SIGKILL");
  running = undefined;
});

/** `wvisor do` with a bind, started, and what the system knows of it. */
class Sandbox {
  readonly gofer: number;
  readonly sockets: readonly number[];
  readonly #cli: RunningWvisor;

  private constructor(cli: RunningWvisor) {
    this.#cli = cli;
    const children = childrenOf(cli.pid);
    expect(children.map(commandLine)).toEqual([expect.stringMatching(/gofer\.js/)]);
    this.gofer = children[0]!;
    this.sockets = [...socketsOf(cli.pid), ...socketsOf(this.gofer)];
    const known = unixSockets();
    // One socket pair, both ends.
    expect(this.sockets.filter((socket) => known.has(socket)).length).toBeGreaterThanOrEqual(2);
  }

  /** Starts it and waits until the program has printed `ready`. */
  static async start(
    ready: string,
    program: readonly string[],
    flags: readonly string[] = [],
  ): Promise<Sandbox> {
    const args = ["do", "-v", `${shared}:/data:shared`, ...flags, "--", ...program];
    const cli = new RunningWvisor(args, { env: ENVIRONMENT });
    await cli.printed(ready);
    running = new Sandbox(cli);
    return running;
  }

  get exit(): Promise<Finished> {
    return this.#cli.exit;
  }

  kill(signal: NodeJS.Signals): void {
    this.#cli.process.kill(signal);
  }

  /** Writes to the program's stdin. */
  type(text: string): void {
    this.#cli.process.stdin!.write(text);
  }

  /** Names of what is still there: processes, sockets, temporary files. */
  #traces(): string[] {
    const pids = [this.#cli.pid, this.gofer].filter(isRunning);
    const known = unixSockets();
    const sockets = this.sockets.filter((socket) => known.has(socket));
    return [
      ...pids.map((pid) => `process ${pid}: ${commandLine(pid)}`),
      ...sockets.map((socket) => `socket ${socket} ${known.get(socket)}`),
      ...readdirSync(temporary).map((name) => `temporary file ${name}`),
    ];
  }

  /** Fails when anything is left after GONE_MS. */
  async expectGone(): Promise<void> {
    const end = performance.now() + GONE_MS;
    while (performance.now() < end && this.#traces().length > 0) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(this.#traces()).toEqual([]);
  }
}

const python = (code: string): string[] => ["python3", "-c", code];

/** What the program does when the end comes. */
const OCCUPATIONS: Readonly<Record<string, { ready: string; program: () => string[] }>> = {
  computes: { ready: "spinning", program: () => [guestFile("spin")] },
  sleeps: {
    ready: "ready",
    program: () => python("import time; print('ready', flush=True); time.sleep(1000)"),
  },
  "waits for its stdin": {
    ready: "ready",
    program: () => python("import sys; print('ready', flush=True); sys.stdin.read()"),
  },
  "works on the bind": {
    ready: "ready",
    program: () =>
      python(`
import os
print("ready", flush=True)
while True:
    with open("/data/busy", "w") as file:
        file.write("x")
    os.listdir("/data")
    os.unlink("/data/busy")
`),
  },
};

describe.each(Object.entries(OCCUPATIONS))("while the program %s", (_name, { ready, program }) => {
  test.each(["SIGKILL", "SIGTERM", "SIGINT", "SIGHUP"] as const)(
    "%s to the command line ends it at once, and nothing is left",
    async (signal) => {
      const sandbox = await Sandbox.start(ready, program());
      sandbox.kill(signal);
      await sandbox.expectGone();
      expect(await sandbox.exit).toMatchObject({ code: null, signal, stderr: "" });
    },
  );
});

describe("a gofer that is killed", () => {
  test("gives the program EIO, and the user one line, and nothing is left", async () => {
    const code = `
import errno, os, sys
print("ready", flush=True)
sys.stdin.readline()
for attempt in ("os.stat('/data/other')", "open('/data/new', 'w')", "os.listdir('/data')", "os.mkdir('/data/dir')"):
    try:
        eval(attempt)
        print("done")
    except OSError as error:
        print(errno.errorcode[error.errno])
open("/tmp/here", "w").close()
print(os.listdir("/tmp"))
sys.exit(7)
`;
    const sandbox = await Sandbox.start("ready", python(code));
    process.kill(sandbox.gofer, "SIGKILL");
    sandbox.type("go on\n");
    const { code: exit, stdout, stderr } = await sandbox.exit;
    expect(stdout).toBe("ready\nEIO\nEIO\nEIO\nEIO\n['here']\n");
    expect(exit).toBe(7);
    expect(stderr).toBe(
      "wvisor do: warning: the gofer was ended by signal 9 before the program did: files of the host gave EIO from then on\n",
    );
    await sandbox.expectGone();
  });

  test("while a call to it is on the way gives EIO too", async () => {
    const code = `
import errno, os
print("ready", flush=True)
try:
    while True:
        os.stat("/data/file")
except OSError as error:
    print(errno.errorcode[error.errno])
`;
    const sandbox = await Sandbox.start("ready", python(code));
    process.kill(sandbox.gofer, "SIGKILL");
    const { code: exit, stdout, stderr } = await sandbox.exit;
    expect({ exit, stdout }).toEqual({ exit: 0, stdout: "ready\nEIO\n" });
    expect(stderr).toMatch(/^wvisor do: warning: the gofer was ended by signal 9 [^\n]*\n$/);
    await sandbox.expectGone();
  });

  test("leaves a program alone that needs no host file", async () => {
    const sandbox = await Sandbox.start("spinning", [guestFile("spin")]);
    process.kill(sandbox.gofer, "SIGKILL");
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(isRunning(sandbox.gofer)).toBe(false);
    sandbox.kill("SIGTERM");
    await sandbox.expectGone();
    expect(await sandbox.exit).toMatchObject({ signal: "SIGTERM", stdout: "spinning\n" });
  });
});

describe("--timeout", () => {
  test("stops a program that computes, with 124 and one line, and nothing is left", async () => {
    const sandbox = await Sandbox.start("spinning", [guestFile("spin")], ["--timeout", "1500ms"]);
    const { code, stdout, stderr } = await sandbox.exit;
    expect({ code, stdout, stderr }).toEqual({
      code: 124,
      stdout: "spinning\n",
      stderr: "wvisor: stopped after 1500 ms (--timeout)\n",
    });
    await sandbox.expectGone();
  });

  test("stops a program that waits, too", () => {
    const before = performance.now();
    const { code, stderr } = wvisor([
      "do",
      "--session=none",
      "--timeout",
      "500ms",
      "--",
      ...python("import time; time.sleep(1000)"),
    ]);
    expect({ code, stderr }).toEqual({ code: 124, stderr: "wvisor: stopped after 500 ms (--timeout)\n" });
    expect(performance.now() - before).toBeGreaterThanOrEqual(500);
  });

  test("is of no consequence for a program that ends before", () => {
    const { code, stderr } = wvisor([
      "do",
      "--session=none",
      "--timeout",
      "50",
      "--",
      ...python("import sys; sys.exit(3)"),
    ]);
    expect({ code, stderr }).toEqual({ code: 3, stderr: "" });
  });
});

test("a program that ends by itself leaves nothing", async () => {
  const sandbox = await Sandbox.start("ready", python("print('ready', flush=True); input()"));
  sandbox.type("\n");
  expect(await sandbox.exit).toMatchObject({ code: 0, stderr: "" });
  await sandbox.expectGone();
});
