// Extended attributes of the host's files.
//
// Which ones. Whatever the client asks for in the namespaces that file systems store (user, trusted, security, and the two
// POSIX ACLs) goes to the host, which allows what the gofer's capabilities allow. Who in the sandbox may ask is the client's
// to say, as it is for mode bits. Other names are EOPNOTSUPP: what lies behind them is made up by the host's kernel.

import { EOPNOTSUPP } from "../../../assembly/abi/errno.ts";

const NAMESPACES = ["user.", "trusted.", "security."];
const ACLS = ["system.posix_acl_access", "system.posix_acl_default"];

/** 0 for the name of an attribute that may be asked for, else -EOPNOTSUPP. */
export function checkName(name: Uint8Array): number {
  const text = Buffer.from(name).toString("latin1");
  const isStored = NAMESPACES.some((prefix) => text.startsWith(prefix)) || ACLS.includes(text);
  return isStored ? 0 : -EOPNOTSUPP;
}
