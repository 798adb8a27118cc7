// wvisor apply and wvisor undo, killed at random points and disturbed by somebody who swaps directories for links: each file is as
// before or as it is to be, the next apply or undo comes to the end, and nothing happens outside the base.

import { type ChildProcess, spawn } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { unfinishedIn } from "../../src/host/session/unfinished.ts";
import { launcherPath } from "../../src/native/index.ts";
import { CLI, wvisor } from "../support/cli.ts";
import { scaled } from "../support/scale.ts";
import { SessionFixture } from "../support/session-fixture.ts";
import { treeDigest } from "../support/tree-digest.ts";
import { Watch } from "../support/watch.ts";

const KILLS = scaled(100, 4);
const FILES = 600;
const SWAPPER = fileURLToPath(new URL("../support/swapper.mjs", import.meta.url));
const ADDON = path.join(path.dirname(launcherPath()), "wv.node");

let fixture: SessionFixture;
beforeEach(() => {
  fixture = new SessionFixture();
});
afterEach(() => fixture.remove());

const at = (name: string): string => path.join(fixture.base, name);
const before = (i: number): string => `before ${i}\n`.repeat(1 + (i % 500));
const after = (i: number): string => `after ${i}\n`.repeat(1 + (i % 700));

function nameOf(i: number): string {
  return `d${i % 13}/f${i}`;
}

/** Of five files one is deleted, one is new, one becomes a directory, and two are changed. */
function prepare(): void {
  for (let i = 0; i < FILES; i++) {
    if (i < 13) mkdirSync(at(`d${i}`));
    if (i % 5 !== 1) writeFileSync(at(nameOf(i)), before(i));
  }
  fixture.layer((layer) => {
    for (let i = 0; i < FILES; i++) {
      if (i % 5 === 0) layer.whiteout(nameOf(i));
      else if (i % 5 === 2) layer.write(`${nameOf(i)}/inside`, after(i));
      else layer.write(nameOf(i), after(i));
    }
  });
}

/** What is neither of the two, by name. */
function torn(): string[] {
  const wrong: string[] = [];
  for (let i = 0; i < FILES; i++) {
    const file = at(nameOf(i));
    const inside = path.join(file, "inside");
    const kind = i % 5;
    if (kind === 2 && existsSync(inside)) {
      if (readFileSync(inside, "utf8") !== after(i)) wrong.push(inside);
      continue;
    }
    const content = existsSync(file) && !isDirectory(file) ? readFileSync(file, "utf8") : undefined;
    const allowed = [kind === 1 ? undefined : before(i), kind === 0 || kind === 2 ? undefined : after(i)];
    if (!allowed.includes(content)) wrong.push(file);
  }
  return wrong;
}

function isDirectory(file: string): boolean {
  try {
    readdirSync(file);
    return true;
  } catch {
    return false;
  }
}

/** Runs a command until it ends or `delay` is over; how long it took. */
function runKilled(command: string, delayMs: number): Promise<number> {
  const started = performance.now();
  const child: ChildProcess = spawn(process.execPath, [CLI, command, "--quiet"], {
    cwd: fixture.base,
    env: fixture.env,
    stdio: "ignore",
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), delayMs);
  return new Promise((resolve) => {
    child.once("close", () => {
      clearTimeout(timer);
      resolve(performance.now() - started);
    });
  });
}

async function released<T>(use: () => Promise<T>): Promise<T> {
  fixture.session.release();
  try {
    return await use();
  } finally {
    fixture.session = fixture.sessions.openUnfinished(fixture.session.name, fixture.base);
  }
}

function finish(command: string): void {
  const { code, stderr } = wvisor([command], { cwd: fixture.base, env: fixture.env });
  expect({ code, stderr }).toMatchObject({ code: 0 });
}

/** A time at which it works on the base: never before it has begun, and up to the end. */
function randomDelay(longestMs: number): number {
  return longestMs * (0.2 + 0.8 * Math.random());
}

