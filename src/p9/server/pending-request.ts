// A request that is not answered yet: it waits for its turn, or for a file's answer.

import * as p9 from "../../../assembly/abi/p9.ts";
import { FrameError } from "../fields.ts";
import { decode, messageName } from "../messages.ts";
import type { Call } from "./call.ts";

/** What changes neither a file nor a fid that is there: these run beside each other, and can be forgotten at any time. */
const READING: ReadonlySet<number> = new Set([
  p9.P9_TGETATTR,
  p9.P9_TGETLOCK,
  p9.P9_TMULTIGETATTR,
  p9.P9_TREAD,
  p9.P9_TREADLINK,
  p9.P9_TSTATFS,
  p9.P9_TWALK,
  p9.P9_TWALKATTR,
  p9.P9_TWALKFIDS,
  p9.P9_TXATTRWALK,
]);

const TYPE = 4;
const TAG = 5;

export class PendingRequest {
  readonly frame: Buffer;
  readonly type: number;
  readonly tag: number;
  /** The request that this Tflush waits for. */
  readonly behind: PendingRequest | undefined;
  /** While it runs, or has run and waits for a file. */
  call: Call | undefined;
  /** It gets no answer, and its tag is free. What runs for it still does. */
  isForgotten = false;
  /** Numbers of fids that it leaves as they are, and those that it makes or changes. */
  private readonly uses: readonly number[];
  private readonly changes: readonly number[];

  /** `frame` is a whole message, and nobody else's memory. */
  constructor(frame: Buffer, behind?: PendingRequest) {
    this.frame = frame;
    this.type = frame.readUInt8(TYPE);
    this.tag = frame.readUInt16LE(TAG);
    this.behind = behind;
    const { uses, changes } = fidsOf(frame, this.type);
    this.uses = uses;
    this.changes = changes;
  }

  get isReading(): boolean {
    return READING.has(this.type);
  }

  /** Whether it has to wait until an earlier request has been answered. */
  mustFollow(earlier: PendingRequest): boolean {
    if (this.type === p9.P9_TVERSION || earlier.type === p9.P9_TVERSION || this.behind === earlier)
      return true;
    return (
      meets(this.changes, earlier.changes) ||
      meets(this.changes, earlier.uses) ||
      meets(this.uses, earlier.changes)
    );
  }
}

function meets(some: readonly number[], others: readonly number[]): boolean {
  return some.some((fid) => others.includes(fid));
}

function fidsOf(frame: Buffer, type: number): { uses: number[]; changes: number[] } {
  const uses: number[] = [];
  const changes: number[] = [];
  for (const [field, value] of Object.entries(fieldsOf(frame, type))) {
    if (!/fids?$/.test(field)) continue;
    const isKept = READING.has(type) && !field.startsWith("new");
    const numbers = Array.isArray(value) ? (value as number[]) : [value as number];
    for (const fid of numbers) if (fid !== p9.P9_NOFID) (isKept ? uses : changes).push(fid);
  }
  return { uses, changes };
}

/** None for what will be refused whatever its fids are. */
function fieldsOf(frame: Buffer, type: number): object {
  const which = messageName(type);
  if (which === undefined) return {};
  try {
    return decode(which, frame);
  } catch (error) {
    if (error instanceof FrameError) return {};
    throw error;
  }
}
