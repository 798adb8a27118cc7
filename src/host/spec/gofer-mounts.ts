// Which mounts of a bundle the gofer serves, in the order in which its descriptors are given (G23-17).

import { resolve } from "node:path";
import type { ListedMount } from "../../common/mount-list.ts";
import { parseMountOptions } from "../config/mount-options.ts";
import { cleanPath } from "../config/sandbox-path.ts";
import { MNT_READONLY } from "../kernel/exports.ts";
import type { SpecMount } from "./runtime-spec.ts";

export interface ServedMount {
  /** As the bundle says it. */
  readonly mount: SpecMount;
  /** Of the bundle's list. */
  readonly index: number;
  /** Of the host, absolute. */
  readonly source: string;
  /** The last of "ro" and "rw" wins, that of a later remount too; so it does in the sandbox. */
  readonly readonly: boolean;
}

/** The binds that have a source. `bundle`: where relative sources start. */
export function servedMounts(mounts: readonly SpecMount[], bundle: string): ServedMount[] {
  const served: ServedMount[] = [];
  mounts.forEach((mount, index) => {
    const { flags, bind, remount } = parseMountOptions(mount.options);
    const readonly = (flags & MNT_READONLY) !== 0;
    if (remount) {
      const place = cleanPath(mount.destination);
      const last = served.findLastIndex((each) => cleanPath(each.mount.destination) === place);
      if (last >= 0) served[last] = { ...served[last]!, readonly };
      return;
    }
    if ((mount.type !== "bind" && !bind) || mount.source === "") return;
    served.push({ mount, index, source: resolve(bundle, mount.source), readonly });
  });
  return served;
}

/** As Go prints a struct with %+v, which is how gVisor names a mount in its complaints. */
export function describeMount({ destination, type, source, options }: ListedMount): string {
  const list = options.join(" ");
  return `{Destination:${destination} Type:${type} Source:${source} Options:[${list}] UIDMappings:[] GIDMappings:[]}`;
}
