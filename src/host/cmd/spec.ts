// wvisor spec: writes the config.json of a bundle that runs one .wasm.

import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { WvisorError } from "../../common/errors.ts";
import { isWasm, reasonOf } from "../config/host-file.ts";
import { ROOT_DIRECTORY, specTemplate } from "../spec/template.ts";
import { type Command, type CommandInput, UsageError } from "./command.ts";
import { EXIT_REFUSED, EXIT_USAGE } from "./exit-code.ts";

const USAGE = `Usage: wvisor spec [flags] FILE.wasm [ARGS]

Writes config.json for a bundle that runs FILE.wasm with ARGS, and an empty root directory beside it. The file stays where it
is and is bound read-only at /usr/local/bin. An existing config.json is never replaced.

  wvisor spec app.wasm --verbose && wvisor run
  wvisor spec --bundle ./hello app.wasm && wvisor run --bundle ./hello

Flags:
  -b, --bundle DIR   Where to write (default: the current directory); made when it does not exist
      --debug        With an error, show where in wVisor it arose

Exit code: 0 written, 1 refused, 2 the arguments are wrong.
`;

export const specCommand: Command = {
  name: "spec",
  summary: "Write the config.json of an OCI bundle for a .wasm file",
  usage: USAGE,
  flags: { bundle: { type: "string", short: "b" } },
  operandsEndFlags: true,
  exitCodes: { usage: EXIT_USAGE, refused: EXIT_REFUSED },
  run: runSpec,
};

function runSpec({ flags, operands }: CommandInput): number {
  const [file, ...args] = operands;
  if (file === undefined || file === "") throw new UsageError("which file? wvisor spec FILE.wasm [ARGS]");
  const module = resolve(file);
  attempt(file, () => {
    if (!isWasm(module)) throw refused(`${file}: not a WebAssembly module`);
  });
  const bundle = resolve(flags.text("bundle") ?? ".");
  const config = join(bundle, "config.json");
  const text = `${JSON.stringify(specTemplate(module, args), undefined, 2)}\n`;
  attempt(bundle, () => mkdirSync(bundle, { recursive: true }));
  // "x" refuses what is there in the same step as it creates.
  attempt(config, () => writeFileSync(config, text, { flag: "wx" }));
  const root = join(bundle, ROOT_DIRECTORY);
  attempt(root, () => mkdirSync(root, { recursive: true }));
  return 0;
}

function refused(message: string, cause?: unknown): WvisorError {
  return new WvisorError("ERR_WVISOR_SPEC", message, EXIT_REFUSED, { cause });
}

/** Does `step`, and says which file it was about when the host refuses. */
function attempt(file: string, step: () => void): void {
  try {
    step();
  } catch (error) {
    if (error instanceof WvisorError) throw error;
    throw refused(`${file}: ${reasonOf(error)}`, error);
  }
}
