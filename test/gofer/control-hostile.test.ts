// Control clients that ask for what they should not, and those that do not behave.

import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { EAGAIN, EPIPE } from "../../assembly/abi/errno.ts";
import { AT_FDCWD, O_CLOEXEC, O_PATH, O_RDONLY } from "../../assembly/abi/fcntl.ts";
import * as p9 from "../../assembly/abi/p9.ts";
import { VERSION_WVISOR } from "../../src/common/p9-version.ts";
import { UrpcClient } from "../../src/urpc/client.ts";
import { requireNative, scratch } from "../support/gofer.ts";
import { Message, P9Client, socketPair } from "../support/p9-client.ts";
import { childrenOf } from "../support/processes.ts";
import { startControlled } from "../support/raw-control.ts";
import { Peer } from "../urpc/support.ts";

const native = requireNative();
const isRoot = process.getuid?.() === 0;
const CLIENT_SLOT = 13;
const PATH_SLOT = 14;
const SOCK_STREAM = 1;
const TIMEOUT_MS = 25_000;

let folder: string;
let pid: number;
let control: UrpcClient;

const at = (...parts: string[]): string => path.join(folder, ...parts);

beforeEach(() => {
  folder = scratch();
  mkdirSync(at("tree"));
  writeFileSync(at("tree", "file"), "text");
});

afterEach(() => {
  control.close();
  if (pid !== 0) expect(native.waitpid(pid, 1)).toBe(0);
  rmSync(folder, { recursive: true });
});

function start(confinement: "none" | "native" | "native+ns" = "native", beneath?: readonly string[]): void {
  const [ours, theirs] = socketPair(native);
  pid = startControlled(theirs, confinement, { beneath });
  control = new UrpcClient(native, ours, CLIENT_SLOT);
}

/** A descriptor of the kind that a caller opens roots with. */
function openPath(name: string): number {
  native.registerMemory(PATH_SLOT, new TextEncoder().encode(`${name}\0`));
  return native.openat(AT_FDCWD, PATH_SLOT, 0, O_PATH | O_CLOEXEC, 0);
}

const options = (changes: object = {}) => ({ name: "one", readonly: false, donate: false, ...changes });

/** Makes the call with these descriptors, which are closed here; why it fails, or "". */
function refusal(method: string, arg: unknown, fds: readonly number[] = []): string {
  try {
    control.call(method, arg, { files: fds, timeoutMs: TIMEOUT_MS });
    return "";
  } catch (error) {
    return (error as Error).message.replace(`${method}: `, "");
  } finally {
    for (const fd of fds) native.close(fd);
  }
}

/** Adds a tree. Returns its client, attached. */
function add(name: string, source = at("tree")): P9Client {
  const [ours, theirs] = socketPair(native);
  expect(refusal("goferManager.Add", options({ name }), [theirs, openPath(source)])).toBe("");
  const client = new P9Client(native, ours);
  client.version(VERSION_WVISOR);
  client.attach(0);
  return client;
}

function remove(name: string): string {
  return refusal("goferManager.Remove", { name });
}

function serving(): number {
  return childrenOf(pid)[0] ?? pid;
}

function descriptors(): number {
  // A call that is answered: whatever came before it is done.
  expect(refusal("goferManager.Ping", null)).toBe("");
  return readdirSync(`/proc/${serving()}/fd`).length;
}

/** Clients that have gone are noticed one after the other. */
function expectDescriptors(count: number): void {
  for (let tries = 0; tries < 100 && descriptors() !== count; tries++);
  expect(descriptors()).toBe(count);
}

