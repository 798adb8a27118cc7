// Where the build put the kernel, seen from the sources or from a bundle in build/.

import { readFileSync } from "node:fs";
import { builtFile } from "../../common/build-folder.ts";
import { WvisorError } from "../../common/errors.ts";
import { bestProvider, type GuestMemoryProvider, type KernelModules } from "../kernel/instance.ts";
import { compileTrusted } from "./engine.ts";

function compile(name: string): WebAssembly.Module {
  const file = builtFile(name);
  try {
    return compileTrusted(readFileSync(file));
  } catch (cause) {
    throw new WvisorError(
      "ERR_WVISOR_KERNEL",
      `loading the kernel: ${file}: ${(cause as Error).message}`,
      125,
      {
        cause,
      },
    );
  }
}

/** The name of the kernel's file for `provider`. */
export function kernelFile(provider: GuestMemoryProvider, debug = false): string {
  if (provider === "merged") return "kernel-merged.wasm";
  return debug ? "kernel-debug.wasm" : "kernel.wasm";
}

/** Compiles the kernel for `provider`, the engine's best unless told otherwise. `debug`: with assertions. */
export function loadKernelModules(
  provider: GuestMemoryProvider = bestProvider(),
  debug = false,
): KernelModules {
  return {
    provider,
    kernel: compile(kernelFile(provider, debug)),
    peek: provider === "peek" ? compile("guest-peek.wasm") : undefined,
  };
}
