// What the fuzzer believes is in the tree. Names that go by links or rights may make it wrong, which costs nothing: it only
// makes calls that succeed more likely than chance would.

import type { FdOf } from "./step.ts";

/** Directory, regular file, symbolic link, FIFO or socket or device, inotify instance. */
export type FileType = "d" | "f" | "l" | "s" | "i";

export interface KnownFd {
  readonly ref: FdOf;
  readonly path: string;
  readonly type: FileType;
}

const PATHS_MAX = 400;

export class Model {
  readonly files = new Map<string, FileType>([["/", "d"]]);
  readonly fds: KnownFd[][];
  readonly cwds: string[];
  /** An open or a creat(2) could sleep for ever on one. */
  hasFifo = false;

  constructor(processes: number) {
    this.fds = Array.from({ length: processes }, () => []);
    this.cwds = Array.from({ length: processes }, () => "/");
  }

  add(path: string, type: FileType): void {
    if (this.files.size < PATHS_MAX) this.files.set(path, type);
  }

  remove(path: string): void {
    if (path !== "/") this.files.delete(path);
  }

  move(from: string, to: string): void {
    const moved = [...this.files].filter(([path]) => path === from || path.startsWith(`${from}/`));
    for (const [path] of moved) this.files.delete(path);
    for (const [path, type] of moved) this.add(to + path.slice(from.length), type);
  }

  paths(type?: FileType): string[] {
    return [...this.files].filter(([, each]) => type === undefined || each === type).map(([path]) => path);
  }
}

/** A name below a directory. */
export function join(directory: string, name: string): string {
  return directory === "/" ? `/${name}` : `${directory}/${name}`;
}
