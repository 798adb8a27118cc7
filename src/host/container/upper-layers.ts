// Where the changes of overlays go that a directory of the host was named for (--overlay2 with dir=): each container has a directory of
// its own in there, with a layer for each tree, and that goes when the container is deleted. The gofer serves the layers.
//
// The container's directory says where it is, in the file "overlay", before it is there: whoever removes the container, the native
// front (src/native/front/layers.c) or this side, finds it.

import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { randomId } from "../config/defaults.ts";
import { reasonOf } from "../config/host-file.ts";
import type { MountSource, SandboxConfig } from "../config/sandbox-config.ts";
import { failed } from "./errors.ts";

const KEPT = "overlay";
const PERMISSION_BITS = 0o7777;

/**
 * The configuration with its overlays' layers on the host, below `within`; as it is when undefined. `directory`: the container's.
 * Errors: WvisorError; what was made is found by removeUpperLayers().
 */
export function withUpperLayers(
  directory: string,
  config: SandboxConfig,
  within: string | undefined,
): SandboxConfig {
  if (within === undefined) return config;
  const store = join(within, `wvisor-${randomId()}`);
  let count = 0;
  const place = (source: MountSource): MountSource => withLayer(source, join(store, String(count++)));
  try {
    writeFileSync(join(directory, KEPT), store, { mode: 0o600 });
    mkdirSync(store, { mode: 0o700 });
    const mounts = config.mounts.map((mount) => ({ ...mount, source: place(mount.source) }));
    return { ...config, root: place(config.root), mounts };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    throw failed(`--overlay2: ${store}: ${reasonOf(error)}`, error);
  }
}

/** `layer`: a path where nothing is. */
function withLayer(source: MountSource, layer: string): MountSource {
  if (source.type !== "bind" || !source.overlay) return source;
  const stats = statSync(source.source);
  if (stats.isDirectory()) {
    mkdirSync(layer);
    giveAttributes(layer, stats);
    return { type: "overlay", lowers: [source.source], upper: layer, readonly: false, cache: source.cache };
  }
  // Of a single file the layer is the whole of it (V21-20).
  copyFileSync(source.source, layer);
  giveAttributes(layer, stats);
  return { ...source, source: layer, overlay: false };
}

function giveAttributes(file: string, { uid, gid, mode }: Stats): void {
  chownSync(file, uid, gid);
  chmodSync(file, mode & PERMISSION_BITS);
}

/** Of a container of which no program has run: others may have made a tree that only the front can remove. */
export function removeUpperLayers(directory: string): void {
  let store: string;
  try {
    store = readFileSync(join(directory, KEPT), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  if (store !== "") rmSync(store, { recursive: true, force: true });
}
