// A file's attributes in a reply, with its access control lists where the client knows these.

import { EMSGSIZE, EOPNOTSUPP } from "../../../../assembly/abi/errno.ts";
import { P9_ATTR_SIZE, P9_GETATTR_ACLS } from "../../../../assembly/abi/p9.ts";
import type { Encoder } from "../encoder.ts";
import { REPLY } from "../memory.ts";
import type { Session } from "../session.ts";
import type { TreeNode } from "../tree-node.ts";

/**
 * Appends the attributes of `node`, which the tree has at hand, and its lists `withAcls`. Returns 0; or -errno, and nothing is
 * appended: EMSGSIZE when the message is too small.
 */
export function putFile(
  session: Session,
  node: TreeNode,
  reply: Encoder,
  withAcls = session.extended,
): number {
  const { tree } = session;
  const head = reply.position;
  const limit = REPLY + session.messageSize;
  // Lists in front of these may have left no room.
  if (limit - head < P9_ATTR_SIZE) return -EMSGSIZE;
  tree.putAttributes(reply);
  if (!withAcls) return 0;
  const status = tree.putAcls(node, reply, limit);
  if (status === -EOPNOTSUPP) return 0;
  if (status < 0) {
    reply.position = head;
    return status;
  }
  const { view } = tree.memory;
  view.setUint32(head, view.getUint32(head, true) | P9_GETATTR_ACLS, true);
  return 0;
}
