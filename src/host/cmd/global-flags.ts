// The flags of OCI's command line before the name of a command.

import type { FlagTable } from "./flags.ts";
import { TREE_FLAGS } from "./tree-flags.ts";

/** Before the name of any command. What has no effect here is there for engines that pass it. */
export const OCI_GLOBAL_FLAGS: FlagTable = {
  root: { type: "string" },
  log: { type: "string" },
  "log-format": { type: "string" },
  "systemd-cgroup": { type: "switch" },
  "cgroup-manager": { type: "string" },
  rootless: { type: "optional" },
  criu: { type: "string" },
  ...TREE_FLAGS,
};
