export function codeOf(source: string, filename: string): Buffer;
