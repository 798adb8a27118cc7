// The commands that the native front does (src/native/front): here they are parsed and explained, for whoever calls the CLI without
// the front, or in a way that the front leaves to us.

import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { WvisorError } from "../../common/errors.ts";
import { frontPath, NATIVE_REMEDY } from "../../native/index.ts";
import { checkContainerId, directoryName } from "../container/container-id.ts";
import type { CommandInput } from "./command.ts";
import { containersRoot } from "./oci.ts";

/** A list of very many containers. */
const OUTPUT_MAX = 64 << 20;

/** The exit code; what was wrong has been told and logged. Errors: WvisorError. */
export function runFront(input: CommandInput, command: string, flags: readonly string[] = []): number {
  return execFront(input, [frontPath(), ...globalFlags(input), command, ...flags]);
}

export interface FrontArguments {
  readonly flags?: readonly string[];
  readonly operands?: readonly string[];
}

/** The same about one container. Errors: WvisorError. */
export function runFrontFor(
  input: CommandInput,
  command: string,
  id: string,
  args: FrontArguments = {},
): number {
  return execFront(input, frontCommand(input, command, id, args));
}

/** How the front is called about one container. Errors: WvisorError. */
export function frontCommand(
  input: CommandInput,
  command: string,
  id: string,
  { flags = [], operands = [] }: FrontArguments = {},
): string[] {
  const directory = `--directory=${directoryName(checkContainerId(id))}`;
  return [frontPath(), ...globalFlags(input), command, ...flags, directory, "--", id, ...operands];
}

function globalFlags(input: CommandInput): string[] {
  const log = input.global.text("log");
  const format = input.global.text("log-format");
  return [
    "--front",
    `--root=${containersRoot(input)}`,
    // Whoever runs it may be elsewhere by then.
    ...(log === undefined ? [] : [`--log=${resolve(log)}`]),
    ...(format === undefined ? [] : [`--log-format=${format}`]),
  ];
}

function execFront({ output }: CommandInput, command: readonly string[]): number {
  const { status, signal, stdout, stderr, error } = spawnSync(command[0]!, command.slice(1), {
    stdio: ["ignore", "pipe", "pipe"],
    encoding: "utf8",
    env: {},
    maxBuffer: OUTPUT_MAX,
  });
  if (error !== undefined) {
    const why = `${frontPath()}: ${(error as NodeJS.ErrnoException).code ?? error.message}`;
    throw new WvisorError("ERR_WVISOR_DEGRADED", `${why}; needed: ${NATIVE_REMEDY}`);
  }
  output.out(stdout);
  output.err(stderr);
  if (status === null) throw new WvisorError("ERR_WVISOR_CONTAINER", `${frontPath()} was ended by ${signal}`);
  return status;
}
