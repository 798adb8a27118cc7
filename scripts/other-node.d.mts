/** 20 is there where it is what runs. */
export function otherNode(major: 20 | 22 | 24 | 26): Promise<string | undefined>;
