export function buildGuests(names?: Iterable<string>): Promise<Map<string, Uint8Array>>;
export function guestFile(name: string): string;
