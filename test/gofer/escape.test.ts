// Attempts to reach what lies outside a mount. Every one must fail for the stated reason, and leave the outside alone.

import { type ChildProcess, spawn } from "node:child_process";
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as fcntl from "../../assembly/abi/fcntl.ts";
import * as p9 from "../../assembly/abi/p9.ts";
import { launcherPath } from "../../src/native/index.ts";
import { buildGofer } from "../support/bundle.ts";
import { Gofer, requireNative, scratch } from "../support/gofer.ts";
import { Message, P9Client, RefusedError } from "../support/p9-client.ts";

/** The full race is test/e2e/symlink-race.test.ts; this one is long enough to see both sides of it. */
const RACE_MS = 1000;
/** On a machine that has other things to do, longer. */
const PATIENCE_MS = 8000;
const SEEN = 10;
const native = requireNative();
const top = scratch();
const outside = path.join(top, "outside");
const inside = path.join(top, "inside");
let gofer: Gofer;
let client: P9Client;

beforeAll(async () => {
  mkdirSync(path.join(outside, "sub"), { recursive: true });
  writeFileSync(path.join(outside, "secret"), "outside");
  mkdirSync(path.join(inside, "1", "2", "3"), { recursive: true });
  for (const folder of ["", "1", "1/2", "1/2/3"]) {
    const up = "../".repeat(folder === "" ? 1 : folder.split("/").length + 1);
    symlinkSync(outside, path.join(inside, folder, "absolute"));
    symlinkSync(`${up}outside`, path.join(inside, folder, "relative"));
    symlinkSync(path.join(outside, "secret"), path.join(inside, folder, "file"));
    symlinkSync("/", path.join(inside, folder, "slash"));
    symlinkSync("..", path.join(inside, folder, "up"));
    symlinkSync("/proc/self/root", path.join(inside, folder, "magic"));
  }
  gofer = new Gofer(await buildGofer(), [{ source: inside, donate: true }]);
  client = gofer.connect();
});

afterAll(async () => {
  expect(await gofer.stop()).toEqual({ code: 0, signal: null, stderr: "" });
  expect(readdirSync(outside).sort()).toEqual(["secret", "sub"]);
  expect(readFileSync(path.join(outside, "secret"), "utf8")).toBe("outside");
  rmSync(top, { recursive: true });
});

describe("symlinks that lead outside", () => {
  const depths: readonly string[][] = [[], ["1"], ["1", "2"], ["1", "2", "3"]];
  const links = ["absolute", "relative", "file", "slash", "up", "magic"];
  const cases = depths.flatMap((depth) =>
    links.map((link) => [[...depth, link].join("/"), depth, link] as const),
  );

  test.each(cases)("%s is walked to and no further", (_name, depth, link) => {
    const walked = client.walk(0, client.fid(), ...depth, link, "secret");
    expect(walked).toHaveLength(depth.length + 1);
    const fid = client.reach(0, ...depth, link);
    expect(client.refusal(p9.P9_TWALK, P9Client.walkFields(fid, client.fid(), ["secret"]))).toBe("ENOTDIR");
    expect(client.refusal(p9.P9_TWALK, P9Client.walkFields(fid, client.fid(), [".."]))).toBe("ENOTDIR");
  });

  test.each(cases)("%s is not opened, changed or used as a directory", (_name, depth, link) => {
    const fid = client.reach(0, ...depth, link);
    const refusal = (type: number, fields: Message) => client.refusal(type, fields);
    expect(refusal(p9.P9_TLOPEN, new Message().u32(fid).u32(fcntl.O_RDWR))).toBe("ELOOP");
    expect(refusal(p9.P9_TLCREATE, new Message().u32(fid).string("x").u32(2).u32(0o644).u32(0))).toBe(
      "ENOTDIR",
    );
    expect(refusal(p9.P9_TMKDIR, new Message().u32(fid).string("x").u32(0o755).u32(0))).toBe("ENOTDIR");
    expect(refusal(p9.P9_TSYMLINK, new Message().u32(fid).string("x").string("t").u32(0))).toBe("ENOTDIR");
    expect(refusal(p9.P9_TUNLINKAT, new Message().u32(fid).string("secret").u32(0))).toBe("ENOTDIR");
    expect(refusal(p9.P9_TLINK, new Message().u32(fid).u32(fid).string("x"))).toBe("ENOTDIR");
    const rename = new Message().u32(fid).string("secret").u32(0).string("stolen");
    expect(refusal(p9.P9_TRENAMEAT, rename)).toBe("ENOTDIR");
    const mode = new Message().u32(fid).u32(p9.P9_SETATTR_MODE).u32(0).u32(0).u32(0);
    expect(refusal(p9.P9_TSETATTR, mode.u64(0).u64(0).u64(0).u64(0).u64(0))).toBe("EOPNOTSUPP");
  });

  test("a file is not created through one", () => {
    symlinkSync(path.join(outside, "created"), path.join(inside, "dangling"));
    for (const flags of [fcntl.O_CREAT | fcntl.O_WRONLY, fcntl.O_CREAT | fcntl.O_WRONLY | fcntl.O_TRUNC]) {
      const fields = new Message().u32(client.reach(0)).string("dangling").u32(flags).u32(0o644).u32(0);
      expect(client.refusal(p9.P9_TLCREATE, fields)).toBe("ELOOP");
    }
  });

  test("a hard link to one is a link to it", () => {
    const fid = client.reach(0, "file");
    expect(client.refusal(p9.P9_TLINK, new Message().u32(0).u32(fid).string("second"))).toBe("");
    expect(client.getattr(client.reach(0, "second")).qid.type).toBe(p9.P9_QTSYMLINK);
  });
});

