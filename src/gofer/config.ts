// What the gofer is told: arguments, and a JSON document on the descriptor that the first names.
//
//   gofer.js --config-fd=N [--roots-fd=N --proc-fd=N]
//   { "mounts": [ { "fd": 3, "source": "/abs/host/path", "readonly": true, "donate": true, "listen": false,
//                   "name": "files", "window": 0 } ],
//     "confine": { "level": "native+ns", "report": false, "capabilities": false },
//     "control": { "fd": 4, "listen": false, "beneath": ["/"] },
//     "windows": { "memory": 5, "bell": 6 },
//     "host": { "uds": "none", "fifo": "none" },
//     "descriptors": 1024,
//     "list": { ... },
//     "procSyncFd": 9 }
//
// The other two arguments come from a launcher that started it in namespaces (confine/cage.ts). All but the mounts may be left out:
//   confine       Its level may be null: as tightly as the launcher could. A level that was not reached is an error.
//                 "capabilities", which may be left out too: those that the gofer has stay, beyond what it needs
//   control       With it there may be no mounts: others come over its connections (control/), which lie beneath the named directories
//                 where the gofer is confined by Landlock alone.
//   windows       memory that connections share with their clients (windows.ts)
//   host          what clients may reach besides files and directories
//   descriptors   RLIMIT_NOFILE, soft and hard; as many as there can be when absent
//   list          the container's mounts, to be resolved and written to a descriptor (mounts/list-config.ts)
//   procSyncFd    gets one byte, and is closed, when /proc is needed no more
//
// An empty document says that there is nothing to serve: whoever started the gofer ahead found no use for it.
//
// Everything is checked, though the host wrote it: a gofer that serves something else than it was told is worse than
// one that does not start.

import { readSync } from "node:fs";
import { PATH_MAX } from "../../assembly/abi/limits.ts";
import { CONFINEMENTS, type Confinement } from "../common/confinement.ts";
import { WvisorError } from "../common/errors.ts";
import { FILES_ONLY, HOST_FIFO, HOST_UDS, type HostPolicy } from "../common/host-policy.ts";
import { array, descriptor, integer, invalid, oneOf, record, text, truth } from "./checked-json.ts";
import type { Cage } from "./confine/cage.ts";
import { type MountListConfig, parseMountList } from "./mounts/list-config.ts";

/** Some 10,000 mounts; a descriptor that never ends must not fill the memory. */
const CONFIG_MAX = 1 << 20;
/** Linux lets no process have more, unless it is told otherwise (fs.nr_open). */
const DESCRIPTORS_MAX = 1 << 20;
const WINDOW_LAST = 63;

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
  /** The number of its window. May be left out: everything goes by the socket. */
  readonly window: number | undefined;
}

export interface ConfineConfig {
  /** What must be reached, or null. */
  readonly level: Confinement | null;
  /** What is not allowed is reported instead of killing. */
  readonly report: boolean;
  /** Capabilities stay as they are. */
  readonly capabilities: boolean;
}

export interface ControlConfig {
  /** The gofer's end of a connected stream socket, or a socket that listens. */
  readonly fd: number;
  /** The user of the gofer, and root, may connect to `fd`. May be left out: false. */
  readonly listen: boolean;
  /** Directories of the host. May be left out: all of it. */
  readonly beneath: readonly string[];
}

/** Descriptors (windows.ts). */
export interface WindowsConfig {
  /** The memory of all windows. */
  readonly memory: number;
  /** An eventfd. */
  readonly bell: number;
}

