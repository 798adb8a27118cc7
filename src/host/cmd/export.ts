// wvisor export: what a session has changed, as a file for others.

import { closeSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { resolve } from "node:path";
import { ErrnoError, WvisorError } from "../../common/errors.ts";
import { reasonOf } from "../config/host-file.ts";
import type { Change } from "../session/change.ts";
import { formatChanges } from "../session/changes-json.ts";
import { sessionError } from "../session/errors.ts";
import { exportTar } from "../session/export-tar.ts";
import { formatPatch } from "../session/patch.ts";
import { lostInPatch, patchFilesOf } from "../session/patch-file.ts";
import { type Command, type CommandInput, UsageError } from "./command.ts";
import { EXIT_REFUSED, EXIT_USAGE } from "./exit-code.ts";
import { changesNamed, type OpenSession, withSession } from "./session-command.ts";
import { isTerminal, STDOUT } from "./terminal.ts";

const USAGE = `Usage: wvisor export [flags] [PATH...]

Writes the changes of a session, all or those of the paths, as one file.

  wvisor export -o changes.tar                      The files that are new or changed
  wvisor export --format oci-layer -o layer.tar     With whiteouts for what is gone: a layer of a container's image
  wvisor export --format patch | git apply
  wvisor export --format json | jq .

Flags:
      --session NAME   This session ("wvisor sessions" lists them)
      --format FORMAT  tar (the default), oci-layer, patch or json
  -o, --output FILE    Write there, whole or not at all; standard output when absent
      --debug          With an error, show where in wVisor it arose

The same changes give the same bytes. 'wvisor import' reads tar and oci-layer.

Exit code: 0; 1 when it cannot be done; 2 when the arguments are wrong.
`;

const FORMATS = ["tar", "oci-layer", "patch", "json"] as const;
type Format = (typeof FORMATS)[number];

export const exportCommand: Command = {
  name: "export",
  summary: "Write the changes of a session as tar, OCI layer, patch or JSON",
  usage: USAGE,
  flags: { session: { type: "string" }, format: { type: "string" }, output: { type: "string", short: "o" } },
  operandsEndFlags: false,
  exitCodes: { usage: EXIT_USAGE, refused: EXIT_REFUSED },
  run: runExport,
};

function runExport(input: CommandInput): number {
  const format = formatOf(input.flags.text("format") ?? "tar");
  const file = input.flags.text("output");
  if (file === undefined && isTerminal(STDOUT) && format !== "json" && format !== "patch") {
    throw new UsageError("an archive is nothing for a terminal: -o FILE says where it goes");
  }
  return withSession(input, undefined, (open) => {
    const changes = changesNamed(open.changes, input.operands, open.session, open.host.cwd);
    const pieces = piecesOf(format, changes, open, input.warn);
    if (file === undefined) for (const piece of pieces) input.output.out(piece);
    else writeFile(resolve(open.host.cwd, file), pieces);
    return 0;
  });
}

function formatOf(text: string): Format {
  const format = FORMATS.find((known) => known === text);
  if (format === undefined) throw new UsageError(`--format ${text}: expected ${FORMATS.join(", ")}`);
  return format;
}

function* piecesOf(
  format: Format,
  changes: readonly Change[],
  { session, trees }: OpenSession,
  warn: (text: string) => void,
): Generator<Uint8Array> {
  if (format === "tar" || format === "oci-layer") {
    yield* exportTar(trees, changes, format === "oci-layer", warn);
  } else if (format === "json") {
    for (const text of formatChanges(session.name, session.base, changes)) yield Buffer.from(text);
  } else {
    for (const change of changes) for (const file of patchFilesOf(trees, change)) yield formatPatch(file);
    const lost = lostInPatch(changes);
    if (lost !== undefined) warn(lost);
  }
}

/** Whole or not at all. Errors: WvisorError. */
function writeFile(file: string, pieces: Iterable<Uint8Array>): void {
  const draft = `${file}.${process.pid}.new`;
  try {
    const fd = openSync(draft, "wx");
    try {
      for (const piece of pieces) for (let at = 0; at < piece.length; ) at += writeSync(fd, piece, at);
    } finally {
      closeSync(fd);
    }
    renameSync(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
    if (error instanceof WvisorError || error instanceof ErrnoError) throw error;
    throw sessionError(`${file}: ${reasonOf(error)}`, error);
  }
}
