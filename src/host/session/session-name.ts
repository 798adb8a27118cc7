// What sessions are called, and where they are kept.

import { createHash } from "node:crypto";
import { homedir, userInfo } from "node:os";
import { basename, isAbsolute, join } from "node:path";
import { oneLine } from "../../common/one-line.ts";
import { sessionError } from "./errors.ts";

/** What --session says for changes that stay in memory. */
export const NO_SESSION = "none";
const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/;
const READABLE_MAX = 40;
const DIGEST_LENGTH = 10;

/** Errors: WvisorError. */
export function checkSessionName(name: string): string {
  if (name !== NO_SESSION && NAME.test(name)) return name;
  throw sessionError(
    `--session ${oneLine(name)}: a name has letters, digits, ".", "_" and "-", at most 64, and is not "none"`,
  );
}

/** The session that a directory has unless another one is named: its last name, for people, and its path's digest. */
export function defaultSessionName(base: string): string {
  const readable = basename(base)
    .replace(/[^A-Za-z0-9_-]/g, "_")
    .slice(0, READABLE_MAX)
    .replace(/^-/, "_");
  const digest = createHash("sha256").update(base).digest("hex").slice(0, DIGEST_LENGTH);
  return `${readable || "root"}-${digest}`;
}

/** Where a user's are. Root's are not where another user's environment says that home is. */
export function sessionsRoot(env: Readonly<Record<string, string | undefined>>, uid: number): string {
  const state = env.XDG_STATE_HOME;
  if (state !== undefined && isAbsolute(state)) return join(state, "wvisor/sessions");
  return join(uid === 0 ? userInfo().homedir : homedir(), ".local/state/wvisor/sessions");
}
