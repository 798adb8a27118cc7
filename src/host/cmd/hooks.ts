// wvisor hooks: the hooks that are due when a container is started or deleted. The native front does these two and calls this.

import { requireNative } from "../../native/index.ts";
import { type HookMoment, isHookMoment, runLaterHooks } from "../container/later-hooks.ts";
import { type Command, type CommandInput, UsageError } from "./command.ts";
import { OCI_EXIT_CODES, onlyId, openContainers } from "./oci.ts";

const USAGE = `Usage: wvisor hooks --moment MOMENT ID

Runs hooks of a container (internal use only): 'wvisor start' and 'wvisor delete' call it where there are any.

Flags:
      --moment MOMENT   startContainer, poststart or poststop. Required
      --debug           With an error, show where it arose

Exit code: 0 all went well, 1 not. A poststop hook that fails is only spoken of.
`;

export const hooksCommand: Command = {
  name: "hooks",
  summary: "Run hooks of a container (internal use only)",
  usage: USAGE,
  flags: { moment: { type: "string" } },
  operandsEndFlags: false,
  exitCodes: OCI_EXIT_CODES,
  run: runHooksOf,
};

function runHooksOf(input: CommandInput): number {
  const native = requireNative();
  const container = openContainers(native, input).find(onlyId(input));
  runLaterHooks(native, container, momentOf(input), input.warn);
  return 0;
}

function momentOf({ flags }: CommandInput): HookMoment {
  const moment = flags.text("moment") ?? "";
  if (isHookMoment(moment)) return moment;
  throw new UsageError(`--moment ${moment}: expected startContainer, poststart or poststop`);
}
