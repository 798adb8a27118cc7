import type { BuildOptions } from "esbuild";

/** How every bundle of the package is made. */
export const BUNDLE: BuildOptions & { write?: boolean };
export function build(): Promise<void>;
