// Ends of processes that nobody asked for: a filter that kills at random, or a crash, must not pass for a slow machine or be lost
// among exit codes that no test looks at.

/** Signals that nobody sends: a process gets them for what it does itself. */
const FAULTS: Readonly<Record<string, number>> = {
  SIGILL: 4,
  SIGTRAP: 5,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGSEGV: 11,
  SIGSYS: 31,
};
/** What a shell, and our launcher, makes of them. 134 is also what the command line says of a guest that trapped. */
const CODES = new Set(
  Object.values(FAULTS)
    .map((number) => 128 + number)
    .filter((code) => code !== 134),
);

export interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stderr: string;
}

/** Throws when the process, or the gofer of which it tells on stderr, ended by such a signal. Returns `ended`. */
export function expectNoFault<T extends Ended>(what: string, ended: T): T {
  const { code, signal, stderr } = ended;
  const told = /\bgofer was (?:ended|killed) by signal (\d+)/.exec(stderr)?.[1];
  const faulty =
    (signal !== null && signal in FAULTS) ||
    (code !== null && CODES.has(code)) ||
    Object.values(FAULTS).includes(Number(told));
  if (faulty) throw new Error(`${what}: ended by ${signal ?? code}, which nobody sent\n${stderr}`);
  return ended;
}
