// git's "GIT binary patch" (apply.c and base85.c in its sources): deflated bytes in lines of up to 52, each with a letter for its
// length and then base85 in an alphabet of its own.

import { createHash } from "node:crypto";
import { deflateSync } from "node:zlib";

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";
const LINE_BYTES = 52;
const LETTERS = 26;
const GROUP_BYTES = 4;
const GROUP_DIGITS = 5;

/** The name that git gives to a file's bytes. */
export function blobName(content: Buffer): string {
  return createHash("sha1").update(`blob ${content.length}\0`).update(content).digest("hex");
}

/** Both directions, so that the patch can be taken back. */
export function formatBinaryPatch(before: Buffer, after: Buffer): string {
  return `GIT binary patch\n${formatLiteral(after)}\n${formatLiteral(before)}\n`;
}

function formatLiteral(content: Buffer): string {
  const packed = deflateSync(content);
  const lines: string[] = [];
  for (let at = 0; at < packed.length; at += LINE_BYTES)
    lines.push(formatLine(packed.subarray(at, at + LINE_BYTES)));
  return `literal ${content.length}\n${lines.join("")}`;
}

function formatLine(bytes: Buffer): string {
  const { length } = bytes;
  const letter =
    length <= LETTERS ? "A".charCodeAt(0) + length - 1 : "a".charCodeAt(0) + length - LETTERS - 1;
  let text = String.fromCharCode(letter);
  for (let at = 0; at < length; at += GROUP_BYTES) text += formatGroup(bytes.subarray(at, at + GROUP_BYTES));
  return `${text}\n`;
}

function formatGroup(bytes: Buffer): string {
  const group = Buffer.alloc(GROUP_BYTES);
  bytes.copy(group);
  let value = group.readUInt32BE(0);
  let digits = "";
  for (let digit = 0; digit < GROUP_DIGITS; digit++) {
    digits = ALPHABET[value % ALPHABET.length] + digits;
    value = Math.floor(value / ALPHABET.length);
  }
  return digits;
}
