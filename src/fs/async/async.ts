// The asynchronous half of node:fs over the synchronous one: callbacks, promises, streams, watchers, and cp.

import type * as NodeFs from "node:fs";
import { invalidArgType } from "../argument-error.ts";
import type { Leaf } from "../leaf/leaf.ts";
import type { SyncFs } from "../sync/sync.ts";
import { checkObject, checkPath } from "../validators.ts";
import { callbackForms } from "./callbacks.ts";
import { copySync } from "./cp.ts";
import { Dir, openDirectory } from "./dir.ts";
import type { HandleOwner } from "./file-handle.ts";
import { ownCallbacks } from "./own-callbacks.ts";
import { makePromises } from "./promises.ts";
import { makeStreams, type StreamCalls, type Streams } from "./streams.ts";
import { existsForm, transfers } from "./transfers.ts";
import { makeWatchers } from "./watch.ts";
import { WatchHub } from "./watch-hub.ts";

export type AsyncFs = Omit<typeof NodeFs, keyof SyncFs | "Stats" | "Dirent" | "constants">;

function handleOwner(sync: SyncFs, streams: Streams): HandleOwner {
  return {
    sync,
    createReadStream: (handle, options) => new streams.ReadStream(undefined, { ...options, fd: handle }),
    createWriteStream: (handle, options) => new streams.WriteStream(undefined, { ...options, fd: handle }),
    lines: (input) => streams.lines(input),
  };
}

/** The bytes of a file as they are now: a Blob does not change. */
function openAsBlob(sync: SyncFs): (path: unknown, options?: unknown) => Promise<Blob> {
  return (path, options = {}) => {
    checkObject(options);
    const type = (options as { type?: unknown }).type || "";
    if (typeof type !== "string") throw invalidArgType("options.type", "of type string", type);
    const checked = checkPath(path);
    try {
      return Promise.resolve(new Blob([sync.readFileSync(checked as string)], { type }));
    } catch {
      throw invalidBlob();
    }
  };
}

function invalidBlob(): Error {
  const error = new TypeError("Unable to open file as blob") as TypeError & { code: string };
  error.code = "ERR_INVALID_ARG_VALUE";
  return error;
}

export function asyncFs(leaf: Leaf, sync: SyncFs): AsyncFs {
  const forms = callbackForms(sync);
  const callbacks = {
    ...forms,
    ...ownCallbacks(sync, forms),
    ...transfers(sync),
    exists: existsForm(sync),
  };
  const streams = makeStreams(callbacks as unknown as StreamCalls);
  const watchers = makeWatchers(sync, new WatchHub(leaf), () => leaf.cwd());
  const promises = makePromises(sync, { owner: handleOwner(sync, streams), watch: watchers.promised });
  const { ReadStream, WriteStream } = streams;
  const made = {
    ...callbacks,
    cpSync: (src: unknown, dest: unknown, options?: unknown) => copySync(sync, src, dest, options),
    opendirSync: (path: unknown, options?: unknown) => openDirectory(sync, path, options),
    openAsBlob: openAsBlob(sync),
    watch: watchers.watch,
    watchFile: watchers.watchFile,
    unwatchFile: watchers.unwatchFile,
    createReadStream: (path: unknown, options?: unknown) => new ReadStream(path, options),
    createWriteStream: (path: unknown, options?: unknown) => new WriteStream(path, options),
    ReadStream,
    WriteStream,
    FileReadStream: ReadStream,
    FileWriteStream: WriteStream,
    Dir,
    promises,
    // Linux has no such call, and Node no such function on it.
    lchmod: undefined,
    lchmodSync: undefined,
  };
  return made as unknown as AsyncFs;
}
