// wvisor undo: takes the last apply back.

import { requireNative } from "../../native/index.ts";
import { openApplyTrees } from "../apply/apply.ts";
import { undo } from "../apply/undo.ts";
import { hostFacts } from "../config/host-facts.ts";
import { shownPath, textOf } from "../session/shown-path.ts";
import { type Command, type CommandInput, UsageError } from "./command.ts";
import { EXIT_REFUSED, EXIT_USAGE } from "./exit-code.ts";
import { progressOn } from "./progress.ts";
import { sessionsOf } from "./session-command.ts";

const USAGE = `Usage: wvisor undo [flags]

Takes the last 'wvisor apply' back: the directory is as it was before, and the session has its changes again.

  wvisor apply && make test || wvisor undo

A file that was changed since it was applied is a conflict: it is named, and nothing at all is undone. An apply that was stopped is
taken back as far as it came; an undo that was stopped is finished by the next one.

Flags:
      --session NAME   This session ("wvisor sessions" lists them)
      --json           Say what became of it as a JSON document
      --sync           Files are on the disk before they take their places (fsync)
  -q, --quiet          Say nothing but what is wrong
      --debug          With an error, show where in wVisor it arose

Exit code: 0; 1 with conflicts, or when it cannot be done; 2 when the arguments are wrong.
`;

export const undoCommand: Command = {
  name: "undo",
  summary: "Take the last apply back",
  usage: USAGE,
  flags: {
    session: { type: "string" },
    json: { type: "boolean" },
    sync: { type: "boolean" },
    quiet: { type: "boolean", short: "q" },
  },
  operandsEndFlags: false,
  exitCodes: { usage: EXIT_USAGE, refused: EXIT_REFUSED },
  run: runUndo,
};

function runUndo({ flags, operands, output }: CommandInput): number {
  if (operands.length > 0)
    throw new UsageError(`unexpected argument ${operands[0]}: all of an apply is undone`);
  const host = hostFacts();
  const session = sessionsOf(host).openUnfinished(flags.text("session"), host.cwd);
  try {
    const trees = openApplyTrees(requireNative(), session);
    try {
      const progress = progressOn(output, flags.has("quiet"), "files written");
      const { conflicts, count } = undo(session, trees, { sync: flags.has("sync"), progress });
      if (flags.has("json")) {
        const named = conflicts.map(({ path, why }) => ({ path: textOf(path) ?? path.toString(), why }));
        output.out(
          `${JSON.stringify({ version: 1, session: session.name, undone: count, conflicts: named })}\n`,
        );
      } else {
        for (const { path, why } of conflicts) output.err(`wvisor undo: ${shownPath(path)}: ${why}\n`);
        if (conflicts.length > 0) output.err("wvisor undo: nothing is undone\n");
        else if (!flags.has("quiet"))
          output.err(`wvisor undo: ${count} ${count === 1 ? "file is" : "files are"} as before\n`);
      }
      return conflicts.length > 0 ? EXIT_REFUSED : 0;
    } finally {
      trees.close();
    }
  } finally {
    session.release();
  }
}
