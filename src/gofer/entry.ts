// What node is started with as the gofer: the rest is a bundle of its own, whose code need not be compiled.

import { runBundle } from "../start/bundle.ts";

// The build names it: main.ts.
runBundle("gofer-server");
