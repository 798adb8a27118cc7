// A gofer through windows of shared memory: the tests of its sessions once more, and what only windows have.

import { describe } from "vitest";
import { transport } from "../support/gofer.ts";

transport.windows = true;

const SAME = ["session", "files", "changes", "walk", "extension", "lock", "xattr", "escape", "mounts"];

describe.each(SAME)("through a window, %s:", async (name) => {
  await import(`./${name}.test.ts`);
});
