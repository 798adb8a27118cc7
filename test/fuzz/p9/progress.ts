// Says now and then how far a long run is.

export type Progress = (done: number) => void;

const EVERY_MS = 30_000;

/** Prints a line every half minute that it is told of anything. */
export function printProgress(what: string, full: number): Progress {
  const begun = performance.now();
  let said = begun;
  return (done) => {
    const now = performance.now();
    if (now - said < EVERY_MS) return;
    said = now;
    const seconds = (now - begun) / 1000;
    const percent = Math.floor((100 * done) / full);
    console.log(`${what}: ${done} of ${full} (${percent}%) after ${Math.round(seconds)} s`);
  };
}
