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

/** A time in nanoseconds as the two words of an i64: in halves every product stays below 2^53, and no BigInt is made. */
class Time {
  low = 0;
  high = 0;

  /** Milliseconds, which may have a fraction. */
  set(ms: number): void {
    const seconds = Math.floor(ms / 1000);
    const upper = Math.floor(seconds / HALF);
    const product = upper * SECOND;
    this.high = Math.floor(product / HALF);
    this.low = (product - this.high * HALF) * HALF + (seconds - upper * HALF) * SECOND;
    this.add(Math.round((ms - seconds * 1000) * MILLISECOND));
  }

  add(nanoseconds: number): void {
    const low = this.low + nanoseconds;
    const carry = Math.floor(low / WORD);
    this.low = low - carry * WORD;
    this.high += carry;
  }
}

export function plainHost(memory: WebAssembly.Memory, clock: Clock): HostFunctions {
  let words = new Uint32Array(memory.buffer);
  const stamp = new Time();
  const other = new Time();
  let last = Number.NaN;
  let readings = 0;

  const put = (out: number, { low, high }: Time): number => {
    if (words.byteLength === 0) words = new Uint32Array(memory.buffer);
    words[out >>> 2] = low;
    words[(out >>> 2) + 1] = high;
    return 0;
  };

  return {
    clockTime(id, out) {
      if (id === CLOCK_MONOTONIC) {
        other.set(performance.now());
        return put(out, other);
      }
      if (id !== CLOCK_REALTIME) return -EINVAL;
      const ms = clock();
      if (ms !== last) {
        last = ms;
        readings = 0;
        stamp.set(ms);
      } else if (readings < READINGS_MAX) {
        // Two changes within a millisecond are told apart, as by a clock that counts nanoseconds.
        readings++;
        stamp.add(MICROSECOND);
      }
      return put(out, stamp);
    },
    clockResolution(id, out) {
      if (id !== CLOCK_REALTIME && id !== CLOCK_MONOTONIC) return -EINVAL;
      other.set(MICROSECOND / MILLISECOND);
      return put(out, other);
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
