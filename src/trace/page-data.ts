// What the page of a trace has in it.

import type { BeginRecord, TraceRecord } from "./record.ts";

export interface PageData {
  readonly begin: BeginRecord;
  /** Those behind the first, as far as the page takes them. */
  readonly records: readonly TraceRecord[];
  /** Calls that it does not take. */
  readonly omitted: number;
}
