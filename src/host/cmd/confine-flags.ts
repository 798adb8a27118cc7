// The flags of `do` and `run` about confinement.

import { CONFINEMENTS } from "../../common/confinement.ts";
import type { ConfineOptions } from "../sandbox/gofer-process.ts";
import { UsageError } from "./command.ts";
import type { Flags, FlagTable } from "./flags.ts";

export const CONFINE_FLAGS: FlagTable = {
  confine: { type: "string" },
  "gofer-jitless": { type: "boolean" },
  "confine-report": { type: "boolean" },
};

/** Errors: UsageError. */
export function confineOptions(flags: Flags): ConfineOptions {
  const text = flags.text("confine");
  const confinement = CONFINEMENTS.find((known) => known === text);
  if (text !== undefined && confinement === undefined) {
    throw new UsageError(`--confine ${text}: expected one of ${CONFINEMENTS.join(", ")}`);
  }
  return { confinement, jitless: flags.has("gofer-jitless"), report: flags.has("confine-report") };
}
