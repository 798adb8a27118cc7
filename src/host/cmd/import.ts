// wvisor import: an archive as the changes of a session.

import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { O_NONBLOCK, O_RDONLY } from "../../../assembly/abi/fcntl.ts";
import { oneLine } from "../../common/one-line.ts";
import { requireNative } from "../../native/index.ts";
import { ArchiveError, type ReadAt } from "../archive/tar-reader.ts";
import { hostFacts } from "../config/host-facts.ts";
import { reasonOf } from "../config/host-file.ts";
import { discardAll } from "../session/discard.ts";
import { sessionError } from "../session/errors.ts";
import { importTar } from "../session/import-tar.ts";
import type { Session } from "../session/session.ts";
import { openSessionTrees } from "../session/session-trees.ts";
import { type Command, type CommandInput, UsageError } from "./command.ts";
import { EXIT_REFUSED, EXIT_USAGE } from "./exit-code.ts";
import { sessionsOf } from "./session-command.ts";

const USAGE = `Usage: wvisor import [flags] FILE

Takes an archive as the changes of this directory's session, which must have none yet: the directory itself stays as it is.

  wvisor import changes.tar                    What 'wvisor export' wrote, perhaps elsewhere
  wvisor import --session review layer.tar     Into a session of its own
  wvisor diff --session review                 What it would change

FILE is a tar archive or an OCI layer, as a regular file that is not compressed. Names that begin with ".wh." say that something is
gone. All of it is looked at before any of it is taken: absolute names, "..", names that lead through links, links that lead out
of the directory, devices and sparse files are refused.

Flags:
      --session NAME   Into this session
  -q, --quiet          Say nothing of what was taken
      --debug          With an error, show where in wVisor it arose

Exit code: 0; 1 when it cannot be done; 2 when the arguments are wrong.
`;

export const importCommand: Command = {
  name: "import",
  summary: "Take an archive as the changes of a session",
  usage: USAGE,
  flags: { session: { type: "string" }, quiet: { type: "boolean", short: "q" } },
  operandsEndFlags: false,
  exitCodes: { usage: EXIT_USAGE, refused: EXIT_REFUSED },
  run: runImport,
};

const GZIP = Buffer.of(0x1f, 0x8b);
const ZSTD = Buffer.of(0x28, 0xb5, 0x2f, 0xfd);

function runImport({ flags, operands, output }: CommandInput): number {
  const [file, ...more] = operands;
  if (file === undefined || more.length > 0) throw new UsageError("which file? wvisor import FILE");
  const host = hostFacts();
  const fd = openFile(file);
  const { session } = sessionsOf(host).openOrCreate(flags.text("session"), host.cwd);
  try {
    const count = take(session, fd, file, host.uid === 0);
    if (!flags.has("quiet"))
      output.err(`wvisor import: ${count} entries are changes of session ${session.name}\n`);
    return 0;
  } finally {
    session.release();
    closeSync(fd);
  }
}

/** Errors: WvisorError. */
function openFile(file: string): number {
  let fd: number;
  try {
    fd = openSync(file, O_RDONLY | O_NONBLOCK);
  } catch (error) {
    throw sessionError(`${oneLine(file)}: ${reasonOf(error)}`, error);
  }
  const problem = problemOf(fd);
  if (problem === undefined) return fd;
  closeSync(fd);
  throw sessionError(`${oneLine(file)}: ${problem}`);
}

function problemOf(fd: number): string | undefined {
  if (!fstatSync(fd).isFile()) return "not a regular file";
  const head = readerOf(fd)(0n, ZSTD.length);
  const isCompressed = head.subarray(0, GZIP.length).equals(GZIP) || head.equals(ZSTD);
  return isCompressed ? "it is compressed: gunzip or unzstd it first" : undefined;
}

function take(session: Session, fd: number, file: string, owners: boolean): number {
  const trees = openSessionTrees(requireNative(), session, { writable: { upper: true } });
  try {
    if (trees.upper.names().length > 0) {
      throw sessionError(`session ${session.name} has changes already: --session NAME takes another one`);
    }
    try {
      return importTar(trees, readerOf(fd), fstatSync(fd, { bigint: true }).size, { owners });
    } catch (error) {
      discardAll(trees.upper);
      if (error instanceof ArchiveError) throw sessionError(`${oneLine(file)}: ${error.message}`, error);
      throw error;
    }
  } finally {
    trees.close();
    session.removeIfEmpty();
  }
}

function readerOf(fd: number): ReadAt {
  return (position, length) => {
    const bytes = Buffer.alloc(length);
    let done = 0;
    while (done < length) {
      const count = readSync(fd, bytes, {
        offset: done,
        length: length - done,
        position: position + BigInt(done),
      });
      if (count === 0) break;
      done += count;
    }
    return bytes.subarray(0, done);
  };
}
