// Arguments of calls over the control socket: whatever a client sends.

import * as v from "valibot";
import { ContainerError } from "../boot/errors.ts";

/** Errors: ContainerError that names what is wrong. */
export function parseArgument<T extends v.GenericSchema>(schema: T, value: unknown): v.InferOutput<T> {
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) return result.output;
  const issue = result.issues[0];
  const path = v.getDotPath(issue);
  throw new ContainerError(`argument${path === null ? "" : ` ${path}`}: ${issue.message}`);
}
