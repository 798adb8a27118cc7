// The session of `wvisor do`: where the changes of the current directory go, and what is told of them.

import { relative } from "node:path";
import { oneLine } from "../../common/one-line.ts";
import { requireNative } from "../../native/index.ts";
import type { GoferConnection } from "../boot/loader.ts";
import type { HostFacts } from "../config/host-facts.ts";
import type { OverlaySource, SandboxConfig } from "../config/sandbox-config.ts";
import { findChanges } from "../session/changes.ts";
import { sessionError } from "../session/errors.ts";
import type { Session } from "../session/session.ts";
import { NO_SESSION, sessionsRoot } from "../session/session-name.ts";
import { Sessions } from "../session/sessions.ts";
import { TreeConnection } from "../trees/tree-connection.ts";
import { changesSummary } from "./changes-summary.ts";
import type { CommandInput } from "./command.ts";
import type { Flags } from "./flags.ts";
import { type Colors, colorsOf, isTerminal, STDERR } from "./terminal.ts";

/** What the kernel is told besides layers: marks that any user may set, and directories that can be renamed all the same. */
const OVERLAY_OPTIONS = "userxattr,redirect_dir=on";

export interface KeptChanges {
  readonly config: SandboxConfig;
  /** For the loader; undefined when nothing is to be told. */
  readonly onEnd: ((connections: readonly GoferConnection[]) => void) | undefined;
}

/** Whether the run is one whose changes go to a session. */
export function keepsChanges(flags: Flags): boolean {
  return !flags.has("volume") && !flags.has("rootfs") && flags.text("session") !== NO_SESSION;
}

/** `config` with its overlay's changes in the session, which this process has from here on. Errors: WvisorError. */
export function keepChanges(input: CommandInput, config: SandboxConfig, host: HostFacts): KeptChanges {
  const sessions = new Sessions(requireNative(), sessionsRoot(host.env, host.uid));
  if (isBelow(host.cwd, sessions.root))
    throw sessionError(`${oneLine(host.cwd)}: sessions are kept here, and have none`);
  const { session, isNew } = sessions.openOrCreate(input.flags.text("session"), host.cwd);
  session.noteRun();
  if (!isNew && !input.flags.has("quiet")) {
    const since = session.record.created;
    input.output.err(
      `wvisor do: goes on in session ${session.name} of ${since} ('wvisor discard' starts afresh)\n`,
    );
  }
  // A confined process cannot ask what its streams are.
  const tells = !input.flags.has("quiet") && (input.flags.has("changes") || isTerminal(STDERR));
  const colors = colorsOf(STDERR, host.env);
  const source: OverlaySource = {
    type: "overlay",
    lowers: [host.cwd],
    upper: session.upper,
    options: OVERLAY_OPTIONS,
    readonly: false,
    cache: "exclusive",
  };
  const mounts = config.mounts.map((mount) =>
    mount.destination === host.cwd ? { ...mount, source } : mount,
  );
  // The layer shows itself in the directory that it covers.
  const maskedPaths = isBelow(sessions.root, host.cwd) ? [sessions.root] : [];
  return {
    config: { ...config, mounts, maskedPaths },
    onEnd: tells ? (connections) => tellChanges(input, session, connections, host.uid, colors) : undefined,
  };
}

/** The program has ended, and this process opens nothing any more: the gofer that served it shows the two trees. */
function tellChanges(
  { output, warn }: CommandInput,
  session: Session,
  connections: readonly GoferConnection[],
  uid: number,
  colors: Colors,
): void {
  try {
    const native = requireNative();
    const [upper, base] = connections
      .slice(0, 2)
      .map((connection) => new TreeConnection(native, connection).root);
    const changes = findChanges({ upper: upper!, base: base! }, { owners: uid === 0 });
    output.err(changesSummary(changes, session.name, colors));
  } catch (error) {
    warn(`listing the changes: ${(error as Error).message} ('wvisor diff' tries again)`);
  }
}

function isBelow(path: string, directory: string): boolean {
  const way = relative(directory, path);
  return way === "" || !(way === ".." || way.startsWith("../"));
}
