// Bytes of paths as the caller wants them.

/** Text by an encoding, UTF-8 when none is named; a Buffer for "buffer". */
export function encoded(bytes: Uint8Array, encoding: unknown): string | Buffer {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (encoding === "buffer") return buffer;
  return buffer.toString((encoding as BufferEncoding | undefined | null) ?? "utf8");
}
