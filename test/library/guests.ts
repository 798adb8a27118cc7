// Small programs for tests of the library.

import { pathToFileURL } from "node:url";
import { buildGuests, guestFile } from "../support/guests.ts";

const NAMES = [
  "hello",
  "spin",
  "stdin-copy",
  "exit-code",
  "echo-args-env",
  "write",
  "cat",
  "limits",
  "block",
];

export async function guests(): Promise<(name: string) => URL> {
  await buildGuests(NAMES);
  return (name) => pathToFileURL(guestFile(name));
}
