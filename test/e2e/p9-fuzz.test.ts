// Hostile frames, by the million: against the server, a gofer's socket, and the client. WVISOR_SCALE=1 sends 20 million.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { attackClient } from "../fuzz/p9/client.ts";
import { Decoy } from "../fuzz/p9/decoy.ts";
import { attackServer, plant, residentBytes } from "../fuzz/p9/server.ts";
import { attackSocket, startGofer } from "../fuzz/p9/socket.ts";
import { STOPPED } from "../support/listening-gofer.ts";
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

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "wvisor-fuzz-"));
});

afterEach(() => rmSync(folder, { recursive: true }));

test("the server answers every frame at once, within its root and with bounded memory", {
  timeout: TIMEOUT_MS,
}, async () => {
  const root = path.join(folder, "root");
  const decoy = await Decoy.make(path.join(folder, "decoy"));
  attackServer(root, decoy.folder, 20_000, SEED);
  const before = residentBytes("self");
  const report = attackServer(root, decoy.folder, Math.round(FRAMES * 0.5), SEED);
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
  const gofer = await startGofer(root);
  const report = await attackSocket(gofer, Math.round(FRAMES * 0.1), SEED);
  console.log(`socket: ${JSON.stringify(report)}`);
  expect(await decoy.events()).toEqual([]);
  expect(report.slowestMs).toBeLessThan(HANG_MS);
  expect(report.connections).toBeGreaterThan(3);
  expect(report.grownBytes).toBeLessThan(64 * MEBIBYTE);
  expect(await gofer.stop()).toEqual(STOPPED);
});

test("the client ends every call, whatever a server answers", { timeout: TIMEOUT_MS }, async () => {
  await attackClient(10_000, SEED);
  const before = residentBytes("self");
  const report = await attackClient(Math.round(FRAMES * 0.4), SEED);
  console.log(`client: ${JSON.stringify(report)}`);
  expect(report.slowestMs).toBeLessThan(HANG_MS);
  expect(report.errors).toBeGreaterThan(report.frames / 100);
  expect(residentBytes("self") - before).toBeLessThan(128 * MEBIBYTE);
});
