// What spawn() and exec() take, and from there to a request to the supervisor.

import { basename } from "node:path";
import type { ProcessConfig } from "../host/config/sandbox-config.ts";
import { checkArray, checkNames, checkObject, checkString, wrongType, wrongValue } from "./arguments.ts";
import { checkEnvironment, type Environment, environment, processUser, type SandboxPlan } from "./options.ts";
import type { Program, SpawnRequest } from "./protocol.ts";
import { signalNumber } from "./signals.ts";
import { type CheckedStdio, checkStdio, type Stdio } from "./stdio.ts";
import {
  checkDirectory,
  checkDuration,
  checkId,
  checkSize,
  type Duration,
  hostFile,
  type Size,
} from "./values.ts";

/**
 * What runs: a path or name inside the sandbox or a runtime, a WebAssembly file of the host, or a module's bytes.
 */
export type Command = string | URL | Uint8Array;

export interface SpawnOptions {
  /** Inside the sandbox. */
  readonly cwd?: string;
  /** Besides the sandbox's own. */
  readonly env?: Environment;
  readonly stdio?: Stdio;
  /** Kills the program when it is aborted. */
  readonly signal?: AbortSignal;
  /** As the sandbox's limit on time; the shorter one counts. */
  readonly timeout?: Duration;
  /** What a timeout and an aborted signal kill with; SIGTERM when absent. All of them end a program at once. */
  readonly killSignal?: NodeJS.Signals | number;
  readonly uid?: number;
  readonly gid?: number;
  /** What the program calls itself; the command when absent. */
  readonly argv0?: string;
}

export interface ExecOptions extends Omit<SpawnOptions, "stdio"> {
  /** Its standard input; nothing when absent. */
  readonly input?: string | Uint8Array;
  /** What it may write, both streams together; 16 MiB when absent. Then it is stopped. */
  readonly maxBuffer?: Size;
}

export interface CheckedSpawn {
  readonly request: Omit<SpawnRequest, "key" | "streams">;
  readonly stdio: CheckedStdio;
  readonly signal: AbortSignal | undefined;
}

const SPAWN = ["cwd", "env", "stdio", "signal", "timeout", "killSignal", "uid", "gid", "argv0"];
const EXEC = [...SPAWN.filter((name) => name !== "stdio"), "input", "maxBuffer"];
const MAX_BUFFER = 16 << 20;

/** Errors: those of arguments.ts. */
export function checkSpawn(
  plan: SandboxPlan,
  command: unknown,
  args: unknown,
  options: unknown,
): CheckedSpawn {
  const given = checkObject("options", options);
  checkNames("options", given, SPAWN);
  return check(plan, command, args, given, plan.limits.outputBytes);
}

export interface CheckedExec extends CheckedSpawn {
  readonly input: string | Uint8Array | undefined;
}

/** The same. */
export function checkExec(plan: SandboxPlan, command: unknown, args: unknown, options: unknown): CheckedExec {
  const given = checkObject("options", options);
  checkNames("options", given, EXEC);
  const { input, maxBuffer } = given;
  if (input !== undefined && typeof input !== "string" && !(input instanceof Uint8Array)) {
    throw wrongType("options.input", "of type string or an instance of Uint8Array", input);
  }
  const most = maxBuffer === undefined ? MAX_BUFFER : checkSize("options.maxBuffer", maxBuffer);
  const { outputBytes } = plan.limits;
  const stdio = [input === undefined ? "ignore" : "pipe", "pipe", "pipe"];
  const output = outputBytes === 0 ? most : Math.min(most, outputBytes);
  return { ...check(plan, command, args, { ...given, stdio }, output), input };
}

function check(
  plan: SandboxPlan,
  command: unknown,
  args: unknown,
  given: Record<string, unknown>,
  outputBytes: number,
): CheckedSpawn {
  const strings = checkArray("args", args).map((argument, index) => checkString(`args[${index}]`, argument));
  const { program, name } = checkCommand(command);
  const argv0 = given.argv0 === undefined ? name : checkString("options.argv0", given.argv0);
  const { signal } = given;
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw wrongType("options.signal", "an instance of AbortSignal", signal);
  }
  const { timeMs } = plan.limits;
  const timeout = given.timeout === undefined ? 0 : checkDuration("options.timeout", given.timeout);
  const killSignal = signalNumber(given.killSignal ?? "SIGTERM", "options.killSignal");
  if (killSignal === 0) throw wrongValue("options.killSignal", "must be a signal", given.killSignal);
  return {
    request: {
      program,
      process: checkProcess(plan, [argv0, ...strings], given),
      timeMs: timeout === 0 || timeMs === 0 ? timeout + timeMs : Math.min(timeout, timeMs),
      outputBytes,
      killSignal,
    },
    stdio: checkStdio(given.stdio ?? "pipe"),
    signal,
  };
}

function checkCommand(command: unknown): { program: Program; name: string } {
  if (command instanceof URL) {
    const file = hostFile("command", command);
    return { program: { kind: "file", file }, name: basename(file) };
  }
  if (command instanceof Uint8Array) {
    return { program: { kind: "bytes", bytes: new Uint8Array(command) }, name: "program.wasm" };
  }
  if (command instanceof WebAssembly.Module) {
    const why = "cannot be a compiled module, whose memory nobody could limit any more; pass its bytes";
    throw wrongValue("command", why, command);
  }
  if (typeof command !== "string") {
    throw wrongType("command", "of type string or an instance of URL or Uint8Array", command);
  }
  const name = checkString("command", command);
  if (name === "") throw wrongValue("command", "must not be empty", name);
  return { program: { kind: "name", name, cwd: process.cwd() }, name };
}

function checkProcess(
  plan: SandboxPlan,
  args: readonly string[],
  given: Record<string, unknown>,
): ProcessConfig {
  const own = plan.config.process;
  const cwd = given.cwd === undefined ? own.cwd : checkDirectory("options.cwd", given.cwd);
  const more =
    given.env === undefined ? new Map<string, string>() : checkEnvironment("options.env", given.env);
  const uid = given.uid === undefined ? own.uid : checkId("options.uid", given.uid);
  const gid = given.gid === undefined ? own.gid : checkId("options.gid", given.gid);
  return {
    ...own,
    ...processUser({ uid, gid }),
    args,
    cwd,
    env: environment(new Map([...plan.env, ...more]), cwd),
  };
}
