// A SandboxConfig as text, from the process that made it to the one that boots it.

import { readFileSync } from "node:fs";
import type { SandboxConfig } from "./sandbox-config.ts";

const HEXADECIMAL = 16;

export function encodeConfig(config: SandboxConfig): string {
  const { process } = config;
  const capabilities = process.capabilities.toString(HEXADECIMAL);
  return JSON.stringify({ ...config, process: { ...process, capabilities } });
}

/** What encodeConfig() made, and nobody else could change. */
export function readConfig(fd: number): SandboxConfig {
  const config = JSON.parse(readFileSync(fd, "utf8"));
  const { process } = config;
  return { ...config, process: { ...process, capabilities: BigInt(`0x${process.capabilities}`) } };
}
