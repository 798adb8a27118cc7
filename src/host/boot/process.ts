// A process of a sandbox, up to its first instruction.

import { fstatSync } from "node:fs";
import { O_RDWR } from "../../../assembly/abi/fcntl.ts";
import type { ProcessConfig, SandboxConfig } from "../config/sandbox-config.ts";
import type { SandboxMounts } from "./filesystems.ts";
import type { Machine, TaskHandle } from "./machine.ts";
import { findProgram, type Program } from "./program.ts";

/** The standard streams of this very process. */
export const STREAMS: readonly number[] = [0, 1, 2];

/** With its credentials, environment and streams: descriptors of the host, which become 0, 1, 2. */
export function makeTask(
  machine: Machine,
  mounts: SandboxMounts,
  process: ProcessConfig,
  streams: readonly number[],
): TaskHandle {
  const task = machine.task(mounts.namespace, process, mounts.others);
  try {
    machine.setEnvironment(task, process.env);
    streams.forEach((hostFd, fd) => {
      const mode = modeOf(hostFd);
      if (mode !== undefined) machine.setStream(task, fd, hostFd, mode, O_RDWR);
    });
    return task;
  } catch (error) {
    machine.dropTask(task);
    throw error;
  }
}

/** Undefined when it was closed by whoever started us: the guest has none either. */
function modeOf(fd: number): number | undefined {
  try {
    return fstatSync(fd).mode;
  } catch {
    return undefined;
  }
}

/** The file systems are mounted; nothing runs yet. Errors: WvisorError. */
export function makeWorkingDirectory(machine: Machine, mounts: SandboxMounts, config: SandboxConfig): void {
  if (config.makesCwd) machine.makeDirectories(mounts.namespace, config.process.cwd);
}

/**
 * Its working directory, its program, the arguments and what is open. The file systems are mounted. Errors: WvisorError with exit
 * code 126 or 127.
 */
export function loadProgram(
  machine: Machine,
  task: TaskHandle,
  config: SandboxConfig,
  mounts: SandboxMounts,
): Program {
  machine.chdir(task, config.process.cwd);
  const program = findProgram(machine, task, config, mounts);
  prepareTask(machine, task, config, program.args);
  return program;
}

/** Its working directory, its arguments and what is open, for a program whose file the sandbox need not have. Errors: WvisorError. */
export function prepareTask(
  machine: Machine,
  task: TaskHandle,
  config: SandboxConfig,
  args: readonly string[],
): void {
  machine.chdir(task, config.process.cwd);
  machine.setArguments(task, args);
  for (const { path, name } of preopens(machine, task, config)) machine.preopen(task, path, name);
}

/**
 * What a WASI program finds open. libc resolves an absolute path by the longest preopened name that fits, and a relative one
 * by the name ".", but takes "/" and "." for the same: so where the working directory is not "/", every directory at the top
 * is preopened under its own name, and the working directory last.
 */
function preopens(
  machine: Machine,
  task: TaskHandle,
  config: SandboxConfig,
): { path: string; name: string }[] {
  const { cwd } = config.process;
  const root = { path: "/", name: "/" };
  if (cwd === "/") return [root];
  const listed = machine.list(task, "/").filter((entry) => entry.isDirectory);
  // A listing may be longer than what list() takes, and mount points that the kernel keeps are at its end.
  const mounted = config.mounts.map(({ destination }) => destination.split("/")[1]!);
  const top = new Set([...listed.map(({ name }) => name), ...mounted, "dev"]);
  const named = [...top].map((name) => ({ path: `/${name}`, name: `/${name}` }));
  return [root, ...named.filter(({ path }) => machine.isDirectory(task, path)), { path: cwd, name: "." }];
}
