// What the gofer is told of the container's mounts, all of them in the order of the specification:
//
//   "list": { "fd": 7,
//             "mounts": [ { "destination": "/data", "type": "bind", "source": "/srv", "options": ["rbind"], "served": 1 },
//                         { "destination": "/proc", "type": "proc", "source": "proc", "options": [], "served": null } ] }
//
// "served" is the index of the mount in the configuration whose files these are, or null for one that the gofer has nothing to do
// with. "fd" gets the list as it was resolved.

import { PATH_MAX } from "../../../assembly/abi/limits.ts";
import type { ListedMount } from "../../common/mount-list.ts";
import { array, descriptor, integer, invalid, record, text } from "../checked-json.ts";

export interface ConfiguredMount extends ListedMount {
  /** Which of the served mounts it is. */
  readonly served: number | undefined;
}

export interface MountListConfig {
  readonly fd: number;
  readonly mounts: readonly ConfiguredMount[];
}

/** `served`: how many mounts the configuration serves. */
export function parseMountList(value: unknown, served: number, where: string): MountListConfig {
  const { fd, mounts } = record(value, ["fd", "mounts"], where);
  return {
    fd: descriptor(fd, `${where}: fd`),
    mounts: array(mounts, `${where}: mounts`).map((mount, index) =>
      parseListed(mount, served, `${where}: mounts[${index}]`),
    ),
  };
}

function parseListed(value: unknown, count: number, where: string): ConfiguredMount {
  const keys = ["destination", "type", "source", "options", "served"];
  const { destination, type, source, options, served } = record(value, keys, where);
  const mount = {
    destination: text(destination, `${where}: destination`),
    type: text(type, `${where}: type`),
    source: text(source, `${where}: source`),
    options: array(options, `${where}: options`).map((option) => text(option, `${where}: options`)),
    served: served === null ? undefined : integer(served, 0, count - 1, `${where}: served`),
  };
  if (mount.destination.includes("\0")) throw invalid(`${where}: destination is not a path`);
  if (mount.served === undefined) return mount;
  if (!mount.destination.startsWith("/")) throw invalid(`${where}: destination is not an absolute path`);
  if (Buffer.byteLength(mount.destination) >= PATH_MAX) throw invalid(`${where}: destination is too long`);
  return mount;
}
