// A process that watches files, and what it is told (inotify(7)).

import * as IN from "../../../assembly/abi/inotify.ts";
import { DescriptorCalls } from "./descriptor-calls.ts";
import type { Target } from "./target.ts";

const NAMES: readonly (readonly [number, string])[] = [
  [IN.IN_ACCESS, "access"],
  [IN.IN_MODIFY, "modify"],
  [IN.IN_ATTRIB, "attrib"],
  [IN.IN_CLOSE_WRITE, "close_write"],
  [IN.IN_CLOSE_NOWRITE, "close_nowrite"],
  [IN.IN_OPEN, "open"],
  [IN.IN_MOVED_FROM, "moved_from"],
  [IN.IN_MOVED_TO, "moved_to"],
  [IN.IN_CREATE, "create"],
  [IN.IN_DELETE, "delete"],
  [IN.IN_DELETE_SELF, "delete_self"],
  [IN.IN_MOVE_SELF, "move_self"],
  [IN.IN_UNMOUNT, "unmount"],
  [IN.IN_Q_OVERFLOW, "q_overflow"],
  [IN.IN_IGNORED, "ignored"],
  [IN.IN_ISDIR, "isdir"],
];

export interface WatchEvent {
  readonly wd: number;
  readonly what: string;
  readonly cookie: number;
  readonly name: string;
  /** As it was read, padding included. */
  readonly length: number;
}

export function eventsIn(bytes: Buffer): WatchEvent[] {
  const events: WatchEvent[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32LE(at + 12);
    const mask = bytes.readUInt32LE(at + 4);
    events.push({
      wd: bytes.readInt32LE(at),
      what: NAMES.filter(([bit]) => mask & bit)
        .map(([, name]) => name)
        .join("+"),
      cookie: bytes.readUInt32LE(at + 8),
      name: bytes.toString("utf8", at + 16, at + 16 + length).replace(/\0*$/, ""),
      length,
    });
    at += 16 + length;
  }
  return events;
}

/** A process with an instance that does not block. */
export class Watcher extends DescriptorCalls {
  readonly instance: number;

  constructor(target: Target) {
    super(target.process());
    this.instance = this.inotify(IN.IN_NONBLOCK);
  }

  watch(path: string, mask: number = IN.IN_ALL_EVENTS): number {
    return this.addWatch(this.instance, path, mask);
  }

  events(): WatchEvent[] {
    const bytes = this.read(this.instance, 65536);
    return typeof bytes === "number" ? [] : eventsIn(bytes);
  }

  /** As "wd what name"; a file that never had a name has "#" and a number of its file system's. */
  told(): string[] {
    return this.events().map(
      ({ wd, what, name }) => `${wd} ${what}${name && ` ${name.replace(/^#\d+$/, "#")}`}`,
    );
  }
}
