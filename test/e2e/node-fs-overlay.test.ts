// The conformance suite for node:fs over an overlay of the portable kernel.

import { makeOverlaySubject } from "../conformance/node-fs/subjects/memory.ts";
import { type KnownFailures, nodeFsSuite } from "../conformance/node-fs/suite.ts";

const statfs = "it says of itself that it is an overlay, as Linux's does; Node runs in a tmpfs";
const KNOWN: KnownFailures = Object.fromEntries(
  ["sync", "callback", "promise"].map((form) => [
    `attributes: statfs, with numbers and bigints (${form})`,
    statfs,
  ]),
);

nodeFsSuite("wvisor/fs, an overlay", makeOverlaySubject, KNOWN);
