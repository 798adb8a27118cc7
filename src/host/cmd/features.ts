// wvisor features: what config.json may ask for (OCI runtime specification, "Features Structure").

import { VERSION } from "../../common/version.ts";
import { knownMountOptions } from "../config/mount-options.ts";
import { NAMESPACES } from "../container/anchor.ts";
import { CAPABILITY_NAMES } from "../spec/capabilities.ts";
import type { Command } from "./command.ts";
import { OCI_EXIT_CODES } from "./oci.ts";

const USAGE = `Usage: wvisor features

Prints what this runtime implements, as JSON (OCI runtime specification).

Exit code: 0.
`;

export const featuresCommand: Command = {
  name: "features",
  summary: "Print what config.json may ask for",
  usage: USAGE,
  flags: {},
  operandsEndFlags: false,
  exitCodes: OCI_EXIT_CODES,
  run({ output }) {
    output.out(`${JSON.stringify(features(), undefined, 2)}\n`);
    return 0;
  },
};

const HOOKS = ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"];

/** In the form of runc 1.1. A guest makes no system calls, so that no filter and no label is for it. */
function features(): object {
  return {
    ociVersionMin: "1.0.0",
    ociVersionMax: "1.1.0",
    hooks: HOOKS,
    mountOptions: knownMountOptions(),
    linux: {
      namespaces: NAMESPACES,
      capabilities: CAPABILITY_NAMES.map((name) => `CAP_${name}`),
      cgroup: { v1: true, v2: true, systemd: true, systemdUser: false },
      seccomp: { enabled: false },
      apparmor: { enabled: false },
      selinux: { enabled: false },
    },
    annotations: {
      "dev.wvisor.version": VERSION,
      "org.opencontainers.runc.checkpoint.enabled": "false",
    },
  };
}
