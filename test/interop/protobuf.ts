// As much of protobuf's encoding (proto3) as the calls of the CRI need: messages by tables of their fields.

/** A field's number and what it holds. Unknown fields of an answer are skipped. */
export type Field = readonly [number: number, type: FieldType];
export type FieldType =
  | "string"
  | "bytes"
  | "int"
  | "bool"
  | Schema
  | readonly ["repeated" | "map", FieldType];
export interface Schema {
  readonly [name: string]: Field;
}
export type Message = Readonly<Record<string, unknown>>;

const VARINT = 0;
const BYTES = 2;
const FIXED64 = 1;
const FIXED32 = 5;
const ENTRY = (value: FieldType): Schema => ({ key: [1, "string"], value: [2, value] });

export function encode(schema: Schema, message: Message): Buffer {
  const parts: Buffer[] = [];
  for (const [name, value] of Object.entries(message)) {
    const field = schema[name];
    if (field === undefined) throw new Error(`no field ${name}`);
    const [number, type] = field;
    for (const [each, given] of occurrences(type, value)) parts.push(encodeField(number, each, given));
  }
  return Buffer.concat(parts);
}

function occurrences(type: FieldType, value: unknown): [FieldType, unknown][] {
  if (!Array.isArray(type)) return [[type, value]];
  const [kind, item] = type as readonly ["repeated" | "map", FieldType];
  if (kind === "repeated") return (value as unknown[]).map((each) => [item, each]);
  return Object.entries(value as object).map(([key, each]) => [ENTRY(item), { key, value: each }]);
}

function encodeField(number: number, type: FieldType, value: unknown): Buffer {
  if (type === "int" || type === "bool") {
    return Buffer.concat([varint((number << 3) | VARINT), varint(Number(value))]);
  }
  const bytes =
    typeof type === "object" ? encode(type as Schema, value as Message) : Buffer.from(value as string);
  return Buffer.concat([varint((number << 3) | BYTES), varint(bytes.length), bytes]);
}

/** Of a number that is not negative. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
}

export function decode(schema: Schema, bytes: Buffer): Message {
  const fields = new Map(Object.entries(schema).map(([name, [number, type]]) => [number, { name, type }]));
  const message: Record<string, unknown> = {};
  const reader = { bytes, at: 0 };
  while (reader.at < bytes.length) {
    const tag = readVarint(reader);
    const field = fields.get(tag >> 3);
    const value = readValue(reader, tag & 7);
    if (field === undefined) continue;
    message[field.name] = convert(field.type, value);
  }
  return message;
}

interface Reader {
  readonly bytes: Buffer;
  at: number;
}

function readVarint(reader: Reader): number {
  let value = 0;
  for (let factor = 1; ; factor *= 0x80) {
    const byte = reader.bytes[reader.at++]!;
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return value;
  }
}

function readValue(reader: Reader, wire: number): number | Buffer {
  if (wire === VARINT) return readVarint(reader);
  const lengths: Readonly<Record<number, number>> = { [FIXED64]: 8, [FIXED32]: 4 };
  const length = wire === BYTES ? readVarint(reader) : lengths[wire];
  if (length === undefined) throw new Error(`wire type ${wire}`);
  const start = reader.at;
  reader.at += length;
  return reader.bytes.subarray(start, reader.at);
}

function convert(type: FieldType, value: number | Buffer): unknown {
  if (typeof value === "number") return type === "bool" ? value !== 0 : value;
  if (type === "bytes") return value;
  return typeof type === "object" ? decode(type as Schema, value) : value.toString();
}
