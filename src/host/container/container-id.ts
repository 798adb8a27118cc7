// Ids of containers on the command line, and the name of a container's directory.

import { createHash } from "node:crypto";
import { containerIdProblem } from "../config/container-id.ts";
import { failed } from "./errors.ts";

/** A longer id has a directory of another name: Linux takes 255 bytes, and a draft of it must fit too. */
const NAME_MAX = 200;

/** Errors: WvisorError. */
export function checkContainerId(id: string): string {
  const problem = containerIdProblem(id);
  if (problem !== undefined) throw failed(problem);
  return id;
}

/** Never two ids' the same: "%" is in no id. */
export function directoryName(id: string): string {
  return id.length <= NAME_MAX ? id : `%${createHash("sha256").update(id).digest("hex")}`;
}
