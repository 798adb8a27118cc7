// A container that is added to a sandbox: what a client sends, and the process that stands for it on the host.

import * as v from "valibot";
import type { Native } from "../../native/index.ts";
import type { PassedFiles } from "../../urpc/passed-files.ts";
import { DESCRIPTORS_MAX } from "../../urpc/protocol.ts";
import type { Container } from "../boot/container.ts";
import { ContainerError } from "../boot/errors.ts";
import type { Sandbox } from "../boot/sandbox.ts";
import { parseConfig } from "../config/config-document.ts";
import { containerIdProblem } from "../config/container-id.ts";
import { parseArgument } from "./argument.ts";
import { markStarted } from "./phase.ts";
import type { Readiness } from "./readiness.ts";
import { Session } from "./session.ts";

const createSchema = v.strictObject({
  CID: v.string(),
  Config: v.unknown(),
  /** How many of the descriptors the program gets as 3, 4, ... */
  Preserved: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(DESCRIPTORS_MAX)), 0),
});

// What comes with it, in this order; then what is preserved; then its connections.
const STREAMS = 3;
const SESSION = STREAMS;
const PHASE = SESSION + 1;
const FIRST_PRESERVED = PHASE + 1;

export interface SubcontainerOptions {
  readonly native: Native;
  readonly readiness: Readiness;
  readonly sandbox: Sandbox;
}

/** Errors: WvisorError, in the words of gVisor where it has any (D18-02). */
export async function createSubcontainer(
  options: SubcontainerOptions,
  arg: unknown,
  files: PassedFiles,
): Promise<void> {
  const { native, readiness, sandbox } = options;
  if (arg === null) throw new ContainerError("start missing arguments");
  const { CID, Config, Preserved } = parseArgument(createSchema, arg);
  if (CID === "") throw new ContainerError("start argument missing container ID");
  const problem = containerIdProblem(CID);
  if (problem !== undefined) throw new ContainerError(problem);
  const config = { ...parseConfig(Config), id: CID };
  const firstConnection = FIRST_PRESERVED + Preserved;
  if (files.count < firstConnection) {
    throw new ContainerError(`a container needs ${firstConnection} descriptors, got ${files.count}`);
  }
  // Its creator may have heard already that the last one of that id has ended.
  await sandbox.vacated(CID);
  let container: Container | undefined;
  const session = new Session(native, readiness, files.take(SESSION), {
    signal: (number) => container?.signalFirst(number),
    // Nobody is left who could tell how it ended.
    hangUp: () => void sandbox.remove(CID).catch(() => {}),
  });
  try {
    const phase = files.get(PHASE);
    const streams = [...takeRange(files, 0, STREAMS), ...takeRange(files, FIRST_PRESERVED, firstConnection)];
    const io = takeRange(files, firstConnection, files.count);
    const added = sandbox.add(config, { streams, io }, () => markStarted(native, phase));
    container = added.container;
    await added.created;
    files.take(PHASE);
    void container.exited.then((code) => {
      native.close(phase);
      session.exit(code);
    });
  } catch (error) {
    session.close();
    throw error;
  }
}

function takeRange(files: PassedFiles, from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => files.take(from + index));
}