export interface GoferConfig {
  readonly mounts: readonly MountConfig[];
  readonly confine: ConfineConfig;
  readonly control: ControlConfig | undefined;
  readonly windows: WindowsConfig | undefined;
  readonly host: HostPolicy;
  readonly descriptors: number | undefined;
  readonly list: MountListConfig | undefined;
  readonly procSyncFd: number | undefined;
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

const UNTOLD: GoferConfig = {
  mounts: [],
  confine: { level: null, report: false, capabilities: false },
  control: undefined,
  windows: undefined,
  host: FILES_ONLY,
  descriptors: undefined,
  list: undefined,
  procSyncFd: undefined,
};

const OPTIONAL = ["confine", "control", "windows", "host", "descriptors", "list", "procSyncFd"];

export function parseConfig(source: string): GoferConfig {
  if (source === "") return UNTOLD;
  let document: unknown;
  try {
    document = JSON.parse(source);
  } catch (error) {
    throw invalid(`config: ${(error as Error).message}`);
  }
  const told = record(document, ["mounts"], "config", OPTIONAL);
  const mounts = array(told.mounts, "config: mounts").map((mount, index) =>
    parseMount(mount, `config: mounts[${index}]`),
  );
  const config: GoferConfig = {
    mounts,
    confine: told.confine === undefined ? UNTOLD.confine : parseConfine(told.confine),
    control: optional(told.control, parseControl, "config: control"),
    windows: optional(told.windows, parseWindows, "config: windows"),
    host: told.host === undefined ? UNTOLD.host : parseHost(told.host),
    descriptors: optional(told.descriptors, parseLimit, "config: descriptors"),
    list: optional(told.list, (list, where) => parseMountList(list, mounts.length, where), "config: list"),
    procSyncFd: optional(told.procSyncFd, descriptor, "config: procSyncFd"),
  };
  checkNumbers(config);
  return config;
}

function optional<T>(
  value: unknown,
  parse: (value: unknown, where: string) => T,
  where: string,
): T | undefined {
  return value === undefined ? undefined : parse(value, where);
}

function checkNumbers({ mounts, control, windows, list, procSyncFd }: GoferConfig): void {
  if (mounts.length === 0 && control === undefined) throw invalid("config: there is nothing to serve");
  const served = [...mounts, ...(control === undefined ? [] : [control])].map(({ fd }) => fd);
  if (hasTwice(served)) throw invalid("config: two mounts have one fd");
  const others = [windows?.memory, windows?.bell, list?.fd, procSyncFd].filter((fd) => fd !== undefined);
  if (hasTwice([...served, ...others])) throw invalid("config: one descriptor for two purposes");
  const used = mounts.flatMap(({ window }) => window ?? []);
  if (hasTwice(used)) throw invalid("config: two mounts have one window");
  if (used.length > 0 && windows === undefined) throw invalid("config: windows is missing");
}

function hasTwice(numbers: readonly number[]): boolean {
  return new Set(numbers).size !== numbers.length;
}

function parseWindows(value: unknown, where: string): WindowsConfig {
  const { memory, bell } = record(value, ["memory", "bell"], where);
  return { memory: descriptor(memory, `${where}: memory`), bell: descriptor(bell, `${where}: bell`) };
}

function parseConfine(value: unknown): ConfineConfig {
  const where = "config: confine";
  const { level, report, capabilities = false } = record(value, ["level", "report"], where, ["capabilities"]);
  return {
    level: level === null ? null : oneOf(level, CONFINEMENTS, `${where}: level`),
    report: truth(report, `${where}: report`),
    capabilities: truth(capabilities, `${where}: capabilities`),
  };
}

function parseHost(value: unknown): HostPolicy {
  const { uds, fifo } = record(value, ["uds", "fifo"], "config: host");
  return {
    uds: oneOf(uds, HOST_UDS, "config: host: uds"),
    fifo: oneOf(fifo, HOST_FIFO, "config: host: fifo"),
  };
}

function parseLimit(value: unknown, where: string): number {
  return integer(value, 0, DESCRIPTORS_MAX, where);
}

function parseMount(value: unknown, where: string): MountConfig {
  const fields = record(value, ["fd", "source", "readonly", "donate"], where, ["listen", "name", "window"]);
  const { listen = false, name = fields.source, window } = fields;
  const mount = {
    fd: descriptor(fields.fd, `${where}: fd`),
    source: absolute(fields.source, `${where}: source`),
    readonly: truth(fields.readonly, `${where}: readonly`),
    donate: truth(fields.donate, `${where}: donate`),
    listen: truth(listen, `${where}: listen`),
    name: text(name, `${where}: name`),
    window: window === undefined ? undefined : integer(window, 0, WINDOW_LAST, `${where}: window`),
  };
  // A descriptor could go to anybody then.
  if (mount.listen && mount.donate) throw invalid(`${where}: listen and donate do not go together`);
  if (mount.listen && mount.window !== undefined)
    throw invalid(`${where}: listen and window do not go together`);
  return mount;
}

function parseControl(value: unknown, where: string): ControlConfig {
  const { fd, listen = false, beneath = ["/"] } = record(value, ["fd"], where, ["listen", "beneath"]);
  return {
    fd: descriptor(fd, `${where}: fd`),
    listen: truth(listen, `${where}: listen`),
    beneath: array(beneath, `${where}: beneath`).map((path, index) =>
      absolute(path, `${where}: beneath[${index}]`),
    ),
  };
}

function absolute(value: unknown, where: string): string {
  if (typeof value !== "string" || !value.startsWith("/") || value.includes("\0")) {
    throw invalid(`${where} is not an absolute path`);
  }
  if (Buffer.byteLength(value) >= PATH_MAX) throw invalid(`${where} is too long`);
  return value;
}
