// The processes of a container, as an engine and an attacker on the host see them.

import { spawn } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { createConnection, type Socket } from "node:net";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { put, scratchDirectory } from "../../support/cli.ts";
import { buildGuests, guestFile } from "../../support/guests.ts";
import { buildMonitor, Monitored, makeBundle, needsRoot, Runtime } from "../../support/oci/runtime.ts";
import { childrenOf, commandLine, isRunning, socketsOf } from "../../support/processes.ts";

const title = needsRoot === undefined ? "a container's processes" : `left out: ${needsRoot}`;
const top = scratchDirectory();
const runtime = new Runtime(path.join(top, "root"));
const GUESTS = ["spin", "exit-code", "cat", "stdin-copy", "echo-args-env"] as const;
const files = Object.fromEntries(GUESTS.map((name) => [`bin/${name}`, guestFile(name)]));
let next = 0;
let id = "";

function bundle(...args: string[]): string {
  return makeBundle(path.join(top, `bundle-${next++}`), { args, files });
}

/** Starts a container of its own for a test. */
async function run(...args: string[]): Promise<{ monitor: Monitored; pid: number }> {
  id = `c${next}`;
  const pidFile = path.join(top, `pid-${next}`);
  const directory = bundle(...args);
  const command = ["run", "--detach", "--bundle", directory, "--pid-file", pidFile, id];
  const monitor = new Monitored(runtime, pidFile, command);
  const { code, pid } = await monitor.started();
  expect({ code, errors: monitor.errors }).toEqual({ code: 0, errors: "" });
  return { monitor, pid };
}

/** A process and all below it. */
function tree(pid: number): number[] {
  return [pid, ...childrenOf(pid).flatMap(tree)];
}

function descriptors(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
}

const find = (pids: readonly number[], text: string): number =>
  pids.find((pid) => commandLine(pid).includes(text))!;

