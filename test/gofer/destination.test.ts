// Where the destinations of mounts are, with the links of a hostile root in the way (G23-08, G23-28, G23-30).

import { spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { errnoName } from "../../src/common/errors.ts";
import { DescriptorBudget } from "../../src/gofer/host-fs/budget.ts";
import type { HostFs } from "../../src/gofer/host-fs/host-fs.ts";
import { DestinationWalk, LINKS_MAX, LOOKUPS_MAX } from "../../src/gofer/mounts/destination.ts";
import { requireNative, scratch } from "../support/gofer.ts";
import { nodeOf, openHostFs } from "../support/host-fs.ts";

const ADDON = fileURLToPath(new URL("../../build/native/wv.node", import.meta.url));
const SWAPPER = fileURLToPath(new URL("../support/swapper.mjs", import.meta.url));
const DESCRIPTORS = 256;

let lookups = 0;
const native = requireNative();
const counting = {
  ...native,
  openat2: (...args: Parameters<typeof native.openat2>) => {
    lookups++;
    return native.openat2(...args);
  },
};

let top: string;
let root: string;
let host: HostFs;
let walk: DestinationWalk;

beforeEach(() => {
  top = scratch();
  root = path.join(top, "root");
  mkdirSync(path.join(root, "a/b/c"), { recursive: true });
  mkdirSync(path.join(root, "real"));
  writeFileSync(path.join(root, "file"), "");
  mkdirSync(path.join(top, "outside/deep"), { recursive: true });
  host = openHostFs(counting);
  walk = new DestinationWalk(host, nodeOf(host, root), new DescriptorBudget(DESCRIPTORS));
});

afterEach(() => rmSync(top, { recursive: true }));

/** Makes a link in the root. */
function link(name: string, target: string | Buffer): void {
  symlinkSync(target, path.join(root, name));
}

/** The resolved path, or the errno's name. */
function resolve(destination: string): string {
  const found = walk.resolve(destination);
  return typeof found === "number" ? errnoName(-found) : found;
}

const openDescriptors = () => readdirSync("/proc/self/fd").length;

/** What Linux says that a path is, in a root of its own. */
function linux(destination: string): string {
  const { stdout } = spawnSync("realpath", [`${root}${destination}`], { encoding: "utf8" });
  return stdout.trim().slice(root.length);
}

describe("a destination", () => {
  test("without links is what it says, but for dots and slashes (G23-08)", () => {
    expect(resolve("/a/b/c")).toBe("/a/b/c");
    expect(resolve("//a/./b//c/")).toBe("/a/b/c");
    expect(resolve("/a/b/../b/c")).toBe("/a/b/c");
    expect(resolve("/file")).toBe("/file");
  });

  test("that is not there yet stays as it is written, from the first name that is missing", () => {
    expect(resolve("/a/new/er/est")).toBe("/a/new/er/est");
    expect(resolve("/new")).toBe("/new");
    expect(resolve("/new/../a/b")).toBe("/a/b");
    expect(resolve("/a/new/../../../../new")).toBe("/new");
  });

  test("leads through links, inside the root (G23-30)", () => {
    link("up", "../../../../../outside");
    link("absolute", "/a/b");
    link("relative", "a/../real");
    link("a/back", "../real/new");
    link("chain", "relative");
    link("last", "/file");
    expect(resolve("/absolute/c")).toBe("/a/b/c");
    expect(resolve("/relative")).toBe("/real");
    expect(resolve("/chain/x")).toBe("/real/x");
    expect(resolve("/a/back/x")).toBe("/real/new/x");
    expect(resolve("/last")).toBe("/file");
    expect(resolve("/up/deep")).toBe("/outside/deep");
    expect(existsSync(path.join(root, "outside"))).toBe(false);
  });

  test("goes where Linux goes: up from where a link leads, not from where it lies (G23-30)", () => {
    link("far", "a/b/c");
    mkdirSync(path.join(root, "a/b/target"));
    expect(resolve("/far/../target")).toBe("/a/b/target");
    expect(linux("/far/../target")).toBe("/a/b/target");
    link("within", "far/../target");
    expect(resolve("/within")).toBe("/a/b/target");
    expect(linux("/within")).toBe("/a/b/target");
  });

  test("never leaves the root", () => {
    link("host", top);
    link("dots", `${"../".repeat(64)}etc/passwd`);
    link("magic", "/proc/1/root/etc");
    expect(resolve("/../../../etc/passwd")).toBe("/etc/passwd");
    expect(resolve("/dots")).toBe("/etc/passwd");
    expect(resolve("/host/outside")).toBe(`${top}/outside`);
    expect(resolve("/magic/x")).toBe("/proc/1/root/etc/x");
  });

  test("may be a file, and nothing is below one", () => {
    link("to-file", "file");
    expect(resolve("/file/x")).toBe("ENOTDIR");
    expect(resolve("/to-file/..")).toBe("ENOTDIR");
    expect(resolve("/to-file/.")).toBe("ENOTDIR");
  });

  test("is not the root itself (ND-05)", () => {
    link("self", ".");
    link("slash", "/");
    for (const place of ["/", "/..", "/self", "/slash", "/a/..", "/new/.."])
      expect(resolve(place)).toBe("EBUSY");
  });

  test("has names of at most 255 bytes and a path of at most 4,095, links included", () => {
    const long = "n".repeat(255);
    expect(resolve(`/${long}`)).toBe(`/${long}`);
    expect(resolve(`/${long}n`)).toBe("ENAMETOOLONG");
    link("l", Array.from({ length: 15 }, () => long).join("/"));
    expect(resolve("/l")).toHaveLength(15 * 256);
    expect(resolve(`/l/${long}`)).toBe("ENAMETOOLONG");
  });

  test("that leads to a name which is not UTF-8 cannot be told", () => {
    link("bytes", Buffer.from([0x61, 0xff]));
    link("through", "bytes/../real");
    expect(resolve("/bytes")).toBe("EILSEQ");
    expect(resolve("/through")).toBe("/real");
    expect(resolve("/a/gr\u00fc\u00df")).toBe("/a/gr\u00fc\u00df");
  });

  test("below what the gofer may not read is an error of its own", () => {
    if (process.getuid!() === 0) {
      console.log("skipped: root reads everything");
      return;
    }
    chmodSync(path.join(root, "a/b"), 0);
    expect(resolve("/a/b/c")).toBe("EACCES");
    chmodSync(path.join(root, "a/b"), 0o755);
  });
});

describe("bounds", () => {
  test("links that name each other twice cost 255 of them in all, not 2^N (G23-30)", () => {
    link("l0", ".");
    const depth = 40;
    for (let i = 1; i <= depth; i++) link(`l${i}`, `l${i - 1}/l${i - 1}`);
    lookups = 0;
    expect(resolve(`/l${depth}/x`)).toBe("ELOOP");
    expect(lookups).toBeLessThanOrEqual(LINKS_MAX + 1);
    // 2^7 - 1 = 127 links: as many may be followed.
    expect(resolve("/l6/x")).toBe("/x");
  });

  test("a loop ends", () => {
    link("x", "y");
    link("y", "x");
    link("self", "self/more");
    expect(resolve("/x")).toBe("ELOOP");
    expect(resolve("/self/z")).toBe("ELOOP");
  });

  test("255 links are followed, 256 are not", () => {
    link("c0", "real");
    for (let i = 1; i <= LINKS_MAX; i++) link(`c${i}`, `c${i - 1}`);
    expect(resolve(`/c${LINKS_MAX - 1}`)).toBe("/real");
    expect(resolve(`/c${LINKS_MAX}`)).toBe("ELOOP");
  });

  test("the budget is each destination's own", () => {
    link("c0", "real");
    for (let i = 1; i < 200; i++) link(`c${i}`, `c${i - 1}`);
    for (let i = 0; i < 5; i++) expect(resolve("/c199")).toBe("/real");
  });

  test("long targets cost a bounded number of lookups", () => {
    const long = "a/../".repeat(800);
    link("t0", long);
    for (let i = 1; i < 50; i++) link(`t${i}`, `t${i - 1}/${long.slice(0, 4000)}`);
    lookups = 0;
    expect(resolve("/t49")).toBe("ELOOP");
    expect(lookups).toBeLessThanOrEqual(LOOKUPS_MAX);
  });

  test("a deep path takes the descriptors that it may, and gives all of them back", () => {
    const deep = "d/".repeat(DESCRIPTORS + 10);
    mkdirSync(path.join(root, deep), { recursive: true });
    const before = openDescriptors();
    expect(resolve(`/${deep}`)).toBe("EMFILE");
    expect(resolve(`/${deep.slice(0, 200)}`)).toBe(`/${deep.slice(0, 199)}`);
    expect(resolve("/file/x")).toBe("ENOTDIR");
    expect(openDescriptors()).toBe(before);
  });
});

describe("mounts that come earlier", () => {
  test("are crossed, and their links lead from the container's root", () => {
    const source = path.join(top, "source");
    mkdirSync(path.join(source, "sub"), { recursive: true });
    symlinkSync("/real", path.join(source, "absolute"));
    symlinkSync("../../file", path.join(source, "relative"));
    // What it hides is not followed.
    link("a/b/sub", "/file");
    walk.mount("/a/b", nodeOf(host, source));
    expect(resolve("/a/b/sub/x")).toBe("/a/b/sub/x");
    expect(resolve("/a/b/absolute/x")).toBe("/real/x");
    expect(resolve("/a/b/relative")).toBe("/file");
    expect(resolve("/a/b/sub/../../b/c")).toBe("/a/b/c");
    expect(resolve("/a/b/../b")).toBe("/a/b");
  });

  test("hide what lies below when it is not the gofer's to know", () => {
    link("a/b/inner", "/real");
    walk.mount("/a/b", null);
    expect(resolve("/a/b/inner/x")).toBe("/a/b/inner/x");
    walk.mount("/new", null);
    expect(resolve("/new/x/../y")).toBe("/new/y");
  });

  test("lie on one another", () => {
    const source = path.join(top, "source");
    mkdirSync(source);
    symlinkSync("/real", path.join(source, "l"));
    walk.mount("/a", null);
    walk.mount("/a", nodeOf(host, source));
    expect(resolve("/a/l/x")).toBe("/real/x");
  });
});

test("whoever swaps directories for links meanwhile leads the walk nowhere else, and nothing is made (G23-28)", async () => {
  mkdirSync(path.join(root, "a/swapped/inner"), { recursive: true });
  symlinkSync("../../outside", path.join(root, "a/link"));
  symlinkSync(path.join(top, "outside"), path.join(root, "a/swapped/inner-link"));
  const stop = path.join(top, "stop");
  const a = path.join(root, "a");
  const pairs = [
    [path.join(a, "swapped"), path.join(a, "link")],
    [path.join(root, "real"), path.join(a, "b")],
  ];
  const swapper = spawn(process.execPath, [SWAPPER, ADDON, stop, JSON.stringify(pairs)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await new Promise((ready) => swapper.stdout.once("data", ready));
  const seen = new Set<string>();
  // Long enough for a machine that does much else; usually both are seen at once.
  const end = Date.now() + 20_000;
  for (let rounds = 0; (rounds < 3000 || seen.size < 2) && Date.now() < end; rounds++) {
    seen.add(resolve("/a/swapped/inner/deep/new"));
  }
  writeFileSync(stop, "");
  await new Promise((ended) => swapper.once("close", ended));
  // As the directory, as the link to "outside" (which ends at the root), and as what was moved away in between.
  expect(seen).toContain("/a/swapped/inner/deep/new");
  expect(seen).toContain("/outside/inner/deep/new");
  for (const place of seen) {
    expect(["/a/swapped/inner/deep/new", "/outside/inner/deep/new", "ENOENT", "ESTALE"]).toContain(place);
  }
  expect(readdirSync(path.join(top, "outside"))).toEqual(["deep"]);
  expect(readdirSync(path.join(top, "outside/deep"))).toEqual([]);
  expect(existsSync(path.join(root, "outside"))).toBe(false);
  expect(readFileSync(path.join(root, "file"), "utf8")).toBe("");
});
