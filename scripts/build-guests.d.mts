export function buildGuests(names?: Iterable<string>): Promise<Map<string, Uint8Array<ArrayBuffer>>>;
export function guestFile(name: string): string;
