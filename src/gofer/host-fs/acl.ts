// POSIX access control lists, as they follow a file's attributes.
//
// The client checks by them, so that it is told of them with everything else: a file that has none costs a system call here
// and no message. File systems without lists are asked once.

import { E2BIG, EMSGSIZE, EOPNOTSUPP, ERANGE } from "../../../assembly/abi/errno.ts";
import { P9_ACL_MAX } from "../../../assembly/abi/p9.ts";
import { S_IFDIR, S_IFLNK } from "../../../assembly/abi/stat.ts";
import type { Encoder } from "../../p9/server/encoder.ts";
import { SLOT } from "../arena.ts";
import type { HostFs } from "./host-fs.ts";
import type { HostNode } from "./host-node.ts";

/** Both lists with their lengths. */
const LISTS_MAX = 2 * (2 + P9_ACL_MAX);
const MINOR_END = 1 << 20;

/** Tree.putAcls(). Errors besides: E2BIG when the lists are longer than a client has to take. */
export function putAcls(host: HostFs, node: HostNode, reply: Encoder, limit: number): number {
  const device = node.deviceMajor * MINOR_END + node.deviceMinor;
  if (node.type === S_IFLNK || host.withoutAcls.has(device)) return -EOPNOTSUPP;
  const capacity = Math.min(limit - reply.position, LISTS_MAX);
  const isDirectory = node.type === S_IFDIR ? 1 : 0;
  const { native, procSelfFd } = host;
  const length = native.posixAcls(procSelfFd, node.fd, SLOT, reply.position, capacity, isDirectory);
  if (length === -EOPNOTSUPP) host.withoutAcls.add(device);
  if (length === -ERANGE) return capacity < LISTS_MAX ? -EMSGSIZE : -E2BIG;
  if (length < 0) return length;
  reply.skip(length);
  return 0;
}
