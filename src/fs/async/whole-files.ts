// readFile and writeFile of fs.promises: with signals, and data that comes in pieces.

import { invalidArgType } from "../argument-error.ts";
import type { SyncFs } from "../sync/sync.ts";
import { checkBoolean, checkOptions } from "../validators.ts";
import { settled, throwIfAborted } from "./completion.ts";

export interface FileOptions {
  readonly encoding?: unknown;
  readonly flag?: unknown;
  readonly mode?: unknown;
  readonly flush?: unknown;
  readonly signal?: AbortSignal | null;
}

/** A path, or the descriptor of a handle. */
type File = unknown;

/** Checks the signal before the call and when it is answered. */
async function watched<T>(signal: AbortSignal | undefined | null, call: () => T): Promise<T> {
  throwIfAborted(signal);
  const value = await settled(call);
  throwIfAborted(signal);
  return value;
}

export async function readWholeFile(
  sync: SyncFs,
  file: File,
  given: FileOptions | undefined,
): Promise<string | Buffer> {
  const options = checkOptions(given, { flag: "r" });
  const { signal, ...rest } = options as unknown as FileOptions;
  return watched(signal, () =>
    sync.readFileSync(file as string, { ...rest, flag: rest.flag || "r" } as never),
  );
}

function isPieces(data: unknown): data is Iterable<unknown> | AsyncIterable<unknown> {
  if (data === null || typeof data !== "object" || ArrayBuffer.isView(data)) return false;
  return Symbol.asyncIterator in data || Symbol.iterator in data;
}

/** `defaults.flag` is what stands for no flag. */
export async function writeWholeFile(
  sync: SyncFs,
  file: File,
  data: unknown,
  given: FileOptions | undefined,
  defaults: { readonly flag: string },
): Promise<void> {
  const options = checkOptions(given, { encoding: "utf8", mode: 0o666, flag: defaults.flag });
  const { signal, ...rest } = options as unknown as FileOptions;
  const flush = checkBoolean(rest.flush ?? false, "options.flush");
  const all = { ...rest, flag: rest.flag || defaults.flag, flush };
  if (isPieces(data)) {
    throwIfAborted(signal);
    await writePieces(sync, file, data, { ...all, signal: signal ?? null });
    return;
  }
  if (typeof data !== "string" && !ArrayBuffer.isView(data)) {
    throw invalidArgType("data", "of type string or an instance of Buffer, TypedArray, or DataView", data);
  }
  await watched(signal, () => sync.writeFileSync(file as string, data as Uint8Array, all as never));
}

async function writePieces(
  sync: SyncFs,
  file: File,
  pieces: Iterable<unknown> | AsyncIterable<unknown>,
  options: FileOptions,
): Promise<void> {
  const owned = typeof file !== "number";
  const fd = owned
    ? await settled(() => sync.openSync(file as string, options.flag as string, options.mode as number))
    : file;
  try {
    for await (const piece of pieces) {
      throwIfAborted(options.signal);
      const bytes = ArrayBuffer.isView(piece)
        ? (piece as Uint8Array)
        : Buffer.from(piece as string, (options.encoding || "utf8") as BufferEncoding);
      await watched(options.signal, () => sync.writeFileSync(fd, bytes));
    }
    if (options.flush) sync.fsyncSync(fd);
  } finally {
    if (owned) await settled(() => sync.closeSync(fd));
  }
}
