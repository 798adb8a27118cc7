// Compiled guests of one sandbox, by the SHA-256 of their bytes: the same program is compiled once, however often and under
// whatever name it is started. The programs that were started last are kept.

import { createRequire } from "node:module";
import { confineModule, type GuestModule, type MemoryLimits } from "../kernel/guest-module.ts";
import { compileGuest, compileGuestLater } from "./runner.ts";

export interface CompiledGuest {
  readonly module: WebAssembly.Module;
  /** Of its own memory, which is an import now. */
  readonly memory: MemoryLimits | undefined;
}

/** By the hash of its bytes. Can be posted to a worker. */
export type KnownGuest = readonly [hash: string, guest: CompiledGuest];

/** A program's code may take megabytes, and who may add processes chooses it. */
const PROGRAMS_MAX = 64;

export class ModuleCache {
  /** The first program's bytes: hashed when there is a second, since most sandboxes run one. */
  #first: { readonly bytes: Uint8Array<ArrayBuffer>; readonly compiled: CompiledGuest } | undefined;
  /** The one that was started last is at the end. */
  readonly #byHash: Map<string, CompiledGuest>;

  /** With what another cache of the sandbox's knows. */
  constructor(known: readonly KnownGuest[] = []) {
    this.#byHash = new Map(known);
  }

  /** All that it has, for a cache of another thread's. */
  known(): KnownGuest[] {
    this.#hashFirst();
    return [...this.#byHash];
  }

  /** Errors: WvisorError for what is no module; `name` is what it is called. */
  compile(bytes: Uint8Array<ArrayBuffer>, name: string): CompiledGuest {
    if (this.#first === undefined && this.#byHash.size === 0) {
      const compiled = compileProgram(bytes, name);
      this.#first = { bytes, compiled };
      return compiled;
    }
    this.#hashFirst();
    const key = hash(bytes);
    return this.#keep(key, this.#byHash.get(key) ?? compileProgram(bytes, name));
  }

  /** The same without keeping the thread busy for as long as it takes. */
  async compileLater(bytes: Uint8Array<ArrayBuffer>, name: string): Promise<CompiledGuest> {
    const key = hash(bytes);
    return this.#keep(key, this.#byHash.get(key) ?? (await compileProgramLater(bytes, name)));
  }

  #keep(key: string, compiled: CompiledGuest): CompiledGuest {
    this.#byHash.delete(key);
    this.#byHash.set(key, compiled);
    if (this.#byHash.size > PROGRAMS_MAX) this.#byHash.delete(this.#byHash.keys().next().value!);
    return compiled;
  }

  #hashFirst(): void {
    if (this.#first === undefined || this.#byHash.size > 0) return;
    this.#byHash.set(hash(this.#first.bytes), this.#first.compiled);
  }
}

/** Without the cache, and without keeping the thread busy. Errors: WvisorError. */
export async function compileProgramLater(
  bytes: Uint8Array<ArrayBuffer>,
  name: string,
): Promise<CompiledGuest> {
  const guest = confineModule(bytes);
  return { module: await compileGuestLater(guest, name), memory: guest.memory };
}

/** Without the cache. */
export function compileProgram(bytes: Uint8Array<ArrayBuffer>, name: string): CompiledGuest {
  const guest: GuestModule = confineModule(bytes);
  return { module: compileGuest(guest, name), memory: guest.memory };
}

/** node:crypto takes milliseconds to load: it is, when there is a second program. */
function hash(bytes: Uint8Array): string {
  const { createHash } = createRequire(import.meta.filename)("node:crypto") as typeof import("node:crypto");
  return createHash("sha256").update(bytes).digest("hex");
}
