import type { BuildOptions } from "esbuild";

/** How every bundle of the package is made. */
export const BUNDLE: BuildOptions & { write?: boolean };
export const FUNCTIONS: Readonly<Record<string, string>>;
/** The sources of the library, by subpath. */
export const LIBRARY: Readonly<Record<string, string>>;
export function asFunction(text: string): string;
