// wvisor gofer --listen: the built command, its process and its clients.

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { O_CREAT, O_RDWR } from "../../assembly/abi/fcntl.ts";
import { CLIENTS_MAX } from "../../src/gofer/listener.ts";
import { P9Client, type RemoteFile } from "../../src/p9/index.ts";
import { CLI, wvisor } from "../support/cli.ts";
import { goferBelow } from "../support/listening-gofer.ts";
import { isRunning } from "../support/processes.ts";

interface Running {
  readonly process: ChildProcess;
  readonly address: string;
  readonly end: Promise<{ code: number | null; stderr: string }>;
}

let folder: string;
let running: ChildProcess[] = [];

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "wvisor-listen-"));
  writeFileSync(path.join(folder, "file"), "hello");
});

afterEach(() => {
  for (const child of running) child.kill("SIGKILL");
  running = [];
  rmSync(folder, { recursive: true });
});

/** Starts the command, and waits for its first line. */
async function start(...flags: string[]): Promise<Running> {
  const child = spawn(process.execPath, [CLI, "gofer", "--root", folder, ...flags], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.push(child);
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text) => {
    stderr += text;
  });
  const end = new Promise<{ code: number | null; stderr: string }>((resolve) => {
    child.on("close", (code) => resolve({ code, stderr }));
  });
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout.setEncoding("utf8").once("data", resolve);
    void end.then(() => reject(new Error(stderr)));
  });
  return { process: child, address: /^listening on (\S+)\n$/.exec(line)![1]!, end };
}

async function read(root: RemoteFile, name: string): Promise<string> {
  const file = await (await root.walk(name)).open();
  return (await file.read(0, 100)).toString();
}

test("a directory is served by TCP, to several clients at once", async () => {
  const { address } = await start("--listen", "tcp:127.0.0.1:0");
  const a = await P9Client.connect(address);
  const b = await P9Client.connect(address, { extension: false });
  expect([a.extended, b.extended]).toEqual([true, false]);
  const [rootA, rootB] = [await a.attach(), await b.attach({ tree: folder })];
  const file = await (await rootA.walk()).create("new", O_RDWR | O_CREAT, 0o644);
  await file.write(0, Buffer.from("from a"));
  expect(await read(rootB, "new")).toBe("from a");
  expect(readFileSync(path.join(folder, "new"), "utf8")).toBe("from a");
  a.close();
  expect(await read(rootB, "file")).toBe("hello");
  b.close();
});

test("a unix socket is its owner's alone, and goes with the command", async () => {
  const socket = path.join(folder, "socket");
  const { process: child, address, end } = await start("--listen", `unix:${socket}`, "--readonly");
  expect(address).toBe(`unix:${socket}`);
  expect(statSync(socket).mode & 0o777).toBe(0o600);
  const client = await P9Client.connect(address);
  const root = await client.attach();
  expect(await read(root, "file")).toBe("hello");
  await expect(root.mkdir("d", 0o755)).rejects.toMatchObject({ code: "EROFS" });
  client.close();
  const gofer = await goferBelow(child.pid!);
  child.kill("SIGTERM");
  expect(await end).toEqual({ code: 143, stderr: "" });
  expect(existsSync(socket)).toBe(false);
  await expect.poll(() => isRunning(gofer)).toBe(false);
});

test("a socket that a killed command left behind is taken over, one in use is not", async () => {
  const socket = path.join(folder, "socket");
  const first = await start("--listen", `unix:${socket}`);
  const second = wvisor(["gofer", "--root", folder, "--listen", `unix:${socket}`]);
  expect([second.code, second.stderr]).toEqual([1, `wvisor gofer: unix:${socket}: EADDRINUSE\n`]);
  const gofer = await goferBelow(first.process.pid!);
  first.process.kill("SIGKILL");
  await first.end;
  await expect.poll(() => isRunning(gofer)).toBe(false);
  expect(existsSync(socket)).toBe(true);
  const { address } = await start("--listen", `unix:${socket}`);
  const client = await P9Client.connect(address);
  expect(await read(await client.attach(), "file")).toBe("hello");
  client.close();
});

test("what is no socket is left alone", () => {
  const { code, stderr } = wvisor(["gofer", "--root", folder, "--listen", `unix:${folder}/file`]);
  expect([code, stderr]).toEqual([1, `wvisor gofer: unix:${folder}/file: EADDRINUSE\n`]);
  expect(readFileSync(path.join(folder, "file"), "utf8")).toBe("hello");
});

