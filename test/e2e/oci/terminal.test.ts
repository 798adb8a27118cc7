// Terminals of containers: who gets them, what becomes of the user's own, and how a container with one ends. What engines and users
// see is compared with runc, where Debian's package can be had.

import { spawnSync } from "node:child_process";
import { readdirSync, readlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { install } from "../../interop/debian.ts";
import { ROOT, scratchDirectory } from "../../support/cli.ts";
import { buildGuests, guestFile } from "../../support/guests.ts";
import {
  buildMonitor,
  compileC,
  Monitored,
  makeBundle,
  needsRoot,
  Runtime,
} from "../../support/oci/runtime.ts";
import { buildTerminal, settingsOf, TestTerminal } from "../../support/oci/terminal.ts";
import { childrenOf, commandLine, isRunning } from "../../support/processes.ts";

const top = scratchDirectory();
const NEEDS_SOCKET = "cannot allocate tty if runc will detach without setting console socket";
const NEEDS_TERMINAL = "cannot use console socket if runc will not detach or allocate tty";
/** termbits.h */
const ONLCR = 0o4;
const OPOST = 0o1;
const ICANON_ECHO_ISIG = 0o13;
const CTRL_C = "\x03";

interface Candidate {
  readonly name: string;
  readonly runtime: Runtime;
  /** Why it cannot be asked. */
  readonly missing: string | undefined;
  /** test/guests/terminal.ts, or the same for it. */
  readonly program: () => string;
}

const candidates: readonly Candidate[] = [
  {
    name: "wvisor",
    runtime: new Runtime(path.join(top, "wvisor-root")),
    missing: needsRoot,
    program: () => guestFile("terminal"),
  },
  {
    name: "runc",
    runtime: new Runtime(path.join(top, "runc-root"), ["runc"]),
    missing: needsRoot ?? install("runc", "runc"),
    program: () => compileC(path.join(ROOT, "test/support/oci/terminal-guest.c"), path.join(top, "guest")),
  },
];

let next = 0;

/** A bundle of the program, with what a runtime of native programs makes a terminal of. */
function bundleOf({ name, program }: Candidate, terminal: boolean, more: object = {}): string {
  return makeBundle(path.join(top, `${name}-${next++}`), {
    args: ["/bin/terminal"],
    files: { "bin/terminal": program() },
    change: (config) => {
      Object.assign(config.process as object, { terminal, ...more });
      config.mounts = [
        { destination: "/proc", type: "proc", source: "proc" },
        { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["mode=755"] },
        {
          ...{ destination: "/dev/pts", type: "devpts", source: "devpts" },
          options: ["newinstance", "ptmxmode=0666", "mode=0620"],
        },
      ];
    },
  });
}

const newSocket = () => path.join(top, `s${next++}`);

beforeAll(async () => {
  buildMonitor();
  buildTerminal();
  await buildGuests(["terminal", "spin"]);
});

for (const candidate of candidates) {
  const { name, runtime, missing } = candidate;
  const title = missing === undefined ? name : `${name}: left out, ${missing}`;
  describe.skipIf(missing !== undefined)(title, () => {
    let withTerminal: string;
    let without: string;
    let id = "";

    beforeAll(() => {
      withTerminal = bundleOf(candidate, true, { consoleSize: { height: 30, width: 99 } });
      without = bundleOf(candidate, false);
    });

    afterEach(() => {
      for (const each of runtime.run("list", "-q").stdout.split("\n").filter(Boolean)) {
        expect(runtime.code("delete", "--force", each)).toBe(0);
      }
    });

    const refused = (...args: string[]) => {
      const { code, stderr } = runtime.run(...args);
      expect(code).not.toBe(0);
      return stderr;
    };

    /** A container with a terminal that an engine shows, from create to its end. */
    async function created(): Promise<{ terminal: TestTerminal; monitor: Monitored; pid: number }> {
      id = `c${next}`;
      const socket = newSocket();
      const pidFile = path.join(top, `pid-${next++}`);
      const terminal = await TestTerminal.listen(socket);
      const command = [
        "create",
        "--bundle",
        withTerminal,
        "--console-socket",
        socket,
        "--pid-file",
        pidFile,
        id,
      ];
      const monitor = new Monitored(runtime, pidFile, command);
      const { code, pid } = await monitor.started();
      expect({ code, errors: monitor.errors }).toEqual({ code: 0, errors: "" });
      return { terminal, monitor, pid };
    }

    async function started(): Promise<{ terminal: TestTerminal; monitor: Monitored; pid: number }> {
      const container = await created();
      expect(runtime.code("start", id)).toBe(0);
      await container.terminal.shows(/terminal/);
      return container;
    }

    /** Adds a process with a terminal that an engine shows. */
    async function added(): Promise<{ terminal: TestTerminal; monitor: Monitored; pid: number }> {
      const socket = newSocket();
      const pidFile = path.join(top, `pid-${next}`);
      const process = path.join(top, `process-${next++}.json`);
      const consoleSize = { height: 20, width: 60 };
      writeFileSync(
        process,
        JSON.stringify({ args: ["/bin/terminal"], cwd: "/", terminal: true, consoleSize }),
      );
      const terminal = await TestTerminal.listen(socket);
      const flags = [
        "--process",
        process,
        "--detach",
        "--tty",
        "--console-socket",
        socket,
        "--pid-file",
        pidFile,
      ];
      const monitor = new Monitored(runtime, pidFile, ["exec", ...flags, id]);
      const { code, pid } = await monitor.started();
      expect({ code, errors: monitor.errors }).toEqual({ code: 0, errors: "" });
      await terminal.shows(/terminal/);
      return { terminal, monitor, pid };
    }

    test("a terminal needs somebody who shows it, and who wants to show one needs it", () => {
      id = "";
      const socket = newSocket();
      expect(refused("create", "-b", withTerminal, "c0")).toContain(NEEDS_SOCKET);
      expect(refused("run", "-d", "-b", withTerminal, "c0")).toContain(NEEDS_SOCKET);
      expect(refused("create", "-b", without, "--console-socket", socket, "c0")).toContain(NEEDS_TERMINAL);
      expect(refused("run", "-b", withTerminal, "--console-socket", socket, "c0")).toContain(NEEDS_TERMINAL);
      expect(refused("run", "-d", "-b", without, "--console-socket", socket, "c0")).toContain(NEEDS_TERMINAL);
      expect(runtime.run("state", "c0").code).toBe(1);
    });

    test("the same for a process that is added", async () => {
      await started();
      const socket = newSocket();
      const exec = (...flags: string[]) => refused("exec", ...flags, id, "/bin/terminal");
      expect(exec("-d", "-t")).toContain(NEEDS_SOCKET);
      expect(exec("-d", "--console-socket", socket)).toContain(NEEDS_TERMINAL);
      expect(exec("-t", "--console-socket", socket)).toContain(NEEDS_TERMINAL);
      expect(runtime.run("exec", "-d", "-t", id, "/bin/terminal").code).toBe(255);
    });

    test("a console socket at which nobody listens", () => {
      id = "";
      const socket = newSocket();
      const create = () => refused("create", "-b", withTerminal, "--console-socket", socket, "c0");
      expect(create()).toContain(`dial unix ${socket}: connect: no such file or directory`);
      writeFileSync(socket, "");
      expect(create()).toContain(`dial unix ${socket}: connect: connection refused`);
      expect(runtime.run("state", "c0").code).toBe(1);
    });

    test("create: the engine has the master when it returns, in the size of config.json", async () => {
      const { terminal } = await created();
      expect(terminal.events).toMatch(/^received \/dev\/ptmx 1$/m);
      const settings = await terminal.settings();
      expect(settings).toMatchObject({ rows: 30, columns: 99 });
      expect(settings.oflag & ONLCR).toBe(ONLCR);
      expect(settings.lflag & ICANON_ECHO_ISIG).toBe(ICANON_ECHO_ISIG);
      expect(runtime.state(id).status).toBe("created");
    });

    test("the program has it as its three streams; its lines are echoed and read (B18-05)", async () => {
      const { terminal, monitor } = await started();
      await terminal.shows(/^terminal true true true\r\n$/);
      terminal.type("hello\n");
      await terminal.shows(/hello\r\nline "hello"\r\n$/);
      terminal.type("quit\n");
      expect(await monitor.ended()).toBe("exited 3");
      await terminal.event(/^hung up$/m);
    });

    test("the end of input", async () => {
      const { terminal, monitor } = await started();
      terminal.type("\x04");
      expect(await monitor.ended()).toBe("exited 4");
    });

    test("a window that changes its size", async () => {
      const { terminal, pid } = await started();
      const inside = () =>
        settingsOf(childrenOf(pid).find((child) => commandLine(child).includes(" boot ")) ?? pid);
      expect(inside()).toMatchObject({ rows: 30, columns: 99 });
      terminal.resize(50, 120);
      await expect.poll(inside).toMatchObject({ rows: 50, columns: 120 });
      expect(runtime.state(id).status).toBe("running");
    });

    test("exec: a terminal of its own, whose ^C ends that process only", async () => {
      const { terminal: first, pid } = await started();
      const { terminal, monitor } = await added();
      expect(await terminal.settings()).toMatchObject({ rows: 20, columns: 60 });
      expect(terminal.output).toBe("terminal true true true\r\n");
      terminal.type("quit\n");
      expect(await monitor.ended()).toBe("exited 3");
      const interrupted = await added();
      interrupted.terminal.type(CTRL_C);
      expect(await interrupted.monitor.ended()).toMatch(/^(exited 130|signalled 2)$/);
      expect(isRunning(pid)).toBe(true);
      first.type("still there\n");
      await first.shows(/line "still there"/);
    });

    test("exec: an engine that goes away ends the process", async () => {
      await started();
      const { terminal, monitor } = await added();
      terminal.close();
      expect(await monitor.ended()).toMatch(/^(exited (129|4)|signalled 1)$/);
      expect(runtime.state(id).status).toBe("running");
    });

    describe("in the foreground", () => {
      const foreground = (...args: string[]) =>
        TestTerminal.run(runtime.command[0]!, ...runtime.arguments(args));

      test("without a terminal of the user's", () => {
        id = `f${next++}`;
        // A session of its own has none.
        const command = [runtime.command[0]!, ...runtime.arguments(["run", "-b", withTerminal, id])];
        const { status, stderr } = spawnSync("setsid", ["--wait", ...command], { encoding: "utf8" });
        expect(status).not.toBe(0);
        expect(stderr).toContain("open /dev/tty: no such device or address");
        expect(runtime.run("state", id).code).toBe(1);
      });

      // runc's client, once it shows a terminal, waits for ever now and then.
      if (name !== "wvisor") return;

      async function run(): Promise<TestTerminal> {
        id = `f${next++}`;
        const terminal = foreground("run", "-b", withTerminal, id);
        await terminal.shows(/^terminal true true true\r\n/);
        await raw(terminal);
        return terminal;
      }

      const local = async (terminal: TestTerminal) => (await terminal.settings()).lflag & ICANON_ECHO_ISIG;
      const raw = (terminal: TestTerminal) => expect.poll(() => local(terminal)).toBe(0);
      const canonical = (terminal: TestTerminal) => expect.poll(() => local(terminal)).toBe(ICANON_ECHO_ISIG);

      test("run: the user's terminal is raw meanwhile and as it was afterwards", async () => {
        const terminal = await run();
        expect((await terminal.settings()).oflag & OPOST).toBe(OPOST);
        expect(runtime.state(id).status).toBe("running");
        terminal.type("hello\r");
        await terminal.shows(/hello\r\nline "hello"\r\n$/);
        terminal.type("quit\r");
        expect(await terminal.exitCode()).toBe(3);
        expect(runtime.run("state", id).code).toBe(1);
      });

      test("run: the window's size, and its changes", async () => {
        const terminal = await run();
        const { pid } = runtime.state(id);
        const inside = () =>
          settingsOf(childrenOf(pid).find((child) => commandLine(child).includes(" boot ")) ?? pid);
        await expect.poll(inside).toMatchObject({ rows: 24, columns: 80 });
        terminal.resize(33, 111);
        await expect.poll(inside).toMatchObject({ rows: 33, columns: 111 });
        expect(inside().oflag & ONLCR).toBe(0);
        terminal.type("quit\r");
        expect(await terminal.exitCode()).toBe(3);
      });

      test("exec --tty: exit codes, ^C", async () => {
        await started();
        const exec = async () => {
          const terminal = foreground("exec", "-t", id, "/bin/terminal");
          await terminal.shows(/terminal true true true\r\n/);
          await raw(terminal);
          return terminal;
        };
        const first = await exec();
        first.type("quit\r");
        expect(await first.exitCode()).toBe(3);
        const second = await exec();
        second.type(CTRL_C);
        expect(await second.exitCode()).toBe(130);
      });

      const relayOf = (keeper: number): number =>
        childrenOf(keeper).find((pid) => commandLine(pid).includes("--attach="))!;
      const keeperOf = (terminal: TestTerminal): number => childrenOf(terminal.process.pid!)[0]!;

      test("^C, signals for the command", async () => {
        const interrupted = await run();
        interrupted.type(CTRL_C);
        expect(await interrupted.exitCode()).toBe(130);
        const ended = await run();
        process.kill(keeperOf(ended), "SIGTERM");
        expect(await ended.exitCode()).toBe(143);
        expect(runtime.run("state", id).code).toBe(1);
      });

      test("SIGKILL of either of the two who show it: the user's terminal is as it was", async () => {
        for (const victim of ["keeper", "relay"]) {
          id = "";
          const container = await started();
          // The user's shell, which has the terminal for longer than the command.
          const shell = TestTerminal.run("/bin/sh");
          const command = [runtime.command[0]!, ...runtime.arguments(["exec", "-t", id, "/bin/terminal"])];
          shell.type(`${command.join(" ")}; echo ended $?\n`);
          await shell.shows(/terminal true true true\r\n/);
          await raw(shell);
          const keeper = keeperOf({ process: { pid: keeperOf(shell) } } as TestTerminal);
          process.kill(victim === "keeper" ? keeper : relayOf(keeper), "SIGKILL");
          await shell.shows(victim === "keeper" ? /ended 137/ : /ended (129|4)/);
          await canonical(shell);
          shell.close();
          container.terminal.type("quit\n");
          expect(await container.monitor.ended()).toBe("exited 3");
        }
      });
    });

    if (name !== "wvisor") return;

    test("^C ends the container: 130", async () => {
      const { terminal, monitor } = await started();
      terminal.type(CTRL_C);
      expect(await monitor.ended()).toBe("exited 130");
    });

    test("an engine that goes away ends the container: 129, or it sees the end of its input before", async () => {
      const { terminal, monitor } = await started();
      terminal.close();
      expect(await monitor.ended()).toMatch(/^exited (129|4)$/);
      const busy = await started();
      busy.terminal.type("spin\n");
      await busy.terminal.shows(/spinning/);
      busy.terminal.close();
      expect(await busy.monitor.ended()).toBe("exited 129");
    });

    test("a program that writes what nobody reads can be ended", async () => {
      const { terminal, monitor } = await started();
      terminal.type("flood\n");
      await terminal.shows(/xyz/);
      process.kill(terminal.process.pid!, "SIGSTOP");
      // Long enough for it to fill the terminal.
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(runtime.run("kill", id, "TERM").code).toBe(0);
      expect(await monitor.ended()).toBe("exited 143");
      process.kill(terminal.process.pid!, "SIGCONT");
    });

    test("the terminal is none of the host's, and only the engine has its master", async () => {
      const before = readdirSync("/dev/pts");
      const { pid } = await started();
      expect(readdirSync("/dev/pts")).toEqual(before);
      const tree = (parent: number): number[] => [parent, ...childrenOf(parent).flatMap(tree)];
      const open = (each: number) =>
        readdirSync(`/proc/${each}/fd`).map((fd) => readlinkSync(`/proc/${each}/fd/${fd}`));
      const pids = tree(pid);
      expect(pids.length).toBe(4);
      for (const each of pids) expect(open(each).filter((file) => file.endsWith("ptmx"))).toEqual([]);
      // The launcher of the gofer has none at all.
      const standardInput = (each: number) =>
        readdirSync(`/proc/${each}/fd`).includes("0") ? readlinkSync(`/proc/${each}/fd/0`) : "";
      const users = pids.filter((each) => standardInput(each) === "/0");
      expect(users.map(commandLine).map((line) => line.includes(" boot "))).toEqual([true]);
    });

    test("without a terminal the streams are the engine's own descriptors", async () => {
      id = `c${next}`;
      const pidFile = path.join(top, `pid-${next++}`);
      const command = ["run", "-d", "--bundle", without, "--pid-file", pidFile, id];
      const monitor = new Monitored(runtime, pidFile, command, "pipe");
      const { pid } = await monitor.started();
      await monitor.match(/terminal false false false/);
      const sentry = childrenOf(pid).find((child) => commandLine(child).includes(" boot "))!;
      for (const fd of [0, 1]) {
        const own = readlinkSync(`/proc/${monitor.process.pid}/fd/${fd}`);
        expect(own).toMatch(/^(pipe|socket):/);
        expect(readlinkSync(`/proc/${sentry}/fd/${fd}`)).toBe(own);
      }
      monitor.process.stdin!.write("quit\n");
      expect(await monitor.ended()).toBe("exited 3");
    });

    test("an engine that takes nothing, or has another kind of socket, holds up nobody", async () => {
      id = `h${next}`;
      const create = (name: string, socket: string) =>
        runtime.run("create", "-b", withTerminal, "--console-socket", socket, name);
      const full = newSocket();
      const holder = await TestTerminal.refuse("hold", full);
      // The first is in the socket's queue with its master, where nobody looks.
      expect(runtime.code("create", "-b", withTerminal, "--console-socket", full, id)).toBe(0);
      const second = create("h-second", full);
      expect(second.code).toBe(1);
      expect(second.stderr).toContain(`dial unix ${full}: connect: resource temporarily unavailable`);
      const datagrams = newSocket();
      const other = await TestTerminal.refuse("datagram", datagrams);
      const third = create("h-third", datagrams);
      expect(third.code).toBe(1);
      expect(third.stderr).toContain(`dial unix ${datagrams}: connect: protocol wrong type for socket`);
      for (const name of ["h-second", "h-third"]) expect(runtime.run("state", name).code).toBe(1);
      for (const each of [holder, other]) each.process.stdin!.end();
    });
  });
}

afterAll(() => {
  for (const { runtime, missing } of candidates) {
    if (missing === undefined) expect(runtime.run("list", "-q").stdout).toBe("");
  }
});
