// Global set-up of the end-to-end suites: they run what is in build/, which must be what the sources say.

import { build } from "../../scripts/build.mjs";

export default build;
