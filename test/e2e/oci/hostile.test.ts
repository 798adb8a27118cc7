// What somebody may send who wants harm: a config.json, bytes over the control socket, names of a guest's. Each is one clear line and
// an exit code, or an error on that one connection; nothing is left behind, and others are served on.

import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createConnection, type Socket } from "node:net";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { WvisorError } from "../../../src/common/errors.ts";
import { loadBundle } from "../../../src/host/spec/bundle.ts";
import { UrpcClient } from "../../../src/urpc/client.ts";
import { put, scratchDirectory } from "../../support/cli.ts";
import { requireNative } from "../../support/gofer.ts";
import { buildGuests, guestFile } from "../../support/guests.ts";
import { makeBundle, needsRoot, Runtime } from "../../support/oci/runtime.ts";
import { commandLine, isRunning } from "../../support/processes.ts";
import { SCALE } from "../../support/scale.ts";

const top = scratchDirectory();
const runtime = new Runtime(path.join(top, "root"));
const files = () =>
  Object.fromEntries(["spin", "cat"].map((name) => [`bin/${name}`, guestFile(name)] as const));
let next = 0;

beforeAll(() => buildGuests(["spin", "cat"]));

type Config = Record<string, unknown>;

function bundleOf(change: (config: Config) => void = () => {}): string {
  return makeBundle(path.join(top, `bundle-${next++}`), { args: ["/bin/spin"], files: files(), change });
}

/** `create` of the bundle, which leaves nothing if it fails. Streams are files: a container that came to be would hold a pipe. */
function create(bundle: string, id = "x"): { code: number | null; lines: string[] } {
  const log = path.join(top, "stderr");
  rmSync(log, { force: true });
  const command = [...runtime.arguments(["create", "--bundle", bundle, id]).map(quote)].join(" ");
  const { status } = spawnSync("sh", ["-c", `${quote(runtime.command[0]!)} ${command} 2>${quote(log)}`], {
    stdio: "ignore",
    timeout: 120_000,
  });
  return { code: status, lines: readFileSync(log, "utf8").split("\n").slice(0, -1) };
}

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** Processes of containers of that bundle. */
function processesOf(bundle: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => isRunning(pid) && commandLine(pid).includes(bundle));
}

async function expectRefused(bundle: string, line: RegExp): Promise<void> {
  const { code, lines } = create(bundle);
  expect({ code, lines: lines.length }).toEqual({ code: 1, lines: 1 });
  expect(lines[0]).toMatch(line);
  expect(lines[0]).not.toMatch(/internal error|\bat .*:\d+:\d+/);
  expect(lines[0]!.length).toBeLessThan(5000);
  expect(readdirSync(runtime.root)).toEqual([]);
  await expect.poll(() => processesOf(bundle), { timeout: 30_000 }).toEqual([]);
}

