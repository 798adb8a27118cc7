// Hostile frames, by the million: against the server, a gofer's socket, the library's client and the kernel's. WVISOR_SCALE=1
// sends 20 million, which takes half an hour.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { P9Client } from "../../src/p9/index.ts";
import { attackClient } from "../fuzz/p9/client.ts";
import { Decoy } from "../fuzz/p9/decoy.ts";
import { attackKernel } from "../fuzz/p9/kernel.ts";
import { printProgress } from "../fuzz/p9/progress.ts";
import { attackServer, plant, residentBytes } from "../fuzz/p9/server.ts";
import { attackSocket, startGofer } from "../fuzz/p9/socket.ts";
import { kernelModule } from "../kernel/p9/world.ts";
import { type ListeningGofer, STOPPED } from "../support/listening-gofer.ts";
import { SCALE } from "../support/scale.ts";

/** 500,000 at CI's scale of 0.05, and 20 million at full length. */
const FRAMES = SCALE >= 1 ? 20_000_000 : 10_000_000 * SCALE;
const SEED = 20_251_123;
/** A frame that takes longer is a hang. */
const HANG_MS = 1000;
const MEBIBYTE = 1 << 20;
/** Long enough for a busy machine at any scale. */
const TIMEOUT_MS = 300_000 + 3_600_000 * SCALE;

let folder: string;
let gofer: ListeningGofer | undefined;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "wvisor-fuzz-"));
});

afterEach(() => {
  gofer?.command.kill("SIGKILL");
  gofer = undefined;
  rmSync(folder, { recursive: true });
});

test("the server answers every frame at once, within its root and with bounded memory", {
  timeout: TIMEOUT_MS,
}, async () => {
  const root = path.join(folder, "root");
  const decoy = await Decoy.make(path.join(folder, "decoy"));
  attackServer(root, decoy.folder, 20_000, SEED);
  const before = residentBytes("self");
  const frames = Math.round(FRAMES * 0.5);
  const report = attackServer(root, decoy.folder, frames, SEED, printProgress("server", frames));
  console.log(`server: ${JSON.stringify(report)}`);
  expect(await decoy.events()).toEqual([]);
  expect(report.slowestMs).toBeLessThan(HANG_MS);
  expect(report.refused).toBeLessThan(report.frames * 0.95);
  expect(residentBytes("self") - before).toBeLessThan(128 * MEBIBYTE);
});

test("a gofer serves its other clients whatever one of them sends", { timeout: TIMEOUT_MS }, async () => {
  const root = path.join(folder, "root");
  const decoy = await Decoy.make(path.join(folder, "decoy"));
  plant(root, decoy.folder);
  gofer = await startGofer(root);
  // A client that stays: when it is answered, the gofer has all that it needs.
  const client = await P9Client.connect(gofer.address);
  const before = gofer.descriptors();
  const frames = Math.round(FRAMES * 0.1);
  const report = await attackSocket(gofer, frames, SEED, printProgress("socket", frames));
  console.log(`socket: ${JSON.stringify(report)}`);
  expect(await decoy.events()).toEqual([]);
  expect(report.slowestMs).toBeLessThan(HANG_MS);
  expect(report.connections).toBeGreaterThan(3);
  expect(report.grownBytes).toBeLessThan(64 * MEBIBYTE);
  await expect.poll(() => gofer?.descriptors(), { timeout: 20_000 }).toBe(before);
  client.close();
  expect(await gofer.stop()).toEqual(STOPPED);
});

test("the client ends every call, whatever a server answers", { timeout: TIMEOUT_MS }, async () => {
  await attackClient(10_000, SEED);
  const before = residentBytes("self");
  const frames = Math.round(FRAMES * 0.375);
  const report = await attackClient(frames, SEED, printProgress("client", frames));
  console.log(`client: ${JSON.stringify(report)}`);
  expect(report.slowestMs).toBeLessThan(HANG_MS);
  expect(report.errors).toBeGreaterThan(report.frames / 100);
  expect(residentBytes("self") - before).toBeLessThan(128 * MEBIBYTE);
});

test("the kernel outlives every server, and keeps nothing of it", { timeout: TIMEOUT_MS }, () => {
  const module = kernelModule();
  attackKernel(module, 1000, SEED);
  const before = residentBytes("self");
  const frames = Math.round(FRAMES * 0.025);
  const report = attackKernel(module, frames, SEED, printProgress("kernel", frames));
  console.log(`kernel: ${JSON.stringify(report)}`);
  expect(report.slowestMs).toBeLessThan(HANG_MS);
  expect(report.hostile).toBeGreaterThan(report.frames / 20);
  expect(residentBytes("self") - before).toBeLessThan(256 * MEBIBYTE);
});
