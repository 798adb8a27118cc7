// The kernel's code, read and compiled once for all sandboxes of this process.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { builtFile } from "../common/build-folder.ts";
import { kernelFile, loadKernelModules } from "../host/boot/files.ts";
import type { KernelModules } from "../host/kernel/instance.ts";

let modules: KernelModules | undefined;
let digest: string | undefined;

/** Errors: WvisorError. */
export function kernelModules(): KernelModules {
  modules ??= loadKernelModules();
  return modules;
}

/** SHA-256 in hexadecimal digits. */
export function kernelDigest(): string {
  digest ??= createHash("sha256")
    .update(readFileSync(builtFile(kernelFile(kernelModules().provider))))
    .digest("hex");
  return digest;
}