describe("..", () => {
  test("a storm of them ends at the root", () => {
    const root = client.getattr(0).qid;
    const deep = client.reach(0, "1", "2", "3");
    const storm = new Array(16).fill("..");
    expect(client.walk(deep, client.fid(), ...storm).at(-1)).toEqual(root);
    for (let round = 0; round < 10; round++) client.walk(deep, deep, ...storm);
    expect(client.getattr(deep).qid).toEqual(root);
    expect(client.walkAttributes(deep, p9.P9_NOFID, ...storm).attributes.at(-1)?.qid).toEqual(root);
    expect(client.walk(deep, client.fid(), "..", "outside")).toHaveLength(1);
  });

  test("of a directory that the host has moved out stays inside", () => {
    mkdirSync(path.join(inside, "moved", "sub"), { recursive: true });
    const root = client.getattr(0).qid.path;
    const fid = client.reach(0, "moved", "sub");
    renameSync(path.join(inside, "moved"), path.join(top, "moved"));
    expect(client.walk(fid, client.fid(), "..", "..", "..").at(-1)?.path).toBe(root);
    expect(client.walk(fid, client.fid(), "..", "..", "outside")).toHaveLength(2);
  });
});

describe("a directory that is swapped for a symlink to the outside, over and over", () => {
  let swapper: ChildProcess;

  /** Starts a process that exchanges inside/swap and inside/swap-link in a loop. */
  async function swap(): Promise<void> {
    mkdirSync(path.join(inside, "swap", "sub"), { recursive: true });
    writeFileSync(path.join(inside, "swap", "secret"), "inside");
    symlinkSync(outside, path.join(inside, "swap-link"));
    const addon = path.join(path.dirname(launcherPath()), "wv.node");
    const program = `
      const native = require(${JSON.stringify(addon)});
      const memory = new Uint8Array(8192);
      native.registerMemory(0, memory);
      memory.set(Buffer.from(${JSON.stringify(`${path.join(inside, "swap")}\0`)}), 0);
      memory.set(Buffer.from(${JSON.stringify(`${path.join(inside, "swap-link")}\0`)}), 4096);
      process.stdout.write("ready");
      for (;;) native.renameat2(-100, 0, 0, -100, 4096, ${fcntl.RENAME_EXCHANGE});
    `;
    swapper = spawn(process.execPath, ["-e", program], { stdio: ["ignore", "pipe", "inherit"] });
    await new Promise((resolve) => swapper.stdout!.once("data", resolve));
  }

  afterAll(() => swapper.kill("SIGKILL"));

  /** What one attempt came to: a refusal's name or "". */
  function attempt(action: () => void): string {
    try {
      action();
      return "";
    } catch (error) {
      if (error instanceof RefusedError) return error.code;
      throw error;
    }
  }

  test("gives the inside or an error, never the outside", { timeout: PATIENCE_MS + 10_000 }, async () => {
    await swap();
    const results = new Map<string, number>();
    const allowed = new Set(["", "ENOENT", "ENOTDIR", "EEXIST", "ELOOP"]);
    const start = performance.now();
    const seen = (outcome: string): boolean => (results.get(outcome) ?? 0) > SEEN;
    const goesOn = (): boolean => {
      const limit = seen("") && seen("ENOTDIR") ? RACE_MS : PATIENCE_MS;
      return performance.now() - start < limit;
    };
    for (let round = 0; goesOn(); round++) {
      const fids: number[] = [];
      const reach = (from: number, ...names: string[]) => {
        const fid = client.reach(from, ...names);
        fids.push(fid);
        return fid;
      };
      const outcomes = [
        attempt(() => {
          const fid = reach(0, "swap", "secret");
          const { fd } = client.open(fid, fcntl.O_RDONLY);
          expect(`${client.read(fid, 0, 100)}`).toBe("inside");
          expect(fd).toBeGreaterThan(0);
          native.close(fd);
        }),
        attempt(() => {
          const directory = reach(0, "swap");
          client.create(directory, `made-${round}`, fcntl.O_RDWR, 0o600);
        }),
        attempt(() => {
          const directory = reach(0, "swap");
          client.call(p9.P9_TMKDIR, new Message().u32(directory).string(`d${round}`).u32(0o755).u32(0));
          client.call(p9.P9_TUNLINKAT, new Message().u32(directory).string("sub").u32(fcntl.AT_REMOVEDIR));
        }),
        attempt(() => {
          const above = reach(0, "swap", "..", "swap", "..", "..");
          expect(client.getattr(above).qid.path).toBe(client.getattr(0).qid.path);
        }),
      ];
      for (const fid of fids) client.clunk(fid);
      for (const outcome of outcomes) {
        expect(allowed).toContain(outcome);
        results.set(outcome, (results.get(outcome) ?? 0) + 1);
      }
    }
    // Both sides of the race were seen, or nothing was tried.
    expect(results.get("") ?? 0).toBeGreaterThan(SEEN);
    expect(results.get("ENOTDIR") ?? 0).toBeGreaterThan(SEEN);
    expect(readdirSync(outside).sort()).toEqual(["secret", "sub"]);
  });
});

