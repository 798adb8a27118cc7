export function otherNode(major: 22 | 24 | 26): Promise<string | undefined>;
