// Finds the end of a JSON object in bytes that come piece by piece. Nothing else of JSON is checked: JSON.parse() does that.

import { ProtocolError } from "./protocol.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const WHITE_SPACE = [0x20, 0x09, 0x0a, 0x0d];

export class JsonScanner {
  private readonly depthMax: number;
  /** 0 before the object. */
  private depth = 0;
  private inString = false;
  private escaped = false;

  constructor(depthMax: number) {
    this.depthMax = depthMax;
  }

  /** Whether bytes of an object have been seen whose end was not. */
  get inside(): boolean {
    return this.depth > 0;
  }

  /**
   * Looks at [from, to) of `bytes`, which follows what was looked at before. Returns the index behind the object's end, or -1
   * when it ends later; the next call after an end begins with the next object. Throws ProtocolError for anything but white space
   * before an object, and for one that is nested too deep.
   */
  scan(bytes: Uint8Array, from: number, to: number): number {
    for (let at = from; at < to; at++) {
      const byte = bytes[at]!;
      if (this.inString) this.scanString(byte);
      else if (this.depth === 0) this.begin(byte);
      else if (byte === QUOTE) this.inString = true;
      else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) this.descend();
      else if ((byte === CLOSE_BRACE || byte === CLOSE_BRACKET) && --this.depth === 0) return at + 1;
    }
    return -1;
  }

  private scanString(byte: number): void {
    if (this.escaped) this.escaped = false;
    else if (byte === BACKSLASH) this.escaped = true;
    else if (byte === QUOTE) this.inString = false;
  }

  private begin(byte: number): void {
    if (byte === OPEN_BRACE) this.descend();
    else if (!WHITE_SPACE.includes(byte)) throw new ProtocolError("message: not a JSON object");
  }

  private descend(): void {
    if (this.depth === this.depthMax) {
      throw new ProtocolError(`message: nested deeper than ${this.depthMax} levels`);
    }
    this.depth++;
  }
}