describe("an ancestor that is moved out of the root and back, over and over, while names are walked", () => {
  let mover: ChildProcess;

  afterAll(() => mover.kill("SIGKILL"));

  test("never leads to what is beside the root", { timeout: PATIENCE_MS + 10_000 }, async () => {
    mkdirSync(path.join(inside, "wanders", "below", "deep"), { recursive: true });
    const program = `
      const { renameSync } = require("node:fs");
      process.stdout.write("ready");
      for (;;) {
        renameSync(${JSON.stringify(path.join(inside, "wanders"))}, ${JSON.stringify(path.join(top, "wanders"))});
        renameSync(${JSON.stringify(path.join(top, "wanders"))}, ${JSON.stringify(path.join(inside, "wanders"))});
      }
    `;
    mover = spawn(process.execPath, ["-e", program], { stdio: ["ignore", "pipe", "inherit"] });
    await new Promise((resolve) => mover.stdout!.once("data", resolve));
    const root = client.getattr(0).qid.path;
    const beside = [["outside"], ["outside", "secret"], ["inside"]];
    const start = performance.now();
    let [walked, missed] = [0, 0];
    while (
      performance.now() - start < RACE_MS ||
      (walked < SEEN && performance.now() - start < PATIENCE_MS)
    ) {
      const fid = client.fid();
      const qids = walkOrNone(0, fid, "wanders", "below", "deep", "..", "..", "..");
      if (qids.length < 6) {
        missed++;
        continue;
      }
      walked++;
      // Wherever the directory is now: three up from below it is the root, and from there nothing but the root's own.
      expect(qids.at(-1)!.path).toBe(root);
      for (const names of beside)
        expect(walkOrNone(fid, client.fid(), "..", ...names).length).toBeLessThan(2);
      client.clunk(fid);
    }
    expect(walked, `${missed} were missed`).toBeGreaterThan(SEEN);
  });

  function walkOrNone(from: number, to: number, ...names: string[]) {
    try {
      return client.walk(from, to, ...names);
    } catch (error) {
      if (error instanceof RefusedError && error.code === "ENOENT") return [];
      throw error;
    }
  }
});
