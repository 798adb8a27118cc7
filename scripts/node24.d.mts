export function node24(): Promise<string | undefined>;
