// A served tree whose methods answer later, made of one that answers at once.

import type { OpenFile, ServedCall, ServedEntry, ServedFile } from "../../src/p9/index.ts";

/** Resolves when the answer may come. */
export type Pause = (method: string, call: ServedCall | undefined) => Promise<void>;

const METHODS_OF_FILES = ["attributes", "setAttributes", "statfs", "fsync", "readlink"] as const;
const METHODS_OF_NAMES = ["lookup", "create", "mkdir", "symlink", "mknod"] as const;
const METHODS_OF_XATTRS = ["getxattr", "listxattr", "setxattr", "removexattr"] as const;

type Method = (...args: unknown[]) => unknown;

/** Files of the original by what stands for them. */
const originals = new WeakMap<ServedFile, ServedFile>();

/** What stands for a file: one object for one file, as long as both are there. */
export function makeLate(
  file: ServedFile,
  pause: Pause,
  known = new WeakMap<ServedFile, ServedFile>(),
): ServedFile {
  const before = known.get(file);
  if (before !== undefined) return before;
  const methods = file as unknown as Record<string, Method | undefined>;
  const late: Record<string, Method> = {};
  const add = (
    name: string,
    convert: (answer: unknown) => unknown,
    own = (args: unknown[]) => args,
  ): void => {
    if (methods[name] === undefined) return;
    late[name] = async (...args) => {
      await pause(name, args.at(-1) as ServedCall);
      return convert(methods[name]!.call(file, ...own(args)));
    };
  };
  const same = (answer: unknown): unknown => answer;
  const wrap = (answer: unknown): unknown => makeLate(answer as ServedFile, pause, known);
  for (const name of [...METHODS_OF_FILES, ...METHODS_OF_XATTRS]) add(name, same);
  for (const name of METHODS_OF_NAMES) add(name, wrap);
  const unwrapSecond = ([first, second, ...rest]: unknown[]): unknown[] => [
    first,
    originals.get(second as ServedFile),
    ...rest,
  ];
  add("link", same, unwrapSecond);
  add("rename", same, unwrapSecond);
  add("unlink", same);
  for (const name of ["read", "write", "open"] as const) add(name, same);
  for (const name of ["acquire", "release"] as const) {
    if (methods[name] !== undefined) late[name] = () => methods[name]!.call(file);
  }
  if (file.entries !== undefined) {
    late.entries = async function* (call) {
      await pause("entries", call as ServedCall);
      yield* file.entries!(call as ServedCall) as Iterable<ServedEntry>;
    } as Method;
  }
  const made = late as unknown as ServedFile & OpenFile;
  known.set(file, made);
  originals.set(made, file);
  return made;
}
