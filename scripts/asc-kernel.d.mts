export const root: string;
export function compileKernel(
  entry: string,
  options?: { target?: string; args?: string[] },
): Promise<Map<string, Uint8Array>>;