describe.skipIf(needsRoot !== undefined)(
  `a hostile config.json${needsRoot === undefined ? "" : `: left out, ${needsRoot}`}`,
  () => {
    const one = (change: object) => (config: Config) => void Object.assign(config, change);
    const ofProcess = (change: object) => (config: Config) =>
      void Object.assign(config.process as object, change);
    const namespaces = (list: unknown) => one({ linux: { namespaces: list } });
    const deep = (levels: number) => `${"[".repeat(levels)}${"]".repeat(levels)}`;
    const many = <T>(count: number, make: (index: number) => T) =>
      Array.from({ length: count }, (_, index) => make(index));
    const MIB = 1 << 20;

    const cases: readonly [name: string, change: (config: Config) => void, line: RegExp][] = [
      ["an argument of 4 MiB", ofProcess({ args: ["/bin/spin", "x".repeat(4 * MIB)] }), /E2BIG/],
      ["a million variables", ofProcess({ env: many(1_000_000, (index) => `A${index}=`) }), /E2BIG/],
      [
        "a program's name with lines and escapes",
        ofProcess({ args: ["/no\nsuch\u001b[2J"] }),
        /stat \/no such\\x1b\[2J: no such file/,
      ],
      ["a program's name of 4,096 bytes", ofProcess({ args: [`/${"x/".repeat(2048)}`] }), /exec: "\/x\/x/],
      ["a program that is a directory", ofProcess({ args: ["/bin"] }), /EISDIR/],
      ["a working directory below a file", ofProcess({ cwd: "/bin/spin/x" }), /ENOTDIR/],
      ["a working directory with a NUL", ofProcess({ cwd: "/a\0b" }), /process\.cwd: must not contain a NUL/],
      [
        "a working directory of 5,000 bytes",
        ofProcess({ cwd: `/${"x/".repeat(2500)}` }),
        /process\.cwd: must be a path/,
      ],
      [
        "a host name of a megabyte",
        one({ hostname: "h".repeat(MIB) }),
        /hostname: must have at most 64 bytes/,
      ],
      [
        "a root that is the sandbox's own",
        one({ root: { path: "../../../../../../../../no/such" } }),
        /\/no\/such: no such file/,
      ],
      ["a root that is a device", one({ root: { path: "/dev/zero" } }), /.+/],
      [
        "a source of 5,000 bytes",
        one({ mounts: [{ destination: "/x", type: "bind", source: `/${"x/".repeat(2500)}` }] }),
        /mount source \/x\/x/,
      ],
      [
        "a destination of 5,000 bytes",
        one({ mounts: [{ destination: `/${"x/".repeat(2500)}`, type: "tmpfs" }] }),
        /mounts\[0\]\.destination/,
      ],
      [
        "a destination below a file",
        one({ mounts: [{ destination: "/bin/spin/x", type: "tmpfs" }] }),
        /\/bin\/spin\/x: (ENOTDIR|Not a directory)/,
      ],
      [
        "an option of 3 MiB",
        one({ mounts: [{ destination: "/x", type: "tmpfs", options: ["x".repeat(3 * MIB)] }] }),
        /mounts\[0\]\.options/,
      ],
      [
        "a mount's name of 3 MiB",
        one({ mounts: [{ destination: "/proc", type: "proc", source: "x".repeat(3 * MIB) }] }),
        /E2BIG/,
      ],
      [
        "20,000 binds",
        one({
          mounts: many(20_000, (index) => ({ destination: `/m/${index}`, type: "bind", source: "/tmp" })),
        }),
        /EMFILE|too many/,
      ],
      [
        "a namespace that there is not",
        namespaces([{ type: "mind" }]),
        /linux\.namespaces: mind is not supported/,
      ],
      [
        "a mount namespace to join",
        namespaces([{ type: "mount", path: "/proc/1/ns/mnt" }]),
        /a mount namespace cannot be joined/,
      ],
      [
        "another type's namespace",
        namespaces([{ type: "ipc", path: "/proc/self/ns/uts" }]),
        /\/proc\/self\/ns\/uts: Invalid argument/,
      ],
      [
        "a namespace that is a file",
        namespaces([{ type: "ipc", path: "/etc/passwd" }]),
        /\/etc\/passwd: Invalid argument/,
      ],
      [
        "a namespace's path that is relative",
        namespaces([{ type: "ipc", path: "../ns/mnt" }]),
        /namespaces\[0\]\.path: must be an absolute path/,
      ],
      [
        "100 namespaces to join",
        namespaces(many(100, () => ({ type: "ipc", path: "/proc/self/ns/ipc" }))),
        /more than 8 namespaces/,
      ],
    ];

    test.each(cases)("%s", async (_name, change, line) => {
      await expectRefused(bundleOf(change), line);
    });

    const texts: readonly [name: string, text: string | Uint8Array, line: RegExp][] = [
      ["a hundred megabytes", `{"a":"${"x".repeat(100 * MIB)}"}`, /config\.json: larger than 16777216 bytes/],
      ["a million brackets", deep(1_000_000), /config\.json: /],
      [
        "four million brackets where nobody looks",
        `{"x":${deep(4_000_000)}}`,
        /config\.json: root: is missing/,
      ],
      ["a million brackets where somebody looks", `{"root":${deep(1_000_000)}}`, /config\.json: /],
      ["bytes that are no text", Buffer.from('{"root":"\xff"}', "latin1"), /config\.json: not UTF-8/],
      ["a byte order mark", "\ufeff{}", /config\.json: not JSON/],
      ["NUL bytes", "\0".repeat(100), /config\.json: not JSON/],
      ["nothing", "", /config\.json: not JSON/],
      [
        "prototypes",
        '{"__proto__":{"root":{"path":"rootfs"},"process":{"args":["/bin/spin"],"cwd":"/"}}}',
        /root: is missing/,
      ],
    ];

    test.each(texts)("that is %s", async (_name, text, line) => {
      const bundle = bundleOf();
      writeFileSync(path.join(bundle, "config.json"), text);
      await expectRefused(bundle, line);
    });

    test.each<[string, (file: string) => void, RegExp]>([
      ["a FIFO", (file) => void spawnSync("mkfifo", [file]), /config\.json: not a regular file/],
      ["a link to a device", (file) => symlinkSync("/dev/zero", file), /config\.json: not a regular file/],
      ["a link to itself", (file) => symlinkSync(file, file), /config\.json: too many symbolic links/],
      ["a directory", (file) => void mkdirSync(file), /config\.json: not a regular file/],
      ["not there", () => {}, /config\.json: no such file/],
    ])("that is %s is not waited for", async (_name, make, line) => {
      const bundle = bundleOf();
      rmSync(path.join(bundle, "config.json"));
      make(path.join(bundle, "config.json"));
      await expectRefused(bundle, line);
    });

    test("may say a thing twice: the last counts, as everywhere", () => {
      const bundle = bundleOf();
      const text = readFileSync(path.join(bundle, "config.json"), "utf8");
      writeFileSync(
        path.join(bundle, "config.json"),
        text.replace('{"ociVersion"', '{"root":5,"hostname":[],"ociVersion"'),
      );
      expect(loadBundle({ id: "x", bundle, overlay: "none", warn: () => {} }).hostname).toBe("box");
    });

    test("whose mounts lie behind links mounts them inside the root, and makes nothing outside", () => {
      const outside = path.join(top, "outside");
      mkdirSync(outside);
      const bundle = bundleOf((config) => {
        config.mounts = ["link/x", "up/../../y", "/../../../z"].map((destination) => ({
          destination,
          type: "tmpfs",
        }));
        (config.process as Config).cwd = "/link/made/here";
      });
      symlinkSync(outside, path.join(bundle, "rootfs/link"));
      symlinkSync("../../../../../../..", path.join(bundle, "rootfs/up"));
      const { code } = create(bundle);
      expect(runtime.run("delete", "--force", "x").code).toBe(0);
      expect(readdirSync(outside)).toEqual([]);
      // The link leads to a directory that the root does not have.
      expect(code).toBe(1);
    });

    test("with 3,000 mounts is a container", () => {
      const mounts = many(3000, (index) => ({ destination: `/m/${index}`, type: "tmpfs", source: "tmpfs" }));
      expect(create(bundleOf(one({ mounts })))).toEqual({ code: 0, lines: [] });
      expect(runtime.run("delete", "--force", "x").code).toBe(0);
    });
  },
);

describe("a config.json that was changed at random", () => {
  /** mulberry32: the same numbers in each run. */
  function random(seed: number): () => number {
    let state = seed;
    return () => {
      state = (state + 0x6d2b79f5) | 0;
      let t = Math.imul(state ^ (state >>> 15), 1 | state);
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
      return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
    };
  }

  const VALUES: readonly unknown[] = [
    ...[null, true, 0, -1, 1.5, 2 ** 53, -0, 1e308, "", "/", "..", "../..", "a\0b", "\n\u001b[31m", "\ud800"],
    ...["x".repeat(5000), "/".repeat(5000), [], {}, [[]], [null], { __proto__: null }, ["/"], ["ro", "rw"]],
    JSON.parse('{"__proto__":1,"constructor":2,"toString":3}'),
  ];
  const whole = {
    ociVersion: "1.0.2",
    hostname: "h",
    domainname: "d",
    root: { path: "rootfs", readonly: false },
    process: {
      terminal: false,
      consoleSize: { height: 1, width: 1 },
      ...{ args: ["/bin/spin"], env: ["A=1"], cwd: "/", noNewPrivileges: true, oomScoreAdj: 1 },
      user: { uid: 0, gid: 0, umask: 18, additionalGids: [1] },
      capabilities: { effective: ["CAP_CHOWN"], bounding: [], permitted: [], inheritable: [], ambient: [] },
      rlimits: [{ type: "RLIMIT_NOFILE", soft: 10, hard: 20 }],
    },
    mounts: [
      { destination: "/proc", type: "proc", source: "proc", options: ["nosuid"] },
      { destination: "/t", type: "tmpfs", source: "tmpfs", options: ["size=1m", "mode=755"] },
      { destination: "/b", type: "bind", source: "/tmp", options: ["rbind", "ro"] },
      { destination: "/o", type: "overlay", source: "overlay", options: ["lowerdir=/tmp"] },
    ],
    hooks: { poststop: [{ path: "/bin/true", args: ["true"], env: ["A=1"], timeout: 5 }] },
    annotations: { "dev.gvisor.spec.mount.v.source": "/tmp", "dev.gvisor.spec.mount.v.type": "bind" },
    linux: {
      namespaces: [{ type: "pid" }, { type: "network", path: "/proc/1/ns/net" }],
      resources: {
        memory: { limit: 1 << 20 },
        pids: { limit: 5 },
        cpu: { shares: 2, quota: 1000, period: 1000 },
      },
      cgroupsPath: "/x",
      maskedPaths: ["/proc/kcore"],
      readonlyPaths: ["/proc/sys"],
      rootfsPropagation: "private",
    },
  };

  type Node = Record<string | number, unknown>;

  /** All places of a value below another. */
  function places(value: unknown): [Node, string][] {
    if (typeof value !== "object" || value === null) return [];
    return Object.keys(value).flatMap((key): [Node, string][] => {
      const node = value as Node;
      return [[node, key], ...places(node[key])];
    });
  }

  const ROUNDS = Math.max(500, Math.round(20_000 * SCALE));

  test(`${ROUNDS} times is a configuration or one clear error`, () => {
    const bundle = bundleOf();
    const number = random(1);
    const pick = <T>(list: readonly T[]): T => list[Math.floor(number() * list.length)]!;
    let accepted = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const config = structuredClone(whole);
      for (let changes = 1 + Math.floor(number() * 3); changes > 0; changes--) {
        const [node, key] = pick(places(config));
        if (number() < 0.2) delete node[key];
        else node[key] = structuredClone(pick(VALUES));
      }
      const text = JSON.stringify(config);
      writeFileSync(path.join(bundle, "config.json"), text);
      try {
        loadBundle({ id: "x", bundle, overlay: "none", warn: () => {} });
        accepted++;
      } catch (error) {
        if (!(error instanceof WvisorError)) throw new Error(`round ${round}: ${text}`, { cause: error });
      }
    }
    expect(accepted).toBeGreaterThan(ROUNDS / 20);
    expect(accepted).toBeLessThan(ROUNDS);
  });
});

describe.skipIf(needsRoot !== undefined)("a hostile client of the control socket", () => {
  const id = "served";
  const socketFile = () => path.join(runtime.root, id, "control");
  const native = requireNative();
  const open: Socket[] = [];

  beforeAll(() => {
    expect(runtime.code("run", "-d", "-b", bundleOf(), id)).toBe(0);
  });

  afterEach(() => {
    for (const socket of open.splice(0)) socket.destroy();
    // Others are served on.
    expect(JSON.parse(runtime.run("ps", "-f", "json", id).stdout)).toHaveLength(1);
  });

  afterAll(() => {
    expect(runtime.run("delete", "--force", id).code).toBe(0);
    expect(readdirSync(runtime.root)).toEqual([]);
  });

  function connect(): Socket {
    const socket = createConnection(socketFile());
    socket.on("error", () => {});
    open.push(socket);
    return socket;
  }

  /** What it says until it closes, or until there is as much. */
  function heard(socket: Socket, most = Number.POSITIVE_INFINITY): Promise<string> {
    return new Promise((resolve) => {
      let text = "";
      socket.on("data", (part) => {
        text += part;
        if (text.length >= most) resolve(text);
      });
      socket.on("close", () => resolve(text));
    });
  }

  const call = (method: string, arg: unknown): string => JSON.stringify({ method, arg });

  test("that sends a gibibyte is told when it is enough (UR-01)", async () => {
    const socket = connect();
    const answer = heard(socket);
    const piece = Buffer.alloc(1 << 20, 0x61);
    socket.write('{"method":"');
    let sent = 0;
    const flood = (): void => {
      while (sent < 1024 && !socket.destroyed && socket.write(piece)) sent++;
    };
    socket.on("drain", flood);
    flood();
    expect(await answer).toMatch(/^$|longer than \d+ bytes/);
    expect(sent).toBeLessThan(100);
  });

  test("that says no method, or one that there is not, hears so (UR-04)", async () => {
    for (const [text, error] of [
      [call("containerManager.Nothing", null), 'unknown method "containerManager.Nothing"'],
      [call("__proto__", null), 'unknown method "__proto__"'],
      [call("x".repeat(100_000), null), "unknown method"],
      ["[]", "not a JSON object"],
      ['{"method":5}', "method is not a string"],
      [`{"method":"a","arg":${"[".repeat(1000)}`, "nested deeper"],
      [Buffer.from('{"method":"\xff"}', "latin1"), "success"],
    ] as const) {
      const socket = connect();
      socket.write(text);
      const answer = await heard(socket, 2);
      expect(JSON.parse(answer)).toMatchObject({
        success: false,
        err: expect.stringContaining(error === "success" ? "" : error),
      });
      expect(answer.length).toBeLessThan(5000);
    }
  });

  test("that says half of something, and nothing more or goes away, holds up nobody (UR-03)", async () => {
    const half = call("containerManager.Processes", id);
    for (let length = 1; length < half.length; length += 7) connect().write(half.slice(0, length));
    for (const socket of open.splice(0, 3)) socket.destroy();
    const socket = connect();
    socket.write(half);
    expect(JSON.parse(await heard(socket, 2))).toMatchObject({ success: true });
  });

  test("that asks and takes no answer waits for itself (UR-03)", async () => {
    const greedy = connect();
    greedy.pause();
    const many = call("containerManager.Processes", id).repeat(2000);
    greedy.write(many);
    const socket = connect();
    socket.write(call("containerManager.Processes", id));
    expect(JSON.parse(await heard(socket, 2))).toMatchObject({ success: true });
  });

  test("that is a thousand: all are served, or turned away", async () => {
    const sockets = Array.from({ length: 1000 }, connect);
    const answers = sockets.map((socket) => {
      socket.write(call("containerManager.ContainerRuntimeState", id));
      return heard(socket, 2);
    });
    const served = (await Promise.all(answers)).filter((text) => text !== "");
    expect(served.length).toBeGreaterThan(100);
    for (const text of served) expect(JSON.parse(text)).toMatchObject({ success: true });
  });

  test("that sends descriptors with the wrong call, too few or too many, keeps none there (UR-02)", async () => {
    const sentry = readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .find(
        (pid) =>
          isRunning(pid) &&
          /\bboot\b.*--controller-fd/.test(commandLine(pid)) &&
          commandLine(pid).includes(top),
      )!;
    // The thread that prepares what is added has descriptors of its own from then on.
    expect(runtime.run("exec", id, "/bin/no").code).not.toBe(0);
    const count = () => readdirSync(`/proc/${sentry}/fd`).length;
    const before = count();
    const exec = {
      ...{ container_id: id, argv: ["/bin/cat"], envv: [], wd: "/", KUID: 0, KGID: 0, extraKGIDs: [] },
      ...{ umask: 0, capabilities: "0", host_pid: 0 },
    };
    for (const [method, arg, fds, error] of [
      ["containerManager.Processes", id, 3, undefined],
      ["containerManager.Execute", exec, 0, /descriptors/],
      ["containerManager.Execute", exec, 3, /descriptors/],
      ["containerManager.Execute", { ...exec, argv: ["/no/such"] }, 4, /no such file/],
      ["containerManager.Execute", { ...exec, wd: "relative" }, 4, /wd/],
      ["containerManager.Execute", { ...exec, envv: ["x".repeat(1 << 20)] }, 4, /E2BIG/],
      ["containerManager.Processes", id, 128, undefined],
    ] as const) {
      const place = native.connectUnix(openControl(), 1);
      const client = new UrpcClient(native, place, 13);
      const attempt = () =>
        client.call(method, arg, { files: Array.from({ length: fds }, () => 1), timeoutMs: 60_000 });
      if (error === undefined) attempt();
      else expect(attempt, `${method} with ${fds}`).toThrow(error);
      client.close();
    }
    await expect.poll(count, { timeout: 30_000 }).toBeLessThanOrEqual(before);
  });

  function openControl(): number {
    const memory = new TextEncoder().encode(`${socketFile()}\0`);
    native.registerMemory(14, memory);
    return native.openat(-100, 14, 0, 0o10000000, 0);
  }

  test("that is another user's is turned away, though the file let it (UR-04)", () => {
    const copy = path.join(top, "outer");
    mkdirSync(copy, { mode: 0o755 });
    spawnSync("sh", [
      "-c",
      `chmod 755 ${top} ${runtime.root} ${path.join(runtime.root, id)}; chmod 777 ${socketFile()}`,
    ]);
    const program = `
      const socket = require("node:net").createConnection(${JSON.stringify(socketFile())});
      socket.on("error", (error) => console.log(error.code));
      socket.on("connect", () => socket.write('{"method":"containerManager.Destroy","arg":"${id}"}'));
      socket.on("data", (data) => console.log("heard " + data));
      socket.on("close", () => console.log("closed"));`;
    const script = put(top, "client.cjs", program);
    const run = spawnSync(
      "setpriv",
      ["--reuid=12345", "--regid=12345", "--clear-groups", process.execPath, script],
      {
        encoding: "utf8",
        timeout: 60_000,
      },
    );
    spawnSync("chmod", ["700", runtime.root, path.join(runtime.root, id)]);
    expect(run.stdout).toMatch(/^((EPIPE|ECONNRESET)\n)?closed\n$/);
    expect(runtime.state(id).status).toBe("running");
  });
});

describe.skipIf(needsRoot !== undefined)("hostile names of a guest", () => {
  test("in argv stay in their place in JSON, and make no line in tables", () => {
    const nasty = 'a"b\\c\n\u001b[31m\ud83d\ude00';
    const bundle = bundleOf((config) => {
      (config.process as Config).args = ["/bin/spin", nasty, "y".repeat(100_000)];
      config.annotations = { nasty };
    });
    expect(runtime.code("run", "-d", "-b", bundle, "named")).toBe(0);
    try {
      expect(JSON.parse(runtime.run("state", "named").stdout).annotations).toEqual({ nasty });
      expect(JSON.parse(runtime.run("list", "-f", "json").stdout)).toHaveLength(1);
      expect(runtime.run("list").stdout.trimEnd().split("\n")).toHaveLength(2);
      expect(runtime.run("ps", "named").stdout.trimEnd().split("\n")).toHaveLength(2);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what must not be there.
      expect(runtime.run("ps", "named").stdout).not.toMatch(/\u001b/);
    } finally {
      expect(runtime.run("delete", "--force", "named").code).toBe(0);
    }
  });

  test("of programs are one line each in ps", () => {
    const name = "spin\nroot 1 1 init\u001b[2J";
    const bundle = bundleOf((config) => {
      (config.process as Config).args = [`/bin/${name}`];
    });
    writeFileSync(path.join(bundle, "rootfs/bin", name), readFileSync(guestFile("spin")));
    expect(runtime.code("run", "-d", "-b", bundle, "named")).toBe(0);
    try {
      const { stdout } = runtime.run("ps", "named");
      expect(stdout.trimEnd().split("\n")).toHaveLength(2);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what must not be there.
      expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
    } finally {
      expect(runtime.run("delete", "--force", "named").code).toBe(0);
    }
  });
});
