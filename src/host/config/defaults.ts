// What a sandbox has when nobody says otherwise.

import {
  CAP_CHOWN,
  CAP_DAC_OVERRIDE,
  CAP_FOWNER,
  CAP_FSETID,
  CAP_MKNOD,
  CAP_SYS_CHROOT,
} from "../../../assembly/abi/capability.ts";
import type { TmpfsSource } from "./sandbox-config.ts";

export const DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin";
export const DEFAULT_HOME = "/";
export const DEFAULT_HOSTNAME = "wvisor";
/** OCI's and docker's. */
export const DEFAULT_UMASK = 0o022;
/** Where runtimes are mounted; DEFAULT_PATH looks here first. */
export const RUNTIME_DIRECTORY = "/usr/local/bin";

/** Of the capabilities that docker gives to root by default, those that the kernel knows. */
export const ROOT_CAPABILITIES: bigint = [
  CAP_CHOWN,
  CAP_DAC_OVERRIDE,
  CAP_FOWNER,
  CAP_FSETID,
  CAP_SYS_CHROOT,
  CAP_MKNOD,
].reduce((mask, bit) => mask | (1n << BigInt(bit)), 0n);

/** tmpfs as mount(8) makes it without options. */
export const DEFAULT_TMPFS: TmpfsSource = {
  type: "tmpfs",
  readonly: false,
  mode: 0o1777,
  uid: 0,
  gid: 0,
  sizeBytes: 0,
};

/** Twelve hexadecimal digits, as docker's short ids. A name that need not be secret: Math.random saves loading node:crypto. */
export function randomId(): string {
  const digits = () => Math.floor(Math.random() * 0x1000000).toString(16);
  return digits().padStart(6, "0") + digits().padStart(6, "0");
}
