// The flags of `run` and `create` about the trees of the host: where changes go, and who else makes any. Engines give them before the
// command (podman --runtime-flag), as those of runsc; what stands behind it counts then.

import type { CachePolicy } from "../config/sandbox-config.ts";
import { parseSize } from "../config/units.ts";
import type { BundleOptions } from "../spec/bundle.ts";
import { type CommandInput, UsageError } from "./command.ts";
import type { FlagTable } from "./flags.ts";

export const TREE_FLAGS: FlagTable = {
  overlay2: { type: "string" },
  "file-access": { type: "string" },
  "file-access-mounts": { type: "string" },
};

export const TREE_FLAGS_USAGE = `      --overlay2 WHAT   Where changes go instead of into host directories: none (the default), root:memory, all:memory
                        (of the root, or of every bind too; ",size=SIZE" behind it bounds each), root:dir=DIR or
                        all:dir=DIR (below DIR, until it is deleted)
      --file-access HOW, --file-access-mounts HOW
                        Whether others change the root, or the binds, meanwhile: exclusive (nobody does; names and
                        attributes are kept), shared (every look asks the host)`;

export interface TreeOptions extends Pick<BundleOptions, "overlay" | "overlayBytes"> {
  readonly cache: CachePolicy;
  readonly mountCache: CachePolicy;
  /** The directory of the host below which changes go, absolute; memory when undefined. */
  readonly overlayDirectory: string | undefined;
}

/** `otherwise`: how files are accessed when no flag says it. Errors: UsageError. */
export function treeOptions(input: CommandInput, otherwise: CachePolicy): TreeOptions {
  const { overlay, overlayBytes, overlayDirectory } = parseOverlay(textOf(input, "overlay2") ?? "none");
  const root = access(input, "file-access");
  const mounts = access(input, "file-access-mounts");
  if (overlay !== "none" && root === "shared") {
    throw new UsageError("--overlay2 is incompatible with --file-access=shared");
  }
  if (overlay === "all" && mounts === "shared") {
    throw new UsageError("--overlay2 all is incompatible with --file-access-mounts=shared");
  }
  return {
    overlay,
    overlayBytes,
    overlayDirectory,
    cache: root ?? (overlay === "none" ? otherwise : "exclusive"),
    mountCache: mounts ?? (overlay === "all" ? "exclusive" : otherwise),
  };
}

function textOf({ flags, global }: CommandInput, name: string): string | undefined {
  return flags.text(name) ?? global.text(name);
}

type Overlay = Pick<TreeOptions, "overlay" | "overlayBytes" | "overlayDirectory">;

/** gVisor's grammar: {root|all}:{memory|self|dir=DIR}[,size=N]. */
function parseOverlay(text: string): Overlay {
  if (text === "none") return { overlay: "none", overlayBytes: undefined, overlayDirectory: undefined };
  const wrong = (why: string): UsageError => new UsageError(`--overlay2 ${text}: ${why}`);
  const [, overlay, medium, directory, size] =
    /^(root|all):(memory|self|dir=(.+?))(?:,size=([^,]*))?$/s.exec(text) ?? [];
  if (medium === undefined) {
    throw wrong("expected none, or root or all with :memory, :memory,size=SIZE or :dir=DIR");
  }
  if (medium === "self") throw wrong("changes are not kept in the root itself; use :memory or :dir=DIR");
  if (directory !== undefined && !directory.startsWith("/")) {
    throw wrong("the directory must be an absolute path");
  }
  if (directory !== undefined && size !== undefined) {
    throw wrong("size= bounds what is kept in memory; a directory has the size of its disk");
  }
  return {
    overlay: overlay as BundleOptions["overlay"],
    overlayBytes: size === undefined ? undefined : parseBound(size, wrong),
    overlayDirectory: directory,
  };
}

function parseBound(size: string, wrong: (why: string) => UsageError): number {
  const bytes = parseSize(size);
  if (bytes === undefined || bytes === 0) throw wrong("expected a size such as 64m");
  return bytes;
}

function access(input: CommandInput, name: string): CachePolicy | undefined {
  const text = textOf(input, name);
  if (text === undefined || text === "exclusive" || text === "shared") return text;
  throw new UsageError(`--${name} ${text}: expected exclusive or shared`);
}
