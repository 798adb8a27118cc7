// What a test and its call worker tell each other, in shared memory: a word for the order, one for the answer, numbers and a text.

export const ORDER = 0;
export const ORDER_NONE = 0;
export const ORDER_ENTER = 1;
export const ORDER_CALL = 2;
export const ORDER_QUIT = 3;

export const ANSWER = 1;
export const ANSWER_NONE = 0;
export const ANSWER_RESULT = 1;
/** The task was killed in the call, and has gone. */
export const ANSWER_GONE = 2;
/** The kernel failed: the text says how. */
export const ANSWER_FAILED = 3;

const NUMBERS_AT = 16;
/** A call's number and its arguments; then, in the first, its result. */
const NUMBERS = 7;
const TEXT_AT = NUMBERS_AT + NUMBERS * 8;
const TEXT_BYTES = 1024;

export class Board {
  readonly #words: Int32Array;
  readonly #text: Uint8Array;
  readonly numbers: Float64Array;

  static makeBuffer(): SharedArrayBuffer {
    return new SharedArrayBuffer(TEXT_AT + TEXT_BYTES);
  }

  constructor(buffer: SharedArrayBuffer) {
    this.#words = new Int32Array(buffer, 0, 2);
    this.numbers = new Float64Array(buffer, NUMBERS_AT, NUMBERS);
    this.#text = new Uint8Array(buffer, TEXT_AT, TEXT_BYTES);
  }

  put(word: number, value: number): void {
    Atomics.store(this.#words, word, value);
    Atomics.notify(this.#words, word);
  }

  peek(word: number): number {
    return Atomics.load(this.#words, word);
  }

  /** Waits while the word has its value of rest, and gives it that again; undefined when nothing came for that long. */
  take(word: number, rest: number, milliseconds = Number.POSITIVE_INFINITY): number | undefined {
    if (Atomics.wait(this.#words, word, rest, milliseconds) === "timed-out") return undefined;
    return Atomics.exchange(this.#words, word, rest);
  }

  get text(): string {
    return Buffer.from(this.#text).toString().replace(/\0.*/s, "");
  }

  set text(text: string) {
    this.#text.fill(0).set(Buffer.from(text).subarray(0, TEXT_BYTES));
  }
}
