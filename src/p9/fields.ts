// The kinds of fields that messages are made of, each read and written in one place.
//
// Numbers of 64 bits are bigints here; names and other strings of the file system are bytes, those of the protocol text.

/** What a frame that is not one is refused with: too short, too long, or with a length in it that does not fit. */
export class FrameError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "FrameError";
  }
}

/** A cursor over the fields of one message. Reading past the end throws a FrameError. */
export class FieldReader {
  private position: number;
  private readonly bytes: Buffer;

  constructor(bytes: Buffer, position = 0) {
    this.bytes = bytes;
    this.position = position;
  }

  get remaining(): number {
    return this.bytes.length - this.position;
  }

  u8(): number {
    return this.bytes.readUInt8(this.take(1));
  }

  u16(): number {
    return this.bytes.readUInt16LE(this.take(2));
  }

  u32(): number {
    return this.bytes.readUInt32LE(this.take(4));
  }

  u64(): bigint {
    return this.bytes.readBigUInt64LE(this.take(8));
  }

  i64(): bigint {
    return this.bytes.readBigInt64LE(this.take(8));
  }

  /** A copy: the frame's memory may be used again. */
  data(length: number): Buffer {
    const at = this.take(length);
    return Buffer.from(this.bytes.subarray(at, at + length));
  }

  /** A cursor over the next `length` bytes alone. */
  part(length: number): FieldReader {
    const at = this.take(length);
    return new FieldReader(this.bytes.subarray(at, at + length));
  }

  private take(length: number): number {
    const at = this.position;
    if (length > this.bytes.length - at) throw new FrameError("a message ends before its fields do");
    this.position = at + length;
    return at;
  }
}

/** Collects the fields of one message. */
export class FieldWriter {
  private bytes = Buffer.alloc(128);
  private length = 0;

  u8(value: number): void {
    const at = this.grow(1);
    this.bytes.writeUInt8(value, at);
  }

  u16(value: number): void {
    const at = this.grow(2);
    this.bytes.writeUInt16LE(value, at);
  }

  u32(value: number): void {
    const at = this.grow(4);
    this.bytes.writeUInt32LE(value, at);
  }

  u64(value: bigint): void {
    const at = this.grow(8);
    this.bytes.writeBigUInt64LE(value, at);
  }

  i64(value: bigint): void {
    const at = this.grow(8);
    this.bytes.writeBigInt64LE(value, at);
  }

  data(value: Uint8Array): void {
    const at = this.grow(value.length);
    this.bytes.set(value, at);
  }

  /** What was written; the writer is not used any more. */
  take(): Buffer {
    return this.bytes.subarray(0, this.length);
  }

  /** Makes room, and returns where; `bytes` may be another buffer afterwards. */
  private grow(count: number): number {
    const at = this.length;
    this.length += count;
    if (this.length > this.bytes.length) {
      const larger = Buffer.alloc(Math.max(this.length, this.bytes.length * 2));
      larger.set(this.bytes);
      this.bytes = larger;
    }
    return at;
  }
}

/** One kind of field. */
export interface Kind<T> {
  /** As messages are written down in man pages: "u32", "string", "qid". */
  readonly name: string;
  read(reader: FieldReader): T;
  /** Throws a RangeError for what does not fit. */
  write(writer: FieldWriter, value: T): void;
}

export const u8: Kind<number> = {
  name: "u8",
  read: (reader) => reader.u8(),
  write: (writer, value) => writer.u8(value),
};

export const u16: Kind<number> = {
  name: "u16",
  read: (reader) => reader.u16(),
  write: (writer, value) => writer.u16(value),
};

export const u32: Kind<number> = {
  name: "u32",
  read: (reader) => reader.u32(),
  write: (writer, value) => writer.u32(value),
};

export const u64: Kind<bigint> = {
  name: "u64",
  read: (reader) => reader.u64(),
  write: (writer, value) => writer.u64(value),
};

export const i64: Kind<bigint> = {
  name: "i64",
  read: (reader) => reader.i64(),
  write: (writer, value) => writer.i64(value),
};

/** len[2] and as many bytes. */
export const bytes: Kind<Uint8Array> = {
  name: "string",
  read: (reader) => reader.data(reader.u16()),
  write: (writer, value) => {
    writer.u16(value.length);
    writer.data(value);
  },
};

/** The name of a directory entry: bytes, but the fuzzer and the tests know that there are rules for it. */
export const name: Kind<Uint8Array> = { ...bytes, name: "name" };

/** A string in UTF-8. */
export const text: Kind<string> = {
  name: "string",
  read: (reader) => reader.data(reader.u16()).toString(),
  write: (writer, value) => bytes.write(writer, Buffer.from(value)),
};

/** count[4] and as many bytes. */
export const data: Kind<Uint8Array> = {
  name: "data",
  read: (reader) => reader.data(reader.u32()),
  write: (writer, value) => {
    writer.u32(value.length);
    writer.data(value);
  },
};

/** count[2] and as many of `kind`. */
export function list<T>(kind: Kind<T>): Kind<readonly T[]> {
  return {
    name: `${kind.name}*`,
    read: (reader) => {
      const values: T[] = [];
      for (let count = reader.u16(); count > 0; count--) values.push(kind.read(reader));
      return values;
    },
    write: (writer, values) => {
      writer.u16(values.length);
      for (const value of values) kind.write(writer, value);
    },
  };
}

/** As many of `kind` as there are up to the end of the message. */
export function rest<T>(kind: Kind<T>): Kind<readonly T[]> {
  return {
    name: `${kind.name}...`,
    read: (reader) => {
      const values: T[] = [];
      while (reader.remaining > 0) values.push(kind.read(reader));
      return values;
    },
    write: (writer, values) => {
      for (const value of values) kind.write(writer, value);
    },
  };
}

/** A last field that older peers leave out: `otherwise` then. */
export function optional<T>(kind: Kind<T>, otherwise: T): Kind<T> {
  return {
    name: `${kind.name}?`,
    read: (reader) => (reader.remaining === 0 ? otherwise : kind.read(reader)),
    write: kind.write,
  };
}

/** Fields by name, in order. */
export type Shape = Readonly<Record<string, Kind<unknown>>>;

export type Value<S> = { -readonly [K in keyof S]: S[K] extends Kind<infer T> ? T : never };

/** Fields one after another, as one field. */
export function record<S extends Shape>(kindName: string, shape: S): Kind<Readonly<Value<S>>> {
  return {
    name: kindName,
    read: (reader) => readFields(shape, reader),
    write: (writer, value) => writeFields(shape, writer, value),
  };
}

export function readFields<S extends Shape>(shape: S, reader: FieldReader): Value<S> {
  const value: Record<string, unknown> = {};
  for (const key of Object.keys(shape)) value[key] = shape[key]!.read(reader);
  return value as Value<S>;
}

export function writeFields<S extends Shape>(shape: S, writer: FieldWriter, value: Readonly<Value<S>>): void {
  for (const key of Object.keys(shape)) shape[key]!.write(writer, (value as Record<string, unknown>)[key]);
}