describe.skipIf(needsRoot !== undefined)(title, () => {
  beforeAll(async () => {
    buildMonitor();
    await buildGuests(GUESTS);
  });

  afterEach(() => {
    expect(runtime.run("delete", "--force", id).code).toBe(0);
  });

  afterAll(() => {
    expect(readdirSync(runtime.root)).toEqual([]);
  });

  describe("exit status and signals", () => {
    test.each([0, 7, 255])("the exit code %i is that of the process of the pid file", async (code) => {
      const { monitor } = await run("/bin/exit-code", String(code));
      expect(await monitor.ended()).toBe(`exited ${code}`);
    });

    test.each([
      [15, 143],
      [1, 129],
      [10, 138],
      [34, 162],
    ])("signal %i for that process ends a guest that spins: %i", async (signal, code) => {
      const { monitor, pid } = await run("/bin/spin");
      await monitor.match(/spinning/);
      expect(runtime.run("kill", id, String(signal)).code).toBe(0);
      expect(await monitor.ended()).toBe(`exited ${code}`);
      expect(isRunning(pid)).toBe(false);
    });

    test("a signal that means nothing to a program without handlers does nothing", async () => {
      const { monitor, pid } = await run("/bin/spin");
      await monitor.match(/spinning/);
      for (const name of ["CHLD", "CONT", "URG", "WINCH"]) expect(runtime.run("kill", id, name).code).toBe(0);
      expect(runtime.state(id).status).toBe("running");
      expect(isRunning(pid)).toBe(true);
    });

    test("wait tells the exit status", async () => {
      const { pid } = await run("/bin/spin");
      const sentry = find(childrenOf(pid), "cli.js");
      const before = socketsOf(sentry).length;
      const waiting = spawn(runtime.command[0]!, runtime.arguments(["wait", id]), {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const output = new Promise<string>((resolve) => {
        let text = "";
        waiting.stdout.setEncoding("utf8").on("data", (part: string) => {
          text += part;
        });
        waiting.on("close", () => resolve(text));
      });
      // It waits when the sentry has its connection.
      await expect.poll(() => socketsOf(sentry).length, { timeout: 30_000 }).toBe(before + 1);
      runtime.run("kill", id, "TERM");
      expect(JSON.parse(await output)).toEqual({ id, exitStatus: 143 });
    });
  });

  describe("exec", () => {
    test("passes streams and exit codes (D18-23)", async () => {
      await run("/bin/spin");
      expect(runtime.run("exec", id, "/bin/exit-code", "9").code).toBe(9);
      const shown = runtime.run("exec", "--env", "A=b c", id, "echo-args-env", "x y");
      expect(shown).toMatchObject({ code: 0, stderr: "" });
      expect(shown.stdout).toBe("arg 0 13: echo-args-env\narg 1 3: x y\nenv 9: PATH=/bin\nenv 5: A=b c\n");
    });

    test("sees the files of the container, and what the host changes in them (CM-02, D18-20)", async () => {
      const directory = bundle("/bin/spin");
      id = "shared";
      expect(runtime.code("run", "-d", "-b", directory, id)).toBe(0);
      const cat = (file: string) => runtime.run("exec", id, "/bin/cat", file);
      expect(cat("/note").code).toBe(1);
      put(directory, "rootfs/note", "first\n");
      expect(cat("/note").stdout).toBe("first\n");
      writeFileSync(path.join(directory, "rootfs/note"), "second\n");
      expect(cat("/note").stdout).toBe("second\n");
      // The host's file of that name is another.
      expect(cat("/etc/passwd").code).toBe(1);
    });

    test("detached: a process of its own stands for it", async () => {
      const { pid } = await run("/bin/spin");
      const start = async (name: string) => {
        const pidFile = path.join(top, `exec-${name}`);
        const process = put(top, `${name}.json`, JSON.stringify({ args: ["/bin/spin"], cwd: "/" }));
        const args = ["exec", "--detach", "--process", process, "--pid-file", pidFile, id];
        const monitor = new Monitored(runtime, pidFile, args);
        const started = await monitor.started();
        expect(started.code).toBe(0);
        return { monitor, pid: started.pid };
      };
      const pids = () => JSON.parse(runtime.run("ps", "-f", "json", id).stdout) as number[];
      const first = await start("first");
      const second = await start("second");
      expect(pids()).toEqual([pid, first.pid, second.pid]);
      process.kill(first.pid, "SIGTERM");
      expect(await first.monitor.ended()).toBe("exited 143");
      // Nobody tells the sentry of this one but the end of a socket.
      process.kill(second.pid, "SIGKILL");
      expect(await second.monitor.ended()).toBe("signalled 9");
      await expect.poll(pids, { timeout: 30_000 }).toEqual([pid]);
      expect(runtime.state(id).status).toBe("running");
    });

    test("its processes end with the container", async () => {
      const { monitor } = await run("/bin/spin");
      const pidFile = path.join(top, "exec-last");
      const added = new Monitored(runtime, pidFile, ["exec", "-d", "--pid-file", pidFile, id, "/bin/spin"]);
      expect((await added.started()).code).toBe(0);
      runtime.run("kill", id, "TERM");
      expect(await monitor.ended()).toBe("exited 143");
      expect(await added.ended()).toBe("exited 137");
    });

    test("a program that is not there: runc's words and exit code", async () => {
      await run("/bin/spin");
      const log = path.join(top, "log.json");
      const command = ["--log", log, "--log-format", "json", "exec", id, "/bin/nothing"];
      const { code, stderr } = runtime.run(...command);
      expect(code).toBe(255);
      const words = 'exec: "/bin/nothing": stat /bin/nothing: no such file or directory';
      expect(stderr).toContain(words);
      expect(JSON.parse(readFileSync(log, "utf8"))).toMatchObject({ level: "error", msg: words });
    });
  });

  describe("what is left of the host", () => {
    test("the anchor's root is the container's, and no process has a descriptor of the engine's", async () => {
      const { pid } = await run("/bin/spin");
      expect(readdirSync(`/proc/${pid}/root`).toSorted()).toEqual(["bin", "proc"]);
      const pids = tree(pid);
      expect(pids.length).toBe(4);
      for (const each of pids) expect(descriptors(each)).not.toContain("/etc/passwd");
      const environments = pids.map((each) => readFileSync(`/proc/${each}/environ`, "utf8"));
      expect(environments).toEqual(["", "", "", ""]);
    });

    test("sentry and gofer talk through memory that both have, and through nothing of anybody else's", async () => {
      const { pid } = await run("/bin/spin");
      const maps = (each: number) => readFileSync(`/proc/${each}/maps`, "utf8");
      const pids = tree(pid);
      const sharing = pids.filter((each) => /memfd:wvisor-windows/.test(maps(each)));
      const gofer = find(tree(find(childrenOf(pid), "gofer.js")).slice(1), "gofer.js");
      expect(sharing).toEqual([find(childrenOf(pid), "cli.js"), gofer]);
    });

    test("sentry and anchor have no capability and get none", async () => {
      const { monitor, pid } = await run("/bin/spin");
      await monitor.match(/spinning/);
      for (const each of [pid, find(childrenOf(pid), "cli.js")]) {
        const status = readFileSync(`/proc/${each}/status`, "utf8");
        expect(status).toMatch(/^CapEff:\t0+$/m);
        expect(status).toMatch(/^CapPrm:\t0+$/m);
        expect(status).toMatch(/^NoNewPrivs:\t1$/m);
      }
      expect(readFileSync(`/proc/${find(childrenOf(pid), "cli.js")}/status`, "utf8")).toMatch(
        /^Seccomp:\t2$/m,
      );
    });
  });

  describe("SIGKILL leaves nothing", () => {
    const victims: readonly (readonly [name: string, of: (pid: number) => number])[] = [
      ["the anchor", (pid) => pid],
      ["the sentry", (pid) => find(childrenOf(pid), "cli.js")],
      ["the gofer's launcher", (pid) => find(childrenOf(pid), "gofer.js")],
      ["the gofer", (pid) => find(tree(find(childrenOf(pid), "gofer.js")).slice(1), "gofer.js")],
    ];
    test.each(victims)("of %s", async (_name, of) => {
      const { monitor, pid } = await run("/bin/spin");
      await monitor.match(/spinning/);
      const pids = tree(pid);
      process.kill(of(pid), "SIGKILL");
      expect(await monitor.ended()).toMatch(/^(signalled 9|exited 137)$/);
      await expect.poll(() => pids.filter(isRunning), { timeout: 30_000 }).toEqual([]);
      expect(runtime.state(id)).toMatchObject({ status: "stopped", pid: 0 });
      expect(runtime.run("delete", id).code).toBe(0);
    });

    test("of create, at any moment", async () => {
      const directory = bundle("/bin/spin");
      id = "killed";
      for (let delay = 0; delay < 800; delay += 100) {
        const creator = spawn(runtime.command[0]!, runtime.arguments(["create", "-b", directory, id]), {
          stdio: "ignore",
        });
        const ended = new Promise((resolve) => creator.on("close", resolve));
        await new Promise((resolve) => setTimeout(resolve, delay));
        creator.kill("SIGKILL");
        await ended;
        // Whether it came so far or not: it is one or the other.
        const { code, stdout } = runtime.run("state", id);
        if (code === 0) expect(JSON.parse(stdout)).toMatchObject({ status: "created" });
        expect(runtime.run("delete", "--force", id).code).toBe(0);
        const left = () => anchorsOf(directory);
        await expect.poll(left, { timeout: 30_000 }).toEqual([]);
        expect(readdirSync(runtime.root)).toEqual([]);
      }
    });
  });

  describe("the control socket", () => {
    /** What the sentry answers to some bytes, until it closes the connection or has said that much. */
    function say(bytes: string | Buffer, most: number): Promise<string> {
      return new Promise((resolve) => {
        let text = "";
        const socket: Socket = createConnection(path.join(runtime.root, id, "control"));
        const finish = () => {
          socket.destroy();
          resolve(text);
        };
        socket.on("data", (part) => {
          text += part;
          if (text.length >= most) finish();
        });
        socket.on("close", finish);
        socket.on("error", finish);
        socket.write(bytes);
      });
    }

    const call = async (method: string, arg: unknown): Promise<{ success: boolean; err: string }> =>
      JSON.parse(await say(JSON.stringify({ method, arg }), 1));

    test("answers clients that ask for nonsense, and serves others on", async () => {
      await run("/bin/spin");
      const M = "containerManager";
      expect(await call("no.Such", null)).toMatchObject({ success: false, err: 'unknown method "no.Such"' });
      expect(await call(`${M}.StartRoot`, "other")).toMatchObject({
        err: 'container "other" does not exist',
      });
      expect(await call(`${M}.StartRoot`, { id })).toMatchObject({ success: false });
      expect(await call(`${M}.StartRoot`, id)).toMatchObject({
        err: "cannot start an already running container",
      });
      expect(await call(`${M}.Signal`, { CID: id, Signo: 65, PID: 0 })).toMatchObject({ success: false });
      expect(await call(`${M}.Signal`, { CID: id, Signo: 9, PID: 12345 })).toMatchObject({
        err: "no such process",
      });
      const exec = {
        ...{ container_id: id, argv: ["/bin/spin"], envv: [], wd: "/", KUID: 0, KGID: 0, extraKGIDs: [] },
        ...{ umask: 0, capabilities: "0", host_pid: 0 },
      };
      expect(await call(`${M}.Execute`, exec)).toMatchObject({ err: "exec needs 4 descriptors, got 0" });
      expect(await call(`${M}.Execute`, { ...exec, KUID: -1 })).toMatchObject({ success: false });
      expect(await call(`${M}.Execute`, { ...exec, more: 1 })).toMatchObject({ success: false });
      expect(await say("not JSON at all", 1)).toContain('"success":false');
      expect(await say("[".repeat(1000), 1)).toContain('"success":false');
      // Larger than any message may be; what is said to that comes before its end.
      const endless = Buffer.concat([Buffer.from('{"method":"'), Buffer.alloc(16 << 20, 0x61)]);
      expect(await say(endless, 1 << 20)).toMatch(/^$|"success":false/);
      const listed = JSON.parse(await say(JSON.stringify({ method: `${M}.Processes`, arg: id }), 1));
      expect(listed.result).toEqual([{ UID: 0, PID: 1, PPID: 0, HostPID: 0, Cmd: "/bin/spin" }]);
    });
  });
});

/** Anchors of containers of that bundle. */
function anchorsOf(directory: string): number[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids
    .map(Number)
    .filter((pid) => isRunning(pid) && commandLine(pid).includes(`--root=${directory}/`));
}
