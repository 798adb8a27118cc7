// The kernel over Debian's diod: the file system cases on a server that we have not written.

import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe } from "vitest";
import type { Machine } from "../../src/host/boot/machine.ts";
import { loadNative } from "../../src/native/index.ts";
import { fsSuite, type KnownFailures } from "../conformance/fs/suite.ts";
import { KERNEL_CAPABILITIES, kernelBackends } from "../support/kernel-fs.ts";
import { socketPair } from "../support/p9-client.ts";
import { makeMachine } from "../support/wvisor.ts";
import { install } from "./debian.ts";

const missing =
  install("diod", "diod") ?? (process.getuid?.() === 0 ? undefined : "only root may serve all users");
if (missing !== undefined) console.log(`The kernel is not tested over diod: ${missing}`);

/** What cannot work over a server that knows a file by the path of its fid. */
const KNOWN: KnownFailures = {
  "permissions: permission is checked at open and not later":
    "diod does not find the open file again whose directory was renamed",
};

function diodSuite(name: string, shared: boolean): void {
  const folder = mkdtempSync(path.join(tmpdir(), "wvisor-diod-"));
  const directory = path.join(folder, "served");
  mkdirSync(directory);
  chmodSync(directory, 0o755);
  let server: ChildProcess | undefined;
  let socket = -1;
  const end = (): void => {
    const native = loadNative()!;
    if (socket >= 0) native.close(socket);
    server?.kill("SIGKILL");
    socket = -1;
  };
  afterAll(() => {
    end();
    rmSync(folder, { recursive: true });
  });
  const clean = (): void => {
    for (const entry of readdirSync(directory)) rmSync(path.join(directory, entry), { recursive: true });
  };
  const machine = (): Machine => {
    end();
    const [ours, theirs] = socketPair(loadNative()!);
    const args = ["-f", "-n", "-e", directory, "-r", "3", "-w", "3", "-L", "/dev/null"];
    server = spawn("diod", args, {
      stdio: ["ignore", "ignore", "ignore", theirs],
      // Where it may leave a core.
      cwd: folder,
    });
    loadNative()!.close(theirs);
    socket = ours;
    return makeMachine({ sockets: [ours] });
  };
  // A server and a connection for each case: diod keeps the fids of a session that was begun anew, and does not live long.
  const backend = () =>
    kernelBackends(
      machine,
      (made) => made.gofer(0, { readonly: false, shared, uid: 0, tree: directory }),
      clean,
    )();
  fsSuite(name, KERNEL_CAPABILITIES, backend, KNOWN);
}

describe.skipIf(missing !== undefined)("diod", () => {
  diodSuite("exclusive", false);
  diodSuite("shared", true);
});
