// Attach points that come and go while the gofer runs, at each level of confinement.

import { spawnSync } from "node:child_process";
import { chownSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import * as fcntl from "../../assembly/abi/fcntl.ts";
import * as p9 from "../../assembly/abi/p9.ts";
import { VERSION_WVISOR } from "../../src/common/p9-version.ts";
import {
  type DynamicGofer,
  type DynamicGoferOptions,
  startDynamicGofer,
} from "../../src/host/sandbox/dynamic-gofer.ts";
import { bundleProgram } from "../support/bundle.ts";
import { requireNative, scratch } from "../support/gofer.ts";
import { Message, P9Client } from "../support/p9-client.ts";
import { childrenOf } from "../support/processes.ts";

const native = requireNative();
const isRoot = process.getuid?.() === 0;
let folder: string;
let gofer: DynamicGofer;
let clients: P9Client[] = [];

const at = (...parts: string[]): string => path.join(folder, ...parts);

function start(options: DynamicGoferOptions = { confinement: "native" }): void {
  gofer = startDynamicGofer(native, [], options);
}

function add(name: string, source: string, options: { readonly?: boolean; donate?: boolean } = {}): P9Client {
  const { readonly = false, donate = false } = options;
  const socket = gofer.control.addAttachPoint(source, { name, readonly, donate });
  const client = new P9Client(native, socket);
  clients.push(client);
  return client;
}

function attached(client: P9Client): P9Client {
  client.version(VERSION_WVISOR);
  client.attach(0);
  return client;
}

function read(client: P9Client, ...names: string[]): string {
  const fid = client.reach(0, ...names);
  client.open(fid, fcntl.O_RDONLY);
  const text = client.read(fid, 0, 1000).toString();
  client.clunk(fid);
  return text;
}

/** Closes everything; the gofer's exit code. */
function finish(): number {
  for (const client of clients) client.close();
  clients = [];
  gofer.control.close();
  return native.waitpid(gofer.pid, 1);
}

/** The process that serves: in namespaces the launcher's child. */
function serving(): number {
  return childrenOf(gofer.pid)[0] ?? gofer.pid;
}

function descriptors(): number {
  return readdirSync(`/proc/${serving()}/fd`).length;
}

beforeEach(() => {
  folder = scratch();
  mkdirSync(at("tree", "a", "b"), { recursive: true });
  writeFileSync(at("tree", "a", "b", "file"), "text");
  writeFileSync(at("single"), "alone");
  writeFileSync(at("secret"), "not served");
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

describe.each(["none", "native", "native+ns"] as const)("at level %s", (confinement) => {
  beforeEach(() => start({ confinement }));

  test("trees are served on sockets that came while it ran, and changed (D18-30, D18-32)", () => {
    const client = attached(add("one", at("tree")));
    expect(read(client, "a", "b", "file")).toBe("text");
    const dir = client.reach(0, "a");
    client.create(client.reach(0, "a"), "new", fcntl.O_RDWR | fcntl.O_EXCL, 0o644);
    // Landlock denies renames from one directory to another unless it is told otherwise.
    const rename = new Message()
      .u32(dir)
      .string("new")
      .u32(client.reach(0, "a", "b"))
      .string("moved");
    expect(client.refusal(p9.P9_TRENAMEAT, rename)).toBe("");
    const link = new Message()
      .u32(0)
      .u32(client.reach(0, "a", "b", "moved"))
      .string("linked");
    expect(client.refusal(p9.P9_TLINK, link)).toBe("");
    expect(readdirSync(at("tree")).sort()).toEqual(["a", "linked"]);
    expect(readdirSync(at("tree", "a", "b")).sort()).toEqual(["file", "moved"]);
    expect(client.refusal(p9.P9_TUNLINKAT, new Message().u32(0).string("linked").u32(0))).toBe("");
    expect(finish()).toBe(0);
  });

  test("a regular file is a tree too, and links that lead to it are followed once", () => {
    symlinkSync("single", at("link"));
    const client = attached(add("file", at("link"), { readonly: true }));
    const fid = client.reach(0);
    client.open(fid, fcntl.O_RDONLY);
    expect(`${client.read(fid, 0, 100)}`).toBe("alone");
    expect(finish()).toBe(0);
  });

  test("a read-only tree stays as it is", () => {
    const client = attached(add("one", at("tree"), { readonly: true }));
    const refused = client.refusal(
      p9.P9_TUNLINKAT,
      new Message()
        .u32(client.reach(0, "a", "b"))
        .string("file")
        .u32(0),
    );
    expect(refused).toBe("EROFS");
    expect(read(client, "a", "b", "file")).toBe("text");
    expect(finish()).toBe(0);
  });

  test("several at a time, by names that clients may attach to; each ends alone", () => {
    const [one, two] = [add("one", at("tree")), add("two", at("tree", "a"))];
    attached(one);
    two.version(VERSION_WVISOR);
    const attach = (fid: number, name: string) =>
      new Message().u32(fid).u32(p9.P9_NOFID).string("user").string(name).u32(p9.P9_NONUNAME);
    expect(two.refusal(p9.P9_TATTACH, attach(0, "one"))).not.toBe("");
    expect(two.refusal(p9.P9_TATTACH, attach(0, "two"))).toBe("");
    expect(gofer.control.listAttachPoints()).toEqual([
      { name: "one", readonly: false, donate: false },
      { name: "two", readonly: false, donate: false },
    ]);
    gofer.control.removeAttachPoint("one");
    expect(() => one.getattr(0)).toThrow("ECONNRESET");
    expect(read(two, "b", "file")).toBe("text");
    gofer.control.removeAttachPoint("two");
    expect(gofer.control.listAttachPoints()).toEqual([]);
    expect(finish()).toBe(0);
  });

  test("what was given away stays good when the control connection has ended (D18-34)", () => {
    const [one, two] = [attached(add("one", at("tree"))), attached(add("two", at("tree"), { donate: true }))];
    gofer.control.close();
    expect(read(one, "a", "b", "file")).toBe("text");
    one.close();
    const fid = two.reach(0, "a", "b", "file");
    const { fd } = two.open(fid, fcntl.O_RDONLY);
    expect(fd).toBeGreaterThan(0);
    native.close(fd);
    two.close();
    clients = [];
    expect(native.waitpid(gofer.pid, 1)).toBe(0);
  });

  test("adding and removing leaves no descriptor", () => {
    attached(add("warm", at("tree")));
    gofer.control.removeAttachPoint("warm");
    const before = descriptors();
    for (let i = 0; i < 20; i++) {
      const client = attached(add("again", at("tree")));
      client.open(client.reach(0, "a", "b", "file"), fcntl.O_RDONLY);
      if (i % 2 === 0) gofer.control.removeAttachPoint("again");
      else client.close();
      // The gofer sees a client's end when it gets to it, and then the name is free.
      while (gofer.control.listAttachPoints().length > 0);
    }
    expect(descriptors()).toBe(before);
    clients = [];
    expect(finish()).toBe(0);
  });
});

describe.runIf(isRoot)("for an ordinary user", () => {
  const USER = 65534;

  test.each(["native", "native+ns"])("at level %s", async (level) => {
    const program = await bundleProgram("test/support/control-user.ts", "control-user");
    chownSync(folder, USER, USER);
    writeFileSync(at("file"), "the user's");
    const args = [
      `--reuid=${USER}`,
      `--regid=${USER}`,
      "--clear-groups",
      process.execPath,
      program,
      level,
      folder,
    ];
    const { stdout, stderr } = spawnSync("setpriv", args, { encoding: "utf8", env: {}, timeout: 25_000 });
    expect({ stdout, stderr }).toEqual({ stdout: "the user's EROFS 0\n", stderr: "" });
  });
});
