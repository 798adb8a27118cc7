// The suite over the machine's own file system: what is expected elsewhere is what happens here.

import { LINUX_CAPABILITIES, makeLinuxBackend } from "../../support/linux-fs.ts";
import { fsSuite } from "./suite.ts";

fsSuite("linux", LINUX_CAPABILITIES, makeLinuxBackend);
