// The list of mounts that the gofer of a container writes back (G23-08, G23-09, G23-31).

import { execFileSync, spawn, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { O_RDONLY, O_RDWR } from "../../assembly/abi/fcntl.ts";
import { MESSAGES } from "../../src/p9/messages.ts";
import { ContainerGofer, makeBundle, type TestMount } from "../support/container-gofer.ts";
import { requireNative, scratch } from "../support/gofer.ts";
import { Message } from "../support/p9-client.ts";

const ADDON = fileURLToPath(new URL("../../build/native/wv.node", import.meta.url));
const SWAPPER = fileURLToPath(new URL("../support/swapper.mjs", import.meta.url));

const native = requireNative();
let folder: string;
let data: string;

beforeEach(() => {
  folder = scratch();
  data = path.join(folder, "data");
  mkdirSync(data);
});

afterEach(() => rmSync(folder, { recursive: true }));

const bind = (destination: string, ...options: string[]): TestMount => ({
  destination,
  type: "bind",
  source: data,
  options,
});

/** What the gofer of such a bundle says, as text, and how it ended when it was left alone then. */
async function list(mounts: readonly TestMount[], prepare: (root: string) => void = () => {}) {
  const bundle = makeBundle(folder, mounts);
  prepare(path.join(bundle, "rootfs"));
  const served = mounts.filter(({ type }) => type === "bind").length;
  const gofer = new ContainerGofer(bundle, { connections: 1 + served });
  const text = await gofer.list;
  return { text, end: await gofer.stop() };
}

describe("the list", () => {
  test("has every mount of the bundle in its order, with the places of the served ones resolved (G23-08)", async () => {
    const mounts = [
      { destination: "/proc", type: "proc", source: "proc" },
      bind("/link/data", "rbind", "ro"),
      { destination: "/link/tmp", type: "tmpfs", source: "tmpfs", options: ["size=1m"] },
      bind("/link/data/../up//", "rbind"),
    ];
    const { text, end } = await list(mounts, (root) => {
      mkdirSync(path.join(root, "real"));
      symlinkSync("/real", path.join(root, "link"));
    });
    expect(end).toEqual({ code: 0, signal: null, stderr: "" });
    expect(JSON.parse(text)).toEqual([
      { destination: "/proc", type: "proc", source: "proc", options: [] },
      { destination: "/real/data", type: "bind", source: data, options: ["rbind", "ro"] },
      { destination: "/link/tmp", type: "tmpfs", source: "tmpfs", options: ["size=1m"] },
      { destination: "/real/up", type: "bind", source: data, options: ["rbind"] },
    ]);
    // Nothing is made on the host, whatever is missing (G23-24, G23-28).
    expect(readdirSync(path.join(folder, "bundle/rootfs")).sort()).toEqual(["link", "real"]);
    expect(readdirSync(path.join(folder, "bundle/rootfs/real"))).toEqual([]);
  });

  test("knows what earlier mounts hide and show", async () => {
    symlinkSync("/b", path.join(data, "to-b"));
    const mounts = [
      bind("/a"),
      bind("/a/to-b/x"),
      { destination: "/t", type: "tmpfs", source: "tmpfs" },
      bind("/t/l/x"),
    ];
    const { text } = await list(mounts, (root) => {
      mkdirSync(path.join(root, "t"));
      symlinkSync("/elsewhere", path.join(root, "t/l"));
    });
    const places = JSON.parse(text).map(({ destination }: TestMount) => destination);
    expect(places).toEqual(["/a", "/b/x", "/t", "/t/l/x"]);
  });

  test("is written to its end, however long it is and however slowly it is read (G23-09)", async () => {
    const options = Array.from({ length: 50 }, (_, index) => `private${index}${"x".repeat(100)}`);
    const mounts = Array.from({ length: 100 }, (_, index) => {
      return { destination: `/proc/${index}`, type: "proc", source: "proc", options };
    });
    const bundle = makeBundle(folder, mounts);
    const gofer = new ContainerGofer(bundle, { connections: 1 });
    gofer.stream(5).pause();
    await new Promise((later) => setTimeout(later, 700));
    gofer.stream(5).resume();
    expect(JSON.parse(await gofer.list)).toEqual(mounts);
    expect(await gofer.stop()).toEqual({ code: 0, signal: null, stderr: "" });
  });

  test("is not there when a place cannot be, and the gofer says why (G23-30)", async () => {
    const cases: readonly [TestMount, (root: string) => void, string][] = [
      [
        bind("/l30/x"),
        (root) => {
          symlinkSync(".", path.join(root, "l0"));
          for (let i = 1; i <= 30; i++) symlinkSync(`l${i - 1}/l${i - 1}`, path.join(root, `l${i}`));
        },
        'too many symlinks to follow, path: "/l30/x"',
      ],
      [
        bind("/self"),
        (root) => symlinkSync("/", path.join(root, "self")),
        'resolving symlinks in mount destination "/self": EBUSY: it is the root',
      ],
      [
        bind("/file/x"),
        (root) => writeFileSync(path.join(root, "file"), ""),
        'resolving symlinks in mount destination "/file/x": ENOTDIR',
      ],
      [
        bind("/bytes"),
        (root) => symlinkSync(Buffer.from([0xff]), path.join(root, "bytes")),
        'resolving symlinks in mount destination "/bytes": EILSEQ: it leads to a name that is not UTF-8',
      ],
    ];
    for (const [mount, prepare, problem] of cases) {
      const { text, end } = await list([mount], prepare);
      expect([text, end]).toEqual(["", { code: 128, signal: null, stderr: `wvisor gofer: ${problem}\n` }]);
    }
  });

  test("stays inside the root while somebody swaps its directories for links (G23-28)", async () => {
    const outside = path.join(folder, "outside");
    mkdirSync(path.join(outside, "inner"), { recursive: true });
    const bundle = makeBundle(folder, [bind("/dir/inner/new")]);
    const root = path.join(bundle, "rootfs");
    mkdirSync(path.join(root, "dir/inner"), { recursive: true });
    symlinkSync(outside, path.join(root, "link"));
    const stop = path.join(folder, "stop");
    const pairs = [[path.join(root, "dir"), path.join(root, "link")]];
    const swapper = spawn(process.execPath, [SWAPPER, ADDON, stop, JSON.stringify(pairs)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await new Promise((ready) => swapper.stdout.once("data", ready));
    for (let i = 0; i < 8; i++) {
      const gofer = new ContainerGofer(bundle, { connections: 2, flags: ["--setup-root=false"] });
      const text = await gofer.list;
      const end = await gofer.stop();
      if (text === "") expect(end).toMatchObject({ code: 128, stderr: expect.stringContaining("ENOENT") });
      else expect(["/dir/inner/new", `${outside}/inner/new`]).toContain(JSON.parse(text)[0].destination);
    }
    writeFileSync(stop, "");
    await new Promise((ended) => swapper.once("close", ended));
    expect(readdirSync(path.join(outside, "inner"))).toEqual([]);
    expect(existsSync(path.join(root, outside))).toBe(false);
  });
});

describe("a root on an overlayfs", () => {
  const lower = () => path.join(folder, "lower");
  const upper = () => path.join(folder, "upper");
  const merged = () => path.join(folder, "bundle/rootfs");

  /** Mounts it, or says why not. */
  function mountOverlay(): boolean {
    for (const name of ["lower", "upper", "work"]) mkdirSync(path.join(folder, name));
    mkdirSync(path.join(lower(), "directory"));
    writeFileSync(path.join(lower(), "file"), "lower");
    const options = `lowerdir=${lower()},upperdir=${upper()},workdir=${path.join(folder, "work")}`;
    const { status, stderr } = spawnSync("mount", ["-t", "overlay", "overlay", "-o", options, merged()]);
    if (status !== 0) console.log(`skipped: ${stderr}`.trim());
    return status === 0;
  }

  test("keeps its lower files until somebody opens one for writing (G18-11); binds of it say what they are (G23-31)", async () => {
    const bundle = makeBundle(folder, [
      { destination: "/bound", type: "bind", source: merged(), options: ["rbind"] },
      { destination: "/said", type: "bind", source: merged(), options: ["overlayfs_stale_read"] },
      bind("/plain"),
    ]);
    if (!mountOverlay()) return;
    try {
      const gofer = new ContainerGofer(bundle, { connections: 4 });
      const text = await gofer.list;
      expect(JSON.parse(text).map(({ options }: TestMount) => options)).toEqual([
        ["rbind", "overlayfs_stale_read"],
        ["overlayfs_stale_read"],
        [],
      ]);
      const client = gofer.connect();
      const file = client.reach(0, "file");
      client.getattr(file);
      client.walkAttributes(0, client.fid(), "file");
      const read = client.reach(0, "file");
      const { fd } = client.open(read, O_RDONLY);
      expect(readFileSync(fd, "utf8")).toBe("lower");
      native.close(fd);
      expect(client.read(read, 0, 10).toString()).toBe("lower");
      client.call(MESSAGES.Txattrwalk.type, new Message().u32(file).u32(client.fid()).string(""));
      const directory = client.reach(0, "directory");
      client.open(directory, O_RDONLY);
      client.list(directory);
      expect(readdirSync(upper())).toEqual([]);
      const opened = client.open(client.reach(0, "file"), O_RDWR);
      if (opened.fd >= 0) native.close(opened.fd);
      expect(readdirSync(upper())).toEqual(["file"]);
      expect(await gofer.stop()).toEqual({ code: 0, signal: null, stderr: "" });
    } finally {
      execFileSync("umount", [merged()]);
    }
  });
});

describe("the descriptor of the list", () => {
  test("that nobody reads is an error of the gofer's", async () => {
    const bundle = makeBundle(folder, [bind("/m")]);
    const gofer = new ContainerGofer(bundle, { connections: 2 });
    gofer.stream(6).destroy();
    expect(await gofer.exit).toEqual({
      code: 128,
      signal: null,
      stderr: "wvisor gofer: sending the list of mounts: EPIPE\n",
    });
    for (const client of gofer.clients) client.close();
  });

  test("may be a file", async () => {
    const bundle = makeBundle(folder, [bind("/m")]);
    const file = path.join(folder, "list.json");
    const fd = openSync(file, "w");
    const flags = ["--mounts-fd=-1", "--mounts-fd=7"];
    const gofer = new ContainerGofer(bundle, { connections: 2, flags, more: [fd] });
    await gofer.list;
    // The gofer never had the other one.
    await expect.poll(() => readFileSync(file, "utf8")).toContain('"/m"');
    native.close(fd);
    expect(await gofer.stop()).toEqual({ code: 0, signal: null, stderr: "" });
  });
});
