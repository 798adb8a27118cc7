// Terminals of containers: who creates a container or adds a process makes a pseudoterminal, gives its slave to the sentry, as
// the three streams, and its master to whoever shows it: the engine, over a socket of its own (`--console-socket`), or the
// process that the user waits for.

import { closeSync, openSync } from "node:fs";
import { getSystemErrorMap } from "node:util";
import { O_PATH } from "../../../assembly/abi/fcntl.ts";
import { anchorPath, type Native } from "../../native/index.ts";
import { becomeCommand } from "../sandbox/gofer-process.ts";
import type { SpecProcess } from "../spec/runtime-spec.ts";
import { failed } from "./errors.ts";

const SLOT = 14;
const SOCK_STREAM = 1;
/** What runc sends along: the name of the file that it has opened. */
const MASTER_NAME = new TextEncoder().encode("/dev/ptmx");
const LIST_BYTES = 8;
const STREAMS = [0, 1, 2];
const CLOSED = -1;

export interface TerminalRequest {
  /** The process wants one. */
  readonly terminal: boolean;
  readonly consoleSize?: SpecProcess["consoleSize"];
  /** Nobody waits for the process in the foreground. */
  readonly detached: boolean;
  /** A path of the engine's. */
  readonly consoleSocket: string | undefined;
}

/** Undefined for a process without a terminal. Errors: WvisorError, in runc's words. */
export function openTerminal(native: Native, request: TerminalRequest): Terminal | undefined {
  const { terminal, detached, consoleSocket } = request;
  if (detached && terminal && consoleSocket === undefined) {
    throw failed("cannot allocate tty if runc will detach without setting console socket");
  }
  if ((!detached || !terminal) && consoleSocket !== undefined) {
    throw failed("cannot use console socket if runc will not detach or allocate tty");
  }
  if (!terminal) return undefined;
  if (!detached) needUserTerminal(native);
  const socket = consoleSocket === undefined ? CLOSED : connect(native, consoleSocket);
  try {
    return new Terminal(native, socket, request.consoleSize);
  } catch (error) {
    native.close(socket);
    throw error;
  }
}

/** A terminal that is to be given away. */
export class Terminal {
  readonly #native: Native;
  readonly slave: number;
  #master: number;
  /** The engine's. */
  #socket: number;

  /** Ownership: takes `socket`, unless it throws. */
  constructor(native: Native, socket: number, size: TerminalRequest["consoleSize"]) {
    const ends = new Int32Array(2);
    native.registerMemory(SLOT, new Uint8Array(ends.buffer));
    // What no engine shows is shown at the user's terminal.
    const result = native.openTerminal(SLOT, 0, Number(socket === CLOSED));
    if (result < 0) throw failed(`making a terminal: ${reason(result)}`);
    this.#native = native;
    this.#master = ends[0]!;
    this.slave = ends[1]!;
    this.#socket = socket;
    if (size !== undefined && size.height > 0 && size.width > 0) {
      native.setWindowSize(this.#master, size.height, size.width);
    }
  }

  /** Where an engine waits for the master, it has it when this returns. Errors: WvisorError. */
  sendMaster(): void {
    if (this.#socket === CLOSED) return;
    const message = new Uint8Array(LIST_BYTES + MASTER_NAME.length);
    const list = new DataView(message.buffer);
    list.setUint32(0, 1, true);
    list.setInt32(4, this.#master, true);
    message.set(MASTER_NAME, LIST_BYTES);
    this.#native.registerMemory(SLOT, message);
    const sent = this.#native.sendRights(this.#socket, SLOT, LIST_BYTES, MASTER_NAME.length, 0);
    if (sent !== MASTER_NAME.length) throw failed(`sending the terminal: ${reason(sent)}`);
  }

  /** Ownership: the caller's from here on. Undefined where an engine has it. */
  takeMaster(): number | undefined {
    if (this.#socket !== CLOSED) return undefined;
    const master = this.#master;
    this.#master = CLOSED;
    return master;
  }

  /** What is still ours of it. */
  close(): void {
    for (const fd of [this.slave, this.#master, this.#socket]) this.#native.close(fd);
  }
}

/** What would be missed too late: the process runs by then. */
function needUserTerminal(native: Native): void {
  if (STREAMS.some((fd) => native.isatty(fd) === 1)) return;
  try {
    closeSync(openSync("/dev/tty", "r+"));
  } catch (cause) {
    throw failed(`open /dev/tty: ${reason((cause as NodeJS.ErrnoException).errno!)}`, cause);
  }
}

/** By a descriptor of the socket's file: its path may be longer than an address can be. */
function connect(native: Native, path: string): number {
  const refused = (errno: number): Error => failed(`dial unix ${path}: connect: ${reason(errno)}`);
  let place: number;
  try {
    place = openSync(path, O_PATH);
  } catch (error) {
    throw refused((error as NodeJS.ErrnoException).errno!);
  }
  const fd = native.connectUnix(place, SOCK_STREAM);
  closeSync(place);
  if (fd < 0) throw refused(fd);
  return fd;
}

/** Of a negative errno, as strerror(3) words it. */
function reason(errno: number): string {
  return getSystemErrorMap().get(errno)?.[1] ?? `errno ${-errno}`;
}

/**
 * This process shows the terminal at the user's from here on, and ends as `pid` does, our child, which stands for the process.
 * `last`: a command that it runs at its end. Returns never. Errors: WvisorError.
 */
export function showTerminal(
  native: Native,
  master: number,
  pid: number,
  last: readonly string[] = [],
): never {
  const command = [anchorPath(), `--attach=${pid}`, `--master=${master}`];
  if (last.length > 0) command.push("--", ...last);
  return becomeCommand(native, command, [0, 1, master]);
}
