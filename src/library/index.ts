// wvisor: sandboxes in this process. The only file that users import.

export type { ConfinementLevel } from "../common/confinement.ts";
export { WvisorError } from "../common/errors.ts";
export { type ExitResult, GuestProcess, type ProcessStats } from "./guest-process.ts";
export type { Mount, MountInfo, Root } from "./mounts.ts";
export type { Environment, Limits, SandboxOptions } from "./options.ts";
export type { LimitName } from "./protocol.ts";
export {
  type Capabilities,
  createSandbox,
  type ExecResult,
  type LimitEvent,
  Sandbox,
  type SandboxStats,
} from "./sandbox.ts";
export { Snapshot } from "./snapshot.ts";
export type { Command, ExecOptions, SpawnOptions } from "./spawn-options.ts";
export type { Stdio, StdioEntry } from "./stdio.ts";
export type { Duration, Size, User } from "./values.ts";
