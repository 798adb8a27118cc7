// What a case of the node:fs suite is: a function of a `node:fs` and an empty scratch directory. It runs over Node's own file
// system and over ours, and no expected value is written down: what has to agree is the outcome (outcome.ts) and the tree that
// is left (tree.ts).

import type * as nodeFs from "node:fs";

export type NodeFs = typeof nodeFs;

/** How a function is called: `fs.statSync()`, `fs.stat()` with a callback, `fs.promises.stat()`. */
export type Form = "sync" | "callback" | "promise";
export const FORMS: readonly Form[] = ["sync", "callback", "promise"];

/** A `node:fs` that the suite runs over. */
export interface Subject {
  readonly fs: NodeFs;
  /** An absolute path of a directory in which scratch directories may be made. */
  readonly base: string;
  /** Runs `body` with an effective user and group, without further groups and capabilities. */
  as<T>(user: number, group: number, body: () => T): T;
  /** Sets the mask of modes and returns the last one. */
  umask(mask: number): number;
  dispose(): void | Promise<void>;
}

/** A function of any name with any arguments: most cases are about arguments that the types forbid. */
type Loose = (this: unknown, ...args: unknown[]) => unknown;

/** Where an error came from: it was thrown by the call, or it was handed to the callback or the promise. */
const thrown = new WeakSet<object>();

export function wasThrown(error: unknown): boolean {
  return typeof error === "object" && error !== null && thrown.has(error);
}

function markThrown(error: unknown): unknown {
  if (typeof error === "object" && error !== null) thrown.add(error);
  return error;
}

/** One run of one case. */
export class Run {
  readonly fs: NodeFs;
  readonly form: Form;
  /** The scratch directory. */
  readonly dir: string;
  readonly #subject: Subject;

  constructor(subject: Subject, form: Form, dir: string) {
    this.#subject = subject;
    this.fs = subject.fs;
    this.form = form;
    this.dir = dir;
  }

  /** The path of `name` in the scratch directory. */
  at(name: string): string {
    return `${this.dir}/${name}`;
  }

  as<T>(user: number, group: number, body: () => T): T {
    return this.#subject.as(user, group, body);
  }

  umask(mask: number): number {
    return this.#subject.umask(mask);
  }

  /** Calls the function in the case's form, and gives what it gives: one value, or all that a callback gets after its error. */
  async call(name: string, ...args: unknown[]): Promise<unknown> {
    if (this.form === "sync") return this.sync(name, ...args);
    if (this.form === "callback") return this.callback(name, ...args);
    return this.promise(name, ...args);
  }

  /** As `call`, but an error is its value: for cases that go on after one. */
  async attempt(name: string, ...args: unknown[]): Promise<unknown> {
    try {
      return await this.call(name, ...args);
    } catch (error) {
      return error;
    }
  }

  sync(name: string, ...args: unknown[]): unknown {
    try {
      return this.#function(this.fs, `${name}Sync`)(...args);
    } catch (error) {
      throw markThrown(error);
    }
  }

  callback(name: string, ...args: unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      let returned = false;
      let calls = 0;
      const done = (error: unknown, ...values: unknown[]): void => {
        calls++;
        if (!returned) reject(new Error(`${name}: the callback is called before the call returns`));
        else if (calls > 1) reject(new Error(`${name}: the callback is called twice`));
        else if (error) reject(error);
        else resolve(values.length > 1 ? values : values[0]);
      };
      try {
        const value = this.#function(this.fs, name)(...args, done);
        if (value !== undefined) reject(new Error(`${name}: returns ${String(value)}`));
      } catch (error) {
        reject(markThrown(error));
      }
      returned = true;
    });
  }

  promise(name: string, ...args: unknown[]): Promise<unknown> {
    try {
      return this.#function(this.fs.promises, name)(...args) as Promise<unknown>;
    } catch (error) {
      return Promise.reject(markThrown(error));
    }
  }

  #function(object: object, name: string): Loose {
    const value: unknown = Reflect.get(object, name);
    if (typeof value !== "function") throw new Error(`there is no ${name}`);
    return value.bind(object) as Loose;
  }
}

export type Body = (run: Run) => unknown;

export interface Define {
  /** A case that chooses the forms of its calls itself. */
  (sentence: string, body: Body): void;
  /** Cases of the same body, one for each form. */
  forms(sentence: string, body: Body, forms?: readonly Form[]): void;
}
