// Callback forms that are more than their synchronous form, answered later.

import { checkRmArguments } from "../remove.ts";
import type { SyncFs } from "../sync/sync.ts";
import { checkFd, checkFlags, checkFunction, checkMode, checkPath } from "../validators.ts";
import { answer, answerOf, type Callback, type Loose, takeCallback } from "./callbacks.ts";
import { AbortError, soon } from "./completion.ts";
import { checkCopy, copy } from "./cp.ts";
import { openDirectory } from "./dir.ts";
import { remove } from "./remove.ts";

const NEW_FILE_MODE = 0o666;

/** A failure that nobody wants to hear of is not to be lost. */
function throwLater(error: unknown): void {
  if (error) throw error;
}

/** (path, callback), (path, flags, callback), (path, flags, mode, callback). */
function open(sync: SyncFs): Loose {
  return (...args) => {
    const path = checkPath(args[0]);
    const [, given, third, fourth] = args;
    const short = args.length < 3;
    const hasMode = !short && typeof third !== "function";
    const mode = hasMode ? checkMode(third, "mode", NEW_FILE_MODE) : NEW_FILE_MODE;
    const flags = checkFlags(short ? "r" : given);
    const callback = short ? given : hasMode ? fourth : third;
    answer(callback as Callback, () => sync.openSync(path as string, flags, mode));
  };
}

function close(sync: SyncFs): Loose {
  return (fd, callback = throwLater) => {
    checkFunction(callback, "cb");
    const checked = checkFd(fd);
    answer(callback as Callback, () => sync.closeSync(checked));
  };
}

/** What signals add to readFile and writeFile: `form`, unless or until the options' signal is aborted. */
function withSignal(form: Loose, last: number): Loose {
  return (...args) => {
    const options = args[last - 1] as { signal?: AbortSignal } | null | undefined;
    const signal = options !== null && typeof options === "object" ? options.signal : undefined;
    const callback = args[last];
    if (!(signal instanceof AbortSignal) || typeof callback !== "function") return form(...args);
    if (signal.aborted) {
      soon(() => (callback as Callback)(new AbortError(signal)));
      return undefined;
    }
    args[last] = (...result: unknown[]) => {
      if (signal.aborted) (callback as Callback)(new AbortError(signal));
      else (callback as Loose)(...result);
    };
    return form(...args);
  };
}

/** To decode what was read comes last: that there is no such encoding is handed on. */
function decodingLate(form: Loose): Loose {
  return (...args) => {
    try {
      return form(...args);
    } catch (error) {
      if ((error as { code?: unknown }).code !== "ERR_UNKNOWN_ENCODING") throw error;
      soon(() => takeCallback({ first: 1, last: 2 }, args)(error));
      return undefined;
    }
  };
}

/** stat() and lstat() have an error for what is not there, whatever their options say. */
function loudly(form: Loose): Loose {
  return (path, options, callback) => {
    if (options === null || typeof options !== "object") return form(path, options, callback);
    return form(path, { bigint: (options as { bigint?: unknown }).bigint }, callback);
  };
}

function opendir(sync: SyncFs): Loose {
  return (path, options, third) => {
    const callback = typeof options === "function" ? options : third;
    checkFunction(callback, "callback");
    answer(callback as Callback, () => openDirectory(sync, path, options));
  };
}

function cp(sync: SyncFs): Loose {
  return (...args) => {
    const callback = takeCallback({ first: 2, last: 3 }, args);
    const { paths, options } = checkCopy(args[0], args[1], args[2]);
    answerOf(callback, copy(sync, paths, options));
  };
}

function rm(sync: SyncFs): Loose {
  return (path, options, third) => {
    const callback = typeof options === "function" ? options : third;
    checkPath(path);
    checkRmArguments(typeof options === "function" ? undefined : options);
    checkFunction(callback, "cb");
    answerOf(callback as Callback, remove(sync, path, typeof options === "function" ? undefined : options));
  };
}

/** Whatever stands last is the callback. */
function symlink(form: Loose): Loose {
  return (...args) => {
    checkFunction(args.at(-1), "cb");
    return form(...args);
  };
}

/** realpath.native() beside realpath(). */
function realpath(form: Loose, sync: SyncFs): Loose {
  const native: Loose = (...args) => {
    const callback = takeCallback({ first: 1, last: 2 }, args);
    answer(callback, () => sync.realpathSync.native(args[0] as string, args[1] as never));
  };
  return Object.assign((...args: unknown[]) => form(...args), { native });
}

/** The functions of `forms` that have more to them, and those that have no such form. */
export function ownCallbacks(sync: SyncFs, forms: Readonly<Record<string, Loose>>): Record<string, Loose> {
  const own: Record<string, Loose> = {
    open: open(sync),
    close: close(sync),
    readFile: withSignal(decodingLate(forms.readFile!), 2),
    writeFile: withSignal(forms.writeFile!, 3),
    appendFile: withSignal(forms.appendFile!, 3),
    stat: loudly(forms.stat!),
    lstat: loudly(forms.lstat!),
    opendir: opendir(sync),
    cp: cp(sync),
    rm: rm(sync),
    symlink: symlink(forms.symlink!),
    realpath: realpath(forms.realpath!, sync),
  };
  for (const [name, value] of Object.entries(own)) Object.defineProperty(value, "name", { value: name });
  return own;
}
