// OCI's hooks: programs of the host that a bundle names for moments of a container's life, as runc 1.1 runs them.
//
//   prestart, createRuntime   in `create`, when the container's namespaces are there
//   createContainer           the same, in these namespaces, with the root directory of the host still
//   startContainer            in `start`, before the container's program: a program of the container, in its sandbox
//   poststart                 in `start`, after it. runc 1.1 has them in `create` still; 1.3 has not
//   poststop                  in `delete`, and when `create` failed
//
// A bundle's hooks are as trusted as the engine that wrote it. Each gets the state on its standard input, and the environment that
// the bundle gives it: never the caller's, where runc 1.1 passes that on.

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import type { WvisorError } from "../../common/errors.ts";
import { anchorPath } from "../../native/index.ts";
import type { SpecHook } from "../spec/runtime-spec.ts";
import { failed } from "./errors.ts";
import type { ContainerRecord, Status } from "./record.ts";

/** More than wv-anchor hands on of what a hook prints, in bytes. */
const OUTPUT_MAX = 1 << 20;
const MS_PER_SECOND = 1000;

/** What hooks are told of a container. */
export type HookState = Pick<ContainerRecord, "ociVersion" | "id" | "bundle" | "annotations"> & {
  readonly status: Status | "creating";
  readonly pid: number;
};

export interface HookPlace {
  /** The anchor whose namespaces they run in; the caller's when absent. */
  readonly entered?: number;
  readonly directory: string;
}

/** Runs them one after the other. Errors: WvisorError for the first that fails; then the others do not run. */
export function runHooks(hooks: readonly SpecHook[], state: HookState, place: HookPlace): void {
  hooks.forEach((hook, index) => {
    const problem = runHook(hook, state, place);
    if (problem !== undefined) throw hookFailed(index, problem);
  });
}

export const hookFailed = (index: number, problem: string): WvisorError =>
  failed(`error running hook #${index}: ${problem}`);
export const ranPast = (seconds: number): string =>
  `hook ran past specified timeout of ${seconds.toFixed(1)}s`;

/** What went wrong, in runc's words. */
function runHook(hook: SpecHook, state: HookState, place: HookPlace): string | undefined {
  const { path, args, env, timeout } = hook;
  const entered = place.entered === undefined ? [] : [`--enter=${place.entered}`];
  const names = args.length === 0 ? [path] : args;
  const result = spawnSync(
    anchorPath(),
    ["--hook", ...entered, `--cwd=${place.directory}`, "--", path, ...names],
    {
      input: JSON.stringify(state),
      env: environment(env),
      encoding: "utf8",
      maxBuffer: OUTPUT_MAX,
      killSignal: "SIGKILL",
      ...(typeof timeout === "number" && { timeout: timeout * MS_PER_SECOND }),
    },
  );
  const { status, signal, stdout, stderr, error } = result;
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (code === "ETIMEDOUT") return ranPast(timeout!);
  if (error !== undefined) return error.message;
  if (status === 0) return undefined;
  const how = signal === null ? `exit status ${status}` : `signal: ${signal}`;
  return `error running hook: ${how}, stdout: ${stdout}, stderr: ${stderr}`;
}

/** The last of two of a name wins, as in Linux's own tools. */
function environment(env: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    env.map((entry) => {
      const at = entry.indexOf("=");
      return [entry.slice(0, at), entry.slice(at + 1)];
    }),
  );
}

/** OCI's part of what is known of a container. */
export function hookState(
  record: Omit<HookState, "status" | "pid">,
  status: HookState["status"],
  pid: number,
): HookState {
  const { ociVersion, id, bundle, annotations } = record;
  return { ociVersion, id, status, pid, bundle, annotations };
}

/** The container is gone: one that fails is only spoken of, and the others run (config.md of the runtime specification). */
export function runPoststop(
  hooks: readonly SpecHook[],
  record: Omit<HookState, "status" | "pid">,
  warn: (text: string) => void,
): void {
  const state = hookState(record, "stopped", 0);
  // Engines may have taken it away already.
  const directory = existsSync(record.bundle) ? record.bundle : "/";
  hooks.forEach((hook, index) => {
    const problem = runHook(hook, state, { directory });
    if (problem !== undefined) warn(`error running poststop hook #${index}: ${problem}`);
  });
}
