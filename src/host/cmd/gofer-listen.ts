// wvisor gofer --listen: serves a directory over 9P2000.L to whoever connects.

import { lookup } from "node:dns/promises";
import { unlinkSync } from "node:fs";
import { isIP, Socket } from "node:net";
import { constants } from "node:os";
import { resolve } from "node:path";
import { ErrnoError, WvisorError } from "../../common/errors.ts";
import { type P9Address, parseAddress } from "../../common/p9-address.ts";
import type { Native } from "../../native/index.ts";
import { reapGofer } from "../sandbox/gofer-process.ts";
import { type ListeningGofer, startListeningGofer } from "../sandbox/listening-gofer.ts";
import { type CommandInput, UsageError } from "./command.ts";
import { confineOptions } from "./confine-flags.ts";
import { EXIT_REFUSED } from "./exit-code.ts";
import type { FlagTable } from "./flags.ts";
import type { Output } from "./output.ts";

/** The helper's slot for a moment; nothing stays in it. */
const SCRATCH_SLOT = 15;
const OWNER_ONLY = 0o177;

export const LISTEN_FLAGS: FlagTable = {
  listen: { type: "string" },
  root: { type: "string" },
  readonly: { type: "boolean" },
  name: { type: "string" },
};

/** Serves until a signal or the gofer's end, and returns the exit code. Errors: WvisorError. */
export async function serveListener(native: Native, { flags, output, warn }: CommandInput): Promise<number> {
  const listen = flags.text("listen");
  const root = flags.text("root");
  if (listen === undefined || root === undefined || root === "")
    throw new UsageError("--listen and --root are needed");
  const confine = confineOptions(flags);
  const address = await resolveAddress(listen);
  if (address.kind === "tcp" && !isLoopback(address.host)) {
    warn(
      `whoever reaches ${listen} can ${flags.has("readonly") ? "read" : "change"} ${root}: 9P has no passwords`,
    );
  }
  const socket = openListener(native, listen, address);
  let gofer: ListeningGofer;
  try {
    const source = resolve(root);
    const readonly = flags.has("readonly");
    const mount = { source, readonly, name: flags.text("name") ?? source };
    gofer = startListeningGofer(native, socket, mount, confine);
  } finally {
    native.close(socket.fd);
  }
  const code = await ended(native, gofer, output, () => output.out(`listening on ${socket.name}\n`));
  if (address.kind === "unix") removeSocket(address.path);
  return code;
}

interface ListeningSocket {
  readonly fd: number;
  /** As a client would write it. */
  readonly name: string;
}

async function resolveAddress(text: string): Promise<P9Address> {
  let address: P9Address;
  try {
    address = parseAddress(text);
  } catch (error) {
    throw new UsageError(`--listen: ${(error as Error).message}`, { cause: error });
  }
  if (address.kind === "unix" || isIP(address.host) !== 0) return address;
  try {
    return { ...address, host: (await lookup(address.host)).address };
  } catch (error) {
    throw refused(`${address.host}: ${(error as NodeJS.ErrnoException).code}`, error);
  }
}

function openListener(native: Native, text: string, address: P9Address): ListeningSocket {
  const scratch = new Uint8Array(4096);
  check(native.registerMemory(SCRATCH_SLOT, scratch), text);
  const put = (value: string): number => new TextEncoder().encodeInto(value, scratch).written;
  if (address.kind === "unix") {
    put(resolve(address.path));
    const mask = native.umask(OWNER_ONLY);
    const fd = native.listenUnix(SCRATCH_SLOT, 0);
    native.umask(mask);
    return { fd: check(fd, text), name: `unix:${resolve(address.path)}` };
  }
  put(address.host);
  const fd = check(native.listenTcp(SCRATCH_SLOT, 0, address.port), text);
  const host = isIP(address.host) === 6 ? `[${address.host}]` : address.host;
  return { fd, name: `tcp:${host}:${check(native.localPort(fd), text)}` };
}

/** Until a signal, or the gofer's end: the exit code. Calls `ready` when signals are listened for. */
async function ended(
  native: Native,
  gofer: ListeningGofer,
  output: Output,
  ready: () => void,
): Promise<number> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.once(signal, () => resolve(128 + constants.signals[signal]));
    }
    ready();
    // Nothing is ever sent on it: it ends when the gofer does.
    const alive = new Socket({ fd: gofer.alive, readable: true, writable: false });
    alive.on("error", () => {});
    alive.once("close", () => {
      const end = reapGofer(native, gofer.pid);
      // What went wrong at its start it has said itself.
      if (end !== "ended with code 128") output.err(`wvisor gofer: the gofer ${end}\n`);
      resolve(EXIT_REFUSED);
    });
    alive.resume();
  });
}

function removeSocket(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Somebody else was faster.
  }
}

function isLoopback(host: string): boolean {
  return host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

function check(result: number, what: string): number {
  if (result >= 0) return result;
  const cause = new ErrnoError(-result, "listen");
  throw refused(`${what}: ${cause.code}`, cause);
}

function refused(message: string, cause: unknown): WvisorError {
  return new WvisorError("ERR_WVISOR_GOFER", message, EXIT_REFUSED, { cause });
}
