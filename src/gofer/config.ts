// What the gofer is told: arguments, and a JSON document on the descriptor that the first names.
//
//   gofer.js --config-fd=N [--roots-fd=N --proc-fd=N]
//   { "mounts": [ { "fd": 3, "source": "/abs/host/path", "readonly": true, "donate": true, "listen": false,
//                   "name": "files" } ],
//     "confine": { "level": "native+ns", "report": false } }
//
// The other two arguments come from a launcher that started it in namespaces (confine/cage.ts). "confine" may be left out, and
// its level may be null: as tightly as the launcher could. A level that was not reached is an error.
//
// An empty document says that there is nothing to serve: whoever started the gofer ahead found no use for it.
//
// Everything is checked, though the host wrote it: a gofer that serves something else than it was told is worse than
// one that does not start.

import { readSync } from "node:fs";
import { PATH_MAX } from "../../assembly/abi/limits.ts";
import { CONFINEMENTS, type Confinement } from "../common/confinement.ts";
import { WvisorError } from "../common/errors.ts";
import type { Cage } from "./confine/cage.ts";

/** What Go's log.Fatal and so gVisor's gofer exit with. */
export const EXIT_FAILED = 128;
/** Some 10,000 mounts; a descriptor that never ends must not fill the memory. */
const CONFIG_MAX = 1 << 20;
/** Descriptors 0 to 2 are standard input, output and error. */
const FIRST_FD = 3;

export interface MountConfig {
  /** The gofer's end of a connected stream socket, or a socket that listens. */
  readonly fd: number;
  /** A directory or a regular file of the host. */
  readonly source: string;
  readonly readonly: boolean;
  /** Whether open descriptors of regular files may go to the client. */
  readonly donate: boolean;
  /** Everybody who connects to `fd` is served, until the gofer is ended. May be left out: false. */
  readonly listen: boolean;
  /** What clients may call the tree besides "" and "/". May be left out: the source. */
  readonly name: string;
}

export interface ConfineConfig {
  /** What must be reached, or null. */
  readonly level: Confinement | null;
  /** What is not allowed is reported instead of killing. */
  readonly report: boolean;
}

export interface GoferConfig {
  readonly mounts: readonly MountConfig[];
  readonly confine: ConfineConfig;
}

export interface GoferArguments {
  readonly configFd: number;
  readonly cage: Cage | undefined;
}

const ARGUMENTS = /^--config-fd=(\d{1,7})(?: --roots-fd=(\d{1,7}) --proc-fd=(\d{1,7}))?$/;

export function parseArguments(args: readonly string[]): GoferArguments {
  const match = ARGUMENTS.exec(args.join(" "));
  if (match === null) throw invalid("usage: gofer.js --config-fd=N [--roots-fd=N --proc-fd=N]");
  const [configFd, rootsFd, procFd] = match.slice(1).map(Number) as [number, number, number];
  return { configFd, cage: match[2] === undefined ? undefined : { rootsFd, procFd } };
}

/** Reads `fd` to its end. */
export function readConfig(fd: number): GoferConfig {
  const buffer = Buffer.alloc(CONFIG_MAX + 1);
  let length = 0;
  try {
    for (;;) {
      const count = readSync(fd, buffer, length, buffer.length - length, null);
      if (count === 0) break;
      length += count;
      if (length > CONFIG_MAX) throw invalid(`config: longer than ${CONFIG_MAX} bytes`);
    }
  } catch (error) {
    if (error instanceof WvisorError) throw error;
    throw invalid(`config: descriptor ${fd}: ${(error as Error).message}`);
  }
  return parseConfig(buffer.toString("utf8", 0, length));
}

const UNTOLD: ConfineConfig = { level: null, report: false };

export function parseConfig(text: string): GoferConfig {
  if (text === "") return { mounts: [], confine: UNTOLD };
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    throw invalid(`config: ${(error as Error).message}`);
  }
  const { mounts, confine } = record(document, ["mounts"], "config", ["confine"]);
  if (!Array.isArray(mounts) || mounts.length === 0) throw invalid("config: mounts is not a list of mounts");
  const configs = mounts.map((mount: unknown, index) => parseMount(mount, `config: mounts[${index}]`));
  const fds = new Set(configs.map((config) => config.fd));
  if (fds.size !== configs.length) throw invalid("config: two mounts have one fd");
  return { mounts: configs, confine: confine === undefined ? UNTOLD : parseConfine(confine) };
}

function parseConfine(value: unknown): ConfineConfig {
  const { level, report } = record(value, ["level", "report"], "config: confine");
  if (level !== null && !CONFINEMENTS.some((known) => known === level)) {
    throw invalid(`config: confine: level is none of ${CONFINEMENTS.join(", ")}`);
  }
  if (typeof report !== "boolean") throw invalid("config: confine: report is not a boolean");
  return { level: level as Confinement | null, report };
}

function parseMount(value: unknown, where: string): MountConfig {
  const keys = ["fd", "source", "readonly", "donate"];
  const others = ["listen", "name"];
  const { fd, source, readonly, donate, listen = false, name = source } = record(value, keys, where, others);
  if (typeof fd !== "number" || !Number.isInteger(fd) || fd < FIRST_FD || fd > 0x7fff_ffff) {
    throw invalid(`${where}: fd is not a descriptor`);
  }
  if (typeof source !== "string" || !source.startsWith("/") || source.includes("\0")) {
    throw invalid(`${where}: source is not an absolute path`);
  }
  if (Buffer.byteLength(source) >= PATH_MAX) throw invalid(`${where}: source is too long`);
  if (typeof readonly !== "boolean") throw invalid(`${where}: readonly is not a boolean`);
  if (typeof donate !== "boolean") throw invalid(`${where}: donate is not a boolean`);
  if (typeof listen !== "boolean") throw invalid(`${where}: listen is not a boolean`);
  // A descriptor could go to anybody then.
  if (listen && donate) throw invalid(`${where}: listen and donate do not go together`);
  if (typeof name !== "string") throw invalid(`${where}: name is not a string`);
  return { fd, source, readonly, donate, listen, name };
}

/** An object with exactly these keys, and perhaps some of the others. */
function record(
  value: unknown,
  keys: readonly string[],
  where: string,
  others: readonly string[] = [],
): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalid(`${where}: not an object`);
  }
  const unknown = Object.keys(value).find((key) => !keys.includes(key) && !others.includes(key));
  if (unknown !== undefined) throw invalid(`${where}: unknown key ${JSON.stringify(unknown)}`);
  const missing = keys.find((key) => !Object.hasOwn(value, key));
  if (missing !== undefined) throw invalid(`${where}: ${missing} is missing`);
  return value as Record<string, unknown>;
}

function invalid(message: string): WvisorError {
  return new WvisorError("ERR_WVISOR_GOFER_CONFIG", message, EXIT_FAILED);
}
