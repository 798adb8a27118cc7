// JSON documents of others: bounded, and never waited for.

import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { O_NONBLOCK, O_RDONLY } from "../../../assembly/abi/fcntl.ts";
import { reasonOf } from "../config/host-file.ts";

export const MAX_DOCUMENT_BYTES = 16 << 20;

/** What is wrong with a document, without its name. */
export class DocumentError extends Error {}

/** Errors: DocumentError. */
export function readFileText(file: string): string {
  let fd: number;
  try {
    // Opening a FIFO would wait for a writer.
    fd = openSync(file, O_RDONLY | O_NONBLOCK);
  } catch (error) {
    throw new DocumentError(reasonOf(error), { cause: error });
  }
  try {
    return readText(fd);
  } finally {
    closeSync(fd);
  }
}

/** From the start, wherever the descriptor stands. Errors: DocumentError. */
export function readText(fd: number): string {
  const bytes = readBytes(fd);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw new DocumentError("not UTF-8", { cause: error });
  }
}

function readBytes(fd: number): Uint8Array {
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) throw new DocumentError("not a regular file");
    if (stats.size > MAX_DOCUMENT_BYTES) throw new DocumentError(`larger than ${MAX_DOCUMENT_BYTES} bytes`);
    const bytes = new Uint8Array(stats.size);
    let length = 0;
    while (length < bytes.length) {
      const count = readSync(fd, bytes, length, bytes.length - length, length);
      if (count === 0) break;
      length += count;
    }
    return bytes.subarray(0, length);
  } catch (error) {
    if (error instanceof DocumentError) throw error;
    throw new DocumentError(reasonOf(error), { cause: error });
  }
}

/** Errors: DocumentError. */
export function parseDocument(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new DocumentError(`not JSON: ${(error as SyntaxError).message}`, { cause: error });
  }
}
