// What the two threads of preparation-thread.ts tell each other.

import type { KnownGuest } from "../guest/module-cache.ts";
import type { KernelModules } from "../kernel/instance.ts";
import type { SharedHost } from "./native-host.ts";
import type { Jobs } from "./preparation.ts";
import type { KnownVolume } from "./shared-volumes.ts";

export interface PreparationStart {
  readonly modules: KernelModules;
  readonly memory: WebAssembly.Memory;
  readonly shared: SharedHost;
  readonly cancelFd: number;
  readonly programs: readonly KnownGuest[];
  readonly volumes: readonly KnownVolume[];
}

/** One job. */
export type Order = {
  [Name in keyof Jobs]: { readonly name: Name; readonly args: Parameters<Jobs[Name]> };
}[keyof Jobs];

/** An error itself would not survive the message. */
export type Answer =
  | { readonly kind: "ready"; readonly thread: number }
  | { readonly kind: "done"; readonly result: unknown }
  | { readonly kind: "refused"; readonly code: string; readonly message: string; readonly exitCode: number }
  | { readonly kind: "panic"; readonly message: string };