test("one client too many is turned away, until another one goes", async () => {
  const { process: child, address } = await start("--listen", "tcp:127.0.0.1:0");
  const clients: P9Client[] = [];
  for (let i = 0; i < CLIENTS_MAX; i++) clients.push(await P9Client.connect(address));
  await expect(P9Client.connect(address)).rejects.toMatchObject({ code: "ERR_WVISOR_P9" });
  const root = await clients[1]!.attach();
  expect(await read(root, "file")).toBe("hello");
  clients[0]!.close();
  await expect
    .poll(() =>
      P9Client.connect(address).then(
        (client) => clients.push(client),
        () => 0,
      ),
    )
    .toBeGreaterThan(0);
  const descriptors = `/proc/${await goferBelow(child.pid!)}/fd`;
  for (const client of clients) client.close();
  await expect.poll(() => readdirSync(descriptors).length).toBeLessThan(40);
});

test("clients that say nothing, or nonsense, take nobody else's time", async () => {
  const { address } = await start("--listen", "tcp:127.0.0.1:0");
  const port = Number(address.split(":").at(-1));
  const silent = connect(port, "127.0.0.1");
  const nonsense = connect(port, "127.0.0.1");
  nonsense.on("error", () => {});
  nonsense.write("GET / HTTP/1.1\r\n\r\n");
  await new Promise((resolve) => nonsense.once("close", resolve));
  const client = await P9Client.connect(address);
  expect(await read(await client.attach(), "file")).toBe("hello");
  client.close();
  silent.destroy();
});

test("a client that never stops asking keeps nobody from coming", async () => {
  const { address } = await start("--listen", `unix:${folder}/socket`);
  const busy = await P9Client.connect(address);
  const root = await busy.attach();
  let stop = false;
  let asked = 0;
  const asks = Array.from({ length: 16 }, async () => {
    for (; !stop; asked++) await root.getattr();
  });
  // It is alone, and never silent, for longer than the server stays with one client.
  await expect.poll(() => asked, { timeout: 30_000 }).toBeGreaterThan(5000);
  const client = await P9Client.connect(address);
  expect(await read(await client.attach(), "file")).toBe("hello");
  stop = true;
  await Promise.all(asks);
  client.close();
  // Nor does one that has fallen silent since.
  const third = await P9Client.connect(address);
  expect(await read(await third.attach(), "file")).toBe("hello");
  third.close();
  busy.close();
});

test("a gofer that is killed ends the command", async () => {
  const { process: child, end } = await start("--listen", "tcp:127.0.0.1:0");
  process.kill(await goferBelow(child.pid!), "SIGKILL");
  expect(await end).toEqual({ code: 1, stderr: "wvisor gofer: the gofer was ended by signal 9\n" });
});

test("whoever can be reached from elsewhere is warned", async () => {
  const { process: child, end } = await start("--listen", "tcp:0.0.0.0:0");
  child.kill("SIGINT");
  const warning = `wvisor gofer: warning: whoever reaches tcp:0.0.0.0:0 can change ${folder}: 9P has no passwords\n`;
  expect(await end).toEqual({ code: 130, stderr: warning });
});

test.each([
  [[], 2, "--listen and --root are needed, or --bundle, --io-fds and --spec-fd (see 'wvisor gofer --help')"],
  [["--listen", "tcp:1"], 2, "--listen and --root are needed (see 'wvisor gofer --help')"],
  [
    ["--listen", "tcp:1", "--root", "/"],
    2,
    `--listen: "tcp:1": neither unix:PATH nor tcp:HOST:PORT (see 'wvisor gofer --help')`,
  ],
  [
    ["--listen", "tcp:127.0.0.1:0", "--root", "/", "x"],
    2,
    "unexpected argument x (see 'wvisor gofer --help')",
  ],
  [["--listen", "tcp:host.invalid:0", "--root", "/"], 1, "host.invalid: ENOTFOUND"],
  [["--listen", "tcp:127.0.0.1:0", "--root", "/none"], 1, "mount source /none: ENOENT: cannot be opened"],
] as const)("%j is refused", (args, code, message) => {
  const result = wvisor(["gofer", ...args]);
  const stdout = code === 1 && message.startsWith("mount") ? expect.stringContaining("listening") : "";
  expect(result).toEqual({ code, signal: null, stdout, stderr: `wvisor gofer: ${message}\n` });
});
