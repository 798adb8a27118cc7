// Ticks: moments between which time passed for both sides, so that times can be compared by the interval they lie in.
//
// Linux stamps files by a clock that moves with its timer interrupt, at the worst every 10 ms; ours may be finer. A tick waits for
// that long on both sides of its moment.

const COARSE_MS = 11;
const HOUR = 3_600_000_000_000n;
const sleeper = new Int32Array(new SharedArrayBuffer(4));

function sleep(ms: number): void {
  Atomics.wait(sleeper, 0, 0, ms);
}

function now(): bigint {
  return BigInt(Date.now()) * 1_000_000n;
}

export class Epochs {
  readonly #start = now() - HOUR;
  readonly #ticks: bigint[] = [];

  /** Lets time pass. What was done before has an earlier interval than what is done afterwards. */
  tick(): void {
    sleep(COARSE_MS);
    this.#ticks.push(now());
    sleep(COARSE_MS);
  }

  /** A time of the test's own making as it is, or the interval that it lies in. */
  name(time: bigint): string {
    if (time < this.#start || time > now() + HOUR) return `${time}`;
    let index = this.#ticks.length;
    while (index > 0 && this.#ticks[index - 1]! > time) index--;
    return `tick${index}`;
  }
}
