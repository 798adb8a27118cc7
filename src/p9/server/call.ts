// One request, while served files answer it: at once or later.
//
// A handler runs from its start to its end without a pause. Where a file answers with a promise the run is given up: the tree's
// call fails (SUSPENDED), the handler ends as at any error, and when the promise has settled the handler runs once more, from its
// start, as Linux restarts a system call. What files have answered is on record, so that no method is called twice.
//
// Why this is right
//   A run that is given up has changed nothing of the session: handlers change fids behind the last call of the tree, or ask
//   Session.isSuspended first.
//   The next run finds the fids that the request names as it left them: the dispatcher keeps other requests off these.
//   Whatever else may change between two runs, and decides what a file is asked, goes on record too.

import { EINTR, EIO } from "../../../assembly/abi/errno.ts";
import type { OpenFile, ServedCall, ServedFile } from "../served-file.ts";
import { errnoOf, Refusal, refusal } from "./refusal.ts";

/** What calls of the tree return when the run is given up: Linux's ERESTARTSYS, which no client sees either. */
const RESTART = 512;

const SUSPENDED = new Refusal(RESTART);

type Outcome = { readonly value: unknown } | { readonly refusal: Refusal };

export class Call implements ServedCall {
  private readonly onError: (error: unknown) => void;
  private readonly outcomes: Outcome[] = [];
  /** How many outcomes this run has used. */
  private position = 0;
  private waitsFor: Promise<void> | undefined;
  private readonly endings: Promise<void>[] = [];
  /** The errno of the first method of last() that failed, or 0. */
  private endError = 0;
  private readonly held: ServedFile[] = [];
  /** What open() gave, until the tree has a handle for it. */
  private unclaimed: OpenFile | undefined;
  private controller: AbortController | undefined;
  private isCancelled = false;

  constructor(onError: (error: unknown) => void) {
    this.onError = onError;
  }

  /** Made when a file asks for it: most never do. */
  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      if (this.isCancelled) this.controller.abort();
    }
    return this.controller.signal;
  }

  /** What the run was given up for; settles, and never rejects, when the request can be run again. */
  get pending(): Promise<void> | undefined {
    return this.waitsFor;
  }

  /**
   * What `get` answers, put through `take`, which may throw; both are called once, however often the request runs. Throws what
   * attempt() understands.
   */
  ask<T, U>(get: () => T | PromiseLike<T>, take: (value: T) => U): U {
    if (this.waitsFor !== undefined) throw SUSPENDED;
    const at = this.position;
    if (at === this.outcomes.length) this.begin(get, take);
    const outcome = this.outcomes[at];
    if (outcome === undefined) throw SUSPENDED;
    this.position++;
    if ("refusal" in outcome) throw outcome.refusal;
    return outcome.value as U;
  }

  /** As ask(), for a file: the server refers to it from now on to the end of the request. */
  askFile(
    get: () => ServedFile | undefined | PromiseLike<ServedFile | undefined>,
    ifNone: number,
  ): ServedFile {
    return this.ask(get, (file) => {
      if (file === undefined) throw refusal(ifNone);
      file.acquire?.();
      this.held.push(file);
      return file;
    });
  }

  /** As ask(), for open(): closed when the request ends before claim(). */
  askOpen(get: () => OpenFile | PromiseLike<OpenFile>): OpenFile {
    return this.ask(get, (file) => {
      this.unclaimed = file;
      return file;
    });
  }

  claim(): void {
    this.unclaimed = undefined;
  }

  /** Calls a method on whose answer nothing depends but the request's reply, which waits for it and fails with it. */
  last(get: () => unknown): void {
    const fail = (error: unknown): void => {
      this.endError ||= this.refusalOf(error).value;
    };
    try {
      const answer = get();
      if (isThenable(answer)) this.endings.push(Promise.resolve(answer).then(() => {}, fail));
    } catch (error) {
      fail(error);
    }
  }

  /** What `run` returns, or -errno for what it throws. */
  attempt(run: () => number): number {
    try {
      return run();
    } catch (error) {
      return -this.refusalOf(error).value;
    }
  }

  /** The request is about to run again. */
  restart(): void {
    this.position = 0;
    this.waitsFor = undefined;
  }

  /** Nobody wants the answer any more: no further method is called, and the one under way is told. */
  cancel(): void {
    this.isCancelled = true;
    this.controller?.abort();
  }

  /**
   * The request has run to its end, or will not run again. Returns the errno that its reply is to have instead of what it has, or
   * 0; or what that waits for.
   */
  end(): number | Promise<number> {
    const file = this.unclaimed;
    if (file !== undefined) this.last(() => file.close?.());
    this.unclaimed = undefined;
    for (const each of this.held.splice(0)) this.last(() => each.release?.());
    if (this.endings.length === 0) return this.endError;
    return Promise.all(this.endings.splice(0)).then(() => this.endError);
  }

  private begin<T, U>(get: () => T | PromiseLike<T>, take: (value: T) => U): void {
    if (this.isCancelled) {
      this.outcomes.push({ refusal: refusal(EINTR) });
      return;
    }
    try {
      const answer = get();
      if (isThenable(answer)) {
        this.waitsFor = Promise.resolve(answer).then(
          (value) => this.put(value as T, take),
          (error: unknown) => this.fail(error),
        );
      } else {
        this.put(answer, take);
      }
    } catch (error) {
      this.fail(error);
    }
  }

  private put<T, U>(answer: T, take: (value: T) => U): void {
    try {
      this.outcomes.push({ value: take(answer) });
    } catch (error) {
      this.fail(error);
    }
  }

  private fail(error: unknown): void {
    this.outcomes.push({ refusal: this.refusalOf(error) });
  }

  /** Tells whoever serves the file about what is no errno; but not that a method ended because it was told to. */
  private refusalOf(error: unknown): Refusal {
    if (error instanceof Refusal) return error;
    const errno = errnoOf(error);
    if (errno !== undefined) return refusal(errno);
    if (this.isCancelled) return refusal(EINTR);
    this.onError(error);
    return refusal(EIO);
  }
}

/** The requests of a connection whose files may answer later, of which one runs at a time. */
export class Calls {
  current: Call;
  private readonly onError: (error: unknown) => void;

  constructor(onError: (error: unknown) => void) {
    this.onError = onError;
    this.current = new Call(onError);
  }

  /** What is called from now on belongs to a new request. */
  begin(): Call {
    this.current = new Call(this.onError);
    return this.current;
  }

  /** What is called from now on belongs to this one again. */
  resume(call: Call): void {
    call.restart();
    this.current = call;
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  const type = typeof value;
  if ((type !== "object" && type !== "function") || value === null) return false;
  return typeof (value as { then?: unknown }).then === "function";
}
