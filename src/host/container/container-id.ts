// Ids of containers: what an engine may choose, and the name of a container's directory.

import { createHash } from "node:crypto";
import { failed } from "./errors.ts";

const ID = /^[A-Za-z0-9._+-]{1,1024}$/;
/** A longer id has a directory of another name: Linux takes 255 bytes, and a draft of it must fit too. */
const NAME_MAX = 200;

/** Errors: WvisorError. */
export function checkContainerId(id: string): string {
  if (ID.test(id) && id !== "." && id !== "..") return id;
  const shown = id.length > 64 ? `${id.slice(0, 64)}...` : id;
  throw failed(`invalid container id ${JSON.stringify(shown)}: must be 1 to 1024 letters, digits or "._+-"`);
}

/** Never two ids' the same: "%" is in no id. */
export function directoryName(id: string): string {
  return id.length <= NAME_MAX ? id : `%${createHash("sha256").update(id).digest("hex")}`;
}
