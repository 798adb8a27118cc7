import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as fcntl from "../../assembly/abi/fcntl.ts";
import { parseConfig } from "../../src/gofer/config.ts";
import { buildGofer } from "../support/bundle.ts";
import { Gofer, readable, requireNative, scratch } from "../support/gofer.ts";
import { socketPair } from "../support/p9-client.ts";

const native = requireNative();
const folder = scratch();
let bundle: string;

beforeAll(async () => {
  bundle = await buildGofer();
  writeFileSync(path.join(folder, "file"), "content");
});

afterAll(() => rmSync(folder, { recursive: true }));

/** Runs the gofer with a socket as descriptor 3 and `text` as its configuration, and waits for its end. */
function start(text: string, args = ["--config-fd=4"]) {
  const [ours, theirs] = socketPair(native);
  const config = readable(text);
  const stdio = ["ignore", "pipe", "pipe", theirs, config] as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, [bundle, ...args], {
    stdio: [...stdio],
    env: {},
  });
  for (const fd of [ours, theirs, config]) native.close(fd);
  return { status, stdout: `${stdout}`, stderr: `${stderr}` };
}

const mount = (changes: object) =>
  JSON.stringify({ mounts: [{ fd: 3, source: folder, readonly: false, donate: false, ...changes }] });
const confine = (how: object) =>
  JSON.stringify({ mounts: [{ fd: 3, source: folder, readonly: false, donate: false }], confine: how });
const windows = (which: object) =>
  JSON.stringify({
    mounts: [{ fd: 3, source: folder, readonly: false, donate: false, window: 0 }],
    windows: which,
  });
const also = (keys: object) =>
  JSON.stringify({ mounts: [{ fd: 3, source: folder, readonly: false, donate: false }], ...keys });
const list = (changes: object) => also({ list: { fd: 4, mounts: [], ...changes } });
const listed = (changes: object) =>
  list({ mounts: [{ destination: "/d", type: "bind", source: "/s", options: [], served: 0, ...changes }] });
const failed = (message: string) => ({ status: 128, stdout: "", stderr: `wvisor gofer: ${message}\n` });

describe("a gofer that cannot start says why in one line and exits 128", () => {
  test("arguments", () => {
    for (const args of [[], ["--config-fd=x"], ["--config-fd=4", "--more"], ["--config-fd=-1"]]) {
      expect(start("", args)).toEqual(failed("usage: gofer.js --config-fd=N [--roots-fd=N --proc-fd=N]"));
    }
  });

  test("a configuration that cannot be read", () => {
    expect(start("", ["--config-fd=99"]).stderr).toMatch(/^wvisor gofer: config: descriptor 99: EBADF.*\n$/);
    expect(start("not json").stderr).toMatch(/^wvisor gofer: config: .*JSON.*\n$/);
    expect(start(" ".repeat(2 ** 20 + 1))).toEqual(failed("config: longer than 1048576 bytes"));
  });

  test("but not when there is nothing to serve", () => {
    expect(start("")).toEqual({ status: 0, stdout: "", stderr: "" });
  });

  test("sources", () => {
    const source = path.join(folder, "nope");
    expect(start(mount({ source }))).toEqual(failed(`mount source ${source}: ENOENT: cannot be opened`));
    expect(start(mount({ source: "/dev/null" }))).toEqual(
      failed("mount source /dev/null: EINVAL: neither a directory nor a regular file"),
    );
  });

  test("a level that was not reached", () => {
    expect(start(confine({ level: "native+ns", report: false }))).toEqual(
      failed("the launcher made no namespaces"),
    );
  });

  test("descriptors that are no sockets", () => {
    for (const fd of [4, 77]) {
      expect(start(mount({ fd }))).toEqual(failed(`config: descriptor ${fd} is not a socket`));
    }
  });
});

