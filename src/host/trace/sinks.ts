// What becomes of a traced call: a line, a record in a file, a count.

import { callLine, endLine } from "../../trace/line.ts";
import type { BeginRecord, CallRecord, CloseRecord, EndRecord, OpenRecord } from "../../trace/record.ts";
import { Summary } from "../../trace/summary.ts";
import { LAST_WORDS_MAX, type TraceOutput } from "./output.ts";

/** Calls and ends come in the order in which they were. */
export interface TraceSink {
  /** Whether it takes what is told any more. */
  readonly isOpen: boolean;
  begin(record: BeginRecord): void;
  /** One that has returned, or never will. */
  call(record: CallRecord): void;
  fd(record: OpenRecord | CloseRecord): void;
  end(record: EndRecord): void;
  /**
   * What is to be said if a deadline ends the process now: `end` is how, and `call` what is under way. Told before and after each call
   * when there is a deadline.
   */
  prepareEnd(end: EndRecord, call: CallRecord | undefined): void;
}

/** Lines of strace(1). */
export class LineSink implements TraceSink {
  readonly #output: TraceOutput;

  constructor(output: TraceOutput) {
    this.#output = output;
  }

  get isOpen(): boolean {
    return this.#output.isOpen;
  }
  begin(): void {}
  call(record: CallRecord): void {
    this.#output.write(`${callLine(record)}\n`);
  }
  fd(): void {}
  end(record: EndRecord): void {
    this.#output.write(`${endLine(record)}\n`);
  }

  prepareEnd(end: EndRecord, call: CallRecord | undefined): void {
    const last = `${endLine(end)}\n`;
    const line = call === undefined ? "" : `${callLine(call)}\n`;
    const fits = line.length + last.length <= LAST_WORDS_MAX;
    this.#output.setLastWords(fits ? line + last : `${callLine({ ...call!, args: {} })}\n${last}`);
  }
}

/** Records, one on each line. */
export class RecordSink implements TraceSink {
  readonly #output: TraceOutput;

  constructor(output: TraceOutput) {
    this.#output = output;
  }

  get isOpen(): boolean {
    return this.#output.isOpen;
  }
  begin(record: BeginRecord): void {
    this.#write(record);
  }
  call(record: CallRecord): void {
    this.#write(record);
  }
  fd(record: OpenRecord | CloseRecord): void {
    this.#write(record);
  }
  end(record: EndRecord): void {
    this.#write(record);
  }

  prepareEnd(end: EndRecord, call: CallRecord | undefined): void {
    const last = `${JSON.stringify(end)}\n`;
    const whole = call === undefined ? last : `${JSON.stringify(call)}\n${last}`;
    const fits = Buffer.byteLength(whole) <= LAST_WORDS_MAX;
    this.#output.setLastWords(fits ? whole : `${JSON.stringify({ ...call, args: {} })}\n${last}`);
  }

  #write(record: object): void {
    this.#output.write(`${JSON.stringify(record)}\n`);
  }
}

/** The table in which it ends may miss what the last of these milliseconds counted, if a deadline ended the process. */
const TABLE_INTERVAL_NS = 50e6;

/** Counts, told at the end. */
export class SummarySink implements TraceSink {
  readonly #output: TraceOutput;
  readonly #summary = new Summary();
  #prepared = Number.NEGATIVE_INFINITY;

  constructor(output: TraceOutput) {
    this.#output = output;
  }

  get isOpen(): boolean {
    return this.#output.isOpen;
  }
  begin(): void {}
  call({ name, dur, errno }: CallRecord): void {
    this.#summary.add(name, dur ?? 0, errno !== undefined);
  }
  fd(): void {}
  end(): void {
    this.#output.write(this.#summary.table());
  }

  prepareEnd({ t }: EndRecord): void {
    if (t - this.#prepared < TABLE_INTERVAL_NS) return;
    this.#prepared = t;
    this.#output.setLastWords(this.#summary.table());
  }
}
