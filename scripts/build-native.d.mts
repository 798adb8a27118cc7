/** Builds what is older than its sources. Returns the names of the files that it made. */
export function buildNative(): string[];
