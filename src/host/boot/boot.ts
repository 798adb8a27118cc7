// The sentry as a process of its own: a sandbox with one container, which waits for the start signal and is told what to do over its
// control socket; others are added to it there. This thread supervises; guests run on workers.

import { WvisorError } from "../../common/errors.ts";
import type { Native } from "../../native/index.ts";
import type { SandboxConfig } from "../config/sandbox-config.ts";
import { containerManager } from "../control/container-manager.ts";
import { ControlServer } from "../control/control-server.ts";
import { debugMethods } from "../control/debug.ts";
import { markStarted } from "../control/phase.ts";
import { loadReadinessWorker, Readiness } from "../control/readiness.ts";
import { Session } from "../control/session.ts";
import { loadGuestWorker } from "../guest/guest-thread.ts";
import { KernelPanic } from "../kernel/instance.ts";
import { type ConfineOptions, openWindows } from "../sandbox/gofer-process.ts";
import { beginSentryConfinement } from "../sandbox/sentry-confinement.ts";
import { loadKernelModules } from "./files.ts";
import { Machine } from "./machine.ts";
import { makeSharedHost } from "./native-host.ts";
import { loadPreparationWorker } from "./preparation-thread.ts";
import { STREAMS } from "./process.ts";
import { Sandbox } from "./sandbox.ts";

export interface BootOptions extends ConfineOptions {
  readonly native: Native;
  /** A unix socket that listens: for the control server. */
  readonly controller: number;
  /** Connections to the gofer, in the order of goferMounts(). */
  readonly io: readonly number[];
  /** The memory that they share with the gofer, and its bell; closed here. */
  readonly windows?: readonly [number, number] | undefined;
  /** What the program gets behind its standard streams. */
  readonly preserved: readonly number[];
  /** The anchor's socket. */
  readonly session?: number | undefined;
  /** A file whose first byte says whether the container was started: "c", then "r". */
  readonly phase?: number | undefined;
  tell(text: string): void;
}

/** Whoever waits for the loader gets this long to hear why it failed (B18-18). */
const FAREWELL_MS = 2000;
const EXIT_FAILED = 125;

/** Returns the container's exit code. */
export async function bootSandbox(config: SandboxConfig, options: BootOptions): Promise<number> {
  const { native, tell } = options;
  const streams = [...STREAMS, ...options.preserved];
  native.setNoNewPrivs();
  const confines = options.confinement !== "none";
  const confine = confines ? beginSentryConfinement(native, options.report ?? false) : () => {};
  loadGuestWorker();
  loadReadinessWorker();
  loadPreparationWorker();
  const host = makeSharedHost(options.io, streams, mapWindows(native, options));
  const machine = new Machine(native, loadKernelModules(), host);
  confine();
  const readiness = new Readiness(native);
  const started = (): void => {
    if (options.phase !== undefined) markStarted(native, options.phase);
  };
  const sandbox = new Sandbox({ native, machine, config, streams, started, tell });
  const loader = withResolvers<void>();
  // Nobody may be waiting when it fails.
  loader.promise.catch(() => {});
  let isHeard = false;
  const awaitLoaded = (): Promise<void> => {
    isHeard = true;
    return loader.promise;
  };
  new ControlServer(native, readiness, options.controller, {
    ...containerManager({ native, readiness, sandbox, awaitLoaded }),
    ...debugMethods({ machine, sandbox }),
  });
  if (options.session !== undefined) {
    new Session(native, readiness, options.session, {
      signal: (number) => sandbox.root.signalFirst(number),
      hangUp: () => {},
    });
  }
  try {
    await sandbox.root.create();
    loader.resolve();
  } catch (error) {
    return refuse(error, loader.reject, (text) => {
      if (!isHeard) tell(text);
    });
  }
  const code = await sandbox.exited;
  // Who waits for it is answered first.
  await new Promise((resolve) => setImmediate(resolve));
  return code;
}

/** The numbers of the connections' windows. Errors: WvisorError. */
function mapWindows(native: Native, { io, windows }: BootOptions): number[] {
  if (windows === undefined) return [];
  const map = native.windowsMap(...windows);
  for (const fd of windows) native.close(fd);
  if (map < 0) throw new WvisorError("ERR_WVISOR_GOFER", `mapping the gofer's windows: errno ${-map}`);
  return openWindows(native, map, io);
}

async function refuse(
  error: unknown,
  reject: (error: unknown) => void,
  tell: (text: string) => void,
): Promise<number> {
  if (!(error instanceof WvisorError) && !(error instanceof KernelPanic)) throw error;
  reject(error);
  await new Promise((resolve) => setTimeout(resolve, FAREWELL_MS));
  tell(error.message);
  return error instanceof WvisorError ? error.exitCode : EXIT_FAILED;
}

interface Resolvers<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

function withResolvers<T>(): Resolvers<T> {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((settle, fail) => {
    resolve = settle;
    reject = fail;
  });
  return { promise, resolve, reject };
}
