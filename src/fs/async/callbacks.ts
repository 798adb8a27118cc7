// The callback forms of node:fs that are their synchronous forms, answered later.

import { invalidArgType } from "../argument-error.ts";
import type { SyncFs } from "../sync/sync.ts";
import { checkFunction } from "../validators.ts";
import { isAnswer, soon } from "./completion.ts";

export type Callback = (error: unknown, ...values: unknown[]) => void;
export type Loose = (...args: unknown[]) => unknown;

/** Where a callback may stand: at the first of these places that has a function, or else it is missing from the last. */
interface Places {
  readonly first: number;
  readonly last: number;
  /** What is wrong with the callback is said of the argument before, where the last is missing. */
  readonly orBefore?: true;
}

const PLACES: Readonly<Record<string, Places>> = {
  access: { first: 1, last: 2 },
  appendFile: { first: 2, last: 3, orBefore: true },
  chmod: { first: 2, last: 2 },
  chown: { first: 3, last: 3 },
  copyFile: { first: 2, last: 3 },
  fchmod: { first: 2, last: 2 },
  fchown: { first: 3, last: 3 },
  fdatasync: { first: 1, last: 1 },
  fstat: { first: 1, last: 2 },
  fsync: { first: 1, last: 1 },
  ftruncate: { first: 1, last: 2 },
  futimes: { first: 3, last: 3 },
  lchown: { first: 3, last: 3 },
  link: { first: 2, last: 2 },
  lstat: { first: 1, last: 2 },
  lutimes: { first: 3, last: 3 },
  mkdir: { first: 1, last: 2 },
  mkdtemp: { first: 1, last: 2 },
  readFile: { first: 1, last: 2, orBefore: true },
  readdir: { first: 1, last: 2 },
  readlink: { first: 1, last: 2 },
  realpath: { first: 1, last: 2 },
  rename: { first: 2, last: 2 },
  rmdir: { first: 1, last: 2 },
  stat: { first: 1, last: 2 },
  statfs: { first: 1, last: 2 },
  symlink: { first: 2, last: 3 },
  truncate: { first: 1, last: 2 },
  unlink: { first: 1, last: 1 },
  utimes: { first: 3, last: 3 },
  writeFile: { first: 2, last: 3, orBefore: true },
};

/** Finds the callback among the arguments of `name`, and takes it and what follows away. Errors: ERR_INVALID_ARG_TYPE. */
export function takeCallback(places: Places, args: unknown[]): Callback {
  for (let index = places.first; index <= places.last; index++) {
    if (typeof args[index] === "function") return args.splice(index)[0] as Callback;
  }
  let wrong = args[places.last];
  if (places.orBefore && !wrong) wrong = args[places.last - 1];
  throw invalidArgType("cb", "of type function", wrong);
}

/** Calls now and answers later. `spread` makes the callback's values of what the call gave. */
export function answer(
  callback: Callback,
  call: () => unknown,
  spread: (value: unknown) => unknown[] = (value) => (value === undefined ? [] : [value]),
): void {
  checkFunction(callback, "cb");
  let value: unknown;
  try {
    value = call();
  } catch (error) {
    if (!isAnswer(error)) throw error;
    soon(() => callback(error));
    return;
  }
  soon(() => callback(null, ...spread(value)));
}

/** Hands on what a promise gives. */
export function answerOf(callback: Callback, promise: Promise<unknown>): void {
  promise.then(
    (value) => soon(() => (value === undefined ? callback(null) : callback(null, value))),
    (error: unknown) => soon(() => callback(error)),
  );
}

function callbackForm(name: string, sync: Loose): Loose {
  const places = PLACES[name]!;
  const form = (...args: unknown[]): undefined => {
    const callback = takeCallback(places, args);
    answer(callback, () => sync(...args));
    return undefined;
  };
  Object.defineProperty(form, "name", { value: name });
  return form;
}

/** The functions of PLACES, from their synchronous forms. */
export function callbackForms(sync: SyncFs): Record<string, Loose> {
  const forms: Record<string, Loose> = {};
  for (const name of Object.keys(PLACES)) {
    forms[name] = callbackForm(name, Reflect.get(sync, `${name}Sync`) as Loose);
  }
  return forms;
}
