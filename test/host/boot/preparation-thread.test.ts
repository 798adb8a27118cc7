// The thread that prepares containers: what it waits for has a bound, can be called off, and stops nobody else.

import { afterEach, describe, expect, test } from "vitest";
import type { Machine } from "../../../src/host/boot/machine.ts";
import { ContainerNamespaces } from "../../../src/host/boot/namespaces.ts";
import type { ContainerPlace } from "../../../src/host/boot/preparation.ts";
import { PreparationThread } from "../../../src/host/boot/preparation-thread.ts";
import type { MountSource, SandboxConfig } from "../../../src/host/config/sandbox-config.ts";
import { requireNative } from "../../support/gofer.ts";
import { socketPair } from "../../support/p9-client.ts";
import { makeMachine } from "../../support/wvisor.ts";

const native = requireNative();
const SHORT_MS = 300;
/** Nobody waits for as long. */
const LONG_MS = 600_000;
const TMPFS = { type: "tmpfs", readonly: false, mode: 0o755, uid: 0, gid: 0, sizeBytes: 0 } as const;
const BIND = { type: "bind", source: "/x", readonly: true, overlay: false, cache: "exclusive" } as const;

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

function configWith(root: MountSource): SandboxConfig {
  return {
    id: "x",
    hostname: "x",
    root,
    mounts: [],
    process: { args: ["/no"], env: [], cwd: "/", uid: 0, gid: 0, groups: [], umask: 0o22, capabilities: 0n },
    runtimes: [],
    limits: { memoryBytes: 0, timeoutMs: 0 },
  };
}

interface Prepared {
  readonly machine: Machine;
  readonly thread: PreparationThread;
  /** The other end of what the machine has as its connection 0, to a server that says nothing by itself. */
  server: number;
  place(root: MountSource): ContainerPlace;
}

/** The sandbox's own container was prepared already. */
async function start(patienceMs: number): Promise<Prepared> {
  const [ours, server] = socketPair(native);
  const machine = makeMachine({ sockets: [ours], streams: [] });
  const thread = new PreparationThread(machine, () => {}, patienceMs);
  const namespaces = new ContainerNamespaces(machine, configWith(TMPFS), {});
  const { pids, uts } = namespaces;
  const place = (root: MountSource) => ({
    config: configWith(root),
    connection: 0,
    namespaces: { pids, uts },
  });
  await expect(thread.order("create", place(TMPFS), []).done).rejects.toThrow("/no: no such file");
  const prepared = { machine, thread, server, place };
  ends.push(() => {
    namespaces.release();
    for (const fd of [ours, prepared.server]) if (fd >= 0) native.close(fd);
  });
  return prepared;
}

/** Settled when the thread has done all that was ordered. */
async function settle({ thread, place }: Prepared): Promise<void> {
  await expect(thread.order("create", place(TMPFS), []).done).rejects.toThrow("/no: no such file");
}

describe("a server of files that", () => {
  test.each([
    ["says nothing", []],
    ["stops in the middle of a message", [19, 0, 0]],
    ["stops behind the size of a message", [19, 0, 0, 0, 101]],
  ])("%s is waited for as long as is allowed, and this thread goes on meanwhile", async (_name, said) => {
    const prepared = await start(SHORT_MS);
    const { machine, thread, server, place } = prepared;
    await settle(prepared);
    const objects = machine.kernel.heap_objects();
    let turns = 0;
    const ticking = setInterval(() => turns++, 1);
    native.registerMemory(15, Uint8Array.from(said));
    if (said.length > 0) native.write(server, 15, 0, said.length);
    await expect(thread.order("create", place(BIND), []).done).rejects.toThrow(
      `no answer from the files' server within ${SHORT_MS} ms`,
    );
    clearInterval(ticking);
    expect(turns).toBeGreaterThan(1);
    await settle(prepared);
    expect(machine.kernel.heap_objects()).toBe(objects);
  });

  test("ends is an error at once", async () => {
    const prepared = await start(LONG_MS);
    const { thread, place } = prepared;
    const preparing = thread.order("create", place(BIND), []);
    native.close(prepared.server);
    prepared.server = -1;
    await expect(preparing.done).rejects.toThrow("EIO");
  });
});

describe("what nobody wants any more", () => {
  test("is called off, whether it is at work or waits", async () => {
    const prepared = await start(LONG_MS);
    const { thread, place } = prepared;
    await settle(prepared);
    const [working, waiting, other] = [BIND, BIND, TMPFS].map((root) =>
      thread.order("create", place(root), []),
    );
    waiting!.cancel("no more");
    await expect(waiting!.done).rejects.toThrow("no more");
    working!.cancel("enough");
    await expect(working!.done).rejects.toThrow("enough");
    // To call off what is over does nothing to the next.
    working!.cancel("again");
    await expect(other!.done).rejects.toThrow("/no: no such file");
  });

  test("may be called off before the thread has come up", async () => {
    const { thread, place } = await start(LONG_MS);
    const preparing = thread.order("create", place(BIND), []);
    preparing.cancel("too early");
    await expect(preparing.done).rejects.toThrow("too early");
  });

  test("is as much as there is room for", async () => {
    const { thread, place } = await start(LONG_MS);
    const ordered = Array.from({ length: 1024 }, () => thread.order("create", place(BIND), []));
    expect(() => thread.order("create", place(BIND), [])).toThrow("too many calls");
    for (const each of ordered) each.cancel("no more");
    await Promise.all(ordered.map(({ done }) => expect(done).rejects.toThrow("no more")));
  });
});
