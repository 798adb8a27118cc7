// The host's side of assembly/host.ts in plain JavaScript: clocks and randomness. There are no host descriptors and no connections.

import { EBADF, EINVAL } from "../../assembly/abi/errno.ts";
import type { HostFunctions } from "../host/kernel/instance.ts";

/** Milliseconds since the epoch, as Date.now(); it may have a fraction. */
export type Clock = () => number;

const CLOCK_REALTIME = 0;
const CLOCK_MONOTONIC = 1;

const MICROSECOND = 1000;
const MILLISECOND = 1e6;
const SECOND = 1e9;
const WORD = 2 ** 32;
const HALF = 2 ** 16;
/** What crypto.getRandomValues() fills at a time. */
const RANDOM_MAX = 65536;
/** A clock that stands still shows this many different times, a microsecond apart. */
const READINGS_MAX = 999;

/** Writes i64 nanoseconds in two words: in halves every product stays below 2^53, and no BigInt is made. */
function putTime(view: DataView, out: number, seconds: number, nanoseconds: number): void {
  const upper = Math.floor(seconds / HALF);
  const product = upper * SECOND;
  const whole = Math.floor(product / HALF);
  const low = (product - whole * HALF) * HALF + (seconds - upper * HALF) * SECOND + nanoseconds;
  const carry = Math.floor(low / WORD);
  view.setUint32(out, low - carry * WORD, true);
  view.setInt32(out + 4, whole + carry, true);
}

export function plainHost(memory: WebAssembly.Memory, clock: Clock): HostFunctions {
  let view = new DataView(memory.buffer);
  let last = 0;
  let readings = 0;

  const data = (): DataView => {
    if (view.byteLength === 0) view = new DataView(memory.buffer);
    return view;
  };
  const put = (out: number, ms: number, more: number): number => {
    const seconds = Math.floor(ms / 1000);
    putTime(data(), out, seconds, Math.round((ms - seconds * 1000) * MILLISECOND) + more);
    return 0;
  };

  return {
    clockTime(id, out) {
      if (id === CLOCK_MONOTONIC) return put(out, performance.now(), 0);
      if (id !== CLOCK_REALTIME) return -EINVAL;
      // Two changes within a millisecond are told apart, as by a clock that counts nanoseconds.
      const ms = clock();
      readings = ms === last ? Math.min(readings + 1, READINGS_MAX) : 0;
      last = ms;
      return put(out, ms, readings * MICROSECOND);
    },
    clockResolution(id, out) {
      if (id !== CLOCK_REALTIME && id !== CLOCK_MONOTONIC) return -EINVAL;
      return put(out, 0, MICROSECOND);
    },
    random(out, length) {
      for (let at = 0; at < length; at += RANDOM_MAX) {
        const span = new Uint8Array(memory.buffer, out + at, Math.min(RANDOM_MAX, length - at));
        crypto.getRandomValues(span as Uint8Array<ArrayBuffer>);
      }
      return 0;
    },
    exited() {},
    p9Rpc: () => -EBADF,
    closeConnection() {},
    closeHandle: () => -EBADF,
    readGuest: () => -EBADF,
    writeGuest: () => -EBADF,
    preadGuest: () => -EBADF,
    pwriteGuest: () => -EBADF,
    readKernel: () => -EBADF,
    writeKernel: () => -EBADF,
    pollHandles: () => -EBADF,
  };
}