test(`each file is before or after, wherever a kill strikes (${KILLS} of apply, ${KILLS} of undo)`, async () => {
  prepare();
  const original = treeDigest(fixture.base);
  let longest = { apply: 0, undo: 0 };
  let struck = 0;
  await released(async () => {
    longest = { apply: await runKilled("apply", 60_000), undo: await runKilled("undo", 60_000) };
    expect(treeDigest(fixture.base)).toEqual(original);
    for (let round = 0; round < KILLS; round++) {
      await runKilled("apply", randomDelay(longest.apply));
      expect(torn()).toEqual([]);
      if (unfinishedIn(fixture.session.directory) !== undefined) struck++;
      // Every third time a stopped apply is taken back first.
      if (round % 3 === 2 && unfinishedIn(fixture.session.directory) === "apply") {
        finish("undo");
        expect(treeDigest(fixture.base)).toEqual(original);
      }
      finish("apply");
      expect(applied()).toEqual([]);

      await runKilled("undo", randomDelay(longest.undo));
      expect(torn()).toEqual([]);
      if (unfinishedIn(fixture.session.directory) !== undefined) struck++;
      if (isUndoable()) finish("undo");
      expect(treeDigest(fixture.base)).toEqual(original);
    }
  });
  // The points are random; that some lie within the work is not.
  expect(struck).toBeGreaterThan(0);
});

function isUndoable(): boolean {
  const { directory } = fixture.session;
  return existsSync(path.join(directory, "undo")) || unfinishedIn(directory) !== undefined;
}

/** What is not as after all of it was applied. */
function applied(): string[] {
  const wrong = torn();
  for (let i = 0; i < FILES; i++) {
    const file = i % 5 === 2 ? at(`${nameOf(i)}/inside`) : at(nameOf(i));
    const content = existsSync(file) ? readFileSync(file, "utf8") : undefined;
    if (content !== (i % 5 === 0 ? undefined : after(i))) wrong.push(file);
  }
  const drafts = readdirSync(fixture.base, { recursive: true, encoding: "utf8" });
  return [...wrong, ...drafts.filter((name) => name.includes(".wvisor-"))];
}

test("a directory that is swapped for a link while apply runs leads nowhere", async () => {
  prepare();
  const original = treeDigest(fixture.base, { times: false });
  const outside = path.join(fixture.directory, "outside");
  mkdirSync(outside);
  writeFileSync(path.join(outside, "f0"), "secret\n");
  for (let i = 0; i < FILES; i += 13) writeFileSync(path.join(outside, `f${i}`), before(i));
  const secret = treeDigest(outside);
  symlinkSync(outside, path.join(fixture.directory, "link"));
  const watch = await Watch.start(path.join(fixture.directory, "watch"), [outside]);
  const stop = path.join(fixture.directory, "stop");
  const pairs = JSON.stringify([[at("d0"), path.join(fixture.directory, "link")]]);
  const swapper = spawn(process.execPath, [SWAPPER, ADDON, stop, pairs], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await new Promise((resolve) => swapper.stdout.once("data", resolve));
  const ended = new Promise((resolve) => swapper.once("close", resolve));
  await released(async () => {
    for (let round = 0; round < scaled(40, 3); round++) {
      // It is stopped by what it finds, or comes through.
      for (const command of ["apply", "undo"]) {
        const { stderr } = wvisor([command], { cwd: fixture.base, env: fixture.env });
        expect(stderr).not.toContain("internal error");
      }
    }
    writeFileSync(stop, "");
    await ended;
  });
  const events = await watch.events(() => readFileSync(path.join(outside, "f0")));
  expect(events).toEqual([]);
  expect(treeDigest(outside)).toEqual(secret);
  // With the directory in its place again all comes to its end.
  if (lstatSync(at("d0")).isSymbolicLink()) {
    rmSync(at("d0"));
    renameSync(path.join(fixture.directory, "link"), at("d0"));
  }
  await released(async () => {
    if (unfinishedIn(fixture.session.directory) !== "undo") finish("apply");
    if (isUndoable()) finish("undo");
  });
  expect(treeDigest(fixture.base, { times: false })).toEqual(original);
});
