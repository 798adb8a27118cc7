// What the commands about a session have in common: which one, and which of its files.

import { relative, resolve } from "node:path";
import { oneLine } from "../../common/one-line.ts";
import { requireNative } from "../../native/index.ts";
import { type HostFacts, hostFacts } from "../config/host-facts.ts";
import type { Change } from "../session/change.ts";
import { findChanges } from "../session/changes.ts";
import type { Session } from "../session/session.ts";
import { sessionsRoot } from "../session/session-name.ts";
import { openSessionTrees, type SessionTrees, type SessionTreesOptions } from "../session/session-trees.ts";
import { Sessions } from "../session/sessions.ts";
import { isAtOrBelow } from "../trees/tree-path.ts";
import { type CommandInput, UsageError } from "./command.ts";
import type { Output } from "./output.ts";

export interface OpenSession {
  readonly session: Session;
  readonly trees: SessionTrees;
  readonly changes: readonly Change[];
  readonly host: HostFacts;
}

export function sessionsOf(host: HostFacts): Sessions {
  return new Sessions(requireNative(), sessionsRoot(host.env, host.uid));
}

/** Runs `use` on the session that --session names, or on the current directory's. Errors: WvisorError. */
export function withSession<T>(
  { flags }: CommandInput,
  writable: SessionTreesOptions["writable"],
  use: (open: OpenSession) => T,
): T {
  const host = hostFacts();
  const session = sessionsOf(host).open(flags.text("session"), host.cwd);
  try {
    const trees = openSessionTrees(requireNative(), session, writable === undefined ? {} : { writable });
    try {
      const changes = findChanges(trees, { owners: host.uid === 0 });
      return use({ session, trees, changes, host });
    } finally {
      trees.close();
    }
  } finally {
    session.release();
  }
}

/** Says of a path of the session whether the operands name it: it, or a directory above it. All are when there are no operands. */
export function pathsNamed(
  operands: readonly string[],
  session: Session,
  cwd: string,
): (path: Buffer) => boolean {
  const named = operands.map((operand) => {
    const path = relative(session.base, resolve(cwd, operand));
    if (path === ".." || path.startsWith("../")) {
      throw new UsageError(`${oneLine(operand)}: not in ${oneLine(session.base)}, whose changes these are`);
    }
    return Buffer.from(path);
  });
  return (path) => named.length === 0 || named.some((directory) => isAtOrBelow(path, directory));
}

/** Those of a command's operands. Errors: UsageError for an operand that names none. */
export function changesNamed(
  changes: readonly Change[],
  operands: readonly string[],
  session: Session,
  cwd: string,
): Change[] {
  for (const operand of operands) {
    const isNamed = pathsNamed([operand], session, cwd);
    if (!changes.some((change) => touches(change, isNamed))) {
      throw new UsageError(`${oneLine(operand)}: nothing of that name is changed`);
    }
  }
  const isNamed = pathsNamed(operands, session, cwd);
  return changes.filter((change) => touches(change, isNamed));
}

function touches({ path, from }: Change, isNamed: (path: Buffer) => boolean): boolean {
  return isNamed(path) || (from !== undefined && isNamed(from));
}

/** Writes text that may be long in pieces. */
export function writeText(output: Output, pieces: Iterable<string>): void {
  const PIECE = 1 << 16;
  let text = "";
  for (const piece of pieces) {
    text += piece;
    if (text.length < PIECE) continue;
    output.out(text);
    text = "";
  }
  output.out(text);
}
