// Attach points that come and go by the ten thousand, while others are used: no descriptor and no memory stays with them.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { O_RDONLY } from "../../assembly/abi/fcntl.ts";
import { VERSION_WVISOR } from "../../src/common/p9-version.ts";
import { type DynamicGofer, startDynamicGofer } from "../../src/host/sandbox/dynamic-gofer.ts";
import { requireNative } from "../support/gofer.ts";
import { P9Client } from "../support/p9-client.ts";
import { childrenOf } from "../support/processes.ts";
import { scaled } from "../support/scale.ts";

const ROUNDS = scaled(10_000, 1_000);
/** What the engine's heap differs by from one collection to the next. */
const SPARE_KIB = 16_384;

const native = requireNative();
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "wvisor-attach-"));
  writeFileSync(path.join(folder, "file"), "text");
});

afterAll(() => rmSync(folder, { recursive: true }));

function add(gofer: DynamicGofer, name: string): P9Client {
  const socket = gofer.control.addAttachPoint(folder, { name, readonly: false, donate: true });
  const client = new P9Client(native, socket);
  client.version(VERSION_WVISOR);
  client.attach(0);
  return client;
}

function read(client: P9Client): void {
  const fid = client.reach(0, "file");
  const { fd } = client.open(fid, O_RDONLY);
  if (fd >= 0) native.close(fd);
  expect(`${client.read(fid, 0, 10)}`).toBe("text");
  client.clunk(fid);
}

test.each(["native", "native+ns"] as const)(
  `${ROUNDS} of them, at level %s`,
  (confinement) => {
    const gofer = startDynamicGofer(native, [], { confinement });
    const stays = add(gofer, "stays");
    const pid = childrenOf(gofer.pid)[0] ?? gofer.pid;
    const measure = () => {
      gofer.control.ping();
      const resident = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1];
      return { descriptors: readdirSync(`/proc/${pid}/fd`).length, residentKiB: Number(resident) };
    };
    const rounds = (count: number) => {
      for (let i = 0; i < count; i++) {
        const client = add(gofer, "comes");
        read(client);
        read(stays);
        gofer.control.removeAttachPoint("comes");
        client.close();
      }
    };
    rounds(ROUNDS / 4);
    const before = measure();
    rounds(ROUNDS);
    const after = measure();
    expect(after.descriptors).toBe(before.descriptors);
    expect(after.residentKiB - before.residentKiB).toBeLessThan(SPARE_KIB);
    stays.close();
    gofer.control.close();
    expect(native.waitpid(gofer.pid, 1)).toBe(0);
  },
  600_000,
);