function residentKiB(): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${serving()}/status`, "utf8"))![1]);
}

describe("what is asked for", () => {
  beforeEach(() => start());

  const wrong: readonly [string, unknown, string][] = [
    ["goferManager.Nothing", null, 'unknown method "goferManager.Nothing"'],
    ["goferManager.add", null, 'unknown method "goferManager.add"'],
    ["goferManager.Add", null, "arg: not an object"],
    ["goferManager.Add", [], "arg: not an object"],
    ["goferManager.Add", {}, "arg: name is missing"],
    ["goferManager.Add", options({ path: "/etc" }), 'arg: unknown key "path"'],
    ["goferManager.Add", options({ name: 5 }), "arg: name is not a string"],
    ["goferManager.Add", options({ readonly: "no" }), "arg: readonly is not a boolean"],
    ["goferManager.Add", options({ donate: null }), "arg: donate is not a boolean"],
    ["goferManager.Add", options({ name: "" }), "EINVAL: a name has 1 to 1024 bytes, not 0"],
    ["goferManager.Add", options({ name: "é".repeat(513) }), "EINVAL: a name has 1 to 1024 bytes, not 1026"],
    ["goferManager.Add", options({ name: "." }), 'EINVAL: "." is no name'],
    ["goferManager.Add", options({ name: ".." }), 'EINVAL: ".." is no name'],
    ["goferManager.Add", options({ name: "a/b" }), 'EINVAL: "a/b" is no name'],
    ["goferManager.Add", options({ name: "/x" }), 'EINVAL: "/x" is no name'],
    ["goferManager.Add", options({ name: "a\0" }), 'EINVAL: "a\\u0000" is no name'],
    ["goferManager.Remove", null, "arg: not an object"],
    ["goferManager.Remove", { name: "none" }, 'ENOENT: "none" is no attach point'],
    ["goferManager.Remove", { name: "toString" }, 'ENOENT: "toString" is no attach point'],
    ["goferManager.Remove", { name: ".." }, 'EINVAL: ".." is no name'],
    ["goferManager.List", {}, "arg: expected none"],
    ["goferManager.Ping", 1, "arg: expected none"],
  ];

  test("and cannot be is refused with a reason, and leaves nothing (D18-02, UR-04)", () => {
    const before = descriptors();
    for (const [method, arg, reason] of wrong) {
      const [ours, theirs] = socketPair(native);
      expect([method, arg, refusal(method, arg, [theirs, openPath(at("tree"))])]).toEqual([
        method,
        arg,
        reason,
      ]);
      native.close(ours);
    }
    expectDescriptors(before);
  });

  test("a name of 1,024 bytes, and any that is no path, will do", () => {
    const names = ["x".repeat(1024), "...", "a b\n", "é", "__proto__", "constructor"];
    const clients = names.map((name) => add(name));
    const { result } = control.call("goferManager.List", null, { timeoutMs: TIMEOUT_MS });
    expect((result as { name: string }[]).map(({ name }) => name)).toEqual(names);
    for (const client of clients) client.close();
  });

  test("a name that is taken is refused until its attach point has ended", () => {
    const client = add("one");
    const [ours, theirs] = socketPair(native);
    expect(refusal("goferManager.Add", options(), [theirs, openPath(at("tree"))])).toBe(
      'EEXIST: "one" is an attach point already',
    );
    native.close(ours);
    expect(client.getattr(0).mode).toBeGreaterThan(0);
    expect(remove("one")).toBe("");
    client.close();
    add("one").close();
  });
});

describe("descriptors", () => {
  beforeEach(() => start());

  test("that are too few, too many or of the wrong kind are refused and closed", () => {
    const before = descriptors();
    const socket = () => {
      const [ours, theirs] = socketPair(native);
      native.close(ours);
      return theirs;
    };
    const tree = () => openPath(at("tree"));
    spawnSync("mkfifo", [at("fifo")]);
    const cases: readonly [number[], string | RegExp][] = [
      [[], "EINVAL: expected two descriptors, a socket and a root, but 0 came"],
      [[socket()], "EINVAL: expected two descriptors, a socket and a root, but 1 came"],
      [[socket(), tree(), tree()], "EINVAL: expected two descriptors, a socket and a root, but 3 came"],
      [[tree(), socket()], /^E(BADF|NOTSOCK): the socket is no unix stream connection$/],
      [[openSync(at("tree", "file"), "r"), tree()], "ENOTSOCK: the socket is no unix stream connection"],
      [[native.eventfd(0), tree()], "ENOTSOCK: the socket is no unix stream connection"],
      [[socket(), socket()], "EINVAL: the root is neither a directory nor a regular file"],
      [[socket(), openPath("/dev/null")], "EINVAL: the root is neither a directory nor a regular file"],
      [[socket(), openPath(at("fifo"))], "EINVAL: the root is neither a directory nor a regular file"],
      [[socket(), native.eventfd(0)], "EINVAL: the root is neither a directory nor a regular file"],
    ];
    for (const [fds, reason] of cases) {
      expect(refusal("goferManager.Add", options(), fds)).toMatch(reason);
    }
    expectDescriptors(before);
  });

  test("a socket that listens, or is not connected, is no connection", () => {
    native.registerMemory(PATH_SLOT, new TextEncoder().encode(`${at("socket")}\0`));
    const listening = native.listenUnix(PATH_SLOT, 0);
    expect(refusal("goferManager.Add", options(), [listening, openPath(at("tree"))])).toBe(
      "ENOTCONN: the socket is no unix stream connection",
    );
    native.registerMemory(PATH_SLOT, new TextEncoder().encode("127.0.0.1\0"));
    const tcp = native.listenTcp(PATH_SLOT, 0, 0);
    expect(refusal("goferManager.Add", options(), [tcp, openPath(at("tree"))])).toBe(
      "EAFNOSUPPORT: the socket is no unix stream connection",
    );
  });

  test("that read are good roots too, and one that is gone serves nobody", () => {
    const [ours, theirs] = socketPair(native);
    const root = openSync(at("tree"), O_RDONLY);
    expect(refusal("goferManager.Add", options(), [theirs, root])).toBe("");
    const client = new P9Client(native, ours);
    client.version(VERSION_WVISOR);
    client.attach(0);
    expect(client.walk(0, client.fid(), "file")).toHaveLength(1);
    client.close();
    const [other, closed] = socketPair(native);
    native.close(other);
    expect(refusal("goferManager.Add", options({ name: "gone" }), [closed, openPath(at("tree"))])).toBe("");
    while (
      (control.call("goferManager.List", null, { timeoutMs: TIMEOUT_MS }).result as unknown[]).length > 0
    );
  });
});

describe("roots outside what the gofer may have", () => {
  test("in namespaces: a descriptor from which one could go up", () => {
    start("native+ns");
    const before = descriptors();
    const [ours, theirs] = socketPair(native);
    expect(refusal("goferManager.Add", options(), [theirs, openPath(at("tree"))])).toBe(
      "EXDEV: the root has a directory above it: it is no mount of its own",
    );
    native.close(ours);
    expectDescriptors(before);
  });

  test("confined by Landlock: what is not beneath the directories that it was told", () => {
    mkdirSync(at("pods"));
    mkdirSync(at("pods", "one"));
    start("native", [at("pods")]);
    const [ours, theirs] = socketPair(native);
    expect(refusal("goferManager.Add", options(), [theirs, openPath(at("tree"))])).toMatch(
      /^EACCES: the root cannot be opened/,
    );
    native.close(ours);
    const client = add("one", at("pods", "one"));
    client.create(client.reach(0), "made", O_RDONLY, 0o600);
    expect(readdirSync(at("pods", "one"))).toEqual(["made"]);
    client.close();
  });
});

describe("many", () => {
  test("attach points: up to a bound, then ENFILE; all serve, and all that they held comes back", () => {
    start();
    const before = descriptors();
    const clients: P9Client[] = [];
    let reason = "";
    while (reason === "") {
      const [ours, theirs] = socketPair(native);
      const root = openPath(at("tree"));
      reason = refusal("goferManager.Add", options({ name: `${clients.length}` }), [theirs, root]);
      if (reason === "") clients.push(new P9Client(native, ours));
      else native.close(ours);
    }
    expect(reason).toBe(`ENFILE: there are ${clients.length} attach points already`);
    expect(clients.length).toBeGreaterThan(10);
    for (const client of clients) {
      client.version(VERSION_WVISOR);
      client.attach(0);
      expect(client.walk(0, client.fid(), "file")).toHaveLength(1);
    }
    expect(descriptors()).toBeGreaterThanOrEqual(before + 3 * clients.length);
    for (const [index, client] of clients.entries()) {
      if (index % 2 === 0) expect(remove(`${index}`)).toBe("");
      client.close();
    }
    while (
      (control.call("goferManager.List", null, { timeoutMs: TIMEOUT_MS }).result as unknown[]).length > 0
    );
    expectDescriptors(before);
  });

  test("one after the other leave descriptors and memory where they were", () => {
    start();
    const round = (count: number) => {
      for (let i = 0; i < count; i++) {
        const client = add("again");
        client.open(client.reach(0, "file"), O_RDONLY);
        expect(remove("again")).toBe("");
        client.close();
      }
    };
    // What the engine keeps is there after a while.
    round(300);
    const [fds, memory] = [descriptors(), residentKiB()];
    round(300);
    expectDescriptors(fds);
    expect(residentKiB() - memory).toBeLessThan(8192);
  });
});

describe("other connections", () => {
  const getattr = (tag: number) => new Message().u32(0).u64(p9.P9_GETATTR_ALL).frame(p9.P9_TGETATTR, tag);

  test("are served while trees come and go, and get all their replies", () => {
    start();
    const busy = add("busy");
    for (let round = 0; round < 20; round++) {
      const tags = Array.from({ length: 200 }, (_, tag) => tag);
      busy.sendRaw(Buffer.concat(tags.map(getattr)));
      add("passing").close();
      while (remove("passing") !== 'ENOENT: "passing" is no attach point');
      for (const tag of tags) expect(busy.receive()).toMatchObject({ type: p9.P9_TGETATTR + 1, tag });
    }
    busy.close();
  });

  test("find descriptors left, however many others have opened all that they may", () => {
    start();
    const opened: number[] = [];
    const greedy = Array.from({ length: 4 }, (_, index) => add(`${index}`));
    for (const client of greedy) {
      let count = 0;
      while (client.refusal(p9.P9_TWALK, P9Client.walkFields(0, client.fid(), ["file"])) === "") count++;
      opened.push(count);
    }
    // Each may have half of what is left, besides what all are sure of.
    for (const [index, count] of opened.entries()) {
      if (index > 0) expect(count).toBeLessThan(opened[index - 1]!);
      expect(count).toBeGreaterThan(100);
    }
    const late = add("late");
    late.open(late.reach(0, "file"), O_RDONLY);
    for (let i = 0; i < 25; i++) late.reach(0, "file");
    for (const client of [...greedy, late]) client.close();
  });

  test("end when they are removed, whatever they are at", () => {
    start();
    const before = descriptors();
    const [half, many, deaf] = [add("half"), add("many"), add("deaf")];
    half.sendRaw(getattr(1).subarray(0, 9));
    many.sendRaw(Buffer.concat(Array.from({ length: 1000 }, (_, tag) => getattr(tag))));
    // It takes no reply until nobody can send it any more.
    const requests = Buffer.concat(Array.from({ length: 4000 }, (_, tag) => getattr(tag)));
    native.fcntlSetFlags(deaf.socket, 0o4000);
    while (deaf.sendRaw(requests) > 0);
    for (const name of ["half", "many", "deaf"]) expect(remove(name)).toBe("");
    expect(half.receive()).toBe(-104);
    expectDescriptors(before);
    for (const client of [half, many, deaf]) client.close();
  });
});

describe("a control client that", () => {
  const manage = (method: string, arg: unknown = null) =>
    JSON.stringify({ method: `goferManager.${method}`, arg });
  let peer: Peer;
  let client: P9Client;

  /** Several control connections; `control` is one that behaves. */
  beforeEach(() => {
    native.registerMemory(PATH_SLOT, new TextEncoder().encode(`${at("control")}\0`));
    pid = startControlled(native.listenUnix(PATH_SLOT, 0), "native", { listen: true });
    control = new UrpcClient(native, connect(), CLIENT_SLOT);
    peer = new Peer(connect());
    client = add("one");
  });

  afterEach(() => {
    // Where anybody may still connect it never ends by itself.
    peer.close();
    client.close();
    process.kill(pid, "SIGTERM");
    control.close();
    expect(native.waitpid(pid, 1)).toBe(128 + 15);
    pid = 0;
  });

  function connect(): number {
    const file = openPath(at("control"));
    const fd = native.connectUnix(file, SOCK_STREAM);
    native.close(file);
    return fd;
  }

  test("stops in the middle of a message, takes nobody's time", () => {
    peer.send(manage("Add", options()).slice(0, 20), [peer.fd]);
    expect(remove("one")).toBe("");
    expect(client.receive()).toBe(-104);
    add("two").close();
  });

  test("sends a message of a gibibyte, is told when it is enough", () => {
    const before = descriptors();
    const piece = Buffer.alloc(65536, "x");
    let sent = peer.send('{"method":"');
    let status = sent;
    while (status > 0 || status === -EAGAIN) {
      status = peer.send(piece);
      sent += Math.max(0, status);
      expect(client.getattr(0).mode).toBeGreaterThan(0);
    }
    expect(status).toBe(-EPIPE);
    expect(sent).toBeLessThan(1 << 20);
    expect(peer.reply()).toEqual({ success: false, err: "message: longer than 65536 bytes", result: null });
    expectDescriptors(before - 1);
  });

  test("sends more descriptors than any method takes, is told, and they are closed", () => {
    const before = descriptors();
    peer.send(manage("Ping"), Array(5).fill(peer.fd));
    expectDescriptors(before - 1);
    expect(peer.reply()).toEqual({ success: false, err: "message: more than 4 descriptors", result: null });
  });

  test("asks without end and takes no reply, waits for itself", () => {
    const flood = manage("List").repeat(100);
    while (peer.send(flood) > 0) expect(client.getattr(0).mode).toBeGreaterThan(0);
    for (let i = 0; i < 100; i++) expect(client.getattr(0).mode).toBeGreaterThan(0);
    expect(remove("one")).toBe("");
    expect(peer.reply()).toMatchObject({ success: true });
  });

  test("is the ninth is turned away, until one of the others has gone", () => {
    const before = descriptors();
    const others = Array.from({ length: 7 }, () => new Peer(connect()));
    const served = () => others.map((other) => exchange(other)).filter((reply) => reply !== "closed").length;
    expect(served()).toBe(6);
    for (const other of others) other.close();
    expectDescriptors(before);
    const again = new Peer(connect());
    expect(exchange(again)).toMatchObject({ success: true });
    again.close();
  });

  /** A Ping of a client, and what it hears. */
  function exchange(other: Peer): unknown {
    other.send(manage("Ping"));
    for (;;) {
      const reply = other.reply();
      if (reply !== "nothing") return reply;
      expect(refusal("goferManager.Ping", null)).toBe("");
    }
  }

  test.runIf(isRoot)("is another user's is turned away", () => {
    chmodSync(folder, 0o755);
    chmodSync(at("control"), 0o777);
    const ping = `
      const socket = require("node:net").connect(${JSON.stringify(at("control"))});
      socket.on("error", () => {});
      socket.on("data", () => console.log("answered")).on("close", () => console.log("closed"));
      socket.write(${JSON.stringify(manage("Ping"))}, () => setTimeout(() => socket.end(), 1000));`;
    const run = (user: number) =>
      spawnSync("setpriv", [
        `--reuid=${user}`,
        "--clear-groups",
        process.execPath,
        "-e",
        ping,
      ]).stdout.toString();
    expect(run(65534)).toBe("closed\n");
    expect(run(0)).toBe("answered\nclosed\n");
  });

  test("comes and goes a hundred times, leaves nothing", () => {
    const before = descriptors();
    for (let i = 0; i < 100; i++) {
      const other = new Peer(connect());
      other.send(manage("Add", options()).slice(0, i), i > 0 ? [peer.fd, peer.fd] : []);
      other.close();
    }
    expectDescriptors(before);
  });
});
