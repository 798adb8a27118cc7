// Linux's signals: their names and what each does to a process that has set no handler (signal(7)).

const NAMES =
  `HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ
  VTALRM PROF WINCH IO PWR SYS`.split(/\s+/);

const ALIASES: ReadonlyMap<string, string> = new Map([
  ["IOT", "ABRT"],
  ["POLL", "IO"],
  ["CLD", "CHLD"],
]);

export const SIGINT = 2;
export const SIGKILL = 9;
export const SIGTERM = 15;
export const SIGNAL_MAX = 64;
/** The first of the real-time signals, as C libraries count them: two below are theirs. */
const SIGRTMIN = 34;

const numberOf = (name: string): number => NAMES.indexOf(name) + 1;

const IGNORED: ReadonlySet<number> = new Set(["CHLD", "CONT", "URG", "WINCH"].map(numberOf));
const STOPPING: ReadonlySet<number> = new Set(["STOP", "TSTP", "TTIN", "TTOU"].map(numberOf));

/** "TERM", "SIGTERM", "15", "RTMIN+3" in either case; undefined for what is no signal. */
export function parseSignal(text: string): number | undefined {
  if (/^\d{1,2}$/.test(text)) {
    const number = Number(text);
    return number >= 1 && number <= SIGNAL_MAX ? number : undefined;
  }
  const name = text.toUpperCase().replace(/^SIG/, "");
  const realTime = /^RT(MIN|MAX)(?:([+-])(\d{1,2}))?$/.exec(name);
  if (realTime !== null) {
    const [, from, sign, distance = "0"] = realTime;
    const start = from === "MIN" ? SIGRTMIN : SIGNAL_MAX;
    const number = sign === "-" ? start - Number(distance) : start + Number(distance);
    return number >= SIGRTMIN && number <= SIGNAL_MAX ? number : undefined;
  }
  const number = numberOf(ALIASES.get(name) ?? name);
  return number > 0 ? number : undefined;
}

/** Whether a process without handlers ends of it. */
export function terminates(number: number): boolean {
  return !IGNORED.has(number) && !STOPPING.has(number);
}