describe("the configuration", () => {
  const refused: readonly [string, string][] = [
    ["[]", "config: not an object"],
    ["{}", "config: mounts is missing"],
    ['{"mounts":[]}', "config: there is nothing to serve"],
    ['{"mounts":{}}', "config: mounts is not a list"],
    ['{"mounts":[1]}', "config: mounts[0]: not an object"],
    ['{"mounts":[],"x":1}', 'config: unknown key "x"'],
    [mount({ extra: 1 }), 'config: mounts[0]: unknown key "extra"'],
    [mount({ donate: undefined }), "config: mounts[0]: donate is missing"],
    [mount({ fd: 2 }), "config: mounts[0]: fd is not a descriptor"],
    [mount({ fd: 3.5 }), "config: mounts[0]: fd is not a descriptor"],
    [mount({ fd: "3" }), "config: mounts[0]: fd is not a descriptor"],
    [mount({ source: "relative" }), "config: mounts[0]: source is not an absolute path"],
    [mount({ source: "/a\0b" }), "config: mounts[0]: source is not an absolute path"],
    [mount({ source: `/${"a".repeat(4096)}` }), "config: mounts[0]: source is too long"],
    [mount({ readonly: "yes" }), "config: mounts[0]: readonly is not a boolean"],
    [mount({ donate: 1 }), "config: mounts[0]: donate is not a boolean"],
    [mount({ window: -1 }), "config: mounts[0]: window is not a number from 0 to 63"],
    [mount({ window: 0 }), "config: windows is missing"],
    [mount({ window: 0, listen: true }), "config: mounts[0]: listen and window do not go together"],
    [windows({ memory: 1, bell: 5 }), "config: windows: memory is not a descriptor"],
    [windows({ memory: 4 }), "config: windows: bell is missing"],
    [windows({ memory: 4, bell: 5, more: 1 }), 'config: windows: unknown key "more"'],
    [confine([]), "config: confine: not an object"],
    [confine({ level: null }), "config: confine: report is missing"],
    [confine({ level: "more", report: false }), "config: confine: level is none of native+ns, native, none"],
    [confine({ level: null, report: 1 }), "config: confine: report is not a boolean"],
    [
      confine({ level: null, report: true, capabilities: 1 }),
      "config: confine: capabilities is not a boolean",
    ],
    [also({ host: {} }), "config: host: uds is missing"],
    [also({ host: { uds: "open", fifo: "yes" } }), "config: host: fifo is none of none, open"],
    [also({ host: { uds: 1, fifo: "none" } }), "config: host: uds is none of none, open"],
    [also({ descriptors: -1 }), "config: descriptors is not a number from 0 to 1048576"],
    [also({ descriptors: 2 ** 21 }), "config: descriptors is not a number from 0 to 1048576"],
    [also({ procSyncFd: 0 }), "config: procSyncFd is not a descriptor"],
    [also({ procSyncFd: 3 }), "config: one descriptor for two purposes"],
    [also({ list: [] }), "config: list: not an object"],
    [list({ fd: 1 }), "config: list: fd is not a descriptor"],
    [list({ fd: 3 }), "config: one descriptor for two purposes"],
    [list({ mounts: {} }), "config: list: mounts is not a list"],
    [listed({ extra: 1 }), 'config: list: mounts[0]: unknown key "extra"'],
    [listed({ served: 1 }), "config: list: mounts[0]: served is not a number from 0 to 0"],
    [listed({ served: -1 }), "config: list: mounts[0]: served is not a number from 0 to 0"],
    [listed({ destination: "d" }), "config: list: mounts[0]: destination is not an absolute path"],
    [listed({ destination: "/a\0b" }), "config: list: mounts[0]: destination is not a path"],
    [listed({ destination: `/${"a".repeat(4096)}` }), "config: list: mounts[0]: destination is too long"],
    [listed({ options: [1] }), "config: list: mounts[0]: options is not a string"],
    [listed({ type: null }), "config: list: mounts[0]: type is not a string"],
  ];

  test.each(refused)("%s is refused", (text, message) => {
    expect(() => parseConfig(text)).toThrow(message);
  });

  test("two mounts need two descriptors", () => {
    const one = { fd: 3, source: "/", readonly: true, donate: true };
    expect(() => parseConfig(JSON.stringify({ mounts: [one, one] }))).toThrow("two mounts have one fd");
    expect(parseConfig(JSON.stringify({ mounts: [one, { ...one, fd: 4 }] })).mounts).toHaveLength(2);
  });

  test("and two windows", () => {
    const one = { fd: 3, source: "/", readonly: true, donate: true, window: 1 };
    const config = (other: object) =>
      JSON.stringify({ mounts: [one, other], windows: { memory: 5, bell: 6 } });
    expect(() => parseConfig(config({ ...one, fd: 4 }))).toThrow("two mounts have one window");
    expect(parseConfig(config({ ...one, fd: 4, window: 0 })).windows).toEqual({ memory: 5, bell: 6 });
  });
});

describe("a running gofer", () => {
  test("ends with 0 when its last client has gone, and serves the others until then", async () => {
    const gofer = new Gofer(bundle, [{ source: folder }, { source: folder }, { source: folder }]);
    const clients = [0, 1, 2].map((index) => gofer.connect(index));
    clients[0]!.close();
    expect(clients[1]!.getattr(0)).toEqual(clients[2]!.getattr(0));
    clients[2]!.close();
    expect(clients[1]!.getattr(0).mode).toBeGreaterThan(0);
    clients[1]!.close();
    expect(await gofer.exit).toEqual({ code: 0, signal: null, stderr: "" });
  });

  test("may gain no privileges, has umask 0 and all the descriptors it can have", async () => {
    const gofer = new Gofer(bundle, [{ source: folder }]);
    const client = gofer.connect();
    const status = readFileSync(`/proc/${gofer.process.pid}/status`, "utf8");
    expect(status).toMatch(/^NoNewPrivs:\t1$/m);
    expect(status).toMatch(/^Umask:\t0000$/m);
    const limits = readFileSync(`/proc/${gofer.process.pid}/limits`, "utf8");
    const [, soft, hard] = /^Max open files +(\d+) +(\d+)/m.exec(limits)!;
    expect(soft).toBe(hard);
    expect(client.getattr(0).mode).toBeGreaterThan(0);
    await gofer.stop();
  });

  test("holds no descriptor after its clients' fids are clunked", async () => {
    const gofer = new Gofer(bundle, [{ source: folder }]);
    const client = gofer.connect();
    const count = () => {
      const listing = spawnSync("ls", [`/proc/${gofer.process.pid}/fd`]);
      return `${listing.stdout}`.split("\n").length;
    };
    mkdirSync(path.join(folder, "a", "b", "c"), { recursive: true });
    const before = count();
    for (let i = 0; i < 50; i++) {
      const deep = client.reach(0, "a", "b", "c");
      const file = client.reach(deep, "..", "..", "..", "file");
      client.open(file, fcntl.O_RDONLY);
      client.walkAttributes(0, client.fid(), "a", "b", "nope");
      client.clunk(file);
      client.clunk(deep);
    }
    expect(count()).toBe(before);
    await gofer.stop();
  });

  test("dies by SIGTERM while it waits", async () => {
    const gofer = new Gofer(bundle, [{ source: folder }]);
    gofer.connect();
    expect(readlinkSync(`/proc/${gofer.process.pid}/exe`)).toBe(process.execPath);
    gofer.process.kill("SIGTERM");
    expect(await gofer.exit).toMatchObject({ code: null, signal: "SIGTERM" });
    gofer.clients[0]!.close();
  });
});
