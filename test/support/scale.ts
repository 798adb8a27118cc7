// How much of the full counts and times of the slow suites to run: WVISOR_SCALE, 1 for all of it.

const DEFAULT = 0.05;

export const SCALE = Number(process.env.WVISOR_SCALE ?? DEFAULT);

/** `full` at the current scale, but at least `least`. */
export function scaled(full: number, least = 1): number {
  return Math.max(least, Math.round(full * SCALE));
}
