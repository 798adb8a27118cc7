// What a session's directory has besides its record and its layer, while changes are applied or undone and until they can be undone no
// more:
//
//   unfinished     "apply" or "undo": a process works on the base, or was stopped while it did
//   undo/          of the last apply: journal, files/N (what operation N replaced), upper (the layer, when all of it was applied),
//                  taken/N (what operation N was about in the layer, when only a part was)
//   undoing/       the undo's journal
//   states.json    what our own commands have left in the base, so that it is taken for nobody else's

import { existsSync, lstatSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sessionError } from "../session/errors.ts";
import type { Session } from "../session/session.ts";
import type { BaseStates } from "./conflicts.ts";

export const UNDO = Buffer.from("undo");
export const UNDOING = Buffer.from("undoing");
export const FILES = Buffer.from("files");
export const TAKEN = Buffer.from("taken");
export const UPPER = Buffer.from("upper");
const STATES = "states.json";
const PRIVATE = 0o700;
const VERSION = 1;

/** Makes an empty undo/ or undoing/, in the place of what was there. */
export function makeEmpty(session: Session, directory: Buffer): void {
  const path = join(session.directory, directory.toString());
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path, { mode: PRIVATE });
  if (directory === UNDO)
    for (const name of [FILES, TAKEN]) mkdirSync(join(path, name.toString()), { mode: PRIVATE });
}

export function removeDirectory(session: Session, directory: Buffer): void {
  rmSync(join(session.directory, directory.toString()), { recursive: true, force: true });
}

/** Errors: WvisorError for what is there and is no directory. */
export function hasDirectory(session: Session, directory: Buffer): boolean {
  const path = join(session.directory, directory.toString());
  if (!existsSync(path)) return false;
  if (!lstatSync(path).isDirectory()) throw sessionError(`${path}: not a directory`);
  return true;
}

/** Empty when there are none; what is none of ours counts for nothing: then files are taken for changed. */
export function readStates(session: Session): BaseStates {
  const paths = new Map<string, { ino: bigint; ctimeNs: bigint }>();
  const origins = new Set<bigint>();
  let document: { version?: unknown; paths?: unknown; origins?: unknown };
  try {
    document = JSON.parse(readFileSync(join(session.directory, STATES), "latin1"));
  } catch {
    return { paths, origins };
  }
  if (document?.version !== VERSION || !Array.isArray(document.paths) || !Array.isArray(document.origins))
    return { paths, origins };
  for (const [path, ino, ctimeNs] of document.paths.filter(Array.isArray)) {
    if (typeof path === "string" && isNumber(ino) && isNumber(ctimeNs))
      paths.set(path, { ino: BigInt(ino), ctimeNs: BigInt(ctimeNs) });
  }
  for (const ino of document.origins) if (isNumber(ino)) origins.add(BigInt(ino));
  return { paths, origins };
}

/** Whole or not at all. */
export function writeStates(session: Session, { paths, origins }: BaseStates): void {
  const file = join(session.directory, STATES);
  if (paths.size + origins.size === 0) {
    rmSync(file, { force: true });
    return;
  }
  const listed = [...paths].map(([path, { ino, ctimeNs }]) => [path, String(ino), String(ctimeNs)]);
  const document = { version: VERSION, paths: listed, origins: [...origins].map(String) };
  rmSync(`${file}.new`, { force: true });
  writeFileSync(`${file}.new`, JSON.stringify(document), { mode: 0o600, encoding: "latin1", flag: "wx" });
  renameSync(`${file}.new`, file);
}

function isNumber(value: unknown): value is string {
  return typeof value === "string" && /^\d{1,30}$/.test(value);
}
