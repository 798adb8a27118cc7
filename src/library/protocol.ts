// What a sandbox's object and its supervising thread say to each other. All of it can be posted.

import { WvisorError } from "../common/errors.ts";
import type { SharedHost } from "../host/boot/native-host.ts";
import type { MountConfig, ProcessConfig } from "../host/config/sandbox-config.ts";
import type { GuestUsage } from "../host/guest/guest-thread.ts";
import type { KernelModules } from "../host/kernel/instance.ts";
import type { SandboxPlan } from "./options.ts";

/** With what the thread starts. */
export interface SupervisorStart {
  readonly modules: KernelModules;
  readonly plan: SandboxPlan;
  /** Instead of a kernel that is booted. */
  readonly image: KernelImage | undefined;
}

/** A kernel's memory with nothing running in it, and the addresses in it that the host knows. */
export interface KernelImage {
  readonly bytes: SharedArrayBuffer;
  readonly addresses: KernelAddresses;
  /** All trees of the host that it has connections to, by the connections' numbers. */
  readonly trees: readonly ConnectedTree[];
  readonly mounts: readonly MountConfig[];
}

export interface KernelAddresses {
  readonly namespace: number;
  readonly pids: number;
  readonly uts: number;
  /** The supervisor's own thread in the kernel. */
  readonly control: number;
  /** A task that the sandbox's owner runs. */
  readonly host: number;
}

export interface ConnectedTree {
  readonly connection: number;
  readonly source: string;
  readonly readonly: boolean;
}

/** What another thread needs to make calls to the kernel. */
export interface KernelSeat {
  readonly memory: WebAssembly.Memory;
  readonly shared: SharedHost;
  readonly task: number;
}

export interface Started extends KernelSeat {
  readonly mounts: readonly MountConfig[];
}

export type Program =
  /** A path or name inside the sandbox, or a runtime. */
  | { readonly kind: "name"; readonly name: string; readonly cwd: string }
  /** A WebAssembly module of the owner's. */
  | { readonly kind: "file"; readonly file: string }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array<ArrayBuffer> };

export interface SpawnRequest {
  /** The sandbox's number of it, nobody else's. */
  readonly key: number;
  readonly program: Program;
  readonly process: ProcessConfig;
  /** Descriptors of this process: the supervisor's from now on. */
  readonly streams: readonly number[];
  /** 0: no limit, on output too. */
  readonly timeMs: number;
  readonly outputBytes: number;
  /** What a limit on time kills with. */
  readonly killSignal: number;
}

/** Which limit a program met. */
export type LimitName = "memory" | "time" | "output";

export interface GuestEnd {
  readonly code: number;
  /** The signal that ended it. */
  readonly signal: number;
  readonly limit: LimitName | null;
  /** What ended it, where it did not end by itself. */
  readonly message: string | null;
  readonly usage: GuestUsage & { readonly wallMs: number };
}

export interface SandboxUsage {
  readonly processes: number;
  /** Bytes of memory of the kernel's, its files' data included. */
  readonly kernelBytes: number;
  /** Of the gofers that serve it. */
  readonly gofers: readonly number[];
}

/** The supervisor's functions, by name: what they take and what they give. */
export interface SupervisorCalls {
  start: (none: undefined) => Started;
  spawn: (request: SpawnRequest) => { pid: number };
  kill: (target: { key: number; signal: number }) => undefined;
  mount: (mount: MountConfig) => undefined;
  umount: (path: string) => undefined;
  snapshot: (none: undefined) => KernelImage;
  restore: (image: KernelImage) => undefined;
  usage: (none: undefined) => SandboxUsage;
  close: (none: undefined) => undefined;
}

export type CallName = keyof SupervisorCalls;
export type Argument<N extends CallName> = Parameters<SupervisorCalls[N]>[0];
export type Result<N extends CallName> = ReturnType<SupervisorCalls[N]>;

export interface CallMessage<N extends CallName = CallName> {
  readonly id: number;
  readonly name: N;
  readonly argument: Argument<N>;
}

export type SupervisorMessage =
  | { readonly kind: "result"; readonly id: number; readonly result: unknown }
  | { readonly kind: "error"; readonly id: number; readonly error: ErrorRecord }
  | { readonly kind: "end"; readonly key: number; readonly end: GuestEnd }
  /** A program could not start. */
  | { readonly kind: "failed"; readonly key: number; readonly error: ErrorRecord }
  /** The kernel failed: nothing of the sandbox can be used any more. */
  | { readonly kind: "panic"; readonly message: string };

/** An error, which a message would lose the fields of. */
export interface ErrorRecord {
  readonly code: string;
  readonly message: string;
  readonly exitCode: number;
  readonly errno: number | undefined;
  readonly syscall: string | undefined;
  readonly path: string | undefined;
}

/** Anything but a WvisorError is a fault of ours. */
export function recordError(error: unknown): ErrorRecord {
  if (error instanceof WvisorError) {
    const { code, message, exitCode, errno, syscall, path } = error;
    return { code, message, exitCode, errno, syscall, path };
  }
  const { message } = error as Error;
  return {
    code: "ERR_WVISOR_PANIC",
    message,
    exitCode: 125,
    errno: undefined,
    syscall: undefined,
    path: undefined,
  };
}

export function revealError({ code, message, exitCode, ...fields }: ErrorRecord): WvisorError {
  return new WvisorError(code, message, exitCode, fields);
}
